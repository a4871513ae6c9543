/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TARGETS_ASYNC_H
#define TARGETS_ASYNC_H

/* What is asked of the kernel now and done later; the objects' user_data is 1 and 2. */
#include "targets.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>

struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

extern struct ring ring;
extern bool is_pending[2], is_early[2];
extern aio_context_t context;

void queue(const struct io_uring_sqe *sqe);
/* What is queued goes to the kernel; waits for so many completions. */
void enter(uint32_t least);
/* Returns the user_data of a completion; 0: there is none. */
uint64_t pop(void);
/* Two FIFOs and a ring. */
const char *make_two(void);
/* Both objects are always asked for: only which one is done tells what was waited for. */
void ask(struct object *o, long i);
void take(struct object *o, long i);
void close_ring(void);

/* Two FIFOs and a context of the kernel's aio. */
const char *make_aio_two(void);
void submit(struct iocb *iocb);

#endif
