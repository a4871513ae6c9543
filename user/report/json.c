// SPDX-License-Identifier: BSD-2-Clause
#include "report/report.h"

#include <time.h>

#include "report/json_parts.h"
#include "report/room.h"
#include "report/words.h"

#define SCHEMA_VERSION "1.0"
#define NS_PER_S       1000000000ull

static void put_known(struct json *j, const char *key, const char *value)
{
	if (value)
		json_string(j, key, value);
}

static void put_tool(struct json *j, const struct model *m, const struct report_opts *opts)
{
	json_line_object(j, "tool");
	json_string(j, "name", "concprof");
	put_known(j, "version", opts->version);
	put_known(j, "libbpf", m->texts[TEXT_LIBBPF]);
	json_end(j);
}

static void put_system(struct json *j, const struct model *m)
{
	const struct ev_run *run = &m->run;

	json_line_object(j, "system");
	put_known(j, "kernel", m->texts[TEXT_KERNEL]);
	put_known(j, "arch", m->texts[TEXT_ARCH]);
	put_known(j, "host", m->texts[TEXT_HOST]);
	json_u64(j, "cpus", run->cpus);
	json_u64(j, "cpus_allowed", run->cpus_allowed);
	if (run->quota_us >= 0 && run->period_us > 0)
		json_double(j, "cpu_quota", (double)run->quota_us / (double)run->period_us);
	else
		json_null(j, "cpu_quota");
	json_string(j, "clock", "sched_clock");
	json_end(j);
}

static void put_started_at(struct json *j, const struct model *m)
{
	time_t seconds = (time_t)(m->run.realtime_ns / NS_PER_S);
	struct tm tm;
	char text[32];

	if (m->run.realtime_ns && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_string(j, "started_at", text);
}

static void put_run(struct json *j, const struct model *m, struct room *r)
{
	size_t n = room_for(r, ROOM_COMMAND, m->n_command);

	put_known(j, "mode", mode_name(m->run.mode));
	put_started_at(j, m);
	if (m->complete)
		put_known(j, "ended_by", ended_by_name(m->end.ended_by));
	json_line_array(j, "command");
	for (size_t i = 0; i < n; i++)
		json_string(j, NULL, m->command[i]);
	json_end(j);
	put_known(j, "executable", m->texts[TEXT_EXECUTABLE]);
	json_line_object(j, "user");
	json_u64(j, "uid", m->run.uid);
	json_end(j);
	if (m->complete && m->end.status >= 0) {
		json_begin_status(j, "exit", (uint32_t)m->end.status);
		json_end(j);
	}
}

static void put_verdict(struct json *j, const struct verdict *v)
{
	json_line_object(j, "verdict");
	json_string(j, "class", class_name(v->class));
	json_string(j, "rule", v->rule);
	json_double(j, "margin", v->margin);
	json_string(j, "runner_up",
		    v->runner_up == CLASS_UNKNOWN ? NULL : class_name(v->runner_up));
	if (v->class == CLASS_MIXED) {
		json_line_array(j, "parts");
		json_string(j, NULL, class_name(v->parts[0]));
		json_string(j, NULL, class_name(v->parts[1]));
		json_end(j);
	}
	json_end(j);
}

static void put_finding(struct json *j, const struct finding *f)
{
	json_object(j, NULL);
	json_string(j, "rule", f->rule);
	json_string(j, "severity", severity_name(f->severity));
	json_string(j, "subject", f->subject);
	json_string(j, "title", f->title);
	if (f->has_gain) {
		json_u64(j, "gain_at_most_ns", f->gain_at_most_ns);
		json_string(j, "gain_by", f->gain_by);
	}
	json_array(j, "evidence");
	for (size_t i = 0; i < f->n_evidence; i++) {
		json_line_object(j, NULL);
		json_string(j, "metric", f->evidence[i].metric);
		json_u64(j, "value", f->evidence[i].value);
		json_string(j, "text", f->evidence[i].text);
		json_end(j);
	}
	json_end(j);
	if (f->advice[0])
		json_string(j, "advice", f->advice);
	json_end(j);
}

static void put_findings(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_FINDINGS, f->n_list);

	json_array(j, "findings");
	for (size_t i = 0; i < n; i++)
		put_finding(j, &f->list[i]);
	json_end(j);
}

