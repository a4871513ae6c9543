// SPDX-License-Identifier: BSD-2-Clause
/* Servers that threads waited for, and who they are. */
#include "report/text_parts.h"

#include "base/units.h"

#define SMALL 0.01 /* of the wall time: such servers are one line together */

enum { S_ADDRESS, S_WAITS, S_TOTAL, S_MEAN, S_BY };

static const struct column columns[] = {
	[S_ADDRESS] = { .head = "address", .left = true, .name = true },
	[S_WAITS] = { .head = "waits", .drop = 1 },
	[S_TOTAL] = { .head = "total" },
	[S_MEAN] = { .head = "mean", .drop = 2 },
	[S_BY] = { .head = "served by", .left = true, .drop = 3, .least = 12 },
};

static char *served_by(const struct page *p, char *buf, size_t size, const struct peer *peer)
{
	char name[128] = "a process";

	if (!peer->is_local) {
		snprintf(buf, size, "another machine or container");
	} else if (!peer->pid) {
		snprintf(buf, size, "this machine, process not found");
	} else {
		if (peer->comm[0])
			NAME(p, name, peer->comm, p->name);
		snprintf(buf, size, "%s (pid %u), %s", name, peer->pid,
			 peer->is_inside ? "measured too" : "not measured");
	}
	return buf;
}

static void put_times(struct page *p, struct table *t, uint64_t ns, uint64_t waits)
{
	char text[UNITS_SIZE];

	table_set(t, S_WAITS, page_cell_count(text, waits));
	table_set(t, S_TOTAL, page_cell_ns(p, text, ns));
	table_set(t, S_MEAN, page_cell_ns(p, text, waits ? ns / waits : 0));
}

static void put_peer(struct page *p, struct table *t, const struct peer *peer)
{
	char text[256];

	table_row(t, STYLE_PLAIN);
	table_set(t, S_ADDRESS,
		  peer->key.family == PEER_UNIX ? "local socket"
						: peer_name(text, sizeof(text), &peer->key));
	put_times(p, t, peer->ns, peer->waits);
	table_set(t, S_BY, served_by(p, text, sizeof(text), peer));
}

static void put_rest(struct page *p, struct table *t, const struct peer *peers, size_t n)
{
	uint64_t ns = 0, waits = 0;
	char text[32];

	for (size_t i = 0; i < n; i++) {
		ns += peers[i].ns;
		waits += peers[i].waits;
	}
	table_row(t, STYLE_DIM);
	snprintf(text, sizeof(text), "+%zu other%s", n, n == 1 ? "" : "s");
	table_set(t, S_ADDRESS, text);
	put_times(p, t, ns, waits);
}

void text_peers(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	struct table t = { .columns = columns, .n_columns = 5 };
	double small = p->opts->verbose ? 0 : SMALL * (double)m->wall_ns;
	size_t shown = 0;

	while (shown < m->n_peers && shown < p->opts->top && (double)m->peers[shown].ns >= small)
		shown++;
	if (!shown)
		return;
	/* A rest of one can as well be named. */
	shown += shown + 1 == m->n_peers && shown < p->opts->top;
	page_heading(p, "Servers", "whom threads waited for, summed over all threads");
	for (size_t i = 0; i < shown; i++)
		put_peer(p, &t, &m->peers[i]);
	if (shown < m->n_peers)
		put_rest(p, &t, m->peers + shown, m->n_peers - shown);
	table_print(&t, p);
}
