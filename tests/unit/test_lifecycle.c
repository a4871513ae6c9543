// SPDX-License-Identifier: BSD-2-Clause
/* Zombies, orphans and survivors, and what is said about them. */
#include "any.h"
#include "lifecycle.h"

#define CLONE_PARENT 0x00008000

static void is_zombie(size_t i, uint32_t pid, uint64_t from_ns, uint64_t to_ns)
{
	const struct zombie *z = &f->lives.zombies[i];

	cr_assert_lt(i, f->lives.n_zombies);
	cr_assert_eq(m->processes[z->process].pid, pid);
	cr_assert_eq(z->from_ns, from_ns);
	cr_assert_eq(z->to_ns, to_ns, "%llu", (unsigned long long)z->to_ns);
}

/* --- zombies from before ------------------------------------------------------------- */

static void put_unreaped(uint32_t parent, uint64_t count, uint64_t left)
{
	struct ev_unreaped u = unreaped(parent, 90, count, left);

	put(&u);
}

Test(before, of_what_was_attached_to_the_most_first, .init = start, .fini = teardown)
{
	const struct finding *one;

	alive(2, 0, 0);
	put_unreaped(1001, 5, 2);
	put_unreaped(4711, 9, 9); /* not of the program */
	put_unreaped(0, 9, 9);
	put_unreaped(1002, 3, 3);
	analyse(wall(SECOND));
	cr_assert_eq(m->n_unreaped, 2);
	cr_assert_eq(m->processes[m->unreaped[0].parent].pid, 1002);
	cr_assert_eq(m->unreaped[1].count, 5);
	cr_assert_eq(m->unreaped[1].left, 2);
	one = said("lifecycle.zombies");
	cr_assert_str_eq(one->title, "has not reaped 3 zombies from before the measurement");
	cr_assert_eq(one->severity, SEVERITY_WARNING);
	one = next_of("lifecycle.zombies", one);
	cr_assert_not_null(one);
	cr_assert_str_eq(one->title, "has not reaped 2 zombies from before the measurement");
	cr_assert_null(next_of("lifecycle.zombies", one));
}

Test(before, not_of_those_that_were_reaped_meanwhile, .init = start, .fini = teardown)
{
	put_unreaped(1001, 5, 0);
	analyse(wall(SECOND));
	cr_assert_eq(m->n_unreaped, 1);
	cr_assert(unsaid("lifecycle.zombies"));
}

/* A recording says what it likes. */
Test(before, no_more_left_than_there_were, .init = start, .fini = teardown)
{
	put_unreaped(1001, 1, 7);
	analyse(wall(SECOND));
	cr_assert_eq(m->unreaped[0].left, 1);
	cr_assert_str_eq(said("lifecycle.zombies")->title,
			 "has not reaped 1 zombie from before the measurement");
}

/* --- zombies: which ------------------------------------------------------------------- */

Test(zombies, from_the_least_that_is_noticed, .init = start, .fini = teardown)
{
	dead(2, 100);
	dead(3, 100);
	put_life(reaped(100 * MS + LIFE_NOTICE_NS - 1, REAP_PID, 1002));
	put_life(reaped(100 * MS + LIFE_NOTICE_NS, REAP_PID, 1003));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 1);
	is_zombie(0, 1003, 100 * MS, 100 * MS + LIFE_NOTICE_NS);
	cr_assert(f->lives.zombies[0].is_reaped);
	cr_assert_eq(f->lives.n_reaped, 1);
	cr_assert_eq(f->lives.reaping_ns, LIFE_NOTICE_NS - 1);
	cr_assert_eq(f->lives.reaping_max_ns, LIFE_NOTICE_NS - 1);
}

