// SPDX-License-Identifier: BSD-2-Clause
/* From raw samples to sites: what each stands for, and that nothing of it is lost. No object is
 * ever asked for, so there is no server. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sym/sites.h"

#define PID 7

#define FRAMES_MAX 64

/* What came out. */
static struct {
	struct ev_site sites[100000];
	size_t n, n_stacks, n_notes, n_frames;
	uint64_t samples;
	char frames[FRAMES_MAX][64]; /* "function object flags" */
	char stack[8192];	     /* the last one: its frames, each with a ';' */
	uint32_t stack_end;
} out;

static void take_frame(const struct ev_frame *f)
{
	const char *function = f->text, *file = function + strlen(function) + 1,
		   *object = file + strlen(file) + 1;

	cr_assert_eq(f->id, ++out.n_frames);
	if (f->id <= FRAMES_MAX)
		snprintf(out.frames[f->id - 1], sizeof(*out.frames), "%s %s %u", function, object,
			 f->flags);
}

static void take_stack(const struct ev_stack *s)
{
	out.n_stacks++;
	out.stack[0] = '\0';
	out.stack_end = s->end;
	for (size_t i = 0; i < s->n && out.n_frames <= FRAMES_MAX; i++) {
		strcat(out.stack, out.frames[s->frames[i] - 1]);
		strcat(out.stack, ";");
	}
}

static int take_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	cr_assert(event_is_valid(ev, ev->size));
	if (ev->kind == EV_FRAME)
		take_frame((const struct ev_frame *)ev);
	if (ev->kind == EV_STACK)
		take_stack((const struct ev_stack *)ev);
	out.n_notes += ev->kind == EV_TEXT;
	if (ev->kind != EV_SITE)
		return 0;
	out.sites[out.n++] = *(const struct ev_site *)ev;
	out.samples += out.sites[out.n - 1].samples;
	return 0;
}

static void no_progress(void *ctx, size_t done, size_t all)
{
	(void)ctx;
	cr_assert_lt(done, all);
}

static struct sites *s;
static struct code_sink sink;

static char symbols[64]; /* the path of a list of the kernel's symbols */

#define KERNEL 0xffffffff81000000

