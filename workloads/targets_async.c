// SPDX-License-Identifier: BSD-2-Clause
/* Requests that are waited for later: io_uring and the kernel's aio, by their system calls alone. */
#include "targets_async.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 8
#define BLOCK	4096
#define BLOCKS	256
#define WARM_UP (200 * MS) /* concprof attaches to completions at the first wait at a ring */

/* --- rings ------------------------------------------------------------------------------- */

struct ring ring;
static struct io_uring_sqe requests[2]; /* of each object, by its user_data */
bool is_pending[2], is_early[2];

static void *map_ring(size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
		       offset);

	must(p == MAP_FAILED ? -1 : 0, "mmap of io_uring");
	return p;
}

static const char *open_ring(uint32_t flags)
{
	struct io_uring_params *p = &ring.params;

	*p = (struct io_uring_params){ .flags = flags, .sq_thread_idle = 2 };
	ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, p);
	if (ring.fd == -1)
		return "io_uring is not permitted, or cannot do that";
	ring.sq = map_ring(p->sq_off.array + p->sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	ring.cq = map_ring(p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			   IORING_OFF_CQ_RING);
	ring.sqes = map_ring(p->sq_entries * sizeof(*ring.sqes), IORING_OFF_SQES);
	return NULL;
}

static uint32_t *word(char *at, uint32_t offset)
{
	return (uint32_t *)(void *)(at + offset);
}

void queue(const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *off = &ring.params.sq_off;
	uint32_t tail = *word(ring.sq, off->tail);
	uint32_t slot = tail & *word(ring.sq, off->ring_mask);

	ring.sqes[slot] = *sqe;
	word(ring.sq, off->array)[slot] = slot;
	__atomic_store_n(word(ring.sq, off->tail), tail + 1, __ATOMIC_RELEASE);
}

static uint32_t queued(void)
{
	return *word(ring.sq, ring.params.sq_off.tail) -
	       __atomic_load_n(word(ring.sq, ring.params.sq_off.head), __ATOMIC_ACQUIRE);
}

void enter(uint32_t least)
{
	uint32_t flags = least ? IORING_ENTER_GETEVENTS : 0;

	if (ring.params.flags & IORING_SETUP_SQPOLL &&
	    __atomic_load_n(word(ring.sq, ring.params.sq_off.flags), __ATOMIC_SEQ_CST) &
		    IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	must(syscall(SYS_io_uring_enter, ring.fd, queued(), least, flags, NULL, 0),
	     "io_uring_enter");
}

uint64_t pop(void)
{
	const struct io_cqring_offsets *off = &ring.params.cq_off;
	uint32_t head = *word(ring.cq, off->head);
	const struct io_uring_cqe *cqes = (const void *)(ring.cq + off->cqes), *cqe;

	cqe = &cqes[head & *word(ring.cq, off->ring_mask)];
	if (__atomic_load_n(word(ring.cq, off->tail), __ATOMIC_ACQUIRE) == head)
		return 0;
	errno = cqe->res < 0 ? -cqe->res : 0;
	must(cqe->res < 0 ? -1 : 0, "a request");
	__atomic_store_n(word(ring.cq, off->head), head + 1, __ATOMIC_RELEASE);
	return cqe->user_data;
}

/* On a busy machine the one after it may be there, too, or even before it. */
static void reap(uint64_t due)
{
	uint64_t found;

	while (!is_early[due - 1] && (found = pop()) != due) {
		if (found)
			is_early[found - 1] = true;
		else
			enter(1);
	}
	is_early[due - 1] = false;
}

static void warm_up(struct record *unused, int party)
{
	struct __kernel_timespec time = { .tv_nsec = WARM_UP };
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_TIMEOUT, .fd = -1, .addr = (uintptr_t)&time, .len = 1
	};

	(void)unused, (void)party;
	must0(open_ring(0) ? EPERM : 0, "io_uring_setup");
	queue(&sqe);
	enter(1);
	must(close(ring.fd), "close");
}

static const char *make_ring(uint32_t flags)
{
	struct actor first = { .comm = "first", .body = warm_up };
	const char *reason = open_ring(flags);

	if (reason)
		return reason;
	must(close(ring.fd), "close");
	actor_start(&first);
	actor_end(&first);
	return open_ring(flags);
}

static char bytes[2];

static void read_objects(int n)
{
	for (int i = 0; i < n; i++)
		requests[i] = (struct io_uring_sqe){
			.opcode = IORING_OP_READ,
			.fd = objects[i].fd,
			.addr = (uintptr_t)&bytes[i],
			.len = 1,
			.user_data = (uint64_t)i + 1,
		};
}

static const char *make_piped(void)
{
	make_pipe_of(&objects[0]);
	read_objects(1);
	return make_ring(0);
}

static const char *make_fifos(uint32_t flags)
{
	make_fifo_of(&objects[0], "a");
	make_fifo_of(&objects[1], "b");
	read_objects(2);
	return make_ring(flags);
}

