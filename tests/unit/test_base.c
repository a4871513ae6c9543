// SPDX-License-Identifier: BSD-2-Clause
/* base: numbers for people, text that is safe to show, errors, vectors. See test_json.c for json. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/units.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "random.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define S	  1000000000ULL

/* --- units ----------------------------------------------------------------------- */

static const struct {
	uint64_t ns;
	const char *want;
} times[] = {
	{ 0, "0 ns" },
	{ 999, "999 ns" },
	{ 1000, "1.00 µs" },
	{ 1234, "1.23 µs" },
	{ 9994, "9.99 µs" },
	{ 9995, "10.0 µs" },
	{ 99949, "99.9 µs" },
	{ 99950, "100 µs" },
	{ 999499, "999 µs" },
	{ 999500, "1.00 ms" },
	{ 9995000, "10.0 ms" },
	{ 56700000, "56.7 ms" },
	{ 99950000, "100 ms" },
	{ 999499999, "999 ms" },
	{ 999500000, "1.000 s" },
	{ 1234499999, "1.234 s" },
	{ 9999500000, "10.00 s" },
	{ 99994999999, "99.99 s" },
	{ 99995000000, "100.0 s" },
	{ 599949999999, "599.9 s" },
	{ 599950000000, "10 min 0 s" },
	{ 725 * S, "12 min 5 s" },
	{ 3599 * S + 499999999, "59 min 59 s" },
	{ 3599 * S + 500000000, "1 h 0 min" },
	{ 3 * 86400 * S - S, "71 h 59 min" },
	{ 3 * 86400 * S, "3 d 0 h" },
	{ 1000 * 86400 * S - S, "999 d 23 h" },
	{ 1000 * 86400 * S, "1000 d" },
	{ UINT64_MAX, "213503 d" },
};

Test(units, time)
{
	char buf[UNITS_SIZE];

	for (size_t i = 0; i < LENGTH(times); i++)
		cr_expect_str_eq(units_ns(buf, times[i].ns, true), times[i].want, "%s: '%s'",
				 times[i].want, buf);
	cr_expect_str_eq(units_ns(buf, 1234, false), "1.23 us");
	cr_expect_str_eq(units_ns(buf, 1234567, false), "1.23 ms");
}

static const struct {
	uint64_t n;
	const char *count, *bytes;
} numbers[] = {
	{ 0, "0", "0 B" },
	{ 999, "999", "999 B" },
	{ 1000, "1,000", "1000 B" },
	{ 1005, "1,005", "1005 B" },
	{ 1023, "1,023", "1023 B" },
	{ 1024, "1,024", "1.0 KiB" },
	{ 102348, "102,348", "99.9 KiB" },
	{ 102400, "102,400", "100 KiB" },
	{ 999999, "999,999", "977 KiB" },
	{ 1000000, "1.0 M", "977 KiB" },
	{ 1048000, "1.0 M", "1023 KiB" },
	{ 1048100, "1.0 M", "1.0 MiB" },
	{ 999949999, "999.9 M", "954 MiB" },
	{ 999950000, "1.0 G", "954 MiB" },
	{ (1ULL << 40) - 1, "1.1 T", "1.0 TiB" },
	{ UINT64_MAX, "18.4 E", "16777216 TiB" },
};

Test(units, counts_and_bytes)
{
	char buf[UNITS_SIZE];

	for (size_t i = 0; i < LENGTH(numbers); i++) {
		cr_expect_str_eq(units_count(buf, numbers[i].n), numbers[i].count, "%s: '%s'",
				 numbers[i].count, buf);
		cr_expect_str_eq(units_bytes(buf, numbers[i].n), numbers[i].bytes, "%s: '%s'",
				 numbers[i].bytes, buf);
	}
}

static const struct {
	double share;
	const char *want;
} shares[] = {
	{ 0, "0 %" },
	{ -0.5, "0 %" },
	{ NAN, "0 %" },
	{ 5e-324, "<0.1 %" },
	{ 0.00099, "<0.1 %" },
	{ 0.0011, "0.1 %" },
	{ 0.004, "0.4 %" },
	{ 0.0994, "9.9 %" },
	{ 0.0996, "10 %" },
	{ 0.12, "12 %" },
	{ 0.984, "98 %" },
	{ 0.9951, "99.5 %" },
	{ 0.9999999, "99.9 %" },
	{ 1 - 0x1p-53, "99.9 %" }, /* all only if it is all */
	{ 1, "100 %" },
	{ 2.5, "250 %" },
	{ 1e300, "1000000 %" },
	{ INFINITY, "1000000 %" },
};

