// SPDX-License-Identifier: BSD-2-Clause
/* On which CPUs the program may run, by what its threads say of themselves. */
#include "model/internal.h"

#include <string.h>

#define COUNTS 0.02 /* of all computing, for an affinity to count */

static struct affinity *same(struct model_builder *b, const uint64_t *cpus)
{
	struct affinity *a;

	for (size_t i = 0; i < b->n_affinities; i++) {
		if (!memcmp(b->affinities[i].cpus, cpus, sizeof(b->affinities[i].cpus)))
			return &b->affinities[i];
	}
	if (b->n_affinities == AFFINITIES)
		return &b->affinities[AFFINITIES - 1];
	a = &b->affinities[b->n_affinities++];
	memset(a, 0, sizeof(*a));
	return a;
}

void affinity_add(struct model_builder *b, const struct ev_thread *ev)
{
	uint64_t cpus[EVENT_CPU_WORDS];
	struct affinity *a;

	memcpy(cpus, ev->cpus, sizeof(cpus));
	a = same(b, cpus);
	for (int i = 0; i < EVENT_CPU_WORDS; i++)
		a->cpus[i] |= cpus[i];
	a->running_ns += ev->ledger.state_ns[TS_RUNNING];
}

/* All of the machine's if any of them is not known. */
unsigned int affinity_cpus(const struct model_builder *b)
{
	uint64_t all = 0, cpus[EVENT_CPU_WORDS] = { 0 };
	unsigned int n = 0;

	for (size_t i = 0; i < b->n_affinities; i++)
		all += b->affinities[i].running_ns;
	for (size_t i = 0; i < b->n_affinities; i++) {
		const struct affinity *a = &b->affinities[i];
		uint64_t any = 0;

		if ((double)a->running_ns < COUNTS * (double)all)
			continue;
		for (int w = 0; w < EVENT_CPU_WORDS; w++) {
			any |= a->cpus[w];
			cpus[w] |= a->cpus[w];
		}
		if (!any)
			return b->m->run.cpus_allowed;
	}
	for (int w = 0; w < EVENT_CPU_WORDS; w++)
		n += __builtin_popcountll(cpus[w]);
	return n && n < b->m->run.cpus_allowed ? n : b->m->run.cpus_allowed;
}
