// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pools: threads or processes that are alike in who made them and in where they wait for work, and have
 * had some several times. That place is a lock (a condition, a semaphore), or what they accept, receive
 * or read from; or each has one of its own, and the same thread wakes them all.
 */
#include "analysis/kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_LEAST 2
#define WAITS_LEAST   2	  /* of each member, for work */
#define WAITS_MEAN    3	  /* ... on average, or */
#define READS_LEAST   10  /* calls, of each who reads from a pipe that others read, too */
#define HOME_SHARE    0.5 /* of a thread's waits for others, there */
#define PART_LEAST    0.2 /* ... of its waits, for a place to be the one */
#define WAKES_LEAST   5	  /* of which it is known who ended them */
#define INSIDE_MOST   0.9 /* of these by other members, who say that there is more; else: turns */

/* Waits of a thread at one lock or target, which is numbered behind the locks. */
struct place {
	size_t thread, at;
	double waits, ns;
};

struct pools {
	struct kinds *k;
	VEC(struct place) places;
	struct map of_pair; /* of a thread and a target: a place in places */
	size_t *users;	    /* by lock or target: threads that wait there */
	double *waits;	    /* ... how often */
	size_t *home;	    /* by thread: a place in places; SIZE_MAX: none */
	bool *reads_pipe;   /* ... it waits at a pipe where others do, too */
};

#define NO_HOME SIZE_MAX

/* --- where work may come from ------------------------------------------------------------------- */

/* Which the state of CPython's runtime is: what lies there is the interpreter's lock, where its kind
 * could not be told as its functions have no names. */
#define INTERPRETER "_PyRuntime"

bool kinds_hands_over(const struct lock *l)
{
	return (l->kind == LOCK_KIND_COND || l->kind == LOCK_KIND_SEM ||
		l->kind == LOCK_KIND_UNKNOWN) &&
	       (!l->variable || strncmp(l->variable, INTERPRETER, strlen(INTERPRETER)));
}

/* Who comes to an address, a message, or what several read from one pipe. */
static bool brings_work(const struct io *io)
{
	return io->side == SIDE_LISTENING || io->side == SIDE_BOUND || io->kind == TARGET_QUEUE ||
	       (io->kind == TARGET_PIPE && io->cause == CAUSE_IO_PIPE);
}

static void add_locks(struct pools *p)
{
	const struct model *m = p->k->f->model;

	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		const struct lock_waiter *w = &m->lock_waiters[i];

		if (w->thread == NO_THREAD || !kinds_hands_over(&m->locks[w->lock]) ||
		    p->k->taken[w->thread])
			continue;
		*vec_add(&p->places) =
			(struct place){ w->thread, w->lock, (double)w->waits, (double)w->ns };
		p->users[w->lock]++;
	}
}

static struct place *target_place(struct pools *p, size_t thread, size_t io)
{
	const struct model *m = p->k->f->model;
	uint64_t *place = map_add(&p->of_pair, (uint64_t)thread * (m->n_ios + 1) + io);

	if (*place == MAP_NONE) {
		*place = p->places.n;
		*vec_add(&p->places) = (struct place){ .thread = thread, .at = m->n_locks + io };
		p->users[m->n_locks + io]++;
	}
	return &p->places.items[*place];
}

/* Who waits at a pipe to read from it, not for room to write. If nobody did that, nobody did; else it is
 * known of whose waits it was seen who ended them. */
static bool *readers_find(const struct kinds *k)
{
	const struct model *m = k->f->model;
	bool *reads = zeroed(m->n_threads, sizeof(*reads));

	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (w->waiter != NO_THREAD && w->io != NO_IO && !w->writes)
			reads[w->waiter] = true;
	}
	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (w->waiter != NO_THREAD && w->io != NO_IO && w->writes)
			reads[w->waiter] = false;
	}
	return reads;
}

static bool is_to_write(const struct io *io, bool reads)
{
	return io->kind == TARGET_PIPE && io->write_waits && !reads;
}