const char *make_two(void)
{
	return make_fifos(0);
}

static const char *make_deferred(void)
{
	return make_fifos(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

/* On one CPU, so that both are there before the waiter is. */
static const char *make_first(void)
{
	bind_to_one_cpu();
	return make_two();
}

static const char *make_polled(void)
{
	return make_fifos(IORING_SETUP_SQPOLL);
}

static const char *make_pair(void)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	objects[0].fd = ends[0];
	objects[0].partner = ends[1];
	read_objects(1);
	return make_ring(0);
}

void ask(struct object *o, long i)
{
	(void)o, (void)i;
	for (int k = 0; k < 2; k++) {
		if (!requests[k].user_data || is_pending[k])
			continue;
		queue(&requests[k]);
		is_pending[k] = true;
	}
}

/* What is there already is not waited for: the kernel's thread may be done with it at any moment. */
static void ask_one(struct object *o, long i)
{
	struct pollfd now = { .fd = o->fd, .events = POLLIN };

	is_early[o - objects] = must(poll(&now, 1, 0), "poll");
	if (is_early[o - objects]) {
		read_it(o, i);
		return;
	}
	queue(&requests[o - objects]);
	enter(0);
}

static void await_it(struct object *o, long i)
{
	(void)i;
	if (!is_early[o - objects])
		enter(1);
}

void take(struct object *o, long i)
{
	(void)i;
	reap((uint64_t)(o - objects) + 1);
	is_pending[o - objects] = false;
}

/* The second is there right after the first, which ends the wait. */
static void write_both(struct object *o, long i)
{
	write_it(o, i);
	must(write(objects[1].partner, "x", 1), "write");
}

static void take_both(struct object *o, long i)
{
	take(o, i);
	sleep_ns(300 * US);
	take(&objects[1], i);
}

/* Once asked for, each is told again and again. */
static const char *make_shots(void)
{
	const char *reason = make_fifos(0);

	for (int i = 0; i < 2; i++) {
		requests[i].opcode = IORING_OP_POLL_ADD;
		requests[i].len = IORING_POLL_ADD_MULTI;
		requests[i].addr = 0;
		requests[i].poll32_events = POLLIN;
	}
	return reason;
}

/* Two writes that it was too late for may be told as one. */
static void take_shot(struct object *o, long i)
{
	static ssize_t left[2];
	char buffer[64];
	long n = o - objects;

	(void)i;
	reap((uint64_t)n + 1);
	if (!left[n])
		left[n] = must(read(o->fd, buffer, sizeof(buffer)), "read");
	is_early[n] = --left[n];
}

/* --- a disk ------------------------------------------------------------------------------ */

static void *block;

/* What it waits for on the way is another row, under another name. */
static const char *make_file(void)
{
	struct object *o = &objects[0];
	struct account from;
	char first[64];
	int fd;

	own_name(first, sizeof(first), "first");
	own_name(o->text[BY_PATH], sizeof(o->text[0]), "file");
	must0(posix_memalign(&block, BLOCK, BLOCK), "posix_memalign");
	memset(block, 'x', BLOCK);
	fd = (int)must(open(first, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), "open");
	for (int i = 0; i < BLOCKS; i++)
		must(write(fd, block, BLOCK), "write");
	must(fsync(fd), "fsync");
	must(close(fd), "close");
	o->fd = open(first, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (o->fd == -1)
		return "files here have no device that is read around the cache";
	from = account_now();
	for (int i = 0; i < BLOCKS; i++)
		must(pread(o->fd, block, BLOCK, (off_t)i * BLOCK), "pread");
	from = account_since(from);
	must(rename(first, o->text[BY_PATH]), "rename");
	return account_blocked(from) > from.cpu / 2 ? NULL : "reads hardly wait here";
}

static off_t place_of(long i)
{
	return (off_t)((uint32_t)i * 2654435761u >> 20) % BLOCKS * BLOCK;
}

static const char *make_read(void)
{
	const char *reason = make_file();

	return reason ? reason : make_ring(0);
}

static void ask_block(struct object *o, long i)
{
	queue(&(struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.fd = o->fd,
		.addr = (uintptr_t)block,
		.len = BLOCK,
		.off = (uint64_t)place_of(i),
		.user_data = 1,
	});
}

/* Done by a worker of the kernel, which waits for the disk. */
static const char *make_sync(void)
{
	const char *reason = make_read();

	if (reason)
		return reason;
	must(close(objects[0].fd), "close");
	objects[0].fd = (int)must(open(objects[0].text[BY_PATH], O_WRONLY | O_CLOEXEC), "open");
	return NULL;
}

static void ask_sync(struct object *o, long i)
{
	must(pwrite(o->fd, block, BLOCK, place_of(i)), "pwrite");
	queue(&(struct io_uring_sqe){ .opcode = IORING_OP_FSYNC, .fd = o->fd, .user_data = 1 });
}

/* --- the kernel's aio ---------------------------------------------------------------------- */

aio_context_t context;
static struct iocb iocbs[2];

/* Whoever watches comes to know from a first wait that there is aio: for a file, who is apart. */
static void warm_up_aio(struct record *unused, int party)
{
	struct timespec time = { .tv_nsec = WARM_UP };
	aio_context_t own = 0;
	struct io_event event;

	(void)unused, (void)party;
	must(syscall(SYS_io_setup, 1, &own), "io_setup");
	must(syscall(SYS_io_getevents, own, 1, 1, &event, &time), "io_getevents");
	must(syscall(SYS_io_destroy, own), "io_destroy");
}

static const char *make_context(void)
{
	struct actor first = { .comm = "first", .body = warm_up_aio };

	if (syscall(SYS_io_setup, ENTRIES, &context) == -1)
		return "there is no aio";
	actor_start(&first);
	actor_end(&first);
	return NULL;
}

static const char *make_aio(void)
{
	make_pipe_of(&objects[0]);
	return make_context();
}

const char *make_aio_two(void)
{
	make_fifo_of(&objects[0], "a");
	make_fifo_of(&objects[1], "b");
	return make_context();
}

static const char *make_aio_read(void)
{
	const char *reason = make_file();

	return reason ? reason : make_context();
}

void submit(struct iocb *iocb)
{
	must(syscall(SYS_io_submit, context, 1, &iocb), "io_submit");
}

/* All objects are always asked for: only which one is done tells what was waited for. */
static void ask_poll(struct object *o, long i)
{
	(void)o, (void)i;
	for (int k = 0; k < 2; k++) {
		if (objects[k].fd <= 0 || is_pending[k])
			continue;
		iocbs[k] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_POLL,
					  .aio_fildes = (uint32_t)objects[k].fd,
					  .aio_buf = POLLIN };
		submit(&iocbs[k]);
		is_pending[k] = true;
	}
}

static void ask_read(struct object *o, long i)
{
	iocbs[0] = (struct iocb){
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)o->fd,
		.aio_buf = (uintptr_t)block,
		.aio_nbytes = BLOCK,
		.aio_offset = place_of(i),
	};
	submit(&iocbs[0]);
}

