// SPDX-License-Identifier: BSD-2-Clause
#include "event/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "events are written as they are");

#define MAGIC_SIZE 8
#define KINDS_MAX  1024
#define BLOCK_SIZE (64u << 10) /* of whole events, at most, unless one is larger */
#define BLOCK_MAX  (1u << 20)  /* of what is read */

struct header {
	char magic[MAGIC_SIZE];
	__u32 version, kinds;
	__u32 sizes[EV_KIND_COUNT];
	__u32 check;
};

struct block {
	__u32 packed, size, check;
};

/* --- writing ---------------------------------------------------------------------- */

struct recorder {
	FILE *out;
	int error; /* the first one: nothing is written after it */
	bool has_header;
	size_t n;
	unsigned char events[BLOCK_MAX];
	unsigned char packed[BLOCK_MAX + BLOCK_MAX / 100 + 1024];
};

struct recorder *recorder_new(FILE *out)
{
	struct recorder *r = malloc(sizeof(*r));

	if (!r)
		return NULL;
	r->out = out;
	r->error = 0;
	r->has_header = false;
	r->n = 0;
	return r;
}

static void put(struct recorder *r, const void *bytes, size_t size)
{
	errno = 0;
	if (!r->error && fwrite(bytes, 1, size, r->out) != size)
		r->error = errno ? -errno : -EIO;
}

static void put_header(struct recorder *r)
{
	struct header h = { .version = RECORDING_VERSION, .kinds = EV_KIND_COUNT };

	memcpy(h.magic, RECORDING_MAGIC, MAGIC_SIZE);
	for (unsigned int k = 0; k < EV_KIND_COUNT; k++)
		h.sizes[k] = (__u32)event_fixed_size(k);
	h.check = (__u32)crc32(0, (const Bytef *)&h, offsetof(struct header, check));
	put(r, &h, sizeof(h));
	r->has_header = true;
}

static void put_block(struct recorder *r)
{
	uLongf packed = sizeof(r->packed);
	struct block b = { .size = (__u32)r->n };

	r->n = 0;
	if (!b.size || r->error)
		return;
	if (compress2(r->packed, &packed, r->events, b.size, Z_BEST_SPEED) != Z_OK) {
		r->error = -ENOMEM;
		return;
	}
	b.packed = (__u32)packed;
	b.check = (__u32)crc32(0, r->packed, (uInt)packed);
	put(r, &b, sizeof(b));
	put(r, r->packed, packed);
}

int recorder_event(void *ctx, const struct event *ev)
{
	struct recorder *r = ctx;

	if (ev->size > BLOCK_MAX && !r->error)
		r->error = -EMSGSIZE;
	if (r->error)
		return r->error;
	if (!r->has_header)
		put_header(r);
	if (r->n && r->n + ev->size > BLOCK_SIZE)
		put_block(r);
	memcpy(r->events + r->n, ev, ev->size);
	r->n += ev->size;
	return r->error;
}

int recorder_finish(struct recorder *r)
{
	struct block end = { 0 };
	int error;

	if (!r->has_header)
		put_header(r);
	put_block(r);
	put(r, &end, sizeof(end));
	errno = 0;
	if (!r->error && fflush(r->out))
		r->error = errno ? -errno : -EIO;
	error = r->error;
	recorder_free(r);
	return error;
}

void recorder_free(struct recorder *r)
{
	free(r);
}

/* --- reading ---------------------------------------------------------------------- */

struct reader {
	FILE *in;
	event_fn fn;
	void *ctx;
	struct err *err;
	__u64 total, most; /* bytes of events: so far, and at most */
	bool end, cut;	   /* nothing follows; ... though it should */
	_Alignas(__u64) unsigned char events[BLOCK_MAX];
	unsigned char packed[BLOCK_MAX + BLOCK_MAX / 100 + 1024];
};

static bool get(struct reader *r, void *to, size_t size)
{
	return fread(to, 1, size, r->in) == size;
}

static int refuse(struct reader *r, const char *why)
{
	return err_set(r->err, -EINVAL, "%s; record it again with this version of concprof", why);
}

static int refuse_damaged(struct reader *r)
{
	return refuse(r, "it is cut short, or damaged at its beginning");
}

