// SPDX-License-Identifier: BSD-2-Clause
/*
 * Are waits of ROW_CONVOY (track_train() in bpf/track.h) a lock's? They are if what
 * a lock does can be seen: the threads that wait so all compute, and much of all that is
 * computed, never two of them at once, though there is more than one CPU, and hardly a
 * moment passes in which they wait and none runs. Threads that look for work in a queue
 * now and then fail one of these.
 */
#include "analysis/internal.h"

#include <stdlib.h>

#define LEAST_SHARE 0.1	 /* of what the busiest of them computes, for a thread to count */
#define MOST_SHARE  0.3	 /* of what its process computes, that they do together at least */
#define AT_ONCE	    1.15 /* running threads of the process, at most */
#define STILL_SHARE 0.1	 /* of the convoy's time, at most */

struct suspect {
	uint64_t ran, busiest, members_ran;
	size_t members;
};

/* A process whose threads are in a convoy. */
static bool is_exclusive(const struct suspect *s, const struct process *p)
{
	return s->members >= 2 && (double)s->members_ran >= MOST_SHARE * (double)s->ran &&
	       (double)s->ran <= AT_ONCE * (double)(p->end_ns - p->start_ns);
}

void convoy_find(struct findings *f)
{
	const struct model *m = f->model;
	const struct wall_sums *w = &m->wall;
	struct suspect *of = zeroed(m->n_processes, sizeof(*of));

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];
		struct suspect *s = &of[t->process];

		s->ran += t->state_ns[TS_RUNNING];
		if (t->row_ns[ROW_CONVOY] && t->state_ns[TS_RUNNING] > s->busiest)
			s->busiest = t->state_ns[TS_RUNNING];
	}
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];
		struct suspect *s = &of[t->process];

		if (t->row_ns[ROW_CONVOY] && t->state_ns[TS_RUNNING] >= LEAST_SHARE * s->busiest) {
			s->members++;
			s->members_ran += t->state_ns[TS_RUNNING];
		}
	}
	for (size_t i = 0; i < m->n_processes; i++) {
		if (is_exclusive(&of[i], &m->processes[i]))
			f->convoy.threads += of[i].members;
	}
	free(of);
	f->convoy.is_lock = f->convoy.threads && w->convoy_ns && m->cpus > 1 &&
			    (double)w->convoy_still_ns <= STILL_SHARE * (double)w->convoy_ns;
}
