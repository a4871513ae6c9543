// SPDX-License-Identifier: BSD-2-Clause
/* Asking for names. */
#include "sym/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* A request with one number and one answer of this size. */
static int ask(struct sym *s, size_t size)
{
	bool is_there = false;
	int r = 0;

	while (!r && !is_there) {
		r = client_refused(s, s->request.object);
		if (!r)
			r = client_send_number(s);
		if (!r)
			r = client_take_one(s, size, client_deadline(s), &is_there);
	}
	return r;
}

/* Valid UTF-8 that ends within its room. */
static void mend_text(char *text, size_t size)
{
	uint32_t c;
	size_t n;

	text[size - 1] = '\0';
	for (char *at = text; *at; at += n) {
		n = utf8_decode(at, &c);
		if (!n) {
			*at = '?';
			n = 1;
		}
	}
}

struct place {
	uint64_t offset;
	size_t index; /* the caller's */
};

static int give_names(struct sym *s, size_t n, size_t index, sym_frame_fn fn, void *ctx)
{
	struct sym_frame frames[SYM_DEPTH];

	for (size_t i = 0; i < n; i++) {
		struct place_frame *from = &s->answer.frames[i];

		mend_text(from->function, sizeof(from->function));
		mend_text(from->file, sizeof(from->file));
		frames[i] = (struct sym_frame){
			.function = from->function[0] ? from->function : NULL,
			.file = from->file[0] ? from->file : NULL,
			.line = from->line,
			.is_inlined = from->is_inlined && i + 1 < n,
			.tries_lock = from->tries_lock,
		};
	}
	return fn(ctx, index, frames, n);
}

/* One request's worth. *done grows with each that fn was called for. */
static int names_of(struct sym *s, const struct place *places, size_t n, size_t *done,
		    sym_frame_fn fn, void *ctx)
{
	int64_t until = client_deadline(s);
	bool lost = false;
	int ret = 0;
	size_t got;

	/* when fn wants no more, the answers still come */
	for (size_t i = 0; i < n; i++) {
		int r = client_take_answer(s, sizeof(*s->answer.frames), until, &got, &lost);

		if (!lost && (got > SYM_DEPTH || (!r && got != s->answer.n))) {
			lost = true;
			r = -EBADMSG;
		}
		if (lost) {
			r = s->over ? s->over : client_blame(s, s->request.object, r);
			return ret ? ret : r;
		}
		if (r) /* one answer to all of it */
			return r;
		if (!ret) {
			ret = give_names(s, got, places[i].index, fn, ctx);
			++*done;
		}
	}
	return ret;
}

static int by_offset(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int ask_names(struct sym *s, uint32_t object, const struct place *places, size_t n,
		     sym_frame_fn fn, void *ctx)
{
	size_t done = 0;
	int r = client_settle(s, INT64_MAX);

	if (!r)
		r = client_refused(s, object);
	while (!r && done < n) {
		size_t now = n - done < NAMES_MAX ? n - done : NAMES_MAX;

		s->request.kind = REQUEST_NAMES;
		s->request.object = object;
		s->request.n = (uint32_t)now;
		s->request.cpu_seconds = client_cpu_seconds(s);
		for (size_t i = 0; i < now; i++)
			s->request.offsets[i] = places[done + i].offset;
		if (client_send(s, HEAD_SIZE(struct request, offsets[now])))
			return -EIO;
		r = names_of(s, places + done, now, &done, fn, ctx);
	}
	return r;
}

int sym_names(struct sym *s, uint32_t object, const uint64_t *offsets, size_t n, sym_frame_fn fn,
	      void *ctx)
{
	struct place *places = reallocarray(NULL, n + 1, sizeof(*places));
	int r;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){ offsets[i], i };
	/* what lies together is read together */
	qsort(places, n, sizeof(*places), by_offset);
	r = ask_names(s, object, places, n, fn, ctx);
	free(places);
	return r;
}

int sym_image(struct sym *s, uint32_t object, uint64_t offset, bool executable,
	      uint64_t *ret_address)
{
	int r = client_settle(s, INT64_MAX);

	s->request.kind = REQUEST_IMAGE;
	s->request.object = object;
	s->request.flag = executable;
	s->request.offsets[0] = offset;
	if (!r)
		r = ask(s, sizeof(s->answer.address));
	if (!r)
		*ret_address = s->answer.address;
	return r;
}

int sym_image_end(struct sym *s, uint32_t object, uint64_t *ret_address)
{
	int r = client_settle(s, INT64_MAX);

	s->request.kind = REQUEST_IMAGE_END;
	s->request.object = object;
	if (!r)
		r = ask(s, sizeof(s->answer.address));
	if (!r)
		*ret_address = s->answer.address;
	return r;
}

int sym_data(struct sym *s, uint32_t object, uint64_t address, struct sym_data *ret)
{
	int r = client_settle(s, INT64_MAX);

	s->request.kind = REQUEST_DATA;
	s->request.object = object;
	s->request.offsets[0] = address;
	if (!r)
		r = ask(s, sizeof(s->answer.data));
	if (r)
		return r;
	*ret = s->answer.data;
	mend_text(ret->name, sizeof(ret->name));
	mend_text(ret->file, sizeof(ret->file));
	return 0;
}
