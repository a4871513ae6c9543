// SPDX-License-Identifier: BSD-2-Clause
/* What changed, for scripts. */
#include "base/json.h"
#include "report/report.h"

static void put_side(struct json *j, const char *key, const struct diff_side *s)
{
	json_line_object(j, key);
	json_u64(j, "mean_ns", (uint64_t)s->mean);
	json_u64(j, "low_ns", (uint64_t)s->low);
	json_u64(j, "high_ns", (uint64_t)s->high);
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

int diff_json_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_string(&j, "schema_version", "1.0");
	json_line_object(&j, "tool");
	json_string(&j, "name", "concprof");
	json_string(&j, "version", opts->version);
	json_end(&j);
	json_string(&j, "mode", "diff");
	json_line_object(&j, "runs");
	json_u64(&j, "base", d->n_base);
	json_u64(&j, "head", d->n_head);
	json_end(&j);
	put_verdicts(&j, "base_verdicts", d->verdicts[0]);
	put_verdicts(&j, "head_verdicts", d->verdicts[1]);
	json_string(&j, "machines_differ", d->differs);
	json_bool(&j, "can_tell", d->can_tell);
	json_u64(&j, "divisions", d->divisions);
	json_array(&j, "quantities");
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct diff_row *r = &d->rows[i];

		json_object(&j, NULL);
		json_string(&j, "name", r->name);
		put_side(&j, "base", &r->base);
		put_side(&j, "head", &r->head);
		json_double(&j, "p", r->p);
		json_bool(&j, "changed", r->is_change);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	return json_finish(&j);
}
