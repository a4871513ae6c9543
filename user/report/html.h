/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The page of a run: what text_parts.h puts on every medium, and pictures beside it. It has no
 * style attributes and no handlers, for its policy allows none: how things look is in page.css, by
 * class, and page.js adds to what is there what moves.
 */
#include "base/vec.h"
#include "report/text_parts.h"

enum html_block { HTML_NONE, HTML_ENTRIES, HTML_LINES };

#define HTML_TITLE 120

/* A section, for the list of them. */
struct html_part {
	char id[64], stem[64]; /* stem: without its number */
	char title[HTML_TITLE];
};

/* Between its beginning and its end the body is written to page.out. */
struct html {
	struct page page;
	VEC(struct html_part) parts;
	enum html_block block;
	bool in_part;	 /* a section is open */
	bool in_finding; /* ... and one of its findings */
	unsigned int n_tables;
};

void html_begin(struct html *h, const struct report_opts *opts, FILE *body);
/* Ends what is open. */
void html_end(struct html *h);
void html_free(struct html *h);

/* html_table.c: one of the medium's. */
void html_table(struct page *p, const struct table *t);

/* Ends a list or lines that are open, so that other elements can be written to page.out. */
void html_flow(struct page *p);
/* ` class="..."` of a style; "" for a plain one. */
const char *html_style(enum style style);
/* The class of what a part of a bar, or of a picture, stands for. */
const char *html_tone(unsigned int tone);
/* What a colour means: an element of a list of class "key". Both are ours. */
void html_swatch(FILE *out, const char *class, const char *words);
/* ` name="12.3%"` */
void html_percent(FILE *out, const char *name, double share);
/* A name of any bytes, escaped and cut to so many columns. */
void html_name(struct page *p, const char *name, size_t columns);

/* --- pictures: each with what it shows in words ------------------------------------------- */

void html_course(struct page *p, const struct findings *f);
/* Only of a timeline. */
void html_timeline(struct page *p, const struct findings *f);
void html_deadlock(struct page *p, const struct findings *f, const struct deadlock *d);
/* Who waits for whom: beside the table of it. */
void html_links(struct page *p, const struct findings *f);
/* Each lock, and each target: its waits by length, who waited, who had it, where. */
void html_locks(struct page *p, const struct findings *f);
void html_targets(struct page *p, const struct findings *f);
void html_loops(struct page *p, const struct findings *f);
/* Processes over time; zombies and orphans. */
void html_processes(struct page *p, const struct findings *f);
/* All computing, or all waiting, by stacks: a section of its own. */
void html_flame(struct page *p, const struct findings *f, bool of_waits);