/* That it was reaped is known a grace period later. */
Test(zombies, whose_reaping_was_not_seen, .init = start, .fini = teardown)
{
	dead(2, 100);
	dead(3, 100);
	put_life(life(LIFE_FREED, 100 * MS + LIFE_GRACE_NS - 1, 2));
	put_life(life(LIFE_FREED, 100 * MS + LIFE_GRACE_NS, 3));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 1);
	is_zombie(0, 1003, 100 * MS, 100 * MS + LIFE_GRACE_NS);
	cr_assert(f->lives.zombies[0].is_reaped);
	cr_assert_eq(f->lives.n_reaped, 0);
}

Test(zombies, up_to_the_end, .init = start, .fini = teardown)
{
	dead(2, 990);
	dead(3, 991);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 1);
	is_zombie(0, 1002, 990 * MS, SECOND);
	cr_assert_not(f->lives.zombies[0].is_reaped);
	cr_assert(tells(said("lifecycle.zombies"), ", up to the end"));
}

/* Its parent was waiting, and got no CPU. */
Test(zombies, not_if_the_parent_was_waiting, .init = start, .fini = teardown)
{
	struct ev_life l = reaped(600 * MS, REAP_ANY, 0);

	l.flags = LIFE_AWAITED;
	dead(2, 100);
	put(&l);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 0);
	cr_assert_eq(f->lives.n_reaped, 1);
	cr_assert_eq(f->lives.reaping_max_ns, 500 * MS);
	cr_assert(unsaid("lifecycle.zombies"));
}

Test(zombies, not_if_nobody_wants_to_know, .init = start, .fini = teardown)
{
	struct ev_life l = life(LIFE_DIED, 100 * MS, 2);

	l.flags = LIFE_UNWANTED;
	process(2, COMMAND_ID, 2, 100);
	put(&l);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 0);
	cr_assert_eq(f->lives.n_reaped, 0);
}

/* Its parent is concprof. */
Test(zombies, not_the_command_itself, .init = setup, .fini = teardown)
{
	process(COMMAND_ID, 0, 0, 100);
	alive(2, COMMAND_ID, 50);
	put_life(by_other(life(LIFE_DIED, 100 * MS, COMMAND_ID), 77, "concprof"));
	put_life(by_other(life(LIFE_LEFT, SECOND, COMMAND_ID), 77, "concprof"));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 0);
}

/* 2 ends at 300 ms, and with it its part in the zombies 3 to 5, however it goes on. */
Test(zombies, whose_parent_dies_first, .init = start, .fini = teardown)
{
	dead(2, 300);
	put_life(reaped(301 * MS, REAP_PID, 1002));
	for (uint64_t id = 3; id <= 5; id++) {
		process(id, 2, 10, 100);
		put_life(by(life(LIFE_DIED, 100 * MS, id), 2));
	}
	put_life(reaped(700 * MS, REAP_PID, 1003)); /* by who adopted it */
	put_life(life(LIFE_FREED, 800 * MS, 4));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 3);
	for (size_t i = 0; i < 3; i++) {
		is_zombie(i, 1003 + i, 100 * MS, 300 * MS);
		cr_assert_eq(f->lives.zombies[i].to_blame, 1);
		cr_assert_eq(f->lives.zombies[i].is_reaped, i < 2);
	}
}

Test(zombies, at_once, .init = start, .fini = teardown)
{
	dead(2, 100);
	dead(3, 200);
	dead(4, 300);
	dead(5, 400);
	put_life(reaped(300 * MS, REAP_PID, 1002)); /* as 4 dies */
	put_life(reaped(350 * MS, REAP_PID, 1003));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, 4);
	cr_assert_eq(f->lives.peak, 2);
}

Test(zombies, none, .init = start, .fini = teardown)
{
	dead(2, 100);
	put_life(reaped(100 * MS, REAP_PID, 1002));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.peak, 0);
	cr_assert(unsaid("lifecycle.zombies") && unsaid("lifecycle.orphans"));
	cr_assert(unsaid("lifecycle.survivors") && unsaid("lifecycle.killed"));
}

