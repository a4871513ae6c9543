// SPDX-License-Identifier: BSD-2-Clause
/* The kinds of concurrency, with what tells them; and what more CPUs would bring. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

void json_kind_names(struct json *j, const struct findings *f)
{
	json_line_array(j, "concurrency");
	for (size_t i = 0; i < f->n_kind_names; i++)
		json_string(j, NULL, concurrency_name(f->kind_names[i]));
	json_end(j);
}

static void put_id(struct json *j, const char *key, bool is_known, char letter, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%c%" PRIu64, letter, id);
	json_string(j, key, is_known ? text : NULL);
}

static void put_place(struct json *j, const struct findings *f, const struct kind_row *row)
{
	const struct model *m = f->model;

	json_string(j, "told_by", concurrency_how_name(row->how));
	if (row->lock != NO_LOCK)
		json_string(j, "place", f->locks[f->lock_rank[row->lock]].name);
	else if (row->io != NO_IO)
		json_string(j, "place", m->ios[row->io].name);
	else
		json_string(j, "place", row->by);
	if (row->samples)
		json_u64(j, "samples", row->samples);
}

static void put_pool(struct json *j, const struct kind_row *row)
{
	if (row->how == KIND_BY_RESULTS)
		json_u64(j, "results", row->results);
	else
		json_u64(j, "waits_for_work", row->waits);
	json_u64(j, "idle_ns", row->idle_ns);
	json_double(j, "idle_share",
		    row->life_ns ? (double)row->idle_ns / (double)row->life_ns : 0);
	json_double(j, "busy_mean",
		    row->wall_ns ? (double)(row->life_ns - row->idle_ns) / (double)row->wall_ns
				 : 0);
	if (row->busy_most)
		json_u64(j, "busy_at_once_at_most", row->busy_most);
	else
		json_null(j, "busy_at_once_at_most");
}

static void put_row(struct json *j, const struct findings *f, const struct kind_row *row)
{
	const struct model *m = f->model;
	const struct thread *t = &m->threads[row->thread];

	json_object(j, NULL);
	json_string(j, "kind", concurrency_name(row->kind));
	json_bool(j, "named", row->is_named);
	json_string(j, "of", row->of_processes ? "processes" : "threads");
	json_u64(j, "members", row->members);
	json_u64(j, "at_once", row->at_once);
	put_id(j, "process", row->process != NO_PROCESS, 'p',
	       row->process != NO_PROCESS ? m->processes[row->process].id : 0);
	put_id(j, "first_thread", true, 't', t->id);
	json_string(j, "comm", t->comm);
	put_place(j, f, row);
	json_u64(j, "lifetime_ns", row->life_ns);
	json_u64(j, "running_ns", row->running_ns);
	if (row->kind == KIND_POOL)
		put_pool(j, row);
	if (row->kind == KIND_LOOP) {
		json_u64(j, "waits", row->waits);
		json_u64(j, "wait_ns", row->idle_ns);
		json_u64(j, "watches", row->watched);
	}
	if (row->kind == KIND_MN)
		json_u64(j, "hand_overs", row->waits);
	json_end(j);
}

void json_kinds(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_KINDS, f->n_kinds);

	json_array(j, "concurrency");
	for (size_t i = 0; i < n; i++)
		put_row(j, f, &f->kinds[i]);
	json_end(j);
}

void json_amdahl(struct json *j, const struct findings *f)
{
	const struct amdahl *a = &f->amdahl;

	if (!a->is_known)
		return;
	json_u64(j, "serial_ns", a->serial_ns);
	json_u64(j, "parallel_cpu_ns", a->parallel_ns);
	json_double(j, "serial_share",
		    (double)a->serial_ns / ((double)a->serial_ns + (double)a->parallel_ns));
	json_array(j, "amdahl");
	for (unsigned int cpus = 2; cpus <= AMDAHL_MOST; cpus *= 2) {
		json_line_object(j, NULL);
		json_u64(j, "cpus", cpus);
		json_double(j, "speedup_at_most", amdahl_speedup(a, cpus));
		json_end(j);
	}
	json_end(j);
}
