// SPDX-License-Identifier: BSD-2-Clause
/* Places in the code: what the model takes, and whose time it was. */
#include <errno.h>

#include "analysis/internal.h"
#include "any.h"
#include "base/map.h"

#define EACH(all, i) for (size_t i = 0; i < sizeof(all) / sizeof(*(all)); i++)

/* --- what the model takes -------------------------------------------------------- */

/* Takes the event. */
static int offered(void *event)
{
	int err = model_builder_event(b, event);

	free(event);
	return err;
}

static int put_frame(uint32_t id, const char *function)
{
	return offered(frame(id, function, "", ""));
}

static int put_stack(uint32_t id, const uint32_t *frames, size_t n)
{
	return offered(stack(id, frames, n));
}

static void finish(void)
{
	m = model_builder_finish(b);
	f = findings_new(m);
}

Test(code, as_it_was_sent, .init = setup, .fini = teardown)
{
	struct ev_frame *inlined = frame(1, "g", "g.h", "/bin/x");
	struct ev_stack *cut = stack(2, (const uint32_t[]){ 1 }, 1);
	struct ev_site s = wait_site(7, 2, CAUSE_IO_TTY, 3, 9);

	inlined->line = 5;
	inlined->flags = FRAME_INLINED;
	cut->end = STACK_CUT;
	cut->flags = STACK_BY_FRAME_POINTER;
	cr_assert_eq(offered(inlined), 0);
	cr_assert_eq(put_frame(2, "f"), 0);
	cr_assert_eq(put_stack(1, (const uint32_t[]){ 1, 2, 1 }, 3), 0);
	cr_assert_eq(offered(cut), 0);
	put(&s);
	finish();
	cr_assert(m->n_frames == 2 && m->n_stacks == 2 && m->n_sites == 1);
	cr_expect_str_eq(m->frames[0].function, "g");
	cr_expect_str_eq(m->frames[0].file, "g.h");
	cr_expect_str_eq(m->frames[0].object, "/bin/x");
	cr_expect(m->frames[0].line == 5 && m->frames[0].flags == FRAME_INLINED);
	cr_expect_str_empty(m->frames[1].object);
	cr_expect(m->stacks[0].n == 3 && m->stacks[0].end == STACK_COMPLETE);
	cr_expect(m->stacks[0].frames[1] == 1 && m->stacks[0].frames[2] == 0);
	cr_expect(m->stacks[1].end == STACK_CUT && m->stacks[1].flags == STACK_BY_FRAME_POINTER);
	cr_expect(m->sites[0].thread_id == 7 && m->sites[0].stack == 1);
	cr_expect(m->sites[0].cause == CAUSE_IO_TTY &&
		  m->sites[0].row == row_of_cause(CAUSE_IO_TTY));
	cr_expect(m->sites[0].waits == 3 && m->sites[0].ns == 9);
}

/* Numbers come in order, and what is referred to before. */
Test(code, numbers_out_of_order, .init = setup, .fini = teardown)
{
	struct ev_site s = wait_site(1, 1, CAUSE_IO_TTY, 1, 1);
	const uint32_t none[] = { 0 }, first[] = { 1 }, second[] = { 1, 2 };

	cr_expect_eq(put_frame(2, "f"), -EINVAL);
	cr_expect_eq(put_stack(1, first, 1), -EINVAL);
	cr_assert_eq(put_frame(1, "f"), 0);
	cr_expect_eq(put_frame(1, "f"), -EINVAL);
	cr_expect_eq(put_frame(3, "f"), -EINVAL);
	cr_expect_eq(put_stack(1, none, 1), -EINVAL);
	cr_expect_eq(put_stack(1, second, 2), -EINVAL);
	cr_expect_eq(put_stack(2, first, 1), -EINVAL);
	cr_expect_eq(model_builder_event(b, &s.head), -EINVAL);
	cr_assert_eq(put_stack(1, first, 1), 0);
	cr_expect_eq(put_stack(1, first, 1), -EINVAL);
	cr_assert_eq(put_stack(2, NULL, 0), 0);
	cr_assert_eq(model_builder_event(b, &s.head), 0);
	s.stack = 3;
	cr_expect_eq(model_builder_event(b, &s.head), -EINVAL);
	finish();
	cr_expect(m->n_frames == 1 && m->n_stacks == 2 && m->n_sites == 1);
}

