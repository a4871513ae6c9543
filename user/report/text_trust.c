// SPDX-License-Identifier: BSD-2-Clause
/* How far the numbers can be relied on, and what they cost. */
#include "report/text_parts.h"

#include "base/units.h"
#include "report/loss.h"

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void put_residual(struct page *p, const struct findings *f)
{
	uint64_t ns = f->trust.residual_ns;
	char time[UNITS_SIZE], share[UNITS_SIZE];

	if (!ns)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "Every nanosecond of every thread is accounted for.");
	else
		page_text(p, 2, NULL, STYLE_BAD,
			  "%s (%s) of the threads' lifetime is in no state, or in two.",
			  page_ns(p, time, ns),
			  units_percent(share, share_of(ns, f->totals.lifetime_ns)));
}

static void put_disagreement(struct page *p, const struct findings *f)
{
	const struct trust *t = &f->trust;
	const struct {
		uint64_t off, all;
		const char *what;
	} parts[] = {
		{ t->running_off_ns, t->running_kernel_ns, "the running time" },
		{ t->delay_off_ns, t->delay_kernel_ns, "the queued time" },
		{ t->switches_off, t->switches_kernel, "the switches" },
	};
	char text[256] = "", share[UNITS_SIZE];
	size_t at = 0;

	if (!t->switches_kernel)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].off)
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s of %s", at ? "," : "",
				       units_percent(share, share_of(parts[i].off, parts[i].all)),
				       parts[i].what);
	}
	page_text(p, 2, NULL, STYLE_PLAIN, "The kernel's own accounting agrees%s%s.",
		  at ? ", except for" : "", text);
}

static void put_losses(struct page *p, const struct model *m)
{
	bool told = false;

	for (size_t i = 0; i < m->n_losses; i++) {
		const struct loss *l = &m->losses[i];
		const struct loss_words *words = loss_words(l->what);
		char count[UNITS_SIZE], time[UNITS_SIZE], name[160];

		told |= l->what == LOSS_THREADS;
		units_count(count, l->count);
		page_text(p, 2, NULL, STYLE_WARN, "%s %s%s%s%s: %s%s%s.", count, words->noun,
			  l->name[0] ? " (" : "", NAME(p, name, l->name, 0), l->name[0] ? ")" : "",
			  words->effect, l->ns ? ", by at most " : "",
			  l->ns ? page_ns(p, time, l->ns) : "");
	}
	if (m->n_unsent && !told) {
		const struct loss_words *words = loss_words(LOSS_THREADS);
		char count[UNITS_SIZE];

		page_text(p, 2, NULL, STYLE_WARN, "%s %s: %s.", units_count(count, m->n_unsent),
			  words->noun, words->effect);
	}
}

/* A probe that is not attached for no reason was not wanted. */
static void put_unmeasured(struct page *p, const struct model *m)
{
	for (size_t i = 0; i < m->n_probes; i++) {
		char name[160], why[560];

		if (m->probes[i].attached || !m->probes[i].why[0])
			continue;
		page_text(p, 2, NULL, STYLE_WARN, "Not measured: %s: %s",
			  NAME(p, name, m->probes[i].name, 0), NAME(p, why, m->probes[i].why, 0));
	}
}

enum { PROBE_NAME, PROBE_RUNS, PROBE_TIME };

static void put_probes(struct page *p, const struct model *m)
{
	static const struct column columns[] = {
		[PROBE_NAME] = { "probe", true, 0 },
		[PROBE_RUNS] = { "runs", false, 1 },
		[PROBE_TIME] = { "time", false, 0 },
	};
	struct table t = { .columns = columns, .n_columns = 3 };
	char text[160];

	for (size_t i = 0; i < m->n_probes; i++) {
		if (!m->probes[i].attached)
			continue;
		table_row(&t, STYLE_PLAIN);
		table_set(&t, PROBE_NAME, NAME(p, text, m->probes[i].name, 0));
		table_set(&t, PROBE_RUNS, page_cell_count(text, m->probes[i].runs));
		table_set(&t, PROBE_TIME, page_cell_ns(p, text, m->probes[i].ns));
	}
	if (t.rows.n)
		table_print(&t, p);
}

static void put_cost(struct page *p, const struct findings *f)
{
	const struct ev_end *end = &f->model->end;
	char bpf[UNITS_SIZE], share[UNITS_SIZE], cpu[UNITS_SIZE], rss[UNITS_SIZE];

	if (!f->model->complete)
		return;
	if (end->bpf_ns && f->trust.cpu_ns)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "Cost: probes took about %s, %s of the program's CPU time; beside it "
			  "concprof "
			  "used %s of CPU time and %s of memory.",
			  page_ns(p, bpf, end->bpf_ns), units_percent(share, f->trust.bpf_share),
			  page_ns(p, cpu, end->collector_cpu_ns),
			  units_bytes(rss, end->collector_rss_bytes));
	else
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "Cost: concprof used %s of CPU time and %s of memory.",
			  page_ns(p, cpu, end->collector_cpu_ns),
			  units_bytes(rss, end->collector_rss_bytes));
}

static void put_notes(struct page *p, const struct model *m)
{
	char text[1024];

	for (size_t i = 0; i < m->n_notes; i++)
		page_text(p, 2, "Note:", STYLE_PLAIN, "%s", NAME(p, text, m->notes[i], 0));
}

void text_trust(struct page *p, const struct findings *f)
{
	page_heading(p, "Trust", "how far these numbers can be relied on");
	if (!f->model->complete)
		page_text(p, 2, NULL, STYLE_BAD,
			  "The measurement was cut short: threads alive at its end are missing.");
	put_residual(p, f);
	put_disagreement(p, f);
	put_losses(p, f->model);
	put_unmeasured(p, f->model);
	put_notes(p, f->model);
	put_cost(p, f);
	if (p->opts->verbose)
		put_probes(p, f->model);
}
