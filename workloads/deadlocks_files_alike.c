// SPDX-License-Identifier: BSD-2-Clause
/* Processes that wait for locks of files, and somebody can end it. */
#include "deadlocks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_NS (1200 * MS)

/* Two files of which each of two processes has one, and then wants the other one. */
static struct {
	int file[2];
	void (*take)(int fd);  /* the first one's lock; the other is flock(2)'s */
	void (*help)(int fd);  /* ... by which it will be let go */
	void (*give_up)(void); /* of the second one: ends its wait */
	int *have;	       /* how many have one */
} pair;

static void take_whole(int fd)
{
	if (flock(fd, LOCK_EX))
		must(pair.give_up && errno == EINTR ? 0 : -1, "flock");
}

static void take_posix(int fd)
{
	must(record_lock(fd, F_SETLKW, F_WRLCK), "F_SETLKW");
}

static void await(int n)
{
	while (__atomic_load_n(pair.have, __ATOMIC_SEQ_CST) < n)
		sleep_ns(100 * US);
}

static void meet(int n)
{
	__atomic_add_fetch(pair.have, 1, __ATOMIC_SEQ_CST);
	await(n);
}

static void be_first(void *unused)
{
	int fd = open_again(pair.file[0]);

	(void)unused;
	name_thread("first");
	pair.take(fd);
	if (pair.help)
		pair.help(fd);
	meet(2);
	take_whole(open_again(pair.file[1]));
}

static void be_second(void *unused)
{
	(void)unused;
	name_thread("second");
	take_whole(open_again(pair.file[1]));
	meet(2);
	if (pair.give_up)
		pair.give_up();
	pair.take(open_again(pair.file[0]));
}

static void begin_pair(void)
{
	for (int i = 0; i < 2; i++)
		pair.file[i] = nameless_file("deadlocks", 0);
	pair.have = shared_memory(sizeof(*pair.have));
}

static void run_both(void (*one)(void *), void (*other)(void *))
{
	pid_t child = start_child(one, NULL);

	reap_child(start_child(other, NULL));
	reap_child(child);
}

static void run_pair(void (*take)(int), void (*help)(int), void (*give_up)(void))
{
	begin_pair();
	pair.take = take;
	pair.help = help;
	pair.give_up = give_up;
	run_both(be_first, be_second);
}

/* --- who else can let it go ------------------------------------------------------------- */

static void drop_late(int fd)
{
	name_thread("helper");
	sleep_ns(HELD_NS);
	must(flock(fd, LOCK_UN), "LOCK_UN");
	_exit(EXIT_SUCCESS);
}

static void leave_to_child(int fd)
{
	if (!must(fork(), "fork"))
		drop_late(fd);
}

static void run_inherited(void)
{
	run_pair(take_whole, leave_to_child, NULL);
	expect_no_deadlock("a child has the same open file, and lets its lock go");
}

union fd_message {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message_of(union fd_message *m, struct iovec *io)
{
	m->head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
				    .cmsg_level = SOL_SOCKET,
				    .cmsg_type = SCM_RIGHTS };
	return (struct msghdr){
		.msg_iov = io, .msg_iovlen = 1, .msg_control = m, .msg_controllen = sizeof(*m)
	};
}

static void drop_received(int socket)
{
	union fd_message m;
	struct iovec io = { .iov_base = (char[1]){ 0 }, .iov_len = 1 };
	struct msghdr message = message_of(&m, &io);

	name_thread("helper");
	sleep_ns(HELD_NS);
	must(recvmsg(socket, &message, 0), "recvmsg");
	must(flock(*(int *)CMSG_DATA(&m.head), LOCK_UN), "LOCK_UN");
	_exit(EXIT_SUCCESS);
}

