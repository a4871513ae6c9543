// SPDX-License-Identifier: BSD-2-Clause
/* What changed, for a person. */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "report/diff_words.h"
#include "report/text_parts.h"

#define NAME_COLUMNS 44

enum { D_NAME, D_BASE, D_HEAD, D_CHANGE, D_SPREAD, D_CHANCE };

static const struct column columns[] = {
	[D_NAME] = { .head = "what", .left = true, .name = true },
	[D_BASE] = { .head = "base" },
	[D_HEAD] = { .head = "head" },
	[D_CHANGE] = { .head = "change" },
	[D_SPREAD] = { .head = "base's spread", .left = true, .drop = 2 },
	[D_CHANCE] = { .head = "by chance", .drop = 1 },
};

/* "slower · the wall time changed by ...". */
static char *headline(const struct page *p, char buf[2 * DIFF_WORDS], const struct diff *d)
{
	char about[DIFF_WORDS], words[DIFF_WORDS + 64];

	snprintf(words, sizeof(words), "%s · %s", diff_headline(d),
		 diff_about(about, d, p->opts->utf8));
	return page_words(p, buf, 2 * DIFF_WORDS, words);
}

void text_diff_title(struct page *p, const struct diff *d)
{
	char words[2 * DIFF_WORDS];

	page_title(p, 1, STYLE_BOLD, "%s", headline(p, words, d));
}

static void put_verdicts(struct page *p, const struct diff *d)
{
	char base[DIFF_WORDS], head[DIFF_WORDS];

	page_text(p, 2, NULL, STYLE_PLAIN, "Verdict: %s before, %s after",
		  diff_verdicts(base, d->verdicts[0]), diff_verdicts(head, d->verdicts[1]));
}

static void put_doubts(struct page *p, const struct diff *d)
{
	char doubts[DIFF_DOUBTS][DIFF_WORDS], safe[2 * DIFF_WORDS];
	size_t n = diff_doubts(doubts, d);

	for (size_t i = 0; i < n; i++)
		page_text(p, 2, "Careful:", STYLE_WARN, "%s", WORDS(p, safe, doubts[i]));
}

static void put_row(struct page *p, struct table *t, const struct diff *d, const struct diff_row *r)
{
	bool utf8 = p->opts->utf8;
	char text[DIFF_WORDS], low[UNITS_SIZE], high[UNITS_SIZE];

	table_row(t, STYLE_PLAIN);
	table_set(t, D_NAME, diff_name(text, r, NAME_COLUMNS, utf8));
	table_set(t, D_BASE, diff_value(text, r, r->base.mean, utf8));
	table_set(t, D_HEAD, diff_value(text, r, r->head.mean, utf8));
	table_set(t, D_CHANGE, diff_change(text, r, utf8));
	snprintf(text, sizeof(text), "%s to %s", diff_value(low, r, r->base.low, utf8),
		 diff_value(high, r, r->base.high, utf8));
	if (r->base.n > 1)
		table_set(t, D_SPREAD, text);
	if (d->can_tell)
		table_set(t, D_CHANCE, diff_chance(text, r));
}

/* What changed for sure; with -v, or if nothing can be sure, the rest too; and what a condition
 * asks for. */
static void put_rows(struct page *p, const struct diff *d)
{
	struct table t = { .columns = columns, .n_columns = D_CHANCE + 1 };
	bool all = p->opts->verbose || !d->can_tell;
	size_t shown = 0, wanted = 0;

	for (size_t i = 0; i < d->n_rows; i++) {
		if (!(all || d->rows[i].is_change))
			continue;
		if (wanted++ >= p->opts->top)
			continue;
		put_row(p, &t, d, &d->rows[i]);
		shown++;
	}
	if (!shown)
		return;
	page_heading(p, d->can_tell && !all ? "Changes" : "Differences",
		     d->can_tell ? "largest first; by chance: how often chance alone does as much"
				 : "any of which may be chance");
	table_print(&t, p);
	if (wanted > shown || (all && d->omitted))
		page_text(p, 2, NULL, STYLE_DIM, "%zu more are not shown",
			  wanted - shown + (all ? d->omitted : 0));
}

void text_diff(struct page *p, const struct diff *d)
{
	put_verdicts(p, d);
	put_doubts(p, d);
	text_gates(p, d->gates, d->n_gates, true);
	put_rows(p, d);
}

int diff_text_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	char words[2 * DIFF_WORDS];
	struct page p;

	page_init(&p, opts, out);
	page_text(&p, 0, NULL, STYLE_BOLD, "%s", headline(&p, words, d)); /* no line above it */
	text_diff(&p, d);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
