// SPDX-License-Identifier: BSD-2-Clause
/* Zombies, orphans and survivors, in words: whose fault, and the remedy. */
#include "analysis/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"

char *kin_name(char *buf, size_t size, const struct kin *k)
{
	if (k->pid)
		snprintf(buf, size, "%s (%u)", k->comm, k->pid);
	else
		snprintf(buf, size, "%s (outside this PID namespace)", k->comm);
	return buf;
}

/* --- zombies, of one parent each ---------------------------------------------------- */

struct neglect {
	const struct kin *parent; /* at the death of the first */
	ptrdiff_t process;	  /* its place; -1: not one of the program's */
	size_t n, n_left;
	uint64_t sum_ns, oldest_ns;
	size_t doing[CAUSE_COUNT + 1]; /* what the parent was blocked in when each died */
};

static int worst_first(const void *a, const void *b)
{
	const struct neglect *x = a, *y = b;

	if (x->sum_ns != y->sum_ns)
		return x->sum_ns > y->sum_ns ? -1 : 1;
	return (x->process > y->process) - (x->process < y->process);
}

/* One for each parent; returns how many. */
static size_t gather(const struct findings *f, struct neglect *all)
{
	const struct lifecycle *l = &f->lives;
	size_t n = 0, k;

	for (size_t i = 0; i < l->n_zombies; i++) {
		const struct zombie *z = &l->zombies[i];
		const struct story *life = &f->model->processes[z->process].life;
		uint64_t ns = z->to_ns - z->from_ns;

		for (k = 0; k < n; k++) {
			if (all[k].process == z->to_blame && all[k].parent->pid == life->parent.pid)
				break;
		}
		if (k == n)
			all[n++] =
				(struct neglect){ .parent = &life->parent, .process = z->to_blame };
		all[k].n++;
		all[k].n_left += !z->is_reaped;
		all[k].sum_ns += ns;
		if (ns > all[k].oldest_ns)
			all[k].oldest_ns = ns;
		all[k].doing[z->doing]++;
	}
	qsort(all, n, sizeof(*all), worst_first);
	return n;
}

/* Has any thread of this process ever reaped a child? */
static size_t reaped_by(const struct findings *f, const struct neglect *by)
{
	size_t n = 0;

	for (size_t i = 0; i < f->model->n_processes; i++) {
		const struct story *l = &f->model->processes[i].life;

		n += l->burial == BURIAL_REAPED && l->reaper.pid == by->parent->pid;
	}
	return n;
}

static void say_doing(struct finding *to, const struct neglect *by)
{
	unsigned int most = CAUSE_COUNT;
	char of[48] = "";

	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		if (by->doing[c] > by->doing[most])
			most = c;
	}
	if (by->process < 0 || most == CAUSE_UNKNOWN)
		return;
	if (by->n > 1)
		snprintf(of, sizeof(of), " (%zu of %zu)", by->doing[most], by->n);
	evidence_add(to, "lifecycle.zombies.parent_doing", by->doing[most],
		     "meanwhile that process was %s%s%s",
		     most == CAUSE_COUNT ? "running" : "waiting for ",
		     most == CAUSE_COUNT ? "" : cause_words(most), of);
}

static void say_remedy(struct finding *to, const struct findings *f, const struct neglect *by)
{
	if (by->process < 0)
		finding_advice(to, "It is not part of the program, and its children since their "
				   "own parent is dead. In a container, run an init there (tini, "
				   "docker run --init).");
	else if (f->model->processes[by->process].life.is_init)
		finding_advice(to, "It is the first process of a PID namespace, such as a "
				   "container, and adopts what others leave. Run an init there, "
				   "which reaps for it (tini, docker run --init).");
	else
		finding_advice(to, "Each keeps a process number in use. Call waitpid() when a "
				   "child ends (SIGCHLD, or a pidfd in the event loop); or set "
				   "SIGCHLD to SIG_IGN, or SA_NOCLDWAIT, if their status does not "
				   "matter.");
}

#define BAD_NS 1000000000 /* reaped sooner, it has done no harm */

