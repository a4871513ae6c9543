// SPDX-License-Identifier: BSD-2-Clause
/*
 * stands [MODE [NUMBER]]: threads that come to waits that are known, and stand there until a
 * SIGTERM. Says in one line of JSON who stands where, once all do.
 *
 *	waits	one thread at each kind of wait; the default
 *	chain	three, each of which waits for the lock of the next one; the last sleeps
 *	knot	two, each of which waits for the lock of the other one
 *	crowd	NUMBER at one lock
 */
#include "stands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKS 3
#define CROWD 500
#define MOST  100000

pthread_t keeper;

/* Not static: their names are to be found in the report. */
pthread_mutex_t link_lock[LINKS], crowd_lock = PTHREAD_MUTEX_INITIALIZER;

static struct wait *const tables[] = { lock_waits, time_waits, file_waits, other_waits };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static bool is_ending;
static pid_t partner, keeper_tid;
static int ready[2];

/* --- coming to a wait ----------------------------------------------------------------- */

void over(long result, const char *what)
{
	if (!__atomic_load_n(&is_ending, __ATOMIC_SEQ_CST)) {
		fprintf(stderr, "stands: %s has returned %ld\n", what, result);
		_exit(EXIT_FAILURE);
	}
	for (;;)
		pause();
}

static void begin(struct wait *w)
{
	name_thread(w->name);
	w->tid = gettid();
}

static void come(struct wait *w)
{
	__atomic_store_n(&w->came, clock_ns(CLOCK_MONOTONIC), __ATOMIC_SEQ_CST);
	w->come();
}

static void *stand(void *arg)
{
	begin(arg);
	come(arg);
	return NULL;
}

static bool is_blocked(pid_t tid)
{
	FILE *f = fopen(truth_path("/proc/self/task/%d/stat", tid), "re");
	char state = '?';

	must(f ? 0 : -1, "stat of a thread");
	must(fscanf(f, "%*d %*s %c", &state) == 1 ? 0 : -1, "state of a thread");
	must(fclose(f), "stat of a thread");
	return state == 'S' || state == 'D';
}

static void await_standing(const struct wait *w)
{
	while (!__atomic_load_n(&w->came, __ATOMIC_SEQ_CST) || (w->cause && !is_blocked(w->tid)))
		sleep_ns(MS);
}

static void bring(struct wait *w)
{
	start_thread(stand, w);
	await_standing(w);
}

/* --- what they are to be found as ------------------------------------------------------- */

static void say_text(const char *key, const char *value)
{
	if (value)
		printf(", \"%s\": \"%s\"", key, value);
	else
		printf(", \"%s\": null", key);
}

static pid_t holder_of(const struct wait *w)
{
	if (!w->holder)
		return 0;
	return strcmp(w->holder, "partner") ? keeper_tid : partner;
}

static pid_t needed_by(const struct wait *w)
{
	if (!w->how)
		return 0;
	return strcmp(w->how, "child") ? partner : child;
}

static void say(const struct wait *w, pid_t holder)
{
	static int said;

	printf("%s{\"name\": \"%s\", \"tid\": %d, \"came_ns\": %lld", said++ ? ", " : "", w->name,
	       w->tid, (long long)w->came);
	say_text("function", w->function);
	say_text("cause", w->cause);
	say_text("lock", w->lock);
	say_text("how", w->how);
	printf(", \"holder\": %d, \"needs\": %d, \"fd\": %d, \"descriptors\": %d, \"time\": %lld}",
	       holder, needed_by(w), w->fd ? *w->fd : -1, w->descriptors,
	       w->is_timed ? LONG_TIME : 0);
}

static void begin_saying(void)
{
	printf("{\"pid\": %d, \"partner\": %d, \"child\": %d, \"threads\": [", getpid(), partner,
	       child);
}

static void end_saying(void)
{
	printf("], \"port\": %d}\n", listener ? port_of(listener) : 0);
	must(fflush(stdout), "stdout");
}

/* --- modes -------------------------------------------------------------------------------- */

static void *keep(void *unused)
{
	name_thread("keeper");
	keeper_tid = gettid();
	locks_take();
	must(write(ready[1], "k", 1), "write");
	pause();
	return unused;
}

static void await_ready(void)
{
	char byte;

	must(read(ready[0], &byte, 1) == 1 ? 0 : -1, "read");
}

static void start_partner(void)
{
	partner = (pid_t)must(fork(), "fork");
	if (partner)
		return;
	name_thread("partner");
	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	locks_take_shared();
	files_be_partner();
	must(write(ready[1], "p", 1), "write");
	pause();
	_exit(EXIT_FAILURE);
}

static void start_brief_child(void)
{
	child = (pid_t)must(fork(), "fork");
	if (child)
		return;
	name_thread("child");
	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	sleep_ns(LONG_TIME);
	_exit(EXIT_FAILURE);
}

