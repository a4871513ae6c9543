// SPDX-License-Identifier: BSD-2-Clause
/* Processes that a signal ended, and what is said about them. */
#include <signal.h>

#include "lifecycle.h"

#define CORE 0x80

/* --- deaths --------------------------------------------------------------------------------- */

static void ended_by(uint64_t id, uint32_t status, uint64_t at_ns)
{
	struct ev_thread t = thread(id, COMMAND_ID, 0, id * MS, at_ns);

	t.exit_code = status;
	put(&t);
	put_life(life(LIFE_DIED, at_ns, id));
	put_life(reaped(at_ns, REAP_PID, 1000 + id));
}

static struct ev_life killed(uint64_t id, uint64_t at_ns, uint32_t sig, uint32_t flags)
{
	struct ev_life l = by_other(life(LIFE_KILLED, at_ns, id), 66, "timeout");

	l.code = sig;
	l.value = id;
	l.flags = flags;
	return l;
}

static const struct {
	enum death_how how;
	int sig;
	uint32_t flags;
	bool by_itself;
	const char *rule, *words;
} deaths[] = {
	{ DEATH_CRASH, SIGSEGV, LIFE_BY_KERNEL, true, "lifecycle.crash",
	  "crashed: SIGSEGV in thread t2 (1002)" },
	{ DEATH_CRASH, SIGFPE, LIFE_BY_KERNEL | LIFE_TO_THREAD, true, "lifecycle.crash", "SIGFPE" },
	{ DEATH_CRASH, SIGSYS, LIFE_BY_KERNEL, true, "lifecycle.crash", "SIGSYS" },
	{ DEATH_ITSELF, SIGABRT, LIFE_TO_THREAD, true, "lifecycle.crash",
	  "ended itself: SIGABRT, as abort() and assert() do" },
	{ DEATH_ITSELF, SIGSEGV, LIFE_TO_THREAD, true, "lifecycle.crash", "ended itself: SIGSEGV" },
	{ DEATH_ITSELF, SIGTERM, 0, true, "lifecycle.killed", "ended itself: SIGTERM" },
	{ DEATH_ITSELF, SIGPIPE, 0, true, "lifecycle.killed", "ended itself: SIGPIPE" },
	{ DEATH_PIPE, SIGPIPE, LIFE_TO_THREAD, true, "lifecycle.killed",
	  "wrote to what nobody reads any more: SIGPIPE" },
	{ DEATH_PROCESS, SIGTERM, 0, false, "lifecycle.killed",
	  "killed by timeout (66) with SIGTERM" },
	{ DEATH_PROCESS, SIGPIPE, LIFE_TO_THREAD, false, "lifecycle.killed", "(66) with SIGPIPE" },
	{ DEATH_PROCESS, SIGSEGV, 0, false, "lifecycle.killed", "(66) with SIGSEGV" },
	{ DEATH_PROCESS, 34, 0, false, "lifecycle.killed", "SIGRTMIN+0" },
	{ DEATH_PARENT, SIGTERM, LIFE_BY_PARENT_DEATH, false, "lifecycle.killed",
	  "died with its parent, as it had asked for: SIGTERM" },
	{ DEATH_MEMORY, SIGKILL, LIFE_BY_KERNEL | LIFE_OUT_OF_MEMORY, false, "lifecycle.crash",
	  "killed by the kernel, which was short of memory" },
	{ DEATH_KERNEL, SIGKILL, LIFE_BY_KERNEL, false, "lifecycle.killed", "sent by the kernel" },
	{ DEATH_KERNEL, SIGINT, LIFE_BY_KERNEL, false, "lifecycle.killed", "from the terminal" },
	{ DEATH_KERNEL, SIGALRM, LIFE_BY_KERNEL, true, "lifecycle.killed", "a timer" },
	{ DEATH_KERNEL, SIGXCPU, LIFE_BY_KERNEL, true, "lifecycle.killed", "CPU time" },
	{ DEATH_KERNEL, SIGHUP, LIFE_BY_KERNEL, false, "lifecycle.killed", "terminal was closed" },
};

#define DEATHS (sizeof(deaths) / sizeof(*deaths))

static void die(size_t i)
{
	struct ev_life l = killed(2, 400 * MS, deaths[i].sig, deaths[i].flags);
	struct ev_thread t = thread(2, COMMAND_ID, 0, 2 * MS, 500 * MS);
	struct ev_life end = life(LIFE_DIED, 500 * MS, 2);

	if (deaths[i].by_itself)
		l = by(l, 2);
	t.exit_code = deaths[i].sig;
	end.flags = deaths[i].flags & LIFE_OUT_OF_MEMORY;
	l.flags &= ~LIFE_OUT_OF_MEMORY;
	put(&t);
	put(&end);
	put(&l);
	put_life(reaped(500 * MS, REAP_PID, 1002));
	analyse(wall(SECOND));
}

