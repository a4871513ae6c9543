// SPDX-License-Identifier: BSD-2-Clause
/* What is around the program: servers that it waits for, others that use the CPUs, cgroups. */
#include "model/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int on_peer(struct model_builder *b, const struct event *head)
{
	const struct ev_peer *ev = (const struct ev_peer *)head;
	struct peer *p = vec_add(&b->peers);

	p->key = ev->key;
	p->ns = ev->ns;
	p->waits = ev->waits;
	p->is_local = ev->is_local;
	p->is_inside = false;
	p->pid = ev->pid;
	memcpy(p->comm, ev->comm, sizeof(p->comm));
	return 0;
}

int on_other(struct model_builder *b, const struct event *head)
{
	const struct ev_other *ev = (const struct ev_other *)head;
	struct other *o = vec_add(&b->others);

	o->cpu_ns = ev->cpu_ns;
	o->pid = ev->pid;
	memcpy(o->comm, ev->comm, sizeof(o->comm));
	return 0;
}

static int longest_waited_for_first(const void *a, const void *b)
{
	const struct peer *p = a, *q = b;

	return p->ns > q->ns ? -1 : p->ns < q->ns;
}

/* Who listened at the end is part of what was measured if a process of it was alive then that has
 * its number. Of a local socket the number is known from the time of the waits. */
static void look_inside(struct peer *peer, const struct model *m)
{
	for (size_t k = 0; k < m->n_processes; k++) {
		const struct process *p = &m->processes[k];

		if (!p->pid || p->pid != peer->pid ||
		    (p->ended && (peer->key.family != PEER_UNIX || *peer->comm)))
			continue;
		peer->is_inside = true;
		if (!*peer->comm)
			memcpy(peer->comm, p->comm, sizeof(peer->comm));
	}
}

/* "127.0.0.1:80" of a server is where "127.0.0.1:80" was asked for; so is "*:80". */
static bool serves(const struct io *io, const struct peer *peer)
{
	char asked[PEER_NAME_SIZE], any[PEER_NAME_SIZE];

	if (!io->local ||
	    (io->side != SIDE_SERVED && io->side != SIDE_LISTENING && io->side != SIDE_BOUND))
		return false;
	snprintf(any, sizeof(any), "*:%u", peer->key.port);
	return !strcmp(io->local, any) ||
	       !strcmp(io->local, peer_name(asked, sizeof(asked), &peer->key));
}

/* Nobody listens there at the end: then it was who waited there for clients, the earliest of several. */
static void look_at_waits(struct peer *peer, const struct model *m)
{
	const struct process *found = NULL;

	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		for (size_t u = 0; u < io->n_users && u < TARGET_USERS && serves(io, peer); u++) {
			const struct process *p = process_of_pid(m, io->users[u].pid);

			if (p && (!found || p < found))
				found = p;
		}
	}
	if (!found)
		return;
	peer->is_inside = true;
	peer->pid = found->pid;
	memcpy(peer->comm, found->comm, sizeof(peer->comm));
}

/* After ios_build(). */
void peers_build(struct model_builder *b)
{
	struct model *m = b->m;

	m->peers = b->peers.items;
	m->n_peers = b->peers.n;
	if (m->n_peers)
		qsort(m->peers, m->n_peers, sizeof(*m->peers), longest_waited_for_first);
	for (size_t i = 0; i < m->n_peers; i++) {
		struct peer *peer = &m->peers[i];

		look_inside(peer, m);
		if (peer->is_local && !peer->pid && peer->key.family != PEER_UNIX)
			look_at_waits(peer, m);
	}
}

static int most_used_first(const void *a, const void *b)
{
	const struct other *o = a, *p = b;

	if (o->cpu_ns != p->cpu_ns)
		return o->cpu_ns > p->cpu_ns ? -1 : 1;
	return o->pid < p->pid ? -1 : o->pid > p->pid;
}

/* Any process that the model has ever had: its number may be another's by now, but to name none
 * is better than to blame the program itself. */
static bool is_tracked(const struct model *m, uint32_t pid)
{
	return process_of_pid(m, pid);
}

void others_build(struct model_builder *b)
{
	struct model *m = b->m;

	m->others = b->others.items;
	for (size_t i = 0; i < b->others.n; i++) {
		if (!is_tracked(m, b->others.items[i].pid))
			m->others[m->n_others++] = b->others.items[i];
	}
	if (m->n_others)
		qsort(m->others, m->n_others, sizeof(*m->others), most_used_first);
}

int on_cgroup(struct model_builder *b, const struct event *head)
{
	const struct ev_cgroup *ev = (const struct ev_cgroup *)head;

	*vec_add(&b->cgroups) = (struct cgroup_name){ ev->id, obstack_copy0(strings_of(b), ev->path,
									    strlen(ev->path)) };
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct cgroup_name *c = a, *d = b;

	return c->id < d->id ? -1 : c->id > d->id;
}

void cgroups_build(struct model_builder *b)
{
	b->m->cgroups = b->cgroups.items;
	b->m->n_cgroups = b->cgroups.n;
	if (b->cgroups.n)
		qsort(b->cgroups.items, b->cgroups.n, sizeof(*b->cgroups.items), by_number);
}
