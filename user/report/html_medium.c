// SPDX-License-Identifier: BSD-2-Clause
/* Words and tables as HTML. */
#include "report/html.h"

#include <ctype.h>
#include <string.h>

#include "base/escape.h"

#define NAME_COLUMNS 40
#define PATH_COLUMNS 110
#define COMMAND_MOST 4000  /* columns */
#define ID_NUMBER    24	   /* bytes of an id, for a number */
#define BADGE	     " · " /* between a class and the words behind it */

static struct html *of_page(struct page *p)
{
	return (struct html *)p; /* its first member */
}

const char *html_style(enum style style)
{
	static const char *const classes[] = {
		[STYLE_PLAIN] = "",
		[STYLE_BOLD] = " class=\"bold\"",
		[STYLE_DIM] = " class=\"dim\"",
		[STYLE_BAR] = "",
		[STYLE_WARN] = " class=\"warn\"",
		[STYLE_BAD] = " class=\"bad\"",
	};

	return classes[style];
}

const char *html_tone(unsigned int tone)
{
	static const char *const classes[TONE_COUNT] = {
		[ROW_IO] = "io",
		[ROW_FAULT] = "fault",
		[ROW_PEER] = "peer",
		[ROW_DEMAND] = "demand",
		[ROW_TIMER] = "timer",
		[ROW_LOCK] = "lock",
		[ROW_SYNC] = "sync",
		[ROW_CONVOY] = "convoy",
		[ROW_QUEUE] = "queue",
		[ROW_EVENT] = "event",
		[ROW_TICK] = "tick",
		[ROW_CHILD] = "child",
		[ROW_SIGNAL] = "signal",
		[ROW_OTHER] = "other",
		[ROW_UNKNOWN] = "unseen",
		[TONE_RUNNING] = "running",
		[TONE_SERIALISED] = "serial",
		[TONE_TURNS] = "convoy",
		[TONE_QUEUED] = "queued",
		[TONE_LIMIT] = "limit",
		[TONE_WAKING] = "waking",
		[TONE_YIELDED] = "yielded",
		[TONE_BLOCKED] = "other",
		[TONE_NONE] = "rest",
	};

	return classes[tone];
}

void html_percent(FILE *out, const char *name, double share)
{
	fprintf(out, " %s=\"%.4g%%\"", name, share < 0.00005 ? 0 : 100 * share);
}

void html_name(struct page *p, const char *name, size_t columns)
{
	char shown[1024];

	escape_html(p->out, page_name(p, shown, sizeof(shown), name, columns));
}

void html_flow(struct page *p)
{
	static const char *const ends[] = {
		[HTML_NONE] = "", [HTML_ENTRIES] = "</ul>\n", [HTML_LINES] = "</pre>\n"
	};
	struct html *h = of_page(p);

	fputs(ends[h->block], p->out);
	h->block = HTML_NONE;
}

static void begin(struct page *p, enum html_block block, const char *tag)
{
	if (of_page(p)->block == block)
		return;
	html_flow(p);
	fputs(tag, p->out);
	of_page(p)->block = block;
}

static void end_finding(struct html *h)
{
	html_flow(&h->page);
	if (h->in_finding)
		fputs("</article>\n", h->page.out);
	h->in_finding = false;
}

static void end_part(struct html *h)
{
	end_finding(h);
	if (h->in_part)
		fputs("</section>\n", h->page.out);
	h->in_part = false;
}

/* Of how many that are called so it is the last. */
static size_t times_of(const struct html *h, const struct html_part *part)
{
	size_t times = 0;

	for (size_t i = 0; i < h->parts.n; i++)
		times += !strcmp(h->parts.items[i].stem, part->stem);
	return times;
}

/* "over-time", "deadlock", "deadlock_2" */
static void name_part(struct html *h, struct html_part *part, const char *title)
{
	size_t n = 0, times;

	snprintf(part->title, sizeof(part->title), "%s", title);
	for (const char *c = title; *c && n + 1 < sizeof(part->id) - ID_NUMBER; c++)
		part->id[n++] = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
	part->id[n] = '\0';
	memcpy(part->stem, part->id, n + 1);
	times = times_of(h, part);
	if (times < 2)
		return;
	snprintf(part->id + n, sizeof(part->id) - n, "_%zu", times);
	snprintf(part->title, sizeof(part->title), "%.*s %zu", HTML_TITLE - ID_NUMBER, title,
		 times);
}

static const struct html_part *begin_part(struct html *h, const char *title)
{
	struct html_part *part;

	end_part(h);
	part = vec_add(&h->parts);
	name_part(h, part, title);
	h->in_part = true;
	return part;
}

