// SPDX-License-Identifier: BSD-2-Clause
#include "launch/user.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Whether the thread is to keep this capability, if it holds it. */
typedef bool keep_fn(cap_value_t value);

static bool keep_kill(cap_value_t value)
{
	return value == CAP_KILL;
}

static bool keep_kill_and_files(cap_value_t value)
{
	return value == CAP_KILL || value == CAP_DAC_OVERRIDE;
}

static bool keep_ambient(cap_value_t value)
{
	return cap_get_ambient(value) == CAP_SET;
}

static int limit(cap_t caps, keep_fn *keep)
{
	cap_flag_value_t set;

	for (cap_value_t value = 0; value < cap_max_bits(); value++) {
		if (cap_get_flag(caps, value, CAP_PERMITTED, &set))
			return -errno;
		if (!keep(value))
			set = CAP_CLEAR;
		/* to become another user has cleared the effective set: raise what is kept */
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &value, set) ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, set))
			return -errno;
	}
	return 0;
}

static int keep_only(keep_fn *keep, bool inheritable)
{
	cap_t caps = cap_get_proc();
	int r;

	if (!caps)
		return -errno;
	r = limit(caps, keep);
	if (!r && !inheritable && cap_clear_flag(caps, CAP_INHERITABLE))
		r = -errno;
	if (!r && cap_set_proc(caps))
		r = -errno;
	if (cap_free(caps) && !r)
		r = -errno;
	return r;
}

/* Nothing that is executed can have more either. Only who may say so can, and needs it. */
static int empty_bounding_set(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t may = CAP_CLEAR;
	int r = 0;

	if (!caps)
		return -errno;
	if (cap_get_flag(caps, CAP_SETPCAP, CAP_EFFECTIVE, &may))
		r = -errno;
	for (cap_value_t value = 0; !r && may == CAP_SET && value < cap_max_bits(); value++) {
		if (cap_drop_bound(value))
			r = -errno;
	}
	if (cap_free(caps) && !r)
		r = -errno;
	return r;
}

static int become_with_capabilities(const struct launch_user *user)
{
	int r;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return -errno;
	r = launch_user_become(user);
	if (r)
		return r;
	/* what the kernel does here is up to fs.suid_dumpable */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	r = keep_only(keep_kill, false);
	if (r)
		return r;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) ? -errno : 0;
}

int launch_drop_privileges(const struct launch_user *user, struct err *err)
{
	int r = empty_bounding_set();

	if (!r && user && user->change) {
		r = become_with_capabilities(user);
		if (r)
			return err_set(err, r,
				       "cannot become user '%.100s' (uid %u): %s; try --as-root",
				       user->name, user->uid, strerror(-r));
	} else if (!r) {
		r = keep_only(geteuid() ? keep_kill : keep_kill_and_files, false);
	}
	if (!r)
		r = launch_confine();
	if (r)
		return err_set(err, r, "cannot give up privileges: %s; run outside a sandbox",
			       strerror(-r));
	return 0;
}

int launch_drop_file_capabilities(void)
{
	return geteuid() ? keep_only(keep_ambient, true) : 0;
}
