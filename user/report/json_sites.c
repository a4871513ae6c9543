// SPDX-License-Identifier: BSD-2-Clause
/* Where threads wait and compute. */
#include "report/json_parts.h"

#include "report/frames.h"

void json_stack(struct json *j, const struct model *m, const struct stack *s)
{
	char text[FRAME_TEXT_SIZE];

	json_line_array(j, "stack");
	for (size_t i = 0; s && i < s->n; i++)
		json_string(j, NULL, frame_text(text, sizeof(text), &m->frames[s->frames[i]]));
	json_end(j);
}

static void put_stack(struct json *j, const struct model *m, const struct site_row *row)
{
	if (row->own >= 0 && m->frames[row->stack->frames[row->own]].function[0])
		json_string(j, "function", m->frames[row->stack->frames[row->own]].function);
	json_stack(j, m, row->stack);
	json_string(j, "stack_end", stack_end_name(row->stack->end));
	if (row->stack->flags & STACK_BY_FRAME_POINTER)
		json_bool(j, "by_frame_pointer", true);
}

static void put_wait(struct json *j, const struct model *m, const struct site_row *row)
{
	json_line_object(j, NULL);
	json_string(j, "cause", cause_name(row->cause));
	json_u64(j, "waits", estimate_whole(row->waits));
	json_u64(j, "wait_ns", estimate_whole(row->ns));
	json_u64(j, "samples", row->samples);
	json_u64(j, "max_sample_ns", row->max_ns);
	put_stack(j, m, row);
	json_end(j);
}

static void put_cpu(struct json *j, const struct model *m, const struct site_row *row)
{
	json_line_object(j, NULL);
	json_u64(j, "samples", row->samples);
	put_stack(j, m, row);
	json_end(j);
}

void json_sites(struct json *j, const struct findings *f, struct room *r)
{
	const struct sites *s = &f->sites;
	size_t waits = room_for(r, ROOM_WAIT_SITES, s->n_waits);
	size_t cpu = room_for(r, ROOM_CPU_SITES, s->n_cpu);

	json_line_object(j, "sampling");
	json_bool(j, "waits_sampled", s->is_sampled);
	json_u64(j, "wait_ns", s->wait_ns);
	json_u64(j, "sited_ns", s->sited_ns);
	json_u64(j, "own_ns", s->own_ns);
	json_u64(j, "cpu_samples", s->cpu_samples);
	json_end(j);
	json_array(j, "wait_sites");
	for (size_t i = 0; i < waits; i++)
		put_wait(j, f->model, &s->waits[i]);
	json_end(j);
	json_array(j, "cpu_sites");
	for (size_t i = 0; i < cpu; i++)
		put_cpu(j, f->model, &s->cpu[i]);
	json_end(j);
}
