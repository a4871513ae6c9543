// SPDX-License-Identifier: BSD-2-Clause
#include "launch/hold.h"
#include "launch/child.h"
#include "launch/explain.h"
#include "launch/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct launch {
	pid_t pid; /* 0: none */
	int pidfd;
	int channel; /* our end; -1 once the child is released */
	bool released;
	bool reaped;
	int wstatus;
	char *command;
	char *user; /* NULL: ourselves */
	bool secure_path;
	char **paths;
	size_t n_paths;
	char *executable;
	struct child_report held;
};

/* sudo replaces PATH by its secure_path; then a command of the user's own is not found. */
static bool has_secure_path(char *const *envp)
{
	const char *ours = getenv("PATH");
	const char *theirs = launch_search_getenv(envp, "PATH");

	return getenv("SUDO_UID") && ours && theirs && !strcmp(ours, theirs);
}

static int describe(struct launch *launch, const struct launch_opts *opts)
{
	launch->command = strdup(opts->argv[0]);
	if (!launch->command)
		return -ENOMEM;
	if (opts->user && opts->user->change) {
		launch->user = strdup(opts->user->name);
		if (!launch->user)
			return -ENOMEM;
	}
	launch->secure_path = has_secure_path(opts->envp);
	return launch_search(&launch->paths, &launch->n_paths, launch->command, opts->envp);
}

/* Keeps the child from our handlers, which it has until it sets its own dispositions. */
static int fork_blocked(pid_t *ret)
{
	sigset_t all, before;
	int r = 0;

	*ret = -1; /* a failure must not look like the child's 0 */
	if (sigfillset(&all) || sigprocmask(SIG_SETMASK, &all, &before))
		return -errno;
	*ret = fork();
	if (!*ret)
		return 0;
	if (*ret < 0)
		r = -errno;
	if (sigprocmask(SIG_SETMASK, &before, NULL) && !r)
		r = -errno;
	return r;
}

static int start(struct launch *launch, const struct launch_opts *opts)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	r = fork_blocked(&launch->pid);
	if (!launch->pid) {
		struct child_plan plan = { .channel = ends[1],
					   .paths = launch->paths,
					   .n_paths = launch->n_paths,
					   .argv = opts->argv,
					   .envp = opts->envp,
					   .user = opts->user,
					   .signals = opts->signals };

		if (close(ends[0]))
			_exit(125);
		launch_child(&plan);
	}
	if (launch->pid < 0)
		launch->pid = 0;
	launch->channel = ends[0];
	if (close(ends[1]) && !r)
		r = -errno;
	if (r)
		return r;
	/* glibc has a wrapper only since 2.36 */
	launch->pidfd = syscall(SYS_pidfd_open, launch->pid, 0);
	return launch->pidfd < 0 ? -errno : 0;
}

/* 1 with a report, 0 at the stream's end, -errno. */
static int receive(struct launch *launch, struct child_report *ret)
{
	ssize_t n;

	do {
		n = recv(launch->channel, ret, sizeof(*ret), 0);
	} while (n < 0 && errno == EINTR);
	/* the child was killed with the release unread */
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n <= 0)
		return n ? -errno : 0;
	return n == sizeof(*ret) && ret->path < launch->n_paths ? 1 : -EPROTO;
}

static int explain(const struct launch *launch, const struct child_report *report, struct err *err)
{
	struct explain_names names = { .command = launch->command,
				       .path = launch->paths[report->path],
				       .user = launch->user,
				       .secure_path = launch->secure_path };

	return launch_explain(report, &names, err);
}

static int set_executable(struct launch *launch, size_t path, struct err *err)
{
	const char *name = launch->paths[path];
	char *cwd = *name == '/' ? NULL : getcwd(NULL, 0);
	char *executable = NULL;

	if (!cwd)
		executable = strdup(name);
	else if (asprintf(&executable, "%s/%s", cwd, strncmp(name, "./", 2) ? name : name + 2) < 0)
		executable = NULL;
	free(cwd);
	if (!executable)
		return err_failed(err, -ENOMEM, "cannot begin");
	free(launch->executable);
	launch->executable = executable;
	return 0;
}