static void add_targets(struct pools *p)
{
	bool *reads = readers_find(p->k);
	const struct model *m = p->k->f->model;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		size_t thread = kinds_thread(p->k, s->thread_id);
		struct place *to;

		if (s->what != SITE_WAIT || s->io == NO_IO || thread == NO_THREAD ||
		    !brings_work(&m->ios[s->io]) || p->k->taken[thread] ||
		    is_to_write(&m->ios[s->io], reads[thread]))
			continue;
		to = target_place(p, thread, s->io);
		to->waits += p->k->f->sites.count[i];
		to->ns += p->k->f->sites.ns[i];
	}
	free(reads);
}

/* --- the one of each thread ----------------------------------------------------------------------- */

/* What a thread waits at, of places that are shared, or that are not. */
struct waiting {
	double waits, ns;
};

static bool is_shared(const struct pools *p, const struct place *it)
{
	return p->users[it->at] > 1;
}

static void sum_places(const struct pools *p, bool shared, struct waiting *by_thread)
{
	for (size_t i = 0; i < p->places.n; i++) {
		const struct place *it = &p->places.items[i];

		if (is_shared(p, it) != shared)
			continue;
		by_thread[it->thread].waits += it->waits;
		by_thread[it->thread].ns += it->ns;
	}
}

/* Most of the time that it waits for others is there. */
static bool waits_for_work(const struct kinds *k, size_t thread, const struct waiting *w)
{
	const struct thread *t = &k->f->model->threads[thread];
	uint64_t idle = t->state_ns[TS_RUNNING] + t->state_ns[TS_BLOCKED] + t->state_ns[TS_UNKNOWN];

	idle -= k->active[thread] < idle ? k->active[thread] : idle;

	return w->waits + 0.5 >= WAITS_LEAST && w->ns >= HOME_SHARE * (double)idle;
}

/* Of several, such as a pipe and the lock of those who read from it, the one with most waits of all:
 * so it is the same one for all. */
static void find_homes(struct pools *p, bool shared)
{
	size_t n_threads = p->k->f->model->n_threads;
	struct waiting *sums = zeroed(n_threads, sizeof(*sums));

	sum_places(p, shared, sums);
	for (size_t i = 0; i < p->places.n; i++) {
		const struct place *it = &p->places.items[i];
		size_t *home = &p->home[it->thread];

		if (is_shared(p, it) != shared ||
		    !waits_for_work(p->k, it->thread, &sums[it->thread]) ||
		    it->waits < PART_LEAST * sums[it->thread].waits)
			continue;
		if (*home != NO_HOME && is_shared(p, &p->places.items[*home]) != shared)
			continue;
		if (*home == NO_HOME || p->waits[it->at] > p->waits[p->places.items[*home].at])
			*home = i;
	}
	free(sums);
}

/* --- groups ------------------------------------------------------------------------------------- */

struct member {
	const struct kinds *k;
	size_t thread, at, place;
	bool is_shared;
};

int kinds_compare_names(const char *a, const char *b)
{
	for (;;) {
		while (isdigit((unsigned char)*a))
			a++;
		while (isdigit((unsigned char)*b))
			b++;
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
		a++;
		b++;
	}
}

/* Processes by who made them; threads of one process by that. */
static uint64_t family_of(const struct member *it)
{
	const struct model *m = it->k->f->model;
	const struct thread *t = &m->threads[it->thread];
	const struct process *p = &m->processes[t->process];

	if (t->flags & THREAD_LEADER) /* of the command: -1 */
		return (uint64_t)(p->parent + 1) << 1 | 1;
	return (uint64_t)t->process << 1;
}

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	const struct thread *t = x->k->f->model->threads;
	uint64_t family_x = family_of(x), family_y = family_of(y);

	if (x->is_shared != y->is_shared)
		return x->is_shared ? -1 : 1;
	if (family_x != family_y)
		return family_x < family_y ? -1 : 1;
	if (x->is_shared && x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->is_shared ? 0 : kinds_compare_names(t[x->thread].comm, t[y->thread].comm);
}