/* --- whose time it was ----------------------------------------------------------- */

/* Frames "f1" to "f<n>" of /bin/x, and a stack of each alone. */
static void put_functions(uint32_t n)
{
	for (uint32_t id = 1; id <= n; id++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", id);
		cr_assert_eq(offered(frame(id, name, "x.c", "/bin/x")), 0);
	}
	for (uint32_t id = 1; id <= n; id++)
		cr_assert_eq(put_stack(id, &id, 1), 0);
}

static void near(double got, double wanted)
{
	cr_assert_float_eq(got, wanted, 1e-9 * wanted + 1e-6, "%.9g, not %.9g", got, wanted);
}

Test(sites, have_their_share_of_the_ledger, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_site sites[] = {
		wait_site(1, 1, CAUSE_IO_DISK, 300, 30 * MS),
		wait_site(1, 2, CAUSE_IO_DISK, 100, 10 * MS),
		cpu_site(1, 1, 3),
		cpu_site(1, 2, 9),
	};

	waited(&t, CAUSE_IO_DISK, 80 * MS, 1000);
	waited(&t, CAUSE_TIMER_SLEEP, 20 * MS, 4);
	put(&t);
	put_functions(2);
	EACH(sites, i)
	put(&sites[i]);
	sites[0].samples = 5;
	finish();
	near(f->sites.ns[0], 60 * MS);
	near(f->sites.count[0], 750);
	near(f->sites.ns[1], 20 * MS);
	near(f->sites.ns[2], 225 * MS);
	near(f->sites.ns[3], 675 * MS);
	cr_expect_eq(f->sites.wait_ns, 100 * MS);
	cr_expect_eq(f->sites.sited_ns, 80 * MS);
	cr_expect_eq(f->sites.own_ns, 80 * MS);
	cr_expect_eq(f->sites.cpu_samples, 12);
	cr_expect_not(f->sites.is_sampled);
	cr_assert_eq(f->sites.n_unsited, 1);
	cr_expect(f->sites.unsited[0].cause == CAUSE_TIMER_SLEEP &&
		  f->sites.unsited[0].ns == 20 * MS && f->sites.unsited[0].count == 4);
	cr_assert(f->sites.n_waits == 2 && f->sites.n_cpu == 2);
	cr_expect_eq(f->sites.waits[0].samples, 300, "longest first");
	cr_expect_eq(f->sites.cpu[0].samples, 9, "most first");
}

Test(sites, sampled_if_one_stands_for_many, .init = setup, .fini = teardown)
{
	struct ev_site s = wait_site(1, 1, CAUSE_IO_DISK, 300, 30 * MS);

	s.samples = 5;
	put_thread(thread(1, 0, 0, 0, SECOND));
	put_functions(1);
	put(&s);
	finish();
	cr_expect(f->sites.is_sampled);
	near(f->sites.ns[0], 0); /* the ledger knows of none */
}

/* Sites of several threads have the time of those that have none of their own for this cause;
 * so have those of threads whose ledger is not there. */
Test(sites, of_several_threads, .init = setup, .fini = teardown)
{
	struct ev_site own = wait_site(1, 1, CAUSE_IO_DISK, 1, 7),
		       several = wait_site(0, 1, CAUSE_IO_DISK, 1, 10),
		       unknown = wait_site(99, 2, CAUSE_IO_DISK, 1, 30),
		       last = wait_site(UINT64_MAX, 2, CAUSE_IO_PIPE, 1, 1);
	struct ev_thread unsent = thread(9, 0, 9, 0, SECOND);

	for (uint64_t id = 1; id <= 3; id++) {
		struct ev_thread t = thread(id, 0, 0, 0, SECOND);

		waited(&t, CAUSE_IO_DISK, 100 * MS * id, 10);
		put(&t);
	}
	unsent.flags = THREAD_UNSENT;
	unsent.count = 2;
	waited(&unsent, CAUSE_IO_DISK, 100 * MS, 10);
	waited(&unsent, CAUSE_IO_PIPE, 50 * MS, 10);
	put(&unsent);
	put_functions(2);
	put(&own);
	put(&several);
	put(&unknown);
	put(&last);
	finish();
	near(f->sites.ns[0], 100 * MS);
	near(f->sites.ns[1], 150 * MS);
	near(f->sites.ns[2], 450 * MS);
	near(f->sites.count[2], 15);
	near(f->sites.ns[3], 50 * MS);
	cr_expect_eq(f->sites.wait_ns, 750 * MS);
	cr_expect_eq(f->sites.sited_ns, 750 * MS);
}