/* --- zombies: in words ------------------------------------------------------------------ */

Test(neglect, never, .init = start, .fini = teardown)
{
	const struct finding *one;

	for (uint64_t id = 2; id < 5; id++) {
		struct ev_life l = life(LIFE_DIED, 100 * id * MS, id);

		l.doing = id == 2 ? CAUSE_COUNT : CAUSE_EVENT_EPOLL;
		process(id, COMMAND_ID, id, 100 * id);
		put(&l);
	}
	analyse(wall(SECOND));
	one = said("lifecycle.zombies");
	cr_assert_eq(one->severity, SEVERITY_WARNING);
	cr_assert_str_eq(one->subject, "t1 (1001)");
	cr_assert_str_eq(one->title,
			 "never waits for its children: 3 zombies, the oldest for 800 ms");
	cr_assert(tells(one, "all of them up to the end"));
	cr_assert(tells(one, "waiting for events (epoll) (2 of 3)"));
	cr_assert(strstr(one->advice, "waitpid()"));
}

Test(neglect, late, .init = start, .fini = teardown)
{
	const struct finding *one;

	dead(2, 100);
	dead(3, 500);
	put_life(reaped(400 * MS, REAP_PID, 1002));
	put_life(reaped(501 * MS, REAP_PID, 1003));
	analyse(wall(SECOND));
	one = said("lifecycle.zombies");
	cr_assert_str_eq(one->title, "is late to wait for its children: 1 zombie, for 300 ms");
	cr_assert(tells(one, "meanwhile that process was running"));
	cr_assert(tells(one, "it has reaped 2"));
	cr_assert_not(tells(one, "up to the end"));
}

Test(neglect, of_one_outside, .init = start, .fini = teardown)
{
	struct ev_life l = by_other(life(LIFE_DIED, 100 * MS, 2), 1, "sleep");
	const struct finding *one;

	l.doing = CAUSE_TIMER_SLEEP;
	process(2, COMMAND_ID, 2, 100);
	put(&l);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.zombies[0].to_blame, -1);
	one = said("lifecycle.zombies");
	cr_assert_str_eq(one->subject, "sleep (1)");
	cr_assert(strstr(one->advice, "not part of the program"));
	cr_assert_not(tells(one, "when they died"), "it was not watched");
}

/* The three whose zombies have been there for longest. */
Test(neglect, of_many_parents, .init = start, .fini = teardown)
{
	const struct finding *one = NULL;

	for (uint64_t id = 2; id < 7; id++) {
		process(id, COMMAND_ID, id, 1000);
		process(id + 10, id, 20, 100 * id);
		put_life(by(life(LIFE_DIED, 100 * id * MS, id + 10), id));
	}
	analyse(wall(SECOND));
	for (int pid = 1002; pid < 1005; pid++) {
		char subject[32];

		snprintf(subject, sizeof(subject), "t%d (%d)", pid - 1000, pid);
		one = next_of("lifecycle.zombies", one);
		cr_assert_not_null(one);
		cr_assert_str_eq(one->subject, subject);
	}
	cr_assert_null(next_of("lifecycle.zombies", one));
}

/* --- orphans ------------------------------------------------------------------------------ */

/* 2 died at 300 ms; 3, which it created, `ms` later, as a child of 1. */
static void outlives(uint64_t ms)
{
	dead(2, 300);
	put_life(reaped(300 * MS, REAP_PID, 1002));
	process(3, 2, 100, 300 + ms);
	put_life(by_other(life(LIFE_DIED, (300 + ms) * MS, 3), 1, "init"));
	put_life(life(LIFE_FREED, (300 + ms) * MS, 3));
}

