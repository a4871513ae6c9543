/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What /proc says of processes that run: proc(5). What cannot be read is not known. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "event/event.h"

struct proc_map {
	uint64_t start, end, offset, inode;
	uint32_t major, minor;
	bool is_code, is_shared;
	const char *path; /* empty: none */
};

typedef int (*proc_map_fn)(void *ctx, const struct proc_map *m);

/* What is mapped there and is code or shared. 0, what fn returned, or -errno: it has gone, say. */
int proc_maps(uint32_t pid, proc_map_fn fn, void *ctx);

/* Its executable and command line; empty: not known. */
void proc_command(uint32_t pid, struct ev_exec *to);

/* "cat"; empty: not known. */
void proc_comm(uint32_t pid, char *buf, size_t size);

/* Where a descriptor leads: "/var/log/x", "pipe:[12]". False: not known. */
bool proc_descriptor(uint32_t pid, int fd, char *buf, size_t size);

/* The string at this address of its memory. False: it cannot be read. */
bool proc_string(uint32_t pid, uint64_t address, char *buf, size_t size);

/* The word at this address; 0 too if it cannot be read. */
uint32_t proc_word(uint32_t pid, uint64_t address);

/* How many descriptors an epoll instance watches. */
uint32_t proc_epoll_set(uint32_t pid, int fd);

/* The number of the file there; 0: not known. */
uint64_t proc_inode(uint32_t pid, int fd);

struct proc_lock {
	uint32_t waiter, holder;
	uint64_t inode; /* of the file */
};

typedef void (*proc_lock_fn)(void *ctx, const struct proc_lock *lock);

/* Who waits for whom at locks of files, as processes: proc_locks(5). A holder that is not known, as of
 * a lock of an open file, is not told. */
void proc_locks(proc_lock_fn fn, void *ctx);

enum proc_is {
	PROC_IS_PROGRAM,
	PROC_IS_GONE,	/* there is no such process */
	PROC_IS_THREAD, /* a thread, and not the first of its process */
	PROC_IS_KERNEL, /* a thread of the kernel's own */
	PROC_IS_DEAD,	/* all its threads have ended, and nobody has asked for its status */
};

enum proc_is proc_is(uint32_t pid);
/* Can it be looked at or attached to? -ESRCH, -EINVAL with what it is instead; a dead one can. */
int proc_check(pid_t pid, struct err *err);
/* Whose child it is; 0: not known. */
uint32_t proc_parent(uint32_t pid);
/* When it was created, in ticks since the boot, by which another of the same number is told from it;
 * 0: not known. */
uint64_t proc_started(uint32_t pid);
/* The process that this thread is of; 0: none. */
uint32_t proc_of_thread(uint32_t tid);
