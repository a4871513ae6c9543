// SPDX-License-Identifier: BSD-2-Clause
/*
 * The launcher, against real processes. Many tests run this very binary as the command, which then
 * does what LAUNCH_TEST_HELPER says instead of testing: see helper(). Nothing here sleeps: each test
 * waits for an end of file or of a process.
 */
#include "launch/child.h"
#include "launch/environ.h"
#include "launch/explain.h"
#include "launch/hold.h"
#include "launch/search.h"
#include "launch/signals.h"
#include "launch/status.h"
#include "launch/sudo.h"
#include "launch/user.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_UID 65534
#define MAX_FDS	  256
#define HELPER	  "/proc/self/exe"

/* ---- the helper: what the launched command does ---- */

static void print_fds(void)
{
	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(1, "%d ", fd);
	}
}

static void print_signals(void)
{
	struct launch_signals now;

	if (launch_signals_take(&now))
		_exit(1);
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (sigismember(&now.mask, sig) == 1)
			dprintf(1, "b%d ", sig);
		if (sigismember(&now.ignored, sig) == 1)
			dprintf(1, "i%d ", sig);
	}
}

static void print_ids(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[64];
	int n = getgroups(64, groups);
	cap_t caps = cap_get_proc();
	cap_flag_value_t chown_set;

	if (getresuid(&r, &e, &s) || getresgid(&gr, &ge, &gs) || !caps ||
	    cap_get_flag(caps, CAP_CHOWN, CAP_PERMITTED, &chown_set))
		_exit(1);
	dprintf(1, "%u %u %u/%u %u %u/caps %d/nnp %d/", r, e, s, gr, ge, gs, chown_set,
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	for (int i = 0; i < n; i++)
		dprintf(1, "%u ", groups[i]);
}

static void print_environ(void)
{
	for (char **p = environ; *p; p++)
		dprintf(1, "%s\n", *p);
}

/* Below a process that passes for sudo: what concprof would make of it. */
static void below_sudo(void)
{
	struct launch_user user;
	struct launch_environ env;
	struct err err = { "" };
	char *own[] = { "PATH=/secure", "OWN=1", NULL };

	if (launch_user_resolve(&user, NULL, false, &err) ||
	    launch_environ_build(&env, &user, own, &err)) {
		dprintf(1, "%s", err.text);
		_exit(1);
	}
	dprintf(1, "source %d\n", env.source);
	for (size_t i = 0; i < env.n; i++)
		dprintf(1, "%s\n", env.vars[i]);
	if (env.vars[env.n])
		_exit(1);
	launch_environ_free(&env);
	launch_user_free(&user);
}

/* Runs as a setuid-root file named sudo; the depth is how many processes lie between. */
static void be_sudo(void)
{
	const char *uid = getenv("FAKE_SUDO_UID");
	int depth = atoi(getenv("FAKE_DEPTH"));
	int wstatus;
	pid_t pid = fork();

	if (!pid && setresuid(0, 0, 0))
		_exit(3);
	for (; !pid && depth; depth--) {
		pid = fork();
		if (pid && (waitpid(pid, &wstatus, 0) != pid || wstatus))
			_exit(4);
		if (pid)
			_exit(0);
	}
	if (!pid) {
		if (setenv("SUDO_UID", uid, 1) || setenv("SUDO_GID", uid, 1))
			_exit(5);
		below_sudo();
		_exit(0);
	}
	_exit(waitpid(pid, &wstatus, 0) == pid && !wstatus ? 0 : 6);
}

__attribute__((constructor)) static void helper(void)
{
	const char *what = getenv("LAUNCH_TEST_HELPER");
	char byte;

	if (!what)
		return;
	if (!strcmp(what, "fds"))
		print_fds();
	else if (!strcmp(what, "signals"))
		print_signals();
	else if (!strcmp(what, "ids"))
		print_ids();
	else if (!strcmp(what, "environ"))
		print_environ();
	else if (!strcmp(what, "sudo"))
		be_sudo();
	else if (!strcmp(what, "pgrp"))
		dprintf(1, "%d %d", getpgrp(), getsid(0));
	else if (!strcmp(what, "seven"))
		_exit(7);
	else if (!strcmp(what, "read")) /* until the writer closes standard input */
		_exit(read(0, &byte, 1) ? 1 : 7);
	else if (!strncmp(what, "kill ", 5))
		raise(atoi(what + 5));
	_exit(0);
}

/* ---- means ---- */

static char *helper_argv[] = { HELPER, NULL };

static struct launch_signals signals_now(void)
{
	struct launch_signals signals;

	cr_assert_eq(launch_signals_take(&signals), 0);
	return signals;
}

static struct launch *hold(char *const *argv, char *const *envp, const struct launch_user *user)
{
	struct launch_signals signals = signals_now();
	struct launch_opts opts = { .argv = argv, .envp = envp, .user = user, .signals = &signals };
	struct err err = { "" };
	struct launch *launch = NULL;

	cr_assert_eq(launch_hold(&launch, &opts, &err), 0, "%s", err.text);
	cr_assert(launch);
	return launch;
}

static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	cr_assert_eq(n, 0);
	text[len] = '\0';
	close(fd);
}

/* Gives the held child a pipe as standard output; *ret_fd is its other end. */
static struct launch *hold_piped(char *const *argv, char *const *envp,
				 const struct launch_user *user, int *ret_fd)
{
	int ends[2], out = fcntl(1, F_DUPFD_CLOEXEC, 200);
	struct launch *launch;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(dup2(ends[1], 1), 1);
	launch = hold(argv, envp, user);
	cr_assert_eq(dup2(out, 1), 1);
	close(out);
	close(ends[1]);
	*ret_fd = ends[0];
	return launch;
}

/* Runs it to its end and returns its status as from waitpid(2). */
static int run(char *const *argv, char *const *envp, const struct launch_user *user, char *out,
	       size_t size)
{
	int fd, wstatus = -1;
	struct err err = { "" };
	struct launch *launch = hold_piped(argv, envp, user, &fd);

	cr_assert_eq(launch_check(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_release(launch, &err), 0, "%s", err.text);
	read_all(fd, out, size);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	launch_free(launch);
	return wstatus;
}

static int run_helper(char *what, const struct launch_user *user, char *out, size_t size)
{
	char *envp[] = { what, NULL };

	return run(helper_argv, envp, user, out, size);
}

/* A worker whose command never ends would outlive the timeout of its test. */
static void limit_time(void)
{
	alarm(30);
}

/* A fresh current directory that everybody may search. */
static void enter_directory(void)
{
	char name[] = "/tmp/test_launch.XXXXXX";

	limit_time();
	cr_assert(mkdtemp(name));
	cr_assert_eq(chmod(name, 0755), 0);
	cr_assert_eq(chdir(name), 0);
}

static void leave_directory(void)
{
	char *name = getcwd(NULL, 0);
	char command[200];

	if (!name || strncmp(name, "/tmp/test_launch.", 17))
		return;
	snprintf(command, sizeof(command), "/bin/rm -rf %s", name);
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(system(command), 0);
	free(name);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(chmod(name, mode), 0);
}

/* What a release of argv[0] fails with; the message goes to err. */
static int fail(const char *command, const char *path, const struct launch_user *user,
		struct err *err)
{
	char *argv[] = { (char *)command, NULL }, variable[4096];
	char *envp[] = { path ? variable : NULL, NULL };
	struct launch *launch;
	int r, wstatus;

	if (path)
		snprintf(variable, sizeof(variable), "PATH=%s", path);
	launch = hold(argv, envp, user);
	r = launch_release(launch, err);
	cr_assert_lt(r, 0, "'%s' ran", command);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	launch_free(launch);
	return r;
}

static void expect_failure(const char *command, const char *path, int code, int status,
			   const char *message)
{
	struct err err = { "" };
	int r = fail(command, path, NULL, &err);

	cr_expect_eq(r, code, "'%s': %s, not %s", command, strerror(-r), strerror(-code));
	cr_expect_eq(launch_exit_status(r), status);
	cr_expect(strstr(err.text, message), "'%s' lacks '%s'", err.text, message);
	cr_expect(!strchr(err.text, '\n') && strlen(err.text) < sizeof(err.text) - 1);
}

/* In a process of its own, as it gives away what the tests need. Returns fn's result, 0 to 255. */
static int in_child(int (*fn)(void *), void *arg)
{
	int wstatus;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(arg));
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &wstatus, 0), pid);
	cr_assert(WIFEXITED(wstatus), "died of signal %d", WTERMSIG(wstatus));
	return WEXITSTATUS(wstatus);
}

