// SPDX-License-Identifier: BSD-2-Clause
#include "report/words.h"

#include <sched.h>
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
