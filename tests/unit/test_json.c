// SPDX-License-Identifier: BSD-2-Clause
/* base/json: exact bytes, and errors that stay. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static struct json j;
static FILE *out;
static char *text;
static size_t size;

static void setup(void)
{
	out = open_memstream(&text, &size);
	cr_assert(out);
	json_init(&j, out);
}

static void teardown(void)
{
	fclose(out);
	free(text);
}

/* The document is `want` and a newline. */
static void finished(const char *want)
{
	cr_assert_eq(json_finish(&j), 0);
	cr_assert_eq(size, strlen(want) + 1, "%s", text);
	cr_assert(!memcmp(text, want, size - 1), "%s", text);
	cr_assert_eq(text[size - 1], '\n');
}

/* --- numbers --------------------------------------------------------------------- */

Test(number, integers_at_their_limits, .init = setup, .fini = teardown)
{
	json_line_array(&j, NULL);
	json_u64(&j, NULL, 0);
	json_u64(&j, NULL, UINT64_MAX);
	json_i64(&j, NULL, INT64_MIN);
	json_i64(&j, NULL, INT64_MAX);
	json_i64(&j, NULL, -1);
	json_end(&j);
	finished("[0, 18446744073709551615, -9223372036854775808, 9223372036854775807, -1]");
}

Test(number, six_digits, .init = setup, .fini = teardown)
{
	static const double values[] = { 0, 0.1, 1.0 / 3, 999999.5, 1234567, -2.5, 1e-7, 1e300 };

	json_line_array(&j, NULL);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		json_double(&j, NULL, values[i]);
	json_end(&j);
	finished("[0, 0.1, 0.333333, 1e+06, 1.23457e+06, -2.5, 1e-07, 1e+300]");
}

Test(number, what_json_has_no_word_for_is_null, .init = setup, .fini = teardown)
{
	json_line_object(&j, NULL);
	json_double(&j, "nan", NAN);
	json_double(&j, "minus", -NAN);
	json_double(&j, "inf", INFINITY);
	json_double(&j, "less", -INFINITY);
	json_double(&j, "zero", -0.0);
	json_end(&j);
	finished("{\"nan\": null, \"minus\": null, \"inf\": null, \"less\": null, \"zero\": 0}");
}

/* --- strings --------------------------------------------------------------------- */

static const struct {
	const char *in, *want;
} strings[] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
	{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
	{ "\xc2\x80\xc2\x9b\xc2\xa0", "\"\\u0080\\u009b\xc2\xa0\"" },
	{ "µ€😀", "\"µ€😀\"" },
	/* Not UTF-8: one U+FFFD for each byte, and what follows is kept. */
	{ "\xff", "\"\xef\xbf\xbd\"" },
	{ "a\x80z", "\"a\xef\xbf\xbdz\"" },
	{ "\xc3", "\"\xef\xbf\xbd\"" },
	{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xc3\"", "\"\xef\xbf\xbd\\\"\"" },
	{ NULL, "null" },
};

Test(string, exact_bytes)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		setup();
		json_string(&j, NULL, strings[i].in);
		finished(strings[i].want);
		teardown();
	}
}

Test(string, keys_are_escaped_too, .init = setup, .fini = teardown)
{
	json_line_object(&j, NULL);
	json_string(&j, "a\"\n\xff", "v");
	json_end(&j);
	finished("{\"a\\\"\\n\xef\xbf\xbd\": \"v\"}");
}

/* --- nesting --------------------------------------------------------------------- */

Test(nesting, lines_and_commas, .init = setup, .fini = teardown)
{
	json_object(&j, NULL);
	json_bool(&j, "yes", true);
	json_array(&j, "list");
	json_null(&j, NULL);
	json_line_object(&j, NULL);
	json_bool(&j, "no", false);
	json_array(&j, "inside"); /* of a line: it stays on the line */
	json_u64(&j, NULL, 1);
	json_u64(&j, NULL, 2);
	json_end(&j);
	json_end(&j);
	json_end(&j);
	json_end(&j);
	finished("{\n"
		 "  \"yes\": true,\n"
		 "  \"list\": [\n"
		 "    null,\n"
		 "    {\"no\": false, \"inside\": [1, 2]}\n"
		 "  ]\n"
		 "}");
}

