// SPDX-License-Identifier: BSD-2-Clause
/* Events in, threads and processes out. See test_strip.c for the program's sums. */
#include <criterion/criterion.h>
#include <errno.h>

#include "model/model.h"
#include "random.h"
#include "stream.h"

static struct model_builder *b;

static void setup(void)
{
	b = model_builder_new();
}

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

static void put_exec(struct ev_exec e)
{
	put(&e);
}

static void put_peer(struct ev_peer p)
{
	put(&p);
}

static void put_text(enum text_kind what, const char *string)
{
	struct ev_text *t = text(what, string);

	put(t);
	free(t);
}

/* With the final sums and the end, as any good stream. */
static struct model *done(__u64 at)
{
	struct ev_wall w = wall(at);
	struct ev_end e = end(0);

	put(&w);
	put(&e);
	return model_builder_finish(b);
}

static const struct process *process(const struct model *m, uint64_t id)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].id == id)
			return &m->processes[i];
	}
	cr_assert_fail("there is no process %llu", (unsigned long long)id);
	return NULL;
}

/* Some process has that number, and is alive at the end. */
static bool is_alive(const struct model *m, uint32_t pid)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].pid == pid && !m->processes[i].ended)
			return true;
	}
	return false;
}

static void check_peers(const struct model *m)
{
	for (size_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		cr_assert(!i || m->peers[i - 1].ns >= p->ns, "the longest comes first");
		if (p->key.family != PEER_UNIX)
			cr_assert_eq(p->is_inside, p->pid && is_alive(m, p->pid), "pid %u", p->pid);
	}
}

static void check_others(const struct model *m)
{
	for (size_t i = 0; i < m->n_others; i++) {
		cr_assert(!i || m->others[i - 1].cpu_ns >= m->others[i].cpu_ns, "most first");
		for (size_t k = 0; k < m->n_processes; k++)
			cr_assert_neq(m->processes[k].pid, m->others[i].pid, "it is tracked");
	}
}

/* What must hold of any model, made of whatever stream. */
static void check(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		cr_assert_lt(t->process, m->n_processes);
		cr_assert_eq(m->processes[t->process].id, t->process_id);
		cr_assert(!i || m->threads[i - 1].start_ns <= t->start_ns);
		for (size_t k = 1; k < t->n_waits; k++)
			cr_assert_geq(t->waits[k - 1].ns, t->waits[k].ns);
	}
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];
		ptrdiff_t up = p->parent;
		size_t depth = 0;

		n += p->n_threads;
		cr_assert_lt(p->parent, (ptrdiff_t)m->n_processes);
		cr_assert(!i || m->processes[i - 1].start_ns <= p->start_ns);
		for (; up >= 0; up = m->processes[up].parent)
			cr_assert_lt(depth++, m->n_processes, "the tree has a loop");
	}
	cr_assert_eq(n, m->n_threads);
	cr_assert_leq(m->n_strip, STRIP_SLOTS);
	check_peers(m);
	check_others(m);
}

/* --- the tree ---------------------------------------------------------------- */

Test(tree, processes_and_their_threads, .init = setup)
{
	struct model *m;

	put_thread(thread(3, 2, 2, 300, 900)); /* ledgers come in the order of their ends */
	put_thread(thread(4, 3, 0, 400, 600));
	put_thread(thread(2, 1, 0, 200, 950));
	put_thread(thread(1, 0, 0, 0, 1000));
	m = done(1000);
	check(m);
	cr_assert_eq(m->n_threads, 4);
	cr_assert_eq(m->n_processes, 3);
	cr_assert_eq(m->processes[0].id, COMMAND_ID);
	cr_assert_eq(process(m, 1)->parent, -1);
	cr_assert_eq(process(m, 1)->ppid, 0);
	cr_assert_eq(process(m, 2)->parent, process(m, 1) - m->processes);
	cr_assert_eq(process(m, 2)->ppid, 1001);
	cr_assert_eq(process(m, 2)->n_threads, 2);
	cr_assert_eq(process(m, 4)->parent, process(m, 2) - m->processes,
		     "a thread that does not lead creates too");
	cr_assert_eq(process(m, 4)->ppid, 1002);
	cr_assert_str_eq(process(m, 2)->comm, "t2", "of its leader");
	model_free(m);
}

