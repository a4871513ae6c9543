// SPDX-License-Identifier: BSD-2-Clause
#include "live/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/units.h"

#define LINE_BYTES 1024
#define NAME_MOST  40	/* columns */
#define CHANGED	   0.25 /* of the time: that much more or less than in the looks before */

/* --- lines ------------------------------------------------------------------------------------- */

/* Cut to the screen. */
static void put(struct live_frame *f, const struct live_wish *wish, enum live_look_of look,
		const char *text)
{
	struct live_line *line;
	size_t bytes = strlen(text);

	if (f->lines.n >= wish->lines)
		return;
	line = vec_add(&f->lines);
	*line = (struct live_line){ strndup(text, text_fit(text, bytes, wish->columns)), look };
	if (!line->text)
		out_of_memory();
}

static void say(struct live_frame *f, const struct live_wish *wish, enum live_look_of look,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void say(struct live_frame *f, const struct live_wish *wish, enum live_look_of look,
		const char *fmt, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put(f, wish, look, text);
}

/* --- cells ----------------------------------------------------------------------------------------- */

static void spark(char *buf, const struct live_row *r, bool utf8)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char plain[] = " .:-=+*#@";

	*buf = '\0';
	for (unsigned int i = 0; i < LIVE_HISTORY; i++) {
		unsigned int missing = LIVE_HISTORY - r->n_history;
		double value = i < missing ? 0 : (double)r->history[i - missing];
		int level = value <= 0 ? 0 : value >= 1 ? 8 : 1 + (int)(value * 7.999);

		if (utf8)
			strcat(buf, bars[level]);
		else
			strncat(buf, &plain[level], 1);
	}
}

/* "+" it came, "-" it has ended, an arrow: it does much more, or less, than before. */
static const char *change(const struct live_row *r, bool utf8)
{
	double mean = 0, now;

	if (r->is_new)
		return "+";
	if (r->has_ended)
		return "-";
	if (r->n_history < 3)
		return " ";
	for (unsigned int i = 0; i + 1 < r->n_history; i++)
		mean += (double)r->history[i] / (r->n_history - 1);
	now = (double)r->history[r->n_history - 1];
	if (now > mean + CHANGED)
		return utf8 ? "▲" : "^";
	if (now < mean - CHANGED)
		return utf8 ? "▼" : "v";
	return " ";
}

static const char *state_now(const struct live_row *r)
{
	if (r->has_ended)
		return "ended";
	if (r->position == POS_RUNNING)
		return "runs";
	if (r->position == POS_RUNNABLE)
		return "queued";
	return cause_name(r->cause) ? cause_name(r->cause) : "waits";
}

static void percent(char *buf, double share)
{
	if (share < 0.0005)
		*buf = '\0';
	else
		units_percent(buf, share > 1 ? 1 : share);
}

/* A cell of so many columns, at the left or at the right. */
static void cell(char *line, const char *text, size_t columns, bool left)
{
	size_t used = text_columns(text, strlen(text)), room = LINE_BYTES - strlen(line) - 1;
	size_t fill = used < columns ? columns - used : 0;

	if (*line)
		strncat(line, "  ", room);
	for (size_t i = 0; !left && i < fill; i++)
		strncat(line, " ", LINE_BYTES - strlen(line) - 1);
	strncat(line, text, LINE_BYTES - strlen(line) - 1);
	for (size_t i = 0; left && i < fill; i++)
		strncat(line, " ", LINE_BYTES - strlen(line) - 1);
}

/* --- columns ----------------------------------------------------------------------------------------- */

enum field {
	F_CHANGE,
	F_TID,
	F_NAME,
	F_NOW,
	F_RUNNING,
	F_QUEUED,
	F_WAITING,
	F_MOSTLY,
	F_RATE,
	F_HISTORY,
	FIELDS,
};

struct column {
	const char *head;
	size_t columns;
	bool left;
	unsigned int drop; /* those with the highest go first; 0: never */
};