static void stand_at_all(long unused)
{
	(void)unused;
	must(pipe(ready), "pipe");
	start_brief_child();
	locks_make();
	files_make();
	others_make();
	start_partner();
	await_ready();
	files_leave_to_partner();
	keeper = start_thread(keep, NULL);
	await_ready();
	for (size_t i = 0; i < TABLES; i++)
		for (struct wait *w = tables[i]; w->name; w++)
			bring(w);
	begin_saying();
	for (size_t i = 0; i < TABLES; i++)
		for (struct wait *w = tables[i]; w->name; w++)
			say(w, holder_of(w));
	end_saying();
}

static pthread_barrier_t all_have;

static void meet(void)
{
	int error = pthread_barrier_wait(&all_have);

	must0(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

static struct wait links[LINKS];
static int n_links;
static bool is_closed;

static void take_next(void)
{
	int own = 0;

	while (links[own].tid != gettid())
		own++;
	if (own + 1 < n_links || is_closed)
		over(pthread_mutex_lock(&link_lock[(own + 1) % n_links]), "pthread_mutex_lock");
	sleep_ns(LONG_TIME);
}

static void *stand_as_link(void *arg)
{
	struct wait *w = arg;

	begin(w);
	must0(pthread_mutex_lock(&link_lock[w - links]), "pthread_mutex_lock");
	meet();
	come(w);
	return NULL;
}

static void link_up(int n, bool closed)
{
	n_links = n;
	is_closed = closed;
	must0(pthread_barrier_init(&all_have, NULL, (unsigned int)n), "pthread_barrier_init");
	for (int i = 0; i < n; i++) {
		bool last = !closed && i == n - 1;

		must0(pthread_mutex_init(&link_lock[i], NULL), "pthread_mutex_init");
		links[i] = (struct wait){ truth_path("link-%d", i), AT(take_next),
					  last ? "timer.sleep" : "lock.mutex",
					  last ? NULL : "mutex", .is_timed = last };
		start_thread(stand_as_link, &links[i]);
	}
	for (int i = 0; i < n; i++)
		await_standing(&links[i]);
	begin_saying();
	for (int i = 0; i < n; i++)
		say(&links[i], closed || i < n - 1 ? links[(i + 1) % n].tid : 0);
	end_saying();
}

static void stand_in_chain(long unused)
{
	(void)unused;
	link_up(LINKS, false);
}

static void stand_in_knot(long unused)
{
	(void)unused;
	link_up(2, true);
}

static void take_crowded(void)
{
	over(pthread_mutex_lock(&crowd_lock), "pthread_mutex_lock");
}

static void stand_in_crowd(long n)
{
	static struct wait of_crowd[MOST];

	must0(pthread_mutex_lock(&crowd_lock), "pthread_mutex_lock");
	begin_saying();
	for (long i = 0; i < n; i++) {
		of_crowd[i] = (struct wait){ "crowd", AT(take_crowded), "lock.mutex", "mutex" };
		start_thread(stand, &of_crowd[i]);
	}
	for (long i = 0; i < n; i++) {
		await_standing(&of_crowd[i]);
		say(&of_crowd[i], getpid());
	}
	end_saying();
}

static const struct {
	const char *name;
	void (*run)(long number);
} modes[] = {
	{ "waits", stand_at_all },
	{ "chain", stand_in_chain },
	{ "knot", stand_in_knot },
	{ "crowd", stand_in_crowd },
};

/* --- the end ---------------------------------------------------------------------------- */

/* No thread takes it, so that none is woken. */
static void block_end(sigset_t *end)
{
	must(sigemptyset(end), "sigemptyset");
	must(sigaddset(end, SIGTERM), "sigaddset");
	must0(pthread_sigmask(SIG_BLOCK, end, NULL), "pthread_sigmask");
	must(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0, "SIGPIPE");
}

/* The child is reaped by the thread that waits for it. */
static void end(void)
{
	__atomic_store_n(&is_ending, true, __ATOMIC_SEQ_CST);
	if (!partner)
		_exit(EXIT_SUCCESS);
	must(kill(partner, SIGKILL), "kill");
	must(waitpid(partner, NULL, 0), "waitpid");
	must(kill(child, SIGKILL), "kill");
	while (!kill(child, 0))
		sleep_ns(MS);
	others_remove();
	_exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : modes[0].name;
	sigset_t ends;
	long number = argc > 2 ? (long)number_arg(argv[2], 1, MOST) : CROWD;

	block_end(&ends);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(mode, modes[i].name))
			continue;
		modes[i].run(number);
		while (sigwaitinfo(&ends, NULL) == -1) /* a debugger has come by */
			must(errno == EINTR ? 0 : -1, "sigwaitinfo");
		end();
	}
	fprintf(stderr, "stands: no mode '%s'\n", mode);
	return EXIT_FAILURE;
}
