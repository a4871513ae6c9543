// SPDX-License-Identifier: BSD-2-Clause
/* What a look has found, as events. */
#include "look/internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t since(uint64_t now, uint64_t then)
{
	return then && now > then ? now - then : 0;
}

/* False: there is none. Of the moment of the look, as all the rest. */
static bool left_of(const struct look_around *l, const struct seen *s, __u64 *ret)
{
	struct timespec now;
	int64_t left;

	if (!(s->flags & SEEN_TIMER) || clock_gettime(s->timer_clock, &now))
		return false;
	left = (int64_t)s->timer_at - (now.tv_sec * 1000000000ll + now.tv_nsec);
	if (l->now)
		left += (int64_t)(clock_ns() - l->now) - l->lag;
	*ret = left > 0 ? (__u64)left : 0;
	return true;
}

/* It was last on a CPU up to then. */
static uint64_t ran_until(const struct looked *t)
{
	return t->seen.ran > t->seen.arrived ? t->seen.ran : t->seen.arrived;
}

/* --- events ---------------------------------------------------------------------------------- */

static int tell_process(const struct look_around *l, const struct looked_process *p, event_fn fn,
			void *ctx)
{
	const uint64_t *first = map_find(&l->scene.first_of, p->pid);
	const struct seen *s = first ? &l->scene.threads.items[*first].seen : NULL;
	struct ev_exec ev = p->exec;

	if (!s)
		return 0;
	ev.head = (struct event){ EV_EXEC, sizeof(ev) };
	ev.thread_id = ev.process_id = ev.pid = p->pid;
	ev.uid = s->uid;
	memcpy(ev.comm, s->comm, sizeof(ev.comm));
	return fn(ctx, &ev.head);
}

static int tell_thread(const struct look_around *l, const struct looked *t, event_fn fn, void *ctx)
{
	struct ev_thread ev = {
		.head = { EV_THREAD, sizeof(ev) },
		.id = t->seen.tid,
		.process_id = t->seen.pid,
		.tid = t->seen.tid,
		.pid = t->seen.pid,
		.flags = t->seen.tid == t->seen.pid ? THREAD_LEADER : 0,
		.count = 1,
	};
	uint64_t ran = ran_until(t);

	ev.ledger.end_at = l->now;
	ev.ledger.start_at = t->seen.started > (uint64_t)l->lag ? t->seen.started - l->lag : 0;
	if (ev.ledger.start_at > l->now)
		ev.ledger.start_at = l->now;
	if (t->seen.flags & SEEN_KERNEL)
		ev.flags |= THREAD_KERNEL;
	if (t->wait.state == STAND_BLOCKED) {
		ev.flags |= THREAD_OPEN_WAIT;
		ev.open_cause = t->wait.cause;
		ev.open_row = t->wait.row;
		ev.open_since = ran;
		ev.ledger.cause[t->wait.cause].count = 1;
		ev.ledger.cause[t->wait.cause].ns = since(l->now, ran);
		ev.ledger.cause[t->wait.cause].max_ns = since(l->now, ran);
	}
	memcpy(ev.comm, t->seen.comm, sizeof(ev.comm));
	return fn(ctx, &ev.head);
}

static enum stand_fd fd_kind(const struct seen_fd *fd)
{
	if (!fd)
		return STAND_FD_OTHER;
	if (fd->cause == CAUSE_IO_PIPE)
		return STAND_FD_PIPE;
	if (fd->cause == CAUSE_IO_SOCKET)
		return fd->listens ? STAND_FD_LISTENER : STAND_FD_SOCKET;
	return STAND_FD_OTHER;
}

