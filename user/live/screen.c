// SPDX-License-Identifier: BSD-2-Clause
#include "live/screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct screen {
	FILE *tty;
	SCREEN *curses;
	bool utf8;
};

static void set_up(struct screen *s)
{
	set_term(s->curses);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
}

int screen_open(struct screen **ret, struct err *err)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return err_failed(err, -ENOMEM, "cannot begin");
	s->tty = fopen("/dev/tty", "r+e");
	if (!s->tty) {
		int error = -errno;

		free(s);
		return err_set(err, error,
			       "--live needs a terminal, and there is none here; leave it out, or "
			       "use -d for a report after a while");
	}
	(void)setlocale(LC_CTYPE, "");
	s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	s->curses = newterm(NULL, s->tty, s->tty);
	if (!s->curses) {
		const char *term = getenv("TERM");

		fclose(s->tty);
		free(s);
		(void)setlocale(LC_CTYPE, "C");
		return err_set(err, -ENOTTY,
			       "--live cannot draw on a terminal of the kind '%.40s'; set TERM to "
			       "what it is, or leave --live out",
			       term ? term : "");
	}
	set_up(s);
	*ret = s;
	return 0;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	endwin();
	delscreen(s->curses);
	fclose(s->tty);
	(void)setlocale(LC_CTYPE, "C");
	free(s);
}

int screen_fd(const struct screen *s)
{
	return fileno(s->tty);
}

void screen_size(const struct screen *s, size_t *ret_columns, size_t *ret_lines)
{
	(void)s;
	*ret_columns = COLS > 0 ? (size_t)COLS : 1;
	*ret_lines = LINES > 0 ? (size_t)LINES : 1;
}

bool screen_shows_utf8(const struct screen *s)
{
	return s->utf8;
}

void screen_show(struct screen *s, const struct live_frame *frame)
{
	static const attr_t looks[] = { [LIVE_PLAIN] = A_NORMAL,
					[LIVE_BOLD] = A_BOLD,
					[LIVE_DIM] = A_DIM,
					[LIVE_HEAD] = A_REVERSE };

	(void)s;
	erase();
	for (size_t i = 0; i < frame->lines.n; i++) {
		const struct live_line *line = &frame->lines.items[i];

		attrset((int)looks[line->look]);
		(void)mvaddstr((int)i, 0,
			       line->text); /* fails at the last cell, which it has set */
		if (line->look == LIVE_HEAD)
			(void)mvchgat((int)i, 0, -1, A_REVERSE, 0, NULL);
	}
	redrawwin(stdscr); /* the program may have written on it meanwhile */
	refresh();
}

int screen_key(struct screen *s)
{
	static const struct {
		int curses, ours;
	} keys[] = { { KEY_RESIZE, SCREEN_RESIZED },  { KEY_UP, SCREEN_UP },
		     { KEY_DOWN, SCREEN_DOWN },	      { KEY_PPAGE, SCREEN_PAGE_UP },
		     { KEY_NPAGE, SCREEN_PAGE_DOWN }, { KEY_HOME, SCREEN_HOME } };
	int key = getch();

	(void)s;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (key == keys[i].curses)
			return keys[i].ours;
	}
	return key > 0 && key < 128 ? key : SCREEN_NO_KEY;
}
