// SPDX-License-Identifier: BSD-2-Clause
/* What changed, as annotations of GitHub Actions. */
#include <errno.h>

#include "base/escape.h"
#include "report/diff_words.h"
#include "report/github_parts.h"
#include "report/report.h"

#define CHANGES_SHOWN 20

static void put_rows(struct annotation *a, const struct diff *d)
{
	char name[DIFF_WORDS], words[DIFF_WORDS], line[2 * DIFF_WORDS + 4];
	size_t n = diff_changes(d), shown = 0;

	for (size_t i = 0; i < d->n_rows && shown < CHANGES_SHOWN; i++) {
		if (!d->rows[i].is_change)
			continue;
		snprintf(line, sizeof(line), "%s: %s", diff_name(name, &d->rows[i], 0, true),
			 diff_row_words(words, d, &d->rows[i], true));
		github_line(a, line);
		shown++;
	}
	if (n > shown) {
		snprintf(line, sizeof(line), "%zu more", n - shown);
		github_line(a, line);
	}
}

static void put_doubts(FILE *out, const struct diff *d)
{
	char doubts[DIFF_DOUBTS][DIFF_WORDS], safe[4 * DIFF_WORDS];
	size_t n = diff_doubts(doubts, d);
	struct annotation a;

	if (!n)
		return;
	github_begin(&a, out, SEVERITY_WARNING, "careful");
	for (size_t i = 0; i < n; i++) {
		escape_text(safe, sizeof(safe), doubts[i], 0, true);
		github_line(&a, safe);
	}
	github_end(&a);
}

int diff_github_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct annotation a;
	char base[DIFF_WORDS], head[DIFF_WORDS], line[2 * DIFF_WORDS + 32];

	(void)opts;
	(void)github_gates(out, d->gates, d->n_gates);
	github_begin(&a, out, SEVERITY_NOTE, diff_headline(d));
	github_line(&a, diff_about(line, d, true));
	snprintf(line, sizeof(line), "Verdict: %s before, %s after",
		 diff_verdicts(base, d->verdicts[0]), diff_verdicts(head, d->verdicts[1]));
	github_line(&a, line);
	put_rows(&a, d);
	github_end(&a);
	put_doubts(out, d);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
