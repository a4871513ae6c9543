// SPDX-License-Identifier: BSD-2-Clause
/* From what the probes keep to events. */
#include "probe/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

int collect_ring(struct probe *p, event_fn fn, void *ctx)
{
	int n;

	p->fn = fn;
	p->ctx = ctx;
	p->fn_error = 0;
	n = ring_buffer__consume(p->ring);
	if (n >= 0 && !p->fn_error)
		n = code_consume(p);
	if (p->fn_error)
		return p->fn_error;
	return n < 0 ? n : 0;
}

bool next_key(int map, const void *last, void *key, int *ret_error)
{
	int error = bpf_map_get_next_key(map, last, key);

	if (error && error != -ENOENT)
		*ret_error = error;
	return !error;
}

int collect_wall(struct probe *p, uint64_t until, event_fn fn, void *ctx)
{
	struct ev_wall ev = { .head = { EV_WALL, sizeof(ev) } };
	struct program program;
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem_flags(bpf_map__fd(p->skel->maps.programs), &zero, &program,
					      BPF_F_LOCK);

	if (error)
		return error;
	if (!program.wall.sums.start_at)
		return 0; /* not released yet */
	wall_advance(&program.wall, until);
	ev.sums = program.wall.sums;
	return fn(ctx, &ev.head);
}

int collect_link(struct bpf_link *link, size_t size, event_fn fn, void *ctx)
{
	int fd = bpf_iter_create(bpf_link__fd(link)), error = 0;
	char *record = malloc(size);
	size_t have = 0;

	if (fd < 0 || !record) {
		error = fd < 0 ? fd : -ENOMEM;
		goto out;
	}
	for (;;) {
		ssize_t n = read(fd, record + have, size - have);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			error = n < 0 ? -errno : have ? -EPROTO : 0;
			break;
		}
		have += n;
		if (have < size)
			continue;
		have = 0;
		error = fn(ctx, (const struct event *)record);
		if (error)
			break;
	}
out:
	free(record);
	if (fd >= 0)
		close(fd);
	return error;
}

int collect_records(struct bpf_program *program, size_t size, event_fn fn, void *ctx)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int error;

	if (!link)
		return -errno;
	error = collect_link(link, size, fn, ctx);
	bpf_link__destroy(link);
	return error;
}

int collect_alive(struct probe *p, event_fn fn, void *ctx)
{
	struct program program;
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem_flags(bpf_map__fd(p->skel->maps.programs), &zero, &program,
					      BPF_F_LOCK);

	if (error || !program.wall.alive)
		return error;
	return collect_records(p->skel->progs.cp_alive, sizeof(struct ev_thread), fn, ctx);
}

/* As real-time threads leave 5 % of each second to the others (sched(7)). */
#define DYING_NS      1200000000
#define DYING_LOOK_NS 2000000

static uint64_t handed_over(struct probe *p)
{
	return __atomic_load_n(&p->skel->bss->survivors, __ATOMIC_RELAXED);
}

int collect_dying(struct probe *p, event_fn fn, void *ctx)
{
	uint64_t until = clock_ns() + DYING_NS;
	struct program program;
	int error = read_program(p, &program);

	if (error)
		return error;
	while (handed_over(p) < program.wall.alive && clock_ns() < until) {
		nap(DYING_LOOK_NS);
		error = collect_ring(p, fn, ctx);
		if (error)
			return error;
	}
	if (handed_over(p) < program.wall.alive)
		p->skel->bss->lost[LOSS_DYING] = program.wall.alive - handed_over(p);
	return 0;
}

int collect_lives(struct probe *p, event_fn fn, void *ctx)
{
	struct program program;
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem_flags(bpf_map__fd(p->skel->maps.programs), &zero, &program,
					      BPF_F_LOCK);

	/* The command is dead, and has not been reaped. */
	if (error || (!program.wall.alive && p->skel->bss->dead <= 1))
		return error;
	return collect_records(p->skel->progs.cp_lives, sizeof(struct ev_life), fn, ctx);
}

struct pids {
	pid_t *list;
	size_t n, room;
};

