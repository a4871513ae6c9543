// SPDX-License-Identifier: BSD-2-Clause
/* What changed, as JUnit XML: a test for each condition, which alone can fail, and one for each
 * quantity, which tells its numbers. */
#include <string.h>

#include "base/escape.h"
#include "report/diff_words.h"
#include "report/junit_parts.h"
#include "report/report.h"

#define LABEL_BYTES 48 /* four times as long if they are escaped */

static void add_row(struct junit_suite *s, const struct diff *d, const struct diff_row *r)
{
	struct junit_test *t = junit_add(s, "concprof.change", NULL);
	char words[DIFF_WORDS], label[DIFF_WORDS], name[DIFF_WORDS + 32];

	diff_label(label, r, LABEL_BYTES);
	snprintf(name, sizeof(name), "%s%s%s", r->family->word, *r->family->word ? " " : "", label);
	escape_text(t->own_name, sizeof(t->own_name), name, 0, true);
	if (!d->can_tell)
		t->result = JUNIT_SKIPPED;
	diff_about(words, d, true);
	snprintf(t->why, sizeof(t->why), "%s", words);
	diff_row_words(words, d, r, true);
	if (asprintf(&t->output, "%s%s\n", r->is_change ? "changed: " : "", words) < 0)
		out_of_memory();
}

static void put_properties(const struct junit_suite *s, const struct diff *d,
			   const struct report_opts *opts)
{
	FILE *out = s->out;
	char words[DIFF_WORDS], doubts[DIFF_DOUBTS][DIFF_WORDS];
	size_t n;

	junit_begin_properties(s);
	junit_property(out, "headline", diff_headline(d));
	junit_property(out, "about", diff_about(words, d, true));
	junit_property(out, "base_verdicts", diff_verdicts(words, d->verdicts[0]));
	junit_property(out, "head_verdicts", diff_verdicts(words, d->verdicts[1]));
	junit_number(out, "runs.base", (double)d->n_base);
	junit_number(out, "runs.head", (double)d->n_head);
	junit_property(out, "can_tell", d->can_tell ? "true" : "false");
	n = diff_doubts(doubts, d);
	for (size_t i = 0; i < n; i++)
		junit_property(out, "careful", doubts[i]);
	if (opts->version)
		junit_property(out, "tool.version", opts->version);
}

int diff_junit_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct junit_suite s = { .out = out };
	int err;

	junit_gates(&s, d->gates, d->n_gates);
	for (size_t i = 0; i < d->n_rows; i++)
		add_row(&s, d, &d->rows[i]);
	junit_begin(&s, (uint64_t)d->rows[0].head.mean);
	put_properties(&s, d, opts);
	err = junit_end(&s);
	junit_forget(&s);
	return err;
}
