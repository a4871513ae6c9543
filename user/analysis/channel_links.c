// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom in all: alike processes are one crew, whatever they wait at. */
#include "analysis/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/vec.h"

struct crew_key {
	size_t family; /* of its process, or OUTSIDE */
	char comm[EVENT_COMM_SIZE];
};

struct builder {
	struct channels *c;
	const struct model *m;
	size_t *families; /* by place in model.processes */
	struct intern keys;
	VEC(struct crew) crews;
	VEC(struct channel_link) links;
	size_t *crew_of; /* by party */
};

#define COMMAND_SIZE 24

struct family_key {
	size_t parent;
	char comm[EVENT_COMM_SIZE], command[COMMAND_SIZE];
};

/* "index-pack", if that is what its first argument looks like; or NULL. */
static const char *command_of(const struct process *p)
{
	const char *word = p->n_args > 1 ? p->args[1] : "";
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz-");

	return n > 1 && n < COMMAND_SIZE && !word[n] && *word != '-' ? word : NULL;
}

/* Of one family are processes of one name, and command, whose parents are of one. These come first. */
static void find_families(struct builder *b)
{
	struct intern keys = { 0 };

	b->families = zeroed(b->m->n_processes + 1, sizeof(*b->families));
	for (size_t i = 0; i < b->m->n_processes; i++) {
		const struct process *p = &b->m->processes[i];
		struct family_key key = { .parent = OUTSIDE };

		if (p->parent >= 0 && (size_t)p->parent < i)
			key.parent = b->families[p->parent];
		memcpy(key.comm, p->comm, strnlen(p->comm, sizeof(key.comm) - 1));
		if (command_of(p))
			memcpy(key.command, command_of(p), strlen(command_of(p)));
		b->families[i] = intern(&keys, &key, sizeof(key));
	}
	intern_free(&keys);
}

static struct crew_key key_of(const struct builder *b, size_t process, const char *comm)
{
	struct crew_key key = { .family = process == OUTSIDE ? OUTSIDE : b->families[process] };

	memcpy(key.comm, comm, strnlen(comm, sizeof(key.comm) - 1));
	return key;
}

static void find_crews(struct builder *b)
{
	const struct channels *c = b->c;

	b->crew_of = zeroed(c->n_parties + 1, sizeof(*b->crew_of));
	for (size_t i = 0; i < c->n_parties; i++) {
		const struct party *p = &c->parties[i];
		struct crew_key key = key_of(b, p->process, p->comm);

		b->crew_of[i] = intern(&b->keys, &key, sizeof(key));
		if (b->crew_of[i] == b->crews.n)
			*vec_add(&b->crews) = (struct crew){
				.party = i,
				.command = p->process == OUTSIDE
						   ? NULL
						   : command_of(&b->m->processes[p->process]),
			};
		b->crews.items[b->crew_of[i]].parties++;
	}
}

static void add_thread(struct crew *to, const struct thread *t)
{
	to->lifetime_ns += t->lifetime_ns;
	to->running_ns += t->state_ns[TS_RUNNING];
	to->ready_ns += t->state_ns[TS_RUNNING] + t->state_ns[TS_WOKEN] +
			t->state_ns[TS_PREEMPTED] + t->state_ns[TS_YIELDED];
	to->device_ns += t->row_ns[ROW_IO] + t->row_ns[ROW_FAULT];
	to->sleep_ns += t->row_ns[ROW_TIMER];
	to->child_ns += t->row_ns[ROW_CHILD];
}

static void sum_crews(struct builder *b)
{
	for (size_t i = 0; i < b->m->n_threads; i++) {
		const struct thread *t = &b->m->threads[i];
		struct crew_key key = key_of(b, b->c->process_of[i], t->comm);
		size_t number = intern_find(&b->keys, &key, sizeof(key));

		if (number != INTERN_NONE && b->c->is_met[i])
			add_thread(&b->crews.items[number], t);
	}
}

static int longest_first(const void *a, const void *b)
{
	const struct channel_link *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	return x->waker < y->waker ? -1 : x->waker > y->waker;
}

static struct channel_link *link_of(struct builder *b, struct map *places,
				    const struct channel_flow *flow)
{
	size_t waiter = b->crew_of[flow->waiter], waker = b->crew_of[flow->waker];
	uint64_t *place = map_add(places, waiter * b->crews.n + waker);

	if (*place == MAP_NONE) {
		*place = b->links.n;
		*vec_add(&b->links) =
			(struct channel_link){ .waiter = waiter, .waker = waker, .most = flow };
	}
	return &b->links.items[*place];
}

static void find_links(struct builder *b)
{
	struct map places = { 0 };

	for (size_t i = 0; i < b->c->n_flows; i++) {
		const struct channel_flow *flow = &b->c->flows[i];
		struct crew *waiter = &b->crews.items[b->crew_of[flow->waiter]];
		struct channel_link *link;

		if (flow->waker != NO_PARTY && flow->waker == flow->waiter)
			waiter->inner_ns += flow->sum.ns;
		else
			waiter->waited_ns += flow->sum.ns;
		if (flow->waker == NO_PARTY)
			continue;
		link = link_of(b, &places, flow);
		link->ns += flow->sum.ns;
		if (!flow->is_demand)
			link->held_ns += flow->sum.ns;
		link->waits += flow->sum.waits;
		if (flow->sum.ns > link->most->sum.ns)
			link->most = flow;
	}
	map_free(&places);
	if (b->links.n)
		qsort(b->links.items, b->links.n, sizeof(*b->links.items), longest_first);
}

const struct party *crew_first(const struct channels *c, size_t crew)
{
	return &c->parties[c->crews[crew].party];
}

static bool has_namesakes(const struct channels *c, size_t crew)
{
	for (size_t i = 0; i < c->n_crews; i++) {
		if (i != crew && !strcmp(crew_first(c, i)->comm, crew_first(c, crew)->comm))
			return true;
	}
	return false;
}

bool crew_is_named(const struct channels *c, size_t crew)
{
	return c->crews[crew].command || !has_namesakes(c, crew);
}

char *crew_name(char *buf, size_t size, const struct channels *c, size_t crew)
{
	const char *command = has_namesakes(c, crew) ? c->crews[crew].command : NULL;

	snprintf(buf, size, "%.*s%s%s", EVENT_COMM_SIZE, crew_first(c, crew)->comm,
		 command ? " " : "", command ? command : "");
	return buf;
}

void channel_links_find(struct findings *f)
{
	struct builder b = { .c = &f->channels, .m = f->model };

	find_families(&b);
	find_crews(&b);
	sum_crews(&b);
	find_links(&b);
	f->channels.crews = b.crews.items;
	f->channels.n_crews = b.crews.n;
	f->channels.links = b.links.items;
	f->channels.n_links = b.links.n;
	intern_free(&b.keys);
	free(b.families);
	free(b.crew_of);
}
