// SPDX-License-Identifier: BSD-2-Clause
/* Threads that stand still, and what could end that: see bpf/stuck.bpf.c. */
#include "probe/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/procfs.h"
#include "base/vec.h"

struct rows {
	VEC(struct stuck) waits;
	VEC(struct need) needs;
	VEC(struct pipe_end) ends;
	VEC(struct file_slot) slots;
	struct map processes; /* by pid */
	struct map alarmed;   /* by id: a signal will come, and do whatever its handler does */
	uint64_t pid_ns;      /* our own */
};

bool probe_may_be_stuck(const struct probe *p)
{
	return p->skel->bss->lock_endless;
}

static int add_row(void *ctx, const struct event *record)
{
	struct rows *rows = ctx;
	struct stuck *s = vec_add(&rows->waits);

	memcpy(s, record, sizeof(*s));
	*map_add(&rows->processes, s->pid) = s->process_id;
	if (s->has_alarm)
		*map_add(&rows->alarmed, s->process_id) = true;
	return 0;
}

static int add_end(void *ctx, const struct event *record)
{
	struct rows *rows = ctx;

	memcpy(vec_add(&rows->ends), record, sizeof(struct pipe_end));
	return 0;
}

static int add_slot(void *ctx, const struct event *record)
{
	struct rows *rows = ctx;

	memcpy(vec_add(&rows->slots), record, sizeof(struct file_slot));
	return 0;
}

static void add_need(struct rows *rows, size_t wait, uint64_t process_id)
{
	bool goes_on = map_find(&rows->alarmed, process_id);

	*vec_add(&rows->needs) = (struct need){ wait, goes_on ? 0 : process_id };
}

/* --- locks ------------------------------------------------------------------------------ */

/* Of a lock that several processes share one may have it that is not measured: then its number is
 * somebody's. In another PID namespace that cannot be asked. */
static bool may_be_outside(const struct stuck *s, uint64_t pid_ns)
{
	if (s->holder_is != HOLDER_IS_NOBODY || !(s->key.space & LOCK_SHARED))
		return false;
	return s->pid_ns != pid_ns || !kill((pid_t)s->holder_nr, 0) || errno != ESRCH;
}

/* --- descriptors ------------------------------------------------------------------------- */

/* Those of the objects that waits of these kinds are for, whoever has them. */
struct ask {
	uint32_t wants; /* bits: enum stuck_want */
	struct bpf_program *program;
	size_t size;
	int (*add)(void *rows, const struct event *record);
};

static int ask_about(struct probe *p, struct rows *rows, const struct ask *a)
{
	int map = bpf_map__fd(p->skel->maps.asked), error = 0;
	uint32_t one = 1;
	bool any = false;

	for (size_t i = 0; i < rows->waits.n && !error; i++) {
		const struct stuck *s = &rows->waits.items[i];

		if (!(a->wants & 1u << s->want))
			continue;
		any = true;
		error = bpf_map_update_elem(map, &s->object, &one, BPF_ANY);
	}
	if (!any || (error && error != -E2BIG)) /* of what found no room nothing is known */
		return error;
	error = collect_records(a->program, a->size, a->add, rows);
	for (size_t i = 0; i < rows->waits.n; i++)
		bpf_map_delete_elem(map, &rows->waits.items[i].object);
	return error;
}

static int ask_about_all(struct probe *p, struct rows *rows)
{
	const struct ask asks[] = {
		{ 1u << WANT_READER | 1u << WANT_WRITER, p->skel->progs.cp_pipe_ends,
		  sizeof(struct pipe_end), add_end },
		{ 1u << WANT_FILE_LOCK, p->skel->progs.cp_lock_files, sizeof(struct file_slot),
		  add_slot },
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks) && !error; i++)
		error = ask_about(p, rows, &asks[i]);
	return error;
}

/* --- pipes ------------------------------------------------------------------------------ */

/* Was this file met before, as another descriptor? */
static bool is_met(const struct rows *rows, size_t end)
{
	const struct pipe_end *e = &rows->ends.items[end];

	for (size_t i = 0; i < end; i++) {
		if (rows->ends.items[i].file == e->file)
			return true;
	}
	return false;
}

/* All files that are open at the other end must be some process's descriptors: else one is on its
 * way in a message, or the kernel's. */
static void need_pipe(struct rows *rows, size_t wait)
{
	struct stuck *s = &rows->waits.items[wait];
	uint32_t mode = s->want == WANT_READER ? PIPE_READS : PIPE_WRITES, files = 0, all = 0;

	for (size_t i = 0; i < rows->ends.n; i++) {
		const struct pipe_end *e = &rows->ends.items[i];

		if (e->pipe != s->object || !(e->mode & mode))
			continue;
		all = mode == PIPE_READS ? e->readers : e->writers;
		files += !is_met(rows, i);
		add_need(rows, wait, e->process_id);
	}
	s->holder_is = files && files == all ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
}

/* --- locks of files ---------------------------------------------------------------------- */

/* POSIX's belong to a table of descriptors: all tasks that have it must be among those that wait. */
static bool need_table(struct rows *rows, size_t wait)
{
	uint64_t table = rows->waits.items[wait].object;
	uint32_t users = 0, all = 0;

	for (size_t i = 0; i < rows->waits.n; i++) {
		const struct stuck *s = &rows->waits.items[i];

		if (s->files != table)
			continue;
		add_need(rows, wait, s->process_id);
		all = s->files_users;
		users++;
	}
	return users && users == all;
}

