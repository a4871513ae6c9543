// SPDX-License-Identifier: BSD-2-Clause
/* Threads that stand still, out of the kernel's list of tasks: see bpf/stuck.bpf.c. */
#include "probe/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"

bool probe_may_be_stuck(const struct probe *p)
{
	return p->skel->bss->lock_endless;
}

struct rows {
	VEC(struct stuck) list;
	uint64_t pid_ns; /* our own */
};

/* Of a lock that several processes share one may have it that is not measured: then its number is
 * somebody's. In another PID namespace that cannot be asked. */
static bool may_be_outside(const struct stuck *s, uint64_t pid_ns)
{
	if (s->holder_is != HOLDER_IS_NOBODY || !(s->key.space & LOCK_SHARED))
		return false;
	return s->pid_ns != pid_ns || !kill((pid_t)s->holder_nr, 0) || errno != ESRCH;
}

static int add_row(void *ctx, const struct event *record)
{
	struct rows *rows = ctx;
	struct stuck *s = vec_add(&rows->list);

	memcpy(s, record, sizeof(*s));
	if (may_be_outside(s, rows->pid_ns))
		s->holder_is = HOLDER_IS_UNKNOWN;
	return 0;
}

int probe_stuck(struct probe *p, struct stuck **ret, size_t *ret_n, uint64_t *ret_at)
{
	struct rows rows = { .pid_ns = 0 };
	struct stat own;
	int error;

	if (!stat("/proc/self/ns/pid", &own))
		rows.pid_ns = own.st_ino;
	if (!p->stuck)
		p->stuck = bpf_program__attach_iter(p->skel->progs.cp_stuck, NULL);
	if (!p->stuck)
		return -errno;
	error = collect_link(p->stuck, sizeof(struct stuck), add_row, &rows);
	*ret_at = sched_now(p);
	*ret = rows.list.items;
	*ret_n = rows.list.n;
	if (error) {
		free(rows.list.items);
		*ret = NULL;
		*ret_n = 0;
	}
	return error;
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
