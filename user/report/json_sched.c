// SPDX-License-Identifier: BSD-2-Clause
/* How threads are scheduled, and who had the CPU that they were ready to use. */
#include "report/json_parts.h"

#include <stdio.h>

#include "report/words.h"

static void put_policy(struct json *j, uint32_t policy, int32_t nice, uint32_t rt_priority)
{
	const char *name = policy_name(policy);
	char number[24];

	snprintf(number, sizeof(number), "SCHED_%u", policy);
	json_string(j, "policy", name ? name : number);
	json_i64(j, "nice", nice);
	json_u64(j, "rt_priority", rt_priority);
}

static void put_cpus(struct json *j, uint64_t cpus)
{
	if (cpus)
		json_u64(j, "cpus", cpus);
	else
		json_null(j, "cpus");
}

static void put_schedule(struct json *j, const char *key, const struct schedule *s)
{
	json_line_object(j, key);
	put_policy(j, s->policy, s->nice, s->rt_priority);
	put_cpus(j, s->n_cpus);
	json_end(j);
}

void json_sched(struct json *j, const struct thread *t)
{
	if (!t->n_changes)
		json_line_object(j, "sched");
	else
		json_object(j, "sched");
	put_policy(j, t->policy, t->nice, t->rt_priority);
	put_cpus(j, t->n_cpus);
	if (t->n_changes) {
		json_array(j, "changes");
		for (size_t i = 0; i < t->n_changes; i++) {
			json_object(j, NULL);
			json_u64(j, "seen_at_ns", t->changes[i].at_ns);
			put_schedule(j, "was", &t->changes[i].was);
			put_schedule(j, "now", &t->changes[i].now);
			json_end(j);
		}
		json_end(j);
	}
	json_end(j);
}

/* null: the recording is older, or it has not run. */
void json_slices(struct json *j, uint64_t running_ns, uint64_t switches, uint64_t longest_ns,
		 uint64_t preempts, uint64_t preempted_run_ns)
{
	if (!longest_ns || !switches) {
		json_null(j, "slices");
		return;
	}
	json_line_object(j, "slices");
	json_u64(j, "mean_ns", running_ns / switches);
	json_u64(j, "longest_ns", longest_ns);
	json_u64(j, "preempted", preempts);
	json_u64(j, "preempted_run_ns", preempted_run_ns);
	json_end(j);
}

static void put_taker(struct json *j, const struct taker_row *r)
{
	json_line_object(j, NULL);
	json_string(j, "comm", r->whom);
	json_u64(j, "threads", r->threads);
	json_string(j, "how", taker_how_name(r->first->how));
	json_string(j, "by", r->by);
	json_string(j, "by_is", taker_is_name(r->first->is));
	if (r->by_pid)
		json_u64(j, "by_pid", r->by_pid);
	else
		json_null(j, "by_pid");
	put_policy(j, r->first->policy, r->first->nice, r->first->rt_priority);
	json_u64(j, "count", r->count);
	json_u64(j, "ns", r->ns);
	json_u64(j, "max_ns", r->max_ns);
	json_u64(j, "certain_ns", r->certain_ns);
	json_end(j);
}

void json_takers(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_TAKERS, f->n_takers);

	json_array(j, "takers");
	for (size_t i = 0; i < n; i++)
		put_taker(j, &f->takers[i]);
	json_end(j);
}