/* Waits that took no time, and a count that the ledger lacks: nothing twice, and nothing lost. */
Test(sites, of_no_time, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_site s = wait_site(1, 1, CAUSE_IO_DISK, 3, 0);

	waited(&t, CAUSE_IO_DISK, 10, 6);
	put(&t);
	put_functions(1);
	put(&s);
	finish();
	near(f->sites.ns[0], 0);
	near(f->sites.count[0], 6);
	cr_assert_eq(f->sites.n_unsited, 2);
	cr_expect(f->sites.unsited[0].what == SITE_CPU && f->sites.unsited[0].ns == SECOND - 10);
	cr_expect(f->sites.unsited[1].ns == 10 && !f->sites.unsited[1].count);
}

static double sum_of_sites(uint64_t thread_id, unsigned int what, unsigned int cause,
			   const double *of)
{
	double sum = 0;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if ((thread_id == MAP_NONE || s->thread_id == thread_id) && s->what == what &&
		    (what == SITE_CPU || s->cause == cause))
			sum += of[i];
	}
	return sum;
}

static double sum_of_unsited(const struct thread *t, unsigned int what, unsigned int cause)
{
	double sum = 0;

	for (size_t i = 0; i < f->sites.n_unsited; i++) {
		const struct unsited *u = &f->sites.unsited[i];

		if ((!t || u->thread == t) && u->what == what &&
		    (what == SITE_CPU || u->cause == cause))
			sum += u->ns;
	}
	return sum;
}

/* For each cause all of the ledgers' time is at a site or said to be at none; and a thread with
 * sites of its own has just its own time there. */
static void check_sums(void)
{
	for (unsigned int cause = 0; cause < CAUSE_COUNT; cause++) {
		near(sum_of_sites(MAP_NONE, SITE_WAIT, cause, f->sites.ns) +
			     sum_of_unsited(NULL, SITE_WAIT, cause),
		     f->totals.waits[cause].ns);
	}
	near(sum_of_sites(MAP_NONE, SITE_CPU, 0, f->sites.ns) + sum_of_unsited(NULL, SITE_CPU, 0),
	     f->totals.state_ns[TS_RUNNING]);
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		for (size_t k = 0; k < t->n_waits; k++) {
			double own = sum_of_sites(t->id, SITE_WAIT, t->waits[k].cause, f->sites.ns);

			if (own > 0)
				near(own + sum_of_unsited(t, SITE_WAIT, t->waits[k].cause),
				     t->waits[k].ns);
		}
	}
}

Test(sites, sums_of_any_stream)
{
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct rng rng = rng_seed(seed);

		b = model_builder_new();
		analyse_any(&rng);
		check_sums();
		teardown();
	}
}

/* --- functions of the program's own ---------------------------------------------- */

Test(own, functions)
{
	static const struct {
		const char *function, *object;
		uint32_t flags;
		bool is_own;
	} all[] = {
		{ "deposit", "/usr/bin/bank", 0, true },
		{ "deposit", "/usr/bin/bank", FRAME_INLINED, true },
		{ "deposit", "", 0, false }, /* of no file */
		{ "deposit", "/opt/app/libbank.so", 0, true },
		{ "", "/usr/bin/bank", 0, true }, /* without a name, if there is no other */
		{ "_start", "/usr/bin/bank", 0, false },
		{ "do_sys_open", "[kernel]", FRAME_KERNEL, false },
		{ "read", "/lib/x86_64-linux-gnu/libc.so.6", 0, false },
		{ "read", "/lib/ld-musl-x86_64.so.1", 0, false },
		{ "clock_gettime", "[vdso]", 0, false },
		{ "std::thread::park", "/usr/bin/rusty", 0, false },
		{ "<std::io::Stdin as Read>::read", "/usr/bin/rusty", 0, false },
		{ "runtime.futex", "/usr/bin/go", 0, false },
		{ "sync.(*Mutex).Lock", "/usr/bin/go", 0, false },
		{ "main.main", "/usr/bin/go", 0, true },
		{ "__lll_lock_wait", "/usr/bin/static", 0, false },
		{ "standing", "/usr/bin/x", 0, true },
	};

	EACH(all, i)
	{
		struct frame frames[] = { { "", "", "", 0, 0 },
					  { all[i].function, "", all[i].object, 0, all[i].flags } };
		struct model with = { .frames = frames, .n_frames = 2 };
		struct stack s = { .frames = (const uint32_t[]){ 0, 1 }, .n = 2 };

		cr_expect_eq(own_frame(&with, &s), all[i].is_own ? 1 : -1, "%s", all[i].function);
		s.n = 1;
		cr_expect_eq(own_frame(&with, &s), -1);
	}
}

