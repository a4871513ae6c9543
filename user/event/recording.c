// SPDX-License-Identifier: BSD-2-Clause
#include "event/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "event/layout.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "events are written as they are");

#define KINDS_MAX  1024
#define PARTS_MAX  1024	       /* of one kind */
#define BLOCK_SIZE (64u << 10) /* of whole events, at most, unless one is larger */
#define BLOCK_MAX  (1u << 20)  /* of what is read */

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

/* A number of the header. */
static void put_number(struct recorder *r, __u32 number, uLong *sum)
{
	*sum = crc32(*sum, (const Bytef *)&number, sizeof(number));
	put(r, &number, sizeof(number));
}

static void put_header(struct recorder *r)
{
	uLong sum = crc32(0, (const Bytef *)RECORDING_MAGIC, RECORDING_MAGIC_SIZE), end;
	struct layout l;

	put(r, RECORDING_MAGIC, RECORDING_MAGIC_SIZE);
	put_number(r, RECORDING_VERSION, &sum);
	put_number(r, EV_KIND_COUNT, &sum);
	for (unsigned int k = 0; k < EV_KIND_COUNT; k++) {
		layout_own(&l, k);
		put_number(r, (__u32)l.n, &sum);
		for (size_t i = 0; i < l.n; i++)
			put_number(r, l.parts[i].size, &sum);
	}
	end = sum;
	put_number(r, (__u32)end, &sum);
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

int recorder_flush(struct recorder *r)
{
	if (!r->has_header)
		put_header(r);
	put_block(r);
	errno = 0;
	if (!r->error && fflush(r->out))
		r->error = errno ? -errno : -EIO;
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
	error = recorder_flush(r);
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
	__u64 got;	   /* bytes of the file */
	bool end, cut;	   /* nothing follows; ... though it should */
	bool is_newer;	   /* it may say what is not known here */
	bool told;	   /* ... and it was handed over that it does */
	__u32 n_kinds;	   /* that it knows */
	struct kind {
		struct layout theirs, own;
		bool is_same;
	} kinds[EV_KIND_COUNT];
	_Alignas(__u64) unsigned char events[BLOCK_MAX];
	_Alignas(__u64) unsigned char converted[BLOCK_MAX];
	unsigned char packed[BLOCK_MAX + BLOCK_MAX / 100 + 1024];
};

static bool get(struct reader *r, void *to, size_t size)
{
	size_t n = fread(to, 1, size, r->in);

	r->got += n;
	return n == size;
}

static int refuse(struct reader *r, const char *why)
{
	return err_set(r->err, -EINVAL, "%s; record it again with this version of concprof", why);
}

static int refuse_damaged(struct reader *r)
{
	return refuse(r, "it is cut short, or damaged at its beginning");
}

static int refuse_newer(struct reader *r)
{
	return err_set(r->err, -EINVAL,
		       "a newer version of concprof has recorded what this one does not know; "
		       "use that version");
}

static int read_magic(struct reader *r, uLong *sum)
{
	char magic[RECORDING_MAGIC_SIZE];

	if (!get(r, magic, sizeof(magic)) || memcmp(magic, RECORDING_MAGIC, sizeof(magic)))
		return err_set(
			r->err, -EINVAL,
			"it is no recording; make one with: concprof record -o FILE -- COMMAND");
	*sum = crc32(0, (const Bytef *)magic, sizeof(magic));
	return 0;
}

static bool get_number(struct reader *r, __u32 *ret, uLong *sum)
{
	if (!get(r, ret, sizeof(*ret)))
		return false;
	*sum = crc32(*sum, (const Bytef *)ret, sizeof(*ret));
	return true;
}

static int read_version(struct reader *r, uLong *sum)
{
	__u32 version;

	if (!get_number(r, &version, sum))
		return refuse_damaged(r);
	if (version == RECORDING_VERSION)
		return 0;
	if (version < RECORDING_VERSION)
		return refuse(r, "it has an older format, which was in no release");
	return err_set(r->err, -EINVAL,
		       "it has a newer format, %u, and this version of concprof reads %u; "
		       "use the version that recorded it",
		       version, RECORDING_VERSION);
}

/* False: it is damaged, or made to do harm. */
static bool read_layout(struct reader *r, struct layout *l, uLong *sum)
{
	__u32 n, size;

	memset(l, 0, sizeof(*l));
	if (!get_number(r, &n, sum) || n > PARTS_MAX)
		return false;
	for (__u32 i = 0; i < n; i++) {
		if (!get_number(r, &size, sum) || size > BLOCK_MAX - l->size || size % 8)
			return false;
		l->size += size;
		/* Parts behind all that could be known are the rest of the last. */
		if (l->n < LAYOUT_PARTS)
			l->n++;
		l->parts[l->n - 1].size += size;
	}
	return !n || l->size >= sizeof(struct event);
}

/* Its kinds may be fewer than ours, or more. */
static int read_header(struct reader *r)
{
	__u32 kinds, check;
	struct layout skipped;
	uLong sum = 0, all;
	int error = read_magic(r, &sum);

	if (!error)
		error = read_version(r, &sum);
	if (error)
		return error;
	if (!get_number(r, &kinds, &sum) || kinds > KINDS_MAX)
		return refuse_damaged(r);
	r->n_kinds = kinds;
	r->is_newer = kinds > EV_KIND_COUNT;
	for (__u32 k = 0; k < kinds; k++) {
		struct kind *kind = k < EV_KIND_COUNT ? &r->kinds[k] : NULL;

		if (!read_layout(r, kind ? &kind->theirs : &skipped, &sum))
			return refuse_damaged(r);
		if (!kind)
			continue;
		layout_own(&kind->own, k);
		kind->is_same = layout_is_same(&kind->theirs, &kind->own);
		r->is_newer |= layout_is_longer(&kind->theirs, &kind->own);
	}
	all = sum;
	return get_number(r, &check, &sum) && check == (__u32)all ? 0 : refuse_damaged(r);
}

/* The block was whole: only a writer can have done it. */
static int refuse_events(struct reader *r)
{
	if (r->is_newer)
		return refuse_newer(r);
	return err_set(r->err, -EPROTO, "its events contradict each other, or are none");
}

/* Once: something was left out. */
static int tell_newer(struct reader *r)
{
	static const char words[] = "a newer version of concprof has recorded this run: what this "
				    "version does not know is left out";
	struct ev_text *t = (struct ev_text *)r->converted;

	if (r->told)
		return 0;
	r->told = true;
	memset(t, 0, sizeof(*t) + sizeof(words) + 8);
	t->head.kind = EV_TEXT;
	t->head.size = (__u32)(sizeof(*t) + sizeof(words) + 7) / 8 * 8;
	t->what = TEXT_NOTE;
	t->length = sizeof(words) - 1;
	memcpy(t->text, words, sizeof(words));
	return r->fn(r->ctx, &t->head);
}

static int hand_over_one(struct reader *r, const struct event *ev)
{
	const struct kind *kind = ev->kind < EV_KIND_COUNT ? &r->kinds[ev->kind] : NULL;
	int error = 0;

	if (ev->kind >= r->n_kinds)
		return refuse_events(r);
	if (!kind)
		return tell_newer(r);
	if (!kind->theirs.n || ev->size < kind->theirs.size)
		return refuse_events(r);
	if (!kind->is_same) {
		if (layout_is_longer(&kind->theirs, &kind->own))
			error = tell_newer(r);
		if (error)
			return error;
		if (!layout_convert(r->converted, sizeof(r->converted), ev, &kind->theirs,
				    &kind->own))
			return refuse_events(r);
		ev = (const struct event *)r->converted;
	}
	if (!event_is_valid(ev, ev->size))
		return refuse_events(r);
	return r->fn(r->ctx, ev);
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
		error = hand_over_one(r, ev);
		if (error)
			return error;
	}
	return 0;
}

