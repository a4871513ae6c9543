// SPDX-License-Identifier: BSD-2-Clause
/* Where in the program's code it waits, and where it computes. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"
#include "report/frames.h"

#define SMALL	    0.01 /* of all: such places are left out */
#define ROWS	    8	 /* of each kind, without -v */
#define CPU_SAMPLES 20	 /* fewer say nothing */
#define CALLERS	    2

enum { W_TOTAL, W_SHARE, W_WAITS, W_MEAN, W_CAUSE, W_KERNEL, W_OBJECT, W_WHERE };

static const struct column wait_columns[] = {
	[W_TOTAL] = { .head = "total" },
	[W_SHARE] = { .head = "share", .drop = 3 },
	[W_WAITS] = { .head = "waits", .drop = 2 },
	[W_MEAN] = { .head = "mean", .drop = 5 },
	[W_CAUSE] = { .head = "cause", .left = true, .drop = 1 },
	[W_KERNEL] = { .head = "in the kernel", .left = true, .drop = 4, .least = 12 },
	[W_OBJECT] = { .head = "in", .left = true, .name = true, .drop = 6 },
	[W_WHERE] = { .head = "called from", .left = true, .name = true, .least = 16 },
};

enum { C_SHARE, C_SAMPLES, C_KERNEL, C_OBJECT, C_WHERE };

static const struct column cpu_columns[] = {
	[C_SHARE] = { .head = "share" },
	[C_SAMPLES] = { .head = "samples", .drop = 1 },
	[C_KERNEL] = { .head = "in the kernel", .left = true, .drop = 2, .least = 12 },
	[C_OBJECT] = { .head = "in", .left = true, .name = true, .drop = 3 },
	[C_WHERE] = { .head = "function", .left = true, .name = true, .least = 16 },
};

#define OTHERS	     46 /* columns that the others take */
#define LEAST	     24 /* what is left for this one, at the least */
#define KERNEL	     20 /* of a function of the kernel, at the most */
#define KERNEL_LEAST 0.05

/* What a compiler has added behind a '.' says nothing here. */
static char *kernel_name(const struct page *p, char *buf, size_t size, const struct frame *f)
{
	char name[FRAME_TEXT_SIZE];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(f->function, "."), f->function);
	return page_name(p, buf, size, name, KERNEL);
}

/* "parse (csv.c:88) < read_all < main", as the most of it is reached. */
static char *where(const struct page *p, char *buf, size_t size, const struct model *m,
		   const struct hot *h, size_t others)
{
	const struct stack *s = h->most->stack;
	char text[4 * FRAME_TEXT_SIZE], function[FRAME_TEXT_SIZE];
	struct frame brief;
	size_t shown = 0;

	if (!h->frame) {
		snprintf(buf, size, "(only library code is known)");
		return buf;
	}
	brief = *h->frame;
	brief.function = function_short(function, sizeof(function), h->frame->function);
	frame_text(text, sizeof(text), &brief);
	for (size_t i = h->most->own + 1; i < s->n && shown < CALLERS; i++) {
		const struct frame *caller = &m->frames[s->frames[i]];
		size_t n = strlen(text);

		if (!caller->function[0] || !frame_is_own(caller) ||
		    !strcmp(caller->function, h->frame->function))
			continue;
		function_short(function, sizeof(function), caller->function);
		snprintf(text + n, sizeof(text) - n, " < %.60s", function);
		shown++;
	}
	return page_name(p, buf, size, text,
			 !p->limit		     ? 0
			 : p->limit > others + LEAST ? p->limit - others
						     : LEAST);
}

/* In which program or library, if these are of several: each has a main(). */
static bool has_objects(const struct hot *hot, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (hot[i].frame && strcmp(hot[i].frame->object, hot[0].frame->object))
			return true;
	}
	return false;
}