/* It is on its way to the helper, which has no descriptor of it yet. */
static void post(int fd)
{
	union fd_message m;
	struct iovec io = { .iov_base = (char[1]){ 0 }, .iov_len = 1 };
	struct msghdr message = message_of(&m, &io);
	int sockets[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), "socketpair");
	if (!must(fork(), "fork")) {
		must(close(fd), "close");
		drop_received(sockets[1]);
	}
	*(int *)CMSG_DATA(&m.head) = fd;
	must(sendmsg(sockets[0], &message, 0), "sendmsg");
}

static void run_posted(void)
{
	run_pair(take_whole, post, NULL);
	expect_no_deadlock("who receives the open file lets its lock go");
}

static int kept;

static void *drop_by_closing(void *unused)
{
	name_thread("helper");
	sleep_ns(HELD_NS);
	must(close(kept), "close");
	return unused;
}

static void leave_to_thread(int fd)
{
	kept = fd;
	start_thread(drop_by_closing, NULL);
}

static void run_thread(void)
{
	run_pair(take_posix, leave_to_thread, NULL);
	expect_no_deadlock("another thread closes the file, which lets all of its locks go");
}

/* Another process, and the same table of descriptors. */
static void leave_to_sharer(int fd)
{
	kept = fd;
	if (!must(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0), "clone")) {
		drop_by_closing(NULL);
		_exit(EXIT_SUCCESS);
	}
}

static void run_table(void)
{
	run_pair(take_posix, leave_to_sharer, NULL);
	expect_no_deadlock("a process with the same descriptors closes the file");
}

/* --- who gives up ------------------------------------------------------------------------ */

static void come_back(int signal)
{
	(void)signal;
}

static void heed_alarm(void)
{
	const struct sigaction act = { .sa_handler = come_back };

	must(sigaction(SIGALRM, &act, NULL), "sigaction");
}

static void begin_alarm(void)
{
	const struct itimerval in = { .it_value = { 1, 200000 } };

	must(setitimer(ITIMER_REAL, &in, NULL), "setitimer");
}

static void set_alarm(void)
{
	heed_alarm();
	begin_alarm();
}

static void set_timer(void)
{
	const struct itimerspec in = { .it_value = { 1, 200 * MS } };
	timer_t timer;

	heed_alarm();
	must(timer_create(CLOCK_MONOTONIC, NULL, &timer), "timer_create");
	must(timer_settime(timer, 0, &in, NULL), "timer_settime");
}

static void run_alarm(void)
{
	run_pair(take_whole, NULL, set_alarm);
	expect_no_deadlock("one gives up when its alarm comes");
}

static pthread_mutex_t *mutex;
static int first_fd;

static void drop_first(int signal)
{
	(void)signal;
	must(flock(first_fd, LOCK_UN), "LOCK_UN");
}

static void let_go_in_handler(void *unused)
{
	const struct sigaction act = { .sa_handler = drop_first };

	(void)unused;
	name_thread("first");
	first_fd = open_again(pair.file[0]);
	take_whole(first_fd);
	meet(2);
	must(sigaction(SIGALRM, &act, NULL), "sigaction");
	begin_alarm();
	take_mutex(mutex);
}

static void have_mutex(void *unused)
{
	(void)unused;
	name_thread("second");
	take_mutex(mutex);
	meet(2);
	take_whole(open_again(pair.file[0]));
	drop_mutex(mutex);
}

/* Who has the file waits for a mutex, which no signal ends. */
static void run_handler(void)
{
	begin_pair();
	mutex = shared_memory(sizeof(*mutex));
	make_mutex(mutex, (struct mutex_kind){ .shared = PTHREAD_PROCESS_SHARED });
	run_both(let_go_in_handler, have_mutex);
	expect_no_deadlock("the lock of the file is let go by a signal's handler");
}

static void run_timer(void)
{
	run_pair(take_whole, NULL, set_timer);
	expect_no_deadlock("one gives up when its timer ends");
}