Test(nesting, empty_ones, .init = setup, .fini = teardown)
{
	json_object(&j, NULL);
	json_array(&j, "a");
	json_end(&j);
	json_object(&j, "o");
	json_end(&j);
	json_line_array(&j, "l");
	json_end(&j);
	json_end(&j);
	finished("{\n  \"a\": [],\n  \"o\": {},\n  \"l\": []\n}");
}

Test(nesting, as_deep_as_it_goes, .init = setup, .fini = teardown)
{
	char want[2 * JSON_DEPTH + 1] = "";

	for (int i = 0; i < JSON_DEPTH; i++) {
		json_line_array(&j, NULL);
		want[i] = '[';
		want[2 * JSON_DEPTH - 1 - i] = ']';
	}
	for (int i = 0; i < JSON_DEPTH; i++)
		json_end(&j);
	finished(want);
}

Test(nesting, one_deeper_is_an_error, .init = setup, .fini = teardown)
{
	for (int i = 0; i <= JSON_DEPTH; i++)
		json_array(&j, NULL);
	for (int i = 0; i <= JSON_DEPTH; i++)
		json_end(&j);
	cr_assert_eq(json_finish(&j), -EINVAL);
}

Test(nesting, one_end_too_many, .init = setup, .fini = teardown)
{
	json_array(&j, NULL);
	json_end(&j);
	json_end(&j);
	cr_assert_eq(json_finish(&j), -EINVAL);
}

Test(nesting, one_end_too_few, .init = setup, .fini = teardown)
{
	json_object(&j, NULL);
	json_array(&j, "a");
	json_end(&j);
	cr_assert_eq(json_finish(&j), -EINVAL);
}

/* --- errors of the stream -------------------------------------------------------- */

/* A stream that takes so many bytes and then fails once; a later write would succeed. */
struct tap {
	size_t room, taken;
	int error;
};

static ssize_t tap_write(void *cookie, const char *bytes, size_t n)
{
	struct tap *tap = cookie;

	(void)bytes;
	if (n > tap->room && tap->error) {
		errno = tap->error;
		tap->error = 0;
		return 0;
	}
	tap->taken += n;
	tap->room -= n < tap->room ? n : tap->room;
	return n;
}

static FILE *tap_open(struct tap *tap, bool buffered)
{
	FILE *f = fopencookie(tap, "w", (cookie_io_functions_t){ .write = tap_write });

	cr_assert(f);
	if (!buffered)
		setvbuf(f, NULL, _IONBF, 0);
	return f;
}

static void write_some(void)
{
	json_object(&j, NULL);
	for (int i = 0; i < 100; i++)
		json_string(&j, "key", "value");
	json_end(&j);
}

Test(stream, first_error_stays)
{
	struct tap tap = { .room = 50, .error = ENOSPC };
	FILE *f = tap_open(&tap, false);
	size_t taken;

	json_init(&j, f);
	write_some();
	cr_assert_eq(j.err, -ENOSPC);
	taken = tap.taken;
	cr_assert_leq(taken, 50);
	errno = EIO;
	json_string(&j, NULL, "more");
	json_end(&j); /* a wrong end does not hide it */
	cr_assert_eq(json_finish(&j), -ENOSPC);
	cr_assert_eq(tap.taken, taken, "nothing is written behind a gap");
	fclose(f);
}

Test(stream, error_at_the_last_flush)
{
	struct tap tap = { .room = 0, .error = EDQUOT };
	FILE *f = tap_open(&tap, true);

	json_init(&j, f);
	json_u64(&j, NULL, 1); /* fits into the buffer */
	cr_assert_eq(j.err, 0);
	cr_assert_eq(json_finish(&j), -EDQUOT);
	fclose(f);
}

Test(stream, full_device)
{
	for (int buffered = 0; buffered < 2; buffered++) {
		FILE *f = fopen("/dev/full", "w");

		cr_assert(f);
		if (!buffered)
			setvbuf(f, NULL, _IONBF, 0);
		json_init(&j, f);
		write_some();
		cr_assert_eq(json_finish(&j), -ENOSPC);
		fclose(f);
	}
}

Test(stream, only_wrong_nesting_is_no_fault_of_the_stream)
{
	struct tap tap = { .room = 1000000 };
	FILE *f = tap_open(&tap, true);

	json_init(&j, f);
	write_some();
	cr_assert_eq(json_finish(&j), 0);
	cr_assert_gt(tap.taken, 1500, "it is flushed");
	fclose(f);
}
