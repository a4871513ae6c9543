/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Lines and tables for a person, within the reader's columns. What is passed in
 * must be safe for a terminal: page_name() makes it so.
 */
#include "base/vec.h"
#include "report/report.h"

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_BAR, STYLE_WARN, STYLE_BAD };

/* What a part of a bar stands for, a "tone": one colour wherever it is drawn. Below ROW_COUNT: a wait, by the
 * row of the wall time that it is for. */
enum {
	TONE_RUNNING = ROW_COUNT,
	TONE_SERIALISED, /* a part of running, as the next */
	TONE_TURNS,
	TONE_QUEUED,
	TONE_LIMIT,
	TONE_WAKING,
	TONE_YIELDED,
	TONE_BLOCKED, /* for what is not said */
	TONE_NONE,
	TONE_COUNT,
};

/* Pictures beside the words. */
enum drawing {
	DRAW_COURSE, /* the wall time, slot by slot */
	DRAW_DEADLOCK,
	DRAW_COMPUTING, /* by stacks */
	DRAW_WAITING,
	DRAW_TIMELINE,
};

struct page;
struct table;

/* How a page is written down: on a terminal, or as a document. */
struct page_medium {
	void (*title)(struct page *p, unsigned int level, enum style style, const char *text);
	void (*heading)(struct page *p, const char *title, const char *about);
	void (*command)(struct page *p, const char *line);
	void (*text)(struct page *p, size_t indent, const char *lead, enum style style,
		     const char *text);
	void (*entry)(struct page *p, size_t indent, const char *number, size_t width,
		      const char *text);
	void (*line)(struct page *p, size_t indent, enum style style, const char *text);
	void (*gap)(struct page *p);
	void (*table)(struct page *p, const struct table *t);
	/* NULL: it has no pictures. `which`: of the findings' own list of these. */
	void (*draw)(struct page *p, const struct findings *f, enum drawing what, size_t which);
};

struct page {
	FILE *out; /* borrowed */
	const struct page_medium *medium;
	const struct report_opts *opts;
	size_t columns; /* of a paragraph */
	size_t limit;	/* of a table's line; 0: as long as need be */
	size_t name;	/* of a name in a table */
	size_t path;	/* ... of a path */
	size_t command; /* of a command's line, and other lines of any length */
};

/* On a terminal, or where text goes that is laid out for one. */
void page_init(struct page *p, const struct report_opts *opts, FILE *out);

/* A paragraph: `lead` in bold (may be NULL), then the words, wrapped, all of it
 * `indent` columns in and continued two columns further. */
void page_text(struct page *p, size_t indent, const char *lead, enum style style, const char *fmt,
	       ...) __attribute__((format(printf, 5, 6)));
/* Words behind a number, which ends at column `indent + width`; continued below the words. */
void page_entry(struct page *p, size_t indent, const char *number, size_t width, const char *text);
/* Text that is no words, as it is. */
void page_line(struct page *p, size_t indent, enum style style, const char *text);
/* What follows is another matter. */
void page_gap(struct page *p);

/* A name from outside, escaped and cut to `columns` (0: as far as buf goes). Returns buf. */
char *page_name(const struct page *p, char *buf, size_t size, const char *name, size_t columns);
#define NAME(p, buf, name, columns) page_name(p, buf, sizeof(buf), name, columns)
/* A sentence of ours, which may have such names in it. Returns buf. */
char *page_words(const struct page *p, char *buf, size_t size, const char *text);
#define WORDS(p, buf, text) page_words(p, buf, sizeof(buf), text)

/* Number formats of base/units.h, as this reader can see them. */
char *page_ns(const struct page *p, char *buf, uint64_t ns);
/* The same, but nothing for 0: for tables. */
char *page_cell_ns(const struct page *p, char *buf, uint64_t ns);
char *page_cell_count(char *buf, uint64_t n);

/* What a finding says, in one line; level 1: the verdict. */
void page_title(struct page *p, unsigned int level, enum style style, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A command line, escaped. */
void page_command(struct page *p, const char *line);
/* The heading of a section, and what it is about. */
void page_heading(struct page *p, const char *title, const char *about);
/* "3 threads", "1 thread" */
char *page_counted(char *buf, size_t size, uint64_t n, const char *one, const char *many);

/* Draws it, if the medium can. */
void page_draw(struct page *p, const struct findings *f, enum drawing what, size_t which);

/* A bar of so many columns for a share of 1; empty if the reader cannot see it. */
char *page_bar(const struct page *p, char *buf, size_t size, double share, unsigned int columns);

#define TABLE_COLUMNS 12
#define TABLE_PARTS   TONE_COUNT

struct column {
	const char *head;
	bool left;	     /* text; numbers stand at the right */
	bool name;	     /* from outside: no words of ours */
	bool bar;	     /* where a medium that can draw has the row's parts instead of text */
	unsigned char drop;  /* columns with a high one go first if there is no room; 0: never */
	unsigned char least; /* ... and before it goes it is cut to so many; 0: it is not cut */
	enum style style;    /* of its cells in plain rows */
};

/* Of a bar: a share of 1. */
struct part {
	unsigned int tone;
	double share;
};

struct row {
	enum style style;
	char *cells[TABLE_COLUMNS];
	struct part parts[TABLE_PARTS];
	size_t n_parts;
};

struct table {
	const struct column *columns; /* borrowed */
	size_t n_columns;
	VEC(struct row) rows;
};

/* A new row without content. */
void table_row(struct table *t, enum style style);
/* The text of a cell of the last row; it is copied. */
void table_set(struct table *t, size_t column, const char *text);
/* One more part of the last row's bar; not if there is nothing of it. */
void table_part(struct table *t, unsigned int tone, double share);
/* Prints the columns that hold anything, and empties the table. */
void table_print(struct table *t, struct page *p);
/* Does any of its rows hold anything there? */
bool table_has(const struct table *t, size_t column);