Test(tree, lifetime_of_a_process_is_that_of_all_its_threads, .init = setup)
{
	struct model *m;

	put_thread(thread(1, 0, 0, 0, 100)); /* the leader may end first */
	put_thread(thread(2, 1, 1, 50, 700));
	m = done(1000);
	check(m);
	cr_assert_eq(m->processes[0].start_ns, 0);
	cr_assert_eq(m->processes[0].end_ns, 700);
	cr_assert_eq(m->threads[1].start_ns, 50);
	cr_assert_eq(m->threads[1].end_ns, 700);
	cr_assert_eq(m->threads[1].lifetime_ns, 650);
	model_free(m);
}

Test(tree, order_by_start, .init = setup)
{
	struct model *m;

	put_thread(thread(9, 1, 0, 10, 20));
	put_thread(thread(5, 1, 0, 30, 40));
	put_thread(thread(7, 1, 0, 0, 50)); /* as the command: clocks differ by a little */
	put_thread(thread(1, 0, 0, 0, 100));
	m = done(100);
	check(m);
	cr_assert_eq(m->processes[0].id, COMMAND_ID, "the command's comes first");
	cr_assert_eq(m->threads[0].id, COMMAND_ID);
	cr_assert_eq(m->threads[1].id, 7);
	cr_assert_eq(m->threads[2].id, 9);
	cr_assert_eq(m->threads[3].id, 5);
	model_free(m);
}

Test(tree, start_before_the_measurement_is_its_start, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);
	struct model *m;

	t.ledger.start_at -= 30;
	put(&t);
	m = done(100);
	cr_assert_eq(m->threads[0].start_ns, 0);
	cr_assert_eq(m->threads[0].end_ns, 100);
	cr_assert_eq(m->threads[0].lifetime_ns, 130, "its states sum to it");
	model_free(m);
}

Test(tree, ended_only_if_all_its_threads_are, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);
	struct model *m;

	waits(&t, CAUSE_EVENT_EPOLL, 40);
	put(&t);
	put_thread(thread(2, 1, 1, 0, 50));
	put_thread(thread(3, 1, 0, 0, 50));
	m = done(100);
	check(m);
	cr_assert_not(process(m, 1)->ended);
	cr_assert(process(m, 3)->ended);
	model_free(m);
}

Test(tree, status_is_that_of_the_last_thread, .init = setup)
{
	struct ev_thread leader = thread(1, 0, 0, 0, 40), last = thread(2, 1, 1, 10, 90);
	struct model *m;

	leader.flags &= ~THREAD_GROUP_DEAD;
	leader.exit_code = 0;
	last.flags |= THREAD_GROUP_DEAD;
	last.exit_code = 3 << 8;
	last.max_rss_bytes = 4096;
	put(&last);
	put(&leader);
	m = done(100);
	cr_assert(m->processes[0].ended);
	cr_assert_eq(m->processes[0].status, 3 << 8);
	cr_assert_eq(m->processes[0].max_rss_bytes, 4096);
	model_free(m);
}

/* --- what a process executes -------------------------------------------------- */

Test(exec, last_one_counts, .init = setup)
{
	struct model *m;

	put_exec(exec(10, 1, 1, "/usr/bin/env", "env make -j4"));
	put_exec(exec(20, 1, 1, "/usr/bin/make", "make -j4"));
	put_thread(thread(1, 0, 0, 0, 100));
	m = done(100);
	cr_assert_str_eq(m->processes[0].exe, "/usr/bin/make");
	cr_assert_eq(m->processes[0].n_args, 2);
	cr_assert_str_eq(m->processes[0].args[0], "make");
	cr_assert_str_eq(m->processes[0].args[1], "-j4");
	cr_assert_not(m->processes[0].args_truncated);
	model_free(m);
}

Test(exec, inherited_by_fork_as_of_the_childs_start, .init = setup)
{
	struct model *m;

	put_exec(exec(45, 4, 4, "/bin/own", "own")); /* from many CPUs: in any order */
	put_exec(exec(30, 1, 1, "/bin/late", "late"));
	put_exec(exec(10, 1, 1, "/bin/sh", "sh -c x"));
	put_thread(thread(1, 0, 0, 0, 100));
	put_thread(thread(2, 1, 0, 20, 90)); /* before the second exec */
	put_thread(thread(3, 2, 0, 40, 80)); /* a child of that child, after it */
	put_thread(thread(4, 2, 0, 40, 80));
	put_thread(thread(5, 1, 0, 50, 80));
	put_thread(thread(6, 1, 0, 5, 80)); /* before the first */
	m = done(100);
	check(m);
	cr_assert_str_eq(process(m, 1)->exe, "/bin/late");
	cr_assert_str_eq(process(m, 2)->exe, "/bin/sh");
	cr_assert_eq(process(m, 2)->n_args, 3);
	cr_assert_str_eq(process(m, 3)->exe, "/bin/sh");
	cr_assert_str_eq(process(m, 4)->exe, "/bin/own");
	cr_assert_str_eq(process(m, 5)->exe, "/bin/late");
	cr_assert_null(process(m, 6)->exe);
	cr_assert_eq(process(m, 6)->n_args, 0);
	model_free(m);
}

