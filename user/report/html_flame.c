// SPDX-License-Identifier: BSD-2-Clause
/*
 * Flame graphs: all computing and all waiting, by the calls that led to it, the outermost at the
 * top. A frame is as wide as its share of the whole. What is too small to be seen is left out, and
 * said.
 */
#include "report/html.h"

#include <string.h>

#include "base/escape.h"
#include "base/intern.h"
#include "base/units.h"
#include "report/frames.h"
#include "report/places.h"

#define FRAMES_MOST 600 /* of one graph */
#define DEPTH_MOST  64
#define LEAST	    0.0005 /* of the whole */
#define ROW_HEIGHT  18
#define NAME_MOST   96 /* columns of a name */

enum tint { TINT_THREAD, TINT_OWN, TINT_LIBRARY, TINT_KERNEL, TINT_WAIT };

/* What tells frames apart that were called from the same one. */
struct key {
	size_t parent, name;
	enum tint tint;
};

struct node {
	size_t parent, name; /* its parent came before it; the first is the whole */
	size_t child, next;  /* 0: none */
	unsigned int depth;
	enum tint tint;
	double ns, count;
};

/* Of names that end in a number: what stands before it. */
struct stem {
	const char *first;
	bool is_shared; /* several names begin so */
};

struct flame {
	const struct findings *f;
	bool of_waits, has_stacks;
	struct intern names, keys, stems;
	VEC(struct stem) of_stem;
	VEC(struct node) nodes;
	double least; /* smaller frames are left out */
	size_t left_out;
	unsigned int depth;
};

/* --- the tree ----------------------------------------------------------------------------- */

static size_t step(struct flame *fl, size_t parent, const char *name, enum tint tint)
{
	struct key key;
	size_t at;

	memset(&key, 0, sizeof(key)); /* it is compared as bytes */
	key.parent = parent;
	key.name = intern(&fl->names, name, strlen(name));
	key.tint = tint;
	at = intern(&fl->keys, &key, sizeof(key)) + 1;
	if (at == fl->nodes.n)
		*vec_add(&fl->nodes) = (struct node){
			.parent = parent,
			.name = key.name,
			.tint = tint,
			.depth = fl->nodes.items[parent].depth + 1,
		};
	return at;
}

/* "worker-" of "worker-12": how many bytes. */
static size_t stem_length(const char *comm)
{
	size_t n = strlen(comm);

	while (n && comm[n - 1] >= '0' && comm[n - 1] <= '9')
		n--;
	return n;
}

/* Which numbered names there are several of: "python3" is one, "worker-3" and "worker-12" do the same. */
static void find_stems(struct flame *fl)
{
	const struct model *m = fl->f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		const char *comm = m->threads[i].comm;
		size_t stem = intern(&fl->stems, comm, stem_length(comm));

		if (stem == fl->of_stem.n)
			*vec_add(&fl->of_stem) = (struct stem){ .first = comm };
		fl->of_stem.items[stem].is_shared |= strcmp(fl->of_stem.items[stem].first, comm);
	}
}

static void thread_name(struct flame *fl, char *buf, size_t size, const char *comm)
{
	size_t n = stem_length(comm), stem = intern_find(&fl->stems, comm, n);
	bool is_shared = stem != INTERN_NONE && fl->of_stem.items[stem].is_shared;

	if (is_shared && comm[n])
		snprintf(buf, size, "%.*s*", (int)n, comm);
	else
		snprintf(buf, size, "%s", comm);
}

static size_t add_frame(struct flame *fl, size_t at, const struct frame *frame)
{
	char name[FRAME_TEXT_SIZE], text[FRAME_TEXT_SIZE];
	struct frame brief = *frame;
	enum tint tint = frame->flags & FRAME_KERNEL ? TINT_KERNEL
			 : frame_is_own(frame)	     ? TINT_OWN
						     : TINT_LIBRARY;

	brief.function = function_short(name, sizeof(name), frame->function);
	frame_name(text, sizeof(text), &brief);
	/* Calls of itself are one. */
	if (fl->nodes.items[at].tint == tint &&
	    !strcmp(fl->names.list.items[fl->nodes.items[at].name].bytes, text))
		return at;
	return step(fl, at, text, tint);
}

