// SPDX-License-Identifier: BSD-2-Clause
/* The page of a run: whatever it is made of, its tags are ours, and it is no longer than it may be. */
#include "any.h"
#include "base/escape.h"
#include "markup.h"
#include "report/report.h"

#define LIMIT (1 << 20)

static char *written(const struct report_opts *opts, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	cr_assert(out);
	cr_assert_eq(report_format_by_name("html")->write(f, opts, out), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

static void check_page(const struct report_opts *opts)
{
	size_t size;
	char *text = written(opts, &size);
	const char *problem = markup_problem(text);

	cr_assert(!problem, "%s", problem);
	cr_assert_eq(strlen(text), size);
	cr_assert_leq(size, LIMIT);
	cr_assert(strstr(text, "default-src 'none'"));
	free(text);
}

/* --- the reader itself --------------------------------------------------------------------- */

Test(markup, finds_what_is_wrong)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "<p class=\"a\">x &lt; y</p>", true },
		{ "<svg><rect x=\"1%\"/></svg>", true },
		{ "<meta charset=\"utf-8\"><p></p>", true },
		{ "<script>a < b && c</script>", true },
		{ "<p>", false },
		{ "<p></b>", false },
		{ "<p><b></p></b>", false },
		{ "</p>", false },
		{ "<p a=b></p>", false },
		{ "<p onclick=\"x\"></p>", false },
		{ "<p style=\"x\"></p>", false },
		{ "<p title=\"<b>\"></p>", false },
		{ "<a href=\"https://a\"></a>", false },
		{ "<a href=\"#a\"></a>", true },
		{ "<img>", false },
		{ "<blink></blink>", false },
		{ "a & b", false },
		{ "a > b", false },
		{ "<!-- x -->", false },
		{ "<script>", false },
	};
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "<!DOCTYPE html>\n%s", rows[i].text);
		cr_expect_eq(!markup_problem(text), rows[i].good, "%s: %s", rows[i].text,
			     markup_problem(text) ?: "taken");
	}
	cr_expect(markup_problem("<p></p>"));
}

/* --- names ------------------------------------------------------------------------------------ */

Test(escape, html)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "", "" },
		{ "plain µs 日本", "plain µs 日本" },
		{ "<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "</script>", "&lt;/script&gt;" },
		{ "a\nb\tc", "a b c" },
		{ "\x1b[1m\x7f", "\xef\xbf\xbd[1m\xef\xbf\xbd" },
		{ "\xe2\x80\xae"
		  "a",
		  "\xef\xbf\xbd"
		  "a" }, /* a mark of direction */
		{ "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd" }, /* a '<' in disguise */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = NULL;
		size_t size;
		FILE *out = open_memstream(&got, &size);

		cr_assert(out);
		escape_html(out, rows[i].text);
		cr_assert_eq(fclose(out), 0);
		cr_expect_str_eq(got, rows[i].wanted);
		free(got);
	}
}

/* --- pages ------------------------------------------------------------------------------------- */

Test(html, of_any_stream)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct rng rng = rng_seed(seed);
		struct report_opts opts = { .top = rng_below(&rng, 30), .version = "<0>" };

		b = model_builder_new();
		analyse_any(&rng);
		check_page(&opts);
		teardown();
	}
}

Test(html, of_nothing, .init = setup, .fini = teardown)
{
	m = model_builder_finish(b);
	f = findings_new(m);
	check_page(&(struct report_opts){ 0 });
}

/* A thread each for so many names: what has no row is counted. */
Test(html, of_too_many, .init = setup, .fini = teardown)
{
	const struct report_opts opts = { .top = 5000, .version = "0" };
	char *text;
	size_t size;

	for (uint64_t id = 1; id <= 20000; id++) {
		struct ev_thread t = thread(id, id > 1, 1, 0, 1000000);

		snprintf(t.comm, sizeof(t.comm), "<&\"'\x1b%c%c%c", (char)('a' + id % 26),
			 (char)('a' + id / 26 % 26), (char)('a' + id / 676 % 26));
		t.ledger.state_ns[TS_RUNNING] = 1000000;
		put(&t);
	}
	m = model_builder_finish(b);
	f = findings_new(m);
	check_page(&opts);
	text = written(&opts, &size);
	cr_expect(strstr(text, "others"));
	cr_expect_null(strstr(text, "<&"));
	free(text);
}

/* Waits shorter than the first bound, too. */
Test(html, of_a_lock, .init = setup, .fini = teardown)
{
	struct ev_lock l = lock_at(64, 0, SECOND);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_LOCK_MUTEX, 5, SECOND);
	struct ev_thread t = thread(1, 0, 1, 0, 2 * SECOND);
	const struct report_opts opts = { .top = 10 };
	char *text;
	size_t size;

	l.waits = 5;
	l.histogram[0] = 3;
	l.histogram[4] = 2;
	waited(&t, CAUSE_LOCK_MUTEX, SECOND, 5);
	put_thread(t);
	put(&l);
	put(&w);
	analyse(wall(2 * SECOND));
	check_page(&opts);
	text = written(&opts, &size);
	cr_expect(strstr(text, "<title>below 1 µs: 3</title>"));
	cr_expect(strstr(text, "<title>from 8 µs: 2</title>"));
	cr_expect(strstr(text, "who waited"));
	free(text);
}
