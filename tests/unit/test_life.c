// SPDX-License-Identifier: BSD-2-Clause
/* The lives of processes: events in, stories out. What they mean: test_lifecycle.c. */
#include "lives.h"

/* --- birth and place ----------------------------------------------------------------- */

Test(birth, how_and_by_whom, .init = setup, .fini = teardown)
{
	struct ev_life l = life(LIFE_BORN, 5 * MS, 2);

	l.code = BIRTH_SPAWN;
	l.value = 0x4100;
	l.uid = 33;
	process(2, COMMAND_ID, 5, 50);
	put(&l);
	done();
	cr_assert(story(2)->is_born);
	cr_assert_eq(story(2)->birth, BIRTH_SPAWN);
	cr_assert_eq(story(2)->clone_flags, 0x4100);
	cr_assert_eq(story(2)->creator.thread_id, COMMAND_ID);
	cr_assert_eq(story(2)->creator.pid, 1001);
	cr_assert_str_eq(story(2)->creator.comm, "t1");
	cr_assert_eq(story(2)->uid, 33);
	cr_assert_eq(story(2)->last_uid, 33);
	cr_assert_not(story(2)->is_dead);
	cr_assert_not(story(COMMAND_ID)->is_born);
}

/* No end was seen, so what is known of it last is what it executed. */
Test(birth, a_program_may_change_the_user, .init = setup, .fini = teardown)
{
	struct ev_exec e = exec(7 * MS, 2, 2, "/usr/bin/sudo", "sudo"), f = e;
	struct ev_life l = life(LIFE_BORN, 5 * MS, 2);

	l.uid = 1000;
	f.at += MS;
	f.uid = 33;
	process(2, COMMAND_ID, 5, 50);
	put(&f);
	put(&e);
	put(&l);
	done();
	cr_assert_eq(story(2)->n_execs, 2);
	cr_assert_eq(story(2)->execs->at_ns, 7 * MS, "the first");
	cr_assert_eq(story(2)->uid, 1000);
	cr_assert_eq(story(2)->last_uid, 33);
}

Test(birth, place_at_the_end, .init = setup, .fini = teardown)
{
	struct ev_life l = by_other(life(LIFE_LIVES, 1000 * MS, 2), 9, "init");

	l.uid = 7;
	l.group = 1002;
	l.session = 1001;
	process(2, COMMAND_ID, 5, 1000);
	put(&l);
	done();
	cr_assert_not(story(2)->is_dead);
	cr_assert_eq(story(2)->parent.pid, 9);
	cr_assert_eq(story(2)->parent.thread_id, 0);
	cr_assert_str_eq(story(2)->parent.comm, "init");
	cr_assert_eq(story(2)->last_uid, 7);
	cr_assert_eq(story(2)->group, 1002);
	cr_assert_eq(story(2)->session, 1001);
}

/* --- death ---------------------------------------------------------------------------- */

Test(death, what_it_says, .init = setup, .fini = teardown)
{
	struct ev_life l = life(LIFE_DIED, 50 * MS, 2);

	l.doing = CAUSE_EVENT_EPOLL;
	l.flags = LIFE_OUT_OF_MEMORY;
	process(2, COMMAND_ID, 5, 50);
	put(&l);
	done();
	cr_assert(story(2)->is_dead && story(2)->out_of_memory && !story(2)->is_unwanted);
	cr_assert_eq(story(2)->died_ns, 50 * MS);
	cr_assert_eq(story(2)->parent_doing, CAUSE_EVENT_EPOLL);
	cr_assert_eq(story(2)->parent.pid, 1001);
}

/* All threads that end at once say so. */
Test(death, the_last_one_counts, .init = setup, .fini = teardown)
{
	struct ev_life first = life(LIFE_DIED, 40 * MS, 2), last = life(LIFE_DIED, 50 * MS, 2);

	first.flags = LIFE_UNWANTED;
	last.doing = CAUSE_IO_PIPE;
	process(2, COMMAND_ID, 5, 50);
	put(&last);
	put(&first);
	done();
	cr_assert_eq(story(2)->died_ns, 50 * MS);
	cr_assert_eq(story(2)->parent_doing, CAUSE_IO_PIPE);
	was(2, BURIAL_LEFT, 0);
}

