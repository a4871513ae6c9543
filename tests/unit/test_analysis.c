// SPDX-License-Identifier: BSD-2-Clause
/* What streams of events mean: sums, trust, and the verdict in its clear cases. */
#include <criterion/criterion.h>
#include <math.h>

#include "analysis/findings.h"
#include "random.h"
#include "stream.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL

static struct model_builder *b;
static struct model *m;
static struct findings *f;

static void put(const void *event)
{
	const struct event *ev = event;

	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq(model_builder_event(b, ev), 0);
}

static void put_thread(struct ev_thread t)
{
	put(&t);
}

static void on_cpus(unsigned int allowed)
{
	struct ev_run r = run();

	r.cpus_allowed = allowed;
	put(&r);
}

static void setup(void)
{
	b = model_builder_new();
	on_cpus(4);
}

static void teardown(void)
{
	findings_free(f);
	model_free(m);
}

/* What must hold of the findings about any stream. */
static void check(void)
{
	const struct verdict *v = &f->verdict;

	cr_assert_lt(v->class, CLASS_COUNT);
	cr_assert_lt(v->runner_up, CLASS_COUNT);
	cr_assert(v->margin >= 0 && v->margin <= 1, "margin %g", v->margin);
	cr_assert(v->class == CLASS_UNKNOWN || v->runner_up != v->class);
	cr_assert_geq(f->n_list, 1);
	cr_assert_str_eq(f->list[0].rule, v->rule, "the verdict's own finding comes first");
	for (size_t i = 0; i < f->n_list; i++) {
		const struct finding *one = &f->list[i];

		cr_assert(one->rule && *one->subject && *one->title && *one->advice);
		cr_assert_leq(one->n_evidence, EVIDENCE_MAX);
		for (size_t k = 0; k < one->n_evidence; k++)
			cr_assert(*one->evidence[k].metric && *one->evidence[k].text);
	}
	for (size_t i = 0; i < m->n_threads; i++)
		cr_assert_lt(f->thread_class[i], CLASS_COUNT);
	for (size_t i = 0; i < m->n_processes; i++)
		cr_assert_lt(f->process_class[i], CLASS_COUNT);
	cr_assert(isfinite(f->parallelism) && f->cpus_allowed > 0);
	cr_assert(f->n_counts >= 1 && f->n_counts <= WALL_COUNTS);
}

/* The stream ends with these sums. */
static void analyse(struct ev_wall w)
{
	struct ev_end e = end(0);

	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
}

static void is(enum verdict_class class, const char *rule)
{
	cr_assert_eq(f->verdict.class, class, "%s", class_name(f->verdict.class));
	cr_assert_str_eq(f->verdict.rule, rule);
}

/* `ns` of its running time it stood in a queue instead. */
static void queued(struct ev_thread *t, enum thread_state state, uint64_t ns)
{
	t->ledger.state_ns[TS_RUNNING] -= ns;
	t->ledger.state_ns[state] += ns;
}

/* One second in which n threads computed, at most `at_once` of them at the same time. */
static void crowd(unsigned int n, unsigned int at_once)
{
	struct ev_wall w = wall(SECOND);

	for (unsigned int i = 1; i <= n; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		queued(&t, TS_PREEMPTED, SECOND - SECOND / n * at_once);
		put(&t);
	}
	w.sums.by_count[1] = 0;
	w.sums.by_count[at_once] = SECOND;
	w.sums.busy_ns = at_once * SECOND;
	analyse(w);
}

/* One second of one thread: all but `ns` of it computed. */
static void stands(enum wall_row row, enum cause cause, uint64_t ns)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, cause, ns, 10);
	stood(&w, &w.sums.row_ns[row], ns);
	put(&t);
	analyse(w);
}

static bool evidence(const char *metric, uint64_t value)
{
	for (size_t i = 0; i < f->list[0].n_evidence; i++) {
		const struct evidence *e = &f->list[0].evidence[i];

		if (!strcmp(e->metric, metric) && e->value == value)
			return true;
	}
	return false;
}

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
	const struct wait *w;

	waited(&one, CAUSE_IO_PIPE, 100, 4);
	waited(&two, CAUSE_IO_PIPE, 70, 3);
	waits(&two, CAUSE_SYNC_JOIN, 350);
	put(&one);
	put(&two);
	analyse(wall(1000));
	for (int c = 0; c < CAUSE_COUNT; c++)
		cr_assert_eq((int)f->totals.waits[c].cause, c);
	w = &f->totals.waits[CAUSE_IO_PIPE];
	cr_assert_eq(w->ns, 170);
	cr_assert_eq(w->count, 7);
	cr_assert_eq(w->max_ns, 100);
	cr_assert_not(w->open);
	w = &f->totals.waits[CAUSE_SYNC_JOIN];
	cr_assert_eq(w->ns, 50);
	cr_assert(w->open);
	cr_assert_eq(f->totals.waits[CAUSE_IO_DISK].count, 0);
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
	is(CLASS_UNKNOWN, "verdict.unknown");
	cr_assert_eq(f->n_counts, 1);
	cr_assert_eq(f->parallelism, 0);
	cr_assert_eq(f->totals.threads, 0);
	cr_assert_eq(f->trust.bpf_share, 0);
}
