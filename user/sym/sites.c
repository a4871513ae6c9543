// SPDX-License-Identifier: BSD-2-Clause
#include "sym/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/vec.h"
#include "sym/internal.h"
#include "sym/kernel.h"
#include "sym/space.h"

#define SITES_MAX  32768 /* rows, and one for each thread and cause that has some */
#define STACKS_MAX 65536 /* different ones; what is beyond is one that is not known */

/* A wait that was looked at and has not ended. */
struct pending {
	uint32_t stack; /* 0: it has none */
	uint32_t cause, weight;
	uint32_t cause_count; /* waits for that cause, this one included */
	uint64_t process_id, cause_ns;
	struct lock_key lock;
};

/* Stacks that wait for a rule: 2 MiB. What is beyond is lost. */
#define HELD_MAX 256

/* A stack that has its number, and that cannot be unwound yet. */
struct held {
	uint32_t stack;
	struct memory *memory; /* of its process, then; held */
	struct code_stack *raw;
};

struct sites {
	struct sym *sym;
	struct spaces *spaces;
	struct code *code;
	struct words *words;
	int kernel; /* of kernel_open() */
	struct owners owners;
	struct map pending_by_thread; /* a place in pending */
	VEC(struct pending) pending;
	VEC(uint32_t) free_pending;
	struct intern stack_keys; /* numbered as the stacks: see add_stack() */
	VEC(struct stack) stacks;
	struct intern site_keys; /* numbered as the sites: struct site_key */
	struct map threads;	 /* those that have sites */
	VEC(struct ev_site) sites;
	VEC(struct held) held; /* in the order of their coming */
	uint64_t lost;	       /* stacks that found no place there */
	uint32_t warm;	       /* files, see sites_warm() */
};

struct sites *sites_new(struct sym *sym, const char *symbols)
{
	struct sites *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sym = sym;
	s->kernel = kernel_open(symbols);
	s->spaces = spaces_new();
	s->code = s->spaces ? code_new(sym, s->spaces) : NULL;
	s->words = words_new();
	if (s->code && s->words)
		return s;
	sites_free(s);
	return NULL;
}

static void release_held(struct held *h)
{
	memory_release(h->memory);
	free(h->raw);
}

void sites_free(struct sites *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->held.n; i++)
		release_held(&s->held.items[i]);
	free(s->held.items);
	code_free(s->code);
	words_free(s->words);
	if (s->kernel >= 0)
		close(s->kernel);
	spaces_free(s->spaces);
	owners_free(&s->owners);
	free(s->stacks.items);
	free(s->pending.items);
	free(s->free_pending.items);
	free(s->sites.items);
	map_free(&s->pending_by_thread);
	intern_free(&s->stack_keys);
	intern_free(&s->site_keys);
	map_free(&s->threads);
	free(s);
}

void sites_follow(struct sites *s, uint32_t pid)
{
	spaces_follow(s->spaces, pid);
}

/* By its key: what is known of the whole, then its places. Its number, from 1 on. */
static uint32_t add_stack(struct sites *s, const uint64_t *key, size_t n)
{
	size_t number = intern(&s->stack_keys, key, (n + 1) * sizeof(*key));

	if (number == s->stacks.n)
		*vec_add(&s->stacks) = (struct stack){
			.frames = (const uint64_t *)s->stack_keys.list.items[number].bytes + 1,
			.n = n,
			.end = key[0] >> 3,
			.is_wait = key[0] >> 2 & 1,
			.flags = key[0] & 3,
		};
	return number + 1;
}

/* For what can be counted, and not told apart any more. */
static uint32_t unknown_stack(struct sites *s)
{
	static const uint64_t key[] = { STACK_FULL << 3, PLACE_UNKNOWN };

	return add_stack(s, key, 1);
}

static uint32_t stack_of(struct sites *s, const struct stack *stack)
{
	uint64_t key[PLACES_MAX + 1] = { (uint64_t)stack->end << 3 | stack->is_wait << 2 |
					 stack->flags };

	memcpy(key + 1, stack->frames, stack->n * sizeof(*key));
	if (s->stacks.n >= STACKS_MAX &&
	    intern_find(&s->stack_keys, key, (stack->n + 1) * sizeof(*key)) == INTERN_NONE)
		return unknown_stack(s);
	return add_stack(s, key, stack->n);
}

/* What a stack is that is not known yet; none is like another. */
static uint32_t future_stack(struct sites *s)
{
	const uint64_t key[] = { UINT64_MAX, s->stacks.n };
	uint32_t id = add_stack(s, key, 1);

	s->stacks.items[id - 1] = (struct stack){ .end = STACK_NO_RULE };
	return id;
}

/* Unwinds those that wait, up to the first whose rule still is not there: the server does one thing
 * after another, so that it is not for the others either. */