static struct launch_user other_user(gid_t *groups, size_t n)
{
	return (struct launch_user){ .source = LAUNCH_USER_SUDO,
				     .change = true,
				     .uid = OTHER_UID,
				     .gid = 54320,
				     .groups = groups,
				     .n_groups = n,
				     .name = "somebody",
				     .home = "/",
				     .shell = "/bin/sh" };
}

/* A skip runs no .fini. */
#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid()) {                                                                   \
			leave_directory();                                                         \
			cr_skip_test("needs root: it changes users");                              \
		}                                                                                  \
	} while (0)

TestSuite(launch_run, .init = limit_time, .timeout = 60);
TestSuite(launch_fail, .init = enter_directory, .fini = leave_directory, .timeout = 60);
TestSuite(launch_path, .init = enter_directory, .fini = leave_directory, .timeout = 60);
TestSuite(launch_user, .init = limit_time, .timeout = 60);
TestSuite(launch_environ, .init = limit_time, .timeout = 60);
TestSuite(launch_status, .init = enter_directory, .fini = leave_directory, .timeout = 60);

/* ---- holding and releasing ---- */

Test(launch_run, exit_code_and_pidfd)
{
	char *envp[] = { "LAUNCH_TEST_HELPER=seven", NULL };
	struct launch *launch = hold(helper_argv, envp, NULL);
	struct pollfd poll_fd = { .fd = launch_pidfd(launch), .events = POLLIN };
	struct err err;
	int wstatus;

	cr_expect_gt(launch_pid(launch), 0);
	cr_expect_str_eq(launch_executable(launch), HELPER);
	cr_expect(fcntl(launch_pidfd(launch), F_GETFD) & FD_CLOEXEC);
	cr_expect_eq(poll(&poll_fd, 1, 0), 0, "it ended before its release");
	cr_assert_eq(launch_release(launch, &err), 0);
	cr_assert_eq(poll(&poll_fd, 1, -1), 1);
	for (int i = 0; i < 2; i++) {
		wstatus = -1;
		cr_assert_eq(launch_wait(launch, &wstatus), 0);
		cr_expect(WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 7);
	}
	cr_expect_eq(launch_signal(launch, SIGTERM), -ESRCH);
	launch_free(launch);
	launch_free(NULL);
}

Test(launch_run, environment_is_the_given_one_and_no_other)
{
	char *envp[] = { "LAUNCH_TEST_HELPER=environ", "A=1", "A=2", "odd", "EMPTY=", NULL };
	char out[4096];

	cr_assert_eq(setenv("OURS", "1", 1), 0);
	cr_assert_eq(run(helper_argv, envp, NULL, out, sizeof(out)), 0);
	cr_expect_str_eq(out, "LAUNCH_TEST_HELPER=environ\nA=1\nA=2\nodd\nEMPTY=\n");
}

Test(launch_run, arguments)
{
	char *argv[] = { "/bin/sh", "-c", "printf '%s.' \"$0\" \"$@\"", "zero", "", "a b", NULL };
	char *envp[] = { NULL };
	char out[100];

	cr_assert_eq(run(argv, envp, NULL, out, sizeof(out)), 0);
	cr_expect_str_eq(out, "zero..a b.");
}

Test(launch_run, every_inherited_descriptor_and_none_of_ours)
{
	char expected[4 * MAX_FDS] = "", out[4 * MAX_FDS];
	int kept = fcntl(2, F_DUPFD, 50), closed = fcntl(2, F_DUPFD_CLOEXEC, 60);

	cr_assert(kept >= 50 && closed >= 60);
	for (int fd = 0; fd < MAX_FDS; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			sprintf(expected + strlen(expected), "%d ", fd);
	}
	cr_assert_eq(run_helper("LAUNCH_TEST_HELPER=fds", NULL, out, sizeof(out)), 0);
	cr_expect_str_eq(out, expected);
}

static void on_signal(int sig)
{
	(void)sig;
}

Test(launch_run, signal_mask_and_dispositions_as_inherited)
{
	struct launch_signals inherited;
	struct launch_opts opts = { .argv = helper_argv, .signals = &inherited };
	char *envp[] = { "LAUNCH_TEST_HELPER=signals", NULL };
	struct launch *launch;
	sigset_t set;
	char out[1000];
	int ends[2], wstatus;
	struct err err = { "" };

	/* as concprof's parent left it */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	cr_assert_eq(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	for (int sig = 1; sig <= SIGSYS; sig++)
		signal(sig, SIG_DFL);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	cr_assert_eq(launch_signals_take(&inherited), 0);

	/* as concprof has it */
	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	cr_assert_eq(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, on_signal);
	signal(SIGUSR2, SIG_DFL);

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(dup2(ends[1], 1), 1);
	opts.envp = envp;
	cr_assert_eq(launch_hold(&launch, &opts, &err), 0, "%s", err.text);
	cr_assert_eq(launch_release(launch, &err), 0, "%s", err.text);
	close(1);
	close(ends[1]);
	read_all(ends[0], out, sizeof(out));
	cr_assert_eq(launch_wait(launch, &wstatus), 0, "SIGCHLD was still ignored");
	launch_free(launch);

	char expected[100];

	snprintf(expected, sizeof(expected), "i%d b%d i%d i%d b%d ", SIGHUP, SIGUSR1, SIGUSR2,
		 SIGCHLD, SIGRTMAX);
	cr_expect_str_eq(out, expected);
	/* and our own mask is as it was */
	sigset_t now;

	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	cr_expect(sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGUSR1) == 0);
}

Test(launch_run, same_group_session_and_limits)
{
	char out[100], expected[100];

	snprintf(expected, sizeof(expected), "%d %d", getpgrp(), getsid(0));
	cr_assert_eq(run_helper("LAUNCH_TEST_HELPER=pgrp", NULL, out, sizeof(out)), 0);
	cr_expect_str_eq(out, expected);
}

Test(launch_run, free_ends_a_held_child)
{
	char *argv[] = { "/bin/sh", "-c", "echo ran", NULL }, *envp[] = { NULL };
	char out[10];
	int fd;
	struct launch *launch = hold_piped(argv, envp, NULL, &fd);
	pid_t pid = launch_pid(launch);

	launch_free(launch);
	cr_expect_eq(waitpid(pid, NULL, 0), -1);
	cr_expect_eq(errno, ECHILD, "it was not reaped");
	read_all(fd, out, sizeof(out));
	cr_expect_str_empty(out);
}

