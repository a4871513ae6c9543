// SPDX-License-Identifier: BSD-2-Clause
/* How far the numbers can be relied on, and what they cost. */
#include "report/text_parts.h"

#include "base/units.h"
#include "report/loss.h"

#define SMALL	     0.001	 /* a disagreement that need not be mentioned */
#define CPU_LEAST_NS 50000000ull /* shares of less CPU time say little */

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* "the kernel's accounting agrees"; returns whether it does, but for a share below `small`. */
static bool describe_agreement(const struct trust *t, double small, char *buf, size_t size)
{
	const struct {
		uint64_t off, all;
		const char *what;
	} parts[] = {
		{ t->running_off_ns, t->running_kernel_ns, "the running time" },
		{ t->delay_off_ns, t->delay_kernel_ns, "the queued time" },
		{ t->switches_off, t->switches_kernel, "the switches" },
	};
	char share[UNITS_SIZE];
	size_t at = (size_t)snprintf(buf, size, "the kernel's accounting agrees");
	bool agrees = true;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].off || share_of(parts[i].off, parts[i].all) < small)
			continue;
		at += (size_t)snprintf(
			buf + at, size - at, "%s %s of %s", agrees ? ", except for" : ",",
			units_percent(share, share_of(parts[i].off, parts[i].all)), parts[i].what);
		agrees = false;
	}
	return agrees;
}

static void put_accounts(struct page *p, const struct findings *f)
{
	uint64_t ns = f->trust.residual_ns;
	char time[UNITS_SIZE], share[UNITS_SIZE], agreement[256];
	bool witness = f->trust.switches_kernel;
	bool agrees = describe_agreement(&f->trust, p->opts->verbose ? 0 : SMALL, agreement,
					 sizeof(agreement));

	if (ns)
		page_text(p, 0, "Trust:", STYLE_BAD,
			  "%s (%s) of the threads' lifetime is in no state, or in two%s%s.",
			  page_ns(p, time, ns),
			  units_percent(share, share_of(ns, f->totals.lifetime_ns)),
			  witness ? "; " : "", witness ? agreement : "");
	else
		page_text(p, 0, "Trust:", agrees ? STYLE_PLAIN : STYLE_WARN,
			  "every nanosecond is accounted for%s%s.", witness ? ", and " : "",
			  witness ? agreement : "");
}

static void put_loss(struct page *p, const struct loss *l)
{
	const struct loss_words *words = loss_words(l->what);
	char count[UNITS_SIZE], time[UNITS_SIZE], name[160];

	page_text(p, 2, "Gap:", STYLE_WARN, "%s (%s%s%s): %s%s%s.", words->noun,
		  NAME(p, name, l->name, 0), l->name[0] ? ", " : "", units_count(count, l->count),
		  words->effect, l->ns ? ", by at most " : "",
		  l->ns ? page_ns(p, time, l->ns) : "");
}

static void put_losses(struct page *p, const struct model *m)
{
	bool told = false;

	for (size_t i = 0; i < m->n_losses; i++) {
		const struct loss *l = &m->losses[i];

		told |= l->what == LOSS_THREADS;
		put_loss(p, l);
	}
	if (m->n_unsent && !told)
		put_loss(p, &(struct loss){ .what = LOSS_THREADS, .count = m->n_unsent });
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
		[PROBE_NAME] = { .head = "probe", .left = true, .name = true },
		[PROBE_RUNS] = { .head = "runs", .drop = 1 },
		[PROBE_TIME] = { .head = "time" },
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
	char bpf[UNITS_SIZE], share[UNITS_SIZE] = "", cpu[UNITS_SIZE], rss[UNITS_SIZE];
	bool share_known = f->trust.cpu_ns >= CPU_LEAST_NS;

	if (!f->model->complete)
		return;
	page_ns(p, cpu, end->collector_cpu_ns);
	if (share_known)
		units_percent(share, f->trust.bpf_share);
	if (end->bpf_ns)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "Cost: probes about %s%s%s of %sCPU time; concprof %s.",
			  page_ns(p, bpf, end->bpf_ns), share_known ? ", " : "", share,
			  share_known ? "the program's " : "", cpu);
	else
		page_text(p, 2, NULL, STYLE_PLAIN, "Cost: concprof used %s of CPU time.", cpu);
	if (p->opts->verbose)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "That of concprof includes its start; it took %s of memory.",
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
	page_gap(p);
	put_accounts(p, f);
	if (!f->model->complete)
		page_text(p, 2, "Gap:", STYLE_BAD,
			  "the measurement was cut short: threads alive at its end are missing.");
	put_losses(p, f->model);
	put_unmeasured(p, f->model);
	put_notes(p, f->model);
	put_cost(p, f);
	if (p->opts->verbose)
		put_probes(p, f->model);
}
