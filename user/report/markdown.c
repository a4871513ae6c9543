// SPDX-License-Identifier: BSD-2-Clause
/*
 * The report as GitHub-flavoured Markdown: what text.c puts on a page, on another medium.
 *
 * Whatever comes from outside stands in code spans, since nothing there is markup: no escape
 * keeps "@name", ":name:", "#1" or an address from what GitHub makes of them in plain text.
 */
#include "report/text_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/markdown_words.h"

/* GitHub takes no comment above 65,536 characters, and drops a step summary above 1 MiB as a whole.
 * Tables leave room for what follows them, all of it for the frame around what is written:
 * headings, and what was left out. */
#define LIMIT	    (56 * 1024)
#define TABLE_LIMIT (40 * 1024)

enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_ENTRY, BLOCK_LINE };

struct markdown {
	struct page page; /* its stream is the piece in hand */
	FILE *out;
	int err;
	char *piece;
	size_t piece_size;
	size_t used;
	enum block last;
	bool in_details;
	uint64_t left_out; /* paragraphs */
};

static struct markdown *of_page(struct page *p)
{
	return (struct markdown *)p; /* its first member */
}

/* Writes what is in hand, unless it would exceed the limit. */
static bool commit(struct markdown *md, size_t limit)
{
	FILE *to = md->page.out;
	long n = fflush(to) ? -1 : ftell(to);
	bool fits = n >= 0 && md->used + (size_t)n <= limit;

	if (n < 0 || fseek(to, 0, SEEK_SET)) {
		md->err = md->err ?: -ENOMEM;
		return false;
	}
	if (!fits)
		return false;
	if (fwrite(md->piece, 1, (size_t)n, md->out) != (size_t)n && !md->err)
		md->err = errno ? -errno : -EIO;
	md->used += (size_t)n;
	return true;
}

/* Part of the frame, which always fits. */
static void commit_frame(struct markdown *md)
{
	(void)commit(md, SIZE_MAX); /* an error is kept */
}

static void end_block(struct markdown *md)
{
	if (md->last == BLOCK_LINE)
		fputs("```\n", md->page.out);
	if (md->last != BLOCK_NONE)
		fputc('\n', md->page.out);
	md->last = BLOCK_NONE;
	commit_frame(md);
}

static void begin_block(struct markdown *md, enum block block)
{
	bool goes_on = block == md->last && block != BLOCK_TEXT;

	if (!goes_on)
		end_block(md);
	if (!goes_on && block == BLOCK_LINE)
		fputs("```\n", md->page.out);
	commit_frame(md);
	md->last = block;
}

static void md_gap(struct page *p)
{
	struct markdown *md = of_page(p);

	end_block(md);
	if (md->in_details)
		fputs("</details>\n\n", p->out);
	md->in_details = false;
	commit_frame(md);
}

static void md_title(struct page *p, unsigned int level, enum style style, const char *text)
{
	(void)style;
	md_gap(p);
	fputs(level == 1 ? "## concprof: " : "### ", p->out);
	markdown_words(p->out, text, false);
	fputs("\n\n", p->out);
	commit_frame(of_page(p));
}

static void md_heading(struct page *p, const char *title, const char *about)
{
	struct markdown *md = of_page(p);

	md_gap(p);
	fprintf(p->out, "<details>\n<summary><b>%s</b>: %s</summary>\n\n", title, about);
	md->in_details = true;
	commit_frame(md);
}

static void commit_text(struct markdown *md)
{
	fputc('\n', md->page.out);
	md->left_out += !commit(md, LIMIT);
}

static void md_command(struct page *p, const char *line)
{
	begin_block(of_page(p), BLOCK_TEXT);
	markdown_code(p->out, line, strlen(line), false);
	commit_text(of_page(p));
}

static void md_text(struct page *p, size_t indent, const char *lead, enum style style,
		    const char *text)
{
	(void)indent;
	(void)style;
	begin_block(of_page(p), BLOCK_TEXT);
	if (lead)
		fprintf(p->out, "**%s** ", lead);
	markdown_words(p->out, text, false);
	commit_text(of_page(p));
}

static void md_entry(struct page *p, size_t indent, const char *number, size_t width,
		     const char *text)
{
	(void)indent;
	(void)width;
	begin_block(of_page(p), BLOCK_ENTRY);
	fputs("- ", p->out);
	markdown_words(p->out, number, false);
	fputs(*number ? " " : "", p->out);
	markdown_words(p->out, text, false);
	commit_text(of_page(p));
}

/* Bars, and what stands below them. */
static void md_line(struct page *p, size_t indent, enum style style, const char *text)
{
	(void)style;
	begin_block(of_page(p), BLOCK_LINE);
	fprintf(p->out, "%*s%s", (int)indent, "", text);
	commit_text(of_page(p));
}

/* --- tables ----------------------------------------------------------------------- */

static void put_cell(FILE *out, const struct column *column, const char *cell)
{
	size_t indent = strspn(cell, " ");

	fputc(' ', out);
	for (size_t i = 0; i < indent / 2; i++)
		fputs("&emsp;", out);
	cell += indent;
	if (column->name && *cell)
		markdown_code(out, cell, strlen(cell), true);
	else
		markdown_words(out, cell, true);
	fputs(*cell ? " |" : "|", out);
}

