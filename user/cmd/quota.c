// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/quota.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct limit {
	long long quota, period;
};

static bool read_line(const char *directory, const char *file, char *text, size_t room)
{
	char path[4400];
	FILE *f;
	bool has;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	has = fgets(text, room, f);
	fclose(f);
	return has;
}

/* cgroup-v2.rst: "max 100000" or "20000 100000" */
static bool read_v2(const char *directory, struct limit *ret)
{
	char line[128];

	return read_line(directory, "cpu.max", line, sizeof(line)) &&
	       sscanf(line, "%lld %lld", &ret->quota, &ret->period) == 2;
}

/* sched-bwc.rst: -1 is no limit */
static bool read_v1(const char *directory, struct limit *ret)
{
	char quota[64], period[64];

	if (!read_line(directory, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
	    !read_line(directory, "cpu.cfs_period_us", period, sizeof(period)))
		return false;
	ret->quota = atoll(quota);
	ret->period = atoll(period);
	return true;
}

/* Where each version is mounted, and which line of /proc/PID/cgroup is its own. */
static const struct version {
	const char *controller; /* cgroups(7): the unified hierarchy's line names none */
	const char *root;
	bool (*read)(const char *directory, struct limit *ret);
} versions[] = {
	{ "", "/sys/fs/cgroup", read_v2 },
	{ "", "/sys/fs/cgroup/unified", read_v2 },
	{ "cpu", "/sys/fs/cgroup/cpu", read_v1 },
};

static bool has_name(char *names, const char *name)
{
	if (!*name)
		return !*names;
	for (char *one = strtok(names, ","); one; one = strtok(NULL, ",")) {
		if (!strcmp(one, name))
			return true;
	}
	return false;
}

/* Lines "4:cpu,cpuacct:/path" or "0::/path". */
static bool group_of(pid_t pid, const char *controller, char *ret, size_t room)
{
	char line[4096], path[32] = "/proc/self/cgroup";
	bool found = false;
	FILE *f;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *names = strchr(line, ':');
		char *group = names ? strchr(++names, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		found = has_name(names, controller);
		if (found)
			snprintf(ret, room, "%s", group);
	}
	fclose(f);
	return found;
}

static void keep_tighter(struct limit *kept, const struct limit *other)
{
	if (other->quota <= 0 || other->period <= 0)
		return;
	if (kept->quota < 0 ||
	    (double)other->quota / other->period < (double)kept->quota / kept->period)
		*kept = *other;
}

static void read_up_to_root(const struct version *v, pid_t pid, struct limit *kept)
{
	char group[2048], directory[4200];
	char *slash;

	if (!group_of(pid, v->controller, group, sizeof(group)))
		return;
	do {
		struct limit limit;

		snprintf(directory, sizeof(directory), "%s%s", v->root, group);
		if (v->read(directory, &limit))
			keep_tighter(kept, &limit);
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
}

void quota_read(pid_t pid, __s64 *ret_quota_us, __s64 *ret_period_us)
{
	struct limit kept = { -1, -1 };

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		read_up_to_root(&versions[i], pid, &kept);
	*ret_quota_us = kept.quota;
	*ret_period_us = kept.period;
}
