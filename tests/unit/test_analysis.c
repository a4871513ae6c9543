// SPDX-License-Identifier: BSD-2-Clause
/* What streams of events mean, in sums. See test_verdict.c for the verdict. */
#include "findings.h"

/* --- the sums of all threads ----------------------------------------------------- */

Test(totals, threads_and_what_was_unsent, .init = setup, .fini = teardown)
{
	struct ev_thread one = thread(1, 0, 0, 0, 1000), two = thread(2, 1, 0, 100, 400);
	struct ev_thread unsent = thread(0, 0, 0, 0, 50000);

	waited(&one, CAUSE_IO_PIPE, 100, 4);
	waited(&two, CAUSE_IO_PIPE, 70, 3);
	waits(&two, CAUSE_SYNC_JOIN, 350);
	waited(&unsent, CAUSE_IO_PIPE, 5000, 900);
	queued(&one, TS_WOKEN, 30);
	queued(&unsent, TS_PREEMPTED, 300);
	one.ledger.switches = 5;
	one.ledger.yields = 1;
	one.witness.voluntary = 4;
	one.witness.migrations = 2;
	unsent.flags = THREAD_UNSENT;
	unsent.count = 250;
	unsent.ledger.switches = 1000;
	unsent.witness.involuntary = 100;
	put(&one);
	put(&two);
	put(&unsent);
	analyse(wall(1000));
	cr_assert_eq(f->totals.threads, 252);
	cr_assert_eq(f->totals.processes, 2);
	cr_assert_eq(f->totals.lifetime_ns, 1000 + 300 + 50000);
	cr_assert_eq(f->totals.state_ns[TS_RUNNING], 870 + 180 + 44700);
	cr_assert_eq(f->totals.state_ns[TS_WOKEN], 30);
	cr_assert_eq(f->totals.state_ns[TS_PREEMPTED], 300);
	cr_assert_eq(f->totals.state_ns[TS_BLOCKED], 100 + 120 + 5000);
	cr_assert_eq(f->totals.switches, 1005);
	cr_assert_eq(f->totals.yields, 1);
	cr_assert_eq(f->totals.voluntary, 4);
	cr_assert_eq(f->totals.involuntary, 100);
	cr_assert_eq(f->totals.migrations, 2);
}

Test(totals, waits_by_cause, .init = setup, .fini = teardown)
{
	struct ev_thread one = thread(1, 0, 0, 0, 1000), two = thread(2, 1, 1, 100, 400);
	struct ev_thread three = thread(3, 1, 1, 200, 1000);
	const struct wait *w;

	waited(&one, CAUSE_IO_PIPE, 100, 4);
	waited(&two, CAUSE_IO_PIPE, 70, 3);
	waits(&two, CAUSE_SYNC_JOIN, 350);
	waited(&three, CAUSE_SYNC_JOIN, 20, 1);
	put(&one);
	put(&two);
	put(&three);
	analyse(wall(1000));
	for (int c = 0; c < CAUSE_COUNT; c++)
		cr_assert_eq((int)f->totals.waits[c].cause, c);
	w = &f->totals.waits[CAUSE_IO_PIPE];
	cr_assert_eq(w->ns, 170);
	cr_assert_eq(w->count, 7);
	cr_assert_eq(w->max_ns, 100);
	cr_assert_not(w->open);
	w = &f->totals.waits[CAUSE_SYNC_JOIN];
	cr_assert_eq(w->ns, 70);
	cr_assert_eq(w->max_ns, 50);
	cr_assert(w->open, "in one of the two");
	cr_assert_eq(f->totals.waits[CAUSE_IO_DISK].count, 0);
}

