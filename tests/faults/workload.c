// SPDX-License-Identifier: BSD-2-Clause
/*
 * workload FILE [WAIT]: says "begin" and its parent's number there, makes one of each thing that concprof
 * measures, and says "end" if nothing of it went wrong; 7. WAIT: it reads its standard input first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS	 2
#define TURNS	 20
#define HOLD_NS	 500000
#define BURN_NS	 20000000
#define STANDARD 3

pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int turns;

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void *contend(void *unused)
{
	const struct timespec hold = { .tv_nsec = HOLD_NS };

	for (int i = 0; i < TURNS; i++) {
		must(!pthread_mutex_lock(&faults_lock), "lock");
		turns++;
		must(!nanosleep(&hold, NULL), "nanosleep");
		must(!pthread_mutex_unlock(&faults_lock), "unlock");
	}
	return unused;
}

static void contend_all(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, contend, NULL), "pthread_create");
	for (int i = 0; i < THREADS; i++)
		must(!pthread_join(threads[i], NULL), "pthread_join");
	must(turns == THREADS * TURNS, "turns");
}

static void burn(void)
{
	struct timespec now;

	do
		must(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), "clock_gettime");
	while (now.tv_sec * 1000000000 + now.tv_nsec < BURN_NS);
}

static void ask_child(void)
{
	int ends[2], status;
	char word[8];
	pid_t pid;

	must(!pipe(ends), "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid) {
		burn();
		_exit(write(ends[1], "word", 4) == 4 ? 3 : 4);
	}
	must(read(ends[0], word, sizeof(word)) == 4, "read");
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3,
	     "waitpid");
	must(!close(ends[0]) && !close(ends[1]), "close");
}

/* Nothing of concprof's, nor of the fault's, may have come along. */
static void look_around(void)
{
	DIR *own = opendir("/proc/self/fd");
	int n = 0;

	must(own != NULL, "/proc/self/fd");
	while (readdir(own))
		n++;
	closedir(own);
	must(n == 2 + STANDARD + 1, "descriptors"); /* ., .., and the folder itself */
	must(!getenv("LD_PRELOAD") && !getenv("CONCPROF_FAULTS"), "environment");
}

static void say(const char *path, const char *format)
{
	FILE *f = fopen(path, "ae");

	must(f && fprintf(f, format, getpid()) > 0 && !fclose(f), path);
}

int main(int argc, char **argv)
{
	char go;

	must(argc > 1, "usage: workload FILE [WAIT]");
	look_around();
	say(argv[1], "begin %d\n");
	if (argc > 2)
		must(read(STDIN_FILENO, &go, 1) >= 0, "standard input");
	contend_all();
	ask_child();
	burn();
	say(argv[1], "end %d\n");
	return 7;
}