static void say_neglect(struct findings *f, const struct neglect *by)
{
	bool is_bad = by->n_left || by->oldest_ns >= BAD_NS;
	struct finding *to =
		finding_add(f, "lifecycle.zombies", is_bad ? SEVERITY_WARNING : SEVERITY_NOTE);
	size_t reaped = reaped_by(f, by);
	char oldest[UNITS_SIZE], left[64] = "";

	if (by->n_left == by->n)
		snprintf(left, sizeof(left), "%s up to the end", by->n > 1 ? ", all of them" : ",");
	else if (by->n_left)
		snprintf(left, sizeof(left), ", %zu of them up to the end", by->n_left);
	units_ns(oldest, by->oldest_ns, true);
	kin_name(to->subject, sizeof(to->subject), by->parent);
	finding_title(to, "%s: %zu zombie%s, %s%s",
		      by->process < 0 ? "has not waited for what it adopted"
		      : reaped	      ? "is late to wait for its children"
				      : "never waits for its children",
		      by->n, by->n == 1 ? "" : "s", by->n == 1 ? "for " : "the oldest for ",
		      oldest);
	evidence_add(to, "lifecycle.zombies", by->n, "dead and not reaped for more than %d ms%s",
		     LIFE_NOTICE_NS / 1000000, left);
	say_doing(to, by);
	if (reaped)
		evidence_add(to, "processes", reaped, "it has reaped %zu of its children", reaped);
	say_remedy(to, f, by);
}

#define PARENTS_SHOWN 3

static void say_zombies(struct findings *f)
{
	struct neglect *all = zeroed(f->lives.n_zombies, sizeof(*all));
	size_t n = gather(f, all);

	for (size_t i = 0; i < n && i < PARENTS_SHOWN; i++)
		say_neglect(f, &all[i]);
	if (f->lives.peak > 1)
		evidence_add(&f->list[f->n_list - 1], "lifecycle.zombies_at_once", f->lives.peak,
			     "at most %zu at once in the whole program", f->lives.peak);
	if (n > PARENTS_SHOWN)
		evidence_add(&f->list[f->n_list - 1], "lifecycle.zombies", n - PARENTS_SHOWN,
			     "%zu more processes did not wait either", n - PARENTS_SHOWN);
	free(all);
}

/* --- zombies from before the measurement ----------------------------------------------- */

static void say_unreaped(struct findings *f, const struct unreaped *u)
{
	const struct process *parent = &f->model->processes[u->parent];
	struct neglect by = { .process = (ptrdiff_t)u->parent };
	struct finding *to = finding_add(f, "lifecycle.zombies", SEVERITY_WARNING);
	struct kin kin = { .pid = parent->pid };
	char reaped[64] = "none reaped meanwhile";

	memcpy(kin.comm, parent->comm, sizeof(kin.comm));
	kin_name(to->subject, sizeof(to->subject), &kin);
	finding_title(to, "has not reaped %" PRIu64 " zombie%s from before the measurement",
		      u->left, u->left == 1 ? "" : "s");
	if (u->count > u->left)
		snprintf(reaped, sizeof(reaped), "%" PRIu64 " of %" PRIu64 " reaped meanwhile",
			 u->count - u->left, u->count);
	evidence_add(to, "lifecycle.zombies_before", u->count,
		     "dead when it was attached to, %s (%u) the first; %s", u->comm, u->pid,
		     reaped);
	say_remedy(to, f, &by);
}

static void say_all_unreaped(struct findings *f)
{
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_unreaped && i < PARENTS_SHOWN && m->unreaped[i].left; i++)
		say_unreaped(f, &m->unreaped[i]);
}

/* --- those who live on -------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const size_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

static bool survives(const struct lifecycle *l, size_t process)
{
	return bsearch(&process, l->survivors, l->n_survivors, sizeof(process), by_place);
}

/* Those who live on at the end are told of as such. */
static bool is_worth_a_word(const struct lifecycle *l, const struct orphan *o)
{
	return o->outlived_ns >= LIFE_NOTICE_NS && !survives(l, o->process);
}

#define ORPHANS_SHOWN 4

