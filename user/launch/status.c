// SPDX-License-Identifier: BSD-2-Clause
#include "launch/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The limit alone is not enough: a core_pattern that is a pipe ignores it (core(5)). */
static bool forbid_core(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit))
		return false;
	limit.rlim_cur = 0;
	return !setrlimit(RLIMIT_CORE, &limit) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool is_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Returns only if the signal did not end this process. */
static int die_of(int sig)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	if (is_stop(sig) || !forbid_core())
		return -1;
	if (sig != SIGKILL && sigaction(sig, &action, NULL))
		return -1;
	if (sigemptyset(&set) || sigaddset(&set, sig) || sigprocmask(SIG_UNBLOCK, &set, NULL))
		return -1;
	return raise(sig);
}

_Noreturn void launch_exit_like(int wstatus)
{
	if (WIFEXITED(wstatus))
		exit(WEXITSTATUS(wstatus));
	/* waitpid(2) reports a stop only to those who ask, but it may be all that a caller has */
	int sig = WIFSTOPPED(wstatus) ? WSTOPSIG(wstatus) : WTERMSIG(wstatus);

	(void)die_of(sig);
	_exit(128 + sig);
}
