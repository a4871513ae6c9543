// SPDX-License-Identifier: BSD-2-Clause
/*
 * Makes an input of fuzz_recording.c out of a stream as tests/golden/stream.h describes it:
 * the recording of it, or with `events` its events in blocks.
 */
#include <string.h>

#include "event/recording.h"
#include "stream.h"

/* An event_fn: each event is a block, with its size in front. */
static int put_block(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->size > UINT16_MAX)
		return -1;
	putchar((int)(ev->size & 0xff));
	putchar((int)(ev->size >> 8));
	return fwrite(ev, 1, ev->size, stdout) == ev->size ? 0 : -1;
}

static int put_blocks(struct report_opts *opts, struct stream_error *error)
{
	putchar(1);
	return stream_read(stdin, opts, put_block, NULL, error);
}

static int put_recording(struct report_opts *opts, struct stream_error *error)
{
	struct recorder *r = recorder_new(stdout);

	putchar(0);
	if (!r || stream_read(stdin, opts, recorder_event, r, error))
		return -1;
	return recorder_finish(r);
}

int main(int argc, char **argv)
{
	struct report_opts opts = { .top = 10 };
	struct stream_error error = { 0 };
	bool events = argc > 1 && !strcmp(argv[1], "events");

	if (events ? put_blocks(&opts, &error) : put_recording(&opts, &error)) {
		fprintf(stderr, "seeds: line %u: %s\n", error.line, error.text);
		return 1;
	}
	return fflush(stdout) || ferror(stdout);
}