Test(death, unwanted_is_never_reaped, .init = setup, .fini = teardown)
{
	struct ev_life l = life(LIFE_DIED, 50 * MS, 2);

	l.flags = LIFE_UNWANTED;
	process(2, COMMAND_ID, 5, 50);
	put(&l);
	put_life(life(LIFE_FREED, 60 * MS, 2));
	put_life(reaped(55 * MS, REAP_PID, 1002));
	put_life(reaped(55 * MS, REAP_ANY, 0));
	done();
	was(2, BURIAL_UNWANTED, 0);
}

Test(death, freed_only, .init = setup, .fini = teardown)
{
	children(1);
	put_life(life(LIFE_FREED, 70 * MS, 2));
	put_life(life(LIFE_FREED, 60 * MS, 2));
	done();
	was(2, BURIAL_LATER, 60);
}

Test(death, left, .init = setup, .fini = teardown)
{
	children(2);
	put_life(life(LIFE_LEFT, 1000 * MS, 2));
	done();
	was(2, BURIAL_LEFT, 0);
	was(3, BURIAL_LEFT, 0);
}

/* --- reaping -------------------------------------------------------------------------- */

Test(reaping, by_pid, .init = setup, .fini = teardown)
{
	struct ev_life l = by(reaped(100 * MS, REAP_PID, 1003), COMMAND_ID);

	l.flags = LIFE_AWAITED;
	children(3);
	put(&l);
	done();
	was(2, BURIAL_LEFT, 0);
	was(3, BURIAL_REAPED, 100);
	was(4, BURIAL_LEFT, 0);
	cr_assert(story(3)->is_awaited);
	cr_assert_eq(story(3)->reaper.pid, 1001);
	cr_assert_eq(story(3)->reaper.thread_id, COMMAND_ID);
}

Test(reaping, by_pid_from_outside, .init = setup, .fini = teardown)
{
	children(2);
	put_life(by_other(reaped(100 * MS, REAP_PID, 1003), 1, "init"));
	done();
	was(3, BURIAL_REAPED, 100);
	cr_assert_str_eq(story(3)->reaper.comm, "init");
	cr_assert_not(story(3)->is_awaited);
}

Test(reaping, of_an_unknown_pid, .init = setup, .fini = teardown)
{
	children(2);
	put_life(reaped(100 * MS, REAP_PID, 999));
	put_life(reaped(100 * MS, REAP_PID, 0));
	put_life(reaped(100 * MS, REAP_PID, ~0U));
	put_life(reaped(100 * MS, REAP_PID, 1001)); /* it lives */
	done();
	was(2, BURIAL_LEFT, 0);
	was(3, BURIAL_LEFT, 0);
	was(COMMAND_ID, BURIAL_NONE, 0);
}

/* The kernel looks at them in the order of their creation, not of their death. */
Test(reaping, any_is_the_first_dead_child, .init = setup, .fini = teardown)
{
	process(4, COMMAND_ID, 4, 20);
	process(3, COMMAND_ID, 3, 30);
	process(2, COMMAND_ID, 2, 90);
	died(4, 20);
	died(3, 30);
	died(2, 90);
	put_life(reaped(40 * MS, REAP_ANY, 0));
	put_life(reaped(50 * MS, REAP_ANY, 0));
	put_life(reaped(60 * MS, REAP_ANY, 0)); /* there is none */
	put_life(reaped(95 * MS, REAP_ANY, 0));
	done();
	was(3, BURIAL_REAPED, 40);
	was(4, BURIAL_REAPED, 50);
	was(2, BURIAL_REAPED, 95);
}

Test(reaping, any_takes_no_child_of_another, .init = setup, .fini = teardown)
{
	process(2, COMMAND_ID, 2, 900);
	process(3, 2, 3, 20);
	process(4, COMMAND_ID, 4, 30);
	put_life(by(life(LIFE_DIED, 20 * MS, 3), 2));
	died(4, 30);
	put_life(reaped(40 * MS, REAP_ANY, 0));
	put_life(reaped(50 * MS, REAP_ANY, 0));
	put_life(by(reaped(60 * MS, REAP_ANY, 0), 4)); /* it has no children */
	put_life(by_other(reaped(70 * MS, REAP_ANY, 0), 1, "init"));
	done();
	was(4, BURIAL_REAPED, 40);
	was(3, BURIAL_LEFT, 0);
}

