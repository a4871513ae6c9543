// SPDX-License-Identifier: BSD-2-Clause
#include "look/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "look/internal.h"

/* Between two looks that are to prove something: whoever can go on has time to do so. */
#define PAUSE_NS 2000000

struct look_around *look_new(struct looker *looker)
{
	struct look_around *l = calloc(1, sizeof(*l));
	struct stat own;

	if (!l)
		return NULL;
	l->looker = looker;
	if (!stat("/proc/self/ns/pid", &own))
		l->pid_ns = (uint32_t)own.st_ino;
	l->watch = watch_new();
	if (l->watch)
		return l;
	free(l);
	return NULL;
}

void look_free(struct look_around *l)
{
	if (!l)
		return;
	scene_free(&l->scene);
	for (size_t i = 0; i < l->processes.n; i++)
		free(l->processes.items[i].shared.items);
	free(l->processes.items);
	watch_free(l->watch);
	free(l);
}

struct looked_process *process_of(const struct look_around *l, uint32_t pid)
{
	for (size_t i = 0; i < l->processes.n; i++) {
		if (l->processes.items[i].pid == pid)
			return &l->processes.items[i];
	}
	return NULL;
}

static int add_process(struct look_around *l, uint32_t pid, bool is_asked)
{
	struct looked_process *p;

	if (process_of(l, pid))
		return 0;
	l->is_cut |= l->processes.n == LOOK_PROCESSES;
	if (l->is_cut)
		return 0;
	p = vec_add(&l->processes);
	*p = (struct looked_process){ .pid = pid, .is_asked = is_asked };
	return looker_ask(l->looker, (pid_t)pid);
}

/* Those that are waited for, and were not looked at. */
static int add_needed(struct look_around *l, bool *ret_any)
{
	size_t before = l->processes.n;
	int error = 0;

	for (size_t i = 0; i < l->scene.needs.n && !error; i++) {
		uint32_t pid = l->scene.needs.items[i].pid;

		if (pid && pid != (uint32_t)getpid())
			error = add_process(l, pid, false);
	}
	*ret_any = l->processes.n > before;
	return error;
}

/* Until nobody is waited for that was not looked at. */
static int look_all_around(struct look_around *l)
{
	bool more = true;
	int error = 0;

	while (more && !error) {
		error = scene_look(l);
		if (!error)
			error = add_needed(l, &more);
	}
	return error;
}

/* What is looked at last is told. */
static int prove(struct look_around *l)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct look look;
	bool any;
	int error;

	scene_waits(l, &look);
	any = look.n > 0;
	(void)watch_look(l->watch, &look);
	waits_free(&look);
	if (!any)
		return 0;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	error = scene_look(l);
	if (error)
		return error;
	scene_waits(l, &look);
	(void)watch_look(l->watch, &look);
	waits_free(&look);
	return 0;
}

bool look_has(const struct look_around *l, pid_t pid)
{
	return map_find(&l->scene.first_of, (uint64_t)pid) != NULL;
}

/* Of several one may end meanwhile. */
static int check_found(const struct look_around *l, const pid_t *pids, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (look_has(l, pids[i]))
			return 0;
	}
	return err_set(err, -ESRCH, "process %d has ended meanwhile, or this kernel hides it",
		       pids[0]);
}

int look_at(struct look_around *l, const pid_t *pids, size_t n, struct err *err)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		error = proc_check(pids[i], err);
		if (error)
			return error;
		error = add_process(l, (uint32_t)pids[i], true);
	}
	if (!error)
		error = look_all_around(l);
	if (!error)
		error = prove(l);
	if (error)
		return err_failed(err, error, "cannot look at them");
	return check_found(l, pids, n, err);
}

bool look_is_cut(const struct look_around *l)
{
	return l->is_cut;
}

uint32_t look_process(const struct look_around *l, size_t i)
{
	return i < l->processes.n ? l->processes.items[i].pid : 0;
}

int look_code(struct look_around *l, const struct code_sink *sink, struct err *err)
{
	int error;

	for (size_t i = 0; i < l->processes.n; i++)
		proc_command(l->processes.items[i].pid, &l->processes.items[i].exec);
	read_descriptors(l);
	error = read_places(l, sink);
	return error ? err_failed(err, error, "cannot read where they stand") : 0;
}