static void put_wall(struct json *j, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	uint64_t kinds[ROW_KINDS];
	char key[32];

	wall_kinds(kinds, w->row_ns);
	json_object(j, "wall");
	json_u64(j, "running_ns", f->running_ns);
	json_u64(j, "runnable_ns", w->runnable_ns);
	for (unsigned int k = 0; k < ROW_KINDS; k++) {
		snprintf(key, sizeof(key), "%s_ns", kind_name(k));
		json_u64(j, key, kinds[k]);
	}
	json_u64(j, "serialised_ns", f->serialised_ns);
	json_end(j);
}

/* What the rows of the wall time are made of, where there is more than one thing. */
static void put_wall_parts(struct json *j, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	char key[32];

	json_object(j, "wall_parts");
	json_u64(j, "running_convoy_ns", w->convoy_ns);
	json_u64(j, "runnable_latency_ns", w->latency_ns);
	json_u64(j, "runnable_limit_ns", w->limit_ns);
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		snprintf(key, sizeof(key), "%s_ns", row_name(r));
		if (row_is_part(r))
			json_u64(j, key, w->row_ns[r]);
	}
	json_end(j);
}

static void put_phases(struct json *j, const struct findings *f)
{
	json_array(j, "phases");
	for (size_t i = 0; i < f->n_phases; i++) {
		const struct phase *phase = &f->phases[i];

		json_line_object(j, NULL);
		json_u64(j, "start_ns", phase->start_ns);
		json_u64(j, "end_ns", phase->end_ns);
		json_string(j, "class", class_name(phase->class));
		json_double(j, "parallelism", phase->parallelism);
		json_end(j);
	}
	json_end(j);
}

static void put_parallelism(struct json *j, const struct findings *f)
{
	json_object(j, "parallelism");
	json_double(j, "mean", f->parallelism);
	json_line_array(j, "running_ns_by_count");
	json_u64(j, NULL, not_running_ns(f->model));
	for (size_t i = 1; i < f->n_counts; i++)
		json_u64(j, NULL, f->model->wall.by_count[i]);
	json_end(j);
	json_double(j, "cpus_allowed", f->cpus_allowed);
	json_u64(j, "threads_at_once", f->threads_at_once);
	json_amdahl(j, f);
	json_end(j);
}

