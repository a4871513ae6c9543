// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/target.h"
#include "event/recording.h"

/* Into what is no regular file it is written at the end, like a report: a reader that is
 * slow must not hold up the measurement. */
struct record {
	const char *path; /* borrowed */
	struct target target;
	FILE *out;
	char *memory; /* NULL: out is the target's own */
	size_t size;
	struct recorder *recorder;
};

static int open_target(struct record *r)
{
	int error = 0;

	if (strcmp(r->path, "-")) {
		error = target_open(&r->target, r->path);
	} else {
		r->target.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		error = r->target.fd < 0 ? -errno : 0;
	}
	if (error)
		return error;
	r->out = r->target.temporary[0] ? fdopen(r->target.fd, "wb")
					: open_memstream(&r->memory, &r->size);
	return r->out ? 0 : -errno;
}

static int complain(const char *path, int error, struct err *err)
{
	return target_complain(strcmp(path, "-") ? path : "standard output", error, err);
}

int record_open(struct record **ret, const char *path, struct err *err)
{
	struct record *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r) {
		r->path = path;
		r->target.fd = -1;
		error = open_target(r);
	}
	if (!error) {
		r->recorder = recorder_new(r->out);
		error = r->recorder ? 0 : -ENOMEM;
	}
	if (error) {
		record_abandon(r);
		return complain(path, error, err);
	}
	*ret = r;
	return 0;
}

int record_event(void *ctx, const struct event *ev)
{
	struct record *r = ctx;

	(void)recorder_event(r->recorder, ev); /* recorder_finish() says it again */
	return 0;
}

/* All that was written is in the target from here on, or an error is returned. */
static int close_target(struct record *r)
{
	bool is_own = r->target.temporary[0];
	int error = fclose(r->out) ? -errno : 0;

	r->out = NULL;
	if (!is_own) {
		if (!error)
			error = target_write(r->target.fd, r->memory, r->size);
		if (close(r->target.fd) && !error)
			error = -errno;
	}
	r->target.fd = -1;
	return error;
}

int record_close(struct record *r, struct err *err)
{
	const char *path = r->path;
	int error = recorder_finish(r->recorder);

	r->recorder = NULL;
	if (!error)
		error = close_target(r);
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
	if (r->out) {
		(void)fclose(r->out); /* it is removed */
		if (r->target.temporary[0])
			r->target.fd = -1;
	}
	target_abandon(&r->target);
	free(r->memory);
	free(r);
}
