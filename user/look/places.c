// SPDX-License-Identifier: BSD-2-Clause
/* Where the code and the shared memory of each process lie, and where its threads stand. */
#include "look/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- maps ------------------------------------------------------------------------------ */

struct maps_reader {
	struct looked_process *process;
	const struct code_sink *sink; /* NULL: only what is shared */
};

static int take_map(void *ctx, const struct proc_map *m)
{
	const struct maps_reader *r = ctx;
	struct mapping mapping = {
		.what = MAPPING_FILE,
		.pid = r->process->pid,
		.start = m->start,
		.end = m->end,
		.offset = m->offset,
		.major = m->major,
		.minor = m->minor,
		.inode = m->inode,
		.path = m->path[0] ? m->path : MAPPING_ANONYMOUS,
	};

	if (m->is_shared && !r->sink) {
		*vec_add(&r->process->shared) = *m;
		r->process->shared.items[r->process->shared.n - 1].path = NULL;
	}
	if (!m->path[0])
		mapping.offset = mapping.start;
	return m->is_code && r->sink ? r->sink->mapping(r->sink->ctx, &mapping) : 0;
}

/* Who has gone meanwhile, or may not be read, has none. */
static int read_maps(struct looked_process *p, const struct code_sink *sink)
{
	struct maps_reader r = { p, sink };
	int error = proc_maps(p->pid, take_map, &r);

	return error == -ENOENT || error == -ESRCH || error == -EACCES ? 0 : error;
}

int look_maps(uint32_t pid, const struct code_sink *sink)
{
	struct looked_process p = { .pid = pid };

	return read_maps(&p, sink);
}

/* As lock_find_shared() in bpf/lock_key.bpf.c, but for the form of the device's number. */
struct lock_key shared_key(struct look_around *l, uint32_t pid, uint64_t word)
{
	struct looked_process *p = process_of(l, pid);

	if (p && !p->has_maps) {
		p->has_maps = true;
		(void)read_maps(p, NULL); /* then it counts as private */
	}
	for (size_t i = 0; p && i < p->shared.n; i++) {
		const struct proc_map *m = &p->shared.items[i];

		if (word < m->start || word >= m->end)
			continue;
		return (struct lock_key){
			(((uint64_t)m->major << 20 | m->minor) << 40 ^ m->inode) | LOCK_SHARED,
			word - m->start + m->offset,
		};
	}
	return (struct lock_key){ pid, word };
}

/* --- stacks ------------------------------------------------------------------------------ */

struct stacks_reader {
	const struct look_around *l;
	const struct code_sink *sink;
};

/* Of a thread that has gone on since the look it would not be the stack of that wait. */
static int take_stack(void *ctx, struct code_stack *s)
{
	const struct stacks_reader *r = ctx;
	const struct scene *scene = &r->l->scene;
	const uint64_t *place = map_find(&scene->by_tid, s->tid);
	const struct looked *t = place ? &scene->threads.items[*place] : NULL;

	if (!t || t->seen.switches != s->cause_ns)
		return 0;
	s->cause_ns = 0;
	s->cause = CAUSE_UNKNOWN;
	s->lock = (struct lock_key){ 0 };
	s->word = 0;
	if (t->wait.state == STAND_BLOCKED) {
		s->what = CODE_WAIT;
		s->cause = t->wait.cause;
		s->cause_count = 1;
		s->lock = t->key;
		s->word = t->wait.word;
	}
	return r->sink->stack(r->sink->ctx, s);
}

int read_places(struct look_around *l, const struct code_sink *sink)
{
	struct stacks_reader r = { l, sink };
	int error = 0;

	for (size_t i = 0; i < l->processes.n && !error; i++)
		error = read_maps(&l->processes.items[i], sink);
	return error ? error : looker_stacks(l->looker, take_stack, &r);
}
