// SPDX-License-Identifier: BSD-2-Clause
/* What the recorder writes, the reader hands over: every event, byte for byte. */
#include "any.h"
#include "recording.h"

#define BLOCK_SIZE (64u << 10) /* what the recorder aims at */

static void round_trip(const struct bytes *events)
{
	struct bytes file = recorded(events);
	struct result r = read_all(&file);

	cr_assert_eq(r.error, 0, "%s", r.err.text);
	cr_assert_not(r.cut);
	cr_assert(same(&r.events, events), "%zu bytes of events, expected %zu", r.events.size,
		  events->size);
	drop(&r.events);
	drop(&file);
}

#define ADD(to, event)                                                                             \
	({                                                                                         \
		__auto_type one = (event);                                                         \
		add(to, &one, one.head.size);                                                      \
	})

static void add_text(struct bytes *to, const char *string)
{
	struct ev_text *t = text(TEXT_NOTE, string);

	add(to, t, t->head.size);
	free(t);
}

/* Of any size that is a multiple of 8, and any content. */
static void add_long(struct bytes *to, size_t size, struct rng *rng)
{
	struct ev_text *t = calloc(1, size);

	cr_assert(t);
	t->head.kind = EV_TEXT;
	t->head.size = (__u32)size;
	t->what = TEXT_NOTE;
	t->length = (__u32)(size - sizeof(*t) - 1);
	for (size_t i = 0; i < t->length; i++)
		t->text[i] = (char)(rng_next(rng) >> 32);
	add(to, t, size);
	free(t);
}

static void add_freed(struct bytes *to, void *event)
{
	add(to, event, ((struct event *)event)->size);
	free(event);
}

static void add_each_kind(struct bytes *to)
{
	ADD(to, run());
	add_text(to, "Linux");
	add_text(to, "");
	ADD(to, exec(1, 1, 1, "/bin/true", "true -x"));
	ADD(to, thread(1, 0, 0, 0, 10));
	ADD(to, wall(10));
	ADD(to, loss(LOSS_EXEC, 1, 0, "ring"));
	ADD(to, probe("sched_switch", "no such tracepoint"));
	ADD(to, calls(3));
	ADD(to, peer(812, 1000, 1));
	ADD(to, other(813, 1000));
	ADD(to, unreaped(812, 814, 3, 2));
	ADD(to, life(LIFE_DIED, 9, 1));
	add_freed(to, frame(1, "main", "main.c", "/bin/true"));
	add_freed(to, stack(1, (const __u32[]){ 1, 1, 1 }, 3));
	ADD(to, wait_site(1, 1, CAUSE_IO_DISK, 1, 1));
	ADD(to, lock_at(64, LOCK_HINT_WORD, 7));
	ADD(to, lock_waiter(64, 1, CAUSE_LOCK_MUTEX, 1, 7));
	ADD(to, lock_holder(64, 1, HOLDER_WORD, 7));
	ADD(to, lock_order(64, 128, 7));
	ADD(to, stuck(1, 2, 64, LOCK_HINT_WORD, 1));
	add_freed(to, word_name(64, "account_lock", "bank.c", "/bin/true"));
	add_freed(to, stand(1, STAND_BLOCKED, "pipe:[7]"));
	ADD(to, need(1, 2, NEED_READER));
	add_freed(to, target_event(1, TARGET_FILE, "/tmp/a"));
	ADD(to, io(1, CAUSE_IO_DISK, 1, 7));
	ADD(to, loop(1, CAUSE_EVENT_POLL, 1, 7));
	ADD(to, wake(1, 1, 2, 1, 7));
	ADD(to, signal_sent(1, 2, 10, 7));
	ADD(to, use(1, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 7));
	ADD(to, cgroup(7, "/a.slice"));
	ADD(to, taker(1, 2, TAKER_PREEMPTED, 3, 7));
	ADD(to, change(1, 5, 0, 19));
	add_freed(to, steps(1, 1000, 5));
	ADD(to, end(0));
}

Test(round_trip, every_kind)
{
	struct bytes events = { NULL };
	uint64_t seen = 0;

	add_each_kind(&events);
	for (size_t at = 0; at < events.size;) {
		const struct event *ev = (const struct event *)(events.data + at);

		seen |= 1ull << ev->kind;
		at += ev->size;
	}
	cr_assert_eq(seen, (1ull << EV_KIND_COUNT) - 2, "one of each kind");
	round_trip(&events);
	drop(&events);
}

Test(round_trip, nothing)
{
	struct bytes events = { NULL };

	round_trip(&events);
}

static void add_any(struct bytes *to, struct rng *rng)
{
	switch (rng_below(rng, 6)) {
	case 0:
		ADD(to, any_thread(rng, 1 + rng_below(rng, 9)));
		break;
	case 1:
		ADD(to, any_wall(rng));
		break;
	case 2:
		ADD(to, any_peer(rng));
		break;
	case 3:
		ADD(to, any_other(rng));
		break;
	case 4:
		ADD(to, any_life(rng));
		break;
	default:
		add_long(to, sizeof(struct ev_text) + 8 * (1 + rng_below(rng, 3000)), rng);
	}
}

Test(round_trip, any_stream)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct rng rng = rng_seed(seed);
		struct bytes events = { NULL };

		for (uint64_t i = rng_below(&rng, 200); i; i--)
			add_any(&events, &rng);
		round_trip(&events);
		drop(&events);
	}
}