/* Gives back what it has, and tries again. */
static void try_both(int first, int second)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SEC;

	first = open_again(first);
	second = open_again(second);
	meet(2);
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		must(flock(first, LOCK_EX), "flock");
		sleep_ns(MS);
		if (!flock(second, LOCK_EX | LOCK_NB))
			must(flock(second, LOCK_UN), "LOCK_UN");
		must(flock(first, LOCK_UN), "LOCK_UN");
		sleep_ns(200 * US);
	}
}

static void try_first(void *unused)
{
	(void)unused;
	try_both(pair.file[0], pair.file[1]);
}

static void try_second(void *unused)
{
	(void)unused;
	try_both(pair.file[1], pair.file[0]);
}

static void run_retry(void)
{
	begin_pair();
	run_both(try_first, try_second);
	expect_no_deadlock("who does not get the second lock gives back the first");
}

/* --- who only takes long ----------------------------------------------------------------- */

static void hold_long(void *unused)
{
	(void)unused;
	take_whole(open_again(pair.file[0]));
	meet(2);
	sleep_ns(HELD_NS);
}

static void wait_long(void *unused)
{
	(void)unused;
	meet(2);
	take_whole(open_again(pair.file[0]));
}

static void run_slow(void)
{
	begin_pair();
	run_both(hold_long, wait_long);
	expect_no_deadlock("the holder sleeps, and lets it go then");
}

static int pipes[2];

static void read_and_wait(void *unused)
{
	char byte;

	(void)unused;
	name_thread("waiting");
	must(close(pipes[1]), "close");
	must(flock(open_again(pair.file[0]), LOCK_SH), "flock");
	meet(3);
	must(read(pipes[0], &byte, 1), "read");
}

/* The second one to have it: only the first is in the way of who wants to write. */
static void read_and_write(void *unused)
{
	(void)unused;
	name_thread("running");
	await(1);
	must(flock(open_again(pair.file[0]), LOCK_SH), "flock");
	meet(3);
	sleep_ns(HELD_NS);
	must(write(pipes[1], "x", 1), "write");
}

static void want_to_change(void *unused)
{
	(void)unused;
	name_thread("changing");
	await(2);
	meet(3);
	take_whole(open_again(pair.file[0]));
}

/* The one reader waits for the other, or for who waits for both. */
static void run_reader(void)
{
	pid_t children[3];

	begin_pair();
	must(pipe2(pipes, O_CLOEXEC), "pipe2");
	children[0] = start_child(read_and_wait, NULL);
	children[1] = start_child(want_to_change, NULL);
	children[2] = start_child(read_and_write, NULL);
	must(close(pipes[1]), "close");
	for (int i = 0; i < 3; i++)
		reap_child(children[i]);
	expect_no_deadlock("a second reader runs, and writes to the pipe");
}

static void take_file(void *file)
{
	take_whole(open_again(*(int *)file));
}

static void stand_as_threads(void *unused)
{
	(void)unused;
	seats_start_threads();
	sleep_ns(STUCK_NS);
}

/* Of threads: the files are their process's, whose main thread goes on. */
static void run_threads(void)
{
	const struct thing things[] = { { take_file, take_file, &pair.file[0] },
					{ take_file, take_file, &pair.file[1] } };

	begin_pair();
	add_ring("unknown", things, 2);
	scene->knots = 0;
	reap_child(start_child(stand_as_threads, NULL)); /* main() has an alarm */
	expect_no_deadlock("any thread of a process can close its files");
}

const struct mode file_alike_modes[] = {
	{ "flock-inherited", run_inherited }, { "flock-posted", run_posted },
	{ "posix-thread", run_thread },	      { "posix-table", run_table },
	{ "flock-alarm", run_alarm },	      { "flock-timer", run_timer },
	{ "flock-handler", run_handler },     { "flock-retry", run_retry },
	{ "flock-slow", run_slow },	      { "flock-reader", run_reader },
	{ "flock-threads", run_threads },     { 0 },
};
