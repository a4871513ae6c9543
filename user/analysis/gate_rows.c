// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/gate_rows.h"

#include <string.h>
#include <sys/wait.h>

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

static const char *rule_name(unsigned int i)
{
	return i < VERDICT_RULES ? verdict_rules[i] : finding_rules[i - VERDICT_RULES];
}

bool gate_knows_rule(const char *rule)
{
	for (unsigned int i = 0; i < RULES; i++) {
		if (!strcmp(rule_name(i), rule))
			return true;
	}
	return false;
}

static const struct gate_names classes = { CLASS_COUNT, class_word };
static const struct gate_names all_rules = { RULES, rule_name };
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

static const struct gate_names concurrency = { KIND_COUNT, kind_word };

static const struct gate_names io_models = { IO_MODEL_COUNT, model_word };

/* --- values that lie nowhere ----------------------------------------------------- */

static struct gate_value word(const char *text)
{
	return (struct gate_value){ .got = text ? GOT_VALUE : GOT_NULL, .word = text };
}

static const struct gate_value nothing = { .got = GOT_NULL };

static struct gate_value get_quota(const struct findings *f, unsigned int key)
{
	const struct ev_run *run = &f->model->run;

	(void)key;
	if (run->quota_us < 0 || run->period_us <= 0)
		return nothing;
	return gate_number((double)run->quota_us / (double)run->period_us);
}

static struct gate_value get_mode(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(mode_name(f->model->run.mode));
}

static struct gate_value get_ended_by(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(ended_by_name(f->model->end.ended_by));
}

static struct gate_value get_exit_code(const struct findings *f, unsigned int key)
{
	int status = f->model->end.status;

	(void)key;
	return WIFSIGNALED(status) ? nothing : gate_number(WEXITSTATUS(status));
}

static struct gate_value get_exit_signal(const struct findings *f, unsigned int key)
{
	int status = f->model->end.status;

	(void)key;
	return WIFSIGNALED(status) ? gate_number(WTERMSIG(status)) : nothing;
}

static struct gate_value get_class(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(class_name(f->verdict.class));
}

static struct gate_value get_runner_up(const struct findings *f, unsigned int key)
{
	enum verdict_class class = f->verdict.runner_up;

	(void)key;
	return word(class == CLASS_UNKNOWN ? NULL : class_name(class));
}

static struct gate_value get_parts(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(sizeof(f->verdict.parts) / sizeof(*f->verdict.parts));
}

static struct gate_value get_of_rule(const struct findings *f, unsigned int key)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_list; i++)
		n += !strcmp(f->list[i].rule, rule_name(key));
	return gate_number(n);
}

/* Is it named? */
static struct gate_value get_concurrency(const struct findings *f, unsigned int key)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_kind_names; i++)
		n += f->kind_names[i] == key;
	return gate_number(n);
}

static struct gate_value get_serial_share(const struct findings *f, unsigned int key)
{
	double all = (double)f->amdahl.serial_ns + (double)f->amdahl.parallel_ns;

	(void)key;
	return gate_number(all > 0 ? (double)f->amdahl.serial_ns / all : 0);
}

static struct gate_value get_kind(const struct findings *f, unsigned int key)
{
	uint64_t ns = 0;

	for (unsigned int r = 0; r < ROW_COUNT; r++)
		ns += row_kind(r) == key ? f->model->wall.row_ns[r] : 0;
	return gate_number(ns);
}

static struct gate_value get_queued_others(const struct findings *f, unsigned int key)
{
	const struct totals *t = &f->totals;
	uint64_t queued = t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED];
	uint64_t known = t->queued_own_ns + t->queued_idle_ns;

	(void)key;
	return gate_number(queued > known ? queued - known : 0);
}

static struct gate_value get_slice(const struct findings *f, unsigned int key)
{
	const struct totals *t = &f->totals;

	(void)key;
	return gate_number(t->switches ? t->state_ns[TS_RUNNING] / t->switches : 0);
}

static struct gate_value get_omitted(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((f->model->n_unsent > 0) + (f->sites.n_waits > SITES_LISTED) +
			   (f->sites.n_cpu > SITES_LISTED));
}

/* As many as the JSON lists. */
static struct gate_value get_wait_sites(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(f->sites.n_waits < SITES_LISTED ? f->sites.n_waits : SITES_LISTED);
}

static struct gate_value get_cpu_sites(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(f->sites.n_cpu < SITES_LISTED ? f->sites.n_cpu : SITES_LISTED);
}

/* --- what is not in every report ------------------------------------------------- */

static bool has_end(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete;
}

static bool has_status(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->model->end.status >= 0;
}

static bool knows_end(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && ended_by_name(f->model->end.ended_by);
}

static bool has_cost(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->trust.cpu_ns;
}

static bool has_mode(const struct findings *f, unsigned int key)
{
	(void)key;
	return mode_name(f->model->run.mode);
}

static bool is_mixed(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->verdict.class == CLASS_MIXED;
}

static bool has_strip(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->n_strip;
}

static bool has_notes(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->n_notes;
}

static bool has_calls(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->calls.windows || f->model->calls.all_time;
}

static bool has_slices(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->totals.longest_run_ns && f->totals.switches;
}

static bool knows_idle(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->model->end.idle_known;
}

static bool has_wait(const struct findings *f, unsigned int cause)
{
	const struct wait *w = &f->totals.waits[cause];

	return w->count || w->ns || w->open;
}

static bool has_io_model(const struct findings *f, unsigned int model)
{
	const struct io_model_sum *sum = &f->io_models[model];

	return sum->waits || sum->samples || sum->signals;
}

static bool has_amdahl(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->amdahl.is_known;
}

static bool has_row(const struct findings *f, unsigned int row)
{
	return f->totals.row_ns[row];
}

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
