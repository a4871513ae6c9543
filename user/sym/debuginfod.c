// SPDX-License-Identifier: BSD-2-Clause
/* libdebuginfod, which is not linked: few machines have it, and it is looked for only when asked for. */
#include "sym/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#define LIBRARY "libdebuginfod.so.1"

#ifdef CONCPROF_STATIC

/* It would bring along a second C library, of another version. */
int debuginfod_check(struct err *err)
{
	return err_set(
		err, -ENOTSUP,
		"--debuginfod: this concprof is linked statically and loads no library; take "
		"one of a package, or leave the option out");
}

int debuginfod_find(const void *id, int n)
{
	(void)id;
	(void)n;
	return -1;
}

#else

int debuginfod_check(struct err *err)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);

	if (!library)
		return err_set(err, -ENOENT,
			       "--debuginfod: " LIBRARY " is not on this machine; install "
			       "it, or leave the option out");
	dlclose(library);
	return 0;
}

int debuginfod_find(const void *id, int n)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);
	void *(*begin)(void);
	void (*end)(void *);
	int (*find)(void *, const unsigned char *, int, char **);
	void *client;
	int fd;

	if (!library)
		return -1;
	begin = (void *(*)(void))dlsym(library, "debuginfod_begin");
	end = (void (*)(void *))dlsym(library, "debuginfod_end");
	find = (int (*)(void *, const unsigned char *, int, char **))dlsym(
		library, "debuginfod_find_debuginfo");
	client = begin && end && find ? begin() : NULL;
	if (!client)
		return -1;
	fd = find(client, id, n, NULL);
	end(client);
	return fd;
}

#endif
