/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The source of a live measurement: loads the probes, attaches them, and turns
 * what they add up into events. The only user of libbpf.
 *
 *	probe_open → probe_watch → (the command is released) → probe_read ... →
 *	probe_finish → probe_free
 *
 * To attach to what runs, probe_attach() stands in the place of probe_watch(). After these
 * no capability is needed any more.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "bpf/attach.h"
#include "bpf/peek.h"
#include "event/code.h"
#include "event/event.h"
#include "waitfor/waitfor.h"

struct probe;

struct probe_opts {
	bool linger;	       /* the measurement goes on until the last tracked thread ends */
	bool all_calls;	       /* futex and epoll calls all the time, not in windows */
	bool timeline;	       /* each step of each thread, too: EV_MARKS */
	bool live;	       /* probe_peek() is called now and then */
	bool attaches;	       /* probe_attach() follows, not probe_watch() */
	bool in_cgroup;	       /* ... of a cgroup, into which others may come */
	struct code_sink code; /* takes stacks and mappings whenever events are handed over */
};

/* Loads and attaches all probes that this kernel has. -EPERM, -ENOTSUP and the
 * like come with the remedy in err. */
int probe_open(struct probe **ret, const struct probe_opts *opts, struct err *err);
void probe_free(struct probe *p);

/* Marks the held command: its life begins with its next switch-in. It must wait
 * for its release; returns once it does. cpus: how many it may use. The calling
 * thread becomes the one whose switch-ins relate the clocks. */
int probe_watch(struct probe *p, pid_t held, unsigned int cpus, struct err *err);

/* What to take over of what runs already; attach.h says what each is. */
struct probe_attachment {
	enum attach_which which;
	const pid_t *pids;
	size_t n_pids;
	uint64_t cgroup; /* its inode's number */
};

typedef int (*attached_fn)(void *ctx, const struct attached *process);

/* Takes over the threads of these processes as they are, and so begins the measurement; says of each
 * process that it was, then and, of a cgroup, from probe_read() as others come. As with probe_watch() the
 * calling thread relates the clocks. -ESRCH: there is none. */
int probe_attach(struct probe *p, const struct probe_attachment *what, attached_fn fn, void *ctx,
		 struct err *err);
typedef int (*peeked_fn)(void *ctx, const struct peeked *thread);

/* How things stand, while the measurement goes on: each living thread; then locks and who waited there
 * (EV_LOCK, EV_LOCK_WAITER) and targets (EV_IO), of all the time so far. */
int probe_peek(struct probe *p, peeked_fn thread, event_fn fn, void *ctx);

/* Readable when much is waiting to be read; look now and then anyway. */
int probe_fd(const struct probe *p);

/* Hands over what has come, and the program's sums so far (EV_WALL). */
int probe_read(struct probe *p, event_fn fn, void *ctx);

/* Has the measurement ended by itself, with the command or, lingering, with the last thread? */
bool probe_is_over(const struct probe *p);

/* Does the program use futexes, epoll or channels, so that a window of their calls is worthwhile? */
bool probe_has_waits(const struct probe *p);

/* Opens or closes a window of the calls that can be counted. Closing takes some milliseconds. */
int probe_window(struct probe *p, bool open, struct err *err);

/* Does any thread wait for what one other has, or for its end, with no time-out? Costs nothing. */
bool probe_may_be_stuck(const struct probe *p);

/* Detaches what has nothing to see for a while, and attaches it again; in so many ns it is to be called
 * again. */
uint64_t probe_rest(struct probe *p);

/* All threads that wait with no time-out for what others of the program have to do, and what they
 * need, by the scheduler's clock; to be freed in any case. */
int probe_stuck(struct probe *p, struct look *ret);
void probe_stuck_free(struct look *look);

/* Hands the stacks of these to the sink of code, or with NULL those of all that are blocked:
 * CODE_STUCK. */
int probe_stuck_stacks(struct probe *p, const uint64_t *thread_ids, size_t n);

/* How long no thread has run, but such as looked and found nothing to do. */
int probe_still_ns(struct probe *p, uint64_t *ret);

/* Pids of the tracked processes that are alive, as an array that the caller frees. */
int probe_pids(struct probe *p, pid_t **ret, size_t *ret_n);

/* Is this very process tracked? Asked by pidfd, so its number cannot have been reused. */
bool probe_is_tracked(struct probe *p, int pidfd);

/* Ends the measurement, if it has not ended by itself, and hands over the rest:
 * ledgers of the living, sums, losses, the probes' cost; all but EV_END, whose
 * cost fields are set in *end. */
int probe_finish(struct probe *p, event_fn fn, void *ctx, struct ev_end *end);

/* One row of what works here; see feature.c. */
struct feature {
	const char *name;
	bool works;
	bool needed;   /* concprof does not run without it */
	char why[160]; /* it does not work, and the remedy; or what is known about it */
};

/* Tries each thing that the probes need, without leaving anything behind. Fills
 * at most `room` rows and returns how many there are. */
size_t probe_features(struct feature *rows, size_t room);