static void unwind_held(struct sites *s)
{
	size_t done = 0;

	for (; done < s->held.n; done++) {
		struct held *h = &s->held.items[done];
		uint64_t frames[PLACES_MAX];
		struct stack stack;
		uint32_t same;

		if (code_unwind(s->code, h->memory, h->raw, frames, &stack))
			break;
		if (stack.n) {
			same = stack_of(s, &stack); /* may move them all */
			s->stacks.items[h->stack - 1] = s->stacks.items[same - 1];
		}
		release_held(h);
	}
	s->held.n -= done;
	if (done && s->held.n)
		memmove(s->held.items, s->held.items + done, s->held.n * sizeof(*s->held.items));
}

/* The number that it will have; 0: it is lost. */
static uint32_t hold(struct sites *s, const struct code_stack *raw, struct memory *memory)
{
	size_t size = offsetof(struct code_stack, bytes) + raw->n_bytes;
	struct code_stack *copy;

	if (s->held.n == HELD_MAX)
		unwind_held(s);
	copy = s->held.n == HELD_MAX || s->stacks.n >= STACKS_MAX ? NULL : malloc(size);
	if (!copy) {
		s->lost++;
		return 0;
	}
	memcpy(copy, raw, size);
	memory_hold(memory);
	*vec_add(&s->held) = (struct held){ future_stack(s), memory, copy };
	return s->held.items[s->held.n - 1].stack;
}

struct site_key {
	uint64_t thread_id;
	uint32_t what, stack, cause, row;
	struct lock_key lock, held;
	uint64_t target;
};

static struct site_key key_of(const struct ev_site *e)
{
	return (struct site_key){ e->thread_id, e->what, e->stack, e->cause,
				  e->row,	e->lock, e->held,  e->target };
}

static bool is_there(struct sites *s, const struct ev_site *e)
{
	struct site_key key = key_of(e);

	return intern_find(&s->site_keys, &key, sizeof(key)) != INTERN_NONE;
}

/* No more rows: a thread that has some keeps its sum, and one that has none is like others. Before
 * that it is forgotten what was waited for, of which there may be very many. */
static void make_fit(struct sites *s, struct ev_site *e)
{
	if (s->sites.n >= SITES_MAX / 2 && !is_there(s, e))
		e->target = 0;
	if (s->sites.n < SITES_MAX || is_there(s, e))
		return;
	if (map_find(&s->threads, e->thread_id))
		e->stack = unknown_stack(s);
	else
		e->thread_id = e->process_id = 0;
}

/* Without what is left of an older one. */
static struct lock_key known(struct lock_key key)
{
	return key.space ? key : (struct lock_key){ 0 };
}

/* The same site of the same thread is added to. */
static void add_site(struct sites *s, struct ev_site e)
{
	struct site_key key;
	struct ev_site *to;
	size_t number;

	make_fit(s, &e);
	key = key_of(&e);
	number = intern(&s->site_keys, &key, sizeof(key));
	map_add(&s->threads, e.thread_id);
	if (number == s->sites.n) {
		*vec_add(&s->sites) = e;
		return;
	}
	to = &s->sites.items[number];
	to->samples += e.samples;
	to->waits += e.waits;
	to->ns += e.ns;
	if (e.max_ns > to->max_ns)
		to->max_ns = e.max_ns;
}

static void settle(struct sites *s, uint64_t thread_id, uint32_t row, uint64_t ns,
		   const struct code_waited *how)
{
	uint64_t *place = map_find(&s->pending_by_thread, thread_id);
	struct pending p;

	if (!place)
		return;
	p = s->pending.items[*place];
	*vec_add(&s->free_pending) = *place;
	map_remove(&s->pending_by_thread, thread_id);
	if (!p.stack || row >= ROW_COUNT)
		return;
	add_site(s, (struct ev_site){
			    .head = { EV_SITE, sizeof(struct ev_site) },
			    .thread_id = thread_id,
			    .process_id = p.process_id,
			    .what = SITE_WAIT,
			    .stack = p.stack,
			    .cause = p.cause,
			    .row = row,
			    .samples = 1,
			    .waits = p.weight,
			    .ns = p.weight * ns,
			    .max_ns = ns,
			    .lock = p.lock,
			    .held = how ? known(how->held) : (struct lock_key){ 0 },
			    .target = how ? how->target : 0,
		    });
}

static struct pending *add_pending(struct sites *s, uint64_t thread_id)
{
	uint64_t *place = map_add(&s->pending_by_thread, thread_id);

	if (*place == MAP_NONE) {
		if (s->free_pending.n) {
			*place = s->free_pending.items[--s->free_pending.n];
		} else {
			*place = s->pending.n;
			vec_add(&s->pending);
		}
	}
	return &s->pending.items[*place];
}

static void on_settled(void *ctx)
{
	struct sites *s = ctx;

	unwind_held(s);
	spaces_bury(s->spaces);
}