static void set_object(struct page *p, struct table *t, size_t column, const struct hot *h)
{
	const char *slash = strrchr(h->frame->object, '/');
	char name[64];

	table_set(t, column, NAME(p, name, slash ? slash + 1 : h->frame->object, 16));
}

/* Columns beside this one, with those of the kernel's functions if there are some. */
static size_t others(const struct hot *hot, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (hot[i].kernel)
			return OTHERS + KERNEL;
	}
	return OTHERS;
}

static void set_share(struct table *t, size_t column, double part, double all)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*f %%", part < 0.0995 * all ? 1 : 0,
		 all > 0 ? 100 * part / all : 0);
	table_set(t, column, text);
}

/* "41 %, ext4_file_write_iter": the part that is in the kernel, and most of it. */
static void set_kernel_part(struct page *p, struct table *t, const struct hot *h)
{
	char text[128], name[96] = "";

	if (h->kernel_samples < KERNEL_LEAST * h->samples)
		return;
	if (h->kernel)
		kernel_name(p, name, sizeof(name), h->kernel);
	snprintf(text, sizeof(text), "%.0f %%%s%s", 100.0 * h->kernel_samples / h->samples,
		 *name ? ", " : "", name);
	table_set(t, C_KERNEL, text);
}

/* Waits that were not looked at, nor others of their thread like them. */
static void put_unseen(struct page *p, struct table *t, const struct sites *s)
{
	double ns = s->wait_ns > s->sited_ns ? s->wait_ns - s->sited_ns : 0;
	char text[UNITS_SIZE];

	if (!s->wait_ns || ns < SMALL * s->wait_ns)
		return;
	table_row(t, STYLE_DIM);
	table_set(t, W_TOTAL, page_cell_ns(p, text, (uint64_t)ns));
	set_share(t, W_SHARE, ns, s->wait_ns);
	table_set(t, W_WHERE, "(not looked at)");
}

static void put_left(struct page *p, size_t left)
{
	if (left && p->opts->verbose)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", left);
}

static void put_waits(struct page *p, const struct findings *f)
{
	struct table t = { .columns = wait_columns, .n_columns = W_WHERE + 1 };
	const struct sites *s = &f->sites;
	size_t most = p->opts->verbose ? p->opts->top : ROWS, shown = 0, left = 0;
	bool objects = has_objects(s->hot_waits, s->n_hot_waits);
	size_t beside = others(s->hot_waits, s->n_hot_waits);
	char text[1024];

	for (size_t i = 0; i < s->n_hot_waits; i++) {
		const struct hot *h = &s->hot_waits[i];

		if (h->ns < SMALL * s->wait_ns && !p->opts->verbose)
			continue;
		if (shown == most) {
			left++;
			continue;
		}
		shown++;
		table_row(&t, h->frame ? STYLE_PLAIN : STYLE_DIM);
		table_set(&t, W_TOTAL, page_cell_ns(p, text, estimate_whole(h->ns)));
		set_share(&t, W_SHARE, h->ns, s->wait_ns);
		table_set(&t, W_WAITS, page_cell_count(text, estimate_whole(h->waits)));
		table_set(&t, W_MEAN,
			  page_cell_ns(p, text,
				       h->waits >= 1 ? estimate_whole(h->ns / h->waits) : 0));
		table_set(&t, W_CAUSE, cause_name(h->cause));
		if (h->kernel)
			table_set(&t, W_KERNEL, kernel_name(p, text, sizeof(text), h->kernel));
		if (objects && h->frame)
			set_object(p, &t, W_OBJECT, h);
		table_set(&t, W_WHERE, where(p, text, sizeof(text), f->model, h, beside));
	}
	if (!shown)
		return;
	put_unseen(p, &t, s);
	page_heading(p, "Where it waits",
		     s->is_sampled ? "functions of the program; of all waits, by samples of them"
				   : "functions of the program, summed over all threads");
	table_print(&t, p);
	put_left(p, left);
}

