// SPDX-License-Identifier: BSD-2-Clause
/* The side that asks. It believes nothing that a worker says: a hostile object may have taken it over. */
#include "sym/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define CACHE_SIZE	   4096 /* rules; a power of two */
#define CPU_SECONDS	   5
#define CPU_SECONDS_NAMES  10 /* the first names of an object may have to read a gigabyte */
#define DEBUGINFOD_SECONDS 120
#define PATIENCE	   2  /* how much longer than its CPU time a request may take */
#define KEEPER_SECONDS	   10 /* for it to answer, and for any message to be taken */

/* A rule that was asked for, or that there is none. */
struct cached {
	uint64_t offset;
	uint32_t object; /* + 1; 0: empty */
	int error;
	struct unwind_rule rule;
};

struct known {
	uint8_t level;
	int error; /* REFUSED: what it did */
};

struct sym {
	int keeper, worker; /* sockets; -1: none */
	pid_t pid;	    /* of the keeper */
	bool debuginfod;
	unsigned patience_ms; /* 0: as it is due */
	VEC(struct known) objects;
	struct request request;
	struct answer answer;
	struct cached cache[CACHE_SIZE];
};

static int64_t now_ms(void)
{
	return clock_ns() / 1000000;
}

/* As wire_receive(), but -ETIMEDOUT when the time has come, and -EPIPE at the end. */
static ssize_t receive_until(int socket, void *bytes, size_t size, int64_t deadline)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };
	ssize_t n;
	int r;

	do {
		int64_t left = deadline - now_ms();

		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r ? -errno : -ETIMEDOUT;
	n = wire_receive(socket, bytes, size, NULL);
	return n ? n : -EPIPE;
}

/* Has the keeper end the worker and begin another. How the old one ended; -errno. */
static int next_worker(struct sym *s, uint32_t object, uint8_t level)
{
	struct request r = { .kind = REQUEST_WORKER, .object = object, .flag = level };
	struct timeval patience = { .tv_sec = KEEPER_SECONDS };
	struct verdict verdict;
	int pair[2];
	ssize_t n;

	if (s->worker >= 0)
		close(s->worker);
	s->worker = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	n = wire_send(s->keeper, &r, HEAD_SIZE(struct request, path), pair[1]);
	close(pair[1]);
	if (!n)
		n = receive_until(s->keeper, &verdict, sizeof(verdict),
				  now_ms() + KEEPER_SECONDS * 1000);
	if (n != sizeof(verdict)) {
		close(pair[0]);
		return n < 0 ? (int)n : -EIO;
	}
	/* one that reads nothing any more must not hold us up either */
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience))) {
		close(pair[0]);
		return -errno;
	}
	s->worker = pair[0];
	return verdict.status;
}

/* The worker was lost by this request: its object is trusted one step less. 0: try again; else what
 * to say of it. */
static int blame(struct sym *s, uint32_t object, int error)
{
	struct known *known = &s->objects.items[object];
	int status;

	if (known->level < OBJECT_REFUSED)
		known->level++;
	status = next_worker(s, object, known->level);
	if (status < 0)
		return -EIO;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		error = -ETIMEDOUT;
	if (known->level < OBJECT_REFUSED)
		return 0;
	known->error = error == -ETIMEDOUT ? error : -EIO;
	return known->error;
}

static unsigned cpu_seconds(const struct sym *s)
{
	if (s->debuginfod)
		return DEBUGINFOD_SECONDS;
	return s->request.kind == REQUEST_NAMES ? CPU_SECONDS_NAMES : CPU_SECONDS;
}

/* A worker that died between two requests did so by nobody's fault; one that takes none is as good as
 * dead. */
static int send_request(struct sym *s, size_t size)
{
	int r = s->worker >= 0 ? wire_send(s->worker, &s->request, size, -1) : -EPIPE;

	if (!r)
		return 0;
	r = next_worker(s, NO_OBJECT, 0);
	if (r < 0)
		return -EIO;
	return wire_send(s->worker, &s->request, size, -1);
}

static int64_t deadline(const struct sym *s)
{
	unsigned ms = s->patience_ms ? s->patience_ms : cpu_seconds(s) * PATIENCE * 1000;

	return now_ms() + ms;
}

/* One answer, with content of a size that is a multiple of this. 0, -errno of the object, or
 * -EPIPE, -ETIMEDOUT, -EBADMSG for a worker that is of no more use. *lost tells them apart. */
