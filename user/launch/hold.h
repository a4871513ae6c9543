/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "base/err.h"
#include "launch/signals.h"
#include "launch/user.h"

#include <sys/types.h>

/*
 * The launcher of the profiled command. A child is forked and held; the caller marks its pid for
 * the probes; it is released, and its exec is the next thing it does. It stays in our process group
 * and session, and inherits what concprof inherited: every descriptor without close-on-exec,
 * limits, working directory, umask, signal mask and dispositions.
 *
 *	launch_hold → launch_check → launch_release → poll launch_pidfd() → launch_wait → launch_free
 */
struct launch;

/* All borrowed, and only for the call of launch_hold(). */
struct launch_opts {
	char *const *argv; /* the command and its arguments, NULL-terminated, not empty */
	char *const *envp; /* the command's environment; its PATH is searched */
	const struct launch_user *user;	      /* whom to become; NULL or !change: nobody else */
	const struct launch_signals *signals; /* as launch_signals_take() found them */
};

/*
 * Forks the child; when this returns it has taken on the user and waits. Call it in a process with
 * one thread. If this process ends before the release, so does the child, without having run the
 * command; a helper process that is forked while the child is held must close the descriptors it
 * inherits, or that comes only with its own end.
 * On success the caller frees *ret with launch_free(). Returns 0, or -errno with err filled: always
 * a failure of concprof's (exit status 125), never of the command.
 */
int launch_hold(struct launch **ret, const struct launch_opts *opts, struct err *err);

/*
 * What can be known of the command before its release: 0 if it looks as if it can be executed, else
 * what launch_release() would most probably return, with err filled. No need to load probes then.
 */
int launch_check(const struct launch *launch, struct err *err);

/*
 * Lets the child go and waits until its exec has succeeded or failed. Call it once. Returns 0 if it
 * has (or if a signal that came while it was held has ended it: launch_wait() tells), else -errno,
 * with err filled: see launch_exit_status(). A script without a #! line is not given to a shell.
 */
int launch_release(struct launch *launch, struct err *err);

/* The exit status for a result of launch_check() or launch_release(): 127 if the command was not
 * found, 126 if it was and cannot be executed (a missing interpreter is such a case), 125 if what
 * failed is not the command. */
int launch_exit_status(int error);

pid_t launch_pid(const struct launch *launch);

/* Close-on-exec, readable when the whole process has ended (pidfd_open(2)); owned by launch. */
int launch_pidfd(const struct launch *launch);

/* The file that is to be executed or has been, an absolute path except after a failed getcwd(3),
 * not resolved further; a script's own, not its interpreter's. NULL if none was found. Owned by
 * launch; a release can change it. */
const char *launch_executable(const struct launch *launch);

/* Sends the process a signal, even when it is held: it then takes it at its release. Returns 0, or
 * -errno: -ESRCH once it was reaped, -EPERM if it has become a user that we may not signal. */
int launch_signal(const struct launch *launch, int sig);

/* Waits for the end of the process and reaps it; again and again gives the same. *ret_wstatus is as
 * from waitpid(2). Returns 0 or -errno: -ECHILD if something else has reaped it. */
int launch_wait(struct launch *launch, int *ret_wstatus);

/* A child that is still held ends, without having run the command, and is reaped. One that was
 * released lives on, and is not. NULL is allowed. */
void launch_free(struct launch *launch);
