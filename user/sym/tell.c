// SPDX-License-Identifier: BSD-2-Clause
/* Places get their names, each file's all at once, and stacks become events. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/vec.h"
#include "sym/internal.h"
#include "sym/jit.h"
#include "sym/kernel.h"

#define TEXT_MAX (SYM_NAME_SIZE + SYM_FILE_SIZE + EVENT_PATH_SIZE + 3)

/* The frames at a place. */
struct chain {
	size_t first, n;
	bool is_named;
	bool is_waiting; /* not told at the inner end of a wait */
};

/* Behind the path of a file whose names are missing for no fault of its own. */
#define UNREAD " (not read: its file system does not answer)"

/* Of several, the first is named. */
struct unread {
	size_t n;
	char first[EVENT_PATH_SIZE];
};

struct teller {
	const struct name_sources *from;
	event_fn fn;
	void *ctx;
	VEC(uint64_t) places;	   /* sorted */
	struct map chain_by_place; /* its place in chains */
	VEC(struct chain) chains;
	VEC(uint32_t) ids;    /* of frames */
	struct intern frames; /* the events, numbered from 0 on */
	const uint64_t *now;  /* the places that are being named */
	const char *object;
	bool is_kernel;
	struct unread files, maps;
	bool is_canceled, is_hidden; /* names; those of the kernel */
	int error;		     /* what fn has returned */
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
	ev->flags = (f->is_inlined ? FRAME_INLINED : 0) | (t->is_kernel ? FRAME_KERNEL : 0) |
		    (f->tries_lock ? FRAME_TRIES_LOCK : 0);
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
	size_t first = t->ids.n;

	if (!n) {
		frames = &unknown;
		n = 1;
	}
	for (size_t i = 0; i < n && i < SYM_DEPTH && !t->error; i++)
		t->error = frame_id(t, &frames[i], vec_add(&t->ids));
	*map_add(&t->chain_by_place, t->now[index]) = t->chains.n;
	*vec_add(&t->chains) = (struct chain){
		.first = first,
		.n = t->ids.n - first,
		.is_named = frames != &unknown,
		.is_waiting = frames == &unknown && t->is_kernel,
	};
	return t->error;
}

static void add_unread(struct unread *u, const char *path)
{
	if (!u->n++)
		snprintf(u->first, sizeof(u->first), "%s", path);
}

/* Places in code that the program made itself. */
static void name_made(struct teller *t, uint32_t pid, const uint64_t *places, size_t n)
{
	struct sym_frame frame = { 0 };
	char path[JIT_PATH_SIZE];
	struct jit *jit = NULL;
	int error;

	t->object = "[jit]";
	error = jit_open(&jit, pid, owners_uid(t->from->owners, pid));
	if (error == -EPERM)
		add_unread(&t->maps, jit_path(path, pid));
	for (size_t i = 0; jit && i < n && !t->error; i++) {
		frame.function = jit_name(jit, PLACE_OFFSET(places[i]));
		if (frame.function)
			on_named(t, i, &frame, 1);
	}
	jit_close(jit);
}

/* Places in a file. */
static void name_in_file(struct teller *t, uint32_t number, const uint64_t *places, size_t n,
			 char object_name[EVENT_PATH_SIZE])
{
	const char *path = spaces_file(t->from->spaces, number)->path;
	VEC(uint64_t) offsets = { 0 };
	uint32_t object;
	int error = code_object(t->from->code, number, &object);

	t->object = path;
	for (size_t i = 0; i < n; i++)
		*vec_add(&offsets) = PLACE_OFFSET(places[i]);
	if (error == -ETIMEDOUT) {
		add_unread(&t->files, path);
		snprintf(object_name, EVENT_PATH_SIZE, "%s" UNREAD,
			 tail_of(path, EVENT_PATH_SIZE - sizeof(UNREAD)));
		t->object = object_name;
	}
	if (!error) /* what it could not name is seen below */
		error = sym_names(t->from->sym, object, offsets.items, n, on_named, t);
	t->is_canceled |= error == -ECANCELED;
	free(offsets.items);
}

/* What says nothing has a place, and no frame. */
static void name_function(struct teller *t, size_t i, const struct kernel_function *f)
{
	struct sym_frame frame = { .function = f->name };
	enum kernel_says says = kernel_says(f->name);
	char object[KERNEL_MODULE_SIZE + sizeof("[kernel:]")];
	struct chain *chain;

	if (!f->start)
		return;
	snprintf(object, sizeof(object), *f->module ? "[kernel:%s]" : PLACE_KERNEL_NAME, f->module);
	t->object = object;
	on_named(t, i, &frame, 1);
	t->object = PLACE_KERNEL_NAME;
	chain = &t->chains.items[t->chains.n - 1];
	chain->is_waiting = says == KERNEL_WAITING;
	if (says == KERNEL_ENTRY)
		chain->n = 0;
}

static void name_kernel(struct teller *t, const uint64_t *addresses, size_t n)
{
	struct kernel_function *found = calloc(n, sizeof(*found));

	if (!found) {
		t->error = -ENOMEM;
		return;
	}
	if (!kernel_find(t->from->kernel, addresses, n, found))
		t->is_hidden = true;
	for (size_t i = 0; i < n && !t->error; i++)
		name_function(t, i, &found[i]);
	free(found);
}