static int tell_stand(const struct look_around *l, const struct looked *t, event_fn fn, void *ctx)
{
	_Alignas(8) char room[sizeof(struct ev_stand) + LOOKED_TEXT] = { 0 };
	struct ev_stand *ev = (struct ev_stand *)room;
	const struct looked_process *p = process_of(l, t->seen.pid);
	bool is_off = t->wait.state == STAND_BLOCKED || t->wait.state == STAND_QUEUED;

	snprintf(ev->text, LOOKED_TEXT, "%s", t->text ? t->text : "");
	ev->size = strlen(ev->text) + 1;
	ev->head = (struct event){ EV_STAND, (sizeof(*ev) + ev->size + 7) / 8 * 8 };
	ev->thread_id = t->seen.tid;
	ev->state = t->wait.state;
	ev->is_asked = p && p->is_asked;
	ev->for_ns = is_off ? since(l->now, ran_until(t)) : 0;
	ev->is_timed = t->wait.state == STAND_BLOCKED && left_of(l, &t->seen, &ev->left_ns);
	ev->other_is = t->holder_is;
	ev->other_nr = t->wait.holder_nr;
	ev->readers = t->readers;
	if (t->holder != LOOKED_NONE)
		ev->other_id = l->scene.threads.items[t->holder].seen.tid;
	ev->fd = t->wait.fd ? t->wait.fd->fd : -1;
	ev->n_fds = t->n_fds;
	ev->fd_is = fd_kind(t->wait.fd);
	return fn(ctx, &ev->head);
}

static int tell_needs(const struct look_around *l, const struct looked *t, event_fn fn, void *ctx)
{
	const struct scene *s = &l->scene;
	int error = 0;

	for (size_t i = 0; i < t->n_needs && !error; i++) {
		const struct looked_need *n = &s->needs.items[t->first_need + i];
		const uint64_t *first = map_find(&s->first_of, n->pid);
		struct ev_need ev = { .head = { EV_NEED, sizeof(ev) },
				      .thread_id = t->seen.tid,
				      .process_id = first ? n->pid : 0,
				      .pid = n->pid,
				      .how = n->how };

		memcpy(ev.comm, first ? s->threads.items[*first].seen.comm : n->comm,
		       sizeof(ev.comm));
		error = fn(ctx, &ev.head);
	}
	return error;
}

static int tell_waiter(const struct look_around *l, const struct looked *t, event_fn fn, void *ctx)
{
	struct ev_lock lock = {
		.head = { EV_LOCK, sizeof(lock) }, .key = t->key, .hints = t->wait.hints, .waits = 1
	};
	struct ev_lock_waiter waiter = { .head = { EV_LOCK_WAITER, sizeof(waiter) },
					 .key = t->key,
					 .thread_id = t->seen.tid,
					 .waits = 1,
					 .ns = since(l->now, ran_until(t)),
					 .max_ns = since(l->now, ran_until(t)),
					 .cause = t->wait.cause,
					 .is_open = 1 };
	int error;

	if (!t->key.space)
		return 0;
	if (t->holder != LOOKED_NONE) {
		lock.owner_id = l->scene.threads.items[t->holder].seen.tid;
		lock.owner_how = HOLDER_WORD;
	}
	error = fn(ctx, &lock.head);
	return error ? error : fn(ctx, &waiter.head);
}

struct deadlock_teller {
	const struct look_around *l;
	event_fn fn;
	void *ctx;
};

/* Two looks are compared by when a thread came to its CPU, which does not change; it left later. */
static int tell_deadlock(void *ctx, const struct event *head)
{
	const struct deadlock_teller *d = ctx;
	struct ev_deadlock ev;
	const uint64_t *place;

	if (head->kind != EV_DEADLOCK)
		return d->fn(d->ctx, head);
	ev = *(const struct ev_deadlock *)head;
	place = map_find(&d->l->scene.by_tid, ev.thread_id);
	if (place)
		ev.since = ran_until(&d->l->scene.threads.items[*place]);
	return d->fn(d->ctx, &ev.head);
}

int look_tell(const struct look_around *l, event_fn fn, void *ctx)
{
	const struct scene *s = &l->scene;
	struct deadlock_teller teller = { l, fn, ctx };
	int error = 0;

	for (size_t i = 0; i < l->processes.n && !error; i++)
		error = tell_process(l, &l->processes.items[i], fn, ctx);
	for (size_t i = 0; i < s->threads.n && !error; i++) {
		const struct looked *t = &s->threads.items[i];

		error = tell_thread(l, t, fn, ctx);
		if (!error)
			error = tell_stand(l, t, fn, ctx);
		if (!error)
			error = tell_needs(l, t, fn, ctx);
		if (!error)
			error = tell_waiter(l, t, fn, ctx);
	}
	return error ? error : watch_tell(l->watch, tell_deadlock, &teller);
}
