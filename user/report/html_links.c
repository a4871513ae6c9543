// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom, as a picture: at the left who waits, at the right for whom, between them bands as
 * wide as the time. */
#include "report/html.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

#define LINKS_MOST 14
#define LEAST	   0.01 /* of the longest: they would be lines */
#define HEIGHT	   220.0
#define NODE_LEAST 20.0 /* pixels of a name */
#define GAP	   10.0
#define SIDE	   0.36 /* of the width, for names at each side */
#define DOWN	   100	/* units of a pixel in the picture of the bands */
#define COLUMNS	   44

/* One crew at one side. */
struct node {
	size_t crew;
	double ns;
	double top, height; /* pixels */
	double used;	    /* of it, by bands above */
};

struct side {
	struct node nodes[LINKS_MOST];
	size_t n;
	double height;
};

struct picture {
	const struct channel_link *links[LINKS_MOST];
	size_t n;
	struct side from, to;
	double scale; /* pixels of a nanosecond */
};

static struct node *node_of(struct side *s, size_t crew)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->nodes[i].crew == crew)
			return &s->nodes[i];
	}
	s->nodes[s->n] = (struct node){ .crew = crew };
	return &s->nodes[s->n++];
}

static void lay_out(struct side *s, double scale)
{
	for (size_t i = 0; i < s->n; i++) {
		struct node *node = &s->nodes[i];

		node->top = s->height;
		node->height = fmax(NODE_LEAST, node->ns * scale);
		s->height += node->height + GAP;
	}
}

static void choose(struct picture *pic, const struct channels *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->n_links && pic->n < LINKS_MOST; i++) {
		const struct channel_link *link = &c->links[i];

		if (link->ns <= 0 || link->ns < LEAST * c->links[0].ns)
			break;
		pic->links[pic->n++] = link;
		node_of(&pic->from, link->waiter)->ns += link->ns;
		node_of(&pic->to, link->waker)->ns += link->ns;
		sum += link->ns;
	}
	pic->scale = sum > 0 ? HEIGHT / sum : 0;
	lay_out(&pic->from, pic->scale);
	lay_out(&pic->to, pic->scale);
}

static void put_band(struct page *p, struct picture *pic, const struct channel_link *link)
{
	struct node *from = node_of(&pic->from, link->waiter), *to = node_of(&pic->to, link->waker);
	double height = fmax(1.5, link->ns * pic->scale);
	int left = (int)(DOWN * (from->top + from->used)),
	    right = (int)(DOWN * (to->top + to->used));
	int thick = (int)(DOWN * height);
	char time[UNITS_SIZE];

	fprintf(p->out,
		"<path class=\"band%s\" d=\"M0 %dC500 %d 500 %d 1000 %dv%dC500 %d 500 %d 0 %dz\">"
		"<title>%s</title></path>\n",
		link->held_ns > link->ns / 2 ? " t-lock" : " t-demand", left, left, right, right,
		thick, right + thick, left + thick, left + thick,
		page_ns(p, time, estimate_whole(link->ns)));
	from->used += link->ns * pic->scale;
	to->used += link->ns * pic->scale;
}

static void put_names(struct page *p, const struct channels *c, const struct side *s, bool is_right)
{
	char label[CREW_LABEL_SIZE];

	for (size_t i = 0; i < s->n; i++) {
		const struct node *node = &s->nodes[i];

		fprintf(p->out, "<svg class=\"crew\" y=\"%.0f\" height=\"%.0f\"", node->top,
			node->height);
		html_percent(p->out, "x", is_right ? 1 - SIDE : 0);
		html_percent(p->out, "width", SIDE);
		fprintf(p->out, "><rect%s width=\"4\" height=\"100%%\"/><text x=\"%s\" y=\"14\"%s>",
			is_right ? "" : " x=\"100%\" transform=\"translate(-4)\"",
			is_right ? "10" : "100%", is_right ? "" : " dx=\"-10\" class=\"end\"");
		html_name(p, crew_label(label, sizeof(label), c, node->crew), COLUMNS);
		fputs("</text><title>", p->out);
		html_name(p, crew_label(label, sizeof(label), c, node->crew), 0);
		fputs("</title></svg>\n", p->out);
	}
}

/* The table beside it has it in numbers. */
void html_links(struct page *p, const struct findings *f)
{
	struct picture pic = { 0 };
	double height;

	choose(&pic, &f->channels);
	if (pic.n < 2 || pic.links[0]->ns < LEAST * (double)f->model->wall_ns)
		return;
	html_flow(p);
	height = fmax(pic.from.height, pic.to.height) - GAP;
	fprintf(p->out,
		"<figure class=\"links\">\n<svg class=\"chart\" role=\"img\" aria-label=\"Who "
		"waits "
		"for whom: the longest %zu of the table above\" height=\"%.0f\">\n",
		pic.n, height + 2);
	fputs("<svg", p->out);
	html_percent(p->out, "x", SIDE);
	html_percent(p->out, "width", 1 - 2 * SIDE);
	fprintf(p->out,
		" height=\"%.0f\" viewBox=\"0 0 1000 %.0f\" preserveAspectRatio=\"none\">\n",
		height + 2, DOWN * (height + 2));
	for (size_t i = 0; i < pic.n; i++)
		put_band(p, &pic, pic.links[i]);
	fputs("</svg>\n", p->out);
	put_names(p, &f->channels, &pic.from, false);
	put_names(p, &f->channels, &pic.to, true);
	fputs("</svg>\n<ul class=\"key\">", p->out);
	html_swatch(p->out, "t-lock", "held up");
	html_swatch(p->out, "t-demand", "waits for something to do");
	fputs("</ul>\n</figure>\n", p->out);
}
