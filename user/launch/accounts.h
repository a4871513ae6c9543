/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pwd.h>
#include <sys/types.h>

/*
 * The users of this machine: those of all its name services; in a program that is linked
 * statically those of /etc/passwd and /etc/group alone (CONCPROF_STATIC), because name services are
 * libraries that fit the C library of the machine. What is returned is good until the next call;
 * NULL: there is none, or it cannot be read.
 */
const struct passwd *account_by_name(const char *name);
const struct passwd *account_by_uid(uid_t uid);

/* As getgrouplist(3). */
int account_groups(const char *name, gid_t gid, gid_t *groups, int *n);
