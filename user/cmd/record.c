// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/target.h"
#include "event/recording.h"

struct record {
	const char *path; /* borrowed */
	struct target target;
	FILE *out;
	struct recorder *recorder;
};

static int open_target(struct record *r)
{
	int error;

	if (strcmp(r->path, "-")) {
		error = target_open(&r->target, r->path);
		if (error)
			return error;
	} else {
		r->target.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	r->out = r->target.fd < 0 ? NULL : fdopen(r->target.fd, "wb");
	return r->out ? 0 : -errno;
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
		return target_complain(path, error, err);
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

int record_close(struct record *r, struct err *err)
{
	const char *path = r->path;
	int error = recorder_finish(r->recorder);

	r->recorder = NULL;
	if (fclose(r->out) && !error)
		error = -errno;
	r->out = NULL;
	r->target.fd = -1;
	if (!error)
		error = target_commit(&r->target);
	record_abandon(r);
	return error && error != -EPIPE ? target_complain(path, error, err) : 0;
}

void record_abandon(struct record *r)
{
	if (!r)
		return;
	if (r->recorder)
		recorder_free(r->recorder);
	if (r->out) {
		(void)fclose(r->out); /* it is removed */
		r->target.fd = -1;
	}
	target_abandon(&r->target);
	free(r);
}