/* execve(2): the leader ends, and who called takes over its number. */
Test(exec, from_a_thread_that_does_not_lead, .init = setup)
{
	struct ev_thread leader = thread(1, 0, 0, 0, 40), other = thread(2, 1, 1, 10, 90);
	struct model *m;

	leader.flags &= ~THREAD_GROUP_DEAD;
	other.flags |= THREAD_GROUP_DEAD;
	other.tid = leader.tid;
	other.exit_code = 7 << 8;
	strcpy(other.comm, "new");
	put(&leader);
	put_exec(exec(40, 2, 1, "/bin/new", "new"));
	put(&other);
	m = done(100);
	check(m);
	cr_assert_eq(m->n_processes, 1);
	cr_assert_eq(m->n_threads, 2, "two ledgers with one tid");
	cr_assert_eq(m->threads[0].tid, m->threads[1].tid);
	cr_assert_str_eq(m->processes[0].exe, "/bin/new");
	cr_assert_eq(m->processes[0].pid, 1001);
	cr_assert_eq(m->processes[0].status, 7 << 8);
	cr_assert(m->processes[0].ended);
	cr_assert_str_eq(m->processes[0].comm, "new", "it is %s", m->processes[0].comm);
	model_free(m);
}

/* So that events which are packed well cannot fill the memory. */
Test(exec, args_that_are_too_many, .init = setup)
{
	struct ev_exec many = exec(1, 1, 1, "/bin/many", "a"), all = exec(1, 2, 2, "/bin/all", "a");
	struct model *m;

	memset(many.args, 0, sizeof(many.args));
	many.args_size = 257;
	all = many;
	all.thread_id = all.process_id = 2;
	all.args_size = 256;
	put(&many);
	put(&all);
	for (int i = 1; i <= 2; i++)
		put_thread(thread(i, i > 1, 0, 0, 10));
	m = done(100);
	cr_assert_eq(process(m, 1)->n_args, 256);
	cr_assert(process(m, 1)->args_truncated);
	cr_assert_eq(process(m, 1)->args[256], NULL);
	cr_assert_eq(process(m, 2)->n_args, 256);
	cr_assert_not(process(m, 2)->args_truncated);
	model_free(m);
}

Test(exec, args_that_are_odd, .init = setup)
{
	struct ev_exec none = exec(1, 1, 1, "/bin/none", "");
	struct ev_exec blank = exec(1, 2, 2, "/bin/blank", "a");
	struct ev_exec cut = exec(1, 3, 3, "/bin/cut", "a");
	struct model *m;

	memcpy(blank.args, "a\0\0b\0", 5); /* an empty one in the middle, and one at the end */
	blank.args[5] = '\0';
	blank.args_size = 6;
	memset(cut.args, 'x', sizeof(cut.args)); /* no NUL at all */
	cut.args_size = sizeof(cut.args);
	cut.args_truncated = 1;
	put(&none);
	put(&blank);
	put(&cut);
	for (int i = 1; i <= 3; i++)
		put_thread(thread(i, i > 1, 0, 0, 10));
	m = done(100);
	cr_assert_eq(process(m, 1)->n_args, 0);
	cr_assert_eq(process(m, 2)->n_args, 4);
	cr_assert_str_eq(process(m, 2)->args[1], "");
	cr_assert_str_eq(process(m, 2)->args[2], "b");
	cr_assert_str_eq(process(m, 2)->args[3], "");
	cr_assert_eq(process(m, 3)->n_args, 1);
	cr_assert_eq(strlen(process(m, 3)->args[0]), EVENT_ARGS_SIZE);
	cr_assert(process(m, 3)->args_truncated);
	model_free(m);
}

/* --- the ledger of a thread ---------------------------------------------------- */

