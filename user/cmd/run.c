// SPDX-License-Identifier: BSD-2-Clause
/* concprof [run] -- COMMAND: hold, load, release, supervise, analyse, report. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/facts.h"
#include "cmd/session.h"
#include "cmd/supervise.h"
#include "launch/environ.h"
#include "launch/status.h"

extern char **environ;

struct run {
	struct session s;
	struct launch_user user; /* whom the command runs as */
	struct launch_environ environ;
	struct launch *launch;
	unsigned int cpus; /* that it is allowed */
};

/* Everything up to the held child. 0, or concprof's exit status. */
static int prepare(struct run *r, const struct opts *o, const struct launch_signals *inherited)
{
	struct launch_opts launch = { .argv = o->argv, .user = &r->user, .signals = inherited };
	int error;

	if (launch_user_resolve(&r->user, o->user, o->as_root, &r->s.err) ||
	    session_start(&r->s, o) ||
	    launch_environ_build(&r->environ, &r->user, environ, &r->s.err))
		return STATUS_FAILED;
	launch.envp = r->environ.vars;
	if (launch_hold(&r->launch, &launch, &r->s.err))
		return STATUS_FAILED;
	error = launch_check(r->launch, &r->s.err);
	return error ? launch_exit_status(error) : 0;
}

/* Loads the probes, then gives up what only they needed. */
static int watch(struct run *r)
{
	struct session *s = &r->s;
	struct probe_opts opts = { .linger = s->o->linger_ns > 0,
				   .all_calls = s->o->all_calls,
				   .timeline = s->o->timeline,
				   .live = s->o->live,
				   .code = sites_sink(s->sites) };

	r->cpus = facts_cpus_allowed(NULL, 0);
	sites_follow(s->sites, launch_pid(r->launch));
	if (probe_open(&s->probe, &opts, &s->err) ||
	    probe_watch(s->probe, launch_pid(r->launch), r->cpus, &s->err) || session_drop(s))
		return STATUS_FAILED;
	if (s->o->all_calls && probe_window(s->probe, true, &s->err))
		return STATUS_FAILED;
	return session_look_on(s, s->o->argv);
}

static int tell_facts(struct run *r)
{
	char who[160];
	const char *notes[3] = { NULL, NULL, NULL };
	struct facts facts = { .mode = MODE_RUN,
			       .uid = r->user.uid,
			       .argv = r->s.o->argv,
			       .executable = launch_executable(r->launch),
			       .notes = notes };
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
	facts.cpus_allowed = r->cpus;
	error = facts_tell(session_event, &r->s, &facts);
	if (!error)
		return 0;
	err_failed(&r->s.err, error, "cannot describe this machine");
	return STATUS_FAILED;
}

static int measure(struct run *r, struct outcome *outcome)
{
	const struct opts *o = r->s.o;
	struct supervision s = {
		.probe = r->s.probe,
		.launch = r->launch,
		.signal_fd = r->s.signal_fd,
		.fn = session_event,
		.ctx = &r->s,
		.tell_code = session_tell_code,
		.duration_ns = o->duration_ns,
		.linger_ns = o->linger_ns,
		.hang_ns = o->hang_ns,
		.all_calls = o->all_calls,
		.live = r->s.live,
	};
	int error = launch_release(r->launch, &r->s.err);

	if (error)
		return launch_exit_status(error);
	error = supervise(&s, outcome, &r->s.err);
	return error ? STATUS_FAILED : 0;
}

int cmd_run(const struct opts *o, const struct launch_signals *inherited)
{
	struct run r = { .s = { .signal_fd = -1 } };
	struct outcome outcome = { .ended = false };
	int status = prepare(&r, o, inherited);

	if (!status)
		status = watch(&r);
	if (!status)
		status = tell_facts(&r);
	if (!status)
		status = measure(&r, &outcome);
	if (!status)
		status = session_report(&r.s);
	if (status)
		fprintf(stderr, "concprof: %s\n", r.s.err.text);
	session_end(&r.s);
	launch_free(r.launch);
	launch_environ_free(&r.environ);
	launch_user_free(&r.user);
	if (status)
		return status;
	if (outcome.hung)
		return o->error_exitcode;
	if (r.s.gates && !outcome.wstatus)
		return r.s.gates;
	launch_exit_like(outcome.wstatus);
}
