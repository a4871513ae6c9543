// SPDX-License-Identifier: BSD-2-Clause
#include "launch/signals.h"

#include <errno.h>
#include <stdbool.h>

/* Neither the kernel nor libc lets these be changed: 32 and 33 are libc's own (nptl(7)). */
static bool is_fixed(int sig)
{
	return sig == SIGKILL || sig == SIGSTOP || (sig > SIGSYS && sig < SIGRTMIN);
}

static int set_disposition(int sig, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	return sigaction(sig, &action, NULL) ? -errno : 0;
}

int launch_signals_take(struct launch_signals *ret)
{
	struct sigaction action;

	if (sigprocmask(SIG_SETMASK, NULL, &ret->mask) || sigemptyset(&ret->ignored))
		return -errno;
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (is_fixed(sig))
			continue;
		if (sigaction(sig, NULL, &action))
			return -errno;
		if (action.sa_handler == SIG_IGN && sigaddset(&ret->ignored, sig))
			return -errno;
	}
	return set_disposition(SIGCHLD, SIG_DFL);
}

int launch_signals_dispose(const struct launch_signals *signals)
{
	int r;

	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (is_fixed(sig))
			continue;
		r = set_disposition(sig, sigismember(&signals->ignored, sig) ? SIG_IGN : SIG_DFL);
		if (r)
			return r;
	}
	return 0;
}
