// SPDX-License-Identifier: BSD-2-Clause
/* Stops, deaths, execs and yields. */
#include "awkward.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define YIELDS 10000
/* Beside programs that compute, each yield can cost a time slice. */
#define YIELD_NS (300 * MS)

static struct account vfork_before;
static struct account leader_end;
static volatile int64_t leader_waits_since;
static pthread_barrier_t yield_start;

struct yielder {
	struct account span;
	int calls;
};

static void expect_ns(const char *who, const char *cause, struct bounds in, const char *why)
{
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.in = in,
		.zero_if_absent = true,
		.why = why,
	});
}

static void expect_count(const char *who, const char *cause, struct bounds in, const char *why)
{
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.in = in,
		.zero_if_absent = true,
		.why = why,
	});
}

static void expect_number(const char *path, int64_t number, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { number, number }, .why = why });
}

static void expect_stopped(int stops, struct bounds stopped, struct account span)
{
	const char *who = "aw-stopped";
	int64_t blocked = account_blocked(span);

	expect_count(who, "signal.stop", (struct bounds){ stops, stops },
		     "each SIGSTOP was seen "
		     "by waitpid");
	expect_ns(who, "signal.stop",
		  (struct bounds){ stopped.min - span.delay - 2 * MS, stopped.max + 2 * MS },
		  "from waitpid to SIGCONT at least, from SIGSTOP to SIGCONT at most; 2 ms and "
		  "the run delay of the stopped");
	expect_count(who, "timer.sleep", (struct bounds){ stops, stops + 1 },
		     "slept before each stop, and after the last unless late");
	truth_expect((struct expectation){
		.path = blocked_path(who, "timer.sleep", "ns"),
		.plus = { blocked_path(who, "signal.stop", "ns") },
		.in = { blocked - 3 * MS, blocked + 3 * MS },
		.zero_if_absent = true,
		.why = "all of the nanosleep but CPU time and run delay; 3 ms may be stolen",
	});
	expect_ns(who, "unknown", (struct bounds){ 0, 0 },
		  "the cause before the stop is known, "
		  "though the call reads restart_syscall");
}

static const char *stop_child(int stops, int64_t run_ns, int64_t stop_ns)
{
	struct account *span = shared_memory(sizeof(*span));
	struct bounds stopped = { 0, 0 };
	pid_t child = (pid_t)must(fork(), "fork");

	if (!child) {
		struct account before;

		name_thread("aw-stopped");
		before = account_now();
		sleep_ns(300 * MS);
		*span = account_since(before);
		_exit(0);
	}
	for (int i = 0; i < stops; i++) {
		int64_t stop, seen;
		int status;

		sleep_ns(run_ns);
		stop = clock_ns(CLOCK_MONOTONIC);
		must(kill(child, SIGSTOP), "kill");
		must(waitpid(child, &status, WUNTRACED), "waitpid");
		seen = clock_ns(CLOCK_MONOTONIC);
		sleep_ns(stop_ns);
		stopped.min += clock_ns(CLOCK_MONOTONIC) - seen;
		must(kill(child, SIGCONT), "kill");
		stopped.max += clock_ns(CLOCK_MONOTONIC) - stop;
	}
	reap(child);
	expect_stopped(stops, stopped, *span);
	return NULL;
}

static const char *run_stop_continue(void)
{
	return stop_child(1, 50 * MS, 200 * MS);
}

static const char *run_restart(void)
{
	return stop_child(4, 30 * MS, 10 * MS);
}

static const char *run_vfork(void)
{
	struct account span;
	pid_t child;

	vfork_before = account_now();
	child = vfork();
	if (!child) {
		/* Its own name only: the name belongs to the task, not to the shared memory. */
		if (prctl(PR_SET_NAME, "aw-vforked"))
			_exit(1);
		sleep_ns(NAP);
		_exit(0);
	}
	must(child, "vfork");
	span = account_since(vfork_before);
	reap(child);
	truth_waits("aw-vfork", "child.vfork", span, (struct bounds){ 1, 1 },
		    "vfork() waits until the child exits");
	expect_count("aw-vforked", "timer.sleep", (struct bounds){ 1, 1 }, "the child's one nap");
	return NULL;
}

