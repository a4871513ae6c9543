// SPDX-License-Identifier: BSD-2-Clause
#include "event/event.h"

#include <string.h>

#include "../bpf/wall.h"

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_UNKNOWN] = "unknown",
	[CAUSE_LOCK_MUTEX] = "lock.mutex",
	[CAUSE_LOCK_RWLOCK] = "lock.rwlock",
	[CAUSE_LOCK_PI] = "lock.pi",
	[CAUSE_LOCK_FILE] = "lock.file",
	[CAUSE_SYNC_COND] = "sync.cond",
	[CAUSE_SYNC_SEM] = "sync.sem",
	[CAUSE_SYNC_BARRIER] = "sync.barrier",
	[CAUSE_SYNC_JOIN] = "sync.join",
	[CAUSE_SYNC_FUTEX] = "sync.futex",
	[CAUSE_IO_DISK] = "io.disk",
	[CAUSE_IO_FILE] = "io.file",
	[CAUSE_IO_PIPE] = "io.pipe",
	[CAUSE_IO_SOCKET] = "io.socket",
	[CAUSE_IO_TTY] = "io.tty",
	[CAUSE_IO_URING] = "io.uring",
	[CAUSE_IO_AIO] = "io.aio",
	[CAUSE_EVENT_EPOLL] = "event.epoll",
	[CAUSE_EVENT_POLL] = "event.poll",
	[CAUSE_EVENT_SELECT] = "event.select",
	[CAUSE_EVENT_EVENTFD] = "event.eventfd",
	[CAUSE_EVENT_SIGNALFD] = "event.signalfd",
	[CAUSE_EVENT_INOTIFY] = "event.inotify",
	[CAUSE_TIMER_SLEEP] = "timer.sleep",
	[CAUSE_TIMER_TIMERFD] = "timer.timerfd",
	[CAUSE_TIMER_ITIMER] = "timer.itimer",
	[CAUSE_CHILD_WAIT] = "child.wait",
	[CAUSE_CHILD_VFORK] = "child.vfork",
	[CAUSE_SIGNAL_WAIT] = "signal.wait",
	[CAUSE_SIGNAL_STOP] = "signal.stop",
	[CAUSE_SIGNAL_PTRACE] = "signal.ptrace",
	[CAUSE_IPC_SYSV_MSG] = "ipc.sysv_msg",
	[CAUSE_IPC_SYSV_SEM] = "ipc.sysv_sem",
	[CAUSE_IPC_POSIX_MQ] = "ipc.posix_mq",
	[CAUSE_FAULT_MAJOR] = "fault.major",
	[CAUSE_FAULT_MINOR] = "fault.minor",
	[CAUSE_KERNEL_LOCK] = "kernel.lock",
	[CAUSE_KERNEL_FREEZE] = "kernel.freeze",
	[CAUSE_KERNEL_THROTTLE] = "kernel.throttle",
	[CAUSE_KERNEL_OTHER] = "kernel.other",
};

static const char *const kind_names[ROW_KINDS] = {
	[ROW_IO] = "io",       [ROW_TIMER] = "timer",	  [ROW_LOCK] = "lock",
	[ROW_SYNC] = "sync",   [ROW_EVENT] = "event",	  [ROW_CHILD] = "child",
	[ROW_OTHER] = "other", [ROW_UNKNOWN] = "unknown",
};

static const char *const row_names[ROW_COUNT] = {
	[ROW_IO] = "io_device",	       [ROW_TIMER] = "timer",	   [ROW_LOCK] = "lock",
	[ROW_SYNC] = "sync_thread",    [ROW_EVENT] = "event_any",  [ROW_CHILD] = "child",
	[ROW_OTHER] = "other_rest",    [ROW_UNKNOWN] = "unknown",  [ROW_PEER] = "io_peer",
	[ROW_DEMAND] = "io_demand",    [ROW_FAULT] = "io_fault",   [ROW_CONVOY] = "sync_convoy",
	[ROW_SIGNAL] = "other_signal", [ROW_QUEUE] = "sync_queue", [ROW_TICK] = "event_timeout",
};

static const char *const state_names[TS_COUNT] = {
	[TS_RUNNING] = "running", [TS_WOKEN] = "woken",	    [TS_PREEMPTED] = "preempted",
	[TS_YIELDED] = "yielded", [TS_BLOCKED] = "blocked", [TS_UNKNOWN] = "unknown",
};

const char *cause_name(unsigned int cause)
{
	return cause < CAUSE_COUNT ? cause_names[cause] : NULL;
}

int cause_by_name(const char *name)
{
	for (int i = 0; i < CAUSE_COUNT; i++) {
		if (!strcmp(cause_names[i], name))
			return i;
	}
	return -1;
}

