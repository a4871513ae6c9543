// SPDX-License-Identifier: BSD-2-Clause
#include "report/json_parts.h"

#include <inttypes.h>
#include <sys/wait.h>

#include "report/words.h"

static void put_id(struct json *j, const char *key, char letter, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%c%" PRIu64, letter, id);
	json_string(j, key, text);
}

static void put_states(struct json *j, const uint64_t *state_ns)
{
	char key[32];

	json_line_object(j, "states");
	for (unsigned int s = 0; s < TS_COUNT; s++) {
		snprintf(key, sizeof(key), "%s_ns", state_name(s));
		json_u64(j, key, state_ns[s]);
	}
	json_end(j);
}

static void put_wait(struct json *j, const char *key, const struct wait *w)
{
	if (!w->count && !w->ns && !w->open)
		return;
	json_line_object(j, key);
	json_u64(j, "ns", w->ns);
	json_u64(j, "count", w->count);
	json_u64(j, "max_ns", w->max_ns);
	json_bool(j, "open", w->open);
	json_end(j);
}

/* Waits for what is not known stand apart: their time is the state unknown, not blocked. */
static void put_waits(struct json *j, const struct wait *waits, size_t n)
{
	json_object(j, "blocked");
	for (size_t i = 0; i < n; i++) {
		if (waits[i].cause != CAUSE_UNKNOWN)
			put_wait(j, cause_name(waits[i].cause), &waits[i]);
	}
	json_end(j);
	for (size_t i = 0; i < n; i++) {
		if (waits[i].cause == CAUSE_UNKNOWN)
			put_wait(j, "unknown_waits", &waits[i]);
	}
}

/* Who had the CPU that a thread was queued for: other threads of the program, nobody (it
 * was on its way to an idle one), and other programs. */
static void put_queued(struct json *j, const uint64_t *state_ns, uint64_t own_ns, uint64_t idle_ns)
{
	uint64_t queued = state_ns[TS_WOKEN] + state_ns[TS_PREEMPTED], known = own_ns + idle_ns;

	json_line_object(j, "queued_behind");
	json_u64(j, "own_ns", own_ns);
	json_u64(j, "idle_ns", idle_ns);
	json_u64(j, "others_ns", queued > known ? queued - known : 0);
	json_end(j);
}

static void put_rows(struct json *j, const uint64_t *row_ns)
{
	char key[32];

	json_line_object(j, "waited_for");
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		snprintf(key, sizeof(key), "%s_ns", row_name(r));
		if (row_ns[r])
			json_u64(j, key, row_ns[r]);
	}
	json_end(j);
}

static void put_switches(struct json *j, uint64_t seen, uint64_t voluntary, uint64_t involuntary,
			 uint64_t yields, uint64_t migrations)
{
	json_line_object(j, "switches");
	json_u64(j, "seen", seen);
	json_u64(j, "voluntary", voluntary);
	json_u64(j, "involuntary", involuntary);
	json_u64(j, "yields", yields);
	json_u64(j, "migrations", migrations);
	json_end(j);
}

void json_totals(struct json *j, const struct findings *f)
{
	const struct totals *t = &f->totals;

	json_object(j, "totals");
	json_u64(j, "threads", t->threads);
	json_u64(j, "processes", t->processes);
	json_u64(j, "lifetime_ns", t->lifetime_ns);
	put_states(j, t->state_ns);
	put_queued(j, t->state_ns, t->queued_own_ns, t->queued_idle_ns);
	put_waits(j, t->waits, CAUSE_COUNT);
	put_rows(j, t->row_ns);
	put_switches(j, t->switches, t->voluntary, t->involuntary, t->yields, t->migrations);
	json_slices(j, t->state_ns[TS_RUNNING], t->switches, t->longest_run_ns, t->preempts,
		    t->preempted_run_ns);
	json_end(j);
}

static void put_cpu(struct json *j, const struct model *m, const struct thread *t)
{
	static const char *const hows[] = { [CPU_BY_TICK] = "tick", [CPU_EXACT] = "exact" };
	uint64_t user_ns, kernel_ns;
	bool known_how = m->run.cpu_how == CPU_BY_TICK || m->run.cpu_how == CPU_EXACT;

	json_line_object(j, "cpu");
	if (known_how && cpu_split(m, t, &user_ns, &kernel_ns)) {
		json_u64(j, "user_ns", user_ns);
		json_u64(j, "kernel_ns", kernel_ns);
	}
	if (known_how)
		json_string(j, "how", hows[m->run.cpu_how]);
	json_u64(j, "stolen_ns", t->stolen_ns);
	json_u64(j, "uncharged_ns", t->uncharged_ns);
	json_u64(j, "moving_ns", t->moving_ns);
	json_end(j);
}

static void put_witness(struct json *j, const struct witness *w)
{
	json_line_object(j, "kernel_accounting");
	json_u64(j, "run_ns", w->run_ns);
	json_u64(j, "run_delay_ns", w->delay_ns);
	json_u64(j, "voluntary", w->voluntary);
	json_u64(j, "involuntary", w->involuntary);
	json_end(j);
}

/* null: the kernel does not count them. */
static void put_io_calls(struct json *j, const struct thread *t)
{
	if (!(t->flags & THREAD_IO_COUNTED)) {
		json_null(j, "io_calls");
		return;
	}
	json_line_object(j, "io_calls");
	json_u64(j, "reads", t->witness.reads);
	json_u64(j, "read_bytes", t->witness.read_bytes);
	json_u64(j, "writes", t->witness.writes);
	json_u64(j, "written_bytes", t->witness.written_bytes);
	json_end(j);
}

