// SPDX-License-Identifier: BSD-2-Clause
/* What must be known about the running kernel before the probes are loaded. */
#include "probe/internal.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

bool kernel_has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* kallsyms is sorted by address, so a function ends where the next symbol starts. */
void kernel_find_code(const char *function, struct code *ret)
{
	char line[256], name[128], type;
	uint64_t address;
	FILE *f = fopen("/proc/kallsyms", "re");

	ret->start = ret->end = 0;
	if (!f)
		return;
	while (!ret->end && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %127s", &address, &type, name) != 3)
			continue;
		if (ret->start && address > ret->start)
			ret->end = address;
		else if (!ret->start && !strcmp(name, function))
			ret->start = address;
	}
	fclose(f);
	if (!ret->end)
		ret->start = 0;
}

/* capabilities(7): effective set in /proc/self/status. */
bool kernel_has_capability(int bit)
{
	char line[128];
	unsigned long long set = 0;
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapEff: %llx", &set) == 1)
			break;
	}
	fclose(f);
	return set >> bit & 1;
}

bool kernel_is_namespaced(void)
{
	unsigned long long inside, outside, n = UINT32_MAX;
	FILE *f = fopen("/proc/self/uid_map", "re");

	if (!f)
		return false;
	if (fscanf(f, "%llu %llu %llu", &inside, &outside, &n) != 3)
		n = 0; /* none is mapped yet */
	fclose(f);
	return n < UINT32_MAX;
}

bool kernel_is_before(unsigned major, unsigned minor, char release[KERNEL_RELEASE])
{
	struct utsname name;
	unsigned own_major, own_minor;

	if (uname(&name) || sscanf(name.release, "%u.%u", &own_major, &own_minor) != 2)
		return false;
	snprintf(release, KERNEL_RELEASE, "%s", name.release);
	return own_major < major || (own_major == major && own_minor < minor);
}

const char *kernel_remedy(void)
{
	if (kernel_is_namespaced())
		return "root of a user namespace, as in a rootless container, may not: run it as "
		       "the machine's root";
	if (!geteuid())
		return "root lacks it here, as in a container: run that with --privileged "
		       "--pid=host";
	return "run it as root: sudo concprof ...";
}