Test(own, a_function_with_a_name_goes_before_one_without)
{
	struct frame frames[] = { { "read", "", "/lib/libc.so.6", 0, 0 },
				  { "", "", "/usr/bin/bank", 0, 0 },
				  { "deposit", "", "/usr/bin/bank", 0, 0 } };
	struct model with = { .frames = frames, .n_frames = 3 };
	struct stack s = { .frames = (const uint32_t[]){ 0, 1, 2 }, .n = 3 };

	cr_expect_eq(own_frame(&with, &s), 2);
}

/* One function in two lines is one; in two objects, or for two causes, it is two; and what is of
 * no function comes last. */
Test(hot, functions, .init = setup, .fini = teardown)
{
	static const uint32_t line_1[] = { 1 }, line_2[] = { 2, 1 }, elsewhere[] = { 3 };
	struct ev_frame *again = frame(2, "f", "x.c", "/bin/x");
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_site sites[] = {
		wait_site(1, 1, CAUSE_IO_DISK, 1, 10), wait_site(1, 2, CAUSE_IO_DISK, 2, 20),
		wait_site(1, 3, CAUSE_IO_DISK, 4, 29), wait_site(1, 1, CAUSE_IO_PIPE, 1, 5),
		wait_site(1, 4, CAUSE_IO_DISK, 8, 99),
	};

	again->line = 7;
	waited(&t, CAUSE_IO_DISK, 158, 15);
	waited(&t, CAUSE_IO_PIPE, 5, 1);
	put(&t);
	cr_assert_eq(offered(frame(1, "f", "x.c", "/bin/x")), 0);
	cr_assert_eq(offered(again), 0);
	cr_assert_eq(offered(frame(3, "f", "x.c", "/bin/y")), 0);
	cr_assert_eq(put_stack(1, line_1, 1) | put_stack(2, line_2, 2) |
			     put_stack(3, elsewhere, 1) | put_stack(4, NULL, 0),
		     0);
	EACH(sites, i)
	put(&sites[i]);
	finish();
	cr_assert_eq(f->sites.n_hot_waits, 4);
	const struct hot *h = f->sites.hot_waits;

	near(h[0].ns, 30);
	near(h[0].waits, 3);
	cr_expect(h[0].samples == 3 && h[0].max_ns == 20 && h[0].frame->line == 7);
	near(h[1].ns, 29);
	cr_expect_str_eq(h[1].frame->object, "/bin/y");
	cr_expect_eq(h[2].cause, CAUSE_IO_PIPE);
	cr_expect_null(h[3].frame);
	near(h[3].ns, 99);
}

/* --- what the kernel does --------------------------------------------------------- */

