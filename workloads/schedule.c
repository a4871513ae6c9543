// SPDX-License-Identifier: BSD-2-Clause
/*
 * schedule MODE: threads that wait for a CPU because of how they, or others, are scheduled. Without a
 * mode, the modes that have a truth.
 */
#include "truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRIORITY 10

/* One thread of a mode. */
struct task {
	const char *comm;
	int policy, nice;
	int cpu;	/* the one that it is bound to; -1: none */
	int64_t cpu_ns; /* it computes for so long; 0: until the end of wall_ns */
	int64_t wall_ns;
	int64_t nap_ns; /* between two stints of cpu_ns, until the end of wall_ns; 0: it does so once */
	struct account span;
	bool refused;
	pthread_t thread;
};

static pthread_barrier_t ready;

static void burn_for(int64_t cpu_ns)
{
	int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + cpu_ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		burn(20);
}

static void burn_until(int64_t end)
{
	while (clock_ns(CLOCK_MONOTONIC) < end)
		burn(20);
}

static bool set_policy(int policy)
{
	struct sched_param param = { .sched_priority = PRIORITY };

	return policy == SCHED_OTHER || !sched_setscheduler(0, policy, &param);
}

static void work(const struct task *t, int64_t start)
{
	int64_t end = start + t->wall_ns;

	if (!t->cpu_ns) {
		burn_until(end);
		return;
	}
	do {
		burn_for(t->cpu_ns);
		if (t->nap_ns)
			sleep_ns(t->nap_ns);
	} while (t->nap_ns && clock_ns(CLOCK_MONOTONIC) < end);
}

static void *body(void *arg)
{
	struct task *t = arg;
	struct account before;
	int rc;

	name_thread(t->comm);
	if (t->cpu >= 0)
		bind_to_cpu(t->cpu);
	if (t->nice)
		must(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), t->nice), "setpriority");
	t->refused = !set_policy(t->policy);
	rc = pthread_barrier_wait(&ready);
	must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
	before = account_now();
	work(t, clock_ns(CLOCK_MONOTONIC));
	t->span = account_since(before);
	return NULL;
}

/* Returns how long all of them took. */
static int64_t run(struct task *tasks, int n)
{
	int64_t start;

	must0(pthread_barrier_init(&ready, NULL, (unsigned int)n + 1), "pthread_barrier_init");
	for (int i = 0; i < n; i++)
		tasks[i].thread = start_thread(body, &tasks[i]);
	start = clock_ns(CLOCK_MONOTONIC);
	body(&(struct task){ .comm = "schedule", .cpu = -1, .cpu_ns = 1 });
	for (int i = 0; i < n; i++)
		join_thread(tasks[i].thread);
	return clock_ns(CLOCK_MONOTONIC) - start;
}

static bool is_refused(const struct task *tasks, int n)
{
	for (int i = 0; i < n; i++) {
		if (tasks[i].refused) {
			truth_skip("no real-time policies allowed");
			return true;
		}
	}
	return false;
}

/* What who had of whom's time, in all rows. */
static const char *taken(const char *whom, const char *by, const char *how, const char *key)
{
	return truth_path("takers[comm=\"%s\" and by=\"%s\" and how=\"%s\"]*.%s", whom, by, how,
			  key);
}

static void expect(const char *path, int64_t min, int64_t max, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { min, max }, .why = why });
}

/* By the kernel's own count, of each thread apart. */
static void expect_preempts(const struct task *tasks, int n)
{
	for (int i = 0; i < n; i++)
		truth_expect((struct expectation){
			.path = thread_path(tasks[i].comm, "slices.preempted"),
			.in = { tasks[i].span.involuntary, tasks[i].span.involuntary + 60 },
			.why = "ru_nivcsw; as long as it began and ended, a few more",
		});
}

/* --- modes -------------------------------------------------------------------------- */

static void nice_values(void)
{
	struct task tasks[] = {
		{ .comm = "high", .cpu = 0, .wall_ns = 500 * MS },
		{ .comm = "low", .cpu = 0, .nice = 19, .wall_ns = 500 * MS },
	};
	const struct account *low = &tasks[1].span;

	run(tasks, 2);
	sleep_ns(40 * MS); /* the last steps of its end take long, too */
	truth_begin("schedule nice");
	expect_preempts(tasks, 2);
	truth_number("threads[comm=low].sched.nice", 19, "setpriority");
	expect(thread_path("low", "states.preempted_ns"), low->delay * 9 / 10 - 20 * MS,
	       low->delay * 11 / 10 + 20 * MS, "run delay of /proc/self/schedstat");
	if (tasks[0].span.cpu > low->wall / 2) {
		expect(taken("low", "high", "preempted", "ns"), low->delay / 2, MANY,
		       "the other one had the CPU for most of the time");
		truth_finding("sched.niced", true, "it is ready all the time, and hardly runs");
	}
	truth_finding("sched.starved_by_rt", false, "nobody has a real-time policy");
}

