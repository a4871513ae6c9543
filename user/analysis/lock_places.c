// SPDX-License-Identifier: BSD-2-Clause
/* Where in the program's code a lock is waited for, and where its holders are meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/intern.h"
#include "base/map.h"

/* The system call or fault that met a lock of the kernel's: "mprotect". */
static void find_call(struct lock_row *row, const struct model *m, const struct stack *s)
{
	static const char *const layers[] = { "__x64_sys_", "__arm64_sys_", "__se_sys_" };
	size_t n = kernel_frames(m, s);
	const char *name = n ? m->frames[s->frames[n - 1]].function : "";

	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		if (!strncmp(name, layers[i], strlen(layers[i])))
			name += strlen(layers[i]);
	}
	if (*name)
		row->call = name;
}

/* One lock's, the longest first. */
static int by_lock(const void *a, const void *b)
{
	const struct lock_site *v = a, *w = b;

	if (v->lock != w->lock)
		return v->lock < w->lock ? -1 : 1;
	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return v->frame < w->frame ? -1 : v->frame > w->frame;
}

static void give_places(struct findings *f)
{
	for (size_t i = 0; i < f->n_lock_sites; i++) {
		struct lock_row *row = &f->locks[f->lock_sites[i].lock];

		if (!row->n_sites++) {
			row->sites = &f->lock_sites[i];
			row->place = row->sites->frame;
		}
	}
}

/* The functions of the program that have waited at each. */
static void find_places(struct findings *f)
{
	const struct model *m = f->model;
	VEC(struct lock_site) list = { 0 };
	struct map places = { 0 };

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		const struct stack *stack = &m->stacks[s->stack];
		ptrdiff_t own = own_frame(m, stack);
		uint64_t *place;

		if (s->lock == NO_LOCK || s->what != SITE_WAIT)
			continue;
		if (m->locks[s->lock].kind == LOCK_KIND_KERNEL)
			find_call(&f->locks[s->lock], m, stack);
		if (own < 0)
			continue;
		place = map_add(&places, s->lock * m->n_frames + stack->frames[own]);
		if (*place == MAP_NONE) {
			*place = list.n;
			*vec_add(&list) =
				(struct lock_site){ .lock = s->lock,
						    .frame = &m->frames[stack->frames[own]] };
		}
		list.items[*place].ns += f->sites.ns[i];
		list.items[*place].waits += f->sites.count[i];
	}
	map_free(&places);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_lock);
	f->lock_sites = list.items;
	f->n_lock_sites = list.n;
	give_places(f);
}

/* Does what a holder was seen in belong to what its holders did most? */
static bool is_doing(const struct site *s, enum doing_kind most)
{
	return (s->what == SITE_CPU) == (most == DOING_RUNNING || most == DOING_QUEUED);
}

/* A function is one place, whatever its lines. */
static size_t place_of(struct intern *places, size_t lock, const struct frame *f)
{
	char key[512];
	int n = snprintf(key, sizeof(key), "%zu %.240s %.240s", lock, f->function, f->file);

	return intern(places, key, n);
}

/* The function of the program in which the holders were for most of the time, by samples of what
 * they did most. */
static void find_held(struct findings *f)
{
	const struct model *m = f->model;
	double *most = zeroed(m->n_locks, sizeof(*most));
	struct intern places = { 0 };
	VEC(double) ns = { 0 };

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		const struct stack *stack = &m->stacks[s->stack];
		ptrdiff_t own = s->held == NO_LOCK ? -1 : own_frame(m, stack);
		uint64_t known;
		size_t place;

		if (own < 0 || !is_doing(s, doing_most(m->locks[s->held].doing_ns, &known)))
			continue;
		place = place_of(&places, s->held, &m->frames[stack->frames[own]]);
		if (place == ns.n)
			*vec_add(&ns) = 0;
		ns.items[place] += f->sites.ns[i];
		if (ns.items[place] < most[s->held])
			continue;
		most[s->held] = ns.items[place];
		f->locks[s->held].held_in = &m->frames[stack->frames[own]];
	}
	intern_free(&places);
	free(ns.items);
	free(most);
}

void lock_places_find(struct findings *f)
{
	find_places(f);
	find_held(f);
}
