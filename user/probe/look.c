// SPDX-License-Identifier: BSD-2-Clause
/* Runs the iterators of bpf/look.bpf.c. */
#include "probe/look.h"
#include "probe/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "look.skel.h"
#include "probe/kernel_types.h"

#define CLOCK_TRIES 8
#define STOP	    1 /* one record is enough */

struct looker {
	struct look_bpf *skel;
	int64_t clock_lag;
};

/* What a record is handed to; one of them is set. */
struct taker {
	seen_fn seen;
	seen_end_fn end;
	seen_stack_fn stack;
	void *ctx;
};

static int load_with(struct looker *l, struct kernel_types *types)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_types_path(types));
	int error;

	l->skel = look_bpf__open_opts(&opts);
	if (!l->skel)
		return -errno;
	error = kernel_types_fill(types, l->skel->obj);
	if (!error)
		error = look_bpf__load(l->skel);
	return error || l->skel->bss ? error : -ENOTSUP; /* as load_with() has it */
}

static int load(struct looker *l)
{
	struct kernel_types *types = kernel_types_open();
	int error = types ? load_with(l, types) : -errno;

	kernel_types_free(types);
	return error;
}

int looker_open(struct looker **ret, struct err *err)
{
	struct looker *l = calloc(1, sizeof(*l));
	int error;

	if (!l)
		return err_failed(err, -ENOMEM, "cannot begin");
	load_listen();
	error = load(l);
	if (!error) {
		*ret = l;
		return 0;
	}
	error = load_explain(error, err);
	looker_free(l);
	return error;
}

void looker_free(struct looker *l)
{
	if (!l)
		return;
	look_bpf__destroy(l->skel);
	free(l);
}

int looker_ask(struct looker *l, pid_t pid)
{
	uint32_t key = (uint32_t)pid, one = 1;

	return bpf_map_update_elem(bpf_map__fd(l->skel->maps.asked_pids), &key, &one, BPF_ANY);
}

static int take_seen(void *ctx, const struct event *record)
{
	const struct taker *t = ctx;

	return t->seen(t->ctx, (const struct seen *)record);
}

static int take_end(void *ctx, const struct event *record)
{
	const struct taker *t = ctx;

	return t->end(t->ctx, (const struct seen_end *)record);
}

static int take_stack(void *ctx, const struct event *record)
{
	const struct taker *t = ctx;

	return t->stack(t->ctx, (struct code_stack *)record);
}

static long own_switches(void)
{
	struct rusage use;

	return getrusage(RUSAGE_THREAD, &use) ? -1 : use.ru_nvcsw + use.ru_nivcsw;
}

/* Who has just slept has come to its CPU now, which the kernel noted by the scheduler's clock: if
 * it was not taken away again before the iterator read that. */
static int look_by_clock(struct looker *l, seen_fn fn, void *ctx)
{
	struct taker t = { .seen = fn, .ctx = ctx };
	struct timespec nap = { .tv_nsec = 1 };
	uint64_t now;
	long switches;
	int error;

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	now = clock_ns();
	switches = own_switches();
	l->skel->bss->reader_arrived = 0;
	error = collect_records(l->skel->progs.cp_look, sizeof(struct seen), take_seen, &t);
	if (error >= 0 && own_switches() == switches)
		l->clock_lag = (int64_t)(now - l->skel->bss->reader_arrived);
	return error;
}

static int leave_it(void *ctx, const struct seen *s)
{
	(void)ctx;
	(void)s;
	return STOP;
}

int looker_tasks(struct looker *l, seen_fn fn, void *ctx)
{
	int error = look_by_clock(l, fn, ctx);

	for (int i = 0; i < CLOCK_TRIES && !error && !l->clock_lag; i++) {
		error = look_by_clock(l, leave_it, NULL);
		error = error == STOP ? 0 : error;
	}
	return error;
}

int looker_stacks(struct looker *l, seen_stack_fn fn, void *ctx)
{
	struct taker t = { .stack = fn, .ctx = ctx };

	return collect_records(l->skel->progs.cp_look_stacks, sizeof(struct code_stack), take_stack,
			       &t);
}

int looker_ends(struct looker *l, const uint64_t *objects, size_t n, seen_end_fn fn, void *ctx)
{
	int map = bpf_map__fd(l->skel->maps.asked_objects), error = 0;
	struct taker t = { .end = fn, .ctx = ctx };
	uint32_t one = 1;

	for (size_t i = 0; i < n && !error; i++)
		error = bpf_map_update_elem(map, &objects[i], &one, BPF_ANY);
	if (!error || error == -E2BIG) /* of what finds no room no end is known */
		error = collect_records(l->skel->progs.cp_look_ends, sizeof(struct seen_end),
					take_end, &t);
	for (size_t i = 0; i < n; i++)
		bpf_map_delete_elem(map, &objects[i]); /* what found no room is not there */
	return error;
}

int64_t looker_clock_lag(const struct looker *l)
{
	return l->clock_lag;
}