static int on_mapping(void *ctx, const struct mapping *m)
{
	struct sites *s = ctx;

	spaces_mapping(s->spaces, m);
	if (m->what == MAPPING_FORK)
		owners_fork(&s->owners, m->parent, m->pid);
	return 0;
}

static int on_stack(void *ctx, const struct code_stack *raw)
{
	uint64_t frames[PLACES_MAX];
	struct stack stack;
	struct sites *s = ctx;
	struct memory *memory = spaces_memory(s->spaces, raw->pid, raw->at);
	uint32_t id;

	if (raw->cause >= CAUSE_COUNT || !raw->weight)
		return -EPROTO;
	words_note(s->words, s->spaces, memory, raw);
	if (code_unwind(s->code, memory, raw, frames, &stack))
		id = hold(s, raw, memory);
	else
		id = stack.n ? stack_of(s, &stack) : 0;
	if (raw->what == CODE_WAIT)
		*add_pending(s, raw->thread_id) = (struct pending){
			.stack = id,
			.cause = raw->cause,
			.weight = raw->weight,
			.process_id = raw->process_id,
			.cause_ns = raw->cause_ns,
			.cause_count = raw->cause_count,
			.lock = raw->lock,
		};
	else if (id)
		add_site(s, (struct ev_site){
				    .head = { EV_SITE, sizeof(struct ev_site) },
				    .thread_id = raw->thread_id,
				    .process_id = raw->process_id,
				    .what = raw->what == CODE_STUCK ? SITE_STUCK : SITE_CPU,
				    .stack = id,
				    .samples = 1,
				    .held = known(raw->held),
			    });
	return 0;
}

static int on_waited(void *ctx, const struct code_waited *w)
{
	settle(ctx, w->thread_id, w->row, w->ns, w);
	return 0;
}

struct code_sink sites_sink(struct sites *s)
{
	return (struct code_sink){
		.settled = on_settled,
		.mapping = on_mapping,
		.stack = on_stack,
		.waited = on_waited,
		.ctx = s,
	};
}

/* Of one that is alive at the end nobody else says what its last wait was; of one that has
 * died it was said, or will be: the rings are read one after another. */
static void on_thread(struct sites *s, const struct ev_thread *t)
{
	uint64_t *place = map_find(&s->pending_by_thread, t->id);

	if (t->flags & THREAD_GROUP_DEAD)
		spaces_ended(s->spaces, t->pid);
	if (place && !(t->flags & THREAD_ENDED)) {
		const struct pending *p = &s->pending.items[*place];
		const struct ledger_cause *now = &t->ledger.cause[p->cause];
		bool open = t->flags & THREAD_OPEN_WAIT;

		/* The word that it ended may have found no room: then this is not it alone. */
		if ((uint32_t)now->count == p->cause_count && now->ns >= p->cause_ns)
			settle(s, t->id, open ? t->open_row : ROW_UNKNOWN, now->ns - p->cause_ns,
			       NULL);
	}
}

static int leave_it(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	(void)ctx;
	(void)index;
	(void)frames;
	(void)n;
	return 0;
}

/* To name any place of its code takes all that has to be read of it at first. */
bool sites_warm(struct sites *s)
{
	const struct space_file *file;
	uint32_t object;

	if (s->warm == spaces_files(s->spaces))
		return false;
	file = spaces_file(s->spaces, s->warm);
	if (!file->pid && !code_object(s->code, s->warm, &object)) /* what fails is said later */
		(void)sym_names(s->sym, object, &file->first, 1, leave_it, NULL);
	s->warm++;
	return true;
}

int sites_event(void *ctx, const struct event *ev)
{
	const struct ev_exec *exec = (const struct ev_exec *)ev;
	struct sites *s = ctx;

	if (ev->kind == EV_THREAD)
		on_thread(s, (const struct ev_thread *)ev);
	else if (ev->kind == EV_EXEC)
		owners_exec(&s->owners, exec->pid, exec->uid);
	return 0;
}

static int tell_lost(struct sites *s, event_fn fn, void *ctx)
{
	struct ev_loss ev = { .head = { EV_LOSS, sizeof(ev) },
			      .what = LOSS_STACKS,
			      .count = s->lost + s->held.n };

	return ev.count ? fn(ctx, &ev.head) : 0;
}

int sites_finish(struct sites *s, event_fn fn, sites_progress_fn progress, void *ctx)
{
	const struct name_sources from = { s->code, s->sym, s->spaces, &s->owners, s->kernel };
	int error;

	code_take_time(s->code);
	unwind_held(s);
	error = tell_stacks(&from, s->stacks.items, s->stacks.n, fn, progress, ctx);
	for (size_t i = 0; i < s->sites.n && !error; i++)
		error = fn(ctx, &s->sites.items[i].head);
	if (!error)
		error = words_tell(s->words, &from, fn, ctx);
	return error ? error : tell_lost(s, fn, ctx);
}
