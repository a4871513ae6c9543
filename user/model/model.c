// SPDX-License-Identifier: BSD-2-Clause
/* Events to a model: one function for each kind of event, then what needs all of them. */
#include "model/internal.h"

#include <errno.h>
#include <string.h>

#define ARGS_MAX                                                                                   \
	256 /* of one command that are kept: empty ones take more room here than in an event */

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

struct model_builder *model_builder_new(void)
{
	struct model_builder *b = checked(calloc(1, sizeof(*b)));
	struct model_memory *memory = checked(calloc(1, sizeof(*memory)));

	b->m = &memory->model;
	obstack_alloc_failed_handler = out_of_memory;
	obstack_init(&memory->strings);
	return b;
}

struct obstack *strings_of(struct model_builder *b)
{
	return &((struct model_memory *)b->m)->strings;
}

int longest_wait_first(const void *a, const void *b)
{
	const struct wait *v = a, *w = b;

	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return (int)v->cause - (int)w->cause;
}

static void take_waits(struct model_builder *b, struct thread *t, const struct ev_thread *ev)
{
	struct wait waits[CAUSE_COUNT];
	size_t n = 0;

	for (int c = 0; c < CAUSE_COUNT; c++) {
		const struct ledger_cause *from = &ev->ledger.cause[c];

		if (!from->count && !from->ns)
			continue;
		waits[n].cause = c;
		waits[n].ns = from->ns;
		waits[n].max_ns = from->max_ns;
		waits[n].count = from->count;
		waits[n].open = t->flags & THREAD_OPEN_WAIT && (int)t->open_cause == c;
		n++;
	}
	qsort(waits, n, sizeof(*waits), longest_wait_first);
	t->n_waits = n;
	t->waits = n ? obstack_copy(strings_of(b), waits, n * sizeof(*waits)) : NULL;
}

static int on_thread(struct model_builder *b, const struct event *head)
{
	const struct ev_thread *ev = (const struct ev_thread *)head;
	const struct ledger *l = &ev->ledger;
	struct thread *t;

	if (ev->open_cause >= CAUSE_COUNT || ev->open_row >= ROW_COUNT)
		return -EINVAL;
	if (ev->flags & THREAD_UNSENT) {
		t = &b->m->unsent;
		b->m->n_unsent = ev->count;
	} else {
		t = vec_add(&b->threads);
	}
	memset(t, 0, sizeof(*t));
	t->id = ev->id;
	t->creator_id = ev->creator_id;
	t->process_id = ev->process_id;
	t->tid = ev->tid;
	t->pid = ev->pid;
	t->flags = ev->flags;
	t->cgroup = ev->cgroup;
	memcpy(t->comm, ev->comm, sizeof(t->comm));
	t->start_ns = l->start_at; /* made relative at the end */
	t->end_ns = l->end_at;
	t->lifetime_ns = l->end_at - l->start_at;
	memcpy(t->state_ns, l->state_ns, sizeof(t->state_ns));
	t->stolen_ns = l->stolen_ns;
	t->moving_ns = l->moving_ns;
	t->uncharged_ns = l->uncharged_ns;
	t->queued_own_ns = l->queued_own_ns;
	t->queued_idle_ns = l->queued_idle_ns;
	for (int r = 0; r < ROW_COUNT; r++)
		t->row_ns[r] = l->row_ns[r];
	t->switches = l->switches;
	t->yields = l->yields;
	t->blocks = l->blocks;
	t->longest_run_ns = l->longest_run_ns;
	t->preempts = l->preempts;
	t->preempted_run_ns = l->preempted_run_ns;
	t->witness = ev->witness;
	t->policy = ev->policy;
	t->nice = ev->nice;
	t->rt_priority = ev->rt_priority;
	for (int i = 0; i < EVENT_CPU_WORDS; i++)
		t->n_cpus += __builtin_popcountll(ev->cpus[i]);
	t->status = ev->exit_code;
	t->max_rss_bytes = ev->max_rss_bytes;
	t->first_io_ns = ev->first_io_at; /* made relative at the end */
	t->open_cause = ev->open_cause;
	t->open_row = ev->open_row;
	if (ev->flags & THREAD_OPEN_WAIT && l->end_at > ev->open_since)
		t->open_for_ns = l->end_at - ev->open_since;
	take_waits(b, t, ev);
	affinity_add(b, ev);
	return 0;
}

