// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/facts.h"
#include "cmd/quota.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define CPUS_MAX (1 << 20)

/* All that are there are added to the set. False: those of one that is there are not known. */
static bool add_affinity(pid_t pid, cpu_set_t *to, cpu_set_t *room, size_t size)
{
	CPU_ZERO_S(size, room);
	if (sched_getaffinity(pid, size, room))
		return errno == ESRCH;
	CPU_OR_S(size, to, to, room);
	return true;
}

/* sched_setaffinity(2): the mask can be larger than cpu_set_t. */
unsigned int facts_cpus_allowed(const pid_t *pids, size_t n)
{
	cpu_set_t *all = CPU_ALLOC(CPUS_MAX), *room = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	bool known = all && room;
	int count = 0;

	if (known) {
		CPU_ZERO_S(size, all);
		if (!n)
			known = add_affinity(0, all, room, size);
		for (size_t i = 0; i < n; i++)
			known &= add_affinity(pids[i], all, room, size);
		count = CPU_COUNT_S(size, all);
	}
	CPU_FREE(all);
	CPU_FREE(room);
	if (!known)
		return 0;
	return count ? count : 1;
}

bool facts_idle_ns(uint64_t *ret)
{
	unsigned long long ticks[5], sum = 0;
	FILE *f = fopen("/proc/stat", "re");
	cpu_set_t *allowed = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	bool known = f && allowed && !sched_getaffinity(0, size, allowed);
	char line[512];
	int cpu, n = 0;

	while (known && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu", &cpu, &ticks[0], &ticks[1],
			   &ticks[2], &ticks[3], &ticks[4]) != 6 ||
		    cpu < 0 || cpu >= CPUS_MAX || !CPU_ISSET_S(cpu, size, allowed))
			continue;
		sum += ticks[3] + ticks[4]; /* idle, and idle with IO under way */
		n++;
	}
	if (f)
		fclose(f);
	CPU_FREE(allowed);
	*ret = sum * (1000000000ull / sysconf(_SC_CLK_TCK));
	return n > 0;
}

/* Exact user and kernel time is kept where the tick is off (nohz_full). */
static unsigned int cpu_how(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/nohz_full", "re");
	int first = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return first >= '0' && first <= '9' ? CPU_EXACT : CPU_BY_TICK;
}

static int tell_text(event_fn fn, void *ctx, enum text_kind what, const char *text)
{
	size_t length = strlen(text), size = (sizeof(struct ev_text) + length + 1 + 7) / 8 * 8;
	struct ev_text *ev = calloc(1, size);
	int error;

	if (!ev)
		return -ENOMEM;
	ev->head.kind = EV_TEXT;
	ev->head.size = size;
	ev->what = what;
	ev->length = length;
	memcpy(ev->text, text, length);
	error = fn(ctx, &ev->head);
	free(ev);
	return error;
}

int facts_note(event_fn fn, void *ctx, const char *text)
{
	return tell_text(fn, ctx, TEXT_NOTE, text);
}

int facts_tell(event_fn fn, void *ctx, const struct facts *facts)
{
	struct ev_run run = { .head = { EV_RUN, sizeof(run) },
			      .mode = facts->mode,
			      .uid = facts->uid };
	struct timespec now;
	struct utsname name;
	int error;

	if (!facts->cpus_allowed)
		return -ENODATA;
	clock_gettime(CLOCK_REALTIME, &now);
	run.realtime_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	run.cpus = sysconf(_SC_NPROCESSORS_ONLN);
	run.cpus_allowed = facts->cpus_allowed;
	run.cpu_how = cpu_how();
	quota_read(facts->limited, &run.quota_us, &run.period_us);
	error = fn(ctx, &run.head);
	if (uname(&name))
		return -errno;
	if (!error)
		error = tell_text(fn, ctx, TEXT_KERNEL, name.release);
	if (!error)
		error = tell_text(fn, ctx, TEXT_ARCH, name.machine);
	if (!error)
		error = tell_text(fn, ctx, TEXT_HOST, name.nodename);
	if (!error)
		error = tell_text(fn, ctx, TEXT_LIBBPF, libbpf_version_string());
	if (!error && facts->executable)
		error = tell_text(fn, ctx, TEXT_EXECUTABLE, facts->executable);
	for (size_t i = 0; facts->argv[i] && !error; i++)
		error = tell_text(fn, ctx, TEXT_ARGUMENT, facts->argv[i]);
	for (size_t i = 0; facts->notes[i] && !error; i++)
		error = facts_note(fn, ctx, facts->notes[i]);
	return error;
}
