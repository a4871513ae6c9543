// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom, and through what. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

/* process: a place in model.processes, or OUTSIDE. */
static void put_who(struct json *j, const struct model *m, size_t process, uint32_t pid,
		    const char *comm)
{
	char text[24];

	if (process == OUTSIDE) {
		json_null(j, "process");
	} else {
		snprintf(text, sizeof(text), "p%" PRIu64, m->processes[process].id);
		json_string(j, "process", text);
	}
	json_u64(j, "pid", pid);
	json_string(j, "comm", comm);
}

static void put_who_of_party(struct json *j, const struct findings *f, size_t number)
{
	const struct party *p = &f->channels.parties[number];

	put_who(j, f->model, p->process, p->pid, p->comm);
}

static void put_party(struct json *j, const char *key, const struct findings *f, size_t number)
{
	if (number == NO_PARTY) {
		json_null(j, key);
		return;
	}
	json_line_object(j, key);
	put_who_of_party(j, f, number);
	json_end(j);
}

static void put_waiting(struct json *j, const char *key, const struct channel_waits *w)
{
	if (w->waits <= 0)
		return;
	json_line_object(j, key);
	json_u64(j, "waits", estimate_whole(w->waits));
	json_u64(j, "wait_ns", estimate_whole(w->ns));
	json_u64(j, "max_wait_ns", w->max_ns);
	json_end(j);
}

static void put_messages(struct json *j, const struct model *m, const struct channel_messages *c)
{
	if (!c->seen_reads && !c->seen_writes)
		return;
	json_line_object(j, "messages");
	if (c->reads > 0)
		json_u64(j, "reads", estimate_whole(c->reads));
	if (c->writes > 0)
		json_u64(j, "writes", estimate_whole(c->writes));
	json_u64(j, "seen_reads", c->seen_reads);
	json_u64(j, "seen_writes", c->seen_writes);
	json_u64(j, "seen_waits", c->seen_waits);
	json_bool(j, "all_time", m->calls.all_time);
	json_end(j);
}

static void put_ends(struct json *j, const struct findings *f, const struct channel *c,
		     struct room *r)
{
	size_t n = room_for(r, ROOM_CHANNEL_ENDS, c->n_ends);

	json_array(j, "ends");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		put_who_of_party(j, f, c->ends[i].party);
		put_waiting(j, "reads", &c->ends[i].reads);
		put_waiting(j, "writes", &c->ends[i].writes);
		json_end(j);
	}
	json_end(j);
}

static void put_flows(struct json *j, const struct findings *f, const struct channel *c,
		      struct room *r)
{
	size_t n = room_for(r, ROOM_CHANNEL_FLOWS, c->n_flows);

	json_array(j, "flows");
	for (size_t i = 0; i < n; i++) {
		const struct channel_flow *flow = &c->flows[i];

		json_object(j, NULL);
		put_party(j, "waiter", f, flow->waiter);
		put_party(j, "for", f, flow->waker);
		json_string(j, "side", flow->writes ? "writes" : "reads");
		json_u64(j, "waits", estimate_whole(flow->sum.waits));
		json_u64(j, "wait_ns", estimate_whole(flow->sum.ns));
		json_u64(j, "max_wait_ns", flow->sum.max_ns);
		json_end(j);
	}
	json_end(j);
}

void json_channels(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_CHANNELS, f->channels.n);

	json_array(j, "channels");
	for (size_t i = 0; i < n; i++) {
		const struct channel *c = &f->channels.items[i];

		json_object(j, NULL);
		json_string(j, "kind", c->kind);
		json_string(j, "name", c->name);
		put_waiting(j, "reads", &c->reads);
		put_waiting(j, "writes", &c->writes);
		put_messages(j, f->model, &c->messages);
		json_u64(j, "looked_at", c->looked_at);
		put_ends(j, f, c, r);
		put_flows(j, f, c, r);
		json_end(j);
	}
	json_end(j);
}

static void put_process(struct json *j, const char *key, const struct model *m, size_t place)
{
	const struct process *p = &m->processes[place];

	json_line_object(j, key);
	put_who(j, m, place, p->pid, p->comm);
	json_end(j);
}

static void put_sender(struct json *j, const struct model *m, const struct signal *s)
{
	if (s->from != NO_PROCESS) {
		put_process(j, "from", m, s->from);
		return;
	}
	if (!s->outside_pid) {
		json_null(j, "from");
		return;
	}
	json_line_object(j, "from");
	put_who(j, m, OUTSIDE, s->outside_pid, s->outside_comm);
	json_end(j);
}

void json_signals(struct json *j, const struct model *m, struct room *r)
{
	size_t n = room_for(r, ROOM_SIGNALS, m->n_signals);
	char name[SIGNAL_NAME_SIZE];

	json_array(j, "signals");
	for (size_t i = 0; i < n; i++) {
		const struct signal *s = &m->signals[i];

		json_object(j, NULL);
		put_sender(j, m, s);
		if (s->to == NO_PROCESS)
			json_null(j, "to");
		else
			put_process(j, "to", m, s->to);
		json_u64(j, "number", s->number);
		json_string(j, "name", signal_name(name, sizeof(name), s->number));
		json_u64(j, "sent", s->sent);
		json_u64(j, "merged", s->merged);
		json_u64(j, "ignored", s->ignored);
		json_end(j);
	}
	json_end(j);
}

void json_handlers(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_HANDLERS, f->n_handlers);

	json_array(j, "signal_handlers");
	for (size_t i = 0; i < n; i++) {
		const struct handler_row *h = &f->handlers[i];

		json_object(j, NULL);
		put_process(j, "process", f->model, h->process);
		json_u64(j, "running_ns", h->running_ns);
		json_u64(j, "waiting_ns", h->waiting_ns);
		json_u64(j, "cpu_samples", h->samples);
		json_u64(j, "cpu_samples_in_handlers", h->samples_in);
		json_u64(j, "waits_looked_at_in_handlers", h->waits_in);
		json_bool(j, "never_elsewhere", h->is_all);
		json_end(j);
	}
	json_end(j);
}
