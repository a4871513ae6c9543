// SPDX-License-Identifier: BSD-2-Clause
#include "report/loss.h"

static const struct loss_words unknown_loss = {
	"unknown",
	"losses of a kind that this version does not know",
	"what they concern is not known",
};

static const struct loss_words words[LOSS_KIND_COUNT] = {
	[LOSS_THREADS] = {
		"threads",
		"threads are in the totals but not in the list",
		"sums are complete, but these threads cannot be told apart",
	},
	[LOSS_UNTRACKED] = {
		"untracked",
		"threads could not be followed",
		"their time and that of what they started is missing from every number",
	},
	[LOSS_EXEC] = {
		"exec",
		"program starts were seen without their names",
		"times are right, but some processes have the name of their parent",
	},
	[LOSS_MISSED_RUN] = {
		"missed_run",
		"runs of a probe were left out by the kernel",
		"the waits or switches they would have seen may be charged to unknown",
	},
	[LOSS_SWITCH_IN] = {
		"switch_in",
		"starts of running were not announced by the kernel",
		"thread times are right; wall time and parallelism may show too little running",
	},
	[LOSS_PEERS] = {
		"peers",
		"waits for servers are missing from the list of these",
		"the waits are right; only whom they were for is not known",
	},
	[LOSS_LIFE] = {
		"life",
		"births, deaths or reapings of processes were not seen",
		"times are right; who created, killed or reaped a process may be missing or wrong",
	},
	[LOSS_STACKS] = {
		"stacks",
		"waits or samples were seen without their place in the code",
		"times are right; the sites are those of fewer samples",
	},
	[LOSS_MAPPINGS] = {
		"mappings",
		"mappings of files were not seen",
		"times are right; some places in the code may have no name",
	},
	[LOSS_LOCKS] = {
		"locks",
		"waits at locks are missing from the list of these",
		"the waits are right; only at which lock, or who held it, is not known",
	},
	[LOSS_DEADLOCKS] = {
		"deadlocks",
		"deadlocks found no room in the list",
		"those that are listed are right",
	},
	[LOSS_TARGETS] = {
		"targets",
		"waits for input and output are missing from the list of what they were for",
		"the waits are right; only what they were for is not known",
	},
	[LOSS_LOOPS] = {
		"loops",
		"waits for many descriptors at once are missing from the list of loops",
		"the waits are right; only what was done between them is not known",
	},
	[LOSS_WAKES] = {
		"wakes",
		"waits are missing from the list of who ended whose",
		"the waits are right; only who ended them is not known",
	},
	[LOSS_SIGNALS] = {
		"signals",
		"signals are missing from the list of who sent them to whom",
		"those that are listed are right",
	},
	[LOSS_USES] = {
		"uses",
		"samples of calls on descriptors, or signals that one is ready, were not counted",
		"times and waits are right; the shares of the IO models are those of fewer samples",
	},
	[LOSS_TAKERS] = {
		"takers",
		"times that a thread did not run are missing from the list of who had its CPU",
		"the times are right; only who had the CPU is not known",
	},
	[LOSS_CHANGES] = {
		"changes",
		"changes of policy, nice or affinity are missing",
		"what each thread had at its end is right",
	},
	[LOSS_TARGET_NAMES] = {
		"target_names",
		"of what was waited for have no name",
		"their waits are right",
	},
	[LOSS_DYING] = {
		"dying",
		"threads were about to end and did not get the CPU for that, so they are not listed",
		"wall time is right; their own time is missing from what is summed over threads",
	},
	[LOSS_MARKS] = {
		"marks",
		"steps of threads are missing from the timeline",
		"all sums are right; of the timeline, these threads are not known for a while",
	},
	[LOSS_CALLS] = {
		"calls",
		"futex or epoll calls, or messages, were not counted",
		"counts of calls are too low; times are right",
	},
};

const struct loss_words *loss_words(unsigned int kind)
{
	if (kind >= LOSS_KIND_COUNT || !words[kind].what)
		return &unknown_loss;
	return &words[kind];
}
