// SPDX-License-Identifier: BSD-2-Clause
/*
 * A pprof profile: of each place in the code how long threads computed and waited there, and
 * how often. The values are estimates by samples, and sum to what the threads' ledgers say.
 * Time in a queue has no place in the code and is not in it. Most first.
 */
#include "report/report.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "report/places.h"
#include "report/profile.h"

#define MOST_BYTES (1 << 20) /* uncompressed; then the rest is summed by what it was */

enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_TEXT = 2 };
enum { TYPE_NAME = 1, TYPE_UNIT = 2 };

enum { CPU_SAMPLES, CPU_NS, WAITS, WAIT_NS, VALUES };

static const struct {
	const char *name, *unit;
} types[VALUES] = {
	[CPU_SAMPLES] = { "samples", "count" },
	[CPU_NS] = { "cpu", "nanoseconds" },
	[WAITS] = { "waits", "count" },
	[WAIT_NS] = { "wait", "nanoseconds" },
};

/* All places that are the same to a reader. */
struct row {
	struct place place;
	size_t number; /* in the order of their coming */
	double values[VALUES];
};

struct profiling {
	struct profile profile;
	const struct model *m;
	struct intern keys;
	VEC(struct row) rows;
	VEC(char) key;
	struct row other[PLACE_COUNT];
	double carry[VALUES];
	double cpu_ns, cpu_samples;
};

static void add_key(struct profiling *to, const void *bytes, size_t n)
{
	for (const char *byte = bytes; n--; byte++)
		*vec_add(&to->key) = *byte;
}

static struct row *row_of(struct profiling *to, const struct place *p)
{
	size_t i;

	to->key.n = 0;
	add_key(to, p->thread, strlen(p->thread) + 1);
	add_key(to, p->process, strlen(p->process) + 1);
	add_key(to, &p->what, sizeof(p->what));
	if (p->stack) {
		add_key(to, &p->stack->end, sizeof(p->stack->end));
		add_key(to, p->stack->frames, p->stack->n * sizeof(*p->stack->frames));
	}
	i = intern(&to->keys, to->key.items, to->key.n);
	if (i == to->rows.n)
		*vec_add(&to->rows) = (struct row){ .place = *p, .number = i };
	return &to->rows.items[i];
}

static void add_place(void *ctx, const struct place *p)
{
	struct profiling *to = ctx;
	bool computes = p->what == PLACE_RUNNING;
	struct row *row;

	if (p->what == PLACE_QUEUED)
		return;
	row = row_of(to, p);
	row->values[computes ? CPU_SAMPLES : WAITS] += p->count;
	row->values[computes ? CPU_NS : WAIT_NS] += p->ns;
	if (computes) {
		to->cpu_samples += p->count;
		to->cpu_ns += p->ns;
	}
}

static double time_of(const struct row *r)
{
	return r->values[CPU_NS] + r->values[WAIT_NS];
}

static int most_first(const void *a, const void *b)
{
	const struct row *r = a, *q = b;

	if (time_of(r) != time_of(q))
		return time_of(r) > time_of(q) ? -1 : 1;
	return r->number < q->number ? -1 : r->number > q->number;
}

static void put_label(struct profiling *w, struct proto *sample, const char *key, const char *text)
{
	struct proto label = { 0 };

	proto_u64(&label, LABEL_KEY, profile_string(&w->profile, key));
	proto_u64(&label, LABEL_TEXT, profile_string(&w->profile, text));
	proto_element(sample, SAMPLE_LABEL, label.items, label.n);
	free(label.items);
}

static void put_labels(struct profiling *w, struct proto *sample, const struct place *p)
{
	if (p->thread) {
		put_label(w, sample, "thread", p->thread);
		put_label(w, sample, "process", p->process);
	}
	if (p->what < CAUSE_COUNT)
		put_label(w, sample, "cause", place_word(p->what));
}

/* Innermost first. */
static size_t find_locations(struct profiling *w, const struct place *p, uint64_t *ret)
{
	const char *cut = p->thread ? place_cut(p) : PLACES_OTHER;
	size_t n = p->stack ? profile_locations(&w->profile, w->m, p->stack, ret) : 0;

	if (cut)
		ret[n++] = profile_pseudo_location(&w->profile, cut);
	return n;
}

