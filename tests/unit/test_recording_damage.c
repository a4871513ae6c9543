// SPDX-License-Identifier: BSD-2-Clause
/* Recordings that are cut, damaged, of other versions, or made to do harm. */
#include "damage.h"
#include "random.h"

Test(cut, at_every_byte, .init = setup, .fini = teardown)
{
	for (size_t size = 0; size < file.size; size++) {
		struct result r = read_first(&file, size);
		size_t whole = 3;

		while (whole && ends[whole] > size)
			whole--;
		if (size < header_size()) {
			cr_assert_eq(r.error, -EINVAL, "%zu bytes", size);
			cr_assert_eq(r.events.size, 0);
		} else {
			cr_assert(!r.error && r.cut, "%zu bytes: %s", size, r.err.text);
			cr_assert_eq(r.events.size, sizes[whole], "%zu bytes", size);
		}
		starts(&r);
		drop(&r.events);
	}
}

/* Nothing that was not recorded comes out, and nothing is lost without a word. */
Test(damaged, at_every_bit, .init = setup, .fini = teardown)
{
	for (size_t bit = 0; bit < 8 * file.size; bit++) {
		struct result r;

		file.data[bit / 8] ^= (char)(1 << bit % 8);
		r = read_all(&file);
		if (bit / 8 < header_size())
			cr_assert_eq(r.error, -EINVAL, "bit %zu", bit);
		else
			cr_assert_eq(r.error, 0, "bit %zu: %s", bit, r.err.text);
		starts(&r);
		cr_assert(r.error || r.cut || r.events.size == events.size, "bit %zu", bit);
		file.data[bit / 8] ^= (char)(1 << bit % 8);
		drop(&r.events);
	}
}

Test(damaged, anywhere_by_anything, .init = setup, .fini = teardown)
{
	for (uint64_t seed = 1; seed < 2000; seed++) {
		struct rng rng = rng_seed(seed);
		struct bytes copy = { NULL };
		struct result r;

		add(&copy, file.data, file.size);
		for (uint64_t n = 1 + rng_below(&rng, 8); n; n--)
			copy.data[rng_below(&rng, copy.size)] = (char)(rng_next(&rng) >> 32);
		r = read_all(&copy);
		starts(&r);
		drop(&r.events);
		drop(&copy);
	}
}

/* --- headers ---------------------------------------------------------------------- */

Test(header, of_what_is_no_recording)
{
	static const char *const others[] = { "",
					      "x",
					      "\x89",
					      "\x89PNG\r\n\x1a\n",
					      "text\n",
					      "\x89"
					      "cpr\n\x1a\n" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct bytes b = { NULL };

		add(&b, others[i], strlen(others[i]));
		refused(&b, -EINVAL, "it is no recording");
		drop(&b);
	}
}

Test(header, of_other_versions)
{
	static const __u32 versions[] = { 0, 1, RECORDING_VERSION + 1, 0x01000000, ~0u };

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		const char *words =
			versions[i] < RECORDING_VERSION ? "an older format" : "a newer format";
		struct bytes b = { NULL };

		add_header(&b, versions[i], EV_KIND_COUNT);
		add_end(&b);
		refused(&b, -EINVAL, words);
		/* Whatever follows in it. */
		memset(b.data + 12, 0xff, b.size - 12);
		refused(&b, -EINVAL, words);
		drop(&b);
	}
}

/* It has no events of the kinds that it does not know. */
Test(header, of_an_older_version_with_fewer_kinds)
{
	struct bytes b = { NULL };
	struct ev_run one = run();
	struct result r;

	for (__u32 kinds = 0; kinds <= EV_KIND_COUNT; kinds++) {
		add_header(&b, RECORDING_VERSION, kinds);
		add_block(&b, &one, sizeof(one));
		add_end(&b);
		r = read_all(&b);
		cr_assert_eq(r.error, kinds > EV_RUN ? 0 : -EPROTO, "%u kinds: %s", kinds,
			     r.err.text);
		cr_assert_eq(r.events.size, kinds > EV_RUN ? sizeof(one) : 0);
		drop(&r.events);
		drop(&b);
	}
}

