// SPDX-License-Identifier: BSD-2-Clause
/*
 * kinds MODE: the same small jobs (compute a little, sleep a little), done in each of the ways that
 * concurrency comes in. Without MODE: lists them.
 */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#define JOB_STEPS 300
#define JOB_SLEEP (2 * MS)
#define JOBS	  120
#define WORKERS	  4

static void do_job(void)
{
	burn(JOB_STEPS);
	sleep_ns(JOB_SLEEP);
}

static void do_jobs(int jobs)
{
	while (jobs--)
		do_job();
}

/* --- one thread, several, processes ------------------------------------------------------------- */

static void run_single(void)
{
	do_jobs(JOBS);
}

static void *thread_body(void *arg)
{
	do_jobs(JOBS);
	return arg;
}

static void run_threads(void)
{
	pthread_t ids[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		ids[i] = start_thread(thread_body, NULL);
	for (int i = 0; i < WORKERS; i++)
		join_thread(ids[i]);
}

static void process_body(void *arg)
{
	(void)arg;
	do_jobs(JOBS);
}

static void run_processes(void)
{
	pid_t children[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		children[i] = start_child(process_body, NULL);
	for (int i = 0; i < WORKERS; i++)
		reap_child(children[i]);
}

/* --- pools of threads --------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int queued, unfinished;
static bool closed;
static int busy, most_busy;

static void *worker_body(void *arg)
{
	name_thread("worker");
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	for (;;) {
		while (!queued && !closed)
			must0(pthread_cond_wait(&work, &mutex), "pthread_cond_wait");
		if (!queued)
			break;
		queued--;
		most_busy = ++busy > most_busy ? busy : most_busy;
		must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
		do_job();
		must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		busy--;
		if (!--unfinished)
			must0(pthread_cond_signal(&done), "pthread_cond_signal");
	}
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	return arg;
}

/* So many jobs at a time, until all of them are done. */
static void hand_out(int jobs)
{
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	queued = unfinished = jobs;
	for (int i = 0; i < jobs; i++)
		must0(pthread_cond_signal(&work), "pthread_cond_signal");
	while (unfinished)
		must0(pthread_cond_wait(&done, &mutex), "pthread_cond_wait");
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

static void run_pool_of(int workers, int at_a_time, int rounds)
{
	pthread_t ids[32];

	for (int i = 0; i < workers; i++)
		ids[i] = start_thread(worker_body, NULL);
	sleep_ns(20 * MS); /* all of them wait by then */
	for (int i = 0; i < rounds; i++)
		hand_out(at_a_time);
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	closed = true;
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	must0(pthread_cond_broadcast(&work), "pthread_cond_broadcast");
	for (int i = 0; i < workers; i++)
		join_thread(ids[i]);
}

static void run_pool(void)
{
	run_pool_of(WORKERS, WORKERS, 80);
}

static void run_pool_large(void)
{
	run_pool_of(16, 3, 100);
}

static void run_pool_small(void)
{
	run_pool_of(2, 30, 8);
}

/* --- processes that are there before the clients come ------------------------------------------------ */

#define CLIENTS 4

static void serve(void *arg)
{
	int listener = *(int *)arg;
	char message;

	for (;;) {
		int fd = (int)must(accept(listener, NULL, NULL), "accept");

		if (must(recv(fd, &message, 1, MSG_WAITALL), "recv") == 1 && message == 'q')
			break;
		do_job();
		must(send(fd, &message, 1, MSG_NOSIGNAL), "send");
		must(close(fd), "close");
	}
}

static void ask(int port, char message)
{
	int fd = connect_to(port);

	must(send(fd, &message, 1, MSG_NOSIGNAL), "send");
	must(recv(fd, &message, 1, MSG_WAITALL), "recv");
	must(close(fd), "close");
}

static void run_prefork(void)
{
	int listener = listen_at(0), port = port_of(listener);
	pid_t children[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		children[i] = start_child(serve, &listener);
	for (int i = 0; i < JOBS; i++)
		ask(port, 'j');
	for (int i = 0; i < WORKERS; i++)
		ask(port, 'q');
	for (int i = 0; i < WORKERS; i++)
		reap_child(children[i]);
}

/* --- event loop ------------------------------------------------------------------------------------- */

#define SOURCES 8

/* Both ends are its own: what it writes comes back when it looks next. */
static void run_event_loop(void)
{
	int epoll = (int)must(epoll_create1(0), "epoll_create1"), pairs[SOURCES][2];
	struct epoll_event event;
	char byte = 'x';

	for (int i = 0; i < SOURCES; i++) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), "socketpair");
		event = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i };
		must(epoll_ctl(epoll, EPOLL_CTL_ADD, pairs[i][0], &event), "epoll_ctl");
	}
	for (int i = 0; i < JOBS; i++) {
		while (must(epoll_wait(epoll, &event, 1, 2), "epoll_wait") > 0)
			must(recv(pairs[event.data.u32][0], &byte, 1, 0), "recv");
		burn(JOB_STEPS);
		must(send(pairs[i % SOURCES][1], &byte, 1, 0), "send");
	}
}