const char *kind_name(unsigned int kind)
{
	return kind < ROW_KINDS ? kind_names[kind] : NULL;
}

const char *row_name(unsigned int row)
{
	return row < ROW_COUNT ? row_names[row] : NULL;
}

int row_is_part(unsigned int row)
{
	return row < ROW_COUNT && strcmp(row_names[row], kind_names[row_kind(row)]) != 0;
}

const char *state_name(unsigned int state)
{
	return state < TS_COUNT ? state_names[state] : NULL;
}

const char *holder_how_name(unsigned int how)
{
	static const char *const names[HOLDER_COUNT] = {
		[HOLDER_WORD] = "owner-word",
		[HOLDER_WOKEN] = "woken",
		[HOLDER_WAKER] = "waker",
	};

	return how < HOLDER_COUNT ? names[how] : NULL;
}

const char *doing_kind_name(unsigned int doing)
{
	static const char *const names[DOING_COUNT] = {
		[DOING_RUNNING] = "running", [DOING_QUEUED] = "queued", [DOING_IO] = "io",
		[DOING_SLEEP] = "sleep",     [DOING_LOCK] = "lock",	[DOING_OTHER] = "other",
	};

	return doing < DOING_COUNT ? names[doing] : NULL;
}

const char *io_call_name(unsigned int call)
{
#define NAME_ROW(name) [IO_CALL_##name] = #name,
	static const char *const names[IO_CALL_COUNT] = { IO_CALLS(NAME_ROW) };

	return call < IO_CALL_COUNT ? names[call] : NULL;
}

const char *stand_state_name(unsigned int state)
{
	static const char *const names[STAND_STATE_COUNT] = {
		[STAND_RUNNING] = "running",
		[STAND_QUEUED] = "queued",
		[STAND_BLOCKED] = "blocked",
		[STAND_DEAD] = "dead",
	};

	return state < STAND_STATE_COUNT ? names[state] : NULL;
}

const char *need_how_name(unsigned int how)
{
	static const char *const names[NEED_HOW_COUNT] = {
		[NEED_HOLDER] = "holder", [NEED_READER] = "reader", [NEED_WRITER] = "writer",
		[NEED_PEER] = "peer",	  [NEED_CHILD] = "child",   [NEED_TRACER] = "tracer",
	};

	return how < NEED_HOW_COUNT ? names[how] : NULL;
}

const char *taker_how_name(unsigned int how)
{
	static const char *const names[TAKER_HOW_COUNT] = {
		[TAKER_PREEMPTED] = "preempted",
		[TAKER_WOKEN] = "woken",
	};

	return how < TAKER_HOW_COUNT ? names[how] : NULL;
}

const char *taker_is_name(unsigned int is)
{
	static const char *const names[TAKER_IS_COUNT] = {
		[TAKER_IS_OWN] = "program",
		[TAKER_IS_OTHER] = "other",
		[TAKER_IS_KERNEL] = "kernel",
	};

	return is < TAKER_IS_COUNT ? names[is] : NULL;
}

const char *ended_by_name(unsigned int ended_by)
{
	static const char *const names[] = {
		[ENDED_COMMAND] = "command",
		[ENDED_DURATION] = "duration",
		[ENDED_HANG] = "hang",
		[ENDED_SIGNAL] = "signal",
		[ENDED_LAST_PROCESS] = "last-process",
		[ENDED_KEY] = "key",
	};

	return ended_by < sizeof(names) / sizeof(names[0]) ? names[ended_by] : NULL;
}

const char *mode_name(unsigned int mode)
{
	static const char *const names[] = {
		[MODE_RUN] = "run", [MODE_WHY] = "why", [MODE_ATTACH] = "attach"
	};

	return mode < sizeof(names) / sizeof(*names) ? names[mode] : NULL;
}

#define IS_ENDED(field) (memchr(field, '\0', sizeof(field)) != NULL)

static int text_is_valid(const struct ev_text *t)
{
	size_t room = t->head.size - sizeof(*t);

	return t->length < room && !t->text[t->length];
}

static int peer_is_valid(const struct ev_peer *p)
{
	__u16 family = p->key.family;

	return IS_ENDED(p->comm) &&
	       (family == PEER_UNIX || family == PEER_INET || family == PEER_INET6);
}

static int exec_is_valid(const struct ev_exec *e)
{
	return IS_ENDED(e->comm) && IS_ENDED(e->path) && e->args_size <= sizeof(e->args);
}

static int life_is_valid(const struct ev_life *l)
{
	static const __u32 codes[LIFE_COUNT] = {
		[LIFE_BORN] = BIRTH_COUNT,
		[LIFE_REAPED] = REAP_COUNT,
	};

	return IS_ENDED(l->by_comm) && l->what && l->what < LIFE_COUNT && l->doing <= CAUSE_COUNT &&
	       (!codes[l->what] || l->code < codes[l->what]);
}