/* Which columns hold anything, by place. */
struct shown {
	bool column[TABLE_COLUMNS];
};

static void put_row(FILE *out, const struct table *t, const struct shown *s, const struct row *row)
{
	fputc('|', out);
	for (size_t c = 0; c < t->n_columns; c++) {
		if (s->column[c])
			put_cell(out, &t->columns[c], row->cells[c] ? row->cells[c] : "");
	}
	fputc('\n', out);
}

/* Markdown has no table without one: if there are no words for it, the first row is it.
 * Returns how many rows it took. */
static size_t put_head(FILE *out, const struct table *t, const struct shown *s)
{
	bool has_words = false;

	for (size_t c = 0; c < t->n_columns; c++)
		has_words |= s->column[c] && *t->columns[c].head;
	if (!has_words) {
		put_row(out, t, s, &t->rows.items[0]);
		return 1;
	}
	fputc('|', out);
	for (size_t c = 0; c < t->n_columns; c++) {
		if (s->column[c])
			fprintf(out, " %s |", t->columns[c].head);
	}
	fputc('\n', out);
	return 0;
}

static void put_sides(FILE *out, const struct table *t, const struct shown *s)
{
	fputc('|', out);
	for (size_t c = 0; c < t->n_columns; c++) {
		if (s->column[c])
			fputs(t->columns[c].left ? " :-- |" : " --: |", out);
	}
	fputc('\n', out);
}

static void md_table(struct page *p, const struct table *t)
{
	struct markdown *md = of_page(p);
	struct shown shown = { 0 };
	size_t i;

	if (!t->rows.n)
		return;
	for (size_t c = 0; c < t->n_columns; c++)
		shown.column[c] = table_has(t, c);
	begin_block(md, BLOCK_TEXT);
	i = put_head(p->out, t, &shown);
	put_sides(p->out, t, &shown);
	commit_frame(md);
	for (; i < t->rows.n; i++) {
		put_row(p->out, t, &shown, &t->rows.items[i]);
		if (!commit(md, TABLE_LIMIT))
			break;
	}
	if (i == t->rows.n)
		return;
	end_block(md);
	fprintf(p->out, "%zu more rows are left out: the report would be too long.\n",
		t->rows.n - i);
	commit_frame(md);
	md->last = BLOCK_TEXT;
}

/* ---------------------------------------------------------------------------------- */

static const struct page_medium medium = {
	.title = md_title,
	.heading = md_heading,
	.command = md_command,
	.text = md_text,
	.entry = md_entry,
	.line = md_line,
	.gap = md_gap,
	.table = md_table,
};

/* machine, release: may be NULL, and anything. */
static void put_maker(struct page *p, const char *release, const char *machine)
{
	char version[64], kernel[512], arch[64];

	page_gap(p);
	page_text(p, 0, NULL, STYLE_DIM, "Measured by concprof %s%s%s%s%s.",
		  NAME(p, version, p->opts->version ?: "of unknown version", 0),
		  release ? " on Linux " : "", NAME(p, kernel, release ?: "", 0),
		  machine ? ", " : "", NAME(p, arch, machine ?: "", 0));
}

static int put_report(struct page *p, const void *findings)
{
	const struct findings *f = findings;
	int err;

	text_title(p, f);
	err = text_header(p, f);
	if (err)
		return err;
	text_gates(p, f->gates, f->n_gates, p->opts->verbose);
	text_verdict(p, f);
	text_findings(p, f);
	text_sections(p, f);
	put_maker(p, f->model->texts[TEXT_KERNEL], f->model->texts[TEXT_ARCH]);
	return 0;
}

static int put_diff(struct page *p, const void *diff)
{
	text_diff_title(p, diff);
	text_diff(p, diff);
	put_maker(p, NULL, NULL);
	return 0;
}

static int write_page(int (*put)(struct page *p, const void *what), const void *what,
		      const struct report_opts *opts, FILE *out)
{
	/* For a web page, whatever this terminal can show. */
	struct report_opts o = {
		.utf8 = true, .top = opts->top, .verbose = opts->verbose, .version = opts->version
	};
	struct markdown md = { .out = out };
	FILE *piece = open_memstream(&md.piece, &md.piece_size);
	int err;

	if (!piece)
		return -errno;
	page_init(&md.page, &o, piece);
	md.page.medium = &medium;
	err = put(&md.page, what);
	if (!err && md.left_out)
		page_text(&md.page, 0, NULL, STYLE_WARN,
			  "%" PRIu64 " lines are left out: the report would be too long.",
			  md.left_out);
	if (fclose(piece) && !md.err)
		md.err = -ENOMEM;
	free(md.piece);
	if ((fflush(out) || ferror(out)) && !md.err)
		md.err = errno ? -errno : -EIO;
	return err ? err : md.err;
}

int report_markdown_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	return write_page(put_report, f, opts, out);
}

int diff_markdown_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	return write_page(put_diff, d, opts, out);
}
