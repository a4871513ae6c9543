// SPDX-License-Identifier: BSD-2-Clause
/* From raw samples to sites: what each stands for, and that nothing of it is lost. No object is
 * ever asked for, so there is no server. */
#include <criterion/criterion.h>
#include <string.h>

#include "sym/sites.h"

#define PID 7

/* What came out. */
static struct {
	struct ev_site sites[100000];
	size_t n, n_stacks;
	uint64_t samples;
} out;

static int take_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	cr_assert(event_is_valid(ev, ev->size));
	out.n_stacks += ev->kind == EV_STACK;
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

static void setup(void)
{
	s = sites_new(NULL);
	sink = sites_sink(s);
	sites_follow(s, PID);
}

static void teardown(void)
{
	sites_free(s);
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

static void wait_ends(uint64_t thread, uint64_t ns)
{
	struct code_waited w = { CODE_WAITED, ROW_LOCK, thread, ns };

	cr_assert_eq(sink.waited(sink.ctx, &w), 0);
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
