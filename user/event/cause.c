// SPDX-License-Identifier: BSD-2-Clause
#include "event/event.h"

/* After "waits for". */
static const char *const words[CAUSE_COUNT] = {
	[CAUSE_UNKNOWN] = "not known",
	[CAUSE_LOCK_MUTEX] = "another thread's mutex",
	[CAUSE_LOCK_RWLOCK] = "a read-write lock",
	[CAUSE_LOCK_PI] = "another thread's PI lock",
	[CAUSE_LOCK_FILE] = "a file lock",
	[CAUSE_SYNC_COND] = "a condition's signal",
	[CAUSE_SYNC_SEM] = "a semaphore",
	[CAUSE_SYNC_BARRIER] = "others at a barrier",
	[CAUSE_SYNC_JOIN] = "another thread to end",
	[CAUSE_SYNC_FUTEX] = "another thread (a futex)",
	[CAUSE_IO_DISK] = "a disk",
	[CAUSE_IO_FILE] = "a file",
	[CAUSE_IO_PIPE] = "a pipe's other end",
	[CAUSE_IO_SOCKET] = "a socket's other end",
	[CAUSE_IO_TTY] = "a terminal",
	[CAUSE_IO_URING] = "io_uring",
	[CAUSE_IO_AIO] = "asynchronous IO",
	[CAUSE_EVENT_EPOLL] = "events (epoll)",
	[CAUSE_EVENT_POLL] = "events (poll)",
	[CAUSE_EVENT_SELECT] = "events (select)",
	[CAUSE_EVENT_EVENTFD] = "an eventfd",
	[CAUSE_EVENT_SIGNALFD] = "signals (signalfd)",
	[CAUSE_EVENT_INOTIFY] = "changes of files",
	[CAUSE_TIMER_SLEEP] = "a sleep to end",
	[CAUSE_TIMER_TIMERFD] = "a timer (timerfd)",
	[CAUSE_TIMER_ITIMER] = "a timer's signal",
	[CAUSE_CHILD_WAIT] = "a child process to end",
	[CAUSE_CHILD_VFORK] = "a new process to start",
	[CAUSE_SIGNAL_WAIT] = "a signal",
	[CAUSE_SIGNAL_STOP] = "a signal to continue",
	[CAUSE_SIGNAL_PTRACE] = "a debugger",
	[CAUSE_IPC_SYSV_MSG] = "a queue (System V)",
	[CAUSE_IPC_SYSV_SEM] = "a semaphore (System V)",
	[CAUSE_IPC_POSIX_MQ] = "a queue (POSIX)",
	[CAUSE_FAULT_MAJOR] = "memory from disk",
	[CAUSE_FAULT_MINOR] = "memory",
	[CAUSE_KERNEL_LOCK] = "a lock in the kernel",
	[CAUSE_KERNEL_FREEZE] = "the end of a freeze",
	[CAUSE_KERNEL_THROTTLE] = "its CPU limit",
	[CAUSE_KERNEL_OTHER] = "something in the kernel",
};

const char *cause_words(enum cause cause)
{
	return (unsigned int)cause < CAUSE_COUNT ? words[cause] : "not known";
}