/* Who makes others, and waits where they do, is not one of them. */
static size_t without_makers(struct member *members, size_t n)
{
	const struct kinds *k = members->k;
	const struct model *m = k->f->model;
	bool *makes = zeroed(m->n_threads, sizeof(*makes));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t maker = kinds_thread(k, m->threads[members[i].thread].creator_id);

		if (maker != NO_THREAD)
			makes[maker] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!makes[members[i].thread])
			members[kept++] = members[i];
	}
	free(makes);
	return kept;
}

struct wakers {
	double known, inside;
	size_t most; /* members that one thread, which is none of them, has woken */
};

/* Who ended their waits at the place where each waits for work. */
static struct wakers wakers_of(const struct member *members, size_t n)
{
	const struct model *m = members->k->f->model;
	const struct member **member = zeroed(m->n_threads, sizeof(*member));
	size_t *woken = zeroed(m->n_threads, sizeof(*woken));
	struct wakers w = { 0 };

	for (size_t i = 0; i < n; i++)
		member[members[i].thread] = &members[i];
	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *it = &m->wakes[i];

		if (it->waiter == NO_THREAD || it->waker == NO_THREAD || !member[it->waiter] ||
		    it->lock == NO_LOCK || it->lock != member[it->waiter]->at)
			continue;
		w.known += (double)it->waits;
		if (member[it->waker])
			w.inside += (double)it->waits;
		else if (++woken[it->waker] > w.most)
			w.most = woken[it->waker];
	}
	free(member);
	free(woken);
	return w;
}

/* Who always finds work never waits for it, but reads it. */
static bool reads_work(const struct pools *p, size_t thread)
{
	const struct model *m = p->k->f->model;
	const struct thread *t = &m->threads[thread];

	return p->reads_pipe[thread] && t->flags & THREAD_IO_COUNTED &&
	       t->witness.reads >= READS_LEAST;
}

static bool had_work(const struct pools *p, const struct member *members, size_t n)
{
	double waits = 0;
	size_t reading = 0;

	for (size_t i = 0; i < n; i++) {
		waits += p->places.items[members[i].place].waits;
		reading += reads_work(p, members[i].thread);
	}
	return waits + 0.5 >= WAITS_MEAN * (double)n || reading == n;
}

static bool is_pool(const struct pools *p, const struct member *members, size_t n)
{
	struct wakers w;

	if (n < MEMBERS_LEAST || !had_work(p, members, n))
		return false;
	w = wakers_of(members, n);
	if (!members->is_shared && (w.known < WAKES_LEAST || w.most < MEMBERS_LEAST))
		return false;
	return w.known < WAKES_LEAST || w.inside <= INSIDE_MOST * w.known;
}

/* --- what is known of one ------------------------------------------------------------------------ */

/* At all places where two or more of them wait, and nobody else: a pipe and the lock of it, say. */
static void sum_idle(struct pools *p, struct kind_row *row, const struct member *members, size_t n)
{
	const struct model *m = p->k->f->model;
	size_t *here = zeroed(m->n_locks + m->n_ios + 1, sizeof(*here));
	bool *is_member = zeroed(m->n_threads, sizeof(*is_member));

	for (size_t i = 0; i < n; i++)
		is_member[members[i].thread] = true;
	for (size_t i = 0; i < p->places.n; i++)
		here[p->places.items[i].at] += is_member[p->places.items[i].thread];
	for (size_t i = 0; i < p->places.n; i++) {
		const struct place *it = &p->places.items[i];
		bool is_home = p->home[it->thread] == i;

		if (is_member[it->thread] &&
		    (is_home || (here[it->at] >= 2 && here[it->at] == p->users[it->at])))
			row->idle_ns += estimate_whole(it->ns);
		if (is_member[it->thread] && is_home)
			row->waits += estimate_whole(it->waits);
	}
	if (row->idle_ns > row->life_ns)
		row->idle_ns = row->life_ns;
	free(here);
	free(is_member);
}

