// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *const finding_rules[] = {
	"cpu.limit",
	"cpu.spinning",
	"deadlock",
	"handover.latency",
	"hang",
	"io.busy_polling",
	"io.fsync",
	"io.log",
	"io.names",
	"io.one_at_a_time",
	"io.thread_per_peer",
	"io.tiny",
	"lifecycle.crash",
	"lifecycle.cut_off",
	"lifecycle.killed",
	"lifecycle.orphans",
	"lifecycle.survivors",
	"lifecycle.zombies",
	"livelock",
	"lock.computing",
	"lock.contention",
	"lock.inversion",
	"lock.order",
	"lock.starved",
	"loop.blocked",
	"loop.fd_setsize",
	"loop.herd",
	"loop.lag",
	"loop.scan",
	"machine.busy",
	"memory.faults",
	"pipeline.bottleneck",
	"pool.large",
	"pool.small",
	"process.startup",
	"sched.niced",
	"sched.pinned",
	"sched.starved_by_rt",
	"timer.polling",
	NULL,
};

_Static_assert(sizeof(finding_rules) == (FINDING_RULES + 1) * sizeof(*finding_rules),
	       "FINDING_RULES does not count them");

void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		out_of_memory();
	return p;
}

struct finding *finding_add(struct findings *f, const char *rule, enum severity severity)
{
	struct finding *one;

	f->list = reallocarray(f->list, f->n_list + 1, sizeof(*f->list));
	if (!f->list)
		out_of_memory();
	one = &f->list[f->n_list++];
	memset(one, 0, sizeof(*one));
	one->rule = rule;
	one->severity = severity;
	snprintf(one->subject, sizeof(one->subject), "program");
	return one;
}

void evidence_add(struct finding *to, const char *metric, uint64_t value, const char *fmt, ...)
{
	struct evidence *e;
	va_list ap;

	if (to->n_evidence == EVIDENCE_MAX)
		return;
	e = &to->evidence[to->n_evidence++];
	snprintf(e->metric, sizeof(e->metric), "%s", metric);
	e->value = value;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

void finding_title(struct finding *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to->title, sizeof(to->title), fmt, ap);
	va_end(ap);
}

void finding_advice(struct finding *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to->advice, sizeof(to->advice), fmt, ap);
	va_end(ap);
}

void finding_gain(struct finding *to, const struct findings *f, double ns, const char *by)
{
	if (ns < (double)f->model->wall_ns / 100)
		return;
	to->has_gain = true;
	to->gain_at_most_ns = (uint64_t)ns;
	to->gain_by = by;
}
