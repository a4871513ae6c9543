// SPDX-License-Identifier: BSD-2-Clause
#include "report/page.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/escape.h"
#include "base/units.h"
#include "report/style.h"

#define COLUMNS_MIN	20
#define COLUMNS_DEFAULT 80
#define COLUMNS_PROSE	100 /* longer lines are hard to read */

void page_init(struct page *p, const struct report_opts *opts, FILE *out)
{
	p->out = out;
	p->opts = opts;
	p->limit = opts->width && opts->width < COLUMNS_MIN ? COLUMNS_MIN : opts->width;
	p->columns = p->limit ? p->limit : COLUMNS_DEFAULT;
	p->name = p->columns < 60 ? 8 : 16;
	if (p->columns > COLUMNS_PROSE)
		p->columns = COLUMNS_PROSE;
}

void style_begin(const struct page *p, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",	     [STYLE_BOLD] = "\033[1m",	[STYLE_DIM] = "\033[2m",
		[STYLE_GOOD] = "\033[1;32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};

	if (p->opts->color)
		fputs(codes[style], p->out);
}

void style_end(const struct page *p, enum style style)
{
	if (p->opts->color && style != STYLE_PLAIN)
		fputs("\033[0m", p->out);
}

/* The first word of s that lines may be broken after: "12 ms" is one. */
static size_t word_length(const char *s)
{
	size_t n = 0;

	for (;;) {
		n += strcspn(s + n, " ");
		if (!s[n] || !n || !isdigit((unsigned char)s[n - 1]))
			return n;
		if (strcspn(s + n + 1, " ") > 3 || s[n + 1] == ' ')
			return n;
		n++;
	}
}

static void spaces(const struct page *p, size_t n)
{
	fprintf(p->out, "%*s", (int)n, "");
}

struct wrap {
	struct page *page;
	size_t at, hang;
	bool fresh; /* nothing stands on this line yet */
};

static void wrap_words(struct wrap *w, enum style style, const char *s)
{
	struct page *p = w->page;

	style_begin(p, style);
	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t n = word_length(s), room, width = text_columns(s, n);

		if (!w->fresh && w->at + 1 + width > p->columns) {
			style_end(p, style);
			fputc('\n', p->out);
			spaces(p, w->hang);
			style_begin(p, style);
			w->at = w->hang;
			w->fresh = true;
		}
		if (!w->fresh) {
			fputc(' ', p->out);
			w->at++;
		}
		room = p->columns - w->at;
		if (width > room)
			n = text_fit(s, n, room < 2 ? 2 : room);
		w->at += text_columns(s, n);
		fwrite(s, 1, n, p->out);
		w->fresh = false;
		s += n;
	}
	style_end(p, style);
}

void page_text(struct page *p, size_t indent, const char *lead, enum style style, const char *fmt,
	       ...)
{
	struct wrap w = { p, indent, indent + 2, true };
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0) {
		fputs("concprof: out of memory\n", stderr);
		abort();
	}
	va_end(ap);
	spaces(p, indent);
	if (lead)
		wrap_words(&w, STYLE_BOLD, lead);
	wrap_words(&w, style, text);
	fputc('\n', p->out);
	free(text);
}

void page_line_end(struct page *p)
{
	fputc('\n', p->out);
}

char *page_name(const struct page *p, char *buf, size_t size, const char *name, size_t columns)
{
	escape_text(buf, size, name, columns, p->opts->utf8);
	return buf;
}

char *page_ns(const struct page *p, char *buf, uint64_t ns)
{
	return units_ns(buf, ns, p->opts->utf8);
}

char *page_cell_ns(const struct page *p, char *buf, uint64_t ns)
{
	buf[0] = '\0';
	return ns ? page_ns(p, buf, ns) : buf;
}

char *page_cell_count(char *buf, uint64_t n)
{
	buf[0] = '\0';
	return n ? units_count(buf, n) : buf;
}

char *page_bar(const struct page *p, char *buf, size_t size, double share, unsigned int columns)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	double eighths_wanted = (share > 1 ? 1 : share) * columns * 8;
	unsigned int n = share > 0 ? (unsigned int)(eighths_wanted + 0.5) : 0;
	size_t at = 0;

	buf[0] = '\0';
	if (!p->opts->utf8)
		return buf;
	for (; n >= 8 && at + 7 < size; n -= 8)
		at += (size_t)snprintf(buf + at, size - at, "█");
	if (at + 4 <= size)
		snprintf(buf + at, size - at, "%s", eighths[n % 8]);
	return buf;
}

void page_heading(struct page *p, const char *title, const char *about)
{
	char lead[64];

	snprintf(lead, sizeof(lead), "%s:", title);
	page_line_end(p);
	page_text(p, 0, lead, STYLE_DIM, "%s", about);
}

char *page_counted(char *buf, size_t size, uint64_t n, const char *one, const char *many)
{
	char count[UNITS_SIZE];

	snprintf(buf, size, "%s %s", units_count(count, n), n == 1 ? one : many);
	return buf;
}
