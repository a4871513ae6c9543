// SPDX-License-Identifier: BSD-2-Clause
/* Who could end each wait: the other ends of pipes and sockets, children, debuggers, holders. */
#include "look/internal.h"

#include <stdlib.h>
#include <string.h>

#include "../bpf/lock.h"
#include "base/procfs.h"

/* --- the other ends --------------------------------------------------------------------- */

static bool is_pipe(const struct seen_fd *fd)
{
	return fd->object && fd->object == fd->other;
}

static int add_end(void *ctx, const struct seen_end *e)
{
	struct scene *s = ctx;

	*vec_add(&s->ends) = *e;
	return 0;
}

static int by_object(const void *a, const void *b)
{
	const struct seen_end *e = a, *f = b;

	if (e->object != f->object)
		return e->object < f->object ? -1 : 1;
	return e->pid < f->pid ? -1 : e->pid > f->pid;
}

/* The place of the first of this object, or of what comes behind it. */
static size_t first_end(const struct scene *s, uint64_t object)
{
	size_t from = 0, to = s->ends.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (s->ends.items[mid].object < object)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Each once: many threads may wait at one. */
static int find_ends(struct look_around *l)
{
	struct scene *s = &l->scene;
	VEC(uint64_t) objects = { 0 };
	struct map known = { 0 };
	int error = 0;

	for (size_t i = 0; i < s->threads.n; i++) {
		const struct seen_fd *fd = s->threads.items[i].wait.fd;
		uint64_t *at;

		if (!fd || !fd->other)
			continue;
		at = map_add(&known, fd->other);
		if (*at != MAP_NONE)
			continue;
		*at = 1;
		*vec_add(&objects) = fd->other;
	}
	if (objects.n)
		error = looker_ends(l->looker, objects.items, objects.n, add_end, s);
	if (s->ends.n)
		qsort(s->ends.items, s->ends.n, sizeof(*s->ends.items), by_object);
	free(objects.items);
	map_free(&known);
	return error;
}

/* --- needs --------------------------------------------------------------------------------- */

static void add_need(struct scene *s, size_t thread, uint32_t pid, enum need_how how,
		     const char *comm)
{
	struct looked *t = &s->threads.items[thread];
	struct looked_need *n;

	for (size_t i = 0; i < t->n_needs; i++) {
		if (s->needs.items[t->first_need + i].pid == pid)
			return;
	}
	t->n_needs++;
	n = vec_add(&s->needs);
	*n = (struct looked_need){ .thread = thread, .pid = pid, .how = how };
	memcpy(n->comm, comm, sizeof(n->comm) - 1);
}

static bool is_other_end(const struct seen_fd *fd, const struct seen_end *e)
{
	return !is_pipe(fd) || e->mode & (fd->mode == END_WRITES ? END_READS : END_WRITES);
}

static void need_other_end(struct scene *s, size_t thread)
{
	const struct seen_fd *fd = s->threads.items[thread].wait.fd;
	enum need_how how = NEED_PEER;

	if (is_pipe(fd))
		how = fd->mode == END_WRITES ? NEED_READER : NEED_WRITER;
	for (size_t i = first_end(s, fd->other);
	     i < s->ends.n && s->ends.items[i].object == fd->other; i++) {
		if (is_other_end(fd, &s->ends.items[i]))
			add_need(s, thread, s->ends.items[i].pid, how, s->ends.items[i].comm);
	}
}

struct child_search {
	struct scene *scene;
	size_t thread;
};

static void need_child(void *ctx, uint32_t pid)
{
	struct child_search *c = ctx;

	add_need(c->scene, c->thread, pid, NEED_CHILD, (char[EVENT_COMM_SIZE]){ "" });
}

/* Of one in another PID namespace its numbers are not ours. */
static void need_children(struct scene *s, size_t thread)
{
	struct looked *t = &s->threads.items[thread];
	struct child_search c = { s, thread };

	t->holder_is = HOLDER_IS_UNKNOWN;
	if (t->seen.own_tid != t->seen.tid)
		return;
	t->holder_is = HOLDER_IS_THREAD;
	if (t->wait.object)
		need_child(&c, (uint32_t)t->wait.object);
	else if (!procfs_children(t->seen.pid, need_child, &c))
		t->holder_is = HOLDER_IS_UNKNOWN;
}

static void need_holder(struct scene *s, size_t thread)
{
	const struct looked *t = &s->threads.items[thread];
	const struct looked *holder = &s->threads.items[t->holder];

	if (holder->seen.pid != t->seen.pid)
		add_need(s, thread, holder->seen.pid, NEED_HOLDER, holder->seen.comm);
}

static void note_file_lock(void *ctx, const struct proc_lock *lock)
{
	struct scene *s = ctx;

	*vec_add(&s->file_locks) = *lock;
}

/* inode 0: of any file. */
static void need_lock_of(struct scene *s, size_t thread, uint64_t inode)
{
	uint32_t pid = s->threads.items[thread].seen.pid;

	for (size_t i = 0; i < s->file_locks.n; i++) {
		const struct proc_lock *l = &s->file_locks.items[i];

		if (l->waiter == pid && (!inode || l->inode == inode))
			add_need(s, thread, l->holder, NEED_HOLDER, (char[EVENT_COMM_SIZE]){ "" });
	}
}

/* Other threads of the process may wait for locks of other files. A file system made of others has
 * numbers of its own there: then which of them it is cannot be told. */
static void need_file_lock(struct scene *s, size_t thread)
{
	const struct looked *t = &s->threads.items[thread];
	uint64_t inode = t->wait.fd ? proc_inode(t->seen.pid, t->wait.fd->fd) : 0;

	if (!s->has_file_locks)
		proc_locks(note_file_lock, s);
	s->has_file_locks = true;
	need_lock_of(s, thread, inode);
	if (inode && !t->n_needs)
		need_lock_of(s, thread, 0);
}

static void find_need(struct scene *s, size_t thread)
{
	struct looked *t = &s->threads.items[thread];

	t->first_need = s->needs.n;
	if (t->wait.state != STAND_BLOCKED)
		return;
	if (t->wait.cause == CAUSE_LOCK_FILE)
		need_file_lock(s, thread);
	else if (t->wait.fd && t->wait.fd->other)
		need_other_end(s, thread);
	else if (t->wait.want == WANT_CHILD)
		need_children(s, thread);
	else if (t->wait.cause == CAUSE_SIGNAL_PTRACE && t->seen.tracer)
		add_need(s, thread, t->seen.tracer, NEED_TRACER, (char[EVENT_COMM_SIZE]){ "" });
	else if (t->holder != LOOKED_NONE)
		need_holder(s, thread);
}

int scene_find_needs(struct look_around *l)
{
	int error = find_ends(l);

	for (size_t i = 0; i < l->scene.threads.n && !error; i++)
		find_need(&l->scene, i);
	return error;
}

/* --- what may be a deadlock ------------------------------------------------------------- */

struct waits {
	VEC(struct stuck) stuck;
	VEC(struct need) needs;
};

/* All files that are open at a pipe's other end must be some process's descriptors: else one is on
 * its way in a message, or the kernel's. */
static bool are_all_known(const struct scene *s, const struct seen_fd *fd)
{
	struct map files = { 0 };
	uint32_t all = 0;
	size_t n;

	for (size_t i = first_end(s, fd->other);
	     i < s->ends.n && s->ends.items[i].object == fd->other; i++) {
		const struct seen_end *e = &s->ends.items[i];

		if (!is_other_end(fd, e))
			continue;
		all = fd->mode == END_WRITES ? e->readers : e->writers;
		*map_add(&files, e->file) = 1;
	}
	n = files.n;
	map_free(&files);
	return n && n == all;
}

static bool is_for_pipe(const struct looked *t)
{
	return t->wait.want == WANT_READER || t->wait.want == WANT_WRITER;
}

/* Does it wait, with no time-out, for what others have to do? */
static bool may_be_stuck(const struct looked *t)
{
	if (t->wait.state != STAND_BLOCKED)
		return false;
	if (t->wait.hints)
		return may_be_endless(t->wait.hints) && t->wait.holder_nr;
	return !t->wait.is_timed && (is_for_pipe(t) || t->wait.want == WANT_CHILD);
}

/* Who had a lock and is no thread of its process any more may have been anything before: nobody
 * watched. So that is not known here, nor whether others share a lock with a PID namespace that is
 * not concprof's own. */
static enum holder_is holder_for_proof(const struct look_around *l, const struct looked *t)
{
	if (is_for_pipe(t))
		return are_all_known(&l->scene, t->wait.fd) ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
	if (t->key.space & LOCK_SHARED && t->seen.pid_ns != l->pid_ns)
		return HOLDER_IS_UNKNOWN;
	return t->holder_is == HOLDER_IS_THREAD ? HOLDER_IS_THREAD : HOLDER_IS_UNKNOWN;
}

static void add_stuck(struct waits *w, const struct look_around *l, const struct looked *t)
{
	const struct scene *s = &l->scene;
	struct stuck *to = vec_add(&w->stuck);

	*to = (struct stuck){
		.thread_id = t->seen.tid,
		.process_id = t->seen.pid,
		.since = t->seen.arrived,
		.blocks = t->seen.switches,
		.key = t->key,
		.hints = t->wait.hints,
		.holder_is = holder_for_proof(l, t),
		.holder_nr = t->wait.holder_nr,
		.tid = t->seen.tid,
		.pid = t->seen.pid,
		.pid_ns = t->seen.pid_ns,
		.want = t->wait.want,
		.threads = t->seen.threads,
		.object = t->wait.object,
	};
	if (to->holder_is == HOLDER_IS_THREAD && t->holder != LOOKED_NONE)
		to->holder_id = s->threads.items[t->holder].seen.tid;
	memcpy(to->comm, t->seen.comm, sizeof(to->comm));
}

/* Of processes that were not looked at nothing is known, and one to which a signal will come may do
 * anything then. */
static bool can_only_wait(const struct scene *s, uint32_t pid)
{
	const uint64_t *first = map_find(&s->first_of, pid);

	return first && !(s->threads.items[*first].seen.flags & SEEN_ALARM);
}

static void add_stuck_needs(struct waits *w, const struct scene *s, const struct looked *t)
{
	for (size_t i = 0; i < t->n_needs; i++) {
		uint32_t pid = s->needs.items[t->first_need + i].pid;

		*vec_add(&w->needs) =
			(struct need){ w->stuck.n - 1, can_only_wait(s, pid) ? pid : 0 };
	}
}

void scene_waits(const struct look_around *l, struct look *ret)
{
	const struct scene *s = &l->scene;
	struct waits w = { 0 };

	for (size_t i = 0; i < s->threads.n; i++) {
		const struct looked *t = &s->threads.items[i];

		if (!may_be_stuck(t))
			continue;
		add_stuck(&w, l, t);
		if (t->wait.want != WANT_HOLDER)
			add_stuck_needs(&w, s, t);
	}
	*ret = (struct look){ w.stuck.items, w.stuck.n, w.needs.items, w.needs.n, l->now };
}

void waits_free(struct look *look)
{
	free((void *)look->waits);
	free((void *)look->needs);
	*look = (struct look){ 0 };
}
