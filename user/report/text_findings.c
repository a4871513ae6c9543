// SPDX-License-Identifier: BSD-2-Clause
/* The verdict, with the wall time as its evidence, and what there is to say beside it. */
#include "report/text_parts.h"

#include <ctype.h>
#include <string.h>

#include "base/units.h"
#include "report/words.h"

#define CLOSE_CALL 0.1

/* The number that a sentence begins with, as it is shown: "12", "1,234", "2.31", "97 %". */
static size_t number_length(const char *s)
{
	size_t n = strspn(s, "0123456789.,");

	if (!n || !isdigit((unsigned char)s[0]))
		return 0;
	if (!strncmp(s + n, " % ", 3))
		return n + 2;
	return s[n] == ' ' ? n : 0;
}

/* What the table of the wall time shows already. */
static bool is_shown(const struct evidence *e, bool of_verdict)
{
	return of_verdict &&
	       (!strncmp(e->metric, "wall.", 5) || !strncmp(e->metric, "wall_parts.", 11));
}

static void put_evidence(struct page *p, const struct finding *f, bool of_verdict)
{
	size_t width = 0;

	for (size_t i = 0; i < f->n_evidence; i++) {
		size_t n = number_length(f->evidence[i].text);

		if (!is_shown(&f->evidence[i], of_verdict) && n > width)
			width = n;
	}
	for (size_t i = 0; i < f->n_evidence; i++) {
		const char *text = f->evidence[i].text;
		size_t n = number_length(text);
		char number[sizeof(f->evidence[i].text)], words[1024];

		if (is_shown(&f->evidence[i], of_verdict))
			continue;
		snprintf(number, sizeof(number), "%.*s", (int)n, text);
		page_entry(p, 2, number, width, WORDS(p, words, text + n + !!n));
	}
}

static void put_finding(struct page *p, const struct findings *f, const struct finding *one)
{
	char text[1024];

	put_evidence(p, one, one == f->list);
	if (one->has_gain)
		page_text(p, 2, NULL, STYLE_PLAIN, "%s",
			  gain_words(text, sizeof(text), f, one, p->opts->utf8));
	if (one->advice[0])
		page_text(p, 2, "Advice:", STYLE_PLAIN, "%s", WORDS(p, text, one->advice));
}

static enum style style_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return STYLE_BAD;
	case SEVERITY_WARNING:
		return STYLE_WARN;
	default:
		return STYLE_BOLD;
	}
}

static void put_margin(struct page *p, const struct verdict *v)
{
	bool close = v->margin < CLOSE_CALL;
	char share[UNITS_SIZE];

	if (v->runner_up == CLASS_UNKNOWN || v->class == CLASS_UNKNOWN)
		return;
	page_text(p, 2, NULL, close ? STYLE_WARN : STYLE_DIM,
		  "%s: it would be %s if %s of the time had gone elsewhere.",
		  close ? "A close call" : "Not a close call", class_name(v->runner_up),
		  units_percent(share, v->margin));
}

void text_title(struct page *p, const struct findings *f)
{
	const char *dot = p->opts->utf8 ? " ·" : ":", *class = class_name(f->verdict.class);
	char title[640];

	if (!f->n_list)
		page_title(p, 1, STYLE_BOLD, "%s", class);
	else
		page_title(p, 1, style_of(f->list[0].severity), "%s%s %s", class, dot,
			   WORDS(p, title, f->list[0].title));
}

void text_verdict(struct page *p, const struct findings *f)
{
	text_wall(p, f);
	if (!f->n_list)
		return;
	put_finding(p, f, &f->list[0]);
	put_margin(p, &f->verdict);
}

void text_main_finding(struct page *p, const struct findings *f)
{
	char title[640];

	if (!f->n_list)
		return;
	page_title(p, 1, style_of(f->list[0].severity), "%s", WORDS(p, title, f->list[0].title));
	put_finding(p, f, &f->list[0]);
}

static void put_other(struct page *p, const struct findings *f, const struct finding *one)
{
	bool of_program = !strcmp(one->subject, "program");
	char title[640], subject[260];

	page_title(p, 2, style_of(one->severity), "%s: %s%s%s", severity_name(one->severity),
		   of_program ? "" : NAME(p, subject, one->subject, 0), of_program ? "" : ": ",
		   WORDS(p, title, one->title));
	put_finding(p, f, one);
}

void text_findings(struct page *p, const struct findings *f)
{
	for (size_t i = 1; i < f->n_list; i++)
		put_other(p, f, &f->list[i]);
}