static int add_pid(void *ctx, const struct event *record)
{
	struct pids *pids = ctx;
	uint32_t pid;

	memcpy(&pid, record, sizeof(pid));
	if (pids->n == pids->room) {
		size_t room = pids->room ? pids->room * 2 : 64;
		pid_t *list = reallocarray(pids->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		pids->list = list;
		pids->room = room;
	}
	pids->list[pids->n++] = pid;
	return 0;
}

int probe_pids(struct probe *p, pid_t **ret, size_t *ret_n)
{
	struct pids pids = { NULL, 0, 0 };
	int error = collect_records(p->skel->progs.cp_pids, sizeof(uint32_t), add_pid, &pids);

	if (error) {
		free(pids.list);
		return error;
	}
	*ret = pids.list;
	*ret_n = pids.n;
	return 0;
}

/* Per-CPU values come one after another, each padded to 8 bytes: struct ev_thread is. */
int collect_unsent(struct probe *p, event_fn fn, void *ctx)
{
	int cpus = libbpf_num_possible_cpus(), error;
	struct ev_thread sum = { .head = { EV_THREAD, sizeof(sum) }, .flags = THREAD_UNSENT };
	struct ev_thread *each;
	uint32_t zero = 0;

	_Static_assert(sizeof(struct ev_thread) % 8 == 0, "per-CPU values are padded to 8");
	if (cpus < 0)
		return cpus;
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	error = bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.unsent), &zero, each);
	for (int i = 0; i < cpus && !error; i++)
		thread_sum(&sum, &each[i].ledger, &each[i].witness, each[i].count);
	free(each);
	if (!error && sum.count)
		error = fn(ctx, &sum.head);
	return error;
}

static int one_loss(enum loss_kind what, uint64_t count, uint64_t ns, const char *name, event_fn fn,
		    void *ctx)
{
	struct ev_loss ev = {
		.head = { EV_LOSS, sizeof(ev) }, .what = what, .count = count, .ns = ns
	};

	if (!count)
		return 0;
	snprintf(ev.name, sizeof(ev.name), "%s", name);
	return fn(ctx, &ev.head);
}

/* Runs that the kernel left out because the same program was running on that CPU. */
static int missed_runs(struct probe *p, event_fn fn, void *ctx)
{
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);
		struct bpf_program *program =
			bpf_object__find_program_by_name(p->skel->obj, probe_rows[i].program);
		int error;

		if (!p->links[i])
			continue;
		error = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
		if (error)
			return error;
		error = one_loss(LOSS_MISSED_RUN, info.recursion_misses, 0,
				 probe_rows[i].tracepoint, fn, ctx);
		if (error)
			return error;
	}
	return 0;
}

int collect_losses(struct probe *p, event_fn fn, void *ctx)
{
	struct program program;
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem_flags(bpf_map__fd(p->skel->maps.programs), &zero, &program,
					      BPF_F_LOCK);

	for (int what = 1; what < LOSS_KIND_COUNT && !error; what++)
		error = one_loss(what, p->skel->bss->lost[what], 0, "", fn, ctx);
	if (!error && program.wall.sums.missed_ns) /* else all of them could be made good */
		error = one_loss(LOSS_SWITCH_IN, program.wall.sums.missed_in,
				 program.wall.sums.missed_ns, "", fn, ctx);
	if (!error && p->mappings)
		error = one_loss(LOSS_MAPPINGS, mappings_lost(p->mappings), 0, "", fn, ctx);
	return error ? error : missed_runs(p, fn, ctx);
}

int collect_costs(struct probe *p, event_fn fn, void *ctx, struct ev_end *end)
{
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		struct ev_probe ev = { .head = { EV_PROBE, sizeof(ev) } };
		const struct probe_cost *cost = NULL;
		int error;

		if (probe_rows[i].when == ATTACH_FOR_TIMELINE &&
		    !p->skel->rodata->timeline) /* nobody asked for it */
			continue;
		ev.attached = p->links[i] != NULL ||
			      (probe_rows[i].when == ATTACH_IN_WINDOW && p->windows) ||
			      (probe_rows[i].when == ATTACH_AND_REST && !p->why[i][0]);
		snprintf(ev.name, sizeof(ev.name), "%s", probe_rows[i].tracepoint);
		snprintf(ev.why, sizeof(ev.why), "%s", p->why[i]);
		if (i < COST_ELSEWHERE)
			cost = (const struct probe_cost *)&p->skel->bss->cost[i];
		ev.timed = cost != NULL;
		if (cost) {
			ev.runs = cost->samples * COST_SAMPLE;
			ev.ns = cost->ns * COST_SAMPLE;
		}
		end->bpf_runs += ev.runs;
		end->bpf_ns += ev.ns;
		error = fn(ctx, &ev.head);
		if (error)
			return error;
	}
	end->bpf_elsewhere_ns = p->skel->bss->cost[COST_ELSEWHERE].ns * COST_SAMPLE;
	return code_tell(p, fn, ctx);
}
