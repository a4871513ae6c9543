// SPDX-License-Identifier: BSD-2-Clause
/* concprof attach: what runs already is measured, and is left running. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/vec.h"
#include "cmd/cgroups.h"
#include "cmd/cmd.h"
#include "cmd/facts.h"
#include "cmd/session.h"
#include "cmd/supervise.h"
#include "look/look.h"
#include "look/proc.h"

#define ATTACH_ARGS 3 /* "-p", "12,13", NULL */

/* What was taken over: its event, as if it had been seen to execute its program, without what
 * that has room for. */
struct found {
	uint32_t pid;
	struct ev_exec *exec;
};

struct attach {
	struct session s;
	struct probe_attachment what;
	uint64_t started[OPTS_PIDS]; /* of those that were asked for: proc_started() */
	pid_t stranger;		     /* who has the number of one of them by now; 0: nobody */
	VEC(struct found) processes;
	bool is_told;	    /* the head of the stream, and them */
	struct map cgroups; /* by number: those whose names were told */

	char *args[ATTACH_ARGS]; /* what it was asked for, as the report's command */
};

/* --- what to attach to ------------------------------------------------------------------- */

static int check_pid(pid_t pid, struct err *err)
{
	int error = proc_check(pid, err);

	if (error || proc_is((uint32_t)pid) != PROC_IS_DEAD)
		return error;
	return err_set(err, -ESRCH,
		       "process %d has ended; only its entry is left, until process %u asks for "
		       "its status",
		       pid, proc_parent((uint32_t)pid));
}

static int check_pids(struct attach *a, const struct opts *o)
{
	int error = 0, why;

	for (size_t i = 0; i < o->n_pids && !error; i++) {
		errno = EIO; /* of what can be read, and is no such file */
		a->started[i] = proc_started((uint32_t)o->pids[i]);
		why = errno;
		error = check_pid(o->pids[i], &a->s.err);
		if (!error && !a->started[i])
			error = err_failed(&a->s.err, -why, "cannot read /proc/%d/stat",
					   o->pids[i]);
	}
	return error;
}

/* Its number was asked for, but as that of another, which has ended while the probes were loaded. */
static bool is_stranger(const struct attach *a, uint32_t pid)
{
	uint64_t started = proc_started(pid);

	for (size_t i = 0; i < a->what.n_pids && started; i++) {
		if ((uint32_t)a->what.pids[i] == pid)
			return a->started[i] != started;
	}
	return false;
}

/* "/sys/fs/cgroup/system.slice", or as /proc/PID/cgroup has it: "/system.slice". */
static int find_cgroup(const char *path, uint64_t *ret, struct err *err)
{
	char below[PATH_MAX];
	struct statfs fs;
	struct stat st;

	if (!*path) /* as of a variable that is not set: not all there is */
		return err_set(err, -EINVAL, "--cgroup: no path is given");
	snprintf(below, sizeof(below), "/sys/fs/cgroup/%s", path);
	if (stat(path, &st) || statfs(path, &fs) || fs.f_type == SYSFS_MAGIC ||
	    (fs.f_type != CGROUP2_SUPER_MAGIC && fs.f_type != CGROUP_SUPER_MAGIC)) {
		if (stat(below, &st) || statfs(below, &fs))
			return err_failed(err, -errno, "there is no cgroup '%s'", path);
	}
	if (fs.f_type == CGROUP_SUPER_MAGIC)
		return err_set(
			err, -ENOTSUP,
			"'%s' is a cgroup of version 1, by which nothing can be found; give its "
			"processes, which cgroup.procs there lists, with -p",
			path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return err_set(err, -EINVAL, "'%s' is no cgroup's directory", path);
	*ret = st.st_ino; /* of 64 bits it is the cgroup's number (kernfs) */
	return 0;
}

static int set_args(struct attach *a, const char *option, const char *value)
{
	a->args[0] = strdup(option);
	a->args[1] = value ? strdup(value) : NULL;
	return a->args[0] && (a->args[1] || !value) ? 0 : -ENOMEM;
}

static int set_pids(struct attach *a, const struct opts *o)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int error;

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < o->n_pids; i++)
		fprintf(f, "%s%d", i ? "," : "", o->pids[i]);
	error = fclose(f) ? -ENOMEM : set_args(a, "-p", text);
	free(text);
	return error;
}

