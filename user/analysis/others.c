// SPDX-License-Identifier: BSD-2-Clause
/* Other programs that used the CPUs meanwhile: who they are, and what it cost. */
#include "analysis/internal.h"

#include <stdio.h>

#define NAMED 3	   /* at most */
#define LEAST 0.05 /* of a CPU, to be named */

double others_gain(const struct findings *f, const struct shares *s)
{
	const uint64_t *state = f->totals.state_ns;
	double queued = (double)state[TS_WOKEN] + state[TS_PREEMPTED];
	double gain = f->model->wall_ns - f->model->wall.busy_ns / f->cpus_allowed;

	if (f->others_ns < 0)
		return s->others;
	gain = gain < queued ? gain : queued;
	gain = gain < f->others_ns ? gain : f->others_ns;
	return gain > s->others ? gain : s->others;
}

void others_say(struct finding *to, const struct findings *f, const struct shares *s)
{
	const struct model *m = f->model;
	char names[sizeof(to->evidence[0].text)] = "";
	size_t used = 0;

	if (s->limit > s->others || !m->wall_ns)
		return;
	for (size_t i = 0; i < m->n_others && i < NAMED && used < sizeof(names); i++) {
		const struct other *o = &m->others[i];
		double cpus = (double)o->cpu_ns / m->wall_ns;

		if (cpus < LEAST)
			break;
		used += snprintf(names + used, sizeof(names) - used, "%s%s (pid %u) %.2f%s",
				 i ? ", " : "", o->comm, o->pid, cpus, i ? "" : " of a CPU");
	}
	if (used)
		evidence_add(to, "others.cpu_ns", m->others[0].cpu_ns,
			     "other programs meanwhile: %s", names);
}

/* The limit is read where concprof is at the start: a program may join another group. */
char *limit_words(char *buf, size_t size, const struct findings *f)
{
	const struct ev_run *run = &f->model->run;

	if (run->quota_us <= 0 || run->period_us <= 0)
		snprintf(buf, size,
			 "The limit is that of a cgroup which it joined later, and is not known");
	else
		snprintf(buf, size, "The cgroup allows %.4g CPUs: %.4g ms in each %.4g ms",
			 (double)run->quota_us / run->period_us, run->quota_us / 1e3,
			 run->period_us / 1e3);
	return buf;
}