/* Some places of one file, or of the kernel. */
static int name_places(struct teller *t, const uint64_t *places, size_t n)
{
	uint32_t number = PLACE_FILE(places[0]);
	char object_name[EVENT_PATH_SIZE];

	t->now = places;
	t->is_kernel = PLACE_IS_KERNEL(places[0]);
	t->object = t->is_kernel ? PLACE_KERNEL_NAME : "";
	if (PLACE_IS_ADDRESS(places[0]))
		name_kernel(t, places, n);
	else if (places[0] < PLACE_KERNEL && spaces_file(t->from->spaces, number)->pid)
		name_made(t, spaces_file(t->from->spaces, number)->pid, places, n);
	else if (places[0] < PLACE_KERNEL)
		name_in_file(t, number, places, n, object_name);
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

/* The frames at a place; what is too much is the outer part. */
static void add_frames(struct teller *t, struct ev_stack *ev, const struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (ev->n == STACK_MAX) {
			ev->end = STACK_FULL;
			return;
		}
		ev->frames[ev->n++] = t->ids.items[c->first + i];
	}
}

/* Code of the kernel without a name, again: one says it for all. */
static bool is_again(const struct teller *t, const struct ev_stack *ev, const struct chain *c)
{
	return ev->n && c->n && !c->is_named && ev->frames[ev->n - 1] == t->ids.items[c->first];
}

static int tell_stack(struct teller *t, const struct stack *s, uint32_t id)
{
	struct ev_stack *ev = calloc(1, sizeof(*ev) + STACK_MAX * sizeof(*ev->frames));
	bool is_inner = s->is_wait; /* all up to here was waiting */
	int error;

	if (!ev)
		return -ENOMEM;
	ev->id = id;
	ev->end = s->end;
	ev->flags = s->flags;
	for (size_t i = 0; i < s->n; i++) {
		const struct chain *c =
			&t->chains.items[*map_find(&t->chain_by_place, s->frames[i])];

		is_inner &= c->is_waiting;
		if (!is_inner && !(PLACE_IS_KERNEL(s->frames[i]) && is_again(t, ev, c)))
			add_frames(t, ev, c);
	}
	ev->head.kind = EV_STACK;
	ev->head.size = sizeof(*ev) + (ev->n * sizeof(*ev->frames) + 7) / 8 * 8;
	error = t->fn(t->ctx, &ev->head);
	free(ev);
	return error;
}

/* The kernel's addresses are the last ones. */
static bool is_last_of_file(const struct teller *t, size_t i)
{
	uint64_t place = t->places.items[i];

	return i + 1 == t->places.n || (!PLACE_IS_ADDRESS(place) &&
					PLACE_FILE(place) != PLACE_FILE(t->places.items[i + 1]));
}

static int tell_note(const struct teller *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int tell_note(const struct teller *t, const char *fmt, ...)
{
	_Alignas(struct ev_text) char room[sizeof(struct ev_text) + EVENT_PATH_SIZE + 512] = { 0 };
	struct ev_text *ev = (struct ev_text *)room;
	size_t most = sizeof(room) - sizeof(*ev) - 8;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(ev->text, most, fmt, ap);
	va_end(ap);
	ev->length = n < 0 ? 0 : (size_t)n < most ? (size_t)n : most - 1;
	ev->what = TEXT_NOTE;
	ev->head.kind = EV_TEXT;
	ev->head.size = (sizeof(*ev) + ev->length + 1 + 7) / 8 * 8;
	return t->fn(t->ctx, &ev->head);
}

/* Why names are missing, if it is not for the files themselves. */
static int tell_notes(const struct teller *t)
{
	int error = 0;

	if (t->is_hidden)
		error = tell_note(t, "functions of the kernel have no names: /proc/kallsyms shows "
				     "no addresses (kernel.kptr_restrict)");
	if (t->is_canceled && !error)
		error = tell_note(t, "a signal ended the look-up of names: some are missing");
	if (t->files.n && !error)
		error = tell_note(t,
				  "%zu %s not read for names, since the file system did not "
				  "answer in time: %s%s",
				  t->files.n, t->files.n == 1 ? "file was" : "files were",
				  t->files.first, t->files.n == 1 ? "" : " and others");
	if (t->maps.n && !error)
		error = tell_note(t,
				  "%s%s ignored: it is no file of the process's user, or of root",
				  t->maps.first, t->maps.n == 1 ? " was" : " and others were");
	return error;
}

int tell_stacks(const struct name_sources *sources, const struct stack *stacks, size_t n,
		event_fn fn, sites_progress_fn progress, void *ctx)
{
	struct teller t = { .from = sources, .fn = fn, .ctx = ctx };
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
	if (!error)
		error = tell_notes(&t);
	intern_free(&t.frames);
	free(t.places.items);
	free(t.chains.items);
	free(t.ids.items);
	map_free(&t.chain_by_place);
	return error;
}