/* --- threads of the program's own making -------------------------------------------------------------- */

#define OWN	   6
#define STACK_SIZE (64 * 1024)

static ucontext_t scheduler, own[OWN];
static bool ended[OWN];
static int current;

static void own_body(void)
{
	for (int i = 0; i < JOBS / OWN; i++) {
		do_job();
		must(swapcontext(&own[current], &scheduler), "swapcontext");
	}
	ended[current] = true;
}

static void make_context(ucontext_t *own, ucontext_t *then)
{
	void *stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		must(-1, "mmap");
	must(getcontext(own), "getcontext");
	own->uc_stack.ss_sp = stack;
	own->uc_stack.ss_size = STACK_SIZE;
	own->uc_link = then;
}

/* Each gives way to the next one itself. */
static void run_coroutines(void)
{
	for (int i = 0; i < OWN; i++) {
		make_context(&own[i], &scheduler);
		makecontext(&own[i], own_body, 0);
	}
	for (int left = OWN; left;) {
		left = 0;
		for (current = 0; current < OWN; current++) {
			if (ended[current])
				continue;
			left++;
			must(swapcontext(&scheduler, &own[current]), "swapcontext");
		}
		sleep_ns(MS); /* for who is not seen on its own stack */
	}
}

static int64_t sleeps_until[OWN];

static void spin_body(void)
{
	for (int i = 0; i < 20; i++) {
		burn(2000);
		sleeps_until[current] = clock_ns(CLOCK_MONOTONIC) + MS;
		must(swapcontext(&own[current], &scheduler), "swapcontext");
	}
	ended[current] = true;
}

/* The first that may go on; -1: all have ended. */
static int next_own(void)
{
	int next = -1;

	for (int i = 0; i < OWN; i++) {
		if (!ended[i] && (next < 0 || sleeps_until[i] < sleeps_until[next]))
			next = i;
	}
	return next;
}

/* They sleep, and the scheduler below them waits for the first to wake up: N threads on one. */
static void run_user_threads(void)
{
	for (int i = 0; i < OWN; i++) {
		make_context(&own[i], &scheduler);
		makecontext(&own[i], spin_body, 0);
	}
	while ((current = next_own()) >= 0) {
		int64_t now = clock_ns(CLOCK_MONOTONIC);

		if (sleeps_until[current] > now)
			sleep_ns(sleeps_until[current] - now);
		must(swapcontext(&scheduler, &own[current]), "swapcontext");
	}
}

/* --- many of the program's own on a few of the kernel's ------------------------------------------------ */

#define FEW	 2
#define MANY_OWN 12

struct many {
	ucontext_t own, *below; /* below: of who carries it just now */
	int number, rounds, moved;
};

static struct many many[MANY_OWN], *ready[MANY_OWN];
static int n_ready, n_ended;

static void many_body(int number)
{
	struct many *self = &many[number];

	for (; self->rounds; self->rounds--) {
		pid_t carrier = gettid();

		burn(10 * JOB_STEPS);
		must(swapcontext(&self->own, self->below), "swapcontext");
		self->moved += carrier != gettid();
	}
	must(setcontext(self->below), "setcontext");
}

/* NULL: all have ended. */
static struct many *next_ready(void)
{
	struct many *next = NULL;

	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	while (!n_ready && n_ended < MANY_OWN)
		must0(pthread_cond_wait(&work, &mutex), "pthread_cond_wait");
	if (n_ready) {
		next = ready[0];
		memmove(ready, ready + 1, (size_t)--n_ready * sizeof(struct many *));
	}
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	return next;
}

