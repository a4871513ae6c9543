// SPDX-License-Identifier: BSD-2-Clause
/* concprof [run] -- COMMAND: hold, load, release, supervise, analyse, report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/facts.h"
#include "cmd/gates.h"
#include "cmd/output.h"
#include "cmd/record.h"
#include "cmd/supervise.h"
#include "launch/environ.h"
#include "launch/status.h"
#include "launch/user.h"
#include "sym/sites.h"

extern char **environ;

struct run {
	const struct opts *o;
	struct launch_user user; /* whom the command runs as */
	struct launch_user
		writer; /* whom reports are written as: who called sudo, whatever -u says */
	struct launch_environ environ;
	struct launch *launch;
	struct probe *probe;
	struct sym *sym;
	struct sites *sites;
	struct model_builder *builder;
	struct record *records[OPTS_OUTPUTS];
	size_t n_records;
	uint64_t naming_since; /* CLOCK_MONOTONIC; 0: not yet */
	bool said_progress;
	int signal_fd;
	int gates; /* what gates_status() said */
	struct err err;
};

/* An event_fn: all that is said goes to the model, and to each recording. */
static int take_event(void *ctx, const struct event *ev)
{
	struct run *r = ctx;
	int error = sites_event(r->sites, ev);

	if (!error)
		error = model_builder_event(r->builder, ev);
	for (size_t i = 0; i < r->n_records && !error; i++)
		error = record_event(r->records[i], ev);
	return error;
}

/* sudo lets little through: but what it was given for concprof itself goes first. */
static const char *debuginfod_urls(const struct launch_environ *before_sudo)
{
	static const char name[] = "DEBUGINFOD_URLS=";
	const char *own = getenv("DEBUGINFOD_URLS");

	for (size_t i = 0; !own && i < before_sudo->n; i++) {
		if (!strncmp(before_sudo->vars[i], name, sizeof(name) - 1))
			own = before_sudo->vars[i] + sizeof(name) - 1;
	}
	return own;
}

/* What reads the program's files, as whoever reads the report. */
static int start_symbols(struct run *r)
{
	struct launch_environ theirs = { .n = 0 };
	struct sym_opts opts = { .debuginfod = r->o->debuginfod,
				 .change_user = r->writer.change,
				 .uid = r->writer.uid,
				 .gid = r->writer.gid };
	int error = 0;

	if (opts.debuginfod) {
		error = launch_environ_build(&theirs, &r->writer, environ, &r->err);
		opts.environ = theirs.vars;
		opts.debuginfod_urls = debuginfod_urls(&theirs);
	}
	if (!error)
		error = sym_start(&r->sym, &opts, &r->err);
	launch_environ_free(&theirs);
	if (error)
		return STATUS_FAILED;
	r->sites = sites_new(r->sym, "/proc/kallsyms");
	if (r->sites)
		return 0;
	err_set(&r->err, -ENOMEM, "out of memory");
	return STATUS_FAILED;
}

/* Everything up to the held child. 0, or concprof's exit status. */
static int prepare(struct run *r, const struct launch_signals *inherited)
{
	struct launch_opts launch = { .argv = r->o->argv, .user = &r->user, .signals = inherited };
	int error;

	if (launch_user_resolve(&r->user, r->o->user, r->o->as_root, &r->err) ||
	    launch_user_resolve(&r->writer, NULL, false, &r->err))
		return STATUS_FAILED;
	if (start_symbols(r))
		return STATUS_FAILED;
	if (launch_environ_build(&r->environ, &r->user, environ, &r->err))
		return STATUS_FAILED;
	r->signal_fd = supervise_signals();
	if (r->signal_fd < 0) {
		err_set(&r->err, r->signal_fd, "cannot receive signals: %s",
			strerror(-r->signal_fd));
		return STATUS_FAILED;
	}
	launch.envp = r->environ.vars;
	if (launch_hold(&r->launch, &launch, &r->err))
		return STATUS_FAILED;
	error = launch_check(r->launch, &r->err);
	return error ? launch_exit_status(error) : 0;
}

static int open_outputs(struct run *r)
{
	for (size_t i = 0; i < r->o->n_outputs; i++) {
		const struct opts_output *out = &r->o->outputs[i];
		int error = out->format->write
				    ? output_try(out, &r->err)
				    : record_open(&r->records[r->n_records], out->path, &r->err);

		if (error)
			return error;
		r->n_records += !out->format->write;
	}
	return 0;
}

/* Loads the probes, then gives up what only they needed. */
static int watch(struct run *r)
{
	struct probe_opts opts = { .linger = r->o->linger_ns > 0,
				   .all_calls = r->o->all_calls,
				   .code = sites_sink(r->sites) };

	sites_follow(r->sites, launch_pid(r->launch));
	if (probe_open(&r->probe, &opts, &r->err) ||
	    probe_watch(r->probe, launch_pid(r->launch), facts_cpus_allowed(), &r->err) ||
	    launch_drop_privileges(&r->writer, &r->err))
		return STATUS_FAILED;
	if (open_outputs(r))
		return STATUS_FAILED;
	if (r->o->all_calls && probe_window(r->probe, true, &r->err))
		return STATUS_FAILED;
	return 0;
}

