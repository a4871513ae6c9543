// SPDX-License-Identifier: BSD-2-Clause
/* Recordings of versions that know less of an event, or more. */
#include "recording.h"

static struct event *one_of[EV_KIND_COUNT];

static void *copy(const void *event)
{
	const struct event *ev = event;
	void *to = malloc(ev->size);

	return memcpy(to, ev, ev->size);
}

#define KEEP(value)                                                                                \
	({                                                                                         \
		__auto_type one = (value);                                                         \
		one_of[one.head.kind] = copy(&one);                                                \
	})

/* One event of each kind, with something in every array. */
static void setup(void)
{
	struct ev_thread t = thread(1, 0, 0, 0, 10);
	struct ev_wall w = wall(10);
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 7);
	struct ev_io i = io(1, CAUSE_IO_DISK, 1, 7);
	struct ev_loop o = loop(1, CAUSE_EVENT_POLL, 1, 7);
	struct ev_lock_holder h = lock_holder(64, 1, HOLDER_COUNT - 1, 7);

	t.cpus[0] = 3;
	t.ledger.cause[CAUSE_COUNT - 1].ns = 7;
	t.ledger.row_ns[ROW_COUNT - 1] = 7;
	KEEP(t);
	KEEP(w);
	KEEP(run());
	KEEP(exec(1, 1, 1, "/bin/true", "true -x"));
	KEEP(loss(LOSS_EXEC, 1, 0, "ring"));
	KEEP(probe("sched_switch", "no such tracepoint"));
	KEEP(calls(3));
	KEEP(peer(812, 1000, 1));
	KEEP(other(813, 1000));
	KEEP(unreaped(812, 814, 3, 2));
	KEEP(life(LIFE_DIED, 9, 1));
	KEEP(end(0));
	KEEP(cpu_site(1, 1, 3));
	l.histogram[LOCK_BUCKETS - 1] = 7;
	h.doing_ns[DOING_COUNT - 1] = 7;
	KEEP(l);
	KEEP(h);
	KEEP(lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 1, 7));
	KEEP(lock_order(64, 128, 7));
	KEEP(stuck(1, 2, 64, LOCK_HINT_WORD, 1));
	KEEP(need(1, 2, NEED_READER));
	KEEP(wake(1, 1, 2, 1, 7));
	KEEP(signal_sent(1, 2, 10, 7));
	i.histogram[TARGET_BUCKETS - 1] = 7;
	i.users[TARGET_USERS - 1].fd = 7;
	KEEP(i);
	o.away.histogram[LOOP_BUCKETS - 1] = o.calls.histogram[LOOP_BUCKETS - 1] = 7;
	o.users[LOOP_USERS - 1] = 7;
	o.away.blocks.items[LOOP_BLOCKS - 1].ns = 7;
	KEEP(o);
	KEEP(use(1, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 7));
	KEEP(cgroup(7, "/a.slice"));
	KEEP(taker(1, 2, TAKER_PREEMPTED, 3, 7));
	KEEP(change(1, 5, 0, 19));
	one_of[EV_TARGET] = (struct event *)target_event(1, TARGET_FILE, "/tmp/a");
	one_of[EV_STAND] = (struct event *)stand(1, STAND_BLOCKED, "pipe:[7]");
	one_of[EV_WORD] = (struct event *)word_name(64, "account_lock", "a.c", "/bin/a");
	one_of[EV_FRAME] = (struct event *)frame(1, "worker", "a.c", "/bin/a");
	one_of[EV_STACK] = (struct event *)stack(1, (const __u32[]){ 1 }, 1);
	one_of[EV_MARKS] = (struct event *)steps(1, 1000, 5);
	one_of[EV_TEXT] = (struct event *)text(TEXT_NOTE, "some words, and others");
}

static void teardown(void)
{
	for (int k = 0; k < EV_KIND_COUNT; k++)
		free(one_of[k]);
}

TestSuite(layout, .init = setup, .fini = teardown);
TestSuite(versions, .init = setup, .fini = teardown);