/* "a\0b\0" to { "a", "b" }, in the model's memory; a cut last one counts. */
static void take_args(struct model_builder *b, struct exec *e, const struct ev_exec *ev)
{
	struct obstack *o = strings_of(b);
	char *text = obstack_copy0(o, ev->args, ev->args_size);
	const char *end = text + ev->args_size, *s = text;
	const char *args[ARGS_MAX + 1];

	e->n_args = 0;
	for (; s < end && e->n_args < ARGS_MAX; s += strlen(s) + 1)
		args[e->n_args++] = s;
	args[e->n_args] = NULL;
	e->args = obstack_copy(o, args, (e->n_args + 1) * sizeof(*args));
	e->args_truncated = ev->args_truncated || s < end;
}

static int on_exec(struct model_builder *b, const struct event *head)
{
	const struct ev_exec *ev = (const struct ev_exec *)head;
	struct exec *e = vec_add(&b->execs);

	e->at_ns = ev->at; /* made relative at the end */
	e->process_id = ev->process_id;
	e->uid = ev->uid;
	e->path = obstack_copy0(strings_of(b), ev->path, strlen(ev->path));
	take_args(b, e, ev);
	return 0;
}

static int on_text(struct model_builder *b, const struct event *head)
{
	const struct ev_text *ev = (const struct ev_text *)head;
	const char *text = obstack_copy0(strings_of(b), ev->text, ev->length);

	if (ev->what == TEXT_ARGUMENT)
		*vec_add(&b->command) = text;
	else if (ev->what == TEXT_NOTE)
		*vec_add(&b->notes) = text;
	else if (ev->what && ev->what < TEXT_NOTE)
		b->m->texts[ev->what] = text;
	return 0;
}

/* What struct wall_sums promises. */
static bool adds_up(const struct wall_sums *s)
{
	uint64_t sum = s->runnable_ns + s->still_ns;

	for (int n = 1; n < WALL_COUNTS; n++)
		sum += s->by_count[n];
	for (int r = 0; r < ROW_COUNT; r++)
		sum += s->row_ns[r] + s->pending_ns[r];
	return s->at >= s->start_at && sum == s->at - s->start_at;
}

static int on_wall(struct model_builder *b, const struct event *head)
{
	const struct ev_wall *ev = (const struct ev_wall *)head;

	if ((b->has_wall && ev->sums.at < b->m->wall.at) || !adds_up(&ev->sums))
		return -EINVAL;
	b->m->wall = ev->sums;
	b->has_wall = true;
	strip_add(&b->strip, &ev->sums);
	return 0;
}

static int on_loss(struct model_builder *b, const struct event *head)
{
	const struct ev_loss *ev = (const struct ev_loss *)head;
	struct loss *l;

	l = vec_add(&b->losses);
	l->what = ev->what;
	l->count = ev->count;
	l->ns = ev->ns;
	memcpy(l->name, ev->name, sizeof(l->name));
	return 0;
}

static int on_probe(struct model_builder *b, const struct event *head)
{
	*vec_add(&b->probes) = *(const struct ev_probe *)head;
	return 0;
}

static int on_life(struct model_builder *b, const struct event *head)
{
	*vec_add(&b->lives) = *(const struct ev_life *)head;
	return 0;
}

static int on_run(struct model_builder *b, const struct event *head)
{
	b->m->run = *(const struct ev_run *)head;
	return 0;
}

static int on_calls(struct model_builder *b, const struct event *head)
{
	b->m->calls = *(const struct ev_calls *)head;
	return 0;
}

static int on_end(struct model_builder *b, const struct event *head)
{
	b->m->end = *(const struct ev_end *)head;
	b->m->complete = true;
	return 0;
}