Test(ledger, waits_longest_first, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 1000);
	const struct thread *got;
	struct model *m;

	waited(&t, CAUSE_IO_DISK, 100, 3);
	waited(&t, CAUSE_LOCK_MUTEX, 300, 5);
	waited(&t, CAUSE_TIMER_SLEEP, 200, 1);
	waited(&t, CAUSE_UNKNOWN, 50, 2);
	waited(&t, CAUSE_IO_PIPE, 0, 1);	  /* it took no time, but it happened */
	waited(&t, CAUSE_KERNEL_THROTTLE, 20, 0); /* no wait that it began */
	put(&t);
	m = done(1000);
	check(m);
	got = &m->threads[0];
	cr_assert_eq(got->n_waits, 6);
	cr_assert_eq(got->waits[0].cause, CAUSE_LOCK_MUTEX);
	cr_assert_eq(got->waits[0].ns, 300);
	cr_assert_eq(got->waits[0].max_ns, 300);
	cr_assert_eq(got->waits[0].count, 5);
	cr_assert_eq(got->waits[1].cause, CAUSE_TIMER_SLEEP);
	cr_assert_eq(got->waits[2].cause, CAUSE_IO_DISK);
	cr_assert_eq(got->waits[3].cause, CAUSE_UNKNOWN);
	cr_assert_eq(got->waits[4].cause, CAUSE_KERNEL_THROTTLE);
	cr_assert_eq(got->waits[5].cause, CAUSE_IO_PIPE);
	cr_assert_eq(got->state_ns[TS_BLOCKED], 620);
	cr_assert_eq(got->state_ns[TS_UNKNOWN], 50);
	cr_assert_eq(got->blocks, 12);
	model_free(m);
}

Test(ledger, open_wait, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 1000);
	struct model *m;

	waited(&t, CAUSE_IO_DISK, 700, 1);
	waits(&t, CAUSE_LOCK_MUTEX, 900);
	put(&t);
	m = done(1000);
	cr_assert_eq(m->threads[0].open_cause, CAUSE_LOCK_MUTEX);
	cr_assert_eq(m->threads[0].open_row, ROW_LOCK);
	cr_assert_eq(m->threads[0].open_for_ns, 100);
	cr_assert_not(m->threads[0].waits[0].open);
	cr_assert(m->threads[0].waits[1].open);
	model_free(m);
}

Test(ledger, what_it_waited_and_queued_for, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 1000);
	struct model *m;

	for (int r = 0; r < ROW_COUNT; r++)
		t.ledger.row_ns[r] = 10 + r;
	t.ledger.queued_own_ns = 3;
	t.ledger.queued_idle_ns = 4;
	put(&t);
	m = done(1000);
	for (int r = 0; r < ROW_COUNT; r++)
		cr_assert_eq(m->threads[0].row_ns[r], 10 + r);
	cr_assert_eq(m->threads[0].queued_own_ns, 3);
	cr_assert_eq(m->threads[0].queued_idle_ns, 4);
	model_free(m);
}

Test(ledger, unsent_is_a_sum_and_no_thread, .init = setup)
{
	struct ev_thread sum = { .head = HEAD(EV_THREAD, ev_thread), .flags = THREAD_UNSENT };
	struct model *m;

	sum.count = 12;
	sum.ledger.end_at = 5000; /* lifetimes, summed: start_at is 0 */
	sum.ledger.state_ns[TS_RUNNING] = 4000;
	sum.ledger.state_ns[TS_BLOCKED] = 1000;
	sum.ledger.cause[CAUSE_IO_PIPE].ns = 1000;
	sum.ledger.cause[CAUSE_IO_PIPE].count = 40;
	sum.ledger.switches = 52;
	sum.witness.voluntary = 40;
	put(&sum);
	put_thread(thread(1, 0, 0, 0, 100));
	m = done(100);
	check(m);
	cr_assert_eq(m->n_threads, 1);
	cr_assert_eq(m->n_processes, 1);
	cr_assert_eq(m->n_unsent, 12);
	cr_assert_eq(m->unsent.lifetime_ns, 5000);
	cr_assert_eq(m->unsent.state_ns[TS_RUNNING], 4000);
	cr_assert_eq(m->unsent.switches, 52);
	cr_assert_eq(m->unsent.witness.voluntary, 40);
	cr_assert_eq(m->unsent.n_waits, 1);
	cr_assert_eq(m->unsent.waits[0].count, 40);
	model_free(m);
}

/* --- the rest of a stream ------------------------------------------------------ */