static const char some_symbols[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000100 t bpf_prog_1_f\t[bpf]\n"
				   "ffffffff81000200 T __schedule\n"
				   "ffffffff81000300 T folio_wait_bit\n"
				   "ffffffff81000400 t ext4_file_read_iter\n"
				   "ffffffff81000500 T __x64_sys_read\n"
				   "ffffffff81000600 T entry_SYSCALL_64_after_hwframe\n"
				   "ffffffff81000700 D some_data\n"
				   "ffffffffc0000000 t xfs_file_fsync\t[xfs]\n";

static void begin(const char *list)
{
	FILE *f;

	snprintf(symbols, sizeof(symbols), "/tmp/concprof-test-%d.symbols", getpid());
	f = fopen(symbols, "w");
	cr_assert_not_null(f);
	cr_assert_geq(fputs(list, f), 0);
	cr_assert_eq(fclose(f), 0);
	s = sites_new(NULL, symbols);
	sink = sites_sink(s);
	sites_follow(s, PID);
}

static void setup(void)
{
	begin(some_symbols);
}

static void teardown(void)
{
	sites_free(s);
	unlink(symbols);
}

TestSuite(collected, .init = setup, .fini = teardown);

static void finish(void)
{
	memset(&out, 0, sizeof(out));
	cr_assert_eq(sites_finish(s, take_event, no_progress, NULL), 0);
}

/* Code of no file, so that each address is a place of its own. */
static void map_memory(void)
{
	struct mapping m = { .what = MAPPING_FILE,
			     .at = 1,
			     .pid = PID,
			     .start = 0x10000,
			     .end = 0x1000000,
			     .path = "//anon" };

	cr_assert_eq(sink.mapping(sink.ctx, &m), 0);
}

static struct code_stack raw(enum code_what what, uint64_t thread, uint64_t pc)
{
	static struct code_stack stack;

	memset(&stack, 0, offsetof(struct code_stack, bytes));
	stack.what = what;
	stack.at = 2;
	stack.thread_id = stack.process_id = thread;
	stack.pid = PID;
	stack.weight = 1;
	for (int i = 0; i < CODE_REGS; i++)
		stack.regs[i] = 0;
#if defined(__x86_64__)
	stack.regs[16] = pc;
#else
	stack.regs[32] = pc;
#endif
	return stack;
}

static void wait_begins(uint64_t thread, uint32_t weight, uint64_t ns, uint32_t count)
{
	struct code_stack stack = raw(CODE_WAIT, thread, 0x20000);

	stack.cause = CAUSE_LOCK_MUTEX;
	stack.weight = weight;
	stack.cause_ns = ns;
	stack.cause_count = count;
	cr_assert_eq(sink.stack(sink.ctx, &stack), 0);
}

static void wait_under(uint64_t thread, uint64_t ns, struct lock_key held)
{
	struct code_waited w = { CODE_WAITED, ROW_LOCK, thread, ns, held, 0, 0 };

	cr_assert_eq(sink.waited(sink.ctx, &w), 0);
}

static void wait_ends(uint64_t thread, uint64_t ns)
{
	wait_under(thread, ns, (struct lock_key){ 0 });
}

/* Its ledger at the end: so many waits for the mutex, of so long. */
static void thread_at_end(uint64_t id, uint32_t flags, uint64_t ns, uint64_t count)
{
	static struct ev_thread t;

	memset(&t, 0, sizeof(t));
	t.head.kind = EV_THREAD;
	t.head.size = sizeof(t);
	t.id = id;
	t.pid = PID;
	t.flags = flags;
	t.open_row = flags & THREAD_OPEN_WAIT ? ROW_LOCK : 0;
	t.ledger.cause[CAUSE_LOCK_MUTEX].ns = ns;
	t.ledger.cause[CAUSE_LOCK_MUTEX].count = count;
	cr_assert_eq(sites_event(s, &t.head), 0);
}

Test(collected, a_sample_stands_for_its_weight)
{
	wait_begins(1, 4, 0, 1);
	wait_ends(1, 100);
	wait_begins(1, 1, 100, 5);
	wait_ends(1, 700);
	finish();
	cr_assert_eq(out.n, 1);
	cr_expect_eq(out.sites[0].samples, 2);
	cr_expect_eq(out.sites[0].waits, 5);
	cr_expect_eq(out.sites[0].ns, 4 * 100 + 700);
	cr_expect_eq(out.sites[0].max_ns, 700);
	cr_expect_eq(out.sites[0].cause, CAUSE_LOCK_MUTEX);
	cr_expect_eq(out.sites[0].row, ROW_LOCK);
}

Test(collected, threads_are_told_apart)
{
	wait_begins(1, 1, 0, 1);
	wait_begins(2, 1, 0, 1);
	wait_ends(2, 20);
	wait_ends(1, 10);
	finish();
	cr_assert_eq(out.n, 2);
	cr_expect_eq(out.sites[0].thread_id, 2);
	cr_expect_eq(out.sites[0].ns, 20);
	cr_expect_eq(out.sites[1].ns, 10);
	cr_expect_eq(out.n_stacks, 1);
}

Test(collected, what_was_held_meanwhile_tells_sites_apart)
{
	struct code_stack running = raw(CODE_CPU, 1, 0x20000);

	wait_begins(1, 1, 0, 1);
	wait_under(1, 10, (struct lock_key){ 5, 64 });
	wait_begins(1, 1, 10, 2);
	wait_under(1, 20, (struct lock_key){ 0, 64 }); /* let go: the word is a left-over */
	running.held = (struct lock_key){ 5, 64 };
	cr_assert_eq(sink.stack(sink.ctx, &running), 0);
	finish();
	cr_assert_eq(out.n, 3);
	cr_expect_eq(out.sites[0].held.word, 64);
	cr_expect_eq(out.sites[1].held.word, 0);
	cr_expect_eq(out.sites[2].held.space, 5);
}

Test(collected, a_wait_that_is_open_counts_up_to_the_end)
{
	wait_begins(1, 2, 50, 3);
	thread_at_end(1, THREAD_OPEN_WAIT, 1050, 3);
	finish();
	cr_assert_eq(out.n, 1);
	cr_expect_eq(out.sites[0].ns, 2 * 1000);
	cr_expect_eq(out.sites[0].row, ROW_LOCK);
}

Test(collected, one_that_has_ended_and_led_to_no_switch_is_of_no_known_row)
{
	wait_begins(1, 1, 50, 3);
	thread_at_end(1, 0, 150, 3);
	finish();
	cr_assert_eq(out.n, 1);
	cr_expect_eq(out.sites[0].ns, 100);
	cr_expect_eq(out.sites[0].row, ROW_UNKNOWN);
}

/* Other waits have been added to its time since: it is not known what it was. */
Test(collected, a_lost_end_is_no_long_wait)
{
	wait_begins(1, 64, 0, 1);
	thread_at_end(1, 0, 30 * 1000000000ull, 31);
	finish();
	cr_expect_eq(out.n, 0);
}

Test(collected, after_a_lost_end_the_next_sample_is_good)
{
	wait_begins(1, 64, 0, 1);
	wait_begins(1, 1, 5000, 9);
	wait_ends(1, 10);
	finish();
	cr_assert_eq(out.n, 1);
	cr_expect_eq(out.sites[0].ns, 10);
	cr_expect_eq(out.sites[0].waits, 1);
}

/* Its ledger comes by another ring. */
Test(collected, the_last_wait_of_one_that_died_comes_after_its_ledger)
{
	wait_begins(1, 1, 0, 1);
	thread_at_end(1, THREAD_ENDED | THREAD_GROUP_DEAD, 400, 1);
	wait_ends(1, 400);
	finish();
	cr_assert_eq(out.n, 1);
	cr_expect_eq(out.sites[0].ns, 400);
}

Test(collected, an_end_without_a_beginning_is_nothing)
{
	wait_ends(1, 400);
	finish();
	cr_expect_eq(out.n, 0);
}

Test(collected, too_many_stacks_lose_no_sample)
{
	map_memory();
	for (uint64_t i = 0; i < 70000; i++) {
		struct code_stack stack = raw(CODE_CPU, 1, 0x10000 + i);

		cr_assert_eq(sink.stack(sink.ctx, &stack), 0);
	}
	finish();
	cr_expect_eq(out.samples, 70000);
	cr_expect_leq(out.n_stacks, 65537);
	cr_expect_leq(out.n, 32768 + 1);
}

Test(collected, too_many_threads_lose_no_sample)
{
	for (uint64_t i = 1; i <= 40000; i++) {
		struct code_stack stack = raw(CODE_CPU, i, 0x20000);

		cr_assert_eq(sink.stack(sink.ctx, &stack), 0);
	}
	finish();
	cr_expect_eq(out.samples, 40000);
	cr_expect_leq(out.n, 32768 + 1);
	cr_expect_eq(out.sites[out.n - 1].thread_id, 0, "those that came later, together");
}

Test(collected, what_no_probe_says_is_refused)
{
	struct code_stack stack = raw(CODE_WAIT, 1, 0x20000);

	stack.cause = CAUSE_COUNT;
	cr_expect_lt(sink.stack(sink.ctx, &stack), 0);
	stack.cause = CAUSE_LOCK_MUTEX;
	stack.weight = 0;
	cr_expect_lt(sink.stack(sink.ctx, &stack), 0);
}

/* --- the kernel's part of a stack ------------------------------------------------ */

/* Of a wait all are addresses that are returned to: those behind a call. */
static const uint64_t in_read[] = { KERNEL + 0x180, KERNEL + 0x280, KERNEL + 0x310,
				    KERNEL + 0x410, KERNEL + 0x510, KERNEL + 0x610 };
#define IN_READ (sizeof(in_read) / sizeof(*in_read))

static const char *told(enum code_what what, const uint64_t *kernel, size_t n)
{
	struct code_stack stack = raw(what, 1, 0x20000);

	stack.in_kernel = what == CODE_CPU;
	stack.n_kernel = n;
	memcpy(stack.kernel, kernel, n * sizeof(*kernel));
	cr_assert_eq(sink.stack(sink.ctx, &stack), 0);
	if (what == CODE_WAIT)
		wait_ends(1, 1);
	finish();
	return out.stack;
}

Test(collected, what_waits_and_how_it_came_there_is_left_out)
{
	cr_expect_str_eq(told(CODE_WAIT, in_read, IN_READ),
			 "folio_wait_bit [kernel] 2;ext4_file_read_iter [kernel] 2;"
			 "__x64_sys_read [kernel] 2;  0;");
	cr_expect_eq(out.n_notes, 0);
}

/* ... but the scheduler computes, too. */
Test(collected, of_computing_only_how_it_came_there)
{
	cr_expect_str_eq(told(CODE_CPU, in_read + 1, IN_READ - 1),
			 "__schedule [kernel] 2;folio_wait_bit [kernel] 2;"
			 "ext4_file_read_iter [kernel] 2;__x64_sys_read [kernel] 2;  0;");
}

Test(collected, the_scheduler_is_left_out_at_the_inner_end_only)
{
	const uint64_t kernel[] = { KERNEL + 0x280, KERNEL + 0x410, KERNEL + 0x290 };

	cr_expect_str_eq(told(CODE_WAIT, kernel, 3),
			 "ext4_file_read_iter [kernel] 2;__schedule [kernel] 2;  0;");
}

/* The first of a sample of the clock is where it was; the others are behind a call, which may be
 * the last of its function. */
Test(collected, addresses_that_are_returned_to)
{
	const uint64_t kernel[] = { KERNEL + 0x400, KERNEL + 0x400 };

	cr_expect_str_eq(told(CODE_CPU, kernel, 2),
			 "ext4_file_read_iter [kernel] 2;folio_wait_bit [kernel] 2;  0;");
}

Test(collected, a_module_is_named)
{
	const uint64_t kernel[] = { 0xffffffffc0000008 };

	cr_expect_str_eq(told(CODE_CPU, kernel, 1), "xfs_file_fsync [kernel:xfs] 2;  0;");
}

Test(collected, data_is_no_function)
{
	const uint64_t kernel[] = { KERNEL + 0x710, KERNEL + 0x720, KERNEL + 0x410 };

	cr_expect_str_eq(told(CODE_CPU, kernel, 3),
			 " [kernel] 2;ext4_file_read_iter [kernel] 2;  0;");
}

Test(collected, what_is_no_address_of_the_kernel_has_no_name)
{
	const uint64_t kernel[] = { 0x1000, 0, KERNEL + 0x410 };

	cr_expect_str_eq(told(CODE_CPU, kernel, 3),
			 " [kernel] 2;ext4_file_read_iter [kernel] 2;  0;");
}

/* The outer ones did not fit. */
Test(collected, more_calls_than_were_copied)
{
	uint64_t kernel[CODE_KERNEL];

	for (int i = 0; i < CODE_KERNEL; i++)
		kernel[i] = KERNEL + (i ? 0x280 : 0x410);
	told(CODE_CPU, kernel, CODE_KERNEL);
	cr_expect(strstr(out.stack, ";__schedule [kernel] 2; [kernel] 2;  0;"), "%s", out.stack);
	cr_expect_eq(out.stack_end, STACK_NO_RULE);
}

Test(collected, one_that_is_in_the_kernel_without_addresses)
{
	cr_expect_str_eq(told(CODE_CPU, in_read, 0), " [kernel] 2;  0;");
	cr_expect_eq(out.n_notes, 0, "nobody asked for a name");
}

/* As without privileges, or by kptr_restrict. */
static void hidden(void)
{
	begin("0000000000000000 T __schedule\n0000000000000000 t ext4_file_read_iter\n");
}

Test(hidden, computing_is_in_the_kernel, .init = hidden, .fini = teardown)
{
	cr_expect_str_eq(told(CODE_CPU, in_read, IN_READ), " [kernel] 2;  0;");
	cr_expect_eq(out.n_notes, 1);
}

Test(hidden, waits_are_as_they_were, .init = hidden, .fini = teardown)
{
	cr_expect_str_eq(told(CODE_WAIT, in_read, IN_READ), "  0;");
	cr_expect_eq(out.n_notes, 1);
}

Test(hidden, there_may_be_no_list, .init = setup, .fini = teardown)
{
	sites_free(s);
	s = sites_new(NULL, "/nonexistent");
	sink = sites_sink(s);
	sites_follow(s, PID);
	cr_expect_str_eq(told(CODE_CPU, in_read, IN_READ), " [kernel] 2;  0;");
	cr_expect_eq(out.n_notes, 1);
}
