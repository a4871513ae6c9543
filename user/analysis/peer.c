// SPDX-License-Identifier: BSD-2-Clause
/* Waits for the other ends of sockets and pipes: who is there. */
#include "analysis/internal.h"

#include <stdio.h>

#include "base/units.h"

#define MOST 0.6 /* of the waits for others, for one to be named as the reason */

/* "postgres (pid 812)", "192.0.2.7:3306, another machine or container"; NULL: it is not one above all. */
static const char *who(char *buf, size_t size, const struct findings *f)
{
	const struct peer *p = f->model->peers;
	char address[PEER_NAME_SIZE];

	if (!f->model->n_peers || p->ns < MOST * f->totals.row_ns[ROW_PEER])
		return NULL;
	peer_name(address, sizeof(address), &p->key);
	if (!p->is_local)
		snprintf(buf, size, "%s, another machine or container", address);
	else if (p->comm[0])
		snprintf(buf, size, "%s (pid %u)", p->comm, p->pid);
	else
		snprintf(buf, size, "%s, on this machine", address);
	return buf;
}

static void add_evidence(struct finding *to, const struct peer *p)
{
	char total[UNITS_SIZE], waits[UNITS_SIZE], mean[UNITS_SIZE], address[PEER_NAME_SIZE];

	evidence_add(to, "peers.wait_ns", p->ns, "%s waits for %s took %s in all, %s each",
		     units_count(waits, p->waits), peer_name(address, sizeof(address), &p->key),
		     units_ns(total, p->ns, true),
		     units_ns(mean, p->waits ? p->ns / p->waits : 0, true));
}

void peer_say(struct finding *to, const struct findings *f)
{
	const struct peer *p = f->model->peers;
	char name[PEER_NAME_SIZE + 32];
	const char *most = who(name, sizeof(name), f);

	if (most)
		finding_title(to, "most of the time goes to waiting for %s", most);
	else
		finding_title(to,
			      "most of the time goes to waiting for another process or machine");
	finding_advice(to,
		       "The other end of its sockets and pipes decides: make that one faster%s, "
		       "ask it for more at once, or have several requests in flight (threads, "
		       "coroutines, an event loop). A faster CPU would not help.",
		       most && p->is_local && !p->is_inside
			       ? " (run it under concprof to see what it does meanwhile)"
			       : "");
	if (most)
		add_evidence(to, p);
}
