// SPDX-License-Identifier: BSD-2-Clause
/*
 * OpenMetrics 1.0 that is Prometheus' older text format, too: node_exporter and promtool
 * read only that, and know neither infos nor state sets. So all are gauges (a run is over;
 * nothing counts on), of seconds, bytes and ratios. Labels are the same from run to run, so
 * that two runs can be compared: programs by name, and no number of a process or thread.
 */
#include "report/report.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "report/loss.h"
#include "report/metrics.h"
#include "report/words.h"

static void put_info(struct metrics *o, const struct model *m, const struct report_opts *opts)
{
	const struct {
		const char *name, *value;
	} labels[] = {
		{ "version", opts->version },
		{ "kernel", m->texts[TEXT_KERNEL] },
		{ "arch", m->texts[TEXT_ARCH] },
		{ "executable", m->texts[TEXT_EXECUTABLE] },
		{ "ended_by", m->complete ? ended_by_name(m->end.ended_by) : NULL },
	};

	metrics_family(o, "run_info", NULL, "What was measured, and by what.");
	metrics_begin(o);
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		if (labels[i].value)
			metrics_label(o, labels[i].name, labels[i].value);
	}
	metrics_u64(o, 1);
}

static void put_run(struct metrics *o, const struct model *m)
{
	const struct ev_run *run = &m->run;

	if (run->realtime_ns)
		metrics_one_ns(o, "start_timestamp", "When the measurement began, since 1970.",
			       run->realtime_ns);
	metrics_one(o, "complete", "1: the measurement came to its end; 0: it was cut short.",
		    m->complete);
	metrics_one(o, "cpus", "CPUs of the machine.", run->cpus);
	metrics_one(o, "allowed_cpus", "CPUs that the program was allowed to use, by affinity.",
		    run->cpus_allowed);
	if (run->quota_us >= 0 && run->period_us > 0) {
		metrics_family(o, "cpu_quota", NULL, "CPUs that the cgroup's limit allows.");
		metrics_begin(o);
		metrics_double(o, (double)run->quota_us / (double)run->period_us);
	}
	if (!m->complete || m->end.status < 0)
		return;
	if (WIFSIGNALED(m->end.status))
		metrics_one(o, "exit_signal", "The signal that the command died of.",
			    WTERMSIG(m->end.status));
	else
		metrics_one(o, "exit_code", "The command's exit status.",
			    WEXITSTATUS(m->end.status));
}

static void put_verdict(struct metrics *o, const struct verdict *v)
{
	metrics_family(o, "verdict", NULL, "1 for the class of the program, 0 for the others.");
	for (unsigned int c = 0; c < CLASS_COUNT; c++)
		metrics_labelled_u64(o, "class", class_name(c), v->class == c);
	metrics_family(o, "verdict_margin", "ratio",
		       "Share of the deciding time that would have to be otherwise for another "
		       "verdict.");
	metrics_begin(o);
	metrics_double(o, v->margin);
}

static void put_findings(struct metrics *o, const struct findings *f)
{
	uint64_t by_severity[SEVERITY_ERROR + 1] = { 0 };

	for (size_t i = 0; i < f->n_list; i++)
		by_severity[f->list[i].severity]++;
	metrics_family(o, "findings", NULL, "Findings, the verdict's own included, by severity.");
	for (unsigned int s = 0; s <= SEVERITY_ERROR; s++)
		metrics_labelled_u64(o, "severity", severity_name(s), by_severity[s]);
}

/* How many findings are like this one; 0: it is not the first of them. */
static uint64_t count_alike(const struct findings *f, size_t first)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n_list; i++) {
		if (f->list[i].severity != f->list[first].severity ||
		    strcmp(f->list[i].rule, f->list[first].rule))
			continue;
		if (i < first)
			return 0;
		n++;
	}
	return n;
}

static void put_rules(struct metrics *o, const struct findings *f)
{
	metrics_family(o, "rule_findings", NULL, "Findings by the rule that found them.");
	for (size_t i = 0; i < f->n_list; i++) {
		uint64_t n = count_alike(f, i);

		if (!n)
			continue;
		metrics_begin(o);
		metrics_label(o, "rule", f->list[i].rule);
		metrics_label(o, "severity", severity_name(f->list[i].severity));
		metrics_u64(o, n);
	}
}

static void put_wall(struct metrics *o, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	uint64_t kinds[ROW_KINDS];

	wall_kinds(kinds, w->row_ns);
	metrics_one_ns(o, "wall", "Wall time of the measurement.", f->model->wall_ns);
	metrics_family(o, "wall_row", "seconds",
		       "Wall time by what the program as a whole did; sums to the wall time.");
	metrics_labelled_ns(o, "row", "running", f->running_ns);
	metrics_labelled_ns(o, "row", "runnable", w->runnable_ns);
	for (unsigned int k = 0; k < ROW_KINDS; k++)
		metrics_labelled_ns(o, "row", kind_name(k), kinds[k]);
	metrics_family(o, "wall_part", "seconds", "Parts of the rows of the wall time.");
	metrics_labelled_ns(o, "part", "running_serialised", f->serialised_ns);
	metrics_labelled_ns(o, "part", "running_convoy", w->convoy_ns);
	metrics_labelled_ns(o, "part", "runnable_latency", w->latency_ns);
	metrics_labelled_ns(o, "part", "runnable_limit", w->limit_ns);
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		if (row_is_part(r))
			metrics_labelled_ns(o, "part", row_name(r), w->row_ns[r]);
	}
	metrics_family(o, "parallelism", NULL, "Mean number of running threads.");
	metrics_begin(o);
	metrics_double(o, f->parallelism);
}