Test(units, percent)
{
	char buf[UNITS_SIZE];

	for (size_t i = 0; i < LENGTH(shares); i++)
		cr_expect_str_eq(units_percent(buf, shares[i].share), shares[i].want, "%s: '%s'",
				 shares[i].want, buf);
}

/* Numbers of every magnitude; the sanitizers look for what goes beyond the buffer. */
Test(units, at_most_12_columns)
{
	struct rng rng = rng_seed(1);
	char buf[UNITS_SIZE];

	for (int i = 0; i < 20000; i++) {
		uint64_t n = rng_next(&rng) >> (i % 64);

		cr_assert_leq(text_columns(buf, strlen(units_ns(buf, n, true))), 12, "%s", buf);
		cr_assert_leq(strlen(units_count(buf, n)), 12, "%s", buf);
		cr_assert_leq(strlen(units_bytes(buf, n)), 12, "%s", buf);
		cr_assert_leq(strlen(units_percent(buf, n / 1e6)), 12, "%s", buf);
	}
}

/* --- utf8 ------------------------------------------------------------------------ */

static const struct {
	const char *text;
	size_t bytes;
	uint32_t c;
} characters[] = {
	{ "", 1, 0 },
	{ "a", 1, 'a' },
	{ "\x7f", 1, 0x7f },
	{ "\xc2\x80", 2, 0x80 },
	{ "\xdf\xbf", 2, 0x7ff },
	{ "\xe0\xa0\x80", 3, 0x800 },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xef\xbf\xbf", 3, 0xffff },
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "\x80", 0, 0 }, /* continuation alone */
	{ "\xbf", 0, 0 },
	{ "\xc0\x80", 0, 0 }, /* longer than need be */
	{ "\xc1\xbf", 0, 0 },
	{ "\xe0\x9f\xbf", 0, 0 },
	{ "\xf0\x8f\xbf\xbf", 0, 0 },
	{ "\xed\xa0\x80", 0, 0 }, /* surrogates */
	{ "\xed\xbf\xbf", 0, 0 },
	{ "\xf4\x90\x80\x80", 0, 0 }, /* beyond the last one */
	{ "\xf8\x88\x80\x80\x80", 0, 0 },
	{ "\xfe", 0, 0 },
	{ "\xff", 0, 0 },
	{ "\xc3", 0, 0 }, /* cut */
	{ "\xe2\x82", 0, 0 },
	{ "\xf0\x9f\x98", 0, 0 },
	{ "\xe2z\x82", 0, 0 },
	{ "\xc3\xc3", 0, 0 },
};

Test(utf8, one_character)
{
	for (size_t i = 0; i < LENGTH(characters); i++) {
		uint32_t c = 0;

		cr_expect_eq(utf8_decode(characters[i].text, &c), characters[i].bytes, "row %zu",
			     i);
		if (characters[i].bytes)
			cr_expect_eq(c, characters[i].c, "row %zu: U+%04X", i, c);
	}
}

/* --- escape ---------------------------------------------------------------------- */

static const struct {
	const char *in;
	size_t columns; /* that there are; 0: as many as need be */
	bool utf8;
	const char *want;
	size_t width; /* that it takes */
} escapes[] = {
	{ "", 0, true, "", 0 },
	{ "plain", 0, true, "plain", 5 },
	{ "a\nb\tc\\d", 0, true, "a\\nb\\tc\\\\d", 10 },
	{ "\x1b[31m\r\x7f", 0, true, "\\x1b[31m\\x0d\\x7f", 16 },
	{ "\xff\xc3z", 0, true, "\\xff\\xc3z", 9 },
	{ "é€", 0, true, "é€", 2 },
	{ "é€", 0, false, "\\xc3\\xa9\\xe2\\x82\\xac", 20 },
	{ "\xc2\x9b", 0, true, "\\xc2\\x9b", 8 }, /* CSI in one */
	{ "a\xe2\x80\xae"
	  "b",
	  0, true,
	  "a\\xe2\\x80\\xae"
	  "b",
	  14 },							     /* right to left */
	{ "\xe2\x81\xa6", 0, true, "\\xe2\\x81\\xa6", 12 },	     /* isolate */
	{ "\xe2\x80\x8b", 0, true, "\\xe2\\x80\\x8b", 12 },	     /* no width */
	{ "\xef\xbb\xbf", 0, true, "\\xef\\xbb\\xbf", 12 },	     /* byte order mark */
	{ "\xf3\xa0\x80\xa1", 0, true, "\\xf3\\xa0\\x80\\xa1", 16 }, /* tag */
	{ "\xee\x80\x80", 0, true, "\\xee\\x80\\x80", 12 },	     /* private */
	{ "世界", 0, true, "世界", 4 },				     /* two columns each */
	{ "e\xcc\x81", 0, true, "e\xcc\x81", 1 },		     /* combining */
	{ "abcdef", 6, true, "abcdef", 6 },
	{ "abcdef", 5, true, "abcd…", 5 },
	{ "abcdef", 5, false, "ab...", 5 },
	{ "abcdef", 1, true, "…", 1 },
	{ "abcdef", 3, false, "...", 3 },
	{ "abcdef", 2, false, "..", 2 },
	{ "abcdef", 1, false, ".", 1 },
	{ "a", 1, false, "a", 1 },
	{ "世界", 4, true, "世界", 4 },
	{ "世界", 3, true, "世…", 3 },
	{ "世界", 2, true, "…", 1 }, /* never half a character */
	{ "ab\x01"
	  "c",
	  6, true, "ab…", 3 }, /* nor half an escape */
	{ "abe\xcc\x81", 3, true, "abe\xcc\x81", 3 },
	{ "e\xcc\x81xyz", 2, true, "e\xcc\x81…", 2 },
};