/* Takes the note out that something was left out, which has to stand there. */
static void told_newer(struct bytes *from, size_t at)
{
	const struct ev_text *t = (const struct ev_text *)(from->data + at);

	cr_assert_leq(at + sizeof(*t), from->size);
	cr_assert_eq(t->head.kind, EV_TEXT);
	cr_assert_eq(t->what, TEXT_NOTE);
	cr_assert(strstr(t->text, "newer version"), "%s", t->text);
	from->size -= t->head.size;
	memmove(from->data + at, from->data + at + t->head.size, from->size - at);
}

/* 64 bytes of a kind that is not known, between two that are. */
Test(header, of_a_newer_version_with_more_kinds)
{
	struct bytes b = { NULL }, all = { NULL }, known = { NULL };
	struct ev_run one = run();
	struct event unknown[8] = { { .kind = EV_KIND_COUNT, .size = 64 } };
	struct result r;

	add(&all, &one, sizeof(one));
	add(&known, &one, sizeof(one));
	for (__u32 kind = EV_KIND_COUNT; kind && kind < EV_KIND_COUNT + 3; kind++) {
		unknown[0].kind = kind;
		add(&all, unknown, sizeof(unknown));
	}
	add(&all, &one, sizeof(one));
	add(&known, &one, sizeof(one));
	add_header(&b, RECORDING_VERSION, EV_KIND_COUNT + 3);
	add_block(&b, all.data, all.size);
	add_end(&b);
	r = read_all(&b);
	cr_assert(!r.error && !r.cut, "%s", r.err.text);
	told_newer(&r.events, sizeof(one));
	cr_assert(same(&r.events, &known));
	drop(&r.events);
	drop(&b);
	drop(&all);
	drop(&known);
}

Test(header, of_the_most_kinds)
{
	struct bytes b = { NULL };
	struct result r;

	add_header(&b, RECORDING_VERSION, 1024);
	add_end(&b);
	r = read_all(&b);
	cr_assert(!r.error && !r.cut, "%s", r.err.text);
	drop(&b);
	add_header(&b, RECORDING_VERSION, 1025);
	add_end(&b);
	refused(&b, -EINVAL, "damaged");
	drop(&b);
}

/* --- blocks ----------------------------------------------------------------------- */

/* Behind a good block, and in front of one. */
static struct result read_with(void (*put)(struct bytes *))
{
	struct bytes b = { NULL };
	struct ev_run one = run();
	struct result r;

	add_header(&b, RECORDING_VERSION, EV_KIND_COUNT);
	add_block(&b, &one, sizeof(one));
	put(&b);
	add_block(&b, &one, sizeof(one));
	add_end(&b);
	r = read_all(&b);
	drop(&b);
	return r;
}

static void inflates_to_more(struct bytes *to)
{
	char zeros[1000] = { 0 };

	add_block_of(to, zeros, sizeof(zeros), 992);
}

static void inflates_to_less(struct bytes *to)
{
	char zeros[1000] = { 0 };

	add_block_of(to, zeros, sizeof(zeros), 1008);
}

static void inflates_to_far_more(struct bytes *to)
{
	char *zeros = calloc(64, BLOCK_MAX);

	add_block_of(to, zeros, 64ul * BLOCK_MAX, BLOCK_MAX);
	free(zeros);
}

static void says_too_much(struct bytes *to)
{
	add_block_of(to, "", 1, BLOCK_MAX + 1);
}

static void says_4_gib(struct bytes *to)
{
	add_block_of(to, "", 1, ~0u);
}

static void is_packed_into_too_much(struct bytes *to)
{
	add_u32(to, 2 * BLOCK_MAX);
	add_u32(to, 8);
	add_u32(to, 0);
}

