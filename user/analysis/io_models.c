// SPDX-License-Identifier: BSD-2-Clause
/*
 * The models of input and output that textbooks tell apart, by what each thread was blocked in, and by
 * the calls in which the clock found it: those that return at once are no waits.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/map.h"

/* To be named as one of the program's models: most of its time is nothing that a few reads at the start
 * take, and many waits are none either. */
#define WAIT_SHARE   0.05 /* of the waiting for input and output, and ... */
#define NUMBER_SHARE 0.05 /* ... of the number of waits and samples */
#define TIME_SHARE   0.2  /* of waiting and running in calls: without any other condition */
#define SIGNAL_SHARE 0.2  /* of the number, of what is told by signals */
#define SIGNALS_MIN  3
#define SAMPLES_MIN  3	  /* of what has not waited */
#define WALL_SHARE   0.01 /* of the wall time: less is nothing that a program is about */

const char *io_model_name(enum io_model model)
{
	static const char *const names[IO_MODEL_COUNT] = {
		[IO_MODEL_BLOCKING] = "blocking",
		[IO_MODEL_POLLING] = "non-blocking",
		[IO_MODEL_SELECT] = "multiplexed-select",
		[IO_MODEL_POLL] = "multiplexed-poll",
		[IO_MODEL_EPOLL] = "multiplexed-epoll",
		[IO_MODEL_SIGNAL] = "signal-driven",
		[IO_MODEL_AIO] = "aio",
		[IO_MODEL_URING] = "io_uring",
	};

	return model < IO_MODEL_COUNT ? names[model] : NULL;
}

bool io_model_is_synchronous(enum io_model model)
{
	return model != IO_MODEL_AIO && model != IO_MODEL_URING;
}

bool io_model_blocks(enum io_model model)
{
	return model == IO_MODEL_BLOCKING || io_model_is_multiplexed(model);
}

bool io_model_is_multiplexed(enum io_model model)
{
	return model == IO_MODEL_SELECT || model == IO_MODEL_POLL || model == IO_MODEL_EPOLL;
}

/* Of a wait for that; NONE: it is not for a descriptor. */
static enum io_model model_of_cause(enum cause cause)
{
	static const unsigned char models[CAUSE_COUNT] = {
		[CAUSE_IO_DISK] = IO_MODEL_BLOCKING,
		[CAUSE_IO_FILE] = IO_MODEL_BLOCKING,
		[CAUSE_IO_PIPE] = IO_MODEL_BLOCKING,
		[CAUSE_IO_SOCKET] = IO_MODEL_BLOCKING,
		[CAUSE_IO_TTY] = IO_MODEL_BLOCKING,
		[CAUSE_EVENT_EVENTFD] = IO_MODEL_BLOCKING,
		[CAUSE_EVENT_SIGNALFD] = IO_MODEL_BLOCKING,
		[CAUSE_EVENT_INOTIFY] = IO_MODEL_BLOCKING,
		[CAUSE_TIMER_TIMERFD] = IO_MODEL_BLOCKING,
		[CAUSE_IO_URING] = IO_MODEL_URING,
		[CAUSE_IO_AIO] = IO_MODEL_AIO,
		[CAUSE_EVENT_EPOLL] = IO_MODEL_EPOLL,
		[CAUSE_EVENT_POLL] = IO_MODEL_POLL,
		[CAUSE_EVENT_SELECT] = IO_MODEL_SELECT,
	};

	return models[cause];
}

static bool is_file(enum cause cause)
{
	return cause == CAUSE_IO_DISK || cause == CAUSE_IO_FILE;
}

/* What has to be known of a thread before its calls can be told apart. */
struct manner {
	enum io_model many; /* how it waits for many descriptors at once; NONE: it does not */
	uint64_t many_ns;
	uint64_t asked,
		tried;	 /* waits and samples in such calls; samples in those that do not block */
	bool is_helper;	 /* of the C library's aio */
	bool is_kernels; /* a worker of io_uring */
	uint64_t used;	 /* models, a bit for each */
};

