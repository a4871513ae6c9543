// SPDX-License-Identifier: BSD-2-Clause
#include "report/page.h"

#include <string.h>

#include "base/escape.h"
#include "report/style.h"

#define INDENT	  2
#define GAP	  2
#define FIRST_MIN 2 /* columns that the first one keeps, however narrow the page is */

/* Columns of each table column; 0: not shown. */
struct layout {
	size_t width[TABLE_COLUMNS];
	size_t last; /* the rightmost that is shown */
};

void table_row(struct table *t, enum style style)
{
	struct row *r = vec_add(&t->rows);

	memset(r, 0, sizeof(*r));
	r->style = style;
}

void table_set(struct table *t, size_t column, const char *text)
{
	char **cell = &t->rows.items[t->rows.n - 1].cells[column];

	if (!*text)
		return;
	*cell = strdup(text);
	if (!*cell)
		out_of_memory();
}

void table_part(struct table *t, unsigned int tone, double share)
{
	struct row *r = &t->rows.items[t->rows.n - 1];

	if (share > 0 && r->n_parts < TABLE_PARTS)
		r->parts[r->n_parts++] = (struct part){ tone, share };
}

static size_t total_width(const struct table *t, const struct layout *l)
{
	size_t total = INDENT;

	for (size_t c = 0; c < t->n_columns; c++)
		total += l->width[c] ? l->width[c] + (c ? GAP : 0) : 0;
	return total;
}

/* Cuts the column that can be missed best, or takes it out if that is not enough. */
static bool drop_one(const struct table *t, struct layout *l, size_t over)
{
	size_t worst = 0;
	unsigned char drop = 0;

	for (size_t c = 0; c < t->n_columns; c++) {
		if (l->width[c] && t->columns[c].drop > drop) {
			drop = t->columns[c].drop;
			worst = c;
		}
	}
	if (!drop)
		return false;
	if (t->columns[worst].least && l->width[worst] >= over + t->columns[worst].least)
		l->width[worst] -= over;
	else
		l->width[worst] = 0;
	return true;
}

static void measure(const struct table *t, struct layout *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < t->rows.n; i++) {
		for (size_t c = 0; c < t->n_columns; c++) {
			const char *cell = t->rows.items[i].cells[c];
			size_t w = cell ? text_columns(cell, strlen(cell)) : 0;

			if (w > l->width[c])
				l->width[c] = w;
		}
	}
	for (size_t c = 0; c < t->n_columns; c++) {
		size_t head = strlen(t->columns[c].head);

		if (l->width[c] && l->width[c] < head)
			l->width[c] = head;
	}
}

static void lay_out(const struct table *t, const struct page *p, struct layout *l)
{
	size_t total;

	measure(t, l);
	while (p->limit && total_width(t, l) > p->limit &&
	       drop_one(t, l, total_width(t, l) - p->limit))
		;
	total = total_width(t, l);
	if (p->limit && total > p->limit) {
		size_t over = total - p->limit;

		l->width[0] = l->width[0] > over + FIRST_MIN ? l->width[0] - over : FIRST_MIN;
	}
	for (size_t c = 0; c < t->n_columns; c++)
		l->last = l->width[c] ? c : l->last;
}

static void print_cell(const struct page *p, const struct column *column, const char *cell,
		       size_t width, bool last)
{
	size_t bytes = strlen(cell), used = text_columns(cell, bytes);
	const char *dots = "";

	if (used > width) {
		dots = p->opts->utf8 ? "…" : ".";
		bytes = text_fit(cell, bytes, width - 1);
		used = text_columns(cell, bytes) + 1;
	}
	if (!column->left)
		fprintf(p->out, "%*s", (int)(width - used), "");
	fwrite(cell, 1, bytes, p->out);
	fputs(dots, p->out);
	if (column->left && !last)
		fprintf(p->out, "%*s", (int)(width - used), "");
}

static void print_row(const struct table *t, const struct page *p, const struct layout *l,
		      const struct row *row)
{
	size_t last = 0;

	for (size_t c = 0; c <= l->last; c++) {
		if (l->width[c] && row->cells[c])
			last = c;
	}
	fprintf(p->out, "%*s", INDENT, "");
	style_begin(p, row->style);
	for (size_t c = 0; c <= last; c++) {
		enum style style = row->style ? STYLE_PLAIN : t->columns[c].style;

		if (!l->width[c])
			continue;
		if (c)
			fprintf(p->out, "%*s", GAP, "");
		style_begin(p, style);
		print_cell(p, &t->columns[c], row->cells[c] ? row->cells[c] : "", l->width[c],
			   c == last);
		style_end(p, style);
	}
	style_end(p, row->style);
	fputc('\n', p->out);
}

void table_print_terminal(struct page *p, const struct table *t)
{
	struct row head = { .style = STYLE_DIM };
	struct layout l;
	bool has_head = false;

	lay_out(t, p, &l);
	for (size_t c = 0; c < t->n_columns; c++) {
		head.cells[c] = *t->columns[c].head ? (char *)t->columns[c].head : NULL;
		has_head |= head.cells[c] && l.width[c];
	}
	if (has_head)
		print_row(t, p, &l, &head);
	for (size_t i = 0; i < t->rows.n; i++)
		print_row(t, p, &l, &t->rows.items[i]);
}

bool table_has(const struct table *t, size_t column)
{
	for (size_t i = 0; i < t->rows.n; i++) {
		if (t->rows.items[i].cells[column])
			return true;
	}
	return false;
}

void table_print(struct table *t, struct page *p)
{
	p->medium->table(p, t);
	for (size_t i = 0; i < t->rows.n; i++) {
		for (size_t c = 0; c < t->n_columns; c++)
			free(t->rows.items[i].cells[c]);
	}
	free(t->rows.items);
	memset(&t->rows, 0, sizeof(t->rows));
}
