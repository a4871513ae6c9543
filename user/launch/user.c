// SPDX-License-Identifier: BSD-2-Clause
#include "launch/user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/accounts.h"

/* strtoul(3) takes signs and white space, and uid_t -1 means "unchanged" to setresuid(2). */
static int parse_id(unsigned int *ret, const char *text)
{
	unsigned long value;

	if (!*text || strlen(text) > 10 || text[strspn(text, "0123456789")])
		return -EINVAL;
	errno = 0;
	value = strtoul(text, NULL, 10);
	if (errno || value >= UINT_MAX)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int fill_names(struct launch_user *user, const struct passwd *pw)
{
	if (pw)
		user->name = strdup(pw->pw_name);
	else if (asprintf(&user->name, "%u", user->uid) < 0)
		user->name = NULL;
	user->home = strdup(pw && *pw->pw_dir ? pw->pw_dir : "/");
	/* passwd(5): an empty shell field means /bin/sh */
	user->shell = strdup(pw && *pw->pw_shell ? pw->pw_shell : "/bin/sh");
	return user->name && user->home && user->shell ? 0 : -ENOMEM;
}

static int fill_groups(struct launch_user *user, bool known)
{
	int n = 0, got;

	/* the first call only asks for the number; it always fails */
	if (!known || account_groups(user->name, user->gid, NULL, &n) != -1)
		n = 1;
	for (;;) {
		gid_t *groups = reallocarray(user->groups, n, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		user->groups = groups;
		groups[0] = user->gid;
		got = n;
		if (!known || account_groups(user->name, user->gid, groups, &got) >= 0)
			break;
		n = got > n ? got : 2 * n;
	}
	user->n_groups = got;
	return 0;
}

static int fill_self(struct launch_user *user)
{
	user->source = LAUNCH_USER_SELF;
	user->uid = geteuid();
	user->gid = getegid();
	return fill_names(user, account_by_uid(user->uid));
}

static int fill_option(struct launch_user *user, const char *name, struct err *err)
{
	const struct passwd *pw = account_by_name(name);
	unsigned int uid;
	int r;

	if (!pw && !parse_id(&uid, name))
		pw = account_by_uid(uid);
	if (!pw)
		return err_set(err, -EINVAL,
			       "unknown user '%.100s' for -u: name one of 'getent passwd'", name);
	user->source = LAUNCH_USER_OPTION;
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	user->change = user->uid != geteuid();
	if (user->change && geteuid())
		return err_set(err, -EPERM,
			       "-u %.100s needs root: use sudo, or leave -u out to run as yourself",
			       name);
	r = fill_names(user, pw);
	if (!r && user->change)
		r = fill_groups(user, true);
	return r;
}

static int parse_sudo_id(unsigned int *ret, const char *variable, const char *text, struct err *err)
{
	if (!parse_id(ret, text))
		return 0;
	return err_set(
		err, -EINVAL,
		"%s is '%.100s', not an id: unset it, or say whom to run as with -u or --as-root",
		variable, text);
}

/* Several names can share one uid: prefer the one that sudo says. */
static const struct passwd *sudo_entry(uid_t uid)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *pw = name ? account_by_name(name) : NULL;

	return pw && pw->pw_uid == uid ? pw : account_by_uid(uid);
}

static int fill_sudo(struct launch_user *user, uid_t uid, struct err *err)
{
	const char *gid_text = getenv("SUDO_GID");
	const struct passwd *pw;
	int r;

	if (gid_text) {
		r = parse_sudo_id(&user->gid, "SUDO_GID", gid_text, err);
		if (r)
			return r;
	}
	pw = sudo_entry(uid);
	if (!gid_text && !pw)
		return err_set(
			err, -EINVAL,
			"SUDO_UID is %u, a user without a passwd entry, and SUDO_GID is not set: "
			"set it, or say whom to run as with -u or --as-root",
			uid);
	if (!gid_text)
		user->gid = pw->pw_gid;
	user->source = LAUNCH_USER_SUDO;
	user->uid = uid;
	user->change = true;
	r = fill_names(user, pw);
	return r ? r : fill_groups(user, pw);
}

int launch_user_resolve(struct launch_user *ret, const char *name, bool as_root, struct err *err)
{
	const char *sudo = getenv("SUDO_UID");
	struct launch_user user = { 0 };
	unsigned int uid = 0;
	int r = 0;

	if (name) {
		r = fill_option(&user, name, err);
	} else {
		if (sudo && !as_root && !geteuid())
			r = parse_sudo_id(&uid, "SUDO_UID", sudo, err);
		if (!r)
			r = uid ? fill_sudo(&user, uid, err) : fill_self(&user);
	}
	if (r == -ENOMEM)
		err_failed(err, r, "cannot look up a user");
	if (r) {
		launch_user_free(&user);
		return r;
	}
	*ret = user;
	return 0;
}

void launch_user_free(struct launch_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	free(user->shell);
	*user = (struct launch_user){ 0 };
}

int launch_user_become(const struct launch_user *user)
{
	if (!user->change)
		return 0;
	if (setgroups(user->n_groups, user->groups))
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid))
		return -errno;
	if (setresuid(user->uid, user->uid, user->uid))
		return -errno;
	if (user->uid && (!setuid(0) || !seteuid(0)))
		return -EPERM;
	return 0;
}