static const struct column columns[LIVE_VIEWS][FIELDS] = {
	[LIVE_THREADS] = {
		[F_CHANGE] = { "", 1, true, 6 },
		[F_TID] = { "tid", 7, false, 5 },
		[F_NAME] = { "thread", 15, true, 0 },
		[F_NOW] = { "now", 13, true, 4 },
		[F_RUNNING] = { "running", 7, false, 0 },
		[F_QUEUED] = { "queued", 6, false, 7 },
		[F_WAITING] = { "waiting", 7, false, 3 },
		[F_MOSTLY] = { "mostly for", 13, true, 2 },
		[F_RATE] = { "switches/s", 10, false, 8 },
		[F_HISTORY] = { "running", LIVE_HISTORY, true, 9 },
	},
	[LIVE_LOCKS] = {
		[F_CHANGE] = { "", 1, true, 6 },
		[F_NAME] = { "lock", 34, true, 0 },
		[F_NOW] = { "kind", 13, true, 4 },
		[F_WAITING] = { "waited", 7, false, 0 },
		[F_RATE] = { "waits/s", 10, false, 5 },
		[F_HISTORY] = { "waited", LIVE_HISTORY, true, 9 },
	},
	[LIVE_TARGETS] = {
		[F_CHANGE] = { "", 1, true, 6 },
		[F_NAME] = { "file, socket", NAME_MOST, true, 0 },
		[F_NOW] = { "for", 13, true, 4 },
		[F_WAITING] = { "waited", 7, false, 0 },
		[F_RATE] = { "waits/s", 10, false, 5 },
		[F_HISTORY] = { "waited", LIVE_HISTORY, true, 9 },
	},
};

/* The columns that there is room for. */
struct layout {
	bool has[FIELDS];
	size_t name; /* of the name's */
};

static size_t width_of(const struct layout *l, enum live_view view)
{
	size_t used = 0;

	for (int f = 0; f < FIELDS; f++) {
		if (l->has[f])
			used += columns[view][f].columns + (used ? 2 : 0);
	}
	return used;
}

static struct layout choose(enum live_view view, size_t room)
{
	struct layout l = { .name = columns[view][F_NAME].columns };
	size_t used;

	for (int f = 0; f < FIELDS; f++)
		l.has[f] = columns[view][f].head != NULL;
	for (unsigned int drop = 9; drop > 0 && width_of(&l, view) > room; drop--) {
		for (int f = 0; f < FIELDS; f++)
			l.has[f] &= columns[view][f].drop != drop;
	}
	used = width_of(&l, view);
	if (used > room)
		l.name -= used - room < l.name ? used - room : l.name - 1;
	return l;
}

static void content(char *buf, size_t size, const struct live_row *r, enum field f,
		    enum live_view view, size_t name, bool utf8)
{
	*buf = '\0';
	switch (f) {
	case F_CHANGE:
		snprintf(buf, size, "%s", change(r, utf8));
		break;
	case F_TID:
		snprintf(buf, size, "%u", r->tid);
		break;
	case F_NAME:
		escape_text(buf, size, r->name, name, utf8);
		break;
	case F_NOW:
		snprintf(buf, size, "%s",
			 view == LIVE_THREADS ? state_now(r) : cause_name(r->cause));
		break;
	case F_RUNNING:
		percent(buf, r->running);
		break;
	case F_QUEUED:
		percent(buf, r->queued);
		break;
	case F_WAITING:
		percent(buf, r->waiting);
		break;
	case F_MOSTLY:
		if (r->waiting >= 0.0005 && r->mostly && cause_name(r->mostly))
			snprintf(buf, size, "%s", cause_name(r->mostly));
		break;
	case F_RATE:
		if (r->rate >= 0.5)
			units_count(buf, (uint64_t)(r->rate + 0.5));
		break;
	case F_HISTORY:
		spark(buf, r, utf8);
		break;
	case FIELDS:
		break;
	}
}

static void put_head(struct live_frame *f, const struct live_wish *wish, const struct layout *l)
{
	char line[LINE_BYTES] = "";

	for (int k = 0; k < FIELDS; k++) {
		const struct column *c = &columns[wish->view][k];

		if (l->has[k])
			cell(line, c->head, k == F_NAME ? l->name : c->columns, c->left);
	}
	put(f, wish, LIVE_HEAD, line);
}