static void add_place(void *ctx, const struct place *p)
{
	struct flame *fl = ctx;
	const char *cut = place_cut(p);
	size_t at = 0, n = p->stack ? p->stack->n : 0;
	char name[64];

	if (p->what == PLACE_QUEUED || fl->of_waits == (p->what == PLACE_RUNNING))
		return;
	fl->has_stacks |= n > 0;
	thread_name(fl, name, sizeof(name), p->thread);
	at = step(fl, at, name, TINT_THREAD);
	if (cut)
		at = step(fl, at, cut, TINT_LIBRARY);
	for (size_t k = n; k--;) {
		if (fl->nodes.items[at].depth < DEPTH_MOST)
			at = add_frame(fl, at, &fl->f->model->frames[p->stack->frames[k]]);
	}
	if (fl->of_waits)
		at = step(fl, at, place_word(p->what), TINT_WAIT);
	for (;; at = fl->nodes.items[at].parent) {
		fl->nodes.items[at].ns += p->ns;
		fl->nodes.items[at].count += p->count;
		if (!at)
			break;
	}
}

static int largest_first(const void *a, const void *b)
{
	double v = *(const double *)a, w = *(const double *)b;

	return v > w ? -1 : v < w;
}

/* A frame is at most as large as its caller: so whoever is shown has its callers. */
static void find_least(struct flame *fl)
{
	double *ns = reallocarray(NULL, fl->nodes.n, sizeof(*ns));

	if (!ns)
		out_of_memory();
	for (size_t i = 0; i < fl->nodes.n; i++)
		ns[i] = fl->nodes.items[i].ns;
	qsort(ns, fl->nodes.n, sizeof(*ns), largest_first);
	fl->least = LEAST * ns[0];
	if (fl->nodes.n > FRAMES_MOST && ns[FRAMES_MOST] * 1.000001 > fl->least)
		fl->least = ns[FRAMES_MOST] * 1.000001;
	free(ns);
}

/* Each among the children of its caller, the largest first. */
static void link_all(struct flame *fl)
{
	for (size_t i = 1; i < fl->nodes.n; i++) {
		struct node *node = &fl->nodes.items[i];
		size_t *at = &fl->nodes.items[node->parent].child;

		if (node->ns < fl->least) {
			fl->left_out++;
			continue;
		}
		while (*at && fl->nodes.items[*at].ns >= node->ns)
			at = &fl->nodes.items[*at].next;
		node->next = *at;
		*at = i;
		if (node->depth > fl->depth)
			fl->depth = node->depth;
	}
}

/* --- the picture -------------------------------------------------------------------------- */

static const char *tint_class(enum tint tint)
{
	static const char *const classes[] = {
		[TINT_THREAD] = "ft", [TINT_OWN] = "fo",  [TINT_LIBRARY] = "fl",
		[TINT_KERNEL] = "fk", [TINT_WAIT] = "fw",
	};

	return classes[tint];
}

/* "2.31 s, 45 %, 1,234 waits" */
static void put_title(struct page *p, const struct flame *fl, const struct node *node,
		      const char *name)
{
	char time[UNITS_SIZE], share[UNITS_SIZE], count[UNITS_SIZE];
	double all = fl->nodes.items[0].ns;
	char text[4 * UNITS_SIZE];

	fputs("<title>", p->out);
	escape_html(p->out, name);
	snprintf(text, sizeof(text), ": %s, %s", page_ns(p, time, estimate_whole(node->ns)),
		 units_percent(share, all > 0 ? node->ns / all : 0));
	escape_html(p->out, text); /* "<0.1 %" */
	if (node->count >= 1)
		fprintf(p->out, ", %s %s", units_count(count, estimate_whole(node->count)),
			fl->of_waits ? "waits" : "samples");
	fputs("</title>", p->out);
}

