// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer: any file given to `concprof report`, through the model to all reports. What was
 * handed over is recorded again, and must come back as it was.
 *
 * The first byte of the input has the options of the reports, and in its lowest bit what
 * follows: a recording as it is; or blocks of events, which are packed here (the checksums
 * would stop nearly all changes), each with its size (2 bytes) in front.
 * seeds_recording.c writes such files.
 */
#include <string.h>
#include <zlib.h>

#include "event/recording.h"
#include "reports.h"

#define IS_PACKED 1

struct sink {
	struct model_builder *b;
	struct recorder *again;
	uLong sum; /* of all events */
};

static int add_up(void *ctx, const struct event *ev)
{
	uLong *sum = ctx;

	*sum = crc32(*sum, (const Bytef *)ev, ev->size);
	return 0;
}

static int take_event(void *ctx, const struct event *ev)
{
	struct sink *s = ctx;
	int error = model_builder_event(s->b, ev);

	if (error)
		return error;
	if (recorder_event(s->again, ev))
		abort();
	return add_up(&s->sum, ev);
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_recording: %s\n", what);
	abort();
}

static void put(FILE *out, const void *bytes, size_t size)
{
	must(fwrite(bytes, 1, size, out) == size, "out of memory");
}

static void put_block(FILE *out, const uint8_t *events, size_t size)
{
	static Bytef packed[80000];
	uLongf n = sizeof(packed);
	uint32_t head[3];

	must(compress2(packed, &n, events, size, Z_BEST_SPEED) == Z_OK, "cannot pack");
	head[0] = (uint32_t)n;
	head[1] = (uint32_t)size;
	head[2] = (uint32_t)crc32(0, packed, (uInt)n);
	put(out, head, sizeof(head));
	put(out, packed, n);
}

/* Of an empty recording. */
static void put_header(FILE *out)
{
	static char *text;
	static size_t size;

	if (!text) {
		FILE *memory = open_memstream(&text, &size);
		struct recorder *r = memory ? recorder_new(memory) : NULL;

		must(r && !recorder_finish(r) && !fclose(memory), "cannot record nothing");
		size -= 3 * sizeof(uint32_t); /* its end */
	}
	put(out, text, size);
}

static void put_blocks(FILE *out, const uint8_t *data, size_t size)
{
	put_header(out);
	while (size >= 2) {
		size_t n = data[0] | data[1] << 8;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		put_block(out, data, n);
		data += n;
		size -= n;
	}
}

static void read_again(char *text, size_t size, uLong sum)
{
	uLong again = crc32(0, NULL, 0);
	struct err err = { "" };
	bool cut = true;
	FILE *in = fmemopen(text, size, "rb");

	must(in && !recording_read(in, add_up, &again, &cut, &err), "cannot be read again");
	must(!cut && again == sum, "not the same again");
	fclose(in);
}

static void read_recording(FILE *in, size_t options)
{
	struct sink s = { .b = model_builder_new(), .sum = crc32(0, NULL, 0) };
	struct err err = { "" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool cut;
	int error;

	s.again = out ? recorder_new(out) : NULL;
	must(s.again != NULL, "out of memory");
	error = recording_read(in, take_event, &s, &cut, &err);
	must(!error || !cut, "an error and a cut");
	must(!recorder_finish(s.again) && !fclose(out), "cannot be recorded again");
	read_again(text, size, s.sum);
	free(text);
	report_all(s.b, options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	must(out != NULL, "out of memory");
	if (size && data[0] & IS_PACKED)
		put_blocks(out, data + 1, size - 1);
	else if (size)
		put(out, data + 1, size - 1);
	fclose(out);
	file = length ? fmemopen(text, length, "rb") : fopen("/dev/null", "rb");
	must(file != NULL, "cannot open the input");
	read_recording(file, size ? data[0] >> 1 : 0);
	fclose(file);
	free(text);
	return 0;
}