int model_builder_event(void *ctx, const struct event *ev)
{
	static int (*const on[EV_KIND_COUNT])(struct model_builder *, const struct event *) = {
		[EV_RUN] = on_run,
		[EV_TEXT] = on_text,
		[EV_EXEC] = on_exec,
		[EV_THREAD] = on_thread,
		[EV_WALL] = on_wall,
		[EV_LOSS] = on_loss,
		[EV_PROBE] = on_probe,
		[EV_CALLS] = on_calls,
		[EV_END] = on_end,
		[EV_PEER] = on_peer,
		[EV_OTHER] = on_other,
		[EV_LIFE] = on_life,
		[EV_FRAME] = on_frame,
		[EV_STACK] = on_stack,
		[EV_SITE] = on_site,
		[EV_LOCK] = on_lock,
		[EV_LOCK_WAITER] = on_lock_waiter,
		[EV_LOCK_HOLDER] = on_lock_holder,
		[EV_WORD] = on_word,
		[EV_LOCK_ORDER] = on_lock_order,
		[EV_DEADLOCK] = on_deadlock,
		[EV_STAND] = on_stand,
		[EV_NEED] = on_need,
		[EV_TARGET] = on_target,
		[EV_IO] = on_io,
		[EV_LOOP] = on_loop,
		[EV_WAKE] = on_wake,
		[EV_SIGNAL] = on_signal,
		[EV_USE] = on_use,
		[EV_CGROUP] = on_cgroup,
		[EV_TAKER] = on_taker,
		[EV_CHANGE] = on_change,
		[EV_MARKS] = on_marks,
		[EV_UNREAPED] = on_unreaped,
	};

	if (!ev->kind || ev->kind >= EV_KIND_COUNT)
		return -EINVAL;
	return on[ev->kind](ctx, ev);
}

static int by_id(const void *a, const void *b)
{
	const struct thread *t = a, *u = b;

	return t->id < u->id ? -1 : t->id > u->id;
}

static int by_start(const void *a, const void *b)
{
	const struct thread *t = a, *u = b;

	if (t->start_ns != u->start_ns)
		return t->start_ns < u->start_ns ? -1 : 1;
	return by_id(a, b);
}

static void make_relative(struct model_builder *b)
{
	uint64_t origin = b->has_wall ? b->m->wall.start_at : UINT64_MAX;

	for (size_t i = 0; i < b->threads.n && !b->has_wall; i++) {
		if (b->threads.items[i].start_ns < origin)
			origin = b->threads.items[i].start_ns;
	}
	b->origin = origin == UINT64_MAX ? 0 : origin;
	b->m->origin = b->origin;
	for (size_t i = 0; i < b->threads.n; i++) {
		struct thread *t = &b->threads.items[i];

		/* Clocks of two CPUs may differ by a little. */
		t->start_ns = t->start_ns > origin ? t->start_ns - origin : 0;
		t->end_ns = t->end_ns > origin ? t->end_ns - origin : 0;
		t->first_io_ns = t->first_io_ns > origin ? t->first_io_ns - origin : 0;
	}
	for (size_t i = 0; i < b->execs.n; i++) {
		struct exec *e = &b->execs.items[i];

		e->at_ns = e->at_ns > b->origin ? e->at_ns - b->origin : 0;
	}
}

/* The row of a standstill that is open at the end, among the waits that are open and have
 * lasted so long. Only something from outside can end it, unless nothing from outside is
 * waited for: then it is a lock's. */
static unsigned int open_row(const struct model *m, uint64_t least_ns)
{
	static const unsigned char order[ROW_COUNT] = {
		ROW_DEMAND, ROW_EVENT, ROW_TICK,   ROW_QUEUE,  ROW_PEER,
		ROW_IO,	    ROW_FAULT, ROW_TIMER,  ROW_SIGNAL, ROW_OTHER,
		ROW_LOCK,   ROW_SYNC,  ROW_CONVOY, ROW_CHILD,  ROW_UNKNOWN,
	};
	bool open[ROW_COUNT] = { false };

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->flags & THREAD_OPEN_WAIT && t->open_for_ns >= least_ns)
			open[t->open_row] = true;
	}
	for (int i = 0; i < ROW_COUNT; i++) {
		if (open[order[i]])
			return order[i];
	}
	return ROW_UNKNOWN;
}

