// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which function of the kernel tells what a thread does there: which file system, which kind of
 * pipe or socket, which part of the memory's management. It is the outermost that is not one
 * of the layers that many calls come through.
 */
#include <string.h>

#include "analysis/internal.h"

/* By how their names begin. Those that are missing here are named, which is no error. */
static const char *const layers[] = {
	/* system calls */
	"__x64_sys_",
	"__arm64_sys_",
	"__se_sys_",
	"__do_sys_",
	"__sys_",
	"___sys_",
	"____sys_",
	"ksys_",
	"do_sys_",
	"do_fsync",
	"do_syncfs",
	/* files of any kind */
	"vfs_",
	"__vfs_",
	"do_iter_",
	"do_loop_readv_",
	"do_readv",
	"do_writev",
	"do_preadv",
	"do_pwritev",
	"new_sync_",
	"iterate_dir",
	"fput",
	"__fput",
	"____fput",
	"filp_",
	/* names of files */
	"do_filp_open",
	"do_open",
	"do_file_open",
	"path_",
	"filename_",
	"lookup_",
	"__lookup_",
	"walk_component",
	"link_path_walk",
	"open_last_lookups",
	"do_unlinkat",
	"do_renameat",
	"do_mkdirat",
	"do_rmdir",
	"filename_unlinkat",
	"filename_rename",
	"dput",
	"__dentry_kill",
	"dentry_kill",
	"iput",
	"evict",
	"do_statx",
	/* sockets of any kind */
	"sock_",
	"__sock_",
	"inet_recvmsg",
	"inet_sendmsg",
	"inet6_recvmsg",
	"inet6_sendmsg",
	/* faults of any kind */
	"exc_page_fault",
	"do_user_addr_fault",
	"do_page_fault",
	"handle_mm_fault",
	"__handle_mm_fault",
	"handle_pte_fault",
	"do_pte_missing",
	"do_fault",
	"__do_fault",
	"do_read_fault",
	"do_shared_fault",
	"do_cow_fault",
	/* on the way out */
	"syscall_exit_to_user_mode",
	"irqentry_exit",
	"exit_to_user_mode",
	"do_notify_resume",
	"task_work_run",
	/* what the cause of a wait says already */
	"do_wait",
	"kernel_wait",
	"do_futex",
	"futex_",
	"__futex_",
	"do_epoll_",
	"ep_",
	"do_poll",
	"do_ppoll",
	"do_select",
	"core_sys_select",
	"kern_select",
	"do_pselect",
	"poll_",
	"hrtimer_nanosleep",
	"do_nanosleep",
	"common_nsleep",
	"do_sigtimedwait",
	"sigsuspend",
};

static bool is_layer(const char *function)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		if (!strncmp(function, layers[i], strlen(layers[i])))
			return true;
	}
	return false;
}

size_t kernel_frames(const struct model *m, const struct stack *s)
{
	size_t n = 0;

	while (n < s->n && m->frames[s->frames[n]].flags & FRAME_KERNEL)
		n++;
	return n;
}

const struct frame *kernel_frame(const struct model *m, const struct stack *s)
{
	for (size_t i = kernel_frames(m, s); i--;) {
		const struct frame *f = &m->frames[s->frames[i]];

		if (f->function[0] && !is_layer(f->function))
			return f;
	}
	return NULL;
}