Test(totals, what_was_waited_and_queued_for, .init = setup, .fini = teardown)
{
	struct ev_thread one = thread(1, 0, 0, 0, 1000), two = thread(2, 1, 1, 0, 1000);
	struct ev_thread unsent = thread(0, 0, 0, 0, 50000);

	waited(&one, CAUSE_IO_SOCKET, 100, 4);
	waited(&two, CAUSE_IO_SOCKET, 70, 3);
	waited(&two, CAUSE_FAULT_MAJOR, 5, 1);
	waited(&unsent, CAUSE_IO_SOCKET, 9000, 3);
	crowded(&one, TS_PREEMPTED, 20);
	crowded(&unsent, TS_WOKEN, 300);
	two.ledger.queued_idle_ns = 6;
	queued(&two, TS_WOKEN, 6);
	unsent.flags = THREAD_UNSENT;
	unsent.count = 9;
	put(&one);
	put(&two);
	put(&unsent);
	analyse(wall(1000));
	cr_assert_eq(f->totals.row_ns[ROW_PEER], 9170);
	cr_assert_eq(f->totals.row_ns[ROW_FAULT], 5);
	cr_assert_eq(f->totals.row_ns[ROW_IO], 0);
	cr_assert_eq(f->totals.queued_own_ns, 320);
	cr_assert_eq(f->totals.queued_idle_ns, 6);
}

/* --- trust ----------------------------------------------------------------------- */

Test(trust, residual_is_of_each_thread, .init = setup, .fini = teardown)
{
	struct ev_thread more = thread(1, 0, 0, 0, 1000), less = thread(2, 1, 1, 0, 1000);

	more.ledger.state_ns[TS_WOKEN] = 7;
	less.ledger.state_ns[TS_RUNNING] -= 5;
	waits(&less, CAUSE_IO_TTY, 900); /* one that lives counts too */
	put(&more);
	put(&less);
	analyse(wall(1000));
	cr_assert_eq(f->trust.residual_ns, 12, "they do not cancel out");
}

Test(trust, agrees_with_the_kernel, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, 10000);

	queued(&t, TS_WOKEN, 100);
	queued(&t, TS_PREEMPTED, 2000);
	queued(&t, TS_YIELDED, 30);
	waited(&t, CAUSE_KERNEL_THROTTLE, 3000, 3); /* runnable, as the kernel sees it */
	waited(&t, CAUSE_IO_DISK, 500, 5);
	t.ledger.moving_ns = 60; /* in no queue, as the kernel sees it */
	t.ledger.stolen_ns = 370;
	t.ledger.switches = 12;
	t.witness.run_ns = 4370 - 370;
	t.witness.delay_ns = 100 + 2000 + 30 + 3000 - 60;
	t.witness.voluntary = 8;
	t.witness.involuntary = 4;
	put(&t);
	analyse(wall(10000));
	cr_assert_eq(f->trust.residual_ns, 0);
	cr_assert_eq(f->trust.running_off_ns, 0);
	cr_assert_eq(f->trust.running_kernel_ns, 4000);
	cr_assert_eq(f->trust.delay_off_ns, 0);
	cr_assert_eq(f->trust.delay_kernel_ns, 5070);
	cr_assert_eq(f->trust.switches_off, 0);
	cr_assert_eq(f->trust.switches_kernel, 12);
	cr_assert_eq(f->trust.cpu_ns, 4370);
}

/* Two ended threads, one off to either side; one that lives, far off; unsent ones, off by 7. */
Test(trust, disagreement_is_of_ended_threads, .init = setup, .fini = teardown)
{
	struct ev_thread t[4] = { thread(1, 0, 0, 0, 1000), thread(2, 1, 1, 0, 1000),
				  thread(3, 1, 1, 0, 1000), thread(0, 0, 0, 0, 1000) };

	for (int i = 0; i < 4; i++) {
		t[i].witness.run_ns = 1000;
		t[i].ledger.switches = t[i].witness.voluntary = 20;
	}
	t[0].witness.run_ns += 10;
	t[0].witness.delay_ns = 5;
	t[0].ledger.switches += 2;
	t[1].witness.run_ns -= 10;
	t[1].ledger.switches -= 1;
	waits(&t[2], CAUSE_IO_TTY, 0);
	t[2].witness.delay_ns = 9999;
	t[2].witness.voluntary = 0;
	t[3].flags = THREAD_UNSENT;
	t[3].count = 2;
	t[3].witness.run_ns += 7;
	for (int i = 0; i < 4; i++)
		put(&t[i]);
	analyse(wall(1000));
	cr_assert_eq(f->trust.running_off_ns, 10 + 10 + 7);
	cr_assert_eq(f->trust.running_kernel_ns, 1010 + 990 + 1007);
	cr_assert_eq(f->trust.delay_off_ns, 5);
	cr_assert_eq(f->trust.delay_kernel_ns, 5);
	cr_assert_eq(f->trust.switches_off, 3);
	cr_assert_eq(f->trust.switches_kernel, 60);
	cr_assert_eq(f->trust.cpu_ns, 3000, "of all");
}

