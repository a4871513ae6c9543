// SPDX-License-Identifier: BSD-2-Clause
/* A program that stands still: what its threads wait for, and whether anything can wake them. */
#include "analysis/deadlocks.h"
#include "analysis/internal.h"

#include "base/sentence.h"
#include "base/units.h"

#define LONG_NS 1000000000ull /* shorter ones need not mean anything */
#define SAID	6	      /* causes */
#define NAMED	3	      /* threads of each */

bool row_is_inward(unsigned int row)
{
	return row == ROW_LOCK || row == ROW_SYNC || row == ROW_CONVOY || row == ROW_CHILD;
}

/* By cause, of the threads that wait at the end. */
struct waiting {
	size_t threads, outward;
	size_t awake; /* not in a wait just then */
	size_t by_cause[CAUSE_COUNT];
};

static struct waiting count(const struct model *m)
{
	struct waiting w = { 0 };

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		w.awake += !(t->flags & (THREAD_OPEN_WAIT | THREAD_ENDED));
		if (!(t->flags & THREAD_OPEN_WAIT))
			continue;
		w.threads++;
		w.outward += !row_is_inward(t->open_row);
		w.by_cause[t->open_cause]++;
	}
	return w;
}

static void say_cause(struct finding *to, const struct findings *f, unsigned int cause, size_t n)
{
	const struct model *m = f->model;
	char names[NAMED * 48], name[48];
	struct sentence said = sentence_in(names, sizeof(names));
	uint64_t longest = 0;
	size_t named = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!(t->flags & THREAD_OPEN_WAIT) || t->open_cause != cause)
			continue;
		longest = t->open_for_ns > longest ? t->open_for_ns : longest;
		if (named++ < NAMED)
			sentence_add(&said, "%s%s", named > 1 ? ", " : "",
				     stuck_name(name, sizeof(name), m, i));
	}
	evidence_add(to, "threads.blocked", longest, "%zu wait%s for %s: %s%s", n,
		     n == 1 ? "s" : "", cause_words(cause), names, n > NAMED ? " ..." : "");
}

static void say_causes(struct finding *to, const struct findings *f, struct waiting w)
{
	for (int said = 0; said < SAID; said++) {
		unsigned int most = 0;

		for (unsigned int c = 1; c < CAUSE_COUNT; c++)
			most = w.by_cause[c] > w.by_cause[most] ? c : most;
		if (!w.by_cause[most])
			return;
		say_cause(to, f, most, w.by_cause[most]);
		w.by_cause[most] = 0;
	}
}

void hang_advise(struct finding *to)
{
	finding_advice(to, "A hang, not proved to be a deadlock, since not everything that is "
			   "waited for says who has it: semaphores, read locks, and the locks of "
			   "Python, Go and Rust do not. See where each thread stands.");
}

void hang_find(struct findings *f)
{
	const struct model *m = f->model;
	bool ended = m->end.ended_by == ENDED_HANG;
	struct waiting w = count(m);
	char stood[UNITS_SIZE];
	struct finding *to;

	if (!(w.threads + w.awake) || m->n_deadlocks)
		return;
	if (!ended && (m->standstill_ns < LONG_NS || w.outward || w.awake))
		return;
	to = finding_add(f, "hang", SEVERITY_ERROR);
	finding_title(to, "the program stood still for %s%s",
		      units_ns(stood, m->standstill_ns, true), ended ? ", and was ended" : "");
	say_causes(to, f, w);
	if (w.awake)
		evidence_add(to, "threads", w.awake,
			     "%zu had just woken up, as now and then, and did no work", w.awake);
	if (w.outward || w.awake) {
		evidence_add(
			to, "threads", w.outward + w.awake,
			"%zu of them can be woken from outside: by input, an answer or a timer",
			w.outward + w.awake);
		finding_advice(to, "See where each thread stands: what did not come, and who "
				   "should have sent it. If it may be idle for so long, give it "
				   "more time (--hang-after).");
		return;
	}
	evidence_add(to, "threads", 0,
		     "nothing from outside can wake any of them: each waits for another thread");
	hang_advise(to);
}
