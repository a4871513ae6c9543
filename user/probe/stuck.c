// SPDX-License-Identifier: BSD-2-Clause
/* Threads that stand still, and what could end that: see bpf/stuck.bpf.c. */
#include "probe/internal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/vec.h"

struct rows {
	VEC(struct stuck) waits;
	VEC(struct need) needs;
	VEC(struct pipe_end) ends;
	struct map processes; /* by pid */
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
	return 0;
}

static int add_end(void *ctx, const struct event *record)
{
	struct rows *rows = ctx;

	memcpy(vec_add(&rows->ends), record, sizeof(struct pipe_end));
	return 0;
}

static void add_need(struct rows *rows, size_t wait, uint64_t process_id)
{
	*vec_add(&rows->needs) = (struct need){ wait, process_id };
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

/* --- pipes ------------------------------------------------------------------------------ */

static int ask_pipes(struct probe *p, struct rows *rows)
{
	int map = bpf_map__fd(p->skel->maps.asked), error = 0;
	uint32_t one = 1;
	bool any = false;

	for (size_t i = 0; i < rows->waits.n && !error; i++) {
		const struct stuck *s = &rows->waits.items[i];

		if (s->want != WANT_READER && s->want != WANT_WRITER)
			continue;
		any = true;
		error = bpf_map_update_elem(map, &s->object, &one, BPF_ANY);
	}
	if (!any || (error && error != -E2BIG)) /* of what found no room no end is known */
		return error;
	error = collect_records(p->skel->progs.cp_pipe_ends, sizeof(struct pipe_end), add_end,
				rows);
	for (size_t i = 0; i < rows->waits.n; i++)
		bpf_map_delete_elem(map, &rows->waits.items[i].object);
	return error;
}

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

/* --- children --------------------------------------------------------------------------- */

static void need_child(struct rows *rows, size_t wait, uint32_t pid)
{
	const uint64_t *process_id = map_find(&rows->processes, pid);

	add_need(rows, wait, process_id ? *process_id : 0);
}

/* proc_pid_task_tid_children(5): those of one thread, which do not change while all stand still. */
static void need_children_of(struct rows *rows, size_t wait, uint32_t pid, const char *tid)
{
	char path[128];
	unsigned int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%.16s/children", pid, tid);
	f = fopen(path, "re");
	if (!f) {
		add_need(rows, wait, 0); /* not known */
		return;
	}
	while (fscanf(f, "%u", &child) == 1)
		need_child(rows, wait, child);
	fclose(f);
}

static void need_children(struct rows *rows, size_t wait)
{
	struct stuck *s = &rows->waits.items[wait];
	struct dirent *entry;
	char path[64];
	DIR *dir;

	s->holder_is = s->pid_ns == rows->pid_ns ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
	if (s->holder_is == HOLDER_IS_UNKNOWN)
		return;
	if (s->object) {
		need_child(rows, wait, (uint32_t)s->object);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/task", s->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			need_children_of(rows, wait, s->pid, entry->d_name);
	}
	if (dir)
		closedir(dir);
	else
		s->holder_is = HOLDER_IS_UNKNOWN;
}

/* ------------------------------------------------------------------------------------------ */

static void find_needs(struct rows *rows)
{
	for (size_t i = 0; i < rows->waits.n; i++) {
		struct stuck *s = &rows->waits.items[i];

		switch (s->want) {
		case WANT_READER:
		case WANT_WRITER:
			need_pipe(rows, i);
			break;
		case WANT_CHILD:
			need_children(rows, i);
			break;
		default:
			if (may_be_outside(s, rows->pid_ns))
				s->holder_is = HOLDER_IS_UNKNOWN;
		}
	}
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
		error = ask_pipes(p, &rows);
	if (!error)
		find_needs(&rows);
	*ret = (struct look){ rows.waits.items, rows.waits.n, rows.needs.items, rows.needs.n,
			      sched_now(p) };
	free(rows.ends.items);
	map_free(&rows.processes);
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