static int take_answer(struct sym *s, size_t unit, int64_t until, size_t *ret_n, bool *lost)
{
	size_t head = HEAD_SIZE(struct answer, rule);
	ssize_t n = receive_until(s->worker, &s->answer, sizeof(s->answer), until);

	*lost = true;
	if (n < 0)
		return (int)n;
	if ((size_t)n < head || s->answer.error > 0 || s->answer.error < -4095 ||
	    ((size_t)n - head) % unit)
		return -EBADMSG;
	*lost = false;
	*ret_n = ((size_t)n - head) / unit;
	return s->answer.error;
}

static int refused(const struct sym *s, uint32_t object)
{
	if (object >= s->objects.n)
		return -EINVAL;
	return s->objects.items[object].level == OBJECT_REFUSED ? s->objects.items[object].error
								: 0;
}

/* A request with one number and one answer of this size. */
static int ask(struct sym *s, size_t size)
{
	size_t n = 0;
	bool lost;
	int r;

	for (;;) {
		r = refused(s, s->request.object);
		if (r)
			return r;
		s->request.n = 1;
		s->request.cpu_seconds = cpu_seconds(s);
		r = send_request(s, HEAD_SIZE(struct request, offsets[1]));
		if (r)
			return -EIO;
		r = take_answer(s, size, deadline(s), &n, &lost);
		if (!lost && !r && n != 1)
			lost = true;
		if (!lost)
			return r;
		r = blame(s, s->request.object, r);
		if (r)
			return r;
	}
}

/* Valid UTF-8 that ends within its room. */
static void mend_text(char *text, size_t size)
{
	uint32_t c;
	size_t n;

	text[size - 1] = '\0';
	for (char *at = text; *at; at += n) {
		n = utf8_decode(at, &c);
		if (!n) {
			*at = '?';
			n = 1;
		}
	}
}

/* ---- rules ---- */

static bool is_valid_from(const struct unwind_from *from)
{
	return from->kind <= UNWIND_PLT && from->reg < UNWIND_REGS;
}

static bool is_valid_rule(const struct unwind_rule *rule)
{
	uint8_t is_signal;

	memcpy(&is_signal, &rule->is_signal, 1);
	if (is_signal > 1 || !is_valid_from(&rule->cfa))
		return false;
	for (unsigned i = 0; i < UNWIND_REGS; i++) {
		if (!is_valid_from(&rule->regs[i]) || rule->regs[i].kind == UNWIND_PLT)
			return false;
	}
	return true;
}

int sym_rule(struct sym *s, uint32_t object, uint64_t offset, struct unwind_rule *ret)
{
	uint64_t hash = (offset ^ (uint64_t)object << 40) * 0x9e3779b97f4a7c15;
	struct cached *c = &s->cache[hash >> 52 & (CACHE_SIZE - 1)];
	int r = refused(s, object);

	if (r)
		return r;
	if (c->object != object + 1 || c->offset != offset) {
		s->request.kind = REQUEST_RULE;
		s->request.object = object;
		s->request.offsets[0] = offset;
		r = ask(s, sizeof(s->answer.rule));
		if (refused(s, object))
			return r;
		if (!r && !is_valid_rule(&s->answer.rule))
			r = -EIO;
		*c = (struct cached){ offset, object + 1, r, s->answer.rule };
	}
	if (!c->error)
		*ret = c->rule;
	return c->error;
}

/* ---- names ---- */

struct place {
	uint64_t offset;
	size_t index; /* the caller's */
};

static int give_names(struct sym *s, size_t n, size_t index, sym_frame_fn fn, void *ctx)
{
	struct sym_frame frames[SYM_DEPTH];

	for (size_t i = 0; i < n; i++) {
		struct place_frame *from = &s->answer.frames[i];

		mend_text(from->function, sizeof(from->function));
		mend_text(from->file, sizeof(from->file));
		frames[i] = (struct sym_frame){
			.function = from->function[0] ? from->function : NULL,
			.file = from->file[0] ? from->file : NULL,
			.line = from->line,
			.is_inlined = from->is_inlined && i + 1 < n,
		};
	}
	return fn(ctx, index, frames, n);
}

/* One request's worth. *done grows with each that fn was called for. */
static int names_of(struct sym *s, const struct place *places, size_t n, size_t *done,
		    sym_frame_fn fn, void *ctx)
{
	int64_t until = deadline(s);
	bool lost = false;
	int ret = 0;
	size_t got;

	/* when fn wants no more, the answers still come */
	for (size_t i = 0; i < n; i++) {
		int r = take_answer(s, sizeof(*s->answer.frames), until, &got, &lost);

		if (!lost && (got > SYM_DEPTH || (!r && got != s->answer.n))) {
			lost = true;
			r = -EBADMSG;
		}
		if (lost) {
			r = blame(s, s->request.object, r);
			return ret ? ret : r;
		}
		if (r) /* one answer to all of it */
			return r;
		if (!ret) {
			ret = give_names(s, got, places[i].index, fn, ctx);
			++*done;
		}
	}
	return ret;
}

