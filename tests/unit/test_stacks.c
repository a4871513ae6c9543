// SPDX-License-Identifier: BSD-2-Clause
/* The formats for flame graphs, folded and pprof: all time is there, whatever the names are. */
#include <zlib.h>

#include "any.h"
#include "base/intern.h"
#include "report/places.h"
#include "report/protobuf.h"
#include "report/report.h"

#define EACH(all, i) for (size_t i = 0; i < sizeof(all) / sizeof(*(all)); i++)
#define LIMIT	     (1 << 20)

/* --- strings of bytes ------------------------------------------------------------ */

Test(intern, numbers_in_order)
{
	struct intern in = { 0 };

	cr_expect_eq(intern(&in, "", 0), 0);
	cr_expect_eq(intern(&in, "a\0b", 3), 1);
	cr_expect_eq(intern(&in, "a\0c", 3), 2);
	cr_expect_eq(intern(&in, "a", 1), 3);
	cr_expect_eq(intern(&in, "a\0b", 3), 1);
	cr_expect_eq(intern(&in, "", 0), 0);
	for (uint64_t i = 0; i < 5000; i++)
		cr_assert_eq(intern(&in, &i, sizeof(i)), 4 + i);
	for (uint64_t i = 0; i < 5000; i++)
		cr_assert_eq(intern(&in, &i, sizeof(i)), 4 + i);
	cr_expect_str_eq(in.list.items[3].bytes, "a");
	intern_free(&in);
}

/* --- the wire format ------------------------------------------------------------- */

static void wrote(struct proto *p, const char *bytes, size_t n)
{
	cr_expect_eq(p->n, n);
	cr_expect(p->n == n && (!n || !memcmp(p->items, bytes, n)),
		  "%zu bytes, the first %02x %02x", p->n, p->n ? p->items[0] : 0,
		  p->n > 1 ? p->items[1] : 0);
	free(p->items);
	*p = (struct proto){ 0 };
}

#define WROTE(p, bytes) wrote(p, bytes, sizeof(bytes) - 1)

