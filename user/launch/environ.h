/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "base/err.h"
#include "launch/user.h"

#include <stddef.h>

enum launch_environ_source {
	LAUNCH_ENVIRON_OWN,	    /* concprof's own, unchanged */
	LAUNCH_ENVIRON_BEFORE_SUDO, /* the user's, as it was before sudo */
	LAUNCH_ENVIRON_ADAPTED, /* concprof's own, with HOME, USER, LOGNAME and SHELL of -u's user */
	LAUNCH_ENVIRON_FALLBACK, /* the same for sudo's user, as theirs could not be read: say so */
};

struct launch_environ {
	enum launch_environ_source source;
	char **vars; /* NULL-terminated "NAME=value", for execve(2) */
	size_t n;
	char *text; /* what vars point into */
};

/*
 * The environment of the workload that runs as user; own is concprof's (environ(7)), and is copied.
 * On success the caller frees ret with launch_environ_free(). That sudo's process cannot be found or
 * read is no error: see source. Returns 0, or -ENOMEM with err filled.
 */
int launch_environ_build(struct launch_environ *ret, const struct launch_user *user,
			 char *const *own, struct err *err);

void launch_environ_free(struct launch_environ *env);
