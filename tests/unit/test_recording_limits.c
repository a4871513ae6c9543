// SPDX-License-Identifier: BSD-2-Clause
/* Recordings that are too much, and errors of others. */
#include "damage.h"

static int read_most(uint64_t most, struct bytes *got, bool *cut)
{
	struct err err = { "" };
	FILE *in = fmemopen(file.data, file.size, "rb");
	int error = recording_read_most(in, most, collect, got, cut, &err);

	cr_assert_eq(error == -EFBIG, strstr(err.text, "more than") != NULL, "%s", err.text);
	fclose(in);
	return error;
}

Test(limit, of_all_events, .init = setup, .fini = teardown)
{
	for (size_t most = 0; most <= events.size + 8; most += 8) {
		struct bytes got = { NULL };
		bool cut = true;
		int error = read_most(most, &got, &cut);

		cr_assert_eq(error, most < events.size ? -EFBIG : 0, "%zu", most);
		cr_assert_not(cut);
		cr_assert_leq(got.size, most);
		drop(&got);
	}
}

static int count(void *ctx, const struct event *ev)
{
	(void)ev;
	++*(size_t *)ctx;
	return 0;
}

/* Of a file that packs them so well; how many events came before it was refused. */
static size_t bomb(size_t size, struct err *err, size_t *ret_size)
{
	struct bytes b = { NULL };
	struct ev_text *t = calloc(1, BLOCK_MAX);
	bool cut;
	size_t n = 0;
	FILE *in;

	t->head.kind = EV_TEXT;
	t->head.size = BLOCK_MAX;
	t->what = TEXT_NOTE;
	add_header(&b, RECORDING_VERSION, EV_KIND_COUNT);
	for (size_t i = 0; i < size; i += BLOCK_MAX)
		add_block(&b, t, BLOCK_MAX);
	add_end(&b);
	in = fmemopen(b.data, b.size, "rb");
	cr_assert_eq(recording_read(in, count, &n, &cut, err), n == size / BLOCK_MAX ? 0 : -EPROTO);
	*ret_size = b.size;
	fclose(in);
	free(t);
	drop(&b);
	return n;
}

Test(limit, of_what_is_unpacked)
{
	struct err err = { "" };
	size_t packed;

	cr_assert_eq(bomb(RECORDING_FLOOR, &err, &packed), RECORDING_FLOOR / BLOCK_MAX);
	cr_assert_lt(packed, RECORDING_FLOOR / RECORDING_RATIO, "it is one");
	cr_assert_eq(bomb(16 * RECORDING_FLOOR, &err, &packed), RECORDING_FLOOR / BLOCK_MAX);
	cr_assert(strstr(err.text, "fill the memory"), "%s", err.text);
}

/* Two recordings in one file, or a byte too many. */
Test(limit, of_the_file, .init = setup, .fini = teardown)
{
	struct bytes twice = { NULL };

	add(&twice, file.data, file.size);
	add(&twice, file.data, 1);
	refused(&twice, -EPROTO, "more follows its end");
	add(&twice, file.data + 1, file.size - 1);
	refused(&twice, -EPROTO, "more follows its end");
	drop(&twice);
}

static int pass_on(void *ctx, const struct event *ev)
{
	(void)ev;
	return *(int *)ctx;
}

/* Whatever it is: those that the reader has a use for, too. */
Test(callback, error_is_passed_on, .init = setup, .fini = teardown)
{
	for (int error = 1; error < 140; error++) {
		struct err err = { "" };
		FILE *in = fmemopen(file.data, file.size, "rb");
		int wanted = -error;
		bool cut = true;

		cr_assert_eq(recording_read(in, pass_on, &wanted, &cut, &err), -error);
		cr_assert_not(cut, "error %d", error);
		fclose(in);
	}
}

struct bad_disk {
	size_t at, good; /* how much of it can be read */
};

static ssize_t read_from_disk(void *cookie, char *to, size_t size)
{
	struct bad_disk *d = cookie;
	size_t left = d->good - d->at;

	if (!left) {
		errno = EIO;
		return -1;
	}
	size = size < left ? size : left;
	memcpy(to, file.data + d->at, size);
	d->at += size;
	return (ssize_t)size;
}

/* A disk that fails has not cut the file. */
Test(disk, that_cannot_be_read, .init = setup, .fini = teardown)
{
	for (size_t good = 0; good < file.size; good++) {
		struct bad_disk d = { .good = good };
		FILE *in = fopencookie(&d, "rb", (cookie_io_functions_t){ .read = read_from_disk });
		struct result r = { .cut = true };

		cr_assert(in);
		r.error = recording_read(in, collect, &r.events, &r.cut, &r.err);
		cr_assert_eq(r.error, -EIO, "%zu: %s", good, r.err.text);
		cr_assert_not(r.cut);
		starts(&r);
		fclose(in);
		drop(&r.events);
	}
}