static void say_orphans(struct findings *f)
{
	const struct lifecycle *l = &f->lives;
	const struct model *m = f->model;
	struct finding *to = NULL;
	char by[UNITS_SIZE], adopter[KIN_NAME_SIZE];
	size_t n = 0, shown = 0;

	for (size_t i = 0; i < l->n_orphans; i++)
		n += is_worth_a_word(l, &l->orphans[i]);
	if (!n)
		return;
	to = finding_add(f, "lifecycle.orphans", SEVERITY_NOTE);
	finding_title(to, "%zu process%s outlived %s", n, n == 1 ? "" : "es",
		      n == 1 ? "its parent" : "their parents");
	for (size_t i = 0; i < l->n_orphans && shown < ORPHANS_SHOWN; i++) {
		const struct orphan *o = &l->orphans[i];
		const struct process *p = &m->processes[o->process];
		const struct process *parent = &m->processes[o->parent];

		if (!is_worth_a_word(l, o))
			continue;
		shown++;
		evidence_add(to, "lifecycle.orphans.outlived_ns", o->outlived_ns,
			     "%s (%u) outlived %s (%u) by %s; %s adopted it", p->comm, p->pid,
			     parent->comm, parent->pid, units_ns(by, o->outlived_ns, true),
			     kin_name(adopter, sizeof(adopter), &p->life.parent));
	}
	if (n > shown)
		evidence_add(to, "lifecycle.orphans", n - shown, "and %zu more", n - shown);
	finding_advice(to, "Nothing to mend if they are meant to be daemons; else wait for them "
			   "before the parent ends.");
}

#define SURVIVORS_SHOWN 5

static void say_survivor(struct finding *to, const struct model *m, size_t i)
{
	const struct process *p = &m->processes[i];
	const struct thread *first = first_thread(m, i);
	uint64_t age = survivor_age(m, p);
	char alive[UNITS_SIZE], by[64] = "";

	if (p->parent >= 0)
		snprintf(by, sizeof(by), ", started by %s (%u)",
			 p->life.is_born ? p->life.creator.comm : m->processes[p->parent].comm,
			 p->ppid);
	evidence_add(to, "lifecycle.survivors.age_ns", age, "%s (%u), alive for %s%s%s%s%s",
		     p->comm, p->pid, units_ns(alive, age, true), by,
		     survivor_left(m, p) ? ", in a session of its own" : "",
		     first && first->flags & THREAD_OPEN_WAIT ? ", waits for " : "",
		     first && first->flags & THREAD_OPEN_WAIT ? cause_words(first->open_cause)
							      : "");
}

static void say_survivors(struct findings *f)
{
	const struct lifecycle *l = &f->lives;
	struct finding *to;

	if (!l->n_survivors)
		return;
	to = finding_add(f, "lifecycle.survivors", SEVERITY_WARNING);
	finding_title(to, "%zu process%s outlive%s the command; their times go this far",
		      l->n_survivors, l->n_survivors == 1 ? "" : "es",
		      l->n_survivors == 1 ? "s" : "");
	for (size_t i = 0; i < l->n_survivors && i < SURVIVORS_SHOWN; i++)
		say_survivor(to, f->model, l->survivors[i]);
	if (l->n_survivors > SURVIVORS_SHOWN)
		evidence_add(to, "lifecycle.survivors", l->n_survivors, "and %zu more",
			     l->n_survivors - SURVIVORS_SHOWN);
	finding_advice(to, "Nothing to mend if they are meant to be daemons; else end them, or "
			   "wait for them, before the command ends. --linger goes on watching.");
}

/* --- threads ------------------------------------------------------------------------ */

/* A worker that waits for work may be cut off at any time; one that writes, perhaps not. */
static void say_cut_off(struct findings *f)
{
	const struct model *m = f->model;
	const struct thread *first = NULL;
	struct finding *to;
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!(t->flags & THREAD_CUT_OFF) || t->open_cause != CAUSE_IO_DISK ||
		    WIFSIGNALED(m->processes[t->process].status))
			continue;
		if (!n++)
			first = t;
	}
	if (!n)
		return;
	to = finding_add(f, "lifecycle.cut_off", SEVERITY_NOTE);
	snprintf(to->subject, sizeof(to->subject), "%s (%u)", first->comm, first->tid);
	finding_title(to, "was cut off in the middle of a read or write: its process ended");
	evidence_add(to, "threads.cut_off", n, "%zu thread%s, that waited for a disk", n,
		     n == 1 ? "" : "s");
	finding_advice(to, "Join such threads before main() returns, or exit() is called.");
}

void lifecycle_say(struct findings *f)
{
	deaths_say(f);
	say_zombies(f);
	say_all_unreaped(f);
	say_orphans(f);
	say_survivors(f);
	say_cut_off(f);
}