static void await_event(struct object *o, long i)
{
	struct io_event event;

	(void)i;
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), "io_getevents");
	must0(event.obj == (uintptr_t)&iocbs[o - objects] ? 0 : EIO,
	      "the event of another request");
	is_pending[o - objects] = false;
}

void close_ring(void)
{
	const struct io_uring_params *p = &ring.params;

	must(munmap(ring.sqes, p->sq_entries * sizeof(*ring.sqes)), "munmap");
	must(munmap(ring.sq, p->sq_off.array + p->sq_entries * sizeof(uint32_t)), "munmap");
	must(munmap(ring.cq, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe)),
	     "munmap");
	must(close(ring.fd), "close");
}

#define URING "io.uring"
#define PIPED "pipe", URING, BY_PATH, 1
#define FILED "file", URING, BY_PATH, 1
#define AIO   .wait = await_event, .mixed = true
#define RING  .wait = await_it, .end = close_ring, .mixed = true
#define TOLD  RING, .let = write_it

const struct target async_targets[] = {
	{ "uring", "pipe", URING, BY_KIND, 1, make_piped, .before = ask, .after = take, TOLD },
	{ "uring-pair", "socket", URING, BY_KIND, 1, make_pair, .before = ask, .after = take,
	  TOLD },
	{ "uring-two", PIPED, make_two, .before = ask, .after = take, TOLD, .replaced = true },
	{ "uring-deferred", PIPED, make_deferred, .before = ask, .after = take, TOLD,
	  .replaced = true },
	{ "uring-polled", PIPED, make_polled, .before = ask_one, .after = take, TOLD,
	  .replaced = true },
	{ "uring-first", PIPED, make_first, .before = ask, .after = take_both, RING,
	  .let = write_both },
	{ "uring-shots", PIPED, make_shots, .before = ask, .after = take_shot, TOLD,
	  .replaced = true },
	{ "uring-disk", FILED, make_read, .before = ask_block, .after = take, RING },
	{ "uring-sync", FILED, make_sync, .before = ask_sync, .after = take, RING },
	{ "aio", "pipe", "io.aio", BY_KIND, 1, make_aio, .before = ask_poll, AIO, .after = read_it,
	  .let = write_it },
	{ "aio-two", "pipe", "io.aio", BY_PATH, 1, make_aio_two, .before = ask_poll, AIO,
	  .after = read_it, .let = write_it, .replaced = true },
	{ "aio-disk", "file", "io.aio", BY_PATH, 1, make_aio_read, .before = ask_read, AIO },
	{ 0 },
};
