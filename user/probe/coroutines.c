// SPDX-License-Identifier: BSD-2-Clause
/*
 * What can be seen of coroutines, of which the kernel knows nothing: a process's first thread that is
 * found on the stack which the kernel made for it, and on others too, which the program made; and
 * libraries.
 */
#include "probe/internal.h"

/* How far apart the kernel lays these stacks of two processes, at most: 2^22 pages, and a stack. What a
 * program maps lies below all of that. */
#define STACKS_APART ((1ull << 34) + (8ull << 20))
#define NARROW	     (1ull << 32) /* of a program of 32 bits it is not known */

static uint64_t stack_pointer(const struct code_stack *s)
{
#if defined(__aarch64__)
	return s->regs[31];
#else
	return s->regs[19];
#endif
}

static bool is_kernels(uint64_t sp)
{
	uint64_t own = (uint64_t)__builtin_frame_address(0);

	return sp > own ? sp - own <= STACKS_APART : own - sp <= STACKS_APART;
}

/* Each program that a process executes has a memory of its own; before, it may be on a stack of its
 * parent's. */
#define EXECS_SHIFT  40
#define PROCESS(key) ((key) & ((1ull << EXECS_SHIFT) - 1))

static void count(struct map *in, uint64_t id)
{
	uint64_t *n = map_add(in, id);

	*n = *n == MAP_NONE ? 1 : *n + 1;
}

void coroutines_note(struct coroutines *c, const struct mappings *m, const struct code_stack *s)
{
	uint64_t sp = stack_pointer(s), key = s->process_id;

	if (s->what != CODE_WAIT && s->what != CODE_CPU)
		return;
	if (m)
		key |= (uint64_t)mappings_execs(m, s->pid) << EXECS_SHIFT;
	*map_add(&c->pids, key) = s->pid;
	if (s->thread_id == s->process_id && sp >= NARROW)
		count(is_kernels(sp) ? &c->kernels : &c->others, key);
}

static int tell_one(struct probe *p, uint64_t key, uint32_t pid, event_fn fn, void *ctx)
{
	const struct coroutines *c = &p->coroutines;
	const uint64_t *others = map_find(&c->others, key);
	struct ev_use ev = { .head = { EV_USE, sizeof(ev) },
			     .thread_id = PROCESS(key),
			     .fd = TARGET_NO_FD,
			     .what = USE_STACKS };
	int error = 0;

	/* Who was forked by another thread has that one's stack, and no other; who has executed a
	 * program began on the kernel's. */
	if (others && (map_find(&c->kernels, key) || key != PROCESS(key))) {
		ev.count = *others;
		error = fn(ctx, &ev.head);
	}
	ev.what = USE_LIBRARIES;
	ev.flags = p->mappings ? mappings_libraries(p->mappings, pid) : 0;
	ev.count = 1;
	return error || !ev.flags ? error : fn(ctx, &ev.head);
}

int coroutines_tell(struct probe *p, event_fn fn, void *ctx)
{
	const struct map *pids = &p->coroutines.pids;
	int error = 0;

	for (size_t i = 0; i < pids->room && !error; i++) {
		if (pids->rows[i].key != MAP_NONE)
			error = tell_one(p, pids->rows[i].key, pids->rows[i].value, fn, ctx);
	}
	return error;
}

void coroutines_free(struct coroutines *c)
{
	map_free(&c->kernels);
	map_free(&c->others);
	map_free(&c->pids);
}
