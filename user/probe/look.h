/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Looks at tasks that nobody watches: iterators in an object of their own, without any probe, so
 * that no event of the machine costs anything, and no task is stopped.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../bpf/code.h"
#include "../bpf/look.h"
#include "base/err.h"

struct looker;

/* -EPERM, -ENOTSUP and the like come with the remedy in err. */
int looker_open(struct looker **ret, struct err *err);
void looker_free(struct looker *l);

/* From here on this process is looked at too. -E2BIG: they are too many. */
int looker_ask(struct looker *l, pid_t pid);

/* All are borrowed for the call; what is not 0 ends it and is returned. */
typedef int (*seen_fn)(void *ctx, const struct seen *s);
typedef int (*seen_end_fn)(void *ctx, const struct seen_end *e);
typedef int (*seen_stack_fn)(void *ctx, struct code_stack *s);

/* All threads of these processes. */
int looker_tasks(struct looker *l, seen_fn fn, void *ctx);
/* The registers and stacks of those that are off the CPU, as of CODE_STUCK; in cause_ns stands
 * how many switches the thread has made, by which it is known to wait still. */
int looker_stacks(struct looker *l, seen_stack_fn fn, void *ctx);
/* Who has these objects as descriptors, on the whole machine. Of very many some are not looked for. */
int looker_ends(struct looker *l, const uint64_t *objects, size_t n, seen_end_fn fn, void *ctx);

/* CLOCK_MONOTONIC less the scheduler's clock, as the last look found it. */
int64_t looker_clock_lag(const struct looker *l);
