// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/facts.h"
#include "live/screen.h"

#define EVERY_NS 1000000000ull
#define DEARER	 100 /* times what a look takes it waits at least: so all take 1 % of a CPU */

struct live {
	struct live_table table;
	struct live_wish wish;
	struct screen *screen;
	uint64_t began, duration_ns;
	char what[256];
};

static void name_it(char *buf, size_t size, char *const *argv)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; argv[i] && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "", argv[i]);
}

int live_start(struct live **ret, const struct opts *o, char *const *argv, struct err *err)
{
	struct live *l = calloc(1, sizeof(*l));
	int error;

	if (!l)
		return err_failed(err, -ENOMEM, "cannot begin");
	error = screen_open(&l->screen, err);
	if (error) {
		free(l);
		return error;
	}
	name_it(l->what, sizeof(l->what), argv);
	l->wish.what = l->what;
	l->wish.cpus = facts_cpus_allowed(NULL, 0);
	l->wish.utf8 = screen_shows_utf8(l->screen);
	l->duration_ns = o->duration_ns;
	l->began = clock_ns();
	*ret = l;
	return 0;
}

void live_hide(struct live *l)
{
	screen_close(l->screen);
	l->screen = NULL;
}

void live_stop(struct live *l)
{
	if (!l)
		return;
	live_hide(l);
	live_free(&l->table);
	free(l);
}

void live_event(struct live *l, const struct event *ev)
{
	live_note(&l->table, ev);
}

static void show(struct live *l)
{
	uint64_t elapsed = clock_ns() - l->began;
	struct live_frame frame;

	l->wish.elapsed_ns = elapsed;
	l->wish.left_ns = l->duration_ns > elapsed ? l->duration_ns - elapsed : 0;
	screen_size(l->screen, &l->wish.columns, &l->wish.lines);
	live_frame_make(&frame, &l->table, &l->wish);
	screen_show(l->screen, &frame);
	live_frame_free(&frame);
}

/* --- looks --------------------------------------------------------------------------------------- */

static int on_thread(void *ctx, const struct peeked *seen)
{
	struct live *l = ctx;

	live_see_thread(&l->table, seen);
	return 0;
}

static int on_event(void *ctx, const struct event *ev)
{
	struct live *l = ctx;

	live_see(&l->table, ev);
	return 0;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000ull + (uint64_t)used.tv_nsec;
}

int live_look(struct live *l, struct probe *p, uint64_t now, uint64_t *ret_next)
{
	uint64_t before = own_cpu_ns(), cost;
	int error = 0;

	if (!l->wish.is_paused) {
		live_begin_look(&l->table, now);
		error = probe_peek(p, on_thread, on_event, l);
		live_end_look(&l->table);
	}
	show(l);
	cost = (own_cpu_ns() - before) * DEARER;
	*ret_next = now + (cost > EVERY_NS ? cost : EVERY_NS);
	return error;
}

/* --- keys ------------------------------------------------------------------------------------------ */

int live_fd(const struct live *l)
{
	return screen_fd(l->screen);
}

static const struct {
	int key;
	enum live_view view;
} views[] = { { 't', LIVE_THREADS }, { 'l', LIVE_LOCKS }, { 'f', LIVE_TARGETS } };

static const struct {
	int key;
	enum live_sort sort;
} sorts[] = { { 'r', LIVE_BY_RUNNING },
	      { 'u', LIVE_BY_QUEUED },
	      { 'w', LIVE_BY_WAITING },
	      { 's', LIVE_BY_RATE },
	      { 'n', LIVE_BY_NAME } };

static void scroll_by(struct live_wish *wish, long lines)
{
	wish->first = lines < 0 && wish->first < (size_t)-lines ? 0 : wish->first + (size_t)lines;
}

static void scroll(struct live_wish *wish, int key)
{
	long page = wish->lines > 5 ? (long)wish->lines - 5 : 1;

	switch (key) {
	case SCREEN_UP:
		scroll_by(wish, -1);
		break;
	case SCREEN_DOWN:
		scroll_by(wish, 1);
		break;
	case SCREEN_PAGE_UP:
		scroll_by(wish, -page);
		break;
	case SCREEN_PAGE_DOWN:
		scroll_by(wish, page);
		break;
	case SCREEN_HOME:
		wish->first = 0;
	}
}

static void press(struct live_wish *wish, int key)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		if (key == views[i].key) {
			wish->view = views[i].view;
			wish->first = 0;
		}
	}
	for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++) {
		if (key == sorts[i].key)
			wish->sort = sorts[i].sort;
	}
	if (key == 'p')
		wish->is_paused = !wish->is_paused;
	scroll(wish, key);
}

bool live_keys(struct live *l)
{
	int key;

	while ((key = screen_key(l->screen)) != SCREEN_NO_KEY) {
		if (key == 'q')
			return true;
		press(&l->wish, key);
	}
	show(l);
	return false;
}