Test(layout, adds_up)
{
	for (unsigned int k = 0; k <= EV_KIND_COUNT; k++) {
		struct layout l;
		size_t sum = 0;

		layout_own(&l, k);
		cr_assert_eq(l.size, event_fixed_size(k), "kind %u", k);
		cr_assert_eq(l.n > 0, l.size > 0, "kind %u", k);
		for (size_t i = 0; i < l.n; i++) {
			cr_assert_eq(l.parts[i].size % 8, 0, "kind %u, part %zu", k, i);
			cr_assert(l.parts[i].size > 0 && l.parts[i].size <= l.size);
			sum += l.parts[i].size;
		}
		cr_assert_eq(sum, l.size, "kind %u", k);
	}
}

/* A recording of one event, of this kind; all other kinds are our own. */
static struct result read_one(unsigned int kind, const struct layout *l, const struct bytes *event)
{
	struct bytes b = { NULL };
	struct layout own;
	struct result r;

	add_start(&b, RECORDING_VERSION, EV_KIND_COUNT);
	for (unsigned int k = 0; k < EV_KIND_COUNT; k++) {
		layout_own(&own, k);
		add_layout(&b, k == kind ? l : &own);
	}
	add_check(&b);
	add_block(&b, event->data, event->size);
	add_end(&b);
	r = read_all(&b);
	drop(&b);
	return r;
}

/* The event as it is when part `which` is `grown` bytes longer, or shorter: with `fill` there. */
static struct bytes laid_out(const struct event *ev, struct layout *l, size_t which, int grown,
			     int fill)
{
	struct bytes b = { NULL };
	const char *from = (const char *)ev;
	char more[64];

	memset(more, fill, sizeof(more));
	layout_own(l, ev->kind);
	for (size_t i = 0; i < l->n; i++) {
		size_t size = l->parts[i].size;

		add(&b, from, i == which && grown < 0 ? size - (size_t)-grown : size);
		if (i == which && grown > 0)
			add(&b, more, (size_t)grown);
		from += size;
	}
	l->parts[which].size += (__u32)grown;
	l->size += (__u32)grown;
	add(&b, from, ev->size - event_fixed_size(ev->kind));
	((struct event *)b.data)->size = (__u32)b.size;
	return b;
}

static void is(const struct result *r, const struct event *wanted, unsigned int part)
{
	cr_assert(!r->error && !r->cut, "kind %u, part %u: %s", wanted->kind, part, r->err.text);
	cr_assert_eq(r->events.size, wanted->size, "kind %u, part %u", wanted->kind, part);
	cr_assert(!memcmp(r->events.data, wanted, wanted->size), "kind %u, part %u", wanted->kind,
		  part);
}

/* Takes the note out that stands in front; there has to be one. */
static void told(struct result *r)
{
	const struct ev_text *t = (const struct ev_text *)r->events.data;

	cr_assert(!r->error, "%s", r->err.text);
	cr_assert(t->head.kind == EV_TEXT && strstr(t->text, "newer version"));
	r->events.size -= t->head.size;
	memmove(r->events.data, r->events.data + t->head.size, r->events.size);
}

typedef void each_fn(struct event *ev, size_t part, const struct layout *own);

static void for_each_part(each_fn *fn)
{
	for (unsigned int k = 1; k < EV_KIND_COUNT; k++) {
		struct layout own;

		layout_own(&own, k);
		for (size_t i = 0; i < own.n; i++)
			fn(one_of[k], i, &own);
	}
}

/* An older version: what it did not know is 0. */
static void shorter(struct event *ev, size_t part, const struct layout *own)
{
	struct event *wanted = copy(ev);
	struct layout l;
	struct bytes b = laid_out(ev, &l, part, -8, 0);
	struct result r = read_one(ev->kind, &l, &b);
	size_t end = 0;

	for (size_t i = 0; i <= part; i++)
		end += own->parts[i].size;
	memset((char *)wanted + end - 8, 0, 8);
	if (event_is_valid(wanted, wanted->size))
		is(&r, wanted, (unsigned int)part);
	else
		cr_assert_eq(r.error, -EPROTO);
	free(wanted);
	drop(&r.events);
	drop(&b);
}

Test(versions, older)
{
	for_each_part(shorter);
}

