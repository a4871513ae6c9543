// SPDX-License-Identifier: BSD-2-Clause
/* Processes that a signal ended: whose it was, and who went with it. */
#include "analysis/internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"

/* Signals of one sender within this time are one act: kill(2) to a group, or a loop. */
#define ONE_ACT_NS 10000000

const char *death_name(enum death_how how)
{
	static const char *const names[DEATH_COUNT] = {
		[DEATH_UNKNOWN] = "unknown", [DEATH_CRASH] = "crash",
		[DEATH_ITSELF] = "itself",   [DEATH_PROCESS] = "process",
		[DEATH_PIPE] = "pipe",	     [DEATH_PARENT] = "parent-death",
		[DEATH_MEMORY] = "memory",   [DEATH_KERNEL] = "kernel",
	};

	return (unsigned int)how < DEATH_COUNT ? names[how] : NULL;
}

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
	       sig == SIGTRAP || sig == SIGSYS;
}

static enum death_how how_died(const struct process *p, int sig)
{
	const struct killer *k = &p->life.killer;

	if (p->life.out_of_memory && sig == SIGKILL)
		return DEATH_MEMORY;
	if (!k->is_known)
		return DEATH_UNKNOWN;
	if (k->flags & LIFE_BY_PARENT_DEATH)
		return DEATH_PARENT;
	if (k->flags & LIFE_BY_KERNEL)
		return is_fault(sig) ? DEATH_CRASH : DEATH_KERNEL;
	if (k->by.pid != p->pid)
		return DEATH_PROCESS;
	return sig == SIGPIPE && k->flags & LIFE_TO_THREAD ? DEATH_PIPE : DEATH_ITSELF;
}

static int by_time(const void *a, const void *b)
{
	const struct death *d = a, *e = b;

	if (d->at_ns != e->at_ns)
		return d->at_ns < e->at_ns ? -1 : 1;
	return (d->process > e->process) - (d->process < e->process);
}

void deaths_find(struct findings *f)
{
	const struct model *m = f->model;
	struct lifecycle *l = &f->lives;

	l->deaths = zeroed(m->n_processes, sizeof(*l->deaths));
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];
		int sig = WTERMSIG(p->status);

		if (!p->ended || !WIFSIGNALED(p->status))
			continue;
		l->deaths[l->n_deaths++] = (struct death){
			.process = i,
			.signal = sig,
			.how = how_died(p, sig),
			.at_ns = p->life.killer.is_known ? p->life.killer.at_ns : p->end_ns,
		};
	}
	qsort(l->deaths, l->n_deaths, sizeof(*l->deaths), by_time);
}

/* --- in words --------------------------------------------------------------------- */

const char *signal_name(char *buf, size_t size, unsigned int sig)
{
	const char *name = sigabbrev_np((int)sig);

	if (name)
		snprintf(buf, size, "SIG%s", name);
	else if ((int)sig >= SIGRTMIN && (int)sig <= SIGRTMAX)
		snprintf(buf, size, "SIGRTMIN+%d", (int)sig - SIGRTMIN);
	else
		snprintf(buf, size, "signal %u", sig);
	return buf;
}

static const char *why_kernel(unsigned int sig)
{
	switch (sig) {
	case SIGINT:
	case SIGQUIT:
		return "sent from the terminal";
	case SIGHUP:
		return "when its terminal was closed";
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF:
		return "from a timer of its own";
	case SIGKILL:
		return "sent by the kernel: a hard limit, as of CPU time (ulimit -t), or its "
		       "cgroup";
	case SIGXCPU:
		return "having used up its limit of CPU time (ulimit -t)";
	case SIGXFSZ:
		return "having written a file larger than it may (ulimit -f)";
	}
	return "sent by the kernel";
}

static bool same_act(const struct findings *f, const struct death *a, const struct death *b)
{
	const struct killer *k = &f->model->processes[a->process].life.killer;
	const struct killer *q = &f->model->processes[b->process].life.killer;

	if (a->signal != b->signal || a->how != b->how || b->at_ns - a->at_ns > ONE_ACT_NS)
		return false;
	return a->how == DEATH_KERNEL ||
	       (a->how == DEATH_PROCESS && k->by.pid == q->by.pid && k->by.pid);
}

/* "killed by timeout (11) with SIGTERM" */
static void put_cause(char *buf, size_t size, const struct model *m, const struct death *d)
{
	const struct process *p = &m->processes[d->process];
	const struct killer *k = &p->life.killer;
	const struct thread *hit = d->how == DEATH_CRASH ? listed_thread(m, k->hit_id) : NULL;
	char name[16], by[KIN_NAME_SIZE];

	signal_name(name, sizeof(name), d->signal);
	switch (d->how) {
	case DEATH_CRASH:
		snprintf(buf, size, "crashed: %s in thread %s (%u)", name,
			 hit ? hit->comm : k->by.comm, hit ? hit->tid : p->pid);
		return;
	case DEATH_ITSELF:
		snprintf(buf, size, "ended itself: %s",
			 d->signal == SIGABRT ? "SIGABRT, as abort() and assert() do" : name);
		return;
	case DEATH_PROCESS:
		snprintf(buf, size, "killed by %s with %s", kin_name(by, sizeof(by), &k->by), name);
		return;
	case DEATH_PIPE:
		snprintf(buf, size, "wrote to what nobody reads any more: %s", name);
		return;
	case DEATH_PARENT:
		snprintf(buf, size, "died with its parent, as it had asked for: %s", name);
		return;
	case DEATH_MEMORY:
		snprintf(buf, size, "killed by the kernel, which was short of memory");
		return;
	case DEATH_KERNEL:
		snprintf(buf, size, "died of %s, %s", name, why_kernel(d->signal));
		return;
	default:
		snprintf(buf, size, "died of %s; who sent it was not seen", name);
	}
}