static void put_omitted(struct json *j, const struct findings *f, const struct room *r)
{
	static const char *const names[ROOM_LISTS] = {
		[ROOM_COMMAND] = "command",
		[ROOM_FINDINGS] = "findings",
		[ROOM_THREADS] = "threads",
		[ROOM_PROCESSES] = "processes",
		[ROOM_EXECS] = "execs",
		[ROOM_WAIT_SITES] = "wait_sites",
		[ROOM_CPU_SITES] = "cpu_sites",
		[ROOM_IO] = "io",
		[ROOM_IO_SITES] = "io_sites",
		[ROOM_LOOPS] = "loops",
		[ROOM_CGROUPS] = "cgroups",
		[ROOM_KINDS] = "concurrency",
		[ROOM_CHANNELS] = "channels",
		[ROOM_CHANNEL_ENDS] = "channel_ends",
		[ROOM_CHANNEL_FLOWS] = "channel_flows",
		[ROOM_SIGNALS] = "signals",
		[ROOM_HANDLERS] = "signal_handlers",
		[ROOM_PATH_PARTS] = "critical_path.parts",
		[ROOM_PATH_HOPS] = "critical_path.hops",
		[ROOM_WAKINGS] = "wakings",
		[ROOM_PEERS] = "peers",
		[ROOM_LOCKS] = "locks",
		[ROOM_WAITERS] = "waiters",
		[ROOM_LOCK_SITES] = "lock_sites",
		[ROOM_HOLDERS] = "holders",
		[ROOM_LOCK_ORDERS] = "lock_orders",
		[ROOM_DEADLOCKS] = "deadlocks",
		[ROOM_STUCK] = "stuck",
		[ROOM_STANDS] = "stands",
		[ROOM_OTHERS] = "others",
		[ROOM_TAKERS] = "takers",
		[ROOM_ZOMBIES] = "zombies",
		[ROOM_UNREAPED] = "zombies_before",
		[ROOM_ORPHANS] = "orphans",
		[ROOM_SURVIVORS] = "survivors",
		[ROOM_DEATHS] = "deaths",
		[ROOM_LOST] = "lost",
	};

	json_array(j, "omitted");
	for (size_t i = 0; i < ROOM_LISTS; i++) {
		uint64_t count = r->left_out[i] + (i == ROOM_THREADS ? f->model->n_unsent : 0);

		if (!count)
			continue;
		json_line_object(j, NULL);
		json_string(j, "what", names[i]);
		json_u64(j, "count", count);
		json_end(j);
	}
	json_end(j);
}

/* Of one look: nothing was measured over time. */
static int write_look(const struct findings *f, const struct report_opts *opts, struct room *r,
		      FILE *out)
{
	const struct model *m = f->model;
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_string(&j, "schema_version", SCHEMA_VERSION);
	put_tool(&j, m, opts);
	put_system(&j, m);
	put_known(&j, "mode", mode_name(m->run.mode));
	put_started_at(&j, m);
	put_findings(&j, f, r);
	json_gates(&j, f->gates, f->n_gates);
	json_deadlocks(&j, f, 0, r);
	json_why(&j, f, r);
	put_omitted(&j, f, r);
	json_end(&j);
	return json_finish(&j);
}

static int write_document(const struct findings *f, const struct report_opts *opts, struct room *r,
			  FILE *out)
{
	const struct model *m = f->model;
	struct json j;
	size_t lost;

	json_init(&j, out);
	json_object(&j, NULL);
	json_string(&j, "schema_version", SCHEMA_VERSION);
	put_tool(&j, m, opts);
	put_system(&j, m);
	put_run(&j, m, r);
	json_u64(&j, "wall_ns", m->wall_ns);
	put_verdict(&j, &f->verdict);
	put_findings(&j, f, r);
	json_gates(&j, f->gates, f->n_gates);
	put_wall(&j, f);
	put_wall_parts(&j, f);
	put_phases(&j, f);
	put_parallelism(&j, f);
	json_strip(&j, m);
	json_path(&j, f, r);
	json_totals(&j, f);
	json_calls(&j, m);
	json_threads(&j, f, r);
	json_processes(&j, f, r);
	json_cgroups(&j, f, r);
	json_sites(&j, f, r);
	json_locks(&j, f, r);
	json_model(&j, f);
	json_kinds(&j, f, r);
	json_io_models(&j, f);
	json_io(&j, f, r);
	json_loops(&j, m, r);
	json_channels(&j, f, r);
	json_signals(&j, m, r);
	json_handlers(&j, f, r);
	json_wakings(&j, f, r);
	json_peers(&j, m, r);
	json_others(&j, m, r);
	json_takers(&j, f, r);
	json_lifecycle(&j, f, r);
	lost = room_for(r, ROOM_LOST, m->n_losses);
	put_omitted(&j, f, r);
	json_measurement(&j, f, lost);
	json_end(&j);
	return json_finish(&j);
}

int report_json_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	return room_write(f, opts, f->model->run.mode == MODE_WHY ? write_look : write_document,
			  out);
}
