// SPDX-License-Identifier: BSD-2-Clause
/*
 * Input and output in tiny pieces. What does not block is no wait, and no probe sees it; but the
 * kernel counts the calls of each thread, and what they moved.
 */
#include <string.h>

#include "analysis/internal.h"
#include "base/units.h"

#define CALLS_LEAST  20000
#define CALLS_MANY   100000
#define CALLS_PER_S  10000
#define BYTES_BELOW  64
#define WAITS_SHARE  0.1       /* of the calls: waits, at most */
#define KERNEL_SHARE 0.1       /* of its CPU time */
#define CPU_SHARE    0.1       /* of the program's, or it does not matter */
#define TICKED_LEAST 200000000 /* its CPU time, where the kernel's part of it is sampled */
#define NS_PER_S     1000000000.0

enum direction { READS, WRITES };

static uint64_t calls_of(const struct thread *t, enum direction d)
{
	return d == READS ? t->witness.reads : t->witness.writes;
}

static uint64_t bytes_of(const struct thread *t, enum direction d)
{
	return d == READS ? t->witness.read_bytes : t->witness.written_bytes;
}

static bool is_many(const struct thread *t, enum direction d)
{
	uint64_t n = calls_of(t, d);

	return n >= CALLS_MANY ||
	       (n >= CALLS_LEAST && n * NS_PER_S >= (double)CALLS_PER_S * t->lifetime_ns);
}

/* Who waits so often hands something over with each, or learns of something: that cannot be put
 * together. */
static bool is_hand_over(const struct thread *t, enum direction d)
{
	return t->blocks > WAITS_SHARE * calls_of(t, d);
}

/* Of its CPU time; -1: not known. */
static double kernel_share(const struct model *m, const struct thread *t)
{
	double both = (double)t->witness.user_ns + t->witness.kernel_ns;

	if (!both || (m->run.cpu_how != CPU_EXACT && both < TICKED_LEAST))
		return -1;
	return t->witness.kernel_ns / both;
}

/* One that sees to many others has a few bytes for each of them. */
static bool is_in_loop(const struct model *m, const struct thread *t)
{
	for (size_t i = 0; i < m->n_loops; i++) {
		if (m->loops[i].thread_id == t->id)
			return true;
	}
	return false;
}

static bool is_tiny(const struct findings *f, const struct thread *t, enum direction d)
{
	return t->flags & THREAD_IO_COUNTED && t->lifetime_ns && is_many(t, d) &&
	       !is_in_loop(f->model, t) && !is_hand_over(t, d) &&
	       bytes_of(t, d) < (double)BYTES_BELOW * calls_of(t, d) &&
	       t->state_ns[TS_RUNNING] >= CPU_SHARE * f->totals.state_ns[TS_RUNNING] &&
	       kernel_share(f->model, t) >= KERNEL_SHARE;
}

static const char *word_of(enum direction d)
{
	return d == READS ? "reads" : "writes";
}

static void say_calls(struct finding *to, const struct thread *t, enum direction d)
{
	char count[UNITS_SIZE], bytes[UNITS_SIZE], mean[UNITS_SIZE];
	uint64_t calls = calls_of(t, d);

	evidence_add(to, d == READS ? "threads.io_calls.reads" : "threads.io_calls.writes", calls,
		     "%s %s moved %s in all, %s bytes each", units_count(count, calls), word_of(d),
		     units_bytes(bytes, bytes_of(t, d)),
		     units_mean(mean, (double)bytes_of(t, d) / calls));
}

static void say(struct findings *f, const struct thread *t, enum direction d)
{
	struct finding *to = finding_add(f, "io.tiny", SEVERITY_WARNING);
	char rate[UNITS_SIZE], mean[UNITS_SIZE], share[UNITS_SIZE];
	uint64_t calls = calls_of(t, d);

	memcpy(to->subject, t->comm, sizeof(t->comm));
	finding_title(to, "%s %s a second, of %s bytes on average",
		      units_count(rate, (uint64_t)(calls * NS_PER_S / t->lifetime_ns)), word_of(d),
		      units_mean(mean, (double)bytes_of(t, d) / calls));
	say_calls(to, t, d);
	if (d == READS && is_tiny(f, t, WRITES))
		say_calls(to, t, WRITES);
	evidence_add(to, "threads.cpu.kernel_ns", t->witness.kernel_ns,
		     "%s of the thread's CPU time was in the kernel",
		     units_percent(share, kernel_share(f->model, t)));
	finding_advice(
		to, d == READS ? "Read more at once: through a buffer (stdio, BufferedReader), a "
				 "larger block size, or mmap. A small file of its own for each "
				 "number cannot be read otherwise: then read it less often."
			       : "Write more at once: through a buffer (stdio without a flush "
				 "after each piece), a larger block size, or writev for several "
				 "pieces.");
}

/* The thread that does so most; NULL: none does. */
static const struct thread *find(const struct findings *f, enum direction d)
{
	const struct thread *most = NULL;

	for (size_t i = 0; i < f->model->n_threads; i++) {
		const struct thread *t = &f->model->threads[i];

		if (is_tiny(f, t, d) && (!most || calls_of(t, d) > calls_of(most, d)))
			most = t;
	}
	return most;
}

void tiny_calls_find(struct findings *f)
{
	const struct thread *reader = find(f, READS), *writer = find(f, WRITES);

	if (reader)
		say(f, reader, READS);
	if (writer && writer != reader)
		say(f, writer, WRITES);
}