/* Is it an accident, or what somebody meant to do? */
static bool is_accident(const struct death *d)
{
	bool by_kind = d->signal == SIGABRT || is_fault((int)d->signal);

	return d->how == DEATH_CRASH || d->how == DEATH_MEMORY ||
	       (by_kind && (d->how == DEATH_ITSELF || d->how == DEATH_UNKNOWN));
}

/* Its threads that lived then, but for the one that was hit. */
static size_t threads_cut_off(const struct model *m, const struct death *d)
{
	const struct process *p = &m->processes[d->process];
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++)
		n += m->threads[i].process == d->process && m->threads[i].end_ns >= d->at_ns;
	return n && p->n_threads > 1 ? n - 1 : 0;
}

static void say_accident(struct findings *f, const struct death *d)
{
	const struct model *m = f->model;
	const struct process *p = &m->processes[d->process];
	struct finding *to = finding_add(f, "lifecycle.crash", SEVERITY_WARNING);
	size_t others = threads_cut_off(m, d);
	bool core = WCOREDUMP(p->status);
	char at[UNITS_SIZE];

	snprintf(to->subject, sizeof(to->subject), "%s (%u)", p->comm, p->pid);
	put_cause(to->title, sizeof(to->title), m, d);
	evidence_add(to, "lifecycle.deaths.at_ns", d->at_ns, "at %s", units_ns(at, d->at_ns, true));
	if (others)
		evidence_add(to, "processes.threads", others, "%zu other thread%s ended with it",
			     others, others == 1 ? "" : "s");
	if (core)
		evidence_add(to, "processes.exit.core", 1, "its core was dumped");
	if (d->how == DEATH_MEMORY)
		finding_advice(to, "Give it more memory (memory.max, --memory of a container), or "
				   "let it use less.");
	else
		finding_advice(to, "%s, and look at where %s.",
			       core ? "Open the core in a debugger"
				    : "Run it under a debugger, or allow a core file (ulimit -c "
				      "unlimited)",
			       d->how == DEATH_ITSELF ? "it gave up" : "that thread was");
}

/* One act, and the n processes that it ended. */
static void add_act(struct finding *to, const struct model *m, const struct death *d, size_t n)
{
	const struct process *p = &m->processes[d->process];
	char cause[120], at[UNITS_SIZE], more[48] = "";

	put_cause(cause, sizeof(cause), m, d);
	if (n > 1)
		snprintf(more, sizeof(more), " and %zu more", n - 1);
	evidence_add(to, "lifecycle.deaths.at_ns", d->at_ns, "at %s: %s (%u)%s %s",
		     units_ns(at, d->at_ns, true), p->comm, p->pid, more, cause);
}

/* How many of the deaths from this one on are one act. */
static size_t act_from(const struct findings *f, size_t i)
{
	const struct lifecycle *l = &f->lives;
	size_t n = 1;

	while (i + n < l->n_deaths && same_act(f, &l->deaths[i + n - 1], &l->deaths[i + n]))
		n++;
	return n;
}

/* The last line that there is room for tells how many have none. */
static void add_acts(struct finding *to, const struct findings *f)
{
	const struct lifecycle *l = &f->lives;
	size_t left = 0;

	for (size_t i = 0, n; i < l->n_deaths; i += n) {
		n = act_from(f, i);
		if (is_accident(&l->deaths[i]))
			continue;
		if (to->n_evidence < EVIDENCE_MAX - 1)
			add_act(to, f->model, &l->deaths[i], n);
		else
			left += n;
	}
	if (left)
		evidence_add(to, "lifecycle.deaths", left, "and %zu more", left);
}

#define CRASHES_SHOWN 4

void deaths_say(struct findings *f)
{
	const struct lifecycle *l = &f->lives;
	struct finding *to;
	size_t crashes = 0, meant = 0, pipes = 0;

	for (size_t i = 0; i < l->n_deaths; i++) {
		pipes += l->deaths[i].how == DEATH_PIPE;
		if (!is_accident(&l->deaths[i]))
			meant++;
		else if (crashes++ < CRASHES_SHOWN)
			say_accident(f, &l->deaths[i]);
	}
	if (crashes > CRASHES_SHOWN)
		evidence_add(&f->list[f->n_list - 1], "lifecycle.deaths", crashes,
			     "%zu more processes crashed after that", crashes - CRASHES_SHOWN);
	if (!meant)
		return;
	to = finding_add(f, "lifecycle.killed", SEVERITY_NOTE);
	finding_title(to, "%zu %sprocess%s ended by a signal", meant, crashes ? "more " : "",
		      meant == 1 ? " was" : "es were");
	add_acts(to, f);
	finding_advice(to, "Nothing to mend if that was meant%s.",
		       pipes ? "; SIGPIPE is how '... | head' ends" : "");
}