/* The same descriptor is met more than once if several processes have one table. */
static bool is_known_slot(const struct rows *rows, size_t slot)
{
	const struct file_slot *s = &rows->slots.items[slot];

	for (size_t i = 0; i < slot; i++) {
		if (rows->slots.items[i].files == s->files && rows->slots.items[i].fd == s->fd)
			return true;
	}
	return false;
}

/* Calls that wait for another lock of the file. */
static uint64_t count_calls(const struct rows *rows, uint64_t file)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < rows->waits.n; i++)
		calls += rows->waits.items[i].file == file;
	return calls;
}

/* Others belong to an open file: all references to it must be descriptors, or these calls: else one
 * is on its way in a message. */
static bool need_open_file(struct rows *rows, size_t wait)
{
	uint64_t file = rows->waits.items[wait].object, found = 0, all = 0;

	for (size_t i = 0; i < rows->slots.n; i++) {
		const struct file_slot *s = &rows->slots.items[i];

		if (s->file != file)
			continue;
		add_need(rows, wait, s->process_id);
		found += !is_known_slot(rows, i);
		all = s->users;
	}
	return found && found + count_calls(rows, file) == all;
}

static void need_file_lock(struct rows *rows, size_t wait)
{
	bool known = need_table(rows, wait) || need_open_file(rows, wait);

	rows->waits.items[wait].holder_is = known ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
}

/* --- children --------------------------------------------------------------------------- */

struct child_search {
	struct rows *rows;
	size_t wait;
};

static void need_child(void *ctx, uint32_t pid)
{
	const struct child_search *c = ctx;
	const uint64_t *process_id = map_find(&c->rows->processes, pid);

	add_need(c->rows, c->wait, process_id ? *process_id : 0);
}

/* In another PID namespace the numbers are others; and they do not change while all stand still. */
static void need_children(struct rows *rows, size_t wait)
{
	struct stuck *s = &rows->waits.items[wait];
	struct child_search c = { rows, wait };
	bool known = s->pid_ns == rows->pid_ns;

	if (known && s->object)
		need_child(&c, (uint32_t)s->object);
	else if (known)
		known = procfs_children(s->pid, need_child, &c);
	s->holder_is = known ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
}

/* ------------------------------------------------------------------------------------------ */

static void find_holder(struct rows *rows, size_t wait)
{
	struct stuck *s = &rows->waits.items[wait];

	if (may_be_outside(s, rows->pid_ns))
		s->holder_is = HOLDER_IS_UNKNOWN;
}

static void find_needs(struct rows *rows)
{
	static void (*const find[WANT_COUNT])(struct rows *, size_t) = {
		[WANT_HOLDER] = find_holder,	   [WANT_READER] = need_pipe,
		[WANT_WRITER] = need_pipe,	   [WANT_CHILD] = need_children,
		[WANT_FILE_LOCK] = need_file_lock,
	};

	for (size_t i = 0; i < rows->waits.n; i++)
		find[rows->waits.items[i].want](rows, i);
}

int probe_stuck(struct probe *p, struct look *ret)
{
	struct rows rows = { .pid_ns = 0 };
	struct stat own;
	int error;

	*ret = (struct look){ 0 };
	if (!stat("/proc/self/ns/pid", &own))
		rows.pid_ns = own.st_ino;
	if (!p->stuck)
		p->stuck = bpf_program__attach_iter(p->skel->progs.cp_stuck, NULL);
	if (!p->stuck)
		return -errno;
	error = collect_link(p->stuck, sizeof(struct stuck), add_row, &rows);
	if (!error)
		error = ask_about_all(p, &rows);
	if (!error)
		find_needs(&rows);
	*ret = (struct look){ rows.waits.items, rows.waits.n, rows.needs.items, rows.needs.n,
			      sched_now(p) };
	free(rows.ends.items);
	free(rows.slots.items);
	map_free(&rows.processes);
	map_free(&rows.alarmed);
	return error;
}

void probe_stuck_free(struct look *look)
{
	free((void *)look->waits);
	free((void *)look->needs);
	*look = (struct look){ 0 };
}

int probe_still_ns(struct probe *p, uint64_t *ret)
{
	struct program program;
	int error = read_program(p, &program);

	*ret = 0;
	if (error || !program.wall.sums.start_at)
		return error;
	wall_advance(&program.wall, sched_now(p));
	*ret = wall_standstill(&program.wall.sums);
	return 0;
}

static int hand_over(void *ctx, const struct event *record)
{
	return code_take(ctx, (const struct code_stack *)record);
}

int probe_stuck_stacks(struct probe *p, const uint64_t *thread_ids, size_t n)
{
	int map = bpf_map__fd(p->skel->maps.asked), error = 0;
	uint32_t one = 1;

	p->skel->bss->ask_all = !thread_ids;
	for (size_t i = 0; i < n && !error; i++)
		error = bpf_map_update_elem(map, &thread_ids[i], &one, BPF_ANY);
	if (error && error != -E2BIG)
		return error;
	error = collect_records(p->skel->progs.cp_stuck_stacks, sizeof(struct code_stack),
				hand_over, p);
	for (size_t i = 0; i < n; i++)
		bpf_map_delete_elem(map, &thread_ids[i]); /* what found no room is not there */
	return error;
}
