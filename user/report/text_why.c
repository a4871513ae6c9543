// SPDX-License-Identifier: BSD-2-Clause
/* What each thread waits for, as one look found it: those that are alike once. */
#include "analysis/why.h"
#include "report/text_parts.h"

#include <errno.h>
#include <stdio.h>

#include "analysis/deadlocks.h"
#include "base/sentence.h"
#include "base/units.h"

#define SHOWN_FRAMES  16
#define NAMED	      3
#define LINE_SIZE     1024
#define COMMAND_LINES 2

/* "3 threads, worker (12), worker (13) and 1 more," */
static void say_who(struct sentence *to, const struct findings *f, const struct why_group *g)
{
	const struct model *m = f->model;
	char name[64];

	for (size_t i = 0; i < g->n && i < NAMED; i++)
		sentence_add(to, "%s%s", i ? ", " : "",
			     stuck_name(name, sizeof(name), m, m->stands[g->stands[i]].thread));
	if (g->n > NAMED)
		sentence_add(to, " and %zu more", g->n - NAMED);
}

/* ", for 12.3 s, 2 s left" */
static void say_time(struct sentence *to, const struct page *p, const struct stand *s,
		     const struct why_group *g)
{
	char ns[UNITS_SIZE];

	if (g->longest_ns)
		sentence_add(to, ", %sfor %s", g->n > 1 ? "the longest " : "",
			     page_ns(p, ns, g->longest_ns));
	if (s->is_timed && g->n == 1)
		sentence_add(to, "; %s left", page_ns(p, ns, s->left_ns));
	else if (s->is_timed)
		sentence_add(to, "; with a time-out");
}

static void put_group(struct page *p, const struct findings *f, const struct why_group *g)
{
	const struct stand *first = &f->model->stands[g->stands[0]];
	size_t stack = f->model->threads[first->thread].stack;
	char line[LINE_SIZE], words[WHY_WORDS], shown[2 * LINE_SIZE], lead[48];
	struct sentence to = sentence_in(line, sizeof(line));

	say_who(&to, f, g);
	sentence_add(&to, " %s", why_words(words, sizeof(words), f, first, g->n > 1));
	say_time(&to, p, first, g);
	snprintf(lead, sizeof(lead), "%zu threads: ", g->n);
	page_text(p, 2, g->n > 1 ? lead : NULL, STYLE_PLAIN, "%s", WORDS(p, shown, line));
	if (first->state == STAND_BLOCKED || stack != NO_STACK)
		text_stack(p, 6, f->model, stack, SHOWN_FRAMES);
}

static void put_process(struct page *p, const struct process *process, bool is_asked)
{
	char line[LINE_SIZE], title[128], shown[256], about[2 * LINE_SIZE];
	struct sentence args = sentence_in(line, sizeof(line));

	snprintf(title, sizeof(title), "%s (%u)", process->comm, process->pid);
	page_heading(p, NAME(p, shown, title, 0),
		     is_asked ? "what each thread does" : "which is waited for");
	for (size_t i = 0; i < process->n_args; i++)
		sentence_add(&args, "%s%s", i ? " " : "", process->args[i]);
	if (process->n_args)
		page_text(p, 2, NULL, STYLE_DIM, "%s",
			  NAME(p, about, line, COMMAND_LINES * p->columns));
}

static void put_left(struct page *p, size_t threads)
{
	if (threads)
		page_text(p, 2, NULL, STYLE_DIM, "and %zu more thread%s (--top)", threads,
			  threads == 1 ? "" : "s");
}

static void put_processes(struct page *p, const struct findings *f)
{
	const struct why *w = &f->why;
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < w->n_groups; i++) {
		const struct why_group *g = &w->groups[i];
		bool begins = !i || g->process != g[-1].process;

		if (begins) {
			put_left(p, left);
			left = 0;
			put_process(p, &f->model->processes[g->process], g->is_asked);
			shown = 0;
		}
		if (shown++ < p->opts->top)
			put_group(p, f, g);
		else
			left += g->n;
	}
	put_left(p, left);
}

void text_why_parts(struct page *p, const struct findings *f)
{
	text_main_finding(p, f);
	text_findings(p, f);
	text_deadlocks(p, f);
	put_processes(p, f);
}

int text_why_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct page p;

	page_init(&p, opts, out);
	text_gates(&p, f->gates, f->n_gates, opts->verbose);
	text_why_parts(&p, f);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
