// SPDX-License-Identifier: BSD-2-Clause
/* What must be known about the running kernel before the probes are loaded. */
#include "probe/internal.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool kernel_has_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

void kernel_fault_entry(uint64_t *ret_start, uint64_t *ret_end)
{
	char line[256], name[128], type;
	uint64_t address, start = 0, end = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	*ret_start = *ret_end = 0;
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %127s", &address, &type, name) != 3)
			continue;
		if (start && address > start) {
			end = address;
			break;
		}
		if (!strcmp(name, "asm_exc_page_fault"))
			start = address;
	}
	fclose(f);
	if (end) {
		*ret_start = start;
		*ret_end = end;
	}
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
