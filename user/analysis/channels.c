// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/vec.h"

/* Waits of one row of io or locks, to read and to write, of which it was looked who ended them. */
struct looked {
	uint64_t waits[2], ns[2];
};

struct builder {
	struct findings *f;
	struct intern parties, names;
	VEC(struct party) party_list;
	VEC(struct channel) list;
	VEC(struct channel_flow) flows;
	VEC(struct channel_end) ends;
	struct looked *looked; /* by place in model.ios */
	struct looked *looked_at_locks;
	size_t *process_of;	 /* see struct channels */
	bool *is_met;		 /* the same */
	double *awaited_ns;	 /* the same */
	size_t *channel_of_io;	 /* NO_PARTY: it is none */
	size_t *channel_of_lock; /* the same */
};

/* --- parties ----------------------------------------------------------------------------- */

struct party_key {
	size_t process;
	uint32_t pid, pad;
	char comm[EVENT_COMM_SIZE];
};

static struct party_key key_of(size_t process, uint32_t pid, const char *comm)
{
	struct party_key key = { .process = process, .pid = process == OUTSIDE ? pid : 0 };

	memcpy(key.comm, comm, strnlen(comm, sizeof(key.comm) - 1));
	return key;
}

static size_t party_of(struct builder *b, size_t process, uint32_t pid, const char *comm)
{
	struct party_key key = key_of(process, pid, comm);
	size_t number = intern(&b->parties, &key, sizeof(key));

	if (number == b->party_list.n)
		*vec_add(&b->party_list) =
			(struct party){ .process = process, .pid = pid, .comm = comm };
	return number;
}

static size_t party_of_thread(struct builder *b, size_t place)
{
	const struct thread *t = &b->f->model->threads[place];

	b->is_met[place] = true;
	return party_of(b, b->process_of[place], t->pid, t->comm);
}

static void find_processes(struct builder *b)
{
	const struct model *m = b->f->model;
	struct map places = { 0 };

	b->process_of = zeroed(m->n_threads + 1, sizeof(*b->process_of));
	b->is_met = zeroed(m->n_threads + 1, sizeof(*b->is_met));
	b->awaited_ns = zeroed(m->n_threads + 1, sizeof(*b->awaited_ns));
	for (size_t i = 0; i < m->n_processes; i++)
		*map_add(&places, m->processes[i].id) = i;
	for (size_t i = 0; i < m->n_threads; i++) {
		const uint64_t *place = map_find(&places, m->threads[i].process_id);

		b->process_of[i] = place ? *place : OUTSIDE;
	}
	map_free(&places);
}

/* --- channels ---------------------------------------------------------------------------- */

static const char *kind_of_io(const struct io *io)
{
	static const struct {
		enum cause cause;
		const char *kind;
	} by_cause[] = {
		{ CAUSE_IPC_SYSV_MSG, "sysv-msg" },
		{ CAUSE_IPC_POSIX_MQ, "posix-mq" },
		{ CAUSE_SIGNAL_WAIT, "signal" },
	};
	static const char *const kinds[] = {
		"pipe", "socketpair", "unix", "tcp", "udp", "eventfd"
	};

	for (size_t i = 0; i < sizeof(by_cause) / sizeof(*by_cause); i++) {
		if (io->cause == by_cause[i].cause)
			return by_cause[i].kind;
	}
	if (io->path && io->kind != TARGET_SOCKET)
		return "fifo";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(io->channel, kinds[i], strlen(kinds[i])))
			return kinds[i];
	}
	return "other";
}

static size_t channel_named(struct builder *b, const char *kind, const char *name)
{
	size_t number = intern(&b->names, name, strlen(name)); /* before those of locks */

	if (number == b->list.n)
		*vec_add(&b->list) =
			(struct channel){ .kind = kind, .name = name, .number = number };
	return number;
}

static void add_waiting(struct channel_waits *to, double waits, double ns, uint64_t max_ns)
{
	to->waits += waits;
	to->ns += ns;
	if (max_ns > to->max_ns)
		to->max_ns = max_ns;
}