static void put_verdict(struct html *h, enum style style, const char *text)
{
	static const char *const classes[] = { [STYLE_WARN] = " is-warn", [STYLE_BAD] = " is-bad" };
	const char *class = style == STYLE_WARN || style == STYLE_BAD ? classes[style] : "";
	const char *badge = strstr(text, BADGE);
	FILE *out = h->page.out;
	char name[64];

	begin_part(h, "Verdict");
	fprintf(out,
		"<section id=\"verdict\" class=\"verdict%s\" aria-labelledby=\"h-verdict\">\n"
		"<h1 id=\"h-verdict\">",
		class);
	if (badge && (size_t)(badge - text) < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)(badge - text), text);
		fputs("<span class=\"badge\">", out);
		escape_html(out, name);
		fputs("</span> ", out);
		text = badge + strlen(BADGE);
	}
	escape_html(out, text);
	fputs("</h1>\n", out);
}

static void html_title(struct page *p, unsigned int level, enum style style, const char *text)
{
	struct html *h = of_page(p);

	if (level == 1) {
		put_verdict(h, style, text);
		return;
	}
	end_finding(h);
	fprintf(p->out, "<article%s>\n<h3>", html_style(style));
	escape_html(p->out, text);
	fputs("</h3>\n", p->out);
	h->in_finding = true;
}

static void html_heading(struct page *p, const char *title, const char *about)
{
	const struct html_part *part = begin_part(of_page(p), title);

	fprintf(p->out, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">", part->id,
		part->id, part->id);
	escape_html(p->out, title);
	fputs("</h2>\n", p->out);
	if (*about) {
		fputs("<p class=\"about\">", p->out);
		escape_html(p->out, about);
		fputs("</p>\n", p->out);
	}
}

static void html_command(struct page *p, const char *line)
{
	html_flow(p);
	fputs("<p class=\"command\"><code>", p->out);
	escape_html(p->out, line);
	fputs("</code></p>\n", p->out);
}

static void html_text(struct page *p, size_t indent, const char *lead, enum style style,
		      const char *text)
{
	(void)indent;
	html_flow(p);
	fprintf(p->out, "<p%s>", lead && !style ? " class=\"lead\"" : html_style(style));
	if (lead) {
		fputs("<strong>", p->out);
		escape_html(p->out, lead);
		fputs("</strong> ", p->out);
	}
	escape_html(p->out, text);
	fputs("</p>\n", p->out);
}

static void html_entry(struct page *p, size_t indent, const char *number, size_t width,
		       const char *text)
{
	(void)indent;
	(void)width;
	begin(p, HTML_ENTRIES, "<ul class=\"entries\">\n");
	fputs("<li>", p->out);
	if (*number) {
		fputs("<b>", p->out);
		escape_html(p->out, number);
		fputs("</b> ", p->out);
	}
	escape_html(p->out, text);
	fputs("</li>\n", p->out);
}

/* Calls of a stack. Bars are drawn otherwise. */
static void html_line(struct page *p, size_t indent, enum style style, const char *text)
{
	(void)indent;
	if (style == STYLE_BAR)
		return;
	begin(p, HTML_LINES, "<pre>");
	escape_html(p->out, text);
	fputc('\n', p->out);
}

static void html_gap(struct page *p)
{
	html_flow(p);
}

/* ---------------------------------------------------------------------------------- */

static void html_draw(struct page *p, const struct findings *f, enum drawing what, size_t which)
{
	html_flow(p);
	switch (what) {
	case DRAW_COURSE:
		html_course(p, f);
		break;
	case DRAW_DEADLOCK:
		html_deadlock(p, f, &f->model->deadlocks[which]);
		break;
	case DRAW_COMPUTING:
	case DRAW_WAITING:
		html_flame(p, f, what == DRAW_WAITING);
		break;
	case DRAW_TIMELINE:
		html_timeline(p, f);
	}
}

static const struct page_medium medium = {
	.title = html_title,
	.heading = html_heading,
	.command = html_command,
	.text = html_text,
	.entry = html_entry,
	.line = html_line,
	.gap = html_gap,
	.table = html_table,
	.draw = html_draw,
};

void html_begin(struct html *h, const struct report_opts *opts, FILE *body)
{
	memset(h, 0, sizeof(*h));
	page_init(&h->page, opts, body);
	h->page.medium = &medium;
	h->page.name = NAME_COLUMNS;
	h->page.path = PATH_COLUMNS;
	h->page.command = COMMAND_MOST;
}

void html_end(struct html *h)
{
	end_part(h);
}

void html_free(struct html *h)
{
	free(h->parts.items);
}
