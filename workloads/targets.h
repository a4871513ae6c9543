/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TARGETS_H
#define TARGETS_H

#include "locks.h" /* what threads write down of their own waits */

/* What says which thing it is; by the first ones its row is found in the report, too. */
enum by { BY_PATH, BY_LOCAL, BY_PEER, TEXTS, BY_KIND = TEXTS, BY_ORDER };

/* A thing that is waited for. */
struct object {
	int fd; /* the waiter's */
	int partner;
	size_t size;	      /* of one operation */
	char text[TEXTS][64]; /* as the report is to have them; empty: not for the mode to say */
	struct record *record;
};

struct target {
	const char *name, *kind, *cause;
	enum by by;
	size_t size;
	/* NULL, or why it cannot be done here. */
	const char *(*make)(void);
	/* Operation i of the waiter; what is around its wait may be NULL. */
	void (*before)(struct object *o, long i);
	void (*wait)(struct object *o, long i);
	void (*after)(struct object *o, long i);
	/* What the partner makes it possible by; NULL: there is no partner. */
	void (*let)(struct object *o, long i);
	void (*end)(void);   /* what takes long in the end; may be NULL */
	bool replaced;	     /* there are two objects, in turns */
	bool shared;	     /* there are two waiters */
	bool reopened;	     /* has many descriptors, one after the other */
	bool mixed;	     /* other waits, of the kernel's threads say, have its name, too */
	bool many;	     /* is another one for each operation */
	bool mapped;	     /* is waited for without a descriptor */
	const char *blocked; /* what the waiter is blocked in, if that is not the cause */
};

/* Each ends with an entry without a name. */
extern const struct target file_targets[], event_targets[], socket_targets[], mapped_targets[],
	async_targets[], told_targets[];

extern struct object objects[2];

/* From 1 to 4 ms, 2 in the middle; n: any number. */
int64_t pause_ns(long n);
/* A name in a directory that is there until remove_names(). */
void own_name(char *ret, size_t size, const char *name);
const char *own_directory(void);
void remove_names(void);

void make_pipe_of(struct object *o);
void make_fifo_of(struct object *o, const char *name);
void read_it(struct object *o, long i);
void write_it(struct object *o, long i);

#endif
