/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sections of a report for a person, which text.c and markdown.c put together.
 * Each is set apart from what stands before it, and prints nothing if it has nothing to say.
 */
#include "report/page.h"

/* The command, and how it ended. 0 or a negative errno. */
int text_header(struct page *p, const struct findings *f);
/* Part of that: without an empty line. Those that hold or cannot be decided, or all. */
void text_gates(struct page *p, const struct gate_result *results, size_t n, bool all);
/* The verdict in one line ... */
void text_title(struct page *p, const struct findings *f);
/* ... and what it rests on. */
void text_verdict(struct page *p, const struct findings *f);
/* The first of them, with no verdict around it. */
void text_main_finding(struct page *p, const struct findings *f);
/* All but the verdict's own. */
void text_findings(struct page *p, const struct findings *f);
/* All that comes behind the findings. */
void text_sections(struct page *p, const struct findings *f);
/* text_stack.c: where a thread stands, a line for each call, so many of them; a place in the model's
 * stacks, or NO_STACK. */
void text_stack(struct page *p, size_t indent, const struct model *m, size_t stack, size_t most);
/* What a row of the wall time is called: "running", "disk". */
const char *wall_name(unsigned int tone);
/* Part of the verdict: without an empty line. */
void text_wall(struct page *p, const struct findings *f);
void text_course(struct page *p, const struct findings *f);
void text_kinds(struct page *p, const struct findings *f);
void text_waits(struct page *p, const struct findings *f);
void text_sites(struct page *p, const struct findings *f);
void text_locks(struct page *p, const struct findings *f);
void text_deadlocks(struct page *p, const struct findings *f);
void text_stands(struct page *p, const struct findings *f);
/* Part of the next: without a heading. */
void text_io_model(struct page *p, const struct findings *f);
void text_io(struct page *p, const struct findings *f);
void text_channels(struct page *p, const struct findings *f);
void text_signals(struct page *p, const struct findings *f);
void text_loops(struct page *p, const struct findings *f);
void text_peers(struct page *p, const struct findings *f);
void text_calls(struct page *p, const struct findings *f);
void text_threads(struct page *p, const struct findings *f);
void text_cgroups(struct page *p, const struct findings *f);
/* Where pictures can be drawn. */
void text_timeline(struct page *p, const struct findings *f);
void text_path(struct page *p, const struct findings *f);
void text_wakings(struct page *p, const struct findings *f);
void text_takers(struct page *p, const struct findings *f);
void text_processes(struct page *p, const struct findings *f);
void text_left_over(struct page *p, const struct findings *f);
void text_trust(struct page *p, const struct findings *f);

/* text_why.c: what one look has found ... */
void text_why_parts(struct page *p, const struct findings *f);
/* ... and the whole report of it. 0 or a negative errno. */
int text_why_write(const struct findings *f, const struct report_opts *opts, FILE *out);

/* diff_text.c: what a comparison comes to in one line, and all the rest of it. */
void text_diff_title(struct page *p, const struct diff *d);
void text_diff(struct page *p, const struct diff *d);
