/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum launch_user_source {
	LAUNCH_USER_SELF,   /* whoever runs concprof */
	LAUNCH_USER_SUDO,   /* who called sudo */
	LAUNCH_USER_OPTION, /* -u */
};

/* Whom the workload runs as, and files are written as. */
struct launch_user {
	enum launch_user_source source;
	bool change; /* false: this is who we are, there is nothing to become */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; only if change */
	size_t n_groups;
	char *name; /* the uid in decimal if it has no entry in passwd(5) */
	char *home; /* "/" if unknown */
	char *shell;
};

/*
 * Finds the user: name (a name or a uid of -u, or NULL) if given; else, if we are root and sudo
 * says so (SUDO_UID, SUDO_GID), who called it, unless as_root; else ourselves.
 * On success the caller frees ret with launch_user_free(). Errors, with err filled: -EINVAL for an
 * unknown name or a malformed SUDO_UID or SUDO_GID, -EPERM if -u names another user and we are not
 * root, -ENOMEM.
 */
int launch_user_resolve(struct launch_user *ret, const char *name, bool as_root, struct err *err);

void launch_user_free(struct launch_user *user);

/*
 * Becomes the user for good: groups, gid, uid, then makes sure that root cannot be had back
 * (setresuid(2); a caller with SECBIT_NO_SETUID_FIXUP would keep its capabilities).
 * Nothing to do if !change. Returns 0 or -errno; after an error the process must not go on.
 */
int launch_user_become(const struct launch_user *user);

/*
 * For the collector, once its probes are loaded: becomes the user (NULL: stays who it is) and keeps
 * of its capabilities only CAP_KILL (it must end a workload that has changed its uid) and, if it
 * stays root, CAP_DAC_OVERRIDE (to write its reports). What it does not hold it does without.
 * Capabilities belong to threads (capabilities(7)): call it while there is only one. Afterwards the
 * process is not dumpable, so that the user can neither trace it nor read its memory (prctl(2),
 * PR_SET_DUMPABLE), its bounding set is empty if it may say so, and launch_confine() holds. Returns 0, or
 * -errno with err filled; then the process must not go on.
 */
int launch_drop_privileges(const struct launch_user *user, struct err *err);

/* confine.c: from now on only the system calls that a collector makes once it collects, and never a
 * privilege again by an exec. 0 or -errno. */
int launch_confine(void);

/*
 * Drops from the calling thread what only concprof's own file capabilities gave it: all that is not
 * ambient, which an exec would drop as well, but only after it has looked for the file with them.
 * Nothing for root, whose capabilities are its own. Returns 0 or -errno.
 */
int launch_drop_file_capabilities(void);