Test(trust, cost_is_a_share_of_the_cpu_time, .init = setup, .fini = teardown)
{
	struct ev_end e = end(0);
	struct ev_wall w = wall(1000);

	e.bpf_ns = 30;
	put_thread(thread(1, 0, 0, 0, 1000));
	put_thread(thread(2, 1, 0, 0, 500));
	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	cr_assert_float_eq(f->trust.bpf_share, 0.02, 1e-12);
}

/* --- the program ----------------------------------------------------------------- */

Test(program, cpus_allowed_by_affinity_and_quota, .init = setup, .fini = teardown)
{
	static const struct {
		unsigned int allowed;
		int64_t quota, period;
		double want;
	} rows[] = {
		{ 4, -1, -1, 4 },	  { 4, 200000, 100000, 2 },   { 4, 50000, 100000, 0.5 },
		{ 4, 800000, 100000, 4 }, { 2, 150000, 100000, 1.5 }, { 4, -1, 100000, 4 },
		{ 4, 100000, 0, 4 },	  { 0, -1, -1, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ev_run r = run();

		r.cpus_allowed = rows[i].allowed;
		r.quota_us = rows[i].quota;
		r.period_us = rows[i].period;
		put(&r);
		analyse(wall(1000));
		cr_expect_float_eq(f->cpus_allowed, rows[i].want, 1e-9, "row %zu: %g", i,
				   f->cpus_allowed);
		teardown();
		setup();
	}
	analyse(wall(1000));
}

Test(program, parallelism, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(1000);

	w.sums.by_count[1] = 500;
	w.sums.by_count[3] = 200;
	w.sums.busy_ns = 500 + 3 * 200;
	w.sums.row_ns[ROW_IO] = 300;
	analyse(w);
	cr_assert_eq(f->running_ns, 700);
	cr_assert_float_eq(f->parallelism, 1.1, 1e-12);
	cr_assert_eq(f->n_counts, 4);
}

Test(program, more_threads_run_than_can_be_counted, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(1000);

	w.sums.by_count[1] = 0;
	w.sums.by_count[WALL_COUNTS - 1] = 1000;
	w.sums.busy_ns = 1000 * 300;
	analyse(w);
	cr_assert_eq(f->n_counts, WALL_COUNTS);
	cr_assert_float_eq(f->parallelism, 300, 1e-9);
}

Test(program, nothing_at_all, .init = setup, .fini = teardown)
{
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
	cr_assert_eq(f->verdict.class, CLASS_UNKNOWN);
	cr_assert_eq(f->n_counts, 1);
	cr_assert_eq(f->parallelism, 0);
	cr_assert_eq(f->totals.threads, 0);
	cr_assert_eq(f->trust.bpf_share, 0);
}

Test(names, of_classes_and_severities)
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		const char *name = class_name(c);

		cr_assert(name && *name);
		for (int d = 0; d < c; d++)
			cr_assert_str_neq(name, class_name(d));
	}
	cr_assert_str_eq(class_name(CLASS_CPU_BOUND), "cpu-bound");
	cr_assert_str_eq(class_name(CLASS_DEADLOCKED), "deadlocked");
	cr_assert_str_eq(class_name(CLASS_COUNT), "unknown");
	cr_assert_str_eq(class_name(-1), "unknown");
	cr_assert_str_eq(severity_name(SEVERITY_NOTE), "note");
	cr_assert_str_eq(severity_name(SEVERITY_WARNING), "warning");
	cr_assert_str_eq(severity_name(SEVERITY_ERROR), "error");
}