Test(launch_run, free_ends_a_held_child_that_is_stopped)
{
	char *envp[] = { NULL };
	struct launch *launch = hold(helper_argv, envp, NULL);
	pid_t pid = launch_pid(launch);

	cr_assert_eq(launch_signal(launch, SIGSTOP), 0);
	cr_assert_eq(waitpid(pid, NULL, WUNTRACED), pid);
	launch_free(launch);
	cr_expect_eq(waitpid(pid, NULL, 0), -1);
}

Test(launch_run, free_leaves_a_released_child_alone)
{
	char *envp[] = { "LAUNCH_TEST_HELPER=read", NULL };
	int ends[2], wstatus;
	struct launch *launch;
	struct err err;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(dup2(ends[0], 0), 0);
	launch = hold(helper_argv, envp, NULL);
	pid = launch_pid(launch);
	cr_assert_eq(launch_release(launch, &err), 0);
	launch_free(launch);
	cr_assert_eq(waitpid(pid, &wstatus, WNOHANG), 0);
	close(ends[1]);
	cr_assert_eq(waitpid(pid, &wstatus, 0), pid);
	cr_expect(WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 7);
}

/*
 * A concprof of which the test sees the end: it holds (and releases) a command, says so, and ends
 * when told. The command becomes the test's own child then. Returns the command's status.
 */
