/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Timelines of two CPUs, step by step: TestSuite(..., .init = begin_steps, .fini = end_steps). */
#include "findings.h"

#include "base/vec.h"

#define US 1000ULL

static VEC(struct mark) steps_of[2]; /* of each CPU */

/* It left the CPU at `at`, where it had been for `ran`, to wait. */
static inline struct mark *step(unsigned int cpu, __u32 thread, __u64 at, __u64 ran,
				enum cause cause)
{
	struct mark *m = vec_add(&steps_of[cpu]);

	*m = (struct mark){ .at = T0 + at,
			    .ran = ran,
			    .thread = thread,
			    .kind = MARK_DEPART,
			    .off = OFF_BLOCKED,
			    .cause = cause };
	return m;
}

static inline void woken_by(struct mark *m, __u32 thread, __u64 queued)
{
	m->woken = WOKEN_BY_THREAD;
	m->woken_by = thread;
	m->queued = queued;
}

static inline void woken(struct mark *m, enum woken how)
{
	m->woken = how;
}

static inline void begin_steps(void)
{
	setup();
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		steps_of[cpu].n = 0;
}

/* Threads of one process that live so long: the first all the time. */
static inline void analyse_steps(const __u64 (*lives)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_thread(thread(i + 1, i > 0, i > 0, lives[i][0], lives[i][1]));
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		struct ev_marks *ev = calloc(1, MARKS_ROOM(steps_of[cpu].n));

		if (steps_of[cpu].n) {
			marks_pack(ev, steps_of[cpu].items, steps_of[cpu].n, cpu);
			put(ev);
		}
		free(ev);
	}
	analyse(wall(lives[0][1]));
	cr_assert(f->path);
}

static inline void end_steps(void)
{
	teardown();
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		free(steps_of[cpu].items);
		memset(&steps_of[cpu], 0, sizeof(steps_of[cpu]));
	}
}
