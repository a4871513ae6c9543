// SPDX-License-Identifier: BSD-2-Clause
/* forks COUNT: children that end at once, eight of them alive at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALIVE 8

static void fork_one(void)
{
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (!child)
		_exit(0);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 0;

	for (long i = 0; i < count; i++) {
		if (i >= ALIVE)
			wait(NULL);
		fork_one();
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
