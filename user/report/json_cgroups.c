// SPDX-License-Identifier: BSD-2-Clause
#include "report/json_parts.h"

void json_cgroups(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_CGROUPS, f->n_cgroups);

	if (!f->n_cgroups)
		return;
	json_array(j, "cgroups");
	for (size_t i = 0; i < n; i++) {
		const struct cgroup_row *row = &f->cgroups[i];

		json_object(j, NULL);
		json_string(j, "path", row->path);
		json_u64(j, "processes", row->processes);
		json_u64(j, "threads", row->threads);
		json_u64(j, "lifetime_ns", row->lifetime_ns);
		json_u64(j, "running_ns", row->running_ns);
		json_u64(j, "queued_ns", row->queued_ns);
		json_u64(j, "blocked_ns", row->blocked_ns);
		json_end(j);
	}
	json_end(j);
}