/* Of bytes that cannot be packed: they grow. */
Test(round_trip, the_longest_event)
{
	struct rng rng = rng_seed(1);
	struct bytes events = { NULL };

	add_each_kind(&events);
	add_long(&events, BLOCK_MAX, &rng);
	add_each_kind(&events);
	add_long(&events, BLOCK_MAX - 8, &rng);
	add_long(&events, BLOCK_MAX, &rng);
	round_trip(&events);
	drop(&events);
}

/* No event crosses a block, and only a block of one event is larger than it should be. */
Test(blocks, of_whole_events)
{
	struct rng rng = rng_seed(3);
	struct bytes events = { NULL }, file;
	size_t at = header_size(), from = 0, blocks = 0;
	__u32 head[3];

	for (int i = 0; i < 500; i++)
		add_any(&events, &rng);
	add_long(&events, 3 * BLOCK_SIZE, &rng);
	add_long(&events, BLOCK_SIZE, &rng);
	file = recorded(&events);
	for (;; blocks++) {
		size_t n = 0, many = 0;

		cr_assert_leq(at + sizeof(head), file.size);
		memcpy(head, file.data + at, sizeof(head));
		at += sizeof(head) + head[0];
		if (!head[0])
			break;
		for (; n < head[1]; many++)
			n += ((const struct event *)(events.data + from + n))->size;
		cr_assert_eq(n, head[1], "whole events");
		cr_assert(n <= BLOCK_SIZE || many == 1, "%zu bytes of %zu events", n, many);
		from += n;
	}
	cr_assert_eq(at, file.size);
	cr_assert_eq(from, events.size);
	cr_assert_gt(blocks, 10);
	drop(&events);
	drop(&file);
}

/* Others must be able to rely on the first bytes, whatever else changes. */
Test(blocks, header)
{
	struct bytes events = { NULL }, file = recorded(&events), wanted = { NULL };

	add_header(&wanted, RECORDING_VERSION, EV_KIND_COUNT);
	cr_assert_eq(wanted.size, header_size());
	add_end(&wanted);
	cr_assert(same(&file, &wanted));
	cr_assert(!memcmp(file.data,
			  "\x89"
			  "cpr\r\n\x1a\n\x02\0\0\0",
			  12));
	drop(&file);
	drop(&wanted);
}

/* Lost without a word it must not be. */
Test(recorder, event_that_no_block_holds)
{
	struct rng rng = rng_seed(1);
	struct bytes events = { NULL };
	FILE *out = fopen("/dev/null", "wb");
	struct recorder *r = recorder_new(out);
	struct ev_end e = end(0);

	add_long(&events, BLOCK_MAX + 8, &rng);
	cr_assert_eq(recorder_event(r, (struct event *)events.data), -EMSGSIZE);
	cr_assert_eq(recorder_event(r, &e.head), -EMSGSIZE, "it stays");
	cr_assert_eq(recorder_finish(r), -EMSGSIZE);
	fclose(out);
	drop(&events);
}

/* If the recorder is killed then, this is what there is. */
Test(recorder, flushed)
{
	struct bytes b = { NULL }, wanted = { NULL };
	FILE *out = open_memstream(&b.data, &b.size);
	struct recorder *r = recorder_new(out);

	for (int i = 0; i < 20; i++) {
		struct ev_end e = end(i);
		struct result got;

		cr_assert_eq(recorder_event(r, &e.head), 0);
		add(&wanted, &e, sizeof(e));
		cr_assert_eq(recorder_flush(r), 0);
		cr_assert_eq(recorder_flush(r), 0, "with nothing new");
		got = read_all(&b);
		cr_assert(!got.error && got.cut, "%s", got.err.text);
		cr_assert(same(&got.events, &wanted));
		drop(&got.events);
	}
	recorder_free(r);
	fclose(out);
	drop(&b);
	drop(&wanted);
}

/* --- a full disk ------------------------------------------------------------------ */

struct disk {
	size_t room;
	bool is_full;
};

static ssize_t write_to_disk(void *cookie, const char *text, size_t size)
{
	struct disk *d = cookie;

	(void)text;
	cr_assert_not(d->is_full, "written after an error");
	if (size <= d->room) {
		d->room -= size;
		return (ssize_t)size;
	}
	d->is_full = true;
	errno = ENOSPC;
	return 0;
}

static int record_to(struct disk *d, const struct bytes *events, bool buffered)
{
	FILE *out = fopencookie(d, "wb", (cookie_io_functions_t){ .write = write_to_disk });
	struct recorder *r = recorder_new(out);
	int error;

	cr_assert(out && r);
	if (!buffered)
		setvbuf(out, NULL, _IONBF, 0);
	for (size_t at = 0; at < events->size;) {
		const struct event *ev = (const struct event *)(events->data + at);

		error = recorder_event(r, ev);
		cr_assert_eq(error, d->is_full ? -ENOSPC : 0);
		at += ev->size;
	}
	error = recorder_finish(r);
	d->is_full = false; /* what stdio still holds */
	d->room = SIZE_MAX;
	fclose(out);
	return error;
}

Test(recorder, full_disk)
{
	struct rng rng = rng_seed(5);
	struct bytes events = { NULL }, file;

	for (int i = 0; i < 60; i++)
		add_any(&events, &rng);
	file = recorded(&events);
	for (size_t room = 0; room < file.size; room += 1 + room / 7) {
		for (int buffered = 0; buffered < 2; buffered++) {
			struct disk d = { .room = room };

			cr_assert_eq(record_to(&d, &events, buffered), -ENOSPC, "room for %zu",
				     room);
		}
	}
	for (int buffered = 0; buffered < 2; buffered++) {
		struct disk d = { .room = file.size };

		cr_assert_eq(record_to(&d, &events, buffered), 0, "it just fits");
	}
	drop(&events);
	drop(&file);
}
