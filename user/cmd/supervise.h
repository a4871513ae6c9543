/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * From the command's release to the end of the measurement: signals, the clock,
 * what the probes send. See the contract's "Exit status", "Duration and hangs"
 * and "Signals".
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/live.h"
#include "event/event.h"
#include "launch/hold.h"
#include "probe/probe.h"

struct supervision {
	struct probe *probe;
	struct launch
		*launch; /* released; NULL: what ran already is measured, and never signalled */
	int signal_fd;	 /* signalfd(2) of supervise_signals() */
	event_fn fn;	 /* gets all events but the first ones, EV_END included */
	void *ctx;
	/* Says where in the code it was, at the end; the CPU time that concprof's own children took
	 * for it. NULL: nothing to say. */
	int (*tell_code)(void *ctx, uint64_t *ret_cpu_ns);
	uint64_t duration_ns, linger_ns; /* 0: none */
	uint64_t hang_ns;		 /* ends what stands still for so long; 0: nothing */
	bool all_calls;			 /* the one window is open already */
	struct live *live;		 /* NULL: nobody looks on */
};

struct outcome {
	bool ended; /* the command has */
	bool hung;  /* it stood still for supervision.hang_ns, and was ended */
	int wstatus; /* as concprof should end: the command's own, or what the contract makes of it */
};

/* Blocks the signals that supervise() handles and returns a signalfd of them, or -errno. */
int supervise_signals(void);
/* Forgets those that have come up to now. */
void supervise_forget_signals(int signal_fd);

/* 0, or -errno with err filled: then there is no report. */
int supervise(const struct supervision *s, struct outcome *ret, struct err *err);