Test(escape, table)
{
	char buf[128];

	for (size_t i = 0; i < LENGTH(escapes); i++) {
		size_t width = escape_text(buf, sizeof(buf), escapes[i].in, escapes[i].columns,
					   escapes[i].utf8);

		cr_expect_str_eq(buf, escapes[i].want, "row %zu: '%s'", i, buf);
		cr_expect_eq(width, escapes[i].width, "row %zu: %zu", i, width);
	}
}

Test(escape, small_buffer_cuts_too)
{
	char buf[8];

	cr_assert_eq(escape_text(buf, 8, "1234567", 0, false), 7);
	cr_assert_str_eq(buf, "1234567");
	cr_assert_eq(escape_text(buf, 8, "12345678", 0, false), 7);
	cr_assert_str_eq(buf, "1234...");
	cr_assert_eq(escape_text(buf, 8, "\xff\xff", 0, true), 5);
	cr_assert_str_eq(buf, "\\xff…");
	cr_assert_eq(escape_text(buf, 8, "ééééé", 0, true), 3);
	cr_assert_str_eq(buf, "éé…");
}

/* Whatever the bytes and the room: it ends in the buffer, takes what it says and not more than
 * there is, and is printable; without utf8 it is ASCII. */
Test(escape, any_bytes)
{
	struct rng rng = rng_seed(2);

	for (int round = 0; round < 20000; round++) {
		size_t size = 8 + rng_below(&rng, 56), columns = rng_below(&rng, 24), length, width;
		bool utf8 = rng_one_in(&rng, 2);
		char in[40] = "", buf[64];

		for (size_t i = 0, n = rng_below(&rng, 39); i < n; i++)
			in[i] = rng_next(&rng);
		memset(buf, 'X', sizeof(buf));
		width = escape_text(buf, size, in, columns, utf8);
		length = strnlen(buf, size);
		cr_assert_lt(length, size);
		cr_assert_eq(text_columns(buf, length), width, "'%s'", buf);
		cr_assert(!columns || width <= columns, "'%s'", buf);
		for (const char *s = buf; *s;) {
			uint32_t c;
			size_t n = utf8_decode(s, &c);

			cr_assert(n && c >= 0x20 && c != 0x7f && (utf8 || c < 0x80));
			s += n;
		}
	}
}

Test(escape, columns_of_safe_text)
{
	static const char text[] = "aé世e\xcc\x81z"; /* 1, 1, 2, 1, 1 columns */

	cr_assert_eq(text_columns(text, strlen(text)), 6);
	cr_assert_eq(text_columns(text, 3), 2);
	cr_assert_eq(text_columns(text, 0), 0);
	cr_assert_eq(text_fit(text, strlen(text), 0), 0);
	cr_assert_eq(text_fit(text, strlen(text), 2), 3);
	cr_assert_eq(text_fit(text, strlen(text), 3), 3, "half of a wide one does not fit");
	cr_assert_eq(text_fit(text, strlen(text), 4), 6);
	cr_assert_eq(text_fit(text, strlen(text), 5), 9, "with what combines");
	cr_assert_eq(text_fit(text, strlen(text), 100), strlen(text));
	cr_assert_eq(text_fit(text, 3, 100), 3);
}

/* --- err ------------------------------------------------------------------------- */

