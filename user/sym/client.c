// SPDX-License-Identifier: BSD-2-Clause
/* The side that asks. It believes nothing that a worker says: a hostile object may have taken it over. */
#include "sym/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/debuginfod.h"

#define CPU_SECONDS	   5
#define CPU_SECONDS_NAMES  10 /* the first names of an object may have to read a gigabyte */
#define DEBUGINFOD_SECONDS 120
#define PATIENCE	   2	/* how much longer than its CPU time a request may take */
#define KEEPER_SECONDS	   10	/* for it to answer */
#define STOP_MS		   3000 /* ... to end */

int64_t client_now_ms(void)
{
	return clock_ns() / 1000000;
}

/* As wire_receive(), but -ETIMEDOUT when the time has come, -ECANCELED, and -EPIPE at the end. */
static ssize_t receive_until(struct sym *s, int socket, void *bytes, size_t size, int64_t deadline,
			     int *ret_fd)
{
	struct pollfd p[] = { { .fd = socket, .events = POLLIN },
			      { .fd = s->cancel, .events = POLLIN } };
	ssize_t n;
	int r;

	do {
		int64_t left = deadline - client_now_ms();

		r = poll(p, 2, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r ? -errno : -ETIMEDOUT;
	if (p[1].revents) {
		/* what is still to come is of no use: it would answer the next question */
		s->over = -ECANCELED;
		return s->over;
	}
	n = wire_receive(socket, bytes, size, ret_fd);
	return n ? n : -EPIPE;
}

/* What the keeper says to what it was asked just now. One that does not answer is lost for good: its
 * answer would be taken for another one. */
static int take_verdict(struct sym *s, struct verdict *ret, int *ret_fd)
{
	ssize_t n = receive_until(s, s->keeper, ret, sizeof(*ret),
				  client_now_ms() + KEEPER_SECONDS * 1000, ret_fd);

	if (n != sizeof(*ret) && !s->over)
		s->over = -EIO;
	return s->over;
}

/* Has the keeper end the worker and begin another. How the old one ended; -errno. */
static int next_worker(struct sym *s, uint32_t object, uint8_t level)
{
	struct request r = { .kind = REQUEST_WORKER, .object = object, .flag = level };
	struct verdict verdict;
	int error = s->over;

	if (s->worker >= 0)
		close(s->worker);
	s->worker = -1;
	s->late.is = false;
	if (!error)
		error = wire_send(s->keeper, &r, HEAD_SIZE(struct request, path), -1);
	if (!error)
		error = take_verdict(s, &verdict, &s->worker);
	if (!error && s->worker < 0)
		error = -EIO;
	return error ? error : verdict.status;
}

int client_blame(struct sym *s, uint32_t object, int error)
{
	struct known *known = &s->objects.items[object];
	int status;

	if (known->level < OBJECT_REFUSED)
		known->level++;
	known->error = -EIO;
	status = next_worker(s, object, known->level);
	if (status < 0)
		return s->over ? s->over : -EIO;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		error = -ETIMEDOUT;
	if (known->level < OBJECT_REFUSED)
		return 0;
	known->error = error == -ETIMEDOUT ? error : -EIO;
	return known->error;
}

unsigned client_cpu_seconds(const struct sym *s)
{
	if (s->request.kind != REQUEST_NAMES)
		return CPU_SECONDS;
	return s->debuginfod ? DEBUGINFOD_SECONDS : CPU_SECONDS_NAMES;
}

int client_send(struct sym *s, size_t size)
{
	int r = s->worker >= 0 ? wire_send(s->worker, &s->request, size, -1) : -EPIPE;

	if (!r)
		return 0;
	r = next_worker(s, NO_OBJECT, 0);
	if (r >= 0)
		r = wire_send(s->worker, &s->request, size, -1);
	return r ? -EIO : 0;
}

int64_t client_deadline(const struct sym *s)
{
	unsigned ms = s->patience_ms ? s->patience_ms : client_cpu_seconds(s) * PATIENCE * 1000;

	return client_now_ms() + ms;
}

int client_take_answer(struct sym *s, size_t unit, int64_t until, size_t *ret_n, bool *lost)
{
	size_t head = HEAD_SIZE(struct answer, rule);
	ssize_t n = receive_until(s, s->worker, &s->answer, sizeof(s->answer), until, NULL);

	*lost = true;
	if (n < 0)
		return (int)n;
	if ((size_t)n < head || s->answer.error > 0 || s->answer.error < -4095 ||
	    s->answer.error == -EAGAIN || s->answer.error == -ECANCELED ||
	    ((size_t)n - head) % unit)
		return -EBADMSG;
	*lost = false;
	*ret_n = ((size_t)n - head) / unit;
	return s->answer.error;
}

int client_refused(const struct sym *s, uint32_t object)
{
	if (s->over)
		return s->over;
	if (object >= s->objects.n)
		return -EINVAL;
	return s->objects.items[object].level == OBJECT_REFUSED ? s->objects.items[object].error
								: 0;
}

int client_send_number(struct sym *s)
{
	s->request.n = 1;
	s->request.cpu_seconds = client_cpu_seconds(s);
	return client_send(s, HEAD_SIZE(struct request, offsets[1]));
}

int client_take_one(struct sym *s, size_t size, int64_t until, bool *ret_is_there)
{
	size_t n = 0;
	bool lost;
	int r = client_take_answer(s, size, until, &n, &lost);

	*ret_is_there = !lost && (r || n == 1);
	return *ret_is_there || s->over ? r : client_blame(s, s->request.object, r);
}

/* The keeper is to have an object: REQUEST_ADD or REQUEST_OPEN. A worker that is busy takes nothing
 * in. */
static int add(struct sym *s, const char *path, int fd, bool wait, uint32_t *ret_object)
{
	struct request *r = &s->request;
	struct verdict verdict;
	size_t length = strlen(path);
	int error = s->over;

	if (!error && s->objects.n == SYM_OBJECTS_MAX)
		error = -ENOSPC;
	if (!error)
		error = client_settle(s, wait ? INT64_MAX : 0);
	if (error)
		return error;
	memcpy(r->path, path, length);
	error = wire_send(s->keeper, r, HEAD_SIZE(struct request, path) + length, fd);
	if (!error)
		error = take_verdict(s, &verdict, NULL);
	if (!error)
		error = verdict.status;
	if (error)
		return error;
	*ret_object = (uint32_t)s->objects.n;
	*vec_add(&s->objects) = (struct known){ .level = OBJECT_FULL };
	return 0;
}

int sym_add(struct sym *s, int fd, const char *path, uint32_t *ret_object)
{
	s->request.kind = REQUEST_ADD;
	s->request.flag = fd >= 0;
	/* it only helps to find debug files */
	return add(s, strlen(path) < PATH_MAX ? path : "", fd, true, ret_object);
}

int sym_open(struct sym *s, const struct sym_file *file, const char *path, bool wait,
	     uint32_t *ret_object)
{
	bool has_file = strcmp(path, SYM_VDSO) != 0;

	s->request.kind = has_file ? REQUEST_OPEN : REQUEST_ADD;
	s->request.flag = false;
	s->request.file = *file;
	return strlen(path) < PATH_MAX ? add(s, path, -1, wait, ret_object) : -ENAMETOOLONG;
}

void sym_cancel_by(struct sym *s, int fd)
{
	s->cancel = fd;
}

int client_start(struct sym **ret, const struct sym_opts *opts, worker_fn worker,
		 unsigned patience_ms, struct err *err)
{
	struct sym *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_failed(err, -ENOMEM, "cannot name functions");
	s->keeper = s->worker = s->cancel = -1;
	s->debuginfod = opts->debuginfod;
	s->patience_ms = patience_ms;
	r = keeper_start(opts, worker, &s->keeper, &s->pid);
	if (!r) {
		r = next_worker(s, NO_OBJECT, 0);
		r = r < 0 ? r : 0;
	}
	if (r) {
		sym_stop(s);
		return err_failed(err, r, "cannot start the process that names functions");
	}
	*ret = s;
	return 0;
}

static int check_debuginfod(const struct sym_opts *opts, struct err *err)
{
	if (!opts->debuginfod_urls || !*opts->debuginfod_urls)
		return err_set(
			err, -EINVAL,
			"--debuginfod: there is no server to ask; set DEBUGINFOD_URLS to the "
			"addresses of some");
	return debuginfod_check(err);
}

int sym_start(struct sym **ret, const struct sym_opts *opts, struct err *err)
{
	int error = opts->debuginfod ? check_debuginfod(opts, err) : 0;

	if (error)
		return error;
	return client_start(ret, opts, worker_serve, 0, err);
}

/* It ends by itself when its socket does; but a dead file system may hold it for ever. */
static void wait_for_keeper(struct sym *s, struct rusage *use)
{
	struct pollfd ended = { .events = POLLIN };

	ended.fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (ended.fd < 0)
		return;
	if (!wire_wait(&ended, 1, STOP_MS)) {
		kill(s->pid, SIGKILL);
		(void)wire_wait(&ended, 1, STOP_MS);
	}
	close(ended.fd);
	while (wait4(s->pid, NULL, WNOHANG, use) < 0 && errno == EINTR)
		;
}

uint64_t sym_stop(struct sym *s)
{
	struct rusage use = { 0 };

	if (!s)
		return 0;
	if (s->worker >= 0)
		close(s->worker);
	if (s->keeper >= 0) {
		/* a child of ours that executes nothing may hold a copy of the descriptor */
		shutdown(s->keeper, SHUT_RDWR);
		close(s->keeper);
		wait_for_keeper(s, &use);
	}
	free(s->objects.items);
	free(s);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000ull +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000ull;
}