static int survive_parent(bool release, char *const *argv, char *const *envp, int *ret_command_in)
{
	int said[2], told[2], in[2], wstatus;
	pid_t parent, pid = 0;
	struct err err;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	cr_assert_eq(pipe2(said, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(told, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	parent = fork();
	if (!parent) {
		struct launch *launch;

		if (dup2(in[0], 0) || close(told[1]))
			_exit(1);
		launch = hold(argv, envp, NULL);
		if (release && launch_release(launch, &err))
			_exit(2);
		pid = launch_pid(launch);
		if (write(said[1], &pid, sizeof(pid)) != sizeof(pid) || read(told[0], &pid, 1))
			_exit(3);
		_exit(0);
	}
	close(in[0]);
	cr_assert_eq(read(said[0], &pid, sizeof(pid)), (ssize_t)sizeof(pid));
	close(told[1]);
	cr_assert_eq(waitpid(parent, &wstatus, 0), parent);
	cr_assert_eq(wstatus, 0);
	if (release) {
		cr_expect_eq(waitpid(pid, &wstatus, WNOHANG), 0, "it died with concprof");
		close(in[1]);
	}
	cr_assert_eq(waitpid(pid, &wstatus, 0), pid);
	*ret_command_in = in[1];
	return wstatus;
}

Test(launch_run, parent_death_ends_a_held_child)
{
	char *argv[] = { "/bin/sh", "-c", "exit 9", NULL }, *envp[] = { NULL };
	int in, wstatus = survive_parent(false, argv, envp, &in);

	cr_expect(WIFEXITED(wstatus));
	cr_expect_neq(WEXITSTATUS(wstatus), 9, "the command ran");
}

Test(launch_run, parent_death_leaves_a_released_child_alone)
{
	char *envp[] = { "LAUNCH_TEST_HELPER=read", NULL };
	int in, wstatus = survive_parent(true, helper_argv, envp, &in);

	cr_expect(WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 7);
}

Test(launch_run, a_signal_while_held_meets_the_command_at_its_release)
{
	char *argv[] = { "/bin/sh", "-c", "echo ran", NULL }, *envp[] = { NULL };
	struct err err = { "" };
	char out[10];
	int fd, wstatus;
	struct launch *launch;

	signal(SIGTERM, SIG_DFL);
	launch = hold_piped(argv, envp, NULL, &fd);
	cr_assert_eq(launch_signal(launch, SIGTERM), 0);
	cr_assert_eq(waitpid(launch_pid(launch), &wstatus, WNOHANG), 0, "it did not wait");
	cr_expect_eq(launch_release(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_expect(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGTERM);
	launch_free(launch);
	read_all(fd, out, sizeof(out));
	cr_expect_str_empty(out);
}

Test(launch_run, all_signals_are_blocked_while_held)
{
	char *envp[] = { NULL }, path[64], text[4096], *line;
	struct launch *launch = hold(helper_argv, envp, NULL);
	unsigned long long blocked = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", launch_pid(launch));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	read_all(fd, text, sizeof(text));
	line = strstr(text, "SigBlk:");
	cr_assert(line && sscanf(line, "SigBlk: %llx", &blocked) == 1);
	for (int sig = 1; sig < SIGSYS; sig++)
		cr_expect(sig == SIGKILL || sig == SIGSTOP || (blocked >> (sig - 1) & 1),
			  "signal %d", sig);
	launch_free(launch);
}

Test(launch_run, an_ignored_signal_while_held_changes_nothing)
{
	char *argv[] = { "/bin/sh", "-c", "echo ran", NULL }, *envp[] = { NULL };
	struct err err = { "" };
	char out[10];
	int fd, wstatus;
	struct launch *launch;

	signal(SIGINT, SIG_IGN);
	launch = hold_piped(argv, envp, NULL, &fd);
	cr_assert_eq(launch_signal(launch, SIGINT), 0);
	cr_assert_eq(launch_release(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_expect_eq(wstatus, 0);
	launch_free(launch);
	read_all(fd, out, sizeof(out));
	cr_expect_str_eq(out, "ran\n");
}

Test(launch_run, killed_while_held)
{
	char *envp[] = { NULL };
	struct launch *launch = hold(helper_argv, envp, NULL);
	struct pollfd poll_fd = { .fd = launch_pidfd(launch), .events = POLLIN };
	struct err err = { "" };
	int wstatus;

	signal(SIGPIPE, SIG_DFL);
	cr_assert_eq(launch_signal(launch, SIGKILL), 0);
	cr_assert_eq(poll(&poll_fd, 1, -1), 1);
	cr_expect_eq(launch_release(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_expect(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL);
	launch_free(launch);
}

Test(launch_run, killed_with_its_release_unread)
{
	char *envp[] = { NULL };
	struct launch *launch = hold(helper_argv, envp, NULL);
	struct err err = { "" };
	pid_t pid = launch_pid(launch), killer;
	int wstatus;

	cr_assert_eq(launch_signal(launch, SIGSTOP), 0);
	cr_assert_eq(waitpid(pid, &wstatus, WUNTRACED), pid);
	/* it can die before or after the release is sent: both must read as its death */
	killer = fork();
	if (!killer)
		_exit(kill(pid, SIGKILL));
	cr_expect_eq(launch_release(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_expect(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL);
	cr_assert_eq(waitpid(killer, &wstatus, 0), killer);
	launch_free(launch);
}

Test(launch_run, no_descriptor_and_no_child_is_left)
{
	char *argv[] = { "/nonexistent/command", NULL }, *envp[] = { NULL };
	int before = dup(0), after;
	struct err err;

	close(before);
	for (int i = 0; i < 3; i++) {
		struct launch *launch = hold(argv, envp, NULL);

		if (i)
			cr_expect_eq(launch_release(launch, &err), -ENOENT);
		if (i != 1)
			launch_free(launch);
		else {
			int wstatus;

			cr_assert_eq(launch_wait(launch, &wstatus), 0);
			launch_free(launch);
		}
	}
	after = dup(0);
	cr_expect_eq(before, after);
	close(after);
	cr_assert_gt(waitpid(-1, NULL, 0), 0,
		     "the third was released, and is the caller's to reap");
	cr_expect_eq(waitpid(-1, NULL, 0), -1);
}

/* ---- exec failures ---- */

Test(launch_fail, missing)
{
	expect_failure("./nothing", NULL, -ENOENT, 127, "command './nothing' not found");
	expect_failure("no-such-command", "/bin:/usr/bin", -ENOENT, 127, "not found in PATH");
	expect_failure("no-such-command", NULL, -ENOENT, 127, "check its name");
	expect_failure("", "/bin", -ENOENT, 127, "the command is empty");
	expect_failure("sleep 1 && ls", "/bin", -ENOENT, 127, "sh -c");
	put_file("file", "", 0644);
	expect_failure("./file/x", NULL, -ENOTDIR, 127, "check the path");
	cr_assert_eq(symlink("loop", "loop"), 0);
	expect_failure("./loop", NULL, -ELOOP, 127, "check the path");
	cr_assert_eq(symlink("gone", "dangling"), 0);
	expect_failure("./dangling", NULL, -ENOENT, 127, "not found");
}

Test(launch_fail, missing_but_in_this_directory)
{
	put_file("prog", "#!/bin/sh\n", 0755);
	expect_failure("prog", "/bin:/usr/bin", -ENOENT, 127, "run './prog'");
	cr_assert_eq(mkdir("some-directory", 0755), 0);
	expect_failure("some-directory", "/bin:/usr/bin", -ENOENT, 127, "check its name");
}

Test(launch_fail, missing_under_secure_path)
{
	cr_assert_eq(setenv("SUDO_UID", "1000", 1), 0);
	cr_assert_eq(setenv("PATH", "/bin:/usr/bin", 1), 0);
	expect_failure("no-such-command", "/bin:/usr/bin", -ENOENT, 127, "which sudo has set");
	expect_failure("no-such-command", "/bin:/usr/bin:/mine", -ENOENT, 127, "check its name");
	cr_assert_eq(unsetenv("SUDO_UID"), 0);
	expect_failure("no-such-command", "/bin:/usr/bin", -ENOENT, 127, "check its name");
}

Test(launch_fail, not_executable)
{
	put_file("plain", "#!/bin/sh\n", 0644);
	expect_failure("./plain", NULL, -EACCES, 126, "chmod +x");
	cr_assert_eq(mkdir("dir", 0755), 0);
	expect_failure("./dir", NULL, -EACCES, 126, "is a directory");
	expect_failure("/", NULL, -EACCES, 126, "is a directory");
	cr_assert_eq(mkfifo("fifo", 0755), 0);
	expect_failure("./fifo", NULL, -EACCES, 126, "permission denied");
}

Test(launch_fail, interpreter)
{
	put_file("bad", "#! \t/no/such/interpreter -x\necho ran\n", 0755);
	expect_failure("./bad", NULL, -ENOEXEC, 126, "'/no/such/interpreter' was not found");
	put_file("dos", "#!/bin/sh\r\necho ran\r\n", 0755);
	expect_failure("./dos", NULL, -ENOEXEC, 126, "'/bin/sh?' was not found");
	expect_failure("./dos", NULL, -ENOEXEC, 126, "dos2unix");
	put_file("hostile", "#!/x\033]0;title\a\033[31m\n", 0755);
	expect_failure("./hostile", NULL, -ENOEXEC, 126, "'/x?]0;title??[31m' was not found");
	put_file("closed", "#!/etc/passwd\n", 0755);
	expect_failure("./closed", NULL, -EACCES, 126, "interpreter '/etc/passwd'");
}

Test(launch_fail, long_names_do_not_hide_the_remedy)
{
	char text[600] = "#!/", path[800] = "./", command[300];

	memset(text + 3, 'i', 200);
	strcpy(text + 203, "\n");
	memset(command, 'c', 250);
	command[250] = '\0';
	strcat(path, command);
	put_file(command, text, 0755);
	expect_failure(path, NULL, -ENOEXEC, 126, "correct the script's first line");
	memset(command, 'c', 299);
	command[299] = '\0';
	expect_failure(command, "/bin", -ENOENT, 127, "check its name");
	snprintf(path, sizeof(path), "./%s", command);
	expect_failure(path, NULL, -ENAMETOOLONG, 127, "check the path");
}

Test(launch_fail, format)
{
	put_file("text", "echo ran\n", 0755);
	expect_failure("./text", NULL, -ENOEXEC, 126, "no #! line");
	put_file("empty", "", 0755);
	expect_failure("./empty", NULL, -ENOEXEC, 126, "no #! line");
	put_file("elf", "\177ELFxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0755);
	expect_failure("./elf", NULL, -ENOEXEC, 126, "another architecture");
}

Test(launch_fail, busy)
{
	int fd;

	put_file("busy", "#!/bin/sh\n", 0755);
	fd = open("busy", O_WRONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	if (!system("exec 3>>busy; ./busy 2>&-")) {
		leave_directory();
		cr_skip_test("this kernel lets a file be executed that is open for writing");
	}
	expect_failure("./busy", NULL, -ETXTBSY, 126, "open for writing");
	close(fd);
}

Test(launch_fail, too_long)
{
	char *huge = malloc(1 << 20);
	char *argv[] = { "/bin/true", huge, NULL }, *envp[] = { NULL };
	struct launch *launch;
	struct err err;

	cr_assert(huge);
	memset(huge, 'x', (1 << 20) - 1);
	huge[(1 << 20) - 1] = '\0';
	launch = hold(argv, envp, NULL);
	cr_expect_eq(launch_check(launch, &err), 0);
	cr_expect_eq(launch_release(launch, &err), -E2BIG);
	cr_expect(strstr(err.text, "fewer or shorter arguments"), "%s", err.text);
	cr_expect_eq(launch_exit_status(-E2BIG), 126);
	launch_free(launch);
	free(huge);
}

Test(launch_fail, is_known_before_the_release)
{
	char *argv[] = { "no-such-command", NULL }, *envp[] = { "PATH=/bin", NULL };
	struct launch *launch = hold(argv, envp, NULL);
	struct err err = { "" };

	cr_expect_eq(launch_check(launch, &err), -ENOENT);
	cr_expect(strstr(err.text, "not found in PATH"), "%s", err.text);
	cr_expect_null(launch_executable(launch));
	cr_expect_eq(launch_pidfd(launch) >= 0, 1);
	launch_free(launch);
	put_file("plain", "", 0644);
	argv[0] = "./plain";
	launch = hold(argv, envp, NULL);
	cr_expect_eq(launch_check(launch, &err), -EACCES);
	cr_expect(strstr(err.text, "chmod +x"), "%s", err.text);
	launch_free(launch);
}

Test(launch_fail, becomes_possible_while_held)
{
	char *argv[] = { "./late", NULL }, *envp[] = { NULL };
	struct launch *launch = hold(argv, envp, NULL);
	struct err err = { "" };
	int wstatus;

	cr_expect_eq(launch_check(launch, &err), -ENOENT);
	put_file("late", "#!/bin/sh\nexit 5\n", 0755);
	cr_assert_eq(launch_release(launch, &err), 0, "%s", err.text);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_expect_eq(WEXITSTATUS(wstatus), 5);
	launch_free(launch);
}

/* ---- the search in PATH ---- */

static void expect_search(const char *command, const char *variable, const char *expected)
{
	char *envp[] = { "PATHX=/wrong", "XPATH=/wrong", (char *)variable, NULL };
	char **paths, joined[1000] = "";
	size_t n;

	cr_assert_eq(launch_search(&paths, &n, command, envp), 0);
	for (size_t i = 0; i < n; i++) {
		strcat(joined, paths[i]);
		strcat(joined, "|");
	}
	cr_expect_null(paths[n]);
	cr_expect_str_eq(joined, expected, "%s in %s: %s, not %s", command, variable, joined,
			 expected);
	launch_search_free(paths);
}

Test(launch_path, elements)
{
	expect_search("x", "PATH=/a:/b/c", "/a/x|/b/c/x|");
	expect_search("x", "PATH=/a::/b", "/a/x|x|/b/x|");
	expect_search("x", "PATH=:/a:", "x|/a/x|x|");
	expect_search("x", "PATH=", "x|");
	expect_search("x", "PATH=:", "x|x|");
	expect_search("x", "PATH=a:.:/", "a/x|./x|//x|");
	expect_search("./x", "PATH=/a:/b", "./x|");
	expect_search("a/x", "PATH=/a:/b", "a/x|");
	expect_search("/x", "PATH=/a:/b", "/x|");
	expect_search("", "PATH=/a:/b", "|");
	expect_search("x", NULL, "/bin/x|/usr/bin/x|");
	launch_search_free(NULL);
}

/* Runs "prog" by this PATH; its output is in out, its path (below the directory) is returned. */
static const char *run_prog(const char *path, char *out, size_t size)
{
	static char executable[500];
	char *argv[] = { "prog", NULL }, variable[1000];
	char *envp[] = { variable, NULL }, *cwd = getcwd(NULL, 0);
	struct err err = { "" };
	int fd, wstatus;
	struct launch *launch;

	snprintf(variable, sizeof(variable), "PATH=%s", path);
	launch = hold_piped(argv, envp, NULL, &fd);
	cr_assert_eq(launch_release(launch, &err), 0, "%s", err.text);
	read_all(fd, out, size);
	cr_assert_eq(launch_wait(launch, &wstatus), 0);
	cr_assert_eq(wstatus, 0);
	cr_assert(cwd && !strncmp(launch_executable(launch), cwd, strlen(cwd)), "%s",
		  launch_executable(launch));
	snprintf(executable, sizeof(executable), "%s", launch_executable(launch) + strlen(cwd) + 1);
	launch_free(launch);
	free(cwd);
	return executable;
}

static void make_directories(void)
{
	cr_assert_eq(mkdir("a", 0755) | mkdir("b", 0755) | mkdir("c", 0755), 0);
}

Test(launch_path, empty_element_is_this_directory)
{
	char out[100];

	put_file("prog", "#!/bin/sh\necho \"$0\"\n", 0755);
	cr_expect_str_eq(run_prog("/nonexistent::/bin", out, sizeof(out)), "prog");
	cr_expect_str_eq(out, "prog\n");
	cr_expect_str_eq(run_prog(".", out, sizeof(out)), "prog");
	cr_expect_str_eq(out, "./prog\n");
	cr_expect_str_eq(run_prog("", out, sizeof(out)), "prog");
}

Test(launch_path, first_that_can_be_executed)
{
	char out[100];

	make_directories();
	put_file("a/prog", "#!/bin/sh\necho a\n", 0644);
	cr_assert_eq(mkdir("b/prog", 0755), 0);
	put_file("c/prog", "#!/bin/sh\necho c\n", 0755);
	cr_expect_str_eq(run_prog("a:b:/etc/passwd:c", out, sizeof(out)), "c/prog");
	cr_expect_str_eq(out, "c\n");
}

Test(launch_path, goes_on_when_exec_fails)
{
	char out[100];

	make_directories();
	put_file("a/prog", "#!/no/such/interpreter\n", 0755);
	put_file("b/prog", "#!/bin/sh\necho b\n", 0755);
	cr_expect_str_eq(run_prog("a:b:c", out, sizeof(out)), "b/prog");
	cr_expect_str_eq(out, "b\n");
}

Test(launch_path, says_what_was_found_when_nothing_can_be_executed)
{
	make_directories();
	put_file("b/prog", "#!/bin/sh\necho b\n", 0644);
	expect_failure("prog", "a:b:c", -EACCES, 126, "'b/prog': permission denied");
	put_file("c/prog", "#!/no/such/interpreter\n", 0755);
	expect_failure("prog", "a:c", -ENOEXEC, 126, "'/no/such/interpreter'");
	/* b is not even tried: c is what a shell would run */
	expect_failure("prog", "a:b:c", -ENOEXEC, 126, "'c/prog': its interpreter");
	expect_failure("prog", "c:b", -ENOEXEC, 126, "'c/prog': its interpreter");
	cr_assert_eq(mkdir("a/prog", 0755), 0);
	expect_failure("prog", "a", -EACCES, 126, "is a directory");
	put_file("text", "true\n", 0755);
	put_file("b/text", "#!/bin/sh\nexit 0\n", 0755);
	/* execvp(3) would give it to a shell and so never get to b */
	expect_failure("text", ":b", -ENOEXEC, 126, "no #! line");
}

Test(launch_path, target_path_not_ours)
{
	char out[100];

	make_directories();
	put_file("a/prog", "#!/bin/sh\necho a\n", 0755);
	put_file("b/prog", "#!/bin/sh\necho b\n", 0755);
	cr_assert_eq(setenv("PATH", "a", 1), 0);
	cr_expect_str_eq(run_prog("b", out, sizeof(out)), "b/prog");
	cr_expect_str_eq(out, "b\n");
}

Test(launch_path, with_the_users_rights)
{
	gid_t group = 54320;
	struct launch_user user = other_user(&group, 1);
	struct err err = { "" };
	int r;

	NEEDS_ROOT();
	make_directories();
	put_file("a/prog", "#!/bin/sh\necho a\n", 0700);
	put_file("b/prog", "#!/bin/sh\necho b\n", 0755);
	put_file("c/prog", "#!/secret-interpreter\n", 0711);
	r = fail("./a/prog", NULL, &user, &err);
	cr_expect_eq(r, -EACCES);
	cr_expect(strstr(err.text, "somebody"), "%s", err.text);
	cr_assert_eq(chmod("b", 0700), 0);
	r = fail("./b/prog", NULL, &user, &err);
	cr_expect_eq(r, -EACCES);
	cr_expect(strstr(err.text, "may not search"), "%s", err.text);
	/* a closed directory in PATH does not say that the command is in it */
	r = fail("prog", "b", &user, &err);
	cr_expect_eq(r, -ENOENT);
	r = fail("prog", "b:a", &user, &err);
	cr_expect_eq(r, -EACCES);
	/* root may read the file and would say what is in it */
	r = fail("./c/prog", NULL, &user, &err);
	cr_expect_lt(r, 0);
	cr_expect(!strstr(err.text, "secret"), "%s", err.text);
}

/* ---- users ---- */

static void clear_sudo(void)
{
	cr_assert_eq(unsetenv("SUDO_UID") | unsetenv("SUDO_GID") | unsetenv("SUDO_USER"), 0);
}

Test(launch_user, self)
{
	struct launch_user user;
	struct err err = { "" };

	clear_sudo();
	cr_assert_eq(launch_user_resolve(&user, NULL, false, &err), 0, "%s", err.text);
	cr_expect(!user.change && user.source == LAUNCH_USER_SELF);
	cr_expect(user.uid == geteuid() && user.gid == getegid());
	cr_expect(user.name && user.home && user.shell);
	cr_expect_eq(launch_user_become(&user), 0);
	launch_user_free(&user);
}

Test(launch_user, sudo_without_passwd_entry)
{
	struct launch_user user;
	struct err err = { "" };

	NEEDS_ROOT();
	clear_sudo();
	setenv("SUDO_UID", "543210987", 1);
	setenv("SUDO_USER", "root", 1);
	cr_expect_eq(launch_user_resolve(&user, NULL, false, &err), -EINVAL);
	cr_expect(strstr(err.text, "543210987") && strstr(err.text, "--as-root"), "%s", err.text);
	setenv("SUDO_GID", "54321", 1);
	cr_assert_eq(launch_user_resolve(&user, NULL, false, &err), 0, "%s", err.text);
	cr_expect(user.change && user.source == LAUNCH_USER_SUDO);
	cr_expect(user.uid == 543210987 && user.gid == 54321);
	cr_expect(user.n_groups == 1 && user.groups[0] == 54321);
	cr_expect_str_eq(user.name, "543210987");
	cr_expect_str_eq(user.home, "/");
	cr_expect_str_eq(user.shell, "/bin/sh");
	launch_user_free(&user);
}

Test(launch_user, sudo_with_passwd_entry)
{
	struct launch_user user;
	const struct passwd *pw = getpwnam("daemon");
	char text[20];
	struct err err = { "" };

	NEEDS_ROOT();
	if (!pw)
		cr_skip_test("needs a user named daemon");
	clear_sudo();
	snprintf(text, sizeof(text), "%u", pw->pw_uid);
	setenv("SUDO_UID", text, 1);
	cr_assert_eq(launch_user_resolve(&user, NULL, false, &err), 0, "%s", err.text);
	cr_expect_str_eq(user.name, "daemon");
	cr_expect_eq(user.gid, getpwnam("daemon")->pw_gid);
	launch_user_free(&user);
	setenv("SUDO_GID", "54321", 1);
	cr_assert_eq(launch_user_resolve(&user, NULL, false, &err), 0, "%s", err.text);
	cr_expect_eq(user.gid, 54321);
	cr_expect_geq(user.n_groups, 1);
	launch_user_free(&user);
	cr_assert_eq(launch_user_resolve(&user, NULL, true, &err), 0, "%s", err.text);
	cr_expect(!user.change && !user.uid, "--as-root");
	launch_user_free(&user);
}

Test(launch_user, sudo_of_root_is_root)
{
	struct launch_user user;
	struct err err = { "" };

	NEEDS_ROOT();
	setenv("SUDO_UID", "0", 1);
	setenv("SUDO_GID", "0", 1);
	cr_assert_eq(launch_user_resolve(&user, NULL, false, &err), 0, "%s", err.text);
	cr_expect(!user.change && user.source == LAUNCH_USER_SELF);
	launch_user_free(&user);
}

Test(launch_user, malformed_sudo_variables)
{
	static const char *const bad[] = { "",	   "abc",    "-1",	   "+1",
					   " 1",   "1 ",     "4294967295", "99999999999",
					   "0x10", "1000\n", "1,2" };
	struct launch_user user;
	struct err err = { "" };

	NEEDS_ROOT();
	clear_sudo();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("SUDO_UID", bad[i], 1);
		cr_expect_eq(launch_user_resolve(&user, NULL, false, &err), -EINVAL, "'%s'",
			     bad[i]);
		cr_expect(strstr(err.text, "SUDO_UID") && strstr(err.text, "unset it"));
		cr_expect_eq(launch_user_resolve(&user, NULL, true, &err), 0, "it is not asked");
		launch_user_free(&user);
		setenv("SUDO_UID", "1000", 1);
		setenv("SUDO_GID", bad[i], 1);
		cr_expect_eq(launch_user_resolve(&user, NULL, false, &err), -EINVAL, "'%s'",
			     bad[i]);
		cr_expect(strstr(err.text, "SUDO_GID"));
		unsetenv("SUDO_GID");
	}
}

Test(launch_user, option)
{
	struct launch_user user;
	struct err err = { "" };

	NEEDS_ROOT();
	setenv("SUDO_UID", "rubbish", 1);
	cr_assert_eq(launch_user_resolve(&user, "root", false, &err), 0, "%s", err.text);
	cr_expect(user.source == LAUNCH_USER_OPTION && !user.change && !user.uid);
	launch_user_free(&user);
	if (!getpwnam("daemon"))
		cr_skip_test("needs a user named daemon");
	cr_assert_eq(launch_user_resolve(&user, "daemon", false, &err), 0, "%s", err.text);
	cr_expect(user.change && user.n_groups >= 1 && user.uid);
	char number[20];

	snprintf(number, sizeof(number), "%u", user.uid);
	launch_user_free(&user);
	cr_assert_eq(launch_user_resolve(&user, number, false, &err), 0, "%s", err.text);
	cr_expect_str_eq(user.name, "daemon");
	launch_user_free(&user);
}

Test(launch_user, unknown_option)
{
	static const char *const bad[] = { "no-such-user", "543210987", "", "-1", "4294967295" };
	struct launch_user user;
	struct err err = { "" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(launch_user_resolve(&user, bad[i], false, &err), -EINVAL, "'%s'",
			     bad[i]);
		cr_expect(strstr(err.text, bad[i]) && strstr(err.text, "getent"), "%s", err.text);
	}
}

static int resolve_as_nobody(void *name)
{
	struct launch_user user;
	struct err err;

	if (setresuid(OTHER_UID, OTHER_UID, OTHER_UID))
		return 100;
	return -launch_user_resolve(&user, name, false, &err);
}

Test(launch_user, without_root)
{
	NEEDS_ROOT();
	setenv("SUDO_UID", "rubbish", 1);
	cr_expect_eq(in_child(resolve_as_nobody, NULL), 0, "SUDO_UID means nothing then");
	cr_expect_eq(in_child(resolve_as_nobody, "root"), EPERM);
}

Test(launch_user, command_runs_as_the_user)
{
	gid_t groups[] = { 54320, 54322, 54329 };
	struct launch_user user = other_user(groups, 3);
	char out[200];

	NEEDS_ROOT();
	cr_assert_eq(run_helper("LAUNCH_TEST_HELPER=ids", &user, out, sizeof(out)), 0);
	cr_expect_str_eq(out,
			 "65534 65534 65534/54320 54320 54320/caps 0/nnp 0/54320 54322 54329 ");
}

Test(launch_user, command_without_groups)
{
	struct launch_user user = other_user(NULL, 0);
	char out[200];

	NEEDS_ROOT();
	cr_assert_eq(run_helper("LAUNCH_TEST_HELPER=ids", &user, out, sizeof(out)), 0);
	cr_expect_str_eq(out, "65534 65534 65534/54320 54320 54320/caps 0/nnp 0/");
}

static int hold_without_root(void *arg)
{
	struct launch_user user = other_user(NULL, 0);
	struct launch_signals signals;
	char *envp[] = { NULL };
	struct launch_opts opts = {
		.argv = helper_argv, .envp = envp, .user = &user, .signals = &signals
	};
	struct launch *launch;
	struct err err = { "" };

	(void)arg;
	if (setresuid(1, 1, 1) || launch_signals_take(&signals))
		return 100;
	if (launch_hold(&launch, &opts, &err) != -EPERM || !strstr(err.text, "somebody"))
		return 101;
	return waitpid(-1, NULL, 0) == -1 ? 0 : 102;
}

Test(launch_user, refusal_is_reported_at_the_hold)
{
	NEEDS_ROOT();
	cr_expect_eq(in_child(hold_without_root, NULL), 0);
}

static int become_keeping_root(void *arg)
{
	struct launch_user user = other_user(NULL, 0);

	(void)arg;
	/* SECBIT_NO_SETUID_FIXUP: capabilities survive the change of uid, CAP_SETUID among them */
	if (prctl(PR_SET_SECUREBITS, 1 << 2, 0, 0, 0))
		return 100;
	return -launch_user_become(&user);
}

Test(launch_user, become_makes_sure_that_root_is_gone)
{
	NEEDS_ROOT();
	cr_expect_eq(in_child(become_keeping_root, NULL), EPERM);
}

/* 1 if the thread holds exactly these in permitted and effective, and nothing inheritable. */
static int holds_exactly(const cap_value_t *values, int n)
{
	cap_t is = cap_get_proc(), wanted = cap_init();

	if (!is || !wanted)
		return 0;
	/* it takes no empty list */
	if (n && (cap_set_flag(wanted, CAP_PERMITTED, n, values, CAP_SET) ||
		  cap_set_flag(wanted, CAP_EFFECTIVE, n, values, CAP_SET)))
		return 0;
	return !cap_compare(is, wanted);
}

static int drop_to(void *arg)
{
	static const cap_value_t kill[] = { CAP_KILL };
	struct err err = { "" };
	uid_t r, e, s;

	if (launch_drop_privileges(arg, &err))
		return 100;
	if (getresuid(&r, &e, &s) || r != OTHER_UID || e != r || s != r || getegid() != 54320)
		return 101;
	if (getgroups(0, NULL) != 1)
		return 102;
	if (!holds_exactly(kill, 1))
		return 103;
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		return 104;
	return !setuid(0) || !setgid(0) || !access("/etc/shadow", R_OK);
}

Test(launch_user, drop_privileges_to_a_user)
{
	gid_t group = 54320;
	struct launch_user user = other_user(&group, 1);

	NEEDS_ROOT();
	cr_expect_eq(in_child(drop_to, &user), 0);
}

static int drop_as_root(void *user)
{
	static const cap_value_t kept[] = { CAP_KILL, CAP_DAC_OVERRIDE };
	cap_value_t inheritable = CAP_CHOWN;
	cap_t caps = cap_get_proc();
	struct err err = { "" };

	if (!caps || cap_set_flag(caps, CAP_INHERITABLE, 1, &inheritable, CAP_SET) ||
	    cap_set_proc(caps))
		return 99;
	if (launch_drop_privileges(user, &err))
		return 100;
	if (geteuid() || !setuid(1))
		return 101;
	return !holds_exactly(kept, 2);
}

Test(launch_user, drop_privileges_of_root)
{
	struct launch_user user = { .source = LAUNCH_USER_SELF };

	NEEDS_ROOT();
	cr_expect_eq(in_child(drop_as_root, NULL), 0);
	cr_expect_eq(in_child(drop_as_root, &user), 0);
}

/* As if concprof were a file with these capabilities, run by somebody who is not root. */
static int have_only(const cap_value_t *values, int n)
{
	cap_t caps = cap_init();

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresuid(OTHER_UID, OTHER_UID, OTHER_UID))
		return -1;
	return !caps || cap_set_flag(caps, CAP_PERMITTED, n, values, CAP_SET) ||
			       cap_set_flag(caps, CAP_EFFECTIVE, n, values, CAP_SET) ||
			       cap_set_proc(caps)
		       ? -1
		       : 0;
}

static int drop_file_capabilities(void *arg)
{
	static const cap_value_t all[] = { CAP_BPF, CAP_PERFMON, CAP_KILL };
	struct err err = { "" };
	int n = *(int *)arg;

	if (have_only(all, n))
		return 100;
	if (launch_drop_privileges(NULL, &err))
		return 101;
	return !holds_exactly(all + 2, n - 2);
}

Test(launch_user, drop_privileges_without_root)
{
	NEEDS_ROOT();
	for (int n = 2; n <= 3; n++)
		cr_expect_eq(in_child(drop_file_capabilities, &n), 0);
}

static int launch_with_file_capabilities(void *arg)
{
	static const cap_value_t search[] = { CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE };
	struct launch_signals signals;
	char *argv[] = { "closed/prog", NULL }, *envp[] = { NULL };
	struct launch_opts opts = { .argv = argv, .envp = envp, .signals = &signals };
	struct launch *launch;
	struct err err = { "" };

	(void)arg;
	if (have_only(search, 2) || launch_signals_take(&signals))
		return 100;
	if (access("closed", R_OK) == 0 || faccessat(AT_FDCWD, "closed/prog", F_OK, AT_EACCESS))
		return 101;
	if (launch_hold(&launch, &opts, &err))
		return 102;
	if (launch_check(launch, &err) != -EACCES || launch_release(launch, &err) != -EACCES)
		return 103;
	return !holds_exactly(search, 2);
}

Test(launch_user, file_capabilities_do_not_find_the_command)
{
	NEEDS_ROOT();
	enter_directory();
	cr_assert_eq(mkdir("closed", 0700), 0);
	put_file("closed/prog", "#!/bin/sh\nexit 0\n", 0755);
	cr_expect_eq(in_child(launch_with_file_capabilities, NULL), 0);
	leave_directory();
}

/* ---- the environment ---- */

static void expect_environ(const struct launch_user *user, char *const *own,
			   enum launch_environ_source source, const char *expected)
{
	struct launch_environ env;
	char joined[1000] = "";
	struct err err = { "" };

	cr_assert_eq(launch_environ_build(&env, user, own, &err), 0, "%s", err.text);
	cr_expect_eq(env.source, source);
	for (size_t i = 0; i < env.n; i++) {
		strcat(joined, env.vars[i]);
		strcat(joined, "|");
	}
	cr_expect_null(env.vars[env.n]);
	cr_expect_str_eq(joined, expected);
	launch_environ_free(&env);
}

static char *own_environ[] = { "PATH=/p",  "HOME=/root", "HOMER=x", "E=",  "USER=root",
			       "SHELL=/x", "Z=1",	 "Z=2",	    "odd", NULL };

Test(launch_environ, own)
{
	struct launch_user user = { .source = LAUNCH_USER_SELF };
	char *none[] = { NULL };

	expect_environ(&user, own_environ, LAUNCH_ENVIRON_OWN,
		       "PATH=/p|HOME=/root|HOMER=x|E=|USER=root|SHELL=/x|Z=1|Z=2|");
	expect_environ(&user, none, LAUNCH_ENVIRON_OWN, "");
}

Test(launch_environ, adapted)
{
	struct launch_user user = other_user(NULL, 0);

	user.source = LAUNCH_USER_OPTION;
	user.home = "/home/some body";
	expect_environ(&user, own_environ, LAUNCH_ENVIRON_ADAPTED,
		       "PATH=/p|HOMER=x|E=|Z=1|Z=2|HOME=/home/some body|USER=somebody|"
		       "LOGNAME=somebody|SHELL=/bin/sh|");
}

Test(launch_environ, fallback_without_sudo_above_us)
{
	struct launch_user user = other_user(NULL, 0);
	char *text;
	size_t len;

	user.uid = 543210987;
	cr_expect_eq(launch_sudo_environ(&text, &len, user.uid), -ENOENT);
	expect_environ(&user, own_environ, LAUNCH_ENVIRON_FALLBACK,
		       "PATH=/p|HOMER=x|E=|Z=1|Z=2|HOME=/|USER=somebody|LOGNAME=somebody|"
		       "SHELL=/bin/sh|");
}

/* A copy of this program that passes for sudo; only OTHER_UID's group gets at it. */
static void make_sudo(const char *name, const char *mode)
{
	struct statvfs vfs;
	char command[400];

	enter_directory();
	cr_assert_eq(statvfs(".", &vfs), 0);
	if (vfs.f_flag & (ST_NOSUID | ST_NOEXEC)) {
		leave_directory();
		cr_skip_test("needs a /tmp that is not mounted nosuid or noexec");
	}
	cr_assert_eq(chown(".", 0, 54320), 0);
	cr_assert_eq(chmod(".", 0710), 0);
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s && chmod %s %s", getpid(), name,
		 mode, name);
	cr_assert_eq(system(command), 0);
}

/* What a concprof that runs below such a "sudo" gives as environment, and from where. */
static void expect_below_sudo(char *name, const char *uid, int depth,
			      enum launch_environ_source source)
{
	char uid_text[40], depth_text[40], out[2000] = "", expected[2000];
	struct launch_user user = other_user(NULL, 0);
	char *argv[] = { name, NULL };
	char *envp[] = {
		"LAUNCH_TEST_HELPER=sudo", uid_text, depth_text, "PATH=/mine", "odd", "V=a\nb", NULL
	};

	snprintf(uid_text, sizeof(uid_text), "FAKE_SUDO_UID=%s", uid);
	snprintf(depth_text, sizeof(depth_text), "FAKE_DEPTH=%d", depth);
	snprintf(expected, sizeof(expected), "source %d\n%s\n%s\n%s\nPATH=/mine\nV=a\nb\n", source,
		 envp[0], envp[1], envp[2]);
	make_sudo(name, "4755");
	cr_assert_eq(run(argv, envp, &user, out, sizeof(out)), 0, "%s", out);
	leave_directory();
	if (source == LAUNCH_ENVIRON_BEFORE_SUDO)
		cr_expect_str_eq(out, expected, "%s", out);
	else
		cr_expect(strstr(out, "source 3\nPATH=/secure\nOWN=1\nHOME="), "%s", out);
}

Test(launch_environ, before_sudo)
{
	NEEDS_ROOT();
	expect_below_sudo("./sudo", "65534", 0, LAUNCH_ENVIRON_BEFORE_SUDO);
	expect_below_sudo("./sudo-rs", "65534", 2, LAUNCH_ENVIRON_BEFORE_SUDO);
	expect_below_sudo("./sudo.ws", "65534", 20, LAUNCH_ENVIRON_BEFORE_SUDO);
}

Test(launch_environ, not_from_what_is_no_sudo_of_this_user)
{
	NEEDS_ROOT();
	expect_below_sudo("./doas", "65534", 0, LAUNCH_ENVIRON_FALLBACK);
	expect_below_sudo("./sudo", "65533", 0, LAUNCH_ENVIRON_FALLBACK);
	expect_below_sudo("./sudo", "65534", 40, LAUNCH_ENVIRON_FALLBACK);
}

Test(launch_environ, not_from_what_anybody_can_name_sudo)
{
	char *argv[] = { "./sudo", NULL }, out[2000] = "";
	char *envp[] = { "LAUNCH_TEST_HELPER=sudo", "FAKE_SUDO_UID=65534", "FAKE_DEPTH=0", NULL };

	NEEDS_ROOT();
	make_sudo("./sudo", "755");
	cr_assert_eq(setresuid(OTHER_UID, 0, 0), 0);
	cr_assert_eq(run(argv, envp, NULL, out, sizeof(out)), 0, "%s", out);
	cr_assert_eq(setresuid(0, 0, 0), 0);
	leave_directory();
	cr_expect(strstr(out, "source 3\n"), "%s", out);
}

/* ---- ending like the workload ---- */

/* The status of a process that ends like wstatus, having a handler and a block for all signals. */
static int end_like(int wstatus)
{
	struct rlimit limit;
	int got;
	pid_t pid = fork();

	if (!pid) {
		sigset_t set;

		/* in an orphaned group, as the test's can be, a stop is ignored */
		if (setpgid(0, 0) || getrlimit(RLIMIT_CORE, &limit))
			_exit(1);
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_CORE, &limit))
			_exit(1);
		for (int sig = 1; sig <= SIGRTMAX; sig++)
			signal(sig, sig % 2 ? SIG_IGN : on_signal);
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		launch_exit_like(wstatus);
	}
	cr_assert_eq(waitpid(pid, &got, WUNTRACED), pid);
	return got;
}

Test(launch_status, same_code)
{
	static const int codes[] = { 0, 1, 3, 99, 125, 126, 127, 128, 143, 255 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		cr_expect_eq(end_like(W_EXITCODE(codes[i], 0)), W_EXITCODE(codes[i], 0));
}

Test(launch_status, same_signal_without_a_core)
{
	static const int sigs[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGILL,	SIGABRT, SIGFPE,
				    SIGKILL, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,
				    SIGBUS,  SIGSYS,  SIGXCPU, 34,	64 };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		cr_expect_eq(end_like(W_EXITCODE(0, sigs[i])), sigs[i], "signal %d", sigs[i]);
		cr_expect_eq(end_like(W_EXITCODE(0, sigs[i]) | WCOREFLAG), sigs[i],
			     "signal %d with a core", sigs[i]);
	}
	cr_expect_neq(access("core", F_OK), 0);
}

Test(launch_status, signals_that_do_not_end_a_process)
{
	cr_expect_eq(end_like(W_STOPCODE(SIGSTOP)), W_EXITCODE(128 + SIGSTOP, 0));
	cr_expect_eq(end_like(W_EXITCODE(0, SIGTSTP)), W_EXITCODE(128 + SIGTSTP, 0));
	cr_expect_eq(end_like(W_EXITCODE(0, SIGCHLD)), W_EXITCODE(128 + SIGCHLD, 0));
	cr_expect_eq(end_like(W_EXITCODE(0, SIGWINCH)), W_EXITCODE(128 + SIGWINCH, 0));
}

Test(launch_status, of_a_real_command)
{
	char out[10];
	int wstatus = run_helper("LAUNCH_TEST_HELPER=kill 9", NULL, out, sizeof(out));

	cr_expect_eq(wstatus, SIGKILL);
	cr_expect_eq(end_like(wstatus), wstatus);
	wstatus = run_helper("LAUNCH_TEST_HELPER=seven", NULL, out, sizeof(out));
	cr_expect_eq(end_like(wstatus), wstatus);
}

/* ---- explanations ---- */

Test(launch_fail, every_explanation_fits_and_names_the_remedy)
{
	char name[400];
	struct explain_names names = { .command = name, .path = name, .user = name };
	static const int errors[] = { ENOENT,  EACCES, ENOEXEC, E2BIG, ETXTBSY,
				      ENOTDIR, EIO,    ENOMEM,	EPERM };
	struct err err;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int file = CHILD_FILE_MISSING; file <= CHILD_FILE_OTHER; file++) {
		for (size_t i = 0; i < 8 * sizeof(errors) / sizeof(errors[0]); i++) {
			struct child_report report = { .kind = CHILD_FAILED,
						       .error = errors[i / 8],
						       .file = file,
						       .executable = i & 1,
						       .noexec = i & 2,
						       .here = i & 4 };

			memset(report.interpreter, 'i', sizeof(report.interpreter) - 1);
			cr_expect_lt(launch_explain(&report, &names, &err), 0);
			cr_expect_lt(strlen(err.text), sizeof(err.text) - 1, "%s", err.text);
			cr_expect(strpbrk(err.text, ";:"), "%s", err.text);
		}
	}
}