/* Three strings fill it. */
static int texts_are_valid(const char *text, size_t size, size_t room)
{
	size_t strings = 0;

	if (size > room || !size || text[size - 1])
		return 0;
	for (size_t i = 0; i < size; i++)
		strings += !text[i];
	return strings == 3;
}

static int frame_is_valid(const struct ev_frame *f)
{
	return f->id && texts_are_valid(f->text, f->size, f->head.size - sizeof(*f));
}

static int word_is_valid(const struct ev_word *w)
{
	return texts_are_valid(w->text, w->size, w->head.size - sizeof(*w));
}

static int stack_is_valid(const struct ev_stack *s)
{
	return s->id && s->n <= STACK_MAX && s->end < STACK_END_COUNT &&
	       s->n * sizeof(*s->frames) <= s->head.size - sizeof(*s);
}

static int site_is_valid(const struct ev_site *s)
{
	return s->what && s->what < SITE_WHAT_COUNT && s->cause < CAUSE_COUNT &&
	       s->row < ROW_COUNT && s->stack;
}

static int deadlock_is_valid(const struct ev_deadlock *d)
{
	return d->number && d->kind && d->kind < DEADLOCK_KIND_COUNT && d->is_member <= 1 &&
	       d->holder_is < HOLDER_IS_COUNT && d->want < WANT_COUNT &&
	       (d->want == WANT_HOLDER || d->kind == DEADLOCK_CYCLE) &&
	       (d->key.space || !stuck_is_for_lock(d->want));
}

static int stand_is_valid(const struct ev_stand *s)
{
	return s->state && s->state < STAND_STATE_COUNT && s->other_is < HOLDER_IS_COUNT &&
	       s->fd_is < STAND_FD_COUNT && s->size && s->size <= s->head.size - sizeof(*s) &&
	       !s->text[s->size - 1];
}

static int need_is_valid(const struct ev_need *n)
{
	return n->how && n->how < NEED_HOW_COUNT && IS_ENDED(n->comm);
}

static int target_is_valid(const struct ev_target *t)
{
	return t->index && t->kind && t->kind < TARGET_KIND_COUNT && t->side < SIDE_COUNT &&
	       t->size && t->size <= TARGET_TEXT && t->size <= t->head.size - sizeof(*t) &&
	       !t->text[t->size - 1];
}

static int loop_is_valid(const struct ev_loop *l)
{
	for (int i = 0; i < LOOP_BLOCKS; i++) {
		if (l->away.blocks.items[i].cause > CAUSE_COUNT)
			return 0;
	}
	return l->cause >= CAUSE_EVENT_EPOLL && l->cause <= CAUSE_EVENT_SELECT && l->n_users &&
	       l->away.longest.worst_cause < CAUSE_COUNT && l->away.open.worst_cause < CAUSE_COUNT;
}

static int wake_is_valid(const struct ev_wake *w)
{
	return (w->target || w->key.space) && w->waiter_id && IS_ENDED(w->comm);
}

static int signal_is_valid(const struct ev_signal *s)
{
	return s->to_id && s->number && s->number <= SIGNAL_MOST && IS_ENDED(s->comm);
}

static int use_is_valid(const struct ev_use *u)
{
	return u->what && u->what < USE_COUNT && u->call < IO_CALL_COUNT && u->cause < CAUSE_COUNT;
}

static int taker_is_valid(const struct ev_taker *t)
{
	return t->how && t->how < TAKER_HOW_COUNT && t->by_is && t->by_is < TAKER_IS_COUNT &&
	       IS_ENDED(t->comm);
}

/* What is in it is seen when it is read. */
static int marks_are_valid(const struct ev_marks *m)
{
	return m->n && m->size <= m->head.size - sizeof(*m) && m->form <= MARKS_FORM;
}