static void put_sample(struct profiling *w, const struct row *r)
{
	uint64_t values[VALUES], locations[STACK_MAX + 1], any = 0;
	struct proto sample = { 0 };

	for (int v = 0; v < VALUES; v++)
		any |= values[v] = place_units(r->values[v], &w->carry[v]);
	if (!any)
		return;
	proto_packed(&sample, SAMPLE_LOCATIONS, locations, find_locations(w, &r->place, locations));
	proto_packed(&sample, SAMPLE_VALUES, values, VALUES);
	put_labels(w, &sample, &r->place);
	proto_element(&w->profile.out, PROFILE_SAMPLE, sample.items, sample.n);
	free(sample.items);
}

static void put_samples(struct profiling *w)
{
	size_t left_out = 0;
	char text[64];

	if (w->rows.n)
		qsort(w->rows.items, w->rows.n, sizeof(*w->rows.items), most_first);
	for (size_t i = 0; i < w->rows.n; i++) {
		const struct row *r = &w->rows.items[i];
		struct row *other = &w->other[r->place.what];

		if (w->profile.out.n < MOST_BYTES) {
			put_sample(w, r);
			continue;
		}
		left_out++;
		other->place.what = r->place.what;
		for (int v = 0; v < VALUES; v++)
			other->values[v] += r->values[v];
	}
	for (unsigned int what = 0; what < PLACE_COUNT; what++)
		put_sample(w, &w->other[what]);
	if (!left_out)
		return;
	snprintf(text, sizeof(text), "%zu samples are left out: " PLACES_OTHER, left_out);
	proto_u64(&w->profile.out, PROFILE_COMMENT, profile_string(&w->profile, text));
}

static void put_type(struct profiling *w, unsigned int field, int type)
{
	struct proto p = { 0 };

	proto_u64(&p, TYPE_NAME, profile_string(&w->profile, types[type].name));
	proto_u64(&p, TYPE_UNIT, profile_string(&w->profile, types[type].unit));
	proto_element(&w->profile.out, field, p.items, p.n);
	free(p.items);
}

static void put_head(struct profiling *w)
{
	struct proto *out = &w->profile.out;

	for (int type = 0; type < VALUES; type++)
		put_type(w, PROFILE_SAMPLE_TYPE, type);
	proto_u64(out, PROFILE_TIME, w->m->run.realtime_ns);
	proto_u64(out, PROFILE_DURATION, w->m->wall_ns);
	/* What one sample of the clock stands for, on the average. */
	put_type(w, PROFILE_PERIOD_TYPE, CPU_NS);
	if (w->cpu_samples > 0)
		proto_u64(out, PROFILE_PERIOD,
			  place_units(w->cpu_ns / w->cpu_samples, &(double){ 0 }));
	proto_u64(out, PROFILE_DEFAULT_TYPE, profile_string(&w->profile, types[CPU_NS].name));
}

static int write_gzip(const struct proto *p, FILE *out)
{
	z_stream z = { .next_in = p->items, .avail_in = p->n };
	unsigned char *packed;
	size_t room;
	int err = 0;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY))
		return -ENOMEM;
	room = deflateBound(&z, p->n);
	packed = malloc(room);
	z.next_out = packed;
	z.avail_out = room;
	errno = 0;
	if (!packed)
		err = -ENOMEM;
	else if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		err = -EIO;
	else if (fwrite(packed, 1, room - z.avail_out, out) != room - z.avail_out || fflush(out))
		err = errno ? -errno : -EIO;
	deflateEnd(&z);
	free(packed);
	return err;
}

int report_pprof_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct profiling w = { .m = f->model };
	int err;

	(void)opts;
	profile_start(&w.profile, f->model->texts[TEXT_EXECUTABLE]);
	places_each(f, add_place, &w);
	put_head(&w);
	put_samples(&w);
	err = write_gzip(&w.profile.out, out);
	profile_free(&w.profile);
	intern_free(&w.keys);
	free(w.rows.items);
	free(w.key.items);
	return err;
}
