// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "report/markdown_words.h"

typedef void (*write_fn)(FILE *out, const char *text, bool in_table);

struct row {
	const char *text, *wanted;
};

static void check(write_fn write, bool in_table, const struct row *row)
{
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	cr_assert(out);
	write(out, row->text, in_table);
	cr_assert_eq(fclose(out), 0);
	cr_expect_str_eq(got, row->wanted, "'%s' came out as '%s', not '%s'", row->text, got,
			 row->wanted);
	free(got);
}

static void write_code(FILE *out, const char *text, bool in_table)
{
	markdown_code(out, text, strlen(text), in_table);
}

#define CHECK(write, in_table, ...)                                                                \
	do {                                                                                       \
		static const struct row rows[] = { __VA_ARGS__ };                                  \
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)                          \
			check(write, in_table, &rows[i]);                                          \
	} while (0)

Test(words, stay_as_they_are)
{
	CHECK(markdown_words, false, { "", "" }, { "one two", "one two" },
	      { "  one   two ", "one two" },
	      { "97 % of 1.234 s: a/b (c)", "97 % of 1.234 s: a/b (c)" },
	      { "\"d\" 'e', 12.0 µs", "\"d\" 'e', 12.0 µs" }, { "<0.1 %", "&lt;0.1 %" },
	      { "high-level, through-put", "high-level, through-put" }, { "日本 ×", "日本 ×" },
	      { "a 1. b", "a 1. b" }, { "waitpid()", "waitpid()" });
}

Test(words, in_code_if_they_could_be_markup)
{
	CHECK(markdown_words, false, { "@a", "`@a`" }, { "by a@b.c (7).", "by `a@b.c` (7)." },
	      { "(@a), b", "(`@a`), b" }, { "(a -b).", "(a `-b`)." }, { "f_x()", "`f_x()`" },
	      { "see #1", "see `#1`" }, { "GH-1 a", "`GH-1` a" },
	      { "https://a b", "`https://a` b" }, { "www.a.b", "`www.a.b`" },
	      { "(www.a.b)", "(`www.a.b`)" }, { ":a: b:", "`:a`: b:" }, { "a:b:", "`a:b`:" },
	      { "<b>", "`<b>`" }, { "<!--", "`<!--`" }, { "a *b* _c_ $d$", "a `*b* _c_ $d$`" },
	      { "[a](b)", "`[a](b)`" }, { "1. a", "`1`. a" }, { "12) a", "`12`) a" },
	      { "- a", "`-` a" }, { "+ a", "`+` a" }, { "--- a", "`---` a" }, { "=", "`=`" },
	      { "/lgtm", "`/lgtm`" }, { "0123456", "`0123456`" }, { "a::b", "`a::b`" },
	      { "::", "`::`" }, { "&amp;", "`&amp`;" }, { "a\\\\b", "`a\\\\b`" });
}

Test(words, that_follow_each_other_share_a_span)
{
	CHECK(markdown_words, false, { "a <b> <c>, d", "a `<b> <c>`, d" },
	      { "`a b`", "`` `a b` ``" }, { "x `a y b` z", "x `` `a `` y `` b` `` z" },
	      { "`` a", "``` `` ``` a" }, { "(|)", "(`|`)" });
	CHECK(markdown_words, true, { "a|b c", "`a\\|b` c" }, { "(|)", "(`\\|`)" });
}

Test(code, holds_anything)
{
	CHECK(write_code, false, { "", "" }, { "a", "`a`" }, { "a b", "`a b`" },
	      { "a`b", "``a`b``" }, { "`", "`` ` ``" }, { "``", "``` `` ```" },
	      { "`a", "`` `a ``" }, { "a``b`c", "```a``b`c```" }, { " ", "` `" }, { " a", "` a`" },
	      { " a ", "`  a  `" }, { "|", "`|`" }, { "<b>&", "`<b>&`" });
	CHECK(write_code, true, { "|", "`\\|`" }, { "\\\\|", "`\\\\\\|`" });
}
