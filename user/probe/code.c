// SPDX-License-Identifier: BSD-2-Clause
/* Where the program waits and computes: stacks from the probes, mappings, and the clock. */
#include "probe/internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define UNWIND_NS	 20000000 /* for stacks, before it is time for signals and deadlines */
#define UNWIND_AT_ONCE	 16	  /* then it is time to look after the ledgers */
#define SAMPLES_A_SECOND 99	  /* not in step with what happens each 10 ms */

const struct code_row code_rows[CODE_SOURCES] = {
	[CODE_MAPPINGS] = { "mappings", "names of places in the code" },
	[CODE_CLOCK] = { "cpu-clock", "where in the code it computes" },
};

static int open_clock(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = SAMPLES_A_SECOND,
		.exclude_idle = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A CPU that is off has no clock. */
static int attach_clock(struct probe *p, int cpu)
{
	int fd = open_clock(cpu), error;

	if (fd < 0)
		return fd == -ENODEV ? 0 : fd;
	p->clocks[cpu] = bpf_program__attach_perf_event(p->skel->progs.cp_sample, fd);
	if (p->clocks[cpu])
		return 0; /* the link owns it */
	error = -errno;
	close(fd);
	return error;
}

static void say(struct probe *p, enum code_source source, int error)
{
	snprintf(p->code_why[source], sizeof(p->code_why[source]),
		 "it could not be set up on every CPU: %s", strerror(-error));
}

int code_open(struct probe *p)
{
	int cpus = libbpf_num_possible_cpus(), error;

	if (cpus < 0)
		return cpus;
	p->clocks = calloc(cpus, sizeof(struct bpf_link *));
	if (!p->clocks)
		return -ENOMEM;
	p->n_clocks = cpus;
	error = mappings_open(&p->mappings);
	if (error)
		say(p, CODE_MAPPINGS, error);
	for (int cpu = 0; cpu < cpus; cpu++) {
		error = attach_clock(p, cpu);
		if (error) /* of one CPU is enough to say so: its samples are missing */
			say(p, CODE_CLOCK, error);
	}
	return 0;
}

void code_close(struct probe *p)
{
	for (int cpu = 0; cpu < p->n_clocks; cpu++)
		bpf_link__destroy(p->clocks[cpu]);
	free(p->clocks);
	mappings_free(p->mappings);
	coroutines_free(&p->coroutines);
}

/* All mappings that were there before a stack was taken go first. */
static int catch_up(struct probe *p, uint64_t at)
{
	if (!p->mappings || at < p->mapped_until)
		return 0;
	p->mapped_until = clock_ns();
	return mappings_read(p->mappings, &p->code);
}

/* Which libbpf hands up, though nothing is wrong. */
#define ENOUGH (-ECANCELED)

/* Now and then, other things than unwinding. */
static int pause_unwinding(struct probe *p)
{
	if (ring_buffer__consume(p->ring) < 0)
		return p->fn_error ? p->fn_error : -EPROTO;
	p->has_more = p->unwind_until && clock_ns() > p->unwind_until;
	return p->has_more ? ENOUGH : 0;
}

int code_take(struct probe *p, const struct code_stack *s)
{
	int error;

	if (!p->code.stack)
		return 0;
	if (s->n_bytes > CODE_STACK || s->n_kernel > CODE_KERNEL)
		return -EPROTO;
	error = catch_up(p, s->at);
	coroutines_note(&p->coroutines, p->mappings, s);
	return error ? error : p->code.stack(p->code.ctx, s);
}

int code_record(void *ctx, void *data, size_t size)
{
	struct probe *p = ctx;
	const struct code_stack *s = data;

	if (!p->code.stack)
		return 0;
	if (size == sizeof(struct code_waited) && s->what == CODE_WAITED)
		return p->fn_error = p->code.waited(p->code.ctx, data);
	if (size != sizeof(*s))
		return -EPROTO;
	p->fn_error = code_take(p, s);
	if (p->fn_error || ++p->unwound % UNWIND_AT_ONCE)
		return p->fn_error;
	return pause_unwinding(p);
}

int code_consume(struct probe *p)
{
	int n;

	p->has_more = false;
	n = ring_buffer__consume(p->stacks);
	return n == ENOUGH && p->has_more ? 0 : n;
}

/* Of a thread whose ledger was in its ring at the last look, the stacks were in theirs. */
int code_read(struct probe *p)
{
	if (!p->code.mapping)
		return 0;
	if (!p->has_more)
		p->code.settled(p->code.ctx);
	p->unwind_until = clock_ns() + UNWIND_NS;
	return catch_up(p, UINT64_MAX);
}

int code_tell(struct probe *p, event_fn fn, void *ctx)
{
	int error = 0;

	for (int i = 0; i < CODE_SOURCES && !error; i++) {
		struct ev_probe ev = { .head = { EV_PROBE, sizeof(ev) } };

		ev.attached = !p->code_why[i][0];
		snprintf(ev.name, sizeof(ev.name), "%s", code_rows[i].name);
		snprintf(ev.why, sizeof(ev.why), "%s", p->code_why[i]);
		error = fn(ctx, &ev.head);
	}
	return error;
}
