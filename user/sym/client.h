/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of the side that asks share: client.c has the server, rules.c and ask.c ask. */
#include "sym/server.h"

#define CACHE_SIZE 4096 /* rules; a power of two */

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

/* A rule that the worker was asked for and has not given. */
struct late {
	bool is;
	uint32_t object;
	uint64_t offset;
	int64_t until; /* ms; then it is given up */
};

struct sym {
	int keeper, worker; /* sockets; -1: none */
	pid_t pid;	    /* of the keeper */
	int cancel;	    /* see sym_cancel_by(); -1: none */
	int over;	    /* 0; or what is said to everything from now on */
	bool debuginfod;
	unsigned patience_ms; /* 0: as it is due */
	struct late late;
	VEC(struct known) objects;
	struct request request;
	struct answer answer;
	struct cached cache[CACHE_SIZE];
};

int64_t client_now_ms(void);
/* 0; or what is said to each request about it. */
int client_refused(const struct sym *s, uint32_t object);
/* When the answer to s->request must have come, and the CPU time that it may take. */
int64_t client_deadline(const struct sym *s);
unsigned client_cpu_seconds(const struct sym *s);
/* A worker that died between two requests did so by nobody's fault; one that takes none is as good as
 * dead. */
int client_send(struct sym *s, size_t size);
int client_send_number(struct sym *s);
/* One answer, with content of a size that is a multiple of this. 0, -errno of the object, or
 * -EPIPE, -ETIMEDOUT, -EBADMSG for a worker that is of no more use. *lost tells them apart. */
int client_take_answer(struct sym *s, size_t unit, int64_t until, size_t *ret_n, bool *lost);
/* The one answer to that. 0: there is none, as the worker was lost: try again. */
int client_take_one(struct sym *s, size_t size, int64_t until, bool *ret_is_there);
/* The worker was lost by this request: its object is trusted one step less. 0: try again; else what
 * to say of it. */
int client_blame(struct sym *s, uint32_t object, int error);

/* rules.c */
/* Takes the rule that is late, if there is one. 0: none is late any more; -EAGAIN: it still is. */
int client_settle(struct sym *s, int64_t until);
