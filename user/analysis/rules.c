// SPDX-License-Identifier: BSD-2-Clause
/* What there is to say beside the verdict: a table of rules, each with its condition. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static double share(const struct findings *f, double ns)
{
	return f->model->wall_ns ? ns / f->model->wall_ns : 0;
}

/* --- mostly process start-up ------------------------------------------------------ */

#define SHORT_CPU_NS  10000000ull /* a process that computes no longer is little but its start */
#define SHORT_LEAST   20
#define STARTUP_SHARE 0.5 /* of the computing */

static void find_startup(struct findings *f)
{
	const struct model *m = f->model;
	uint64_t *ran = zeroed(m->n_processes, sizeof(*ran)), sum = 0, life = 0, to_exec = 0;
	size_t n = 0, execs = 0;
	struct finding *to;
	char mean[UNITS_SIZE], each[UNITS_SIZE];

	for (size_t i = 0; i < m->n_threads; i++)
		ran[m->threads[i].process] += m->threads[i].state_ns[TS_RUNNING];
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];

		if (p->parent < 0 || p->is_attached || !p->ended || ran[i] > SHORT_CPU_NS)
			continue;
		n++;
		sum += ran[i];
		life += p->end_ns - p->start_ns;
		if (p->life.n_execs && p->life.execs->at_ns >= p->start_ns) {
			execs++;
			to_exec += p->life.execs->at_ns - p->start_ns;
		}
	}
	free(ran);
	if (n < SHORT_LEAST || !sum || sum < STARTUP_SHARE * f->totals.state_ns[TS_RUNNING] ||
	    share(f, f->running_ns) < 0.2)
		return;
	to = finding_add(f, "process.startup", SEVERITY_WARNING);
	finding_title(to, "most of the computing is the start and end of %zu short processes", n);
	evidence_add(to, "processes", n, "%zu processes computed for less than %s each", n,
		     units_ns(mean, SHORT_CPU_NS, true));
	evidence_add(to, "totals.states.running_ns", sum,
		     "%.0f %% of the computing was theirs: %s each, in a life of %s on average",
		     100.0 * sum / f->totals.state_ns[TS_RUNNING], units_ns(mean, sum / n, true),
		     units_ns(each, life / n, true));
	if (execs)
		evidence_add(to, "processes.life.exec_ns", to_exec / execs,
			     "%s of it from the creation to the program's start",
			     units_ns(mean, to_exec / execs, true));
	finding_advice(to, "Start fewer of them: a shell's own commands instead of programs, xargs "
			   "with many arguments at once, one process that does all of a kind.");
	finding_gain(to, f, sum / (f->parallelism > 1 ? f->parallelism : 1),
		     "by starting none of them");
	if (f->verdict.class == CLASS_CPU_BOUND)
		finding_advice(&f->list[0], "Most of that is the start and end of short processes: "
					    "see the warning.");
}

/* --- spinning --------------------------------------------------------------------- */

#define YIELDS_LEAST 200
#define SPIN_SHARE   0.05 /* of the computing, by threads that mostly leave the CPU by yielding */

static void find_spinning(struct findings *f)
{
	const struct model *m = f->model;
	uint64_t ran = 0, yields = 0;
	size_t n = 0;
	struct finding *to;
	char times[UNITS_SIZE];

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->yields < YIELDS_LEAST || t->yields < t->switches / 2)
			continue;
		n++;
		ran += t->state_ns[TS_RUNNING];
		yields += t->yields;
	}
	if (!n || !ran || ran < SPIN_SHARE * f->totals.state_ns[TS_RUNNING])
		return;
	to = finding_add(f, "cpu.spinning", SEVERITY_WARNING);
	finding_title(to, "%zu thread%s spin%s: sched_yield again and again", n, n == 1 ? "" : "s",
		      n == 1 ? "s" : "");
	evidence_add(to, "totals.switches.yields", yields,
		     "%s times they gave the CPU away to another thread",
		     units_count(times, yields));
	evidence_add(to, "totals.states.running_ns", ran,
		     "%.0f %% of all CPU time was theirs; how much of it was spinning is not known",
		     100.0 * ran / f->totals.state_ns[TS_RUNNING]);
	finding_advice(to,
		       "Wait in the kernel instead (a mutex, a condition, a futex), or spin for "
		       "some microseconds and then wait. For numerical libraries: fewer threads "
		       "(OMP_NUM_THREADS), or OMP_WAIT_POLICY=passive.");
}

/* --- locks, though they do not decide -------------------------------------------------- */

#define CONTENTION_LEAST 10

static void find_contention(struct findings *f)
{
	const struct wait *each = f->totals.waits;
	uint64_t ns = f->totals.row_ns[ROW_LOCK], count = 0, longest = 0;
	struct finding *to;
	char waits[UNITS_SIZE], sum[UNITS_SIZE], most[UNITS_SIZE];
	const char *advice;

	for (int c = CAUSE_LOCK_MUTEX; c <= CAUSE_LOCK_FILE; c++) {
		count += each[c].count;
		longest = each[c].max_ns > longest ? each[c].max_ns : longest;
	}
	if (f->verdict.class == CLASS_LOCK_BOUND || count < CONTENTION_LEAST || share(f, ns) < 0.1)
		return;
	to = finding_add(f, "lock.contention", SEVERITY_WARNING);
	finding_title(to, "threads wait for locks");
	evidence_add(to, "totals.waited_for.lock_ns", ns,
		     "%s wait%s took %s in all, the longest %s", units_count(waits, count),
		     count == 1 ? "" : "s", units_ns(sum, ns, true), units_ns(most, longest, true));
	lock_say(to, f);
	advice = lock_advice(f);
	finding_advice(to, "%s",
		       advice ? advice
			      : "Hold the lock for shorter, or for less; more threads would make "
				"it worse.");
	finding_gain(to, f,
		     f->model->wall.row_ns[ROW_LOCK] +
			     f->serialised_ns * (f->cpus_allowed > 1 ? 1 - 1 / f->cpus_allowed : 0),
		     "by never waiting for a lock");
}

