// SPDX-License-Identifier: BSD-2-Clause
#include "sym/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/allow.h"

#define OWN_MEMORY (256ull << 20) /* besides files that are only mapped */
#define NICE	   19

static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	return setrlimit(resource, &limit) ? -errno : 0;
}

static int allow_all_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

static int become(const struct sym_opts *opts)
{
	if (!opts->change_user)
		return 0;
	if (setgroups(0, NULL) || setresgid(opts->gid, opts->gid, opts->gid) ||
	    setresuid(opts->uid, opts->uid, opts->uid))
		return -errno;
	return 0;
}

/* All but what is given here, of which only what there is. */
static int keep_capability(bool keep, cap_value_t value, bool in_effect)
{
	cap_t now = cap_get_proc(), kept = cap_init();
	cap_flag_value_t set = CAP_CLEAR;
	int r = now && kept ? 0 : -errno;

	if (!r && keep && cap_get_flag(now, value, CAP_PERMITTED, &set))
		r = -errno;
	if (!r && (cap_set_flag(kept, CAP_PERMITTED, 1, &value, set) ||
		   cap_set_flag(kept, CAP_EFFECTIVE, 1, &value, in_effect ? set : CAP_CLEAR) ||
		   cap_set_proc(kept)))
		r = -errno;
	cap_free(now);
	cap_free(kept);
	return r;
}

static int drop_capabilities(void)
{
	return keep_capability(false, CAP_DAC_READ_SEARCH, false);
}

int sandbox_keeper(const struct sym_opts *opts)
{
	int r = become(opts);

	/* root's programs may lie in a folder of another user; it is for the openers alone */
	if (!r)
		r = keep_capability(!geteuid(), CAP_DAC_READ_SEARCH, false);
	if (!r)
		r = set_limit(RLIMIT_CORE, 0);
	if (!r)
		r = allow_all_descriptors();
	if (r)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	/* what is unwound and named can wait; the workload wants the CPUs now */
	return setpriority(PRIO_PROCESS, 0, NICE) ? -errno : 0;
}

int sandbox_opener(void)
{
	return keep_capability(true, CAP_DAC_READ_SEARCH, true);
}

/* What this process already has counts as well: all of its parent, and a sanitizer's shadow. */
static int limit_memory(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long long pages;
	int n;

	if (!statm)
		return -errno;
	n = fscanf(statm, "%*u %*u %*u %*u %*u %llu", &pages);
	fclose(statm);
	if (n != 1)
		return -EIO;
	return set_limit(RLIMIT_DATA, pages * (rlim_t)sysconf(_SC_PAGESIZE) + OWN_MEMORY);
}

/* All that libelf, libdw, liblzma and malloc do, but to open files. */
static const unsigned allowed[] = {
#ifdef __NR_readlink
	__NR_readlink,	   __NR_access,		 __NR_stat,	   __NR_lstat,
#endif
	__NR_read,	   __NR_pread64,	 __NR_write,	   __NR_writev,
	__NR_recvmsg,	   __NR_sendmsg,	 __NR_close,	   __NR_lseek,
	__NR_fstat,	   __NR_newfstatat,	 __NR_statx,	   __NR_readlinkat,
	__NR_faccessat,	   __NR_fcntl,		 __NR_mmap,	   __NR_munmap,
	__NR_mremap,	   __NR_mprotect,	 __NR_madvise,	   __NR_brk,
	__NR_futex,	   __NR_getrandom,	 __NR_sysinfo,	   __NR_clock_gettime,
	__NR_getpid,	   __NR_gettid,		 __NR_tgkill,	   __NR_rt_sigprocmask,
	__NR_rt_sigaction, __NR_rt_sigreturn,	 __NR_sigaltstack, __NR_setitimer,
	__NR_sched_yield,  __NR_restart_syscall, __NR_exit,	   __NR_exit_group,
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct allow_rule to_read = { __NR_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC,
					   0 };

int sandbox_worker(bool debuginfod)
{
	int r = drop_capabilities();

	if (!r)
		r = limit_memory();
	/* that library has threads, connections and a cache of its own */
	if (r || debuginfod)
		return r;
	r = set_limit(RLIMIT_FSIZE, 0);
	return r ? r : allow_only(allowed, COUNT(allowed), &to_read, 1);
}