struct search {
	struct findings *f;
	struct map places;	/* of threads, by id */
	struct manner *threads; /* by place in model->threads; the last: all that are not listed */
	uint64_t *signals;	/* by place in model->processes: that a descriptor is ready */
	uint64_t *signal_waits;
	double (*rows)
		[IO_MODEL_COUNT]; /* by place in model->ios: waits and samples of each model */
};

/* --- waits -------------------------------------------------------------------------------- */

static void learn_waits(struct manner *to, const struct thread *t)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		enum io_model model = model_of_cause(t->waits[i].cause);

		if (!io_model_is_multiplexed(model))
			continue;
		to->asked += t->waits[i].count;
		if (t->waits[i].ns < to->many_ns)
			continue;
		to->many = model;
		to->many_ns = t->waits[i].ns;
	}
	to->is_kernels = t->flags & THREAD_KERNEL;
}

static struct io_model_sum *add(struct search *s, struct manner *by, enum io_model model)
{
	by->used |= 1ull << model;
	return &s->f->io_models[model];
}

/* Of waits for signals as many as signals came for descriptors. */
static void add_signal_wait(struct search *s, struct manner *by, const struct thread *t,
			    const struct wait *w)
{
	uint64_t signals = s->signals[t->process], waits = s->signal_waits[t->process];
	double part = waits > signals ? (double)signals / (double)waits : 1;
	struct io_model_sum *to;

	if (!signals)
		return;
	to = add(s, by, IO_MODEL_SIGNAL);
	to->waits += (uint64_t)((double)w->count * part + 0.5);
	to->wait_ns += (uint64_t)((double)w->ns * part);
}

static void add_waits(struct search *s, struct manner *by, const struct thread *t, bool is_listed)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		const struct wait *w = &t->waits[i];
		enum io_model model = model_of_cause(w->cause);
		struct io_model_sum *to;

		if (w->cause == CAUSE_SIGNAL_WAIT && is_listed)
			add_signal_wait(s, by, t, w);
		if (!model)
			continue;
		if (by->is_kernels)
			model = IO_MODEL_URING;
		else if (by->is_helper && model == IO_MODEL_BLOCKING)
			model = IO_MODEL_AIO;
		to = add(s, by, model);
		to->waits += w->count;
		to->wait_ns += w->ns;
		if (w->cause == CAUSE_IO_URING && !by->is_kernels) /* there is no other */
			to->calls[IO_CALL_io_uring_enter] = true;
	}
}

/* --- calls in which the clock found them ---------------------------------------------------- */

static bool is_at_once(const struct use *u)
{
	return u->flags & USE_AT_ONCE;
}

static enum io_model model_of_transfer(const struct search *s, const struct manner *by,
				       const struct use *u)
{
	size_t process = s->f->model->threads[u->thread].process;

	if (u->flags & USE_ASYNC && s->signals[process])
		return IO_MODEL_SIGNAL;
	if (by->is_helper)
		return IO_MODEL_AIO;
	if (is_file(u->cause)) /* which O_NONBLOCK makes no difference to */
		return IO_MODEL_BLOCKING;
	if (by->many) /* that said that it is ready */
		return by->many;
	if (u->flags & USE_NONBLOCK) /* one who begins to connect asks for nothing */
		return u->call == IO_CALL_connect ? IO_MODEL_NONE : IO_MODEL_POLLING;
	return IO_MODEL_BLOCKING;
}

static enum io_model model_of_use(const struct search *s, const struct use *u)
{
	const struct manner *by = u->thread == NO_THREAD ? NULL : &s->threads[u->thread];
	enum io_model model = model_of_cause(u->cause);

	if (!by || u->what != USE_CALL || !u->call)
		return IO_MODEL_NONE;
	if (io_model_is_multiplexed(model) && is_at_once(u))
		return by->many ? by->many : IO_MODEL_POLLING;
	return model == IO_MODEL_BLOCKING ? model_of_transfer(s, by, u) : model;
}

