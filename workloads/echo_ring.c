// SPDX-License-Identifier: BSD-2-Clause
/* A server that hands its requests to the kernel and learns later that they are done: io_uring, by
 * its system calls alone. */
#include "echo.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 64
#define LISTEN	CLIENTS /* user_data of a request for who comes; below: of a client's */

static struct io_uring_params params;
static int ring;
static char *sq, *cq;
static struct io_uring_sqe *sqes;
static uint32_t n_queued;

static struct client {
	int fd;
	bool is_sending;
	char message[MESSAGE];
} clients[CLIENTS];

static void *map_ring(size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, offset);

	must(p == MAP_FAILED ? -1 : 0, "mmap of io_uring");
	return p;
}

static uint32_t *word(char *at, uint32_t offset)
{
	return (uint32_t *)(void *)(at + offset);
}

static const char *open_ring(void)
{
	ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
	if (ring == -1)
		return "io_uring is not permitted";
	sq = map_ring(params.sq_off.array + params.sq_entries * sizeof(uint32_t),
		      IORING_OFF_SQ_RING);
	cq = map_ring(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		      IORING_OFF_CQ_RING);
	sqes = map_ring(params.sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	return NULL;
}

static void queue(struct io_uring_sqe sqe)
{
	uint32_t tail = *word(sq, params.sq_off.tail);
	uint32_t slot = tail & *word(sq, params.sq_off.ring_mask);

	sqes[slot] = sqe;
	word(sq, params.sq_off.array)[slot] = slot;
	__atomic_store_n(word(sq, params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	n_queued++;
}

static void transfer(uint32_t which, bool is_sending, uint32_t size)
{
	struct client *c = &clients[which];

	c->is_sending = is_sending;
	queue((struct io_uring_sqe){ .opcode = is_sending ? IORING_OP_SEND : IORING_OP_RECV,
				     .fd = c->fd,
				     .addr = (uintptr_t)c->message,
				     .len = size,
				     .user_data = which });
}

static void await_client(int listener)
{
	queue((struct io_uring_sqe){
		.opcode = IORING_OP_ACCEPT, .fd = listener, .user_data = LISTEN });
}

/* False: there is none. */
static bool pop(struct io_uring_cqe *ret)
{
	uint32_t head = *word(cq, params.cq_off.head);
	const struct io_uring_cqe *cqes = (const void *)(cq + params.cq_off.cqes);

	if (__atomic_load_n(word(cq, params.cq_off.tail), __ATOMIC_ACQUIRE) == head)
		return false;
	*ret = cqes[head & *word(cq, params.cq_off.ring_mask)];
	__atomic_store_n(word(cq, params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	errno = ret->res < 0 ? -ret->res : 0;
	must(ret->res < 0 ? -1 : 0, "a request");
	return true;
}

static const char *serve_by_ring(int listener)
{
	const char *reason = open_ring();
	uint32_t n_clients = 0, n_gone = 0;
	struct io_uring_cqe done;

	if (reason)
		return reason;
	await_client(listener);
	while (n_gone < CLIENTS) {
		must(syscall(SYS_io_uring_enter, ring, n_queued, 1, IORING_ENTER_GETEVENTS, NULL,
			     0),
		     "io_uring_enter");
		n_queued = 0;
		while (pop(&done)) {
			uint32_t which = (uint32_t)done.user_data;

			if (which == LISTEN) {
				clients[n_clients].fd = done.res;
				transfer(n_clients++, false, MESSAGE);
				if (n_clients < CLIENTS)
					await_client(listener);
			} else if (!done.res) {
				n_gone++;
			} else {
				transfer(which, !clients[which].is_sending,
					 clients[which].is_sending ? MESSAGE : (uint32_t)done.res);
			}
		}
	}
	return NULL;
}

const struct server ring_servers[] = {
	{ "ring", serve_by_ring, "io_uring", 1, false },
	{ 0 },
};