static void find_in_io(struct builder *b)
{
	const struct model *m = b->f->model;

	b->channel_of_io = zeroed(m->n_ios + 1, sizeof(*b->channel_of_io));
	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];
		struct channel *c;

		b->channel_of_io[i] = NO_PARTY;
		if (!io->channel)
			continue;
		b->channel_of_io[i] = channel_named(b, kind_of_io(io), io->channel);
		c = &b->list.items[b->channel_of_io[i]];
		add_waiting(&c->reads, (double)(io->waits - io->write_waits),
			    (double)(io->ns - io->write_ns), io->write_waits ? 0 : io->max_ns);
		add_waiting(&c->writes, (double)io->write_waits, (double)io->write_ns,
			    io->write_max_ns);
		c->messages.seen_reads += io->seen_reads;
		c->messages.seen_writes += io->seen_writes;
		c->messages.seen_waits += io->seen_waits;
		c->by_ring |= io->cause == CAUSE_IO_URING;
	}
}

#define WAITS_SEEN_LEAST 10 /* in windows, to go by them */
#define CALLS_SEEN_LEAST 30 /* ... to go by time: they come in bursts */
#define CALLS_MORE	 3  /* more of them than by the waits were mostly made elsewhere */

/* How many calls there were for each that was seen, as the kernel counts them: read(2), write(2) and their
 * kin alone, of all files. 0: it has not for each thread. */
static double calls_for_each(const struct model *m)
{
	double all = 0, seen = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!(t->flags & THREAD_IO_COUNTED))
			return 0;
		all += (double)t->witness.reads + (double)t->witness.writes;
	}
	for (size_t i = 0; i < m->n_ios; i++)
		seen += (double)m->ios[i].seen_reads + (double)m->ios[i].seen_writes;
	return seen >= CALLS_SEEN_LEAST ? all / seen : 0;
}

/* Windows are as likely at any time but the first second; but a call takes longer in one, and who then
 * always waits may else find something there as often as not. 0: too little was seen. */
static double scale_of(const struct model *m, const struct channel *c, double by_calls)
{
	const struct channel_messages *seen = &c->messages;
	double by_waits;

	if (m->calls.all_time || !m->calls.window_ns || m->calls.window_ns >= m->wall_ns)
		return 1;
	if (seen->seen_waits >= WAITS_SEEN_LEAST) {
		by_waits = (c->reads.waits + c->writes.waits) / (double)seen->seen_waits;
		return by_calls > by_waits && by_calls < CALLS_MORE * by_waits ? by_calls
									       : by_waits;
	}
	if (seen->seen_reads + seen->seen_writes < CALLS_SEEN_LEAST)
		return 0;
	return (double)m->wall_ns / (double)m->calls.window_ns;
}

static void estimate_messages(struct builder *b)
{
	double by_calls = calls_for_each(b->f->model);

	for (size_t i = 0; i < b->list.n; i++) {
		struct channel_messages *to = &b->list.items[i].messages;
		double scale = scale_of(b->f->model, &b->list.items[i], by_calls);

		if (b->list.items[i].by_ring)
			*to = (struct channel_messages){ 0 };
		to->reads = scale * (double)to->seen_reads;
		to->writes = scale * (double)to->seen_writes;
	}
}

/* Of locks that are none, the one of this wake-up, each by itself though others have its name. */
static size_t channel_of_lock(struct builder *b, size_t place)
{
	const struct lock *l = &b->f->model->locks[place];
	size_t number = b->channel_of_lock[place];
	struct channel *c;

	if (number != NO_PARTY)
		return number;
	number = b->list.n;
	b->channel_of_lock[place] = number;
	c = vec_add(&b->list);
	*c = (struct channel){ .kind = lock_kind_name(l->kind),
			       .name = b->f->locks[b->f->lock_rank[place]].name,
			       .is_futex = true,
			       .number = number };
	add_waiting(&c->reads, (double)l->waits, (double)l->ns, l->max_ns);
	return number;
}

/* --- who waited for whom ----------------------------------------------------------------- */

static double ratio(uint64_t all, uint64_t part)
{
	return all > part && part ? (double)all / (double)part : 1;
}

/* All of its waits, as far as this one was looked at: by the exact sums. */
static struct channel_waits whole_of(const struct builder *b, const struct wake *w)
{
	struct channel_waits ret = { .waits = (double)w->waits,
				     .ns = (double)w->ns,
				     .max_ns = w->max_ns };
	const struct looked *looked;
	const struct lock *l;
	const struct io *io;
	uint64_t all, part, ns, open;

