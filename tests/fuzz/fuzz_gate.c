// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer: any text as a condition of a run and of a comparison. What is refused leaves nothing behind and names a place
 * in it; what is taken is judged, of a rich report and of an empty one, and shown.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gate.h"
#include "report/report.h"
#include "tests/unit/stream.h"

#define MS    1000000ULL
#define SHOWN 16 /* reports take time: of one in so many */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put(struct model_builder *b, const void *event)
{
	must(!model_builder_event(b, event));
}

static struct model *rich(void)
{
	struct model_builder *b = model_builder_new();
	struct ev_thread t = thread(1, 0, 0, 0, 1000 * MS);
	struct ev_calls c = calls(3);
	struct ev_wall w = wall(1000 * MS);
	struct ev_run r = run();
	struct ev_end e = end(0);

	waited(&t, CAUSE_IO_DISK, 300 * MS, 5);
	waited(&t, CAUSE_LOCK_MUTEX, 100 * MS, 7);
	stood(&w, &w.sums.row_ns[ROW_IO], 300 * MS);
	e.bpf_ns = MS;
	put(b, &r);
	put(b, &t);
	put(b, &c);
	put(b, &w);
	put(b, &e);
	return model_builder_finish(b);
}

static void check_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		must(((unsigned char)text[i] >= 0x20 || text[i] == '\n') && text[i] != 0x7f);
}

static void judge(const struct gates *g, const struct model *m, bool shown)
{
	static const struct report_opts opts = { .width = 80, .verbose = true, .version = "0" };
	struct findings *f = findings_new(m);

	gates_judge(g, f);
	must(f->n_gates == g->n);
	for (const struct report_format *r = report_formats; r->name && shown; r++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = r->write ? open_memstream(&text, &size) : NULL;

		if (!out)
			continue;
		must(!r->write(f, &opts, out));
		must(!fclose(out));
		if (strcmp(r->name, "pprof") && strcmp(r->name, "perfetto")) /* which are packed */
			check_text(text, size);
		free(text);
	}
	findings_free(f);
}

/* Four full runs against four: two of them empty. */
static void judge_diff(const struct gates *g, const struct model *full, const struct model *empty,
		       bool shown)
{
	static const struct report_opts opts = { .width = 80, .verbose = true, .version = "0" };
	static const struct findings *runs[8];
	struct diff *d;

	for (size_t i = 0; i < 8 && !runs[7]; i++)
		runs[i] = findings_new(i < 6 ? full : empty);
	d = diff_new(runs, 4, runs + 4, 4, g);
	must(d->n_gates == g->n);
	for (const struct report_format *r = report_formats; r->name && shown; r++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = r->write_diff ? open_memstream(&text, &size) : NULL;

		if (!out)
			continue;
		must(!r->write_diff(d, &opts, out));
		must(!fclose(out));
		check_text(text, size);
		free(text);
	}
	diff_free(d);
}

static void check(const char *text, size_t size, bool of_diff, const struct model *full,
		  const struct model *empty)
{
	static struct gates g;
	struct err err = { "" };

	memset(&g, 0, sizeof(g));
	g.of_diff = of_diff;
	if (gates_add(&g, text, &err)) {
		must(!g.n && !g.n_nodes && err.text[0]);
		check_text(err.text, strlen(err.text));
	} else if (of_diff) {
		judge_diff(&g, full, empty, size % SHOWN == 0);
	} else {
		judge(&g, full, size % SHOWN == 0);
		judge(&g, empty, size % SHOWN == 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model *full, *empty;
	char *text = malloc(size + 1);

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (!full) {
		full = rich();
		empty = model_builder_finish(model_builder_new());
	}
	/* To try both takes twice as long: refusing looks for the nearest path. */
	check(text, size, strstr(text, "base.") || strstr(text, "head.") || strstr(text, "change."),
	      full, empty);
	free(text);
	return 0;
}