static void equals(void)
{
	struct task tasks[] = {
		{ .comm = "left", .cpu = 0, .wall_ns = 300 * MS },
		{ .comm = "right", .cpu = 0, .wall_ns = 300 * MS },
	};

	run(tasks, 2);
	truth_begin("schedule equals");
	expect_preempts(tasks, 2);
	truth_finding("sched.niced", false, "both have nice 0");
	truth_finding("sched.starved_by_rt", false, "nobody has a real-time policy");
	if (tasks[0].span.cpu + tasks[1].span.cpu > tasks[0].span.wall * 9 / 10)
		expect(taken("left", "right", "preempted", "certain_ns"),
		       tasks[0].span.delay * 6 / 10, tasks[0].span.delay * 11 / 10 + 10 * MS,
		       "only they had the CPU: who takes it gives it back");
}

static void real_time(int policy, const char *mode, int64_t each)
{
	struct task tasks[] = {
		{ .comm = "turn1", .policy = policy, .cpu = 0, .cpu_ns = each },
		{ .comm = "turn2", .policy = policy, .cpu = 0, .cpu_ns = each },
		{ .comm = "turn3", .policy = policy, .cpu = 0, .cpu_ns = each },
	};
	struct timespec slice;

	run(tasks, 3);
	truth_begin(truth_path("schedule %s", mode));
	if (is_refused(tasks, 3))
		return;
	must(sched_rr_get_interval(0, &slice), "sched_rr_get_interval");
	expect_preempts(tasks, 3);
	truth_equals("threads[comm=turn1].sched.policy",
		     policy == SCHED_RR ? "SCHED_RR" : "SCHED_FIFO", "sched_setscheduler");
	truth_number("threads[comm=turn1].sched.rt_priority", PRIORITY, "sched_setscheduler");
	if (cpus_allowed() > 1) /* else main() itself waits for them */
		truth_finding("sched.starved_by_rt", false, "all of them have the same priority");
	if (policy == SCHED_FIFO) {
		expect("totals.slices.longest_ns", each * 9 / 10, each * 12 / 10 + 10 * MS,
		       "each runs to its end, once it has begun");
		truth_expect((struct expectation){
			.path = "totals.switches.yields",
			.plus = { taken("turn*", "turn*", "preempted", "count") },
			.in = { 0, 4 },
			.zero_if_absent = true,
			.why = "of one priority none takes the CPU from another; but one that has "
			       "done "
			       "its work is queued behind the others, to leave its group",
		});
		return;
	}
	expect("totals.slices.longest_ns", 80 * MS, 140 * MS, "sched_rr_timeslice_ms: 100 ms");
	expect(taken("turn*", "turn*", "preempted", "count"), 5, 20,
	       "each takes more than two turns, so that the next takes over twice");
}

static void fifo(void)
{
	real_time(SCHED_FIFO, "fifo", 180 * MS);
}

static void rr(void)
{
	real_time(SCHED_RR, "rr", 215 * MS);
}

static void starve(void)
{
	struct task tasks[] = {
		{ .comm = "normal", .cpu = 0, .wall_ns = 500 * MS },
		{ .comm = "urgent", .policy = SCHED_FIFO, .cpu = 0, .cpu_ns = 350 * MS },
	};
	run(tasks, 2);
	truth_begin("schedule starve");
	if (is_refused(tasks, 2))
		return;
	expect_preempts(tasks, 2);
	truth_finding("sched.starved_by_rt", true, "350 ms of 500 ms, at one time");
	truth_expect((struct expectation){
		.path = "takers[by=\"urgent\" and comm=\"normal\"]*.ns",
		.in = { tasks[1].span.cpu * 8 / 10, tasks[1].span.wall * 11 / 10 + 10 * MS },
		.zero_if_absent = true,
		.why = "what the urgent one computed",
	});
	truth_finding("sched.niced", false, "the other one is of another class");
}

/* What a thread that plays sound does. */
static void prompt(void)
{
	struct task tasks[] = {
		{ .comm = "normal", .cpu = 0, .wall_ns = 300 * MS },
		{ .comm = "sound",
		  .policy = SCHED_FIFO,
		  .cpu = 0,
		  .cpu_ns = 300 * US,
		  .nap_ns = 5 * MS,
		  .wall_ns = 300 * MS },
	};

	run(tasks, 2);
	truth_begin("schedule prompt");
	if (is_refused(tasks, 2))
		return;
	expect_preempts(tasks, 2);
	truth_finding("sched.starved_by_rt", false, "300 us at a time, 6 % in all");
	expect(taken("normal", "sound", "preempted", "count"), 20, 70, "once in 5.3 ms");
}

