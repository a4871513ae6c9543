// SPDX-License-Identifier: BSD-2-Clause
#include "report/markdown_words.h"

#include <ctype.h>
#include <string.h>

#define HASH_LEAST 7 /* digits: GitHub links what may be a commit */

/* Its fence is longer than any row of backticks in it, so that nothing in it ends it. */
static size_t fence_of(const char *text, size_t n)
{
	size_t row = 0, longest = 0;

	for (size_t i = 0; i < n; i++) {
		row = text[i] == '`' ? row + 1 : 0;
		longest = row > longest ? row : longest;
	}
	return longest + 1;
}

static void put_fence(FILE *out, size_t n)
{
	while (n--)
		fputc('`', out);
}

/* One space on each side is taken away, unless there is nothing but spaces. */
static bool needs_padding(const char *text, size_t n)
{
	char first = text[0], last = text[n - 1];

	if (strspn(text, " ") >= n)
		return false;
	return first == '`' || last == '`' || (first == ' ' && last == ' ');
}

void markdown_code(FILE *out, const char *text, size_t n, bool in_table)
{
	size_t fence = fence_of(text, n);
	const char *pad;

	if (!n)
		return;
	pad = needs_padding(text, n) ? " " : "";
	put_fence(out, fence);
	fputs(pad, out);
	for (size_t i = 0; i < n; i++) {
		/* Cells are cut before code spans are looked for. */
		if (text[i] == '|' && in_table)
			fputc('\\', out);
		fputc(text[i], out);
	}
	fputs(pad, out);
	put_fence(out, fence);
}

static bool is_beyond_ascii(char c)
{
	return (unsigned char)c >= 0x80;
}

/* "www.", "GH-", or a row of digits that may be a commit's. */
static bool may_be_linked(const char *word, size_t n)
{
	size_t row = 0;

	for (size_t i = 0; i < n; i++) {
		bool begins = !i || !isalnum((unsigned char)word[i - 1]);

		if (begins &&
		    (!strncasecmp(word + i, "www.", 4) || !strncasecmp(word + i, "gh-", 3)))
			return true;
		row = isxdigit((unsigned char)word[i]) ? row + 1 : 0;
		if (row == HASH_LEAST)
			return true;
	}
	return false;
}

/* "1." and "1)" begin a list. */
static bool is_item(const char *word, size_t n)
{
	size_t digits = strspn(word, "0123456789");

	return digits && digits + 1 == n && strchr(".)", word[digits]);
}

/* "<0.1": no tag begins with a digit. */
static bool is_less(const char *word, size_t n)
{
	return n > 1 && word[0] == '<' && isdigit((unsigned char)word[1]);
}

/* Nothing that Markdown, or what GitHub makes of its result, takes for anything but a word. */
static bool is_plain(const char *word, size_t n, bool first)
{
	bool less = is_less(word, n);
	char c = word[less];

	if (!isalnum((unsigned char)c) && !is_beyond_ascii(c) && !strchr("('\"%", c))
		return false;
	for (size_t i = less; i < n; i++) {
		c = word[i];
		if (isalnum((unsigned char)c) || is_beyond_ascii(c) ||
		    strchr(".,;()%/'\"+-=?", c) || (c == ':' && i + 1 == n))
			continue;
		return false;
	}
	return !may_be_linked(word, n) && !(first && is_item(word, n));
}

static void put_plain(FILE *out, const char *word, size_t n)
{
	if (*word == '<') {
		fputs("&lt;", out);
		word++;
		n--;
	}
	fwrite(word, 1, n, out);
}

/* Does it end a bracket that began before these words? */
static bool ends_bracket(const char *words, const char *stop)
{
	int open = 0;

	for (const char *s = words; s < stop; s++)
		open += (*s == '(') - (*s == ')');
	return stop[-1] == ')' && open < 0;
}

/* Brackets around it and the end of a sentence are no part of it. */
static void put_coded(FILE *out, const char *words, size_t n, bool in_table)
{
	const char *end = words + n, *stop = end;

	if (*words == '(' && n > 1) {
		fputc('(', out);
		words++;
	}
	while (stop > words && (strchr(".,;:", stop[-1]) || ends_bracket(words, stop)))
		stop--;
	if (stop == words)
		stop = end;
	markdown_code(out, words, (size_t)(stop - words), in_table);
	fwrite(stop, 1, (size_t)(end - stop), out);
}

/* How far words go of which none is plain. */
static size_t coded_length(const char *text, bool first)
{
	size_t end = 0;

	for (size_t at = 0; text[at]; at += strspn(text + at, " ")) {
		size_t n = strcspn(text + at, " ");

		if (is_plain(text + at, n, first && !at))
			break;
		end = at += n;
	}
	return end;
}

void markdown_words(FILE *out, const char *text, bool in_table)
{
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t n = strcspn(text, " ");

		if (!first)
			fputc(' ', out);
		if (is_plain(text, n, first)) {
			put_plain(out, text, n);
		} else {
			n = coded_length(text, first);
			put_coded(out, text, n, in_table);
		}
		first = false;
		text += n;
	}
}