static int await_held(struct launch *launch, struct err *err)
{
	int r = receive(launch, &launch->held);

	if (r < 0)
		return err_set(err, r, "cannot hear from the held command: %s; try again",
			       strerror(-r));
	if (!r)
		return err_set(err, -ECHILD,
			       "the process for '%.150s' was killed before it could start: "
			       "look for who did it in dmesg",
			       launch->command);
	if (launch->held.kind == CHILD_REFUSED)
		return err_set(err, -launch->held.error,
			       "cannot run the command as %.100s: %s; try --as-root, or -u",
			       launch->user ? launch->user : "yourself",
			       strerror(launch->held.error));
	return launch->held.error ? 0 : set_executable(launch, launch->held.path, err);
}

int launch_hold(struct launch **ret, const struct launch_opts *opts, struct err *err)
{
	struct launch *launch = calloc(1, sizeof(*launch));
	int r;

	if (!launch)
		return err_failed(err, -ENOMEM, "cannot begin");
	launch->pidfd = -1;
	launch->channel = -1;
	r = describe(launch, opts);
	if (!r)
		r = start(launch, opts);
	if (r) {
		err_set(err, r,
			"cannot start a process for '%.150s': %s; see the limits of ulimit -a",
			opts->argv[0], strerror(-r));
		goto out;
	}
	r = await_held(launch, err);
	if (r)
		goto out;
	*ret = launch;
	return 0;
out:
	launch_free(launch);
	return r;
}

int launch_check(const struct launch *launch, struct err *err)
{
	return launch->held.error ? explain(launch, &launch->held, err) : 0;
}

/* What failed is not the command. */
static int lost(const struct launch *launch, int error, const char *doing, struct err *err)
{
	(void)err_failed(err, error, "%s '%.150s'", doing, launch->command);
	return -ECHILD;
}

/* Until the channel ends, which it does by the exec. */
static int await_exec(struct launch *launch, struct err *err)
{
	struct child_report report;
	int r = receive(launch, &report);

	while (r > 0) {
		if (report.kind == CHILD_FAILED)
			return explain(launch, &report, err);
		r = set_executable(launch, report.path, err);
		if (r)
			return r;
		r = receive(launch, &report);
	}
	return r < 0 ? lost(launch, r, "lost sight at its start of", err) : 0;
}

int launch_release(struct launch *launch, struct err *err)
{
	ssize_t n;
	int r;

	launch->released = true;
	do {
		n = send(launch->channel, "", 1, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* one that was killed meanwhile has closed its end: its status tells more than this */
	if (n < 0 && errno != EPIPE)
		r = lost(launch, -errno, "cannot release", err);
	else
		r = n < 0 ? 0 : await_exec(launch, err);
	if (close(launch->channel) && !r)
		r = lost(launch, -errno, "cannot release", err);
	launch->channel = -1;
	return r;
}

int launch_exit_status(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return 127;
	case ECHILD:
		return 125;
	default:
		return 126;
	}
}

pid_t launch_pid(const struct launch *launch)
{
	return launch->pid;
}

int launch_pidfd(const struct launch *launch)
{
	return launch->pidfd;
}

const char *launch_executable(const struct launch *launch)
{
	return launch->executable;
}

int launch_signal(const struct launch *launch, int sig)
{
	return syscall(SYS_pidfd_send_signal, launch->pidfd, sig, NULL, 0) ? -errno : 0;
}

int launch_wait(struct launch *launch, int *ret_wstatus)
{
	pid_t pid = launch->reaped ? launch->pid : -1;

	while (pid < 0) {
		pid = waitpid(launch->pid, &launch->wstatus, 0);
		if (pid < 0 && errno != EINTR)
			return -errno;
	}
	launch->reaped = true;
	*ret_wstatus = launch->wstatus;
	return 0;
}

/* The channel's end is what ends it; the signals are for one that something has stopped. */
static void end_held(struct launch *launch)
{
	int wstatus;

	/* SIGCONT needs no more than the same session (kill(2)) */
	if (launch->pidfd >= 0 && launch_signal(launch, SIGKILL) == -EPERM)
		(void)launch_signal(launch, SIGCONT);
	(void)launch_wait(launch, &wstatus);
}

void launch_free(struct launch *launch)
{
	if (!launch)
		return;
	if (launch->channel >= 0)
		(void)close(launch->channel);
	if (launch->pid && !launch->released)
		end_held(launch);
	if (launch->pidfd >= 0)
		(void)close(launch->pidfd);
	launch_search_free(launch->paths);
	free(launch->executable);
	free(launch->command);
	free(launch->user);
	free(launch);
}
