// SPDX-License-Identifier: BSD-2-Clause
/* account COMMAND [ARG...]: what the command and its children took, whatever runs around them. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	double start = now(), end;
	struct rusage used;
	pid_t child;
	int status, rc;

	if (argc < 2)
		return 2;
	rc = posix_spawnp(&child, argv[1], NULL, NULL, argv + 1, environ);
	if (rc) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(rc));
		return 127;
	}
	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR)
			return 1;
	end = now();
	fprintf(stderr, "took %.6f s, CPU %.6f s\n", end - start,
		seconds(used.ru_utime) + seconds(used.ru_stime));
	return status != 0;
}