static void is_packed_into_nothing(struct bytes *to)
{
	add_u32(to, 0);
	add_u32(to, 8);
	add_u32(to, 0);
}

static void is_not_packed(struct bytes *to)
{
	add_u32(to, 8);
	add_u32(to, 8);
	add_u32(to, (__u32)crc32(0, (const Bytef *)"12345678", 8));
	add(to, "12345678", 8);
}

Test(block, that_cannot_be_unpacked)
{
	static void (*const makers[])(struct bytes *) = {
		inflates_to_more, inflates_to_less,	   inflates_to_far_more,   says_too_much,
		says_4_gib,	  is_packed_into_too_much, is_packed_into_nothing, is_not_packed,
	};

	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		struct result r = read_with(makers[i]);

		cr_assert(!r.error && r.cut, "maker %zu: %s", i, r.err.text);
		cr_assert_eq(r.events.size, sizeof(struct ev_run), "what came before");
		drop(&r.events);
	}
}

static void is_empty(struct bytes *to)
{
	add_block(to, "", 0);
}

/* Not what a recorder writes, and no harm. */
Test(block, of_nothing)
{
	struct result r = read_with(is_empty);

	cr_assert(!r.error && !r.cut, "%s", r.err.text);
	cr_assert_eq(r.events.size, 2 * sizeof(struct ev_run));
	drop(&r.events);
}

static void is_largest(struct bytes *to)
{
	struct ev_text *ev = calloc(1, BLOCK_MAX);

	ev->head.kind = EV_TEXT;
	ev->head.size = BLOCK_MAX;
	ev->what = TEXT_NOTE;
	add_block(to, ev, BLOCK_MAX);
	free(ev);
}

Test(block, of_the_largest_size)
{
	struct result r = read_with(is_largest);

	cr_assert(!r.error && !r.cut, "%s", r.err.text);
	cr_assert_eq(r.events.size, 2 * sizeof(struct ev_run) + BLOCK_MAX);
	drop(&r.events);
}

/* --- events in a whole block: only a writer can have put them there ---------------- */

static void wrong_event(const void *event, size_t size)
{
	struct bytes b = { NULL };
	struct ev_run one = run();

	add_header(&b, RECORDING_VERSION, EV_KIND_COUNT);
	add_block(&b, &one, sizeof(one));
	add_block(&b, event, size);
	add_block(&b, &one, sizeof(one));
	add_end(&b);
	refused(&b, -EPROTO, "contradict");
	drop(&b);
}

Test(events, of_wrong_sizes)
{
	static const __u32 wrong[] = {
		0, 1, 4, 7, sizeof(struct event), 12, 41, ~0u, 1u << 31, ~7u
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct ev_loss l = loss(LOSS_EXEC, 1, 0, "ring");

		l.head.size = wrong[i];
		wrong_event(&l, sizeof(l));
		l.head.kind = EV_KIND_COUNT; /* one that would be skipped */
		if (wrong[i] != sizeof(struct event))
			wrong_event(&l, sizeof(l));
	}
}

Test(events, that_cross_a_block)
{
	struct ev_loss l[2] = { loss(LOSS_EXEC, 1, 0, "ring"), loss(LOSS_EXEC, 1, 0, "ring") };

	for (size_t size = 1; size < sizeof(l); size++) {
		if (size != sizeof(*l))
			wrong_event(l, size);
	}
}

Test(events, that_are_not_valid)
{
	struct ev_loss l = loss(LOSS_EXEC, 1, 0, "ring");

	memset(l.name, 'x', sizeof(l.name));
	wrong_event(&l, sizeof(l));
	l = loss(LOSS_EXEC, 1, 0, "ring");
	l.head.kind = 0;
	wrong_event(&l, sizeof(l));
	l.head.kind = EV_KIND_COUNT; /* and its header knows of no such kind */
	wrong_event(&l, sizeof(l));
	l.head.kind = ~0u;
	wrong_event(&l, sizeof(l));
}
