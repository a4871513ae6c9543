// SPDX-License-Identifier: BSD-2-Clause
/* Locks, and what else is waited for at a word of memory. */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

size_t lock_number(struct model_builder *b, const struct lock_key *key)
{
	size_t number = intern(&b->lock_keys, key, sizeof(*key));

	if (number == b->locks.n)
		*vec_add(&b->locks) = (struct lock){ .key = *key };
	return number;
}

static struct lock *lock_of(struct model_builder *b, const struct lock_key *key)
{
	size_t number = lock_number(b, key);

	return &b->locks.items[number];
}

int on_lock(struct model_builder *b, const struct event *head)
{
	const struct ev_lock *ev = (const struct ev_lock *)head;
	struct lock *l = lock_of(b, &ev->key);

	l->hints |= ev->hints;
	l->timeouts += ev->timeouts;
	l->any_ns += ev->any_ns;
	l->owner_id = ev->owner_id;
	l->owner_how = ev->owner_how < HOLDER_COUNT ? ev->owner_how : HOLDER_UNKNOWN;
	for (int i = 0; i < LOCK_BUCKETS; i++)
		l->histogram[i] += ev->histogram[i];
	lock_calls_add(&l->calls, &ev->calls);
	l->known += ev->known;
	l->away_most += ev->away_most;
	l->late += ev->late;
	return 0;
}

int on_lock_waiter(struct model_builder *b, const struct event *head)
{
	const struct ev_lock_waiter *ev = (const struct ev_lock_waiter *)head;

	*vec_add(&b->lock_waiters) = (struct lock_waiter){
		.lock = lock_number(b, &ev->key),
		.thread_id = ev->thread_id,
		.waits = ev->waits,
		.ns = ev->ns,
		.max_ns = ev->max_ns,
		.cause = ev->cause,
		.is_open = ev->is_open,
	};
	return 0;
}

int on_lock_holder(struct model_builder *b, const struct event *head)
{
	const struct ev_lock_holder *ev = (const struct ev_lock_holder *)head;
	struct lock_holder *h = vec_add(&b->lock_holders);

	*h = (struct lock_holder){
		.lock = lock_number(b, &ev->key),
		.thread_id = ev->thread_id,
	};
	for (int how = 0; how < HOLDER_COUNT; how++) {
		h->ns += ev->ns[how];
		if (ev->ns[how] > ev->ns[h->how])
			h->how = how;
	}
	memcpy(h->doing_ns, ev->doing_ns, sizeof(h->doing_ns));
	return 0;
}

int on_lock_order(struct model_builder *b, const struct event *head)
{
	const struct ev_lock_order *ev = (const struct ev_lock_order *)head;
	size_t held = lock_number(b, &ev->held), wanted = lock_number(b, &ev->wanted);

	*vec_add(&b->lock_orders) = (struct lock_order){ held, wanted, ev->count };
	return 0;
}

int on_word(struct model_builder *b, const struct event *head)
{
	const struct ev_word *ev = (const struct ev_word *)head;
	const char *text = obstack_copy(strings_of(b), ev->text, ev->size);
	struct lock *l = lock_of(b, &ev->key);

	l->variable = text;
	l->file = text + strlen(text) + 1;
	l->object = l->file + strlen(l->file) + 1;
	if (!*l->variable) /* of a file: that is what it is called */
		l->variable = l->object;
	return 0;
}

/* Numbers before others, the first that differ decide. */
static int order_of(const uint64_t *a, const uint64_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static int order_waiters(const void *a, const void *b)
{
	const struct lock_waiter *v = a, *w = b;

	return order_of((uint64_t[]){ v->lock, ~v->ns, v->thread_id },
			(uint64_t[]){ w->lock, ~w->ns, w->thread_id }, 3);
}

static int waiters_alike(const void *a, const void *b)
{
	const struct lock_waiter *v = a, *w = b;

	return order_of((uint64_t[]){ v->lock, v->thread_id },
			(uint64_t[]){ w->lock, w->thread_id }, 2);
}

static int order_holders(const void *a, const void *b)
{
	const struct lock_holder *v = a, *w = b;

	return order_of((uint64_t[]){ v->lock, ~v->ns, v->thread_id },
			(uint64_t[]){ w->lock, ~w->ns, w->thread_id }, 3);
}

static int holders_alike(const void *a, const void *b)
{
	const struct lock_holder *v = a, *w = b;

	return order_of((uint64_t[]){ v->lock, v->thread_id },
			(uint64_t[]){ w->lock, w->thread_id }, 2);
}

static int order_orders(const void *a, const void *b)
{
	const struct lock_order *v = a, *w = b;

	return order_of((uint64_t[]){ ~v->count, v->held, v->wanted },
			(uint64_t[]){ ~w->count, w->held, w->wanted }, 3);
}

/* One row for each lock and thread: two words may be one lock. */
static void join_waiters(struct model *m)
{
	size_t n = 0;

	qsort(m->lock_waiters, m->n_lock_waiters, sizeof(*m->lock_waiters), waiters_alike);
	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		struct lock_waiter *w = &m->lock_waiters[i], *to = &m->lock_waiters[n ? n - 1 : 0];

		if (!n || waiters_alike(to, w)) {
			m->lock_waiters[n++] = *w;
			continue;
		}
		to->waits += w->waits;
		to->ns += w->ns;
		to->max_ns = w->max_ns > to->max_ns ? w->max_ns : to->max_ns;
		to->is_open |= w->is_open;
	}
	m->n_lock_waiters = n;
	qsort(m->lock_waiters, n, sizeof(*m->lock_waiters), order_waiters);
}

