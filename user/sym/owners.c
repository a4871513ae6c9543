// SPDX-License-Identifier: BSD-2-Clause
#include "sym/owners.h"

static void set(struct owners *o, uint32_t pid, uint32_t uid)
{
	if (uid == o->uid)
		map_remove(&o->other, pid); /* its number may have been another's */
	else
		*map_add(&o->other, pid) = uid;
}

void owners_exec(struct owners *o, uint32_t pid, uint32_t uid)
{
	if (!o->is_known)
		o->uid = uid;
	o->is_known = true;
	set(o, pid, uid);
}

void owners_fork(struct owners *o, uint32_t parent, uint32_t pid)
{
	set(o, pid, owners_uid(o, parent));
}

uint32_t owners_uid(const struct owners *o, uint32_t pid)
{
	const uint64_t *uid = map_find(&o->other, pid);

	return uid ? (uint32_t)*uid : o->uid;
}

void owners_free(struct owners *o)
{
	map_free(&o->other);
}
