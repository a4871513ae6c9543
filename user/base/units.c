// SPDX-License-Identifier: BSD-2-Clause
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define S_NS 1000000000ull
#define LONG 600 /* seconds from which on minutes are easier to read */

struct scale {
	uint64_t limit; /* what is below it, once rounded to step, is shown in this row */
	uint64_t step;
	double unit;
	int decimals;
	const char *name, *ascii;
};

static const struct scale time_scales[] = {
	{ 1000, 1, 1, 0, "ns", "ns" },
	{ 10000, 10, 1e3, 2, "µs", "us" },
	{ 100000, 100, 1e3, 1, "µs", "us" },
	{ 1000000, 1000, 1e3, 0, "µs", "us" },
	{ 10000000, 10000, 1e6, 2, "ms", "ms" },
	{ 100000000, 100000, 1e6, 1, "ms", "ms" },
	{ S_NS, 1000000, 1e6, 0, "ms", "ms" },
	{ 10 * S_NS, 1000000, 1e9, 3, "s", "s" },
	{ 100 * S_NS, 10000000, 1e9, 2, "s", "s" },
	{ LONG * S_NS, 100000000, 1e9, 1, "s", "s" },
	{ 0 },
};

static void format_long(char *buf, uint64_t ns)
{
	uint64_t s = ns / S_NS + (ns % S_NS >= S_NS / 2);
	uint64_t min = s / 60, h = min / 60, d = h / 24;

	if (h < 1)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " min %" PRIu64 " s", min, s % 60);
	else if (d < 3)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
	else if (d < 1000)
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " d %" PRIu64 " h", d, h % 24);
	else
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " d", d);
}

char *units_ns(char *buf, uint64_t ns, bool utf8)
{
	for (const struct scale *s = time_scales; s->limit; s++) {
		uint64_t rounded = ns;

		if (ns >= s->limit)
			continue;
		rounded = (ns + s->step / 2) / s->step * s->step;
		if (rounded >= s->limit)
			continue;
		snprintf(buf, UNITS_SIZE, "%.*f %s", s->decimals, (double)rounded / s->unit,
			 utf8 ? s->name : s->ascii);
		return buf;
	}
	format_long(buf, ns);
	return buf;
}

char *units_count(char *buf, uint64_t n)
{
	static const char prefixes[] = "MGTPE";
	double value = (double)n / 1e6;
	unsigned int i = 0;

	if (n < 1000) {
		snprintf(buf, UNITS_SIZE, "%" PRIu64, n);
	} else if (n < 1000000) {
		snprintf(buf, UNITS_SIZE, "%" PRIu64 ",%03" PRIu64, n / 1000, n % 1000);
	} else {
		for (; i < 4 && value >= 999.95; i++)
			value /= 1000;
		snprintf(buf, UNITS_SIZE, "%.1f %c", value, prefixes[i]);
	}
	return buf;
}

char *units_mean(char *buf, double n)
{
	if (n < 9.995)
		snprintf(buf, UNITS_SIZE, "%.2f", n);
	else if (n < 99.95)
		snprintf(buf, UNITS_SIZE, "%.1f", n);
	else
		units_count(buf, (uint64_t)(n + 0.5));
	return buf;
}

char *units_percent(char *buf, double share)
{
	double percent = share * 100;

	if (!(percent > 0))
		snprintf(buf, UNITS_SIZE, "0 %%");
	else if (percent < 0.1)
		snprintf(buf, UNITS_SIZE, "<0.1 %%");
	else if (percent < 9.95)
		snprintf(buf, UNITS_SIZE, "%.1f %%", percent);
	else if (percent < 99)
		snprintf(buf, UNITS_SIZE, "%.0f %%", percent);
	else if (percent < 100)
		snprintf(buf, UNITS_SIZE, "%.1f %%", floor(percent * 10) / 10);
	else
		snprintf(buf, UNITS_SIZE, "%.0f %%", fmin(percent, 1e6));
	return buf;
}

char *units_bytes(char *buf, uint64_t bytes)
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	unsigned int i = 0;

	if (bytes < 1024) {
		snprintf(buf, UNITS_SIZE, "%" PRIu64 " B", bytes);
		return buf;
	}
	for (; i < 3 && value >= 1023.5; i++)
		value /= 1024;
	snprintf(buf, UNITS_SIZE, value < 99.95 ? "%.1f %s" : "%.0f %s", value, names[i]);
	return buf;
}
