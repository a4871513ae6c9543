// SPDX-License-Identifier: BSD-2-Clause
/* What changed, as rows for other programs: CSV, and metrics. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "report/csv.h"
#include "report/diff_words.h"
#include "report/metrics.h"
#include "report/report.h"

#define LABEL_BYTES 300 /* it stands in eight samples, and all of them are to stay below 1 MiB */

static int finish(FILE *out)
{
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

/* Times in whole nanoseconds, sizes in bytes, shares of 1. */
static const char *unit_of(const struct diff_row *r)
{
	static const char *const units[] = {
		[GATE_TIME] = "ns",	[GATE_COUNT] = "count", [GATE_SHARE] = "ratio",
		[GATE_MEAN] = "number", [GATE_BYTES] = "bytes",
	};

	return units[r->type];
}

static void put_number(FILE *out, const struct diff_row *r, double value)
{
	if (r->type == GATE_TIME || r->type == GATE_BYTES)
		fprintf(out, ",%" PRIu64, (uint64_t)value);
	else
		fprintf(out, ",%.6g", value);
}

int diff_csv_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	(void)opts;
	errno = 0;
	fputs("family,name,unit,base_mean,base_low,base_high,head_mean,head_low,head_high,p,"
	      "changed,asked\n",
	      out);
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct diff_row *r = &d->rows[i];
		const double numbers[] = { r->base.mean, r->base.low, r->base.high,
					   r->head.mean, r->head.low, r->head.high };

		fprintf(out, "%s,", r->family->name);
		csv_text(out, r->name);
		fprintf(out, ",%s", unit_of(r));
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
			put_number(out, r, numbers[k]);
		/* Empty: not known. */
		if (d->can_tell)
			fprintf(out, ",%.6g,%d,%d\n", r->p, r->is_change, r->is_asked);
		else
			fprintf(out, ",,,%d\n", r->is_asked);
	}
	return finish(out);
}

/* --- metrics ------------------------------------------------------------------------------ */

static void put_labels(struct metrics *o, const struct diff_row *r)
{
	char label[DIFF_WORDS];

	metrics_begin(o);
	metrics_label(o, "family", r->family->name);
	metrics_label(o, "name", diff_label(label, r, LABEL_BYTES));
}

static void put_sample(struct metrics *o, const struct diff_row *r, const char *side,
		       const char *of, double value)
{
	put_labels(o, r);
	metrics_label(o, "side", side);
	metrics_label(o, "of", of);
	if (r->type == GATE_TIME)
		metrics_ns(o, (uint64_t)value);
	else
		metrics_double(o, value);
}

static void put_sides(struct metrics *o, const struct diff *d, bool times)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct diff_row *r = &d->rows[i];

		if ((r->type == GATE_TIME) != times)
			continue;
		put_sample(o, r, "base", "mean", r->base.mean);
		put_sample(o, r, "base", "low", r->base.low);
		put_sample(o, r, "base", "high", r->base.high);
		put_sample(o, r, "head", "mean", r->head.mean);
		put_sample(o, r, "head", "low", r->head.low);
		put_sample(o, r, "head", "high", r->head.high);
	}
}

static void put_test(struct metrics *o, const struct diff *d)
{
	metrics_one(o, "diff_can_tell", "1: there are runs enough to tell a change from chance.",
		    d->can_tell);
	if (!d->can_tell)
		return;
	metrics_family(o, "diff_chance", "ratio", "How often chance alone does as much somewhere.");
	for (size_t i = 0; i < d->n_rows; i++) {
		put_labels(o, &d->rows[i]);
		metrics_double(o, d->rows[i].p);
	}
	metrics_family(o, "diff_changed", NULL, "1: it is more than the spread of the runs.");
	for (size_t i = 0; i < d->n_rows; i++) {
		put_labels(o, &d->rows[i]);
		metrics_u64(o, d->rows[i].is_change);
	}
}

/* Numbered, as two may be alike. */
static void put_gates(struct metrics *o, const struct diff *d)
{
	static const char *const outcomes[] = {
		[GATE_NO] = "false", [GATE_YES] = "true", [GATE_ERROR] = "error"
	};
	char number[24];

	if (d->n_gates)
		metrics_family(o, "diff_gate", NULL,
			       "1 for what a condition came to; measured says of what.");
	for (size_t i = 0; i < d->n_gates; i++) {
		const struct gate_result *g = &d->gates[i];

		snprintf(number, sizeof(number), "%zu", i + 1);
		metrics_begin(o);
		metrics_label(o, "gate", number);
		metrics_label(o, "condition", g->expression);
		metrics_label(o, "holds", outcomes[g->holds]);
		metrics_label(o, "measured", g->error ? g->error : g->measured);
		metrics_u64(o, 1);
	}
}

int diff_openmetrics_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct metrics o = { .out = out };
	bool others = false;

	(void)opts;
	errno = 0;
	metrics_family(&o, "diff_runs", NULL, "Runs that were compared.");
	metrics_labelled_u64(&o, "side", "base", d->n_base);
	metrics_labelled_u64(&o, "side", "head", d->n_head);
	metrics_family(&o, "diff_time", "seconds", "What was compared, of both sides.");
	put_sides(&o, d, true);
	for (size_t i = 0; i < d->n_rows; i++)
		others |= d->rows[i].type != GATE_TIME;
	if (others) {
		metrics_family(&o, "diff_number", NULL, "The same of what is no time.");
		put_sides(&o, d, false);
	}
	put_test(&o, d);
	put_gates(&o, d);
	fputs("# EOF\n", out);
	return finish(out);
}
