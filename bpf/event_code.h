/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the stream says of places in the code; see event.h. */
#include "event_lock.h"

enum frame_flags {
	FRAME_INLINED = 1, /* into the one behind it */
	FRAME_KERNEL = 2,
	FRAME_TRIES_LOCK = 4, /* its code calls what takes a lock only if nobody has it */
};

/* Numbered from 1 on in the order of the stream, each before what uses it. */
struct ev_frame {
	struct event head;
	__u32 id;
	__u32 line; /* 0: not known */
	__u32 flags;
	__u32 size;  /* bytes of text that are valid */
	char text[]; /* function, source file, object, each with its NUL; empty: not known */
};

enum stack_end {
	STACK_COMPLETE = 0, /* up to the outermost function */
	STACK_CUT = 1,	    /* the part of the stack that was copied ends there */
	STACK_NO_RULE = 2,  /* what called it is not known: code without unwind information */
	STACK_GARBAGE = 3,  /* ... or what is on the stack cannot be true */
	STACK_FULL = 4,	    /* more than STACK_MAX calls */
	STACK_END_COUNT = 5,
};

enum stack_flags {
	STACK_BY_FRAME_POINTER = 1, /* some of it: functions may be missing */
	STACK_IN_HANDLER = 2, /* a signal came between: the innermost calls are its handler's */
};

#define STACK_MAX 128 /* frames */

struct ev_stack {
	struct event head;
	__u32 id; /* from 1 on, as a frame's */
	__u32 n;
	__u32 end;	/* enum stack_end */
	__u32 flags;	/* enum stack_flags */
	__u32 frames[]; /* innermost first, padded to 8 bytes */
};

enum site_what {
	SITE_WAIT = 1,
	SITE_CPU = 2,
	SITE_STUCK = 3, /* one that waits for ever: see struct ev_deadlock */
	SITE_WHAT_COUNT = 4,
};

/* By samples: waits and ns are those of the samples times what each stands for. */
struct ev_site {
	struct event head;
	__u64 thread_id, process_id; /* 0: of several */
	__u32 what;		     /* enum site_what */
	__u32 stack;
	__u32 cause, row; /* of SITE_WAIT */
	__u64 samples, waits, ns;
	__u64 max_ns;	      /* of the samples */
	struct lock_key lock; /* at which it waits; space 0: none */
	struct lock_key held; /* that others waited for meanwhile, and this thread had; 0: none */
	__u32 target;	      /* index of the EV_TARGET that it waits for; 0: none, or of several */
	__u32 pad;
};
