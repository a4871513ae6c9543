// SPDX-License-Identifier: BSD-2-Clause
/* What changed, for scripts. */
#include "report/json_parts.h"
#include "report/report.h"

/* "mean_ns": with the unit, if there is one. */
static void put_number(struct json *j, const struct diff_row *r, const char *name, double value)
{
	bool is_time = r->type == GATE_TIME, is_size = r->type == GATE_BYTES;
	char key[32];

	snprintf(key, sizeof(key), "%s%s", name, is_time ? "_ns" : is_size ? "_bytes" : "");
	if (is_time || is_size)
		json_u64(j, key, (uint64_t)value);
	else
		json_double(j, key, value);
}

static void put_side(struct json *j, const char *key, const struct diff_row *r,
		     const struct diff_side *s)
{
	json_line_object(j, key);
	put_number(j, r, "mean", s->mean);
	put_number(j, r, "low", s->low);
	put_number(j, r, "high", s->high);
	json_end(j);
}

static void put_verdicts(struct json *j, const char *key, const size_t counts[CLASS_COUNT])
{
	json_line_object(j, key);
	for (int c = 0; c < CLASS_COUNT; c++) {
		if (counts[c])
			json_u64(j, class_name(c), counts[c]);
	}
	json_end(j);
}

static void put_row(struct json *j, const struct diff_row *r)
{
	json_object(j, NULL);
	json_string(j, "family", r->family->name);
	json_string(j, "name", r->name);
	put_side(j, "base", r, &r->base);
	put_side(j, "head", r, &r->head);
	json_double(j, "p", r->p);
	json_bool(j, "changed", r->is_change);
	json_bool(j, "asked", r->is_asked);
	json_end(j);
}

static void put_counts(struct json *j, const char *key, size_t base, size_t head)
{
	json_line_object(j, key);
	json_u64(j, "base", base);
	json_u64(j, "head", head);
	json_end(j);
}

static void put_about(struct json *j, const struct diff *d, const struct report_opts *opts)
{
	json_string(j, "schema_version", "1.0");
	json_line_object(j, "tool");
	json_string(j, "name", "concprof");
	json_string(j, "version", opts->version);
	json_end(j);
	json_string(j, "mode", "diff");
	put_counts(j, "runs", d->n_base, d->n_head);
	put_counts(j, "failed", d->failed[0], d->failed[1]);
	put_counts(j, "cut_short", d->cut[0], d->cut[1]);
	put_verdicts(j, "base_verdicts", d->verdicts[0]);
	put_verdicts(j, "head_verdicts", d->verdicts[1]);
	json_u64(j, "repeated", d->repeated);
	json_string(j, "machines_differ", d->differs);
	json_bool(j, "can_tell", d->can_tell);
	json_u64(j, "divisions", d->divisions);
	json_bool(j, "all_divisions", d->is_exact);
	if (d->can_tell)
		json_double(j, "least_wall_change", d->least_change);
	else
		json_null(j, "least_wall_change");
}

int diff_json_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	put_about(&j, d, opts);
	json_gates(&j, d->gates, d->n_gates);
	json_array(&j, "quantities");
	for (size_t i = 0; i < d->n_rows; i++)
		put_row(&j, &d->rows[i]);
	json_end(&j);
	json_array(&j, "omitted");
	if (d->omitted) {
		json_line_object(&j, NULL);
		json_string(&j, "what", "quantities");
		json_u64(&j, "count", d->omitted);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	return json_finish(&j);
}