/* As in the description of the format. */
Test(proto, wire)
{
	static const uint64_t list[] = { 3, 270, 86942, 0 };
	struct proto p = { 0 };

	proto_u64(&p, 1, 150);
	WROTE(&p, "\x08\x96\x01");
	proto_u64(&p, 1, 0);
	WROTE(&p, "");
	proto_u64(&p, 1, 127);
	WROTE(&p, "\x08\x7f");
	proto_u64(&p, 1, 128);
	WROTE(&p, "\x08\x80\x01");
	proto_u64(&p, 16, UINT64_MAX);
	WROTE(&p, "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	proto_bytes(&p, 2, "testing", 7);
	WROTE(&p, "\x12\x07testing");
	proto_bytes(&p, 2, "", 0);
	WROTE(&p, "");
	proto_element(&p, 6, "", 0);
	WROTE(&p, "\x32\x00");
	proto_packed(&p, 4, list, 4);
	WROTE(&p, "\x22\x07\x03\x8e\x02\x9e\xa7\x05\x00");
	proto_packed(&p, 4, list, 0);
	WROTE(&p, "");
}

/* --- whole units ----------------------------------------------------------------- */

Test(units, nothing_is_lost)
{
	struct rng rng = rng_seed(7);

	for (int round = 0; round < 100; round++) {
		double carry = 0, sum = 0, told = 0;

		for (int i = 0; i < 1000; i++) {
			double value = rng_below(&rng, 3000) / 999.0;
			double whole = place_units(value, &carry);

			sum += value;
			told += whole;
			cr_assert(whole >= 0 && fabs(whole - value) < 1.01);
		}
		cr_assert_leq(fabs(sum - told), 0.51);
	}
	cr_expect_eq(place_units(1e300, &(double){ 0 }), INT64_MAX);
	cr_expect_eq(place_units(0, &(double){ -0.5 }), 0);
}

/* --- reading them ---------------------------------------------------------------- */

static char *written(const char *format, size_t *size)
{
	struct report_opts opts = { .version = "0" };
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	cr_assert(out);
	cr_assert_eq(report_format_by_name(format)->write(f, &opts, out), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

/* Checks that each line is one, and sums them. */
static double sum_of_folded(const char *text, size_t size)
{
	double sum = 0;

	cr_assert_eq(strlen(text), size);
	cr_assert_leq(size, LIMIT);
	while (*text) {
		const char *end = strchr(text, '\n'), *value = end;
		char *after;

		cr_assert(end, "a line without an end");
		while (value > text && value[-1] != ' ')
			value--;
		cr_assert(value > text && value[-2] == ']' && *text != ';', "%.*s",
			  (int)(end - text), text);
		cr_assert_null(memmem(text, end - text, ";;", 2));
		sum += strtoull(value, &after, 10);
		cr_assert(after == end && *value >= '1' && *value <= '9', "%s", value);
		for (; text < end; text++)
			cr_assert((unsigned char)*text >= 0x20 && *text != 0x7f);
		text++;
	}
	return sum;
}

/* A number of the wire format. */
static uint64_t take_varint(const uint8_t **at, const uint8_t *end)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		cr_assert(*at < end && shift < 64);
		value |= (uint64_t)(**at & 0x7f) << shift;
		if (*(*at)++ < 0x80)
			return value;
	}
}

struct part {
	unsigned int field;
	uint64_t value; /* or the length */
	const uint8_t *bytes;
};

static struct part take_part(const uint8_t **at, const uint8_t *end)
{
	uint64_t key = take_varint(at, end);
	struct part p = { .field = key >> 3, .value = take_varint(at, end) };

	cr_assert(p.field && ((key & 7) == 0 || (key & 7) == 2));
	if ((key & 7) == 2) {
		p.bytes = *at;
		cr_assert_leq(p.value, (uint64_t)(end - *at));
		*at += p.value;
	}
	return p;
}

static size_t unpack(const char *packed, size_t n, uint8_t **ret)
{
	z_stream z = { .next_in = (void *)packed, .avail_in = n };
	size_t room = 8 * LIMIT;

	*ret = malloc(room);
	z.next_out = *ret;
	z.avail_out = room;
	cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(inflateEnd(&z), Z_OK);
	return room - z.avail_out;
}

struct profile_sums {
	double values[4];
	uint64_t samples, locations, functions, strings, mappings;
};

static void add_sample(struct profile_sums *to, const struct part *sample)
{
	const uint8_t *at = sample->bytes, *end = at + sample->value;

	to->samples++;
	while (at < end) {
		struct part p = take_part(&at, end);
		const uint8_t *one = p.bytes, *last = p.bytes + p.value;
		size_t n = 0;

		for (; p.field < 3 && one < last; n++) {
			uint64_t value = take_varint(&one, last);

			if (p.field == 1)
				cr_assert(value && value <= to->locations, "%lu", value);
			else
				to->values[n] += value;
		}
		cr_assert(p.field != 1 || n > 0);
		cr_assert(p.field != 2 || n == 4);
	}
}

/* Each number of a row is the next one, and what it refers to is known by then. */
static struct profile_sums read_profile(const char *packed, size_t size)
{
	struct profile_sums sums = { 0 };
	const uint8_t *at, *end;
	uint8_t *bytes;

	size = unpack(packed, size, &bytes);
	cr_assert_leq(size, LIMIT + 65536);
	for (at = bytes, end = bytes + size; at < end;) {
		struct part p = take_part(&at, end);
		uint64_t *counts[] = {
			[3] = &sums.mappings, [4] = &sums.locations, [5] = &sums.functions
		};

		if (p.field == 2)
			add_sample(&sums, &p);
		sums.strings += p.field == 6;
		if (p.field >= 3 && p.field <= 5) {
			const uint8_t *in = p.bytes;
			struct part id = take_part(&in, p.bytes + p.value);

			cr_assert_eq(id.field, 1);
			cr_assert_eq(id.value, ++*counts[p.field]);
		}
		cr_assert(p.field != 6 || sums.strings > 1 || !p.value, "string 0 is not empty");
	}
	free(bytes);
	return sums;
}

static struct profile_sums profiled(void)
{
	size_t size;
	char *packed = written("pprof", &size), *again = written("pprof", &size);
	struct profile_sums sums = read_profile(packed, size);

	cr_assert_eq(memcmp(packed, again, size), 0);
	free(packed);
	free(again);
	return sums;
}

static void near(double got, double wanted)
{
	cr_assert_float_eq(got, wanted, 1e-9 * wanted + 0.51, "%.12g, not %.12g", got, wanted);
}

static void check_all_time(void)
{
	const struct totals *t = &f->totals;
	double queued = (double)t->state_ns[TS_WOKEN] + (double)t->state_ns[TS_PREEMPTED] +
			(double)t->state_ns[TS_YIELDED];
	double waited = 0, waits = 0;
	size_t size;
	char *folded = written("folded", &size);
	struct profile_sums p = profiled();

	for (int c = 0; c < CAUSE_COUNT; c++) {
		waited += t->waits[c].ns;
		waits += t->waits[c].count;
	}
	near(sum_of_folded(folded, size), (queued + waited + t->state_ns[TS_RUNNING]) / 1000);
	near(p.values[0], f->sites.cpu_samples);
	near(p.values[1], t->state_ns[TS_RUNNING]);
	near(p.values[2], waits);
	near(p.values[3], waited);
	free(folded);
}

Test(sums, of_any_stream)
{
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct rng rng = rng_seed(seed);

		b = model_builder_new();
		analyse_any(&rng);
		check_all_time();
		teardown();
	}
}

Test(sums, of_nothing, .init = setup, .fini = teardown)
{
	size_t size;
	char *text;

	m = model_builder_finish(b);
	f = findings_new(m);
	text = written("folded", &size);
	cr_expect_str_empty(text);
	cr_expect_eq(profiled().samples, 0);
	free(text);
}

/* --- names ----------------------------------------------------------------------- */

static void put_freed(void *event)
{
	put(event);
	free(event);
}