static void join_holders(struct model *m)
{
	size_t n = 0;

	qsort(m->lock_holders, m->n_lock_holders, sizeof(*m->lock_holders), holders_alike);
	for (size_t i = 0; i < m->n_lock_holders; i++) {
		struct lock_holder *h = &m->lock_holders[i], *to = &m->lock_holders[n ? n - 1 : 0];

		if (!n || holders_alike(to, h)) {
			m->lock_holders[n++] = *h;
			continue;
		}
		to->how = h->ns > to->ns ? h->how : to->how;
		to->ns += h->ns;
		for (int k = 0; k < DOING_COUNT; k++)
			to->doing_ns[k] += h->doing_ns[k];
	}
	m->n_lock_holders = n;
	qsort(m->lock_holders, n, sizeof(*m->lock_holders), order_holders);
}

static size_t place_of(const struct map *places, uint64_t thread_id)
{
	const uint64_t *place = map_find(places, thread_id);

	return place ? *place : NO_THREAD;
}

static void settle_waiters(struct model *m, const struct map *places)
{
	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		struct lock_waiter *w = &m->lock_waiters[i];
		struct lock *l = &m->locks[w->lock];

		w->thread = place_of(places, w->thread_id);
		if (!l->n_waiters++)
			l->waiters = w;
		l->waits += w->waits;
		l->ns += w->ns;
		l->max_ns = w->max_ns > l->max_ns ? w->max_ns : l->max_ns;
		l->open += w->is_open;
	}
}

static void settle_holders(struct model *m, const struct map *places)
{
	for (size_t i = 0; i < m->n_lock_holders; i++) {
		struct lock_holder *h = &m->lock_holders[i];
		struct lock *l = &m->locks[h->lock];

		h->thread = place_of(places, h->thread_id);
		if (!l->n_holders++)
			l->holders = h;
	}
}

/* Who has it while others wait at the end. */
static void settle_owners(struct model *m, const struct map *places)
{
	for (size_t i = 0; i < m->n_locks; i++) {
		struct lock *l = &m->locks[i];

		l->owner = l->open && l->owner_id ? place_of(places, l->owner_id) : NO_THREAD;
	}
}

static uint64_t part_of(uint64_t ns, uint64_t whole, uint64_t of)
{
	return (uint64_t)((unsigned __int128)ns * whole / of);
}

/* The moments at which several threads begin and end to wait are those of several CPUs' clocks,
 * and microseconds apart from each other: no more than was waited is anybody's. */
static void fit_holders(struct model *m)
{
	for (size_t i = 0; i < m->n_lock_holders; i++) {
		struct lock_holder *h = &m->lock_holders[i];
		const struct lock *l = &m->locks[h->lock];

		if (l->blamed_ns <= l->ns || !l->ns) /* its waiters found no room */
			continue;
		h->ns = part_of(h->ns, l->ns, l->blamed_ns);
		for (int k = 0; k < DOING_COUNT; k++)
			h->doing_ns[k] = part_of(h->doing_ns[k], l->ns, l->blamed_ns);
	}
}

static void sum_holders(struct model *m)
{
	for (size_t i = 0; i < m->n_locks; i++) {
		struct lock *l = &m->locks[i];

		l->blamed_ns = 0;
		memset(l->doing_ns, 0, sizeof(l->doing_ns));
		if (l->any_ns > l->ns && l->ns)
			l->any_ns = l->ns;
	}
	for (size_t i = 0; i < m->n_lock_holders; i++) {
		const struct lock_holder *h = &m->lock_holders[i];
		struct lock *l = &m->locks[h->lock];

		l->blamed_ns += h->ns;
		for (int k = 0; k < DOING_COUNT; k++)
			l->doing_ns[k] += h->doing_ns[k];
	}
}

