// SPDX-License-Identifier: BSD-2-Clause
/* Pipes and terminals, and how descriptors of them change. */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define NAMES  2
#define NUMBER 100 /* of a descriptor, above all that are open */
#define TURNS  8

static char directory[] = "/tmp/concprof-XXXXXX";
static char names[NAMES][64];
static int named;

void own_name(char *ret, size_t size, const char *name)
{
	if (!named)
		must(mkdtemp(directory) ? 0 : -1, directory);
	must(named < NAMES ? 0 : -1, "names");
	snprintf(names[named], sizeof(names[0]), "%s/%s", directory, name);
	snprintf(ret, size, "%s", names[named++]);
}

const char *own_directory(void)
{
	return directory;
}

void remove_names(void)
{
	for (int i = 0; i < named; i++)
		if (remove(names[i]))
			hope(errno == ENOENT ? 0 : -1, names[i]);
	if (named)
		hope(rmdir(directory), directory);
}

void read_it(struct object *o, long i)
{
	char buffer[256];

	(void)i;
	must(read(o->fd, buffer, o->size), "read");
}

static const char zeros[1 << 16];

void write_it(struct object *o, long i)
{
	(void)i;
	must(write(o->partner, zeros, o->size), "write");
}

void make_pipe_of(struct object *o)
{
	int ends[2];

	must(pipe2(ends, O_CLOEXEC), "pipe2");
	o->fd = ends[0];
	o->partner = ends[1];
}

static const char *make_pipe(void)
{
	make_pipe_of(&objects[0]);
	return NULL;
}

/* Full of whole pages: each that is read makes room for the next one. */
static const char *make_full(void)
{
	struct object *o = &objects[0];
	int ends[2];

	o->size = (size_t)must(sysconf(_SC_PAGESIZE), "sysconf");
	must(o->size <= sizeof(zeros) ? 0 : -1, "size of a page");
	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
	while (write(ends[1], zeros, o->size) > 0)
		;
	must(errno == EAGAIN ? 0 : -1, "write");
	for (int i = 0; i < 2; i++)
		must(fcntl(ends[i], F_SETFL, 0), "F_SETFL");
	o->fd = ends[1];
	o->partner = ends[0];
	return NULL;
}

static void fill(struct object *o, long i)
{
	(void)i;
	must(write(o->fd, zeros, o->size), "write");
}

static void drain(struct object *o, long i)
{
	static char buffer[sizeof(zeros)];

	(void)i;
	must(read(o->partner, buffer, o->size), "read");
}

void make_fifo_of(struct object *o, const char *name)
{
	own_name(o->text[BY_PATH], sizeof(o->text[0]), name);
	must(mkfifo(o->text[BY_PATH], 0600), "mkfifo");
	/* For both, so that opening it waits for nobody. */
	o->partner = (int)must(open(o->text[BY_PATH], O_RDWR | O_CLOEXEC), "open");
	o->fd = (int)must(open(o->text[BY_PATH], O_RDONLY | O_CLOEXEC), "open");
}

static const char *make_fifo(void)
{
	make_fifo_of(&objects[0], "fifo");
	return NULL;
}

static const char *make_tty(void)
{
	struct object *o = &objects[0];
	struct termios t;

	o->partner = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (o->partner == -1)
		return "there are no pseudo-terminals";
	must(grantpt(o->partner), "grantpt");
	must(unlockpt(o->partner), "unlockpt");
	must0(ptsname_r(o->partner, o->text[BY_PATH], sizeof(o->text[0])), "ptsname_r");
	o->fd = (int)must(open(o->text[BY_PATH], O_RDWR | O_NOCTTY | O_CLOEXEC), "open");
	must(tcgetattr(o->fd, &t), "tcgetattr");
	cfmakeraw(&t);
	must(tcsetattr(o->fd, TCSANOW, &t), "tcsetattr");
	return NULL;
}

/* The kernel's worker that brought the last byte may not be done: a read would wait for it, too. */
static void leave_worker(struct object *o, long i)
{
	(void)o, (void)i;
	sleep_ns(300 * US);
}

/* --- one thing with many descriptors, and one descriptor of many things ---------------------- */

static void reopen(struct object *o, long i)
{
	int next = NUMBER + (int)(i % TURNS);

	must(dup2(o->fd, next), "dup2");
	must(close(o->fd), "close");
	o->fd = next;
}

static int sources[2];

static void make_replaceable(void)
{
	for (int i = 0; i < 2; i++) {
		sources[i] = objects[i].fd;
		objects[i].fd = NUMBER;
	}
}

static const char *make_two_pipes(void)
{
	for (int i = 0; i < 2; i++)
		make_pipe_of(&objects[i]);
	make_replaceable();
	return NULL;
}

static const char *make_two_fifos(void)
{
	make_fifo_of(&objects[0], "a");
	make_fifo_of(&objects[1], "b");
	make_replaceable();
	return NULL;
}

static void replace(struct object *o, long i)
{
	(void)i;
	must(dup2(sources[o - objects], NUMBER), "dup2");
}

/* So that now both wait, now one, now none. */
static void be_away(struct object *o, long i)
{
	(void)o;
	sleep_ns(pause_ns(i + 31L * gettid()));
}

#define PIPE "pipe", "io.pipe"
#define READ .wait = read_it, .let = write_it

const struct target file_targets[] = {
	{ "pipe", PIPE, BY_KIND, 1, make_pipe, READ },
	{ "pipe-full", PIPE, BY_KIND, 1, make_full, .wait = fill, .let = drain },
	{ "fifo", PIPE, BY_PATH, 1, make_fifo, READ },
	{ "tty", "tty", "io.tty", BY_PATH, 1, make_tty, .before = leave_worker, READ },
	{ "reopened", PIPE, BY_KIND, 1, make_pipe, .before = reopen, READ, .reopened = true },
	{ "replaced", PIPE, BY_ORDER, 1, make_two_pipes, .before = replace, READ,
	  .replaced = true },
	{ "replaced-fifo", PIPE, BY_PATH, 1, make_two_fifos, .before = replace, READ,
	  .replaced = true },
	{ "shared", PIPE, BY_KIND, 1, make_pipe, READ, .after = be_away, .shared = true },
	{ 0 },
};