static void put_row(struct live_frame *f, const struct live_wish *wish, const struct live_row *r,
		    const struct layout *l)
{
	char line[LINE_BYTES] = "", text[4 * LIVE_NAME + LIVE_HISTORY * 4];

	for (int k = 0; k < FIELDS; k++) {
		const struct column *c = &columns[wish->view][k];

		if (!l->has[k])
			continue;
		content(text, sizeof(text), r, k, wish->view, l->name, wish->utf8);
		cell(line, text, k == F_NAME ? l->name : c->columns, c->left);
	}
	put(f, wish, r->has_ended ? LIVE_DIM : r->is_new ? LIVE_BOLD : LIVE_PLAIN, line);
}

/* --- all of it --------------------------------------------------------------------------------------- */

/* "12 s", "3 min 5 s" */
static char *whole_seconds(char *buf, uint64_t ns, bool utf8)
{
	if (ns >= 120000000000ull)
		return units_ns(buf, ns / 1000000000 * 1000000000, utf8);
	snprintf(buf, UNITS_SIZE, "%u s", (unsigned int)(ns / 1000000000));
	return buf;
}

static void put_top(struct live_frame *f, const struct live_table *t, const struct live_wish *wish)
{
	char elapsed[UNITS_SIZE], left[UNITS_SIZE], running[UNITS_SIZE], queued[UNITS_SIZE],
		what[256];
	char rest[64] = "";

	escape_text(what, sizeof(what), wish->what, 60, wish->utf8);
	if (wish->left_ns)
		snprintf(rest, sizeof(rest), ", %s left",
			 whole_seconds(left, wish->left_ns, wish->utf8));
	say(f, wish, LIVE_BOLD, "%s: %s%s%s", what,
	    whole_seconds(elapsed, wish->elapsed_ns, wish->utf8), rest,
	    wish->is_paused ? ", paused" : "");
	say(f, wish, LIVE_PLAIN, "%s running and %s queued of %zu thread%s, on %.4g CPU%s",
	    units_mean(running, t->running), units_mean(queued, t->queued), t->n_threads,
	    t->n_threads == 1 ? "" : "s", wish->cpus, wish->cpus == 1 ? "" : "s");
}

static void put_bottom(struct live_frame *f, const struct live_wish *wish)
{
	static const char *const sorts[LIVE_SORTS] = { "running", "queued", "waiting", "rate",
						       "name" };
	enum live_sort by = wish->sort;

	if (wish->view != LIVE_THREADS && by < LIVE_BY_WAITING)
		by = LIVE_BY_WAITING;
	say(f, wish, LIVE_DIM,
	    "q ends, with the report | t threads  l locks  f files | by %s: r u w s n | p pauses",
	    sorts[by]);
}

void live_frame_make(struct live_frame *ret, const struct live_table *t,
		     const struct live_wish *wish)
{
	struct layout layout = choose(wish->view, wish->columns);
	size_t n, room, first, *order;

	*ret = (struct live_frame){ 0 };
	order = live_order(t, wish->view, wish->sort, &n);
	put_top(ret, t, wish);
	put_head(ret, wish, &layout);
	room = wish->lines > 4 ? wish->lines - 4 : 0;
	first = wish->first < n ? wish->first : n ? n - 1 : 0;
	for (size_t i = first; i < n && i < first + room; i++)
		put_row(ret, wish, &t->rows[wish->view].items[order[i]], &layout);
	if (!n && room)
		put(ret, wish, LIVE_DIM,
		    wish->view == LIVE_LOCKS	 ? "nobody has waited for a lock"
		    : wish->view == LIVE_TARGETS ? "nobody has waited at a file or socket"
						 : "no threads");
	while (ret->lines.n + 1 < wish->lines)
		put(ret, wish, LIVE_PLAIN, "");
	put_bottom(ret, wish);
	free(order);
}

void live_frame_free(struct live_frame *frame)
{
	for (size_t i = 0; i < frame->lines.n; i++)
		free(frame->lines.items[i].text);
	free(frame->lines.items);
}