/* Who looks now and then, and does nothing, ends no standstill: as long as somebody has
 * waited for something to do meanwhile, it was that. */
static void settle_pending(const struct model *m, uint64_t rows[ROW_COUNT])
{
	uint64_t all = 0;
	unsigned int row;

	for (int r = 0; r < ROW_COUNT; r++)
		all += rows[r];
	row = open_row(m, all - all / 10);
	if (!all || (row != ROW_DEMAND && row != ROW_EVENT && row != ROW_QUEUE))
		return;
	memset(rows, 0, ROW_COUNT * sizeof(*rows));
	rows[row] = all;
}

/* What no wait has ended for good keeps the row of the wait that ended it at all, or goes
 * to one that is open at the end. */
static void settle_wall(struct model_builder *b)
{
	struct wall_sums *w = &b->m->wall;
	uint64_t rows[ROW_COUNT];

	b->m->standstill_ns = wall_standstill(w);
	memcpy(rows, w->pending_ns, sizeof(rows));
	settle_pending(b->m, rows);
	if (w->still_ns)
		rows[open_row(b->m, 0)] += w->still_ns;
	for (int r = 0; r < ROW_COUNT; r++) {
		w->row_ns[r] += rows[r];
		w->pending_ns[r] = 0;
	}
	w->still_ns = 0;
	strip_finish(&b->strip, rows);
	b->m->wall_ns = w->at - w->start_at;
	b->m->n_strip = b->strip.n;
	for (size_t i = 0; i < b->strip.n; i++)
		b->m->strip[i] = b->strip.slots[i].slot;
}

struct model *model_builder_finish(struct model_builder *b)
{
	struct model *m = b->m;

	make_relative(b);
	if (b->threads.n)
		qsort(b->threads.items, b->threads.n, sizeof(*b->threads.items), by_id);
	m->threads = b->threads.items;
	m->n_threads = b->threads.n;
	processes_build(b);
	if (m->n_threads)
		qsort(m->threads, m->n_threads, sizeof(*m->threads), by_start);
	settle_wall(b);
	m->cpus = affinity_cpus(b);
	others_build(b);
	cgroups_build(b);
	marks_build(b);
	m->command = b->command.items;
	m->n_command = b->command.n;
	m->notes = b->notes.items;
	m->n_notes = b->notes.n;
	m->execs = b->execs.items;
	code_build(b);
	wakes_build(b);
	locks_build(b);
	deadlocks_build(b);
	stuck_stacks_settle(b);
	stands_build(b);
	loops_build(b);
	ios_build(b);
	peers_build(b);
	unreaped_build(b);
	schedules_build(b);
	m->losses = b->losses.items;
	m->n_losses = b->losses.n;
	m->probes = b->probes.items;
	m->n_probes = b->probes.n;
	free(b->lives.items);
	map_free(&b->stuck_stacks);
	free(b);
	return m;
}

void model_builder_free(struct model_builder *b)
{
	if (b)
		model_free(model_builder_finish(b));
}

void model_free(struct model *m)
{
	if (!m)
		return;
	free(m->threads);
	free(m->processes);
	free((void *)m->marks);
	free((void *)m->command);
	free((void *)m->notes);
	free(m->peers);
	free(m->unreaped);
	free(m->others);
	free(m->execs);
	free(m->frames);
	free(m->stacks);
	free(m->sites);
	free(m->locks);
	free(m->lock_waiters);
	free(m->lock_holders);
	free(m->lock_orders);
	free(m->deadlocks);
	free(m->stuck);
	free(m->stands);
	free(m->stand_needs);
	free(m->ios);
	map_free(&m->ios_by_target);
	free(m->loops);
	free(m->wakes);
	free(m->signals);
	free(m->uses);
	free(m->cgroups);
	free(m->takers);
	free(m->changes);
	free(m->losses);
	free(m->probes);
	obstack_free(&((struct model_memory *)m)->strings, NULL);
	free(m);
}