static const size_t sizes[EV_KIND_COUNT] = {
	[EV_RUN] = sizeof(struct ev_run),
	[EV_TEXT] = sizeof(struct ev_text),
	[EV_EXEC] = sizeof(struct ev_exec),
	[EV_THREAD] = sizeof(struct ev_thread),
	[EV_WALL] = sizeof(struct ev_wall),
	[EV_LOSS] = sizeof(struct ev_loss),
	[EV_PROBE] = sizeof(struct ev_probe),
	[EV_CALLS] = sizeof(struct ev_calls),
	[EV_END] = sizeof(struct ev_end),
	[EV_PEER] = sizeof(struct ev_peer),
	[EV_UNREAPED] = sizeof(struct ev_unreaped),
	[EV_OTHER] = sizeof(struct ev_other),
	[EV_LIFE] = sizeof(struct ev_life),
	[EV_FRAME] = sizeof(struct ev_frame),
	[EV_STACK] = sizeof(struct ev_stack),
	[EV_SITE] = sizeof(struct ev_site),
	[EV_LOCK] = sizeof(struct ev_lock),
	[EV_DEADLOCK] = sizeof(struct ev_deadlock),
	[EV_LOCK_WAITER] = sizeof(struct ev_lock_waiter),
	[EV_LOCK_HOLDER] = sizeof(struct ev_lock_holder),
	[EV_WORD] = sizeof(struct ev_word),
	[EV_LOCK_ORDER] = sizeof(struct ev_lock_order),
	[EV_STAND] = sizeof(struct ev_stand),
	[EV_NEED] = sizeof(struct ev_need),
	[EV_TARGET] = sizeof(struct ev_target),
	[EV_IO] = sizeof(struct ev_io),
	[EV_LOOP] = sizeof(struct ev_loop),
	[EV_WAKE] = sizeof(struct ev_wake),
	[EV_SIGNAL] = sizeof(struct ev_signal),
	[EV_USE] = sizeof(struct ev_use),
	[EV_TAKER] = sizeof(struct ev_taker),
	[EV_CHANGE] = sizeof(struct ev_change),
	[EV_CGROUP] = sizeof(struct ev_cgroup),
	[EV_MARKS] = sizeof(struct ev_marks),
};

void lock_calls_add(struct lock_calls *to, const struct lock_calls *from)
{
	to->waits += from->waits;
	to->again += from->again;
	to->wakes += from->wakes;
	to->woken += from->woken;
	to->wake_none += from->wake_none;
}

size_t event_fixed_size(unsigned int kind)
{
	return kind < EV_KIND_COUNT ? sizes[kind] : 0;
}

int event_is_valid(const struct event *ev, size_t room)
{
	if (room < sizeof(*ev) || ev->size > room || ev->size % 8)
		return 0;
	if (ev->kind == 0 || ev->kind >= EV_KIND_COUNT || ev->size < sizes[ev->kind])
		return 0;
	switch (ev->kind) {
	case EV_MARKS:
		return marks_are_valid((const struct ev_marks *)ev);
	case EV_TEXT:
		return text_is_valid((const struct ev_text *)ev);
	case EV_EXEC:
		return exec_is_valid((const struct ev_exec *)ev);
	case EV_THREAD:
		return IS_ENDED(((const struct ev_thread *)ev)->comm);
	case EV_CGROUP:
		return IS_ENDED(((const struct ev_cgroup *)ev)->path);
	case EV_UNREAPED:
		return IS_ENDED(((const struct ev_unreaped *)ev)->comm);
	case EV_PEER:
		return peer_is_valid((const struct ev_peer *)ev);
	case EV_OTHER:
		return IS_ENDED(((const struct ev_other *)ev)->comm);
	case EV_LIFE:
		return life_is_valid((const struct ev_life *)ev);
	case EV_FRAME:
		return frame_is_valid((const struct ev_frame *)ev);
	case EV_STACK:
		return stack_is_valid((const struct ev_stack *)ev);
	case EV_SITE:
		return site_is_valid((const struct ev_site *)ev);
	case EV_WORD:
		return word_is_valid((const struct ev_word *)ev);
	case EV_DEADLOCK:
		return deadlock_is_valid((const struct ev_deadlock *)ev);
	case EV_STAND:
		return stand_is_valid((const struct ev_stand *)ev);
	case EV_NEED:
		return need_is_valid((const struct ev_need *)ev);
	case EV_TARGET:
		return target_is_valid((const struct ev_target *)ev);
	case EV_LOOP:
		return loop_is_valid((const struct ev_loop *)ev);
	case EV_WAKE:
		return wake_is_valid((const struct ev_wake *)ev);
	case EV_SIGNAL:
		return signal_is_valid((const struct ev_signal *)ev);
	case EV_USE:
		return use_is_valid((const struct ev_use *)ev);
	case EV_TAKER:
		return taker_is_valid((const struct ev_taker *)ev);
	case EV_IO:
		return ((const struct ev_io *)ev)->cause < CAUSE_COUNT;
	case EV_LOCK_WAITER:
		return ((const struct ev_lock_waiter *)ev)->cause < CAUSE_COUNT;
	case EV_LOSS:
		return IS_ENDED(((const struct ev_loss *)ev)->name);
	case EV_PROBE:
		return IS_ENDED(((const struct ev_probe *)ev)->name) &&
		       IS_ENDED(((const struct ev_probe *)ev)->why);
	}
	return 1;
}
