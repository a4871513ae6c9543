// SPDX-License-Identifier: BSD-2-Clause
#include "sym/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FREE 3

#define TAKE_SECONDS 10	  /* for a worker to take a message */
#define END_MS	     1000 /* ... or to end, if it can be ended at all */

struct keeper {
	struct objects objects;
	struct openers openers;
	worker_fn worker;
	int socket;
	int worker_socket; /* the client's end of it; -1: none */
	pid_t pid;	   /* of the worker; 0: none */
};

void objects_add(struct objects *o, const struct request *request, size_t size, int fd)
{
	struct object object = { .fd = fd, .debuginfod = o->debuginfod };
	size_t head = HEAD_SIZE(struct request, path);

	/* with a descriptor that did not come through it is an object that cannot be read */
	if (request->flag && fd < 0)
		object.level = OBJECT_REFUSED;
	object.path = strndup(request->path, size > head ? size - head : 0);
	if (!object.path)
		out_of_memory();
	*vec_add(&o->v) = object;
}

/* Leaves a process with no descriptor but this one, which becomes FIRST_FREE. */
static int keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	/* above all that are to be replaced */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE + 1);
	null = fcntl(null, F_DUPFD_CLOEXEC, FIRST_FREE + 1);
	if (fd < 0 || null < 0)
		return -errno;
	/* what a library says when it gives up is not for the user's terminal */
	for (int i = 0; i < FIRST_FREE; i++) {
		if (dup2(null, i) < 0)
			return -errno;
	}
	if (dup2(fd, FIRST_FREE) < 0)
		return -errno;
	if (!syscall(SYS_close_range, FIRST_FREE + 1, ~0U, 0))
		return 0;
	for (long i = FIRST_FREE + 1, n = sysconf(_SC_OPEN_MAX); i < n; i++)
		close((int)i);
	return 0;
}

/* Signals of the terminal are for the workload and concprof. */
static int block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGPROF);
	sigdelset(&all, SIGABRT);
	if (signal(SIGPROF, SIG_DFL) == SIG_ERR || signal(SIGABRT, SIG_DFL) == SIG_ERR)
		return -errno;
	return sigprocmask(SIG_SETMASK, &all, NULL) ? -errno : 0;
}

static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		_exit(1);
}

static void run_worker(struct keeper *k, int socket, pid_t keeper)
{
	die_with(keeper);
	close(k->socket);
	close(k->worker_socket);
	if (sandbox_worker(k->objects.debuginfod))
		_exit(1);
	k->worker(&k->objects, socket);
	_exit(0);
}

bool child_reap(pid_t pid, int ms, int *ret_status)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (ended.fd >= 0) {
		(void)wire_wait(&ended, 1, ms);
		close(ended.fd);
	}
	return waitpid(pid, ret_status, WNOHANG) == pid;
}

/* Ends the worker, if there is one, and says how it ended. One that a dead file system holds is left
 * behind: it will end when that lets it go. */
static int end_worker(struct keeper *k)
{
	int status = 0;

	if (k->worker_socket >= 0)
		close(k->worker_socket);
	k->worker_socket = -1;
	if (!k->pid)
		return 0;
	kill(k->pid, SIGKILL);
	if (!child_reap(k->pid, END_MS, &status))
		status = 0;
	k->pid = 0;
	return status;
}

/* Its socket is in k->worker_socket; 0 or -errno. */
static int start_worker(struct keeper *k)
{
	struct timeval patience = { .tv_sec = TAKE_SECONDS };
	pid_t keeper = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	k->worker_socket = pair[0];
	/* one that reads nothing any more must not hold up who sends: the client neither */
	k->pid = setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ? -1
											   : fork();
	if (!k->pid)
		run_worker(k, pair[1], keeper);
	close(pair[1]);
	if (k->pid > 0)
		return 0;
	k->pid = 0;
	close(k->worker_socket);
	k->worker_socket = -1;
	return -EAGAIN;
}

static void answer(struct keeper *k, int status, int fd)
{
	struct verdict verdict = { status };

	if (wire_send(k->socket, &verdict, sizeof(verdict), fd))
		_exit(1);
}

static void next_worker(struct keeper *k, const struct request *r)
{
	int status = end_worker(k);

	if (r->object < k->objects.v.n)
		k->objects.v.items[r->object].level = (uint8_t)r->flag;
	(void)start_worker(k); /* that there is none is seen by what is not sent */
	answer(k, status, k->worker_socket);
}

/* The worker has it from here on; or, if it does not take it, the next one will. */
static void add_object(struct keeper *k, struct request *r, size_t size, int fd)
{
	objects_add(&k->objects, r, size, fd);
	if (k->worker_socket >= 0 && wire_send(k->worker_socket, r, size, fd))
		end_worker(k);
	answer(k, 0, -1);
}

static void open_object(struct keeper *k, struct request *r, size_t size)
{
	size_t head = HEAD_SIZE(struct request, path), n = size - head;
	char path[PATH_MAX];
	int fd, error;

	if (n >= sizeof(path))
		_exit(1);
	memcpy(path, r->path, n);
	path[n] = '\0';
	error = openers_open(&k->openers, r, path, &fd);
	if (error) {
		answer(k, error, -1);
		return;
	}
	r->kind = REQUEST_ADD;
	r->flag = true;
	add_object(k, r, size, fd);
}

static void keep(struct keeper *k)
{
	static struct request r;
	ssize_t n;
	int fd;

	while ((n = wire_receive(k->socket, &r, sizeof(r), &fd)) > 0) {
		if (n < (ssize_t)HEAD_SIZE(struct request, path))
			_exit(1);
		if (r.kind == REQUEST_ADD)
			add_object(k, &r, (size_t)n, fd);
		else if (r.kind == REQUEST_OPEN)
			open_object(k, &r, (size_t)n);
		else if (r.kind == REQUEST_WORKER)
			next_worker(k, &r);
	}
	openers_end(&k->openers);
	end_worker(k);
}

static void run_keeper(const struct sym_opts *opts, worker_fn worker, int socket, pid_t parent)
{
	struct keeper k = { .worker = worker,
			    .objects.debuginfod = opts->debuginfod,
			    .socket = FIRST_FREE,
			    .worker_socket = -1 };

	if (block_signals() || keep_only(socket) || sandbox_keeper(opts))
		_exit(1);
	die_with(parent);
	prctl(PR_SET_NAME, "concprof-sym", 0, 0, 0);
	if (opts->debuginfod) {
		environ = opts->environ;
		setenv("DEBUGINFOD_URLS", opts->debuginfod_urls, 1);
	} else {
		unsetenv("DEBUGINFOD_URLS");
	}
	keep(&k);
	_exit(0);
}

int keeper_start(const struct sym_opts *opts, worker_fn worker, int *ret_socket, pid_t *ret_pid)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid)
		run_keeper(opts, worker, pair[1], parent);
	if (pid < 0) {
		int r = -errno;

		close(pair[0]);
		close(pair[1]);
		return r;
	}
	close(pair[1]);
	*ret_socket = pair[0];
	*ret_pid = pid;
	return 0;
}
