// SPDX-License-Identifier: BSD-2-Clause
/* What is not allowed fails, in a child of its own each: a filter cannot be taken off again. */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/allow.h"
#include "launch/user.h"

static bool is_refused(long r)
{
	return r == -1 && errno == EPERM;
}

/* Of a table of calls, and one rule. Bits of the answer: what was not as it should be. */
static int try_table(void)
{
	static const unsigned calls[] = { __NR_close, __NR_exit_group, __NR_getppid };
	static const struct allow_rule rules[] = {
		{ __NR_openat, 2, O_WRONLY | O_RDWR | O_CREAT, 0 },
		{ __NR_lseek, 2, ~0u, SEEK_CUR },
		{ __NR_lseek, 2, ~0u, SEEK_SET },
	};
	int fd, wrong = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || allow_only(calls, 3, rules, 3))
		return 0x80;
	fd = open("/proc/self/exe", O_RDONLY);
	wrong |= fd < 0;
	wrong |= is_refused(open("/dev/null", O_RDWR)) ? 0 : 2;
	wrong |= lseek(fd, 0, SEEK_CUR) == 0 && lseek(fd, 0, SEEK_SET) == 0 ? 0 : 4;
	wrong |= is_refused(lseek(fd, 0, SEEK_END)) ? 0 : 8;
	wrong |= getppid() > 0 ? 0 : 16;
	wrong |= is_refused(syscall(__NR_getpid)) ? 0 : 32;
	return wrong;
}

static int try_collector(void)
{
	static char *const nothing[] = { NULL };
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	int wrong = 0;

	if (launch_confine())
		return 0x80;
	wrong |= is_refused(execve("/bin/true", nothing, nothing)) ? 0 : 1;
	wrong |= is_refused(socket(AF_INET, SOCK_STREAM, 0)) ? 0 : 2;
	wrong |= is_refused(ptrace(PTRACE_TRACEME, 0, 0, 0)) ? 0 : 4;
	wrong |= is_refused(fork()) ? 0 : 8;
	wrong |= is_refused(syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr))) ? 0 : 16;
	wrong |= is_refused(setuid(0)) ? 0 : 32;
	wrong |= is_refused(chmod("/nowhere", 0)) ? 0 : 64;
	return wrong;
}

static int in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) /* not _exit(2): a sanitizer has more to do there */
		syscall(__NR_exit_group, check());
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(allow, calls_and_arguments)
{
	cr_assert_eq(in_child(try_table), 0);
}

Test(allow, what_a_collector_does_not)
{
	cr_assert_eq(in_child(try_collector), 0);
}