static void put_cpu(struct page *p, const struct findings *f)
{
	struct table t = { .columns = cpu_columns, .n_columns = C_WHERE + 1 };
	const struct sites *s = &f->sites;
	size_t most = p->opts->verbose ? p->opts->top : ROWS, shown = 0, left = 0;
	bool objects = has_objects(s->hot_cpu, s->n_hot_cpu);
	char text[1024], about[96];

	if (s->cpu_samples < CPU_SAMPLES && !p->opts->verbose)
		return;
	for (size_t i = 0; i < s->n_hot_cpu; i++) {
		const struct hot *h = &s->hot_cpu[i];

		if (h->samples < SMALL * s->cpu_samples && !p->opts->verbose)
			continue;
		if (shown == most) {
			left++;
			continue;
		}
		shown++;
		table_row(&t, h->frame ? STYLE_PLAIN : STYLE_DIM);
		set_share(&t, C_SHARE, h->samples, s->cpu_samples);
		table_set(&t, C_SAMPLES, page_cell_count(text, h->samples));
		set_kernel_part(p, &t, h);
		if (objects && h->frame)
			set_object(p, &t, C_OBJECT, h);
		table_set(&t, C_WHERE, where(p, text, sizeof(text), f->model, h, OTHERS));
	}
	if (!shown)
		return;
	snprintf(about, sizeof(about), "functions of the program; %llu samples by the clock",
		 (unsigned long long)s->cpu_samples);
	page_heading(p, "Where it computes", about);
	table_print(&t, p);
	put_left(p, left);
}

struct nameless {
	char text[256]; /* "[git], [libz.so.1.2.13]" */
	size_t n;
};

/* Functions of this list whose object has no names for them. */
static void find_nameless(struct nameless *to, const struct hot *hot, size_t n, bool is_cpu,
			  double all)
{
	char name[128];

	for (size_t i = 0; i < n; i++) {
		double share = all > 0 ? (is_cpu ? (double)hot[i].samples : hot[i].ns) / all : 0;
		size_t used = strlen(to->text);

		/* "[jit]" is no file: see docs/accuracy.md for what names that */
		if (!hot[i].frame || hot[i].frame->function[0] || hot[i].frame->object[0] == '[' ||
		    share < SMALL)
			continue;
		frame_name(name, sizeof(name), hot[i].frame);
		if (strstr(to->text, name))
			continue;
		if (used + strlen(name) + 3 < sizeof(to->text))
			snprintf(to->text + used, sizeof(to->text) - used, "%s%s", used ? ", " : "",
				 name);
		to->n++;
	}
}

/* What the reader can do about it. */
static void put_nameless(struct page *p, const struct findings *f)
{
	const struct sites *s = &f->sites;
	struct nameless all = { .n = 0 };
	char text[512];

	if (s->cpu_samples >= CPU_SAMPLES)
		find_nameless(&all, s->hot_cpu, s->n_hot_cpu, true, s->cpu_samples);
	find_nameless(&all, s->hot_waits, s->n_hot_waits, false, s->wait_ns);
	if (all.n)
		page_text(p, 2, NULL, STYLE_DIM,
			  "%s: code without names: it has no symbols on this machine, or cannot be "
			  "read. Debug packages (…-dbgsym, …-debuginfo) have them.",
			  NAME(p, text, all.text, 0));
}

/* Functions that are known come first. */
static bool is_worth(const struct page *p, const struct hot *hot, size_t n)
{
	return n && (hot[0].frame || p->opts->verbose);
}

void text_sites(struct page *p, const struct findings *f)
{
	const struct sites *s = &f->sites;

	if (is_worth(p, s->hot_cpu, s->n_hot_cpu))
		put_cpu(p, f);
	page_draw(p, f, DRAW_COMPUTING, 0);
	if (is_worth(p, s->hot_waits, s->n_hot_waits))
		put_waits(p, f);
	page_draw(p, f, DRAW_WAITING, 0);
	put_nameless(p, f);
}
