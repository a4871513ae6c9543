// SPDX-License-Identifier: BSD-2-Clause
/* Tables as HTML: a row is headed by what it is about, and may have a bar. */
#include "report/html.h"

#include <string.h>

#include "base/escape.h"
#include "base/units.h"

#define TOLD 0.005 /* of a bar: a part that its words name */

static bool is_shown(const struct table *t, size_t column)
{
	if (!t->columns[column].bar)
		return table_has(t, column);
	for (size_t i = 0; i < t->rows.n; i++) {
		if (t->rows.items[i].n_parts)
			return true;
	}
	return false;
}

/* For who points at it: "running 28 %, queued 20 %". */
static void put_words(FILE *out, const struct row *row)
{
	char share[UNITS_SIZE];
	size_t told = 0;

	fputs("<title>", out);
	for (size_t i = 0; i < row->n_parts; i++) {
		if (row->parts[i].share >= TOLD)
			fprintf(out, "%s%s %s", told++ ? ", " : "", wall_name(row->parts[i].tone),
				units_percent(share, row->parts[i].share));
	}
	fputs("</title>", out);
}

static void put_bar(FILE *out, const struct row *row)
{
	double at = 0;

	fputs("<svg class=\"bar\" aria-hidden=\"true\">", out);
	if (row->n_parts > 1)
		put_words(out, row);
	for (size_t i = 0; i < row->n_parts; i++) {
		double share = row->parts[i].share;

		if (share < 0.0005)
			continue;
		fprintf(out, "<rect class=\"t-%s\"", html_tone(row->parts[i].tone));
		if (at > 0)
			html_percent(out, "x", at);
		html_percent(out, "width", share);
		fputs(" height=\"100%\"/>", out);
		at += share;
	}
	fputs("</svg>", out);
}

static const char *cell_class(const struct column *column)
{
	return column->bar    ? " class=\"b\""
	       : column->name ? " class=\"l n\""
	       : column->left ? " class=\"l\""
			      : "";
}

static void put_cell(FILE *out, const struct column *column, const struct row *row,
		     const char *cell, bool is_first)
{
	size_t indent = strspn(cell, " ");

	fprintf(out, is_first ? "<th scope=\"row\"%s>" : "<td%s>", cell_class(column));
	if (column->bar && row->n_parts)
		put_bar(out, row);
	for (size_t i = 0; i < indent / 2; i++)
		fputs("&emsp;", out);
	if (!column->bar)
		escape_html(out, cell + indent);
	fputs(is_first ? "</th>" : "</td>", out);
}

/* The columns that are shown: first what a row is about, which heads it. */
struct order {
	size_t columns[TABLE_COLUMNS];
	size_t n;
};

static struct order order_of(const struct table *t)
{
	struct order o = { .n = 0 };
	size_t about = 0;

	for (size_t c = 0; c < t->n_columns && !t->columns[0].left; c++) {
		if (t->columns[c].name && is_shown(t, c))
			about = c;
	}
	if (is_shown(t, about))
		o.columns[o.n++] = about;
	for (size_t c = 0; c < t->n_columns; c++) {
		if (c != about && is_shown(t, c))
			o.columns[o.n++] = c;
	}
	return o;
}

static void put_head(FILE *out, const struct table *t, const struct order *o)
{
	bool has_words = false;

	for (size_t i = 0; i < o->n; i++)
		has_words |= *t->columns[o->columns[i]].head;
	if (!has_words)
		return;
	fputs("<thead><tr>", out);
	for (size_t i = 0; i < o->n; i++) {
		const struct column *column = &t->columns[o->columns[i]];

		fprintf(out, "<th scope=\"col\"%s>", cell_class(column));
		escape_html(out, column->head);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n", out);
}

static void put_row(FILE *out, const struct table *t, const struct order *o, const struct row *row)
{
	fprintf(out, "<tr%s>", html_style(row->style));
	for (size_t i = 0; i < o->n; i++) {
		size_t c = o->columns[i];

		put_cell(out, &t->columns[c], row, row->cells[c] ? row->cells[c] : "", !i);
	}
	fputs("</tr>\n", out);
}

void html_swatch(FILE *out, const char *class, const char *words)
{
	fprintf(out,
		"<li><svg class=\"swatch\" aria-hidden=\"true\"><rect class=\"%s\" width=\"100%%\" "
		"height=\"100%%\"/></svg>%s</li>",
		class, words);
}

/* What the colours of its bars mean, where no word beside them says it. */
static void put_key(FILE *out, const struct table *t)
{
	bool is_there[TONE_COUNT] = { false }, has_parts = false;
	char class[32];

	for (size_t i = 0; i < t->rows.n; i++) {
		const struct row *row = &t->rows.items[i];

		has_parts |= row->n_parts > 1;
		for (size_t k = 0; k < row->n_parts; k++)
			is_there[row->parts[k].tone] |= row->parts[k].share >= TOLD;
	}
	if (!has_parts)
		return;
	fputs("<ul class=\"key\">", out);
	for (unsigned int k = 0; k < TONE_COUNT; k++) {
		unsigned int tone = (k + TONE_RUNNING) % TONE_COUNT; /* running first */

		snprintf(class, sizeof(class), "t-%s", html_tone(tone));
		if (is_there[tone] && wall_name(tone))
			html_swatch(out, class, wall_name(tone));
	}
	fputs("</ul>\n", out);
}

/* The section that it stands in names it. */
void html_table(struct page *p, const struct table *t)
{
	struct html *h = (struct html *)p; /* its first member */
	const char *title = h->parts.n ? h->parts.items[h->parts.n - 1].title : "Numbers";
	struct order order;

	if (!t->rows.n)
		return;
	html_flow(p);
	order = order_of(t);
	fprintf(p->out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	escape_html(p->out, title);
	fprintf(p->out, ", table %u\">\n<table>\n", ++h->n_tables);
	put_head(p->out, t, &order);
	fputs("<tbody>\n", p->out);
	for (size_t i = 0; i < t->rows.n; i++)
		put_row(p->out, t, &order, &t->rows.items[i]);
	fputs("</tbody>\n</table>\n</div>\n", p->out);
	put_key(p->out, t);
}
