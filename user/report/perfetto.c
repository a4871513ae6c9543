// SPDX-License-Identifier: BSD-2-Clause
/*
 * A trace for Perfetto's viewer: processes and threads; of each CPU who had it, and when threads
 * became ready to run, and by whom; of each thread what it waited for.
 */
#include "report/perfetto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

enum { TRACE_PACKET = 1 };
enum { TREE_PROCESS = 1, TREE_THREAD = 2 };
enum { PROCESS_PID = 1, PROCESS_PPID = 2, PROCESS_ARGS = 3 };
enum { THREAD_TID = 1, THREAD_NAME = 2, THREAD_TGID = 3 };
enum { CLOCKS_CLOCK = 1 };
enum { CLOCK_ID = 1, CLOCK_AT = 2 };
enum { CLOCK_REAL = 1, CLOCK_BOOT = 6 };

void perfetto_put(struct tracing *t, const struct proto *packet)
{
	struct proto head = { 0 };

	proto_element(&head, TRACE_PACKET, packet->items, packet->n);
	if (!t->error && fwrite(head.items, 1, head.n, t->out) != head.n)
		t->error = errno ? -errno : -EIO;
	free(head.items);
}

void perfetto_put_part(struct tracing *t, struct proto *packet, unsigned int field,
		       struct proto *part)
{
	proto_number(packet, PACKET_SEQUENCE, PERFETTO_SEQUENCE);
	proto_element(packet, field, part->items, part->n);
	perfetto_put(t, packet);
	free(part->items);
	free(packet->items);
}

/* --- who there is ------------------------------------------------------------------------------ */

static void put_process(struct proto *tree, const struct process *p)
{
	struct proto one = { 0 };

	proto_number(&one, PROCESS_PID, p->pid);
	proto_number(&one, PROCESS_PPID, p->ppid);
	for (size_t i = 0; i < p->n_args; i++)
		proto_element(&one, PROCESS_ARGS, p->args[i], strlen(p->args[i]));
	if (!p->n_args)
		proto_bytes(&one, PROCESS_ARGS, p->comm, strlen(p->comm));
	proto_element(tree, TREE_PROCESS, one.items, one.n);
	free(one.items);
}

static void put_thread(struct proto *tree, const struct thread *t)
{
	struct proto one = { 0 };

	proto_number(&one, THREAD_TID, t->tid);
	proto_bytes(&one, THREAD_NAME, t->comm, strlen(t->comm));
	proto_number(&one, THREAD_TGID, t->pid);
	proto_element(tree, TREE_THREAD, one.items, one.n);
	free(one.items);
}

static void put_tree(struct tracing *t)
{
	struct proto tree = { 0 }, packet = { 0 };

	for (size_t i = 0; i < t->m->n_processes; i++)
		put_process(&tree, &t->m->processes[i]);
	for (size_t i = 0; i < t->m->n_threads; i++)
		put_thread(&tree, &t->m->threads[i]);
	proto_element(&packet, PACKET_PROCESSES, tree.items, tree.n);
	perfetto_put(t, &packet);
	free(tree.items);
	free(packet.items);
}

static void put_clock(struct proto *clocks, uint64_t number, uint64_t at)
{
	struct proto one = { 0 };

	proto_number(&one, CLOCK_ID, number);
	proto_number(&one, CLOCK_AT, at);
	proto_element(clocks, CLOCKS_CLOCK, one.items, one.n);
	free(one.items);
}

/* What time of the day it was at the start. */
static void put_clocks(struct tracing *t)
{
	struct proto clocks = { 0 }, packet = { 0 };

	put_clock(&clocks, CLOCK_BOOT, 0);
	put_clock(&clocks, CLOCK_REAL, t->m->run.realtime_ns);
	proto_element(&packet, PACKET_CLOCKS, clocks.items, clocks.n);
	perfetto_put(t, &packet);
	free(clocks.items);
	free(packet.items);
}

/* --- all of it ----------------------------------------------------------------------------------- */

int report_perfetto_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct tracing t = { .f = f, .m = f->model, .out = out };
	struct timeline_reader reader;
	struct timeline_step step;

	(void)opts;
	for (size_t i = 0; i < t.m->n_losses; i++)
		t.has_lost_steps |= t.m->losses[i].what == LOSS_MARKS;
	put_clocks(&t);
	put_tree(&t);
	perfetto_cpus_begin(&t);
	perfetto_waits_begin(&t);
	perfetto_counters_begin(&t);
	for (timeline_begin(&reader, t.m, TIMELINE_FORTH); timeline_next(&reader, &step);) {
		if (step.thread == NO_THREAD)
			continue;
		perfetto_waits_step(&t, &step);
		perfetto_cpus_step(&t, &step);
	}
	timeline_end(&reader);
	perfetto_cpus_end(&t);
	perfetto_waits_end(&t);
	perfetto_counters_end(&t);
	return t.error;
}
