/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Part of event.h: what was waited for with a descriptor or a name. A target is what a person
 * would call one thing: all connections to one server are one, whatever their descriptors.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif

enum target_kind {
	TARGET_FILE = 1, /* or a directory */
	TARGET_PIPE = 2,
	TARGET_SOCKET = 3,
	TARGET_TTY = 4,
	TARGET_DEVICE = 5,
	TARGET_OBJECT = 6,  /* one without a name: its cause says what it is */
	TARGET_NAME = 7,    /* a file that was not open: looked for, created, removed */
	TARGET_QUEUE = 8,   /* of messages: of System V by its number, of POSIX by its name */
	TARGET_SIGNALS = 9, /* to a process */
	TARGET_KIND_COUNT = 10,
};

enum target_side {
	SIDE_OTHER = 0,	    /* no socket, or one that is neither bound nor connected */
	SIDE_CONNECTED = 1, /* to this peer, from here */
	SIDE_SERVED = 2,    /* ... from there, to this port */
	SIDE_LISTENING = 3,
	SIDE_BOUND = 4, /* of datagrams: whoever sends */
	SIDE_PAIR = 5,	/* socketpair(2) */
	SIDE_COUNT = 6,
};

enum target_flags {
	TARGET_DELETED = 1,
	TARGET_CUT = 2, /* the front of its name is missing */
};

/* In network order; of IPv4 the first four bytes. */
struct target_end {
	__u8 address[16];
	__u16 port; /* in host order; 0: none */
	__u16 pad[3];
};

/* What a target is, as it was when it was first waited for. */
struct ev_target {
	struct event head;
	__u32 index; /* from 1 */
	__u32 kind;
	__u32 side;
	__u32 flags;
	__u16 family, protocol; /* of a socket: AF_*, IPPROTO_* */
	__u32 object; /* of TARGET_OBJECT: the cause of waits for one; 0: that of its waits here */
	struct target_end local, peer; /* of AF_INET and AF_INET6 */
	__u32 size;		       /* bytes of text that are valid */
	/* of a queue of System V, of a pipe or pair its inode, of TARGET_SIGNALS the process, see
	 * ev_thread.pid, of an eventfd its number and 1; or 0 */
	__u32 id;
	/* A path; of AF_UNIX the name, which begins with a NUL if it is abstract; and a NUL. */
	char text[];
};

#define TARGET_TEXT 4096 /* at most */

/* Who waited there: the first few. */
struct target_user {
	__u32 pid;
	__u32 fd; /* the descriptor with which it first did, or TARGET_NO_FD */
};

#define TARGET_USERS   4
#define TARGET_NO_FD   (~0u)
#define TARGET_BUCKETS 24 /* of the length of waits: LOCK_BUCKETS */

/* All waits of one cause at one target. */
struct ev_io {
	struct event head;
	__u32 index; /* of its target; 0: all files that were not open, but looked for by name */
	__u32 cause; /* enum cause */
	__u64 waits, ns, max_ns;
	__u64 any_ns;  /* somebody waited there */
	__u32 open;    /* of them go on at the end */
	__u32 objects; /* files, sockets and so on that are this target; at least so many */
	struct target_user users[TARGET_USERS];
	__u32 n_users; /* more than TARGET_USERS: more than these */
	__u32 pad;
	/* Waits by epoll, poll and select for one descriptor of several threads: of so many it is known
	 * whether it was still ready when the thread came to a CPU; it was not. */
	__u64 looked, empty;
	__u64 histogram[TARGET_BUCKETS];
	__u64 write_waits, write_ns, write_max_ns; /* of the waits, those to write */
	__u64 seen_reads, seen_writes; /* calls that moved something, while calls were counted */
	__u64 seen_waits; /* ... and waits in windows of that; 0: none, or calls were counted always */
};