/* All that is said of a process comes from there. */
static int check_proc(struct err *err)
{
	char self[32] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) == getpid())
		return 0;
	return err_set(
		err, -ENOTSUP,
		"/proc is not that of this PID namespace, whose processes are to be attached "
		"to; mount it with: mount -t proc proc /proc");
}

static int find_what(struct attach *a, const struct opts *o)
{
	struct probe_attachment *w = &a->what;
	struct err *err = &a->s.err;
	int error;

	w->which = o->cgroup ? ATTACH_TO_CGROUP : o->all_processes ? ATTACH_TO_ALL : ATTACH_TO_PIDS;
	w->pids = o->pids;
	w->n_pids = o->n_pids;
	error = check_proc(err);
	if (!error)
		error = o->cgroup ? find_cgroup(o->cgroup, &w->cgroup, err) : check_pids(a, o);
	if (error)
		return error;
	if (o->cgroup)
		error = set_args(a, "--cgroup", o->cgroup);
	else
		error = o->all_processes ? set_args(a, "-a", NULL) : set_pids(a, o);
	return error ? err_failed(err, error, "cannot begin") : 0;
}

/* --- attaching ------------------------------------------------------------------------- */

/* Of a command line no more is kept than there is of it. */
static struct ev_exec *shorten(struct ev_exec *ev)
{
	size_t size = offsetof(struct ev_exec, args) + ev->args_size;
	struct ev_exec *less = realloc(ev, size);

	return less ? less : ev;
}

static struct ev_exec *read_exec(const struct attached *process)
{
	struct ev_exec *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return NULL;
	ev->head.kind = EV_EXEC;
	ev->head.size = sizeof(*ev);
	ev->thread_id = ev->process_id = process->process_id;
	ev->pid = process->pid;
	ev->uid = process->uid;
	memcpy(ev->comm, process->comm, sizeof(ev->comm));
	proc_command(process->pid, ev);
	return shorten(ev);
}

static int tell_process(struct attach *a, struct found *f)
{
	struct ev_exec *ev = calloc(1, sizeof(*ev));
	int error = -ENOMEM;

	if (ev) {
		memcpy(ev, f->exec, offsetof(struct ev_exec, args) + f->exec->args_size);
		error = session_event(&a->s, &ev->head);
	}
	free(ev);
	free(f->exec);
	f->exec = NULL;
	return error;
}

/* An attached_fn. Its code is read at once, as long as there is the right to. */
static int take_process(void *ctx, const struct attached *process)
{
	struct attach *a = ctx;
	struct code_sink sink = sites_sink(a->s.sites);
	struct found *f = vec_add(&a->processes);
	int error;

	*f = (struct found){ process->pid, read_exec(process) };
	if (is_stranger(a, process->pid)) {
		a->stranger = (pid_t)process->pid;
		return -ESRCH;
	}
	sites_follow(a->s.sites, process->pid);
	error = f->exec ? look_maps(process->pid, &sink) : -ENOMEM;
	return error || !a->is_told ? error : tell_process(a, f);
}

static unsigned int cpus_of_all(const struct attach *a)
{
	pid_t *pids = calloc(a->processes.n + 1, sizeof(*pids));
	unsigned int cpus;

	for (size_t i = 0; pids && i < a->processes.n; i++)
		pids[i] = (pid_t)a->processes.items[i].pid;
	cpus = pids ? facts_cpus_allowed(pids, a->processes.n) : 0;
	free(pids);
	return cpus;
}

