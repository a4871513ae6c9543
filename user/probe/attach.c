// SPDX-License-Identifier: BSD-2-Clause
/* Takes over what runs already: see bpf/attach.bpf.c. */
#include "probe/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"

#define PASSES		  8 /* each finds only what was created during the one before */
#define OUT_OF_THE_WAY_NS 200000

typedef VEC(struct attached) attached_list;

static int take_record(void *ctx, const struct event *record)
{
	attached_list *list = ctx;

	memcpy(vec_add(list), record, sizeof(struct attached));
	return 0;
}

/* Whoever creates a thread beside an iterator that has passed it, and is not tracked yet, is found
 * with it by the next. */
static int take_all(struct probe *p, attached_list *list)
{
	/* It writes none: what it finds lies in a map. */
	int error = collect_records(p->skel->progs.cp_attach_words, 1, take_record, list);
	uint64_t before;

	for (int i = 0; i < PASSES && !error; i++) {
		before = p->skel->bss->attached_threads;
		p->skel->bss->attach_missed = 0;
		error = collect_records(p->skel->progs.cp_attach, sizeof(struct attached),
					take_record, list);
		if (p->skel->bss->attach_missed)
			nap(OUT_OF_THE_WAY_NS);
		else if (p->skel->bss->attached_threads == before)
			break;
	}
	if (p->skel->bss->attach_missed)
		__atomic_fetch_add(&p->skel->bss->lost[LOSS_UNTRACKED], 1, __ATOMIC_RELAXED);
	return error;
}

static int take_stack(void *ctx, const struct event *record)
{
	return code_take(ctx, (const struct code_stack *)record);
}

/* First all threads, so that their lives begin together; then what takes time of each process, and
 * the stacks, which need its code. */
static int take_over(struct probe *p)
{
	attached_list list = { NULL };
	int error = take_all(p, &list);

	for (size_t i = 0; i < list.n && !error; i++)
		error = p->attached(p->attached_ctx, &list.items[i]);
	free(list.items);
	return error ? error
		     : collect_records(p->skel->progs.cp_attach_stacks, sizeof(struct code_stack),
				       take_stack, p);
}

/* Before they are looked for: what comes meanwhile is found again. */
static int watch_cgroup(struct probe *p)
{
	p->came = bpf_program__attach(p->skel->progs.cp_came);
	p->came_to_be = p->came ? bpf_program__attach(p->skel->progs.cp_came_to_be) : NULL;
	return p->came_to_be ? 0 : -errno;
}

static int ask(struct probe *p, const struct probe_attachment *what)
{
	int map = bpf_map__fd(p->skel->maps.attach_pids), error = 0;
	uint32_t one = 1;

	for (size_t i = 0; i < what->n_pids && !error; i++) {
		uint32_t pid = (uint32_t)what->pids[i];

		error = bpf_map_update_elem(map, &pid, &one, BPF_ANY);
	}
	p->skel->bss->attach_cgroup = what->cgroup;
	p->skel->bss->attach_own = (uint64_t)getpid();
	p->skel->bss->attach_which = what->which;
	if (!error && what->which == ATTACH_TO_CGROUP)
		error = watch_cgroup(p);
	return error;
}

static const char *const nothing_of[] = {
	[ATTACH_TO_NONE] = "nothing to attach to",
	[ATTACH_TO_PIDS] = "nothing to attach to: it has ended meanwhile, or this kernel hides it",
	[ATTACH_TO_CGROUP] =
		"nothing to attach to: there is no process in that cgroup, nor below it",
	[ATTACH_TO_ALL] = "nothing to attach to: there is no process here but concprof's own",
};

int probe_attach(struct probe *p, const struct probe_attachment *what, attached_fn fn, void *ctx,
		 struct err *err)
{
	struct program program = { .wall = { .alive = 0 } };
	int error = mark_collector(p, err);

	if (error)
		return error;
	p->attached = fn;
	p->attached_ctx = ctx;
	nap(1); /* a switch-in of our own: the clocks, and our PID namespace, are known from here on */
	wall_start(&program.wall, sched_now(p));
	error = set_sums(p, &program, err);
	if (error)
		return error;
	error = ask(p, what);
	if (!error) /* who dies from here on is one of the program's dead */
		error = unreaped_look(p);
	if (!error)
		error = take_over(p);
	if (error)
		return err_failed(err, error, "cannot take over what runs");
	__atomic_store_n(&p->skel->bss->attaching, 0, __ATOMIC_RELEASE);
	error = read_program(p, &program);
	if (error)
		return err_failed(err, error, "cannot read the sums");
	if (program.wall.alive)
		return 0;
	return err_set(err, -ESRCH, "%s", nothing_of[what->which]);
}

int attach_who_came(struct probe *p)
{
	if (!__atomic_exchange_n(&p->skel->bss->attach_again, 0, __ATOMIC_ACQ_REL))
		return 0;
	return take_over(p);
}