static void *exec_self(void *unused)
{
	int64_t since, least;

	name_thread("aw-exec2");
	sleep_ns(NAP);
	since = leader_waits_since;
	least = since ? clock_ns(CLOCK_MONOTONIC) - since - delay_of(getpid()) - 2 * MS : 0;
	execl("/proc/self/exe", "awkward", "exec-thread-2",
	      truth_path("%lld %lld", (long long)since, (long long)(least > 0 ? least : 0)), NULL);
	must(-1, "execl");
	return unused;
}

static const char *run_exec_thread(void)
{
	name_thread("aw-exec-leader");
	start_thread(exec_self, NULL);
	leader_waits_since = clock_ns(CLOCK_MONOTONIC);
	while (pause() == -1)
		;
	return "pause() returned without a signal";
}

static const char *run_exec_thread_2(void)
{
	struct account before, span;
	long long since, least;

	if (!awkward_arg || sscanf(awkward_arg, "%lld %lld", &since, &least) != 2)
		return "it is the second half of exec-thread";
	name_thread("aw-exec2");
	before = account_now();
	sleep_ns(NAP / 2);
	span = account_since(before);
	expect_ns("aw-exec-leader", "signal.wait",
		  (struct bounds){ least, awkward_from.wall - since + 2 * MS },
		  "the leader pauses while the other thread naps: at least to the end of the nap, "
		  "less its run delay and 2 ms; at most until the new program runs");
	expect_count("aw-exec2", "timer.sleep", (struct bounds){ 2, 2 },
		     "one nap before and one after its exec: the thread goes on");
	expect_ns("aw-exec2", "timer.sleep",
		  (struct bounds){ NAP + account_blocked(span) - 2 * MS, MANY },
		  "100 ms before the exec, and what was measured after it");
	expect_number("totals.threads", 2, "the leader, and the thread that took its place");
	expect_number("totals.processes", 1, "exec makes no process");
	truth_expect((struct expectation){
		.path = "threads[comm=aw-exec2].tid",
		.minus = "threads[comm=aw-exec2].pid",
		.in = { 0, 0 },
		.why = "the thread that executes takes the leader's tid",
	});
	return NULL;
}

static void on_alarm(int number)
{
	(void)number;
}

static const char *run_eintr(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval every = { { .tv_usec = 10000 }, { .tv_usec = 10000 } }, never = { 0 };
	struct account before, span;

	must(sigaction(SIGALRM, &action, NULL), "sigaction");
	must(setitimer(ITIMER_REAL, &every, NULL), "setitimer");
	before = account_now();
	sleep_ns(200 * MS);
	span = account_since(before);
	must(setitimer(ITIMER_REAL, &never, NULL), "setitimer");
	truth_waits("aw-eintr", "timer.sleep", span,
		    (struct bounds){ span.voluntary - 1, span.voluntary },
		    "ru_nvcsw: only nanosleep waits, and SIGALRM ends it every 10 ms; one may be "
		    "raced by the signal");
	return NULL;
}

static const char *run_death_blocked(void)
{
	int64_t *since = shared_memory(sizeof(*since));
	int64_t killed, late, end;
	int status, fds[2];
	pid_t child;

	must(pipe(fds), "pipe");
	child = (pid_t)must(fork(), "fork");
	if (!child) {
		char byte;

		name_thread("aw-doomed");
		*since = clock_ns(CLOCK_MONOTONIC);
		_exit(read(fds[0], &byte, 1) == 1);
	}
	sleep_ns(NAP);
	late = delay_of(child);
	killed = clock_ns(CLOCK_MONOTONIC);
	must(kill(child, SIGKILL), "kill");
	must(waitpid(child, &status, 0), "waitpid");
	end = clock_ns(CLOCK_MONOTONIC);
	expect_ns("aw-doomed", "io.pipe",
		  (struct bounds){ killed - *since - late - 2 * MS, end - *since },
		  "from just before its read to SIGKILL, less its run delay and 2 ms; at most to "
		  "its reaping");
	expect_count("aw-doomed", "io.pipe", (struct bounds){ 1, 1 }, "one read");
	expect_number("processes[comm=aw-doomed].exit.signal", SIGKILL, "killed");
	return NULL;
}

