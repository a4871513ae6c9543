/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What run and attach have in common: from the events of a live measurement to its reports.
 *
 *	session_start → (probes are opened and set on something) → session_drop → ... →
 *	supervise() with session_event and session_tell_code → session_report → session_end
 *
 * Each that can fail returns 0 or concprof's exit status, with err filled.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/live.h"
#include "cmd/record.h"
#include "launch/user.h"
#include "model/model.h"
#include "opts/opts.h"
#include "probe/probe.h"
#include "sym/sites.h"

struct session {
	const struct opts *o;
	struct launch_user
		writer; /* whom reports are written as: who called sudo, whatever -u says */
	struct probe *probe;
	struct sym *sym;
	struct sites *sites;
	struct live *live; /* NULL: nobody looks on */
	struct model_builder *builder;
	struct record *records[OPTS_OUTPUTS];
	size_t n_records;
	uint64_t naming_since; /* CLOCK_MONOTONIC; 0: not yet */
	bool said_progress;
	int signal_fd;
	int gates; /* what gates_status() said */
	struct err err;
};

/* Finds the writer, blocks signals, and starts what reads the program's files as the writer. */
int session_start(struct session *s, const struct opts *o);

/* Gives up what only the probes needed, and opens the outputs, as the writer. */
int session_drop(struct session *s);

/* With --live: from now on the terminal shows it. argv: the command, or what was attached to. */
int session_look_on(struct session *s, char *const *argv);

/* An event_fn; ctx is the session: all that is said goes to the model, and to each recording. */
int session_event(void *ctx, const struct event *ev);

/* See struct supervision. A signal that comes now ends it. */
int session_tell_code(void *ctx, uint64_t *ret_cpu_ns);

/* Judges the gates and writes all reports: text to standard error, unless it was sent elsewhere
 * or is not wanted. */
int session_report(struct session *s);

/* What is half-written goes. */
void session_end(struct session *s);
