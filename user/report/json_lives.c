// SPDX-License-Identifier: BSD-2-Clause
/* The lives of processes. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

static void put_process_id(struct json *j, const char *key, const struct process *p)
{
	char id[32];

	snprintf(id, sizeof(id), "p%" PRIu64, p->id);
	json_string(j, key, id);
}

/* pid and comm of another process; null: it has no number here. */
static void put_kin(struct json *j, const char *pid_key, const char *comm_key, const struct kin *k)
{
	if (k->pid)
		json_u64(j, pid_key, k->pid);
	else
		json_null(j, pid_key);
	json_string(j, comm_key, k->comm[0] ? k->comm : NULL);
}

static const char *doing_name(enum cause doing)
{
	return doing == CAUSE_COUNT ? "running" : cause_name(doing);
}

static void put_zombies(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_ZOMBIES, f->lives.n_zombies);

	json_array(j, "zombies");
	for (size_t i = 0; i < n; i++) {
		const struct zombie *z = &f->lives.zombies[i];
		const struct process *p = &f->model->processes[z->process];

		json_line_object(j, NULL);
		json_u64(j, "pid", p->pid);
		put_kin(j, "ppid", "parent_comm", &p->life.parent);
		put_process_id(j, "process", p);
		json_string(j, "comm", p->comm);
		json_u64(j, "from_ns", z->from_ns);
		json_u64(j, "to_ns", z->to_ns);
		json_bool(j, "reaped", z->is_reaped);
		json_string(j, "parent_doing", z->to_blame < 0 ? NULL : doing_name(z->doing));
		json_end(j);
	}
	json_end(j);
	json_u64(j, "zombies_at_once", f->lives.peak);
}

static void put_unreaped(struct json *j, const struct findings *f, struct room *r)
{
	const struct model *m = f->model;
	size_t n = room_for(r, ROOM_UNREAPED, m->n_unreaped);

	json_array(j, "zombies_before");
	for (size_t i = 0; i < n; i++) {
		const struct unreaped *u = &m->unreaped[i];

		json_line_object(j, NULL);
		put_process_id(j, "parent", &m->processes[u->parent]);
		json_u64(j, "pid", u->pid);
		json_string(j, "comm", u->comm);
		json_u64(j, "count", u->count);
		json_u64(j, "left", u->left);
		json_end(j);
	}
	json_end(j);
}

static void put_orphans(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_ORPHANS, f->lives.n_orphans);

	json_array(j, "orphans");
	for (size_t i = 0; i < n; i++) {
		const struct orphan *o = &f->lives.orphans[i];
		const struct process *p = &f->model->processes[o->process];

		json_line_object(j, NULL);
		json_u64(j, "pid", p->pid);
		put_process_id(j, "process", p);
		json_string(j, "comm", p->comm);
		json_u64(j, "parent", f->model->processes[o->parent].pid);
		json_u64(j, "at_ns", o->at_ns);
		put_kin(j, "adopted_by", "adopter_comm", &p->life.parent);
		json_u64(j, "outlived_ns", o->outlived_ns);
		json_end(j);
	}
	json_end(j);
}

/* What its first thread is blocked in; NULL: it is not, or that is not known. */
static const char *waits_for(const struct model *m, size_t process)
{
	const struct thread *t = first_thread(m, process);

	return t && t->flags & THREAD_OPEN_WAIT ? cause_name(t->open_cause) : NULL;
}

static void put_survivors(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_SURVIVORS, f->lives.n_survivors);

	json_array(j, "survivors");
	for (size_t i = 0; i < n; i++) {
		const struct process *p = &f->model->processes[f->lives.survivors[i]];

		json_line_object(j, NULL);
		json_u64(j, "pid", p->pid);
		json_string(j, "comm", p->comm);
		put_process_id(j, "process", p);
		json_u64(j, "age_ns", survivor_age(f->model, p));
		if (p->parent >= 0)
			json_u64(j, "started_by", p->ppid);
		else
			json_null(j, "started_by");
		json_string(j, "waits_for", waits_for(f->model, f->lives.survivors[i]));
		json_bool(j, "own_session", survivor_left(f->model, p));
		json_end(j);
	}
	json_end(j);
}