/* --- what comes from outside ------------------------------------------------------------ */

static void find_limit(struct findings *f)
{
	uint64_t ns = f->model->wall.limit_ns,
		 throttled = f->totals.waits[CAUSE_KERNEL_THROTTLE].ns;
	struct finding *to;
	char text[UNITS_SIZE], words[LIMIT_WORDS_SIZE];

	if (f->verdict.class == CLASS_STARVED || (share(f, ns) < 0.05 && share(f, throttled) < 0.1))
		return;
	to = finding_add(f, "cpu.limit", SEVERITY_WARNING);
	finding_title(to, "its CPU limit cost %.0f %% of the wall time", 100 * share(f, ns));
	evidence_add(to, "wall_parts.runnable_limit_ns", ns,
		     "%.0f %% of the time nothing ran because of it", 100 * share(f, ns));
	evidence_add(to, "totals.blocked.kernel.throttle.ns", throttled,
		     "its threads were held for %s in all", units_ns(text, throttled, true));
	finding_advice(to,
		       "%s. Raise it (cpu.max; --cpus of a container), or use fewer threads, "
		       "so that a period's share is not spent at its beginning.",
		       limit_words(words, sizeof(words), f));
	finding_gain(to, f, ns, "without the limit");
}

static void find_busy_machine(struct findings *f)
{
	struct finding *to;
	struct shares s;

	shares_of_program(&s, f);
	if (f->verdict.class == CLASS_STARVED || share(f, s.others) < 0.05)
		return;
	to = finding_add(f, "machine.busy", SEVERITY_WARNING);
	finding_title(to, "other programs had the CPUs for part of the time");
	evidence_add(to, "wall.runnable_ns", f->model->wall.runnable_ns,
		     "%.0f %% of the time its threads were ready, and others had the CPUs",
		     100 * share(f, s.others));
	others_say(to, f, &s);
	finding_advice(to, "Measure on a quiet machine; times from this run are longer than the "
			   "program needs.");
	finding_gain(to, f, others_gain(f, &s), "on a quiet machine");
}

static void find_faults(struct findings *f)
{
	uint64_t ns = f->model->wall.row_ns[ROW_FAULT];
	const struct wait *w = &f->totals.waits[CAUSE_FAULT_MAJOR];
	struct finding *to;
	struct shares s;
	char faults[UNITS_SIZE], mean[UNITS_SIZE];

	shares_of_program(&s, f);
	if (share(f, ns) < 0.05 || !w->count ||
	    (f->verdict.class == CLASS_IO_BOUND && s.fault >= s.device && s.fault >= s.peer))
		return; /* or the verdict says it */
	to = finding_add(f, "memory.faults", SEVERITY_WARNING);
	finding_title(to, "it waits for memory from a disk");
	evidence_add(to, "wall_parts.io_fault_ns", ns,
		     "%.0f %% of the time it waited in %s page faults of %s each",
		     100 * share(f, ns), units_count(faults, w->count),
		     units_ns(mean, w->ns / w->count, true));
	finding_advice(to,
		       "Give it more memory, touch less, or read ahead (madvise, MAP_POPULATE).");
	finding_gain(to, f, ns, "by having it in memory");
}

static void find_latency(struct findings *f)
{
	uint64_t ns = f->model->wall.latency_ns;
	struct finding *to;

	if (share(f, ns) < 0.15)
		return;
	to = finding_add(f, "handover.latency", SEVERITY_NOTE);
	finding_title(to, "work is handed from one CPU to another in small steps");
	evidence_add(to, "wall_parts.runnable_latency_ns", ns,
		     "%.0f %% of the time nothing ran, while a woken thread was on its way to an "
		     "idle CPU",
		     100 * share(f, ns));
	finding_advice(to, "Do more between two hand-overs, or keep threads that take turns on one "
			   "CPU (taskset).");
	finding_gain(to, f, ns, "by fewer hand-overs");
}

/* ---------------------------------------------------------------------------------------- */

void rules_find(struct findings *f)
{
	static void (*const rules[])(struct findings * f) = {
		find_startup,	   find_contention,    find_spinning, polling_find, find_limit,
		find_busy_machine, find_faults,	       find_latency,  pool_find,    lock_code_find,
		lock_trouble_find, io_trouble_find,    io_models_say, loops_find,   bottleneck_find,
		livelock_find,	   starved_by_rt_find, niced_find,    pinned_find,
	};

	/* Of a program that lives for some milliseconds there is nothing to say. */
	if (f->verdict.class == CLASS_UNKNOWN)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		rules[i](f);
}