Test(stream, run_texts_losses_probes_and_end, .init = setup)
{
	struct ev_loss l = loss(LOSS_MISSED_RUN, 3, 70, "sched_switch");
	struct ev_probe p = probe("contention_begin", "no such tracepoint"), q = probe("x", "");
	struct ev_calls c = calls(4);
	struct ev_run r = run();
	struct model *m;

	put(&r);
	put_text(TEXT_KERNEL, "6.18");
	put_text(TEXT_ARGUMENT, "./a");
	put_text(TEXT_ARGUMENT, "");
	put_text(TEXT_ARGUMENT, "-x");
	put_text(TEXT_NOTE, "first");
	put_text(TEXT_NOTE, "second");
	put(&l);
	put(&p);
	put(&q);
	put(&c);
	m = done(100);
	cr_assert_eq(m->run.cpus_allowed, 4);
	cr_assert_str_eq(m->texts[TEXT_KERNEL], "6.18");
	cr_assert_null(m->texts[TEXT_HOST]);
	cr_assert_eq(m->n_command, 3);
	cr_assert_str_eq(m->command[0], "./a");
	cr_assert_str_eq(m->command[1], "");
	cr_assert_str_eq(m->command[2], "-x");
	cr_assert_eq(m->n_notes, 2);
	cr_assert_str_eq(m->notes[1], "second");
	cr_assert_eq(m->n_losses, 1);
	cr_assert_eq(m->losses[0].what, LOSS_MISSED_RUN);
	cr_assert_eq(m->losses[0].count, 3);
	cr_assert_eq(m->losses[0].ns, 70);
	cr_assert_str_eq(m->losses[0].name, "sched_switch");
	cr_assert_eq(m->n_probes, 2);
	cr_assert_str_eq(m->probes[0].why, "no such tracepoint");
	cr_assert_eq(m->calls.windows, 4);
	cr_assert(m->complete);
	cr_assert_eq(m->end.ended_by, ENDED_COMMAND);
	cr_assert_eq(m->wall_ns, 100);
	model_free(m);
}

Test(stream, empty, .init = setup)
{
	struct model *m = model_builder_finish(b);

	check(m);
	cr_assert_eq(m->n_threads, 0);
	cr_assert_eq(m->n_processes, 0);
	cr_assert_eq(m->wall_ns, 0);
	cr_assert_eq(m->n_strip, 0);
	cr_assert_not(m->complete);
	model_free(m);
}

Test(stream, given_up, .init = setup)
{
	put_thread(thread(1, 0, 0, 0, 100));
	put_text(TEXT_ARGUMENT, "./a");
	model_builder_free(b);
	model_builder_free(NULL);
	model_free(NULL);
}

Test(stream, without_sums_and_end, .init = setup)
{
	struct model *m;

	put_exec(exec(10, 1, 1, "/bin/sh", "sh"));
	put_thread(thread(1, 0, 0, 0, 100));
	put_thread(thread(2, 1, 0, 40, 100));
	m = model_builder_finish(b);
	check(m);
	cr_assert_not(m->complete);
	cr_assert_eq(m->wall_ns, 0);
	cr_assert_eq(m->threads[0].start_ns, 0, "then instants count from the first start");
	cr_assert_eq(m->threads[1].start_ns, 40);
	cr_assert_not_null(process(m, 2)->exe, "inherited all the same");
	model_free(m);
}

/* --- streams that contradict themselves ---------------------------------------- */

Test(odd, same_id_twice, .init = setup)
{
	struct model *m;

	put_thread(thread(1, 0, 0, 0, 100));
	put_thread(thread(1, 0, 0, 10, 90));
	put_thread(thread(1, 1, 1, 20, 80));
	m = done(100);
	check(m);
	model_free(m);
}

/* The ledger of a leader may be among those that could not be sent. */
Test(odd, process_whose_leader_is_not_known, .init = setup)
{
	struct model *m;

	put_thread(thread(5, 2, 2, 0, 100));
	put_thread(thread(6, 5, 2, 10, 100));
	put_thread(thread(7, 6, 0, 20, 100));
	m = done(100);
	check(m);
	cr_assert_eq(m->n_processes, 2);
	cr_assert_eq(process(m, 2)->n_threads, 2);
	cr_assert_eq(process(m, 2)->parent, -1);
	cr_assert_eq(process(m, 7)->parent, process(m, 2) - m->processes);
	model_free(m);
}

