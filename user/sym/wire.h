/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Between the client (in concprof), the keeper and the worker; each message is one packet.
 *
 * The keeper is forked first, reads nothing hostile, and has the descriptor of each object. It forks
 * the worker, which reads objects, and another one after that has died or been given up: so a worker
 * never is a copy of what the client has become since. Files are opened by children of its own, one
 * for each (opener.c).
 *
 * The client has one end of the worker's socket, and the keeper the same one: what it sends is there
 * before what the client asks next.
 */
#include <poll.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/object.h"

#define NAMES_MAX 512 /* offsets in one request */

enum request_kind {
	REQUEST_ADD,  /* with the object's descriptor: to the keeper, which says it to the worker */
	REQUEST_OPEN, /* the same without; the keeper opens it. The answer to both: a verdict */
	REQUEST_RULE,
	REQUEST_IMAGE,
	REQUEST_NAMES, /* an answer for each offset */
	REQUEST_DATA,
	REQUEST_IMAGE_END,
	REQUEST_WORKER, /* to the keeper: another one; a verdict, with its socket */
};

struct request {
	uint32_t kind, object;
	uint32_t
		flag; /* ADD: has a descriptor; IMAGE: executable; WORKER: the object's new level */
	uint32_t cpu_seconds; /* after which the worker ends itself */
	uint32_t n;	      /* of offsets */
	struct sym_file file; /* OPEN; its path is the request's */
	union {
		uint64_t offsets[NAMES_MAX];
		char path[PATH_MAX];
	};
};

#define NO_OBJECT UINT32_MAX

struct answer {
	int32_t error; /* 0 or -errno */
	uint32_t n;    /* of frames */
	union {
		struct unwind_rule rule;
		uint64_t address;
		struct sym_data data;
		struct place_frame frames[SYM_DEPTH];
	};
};

/* ADD, OPEN: 0 or -errno. WORKER: how the one before ended, as waitpid(2) says it; 0: it was alive. */
struct verdict {
	int32_t status;
};

#define HEAD_SIZE(type, member) offsetof(type, member)

/* fd -1: none. 0 or -errno. */
int wire_send(int socket, const void *bytes, size_t size, int fd);
/* poll(2), begun anew where a signal ends it. */
int wire_wait(struct pollfd *fds, size_t n, int ms);
/* The bytes of one packet, 0 at the end, -errno. *ret_fd is -1 if it had no descriptor; ret_fd NULL:
 * none is taken. */
ssize_t wire_receive(int socket, void *bytes, size_t size, int *ret_fd);