static int read_magic(struct reader *r, char magic[MAGIC_SIZE])
{
	if (get(r, magic, MAGIC_SIZE) && !memcmp(magic, RECORDING_MAGIC, MAGIC_SIZE))
		return 0;
	return err_set(r->err, -EINVAL,
		       "it is no recording; make one with: concprof record -o FILE -- COMMAND");
}

/* Its kinds may be fewer than ours, or more; those of both must be alike. */
static int read_header(struct reader *r)
{
	__u32 head[2], size, check, sum;
	char magic[MAGIC_SIZE];
	bool alike = true;
	int error = read_magic(r, magic);

	if (error)
		return error;
	if (!get(r, head, sizeof(head)))
		return refuse_damaged(r);
	if (head[0] != RECORDING_VERSION)
		return refuse(r, "it was written by a version of concprof with another format");
	if (head[1] > KINDS_MAX)
		return refuse_damaged(r);
	sum = (__u32)crc32(0, (const Bytef *)magic, sizeof(magic));
	sum = (__u32)crc32(sum, (const Bytef *)head, sizeof(head));
	for (unsigned int k = 0; k < head[1]; k++) {
		if (!get(r, &size, sizeof(size)))
			return refuse_damaged(r);
		sum = (__u32)crc32(sum, (const Bytef *)&size, sizeof(size));
		alike &= k >= EV_KIND_COUNT || size == event_fixed_size(k);
	}
	if (!get(r, &check, sizeof(check)) || check != sum)
		return refuse_damaged(r);
	return alike ? 0 : refuse(r, "it was written by a version of concprof with other events");
}

/* The block was whole: only a writer can have done it. */
static int refuse_events(struct reader *r)
{
	return err_set(r->err, -EPROTO, "its events contradict each other, or are none");
}

static int hand_over(struct reader *r, size_t size)
{
	for (size_t at = 0; at < size;) {
		const struct event *ev = (const struct event *)(r->events + at);
		int error;

		if (size - at < sizeof(*ev) || ev->size < sizeof(*ev) || ev->size % 8 ||
		    ev->size > size - at)
			return refuse_events(r);
		at += ev->size;
		if (ev->kind >= EV_KIND_COUNT)
			continue; /* of a newer version */
		if (!event_is_valid(ev, ev->size))
			return refuse_events(r);
		error = r->fn(r->ctx, ev);
		if (error)
			return error;
	}
	return 0;
}

/* Reads and unpacks one block; its size, 0 if nothing follows. */
static size_t unpack(struct reader *r)
{
	struct block b;
	uLongf size;

	r->end = r->cut = true;
	if (!get(r, &b, sizeof(b)) || b.packed > sizeof(r->packed) || b.size > BLOCK_MAX)
		return 0;
	r->cut = b.packed || b.size;
	if (!r->cut)
		return 0;
	if (!get(r, r->packed, b.packed) || crc32(0, r->packed, b.packed) != b.check)
		return 0;
	size = b.size;
	if (uncompress(r->events, &size, r->packed, b.packed) != Z_OK || size != b.size)
		return 0;
	r->end = r->cut = false;
	return size;
}

static int read_block(struct reader *r)
{
	size_t size = unpack(r);

	r->total += size;
	if (r->total > r->most)
		return err_set(r->err, -EFBIG,
			       "it holds more than %llu MiB of events; record a shorter run",
			       (unsigned long long)r->most >> 20);
	return hand_over(r, size);
}

int recording_read_most(FILE *in, uint64_t most, event_fn fn, void *ctx, bool *ret_cut,
			struct err *err)
{
	struct reader *r = malloc(sizeof(*r));
	int error;

	*ret_cut = false;
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->in = in;
	r->fn = fn;
	r->ctx = ctx;
	r->err = err;
	r->total = 0;
	r->most = most;
	r->end = r->cut = false;
	errno = 0;
	error = read_header(r);
	while (!error && !r->end)
		error = read_block(r);
	if (ferror(in)) /* what came until then looks cut, and is not */
		error = err_set(err, errno ? -errno : -EIO, "%s", strerror(errno ? errno : EIO));
	*ret_cut = !error && r->cut;
	free(r);
	return error;
}

int recording_read(FILE *in, event_fn fn, void *ctx, bool *ret_cut, struct err *err)
{
	return recording_read_most(in, RECORDING_MAX, fn, ctx, ret_cut, err);
}
