// SPDX-License-Identifier: BSD-2-Clause
/* The process that reads objects. It answers one request after another, and may die at any. */
#include "sym/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MEMORY_MAX   (96u << 20) /* in use, at which what has been read is forgotten */
#define RESIDENT_MAX (160u << 20)

struct worker {
	struct objects *objects;
	int socket;
	struct request request;
	struct answer answer;
};

/* By the CPU's time: on a busy machine the same answers come, only later. */
static void limit_time(unsigned seconds)
{
	struct itimerval timer = { .it_value.tv_sec = seconds };

	if (setitimer(ITIMER_PROF, &timer, NULL))
		_exit(1);
}

static void reply(struct worker *w, int error, size_t size)
{
	w->answer.error = error;
	if (wire_send(w->socket, &w->answer, HEAD_SIZE(struct answer, rule) + (error ? 0 : size),
		      -1))
		_exit(1);
}

static void answer_rule(struct worker *w, struct object *o)
{
	uint64_t address;
	int r = object_code_address(o, w->request.offsets[0], &address);

	if (!r)
		r = object_rule(o, address, &w->answer.rule);
	reply(w, r, sizeof(w->answer.rule));
}

static void answer_image(struct worker *w, struct object *o)
{
	int r = object_image(o, w->request.offsets[0], w->request.flag, &w->answer.address);

	reply(w, r, sizeof(w->answer.address));
}

static void answer_image_end(struct worker *w, struct object *o)
{
	w->answer.address = object_image_end(o);
	reply(w, 0, sizeof(w->answer.address));
}

static size_t memory_in_use(void)
{
	struct mallinfo2 now = mallinfo2();

	return now.uordblks + now.hblkhd;
}

/* Pages of mapped files as well. */
static size_t memory_resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (!statm)
		return 0;
	if (fscanf(statm, "%*u %zu", &pages) != 1)
		pages = 0;
	fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* libdw keeps all that it has read of an object until that is closed. */
static void make_room(struct objects *objects, struct object *but)
{
	for (size_t i = 0; memory_resident() > RESIDENT_MAX && i < objects->v.n; i++)
		object_release_pages(&objects->v.items[i]);
	if (memory_in_use() <= MEMORY_MAX)
		return;
	for (size_t i = 0; i < objects->v.n; i++) {
		if (&objects->v.items[i] != but)
			object_close(&objects->v.items[i]);
	}
	if (memory_in_use() > MEMORY_MAX)
		object_forget_dwarf(but);
}

static void answer_data(struct worker *w, struct object *o)
{
	reply(w, object_data(o, w->request.offsets[0], &w->answer.data), sizeof(w->answer.data));
	make_room(w->objects, o);
}

static void answer_names(struct worker *w, struct object *o)
{
	object_ask_server(o);
	for (uint32_t i = 0; i < w->request.n; i++) {
		uint64_t address, units = o->units_used;

		w->answer.n = 0;
		if (!object_code_address(o, w->request.offsets[i], &address))
			w->answer.n = (uint32_t)object_names(o, address, w->answer.frames);
		reply(w, 0, w->answer.n * sizeof(*w->answer.frames));
		/* what is read of a unit is the most of it, and to ask takes time */
		if (o->units_used != units)
			make_room(w->objects, o);
	}
}

static void answer(struct worker *w)
{
	static void (*const answers[])(struct worker *, struct object *) = {
		[REQUEST_RULE] = answer_rule,		[REQUEST_IMAGE] = answer_image,
		[REQUEST_NAMES] = answer_names,		[REQUEST_DATA] = answer_data,
		[REQUEST_IMAGE_END] = answer_image_end,
	};
	struct request *r = &w->request;
	struct object *o;
	int error = 0;

	if (r->object >= w->objects->v.n || r->kind >= sizeof(answers) / sizeof(*answers) ||
	    !answers[r->kind] || r->n > NAMES_MAX)
		_exit(1);
	o = &w->objects->v.items[r->object];
	if (o->level == OBJECT_REFUSED)
		error = -EIO;
	limit_time(r->cpu_seconds);
	memset(&w->answer, 0, sizeof(w->answer));
	if (!error)
		error = object_open(o);
	if (error)
		reply(w, error, 0);
	else
		answers[r->kind](w, o);
	limit_time(0);
}

void worker_serve(struct objects *objects, int socket)
{
	static struct worker w;
	ssize_t n;
	int fd;

	w.objects = objects;
	w.socket = socket;
	while ((n = wire_receive(socket, &w.request, sizeof(w.request), &fd)) > 0) {
		if (n < (ssize_t)HEAD_SIZE(struct request, path))
			_exit(1);
		if (w.request.kind == REQUEST_ADD)
			objects_add(objects, &w.request, (size_t)n, fd);
		else
			answer(&w);
	}
}
