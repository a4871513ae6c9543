// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timeline: each CPU fills a buffer, and hands that over when it is full. The switches of one
 * CPU follow each other, so nothing guards it.
 */
#include "thread.bpf.h"
#include "mark.h"

#define MARKS_SIZE                                                                                 \
	(16 << 20) /* of some 350,000: two thirds of a second where nothing but switches happens */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MARKS_SIZE);
} mark_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct marks);
} marks SEC(".maps");

static __always_inline void hand_over(struct marks *m)
{
	m->cpu = bpf_get_smp_processor_id();
	if (bpf_ringbuf_output(&mark_ring, m, sizeof(*m), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&lost[LOSS_MARKS], MARKS);
	m->n = 0;
}

/* How the wait before ended, and where it was. */
static __always_inline void note_end(struct mark *mark, struct tracked *t)
{
	mark->woken = t->woken;
	mark->woken_by = t->woken_by;
	mark->place = t->place ? t->place : PLACE_OF_TARGET(t->io.ended);
	t->woken = t->woken_by = t->place = 0;
}

/* All that is more than it was queued is one, and takes no room: see track_charge_queued(). */
static __always_inline u64 behind_of(const struct track *t, const struct departure *d, u64 queued)
{
	u64 ns = t->off == OFF_BLOCKED ? queued : d->arrived - t->last_out;

	return t->behind_ns < ns && t->behind != BEHIND_IDLE ? t->behind_ns : ~0ull;
}

static __always_inline void note_departure(struct mark *mark, struct tracked *t,
					   const struct departure *d)
{
	u64 ran = d->now > d->arrived ? d->now - d->arrived : 0;

	mark->at = d->now;
	mark->ran = ran;
	mark->queued = d->run_delay - t->track.run_delay;
	mark->behind_ns = behind_of(&t->track, d, mark->queued);
	mark->stolen = d->stolen;
	mark->uncharged = ran > d->stolen + d->kernel_ran ? ran - d->stolen - d->kernel_ran : 0;
	mark->thread = t->id;
	mark->kind = MARK_DEPART;
	mark->off = d->off;
	mark->cause = d->cause;
	mark->row = d->row;
	mark->was_row = t->track.row;
	mark->behind = t->track.behind;
	mark->unseen = d->unseen != 0;
	note_end(mark, t);
}

/* Global, so that the verifier does not walk it on each path. */
__noinline int mark_depart(struct tracked *t, struct departure *d)
{
	struct marks *m;
	u32 zero = 0;
	u64 n;

	m = bpf_map_lookup_elem(&marks, &zero);
	if (!m || !t || !d)
		return 0;
	n = m->n;
	barrier_var(n); /* what is checked is what is used */
	if (n >= MARKS)
		return 0;
	note_departure(&m->items[n], t, d);
	m->n = n + 1;
	if (n + 1 == MARKS)
		hand_over(m);
	return 0;
}

/* Of what happens once to a thread, and not at a switch alone. */
struct one_mark {
	u32 n, cpu;
	struct mark mark;
};

static __always_inline struct one_mark *begin_mark(struct tracked *t, u32 kind, u64 at)
{
	struct one_mark *one = bpf_ringbuf_reserve(&mark_ring, sizeof(*one), 0);

	if (!one) {
		__sync_fetch_and_add(&lost[LOSS_MARKS], 1);
		return NULL;
	}
	__builtin_memset(one, 0, sizeof(*one));
	one->n = 1;
	one->cpu = bpf_get_smp_processor_id();
	one->mark.kind = kind;
	one->mark.at = at;
	one->mark.thread = t->id;
	one->mark.off = t->track.off;
	one->mark.cause = t->track.cause;
	one->mark.row = one->mark.was_row = t->track.row;
	one->mark.behind = t->track.behind;
	one->mark.behind_ns = t->track.behind_ns;
	note_end(&one->mark, t);
	return one;
}

int mark_begin(struct tracked *t)
{
	struct one_mark *one = t ? begin_mark(t, MARK_BEGIN, t->track.last_out) : NULL;

	if (one)
		bpf_ringbuf_submit(one, BPF_RB_NO_WAKEUP);
	return 0;
}

int mark_finish(struct tracked *t, struct standing *s)
{
	struct one_mark *one;

	if (!t || !s)
		return 0;
	one = begin_mark(t, MARK_FINISH, s->end);
	if (!one)
		return 0;
	if (s->arrived_at && s->arrived_at < s->end)
		one->mark.ran = s->end - s->arrived_at;
	if (s->queued_at && s->queued_at < s->end)
		one->mark.queued = s->end - s->queued_at;
	bpf_ringbuf_submit(one, BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
