// SPDX-License-Identifier: BSD-2-Clause
/* What the collector may still ask the kernel for, once it reads what the workload has made. */
#include "launch/user.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/allow.h"

/* It reads maps and /proc, waits, kills, and writes its reports. It starts nothing, traces nothing, opens
 * no socket, loads no program, and becomes nobody else. */
static const unsigned calls[] = {
#ifdef __NR_open
	__NR_open,
	__NR_stat,
	__NR_lstat,
	__NR_access,
	__NR_readlink,
	__NR_rename,
	__NR_unlink,
	__NR_poll,
	__NR_epoll_wait,
	__NR_dup2,
	__NR_time,
#endif
	/* files */
	__NR_openat,
	__NR_close,
	__NR_read,
	__NR_readv,
	__NR_pread64,
	__NR_write,
	__NR_writev,
	__NR_pwrite64,
	__NR_lseek,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_statfs,
	__NR_fstatfs,
	__NR_getdents64,
	__NR_readlinkat,
	__NR_faccessat,
	__NR_faccessat2,
	__NR_getcwd,
	__NR_ftruncate,
	__NR_fallocate,
	__NR_fsync,
	__NR_fchmod,
	__NR_fchown,
	__NR_flock,
	__NR_umask,
	__NR_renameat,
	__NR_renameat2,
	__NR_unlinkat,
	__NR_dup,
	__NR_dup3,
	__NR_fcntl,
	__NR_ioctl, /* a terminal's, and those of perf's clocks */
	/* descriptors that it has */
	__NR_epoll_create1,
	__NR_epoll_ctl,
	__NR_epoll_pwait,
	__NR_epoll_pwait2,
	__NR_ppoll,
	__NR_pselect6,
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_sendto,
	__NR_recvfrom,
	__NR_shutdown,
	__NR_setsockopt,
	__NR_signalfd4,
	/* memory */
	__NR_mmap,
	__NR_munmap,
	__NR_mremap,
	__NR_mprotect,
	__NR_madvise,
	__NR_brk,
	__NR_memfd_create,
	/* processes, itself among them */
	__NR_wait4,
	__NR_waitid,
	__NR_kill,
	__NR_tgkill,
	__NR_pidfd_open,
	__NR_pidfd_send_signal,
	__NR_process_vm_readv, /* lock words: as any process of the same user may */
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_rt_sigtimedwait,
	__NR_sigaltstack,
	__NR_getpid,
	__NR_getppid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_getresuid,
	__NR_getresgid,
	__NR_getgroups,
	__NR_getpgid,
	__NR_getrusage,
	__NR_prlimit64,
	__NR_prctl,
	__NR_capget,
	__NR_sched_getaffinity,
	__NR_sched_yield,
	__NR_setitimer,
	__NR_uname,
	__NR_sysinfo,
	__NR_getrandom,
	__NR_futex,
	__NR_clock_gettime,
	__NR_clock_nanosleep,
	__NR_restart_syscall,
	__NR_exit,
	__NR_exit_group,
};

/* bpf(2) on what is loaded: some probes are attached once they are needed. */
#define BPF_ALLOWED(command)                                                                       \
	{                                                                                          \
		__NR_bpf, 0, ~0u, command                                                          \
	}

static const struct allow_rule rules[] = {
	BPF_ALLOWED(BPF_MAP_LOOKUP_ELEM), BPF_ALLOWED(BPF_MAP_UPDATE_ELEM),
	BPF_ALLOWED(BPF_MAP_DELETE_ELEM), BPF_ALLOWED(BPF_MAP_GET_NEXT_KEY),
	BPF_ALLOWED(BPF_PROG_TEST_RUN),	  BPF_ALLOWED(BPF_OBJ_GET_INFO_BY_FD),
	BPF_ALLOWED(BPF_LINK_CREATE),	  BPF_ALLOWED(BPF_RAW_TRACEPOINT_OPEN),
	BPF_ALLOWED(BPF_ITER_CREATE),
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

int launch_confine(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return allow_only(calls, COUNT(calls), rules, COUNT(rules));
}