/* Of /proc/stat, of the CPU that this number names among the allowed ones. */
static int64_t idle_of(int nth)
{
	cpu_set_t set;
	char line[512], want[16];
	long long user, nice, kernel, idle, io;
	int64_t ns = -1;
	int cpu = -1;
	FILE *f = fopen("/proc/stat", "re");

	must(f ? 0 : -1, "/proc/stat");
	must(sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
	for (int left = nth; left >= 0; left -= CPU_ISSET(cpu, &set) != 0)
		cpu++;
	snprintf(want, sizeof(want), "cpu%d ", cpu);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, want, strlen(want)) &&
		    sscanf(line + strlen(want), "%lld %lld %lld %lld %lld", &user, &nice, &kernel,
			   &idle, &io) == 5)
			ns = (idle + io) * (SEC / sysconf(_SC_CLK_TCK));
	}
	fclose(f);
	return ns;
}

static void bound(const char *mode, int second)
{
	struct task tasks[] = {
		{ .comm = "left", .cpu = 0, .wall_ns = 500 * MS },
		{ .comm = "right", .cpu = second, .wall_ns = 500 * MS },
	};
	int64_t idle, wall;

	if (cpus_allowed() < 2) {
		truth_begin(truth_path("schedule %s", mode));
		truth_skip("it needs two CPUs");
		return;
	}
	idle = idle_of(1);
	wall = run(tasks, 2);
	idle = idle_of(1) - idle;
	truth_begin(truth_path("schedule %s", mode));
	expect_preempts(tasks, 2);
	truth_number("threads[comm=left].sched.cpus", 1, "sched_setaffinity");
	if (second || cpus_allowed() > 2) {
		truth_finding("sched.pinned", second ? false : idle > 2 * wall,
			      "each has a CPU of its own");
		return;
	}
	if (idle > wall * 8 / 10)
		truth_finding("sched.pinned", true,
			      "two compute on one CPU, and the other is idle");
	else if (idle < wall / 2)
		truth_finding("sched.pinned", false, "another program had the other CPU");
}

static void pinned(void)
{
	bound("pinned", 0);
}

static void apart(void)
{
	bound("apart", 1);
}

static void *change_body(void *arg)
{
	struct sched_param param = { 0 };

	name_thread("anew");
	burn_for(40 * MS);
	must(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 5), "setpriority");
	burn_for(40 * MS);
	bind_to_cpu(0);
	burn_for(40 * MS);
	must(sched_setscheduler(0, SCHED_BATCH, &param), "sched_setscheduler");
	burn_for(40 * MS);
	return arg;
}

static void change(void)
{
	int cpus = cpus_allowed(), n = cpus > 1 ? 3 : 2;
	const char *of = "threads[comm=anew].sched";

	join_thread(start_thread(change_body, NULL));
	truth_begin("schedule change");
	truth_number(truth_path("%s.changes", of), n,
		     "nice, affinity if there are two CPUs, policy");
	truth_number(truth_path("%s.changes[0].was.nice", of), 0, "as it began");
	truth_number(truth_path("%s.changes[0].now.nice", of), 5, "setpriority");
	expect(truth_path("%s.changes[0].seen_at_ns", of), 40 * MS, MANY,
	       "after it has computed for so long");
	truth_number(truth_path("%s.changes[1].now.cpus", of), 1, "sched_setaffinity");
	truth_number(truth_path("%s.changes[0].now.cpus", of), cpus, "as it began");
	truth_equals(truth_path("%s.changes[%d].now.policy", of, n - 1), "SCHED_BATCH",
		     "sched_setscheduler");
	truth_equals(truth_path("%s.policy", of), "SCHED_BATCH", "as it ends");
	truth_number(truth_path("%s.nice", of), 5, "as it ends");
}

/* --- what tests use beside another program ---------------------------------------------- */

static void alone(void)
{
	struct task tasks[] = { { .comm = "alone", .cpu = 0, .wall_ns = 400 * MS } };

	run(tasks, 1);
	truth_begin("schedule alone");
	expect_preempts(tasks, 1);
}

static void hog(void)
{
	name_thread("hog");
	bind_to_cpu(0);
	puts("ready");
	fflush(stdout);
	burn_until(clock_ns(CLOCK_MONOTONIC) + 60 * SEC);
	exit(EXIT_FAILURE); /* it is to be killed before */
}

static const struct {
	const char *name;
	void (*run)(void);
	bool is_listed;
} modes[] = {
	{ "nice", nice_values, true }, { "equals", equals, true },
	{ "fifo", fifo, true },	       { "rr", rr, true },
	{ "starve", starve, true },    { "prompt", prompt, true },
	{ "pinned", pinned, true },    { "apart", apart, true },
	{ "change", change, true },    { "alone", alone, false },
	{ "hog", hog, false },
};

#define MODES (sizeof(modes) / sizeof(*modes))

int main(int argc, char **argv)
{
	for (size_t i = 0; i < MODES; i++) {
		if (argc < 2 && modes[i].is_listed)
			puts(modes[i].name);
		if (argc < 2 || strcmp(argv[1], modes[i].name))
			continue;
		modes[i].run();
		return truth_end();
	}
	if (argc < 2)
		return EXIT_SUCCESS;
	fprintf(stderr, "there is no mode %s\n", argv[1]);
	return EXIT_FAILURE;
}
