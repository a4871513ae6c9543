// SPDX-License-Identifier: BSD-2-Clause
/* Places get their names, each file's all at once, and stacks become events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/vec.h"
#include "sym/internal.h"
#include "sym/jit.h"

#define TEXT_MAX (SYM_NAME_SIZE + SYM_FILE_SIZE + EVENT_PATH_SIZE + 3)

struct teller {
	struct code *code;
	struct sym *sym;
	const struct spaces *spaces;
	event_fn fn;
	void *ctx;
	VEC(uint64_t) places;	   /* sorted */
	struct map chain_by_place; /* first << 8 | n */
	VEC(uint32_t) chains;	   /* ids of frames */
	struct intern frames;	   /* the events, numbered from 0 on */
	const uint64_t *now;	   /* the places that are being named */
	const char *object;
	int error; /* what fn has returned */
};

static char *put(char *to, char *end, const char *text)
{
	size_t n = text ? strnlen(text, end - to - 1) : 0;

	if (n)
		memcpy(to, text, n);
	to[n] = '\0';
	return to + n + 1;
}

static const char *tail_of(const char *path, size_t most)
{
	size_t n = strlen(path);

	return n <= most ? path : path + n - most;
}

/* The number of such a frame, which is told if it is the first of its kind. */
static int frame_id(struct teller *t, const struct sym_frame *f, uint32_t *ret)
{
	_Alignas(struct ev_frame) char room[sizeof(struct ev_frame) + (TEXT_MAX + 7) / 8 * 8] = {
		0
	};
	struct ev_frame *ev = (struct ev_frame *)room;
	char *to, *end = room + sizeof(room);
	size_t known, number;

	to = put(ev->text, end - SYM_FILE_SIZE - EVENT_PATH_SIZE, f->function);
	to = put(to, end - EVENT_PATH_SIZE, f->file);
	to = put(to, end, tail_of(t->object, EVENT_PATH_SIZE - 1));
	ev->size = to - ev->text;
	ev->head.kind = EV_FRAME;
	ev->head.size = sizeof(*ev) + (ev->size + 7) / 8 * 8;
	ev->line = f->line;
	ev->flags = (f->is_inlined ? FRAME_INLINED : 0) |
		    (!strcmp(t->object, PLACE_KERNEL_NAME) ? FRAME_KERNEL : 0);
	/* alike but for the number, which is 0 as yet */
	known = t->frames.list.n;
	number = intern(&t->frames, ev, ev->head.size);
	*ret = ev->id = number + 1;
	return number == known ? t->fn(t->ctx, &ev->head) : 0;
}

/* A sym_frame_fn. */
static int on_named(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	static const struct sym_frame unknown = { 0 };
	struct teller *t = ctx;
	size_t first = t->chains.n;

	if (!n) {
		frames = &unknown;
		n = 1;
	}
	for (size_t i = 0; i < n && i < SYM_DEPTH && !t->error; i++)
		t->error = frame_id(t, &frames[i], vec_add(&t->chains));
	*map_add(&t->chain_by_place, t->now[index]) = first << 8 | (t->chains.n - first);
	return t->error;
}

/* Places in code that the program made itself. */
static void name_made(struct teller *t, uint32_t pid, const uint64_t *places, size_t n)
{
	struct jit *jit = jit_open(pid);
	struct sym_frame frame = { 0 };

	for (size_t i = 0; jit && i < n && !t->error; i++) {
		frame.function = jit_name(jit, PLACE_OFFSET(places[i]));
		if (frame.function)
			on_named(t, i, &frame, 1);
	}
	jit_close(jit);
}

/* Some places of one file. */
static int name_places(struct teller *t, const uint64_t *places, size_t n)
{
	VEC(uint64_t) offsets = { 0 };
	int error = -ENOENT;
	uint32_t object;

	t->now = places;
	t->object = places[0] == PLACE_KERNEL ? PLACE_KERNEL_NAME : "";
	if (places[0] < PLACE_KERNEL && spaces_file(t->spaces, PLACE_FILE(places[0]))->pid) {
		t->object = "[jit]";
		name_made(t, spaces_file(t->spaces, PLACE_FILE(places[0]))->pid, places, n);
	} else if (places[0] < PLACE_KERNEL) {
		t->object = spaces_file(t->spaces, PLACE_FILE(places[0]))->path;
		error = code_object(t->code, PLACE_FILE(places[0]), &object);
	}
	for (size_t i = 0; i < n; i++)
		*vec_add(&offsets) = PLACE_OFFSET(places[i]);
	if (!error)
		(void)sym_names(t->sym, object, offsets.items, n, on_named, t); /* see below */
	free(offsets.items);
	/* What could not be named is at least of this object. */
	for (size_t i = 0; i < n && !t->error; i++) {
		if (!map_find(&t->chain_by_place, places[i]))
			on_named(t, i, NULL, 0);
	}
	return t->error;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void collect_places(struct teller *t, const struct stack *stacks, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < stacks[i].n; k++)
			*vec_add(&t->places) = stacks[i].frames[k];
	}
	if (t->places.n)
		qsort(t->places.items, t->places.n, sizeof(*t->places.items), by_number);
	for (size_t i = 0; i < t->places.n; i++) {
		if (!i || t->places.items[i] != t->places.items[i - 1])
			t->places.items[kept++] = t->places.items[i];
	}
	t->places.n = kept;
}

static int tell_stack(struct teller *t, const struct stack *s, uint32_t id)
{
	struct ev_stack *ev = calloc(1, sizeof(*ev) + STACK_MAX * sizeof(*ev->frames));
	int error;

	if (!ev)
		return -ENOMEM;
	ev->id = id;
	ev->end = s->end;
	ev->by_frame_pointer = s->by_frame_pointer;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t chain = *map_find(&t->chain_by_place, s->frames[i]);

		for (size_t k = 0; k < (chain & 255) && ev->n < STACK_MAX; k++)
			ev->frames[ev->n++] = t->chains.items[(chain >> 8) + k];
	}
	ev->head.kind = EV_STACK;
	ev->head.size = sizeof(*ev) + (ev->n * sizeof(*ev->frames) + 7) / 8 * 8;
	error = t->fn(t->ctx, &ev->head);
	free(ev);
	return error;
}

static bool is_last_of_file(const struct teller *t, size_t i)
{
	return i + 1 == t->places.n ||
	       PLACE_FILE(t->places.items[i]) != PLACE_FILE(t->places.items[i + 1]);
}

int tell_stacks(struct code *c, struct sym *sym, const struct spaces *spaces,
		const struct stack *stacks, size_t n, event_fn fn, sites_progress_fn progress,
		void *ctx)
{
	struct teller t = { .code = c, .sym = sym, .spaces = spaces, .fn = fn, .ctx = ctx };
	size_t from = 0, files = 0, done = 0;
	int error = 0;

	collect_places(&t, stacks, n);
	for (size_t i = 1; i <= t.places.n; i++)
		files += is_last_of_file(&t, i - 1);
	for (size_t i = 1; i <= t.places.n && !error; i++) {
		if (!is_last_of_file(&t, i - 1))
			continue;
		progress(ctx, done++, files);
		error = name_places(&t, &t.places.items[from], i - from);
		from = i;
	}
	for (size_t i = 0; i < n && !error; i++)
		error = tell_stack(&t, &stacks[i], i + 1);
	intern_free(&t.frames);
	free(t.places.items);
	free(t.chains.items);
	map_free(&t.chain_by_place);
	return error;
}
