// SPDX-License-Identifier: BSD-2-Clause
/* What no pool, loop or runtime explains: threads, processes, or one thread alone. */
#include "analysis/kinds.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_LEAST   0.1  /* of the most active process: less is no part of what a program does */
#define OTHERS_LEAST  0.5  /* ... or of many small ones so much together */
#define PRESENT_LEAST 0.1  /* of the wall time: less is no thread that it has */
#define LAUNCH_LEAST  0.05 /* of the wall time: less is how a program was started */
#define LASTING_LEAST 0.5  /* ... that it lives, if it does little */
#define WAITED_LEAST  0.9  /* of the life of the loop that it made: since then it just waits */

/* --- threads ------------------------------------------------------------------------------------ */

/* How many of them its event loops are: a loop and another thread at work are threads, too. */
static size_t loops_of(const struct kinds *k, size_t process)
{
	size_t n = 0;

	for (size_t i = 0; i < k->rows.n; i++) {
		const struct kind_row *row = &k->rows.items[i];

		n += row->kind == KIND_LOOP && row->is_named && row->process == process;
	}
	return n;
}

/* Of one process, with its loops if they are several. */
struct rest {
	size_t n;
	uint64_t active,
		running; /* summed; of all but the one with most, unless that is a loop's */
};

static struct rest rest_of(const struct kinds *k, size_t process, size_t *threads)
{
	const struct model *m = k->f->model;
	size_t loops = loops_of(k, process);
	uint64_t most_active = 0, most_running = 0;
	struct rest rest = { 0 };

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];
		uint64_t running = t->state_ns[TS_RUNNING];

		if (t->process != process || t->flags & THREAD_KERNEL ||
		    (k->taken[i] && (k->taken[i] != KIND_LOOP || loops < 2)))
			continue;
		threads[rest.n++] = i;
		rest.active += k->active[i];
		rest.running += running;
		most_active = k->active[i] > most_active ? k->active[i] : most_active;
		most_running = running > most_running ? running : most_running;
	}
	if (loops != 1) {
		rest.active -= most_active;
		rest.running -= most_running;
	}
	return rest;
}

/* The only one beside the only loop has made the loop's thread, and what it did may all have been before:
 * that is one after the other. */
static bool only_made_loop(const struct kinds *k, const struct rest *rest, const size_t *threads,
			   size_t process)
{
	const struct model *m = k->f->model;
	const struct thread *maker = &m->threads[threads[0]];
	uint64_t idle = maker->lifetime_ns;

	if (rest->n != 1 || loops_of(k, process) != 1)
		return false;
	idle -= k->active[threads[0]] < idle ? k->active[threads[0]] : idle;
	for (size_t i = 0; i < k->rows.n; i++) {
		const struct kind_row *row = &k->rows.items[i];
		const struct thread *loop = &m->threads[row->thread];

		if (row->kind == KIND_LOOP && row->is_named && row->process == process)
			return loop->creator_id == maker->id &&
			       (double)idle >= WAITED_LEAST * (double)loop->lifetime_ns;
	}
	return false;
}

static void find_threads(struct kinds *k)
{
	const struct model *m = k->f->model;
	size_t *threads = zeroed(m->n_threads, sizeof(*threads));
	enum concurrency *taken = zeroed(m->n_threads, sizeof(*taken));

	memcpy(taken, k->taken, m->n_threads * sizeof(*taken));
	for (size_t p = 0; p < m->n_processes; p++) {
		struct kind_row *row;
		struct rest rest;

		if (m->processes[p].n_threads < 2)
			continue;
		rest = rest_of(k, p, threads);
		if (rest.n < 2 && !(rest.n && loops_of(k, p)))
			continue;
		row = kinds_add(k, KIND_THREADS, threads, rest.n);
		row->is_named = kinds_matter(k, rest.active, rest.running) &&
				!only_made_loop(k, &rest, threads, p);
		row->maybe = k->maybe[p].members;
		row->maybe_lock = row->maybe ? k->maybe[p].lock : NO_LOCK;
	}
	memcpy(k->taken, taken, m->n_threads * sizeof(*taken));
	free(threads);
	free(taken);
}

/* --- processes ---------------------------------------------------------------------------------- */

/* It waits for others to end, or for a signal, for most of its life. */
static bool is_launcher(const struct thread *t)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < t->n_waits; i++) {
		enum cause c = t->waits[i].cause;

		if (c == CAUSE_CHILD_WAIT || c == CAUSE_CHILD_VFORK || c == CAUSE_SIGNAL_WAIT)
			ns += t->waits[i].ns;
	}
	return (double)ns >= LASTING_LEAST * (double)t->lifetime_ns;
}

/* Of one process, what its threads did, summed; is it one of a pool, or its maker? */
struct part {
	uint64_t active, running;
	bool is_pooled, is_launcher;
};

/* All but one did something that counts: for a good part of the time, or computing, and there most of the
 * time. Who only starts others and waits for them does nothing. */