static int by_offset(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int ask_names(struct sym *s, uint32_t object, const struct place *places, size_t n,
		     sym_frame_fn fn, void *ctx)
{
	size_t done = 0;
	int r = refused(s, object);

	while (!r && done < n) {
		size_t now = n - done < NAMES_MAX ? n - done : NAMES_MAX;

		s->request.kind = REQUEST_NAMES;
		s->request.object = object;
		s->request.n = (uint32_t)now;
		s->request.cpu_seconds = cpu_seconds(s);
		for (size_t i = 0; i < now; i++)
			s->request.offsets[i] = places[done + i].offset;
		if (send_request(s, HEAD_SIZE(struct request, offsets[now])))
			return -EIO;
		r = names_of(s, places + done, now, &done, fn, ctx);
	}
	return r;
}

int sym_names(struct sym *s, uint32_t object, const uint64_t *offsets, size_t n, sym_frame_fn fn,
	      void *ctx)
{
	struct place *places = reallocarray(NULL, n + 1, sizeof(*places));
	int r;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){ offsets[i], i };
	/* what lies together is read together */
	qsort(places, n, sizeof(*places), by_offset);
	r = ask_names(s, object, places, n, fn, ctx);
	free(places);
	return r;
}

/* ---- the rest ---- */

int sym_image(struct sym *s, uint32_t object, uint64_t offset, bool executable,
	      uint64_t *ret_address)
{
	int r;

	s->request.kind = REQUEST_IMAGE;
	s->request.object = object;
	s->request.flag = executable;
	s->request.offsets[0] = offset;
	r = ask(s, sizeof(s->answer.address));
	if (!r)
		*ret_address = s->answer.address;
	return r;
}

int sym_data(struct sym *s, uint32_t object, uint64_t address, struct sym_data *ret)
{
	int r;

	s->request.kind = REQUEST_DATA;
	s->request.object = object;
	s->request.offsets[0] = address;
	r = ask(s, sizeof(s->answer.data));
	if (r)
		return r;
	*ret = s->answer.data;
	mend_text(ret->name, sizeof(ret->name));
	mend_text(ret->file, sizeof(ret->file));
	return 0;
}

int sym_add(struct sym *s, int fd, const char *path, uint32_t *ret_object)
{
	struct request *r = &s->request;
	size_t length = strlen(path), size;

	if (s->objects.n == SYM_OBJECTS_MAX)
		return -ENOSPC;
	if (length >= sizeof(r->path))
		length = 0; /* it only helps to find debug files */
	r->kind = REQUEST_ADD;
	r->flag = fd >= 0;
	memcpy(r->path, path, length);
	size = HEAD_SIZE(struct request, path) + length;
	/* first where it is to stay: the next worker has it from there */
	if (wire_send(s->keeper, r, size, fd))
		return -EIO;
	if (s->worker < 0 || wire_send(s->worker, r, size, fd)) {
		if (next_worker(s, NO_OBJECT, 0) < 0)
			return -EIO;
	}
	*ret_object = (uint32_t)s->objects.n;
	*vec_add(&s->objects) = (struct known){ .level = OBJECT_FULL };
	return 0;
}

int client_start(struct sym **ret, const struct sym_opts *opts, worker_fn worker,
		 unsigned patience_ms, struct err *err)
{
	struct sym *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(err, -ENOMEM, "cannot name functions: out of memory");
	s->keeper = s->worker = -1;
	s->debuginfod = opts->debuginfod;
	s->patience_ms = patience_ms;
	r = keeper_start(opts, worker, &s->keeper, &s->pid);
	if (!r) {
		r = next_worker(s, NO_OBJECT, 0);
		r = r < 0 ? r : 0;
	}
	if (r) {
		sym_stop(s);
		return err_set(err, r, "cannot start the process that names functions: %s",
			       strerror(-r));
	}
	*ret = s;
	return 0;
}

int sym_start(struct sym **ret, const struct sym_opts *opts, struct err *err)
{
	return client_start(ret, opts, worker_serve, 0, err);
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
		while (wait4(s->pid, NULL, 0, &use) < 0 && errno == EINTR)
			;
	}
	free(s->objects.items);
	free(s);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000ull +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000ull;
}
