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
	size_t *lines;	  /* ... the number of what it executed, with all arguments */
	bool *apart;	  /* ... it is told from those of its family with another one */
	size_t n_families;
	struct intern keys;
	VEC(struct crew) crews;
	VEC(struct channel_link) links;
	size_t *crew_of; /* by party */
};

#define COMMAND_SIZE 24

struct family_key {
	size_t parent, line;
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

	b->n_families = 0;
	for (size_t i = 0; i < b->m->n_processes; i++) {
		const struct process *p = &b->m->processes[i];
		struct family_key key = { .parent = OUTSIDE };

		if (p->parent >= 0 && (size_t)p->parent < i)
			key.parent = b->families[p->parent];
		memcpy(key.comm, p->comm, strnlen(p->comm, sizeof(key.comm) - 1));
		if (command_of(p))
			memcpy(key.command, command_of(p), strlen(command_of(p)));
		if (b->apart[i])
			key.line = 1 + b->lines[i];
		b->families[i] = intern(&keys, &key, sizeof(key));
		if (b->families[i] == b->n_families)
			b->n_families++;
	}
	intern_free(&keys);
}

#define LINE_SIZE 4096 /* what differs only behind that is one */

static void number_lines(struct builder *b)
{
	struct intern keys = { 0 };
	char line[LINE_SIZE];

	for (size_t i = 0; i < b->m->n_processes; i++) {
		const struct process *p = &b->m->processes[i];
		size_t n = 0;

		for (size_t k = 0; k < p->n_args && n < sizeof(line); k++) {
			size_t size = strnlen(p->args[k], sizeof(line) - n - 1);

			memcpy(line + n, p->args[k], size);
			n += size;
			line[n++] = '\0';
		}
		b->lines[i] = intern(&keys, line, n);
	}
	intern_free(&keys);
}

#define APART_MOST 4 /* command lines of one family; more are jobs of one kind */

/* The command lines of one family. */
struct kinds {
	size_t n, lines[APART_MOST];
	bool wait; /* processes of different ones wait for each other */
};

static void add_kind(struct kinds *to, size_t line)
{
	for (size_t i = 0; i < to->n && i < APART_MOST; i++) {
		if (to->lines[i] == line)
			return;
	}
	if (to->n < APART_MOST)
		to->lines[to->n] = line;
	to->n++;
}

static bool are_kinds(const struct builder *b, const struct channel_flow *flow)
{
	size_t a, z;

	if (flow->waker == NO_PARTY)
		return false;
	a = b->c->parties[flow->waiter].process;
	z = b->c->parties[flow->waker].process;
	return a != OUTSIDE && z != OUTSIDE && b->families[a] == b->families[z] &&
	       b->lines[a] != b->lines[z];
}

/* A proxy and the server behind it may be one program: what they were called with tells them apart. */
static void find_apart(struct builder *b)
{
	struct kinds *kinds = zeroed(b->n_families + 1, sizeof(*kinds));

	for (size_t i = 0; i < b->m->n_processes; i++)
		add_kind(&kinds[b->families[i]], b->lines[i]);
	for (size_t i = 0; i < b->c->n_flows; i++) {
		const struct channel_flow *flow = &b->c->flows[i];

		if (are_kinds(b, flow))
			kinds[b->families[b->c->parties[flow->waiter].process]].wait = true;
	}
	for (size_t i = 0; i < b->m->n_processes; i++) {
		const struct kinds *k = &kinds[b->families[i]];

		b->apart[i] = k->wait && k->n <= APART_MOST;
	}
	free(kinds);
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

/* What it sleeps holds up nobody but those who wait for it: a main thread may sleep until its workers
 * are to end. */
static void add_thread(struct crew *to, const struct thread *t, double awaited_ns)
{
	uint64_t sleep = t->row_ns[ROW_TIMER];

	to->lifetime_ns += t->lifetime_ns;
	to->running_ns += t->state_ns[TS_RUNNING];
	to->ready_ns += t->state_ns[TS_RUNNING] + t->state_ns[TS_WOKEN] +
			t->state_ns[TS_PREEMPTED] + t->state_ns[TS_YIELDED];
	to->device_ns += t->row_ns[ROW_IO] + t->row_ns[ROW_FAULT];
	to->sleep_ns += (double)sleep < awaited_ns ? sleep : estimate_whole(awaited_ns);
	to->child_ns += t->row_ns[ROW_CHILD];
}

static void sum_crews(struct builder *b)
{
	for (size_t i = 0; i < b->m->n_threads; i++) {
		const struct thread *t = &b->m->threads[i];
		struct crew_key key = key_of(b, b->c->process_of[i], t->comm);
		size_t number = intern_find(&b->keys, &key, sizeof(key));

		if (number != INTERN_NONE && b->c->is_met[i])
			add_thread(&b->crews.items[number], t, b->c->awaited_ns[i]);
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

static bool is_new(struct map *seen, uint64_t key)
{
	uint64_t *place = map_add(seen, key);
	bool new = *place == MAP_NONE;

	*place = 1;
	return new;
}

static void find_links(struct builder *b)
{
	struct map places = { 0 }, seen = { 0 };

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
		link->n_channels +=
			is_new(&seen, (size_t)(link - b->links.items) * b->c->n + flow->channel);
		if (flow->sum.ns > link->most->sum.ns)
			link->most = flow;
	}
	map_free(&places);
	map_free(&seen);
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

char *crew_label(char *buf, size_t size, const struct channels *c, size_t crew)
{
	const struct party *party = crew_first(c, crew);
	const char *where = party->process == OUTSIDE ? ", outside" : "";
	char who[CREW_NAME_SIZE];

	crew_name(who, sizeof(who), c, crew);
	if (c->crews[crew].parties > 1)
		snprintf(buf, size, "%s, %zu of them%s", who, c->crews[crew].parties, where);
	else if (party->process == OUTSIDE || !crew_is_named(c, crew))
		snprintf(buf, size, "%s (%u)%s", who, party->pid, where);
	else
		snprintf(buf, size, "%s", who);
	return buf;
}

static void part_families(struct builder *b)
{
	size_t n = b->m->n_processes + 1;

	b->families = zeroed(n, sizeof(*b->families));
	b->lines = zeroed(n, sizeof(*b->lines));
	b->apart = zeroed(n, sizeof(*b->apart));
	number_lines(b);
	find_families(b);
	find_apart(b);
	find_families(b);
	free(b->lines);
	free(b->apart);
}

void channel_links_find(struct findings *f)
{
	struct builder b = { .c = &f->channels, .m = f->model };

	part_families(&b);
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