/* Before it is unpacked: so many bytes more. */
static int allow(struct reader *r, size_t size)
{
	r->total += size;
	if (r->total > r->most)
		return err_set(r->err, -EFBIG,
			       "it holds more than %llu MiB of events; record a shorter run",
			       (unsigned long long)r->most >> 20);
	if (r->total > RECORDING_FLOOR && r->total > RECORDING_RATIO * r->got)
		return err_set(r->err, -EPROTO,
			       "it unpacks to more than %d times its size, which no run does: it "
			       "was made to fill the memory",
			       RECORDING_RATIO);
	return 0;
}

/* Reads one block, and its events. */
static int read_block(struct reader *r)
{
	struct block b;
	uLongf size;
	int error;

	r->end = r->cut = true;
	if (!get(r, &b, sizeof(b)) || b.packed > sizeof(r->packed) || b.size > BLOCK_MAX)
		return 0;
	r->cut = b.packed || b.size;
	if (!r->cut)
		return 0;
	if (!get(r, r->packed, b.packed) || crc32(0, r->packed, b.packed) != b.check)
		return 0;
	error = allow(r, b.size);
	if (error)
		return error;
	size = b.size;
	if (uncompress(r->events, &size, r->packed, b.packed) != Z_OK || size != b.size)
		return 0;
	r->end = r->cut = false;
	return hand_over(r, size);
}

static int read_end(struct reader *r)
{
	char more;

	if (r->cut || !get(r, &more, 1))
		return 0;
	return err_set(r->err, -EPROTO,
		       "more follows its end, as if two files were one; give each of them alone");
}

int recording_read_most(FILE *in, uint64_t most, event_fn fn, void *ctx, bool *ret_cut,
			struct err *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	int error;

	*ret_cut = false;
	if (!r)
		return err_failed(err, -ENOMEM, "cannot begin");
	r->in = in;
	r->fn = fn;
	r->ctx = ctx;
	r->err = err;
	r->most = most;
	errno = 0;
	error = read_header(r);
	while (!error && !r->end)
		error = read_block(r);
	if (!error)
		error = read_end(r);
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
