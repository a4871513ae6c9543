// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/gate_values.h"

#include <string.h>

#include "../bpf/wall.h"

/* --- names ----------------------------------------------------------------------- */

static const char *class_word(unsigned int i)
{
	return class_name(i);
}

static const char *part_name(unsigned int row)
{
	return row_is_part(row) ? row_name(row) : NULL;
}

/* Waits for what is not known stand apart. */
static const char *known_cause(unsigned int cause)
{
	return cause == CAUSE_UNKNOWN ? NULL : cause_name(cause);
}

static const char *const verdict_rules[] = {
	"verdict.cpu",	 "verdict.io",	 "verdict.lock",  "verdict.crowd",   "verdict.starved",
	"verdict.sleep", "verdict.idle", "verdict.mixed", "verdict.unknown", "verdict.deadlock",
};

#define VERDICT_RULES (sizeof(verdict_rules) / sizeof(*verdict_rules))
#define RULES	      (VERDICT_RULES + FINDING_RULES)

const char *gate_rule_name(unsigned int i)
{
	return i < VERDICT_RULES ? verdict_rules[i] : finding_rules[i - VERDICT_RULES];
}

bool gate_knows_rule(const char *rule)
{
	for (unsigned int i = 0; i < RULES; i++) {
		if (!strcmp(gate_rule_name(i), rule))
			return true;
	}
	return false;
}

static const struct gate_names classes = { CLASS_COUNT, class_word };
static const struct gate_names all_rules = { RULES, gate_rule_name };
static const struct gate_names ends = { ENDED_KEY + 1, ended_by_name };
static const struct gate_names kinds = { ROW_KINDS, kind_name };
static const struct gate_names parts = { ROW_COUNT, part_name };
static const struct gate_names wait_rows = { ROW_COUNT, row_name };
static const struct gate_names states = { TS_COUNT, state_name };
static const struct gate_names causes = { CAUSE_COUNT, known_cause };

static const char *model_word(unsigned int i)
{
	return io_model_name(i);
}

static const char *kind_word(unsigned int i)
{
	return concurrency_name(i);
}

static const struct gate_names path_whats = { PATH_WHAT_COUNT, path_what_name };
static const struct gate_names concurrency = { KIND_COUNT, kind_word };

static const struct gate_names io_models = { IO_MODEL_COUNT, model_word };

/* --- the table ------------------------------------------------------------------- */

#define SIZE_OF(type, member) sizeof(((struct type *)0)->member)
#define FINDINGS(member)      .at = offsetof(struct findings, member), .size = SIZE_OF(findings, member)
#define MODEL(member)                                                                              \
	.in_model = true, .at = offsetof(struct model, member), .size = SIZE_OF(model, member)
#define LOCK(member)                                                                               \
	.of_lock = true, .at = offsetof(struct lock_sum, member), .size = SIZE_OF(lock_sum, member)
#define EACH(all)		.names = &(all), .step = sizeof(uint64_t)
#define ONLY_IF(condition, why) .is_there = condition, .why_absent = why

#define NO_END		     "the measurement has no end"
#define NO_CALLS	     "no calls were counted"
#define CALLS		     ONLY_IF(has_calls, NO_CALLS)
#define SLICES		     ONLY_IF(has_slices, "no time on a CPU has ended, or the recording is older")
#define PATH		     ONLY_IF(has_path, "there is no timeline: --timeline")
#define AMDAHL		     ONLY_IF(has_amdahl, "it says nothing of this run")
#define IF_WAITED(condition) ONLY_IF(condition, "nothing waited so"), .else_zero = true
#define WAITS		     .names = &causes, .step = sizeof(struct wait), IF_WAITED(has_wait)
#define IO_MODELS	     .names = &io_models, .step = sizeof(struct io_model_sum), IF_WAITED(has_io_model)