static int tell_facts(struct run *r)
{
	char who[160];
	const char *notes[3] = { NULL, NULL, NULL };
	size_t n = 0;
	int error;

	if (r->user.change) {
		snprintf(who, sizeof(who), "the command ran as user %s%s", r->user.name,
			 r->user.source == LAUNCH_USER_SUDO ? ", who called sudo" : "");
		notes[n++] = who;
	}
	if (r->environ.source == LAUNCH_ENVIRON_FALLBACK)
		notes[n++] = "the environment from before sudo could not be read: the command got "
			     "concprof's, "
			     "with the user's HOME, USER, LOGNAME and SHELL";
	error = facts_tell(take_event, r, MODE_RUN, r->user.uid, r->o->argv,
			   launch_executable(r->launch), notes);
	if (!error)
		return 0;
	err_set(&r->err, error, "cannot describe this machine: %s", strerror(-error));
	return STATUS_FAILED;
}

/* The text report goes to standard error, unless it was sent elsewhere or not wanted. */
static int write_reports(struct run *r, const struct findings *f)
{
	struct opts_output text = { .format = report_format_by_name("text") };
	struct document doc = { .findings = f };
	bool has_text = r->o->quiet;
	int error = 0;

	for (size_t i = 0; i < r->n_records; i++) {
		if (record_close(r->records[i], &r->err))
			error = STATUS_FAILED;
	}
	r->n_records = 0;
	for (size_t i = 0; i < r->o->n_outputs; i++) {
		has_text |= r->o->outputs[i].format == text.format;
		if (r->o->outputs[i].format->write &&
		    output_write(&r->o->outputs[i], &doc, r->o, &r->err))
			error = STATUS_FAILED;
	}
	if (!has_text && output_write(&text, &doc, r->o, &r->err))
		error = STATUS_FAILED;
	return error;
}

#define PATIENCE_NS 1000000000ull

/* A person who waits for names is told so, once that takes long. */
static void say_progress(void *ctx, size_t done, size_t all)
{
	struct run *r = ctx;
	uint64_t now = clock_ns();

	if (!r->naming_since)
		r->naming_since = now;
	if (now - r->naming_since < PATIENCE_NS || r->o->quiet || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\rconcprof: looking up names, %zu of %zu files; Ctrl-C ends it\r", done,
		all);
	r->said_progress = true;
}

/* A signal that comes now ends it; the one that has ended the command has come already. */
static int tell_code(void *ctx, uint64_t *ret_cpu_ns)
{
	struct run *r = ctx;
	int error;

	supervise_forget_signals(r->signal_fd);
	sym_cancel_by(r->sym, r->signal_fd);
	error = sites_finish(r->sites, take_event, say_progress, r);
	if (r->said_progress)
		fprintf(stderr, "\r%79s\r", "");
	*ret_cpu_ns = sym_stop(r->sym);
	r->sym = NULL;
	return error;
}

static int measure(struct run *r, struct outcome *outcome)
{
	struct supervision s = {
		.probe = r->probe,
		.launch = r->launch,
		.signal_fd = r->signal_fd,
		.fn = take_event,
		.ctx = r,
		.tell_code = tell_code,
		.duration_ns = r->o->duration_ns,
		.linger_ns = r->o->linger_ns,
		.hang_ns = r->o->hang_ns,
		.all_calls = r->o->all_calls,
	};
	int error = launch_release(r->launch, &r->err);

	if (error)
		return launch_exit_status(error);
	error = supervise(&s, outcome, &r->err);
	return error ? STATUS_FAILED : 0;
}

static int analyse(struct run *r)
{
	struct model *m = model_builder_finish(r->builder);
	struct findings *f = findings_new(m);
	int status;

	gates_judge(&r->o->gates, f);
	status = write_reports(r, f);
	r->gates = gates_status(f->gates, f->n_gates, r->o);
	r->builder = NULL;
	findings_free(f);
	model_free(m);
	return status;
}

int cmd_run(const struct opts *o, const struct launch_signals *inherited)
{
	struct run r = { .o = o, .signal_fd = -1 };
	struct outcome outcome = { .ended = false };
	int status;

	r.builder = model_builder_new();
	status = prepare(&r, inherited);
	if (!status)
		status = watch(&r);
	if (!status)
		status = tell_facts(&r);
	if (!status)
		status = measure(&r, &outcome);
	if (!status)
		status = analyse(&r);
	if (status)
		fprintf(stderr, "concprof: %s\n", r.err.text);
	for (size_t i = 0; i < r.n_records; i++)
		record_abandon(r.records[i]);
	probe_free(r.probe);
	sites_free(r.sites);
	sym_stop(r.sym);
	launch_free(r.launch);
	launch_environ_free(&r.environ);
	launch_user_free(&r.user);
	launch_user_free(&r.writer);
	model_builder_free(r.builder);
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	if (status)
		return status;
	if (outcome.hung)
		return o->error_exitcode;
	if (r.gates && !outcome.wstatus)
		return r.gates;
	launch_exit_like(outcome.wstatus);
}