Test(err, returns_its_code)
{
	struct err e = { "before" };

	cr_assert_eq(err_set(NULL, -ENOENT, "nobody %s", "listens"), -ENOENT);
	cr_assert_eq(err_set(&e, -EINVAL, "bad %s: %d", "value", 7), -EINVAL);
	cr_assert_str_eq(e.text, "bad value: 7");
	cr_assert_eq(err_set(&e, 0, "%s", ""), 0);
	cr_assert_str_eq(e.text, "");
}

Test(err, one_line_without_control_characters)
{
	struct err e;

	err_set(&e, -1, "a\nb\x1b[31mc\td\x7f%s", "\r\x01 µ\\");
	cr_assert_str_eq(e.text, "a?b?[31mc?d??? µ\\");
}

Test(err, controls_of_eight_bits_and_bytes_that_are_not_utf8)
{
	struct err e;

	err_set(&e, -1, "'%s'",
		"\xc2\x9b"
		"31m \x9b \xff \xe2\x82");
	cr_assert_str_eq(e.text, "'?31m ? ? ?"
				 "?'");
}

Test(err, too_long_is_cut_at_a_whole_character)
{
	char text[600];
	struct err e;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -1, "%s", text);
	cr_assert_eq(strlen(e.text), sizeof(e.text) - 1);
	for (size_t pad = 0; pad < 3; pad++) {
		char *p = text + pad;

		for (; p + 4 < text + sizeof(text); p += 3)
			memcpy(p, "€", 4);
		err_set(&e, -1, "%s", text);
		cr_assert_eq(strlen(e.text), pad + (sizeof(e.text) - 1 - pad) / 3 * 3);
		cr_assert_str_eq(e.text + strlen(e.text) - 3, "€");
	}
}

Test(err, failed_says_why_and_what_to_do)
{
	struct err e;

	cr_assert_eq(err_failed(NULL, -EMFILE, "nobody %s", "listens"), -EMFILE);
	cr_assert_eq(err_failed(&e, -EMFILE, "cannot open %d", 7), -EMFILE);
	cr_assert_str_eq(e.text, "cannot open 7: Too many open files; more files have to be "
				 "allowed: see ulimit -n");
	err_failed(&e, -EIO, "cannot read");
	cr_assert_str_eq(e.text, "cannot read: Input/output error; try again, and if it stays see "
				 "'concprof check' and dmesg");
}

Test(err, failed_has_its_remedy_after_a_long_name)
{
	char name[600];
	struct err e;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	err_failed(&e, -ENOENT, "no %s", name);
	cr_assert_str_eq(e.text + strlen(e.text) - strlen("; check the name"), "; check the name");
}

/* --- vec ------------------------------------------------------------------------- */

Test(vec, grows_and_keeps)
{
	VEC(uint32_t) v = { 0 };

	for (uint32_t i = 0; i < 100000; i++)
		*vec_add(&v) = i * 7;
	cr_assert_eq(v.n, 100000);
	cr_assert_geq(v.room, v.n);
	for (uint32_t i = 0; i < v.n; i++)
		cr_assert_eq(v.items[i], i * 7);
	free(v.items);
}

/* What the C library does, where the sanitizer would end the test by itself. */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

Test(vec, out_of_memory_ends_it, .exit_code = 125)
{
	volatile size_t large = SIZE_MAX / 16;
	size_t room = large;

	vec_grow(NULL, &room, 64); /* the product does not fit into a size_t */
}

/* --- a map of numbers ------------------------------------------------------------ */

Test(map, like_an_array)
{
	enum { KEYS = 300 };
	struct rng rng = rng_seed(1);
	uint64_t model[KEYS];
	struct map map = { 0 };
	size_t n = 0;

	memset(model, 0xff, sizeof(model));
	cr_assert_null(map_find(&map, 1));
	map_remove(&map, 1);
	for (int step = 0; step < 30000; step++) {
		/* Keys far apart, and keys in a row. */
		uint64_t i = rng_below(&rng, KEYS), key = i % 2 ? i : i << 40, *value;

		if (rng_one_in(&rng, 3)) {
			n -= model[i] != MAP_NONE;
			map_remove(&map, key);
			model[i] = MAP_NONE;
		} else if (rng_one_in(&rng, 2)) {
			value = map_add(&map, key);
			cr_assert_eq(*value, model[i]);
			n += model[i] == MAP_NONE;
			*value = model[i] = step;
		} else {
			value = map_find(&map, key);
			cr_assert_eq(value ? *value : MAP_NONE, model[i]);
		}
		cr_assert_eq(map.n, n);
		cr_assert_leq(2 * map.n, map.room);
	}
	map_free(&map);
	cr_assert_null(map_find(&map, 1));
}