static void put_frame(struct page *p, const struct flame *fl, size_t i, double at)
{
	const struct node *node = &fl->nodes.items[i];
	double all = fl->nodes.items[0].ns;
	const char *bytes = i		   ? fl->names.list.items[node->name].bytes
			    : fl->of_waits ? "all waiting"
					   : "all computing";
	char name[1024];

	page_name(p, name, sizeof(name), bytes, NAME_MOST);
	fprintf(p->out, "<svg class=\"f %s\" y=\"%u\" height=\"%d\"", tint_class(node->tint),
		node->depth * ROW_HEIGHT, ROW_HEIGHT);
	html_percent(p->out, "x", at / all);
	html_percent(p->out, "width", node->ns / all);
	fputs("><rect width=\"100%\" height=\"17\"/>", p->out);
	put_title(p, fl, node, name);
	fputs("<text x=\"3\" y=\"13\">", p->out);
	escape_html(p->out, name);
	fputs("</text></svg>\n", p->out);
	for (size_t k = node->child; k; k = fl->nodes.items[k].next) {
		put_frame(p, fl, k, at);
		at += fl->nodes.items[k].ns;
	}
}

static void put_key(FILE *out, const struct flame *fl)
{
	static const char *const words[] = {
		[TINT_THREAD] = "threads of a name", [TINT_OWN] = "the program's own code",
		[TINT_LIBRARY] = "libraries",	     [TINT_KERNEL] = "the kernel",
		[TINT_WAIT] = "what is waited for",
	};

	fputs("<ul class=\"key\">", out);
	for (int tint = 0; tint <= (fl->of_waits ? TINT_WAIT : TINT_KERNEL); tint++)
		html_swatch(out, tint_class(tint), words[tint]);
	fputs("</ul>\n", out);
}

static void put_graph(struct page *p, struct flame *fl)
{
	const char *what = fl->of_waits ? "waiting" : "computing";
	char time[UNITS_SIZE], small[UNITS_SIZE], count[64];

	fprintf(p->out,
		"<figure class=\"flame\">\n<svg class=\"frames\" role=\"group\" aria-label=\"Flame "
		"graph: all %s by calls, outermost first\" height=\"%u\">\n",
		what, (fl->depth + 1) * ROW_HEIGHT);
	put_frame(p, fl, 0, 0);
	fputs("</svg>\n", p->out);
	put_key(p->out, fl);
	fputs("</figure>\n", p->out);
	if (fl->left_out)
		page_text(p, 2, NULL, STYLE_DIM, "%s of less than %s, %s of the whole, %s left out",
			  page_counted(count, sizeof(count), fl->left_out, "frame", "frames"),
			  page_ns(p, time, estimate_whole(fl->least)),
			  units_percent(small, fl->least / fl->nodes.items[0].ns),
			  fl->left_out == 1 ? "is" : "are");
}

void html_flame(struct page *p, const struct findings *f, bool of_waits)
{
	struct flame fl = { .f = f, .of_waits = of_waits };

	*vec_add(&fl.nodes) = (struct node){ .tint = TINT_THREAD };
	find_stems(&fl);
	places_each(f, add_place, &fl);
	if (fl.has_stacks && fl.nodes.items[0].ns > 0) {
		find_least(&fl);
		link_all(&fl);
		page_heading(p, of_waits ? "Flame graph of waiting" : "Flame graph of computing",
			     of_waits ? "all waits of all threads, by what called what; width: time"
				      : "all time on a CPU, by what called what; width: time");
		html_flow(p);
		put_graph(p, &fl);
	}
	free(fl.nodes.items);
	intern_free(&fl.names);
	intern_free(&fl.keys);
	intern_free(&fl.stems);
	free(fl.of_stem.items);
}
