// SPDX-License-Identifier: BSD-2-Clause
#include "launch/accounts.h"

#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef CONCPROF_STATIC

const struct passwd *account_by_name(const char *name)
{
	return getpwnam(name);
}

const struct passwd *account_by_uid(uid_t uid)
{
	return getpwuid(uid);
}

int account_groups(const char *name, gid_t gid, gid_t *groups, int *n)
{
	return getgrouplist(name, gid, groups, n);
}

#else

/* The entry of this name or, if there is none, of this uid. */
static const struct passwd *find(const char *name, uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && (name ? strcmp(pw->pw_name, name) : pw->pw_uid != uid))
		;
	if (f)
		fclose(f);
	return pw;
}

const struct passwd *account_by_name(const char *name)
{
	return find(name, 0);
}

const struct passwd *account_by_uid(uid_t uid)
{
	return find(NULL, uid);
}

static bool is_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++) {
		if (!strcmp(*member, name))
			return true;
	}
	return false;
}

int account_groups(const char *name, gid_t gid, gid_t *groups, int *n)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *group;
	int room = *n;

	*n = 0;
	if ((*n)++ < room)
		groups[0] = gid;
	while (f && (group = fgetgrent(f))) {
		if (group->gr_gid != gid && is_member(group, name) && (*n)++ < room)
			groups[*n - 1] = group->gr_gid;
	}
	if (f)
		fclose(f);
	return *n > room ? -1 : *n;
}

#endif
