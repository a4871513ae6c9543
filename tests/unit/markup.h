/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A reader of HTML as strict as XML: it takes what the page of a run consists of, and nothing more. All
 * tags are known ones, closed in their order; attributes are quoted, and none is a handler or a style;
 * nothing else in the text or in an attribute looks like markup.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MARKUP_DEPTH 96
#define MARKUP_NAME  24

struct markup {
	const char *at;
	char open[MARKUP_DEPTH][MARKUP_NAME];
	size_t depth;
	char problem[160];
};

static inline bool markup_fail(struct markup *m, const char *what)
{
	if (!m->problem[0])
		snprintf(m->problem, sizeof(m->problem), "%s at '%.60s'", what, m->at);
	return false;
}

static inline bool markup_take(struct markup *m, const char *what)
{
	size_t n = strlen(what);

	if (strncmp(m->at, what, n))
		return false;
	m->at += n;
	return true;
}

static inline bool markup_name(struct markup *m, char name[MARKUP_NAME])
{
	size_t n = 0;

	while (n + 1 < MARKUP_NAME && (isalnum((unsigned char)m->at[n]) || m->at[n] == '-')) {
		name[n] = m->at[n];
		n++;
	}
	name[n] = '\0';
	m->at += n;
	return n;
}

static inline bool markup_entity(struct markup *m)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&emsp;" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (markup_take(m, known[i]))
			return true;
	}
	return markup_fail(m, "an entity of its own");
}

/* ` name="value"` */
static inline bool markup_attribute(struct markup *m)
{
	char name[MARKUP_NAME];

	m->at++;
	if (!markup_name(m, name))
		return markup_fail(m, "no attribute");
	if (!strncasecmp(name, "on", 2) || !strcasecmp(name, "style") || !strcasecmp(name, "src"))
		return markup_fail(m, "an attribute that is not allowed");
	if (!markup_take(m, "=\""))
		return markup_fail(m, "no value");
	if (!strcmp(name, "href") && *m->at != '#')
		return markup_fail(m, "a link to elsewhere");
	while (*m->at && *m->at != '"') {
		if (*m->at == '<' || *m->at == '>')
			return markup_fail(m, "a tag in a value");
		if (*m->at == '&' ? !markup_entity(m) : !m->at++)
			return false;
	}
	return *m->at++ ? true : markup_fail(m, "a value without an end");
}

static inline bool markup_is_known(const char *name)
{
	static const char known[] =
		" html head meta title style body a header p nav ol li main section "
		"h1 h2 h3 span ul b strong code pre div table thead tbody tr th "
		"td svg rect path line text tspan g figure figcaption details "
		"summary script article footer ";
	char padded[MARKUP_NAME + 2];

	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(known, padded);
}

/* What stands in these is no markup. */
static inline bool markup_raw(struct markup *m, const char *name)
{
	char end[MARKUP_NAME + 4];
	const char *close;

	snprintf(end, sizeof(end), "</%s>", name);
	close = strstr(m->at, end);
	if (!close)
		return markup_fail(m, "no end");
	m->at = close;
	return true;
}

static inline bool markup_begin(struct markup *m)
{
	char name[MARKUP_NAME];

	if (!markup_name(m, name) || !markup_is_known(name))
		return markup_fail(m, "an element that is not known");
	while (*m->at == ' ') {
		if (!markup_attribute(m))
			return false;
	}
	if (markup_take(m, "/>"))
		return true;
	if (!markup_take(m, ">"))
		return markup_fail(m, "a tag without an end");
	if (!strcmp(name, "meta"))
		return true;
	if (m->depth == MARKUP_DEPTH)
		return markup_fail(m, "too deep");
	strcpy(m->open[m->depth++], name);
	return strcmp(name, "script") && strcmp(name, "style") ? true : markup_raw(m, name);
}

static inline bool markup_end(struct markup *m)
{
	char name[MARKUP_NAME];

	if (!markup_name(m, name) || !markup_take(m, ">"))
		return markup_fail(m, "no end of an element");
	if (!m->depth || strcmp(m->open[m->depth - 1], name))
		return markup_fail(m, "an element that is not open ends");
	m->depth--;
	return true;
}

/* NULL: none. The words stay until it is asked again. */
static inline const char *markup_problem(const char *text)
{
	static struct markup m;
	bool good;

	m = (struct markup){ .at = text };
	good = markup_take(&m, "<!DOCTYPE html>\n") || markup_fail(&m, "no document");
	while (good && *m.at) {
		if (markup_take(&m, "</"))
			good = markup_end(&m);
		else if (markup_take(&m, "<"))
			good = markup_begin(&m);
		else if (*m.at == '&')
			good = markup_entity(&m);
		else if (*m.at == '>')
			good = markup_fail(&m, "a loose end of a tag");
		else
			m.at++;
	}
	if (good && m.depth)
		good = markup_fail(&m, m.open[m.depth - 1]);
	return good ? NULL : m.problem;
}