/* Only once it is off its stack may another go on with it. */
static void give_back(struct many *m)
{
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	if (m->rounds)
		ready[n_ready++] = m;
	else
		n_ended++;
	must0(pthread_cond_broadcast(&work), "pthread_cond_broadcast");
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

static void *carry(void *arg)
{
	ucontext_t here;
	struct many *m;

	while ((m = next_ready())) {
		m->below = &here;
		must(swapcontext(&here, &m->own), "swapcontext");
		give_back(m);
	}
	return arg;
}

static void run_many_on_few(void)
{
	pthread_t carriers[FEW];
	int moved = 0;

	for (int i = 0; i < MANY_OWN; i++) {
		many[i].rounds = 2 * JOBS / MANY_OWN;
		make_context(&many[i].own, NULL);
		makecontext(&many[i].own, (void (*)(void))many_body, 1, i);
		ready[n_ready++] = &many[i];
	}
	for (int i = 0; i < FEW; i++)
		carriers[i] = start_thread(carry, NULL);
	for (int i = 0; i < FEW; i++)
		join_thread(carriers[i]);
	for (int i = 0; i < MANY_OWN; i++)
		moved += many[i].moved;
	printf("%d of the program's own, on %d threads of the kernel's: %d times one went on on "
	       "another than before\n",
	       MANY_OWN, FEW, moved);
}

/* --- the truth ---------------------------------------------------------------------------------------- */

struct mode {
	const char *name, *kind;
	void (*run)(void);
	int members; /* of the row of this kind */
	const char *of;
	int jobs; /* of a pool */
	bool is_large, is_small;
};

static const struct mode modes[] = {
	{ "single", "single", run_single, 1, "threads", 0, false, false },
	{ "threads", "threads", run_threads, WORKERS + 1, "threads", 0, false, false },
	{ "processes", "processes", run_processes, WORKERS + 1, "processes", 0, false, false },
	{ "pool", "pool", run_pool, WORKERS, "threads", 320, false, false },
	{ "pool_large", "pool", run_pool_large, 16, "threads", 300, true, false },
	{ "pool_small", "pool", run_pool_small, 2, "threads", 240, false, true },
	{ "prefork", "pool", run_prefork, WORKERS, "processes", JOBS, false, false },
	{ "event_loop", "event-loop", run_event_loop, 1, "threads", 0, false, false },
	{ "coroutines", "coroutines", run_coroutines, 1, "threads", 0, false, false },
	{ "user_threads", "coroutines", run_user_threads, 1, "threads", 0, false, false },
	{ "many_on_few", "threads", run_many_on_few, FEW + 1, "threads", 0, false, false },
};

#define MODES (sizeof(modes) / sizeof(*modes))

static void expect_pool(const struct mode *m)
{
	truth_expect((struct expectation){
		.path = "concurrency[0].waits_for_work",
		.in = { m->is_small ? m->members : m->jobs / 3, m->jobs + 2 * m->members },
		.why = "no more often than there are jobs, beginnings and ends; less often if one "
		       "has another job at once",
	});
	truth_finding("pool.large", m->is_large, "most of them never had work at once, or all had");
	truth_finding("pool.small", m->is_small, "jobs lay and waited for two that sleep, or none");
	if (!most_busy)
		return;
	truth_expect((struct expectation){
		.path = "concurrency[0].busy_at_once_at_most",
		.in = { most_busy, 2 * most_busy },
		.why = "the workers' own count under the lock; as many may be on their way back",
	});
}

static void expect(const struct mode *m)
{
	truth_number("model.concurrency", 1, "it is written in one way only");
	truth_equals("model.concurrency[0]", m->kind, "that is the way");
	truth_number("concurrency[0].members", m->members, "so many");
	truth_equals("concurrency[0].of", m->of, "of these");
	if (!strcmp(m->kind, "pool"))
		expect_pool(m);
	else
		truth_finding("pool.small", false, "it has none");
}

int main(int argc, char **argv)
{
	const struct mode *m = NULL;

	for (size_t i = 0; i < MODES; i++) {
		if (argc < 2)
			puts(modes[i].name);
		else if (argc == 2 && !strcmp(argv[1], modes[i].name))
			m = &modes[i];
	}
	if (argc < 2)
		return EXIT_SUCCESS;
	if (!m) {
		fputs("kinds: no such mode; without one it lists them\n", stderr);
		return EXIT_FAILURE;
	}
	truth_begin(truth_path("kinds %s", m->name));
	m->run();
	expect(m);
	return truth_end();
}