static void put_totals(struct metrics *o, const struct totals *t)
{
	metrics_one(o, "threads", "Threads.", t->threads);
	metrics_one(o, "processes", "Processes.", t->processes);
	metrics_one_ns(o, "thread_lifetime", "Lifetime of all threads, summed.", t->lifetime_ns);
	metrics_family(o, "thread_state", "seconds",
		       "Time of all threads by state, summed; sums to their lifetime.");
	for (unsigned int s = 0; s < TS_COUNT; s++)
		metrics_labelled_ns(o, "state", state_name(s), t->state_ns[s]);
	metrics_family(o, "thread_blocked", "seconds",
		       "Time of all threads blocked by cause, summed; the cause unknown is the "
		       "state unknown.");
	for (unsigned int c = 0; c < CAUSE_COUNT; c++)
		metrics_labelled_ns(o, "cause", cause_name(c), t->waits[c].ns);
	metrics_family(o, "thread_waits", NULL, "Waits of all threads by cause.");
	for (unsigned int c = 0; c < CAUSE_COUNT; c++)
		metrics_labelled_u64(o, "cause", cause_name(c), t->waits[c].count);
	metrics_family(o, "switches", NULL,
		       "Context switches of all threads as the kernel counts them.");
	metrics_labelled_u64(o, "kind", "voluntary", t->voluntary);
	metrics_labelled_u64(o, "kind", "involuntary", t->involuntary);
	metrics_one(o, "yields", "Calls of sched_yield(2) that gave the CPU away.", t->yields);
	metrics_one(o, "migrations", "Moves of threads to another CPU.", t->migrations);
}

static void put_lives(struct metrics *o, const struct findings *f)
{
	const struct lifecycle *l = &f->lives;
	uint64_t deaths[DEATH_COUNT] = { 0 }, zombie_ns = 0;

	for (size_t i = 0; i < l->n_zombies; i++)
		zombie_ns += l->zombies[i].to_ns - l->zombies[i].from_ns;
	for (size_t i = 0; i < l->n_deaths; i++)
		deaths[l->deaths[i].how]++;
	metrics_one(o, "zombies", "Processes that stayed dead and not reaped too long.",
		    l->n_zombies);
	metrics_one(o, "zombies_at_once", "Most zombies at one time.", l->peak);
	metrics_one_ns(o, "zombie", "Time that zombies were not reaped, summed.", zombie_ns);
	metrics_one(o, "orphans", "Processes that outlived their parent.", l->n_orphans);
	metrics_one(o, "survivors", "Processes alive at the end of the measurement.",
		    l->n_survivors);
	metrics_family(o, "deaths", NULL, "Processes that a signal ended, by how it came.");
	for (unsigned int how = 0; how < DEATH_COUNT; how++)
		metrics_labelled_u64(o, "how", death_name(how), deaths[how]);
}

static void put_losses(struct metrics *o, const struct model *m)
{
	const char *unknown = loss_words(LOSS_KIND_COUNT)->what;
	uint64_t lost[LOSS_KIND_COUNT] = { 0 };

	/* The kinds begin with 1: there is room for those that are not known. */
	for (size_t i = 0; i < m->n_losses; i++)
		lost[m->losses[i].what < LOSS_KIND_COUNT ? m->losses[i].what : 0] +=
			m->losses[i].count;
	metrics_family(o, "losses", NULL, "What was not seen, by what it was.");
	for (unsigned int what = 0; what < LOSS_KIND_COUNT; what++)
		metrics_labelled_u64(o, "what", what ? loss_words(what)->what : unknown,
				     lost[what]);
	metrics_one(o, "unlisted_threads", "Threads that are only in the sums.", m->n_unsent);
}

static void put_probes(struct metrics *o, const struct model *m)
{
	uint64_t attached = 0;

	for (size_t i = 0; i < m->n_probes; i++)
		attached += !!m->probes[i].attached;
	metrics_family(o, "probes", NULL, "Probes that were attached, and that could not be.");
	metrics_labelled_u64(o, "attached", "true", attached);
	metrics_labelled_u64(o, "attached", "false", m->n_probes - attached);
}

static void put_measurement(struct metrics *o, const struct findings *f)
{
	const struct ev_end *e = &f->model->end;
	const struct trust *t = &f->trust;

	put_losses(o, f->model);
	put_probes(o, f->model);
	metrics_one_ns(o, "residual", "Lifetime of threads that their states do not explain.",
		       t->residual_ns);
	if (!f->model->complete)
		return;
	metrics_one_ns(o, "probe_cpu", "CPU time of the probes, estimated.", e->bpf_ns);
	if (t->cpu_ns) {
		metrics_family(o, "probe_cpu", "ratio",
			       "The same as a share of the program's CPU time.");
		metrics_begin(o);
		metrics_double(o, t->bpf_share);
	}
	metrics_one_ns(o, "collector_cpu", "CPU time of concprof itself.", e->collector_cpu_ns);
	metrics_family(o, "collector_resident", "bytes", "Memory of concprof itself.");
	metrics_begin(o);
	metrics_u64(o, e->collector_rss_bytes);
}

int report_openmetrics_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct metrics o = { .out = out };

	errno = 0;
	put_info(&o, f->model, opts);
	put_run(&o, f->model);
	put_verdict(&o, &f->verdict);
	put_findings(&o, f);
	put_rules(&o, f);
	put_wall(&o, f);
	put_totals(&o, &f->totals);
	metrics_programs(&o, f, opts->top);
	put_lives(&o, f);
	put_measurement(&o, f);
	fputs("# EOF\n", out);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
