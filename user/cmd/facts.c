// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/facts.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* sched_setaffinity(2): the mask can be larger than cpu_set_t. */
unsigned int facts_cpus_allowed(void)
{
	for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC(cpus);
		size_t size = CPU_ALLOC_SIZE(cpus);
		int n = 0;

		if (!set)
			break;
		if (!sched_getaffinity(0, size, set))
			n = CPU_COUNT_S(size, set);
		CPU_FREE(set);
		if (n || errno != EINVAL)
			return n ? n : 1;
	}
	return 1;
}

static bool read_line(const char *path, char *text, size_t room)
{
	FILE *f = fopen(path, "re");
	bool has;

	if (!f)
		return false;
	has = fgets(text, room, f);
	fclose(f);
	if (has)
		text[strcspn(text, "\n")] = '\0';
	return has;
}

/* The path of our cgroup below the controller's root; cgroups(7), /proc/PID/cgroup. */
static bool own_cgroup(const char *controller, char *ret, size_t room)
{
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		for (char *name = strtok(names + 1, ","); name && !found; name = strtok(NULL, ","))
			found = !strcmp(name, controller);
		if (!*controller && !strncmp(line, "0", 1) && names[1] == '\0')
			found = true;
		if (found)
			snprintf(ret, room, "%s", path);
	}
	fclose(f);
	return found;
}

static void keep_smaller(struct ev_run *run, long long quota, long long period)
{
	if (quota <= 0 || period <= 0)
		return;
	if (run->quota_us < 0 ||
	    (double)quota / period < (double)run->quota_us / run->period_us) {
		run->quota_us = quota;
		run->period_us = period;
	}
}

/* The tightest CPU limit from our cgroup up to the root, of either version. */
static void read_quota(struct ev_run *run)
{
	char group[2048], path[4200], line[128];
	long long quota, period;
	bool v2 = own_cgroup("", group, sizeof(group));

	run->quota_us = run->period_us = -1;
	for (int version = v2 ? 2 : 1; version > 0; version--) {
		if (version == 1 && !own_cgroup("cpu", group, sizeof(group)))
			return;
		for (;;) {
			const char *root = version == 2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
			char *slash;

			if (version == 2) {
				snprintf(path, sizeof(path), "%s%s/cpu.max", root, group);
				if (read_line(path, line, sizeof(line)) &&
				    sscanf(line, "%lld %lld", &quota, &period) == 2)
					keep_smaller(run, quota, period);
			} else {
				snprintf(path, sizeof(path), "%s%s/cpu.cfs_quota_us", root, group);
				quota = read_line(path, line, sizeof(line)) ? atoll(line) : -1;
				snprintf(path, sizeof(path), "%s%s/cpu.cfs_period_us", root, group);
				period = read_line(path, line, sizeof(line)) ? atoll(line) : -1;
				keep_smaller(run, quota, period);
			}
			slash = strrchr(group, '/');
			if (!slash || !group[0] || !strcmp(group, "/"))
				break;
			*slash = '\0';
		}
	}
}

/* Exact user and kernel time is kept where the tick is off (nohz_full). */
static unsigned int cpu_how(void)
{
	char line[64];

	if (read_line("/sys/devices/system/cpu/nohz_full", line, sizeof(line)) && line[0] >= '0' &&
	    line[0] <= '9')
		return CPU_EXACT;
	return CPU_BY_TICK;
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

int facts_tell(event_fn fn, void *ctx, uid_t uid, char *const *argv, const char *executable,
	       const char *const *notes)
{
	struct ev_run run = { .head = { EV_RUN, sizeof(run) }, .mode = MODE_RUN, .uid = uid };
	struct timespec now;
	struct utsname name;
	int error;

	clock_gettime(CLOCK_REALTIME, &now);
	run.realtime_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	run.cpus = sysconf(_SC_NPROCESSORS_ONLN);
	run.cpus_allowed = facts_cpus_allowed();
	run.cpu_how = cpu_how();
	read_quota(&run);
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
	if (!error && executable)
		error = tell_text(fn, ctx, TEXT_EXECUTABLE, executable);
	for (size_t i = 0; argv[i] && !error; i++)
		error = tell_text(fn, ctx, TEXT_ARGUMENT, argv[i]);
	for (size_t i = 0; notes[i] && !error; i++)
		error = tell_text(fn, ctx, TEXT_NOTE, notes[i]);
	return error;
}