static void put_deaths(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_DEATHS, f->lives.n_deaths);

	json_array(j, "deaths");
	for (size_t i = 0; i < n; i++) {
		const struct death *d = &f->lives.deaths[i];
		const struct process *p = &f->model->processes[d->process];

		json_line_object(j, NULL);
		json_u64(j, "pid", p->pid);
		put_process_id(j, "process", p);
		json_string(j, "comm", p->comm);
		json_u64(j, "signal", d->signal);
		json_string(j, "how", death_name(d->how));
		put_kin(j, "by_pid", "by_comm", &p->life.killer.by);
		json_u64(j, "at_ns", d->at_ns);
		json_u64(j, "threads", p->n_threads);
		json_end(j);
	}
	json_end(j);
}

static void put_thread_id(struct json *j, const char *key, uint64_t id)
{
	char text[32];

	snprintf(text, sizeof(text), "t%" PRIu64, id);
	json_string(j, key, id ? text : NULL);
}

/* What the last one executed is what the process is. */
static void put_execs(struct json *j, const struct story *l, struct room *r)
{
	size_t n = room_for(r, ROOM_EXECS, l->n_execs);

	json_array(j, "execs");
	for (size_t i = 0; i < n; i++) {
		const struct exec *e = &l->execs[i];

		json_line_object(j, NULL);
		json_u64(j, "at_ns", e->at_ns);
		json_u64(j, "uid", e->uid);
		if (i + 1 < l->n_execs) {
			json_string(j, "exe", e->path);
			json_array(j, "cmdline");
			for (size_t a = 0; a < e->n_args; a++)
				json_string(j, NULL, e->args[a]);
			json_end(j);
		}
		json_end(j);
	}
	json_end(j);
}

void json_story(struct json *j, const struct process *p, struct room *r)
{
	static const char *const births[BIRTH_COUNT] = {
		[BIRTH_FORK] = "fork",
		[BIRTH_VFORK] = "vfork",
		[BIRTH_SPAWN] = "posix_spawn",
		[BIRTH_CLONE] = "clone",
	};
	static const char *const burials[] = {
		[BURIAL_REAPED] = "reaped",
		[BURIAL_LATER] = "reaped-before",
		[BURIAL_UNWANTED] = "unwanted",
		[BURIAL_LEFT] = "left",
	};
	const struct story *l = &p->life;

	json_object(j, "life");
	if (l->is_born) {
		json_string(j, "created_by", births[l->birth]);
		put_thread_id(j, "creator", l->creator.thread_id);
		json_u64(j, "uid", l->uid);
	}
	put_execs(j, l, r);
	if (l->n_execs || l->is_dead)
		json_u64(j, "last_uid", l->last_uid);
	if (l->first_io_ns)
		json_u64(j, "first_io_ns", l->first_io_ns);
	if (l->group) {
		json_u64(j, "group", l->group);
		json_u64(j, "session", l->session);
	}
	if (l->is_dead)
		json_u64(j, "died_ns", l->died_ns);
	if (l->burial && p->id != COMMAND_ID) /* of which concprof itself is the parent */
		json_string(j, "end", burials[l->burial]);
	if (l->burial == BURIAL_REAPED || l->burial == BURIAL_LATER)
		json_u64(j, "reaped_ns", l->reaped_ns);
	if (l->burial == BURIAL_REAPED) {
		json_string(j, "reaped_by", l->by_waitid ? "waitid" : "wait4");
		put_kin(j, "reaper_pid", "reaper_comm", &l->reaper);
	}
	json_end(j);
}

void json_lifecycle(struct json *j, const struct findings *f, struct room *r)
{
	const struct lifecycle *l = &f->lives;

	json_object(j, "lifecycle");
	put_zombies(j, f, r);
	put_unreaped(j, f, r);
	put_orphans(j, f, r);
	put_survivors(j, f, r);
	put_deaths(j, f, r);
	json_line_object(j, "reaping");
	json_u64(j, "count", l->n_reaped);
	json_u64(j, "ns", l->reaping_ns);
	json_u64(j, "max_ns", l->reaping_max_ns);
	json_end(j);
	json_end(j);
}
