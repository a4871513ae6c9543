// SPDX-License-Identifier: BSD-2-Clause
/* A thundering herd: one event wakes all who wait for a descriptor, and one of them finds something. */
#include <stdio.h>

#include "analysis/internal.h"
#include "base/units.h"
#include "model/target.h"

#define NAME_MOST   60	/* bytes of a path */
#define EMPTY_LEAST 100 /* waits that ended for nothing */
#define EMPTY_SHARE                                                                                \
	0.2 /* ... of those that could: now and then one that is busy takes it on the way */

static bool is_herd(const struct io *io)
{
	return io->empty >= EMPTY_LEAST && io->empty >= EMPTY_SHARE * io->looked;
}

/* Processes that are known to wait there. */
static unsigned int processes(const struct io *io)
{
	size_t known = io->n_users < TARGET_USERS ? io->n_users : TARGET_USERS;
	unsigned int n = 0;

	for (size_t i = 0; i < known; i++) {
		size_t k = 0;

		while (io->users[k].pid != io->users[i].pid)
			k++;
		n += k == i;
	}
	return n;
}

static const char *who(char *buf, size_t size, const struct io *io)
{
	unsigned int n = processes(io);

	if (n > 1)
		snprintf(buf, size, "%s%u processes", io->n_users > TARGET_USERS ? "at least " : "",
			 n);
	else
		snprintf(buf, size, "several threads");
	return buf;
}

void herd_find(struct findings *f)
{
	const struct model *m = f->model;
	char empty[UNITS_SIZE], looked[UNITS_SIZE], share[UNITS_SIZE], by[64];
	const struct io *most = NULL;
	struct finding *to;

	for (size_t i = 0; i < m->n_ios; i++) {
		if (is_herd(&m->ios[i]) && (!most || m->ios[i].empty > most->empty))
			most = &m->ios[i];
	}
	if (!most)
		return;
	to = finding_add(f, "loop.herd", SEVERITY_WARNING);
	units_percent(share, (double)most->empty / (double)most->looked);
	finding_title(to, "%s wait at once for %s, and %s of their wake-ups find nothing",
		      who(by, sizeof(by), most), target_end_of(most->name, NAME_MOST), share);
	evidence_add(to, "io.empty", most->empty,
		     "%s of %s waits for it ended when others had taken what they were woken for",
		     units_count(empty, most->empty), units_count(looked, most->looked));
	finding_advice(to,
		       "One event wakes everybody who waits for a descriptor in poll, select or an "
		       "epoll instance of its own. EPOLLEXCLUSIVE wakes one of them, in an "
		       "instance that they share EPOLLONESHOT; with SO_REUSEPORT each has a "
		       "listener of its own; or let one take what comes and hand it over.");
}