	if (w->io == NO_IO) {
		l = &b->f->model->locks[w->lock];
		looked = &b->looked_at_locks[w->lock];
		all = l->waits;
		open = l->open;
		ns = l->ns;
	} else {
		io = &b->f->model->ios[w->io];
		looked = &b->looked[w->io];
		all = w->writes ? io->write_waits : io->waits - io->write_waits;
		open = io->open;
		ns = w->writes ? io->write_ns : io->ns - io->write_ns;
	}
	part = looked->waits[w->writes];
	if (all <= part + open) /* nobody has ended those that are open, of which side they are */
		return ret;
	ret.waits *= ratio(all - open, part);
	ret.ns *= open ? ratio(all - open, part) : ratio(ns, looked->ns[w->writes]);
	return ret;
}

static void count_looked(struct builder *b)
{
	const struct model *m = b->f->model;

	b->looked = zeroed(m->n_ios + 1, sizeof(*b->looked));
	b->looked_at_locks = zeroed(m->n_locks + 1, sizeof(*b->looked_at_locks));
	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		struct looked *to = w->io != NO_IO	 ? &b->looked[w->io]
				    : w->lock != NO_LOCK ? &b->looked_at_locks[w->lock]
							 : NULL;

		if (!to)
			continue;
		to->waits[w->writes] += w->waits;
		to->ns[w->writes] += w->ns;
	}
}

static size_t waker_of(struct builder *b, const struct wake *w)
{
	if (w->waker != NO_THREAD)
		return party_of_thread(b, w->waker);
	return w->outside_pid ? party_of(b, OUTSIDE, w->outside_pid, w->outside_comm) : NO_PARTY;
}

/* Semaphores of System V are locks for some, and signals for others. */
static bool is_signal(const struct lock *l)
{
	return !lock_is_contended(l) || l->kind == LOCK_KIND_SYSV || l->kind == LOCK_KIND_UNKNOWN;
}

static size_t channel_of(struct builder *b, const struct wake *w)
{
	if (w->io != NO_IO)
		return b->channel_of_io[w->io];
	if (w->lock == NO_LOCK || !is_signal(&b->f->model->locks[w->lock]))
		return NO_PARTY;
	return channel_of_lock(b, w->lock);
}

/* A server that waits for clients is held up by nobody, nor who waits for signals. */
static bool is_demand(const struct builder *b, const struct wake *w)
{
	const struct io *io = w->io == NO_IO ? NULL : &b->f->model->ios[w->io];

	if (!io || io->kind == TARGET_SIGNALS)
		return io != NULL;
	return io->kind == TARGET_SOCKET && !w->writes &&
	       (io->side == SIDE_SERVED || io->side == SIDE_LISTENING || io->side == SIDE_BOUND);
}

static void add_wake(struct builder *b, const struct wake *w)
{
	size_t channel = channel_of(b, w);
	struct channel_flow *flow;
	size_t waiter;

	if (channel == NO_PARTY || w->waiter == NO_THREAD)
		return;
	b->list.items[channel].looked_at += w->waits;
	if (!w->writes) /* of rows that have both, the longest to read is known from here */
		add_waiting(&b->list.items[channel].reads, 0, 0, w->max_ns);
	waiter = party_of_thread(b, w->waiter);
	flow = vec_add(&b->flows);
	*flow = (struct channel_flow){ .channel = channel,
				       .waiter = waiter,
				       .writes = w->writes,
				       .is_demand = is_demand(b, w),
				       .sum = whole_of(b, w) };
	flow->waker = waker_of(b, w);
	if (w->waker != NO_THREAD && flow->waker != waiter)
		b->awaited_ns[w->waker] += flow->sum.ns;
}

static int by_parties(const void *a, const void *b)
{
	const struct channel_flow *x = a, *y = b;

	if (x->channel != y->channel)
		return x->channel < y->channel ? -1 : 1;
	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	if (x->waker != y->waker)
		return x->waker < y->waker ? -1 : 1;
	return x->writes - y->writes;
}

static int longest_flow_first(const void *a, const void *b)
{
	const struct channel_flow *x = a, *y = b;

	if (x->channel != y->channel)
		return x->channel < y->channel ? -1 : 1;
	if (x->sum.ns != y->sum.ns)
		return x->sum.ns > y->sum.ns ? -1 : 1;
	return by_parties(a, b);
}

