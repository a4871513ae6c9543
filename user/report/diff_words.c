// SPDX-License-Identifier: BSD-2-Clause
#include "report/diff_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/units.h"

size_t diff_changes(const struct diff *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_rows; i++)
		n += d->rows[i].is_change;
	return n;
}

const char *diff_headline(const struct diff *d)
{
	const struct diff_row *wall = &d->rows[0];

	if (!d->can_tell)
		return "not known";
	if (wall->is_change)
		return wall->head.mean > wall->base.mean ? "slower" : "faster";
	return diff_changes(d) ? "changed" : "no change";
}

static void put_times(char *buf, size_t size, const struct diff *d, bool utf8)
{
	const struct diff_row *wall = &d->rows[0];
	char base[UNITS_SIZE], head[UNITS_SIZE];

	snprintf(buf, size, "%s in %zu run%s before, %s in %zu after",
		 units_ns(base, (uint64_t)wall->base.mean, utf8), d->n_base,
		 d->n_base == 1 ? "" : "s", units_ns(head, (uint64_t)wall->head.mean, utf8),
		 d->n_head);
}

char *diff_about(char *buf, const struct diff *d, bool utf8)
{
	const struct diff_row *wall = &d->rows[0];
	char times[160], change[UNITS_SIZE];

	put_times(times, sizeof(times), d, utf8);
	units_percent(change, d->least_change);
	if (d->repeated)
		snprintf(buf, DIFF_WORDS, "the same run twice shows no spread: %s", times);
	else if (!d->can_tell)
		snprintf(buf, DIFF_WORDS,
			 "too few runs to tell a change from chance: %s. With %d on each side one "
			 "could.",
			 times, DIFF_RUNS);
	else if (wall->is_change)
		snprintf(buf, DIFF_WORDS, "the wall time changed by %s: %s",
			 diff_change(change, wall, utf8), times);
	else if (diff_changes(d))
		snprintf(buf, DIFF_WORDS,
			 "though not the wall time beyond the spread of the runs: %s; less than "
			 "about %s would not have shown",
			 times, change);
	else
		snprintf(buf, DIFF_WORDS,
			 "nothing changed beyond the spread of the runs; the wall time: %s; less "
			 "than about %s would not have shown",
			 times, change);
	return buf;
}

char *diff_verdicts(char *buf, const size_t counts[CLASS_COUNT])
{
	size_t n = 0;

	*buf = '\0';
	for (int c = 0; c < CLASS_COUNT; c++) {
		if (counts[c])
			n += (size_t)snprintf(buf + n, DIFF_WORDS - n, "%s%s (%zu)", n ? ", " : "",
					      class_name(c), counts[c]);
	}
	return buf;
}

char *diff_name(char *buf, const struct diff_row *r, size_t columns, bool utf8)
{
	size_t n = (size_t)snprintf(buf, DIFF_WORDS, "%s%s", r->family->word,
				    *r->family->word ? " " : "");

	escape_text(buf + n, DIFF_WORDS - n, r->brief, columns > n ? columns - n : columns, utf8);
	return buf;
}

/* FNV-1a */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

char *diff_label(char *buf, const struct diff_row *r, size_t most)
{
	if (strlen(r->name) <= most)
		snprintf(buf, DIFF_WORDS, "%s", r->name);
	else
		snprintf(buf, DIFF_WORDS, "%.*s #%08x", (int)most, r->name, hash(r->name));
	return buf;
}

char *diff_value(char *buf, const struct diff_row *r, double value, bool utf8)
{
	switch (r->type) {
	case GATE_TIME:
		return units_ns(buf, (uint64_t)value, utf8);
	case GATE_SHARE:
		return units_percent(buf, value);
	case GATE_BYTES:
		return units_bytes(buf, (uint64_t)value);
	case GATE_COUNT:
		if (value == floor(value))
			return units_count(buf, (uint64_t)value);
		/* fall through */
	default:
		return units_mean(buf, value);
	}
}

char *diff_change(char *buf, const struct diff_row *r, bool utf8)
{
	double ratio = diff_ratio(r);

	if (isinf(ratio))
		snprintf(buf, UNITS_SIZE, "new");
	else if (r->head.mean <= 0 && r->base.mean > 0)
		snprintf(buf, UNITS_SIZE, "gone");
	else if (ratio >= 9.995)
		snprintf(buf, UNITS_SIZE, "%s %.0f", utf8 ? "×" : "x", ratio + 1);
	else
		snprintf(buf, UNITS_SIZE, "%+.1f %%", 100 * ratio);
	return buf;
}

char *diff_chance(char *buf, const struct diff_row *r)
{
	snprintf(buf, UNITS_SIZE, r->p < 0.001 ? "<0.001" : "%.3f", r->p);
	return buf;
}

char *diff_row_words(char *buf, const struct diff *d, const struct diff_row *r, bool utf8)
{
	char base[UNITS_SIZE], head[UNITS_SIZE], change[UNITS_SIZE], chance[UNITS_SIZE];

	snprintf(buf, DIFF_WORDS, "%s before, %s after, %s; %s%s",
		 diff_value(base, r, r->base.mean, utf8), diff_value(head, r, r->head.mean, utf8),
		 diff_change(change, r, utf8),
		 d->can_tell ? "by chance " : "not to be told from chance",
		 d->can_tell ? diff_chance(chance, r) : "");
	return buf;
}

static void put_differs(char buf[DIFF_WORDS], const struct diff *d)
{
	if (d->base_has && d->head_has)
		snprintf(buf, DIFF_WORDS,
			 "the runs are not alike in their %s: %.128s before, %.128s after.",
			 d->differs, d->base_has, d->head_has);
	else
		snprintf(buf, DIFF_WORDS, "the runs are not alike in their %s.", d->differs);
}

size_t diff_doubts(char buf[DIFF_DOUBTS][DIFF_WORDS], const struct diff *d)
{
	static const char *const sides[] = { "base", "head" };
	const size_t runs[] = { d->n_base, d->n_head };
	size_t n = 0;

	if (d->repeated)
		snprintf(buf[n++], DIFF_WORDS,
			 "%zu of the recordings %s of a run that is there already.", d->repeated,
			 d->repeated == 1 ? "is" : "are");
	if (d->differs)
		put_differs(buf[n++], d);
	for (int side = 0; side < 2; side++) {
		if (d->failed[side])
			snprintf(buf[n++], DIFF_WORDS,
				 "the command failed in %zu of %zu runs of the %s.",
				 d->failed[side], runs[side], sides[side]);
		if (d->cut[side])
			snprintf(buf[n++], DIFF_WORDS,
				 "%zu of %zu recordings of the %s were cut short.", d->cut[side],
				 runs[side], sides[side]);
	}
	return n;
}
