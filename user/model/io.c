// SPDX-License-Identifier: BSD-2-Clause
/* Waits by target: what the kernel takes for several things, and a person for one, is one. */
#include "model/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/target.h"

int on_target(struct model_builder *b, const struct event *head)
{
	const struct ev_target *ev = (const struct ev_target *)head;

	*map_add(&b->targets_by_index, ev->index) = b->targets.n;
	*vec_add(&b->targets) = obstack_copy(strings_of(b), ev, ev->head.size);
	return 0;
}

/* One whose name was lost is a target without one. */
static const struct ev_target *target_of(const struct model_builder *b, uint32_t index)
{
	static const union {
		struct ev_target target;
		char bytes[sizeof(struct ev_target) + 8];
	} nameless = { .target = { .size = 1 } }; /* of no kind */
	const uint64_t *place = map_find(&b->targets_by_index, index);

	return place ? b->targets.items[*place] : &nameless.target;
}

static const char *keep(struct model_builder *b, const char *text)
{
	return text && *text ? obstack_copy0(strings_of(b), text, strlen(text)) : NULL;
}

const char *target_name_of(struct model_builder *b, uint32_t index, enum cause cause)
{
	char name[TARGET_NAME_SIZE];

	target_name(name, sizeof(name), target_of(b, index), cause);
	return obstack_copy0(strings_of(b), name, strlen(name));
}

/* Has it a name that no other has? Pipes, pairs and eventfds have none. */
static bool is_named(const struct ev_target *t)
{
	return (t->kind == TARGET_OBJECT && !t->id) || target_path(t) ||
	       (t->kind == TARGET_QUEUE && *t->text) ||
	       (t->kind == TARGET_SOCKET && t->side != SIDE_PAIR && t->side != SIDE_OTHER);
}

static void name_row(struct model_builder *b, struct io *io, const struct ev_target *t,
		     const char *name)
{
	char end[END_NAME_SIZE], channel[TARGET_NAME_SIZE];

	io->kind = t->kind;
	io->side = t->side;
	io->is_deleted = t->flags & TARGET_DELETED;
	io->name = obstack_copy0(strings_of(b), name, strlen(name));
	io->path = target_path(t);
	io->local = keep(b, target_local(end, sizeof(end), t));
	io->peer = keep(b, target_peer(end, sizeof(end), t));
	io->channel = keep(b, target_channel(channel, sizeof(channel), t, io->cause));
}

static struct io *row_of(struct model_builder *b, const struct ev_io *ev)
{
	const struct ev_target *t = target_of(b, ev->index);
	char name[TARGET_NAME_SIZE], key[TARGET_NAME_SIZE + 64];
	size_t number;

	target_name(name, sizeof(name), t, ev->cause);
	snprintf(key, sizeof(key), "%u/%u/%s", ev->cause, is_named(t) ? 0 : ev->index, name);
	number = intern(&b->io_keys, key, strlen(key));
	if (number == b->ios.n) {
		*vec_add(&b->ios) = (struct io){ .cause = ev->cause, .number = number };
		name_row(b, &b->ios.items[number], t, name);
	}
	*map_add(&b->ios_by_target, ev->index) = number;
	return &b->ios.items[number];
}

static void add_users(struct io *io, const struct ev_io *ev)
{
	size_t n = ev->n_users < TARGET_USERS ? ev->n_users : TARGET_USERS;

	for (size_t i = 0; i < n; i++) {
		if (io->n_users < TARGET_USERS)
			io->users[io->n_users] = ev->users[i];
		io->n_users++;
	}
	io->n_users += ev->n_users - n;
}

/* A part is no more than the whole: threads add both up, one after the other. */
static uint64_t least(uint64_t part, uint64_t whole)
{
	return part < whole ? part : whole;
}

int on_io(struct model_builder *b, const struct event *head)
{
	const struct ev_io *ev = (const struct ev_io *)head;
	struct io *io;

	if (!ev->index) {
		b->m->names_any_ns = ev->any_ns;
		return 0;
	}
	io = row_of(b, ev);
	io->waits += ev->waits;
	io->ns += ev->ns;
	io->any_ns += ev->any_ns;
	io->open += least(ev->open, ev->waits);
	io->objects += ev->objects ? ev->objects : 1; /* 0: nobody waited, but was in calls there */
	io->looked += ev->looked;
	io->empty += least(ev->empty, ev->looked);
	if (ev->max_ns > io->max_ns)
		io->max_ns = ev->max_ns;
	for (int i = 0; i < TARGET_BUCKETS; i++)
		io->histogram[i] += ev->histogram[i];
	io->write_waits += least(ev->write_waits, ev->waits);
	io->write_ns += least(ev->write_ns, ev->ns);
	io->seen_reads += ev->seen_reads;
	io->seen_writes += ev->seen_writes;
	io->seen_waits += least(ev->seen_waits, ev->waits);
	if (ev->write_max_ns > io->write_max_ns)
		io->write_max_ns = ev->write_max_ns;
	add_users(io, ev);
	return 0;
}

/* Somebody waited there, or was busy with it, for so long. */
static uint64_t most_ns(const struct io *io)
{
	return io->any_ns > io->running_ns ? io->any_ns : io->running_ns;
}

static int most_wall_first(const void *a, const void *b)
{
	const struct io *x = a, *y = b;

	if (most_ns(x) != most_ns(y))
		return most_ns(x) > most_ns(y) ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Of several things the waits overlap; and who was woken, but not yet on a CPU, counts as waiting if others
 * begin to. */
static uint64_t most_of(const struct io *io, uint64_t wall_ns)
{
	uint64_t most = io->ns < wall_ns ? io->ns : wall_ns;

	return io->any_ns < most ? io->any_ns : most;
}

static size_t place_of(struct model_builder *b, const size_t *places, size_t index)
{
	const uint64_t *number = index == NO_IO ? NULL : map_find(&b->ios_by_target, index);

	return number ? places[*number] : NO_IO;
}

/* Sites, wake-ups and uses have the indexes of targets up to here. */
static void settle_places(struct model_builder *b)
{
	struct model *m = b->m;
	size_t *places = calloc(m->n_ios + 1, sizeof(*places));

	if (!places)
		out_of_memory();
	for (size_t i = 0; i < m->n_ios; i++)
		places[m->ios[i].number] = i;
	for (size_t i = 0; i < m->n_sites; i++)
		m->sites[i].io = place_of(b, places, m->sites[i].io);
	for (size_t i = 0; i < m->n_wakes; i++)
		m->wakes[i].io = place_of(b, places, m->wakes[i].io);
	for (size_t i = 0; i < m->n_uses; i++)
		m->uses[i].io = place_of(b, places, m->uses[i].io);
	for (size_t i = 0; i < b->ios_by_target.room; i++) {
		struct map_row *row = &b->ios_by_target.rows[i];

		if (row->key != MAP_NONE)
			row->value = places[row->value];
	}
	m->ios_by_target = b->ios_by_target;
	free(places);
}

void ios_build(struct model_builder *b)
{
	struct model *m = b->m;

	uses_build(b);
	m->ios = b->ios.items;
	m->n_ios = b->ios.n;
	for (size_t i = 0; i < m->n_ios; i++)
		m->ios[i].any_ns = most_of(&m->ios[i], m->wall_ns);
	if (m->n_ios)
		qsort(m->ios, m->n_ios, sizeof(*m->ios), most_wall_first);
	settle_places(b);
	free(b->targets.items);
	map_free(&b->targets_by_index);
	intern_free(&b->io_keys);
}
