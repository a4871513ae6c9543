/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What gate_rows[] asks for that does not simply lie in the findings: see struct gate_row. */
#include "analysis/gate_rows.h"

/* "verdict.cpu", "lock.order": in the order of findings["%s"]. */
const char *gate_rule_name(unsigned int i);

struct gate_value get_quota(const struct findings *f, unsigned int key);
struct gate_value get_mode(const struct findings *f, unsigned int key);
struct gate_value get_ended_by(const struct findings *f, unsigned int key);
struct gate_value get_exit_code(const struct findings *f, unsigned int key);
struct gate_value get_exit_signal(const struct findings *f, unsigned int key);
struct gate_value get_class(const struct findings *f, unsigned int key);
struct gate_value get_runner_up(const struct findings *f, unsigned int key);
struct gate_value get_parts(const struct findings *f, unsigned int key);
struct gate_value get_of_rule(const struct findings *f, unsigned int key);
struct gate_value get_concurrency(const struct findings *f, unsigned int key);
struct gate_value get_serial_share(const struct findings *f, unsigned int key);
struct gate_value get_kind(const struct findings *f, unsigned int key);
struct gate_value get_queued_others(const struct findings *f, unsigned int key);
struct gate_value get_slice(const struct findings *f, unsigned int key);
struct gate_value get_omitted(const struct findings *f, unsigned int key);
struct gate_value get_wait_sites(const struct findings *f, unsigned int key);
struct gate_value get_cpu_sites(const struct findings *f, unsigned int key);
struct gate_value get_path_time(const struct findings *f, unsigned int key);
struct gate_value get_path_end(const struct findings *f, unsigned int key);
struct gate_value get_path_start(const struct findings *f, unsigned int key);
struct gate_value get_path_parts(const struct findings *f, unsigned int key);
struct gate_value get_path_hops(const struct findings *f, unsigned int key);
struct gate_value get_wakings(const struct findings *f, unsigned int key);

/* Is there such a value? */
bool has_end(const struct findings *f, unsigned int key);
bool has_status(const struct findings *f, unsigned int key);
bool knows_end(const struct findings *f, unsigned int key);
bool has_cost(const struct findings *f, unsigned int key);
bool has_mode(const struct findings *f, unsigned int key);
bool is_mixed(const struct findings *f, unsigned int key);
bool has_strip(const struct findings *f, unsigned int key);
bool has_notes(const struct findings *f, unsigned int key);
bool has_calls(const struct findings *f, unsigned int key);
bool has_slices(const struct findings *f, unsigned int key);
bool knows_idle(const struct findings *f, unsigned int key);
bool has_wait(const struct findings *f, unsigned int key);
bool has_io_model(const struct findings *f, unsigned int key);
bool has_amdahl(const struct findings *f, unsigned int key);
bool has_path(const struct findings *f, unsigned int key);
bool has_row(const struct findings *f, unsigned int key);
