// SPDX-License-Identifier: BSD-2-Clause
/* Who had the CPU that threads were ready to use: rows, rules, and what looks like them. */
#include "findings.h"

#include <sched.h>

static const struct finding *find(const char *rule)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, rule))
			return &f->list[i];
	}
	return NULL;
}

/* A new stream, after the one that has been looked at, if any has. */
static void again(void)
{
	if (!f)
		return;
	teardown();
	f = NULL;
	m = NULL;
	setup();
}

static void put_taker(struct ev_taker t)
{
	put(&t);
}

static void put_change(struct ev_change c)
{
	put(&c);
}

/* A thread that computes for a second, with so much of it queued. */
static struct ev_thread computing(uint64_t id, uint64_t preempted_ns)
{
	struct ev_thread t = thread(id, id > 1, 1, 0, SECOND);

	t.cpus[0] = 15;
	queued(&t, TS_PREEMPTED, preempted_ns);
	t.ledger.longest_run_ns = t.ledger.state_ns[TS_RUNNING];
	return t;
}

/* --- rows ---------------------------------------------------------------------------- */

Test(takers, of_alike_threads_are_one_row, .init = setup, .fini = teardown)
{
	struct ev_thread a = computing(1, 100 * MS), b = computing(2, 200 * MS);

	snprintf(a.comm, sizeof(a.comm), "worker-1");
	snprintf(b.comm, sizeof(b.comm), "worker-2");
	put(&a);
	put(&b);
	put_taker(taker(1, 2, TAKER_PREEMPTED, 4, 100 * MS));
	put_taker(taker(2, 1, TAKER_PREEMPTED, 5, 150 * MS));
	put_taker(taker(2, 0, TAKER_PREEMPTED, 1, 50 * MS));
	put_taker(taker(2, 0, TAKER_WOKEN, 1, 10 * MS));
	analyse(wall(SECOND));
	cr_assert_eq(f->n_takers, 3);
	cr_assert_str_eq(f->takers[0].whom, "worker-*");
	cr_assert_str_eq(f->takers[0].by, "worker-*");
	cr_assert_eq(f->takers[0].threads, 2);
	cr_assert_eq(f->takers[0].count, 9);
	cr_assert_eq(f->takers[0].ns, 250 * MS);
	cr_assert_eq(f->takers[0].max_ns, 30 * MS);
	cr_assert_str_eq(f->takers[1].whom, "worker-2");
	cr_assert_str_eq(f->takers[1].by, "other");
	cr_assert_eq(f->takers[1].by_pid, 900);
	cr_assert_eq(f->takers[2].first->how, TAKER_WOKEN);
}

/* One of which the probes had only the number has the name and the numbers of its thread. */
Test(takers, are_completed, .init = setup, .fini = teardown)
{
	struct ev_taker t = taker(1, 2, TAKER_PREEMPTED, 1, 100 * MS);
	struct ev_thread by = computing(2, 0);

	by.nice = -5;
	t.by_pid = 0;
	t.comm[0] = '\0';
	put_thread(computing(1, 100 * MS));
	put(&by);
	put(&t);
	t.by_id = 0;
	t.by_is = TAKER_IS_OTHER;
	put(&t);
	analyse(wall(SECOND));
	cr_assert_eq(f->n_takers, 2);
	for (int i = 0; i < 2; i++) {
		bool own = f->takers[i].first->is == TAKER_IS_OWN;

		cr_assert_str_eq(f->takers[i].by, own ? "t2" : "?");
		cr_assert_eq(f->takers[i].by_pid, own ? 1001 : 0);
		cr_assert_eq(f->takers[i].first->nice, own ? -5 : 0);
	}
}

Test(changes, come_in_order, .init = setup, .fini = teardown)
{
	put_thread(computing(1, 0));
	put_thread(computing(2, 0));
	put_change(change(2, 300 * MS, 5, 19));
	put_change(change(2, 100 * MS, 0, 5));
	put_change(change(7, 100 * MS, 0, 5)); /* nobody that is listed */
	analyse(wall(SECOND));
	cr_assert_eq(m->threads[0].n_changes + m->threads[1].n_changes, 2);
	for (int i = 0; i < 2; i++) {
		const struct thread *t = &m->threads[i];

		if (t->id != 2)
			continue;
		cr_assert_eq(t->n_changes, 2);
		cr_assert_eq(t->changes[0].at_ns, 100 * MS);
		cr_assert_eq(t->changes[0].now.nice, 5);
		cr_assert_eq(t->changes[1].now.nice, 19);
	}
}

/* --- sched.starved_by_rt ------------------------------------------------------------- */

/* Thread 2, of this policy, ran for so long at a time; thread 1 was without its CPU for `ns`, and
 * at the longest for `longest`. */
static const struct finding *starved(unsigned int policy, uint64_t ns, uint64_t longest,
				     uint64_t ran_longest)
{
	struct ev_thread normal = computing(1, ns), urgent = computing(2, 0);
	struct ev_taker t = taker(1, 2, TAKER_PREEMPTED, ns / longest, ns);

	again();
	urgent.policy = policy;
	urgent.rt_priority = 10;
	urgent.ledger.longest_run_ns = ran_longest;
	t.policy = policy;
	t.certain_ns = t.certain_max_ns = 0;
	put(&normal);
	put(&urgent);
	put(&t);
	analyse(wall(SECOND));
	return find("sched.starved_by_rt");
}