/* Known if all who ever waited there are its members, and it had all of them from the first on. */
static void find_busy(const struct pools *p, struct kind_row *row, size_t n)
{
	const struct model *m = p->k->f->model;
	const struct lock *l = row->lock == NO_LOCK ? NULL : &m->locks[row->lock];
	size_t most;

	if (!l || !l->known || l->known != p->users[row->lock] || n != l->known ||
	    row->at_once != row->members || row->members != n)
		return;
	most = (size_t)l->away_most + l->late;
	row->busy_most = most > n ? n : most ? most : 1;
}

static void add_pool(struct pools *p, const struct member *members, size_t n)
{
	const struct model *m = p->k->f->model;
	size_t *threads = zeroed(n, sizeof(*threads)), at = members->at;
	struct kind_row *row;
	bool is_stable;

	for (size_t i = 0; i < n; i++)
		threads[i] = members[i].thread;
	is_stable = kinds_live_together(m, threads, n);
	row = is_stable ? kinds_add(p->k, KIND_POOL, threads, n) : NULL;
	free(threads);
	if (!row) /* one for each task */
		return;
	row->how = members->is_shared ? at < m->n_locks ? KIND_BY_LOCK : KIND_BY_TARGET
				      : KIND_BY_OWN_LOCKS;
	if (row->how == KIND_BY_LOCK)
		row->lock = at;
	if (row->how == KIND_BY_TARGET)
		row->io = at - m->n_locks;
	sum_idle(p, row, members, n);
	find_busy(p, row, n);
	row->is_named = kinds_matter(p->k, row->life_ns - row->idle_ns, row->running_ns);
}

static void find_groups(struct pools *p)
{
	const struct model *m = p->k->f->model;
	struct member *members = zeroed(m->n_threads, sizeof(*members));
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct place *it;

		if (p->home[i] == NO_HOME || m->threads[i].flags & THREAD_KERNEL)
			continue;
		it = &p->places.items[p->home[i]];
		members[n++] = (struct member){ p->k, i, it->at, p->home[i], p->users[it->at] > 1 };
	}
	if (n)
		qsort(members, n, sizeof(*members), by_group);
	for (size_t i = 0, next; i < n; i = next) {
		size_t kept;

		for (next = i; next < n && !by_group(&members[i], &members[next]); next++)
			;
		kept = without_makers(&members[i], next - i);
		if (is_pool(p, &members[i], kept))
			add_pool(p, &members[i], kept);
	}
	free(members);
}

void kinds_find_pools(struct kinds *k)
{
	const struct model *m = k->f->model;
	struct pools p = {
		.k = k,
		.users = zeroed(m->n_locks + m->n_ios + 1, sizeof(*p.users)),
		.waits = zeroed(m->n_locks + m->n_ios + 1, sizeof(*p.waits)),
		.home = zeroed(m->n_threads, sizeof(*p.home)),
		.reads_pipe = zeroed(m->n_threads, sizeof(*p.reads_pipe)),
	};

	for (size_t i = 0; i < m->n_threads; i++)
		p.home[i] = NO_HOME;
	add_locks(&p);
	add_targets(&p);
	for (size_t i = 0; i < p.places.n; i++) {
		const struct place *it = &p.places.items[i];

		p.waits[it->at] += it->waits;
		p.reads_pipe[it->thread] |= is_shared(&p, it) && it->at >= m->n_locks &&
					    m->ios[it->at - m->n_locks].kind == TARGET_PIPE;
	}
	find_homes(&p, true);
	find_homes(&p, false);
	find_groups(&p);
	map_free(&p.of_pair);
	free(p.places.items);
	free(p.users);
	free(p.waits);
	free(p.home);
	free(p.reads_pipe);
}