static void *outlive(void *unused)
{
	struct account before, span, end;

	name_thread("aw-heir");
	before = account_now();
	sleep_ns(2 * NAP);
	span = account_since(before);
	end = account_now();
	truth_thread("aw-heir", (struct account){ 0 }, end);
	truth_thread("aw-leader", awkward_from, leader_end);
	truth_waits("aw-heir", "timer.sleep", span, (struct bounds){ 1, 1 }, "its one nap");
	truth_expect((struct expectation){
		.path = "threads[comm=aw-heir].end_ns",
		.minus = "threads[comm=aw-leader].end_ns",
		.in = { end.wall - leader_end.wall - 20 * MS, MANY },
		.why = "the leader ended long before; its exit may take 20 ms on a busy machine",
	});
	expect_number("totals.processes", 1, "a process lives as long as one of its threads");
	exit(truth_end());
	return unused;
}

static const char *run_leader_exits(void)
{
	name_thread("aw-leader");
	start_thread(outlive, NULL);
	leader_end = account_now();
	pthread_exit(NULL);
}

static struct yielder yield_often(const char *comm)
{
	struct account before;
	int calls = 0;
	int rc;

	name_thread(comm);
	rc = pthread_barrier_wait(&yield_start);
	must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
	before = account_now();
	while (calls < YIELDS && clock_ns(CLOCK_MONOTONIC) < before.wall + YIELD_NS) {
		must(sched_yield(), "sched_yield");
		calls++;
	}
	return (struct yielder){ account_since(before), calls };
}

static void *yield_other(void *self)
{
	*(struct yielder *)self = yield_often("aw-yield-1");
	return NULL;
}

static void expect_yields(const char *who, struct yielder y)
{
	int64_t switches = y.span.involuntary, slack = switches / 10 + y.span.cpu / MS + 1;
	int64_t most = y.calls + slack < switches ? y.calls + slack : switches;
	int64_t least = (y.calls < switches ? y.calls : switches) - slack;

	truth_expect((struct expectation){
		.path = thread_path(who, "switches.yields"),
		.in = { least > 1 ? least : 1, most },
		.why = "the calls, and at most ru_nivcsw; each tick, one in a millisecond of CPU "
		       "time, and what wakes up, 10 %, may take the CPU instead of the call, or "
		       "at its return, which looks the same",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "states.yielded_ns"),
		.in = { 1, y.span.delay + y.span.delay / 100 + 200 * switches },
		.why = "at most the run delay; 1 % and 200 ns a switch",
	});
}

static const char *run_yield(void)
{
	struct yielder here, there;
	pthread_t other;

	bind_to_one_cpu();
	must0(pthread_barrier_init(&yield_start, NULL, 2), "pthread_barrier_init");
	other = start_thread(yield_other, &there);
	here = yield_often("aw-yield-0");
	join_thread(other);
	expect_yields("aw-yield-0", here);
	expect_yields("aw-yield-1", there);
	return NULL;
}

static void be_traced(struct account *span)
{
	struct account before;

	name_thread("aw-traced");
	must(ptrace(PTRACE_TRACEME, 0, NULL, NULL), "ptrace");
	before = account_now();
	must(raise(SIGSTOP), "raise");
	*span = account_since(before);
	_exit(0);
}

static const char *run_ptrace(void)
{
	struct account *span = shared_memory(sizeof(*span));
	pid_t child = (pid_t)must(fork(), "fork");
	int status;

	if (!child)
		be_traced(span);
	must(waitpid(child, &status, 0), "waitpid");
	sleep_ns(NAP);
	must(ptrace(PTRACE_CONT, child, NULL, NULL), "ptrace");
	reap(child);
	truth_waits("aw-traced", "signal.ptrace", *span, (struct bounds){ 1, span->voluntary },
		    "one stop, under a tracer");
	return NULL;
}

const struct mode task_modes[] = {
	{ "stop-continue", NULL, run_stop_continue },
	{ "restart", NULL, run_restart },
	{ "vfork", NULL, run_vfork },
	{ "exec-thread", NULL, run_exec_thread },
	{ "exec-thread-2", NULL, run_exec_thread_2 },
	{ "eintr", NULL, run_eintr },
	{ "death-blocked", NULL, run_death_blocked },
	{ "leader-exits", NULL, run_leader_exits },
	{ "yield", NULL, run_yield },
	{ "ptrace", NULL, run_ptrace },
	{ 0 },
};
