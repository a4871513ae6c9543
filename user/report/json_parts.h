/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The parts of the JSON document that json.c puts together.
 */
#include "analysis/findings.h"
#include "base/json.h"

void json_totals(struct json *j, const struct findings *f);
void json_threads(struct json *j, const struct findings *f);
void json_processes(struct json *j, const struct findings *f);
void json_peers(struct json *j, const struct model *m);
void json_others(struct json *j, const struct model *m);
void json_sites(struct json *j, const struct findings *f);
void json_lifecycle(struct json *j, const struct findings *f);
/* json_lives.c: the story of a process, as a member of it. */
void json_story(struct json *j, const struct process *p);

void json_gates(struct json *j, const struct gate_result *results, size_t n);
void json_measurement(struct json *j, const struct findings *f);
void json_calls(struct json *j, const struct model *m);
void json_strip(struct json *j, const struct model *m);

/* Begins an object with "code" and "signal" of a wait status; the caller ends it. */
void json_begin_status(struct json *j, const char *key, uint32_t status);
