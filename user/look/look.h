/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One look at processes that run, unwatched: what each of their threads waits for and who could end
 * that, with the processes that they wait for; as events.
 *
 *	look_new → look_at → look_code → look_tell → look_free
 *
 * After look_code() no privilege is needed any more.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "event/code.h"
#include "event/event.h"
#include "probe/look.h"

struct look_around;

#define LOOK_PROCESSES 256 /* those that were asked for and those that these wait for */

/* The looker is borrowed. NULL: out of memory. */
struct look_around *look_new(struct looker *looker);
void look_free(struct look_around *l);

/* Hands the code of a process that may be looked at to the sink: early, for who has time. */
int look_maps(uint32_t pid, const struct code_sink *sink);

/* Looks at these processes, and at those that they wait for: twice if any of it may be a
 * deadlock. -ESRCH, -EINVAL: one of them cannot be looked at, as err says. */
int look_at(struct look_around *l, const pid_t *pids, size_t n, struct err *err);
/* Was it found? Of several that were asked for one may have ended meanwhile. */
bool look_has(const struct look_around *l, pid_t pid);
/* Are more processes waited for than LOOK_PROCESSES? */
bool look_is_cut(const struct look_around *l);
/* Whom it has looked at; the first is 0. 0: there are no more. */
uint32_t look_process(const struct look_around *l, size_t i);
/* Hands their code and their stacks to the sink. */
int look_code(struct look_around *l, const struct code_sink *sink, struct err *err);

/* EV_EXEC, EV_THREAD, EV_STAND and so on; all but what comes first and last in a stream. */
int look_tell(const struct look_around *l, event_fn fn, void *ctx);
