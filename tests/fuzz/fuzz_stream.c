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

#include "reports.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t options = take(&in);
	struct model_builder *b = model_builder_new();

	while (in.size)
		take_event(&in, b);
	report_all(b, options);
	return 0;
}
