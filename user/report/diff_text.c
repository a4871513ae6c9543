// SPDX-License-Identifier: BSD-2-Clause
/* What changed, for a person. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "report/page.h"

enum { D_NAME, D_BASE, D_HEAD, D_CHANGE, D_SPREAD, D_CHANCE };

static const struct column columns[] = {
	[D_NAME] = { .head = "what", .left = true },
	[D_BASE] = { .head = "base" },
	[D_HEAD] = { .head = "head" },
	[D_CHANGE] = { .head = "change" },
	[D_SPREAD] = { .head = "base's spread", .left = true, .drop = 2 },
	[D_CHANCE] = { .head = "by chance", .drop = 1 },
};

static double change_of(const struct diff_row *r)
{
	return r->base.mean > 0 ? r->head.mean / r->base.mean - 1 : INFINITY;
}

static char *change_text(char buf[32], double change)
{
	if (isinf(change))
		snprintf(buf, 32, "new");
	else if (change >= 9.995)
		snprintf(buf, 32, "× %.0f", change + 1);
	else
		snprintf(buf, 32, "%+.1f %%", 100 * change);
	return buf;
}

static char *range_text(const struct page *p, char buf[80], const struct diff_side *s)
{
	char low[UNITS_SIZE], high[UNITS_SIZE];

	snprintf(buf, 80, "%s to %s", page_ns(p, low, (uint64_t)s->low),
		 page_ns(p, high, (uint64_t)s->high));
	return buf;
}

static void put_headline(struct page *p, const struct diff *d)
{
	const struct diff_row *wall = &d->rows[0];
	char base[UNITS_SIZE], head[UNITS_SIZE], change[32], times[160];

	snprintf(times, sizeof(times), "%s in %zu run%s before, %s in %zu after",
		 page_ns(p, base, (uint64_t)wall->base.mean), d->n_base, d->n_base == 1 ? "" : "s",
		 page_ns(p, head, (uint64_t)wall->head.mean), d->n_head);
	if (wall->is_change)
		page_text(p, 0, wall->head.mean > wall->base.mean ? "slower" : "faster",
			  STYLE_PLAIN, "· the wall time changed by %s: %s",
			  change_text(change, change_of(wall)), times);
	else if (d->can_tell)
		page_text(p, 0, "no change", STYLE_PLAIN,
			  "· of the wall time beyond the spread of the runs: %s", times);
	else
		page_text(
			p, 0, "not known", STYLE_PLAIN,
			"· too few runs to tell a change from chance: %s. With 4 on each side one "
			"could.",
			times);
}

static void put_verdicts(struct page *p, const struct diff *d)
{
	char text[2][200] = { "", "" };

	for (int side = 0; side < 2; side++) {
		for (int c = 0; c < CLASS_COUNT; c++) {
			size_t length = strlen(text[side]);

			if (d->verdicts[side][c])
				snprintf(text[side] + length, sizeof(*text) - length, "%s%s (%zu)",
					 length ? ", " : "", class_name(c), d->verdicts[side][c]);
		}
	}
	page_text(p, 2, NULL, STYLE_PLAIN, "Verdict: %s before, %s after", text[0], text[1]);
}

static void put_row(struct page *p, struct table *t, const struct diff_row *r)
{
	char text[128];

	table_row(t, STYLE_PLAIN);
	table_set(t, D_NAME, NAME(p, text, r->name, 40));
	table_set(t, D_BASE, page_ns(p, text, (uint64_t)r->base.mean));
	table_set(t, D_HEAD, page_ns(p, text, (uint64_t)r->head.mean));
	table_set(t, D_CHANGE, change_text(text, change_of(r)));
	if (r->base.n > 1)
		table_set(t, D_SPREAD, range_text(p, text, &r->base));
	snprintf(text, sizeof(text), r->p < 0.001 ? "<0.001" : "%.3f", r->p);
	table_set(t, D_CHANCE, text);
}

/* What changed for sure; with -v, or if nothing can be sure, the rest too. */
static void put_rows(struct page *p, const struct diff *d)
{
	struct table t = { .columns = columns, .n_columns = D_CHANCE + 1 };
	bool all = p->opts->verbose || !d->can_tell;
	size_t shown = 0;

	for (size_t i = 0; i < d->n_rows; i++) {
		if (shown == p->opts->top || !(all || d->rows[i].is_change))
			continue;
		put_row(p, &t, &d->rows[i]);
		shown++;
	}
	if (!shown)
		return;
	page_heading(p, d->can_tell ? "Changes" : "Differences",
		     d->can_tell ? "largest first; by chance: how often chance alone does as much"
				 : "any of which may be chance");
	table_print(&t, p);
}

int diff_text_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	struct page p;

	page_init(&p, opts, out);
	put_headline(&p, d);
	put_verdicts(&p, d);
	if (d->differs)
		page_text(&p, 2, "Careful:", STYLE_WARN, "the runs are not alike in their %s.",
			  d->differs);
	put_rows(&p, d);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