static void add_use(struct search *s, const struct use *u)
{
	enum io_model model = model_of_use(s, u);
	struct io_model_sum *to;

	if (u->what == USE_SIGNAL && u->thread != NO_THREAD) {
		to = add(s, &s->threads[u->thread], IO_MODEL_SIGNAL);
		to->signals += u->count;
	}
	if (!model)
		return;
	to = add(s, &s->threads[u->thread], model);
	to->samples += u->count;
	to->running_ns += u->ns;
	to->calls[u->call] = true;
	if (model == IO_MODEL_POLLING && (!s->f->polls || u->count > s->f->polls->count))
		s->f->polls = u;
	if (u->io != NO_IO)
		s->rows[u->io][model] += (double)u->count;
}

/* --- what must be known before -------------------------------------------------------------- */

#define ASKED_LEAST                                                                                \
	0.01 /* for each sample in a call that does not block: else one poll hides a busy thread */

static void count_tries(struct manner *to, const struct use *u)
{
	if (u->what != USE_CALL)
		return;
	if (io_model_is_multiplexed(model_of_cause(u->cause)))
		to->asked += u->count;
	else if (u->flags & USE_NONBLOCK && !is_file(u->cause))
		to->tried += u->count;
}

/* Those who wait for many now and then, and mostly ask without waiting, were not told that they may. */
static void settle_manners(struct search *s)
{
	for (size_t i = 0; i < s->f->model->n_threads; i++) {
		struct manner *by = &s->threads[i];

		if ((double)by->asked < ASKED_LEAST * (double)by->tried)
			by->many = IO_MODEL_NONE;
	}
}

static void learn_uses(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_uses; i++) {
		const struct use *u = &m->uses[i];
		enum io_model model = model_of_cause(u->cause);

		if (u->thread == NO_THREAD)
			continue;
		if (u->what == USE_SIGNAL)
			s->signals[m->threads[u->thread].process] += u->count;
		count_tries(&s->threads[u->thread], u);
		/* It has never blocked there, but would have. */
		if (u->what == USE_CALL && io_model_is_multiplexed(model) && !is_at_once(u) &&
		    !s->threads[u->thread].many)
			s->threads[u->thread].many = model;
	}
}

static struct manner *manner_of_id(struct search *s, uint64_t thread_id)
{
	const uint64_t *place = thread_id == MAP_NONE ? NULL : map_find(&s->places, thread_id);

	return &s->threads[place ? *place : s->f->model->n_threads];
}

static void learn_sites(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *site = &m->sites[i];
		bool is_io = site->what == SITE_CPU || model_of_cause(site->cause);

		if (site->thread_id && is_io && stack_is_of_aio(m, &m->stacks[site->stack]))
			manner_of_id(s, site->thread_id)->is_helper = true;
	}
}

/* Waits in aio_suspend(3) are waits for a condition to the kernel; and what the calls are called. */
static void add_sites(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *site = &m->sites[i];
		const struct stack *stack = &m->stacks[site->stack];
		enum io_model model = model_of_cause(site->cause);
		struct manner *by = manner_of_id(s, site->thread_id);
		struct io_model_sum *to;

		if (site->what != SITE_WAIT)
			continue;
		if (!model && stack_awaits_aio(m, stack)) {
			to = add(s, by, IO_MODEL_AIO);
			to->waits += estimate_whole(s->f->sites.count[i]);
			to->wait_ns += estimate_whole(s->f->sites.ns[i]);
		}
		if (model == IO_MODEL_BLOCKING && by->is_helper)
			model = IO_MODEL_AIO;
		if (model)
			s->f->io_models[model].calls[call_of_stack(m, stack)] = true;
		if (model && site->io != NO_IO)
			s->rows[site->io][model] += s->f->sites.count[i];
	}
}

static void learn(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->id != MAP_NONE)
			*map_add(&s->places, t->id) = i;
		learn_waits(&s->threads[i], t);
		for (size_t k = 0; k < t->n_waits; k++) {
			if (t->waits[k].cause == CAUSE_SIGNAL_WAIT)
				s->signal_waits[t->process] += t->waits[k].count;
		}
	}
	learn_uses(s);
	settle_manners(s);
	learn_sites(s);
}

/* --- what it comes to ----------------------------------------------------------------------- */

