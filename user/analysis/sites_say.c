// SPDX-License-Identifier: BSD-2-Clause
/* Evidence of a verdict: where in the code that happens which decides. */
#include <stdio.h>
#include <string.h>

#include "analysis/internal.h"
#include "../bpf/wall.h"
#include "base/units.h"

#define SAMPLES_LEAST 20  /* by the clock; fewer say nothing */
#define SHARE_LEAST   0.1 /* of what it is part of */

const char *place_words(char *buf, size_t size, const struct frame *f)
{
	const char *slash = strrchr(f->file, '/');
	int n = snprintf(buf, size, "%.60s", f->function);

	if (f->line)
		snprintf(buf + n, size - n, " (%.24s:%u)", slash ? slash + 1 : f->file, f->line);
	return buf;
}

static bool has_name(const struct hot *h)
{
	return h->frame && h->frame->function[0];
}

static void say_computing(struct finding *to, const struct findings *f)
{
	const struct sites *s = &f->sites;
	const struct hot *h = s->hot_cpu;
	char part[UNITS_SIZE], name[128];

	if (s->cpu_samples < SAMPLES_LEAST || !s->n_hot_cpu || !has_name(h) ||
	    h->samples < SHARE_LEAST * s->cpu_samples)
		return;
	evidence_add(to, "cpu_sites.samples", h->samples,
		     "%s of the computing, by %llu samples, is in %s or called by it",
		     units_percent(part, (double)h->samples / s->cpu_samples),
		     (unsigned long long)s->cpu_samples, place_words(name, sizeof(name), h->frame));
}

static bool is_lock(enum cause c)
{
	return row_kind(row_of_cause(c)) == ROW_LOCK;
}

static bool is_input_output(enum cause c)
{
	unsigned int kind = row_kind(row_of_cause(c));

	return kind == ROW_IO || kind == ROW_EVENT;
}

static bool is_timer(enum cause c)
{
	return row_kind(row_of_cause(c)) == ROW_TIMER;
}

static void say_waiting(struct finding *to, const struct findings *f, bool (*is)(enum cause),
			const char *words)
{
	const struct sites *s = &f->sites;
	const struct hot *most = NULL;
	char part[UNITS_SIZE], name[128];
	double all = 0;

	for (size_t i = 0; i < s->n_hot_waits; i++) {
		const struct hot *h = &s->hot_waits[i];

		if (!is(h->cause))
			continue;
		all += h->ns;
		if (has_name(h) && (!most || h->ns > most->ns))
			most = h;
	}
	if (most && all > 0 && most->ns >= SHARE_LEAST * all)
		evidence_add(to, "wait_sites.wait_ns", (uint64_t)most->ns,
			     "%s of the time that threads spent %s began in %s",
			     units_percent(part, most->ns / all), words,
			     place_words(name, sizeof(name), most->frame));
}

static void say_class(struct finding *to, const struct findings *f, enum verdict_class class)
{
	switch (class) {
	case CLASS_CPU_BOUND:
	case CLASS_OVERSUBSCRIBED:
	case CLASS_STARVED:
		say_computing(to, f);
		break;
	case CLASS_LOCK_BOUND:
		say_waiting(to, f, is_lock, "waiting for locks");
		break;
	case CLASS_IO_BOUND:
		say_waiting(to, f, is_input_output, "waiting for input and output");
		break;
	case CLASS_SLEEP_BOUND:
		say_waiting(to, f, is_timer, "sleeping");
		break;
	default:
		break;
	}
}

void sites_say(struct finding *to, const struct findings *f)
{
	const struct verdict *v = &f->verdict;

	say_class(to, f, v->class);
	if (v->class != CLASS_MIXED)
		return;
	for (int i = 0; i < 2; i++)
		say_class(to, f, v->parts[i]);
}

const char *sites_advice(const struct findings *f)
{
	const struct sites *s = &f->sites;

	return s->cpu_samples >= SAMPLES_LEAST && s->n_hot_cpu && has_name(s->hot_cpu)
		       ? "Make the code that takes the time cheaper (below: where it computes)"
		       : "Find the code that takes the time (perf record) and make it cheaper";
}
