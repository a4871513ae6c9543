// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/gates.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/supervise.h"
#include "launch/environ.h"

extern char **environ;

int session_look_on(struct session *s, char *const *argv)
{
	if (!s->o->live)
		return 0;
	return live_start(&s->live, s->o, argv, &s->err) ? STATUS_FAILED : 0;
}

int session_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;
	int error = sites_event(s->sites, ev);

	if (s->live)
		live_event(s->live, ev);
	if (!error)
		error = model_builder_event(s->builder, ev);
	for (size_t i = 0; i < s->n_records && !error; i++)
		error = record_event(s->records[i], ev);
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
static int start_symbols(struct session *s)
{
	struct launch_environ theirs = { .n = 0 };
	struct sym_opts opts = { .debuginfod = s->o->debuginfod,
				 .change_user = s->writer.change,
				 .uid = s->writer.uid,
				 .gid = s->writer.gid };
	int error = 0;

	if (opts.debuginfod) {
		error = launch_environ_build(&theirs, &s->writer, environ, &s->err);
		opts.environ = theirs.vars;
		opts.debuginfod_urls = debuginfod_urls(&theirs);
	}
	if (!error)
		error = sym_start(&s->sym, &opts, &s->err);
	launch_environ_free(&theirs);
	if (error)
		return STATUS_FAILED;
	s->sites = sites_new(s->sym, "/proc/kallsyms");
	if (s->sites)
		return 0;
	err_failed(&s->err, -ENOMEM, "cannot begin");
	return STATUS_FAILED;
}

int session_start(struct session *s, const struct opts *o)
{
	s->o = o;
	s->signal_fd = -1;
	s->builder = model_builder_new();
	if (launch_user_resolve(&s->writer, NULL, false, &s->err) || start_symbols(s))
		return STATUS_FAILED;
	s->signal_fd = supervise_signals();
	if (s->signal_fd >= 0)
		return 0;
	err_failed(&s->err, s->signal_fd, "cannot receive signals");
	return STATUS_FAILED;
}

static int open_outputs(struct session *s)
{
	for (size_t i = 0; i < s->o->n_outputs; i++) {
		const struct opts_output *out = &s->o->outputs[i];
		int error = out->format->write
				    ? output_try(out, &s->err)
				    : record_open(&s->records[s->n_records], out->path, &s->err);

		if (error)
			return error;
		s->n_records += !out->format->write;
	}
	return 0;
}

int session_drop(struct session *s)
{
	if (launch_drop_privileges(&s->writer, &s->err) || open_outputs(s))
		return STATUS_FAILED;
	return 0;
}

static int write_reports(struct session *s, const struct findings *f)
{
	struct opts_output text = { .format = report_format_by_name("text") };
	struct document doc = { .findings = f };
	bool has_text = s->o->quiet;
	int error = 0;

	for (size_t i = 0; i < s->n_records; i++) {
		if (record_close(s->records[i], &s->err))
			error = STATUS_FAILED;
	}
	s->n_records = 0;
	for (size_t i = 0; i < s->o->n_outputs; i++) {
		has_text |= s->o->outputs[i].format == text.format;
		if (s->o->outputs[i].format->write &&
		    output_write(&s->o->outputs[i], &doc, s->o, &s->err))
			error = STATUS_FAILED;
	}
	if (!has_text && output_write(&text, &doc, s->o, &s->err))
		error = STATUS_FAILED;
	return error;
}

#define PATIENCE_NS 1000000000ull

/* A person who waits for names is told so, once that takes long. */
static void say_progress(void *ctx, size_t done, size_t all)
{
	struct session *s = ctx;
	uint64_t now = clock_ns();

	if (!s->naming_since)
		s->naming_since = now;
	if (now - s->naming_since < PATIENCE_NS || s->o->quiet || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\rconcprof: looking up names, %zu of %zu files; Ctrl-C ends it\r", done,
		all);
	s->said_progress = true;
}

/* The signal that has ended what was measured has come already. */
int session_tell_code(void *ctx, uint64_t *ret_cpu_ns)
{
	struct session *s = ctx;
	int error;

	supervise_forget_signals(s->signal_fd);
	sym_cancel_by(s->sym, s->signal_fd);
	error = sites_finish(s->sites, session_event, say_progress, s);
	if (s->said_progress)
		fprintf(stderr, "\r%79s\r", "");
	*ret_cpu_ns = sym_stop(s->sym);
	s->sym = NULL;
	return error;
}

int session_report(struct session *s)
{
	struct findings *f;
	struct model *m;
	int status;

	progress_begin(!s->o->quiet, "adding up");
	m = model_builder_finish(s->builder);
	f = findings_new(m);
	progress_end();
	gates_judge(&s->o->gates, f);
	status = write_reports(s, f);
	s->gates = gates_status(f->gates, f->n_gates, s->o);
	s->builder = NULL;
	findings_free(f);
	model_free(m);
	return status;
}

void session_end(struct session *s)
{
	live_stop(s->live);
	for (size_t i = 0; i < s->n_records; i++)
		record_abandon(s->records[i]);
	probe_free(s->probe);
	sites_free(s->sites);
	sym_stop(s->sym);
	launch_user_free(&s->writer);
	model_builder_free(s->builder);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}