/* Whose child it is is told at its death: it was adopted, or made with CLONE_PARENT. */
Test(reaping, any_takes_a_child_that_another_created, .init = setup, .fini = teardown)
{
	process(2, COMMAND_ID, 2, 900);
	process(3, 2, 3, 20);
	process(4, 2, 4, 30);
	died(3, 20);
	put_life(by(life(LIFE_DIED, 30 * MS, 4), 2));
	put_life(by(reaped(40 * MS, REAP_ANY, 0), 2));
	put_life(reaped(50 * MS, REAP_ANY, 0));
	done();
	was(4, BURIAL_REAPED, 40);
	was(3, BURIAL_REAPED, 50);
}

Test(reaping, any_thread_of_the_parent_may_wait, .init = setup, .fini = teardown)
{
	put_thread(thread(9, COMMAND_ID, COMMAND_ID, 0, 1000 * MS));
	children(1);
	put_life(by(reaped(40 * MS, REAP_ANY, 0), 9));
	done();
	was(2, BURIAL_REAPED, 40);
	cr_assert_eq(story(2)->reaper.thread_id, 9);
}

Test(reaping, by_group, .init = setup, .fini = teardown)
{
	for (__u64 id = 2; id < 6; id++) {
		struct ev_life l = life(LIFE_DIED, 20 * MS, id);

		l.group = id % 2 ? 1003 : 1002;
		process(id, COMMAND_ID, id, 20);
		put(&l);
	}
	put_life(reaped(30 * MS, REAP_GROUP, 1003));
	put_life(reaped(40 * MS, REAP_GROUP, 1003));
	put_life(reaped(50 * MS, REAP_GROUP, 1003));
	put_life(reaped(60 * MS, REAP_GROUP, 0)); /* one that has no number here */
	done();
	was(3, BURIAL_REAPED, 30);
	was(5, BURIAL_REAPED, 40);
	was(2, BURIAL_LEFT, 0);
	was(4, BURIAL_LEFT, 0);
}

Test(reaping, what_is_no_wait_takes_nobody, .init = setup, .fini = teardown)
{
	children(1);
	put_life(reaped(40 * MS, REAP_NOT, 0));
	put_life(reaped(40 * MS, REAP_DEAD, 1002));
	done();
	was(2, BURIAL_LEFT, 0);
}

/* Stamps of two CPUs; it is not reaped before it is dead. */
Test(reaping, slightly_before_the_death, .init = setup, .fini = teardown)
{
	children(3);
	put_life(reaped(19 * MS, REAP_ANY, 0));
	put_life(reaped(30 * MS - 1, REAP_PID, 1003));
	put_life(reaped(39 * MS - 1, REAP_PID, 1004)); /* too early */
	done();
	was(2, BURIAL_REAPED, 20);
	was(3, BURIAL_REAPED, 30);
	was(4, BURIAL_LEFT, 0);
}

Test(reaping, once, .init = setup, .fini = teardown)
{
	children(1);
	put_life(reaped(60 * MS, REAP_PID, 1002));
	put_life(reaped(50 * MS, REAP_PID, 1002));
	put_life(life(LIFE_FREED, 70 * MS, 2));
	done();
	was(2, BURIAL_REAPED, 50);
}

/* --- two of one number ----------------------------------------------------------------- */

static void same_number(__u64 id, __u64 start_ms, __u64 end_ms)
{
	struct ev_thread t = thread(id, COMMAND_ID, 0, start_ms * MS, end_ms * MS);

	t.tid = t.pid = 2000;
	put(&t);
	died(id, end_ms);
}

Test(number, one_after_the_other, .init = setup, .fini = teardown)
{
	same_number(2, 10, 20);
	same_number(3, 40, 50);
	put_life(reaped(30 * MS, REAP_PID, 2000));
	put_life(reaped(60 * MS, REAP_PID, 2000));
	done();
	was(2, BURIAL_REAPED, 30);
	was(3, BURIAL_REAPED, 60);
}