/* What became of the numbers of those that are one with others. */
static void renumber(struct model *m, const size_t *into)
{
	for (size_t i = 0; i < m->n_lock_waiters; i++)
		m->lock_waiters[i].lock = into[m->lock_waiters[i].lock];
	for (size_t i = 0; i < m->n_lock_holders; i++)
		m->lock_holders[i].lock = into[m->lock_holders[i].lock];
	for (size_t i = 0; i < m->n_lock_orders; i++) {
		m->lock_orders[i].held = into[m->lock_orders[i].held];
		m->lock_orders[i].wanted = into[m->lock_orders[i].wanted];
	}
	for (size_t i = 0; i < m->n_stuck; i++) {
		if (m->stuck[i].lock != NO_LOCK)
			m->stuck[i].lock = into[m->stuck[i].lock];
	}
	for (size_t i = 0; i < m->n_sites; i++) {
		if (m->sites[i].lock != NO_LOCK)
			m->sites[i].lock = into[m->sites[i].lock];
		if (m->sites[i].held != NO_LOCK)
			m->sites[i].held = into[m->sites[i].held];
	}
	for (size_t i = 0; i < m->n_wakes; i++) {
		if (m->wakes[i].lock != NO_LOCK)
			m->wakes[i].lock = into[m->wakes[i].lock];
	}
}

static void merge(struct lock *to, const struct lock *from)
{
	to->hints |= from->hints;
	to->kind = from->kind == LOCK_KIND_GIL ? from->kind : to->kind;
	to->timeouts += from->timeouts;
	to->any_ns += from->any_ns; /* at most */
	for (int i = 0; i < LOCK_BUCKETS; i++)
		to->histogram[i] += from->histogram[i];
	lock_calls_add(&to->calls, &from->calls);
	if (!to->variable) {
		to->variable = from->variable;
		to->file = from->file;
		to->object = from->object;
	}
}

static bool has_two_words(const struct lock *l)
{
	return l->kind == LOCK_KIND_COND || l->kind == LOCK_KIND_GIL;
}

/* A condition of glibc is waited at in two words in turn, which lie side by side
 * (nptl/bits/thread-shared-types.h, __g_signals). They are one, and the first stays. */
static void join_words(struct model_builder *b)
{
	struct model *m = b->m;
	size_t *into = calloc(m->n_locks + 1, sizeof(*into)), n = 0;

	if (!into)
		out_of_memory();
	for (size_t i = 0; i < m->n_locks; i++) {
		struct lock_key other = m->locks[i].key;
		size_t k;

		into[i] = i;
		other.word ^= 4;
		k = intern_find(&b->lock_keys, &other, sizeof(other));
		if (k < i && has_two_words(&m->locks[i]) && has_two_words(&m->locks[k]))
			into[i] = k;
	}
	for (size_t i = 0; i < m->n_locks; i++) {
		if (into[i] != i) {
			into[i] = into[into[i]];
			merge(&m->locks[into[i]], &m->locks[i]);
			continue;
		}
		m->locks[n] = m->locks[i];
		into[i] = n++;
	}
	m->n_locks = n;
	for (size_t i = 0; i < n; i++) {
		if (m->locks[i].any_ns > m->wall_ns)
			m->locks[i].any_ns = m->wall_ns;
	}
	renumber(m, into);
	free(into);
}

/* The threads are in their final order, and what is known of the code is there. */
void locks_build(struct model_builder *b)
{
	struct model *m = b->m;
	struct map places = { 0 };

	m->locks = b->locks.items;
	m->n_locks = b->locks.n;
	m->lock_waiters = b->lock_waiters.items;
	m->n_lock_waiters = b->lock_waiters.n;
	m->lock_holders = b->lock_holders.items;
	m->n_lock_holders = b->lock_holders.n;
	m->lock_orders = b->lock_orders.items;
	m->n_lock_orders = b->lock_orders.n;
	m->stuck = b->stuck.items;
	m->n_stuck = b->stuck.n;
	if (!m->n_locks)
		return;
	lock_kinds_find(m);
	join_words(b);
	intern_free(&b->lock_keys);
	if (m->n_lock_waiters)
		join_waiters(m);
	if (m->n_lock_holders)
		join_holders(m);
	if (m->n_lock_orders)
		qsort(m->lock_orders, m->n_lock_orders, sizeof(*m->lock_orders), order_orders);
	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&places, m->threads[i].id) = i;
	settle_waiters(m, &places);
	settle_holders(m, &places);
	settle_owners(m, &places);
	sum_holders(m);
	fit_holders(m);
	sum_holders(m);
	map_free(&places);
	lock_causes_settle(b);
}
