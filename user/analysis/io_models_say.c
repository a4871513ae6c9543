// SPDX-License-Identifier: BSD-2-Clause
/* Models of input and output that cost more than others would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/units.h"

/* --- calls that return at once, again and again ------------------------------------------------ */

#define POLL_SAMPLES 8	 /* in such calls */
#define POLL_SHARE   0.2 /* of the thread's samples: much of such a call is its way in and out */
#define POLL_WALL    0.1 /* of the wall time */

static bool returns_at_once(const struct use *u)
{
	return u->what == USE_CALL && u->flags & (USE_NONBLOCK | USE_AT_ONCE);
}

/* In such calls, of the same thread. */
static uint64_t samples_at_once(const struct model *m, size_t thread, uint64_t *ret_ns)
{
	uint64_t samples = 0;

	*ret_ns = 0;
	for (size_t i = 0; i < m->n_uses; i++) {
		if (m->uses[i].thread != thread || !returns_at_once(&m->uses[i]))
			continue;
		samples += m->uses[i].count;
		*ret_ns += m->uses[i].ns;
	}
	return samples;
}

static bool is_read(enum io_call call)
{
	return call == IO_CALL_read || call == IO_CALL_readv || call == IO_CALL_pread64;
}

/* Whose reads mostly have something for it works through it. */
static bool is_fruitful(const struct thread *t, const struct use *u)
{
	return is_read(u->call) && t->flags & THREAD_IO_COUNTED &&
	       t->witness.read_bytes >= t->witness.reads;
}

static const char *flag_words(const struct use *u)
{
	return u->flags & USE_AT_ONCE ? "with a time-out of 0" : "which does not block";
}

static void say_reads(struct finding *to, const struct thread *t, const struct use *u)
{
	char reads[UNITS_SIZE], bytes[UNITS_SIZE];

	if (!is_read(u->call) || !(t->flags & THREAD_IO_COUNTED))
		return;
	evidence_add(to, "threads.io_calls.reads", t->witness.reads,
		     "it read %s times and got %s bytes in all: most reads had nothing for it",
		     units_count(reads, t->witness.reads),
		     units_count(bytes, t->witness.read_bytes));
}

static void find_busy_polling(struct findings *f)
{
	const struct use *u = f->polls;
	const struct thread *t = u ? &f->model->threads[u->thread] : NULL;
	char ran[UNITS_SIZE], where[48] = "";
	uint64_t samples, ns;
	struct finding *to;

	if (!u || is_fruitful(t, u))
		return;
	samples = samples_at_once(f->model, u->thread, &ns);
	if (samples < POLL_SAMPLES || samples < POLL_SHARE * u->of ||
	    ns < POLL_WALL * f->model->wall_ns)
		return;
	to = finding_add(f, "io.busy_polling", SEVERITY_WARNING);
	memcpy(to->subject, t->comm, sizeof(t->comm));
	if (u->fd != TARGET_NO_FD)
		snprintf(where, sizeof(where), " of descriptor %u", u->fd);
	finding_title(to, "asks again and again without blocking: %s%s, %s", io_call_name(u->call),
		      where, flag_words(u));
	evidence_add(to, "io_models.samples", samples,
		     "%llu of the thread's %llu samples by the clock were in such calls, about %s",
		     (unsigned long long)samples, (unsigned long long)u->of,
		     units_ns(ran, ns, true));
	say_reads(to, t, u);
	finding_advice(to,
		       "Wait for the descriptor instead: poll, or epoll for many, with a time-out "
		       "if there is something else to do. It then costs nothing until there is "
		       "something, and the CPU is free for others.");
}

/* --- a thread for each peer --------------------------------------------------------------------- */

#define PEERS_LEAST   8
#define BLOCKED_SHARE 0.8 /* of the life of each, for sockets */
#define LIFE_SHARE    0.1 /* of the wall time: shorter ones are jobs */
#define LISTEN_MOST   0.5 /* of the waiting for sockets: more, and they wait for who comes */

struct change {
	uint64_t at;
	int by;
};

static int earlier_first(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->by - y->by;
}

static uint64_t socket_ns(const struct thread *t)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == CAUSE_IO_SOCKET)
			return t->waits[i].ns;
	}
	return 0;
}

static bool waits_for_peer(const struct model *m, const struct thread *t)
{
	return t->lifetime_ns && t->lifetime_ns >= LIFE_SHARE * m->wall_ns &&
	       socket_ns(t) >= BLOCKED_SHARE * t->lifetime_ns;
}

static bool waits_for_new_ones(const struct model *m)
{
	double listening = 0, all = 0;

	for (size_t i = 0; i < m->n_ios; i++) {
		if (m->ios[i].cause != CAUSE_IO_SOCKET)
			continue;
		all += (double)m->ios[i].ns;
		listening += m->ios[i].side == SIDE_LISTENING || m->ios[i].side == SIDE_BOUND
				     ? (double)m->ios[i].ns
				     : 0;
	}
	return listening > LISTEN_MOST * all;
}

/* How many of these lived at once. */
static size_t most_at_once(struct change *changes, size_t n)
{
	size_t most = 0, now = 0;

	qsort(changes, n, sizeof(*changes), earlier_first);
	for (size_t i = 0; i < n; i++) {
		now += changes[i].by;
		most = now > most ? now : most;
	}
	return most;
}

static void say_peers(struct findings *f, size_t n, double share, bool are_processes)
{
	const char *what = are_processes ? "processes" : "threads";
	struct finding *to = finding_add(f, "io.thread_per_peer", SEVERITY_NOTE);
	char part[UNITS_SIZE];

	finding_title(to, "%zu %s, each blocked %s of its life for a socket", n, what,
		      units_percent(part, share));
	evidence_add(to, "io_models.threads", n,
		     "so many at once; an event loop would need one thread for all their sockets");
	finding_advice(to,
		       "With epoll, or a library on top of it, one thread waits for all of them: "
		       "that saves a stack for each, and a switch for each message. With no more "
		       "than some hundred that is a matter of taste: blocking code is simpler.");
}

static void find_thread_per_peer(struct findings *f)
{
	const struct model *m = f->model;
	struct change *changes = zeroed(2 * m->n_threads, sizeof(*changes));
	double blocked = 0, life = 0;
	size_t n = 0, leaders = 0, most;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!waits_for_peer(m, t))
			continue;
		changes[n++] = (struct change){ t->start_ns, 1 };
		changes[n++] = (struct change){ t->end_ns, -1 };
		blocked += (double)socket_ns(t);
		life += (double)t->lifetime_ns;
		leaders += t->flags & THREAD_LEADER ? 1 : 0;
	}
	most = most_at_once(changes, n);
	free(changes);
	if (most >= PEERS_LEAST && !waits_for_new_ones(m))
		say_peers(f, most, blocked / life, leaders * 2 == n);
}

void io_models_say(struct findings *f)
{
	find_busy_polling(f);
	find_thread_per_peer(f);
}