Test(orphans, from_the_death_of_the_parent, .init = start, .fini = teardown)
{
	outlives(200);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 1);
	cr_assert_eq(m->processes[f->lives.orphans[0].process].id, 3);
	cr_assert_eq(f->lives.orphans[0].at_ns, 300 * MS);
	cr_assert_eq(f->lives.orphans[0].outlived_ns, 200 * MS);
	cr_assert_str_eq(said("lifecycle.orphans")->title, "1 process outlived its parent");
	cr_assert(tells(said("lifecycle.orphans"),
			"t3 (1003) outlived t2 (1002) by 200 ms; init (1) adopted it"));
}

Test(orphans, of_a_moment_are_worth_no_word, .init = start, .fini = teardown)
{
	outlives(LIFE_NOTICE_NS / MS - 1);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 1);
	cr_assert(unsaid("lifecycle.orphans"));
}

Test(orphans, of_the_least_that_is_noticed, .init = start, .fini = teardown)
{
	outlives(LIFE_NOTICE_NS / MS);
	analyse(wall(SECOND));
	cr_assert_not(unsaid("lifecycle.orphans"));
}

Test(orphans, not_those_who_die_before, .init = start, .fini = teardown)
{
	dead(2, 300);
	process(3, 2, 100, 299);
	put_life(by(life(LIFE_DIED, 299 * MS, 3), 2));
	process(4, 2, 100, 299); /* its death was not seen */
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 0);
}

/* Who lives on at the end is told of as such. */
Test(orphans, that_survive, .init = setup, .fini = teardown)
{
	process(COMMAND_ID, 0, 0, 400);
	put_life(by_other(life(LIFE_DIED, 400 * MS, COMMAND_ID), 77, "concprof"));
	alive(2, COMMAND_ID, 10);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 1);
	cr_assert_eq(f->lives.orphans[0].outlived_ns, 600 * MS);
	cr_assert_eq(f->lives.n_survivors, 1);
	cr_assert(unsaid("lifecycle.orphans"));
}

static void born_beside(uint64_t id)
{
	struct ev_life l = life(LIFE_BORN, id * MS, id);

	l.value = CLONE_PARENT;
	put(&l);
}

/* 3 and 4 are children of the command; 2 and 3, who created them, are not their parents. */
Test(orphans, not_of_who_is_no_parent, .init = start, .fini = teardown)
{
	dead(2, 100);
	process(3, 2, 20, 200);
	put_life(life(LIFE_DIED, 200 * MS, 3));
	process(4, 3, 30, 300);
	put_life(life(LIFE_DIED, 300 * MS, 4));
	born_beside(3);
	born_beside(4);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 0);
}

Test(orphans, of_the_true_parent, .init = setup, .fini = teardown)
{
	process(COMMAND_ID, 0, 0, 400);
	put_life(by_other(life(LIFE_DIED, 400 * MS, COMMAND_ID), 77, "concprof"));
	process(2, COMMAND_ID, 20, 1000);
	process(3, 2, 30, 900);
	put_life(by_other(life(LIFE_DIED, 900 * MS, 3), 1, "init"));
	born_beside(3);
	analyse(wall(SECOND));
	cr_assert(tells(said("lifecycle.orphans"), "t3 (1003) outlived t1 (1001) by 500 ms"));
}

/* --- survivors ----------------------------------------------------------------------------- */

static void finish(enum ended_by ended_by)
{
	struct ev_wall w = wall(SECOND);
	struct ev_end e = end(0);

	e.ended_by = ended_by;
	put(&w);
	if (ended_by)
		put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
}

Test(survivors, are_told_of, .init = start, .fini = teardown)
{
	alive(2, COMMAND_ID, 10);
	process(3, COMMAND_ID, 10, 1000);
	finish(ENDED_COMMAND);
	cr_assert_eq(f->lives.n_survivors, 1);
	cr_assert_eq(f->lives.survivors[0], 1);
	cr_assert(strstr(said("lifecycle.survivors")->title, "1 process outlives the command"));
	cr_assert(tells(
		said("lifecycle.survivors"),
		"t2 (1002), alive for 990 ms, started by t1 (1001), waits for events (poll)"));
}