static int tell_facts(struct attach *a)
{
	static const char *const no_notes[] = { NULL };
	struct facts facts = { .mode = MODE_ATTACH,
			       .argv = a->args,
			       .notes = no_notes,
			       .cpus_allowed = cpus_of_all(a),
			       .limited = a->what.which == ATTACH_TO_ALL
						  ? -1
						  : (pid_t)a->processes.items[0].pid };
	int error = facts_tell(session_event, &a->s, &facts);

	a->is_told = true;
	for (size_t i = 0; i < a->processes.n && !error; i++)
		error = tell_process(a, &a->processes.items[i]);
	if (!error)
		error = cgroups_tell(session_event, &a->s, &a->cgroups);
	return error ? err_failed(&a->s.err, error, "cannot describe what runs") : 0;
}

static int take_over(struct attach *a)
{
	struct err *err = &a->s.err;
	int error = probe_attach(a->s.probe, &a->what, take_process, a, err);

	if (a->stranger)
		err_set(err, error,
			"process %d has ended meanwhile, and another has its number; look "
			"for what is wanted again",
			a->stranger);
	return error;
}

/* Loads the probes and takes over what runs; then gives up what only they needed. */
static int watch(struct attach *a)
{
	struct session *s = &a->s;
	struct probe_opts opts = { .attaches = true,
				   .in_cgroup = s->o->cgroup != NULL,
				   .all_calls = s->o->all_calls,
				   .timeline = s->o->timeline,
				   .live = s->o->live,
				   .code = sites_sink(s->sites) };

	if (probe_open(&s->probe, &opts, &s->err) || take_over(a) || session_drop(s) ||
	    tell_facts(a))
		return STATUS_FAILED;
	if (s->o->all_calls && probe_window(s->probe, true, &s->err))
		return STATUS_FAILED;
	return session_look_on(s, a->args);
}

/* Who waits at a terminal is told what for. */
static void say_attached(const struct attach *a)
{
	size_t n = a->processes.n;

	if (a->s.o->quiet || a->s.o->live || a->s.o->duration_ns || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "concprof: attached to %zu process%s; Ctrl-C ends the measurement\n", n,
		n == 1 ? "" : "es");
}

/* An event_fn. */
static int take_event(void *ctx, const struct event *ev)
{
	struct attach *a = ctx;

	return session_event(&a->s, ev);
}

/* Of the code, and of the cgroups that have come since the beginning. */
static int tell_code(void *ctx, uint64_t *ret_cpu_ns)
{
	struct attach *a = ctx;
	int error = cgroups_tell(session_event, &a->s, &a->cgroups);

	return error ? error : session_tell_code(&a->s, ret_cpu_ns);
}

static int measure(struct attach *a)
{
	const struct opts *o = a->s.o;
	struct supervision s = {
		.probe = a->s.probe,
		.signal_fd = a->s.signal_fd,
		.fn = take_event,
		.ctx = a,
		.tell_code = tell_code,
		.duration_ns = o->duration_ns,
		.all_calls = o->all_calls,
		.live = a->s.live,
	};
	struct outcome outcome;

	say_attached(a);
	return supervise(&s, &outcome, &a->s.err) ? STATUS_FAILED : 0;
}

int cmd_attach(const struct opts *o)
{
	struct attach a = { .s = { .signal_fd = -1 } };
	int status = find_what(&a, o) ? STATUS_FAILED : session_start(&a.s, o);

	if (!status)
		status = watch(&a);
	if (!status)
		status = measure(&a);
	if (!status)
		status = session_report(&a.s);
	if (status)
		fprintf(stderr, "concprof: %s\n", a.s.err.text);
	session_end(&a.s);
	for (size_t i = 0; i < a.processes.n; i++)
		free(a.processes.items[i].exec);
	free(a.processes.items);
	map_free(&a.cgroups);
	for (size_t i = 0; i < ATTACH_ARGS; i++)
		free(a.args[i]);
	return status ? status : a.s.gates;
}
