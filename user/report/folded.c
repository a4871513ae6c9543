// SPDX-License-Identifier: BSD-2-Clause
/*
 * Folded stacks, as flamegraph.pl, inferno and speedscope read them: a line for each thread's
 * name, its functions, outermost first, and what it did there, joined by ";"; then a blank
 * and microseconds. Most first. All lines sum to the time that all threads ran, waited and
 * were queued. As with other tools, "_[k]" follows what is in the kernel, "_[i]" what
 * was inlined, and a ";" in a name becomes ":" (there is no way to quote it).
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/intern.h"
#include "report/frames.h"
#include "report/places.h"

#define MOST_BYTES (1 << 20) /* of the whole; what does not fit is summed by what it was */
#define OTHER_ROOM (PLACE_COUNT * 64)
#define VALUE_ROOM 24

struct sum {
	unsigned int what;
	double ns;
};

struct line {
	const char *text;
	size_t n;
	const struct sum *sum;
};

struct folding {
	const struct model *m;
	struct intern lines;	   /* without their values */
	VEC(struct sum) sums;	   /* of each */
	VEC(char) text;		   /* of the line at hand */
	double other[PLACE_COUNT]; /* that found no room */
	double carry;
	FILE *out;
};

static void add_text(struct folding *to, const char *text)
{
	for (; *text; text++)
		*vec_add(&to->text) = *text;
}

static void add_name(struct folding *to, const char *name, const char *mark)
{
	char shown[4 * FRAME_TEXT_SIZE + 8];

	if (to->text.n)
		add_text(to, ";");
	escape_text(shown, sizeof(shown), name, 0, true);
	for (char *c = shown; *c; c++)
		*c = *c == ';' ? ':' : *c;
	add_text(to, shown);
	add_text(to, mark);
}

static void add_frame(struct folding *to, const struct frame *f)
{
	char name[FRAME_TEXT_SIZE];

	add_name(to, frame_name(name, sizeof(name), f),
		 f->flags & FRAME_KERNEL    ? "_[k]"
		 : f->flags & FRAME_INLINED ? "_[i]"
					    : "");
}

static void add_place(void *ctx, const struct place *p)
{
	struct folding *to = ctx;
	const char *cut = place_cut(p);
	size_t i;

	to->text.n = 0;
	add_name(to, p->thread, "");
	if (cut)
		add_name(to, cut, "");
	for (size_t k = p->stack ? p->stack->n : 0; k--;)
		add_frame(to, &to->m->frames[p->stack->frames[k]]);
	add_text(to, ";[");
	add_text(to, place_word(p->what));
	add_text(to, "]");
	i = intern(&to->lines, to->text.items, to->text.n);
	if (i == to->sums.n)
		*vec_add(&to->sums) = (struct sum){ .what = p->what };
	to->sums.items[i].ns += p->ns;
}

static int most_first(const void *a, const void *b)
{
	const struct line *l = a, *k = b;

	if (l->sum->ns != k->sum->ns)
		return l->sum->ns > k->sum->ns ? -1 : 1;
	return strcmp(l->text, k->text);
}

static struct line *sorted_lines(const struct folding *from)
{
	size_t n = from->sums.n;
	struct line *lines = reallocarray(NULL, n + 1, sizeof(*lines));

	if (!lines)
		return NULL;
	for (size_t i = 0; i < n; i++)
		lines[i] = (struct line){ from->lines.list.items[i].bytes,
					  from->lines.list.items[i].n, &from->sums.items[i] };
	qsort(lines, n, sizeof(*lines), most_first);
	return lines;
}

static void write_lines(struct folding *w, const struct line *lines)
{
	size_t written = 0;

	for (size_t i = 0; i < w->sums.n; i++) {
		const struct sum *sum = lines[i].sum;
		uint64_t us;

		if (written + lines[i].n + VALUE_ROOM > MOST_BYTES - OTHER_ROOM) {
			w->other[sum->what] += sum->ns;
			continue;
		}
		us = place_units(sum->ns / 1000, &w->carry);
		if (us)
			written += fprintf(w->out, "%s %" PRIu64 "\n", lines[i].text, us);
	}
	for (unsigned int what = 0; what < PLACE_COUNT; what++) {
		uint64_t us = place_units(w->other[what] / 1000, &w->carry);

		if (us)
			fprintf(w->out, PLACES_OTHER ";[%s] %" PRIu64 "\n", place_word(what), us);
	}
}

int report_folded_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct folding w = { .m = f->model, .out = out };
	struct line *lines;

	(void)opts;
	places_each(f, add_place, &w);
	lines = sorted_lines(&w);
	errno = lines ? 0 : ENOMEM;
	if (lines)
		write_lines(&w, lines);
	free(lines);
	free(w.sums.items);
	free(w.text.items);
	intern_free(&w.lines);
	if (!lines || fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