Test(kernel_part, the_outermost_function_that_is_no_layer)
{
	static const struct {
		const char *functions[5], *tells;
	} all[] = {
		{ { "folio_wait_bit", "ext4_sync_file", "do_fsync", "__x64_sys_fsync" },
		  "ext4_sync_file" },
		{ { "filemap_read", "xfs_file_read_iter", "vfs_read", "ksys_read" },
		  "xfs_file_read_iter" },
		{ { "rwsem_down_write_slowpath", "__vm_munmap", "__arm64_sys_munmap" },
		  "__vm_munmap" },
		{ { "clear_page_erms", "do_anonymous_page", "handle_mm_fault", "exc_page_fault" },
		  "do_anonymous_page" },
		{ { "tcp_recvmsg", "inet_recvmsg", "sock_recvmsg", "__sys_recvfrom" },
		  "tcp_recvmsg" },
		{ { "ep_poll", "do_epoll_wait", "__x64_sys_epoll_wait" }, NULL },
		{ { "" }, NULL }, /* without a name */
	};

	EACH(all, i)
	{
		struct frame frames[6] = { { "main", "", "/bin/x", 0, 0 } };
		uint32_t places[6];
		struct model with = { .frames = frames, .n_frames = 6 };
		struct stack s = { .frames = places };
		const struct frame *tells;

		for (; s.n < 5 && all[i].functions[s.n]; s.n++) {
			frames[s.n + 1] = (struct frame){ all[i].functions[s.n], "", "[kernel]", 0,
							  FRAME_KERNEL };
			places[s.n] = s.n + 1;
		}
		places[s.n++] = 0;
		cr_expect_eq(kernel_frames(&with, &s), s.n - 1);
		tells = kernel_frame(&with, &s);
		cr_expect_eq(!tells, !all[i].tells, "%zu", i);
		if (tells)
			cr_expect_str_eq(tells->function, all[i].tells);
		s.frames = &places[s.n - 1];
		s.n = 1;
		cr_expect_null(kernel_frame(&with, &s), "the program's own is none");
	}
}

/* Frames 1 to 3 are "f1" and the kernel's "k2" and "k3"; stacks: the function by each way, and
 * by itself. */
static void put_ways(void)
{
	for (uint32_t id = 1; id <= 3; id++) {
		char name[16];
		struct ev_frame *e;

		snprintf(name, sizeof(name), "%c%u", id == 1 ? 'f' : 'k', id);
		e = frame(id, name, "", id == 1 ? "/bin/x" : "[kernel]");
		e->flags = id == 1 ? 0 : FRAME_KERNEL;
		cr_assert_eq(offered(e), 0);
	}
	cr_assert_eq(put_stack(1, (const uint32_t[]){ 2, 1 }, 2), 0);
	cr_assert_eq(put_stack(2, (const uint32_t[]){ 3, 1 }, 2), 0);
	cr_assert_eq(put_stack(3, (const uint32_t[]){ 1 }, 1), 0);
}

/* Ways through the kernel make no rows of their own. */
Test(kernel_part, of_one_function, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_site sites[] = {
		wait_site(1, 1, CAUSE_IO_DISK, 9, 10 * MS),
		wait_site(1, 2, CAUSE_IO_DISK, 1, 30 * MS),
		wait_site(1, 3, CAUSE_IO_DISK, 9, 20 * MS),
		cpu_site(1, 1, 5),
		cpu_site(1, 2, 3),
		cpu_site(1, 3, 92),
	};

	waited(&t, CAUSE_IO_DISK, 60 * MS, 19);
	put(&t);
	put_ways();
	EACH(sites, i)
	put(&sites[i]);
	finish();
	cr_assert(f->sites.n_hot_waits == 1 && f->sites.n_hot_cpu == 1);
	cr_expect_str_eq(f->sites.hot_waits[0].kernel->function, "k3", "by time");
	cr_expect_str_eq(f->sites.hot_cpu[0].kernel->function, "k2", "by samples");
	cr_expect_eq(f->sites.hot_cpu[0].kernel_samples, 8);
	cr_expect_eq(f->sites.hot_cpu[0].samples, 100);
}

/* Stacks that are the same are one place, whatever their numbers. */
Test(hot, same_stack_twice, .init = setup, .fini = teardown)
{
	const uint32_t first = 1;
	struct ev_site sites[] = { cpu_site(1, 1, 3), cpu_site(1, 2, 4) };

	put_thread(thread(1, 0, 0, 0, SECOND));
	cr_assert_eq(put_frame(1, "f"), 0);
	cr_assert_eq(put_stack(1, &first, 1) | put_stack(2, &first, 1), 0);
	put(&sites[0]);
	put(&sites[1]);
	finish();
	cr_assert_eq(f->sites.n_cpu, 1);
	cr_expect_eq(f->sites.cpu[0].samples, 7);
	near(f->sites.cpu[0].ns, SECOND);
}