static void put_thread(struct json *j, const struct findings *f, size_t i)
{
	const struct thread *t = &f->model->threads[i];

	json_object(j, NULL);
	put_id(j, "id", 't', t->id);
	json_u64(j, "tid", t->tid);
	json_u64(j, "pid", t->pid);
	put_id(j, "process", 'p', t->process_id);
	json_u64(j, "start_ns", t->start_ns);
	json_u64(j, "end_ns", t->end_ns);
	json_string(j, "comm", t->comm);
	if (t->flags & THREAD_KERNEL)
		json_bool(j, "kernel_thread", true);
	if (t->flags & THREAD_ATTACHED)
		json_bool(j, "attached", true);
	json_u64(j, "lifetime_ns", t->lifetime_ns);
	put_states(j, t->state_ns);
	put_cpu(j, f->model, t);
	put_queued(j, t->state_ns, t->queued_own_ns, t->queued_idle_ns);
	put_waits(j, t->waits, t->n_waits);
	put_rows(j, t->row_ns);
	put_switches(j, t->switches, t->witness.voluntary, t->witness.involuntary, t->yields,
		     t->witness.migrations);
	put_io_calls(j, t);
	json_sched(j, t);
	json_slices(j, t->state_ns[TS_RUNNING], t->switches, t->longest_run_ns, t->preempts,
		    t->preempted_run_ns);
	if (t->flags &
	    THREAD_ENDED) /* of a living thread the kernel's sums are of another moment */
		put_witness(j, &t->witness);
	json_string(j, "class", class_name(f->thread_class[i]));
	if (t->stack != NO_STACK)
		json_stack(j, f->model, &f->model->stacks[t->stack]);
	if (t->flags & THREAD_CUT_OFF)
		json_string(j, "cut_off", t->open_cause ? cause_name(t->open_cause) : "running");
	json_end(j);
}

void json_threads(struct json *j, const struct findings *f, struct room *r)
{
	json_array(j, "threads");
	for (size_t i = 0; i < f->model->n_threads; i++) {
		if (room_for_thread(r, i))
			put_thread(j, f, i);
	}
	json_end(j);
}

void json_begin_status(struct json *j, const char *key, uint32_t status)
{
	json_line_object(j, key);
	if (WIFSIGNALED(status)) {
		json_null(j, "code");
		json_u64(j, "signal", WTERMSIG(status));
	} else {
		json_u64(j, "code", WEXITSTATUS(status));
		json_null(j, "signal");
	}
}

static void put_process(struct json *j, const struct findings *f, size_t i, struct room *r)
{
	const struct model *m = f->model;
	const struct process *p = &m->processes[i];

	json_object(j, NULL);
	put_id(j, "id", 'p', p->id);
	json_u64(j, "pid", p->pid);
	json_u64(j, "ppid", p->ppid);
	if (p->parent >= 0)
		put_id(j, "parent", 'p', m->processes[p->parent].id);
	else
		json_null(j, "parent");
	json_string(j, "comm", p->comm);
	if (p->exe)
		json_string(j, "exe", p->exe);
	if (p->n_args) {
		json_line_array(j, "cmdline");
		for (size_t a = 0; a < p->n_args; a++)
			json_string(j, NULL, p->args[a]);
		json_end(j);
	}
	if (p->args_truncated)
		json_bool(j, "cmdline_truncated", true);
	json_u64(j, "start_ns", p->start_ns);
	json_u64(j, "end_ns", p->end_ns);
	if (p->is_attached)
		json_bool(j, "attached", true);
	if (p->ended) {
		json_begin_status(j, "exit", p->status);
		json_bool(j, "core", WIFSIGNALED(p->status) && WCOREDUMP(p->status));
		json_end(j);
	}
	json_u64(j, "threads", p->n_threads);
	if (p->max_rss_bytes)
		json_u64(j, "max_rss_bytes", p->max_rss_bytes);
	json_string(j, "class", class_name(f->process_class[i]));
	json_story(j, p, r);
	json_end(j);
}

void json_processes(struct json *j, const struct findings *f, struct room *r)
{
	json_array(j, "processes");
	for (size_t i = 0; i < f->model->n_processes; i++) {
		if (room_for_process(r, i))
			put_process(j, f, i, r);
	}
	json_end(j);
}

static void put_peer(struct json *j, const struct peer *p)
{
	char target[PEER_NAME_SIZE];

	json_line_object(j, NULL);
	json_string(j, "target", peer_name(target, sizeof(target), &p->key));
	json_u64(j, "wait_ns", p->ns);
	json_u64(j, "waits", p->waits);
	json_bool(j, "local", p->is_local);
	json_bool(j, "measured", p->is_inside);
	if (p->pid)
		json_u64(j, "pid", p->pid);
	else
		json_null(j, "pid");
	json_string(j, "comm", p->pid && p->comm[0] ? p->comm : NULL);
	json_end(j);
}

void json_peers(struct json *j, const struct model *m, struct room *r)
{
	size_t n = room_for(r, ROOM_PEERS, m->n_peers);

	json_array(j, "peers");
	for (size_t i = 0; i < n; i++)
		put_peer(j, &m->peers[i]);
	json_end(j);
}

void json_others(struct json *j, const struct model *m, struct room *r)
{
	size_t n = room_for(r, ROOM_OTHERS, m->n_others);

	json_array(j, "others");
	for (size_t i = 0; i < n; i++) {
		json_line_object(j, NULL);
		json_u64(j, "pid", m->others[i].pid);
		json_string(j, "comm", m->others[i].comm);
		json_u64(j, "cpu_ns", m->others[i].cpu_ns);
		json_end(j);
	}
	json_end(j);
}
