// SPDX-License-Identifier: BSD-2-Clause
#include "report/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"

#define S_NS UINT64_C(1000000000)

static void put_name(struct metrics *o)
{
	fprintf(o->out, "concprof_%s%s%s", o->name, o->unit ? "_" : "", o->unit ? o->unit : "");
}

void metrics_family(struct metrics *o, const char *name, const char *unit, const char *help)
{
	o->name = name;
	o->unit = unit;
	fputs("# TYPE ", o->out);
	put_name(o);
	fputs(" gauge\n", o->out);
	if (unit) {
		fputs("# UNIT ", o->out);
		put_name(o);
		fprintf(o->out, " %s\n", unit);
	}
	fputs("# HELP ", o->out);
	put_name(o);
	fprintf(o->out, " %s\n", help);
}

void metrics_begin(struct metrics *o)
{
	put_name(o);
	o->labels = 0;
}

void metrics_label(struct metrics *o, const char *name, const char *value)
{
	size_t room = 4 * strlen(value) + 8;
	char *shown = malloc(room);

	if (!shown)
		out_of_memory();
	escape_text(shown, room, value, 0, true);
	fprintf(o->out, "%c%s=\"", o->labels++ ? ',' : '{', name);
	for (const char *s = shown; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', o->out);
		fputc(*s, o->out);
	}
	fputc('"', o->out);
	free(shown);
}

static void end_labels(struct metrics *o)
{
	fputs(o->labels ? "} " : " ", o->out);
	o->labels = 0;
}

void metrics_u64(struct metrics *o, uint64_t value)
{
	end_labels(o);
	fprintf(o->out, "%" PRIu64 "\n", value);
}

/* LC_NUMERIC must be "C". */
void metrics_double(struct metrics *o, double value)
{
	end_labels(o);
	fprintf(o->out, "%.6g\n", isfinite(value) && value != 0 ? value : 0.0);
}

void metrics_ns(struct metrics *o, uint64_t ns)
{
	end_labels(o);
	if (ns % S_NS)
		fprintf(o->out, "%" PRIu64 ".%09" PRIu64 "\n", ns / S_NS, ns % S_NS);
	else
		fprintf(o->out, "%" PRIu64 "\n", ns / S_NS);
}

void metrics_labelled_u64(struct metrics *o, const char *label, const char *of, uint64_t value)
{
	metrics_begin(o);
	metrics_label(o, label, of);
	metrics_u64(o, value);
}

void metrics_labelled_ns(struct metrics *o, const char *label, const char *of, uint64_t ns)
{
	metrics_begin(o);
	metrics_label(o, label, of);
	metrics_ns(o, ns);
}

void metrics_one(struct metrics *o, const char *name, const char *help, uint64_t value)
{
	metrics_family(o, name, NULL, help);
	metrics_begin(o);
	metrics_u64(o, value);
}

void metrics_one_ns(struct metrics *o, const char *name, const char *help, uint64_t ns)
{
	metrics_family(o, name, "seconds", help);
	metrics_begin(o);
	metrics_ns(o, ns);
}
