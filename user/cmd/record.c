// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/part.h"
#include "event/recording.h"

#define FLUSH_SECONDS 1 /* at least, from one time to the next */

/* Into what is no regular file it is written at the end, like a report: a reader that is
 * slow must not hold up the measurement. */
struct record {
	const char *path; /* borrowed */
	struct target target;
	FILE *out;
	char *memory; /* NULL: out is the target's own */
	size_t size;
	struct recorder *recorder;
	time_t flushed_s; /* CLOCK_MONOTONIC */
};

static int complain(const char *path, int error, struct err *err)
{
	return target_complain(strcmp(path, "-") ? path : "standard output", error, err);
}

static int open_stdout(struct target *t, struct err *err)
{
	t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return t->fd < 0 ? complain("-", -errno, err) : 0;
}

/* To a file by a descriptor of its own: the target's has the lock until it is committed. */
static FILE *open_stream(struct record *r)
{
	FILE *out;
	int fd;

	if (!r->target.temporary[0])
		return open_memstream(&r->memory, &r->size);
	fd = fcntl(r->target.fd, F_DUPFD_CLOEXEC, 3);
	out = fd < 0 ? NULL : fdopen(fd, "wb");
	if (fd >= 0 && !out)
		close(fd);
	return out;
}

static int open_target(struct record *r, struct err *err)
{
	int error = strcmp(r->path, "-") ? part_open(&r->target, r->path, err)
					 : open_stdout(&r->target, err);

	if (error)
		return error;
	r->out = open_stream(r);
	if (r->out)
		r->recorder = recorder_new(r->out);
	return r->recorder ? 0 : complain(r->path, -ENOMEM, err);
}

int record_open(struct record **ret, const char *path, struct err *err)
{
	struct record *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return complain(path, -ENOMEM, err);
	r->path = path;
	r->target.fd = -1;
	error = open_target(r, err);
	if (error) {
		record_abandon(r);
		return error;
	}
	*ret = r;
	return 0;
}

/* The sums of the program come at intervals: all that came before is kept then. */
static void flush_now_and_then(struct record *r)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec < r->flushed_s + FLUSH_SECONDS)
		return;
	r->flushed_s = now.tv_sec;
	(void)recorder_flush(r->recorder); /* recorder_finish() says it again */
}

int record_event(void *ctx, const struct event *ev)
{
	struct record *r = ctx;

	(void)recorder_event(r->recorder, ev); /* recorder_finish() says it again */
	if (ev->kind == EV_WALL && r->target.temporary[0])
		flush_now_and_then(r);
	return 0;
}

/* All that was written is in the target from here on, or an error is returned. */
static int close_stream(struct record *r)
{
	int error = fclose(r->out) ? -errno : 0;

	r->out = NULL;
	if (error || r->target.temporary[0])
		return error;
	error = target_write(r->target.fd, r->memory, r->size);
	if (close(r->target.fd) && !error)
		error = -errno;
	r->target.fd = -1;
	return error;
}

int record_close(struct record *r, struct err *err)
{
	const char *path = r->path;
	int error = recorder_finish(r->recorder);

	r->recorder = NULL;
	if (!error)
		error = close_stream(r);
	if (!error)
		error = target_commit(&r->target);
	record_abandon(r);
	return error && error != -EPIPE ? complain(path, error, err) : 0;
}

void record_abandon(struct record *r)
{
	if (!r)
		return;
	if (r->recorder)
		recorder_free(r->recorder);
	if (r->out)
		(void)fclose(r->out);	  /* it is removed */
	(void)target_abandon(&r->target); /* why it is given up says more */
	free(r->memory);
	free(r);
}
