// SPDX-License-Identifier: BSD-2-Clause
/* concprof why PID: one look at what runs, without probes. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/facts.h"
#include "cmd/output.h"
#include "launch/user.h"
#include "look/look.h"
#include "sym/sites.h"

/* To load the object takes most of the time: names are read meanwhile. */
struct opening {
	pthread_t thread;
	struct looker *looker;
	int error;
	struct err err;
	bool is_done;
};

struct why_run {
	const struct opts *o;
	struct launch_user writer; /* who called sudo */
	struct sym *sym;
	struct sites *sites;
	struct looker *looker;
	struct look_around *look;
	struct model_builder *builder;
	struct err err;
};

static int take_event(void *ctx, const struct event *ev)
{
	struct why_run *r = ctx;
	int error = sites_event(r->sites, ev);

	return error ? error : model_builder_event(r->builder, ev);
}

static void *open_it(void *ctx)
{
	struct opening *o = ctx;

	o->error = looker_open(&o->looker, &o->err);
	__atomic_store_n(&o->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What is asked for may be gone, or none that can be looked at: look_at() says so. */
static void warm(struct why_run *r, const struct opening *o)
{
	struct code_sink sink = sites_sink(r->sites);

	for (size_t i = 0; i < r->o->n_pids; i++) {
		sites_follow(r->sites, (uint32_t)r->o->pids[i]);
		(void)look_maps((uint32_t)r->o->pids[i], &sink);
	}
	while (!__atomic_load_n(&o->is_done, __ATOMIC_ACQUIRE) && sites_warm(r->sites))
		;
}

static int open_looker(struct why_run *r)
{
	struct opening o = { .looker = NULL };
	int error = pthread_create(&o.thread, NULL, open_it, &o);

	if (error)
		return err_failed(&r->err, -error, "cannot start a thread");
	warm(r, &o);
	pthread_join(o.thread, NULL);
	r->looker = o.looker;
	if (o.error)
		r->err = o.err;
	return o.error;
}

static int start(struct why_run *r)
{
	struct sym_opts opts = { .change_user = false };
	int error = launch_user_resolve(&r->writer, NULL, false, &r->err);

	if (error)
		return error;
	opts.change_user = r->writer.change;
	opts.uid = r->writer.uid;
	opts.gid = r->writer.gid;
	error = sym_start(&r->sym, &opts, &r->err);
	if (error)
		return error;
	r->sites = sites_new(r->sym, "/proc/kallsyms");
	r->builder = model_builder_new();
	if (!r->sites || !r->builder)
		return err_failed(&r->err, -ENOMEM, "cannot begin");
	return open_looker(r);
}

static void say_what_is_missing(const struct why_run *r)
{
	for (size_t i = 0; i < r->o->n_pids; i++) {
		if (!look_has(r->look, r->o->pids[i]))
			fprintf(stderr, "concprof: process %d has ended meanwhile\n",
				r->o->pids[i]);
	}
	if (look_is_cut(r->look))
		fprintf(stderr,
			"concprof: more processes are waited for than the %d that were looked at\n",
			LOOK_PROCESSES);
}

/* All that needs a privilege, then without. */
static int look(struct why_run *r)
{
	struct code_sink sink = sites_sink(r->sites);
	int error;

	r->look = look_new(r->looker);
	if (!r->look)
		return err_failed(&r->err, -ENOMEM, "cannot begin");
	error = look_at(r->look, r->o->pids, r->o->n_pids, &r->err);
	for (size_t i = 0; !error && look_process(r->look, i); i++)
		sites_follow(r->sites, look_process(r->look, i));
	if (!error)
		say_what_is_missing(r);
	if (!error)
		error = look_code(r->look, &sink, &r->err);
	return error ? error : launch_drop_privileges(&r->writer, &r->err);
}

/* It is a matter of milliseconds. */
static void no_progress(void *ctx, size_t done, size_t all)
{
	(void)ctx;
	(void)done;
	(void)all;
}

static int tell(struct why_run *r)
{
	static char *const no_command[] = { NULL };
	static const char *const no_notes[] = { NULL };
	struct ev_end end = { .head = { EV_END, sizeof(end) }, .status = -1 };
	struct facts facts = { .mode = MODE_WHY,
			       .argv = no_command,
			       .notes = no_notes,
			       .cpus_allowed = facts_cpus_allowed(NULL, 0) };
	int error = facts_tell(take_event, r, &facts);

	if (!error)
		error = look_tell(r->look, take_event, r);
	if (!error)
		error = sites_finish(r->sites, take_event, no_progress, r);
	if (!error)
		error = take_event(r, &end.head);
	if (error)
		err_failed(&r->err, error, "cannot tell what was found");
	return error;
}

int cmd_why(const struct opts *o)
{
	struct why_run r = { .o = o };
	int error = start(&r), gates = 0;

	if (!error)
		error = look(&r);
	if (!error)
		error = tell(&r);
	if (!error) {
		error = output_model(model_builder_finish(r.builder), o, &gates, &r.err);
		r.builder = NULL;
	}
	if (error)
		fprintf(stderr, "concprof: %s\n", r.err.text);
	model_builder_free(r.builder);
	look_free(r.look);
	looker_free(r.looker);
	sites_free(r.sites);
	sym_stop(r.sym);
	launch_user_free(&r.writer);
	return error ? STATUS_FAILED : gates;
}