Test(deaths, how)
{
	for (size_t i = 0; i < DEATHS; i++) {
		const struct finding *one;

		start();
		die(i);
		one = said(deaths[i].rule);
		cr_assert_eq(f->lives.n_deaths, 1);
		cr_assert_eq(f->lives.deaths[0].how, deaths[i].how, "%zu: %d", i,
			     f->lives.deaths[0].how);
		cr_assert_eq(f->lives.deaths[0].signal, deaths[i].sig);
		cr_assert_eq(f->lives.deaths[0].at_ns, 400 * MS);
		cr_assert(strstr(one->title, deaths[i].words) || tells(one, deaths[i].words),
			  "%zu: %s: %s", i, one->title, one->evidence[0].text);
		cr_assert_eq(unsaid("lifecycle.crash") + unsaid("lifecycle.killed"), 1);
		teardown();
	}
}

Test(deaths, by_whom_is_not_known, .init = start, .fini = teardown)
{
	ended_by(2, SIGTERM, 500 * MS);
	ended_by(3, SIGSEGV, 600 * MS);
	ended_by(4, 0, 600 * MS);
	ended_by(5, 0x0f00, 600 * MS);
	put_life(killed(5, 600 * MS, SIGTERM, 0));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_deaths, 2);
	cr_assert_eq(f->lives.deaths[0].how, DEATH_UNKNOWN);
	cr_assert_eq(f->lives.deaths[0].at_ns, 500 * MS);
	cr_assert(tells(said("lifecycle.killed"), "who sent it was not seen"));
	cr_assert(strstr(said("lifecycle.crash")->title, "SIGSEGV"), "it is one in any case");
}

Test(deaths, not_of_who_lives, .init = start, .fini = teardown)
{
	alive(2, COMMAND_ID, 10);
	put_life(killed(2, 600 * MS, SIGTERM, 0));
	analyse(wall(SECOND));
	cr_assert_eq(f->lives.n_deaths, 0);
}

Test(deaths, names)
{
	for (unsigned int how = 0; how < DEATH_COUNT; how++)
		cr_assert_not_null(death_name(how));
	cr_assert_null(death_name(DEATH_COUNT));
	cr_assert_null(death_name(~0U));
}

Test(deaths, with_threads_and_a_core, .init = start, .fini = teardown)
{
	struct ev_life l = by(killed(2, 400 * MS, SIGSEGV, LIFE_BY_KERNEL | LIFE_TO_THREAD), 2);
	struct ev_thread t = thread(8, 2, 2, 3 * MS, 400 * MS);
	const struct finding *one;

	ended_by(2, SIGSEGV | CORE, 500 * MS);
	put(&t);
	put_thread(thread(9, 2, 2, 3 * MS, 400 * MS));
	l.value = 8;
	put(&l);
	analyse(wall(SECOND));
	one = said("lifecycle.crash");
	cr_assert_str_eq(one->subject, "t2 (1002)");
	cr_assert_str_eq(one->title, "crashed: SIGSEGV in thread t8 (1008)");
	cr_assert(tells(one, "other threads ended with it"));
	cr_assert(tells(one, "its core was dumped"));
	cr_assert(tells(one, "at 400 ms"));
}

Test(deaths, alone_and_without_a_core, .init = start, .fini = teardown)
{
	ended_by(2, SIGSEGV, 500 * MS);
	put_life(by(killed(2, 400 * MS, SIGSEGV, LIFE_BY_KERNEL), 2));
	analyse(wall(SECOND));
	cr_assert_not(tells(said("lifecycle.crash"), "thread"));
	cr_assert_not(tells(said("lifecycle.crash"), "dumped"));
}

/* 2 to 5, one every 10 ms; 6 a nanosecond too late, 7 by another signal, 8 by another one. */
Test(deaths, of_a_group_are_one_act, .init = start, .fini = teardown)
{
	const struct finding *one;

	for (uint64_t id = 2; id <= 8; id++) {
		uint64_t at = id < 6 ? id * 10 * MS : 60 * MS + 1;
		int sig = id == 7 ? SIGKILL : SIGTERM;
		struct ev_life l = killed(id, at, sig, 0);

		ended_by(id, sig, 500 * MS);
		put_life(id == 8 ? by_other(l, 67, "kill") : l);
	}
	analyse(wall(SECOND));
	one = said("lifecycle.killed");
	cr_assert_eq(one->severity, SEVERITY_NOTE);
	cr_assert_str_eq(one->title, "7 processes were ended by a signal");
	cr_assert_eq(one->n_evidence, 4);
	cr_assert_str_eq(one->evidence[0].text,
			 "at 20.0 ms: t2 (1002) and 3 more killed by timeout (66) with SIGTERM");
	cr_assert(tells(one, "t6 (1006) killed by timeout (66) with SIGTERM"));
	cr_assert(tells(one, "t7 (1007) killed by timeout (66) with SIGKILL"));
	cr_assert(tells(one, "t8 (1008) killed by kill (67) with SIGTERM"));
}