Test(survivors, not_the_command, .init = setup, .fini = teardown)
{
	alive(COMMAND_ID, 0, 0);
	finish(ENDED_HANG);
	cr_assert_eq(f->lives.n_survivors, 0);
}

Test(survivors, not_if_concprof_ends_all, .init = setup, .fini = teardown)
{
	alive(COMMAND_ID, 0, 0);
	alive(2, COMMAND_ID, 10);
	finish(ENDED_DURATION);
	cr_assert_eq(f->lives.n_survivors, 0);
}

Test(survivors, of_a_command_that_ended_meanwhile, .init = start, .fini = teardown)
{
	alive(2, COMMAND_ID, 10);
	finish(ENDED_DURATION);
	cr_assert_eq(f->lives.n_survivors, 1);
}

/* Whether they live on is not known. */
Test(survivors, not_of_a_stream_that_is_cut, .init = start, .fini = teardown)
{
	alive(2, COMMAND_ID, 10);
	finish(0);
	cr_assert_eq(f->lives.n_survivors, 0);
}

Test(survivors, more_than_are_shown, .init = start, .fini = teardown)
{
	for (uint64_t id = 2; id < 9; id++)
		alive(id, COMMAND_ID, 10);
	finish(ENDED_COMMAND);
	cr_assert_eq(f->lives.n_survivors, 7);
	cr_assert(strstr(said("lifecycle.survivors")->title, "7 processes outlive the command"));
	cr_assert(tells(said("lifecycle.survivors"), "and 2 more"));
}

/* --- many ------------------------------------------------------------------------------------- */

#define MANY 10000

static void zombies_of(bool one_parent)
{
	start();
	for (uint64_t id = 2; id < 2 + MANY; id++) {
		struct ev_life l = life(LIFE_DIED, 100 * MS + id, id);

		process(id, COMMAND_ID, 2, 200);
		put_life(one_parent ? l : by_other(l, 100000 + id, "shim"));
	}
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_zombies, MANY);
	cr_assert_eq(f->lives.peak, MANY);
	teardown();
}

Test(many, zombies, .timeout = 60)
{
	zombies_of(true);
	zombies_of(false);
}

Test(many, orphans_that_survive, .timeout = 60)
{
	setup();
	process(COMMAND_ID, 0, 0, 400);
	put_life(by_other(life(LIFE_DIED, 400 * MS, COMMAND_ID), 77, "concprof"));
	for (uint64_t id = 2; id < 2 + MANY; id++)
		alive(id, COMMAND_ID, 10);
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, MANY);
	cr_assert_eq(f->lives.n_survivors, MANY);
	cr_assert(unsaid("lifecycle.orphans"));
	teardown();
}

/* Each created beside its creator. */
Test(many, created_in_a_chain, .timeout = 60)
{
	start();
	for (uint64_t id = 2; id < 2 + MANY; id++) {
		process(id, id - 1, 2, 200);
		born_beside(id);
		put_life(life(LIFE_DIED, 200 * MS, id));
	}
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_orphans, 0);
	teardown();
}

Test(hostile, random)
{
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct rng rng = rng_seed(seed);
		const struct lifecycle *l;

		setup();
		analyse_any(&rng);
		l = &f->lives;
		for (size_t i = 0; i < l->n_zombies; i++)
			cr_assert_geq(l->zombies[i].to_ns, l->zombies[i].from_ns + LIFE_NOTICE_NS);
		for (size_t i = 0; i < l->n_orphans; i++)
			cr_assert_lt(l->orphans[i].parent, m->n_processes);
		for (size_t i = 0; i < l->n_deaths; i++)
			cr_assert_lt(l->deaths[i].how, DEATH_COUNT);
		cr_assert_leq(l->peak, l->n_zombies);
		teardown();
	}
}