const struct gate_row gate_rows[] = {
	{ "system.kernel", GATE_WORD, MODEL(texts[TEXT_KERNEL]) },
	{ "system.arch", GATE_WORD, MODEL(texts[TEXT_ARCH]) },
	{ "system.host", GATE_WORD, MODEL(texts[TEXT_HOST]) },
	{ "system.cpus", GATE_COUNT, MODEL(run.cpus) },
	{ "system.cpus_allowed", GATE_COUNT, MODEL(run.cpus_allowed) },
	{ "system.cpu_quota", GATE_MEAN, .get = get_quota },
	{ "mode", GATE_WORD, .get = get_mode, ONLY_IF(has_mode, "it is not known") },
	{ "ended_by", GATE_WORD, .words = &ends, .get = get_ended_by, ONLY_IF(knows_end, NO_END) },
	{ "command", GATE_COUNT, MODEL(n_command) },
	{ "executable", GATE_WORD, MODEL(texts[TEXT_EXECUTABLE]) },
	{ "user.uid", GATE_COUNT, MODEL(run.uid) },
	{ "exit.code", GATE_COUNT, .get = get_exit_code,
	  ONLY_IF(has_status, "the command's end was not seen") },
	{ "exit.signal", GATE_COUNT, .get = get_exit_signal,
	  ONLY_IF(has_status, "the command's end was not seen") },

	{ "wall", GATE_TIME, MODEL(wall_ns) },
	{ "wall.running", GATE_TIME, FINDINGS(running_ns) },
	{ "wall.runnable", GATE_TIME, MODEL(wall.runnable_ns) },
	{ "wall.%s", GATE_TIME, .names = &kinds, .get = get_kind },
	{ "wall.serialised", GATE_TIME, FINDINGS(serialised_ns) },
	{ "wall_parts.running_convoy", GATE_TIME, MODEL(wall.convoy_ns) },
	{ "wall_parts.runnable_latency", GATE_TIME, MODEL(wall.latency_ns) },
	{ "wall_parts.runnable_limit", GATE_TIME, MODEL(wall.limit_ns) },
	{ "wall_parts.%s", GATE_TIME, MODEL(wall.row_ns[0]), EACH(parts) },
	{ "parallelism.mean", GATE_MEAN, FINDINGS(parallelism) },
	{ "parallelism.cpus_allowed", GATE_MEAN, FINDINGS(cpus_allowed) },
	{ "parallelism.running_ns_by_count", GATE_COUNT, FINDINGS(n_counts) },
	{ "parallelism.threads_at_once", GATE_COUNT, FINDINGS(threads_at_once) },
	{ "parallelism.serial", GATE_TIME, FINDINGS(amdahl.serial_ns), AMDAHL },
	{ "parallelism.parallel_cpu", GATE_TIME, FINDINGS(amdahl.parallel_ns), AMDAHL },
	{ "parallelism.serial_share", GATE_SHARE, .get = get_serial_share, AMDAHL },
	{ "phases", GATE_COUNT, FINDINGS(n_phases) },
	{ "strip", GATE_COUNT, MODEL(n_strip), ONLY_IF(has_strip, "the run was too short") },

	{ "verdict.class", GATE_WORD, .words = &classes, .get = get_class },
	{ "verdict.rule", GATE_WORD, .words = &all_rules, FINDINGS(verdict.rule) },
	{ "verdict.margin", GATE_SHARE, FINDINGS(verdict.margin) },
	{ "verdict.runner_up", GATE_WORD, .words = &classes, .get = get_runner_up },
	{ "verdict.parts", GATE_COUNT, .get = get_parts,
	  ONLY_IF(is_mixed, "the verdict is not mixed") },
	{ "findings", GATE_COUNT, FINDINGS(n_list) },
	{ "findings[\"%s\"]", GATE_COUNT, .names = &all_rules, .get = get_of_rule },

	{ "totals.threads", GATE_COUNT, FINDINGS(totals.threads) },
	{ "totals.processes", GATE_COUNT, FINDINGS(totals.processes) },
	{ "totals.lifetime", GATE_TIME, FINDINGS(totals.lifetime_ns) },
	{ "totals.states.%s", GATE_TIME, FINDINGS(totals.state_ns[0]), EACH(states) },
	{ "totals.queued_behind.own", GATE_TIME, FINDINGS(totals.queued_own_ns) },
	{ "totals.queued_behind.idle", GATE_TIME, FINDINGS(totals.queued_idle_ns) },
	{ "totals.queued_behind.others", GATE_TIME, .get = get_queued_others },
	{ "totals.blocked[\"%s\"]", GATE_TIME, FINDINGS(totals.waits[0].ns), WAITS },
	{ "totals.blocked[\"%s\"].count", GATE_COUNT, FINDINGS(totals.waits[0].count), WAITS },
	{ "totals.blocked[\"%s\"].max", GATE_TIME, FINDINGS(totals.waits[0].max_ns), WAITS },
	{ "totals.blocked[\"%s\"].open", GATE_FLAG, FINDINGS(totals.waits[0].open), WAITS },
	{ "totals.unknown_waits", GATE_TIME, FINDINGS(totals.waits[CAUSE_UNKNOWN].ns),
	  IF_WAITED(has_wait) },
	{ "totals.unknown_waits.count", GATE_COUNT, FINDINGS(totals.waits[CAUSE_UNKNOWN].count),
	  IF_WAITED(has_wait) },
	{ "totals.unknown_waits.max", GATE_TIME, FINDINGS(totals.waits[CAUSE_UNKNOWN].max_ns),
	  IF_WAITED(has_wait) },
	{ "totals.unknown_waits.open", GATE_FLAG, FINDINGS(totals.waits[CAUSE_UNKNOWN].open),
	  IF_WAITED(has_wait) },
	{ "totals.waited_for.%s", GATE_TIME, FINDINGS(totals.row_ns[0]), EACH(wait_rows),
	  IF_WAITED(has_row) },
	{ "totals.switches.seen", GATE_COUNT, FINDINGS(totals.switches) },
	{ "totals.switches.voluntary", GATE_COUNT, FINDINGS(totals.voluntary) },
	{ "totals.switches.involuntary", GATE_COUNT, FINDINGS(totals.involuntary) },
	{ "totals.switches.yields", GATE_COUNT, FINDINGS(totals.yields) },
	{ "totals.switches.migrations", GATE_COUNT, FINDINGS(totals.migrations) },
	{ "totals.slices.mean", GATE_TIME, .get = get_slice, SLICES },
	{ "totals.slices.longest", GATE_TIME, FINDINGS(totals.longest_run_ns), SLICES },
	{ "totals.slices.preempted", GATE_COUNT, FINDINGS(totals.preempts), SLICES },
	{ "totals.slices.preempted_run", GATE_TIME, FINDINGS(totals.preempted_run_ns), SLICES },

	{ "critical_path.start", GATE_TIME, .get = get_path_start, PATH },
	{ "critical_path.end", GATE_TIME, .get = get_path_end, PATH },
	{ "critical_path.%s", GATE_TIME, .names = &path_whats, .get = get_path_time, PATH },
	{ "critical_path.parts", GATE_COUNT, .get = get_path_parts, PATH },
	{ "critical_path.hops", GATE_COUNT, .get = get_path_hops, PATH },
	{ "wakings", GATE_COUNT, .get = get_wakings, PATH },

	{ "calls.windows", GATE_COUNT, MODEL(calls.windows), CALLS },
	{ "calls.window", GATE_TIME, MODEL(calls.window_ns), CALLS },
	{ "calls.all_time", GATE_FLAG, MODEL(calls.all_time), CALLS },
	{ "calls.futex.waits", GATE_COUNT, MODEL(calls.sums.futex_waits), CALLS },
	{ "calls.futex.wakes", GATE_COUNT, MODEL(calls.sums.futex_wakes), CALLS },
	{ "calls.futex.other", GATE_COUNT, MODEL(calls.sums.futex_other), CALLS },
	{ "calls.futex.blocked", GATE_COUNT, MODEL(calls.sums.futex_blocked), CALLS },
	{ "calls.futex.again", GATE_COUNT, MODEL(calls.sums.futex_again), CALLS },
	{ "calls.futex.timeouts", GATE_COUNT, MODEL(calls.sums.futex_timeouts), CALLS },
	{ "calls.futex.woken", GATE_COUNT, MODEL(calls.sums.futex_woken), CALLS },
	{ "calls.futex.wakes_without_waiter", GATE_COUNT, MODEL(calls.sums.futex_wake_none),
	  CALLS },
	{ "calls.epoll.waits", GATE_COUNT, MODEL(calls.sums.epoll_waits), CALLS },
	{ "calls.epoll.events", GATE_COUNT, MODEL(calls.sums.epoll_events), CALLS },
	{ "calls.epoll.empty", GATE_COUNT, MODEL(calls.sums.epoll_empty), CALLS },
	{ "calls.epoll.ready", GATE_COUNT, MODEL(calls.sums.epoll_ready), CALLS },

	{ "threads", GATE_COUNT, MODEL(n_threads) },
	{ "processes", GATE_COUNT, MODEL(n_processes) },
	{ "locks", GATE_COUNT, MODEL(n_locks) },
	{ "lock_orders", GATE_COUNT, MODEL(n_lock_orders) },
	{ "deadlocks", GATE_COUNT, MODEL(n_deadlocks) },
	{ "locks[\"%s\"]", GATE_COUNT, LOCK(n) },
	{ "locks[\"%s\"].waits", GATE_COUNT, LOCK(waits) },
	{ "locks[\"%s\"].wait", GATE_TIME, LOCK(ns) },
	{ "locks[\"%s\"].max_wait", GATE_TIME, LOCK(max_ns) },
	{ "locks[\"%s\"].waited_wall", GATE_TIME, LOCK(any_ns) },
	{ "locks[\"%s\"].blamed", GATE_TIME, LOCK(blamed_ns) },
	{ "locks[\"%s\"].timeouts", GATE_COUNT, LOCK(timeouts) },
	{ "locks[\"%s\"].open_waits", GATE_COUNT, LOCK(open) },
	{ "model.concurrency", GATE_COUNT, FINDINGS(n_kind_names) },
	{ "model.concurrency[\"%s\"]", GATE_COUNT, .names = &concurrency, .get = get_concurrency },
	{ "concurrency", GATE_COUNT, FINDINGS(n_kinds) },
	{ "model.io", GATE_COUNT, FINDINGS(n_named_io_models) },
	{ "io_models", GATE_COUNT, FINDINGS(n_io_models) },
	{ "io_models[\"%s\"].share", GATE_SHARE, FINDINGS(io_models[0].share), IO_MODELS },
	{ "io_models[\"%s\"].waits", GATE_COUNT, FINDINGS(io_models[0].waits), IO_MODELS },
	{ "io_models[\"%s\"].wait", GATE_TIME, FINDINGS(io_models[0].wait_ns), IO_MODELS },
	{ "io_models[\"%s\"].samples", GATE_COUNT, FINDINGS(io_models[0].samples), IO_MODELS },
	{ "io", GATE_COUNT, MODEL(n_ios) },
	{ "loops", GATE_COUNT, MODEL(n_loops) },
	{ "channels", GATE_COUNT, FINDINGS(channels.n) },
	{ "signals", GATE_COUNT, MODEL(n_signals) },
	{ "signal_handlers", GATE_COUNT, FINDINGS(n_handlers) },
	{ "peers", GATE_COUNT, MODEL(n_peers) },
	{ "others", GATE_COUNT, MODEL(n_others) },
	{ "cgroups", GATE_COUNT, FINDINGS(n_cgroups) },
	{ "takers", GATE_COUNT, FINDINGS(n_takers) },
	{ "sampling.waits_sampled", GATE_FLAG, FINDINGS(sites.is_sampled) },
	{ "sampling.wait", GATE_TIME, FINDINGS(sites.wait_ns) },
	{ "sampling.sited", GATE_TIME, FINDINGS(sites.sited_ns) },
	{ "sampling.own", GATE_TIME, FINDINGS(sites.own_ns) },
	{ "sampling.cpu_samples", GATE_COUNT, FINDINGS(sites.cpu_samples) },
	{ "wait_sites", GATE_COUNT, .get = get_wait_sites },
	{ "cpu_sites", GATE_COUNT, .get = get_cpu_sites },
	{ "lifecycle.zombies", GATE_COUNT, FINDINGS(lives.n_zombies) },
	{ "lifecycle.zombies_before", GATE_COUNT, MODEL(n_unreaped) },
	{ "lifecycle.zombies_at_once", GATE_COUNT, FINDINGS(lives.peak) },
	{ "lifecycle.orphans", GATE_COUNT, FINDINGS(lives.n_orphans) },
	{ "lifecycle.survivors", GATE_COUNT, FINDINGS(lives.n_survivors) },
	{ "lifecycle.deaths", GATE_COUNT, FINDINGS(lives.n_deaths) },
	{ "lifecycle.reaping", GATE_TIME, FINDINGS(lives.reaping_ns) },
	{ "lifecycle.reaping.count", GATE_COUNT, FINDINGS(lives.n_reaped) },
	{ "lifecycle.reaping.max", GATE_TIME, FINDINGS(lives.reaping_max_ns) },

	{ "omitted", GATE_COUNT, .get = get_omitted },
	{ "measurement.complete", GATE_FLAG, MODEL(complete) },
	{ "measurement.lost", GATE_COUNT, MODEL(n_losses) },
	{ "measurement.residual", GATE_TIME, FINDINGS(trust.residual_ns) },
	{ "measurement.kernel_disagreement.running", GATE_TIME, FINDINGS(trust.running_off_ns) },
	{ "measurement.kernel_disagreement.run_delay", GATE_TIME, FINDINGS(trust.delay_off_ns) },
	{ "measurement.kernel_disagreement.switches", GATE_COUNT, FINDINGS(trust.switches_off) },
	{ "measurement.probes", GATE_COUNT, MODEL(n_probes) },
	{ "measurement.bpf_ns_estimated", GATE_TIME, MODEL(end.bpf_ns), ONLY_IF(has_end, NO_END) },
	{ "measurement.bpf_share_of_cpu", GATE_SHARE, FINDINGS(trust.bpf_share),
	  ONLY_IF(has_cost, "no CPU time was measured") },
	{ "measurement.collector_cpu", GATE_TIME, MODEL(end.collector_cpu_ns),
	  ONLY_IF(has_end, NO_END) },
	{ "measurement.collector_rss", GATE_BYTES, MODEL(end.collector_rss_bytes),
	  ONLY_IF(has_end, NO_END) },
	{ "measurement.idle", GATE_TIME, MODEL(end.idle_ns),
	  ONLY_IF(knows_idle, "it is not known") },
	{ "measurement.notes", GATE_COUNT, MODEL(n_notes), ONLY_IF(has_notes, "there are none") },
};

const size_t n_gate_rows = sizeof(gate_rows) / sizeof(*gate_rows);