static void settle_rows(struct search *s)
{
	struct findings *f = s->f;

	for (size_t i = 0; i < f->model->n_ios; i++) {
		const double *row = s->rows[i];
		enum io_model most = model_of_cause(f->model->ios[i].cause);

		for (int k = 1; k < IO_MODEL_COUNT; k++)
			most = row[k] > row[most] ? (enum io_model)k : most;
		f->io_row_models[i] = most;
		f->io_models[most].targets++;
	}
}

static double number_of(const struct io_model_sum *sum)
{
	uint64_t waits = sum->waits > sum->signals ? sum->waits : sum->signals;

	return (double)waits + (double)sum->samples;
}

static double time_of(const struct io_model_sum *sum)
{
	return (double)sum->wait_ns + (double)sum->running_ns;
}

static double part(double of, double all)
{
	return all > 0 ? of / all : 0;
}

/* To ask again and again is to wait, too. */
static double waiting_of(const struct io_model_sum *sum, enum io_model model)
{
	return (double)(model == IO_MODEL_POLLING ? sum->running_ns : sum->wait_ns);
}

/* waiting, number: its parts of those of all models. */
static bool is_named(const struct findings *f, enum io_model model, double waiting, double number)
{
	const struct io_model_sum *sum = &f->io_models[model];

	if (sum->signals >= SIGNALS_MIN && number >= SIGNAL_SHARE)
		return true;
	if (time_of(sum) < WALL_SHARE * (double)f->model->wall_ns ||
	    (!sum->waits && sum->samples < SAMPLES_MIN))
		return false;
	return sum->share >= TIME_SHARE || (waiting >= WAIT_SHARE && number >= NUMBER_SHARE);
}

/* Those that are named come first; then by share. */
static bool is_before(const struct findings *f, enum io_model a, enum io_model b)
{
	const struct io_model_sum *x = &f->io_models[a], *y = &f->io_models[b];

	if (x->is_named != y->is_named)
		return x->is_named;
	return x->share > y->share;
}

static void settle(struct search *s)
{
	struct findings *f = s->f;
	double number = 0, time = 0, waiting = 0;

	for (int k = 1; k < IO_MODEL_COUNT; k++) {
		const struct io_model_sum *sum = &f->io_models[k];

		number += number_of(sum);
		time += time_of(sum);
		waiting += waiting_of(sum, k);
	}
	for (int k = 1; k < IO_MODEL_COUNT; k++) {
		struct io_model_sum *sum = &f->io_models[k];
		size_t at = f->n_io_models;

		for (size_t i = 0; i < f->model->n_threads; i++)
			sum->threads += s->threads[i].used >> k & 1;
		if (number_of(sum) <= 0)
			continue;
		sum->share = part(time_of(sum), time);
		sum->is_named = is_named(f, k, part(waiting_of(sum, k), waiting),
					 part(number_of(sum), number));
		f->n_named_io_models += sum->is_named;
		for (; at && is_before(f, k, f->io_model_order[at - 1]); at--)
			f->io_model_order[at] = f->io_model_order[at - 1];
		f->io_model_order[at] = k;
		f->n_io_models++;
	}
}

void io_models_find(struct findings *f)
{
	const struct model *m = f->model;
	struct search s = {
		.f = f,
		.threads = zeroed(m->n_threads + 1, sizeof(*s.threads)),
		.signals = zeroed(m->n_processes, sizeof(*s.signals)),
		.signal_waits = zeroed(m->n_processes, sizeof(*s.signal_waits)),
		.rows = zeroed(m->n_ios, sizeof(*s.rows)),
	};

	f->io_row_models = zeroed(m->n_ios, sizeof(*f->io_row_models));
	learn(&s);
	for (size_t i = 0; i < m->n_threads; i++)
		add_waits(&s, &s.threads[i], &m->threads[i], true);
	add_waits(&s, &s.threads[m->n_threads], &m->unsent, false);
	for (size_t i = 0; i < m->n_uses; i++)
		add_use(&s, &m->uses[i]);
	add_sites(&s);
	settle_rows(&s);
	settle(&s);
	map_free(&s.places);
	free(s.threads);
	free(s.signals);
	free(s.signal_waits);
	free(s.rows);
}