static void merge_flows(struct builder *b)
{
	struct channel_flow *flows = b->flows.items;
	size_t n = 0;

	if (b->flows.n)
		qsort(flows, b->flows.n, sizeof(*flows), by_parties);
	for (size_t i = 0; i < b->flows.n; i++) {
		if (n && !by_parties(&flows[n - 1], &flows[i]))
			add_waiting(&flows[n - 1].sum, flows[i].sum.waits, flows[i].sum.ns,
				    flows[i].sum.max_ns);
		else
			flows[n++] = flows[i];
	}
	b->flows.n = n;
	if (n)
		qsort(flows, n, sizeof(*flows), longest_flow_first);
}

/* --- ends -------------------------------------------------------------------------------- */

static struct channel_end *end_of(struct builder *b, struct map *places, size_t channel,
				  size_t party)
{
	uint64_t *place = map_add(places, channel * b->party_list.n + party);

	if (*place == MAP_NONE) {
		*place = b->ends.n;
		*vec_add(&b->ends) = (struct channel_end){ .channel = channel, .party = party };
	}
	return &b->ends.items[*place];
}

/* The flows are by channel. */
static void find_ends(struct builder *b)
{
	struct map places = { 0 };

	for (size_t i = 0; i < b->flows.n; i++) {
		const struct channel_flow *flow = &b->flows.items[i];
		struct channel_end *end;

		end = end_of(b, &places, flow->channel, flow->waiter);
		add_waiting(flow->writes ? &end->writes : &end->reads, flow->sum.waits,
			    flow->sum.ns, flow->sum.max_ns);
		if (flow->waker != NO_PARTY)
			(void)end_of(b, &places, flow->channel, flow->waker);
	}
	map_free(&places);
}

static void share_out(struct builder *b)
{
	for (size_t i = 0; i < b->flows.n; i++) {
		struct channel *c = &b->list.items[b->flows.items[i].channel];

		if (!c->n_flows++)
			c->flows = &b->flows.items[i];
	}
	for (size_t i = 0; i < b->ends.n; i++) {
		struct channel *c = &b->list.items[b->ends.items[i].channel];

		if (!c->n_ends++)
			c->ends = &b->ends.items[i];
	}
}

static int longest_channel_first(const void *a, const void *b)
{
	const struct channel *x = a, *y = b;
	double in_x = x->reads.ns + x->writes.ns, in_y = y->reads.ns + y->writes.ns;

	if (in_x != in_y)
		return in_x > in_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void sort_channels(struct builder *b)
{
	size_t *rank = zeroed(b->list.n + 1, sizeof(*rank));

	if (b->list.n)
		qsort(b->list.items, b->list.n, sizeof(*b->list.items), longest_channel_first);
	for (size_t i = 0; i < b->list.n; i++)
		rank[b->list.items[i].number] = i;
	for (size_t i = 0; i < b->flows.n; i++)
		b->flows.items[i].channel = rank[b->flows.items[i].channel];
	for (size_t i = 0; i < b->ends.n; i++)
		b->ends.items[i].channel = rank[b->ends.items[i].channel];
	free(rank);
}

static void give(struct channels *to, struct builder *b)
{
	*to = (struct channels){
		.parties = b->party_list.items,
		.items = b->list.items,
		.ends = b->ends.items,
		.flows = b->flows.items,
		.n_parties = b->party_list.n,
		.n = b->list.n,
		.n_ends = b->ends.n,
		.n_flows = b->flows.n,
		.process_of = b->process_of,
		.is_met = b->is_met,
		.awaited_ns = b->awaited_ns,
	};
	intern_free(&b->parties);
	intern_free(&b->names);
	free(b->looked);
	free(b->looked_at_locks);
	free(b->channel_of_io);
	free(b->channel_of_lock);
}

void channels_find(struct findings *f)
{
	const struct model *m = f->model;
	struct builder b = { .f = f };

	find_processes(&b);
	find_in_io(&b);
	estimate_messages(&b);
	b.channel_of_lock = zeroed(m->n_locks + 1, sizeof(*b.channel_of_lock));
	for (size_t i = 0; i < m->n_locks; i++)
		b.channel_of_lock[i] = NO_PARTY;
	count_looked(&b);
	for (size_t i = 0; i < m->n_wakes; i++)
		add_wake(&b, &m->wakes[i]);
	merge_flows(&b);
	find_ends(&b);
	share_out(&b);
	sort_channels(&b);
	give(&f->channels, &b);
	channel_links_find(f);
}

void channels_free(struct channels *c)
{
	free(c->parties);
	free(c->items);
	free(c->ends);
	free(c->flows);
	free(c->links);
	free(c->crews);
	free(c->process_of);
	free(c->is_met);
	free(c->awaited_ns);
}
