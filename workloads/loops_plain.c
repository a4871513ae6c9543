// SPDX-License-Identifier: BSD-2-Clause
/* Loops that see to each event in a short time, by each call and in each way to be told. */
#include "loops.h"

#define NOT_READ 8 /* calls that find it still there */

/* Tells again and again what nobody reads. */
static void leave_level(const struct watch *w, int which, long i)
{
	int ready[MOST];

	for (int k = 0; k < NOT_READ; k++)
		turn(w, journal, FOREVER, ready);
	handle_it(w, which, i);
}

/* Tells once, and nobody reads. */
static void leave_edge(const struct watch *w, int which, long i)
{
	(void)w, (void)which, (void)i;
	burn(100);
}

static void rearm(const struct watch *w, int which, long i)
{
	handle_it(w, which, i);
	watch_again(w, which, EPOLLONESHOT);
}

/* Looks whether there is more, without a wait, as many libraries do. */
static void look_again(const struct watch *w, int which, long i)
{
	int ready[MOST];

	handle_it(w, which, i);
	turn(w, journal, 0, ready);
}

const struct plan plain_plans[] = {
	{ "select-10", SELECT, .watched = 10 },
	{ "select-100", SELECT, .watched = 100 },
	{ "select-900", SELECT, .watched = 900 },
	{ "poll-10", POLL, .watched = 10 },
	{ "poll-100", POLL, .watched = 100 },
	{ "poll-1000", POLL, .watched = 1000 },
	{ "epoll-10", EPOLL, .watched = 10 },
	{ "epoll-100", EPOLL, .watched = 100 },
	{ "epoll-1000", EPOLL, .watched = 1000 },
	{ "pselect", PSELECT, .watched = 10 },
	{ "ppoll", PPOLL, .watched = 10 },
	{ "epoll-pwait", EPOLL_PWAIT, .watched = 10 },
	{ "epoll-pwait2", EPOLL_PWAIT2, .watched = 10 },
	{ "timeouts-select", SELECT, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "timeouts-pselect", PSELECT, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "timeouts-poll", POLL, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "timeouts-ppoll", PPOLL, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "timeouts-epoll", EPOLL, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "timeouts-epoll-pwait2", EPOLL_PWAIT2, .watched = 10, .rounds = 60, .timeout = 5 },
	{ "level", EPOLL, .watched = 10, .handle = leave_level },
	{ "level-poll", POLL, .watched = 10, .handle = leave_level },
	{ "edge", EPOLL, .watched = 10, .also = EPOLLET, .handle = leave_edge },
	{ "oneshot", EPOLL, .watched = 10, .also = EPOLLONESHOT, .handle = rearm },
	{ "at-once", EPOLL, .watched = 10, .handle = look_again },
	{ "at-once-select", SELECT, .watched = 10, .handle = look_again },
	{ 0 },
};
