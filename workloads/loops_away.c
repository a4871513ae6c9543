// SPDX-License-Identifier: BSD-2-Clause
/* Loops that now and then are away for long, and once for twice as long. */
#include "loops.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define FEW   100 /* rounds */
#define EVERY 10  /* of them it is away for long */
#define ONCE  50  /* ... and twice as long */
#define LONG  (20 * MS)

static int request[2], reply[2];
static struct actor partner;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct device device;
static bool *ended;
static pid_t hog;

static bool is_turn(long i)
{
	return i % EVERY == EVERY / 2 || i == ONCE;
}

static int64_t how_long(long i)
{
	return i == ONCE ? 2 * LONG : LONG;
}

static void send_ns(int fd, int64_t ns)
{
	must(write(fd, &ns, sizeof(ns)) == sizeof(ns) ? 0 : -1, "write");
}

/* 0: there comes nothing more. */
static int64_t receive_ns(int fd)
{
	int64_t ns = 0;

	must(read(fd, &ns, sizeof(ns)), "read");
	return ns;
}

static void start_partner(void (*body)(struct record *, int))
{
	must(pipe2(request, O_CLOEXEC), "pipe2");
	must(pipe2(reply, O_CLOEXEC), "pipe2");
	partner = (struct actor){ .comm = "partner", .body = body };
	actor_start(&partner);
}

static void end_partner(void)
{
	must(close(request[1]), "close");
	actor_end(&partner);
}

/* --- a pipe: as slow a file as its writer -------------------------------------------------- */

static void answer(struct record *unused, int party)
{
	int64_t ns;

	(void)unused, (void)party;
	while ((ns = receive_ns(request[0]))) {
		sleep_ns(ns);
		send_ns(reply[1], ns);
	}
}

static const char *make_pipe(void)
{
	start_partner(answer);
	return NULL;
}

static void read_slowly(const struct watch *w, int which, long i)
{
	handle_it(w, which, i);
	if (!is_turn(i))
		return;
	send_ns(request[1], how_long(i));
	stop_begins();
	receive_ns(reply[0]);
	stop_ends();
}

/* --- a mutex, which the partner has but for a moment --------------------------------------- */

static void hold(struct record *unused, int party)
{
	int64_t ns;

	(void)unused, (void)party;
	must0(pthread_mutex_lock(&lock), "pthread_mutex_lock");
	send_ns(reply[1], 1);
	while ((ns = receive_ns(request[0]))) {
		sleep_ns(ns);
		must0(pthread_mutex_unlock(&lock), "pthread_mutex_unlock");
		/* Until the loop has had it. */
		receive_ns(request[0]);
		must0(pthread_mutex_lock(&lock), "pthread_mutex_lock");
	}
	must0(pthread_mutex_unlock(&lock), "pthread_mutex_unlock");
}

static const char *make_mutex(void)
{
	start_partner(hold);
	receive_ns(reply[0]);
	return NULL;
}

static void take_lock(const struct watch *w, int which, long i)
{
	handle_it(w, which, i);
	if (!is_turn(i))
		return;
	send_ns(request[1], how_long(i));
	stop_begins();
	must0(pthread_mutex_lock(&lock), "pthread_mutex_lock");
	stop_ends();
	must0(pthread_mutex_unlock(&lock), "pthread_mutex_unlock");
	send_ns(request[1], 1);
}

/* --- a device ------------------------------------------------------------------------------ */

static const char *make_disk(void)
{
	return device_open(&device, "loops") ? NULL
					     : "there is no device that has to be waited for";
}

static void read_disk(const struct watch *w, int which, long i)
{
	handle_it(w, which, i);
	if (!is_turn(i))
		return;
	stop_begins();
	device_read_for(&device, how_long(i) / 2);
	stop_ends();
}

/* To give back its space takes long, and is not to be done at the exit. */
static void end_disk(void)
{
	must(close(device.fd), "close");
}

/* --- computing, its own and another's ------------------------------------------------------ */

static void compute(const struct watch *w, int which, long i)
{
	int64_t end;

	handle_it(w, which, i);
	if (!is_turn(i))
		return;
	end = clock_ns(CLOCK_MONOTONIC) + how_long(i) * 3 / 2;
	while (clock_ns(CLOCK_MONOTONIC) < end)
		burn(100);
}

static void compute_beside(void *unused)
{
	(void)unused;
	name_thread("hog");
	bind_to_one_cpu();
	while (!__atomic_load_n(ended, __ATOMIC_SEQ_CST))
		burn(100);
}

/* The loop is nice, so that the other one keeps the CPU that both have. */
static const char *make_hog(void)
{
	ended = shared_memory(sizeof(*ended));
	hog = start_child(compute_beside, NULL);
	bind_to_one_cpu();
	must(setpriority(PRIO_PROCESS, 0, 5), "setpriority");
	return NULL;
}

static void end_hog(void)
{
	tell(ended);
	reap_child(hog);
}

#define AWAY(of, how_, cause_, make_, handle_, end_)                                               \
	{                                                                                          \
		of, how_, 10, .rounds = FEW, .cause = (cause_), .make = (make_),                   \
			      .handle = (handle_), .end = (end_)                                   \
	}

const struct plan away_plans[] = {
	AWAY("away-pipe", EPOLL, "io.pipe", make_pipe, read_slowly, end_partner),
	AWAY("away-pipe-poll", POLL, "io.pipe", make_pipe, read_slowly, end_partner),
	AWAY("away-pipe-select", SELECT, "io.pipe", make_pipe, read_slowly, end_partner),
	AWAY("away-mutex", EPOLL, "lock.mutex", make_mutex, take_lock, end_partner),
	AWAY("away-disk", EPOLL, "io.disk", make_disk, read_disk, end_disk),
	AWAY("away-computing", EPOLL, NULL, NULL, compute, NULL),
	AWAY("away-computing-poll", POLL, NULL, NULL, compute, NULL),
	AWAY("away-queued", EPOLL, NULL, make_hog, NULL, end_hog),
	{ 0 },
};