static bool are_processes_active(const struct kinds *k, const struct part *parts)
{
	const struct model *m = k->f->model;
	uint64_t most = 0, most_running = 0, sum = 0;
	size_t active = 0, running = 0, first = 1;

	for (size_t p = 0; p < m->n_processes; p++) {
		most = parts[p].active > most ? parts[p].active : most;
		most_running = parts[p].running > most_running ? parts[p].running : most_running;
	}
	for (size_t p = 0; p < m->n_processes; p++) {
		const struct process *it = &m->processes[p];
		double life = (double)(it->end_ns - it->start_ns);

		if (parts[p].is_pooled) {
			first = 0; /* one beside them is enough */
			continue;
		}
		sum += parts[p].active;
		active += (double)parts[p].active >= SHARE_LEAST * (double)most &&
			  (double)parts[p].active >= LAUNCH_LEAST * (double)m->wall_ns;
		running += parts[p].running && !parts[p].is_launcher &&
			   (double)parts[p].running >= SHARE_LEAST * (double)most_running &&
			   life >= LASTING_LEAST * (double)m->wall_ns;
	}
	sum -= first && sum > most ? most : 0;
	return active > first || running > first || (double)sum >= OTHERS_LEAST * (double)most;
}

static bool is_pool_of_processes(const struct kinds *k, size_t process)
{
	const struct model *m = k->f->model;

	for (size_t i = 0; i < k->rows.n; i++) {
		const struct kind_row *row = &k->rows.items[i];
		const struct process *p = &m->processes[m->threads[row->thread].process];

		if (row->kind == KIND_POOL && row->of_processes && p->parent >= 0 &&
		    ((size_t)p->parent == process || m->processes[process].parent == p->parent))
			return true;
	}
	return false;
}

/* Those whose pool explains them are left out, and who made the pool. */
static void find_processes(struct kinds *k)
{
	const struct model *m = k->f->model;
	size_t *threads = zeroed(m->n_threads, sizeof(*threads)), n = 0;
	struct part *parts = zeroed(m->n_processes, sizeof(*parts));
	enum concurrency *taken = zeroed(m->n_threads, sizeof(*taken));

	memcpy(taken, k->taken, m->n_threads * sizeof(*taken));
	for (size_t p = 0; p < m->n_processes; p++)
		parts[p].is_pooled = is_pool_of_processes(k, p);
	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].flags & THREAD_KERNEL)
			continue;
		if (!parts[m->threads[i].process].is_pooled)
			threads[n++] = i;
		parts[m->threads[i].process].active += k->active[i];
		if (m->threads[i].flags & THREAD_LEADER)
			parts[m->threads[i].process].is_launcher = is_launcher(&m->threads[i]);
		parts[m->threads[i].process].running += m->threads[i].state_ns[TS_RUNNING];
	}
	if (n) {
		struct kind_row *row = kinds_add(k, KIND_PROCESSES, threads, n);

		if (row->of_processes)
			row->is_named = are_processes_active(k, parts);
		else
			k->rows.n--;
	}
	memcpy(k->taken, taken, m->n_threads * sizeof(*taken));
	free(threads);
	free(parts);
	free(taken);
}

/* --- one thread --------------------------------------------------------------------------------- */

static bool is_any_named(const struct kinds *k)
{
	for (size_t i = 0; i < k->rows.n; i++) {
		if (k->rows.items[i].is_named)
			return true;
	}
	return false;
}

static bool is_present(const struct kinds *k, const struct thread *t)
{
	return (double)t->lifetime_ns >= PRESENT_LEAST * (double)k->f->model->wall_ns;
}

static size_t present_threads(const struct kinds *k, size_t process)
{
	const struct model *m = k->f->model;
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++)
		n += m->threads[i].process == process && is_present(k, &m->threads[i]);
	return n;
}

/* That live most of the time, such as the stages of a pipe. */
static size_t lasting_processes(const struct kinds *k)
{
	const struct model *m = k->f->model;
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		n += t->flags & THREAD_LEADER && !is_launcher(t) &&
		     (double)t->lifetime_ns >= LASTING_LEAST * (double)m->wall_ns;
	}
	return n;
}

static bool is_there(const struct kinds *k, const struct kind_row *row, size_t process)
{
	if (row->kind == KIND_PROCESSES)
		return lasting_processes(k) >= 2;
	if (row->process != process)
		return false;
	if (row->kind == KIND_THREADS)
		return present_threads(k, process) >= 2;
	return is_present(k, &k->f->model->threads[row->thread]);
}

/* One thread does nearly all of it. What else is there and waits is named all the same; if there is
 * nothing, it is alone. */
static void find_single(struct kinds *k)
{
	const struct model *m = k->f->model;
	size_t most = NO_THREAD;

	if (is_any_named(k) || m->n_unsent)
		return;
	for (size_t i = 0; i < m->n_threads; i++) {
		if (!(m->threads[i].flags & THREAD_KERNEL) &&
		    (most == NO_THREAD || k->active[i] > k->active[most]))
			most = i;
	}
	for (size_t i = 0; i < k->rows.n && most != NO_THREAD; i++)
		k->rows.items[i].is_named =
			is_there(k, &k->rows.items[i], m->threads[most].process);
	if (most != NO_THREAD && !is_any_named(k))
		kinds_add(k, KIND_SINGLE, &most, 1)->is_named = true;
}

void kinds_find_rest(struct kinds *k)
{
	find_threads(k);
	find_processes(k);
	find_single(k);
}
