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
#define PATH_COLUMNS	40
#define COMMAND_LINES	2 /* of a long command, unless verbose */
#define ENTRY_GAP	2

void style_begin(const struct page *p, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",	  [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
		[STYLE_BAR] = "\033[36m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
	};

	if (p->opts->color)
		fputs(codes[style], p->out);
}

void style_end(const struct page *p, enum style style)
{
	if (p->opts->color && style != STYLE_PLAIN)
		fputs("\033[0m", p->out);
}

/* "ms", "%", "µs." */
static bool is_unit(const char *word)
{
	size_t n = strcspn(word, " ");

	while (n && strchr(".,;:)", word[n - 1]))
		n--;
	return n && !isdigit((unsigned char)*word) && text_columns(word, n) <= 3;
}

/* The first word of s that lines may be broken after: "12 ms" is one. */
static size_t word_length(const char *s)
{
	size_t n = 0;

	for (;;) {
		n += strcspn(s + n, " ");
		if (!s[n] || !n || !isdigit((unsigned char)s[n - 1]))
			return n;
		if (!is_unit(s + n + 1))
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

static void terminal_text(struct page *p, size_t indent, const char *lead, enum style style,
			  const char *text)
{
	struct wrap w = { p, indent, indent + 2, true };

	spaces(p, indent);
	if (lead)
		wrap_words(&w, STYLE_BOLD, lead);
	wrap_words(&w, style, text);
	fputc('\n', p->out);
}

static void terminal_entry(struct page *p, size_t indent, const char *number, size_t width,
			   const char *text)
{
	size_t start = indent + width + ENTRY_GAP;
	struct wrap w = { p, start, start, true };

	spaces(p, indent + width - text_columns(number, strlen(number)));
	fprintf(p->out, "%s%*s", number, ENTRY_GAP, "");
	wrap_words(&w, STYLE_PLAIN, text);
	fputc('\n', p->out);
}

static void terminal_line(struct page *p, size_t indent, enum style style, const char *text)
{
	spaces(p, indent);
	style_begin(p, style);
	fputs(text, p->out);
	style_end(p, style);
	fputc('\n', p->out);
}

static void terminal_gap(struct page *p)
{
	fputc('\n', p->out);
}

static void terminal_title(struct page *p, unsigned int level, enum style style, const char *text)
{
	(void)level;
	terminal_gap(p);
	terminal_text(p, 0, NULL, style, text);
}

static void terminal_heading(struct page *p, const char *title, const char *about)
{
	char lead[64];

	snprintf(lead, sizeof(lead), "%s:", title);
	terminal_gap(p);
	terminal_text(p, 0, lead, STYLE_DIM, about);
}

static void terminal_command(struct page *p, const char *line)
{
	terminal_text(p, 0, line, STYLE_PLAIN, "");
}

static const struct page_medium terminal = {
	.title = terminal_title,
	.heading = terminal_heading,
	.command = terminal_command,
	.text = terminal_text,
	.entry = terminal_entry,
	.line = terminal_line,
	.gap = terminal_gap,
	.table = table_print_terminal,
};

void page_init(struct page *p, const struct report_opts *opts, FILE *out)
{
	p->out = out;
	p->medium = &terminal;
	p->opts = opts;
	p->limit = opts->width && opts->width < COLUMNS_MIN ? COLUMNS_MIN : opts->width;
	p->columns = p->limit ? p->limit : COLUMNS_DEFAULT;
	p->name = p->columns < 60 ? 8 : 16;
	if (p->columns > COLUMNS_PROSE)
		p->columns = COLUMNS_PROSE;
	p->path = PATH_COLUMNS;
	p->command = opts->verbose ? 0 : COMMAND_LINES * (p->columns - 2);
}

static char *format(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	return text;
}

void page_text(struct page *p, size_t indent, const char *lead, enum style style, const char *fmt,
	       ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	p->medium->text(p, indent, lead, style, text);
	free(text);
}

void page_title(struct page *p, unsigned int level, enum style style, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	p->medium->title(p, level, style, text);
	free(text);
}

void page_heading(struct page *p, const char *title, const char *about)
{
	p->medium->heading(p, title, about);
}

void page_command(struct page *p, const char *line)
{
	p->medium->command(p, line);
}

void page_entry(struct page *p, size_t indent, const char *number, size_t width, const char *text)
{
	p->medium->entry(p, indent, number, width, text);
}

void page_line(struct page *p, size_t indent, enum style style, const char *text)
{
	p->medium->line(p, indent, style, text);
}

void page_gap(struct page *p)
{
	p->medium->gap(p);
}

char *page_name(const struct page *p, char *buf, size_t size, const char *name, size_t columns)
{
	escape_text(buf, size, name, columns, p->opts->utf8);
	return buf;
}

/* All that this program writes beyond ASCII within a sentence. */
static const struct {
	const char *sign, *ascii;
} signs[] = { { "µ", "u" }, { "·", "-" }, { "–", "-" }, { "×", "x" }, { "…", "..." } };

/* How many bytes of `text` such a sign takes; 0: none stands there. */
static size_t sign_at(const char *text, const char **ascii)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		size_t n = strlen(signs[i].sign);

		if (strncmp(text, signs[i].sign, n))
			continue;
		*ascii = signs[i].ascii;
		return n;
	}
	return 0;
}

char *page_words(const struct page *p, char *buf, size_t size, const char *text)
{
	char plain[1024];
	const char *ascii;
	size_t at = 0, n;

	if (p->opts->utf8)
		return page_name(p, buf, size, text, 0);
	/* An escape for a name's own signs is readable; "1.20 \\xc2\\xb5s" is not. */
	for (; *text && at + 4 < sizeof(plain); text += n) {
		n = sign_at(text, &ascii);
		if (n)
			at += (size_t)snprintf(plain + at, sizeof(plain) - at, "%s", ascii);
		else
			plain[at++] = *text;
		n += !n;
	}
	plain[at] = '\0';
	return page_name(p, buf, size, plain, 0);
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

void page_draw(struct page *p, const struct findings *f, enum drawing what, size_t which)
{
	if (p->medium->draw)
		p->medium->draw(p, f, what, which);
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

char *page_counted(char *buf, size_t size, uint64_t n, const char *one, const char *many)
{
	char count[UNITS_SIZE];

	snprintf(buf, size, "%s %s", units_count(count, n), n == 1 ? one : many);
	return buf;
}