/* The second can have the number only if the first was reaped. */
Test(number, the_first_was_reaped_unseen, .init = setup, .fini = teardown)
{
	same_number(2, 10, 20);
	same_number(3, 40, 50);
	put_life(life(LIFE_FREED, 35 * MS, 2));
	put_life(reaped(60 * MS, REAP_PID, 2000));
	done();
	was(2, BURIAL_LATER, 35);
	was(3, BURIAL_REAPED, 60);
}

/* Whom the kernel has forgotten nobody reaps any more. */
Test(number, no_wait_is_for_one_that_is_freed, .init = setup, .fini = teardown)
{
	process(2, COMMAND_ID, 2, 20);
	process(3, COMMAND_ID, 3, 50);
	died(2, 20);
	died(3, 50);
	put_life(life(LIFE_FREED, 35 * MS, 2));
	put_life(reaped(60 * MS, REAP_ANY, 0));
	done();
	was(2, BURIAL_LATER, 35);
	was(3, BURIAL_REAPED, 60);
}

/* --- who killed it ---------------------------------------------------------------------- */

Test(killer, first_signal_that_matches, .init = setup, .fini = teardown)
{
	ended_by(2, 15);
	put_life(killed(2, 30, 9));
	put_life(by_other(killed(2, 42, 15), 77, "kill"));
	put_life(by_other(killed(2, 41, 15), 66, "timeout"));
	done();
	cr_assert(story(2)->killer.is_known);
	cr_assert_eq(story(2)->killer.by.pid, 66);
	cr_assert_eq(story(2)->killer.at_ns, 41 * MS);
	cr_assert_eq(story(2)->killer.hit_id, 2);
}

Test(killer, the_core_does_not_count, .init = setup, .fini = teardown)
{
	struct ev_life l = killed(2, 40, 11);

	l.flags = LIFE_BY_KERNEL;
	ended_by(2, 0x80 | 11);
	put(&l);
	done();
	cr_assert(story(2)->killer.is_known);
	cr_assert_eq(story(2)->killer.flags, LIFE_BY_KERNEL);
}

Test(killer, another_signal_does_not_count, .init = setup, .fini = teardown)
{
	ended_by(2, 15);
	ended_by(3, 0x0f00); /* it exited with 15 */
	put_life(killed(2, 40, 9));
	put_life(killed(3, 40, 15));
	put_life(killed(3, 40, 0));
	put_life(killed(77, 40, 15));
	done();
	cr_assert_not(story(2)->killer.is_known);
	cr_assert_not(story(3)->killer.is_known);
}

Test(killer, a_signal_after_death_does_not_count, .init = setup, .fini = teardown)
{
	ended_by(2, 15);
	ended_by(3, 15);
	put_life(killed(2, 52, 15));
	put_life(killed(3, 51, 15)); /* stamps of two CPUs */
	done();
	cr_assert_not(story(2)->killer.is_known);
	cr_assert(story(3)->killer.is_known);
}

/* Of its first thread alone. */
Test(birth, first_wait_for_io, .init = setup, .fini = teardown)
{
	struct ev_thread first = thread(2, COMMAND_ID, 0, 5 * MS, 50 * MS), second = first;

	first.flags |= THREAD_LEADER;
	first.first_io_at = T0 + 12 * MS;
	second.id = 3;
	second.process_id = 2;
	second.flags &= ~(unsigned int)THREAD_LEADER;
	second.first_io_at = T0 + 7 * MS;
	put(&first);
	put(&second);
	done();
	cr_assert_eq(story(2)->first_io_ns, 12 * MS);
	cr_assert_eq(story(COMMAND_ID)->first_io_ns, 0, "never");
}

/* Seen dead after the end: a wait that may have been for any child was for another. */
Test(reaping, not_of_who_is_left, .init = setup, .fini = teardown)
{
	process(2, COMMAND_ID, 5, 50);
	process(3, COMMAND_ID, 6, 60);
	died(2, 50);
	died(3, 60);
	put_life(reaped(70 * MS, REAP_ANY, 0));
	put_life(life(LIFE_LEFT, 1000 * MS, 2));
	done();
	cr_assert_eq(story(2)->burial, BURIAL_LEFT);
	cr_assert_eq(story(3)->burial, BURIAL_REAPED);
}