/* A newer one with a field more. */
static void longer(struct event *ev, size_t part, const struct layout *own)
{
	(void)own;
	for (int fill = 0; fill <= 1; fill++) {
		struct layout l;
		struct bytes b = laid_out(ev, &l, part, 24, fill);
		struct result r = read_one(ev->kind, &l, &b);

		if (fill && own->parts[part].is_array) {
			cr_assert_eq(r.error, -EINVAL, "kind %u, part %zu", ev->kind, part);
			cr_assert(strstr(r.err.text, "newer version"), "%s", r.err.text);
		} else {
			told(&r);
			is(&r, ev, (unsigned int)part);
		}
		drop(&r.events);
		drop(&b);
	}
}

Test(versions, newer)
{
	for_each_part(longer);
}

/* With parts behind ours, up to more than can be remembered. */
Test(versions, with_more_parts)
{
	for (size_t more = 1; more < 2 * LAYOUT_PARTS; more++) {
		struct event *ev = one_of[EV_THREAD];
		struct bytes event = { NULL }, b = { NULL };
		struct layout own;
		struct result r;

		add(&event, ev, ev->size);
		add(&event, (char[64 * 8]){ 1 }, more * 8);
		((struct event *)event.data)->size = (__u32)event.size;
		add_start(&b, RECORDING_VERSION, EV_KIND_COUNT);
		for (unsigned int k = 0; k < EV_KIND_COUNT; k++) {
			layout_own(&own, k);
			add_u32(&b, (__u32)(own.n + (k == EV_THREAD ? more : 0)));
			for (size_t i = 0; i < own.n; i++)
				add_u32(&b, own.parts[i].size);
			for (size_t i = 0; i < more && k == EV_THREAD; i++)
				add_u32(&b, 8);
		}
		add_check(&b);
		add_block(&b, event.data, event.size);
		add_end(&b);
		r = read_all(&b);
		told(&r);
		is(&r, ev, (unsigned int)more);
		drop(&r.events);
		drop(&event);
		drop(&b);
	}
}

/* --- hostile layouts --------------------------------------------------------------- */

static int error_of(const __u32 *layout, size_t n)
{
	struct bytes b = { NULL };
	struct result r;
	int error;

	add_start(&b, RECORDING_VERSION, EV_KIND_COUNT);
	add_u32(&b, 0);
	for (size_t i = 0; i < n; i++)
		add_u32(&b, layout[i]);
	for (unsigned int k = 2; k < EV_KIND_COUNT; k++)
		add_u32(&b, 0);
	add_check(&b);
	add_end(&b);
	r = read_all(&b);
	error = r.error;
	drop(&r.events);
	drop(&b);
	return error;
}

Test(versions, hostile)
{
	static const __u32 good[] = { 2, 8, 16 }, odd[] = { 1, 12 }, small[] = { 1, 0 },
			   large[] = { 1, BLOCK_MAX + 8 }, sum[] = { 2, BLOCK_MAX, 8 },
			   over[] = { 2, 16, ~7u }, many[] = { ~0u, 8 };

	cr_assert_eq(error_of(good, 3), 0);
	cr_assert_eq(error_of(odd, 2), -EINVAL);
	cr_assert_eq(error_of(small, 2), -EINVAL);
	cr_assert_eq(error_of(large, 2), -EINVAL);
	cr_assert_eq(error_of(sum, 3), -EINVAL);
	cr_assert_eq(error_of(over, 3), -EINVAL);
	cr_assert_eq(error_of(many, 2), -EINVAL);
}

/* Its header says that its events are longer than this one. */
Test(versions, event_shorter_than_its_layout)
{
	struct bytes b = { NULL };
	struct layout l;
	struct result r;

	layout_own(&l, EV_END);
	l.parts[0].size += 8;
	add(&b, one_of[EV_END], one_of[EV_END]->size);
	r = read_one(EV_END, &l, &b);
	cr_assert(r.error < 0 && !r.events.size);
	drop(&r.events);
	drop(&b);
}

/* Laid out anew, it is too long for a block: nobody could record it again. */
Test(versions, event_that_grows_too_long)
{
	struct bytes b = { NULL };
	struct layout l;
	struct result r;
	struct ev_text *t = calloc(1, BLOCK_MAX);

	t->head.kind = EV_TEXT;
	t->head.size = BLOCK_MAX;
	layout_own(&l, EV_TEXT);
	l.parts[0].size -= 8;
	add(&b, t, BLOCK_MAX);
	r = read_one(EV_TEXT, &l, &b);
	cr_assert_eq(r.error, -EPROTO, "%s", r.err.text);
	drop(&b);
	free(t);
}
