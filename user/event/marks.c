// SPDX-License-Identifier: BSD-2-Clause
#include "event/marks.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HAS_STOLEN 0x20
#define HAS_REST   0x40
#define HAS_END	   0x80 /* of the wait before */
#define ENDLESS	   0x80 /* behind_ns */
#define SAME_ROW   0x80

_Static_assert(ROW_COUNT <= 16 && MARK_KIND_COUNT <= 4 && OFF_THROTTLED < 8 && BEHIND_LIMIT < 8 &&
		       CAUSE_COUNT <= SAME_ROW,
	       "they share a byte");

static bool is_wait(__u8 off)
{
	return off == OFF_BLOCKED || off == OFF_THROTTLED;
}

static __u8 *put(__u8 *to, __u64 n)
{
	for (; n > 0x7f; n >>= 7)
		*to++ = (__u8)(n | 0x80);
	*to++ = (__u8)n;
	return to;
}

static __u64 zigzag(__u64 n)
{
	return n << 1 ^ -(n >> 63);
}

static __u64 unzigzag(__u64 n)
{
	return n >> 1 ^ -(n & 1);
}

static __u64 waker_number(const struct mark *m)
{
	static const __u8 numbers[] = { [WOKEN_BY_INTERRUPT] = 1, [WOKEN_FROM_OUTSIDE] = 2 };

	if (m->woken == WOKEN_BY_THREAD)
		return 3 + zigzag((__u64)m->woken_by - m->thread);
	return numbers[m->woken];
}

static __u8 *put_end(__u8 *to, const struct mark *m)
{
	to = put(to, waker_number(m) << 1 | (m->place != 0));
	return m->place ? put(to, m->place) : to;
}

static __u8 *put_wait(__u8 *to, const struct mark *m, __u8 *rows)
{
	bool is_same = rows[m->cause] == m->row;

	*to++ = (__u8)(m->cause | (is_same ? SAME_ROW : 0));
	if (!is_same)
		*to++ = rows[m->cause] = m->row;
	return to;
}

static __u8 *put_mark(__u8 *to, const struct mark *m, const struct mark *before, __u8 *rows)
{
	bool endless = m->behind_ns == ~0ull, rest = m->uncharged || m->unseen;
	bool has_end = m->woken || m->place;
	__u64 gap = zigzag(m->at - before->at - m->ran);

	*to++ = (__u8)(m->kind | m->off << 2 | (m->stolen ? HAS_STOLEN : 0) |
		       (rest ? HAS_REST : 0) | (has_end ? HAS_END : 0));
	*to++ = (__u8)(m->was_row | m->behind << 4 | (endless ? ENDLESS : 0));
	to = put(to, zigzag((__u64)m->thread - before->thread) << 1 | (gap < m->ran));
	to = put(to, zigzag(m->at - before->at));
	to = put(to, gap < m->ran ? gap : m->ran);
	to = put(to, m->queued);
	if (is_wait(m->off))
		to = put_wait(to, m, rows);
	if (m->behind != BEHIND_UNKNOWN && !endless)
		to = put(to, m->behind_ns);
	if (m->stolen)
		to = put(to, m->stolen);
	if (rest) {
		to = put(to, m->uncharged);
		*to++ = m->unseen;
	}
	return has_end ? put_end(to, m) : to;
}

void marks_pack(struct ev_marks *to, const struct mark *marks, size_t n, __u32 cpu)
{
	struct mark before = { 0 };
	__u8 rows[CAUSE_COUNT] = { 0 };
	__u8 *end = to->bytes;

	for (size_t i = 0; i < n; i++) {
		end = put_mark(end, &marks[i], &before, rows);
		before = marks[i];
	}
	*to = (struct ev_marks){
		.cpu = cpu, .n = (__u32)n, .size = (__u32)(end - to->bytes), .form = MARKS_FORM
	};
	memset(end, 0, 8);
	to->head.kind = EV_MARKS;
	to->head.size = (__u32)((sizeof(*to) + to->size + 7) / 8 * 8);
}

void marks_begin(struct marks_reader *r, const struct ev_marks *ev)
{
	*r = (struct marks_reader){ .at = ev->bytes,
				    .end = ev->bytes + ev->size,
				    .left = ev->n,
				    .is_first_form = ev->form == MARKS_FIRST_FORM };
}

static __u8 take_byte(struct marks_reader *r, bool *bad)
{
	if (r->at == r->end) {
		*bad = true;
		return 0;
	}
	return *r->at++;
}