Test(starved_by_rt, says_who, .init = setup, .fini = teardown)
{
	const struct finding *found = starved(SCHED_FIFO, 400 * MS, 200 * MS, 300 * MS);

	cr_assert(found);
	cr_assert_str_eq(found->subject, "t1");
	cr_assert(strstr(found->evidence[0].text, "t2"), "%s", found->evidence[0].text);
	cr_assert_eq(found->evidence[1].value, 200 * MS);
	cr_assert(starved(SCHED_RR, 400 * MS, 200 * MS, 300 * MS));
}

Test(starved_by_rt, not_by_others, .init = setup, .fini = teardown)
{
	cr_expect(!starved(SCHED_OTHER, 400 * MS, 200 * MS, 300 * MS), "no real-time policy");
	cr_expect(!starved(SCHED_FIFO, 80 * MS, 40 * MS, 300 * MS), "not for long in all");
	cr_expect(!starved(SCHED_FIFO, 400 * MS, 10 * MS, 300 * MS), "not for long at a time");
	cr_expect(!starved(SCHED_FIFO, 400 * MS, 200 * MS, MS), "it only took it: others had it");
}

/* Of another program only what is certain counts; the kernel's own threads do not. */
Test(starved_by_rt, from_outside, .init = setup, .fini = teardown)
{
	struct ev_taker t = taker(1, 0, TAKER_PREEMPTED, 2, 400 * MS);

	for (int i = 0; i < 3; i++) {
		again();
		t.policy = SCHED_FIFO;
		t.by_is = i == 1 ? TAKER_IS_KERNEL : TAKER_IS_OTHER;
		t.certain_ns = i == 2 ? MS : 400 * MS;
		put_thread(computing(1, 400 * MS));
		put(&t);
		analyse(wall(SECOND));
		cr_expect_eq(find("sched.starved_by_rt") != NULL, i == 0, "case %d", i);
	}
}

/* A real-time thread that another one keeps waiting is not meant: they have their priorities. */
Test(starved_by_rt, not_among_themselves, .init = setup, .fini = teardown)
{
	struct ev_thread t = computing(1, 400 * MS);
	struct ev_taker by = taker(1, 0, TAKER_PREEMPTED, 2, 400 * MS);

	t.policy = by.policy = SCHED_RR;
	put(&t);
	put(&by);
	analyse(wall(SECOND));
	cr_assert(!find("sched.starved_by_rt"));
}

/* --- sched.niced --------------------------------------------------------------------- */

struct niced {
	int nice, by_nice;
	uint64_t ns, end;
	uint64_t changed_at; /* 0: never */
};

static const struct finding *niced(struct niced n)
{
	struct ev_thread low = thread(1, 0, 1, 0, n.end);
	struct ev_taker t = taker(1, 0, TAKER_PREEMPTED, 5, n.ns);

	again();
	queued(&low, TS_PREEMPTED, n.ns);
	low.nice = n.nice;
	t.nice = n.by_nice;
	put(&low);
	put(&t);
	if (n.changed_at)
		put_change(change(1, n.changed_at, 0, n.nice));
	analyse(wall(SECOND));
	return find("sched.niced");
}

Test(niced, says_so, .init = setup, .fini = teardown)
{
	const struct niced plain = { 19, 0, 600 * MS, SECOND, 0 };
	struct niced n = plain;

	cr_assert(niced(n));
	cr_expect_eq(find("sched.niced")->gain_at_most_ns, 600 * MS);
	n.changed_at = 20 * MS;
	cr_expect(niced(n), "as it began");
	n.changed_at = 500 * MS;
	cr_expect(!niced(n), "for half of its life it was another");
	n = plain;
	n.nice = 0;
	cr_expect(!niced(n), "it has not a low one");
	n = plain;
	n.by_nice = 19;
	cr_expect(!niced(n), "the other is no better");
	n = plain;
	n.end = 700 * MS;
	cr_expect(!niced(n), "the program went on without it");
	n = plain;
	n.ns = 100 * MS;
	cr_expect(!niced(n), "it hardly matters");
}

/* --- sched.pinned -------------------------------------------------------------------- */

/* One that may use so many of 4 CPUs is queued for so long, and they are idle for so long in all. */
static const struct finding *pinned(uint64_t cpus, uint64_t queued_ns, uint64_t idle_ns)
{
	struct ev_thread t = computing(1, queued_ns);

	again();
	t.cpus[0] = cpus;
	put(&t);
	analyse_idle(wall(SECOND), &idle_ns);
	return find("sched.pinned");
}

Test(pinned, is_certain, .init = setup, .fini = teardown)
{
	cr_assert(pinned(1, 500 * MS, 3 * SECOND));
	cr_expect(strstr(find("sched.pinned")->title, "1 of 4"), "%s", find("sched.pinned")->title);
	cr_expect(pinned(3, 500 * MS, 2 * SECOND + 900 * MS));
	cr_expect(!pinned(15, 500 * MS, 3 * SECOND), "it may use all of them");
	cr_expect(!pinned(0, 500 * MS, 3 * SECOND), "it is not known which");
	cr_expect(!pinned(1, 50 * MS, 3 * SECOND), "it hardly waits");
	/* Its own CPU was not idle: when it was not ready it ran there. */
	cr_expect(pinned(1, 500 * MS, SECOND + 900 * MS));
	cr_expect(!pinned(1, 500 * MS, SECOND + 850 * MS),
		  "the others may have been idle when it was not ready");
}

/* --- how old recordings are told ------------------------------------------------------ */

Test(slices, are_not_known_of_old_ones, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	t.ledger.switches = 10;
	put(&t);
	analyse(wall(SECOND));
	cr_assert_eq(f->totals.longest_run_ns, 0);
	cr_assert_eq(f->totals.preempts, 0);
}
