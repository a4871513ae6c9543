/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Programs that the tests of user/sym compile as they need them, in a folder that ends with them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sym/sym.h"

static char objects_folder[64];

static inline void objects_begin(void)
{
	snprintf(objects_folder, sizeof(objects_folder), "/tmp/concprof-sym.XXXXXX");
	cr_assert(mkdtemp(objects_folder));
}

static inline void objects_end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", objects_folder);
	cr_assert_eq(system(command), 0);
}

/* A shell command; %s is for the caller to fill in. What it says is shown if it fails. */
static inline bool shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline bool shell(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	cr_assert_lt(n, (int)sizeof(command));
	return !system(command);
}

/* The path of a file in the folder; good until the fourth call after it. */
static inline const char *object_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", objects_folder, name);
	return path;
}

static inline bool have(const char *program, const char *test)
{
	if (shell("command -v %s >/dev/null 2>&1", program))
		return true;
	printf("ok sym.%s # SKIP no %s here\n", test, program);
	return false;
}

static inline struct sym *server(void)
{
	struct sym_opts opts = { .debuginfod = false };
	struct err err = { "" };
	struct sym *s = NULL;

	cr_assert_eq(sym_start(&s, &opts, &err), 0, "%s", err.text);
	return s;
}

static inline uint32_t add_file(struct sym *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint32_t object;

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(sym_add(s, fd, path, &object), 0);
	close(fd);
	return object;
}
