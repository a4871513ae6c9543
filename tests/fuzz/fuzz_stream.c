// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer: any stream of events, as a recording may hold it, goes through the
 * model, the analysis and all reports. What the workload chose (names, paths,
 * arguments) must come out escaped.
 *
 * A stream is a byte of options, then for each event its kind (1 byte), its size
 * (2 bytes), and its body without the zeros: pairs of how many zeros (1 byte), how
 * many bytes (1 byte) and those, until the body is full. seeds.c writes such files.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings.h"
#include "report/report.h"

#define EVENT_ROOM 4096

struct input {
	const uint8_t *data;
	size_t size;
};

static size_t take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static void take_body(struct input *in, char *body, size_t room)
{
	size_t at = 0, n;

	while (at < room && in->size) {
		at += take(in);
		n = take(in);
		if (n > in->size)
			n = in->size;
		if (at < room)
			memcpy(body + at, in->data, n < room - at ? n : room - at);
		in->data += n;
		in->size -= n;
		at += n;
	}
}

/* In memory of its own size, so that a read beyond it is seen. */
static void take_event(struct input *in, struct model_builder *b)
{
	size_t kind = take(in), size = take(in);
	struct event *ev;

	size |= take(in) << 8;
	size %= EVENT_ROOM;
	if (size < sizeof(*ev))
		return;
	ev = calloc(1, size);
	if (!ev)
		abort();
	ev->kind = kind;
	ev->size = size;
	take_body(in, (char *)(ev + 1), size - sizeof(*ev));
	if (event_is_valid(ev, size))
		model_builder_event(b, ev);
	free(ev);
}

/* Nothing that a terminal obeys: C0 but for the line's end, DEL, and C1 in UTF-8. */
static void check_text(const char *name, const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7f ||
		    (i && s[i - 1] == 0xc2 && s[i] < 0xa0)) {
			fprintf(stderr, "%s: byte 0x%02x at %zu\n", name, s[i], i);
			abort();
		}
	}
}

static void write_all(const struct findings *f, size_t options)
{
	struct report_opts opts = { .utf8 = options & 1,
				    .verbose = options & 2,
				    .width = options & 4 ? 80 : 0,
				    .top = options & 8 ? 3 : 20,
				    .version = "0" };

	for (const struct report_format *r = report_formats; r->name; r++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out;

		if (!r->write)
			continue;
		out = open_memstream(&text, &size);
		if (!out)
			abort();
		if (r->write(f, &opts, out))
			abort();
		fclose(out);
		check_text(r->name, (const uint8_t *)text, size);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t options = take(&in);
	struct model_builder *b = model_builder_new();
	struct findings *f;
	struct model *m;

	while (in.size)
		take_event(&in, b);
	m = model_builder_finish(b);
	f = findings_new(m);
	write_all(f, options);
	findings_free(f);
	model_free(m);
	return 0;
}