static const struct {
	const char *name, *shown;
} names[] = {
	{ "plain", "plain" },
	{ "a;b", "a:b" },
	{ "a b 12", "a b 12" },
	{ "a\nb 7", "a\\nb 7" },
	{ "\r\t", "\\x0d\\t" },
	{ ";", ":" },
	{ " ", " " },
	{ "\\n", "\\\\n" },
	{ "\xff\x80", "\\xff\\x80" },
	{ "\x1b[31m", "\\x1b[31m" },
	{ "µ", "µ" },
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
};

/* Of a thread and of a function: the line stays one, with its frames and its value. */
Test(folded, names)
{
	EACH(names, i)
	{
		struct ev_thread t = thread(1, 0, 0, 0, 5000);
		struct ev_site s = cpu_site(1, 1, 1);
		char wanted[200], *text;
		size_t size;

		setup();
		snprintf(t.comm, sizeof(t.comm), "%s", names[i].name);
		put(&t);
		put_freed(frame(1, names[i].name, "", "/bin/x"));
		put_freed(stack(1, (const __u32[]){ 1 }, 1));
		put(&s);
		analyse(wall(5000));
		text = written("folded", &size);
		snprintf(wanted, sizeof(wanted), "%s;%s;[running] 5\n", names[i].shown,
			 names[i].shown);
		cr_expect_str_eq(text, wanted);
		free(text);
		teardown();
	}
}

static void put_marked(uint32_t id, const char *function, const char *object, uint32_t flags)
{
	struct ev_frame *e = frame(id, function, "x.c", object);

	e->flags = flags;
	put_freed(e);
}

/* What is inlined, in the kernel, without a name, cut; and lines of one function are one. */
Test(folded, frames, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, 4 * MS);
	struct ev_stack *cut = stack(3, (const __u32[]){ 5 }, 1);
	struct ev_site sites[] = { wait_site(1, 1, CAUSE_IO_DISK, 1, 1),
				   wait_site(1, 2, CAUSE_IO_DISK, 1, 6),
				   wait_site(1, 3, CAUSE_IO_PIPE, 1, 1),
				   wait_site(1, 4, CAUSE_IO_TTY, 1, 1) };
	char *text;
	size_t size;

	waited(&t, CAUSE_IO_DISK, 700000, 2);
	waited(&t, CAUSE_IO_PIPE, 300000, 1);
	waited(&t, CAUSE_IO_TTY, 200000, 1);
	waited(&t, CAUSE_TIMER_SLEEP, 1 * MS, 1);
	put(&t);
	put_marked(1, "main", "/bin/x", 0);
	put_marked(2, "f", "/bin/x", FRAME_INLINED);
	put_marked(3, "f", "/bin/y", FRAME_INLINED);
	put_marked(4, "read", "[kernel]", FRAME_KERNEL);
	put_marked(5, "", "/lib/libx;y.so", 0);
	cut->end = STACK_GARBAGE;
	put_freed(stack(1, (const __u32[]){ 4, 2, 1 }, 3));
	put_freed(stack(2, (const __u32[]){ 4, 3, 1 }, 3));
	put_freed(cut);
	put_freed(stack(4, NULL, 0));
	EACH(sites, i)
	put(&sites[i]);
	analyse(wall(4 * MS));
	text = written("folded", &size);
	cr_expect_str_eq(text, "t1;[no stack];[running] 1800\n"
			       "t1;[no stack];[timer.sleep] 1000\n"
			       "t1;main;f_[i];read_[k];[io.disk] 700\n"
			       "t1;[cut: garbage];[libx:y.so];[io.pipe] 300\n"
			       "t1;[no stack];[io.tty] 200\n");
	free(text);
}

/* --- too much -------------------------------------------------------------------- */

/* Stacks that are all different, of long names. */
#define DEPTH 4
static void put_long_stacks(uint32_t n)
{
	struct ev_thread t = thread(1, 0, 0, 0, 1000 * SECOND);
	char name[400];
	__u32 ids[DEPTH];

	waited(&t, CAUSE_IO_DISK, 500 * SECOND, n);
	put(&t);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (uint32_t id = 1; id <= n; id++) {
		snprintf(name, 8, "f%u", id);
		name[strlen(name)] = '.';
		put_freed(frame(id, name, "x.c", "/bin/x"));
	}
	for (uint32_t id = 1; id <= n; id++) {
		struct ev_site s = wait_site(1, id, CAUSE_IO_DISK, 1, n + id);

		for (int i = 0; i < DEPTH; i++)
			ids[i] = 1 + (id + i) % n;
		put_freed(stack(id, ids, DEPTH));
		put(&s);
	}
	analyse(wall(1000 * SECOND));
}

Test(limit, the_rest_is_summed, .init = setup, .fini = teardown)
{
	uint64_t samples;
	size_t size;
	char *text;

	put_long_stacks(3000);
	text = written("folded", &size);
	cr_expect_gt(size, LIMIT / 2);
	cr_expect(strstr(text, "\n[left out];[io.disk] "), "%.300s", text + size - 300);
	free(text);
	check_all_time();
	samples = profiled().samples;
	cr_expect(samples > 1000 && samples < 3002, "%lu", samples);
}
