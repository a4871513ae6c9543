/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A stream of events as text, for tests. One event a line; `#` begins a comment
 * line; a backslash at the end joins the next line.
 *
 *	options width=80 utf8=1 color=0 top=10 verbose=0
 *	run mode=run cpus=2 cpus_allowed=2 quota_us=-1
 *	text what=kernel text="6.1"
 *	exec at=0 process_id=1 thread_id=1 pid=7 comm="sh" path="/bin/sh" args="sh" args="-c"
 *	thread id=1 flags=leader|ended start_at=1s end_at=2s state.running=900ms \
 *	       wait.io.disk=100ms:60ms:2
 *	repeat 9 thread id=2+i tid=100+i comm="worker-%i"
 *	wall start_at=1s at=2s by_count.1=900ms row.io=100ms
 *	life what=born process_id=2 at=1s birth=fork by_id=1 by_pid=7 by_comm="sh"
 *	life what=reaped reap=pid pid=8 at=2s by_id=1 by_pid=7 by_comm="sh" flags=awaited
 *
 * The first word is the kind, as in enum event_kind. Fields are named as in
 * bpf/event.h, without `sums.` and `ledger.`; only those that are named are set.
 * Numbers are sums of terms; a term is a number with an optional ns, us, ms, s,
 * or i, or i*number, where i counts the repetitions from 0. In strings %i is
 * that count, and \xNN, \n, \" and \\ are what C makes of them. A wait is
 * total:longest:count. `birth` and `reap` are the `code` of a life in words; its `doing` is
 * a cause, or running. An address is in hex, as in key.address=7f000001. `args` may
 * be given many times. Rows have their names, or that of their kind (row.io is
 * row.io_device); of a thread without rows, they are those of its waits' causes.
 */
#include <stdio.h>

#include "event/event.h"
#include "report/report.h"

struct stream_error {
	unsigned int line;
	char text[160];
};

/* Sends each event to fn and puts the options into opts. 0; -EINVAL with *error
 * filled; or what fn returned. */
int stream_read(FILE *in, struct report_opts *opts, event_fn fn, void *ctx,
		struct stream_error *error);
