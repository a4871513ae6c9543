// SPDX-License-Identifier: BSD-2-Clause
#include "report/words.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "../bpf/wall.h"

#define NS_PER_S 1000000000ull

const char *ended_by_name(unsigned int ended_by)
{
	static const char *const names[] = {
		[ENDED_COMMAND] = "command",
		[ENDED_DURATION] = "duration",
		[ENDED_HANG] = "hang",
		[ENDED_SIGNAL] = "signal",
		[ENDED_LAST_PROCESS] = "last-process",
	};

	return ended_by < sizeof(names) / sizeof(names[0]) ? names[ended_by] : NULL;
}

const char *policy_name(unsigned int policy)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "SCHED_OTHER",
		[SCHED_FIFO] = "SCHED_FIFO",
		[SCHED_RR] = "SCHED_RR",
		[SCHED_BATCH] = "SCHED_BATCH",
		[SCHED_IDLE] = "SCHED_IDLE",
		[6] = "SCHED_DEADLINE",
		[7] = "SCHED_EXT",
	};

	return policy < sizeof(names) / sizeof(names[0]) ? names[policy] : NULL;
}

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

bool process_survived(const struct model *m, const struct process *p)
{
	/* With the command, at the end of its --duration, concprof ends all of them. */
	bool ended_all = m->end.ended_by == ENDED_DURATION && !m->processes[0].ended;

	return m->complete && !ended_all && !p->ended && p->id != COMMAND_ID;
}

bool cpu_split(const struct model *m, const struct thread *t, uint64_t *user_ns,
	       uint64_t *kernel_ns)
{
	uint64_t running = t->state_ns[TS_RUNNING];
	unsigned __int128 both = (unsigned __int128)t->witness.user_ns + t->witness.kernel_ns;

	/* Ticks are samples: over a short time they say nothing. */
	if (!both || (m->run.cpu_how != CPU_EXACT && running < NS_PER_S))
		return false;
	*user_ns = (uint64_t)(running * (unsigned __int128)t->witness.user_ns / both);
	*kernel_ns = running - *user_ns;
	return true;
}

uint64_t not_running_ns(const struct model *m)
{
	uint64_t left = m->wall_ns;

	for (size_t i = 1; i < WALL_COUNTS; i++) {
		uint64_t ns = m->wall.by_count[i];

		left -= ns < left ? ns : left;
	}
	return left;
}

void wall_kinds(uint64_t ret[ROW_KINDS], const __u64 row_ns[ROW_COUNT])
{
	memset(ret, 0, ROW_KINDS * sizeof(*ret));
	for (unsigned int r = 0; r < ROW_COUNT; r++)
		ret[row_kind(r)] += row_ns[r];
}