Test(odd, process_younger_than_its_threads, .init = setup)
{
	struct model *m;

	put_thread(thread(5, 77, 42, 0, 100));
	put_thread(thread(7, 5, 0, 20, 100));
	put_thread(thread(8, 7, ~0ULL, 20, 100));
	m = done(100);
	check(m);
	cr_assert_eq(m->n_processes, 3);
	model_free(m);
}

Test(odd, parents_in_a_ring, .init = setup)
{
	struct model *m;

	put_thread(thread(1, 3, 0, 0, 100));
	put_thread(thread(2, 1, 0, 0, 100));
	put_thread(thread(3, 2, 0, 0, 100));
	put_thread(thread(4, 4, 0, 0, 100));
	m = done(100);
	check(m);
	model_free(m);
}

Test(odd, exec_of_nobody, .init = setup)
{
	struct model *m;

	put_exec(exec(10, 9, 9, "/bin/sh", "sh"));
	put_thread(thread(1, 9, 0, 0, 100));
	m = done(100);
	check(m);
	cr_assert_null(m->processes[0].exe);
	model_free(m);
}

Test(odd, ledgers_whose_numbers_are_wild, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);
	struct model *m;

	t.ledger.start_at = ~0ULL;
	t.ledger.end_at = 0;
	t.open_since = ~0ULL;
	t.flags = ~THREAD_UNSENT;
	memset(t.ledger.cause, 0xff, sizeof(t.ledger.cause));
	put(&t);
	m = done(100);
	check(m);
	model_free(m);
}

Test(odd, open_wait_that_begins_after_the_end, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);
	struct model *m;

	t.flags = THREAD_LEADER | THREAD_OPEN_WAIT;
	t.open_cause = CAUSE_IO_PIPE;
	t.open_since = T0 + 200;
	put(&t);
	m = done(100);
	cr_assert_eq(m->threads[0].open_for_ns, 0);
	model_free(m);
}

Test(odd, open_wait_for_no_cause, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);

	t.open_cause = CAUSE_COUNT;
	cr_assert_eq(model_builder_event(b, &t.head), -EINVAL);
	model_builder_free(b);
}

Test(odd, open_wait_for_no_row, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100);

	t.open_row = ROW_COUNT;
	cr_assert_eq(model_builder_event(b, &t.head), -EINVAL);
	model_builder_free(b);
}

Test(odd, sums_that_go_back, .init = setup)
{
	struct ev_wall w = wall(200), back = wall(100);

	put(&w);
	cr_assert_eq(model_builder_event(b, &back.head), -EINVAL);
	model_builder_free(b);
}

Test(odd, sums_that_end_before_they_start, .init = setup)
{
	struct ev_wall w = wall(200);

	w.sums.start_at = w.sums.at + 1;
	cr_assert_eq(model_builder_event(b, &w.head), -EINVAL);
	model_builder_free(b);
}

/* A few servers, some of which are processes of the stream. */
static void put_some_peers(struct rng *r)
{
	for (int i = rng_below(r, 5); i; i--)
		put_peer(peer(rng_one_in(r, 3) ? 0 : 1000 + rng_below(r, 10), rng_below(r, 100),
			      rng_below(r, 10)));
}

/* Any numbers in any order: no crash (this runs with sanitizers), and a tree that is one. */
Test(odd, anything, .init = setup)
{
	model_builder_free(b);
	for (int seed = 0; seed < 2000; seed++) {
		struct rng r = rng_seed(seed);
		int n = rng_below(&r, 40);
		struct model *m;

		b = model_builder_new();
		for (int i = 0; i < n; i++) {
			__u64 start = rng_below(&r, 100), id = rng_below(&r, 8);
			struct ev_thread t = thread(id, rng_below(&r, 8), rng_below(&r, 8), start,
						    start + rng_below(&r, 100));

			t.flags = rng_next(&r) & 63;
			t.open_cause = rng_below(&r, CAUSE_COUNT + 1);
			t.open_row = rng_below(&r, ROW_COUNT + 1);
			if (rng_one_in(&r, 3))
				put_exec(exec(rng_below(&r, 100), id, rng_below(&r, 8), "/x", "x"));
			model_builder_event(b, &t.head);
		}
		put_some_peers(&r);
		if (rng_one_in(&r, 2)) {
			m = done(rng_below(&r, 300));
		} else {
			m = model_builder_finish(b);
		}
		check(m);
		model_free(m);
	}
}
