/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The parts of the JSON document that json.c puts together.
 */
#include "analysis/findings.h"
#include "base/json.h"
#include "report/room.h"

void json_totals(struct json *j, const struct findings *f);
void json_threads(struct json *j, const struct findings *f, struct room *r);
void json_processes(struct json *j, const struct findings *f, struct room *r);
void json_peers(struct json *j, const struct model *m, struct room *r);
void json_others(struct json *j, const struct model *m, struct room *r);
/* Innermost first; NULL: not known, which is an empty one. */
void json_stack(struct json *j, const struct model *m, const struct stack *s);
void json_sites(struct json *j, const struct findings *f, struct room *r);
/* n_locks: as many of them are listed. */
void json_deadlocks(struct json *j, const struct findings *f, size_t n_locks, struct room *r);
void json_locks(struct json *j, const struct findings *f, struct room *r);
/* Waits by the power of two of their length. */
void json_histogram(struct json *j, const char *key, const uint64_t *waits, size_t n);
/* json_io.c */
void json_io(struct json *j, const struct findings *f, struct room *r);
/* json_channels.c */
void json_channels(struct json *j, const struct findings *f, struct room *r);
void json_signals(struct json *j, const struct model *m, struct room *r);
void json_handlers(struct json *j, const struct findings *f, struct room *r);
/* json_path.c: only of a timeline */
void json_path(struct json *j, const struct findings *f, struct room *r);
void json_wakings(struct json *j, const struct findings *f, struct room *r);
/* json_kinds.c: the first is part of an object. */
void json_kind_names(struct json *j, const struct findings *f);
void json_kinds(struct json *j, const struct findings *f, struct room *r);
void json_amdahl(struct json *j, const struct findings *f);
/* json_models.c */
void json_model(struct json *j, const struct findings *f);
void json_io_models(struct json *j, const struct findings *f);
/* json_sched.c: of a thread, as a member of it; of a thread or of all. */
void json_sched(struct json *j, const struct thread *t);
void json_slices(struct json *j, uint64_t running_ns, uint64_t switches, uint64_t longest_ns,
		 uint64_t preempts, uint64_t preempted_run_ns);
void json_cgroups(struct json *j, const struct findings *f, struct room *r);
void json_takers(struct json *j, const struct findings *f, struct room *r);
/* json_loops.c */
void json_loops(struct json *j, const struct model *m, struct room *r);
void json_lifecycle(struct json *j, const struct findings *f, struct room *r);
/* One look at threads. */
void json_why(struct json *j, const struct findings *f, struct room *r);
/* json_lives.c: the story of a process, as a member of it. */
void json_story(struct json *j, const struct process *p, struct room *r);

void json_gates(struct json *j, const struct gate_result *results, size_t n);
/* With so many of the losses. */
void json_measurement(struct json *j, const struct findings *f, size_t n_lost);
void json_calls(struct json *j, const struct model *m);
void json_strip(struct json *j, const struct model *m);

/* Begins an object with "code" and "signal" of a wait status; the caller ends it. */
void json_begin_status(struct json *j, const char *key, uint32_t status);