static __u64 take(struct marks_reader *r, bool *bad)
{
	__u64 n = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		__u8 byte = take_byte(r, bad);

		n |= (__u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	*bad = true;
	return 0;
}

static bool is_known(const struct mark *m)
{
	return m->kind && m->kind < MARK_KIND_COUNT && m->off <= OFF_THROTTLED &&
	       m->behind <= BEHIND_LIMIT && m->was_row < ROW_COUNT && m->row < ROW_COUNT &&
	       m->cause < CAUSE_COUNT && m->unseen <= 1;
}

static void take_end(struct marks_reader *r, struct mark *ret, bool *bad)
{
	static const __u8 wokens[] = { WOKEN_UNSEEN, WOKEN_BY_INTERRUPT, WOKEN_FROM_OUTSIDE };
	__u64 n = take(r, bad), waker = r->is_first_form ? n + 1 : n >> 1;

	if (waker < sizeof(wokens)) {
		ret->woken = wokens[waker];
	} else {
		ret->woken = WOKEN_BY_THREAD;
		ret->woken_by = ret->thread + (__u32)unzigzag(waker - sizeof(wokens));
	}
	if (!r->is_first_form && n & 1)
		ret->place = (__u32)take(r, bad);
}

static void take_wait(struct marks_reader *r, struct mark *ret, bool *bad)
{
	__u8 cause = take_byte(r, bad);

	ret->cause = r->is_first_form ? cause : cause & (SAME_ROW - 1);
	if (ret->cause >= CAUSE_COUNT)
		*bad = true;
	else if (r->is_first_form || !(cause & SAME_ROW))
		ret->row = r->rows[ret->cause] = take_byte(r, bad);
	else
		ret->row = r->rows[ret->cause];
}

/* Whose step it is, its time, and how long it ran. */
static void take_times(struct marks_reader *r, struct mark *ret, bool *bad)
{
	__u64 thread = take(r, bad), since = unzigzag(take(r, bad)), ran = take(r, bad);
	bool has_gap = !r->is_first_form && thread & 1;

	if (!r->is_first_form)
		thread >>= 1;
	ret->thread = r->last_thread + (__u32)unzigzag(thread);
	ret->at = r->last_at + since;
	ret->ran = has_gap ? since - unzigzag(ran) : ran;
}

int marks_next(struct marks_reader *r, struct mark *ret)
{
	bool bad = false;
	__u8 first, second;

	if (!r->left)
		return r->at == r->end ? 0 : -EPROTO;
	memset(ret, 0, sizeof(*ret));
	first = take_byte(r, &bad);
	second = take_byte(r, &bad);
	ret->kind = first & 3;
	ret->off = first >> 2 & 7;
	ret->was_row = second & 15;
	ret->behind = second >> 4 & 7;
	take_times(r, ret, &bad);
	ret->queued = take(r, &bad);
	if (is_wait(ret->off))
		take_wait(r, ret, &bad);
	if (second & ENDLESS)
		ret->behind_ns = ~0ull;
	else if (ret->behind != BEHIND_UNKNOWN)
		ret->behind_ns = take(r, &bad);
	if (first & HAS_STOLEN)
		ret->stolen = take(r, &bad);
	if (first & HAS_REST) {
		ret->uncharged = take(r, &bad);
		ret->unseen = take_byte(r, &bad);
	}
	if (first & HAS_END)
		take_end(r, ret, &bad);
	if (bad || !is_known(ret))
		return -EPROTO;
	r->left--;
	r->last_thread = ret->thread;
	r->last_at = ret->at;
	return 1;
}

/* --- replay ---------------------------------------------------------------------------------- */

static void begin(struct track *t, const struct mark *m)
{
	memset(t, 0, sizeof(*t));
	t->last_out = t->ledger.start_at = m->at;
	t->off = m->off;
	t->cause = m->cause;
	t->row = m->row;
	if (m->off == OFF_BLOCKED) /* a wait that is under way */
		t->ledger.cause[m->cause].count = 1;
}

static void depart(struct track *t, const struct mark *m)
{
	track_depart(t, &(struct departure){
				.now = m->at,
				.arrived = m->at - m->ran,
				.run_delay = t->run_delay + m->queued,
				.stolen = m->stolen,
				.kernel_ran = m->ran - m->stolen - m->uncharged,
				.unseen = m->unseen,
				.off = m->off,
				.cause = m->cause,
				.row = m->row,
			});
}

void marks_replay(struct track *t, const struct mark *m)
{
	struct standing s = { .end = m->at };

	if (m->kind == MARK_BEGIN) {
		begin(t, m);
		return;
	}
	t->row = m->was_row;
	t->behind = m->behind;
	t->behind_ns = m->behind_ns;
	if (m->kind == MARK_DEPART) {
		depart(t, m);
		return;
	}
	s.arrived_at = m->ran ? m->at - m->ran : 0;
	s.queued_at = m->queued ? m->at - m->queued : 0;
	track_finish(t, &s);
}
