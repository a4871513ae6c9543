// SPDX-License-Identifier: BSD-2-Clause
/* The formats of numbers, openmetrics and csv: names of any bytes, and what is summed. */
#include "any.h"

#include "report/report.h"

#define CPU_ONLY(id, ns) thread(id, id > 1, 0, 0, ns)

static char *written(const char *format, unsigned int top)
{
	struct report_opts opts = { .top = top, .version = "0" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	cr_assert_eq(report_format_by_name(format)->write(f, &opts, out), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

static void has(const char *text, const char *wanted)
{
	cr_assert(strstr(text, wanted), "no '%s' in\n%s", wanted, text);
}

static void has_not(const char *text, const char *unwanted)
{
	cr_assert_not(strstr(text, unwanted), "'%s' in\n%s", unwanted, text);
}

static void put_called(uint64_t id, const char *comm, uint64_t running_ns)
{
	struct ev_thread t = CPU_ONLY(id, running_ns);

	snprintf(t.comm, sizeof(t.comm), "%s", comm);
	put(&t);
}

/* As a cell of the CSV, and as the value of a label. */
static const struct {
	const char *comm, *cell, *label;
} names[] = {
	{ "plain", ",\"plain\",", "{program=\"plain\"}" },
	{ "", ",\"\",", "{program=\"\"}" },
	{ "a,b;c\td", ",\"a,b;c\\td\",", "{program=\"a,b;c\\\\td\"}" },
	{ "a\"b", ",\"a\"\"b\",", "{program=\"a\\\"b\"}" },
	{ "\"", ",\"\"\"\",", "{program=\"\\\"\"}" },
	{ "a\nb\r", ",\"a\\nb\\x0d\",", "{program=\"a\\\\nb\\\\x0d\"}" },
	{ "a\\nb", ",\"a\\\\nb\",", "{program=\"a\\\\\\\\nb\"}" },
	{ "=1+1", ",\"'=1+1\",", "{program=\"=1+1\"}" },
	{ "+1", ",\"'+1\",", "{program=\"+1\"}" },
	{ "-1", ",\"'-1\",", "{program=\"-1\"}" },
	{ "@x", ",\"'@x\",", "{program=\"@x\"}" },
	{ "\t=1", ",\"\\t=1\",", "{program=\"\\\\t=1\"}" },
	{ "'=1", ",\"'=1\",", "{program=\"'=1\"}" },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\\xff\\xff\\xff\",",
	  "\\\\xff\\\\xff\\\\xff\"}" },
	{ "\xc2\x9b"
	  "\x1b[31m",
	  ",\"\\xc2\\x9b\\x1b[31m\",", "{program=\"\\\\xc2\\\\x9b\\\\x1b[31m\"}" },
	{ "µ", ",\"µ\",", "{program=\"µ\"}" },
};

Test(names, of_any_bytes)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *csv, *metrics;

		setup();
		put_called(1, names[i].comm, SECOND);
		analyse(wall(SECOND));
		csv = written("csv", 10);
		metrics = written("openmetrics", 10);
		has(csv, names[i].cell);
		has(metrics, names[i].label);
		free(csv);
		free(metrics);
		teardown();
	}
}

/* Two names never become one: a series must not occur twice. */
Test(programs, that_look_alike, .init = setup, .fini = teardown)
{
	char *text;

	put_called(1, "\n", 4);
	put_called(2, "\\n", 3);
	put_called(3, "\\x0a", 2);
	put_called(4, "\n", 1);
	analyse(wall(SECOND));
	text = written("openmetrics", 10);
	has(text, "concprof_program_processes{program=\"\\\\n\"} 2\n");
	has(text, "concprof_program_processes{program=\"\\\\\\\\n\"} 1\n");
	has(text, "concprof_program_processes{program=\"\\\\\\\\x0a\"} 1\n");
	has_not(text, "program=\"other\"");
	free(text);
}

/* The rest is one row, and a program of that name is in it. */
Test(programs, rest, .init = setup, .fini = teardown)
{
	char *text;

	put_called(1, "other", 9 * SECOND);
	put_called(2, "b", 3 * SECOND);
	put_called(3, "a", 3 * SECOND);
	put_called(4, "c", 2 * SECOND);
	put_called(5, "d", 1 * SECOND);
	put_called(6, "c", 2 * SECOND);
	analyse(wall(9 * SECOND));
	text = written("openmetrics", 2);
	has(text, "{program=\"c\",state=\"running\"} 4\n");
	has(text, "{program=\"a\",state=\"running\"} 3\n");
	has_not(text, "program=\"b\"");
	has_not(text, "program=\"d\"");
	has(text, "{program=\"other\",state=\"running\"} 13\n");
	has(text, "concprof_program_processes{program=\"c\"} 2\n");
	has(text, "concprof_program_processes{program=\"other\"} 3\n");
	free(text);
}

Test(numbers, seconds_are_exact, .init = setup, .fini = teardown)
{
	struct ev_thread t = CPU_ONLY(1, 18000000000000000001ULL);
	char *text;

	put(&t);
	analyse(wall(1));
	text = written("openmetrics", 10);
	has(text, "concprof_wall_seconds 0.000000001\n");
	has(text, "concprof_thread_lifetime_seconds 18000000000.000000001\n");
	free(text);
}

/* Every line has as many cells as the first; quotes come in pairs. */
static void check_csv(const char *text, size_t rows)
{
	size_t cells = 0, lines = 0;

	for (const char *s = text; *s; lines++) {
		size_t n = 1;
		bool quoted = false;

		for (; *s && *s != '\n'; s++) {
			quoted ^= *s == '"';
			n += *s == ',' && !quoted;
		}
		cr_assert_not(quoted);
		cr_assert_eq(*s, '\n', "the last line ends, too");
		s++;
		cells = cells ? cells : n;
		cr_assert_eq(n, cells);
	}
	cr_assert_eq(lines, rows + 1);
}

/* Each series once; each line a comment or a sample. */
static void check_metrics(char *text)
{
	const char *last = "";
	size_t n = 0;
	char *lines[2000];

	for (char *line; (line = strsep(&text, "\n"));) {
		last = *line ? line : last;
		if (*line == '#')
			continue;
		cr_assert(!*line || !strncmp(line, "concprof_", 9), "%s", line);
		if (!*line)
			continue;
		*strrchr(line, ' ') = '\0';
		for (size_t i = 0; i < n; i++)
			cr_assert_str_neq(lines[i], line);
		cr_assert_lt(n, 2000);
		lines[n++] = line;
	}
	cr_assert_str_eq(last, "# EOF");
}

Test(numbers, of_any_stream)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct rng rng = rng_seed(seed);
		char *csv, *metrics;

		b = model_builder_new();
		analyse_any(&rng);
		csv = written("csv", 10);
		metrics = written("openmetrics", rng_below(&rng, 4));
		check_csv(csv, m->n_threads + (m->n_unsent > 0));
		check_metrics(metrics);
		free(csv);
		free(metrics);
		teardown();
	}
}
