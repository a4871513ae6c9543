// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runtimes and libraries that make a kind of concurrency of their own on the kernel's threads: by
 * their functions in the stacks of threads, and by what is loaded.
 */
#include "analysis/kinds.h"

#include <stdlib.h>
#include <string.h>

struct sign {
	const char *begin; /* of a function's name, or of an object's */
	enum runtime runtime;
	const char *by; /* NULL: as the function or object is called */
};

/* What schedules; not what any program in that language may call. */
static const struct sign functions[] = {
	{ "runtime.schedule", RUNTIME_MN, "the Go runtime's runtime.schedule" },
	{ "runtime.findRunnable", RUNTIME_MN, "the Go runtime's runtime.findRunnable" },
	{ "runtime.findrunnable", RUNTIME_MN, "the Go runtime's runtime.findrunnable" },
	{ "runtime.mcall", RUNTIME_MN, "the Go runtime's runtime.mcall" },
	{ "runtime.mstart", RUNTIME_MN, "the Go runtime's runtime.mstart" },
	{ "runtime.goexit", RUNTIME_MN, "the Go runtime's runtime.goexit" },
	{ "tokio::runtime::scheduler::multi_thread", RUNTIME_MN, "tokio's multi_thread scheduler" },
	{ "<tokio::runtime::scheduler::multi_thread", RUNTIME_MN,
	  "tokio's multi_thread scheduler" },
	{ "erts_schedule", RUNTIME_MN, "Erlang's erts_schedule" },
	{ "tokio::runtime::scheduler::current_thread", RUNTIME_LOOP | RUNTIME_COROUTINES,
	  "tokio's current_thread scheduler" },
	{ "uv__io_poll", RUNTIME_LOOP, "libuv's uv__io_poll" },
	{ "uv_run", RUNTIME_LOOP, "libuv's uv_run" },
	{ "event_base_loop", RUNTIME_LOOP, "libevent's event_base_loop" },
	{ "ev_run", RUNTIME_LOOP, "libev's ev_run" },
	{ "g_main_loop_run", RUNTIME_LOOP, "GLib's g_main_loop_run" },
	{ "g_main_context_iterate", RUNTIME_LOOP, "GLib's g_main_context_iterate" },
	{ "sd_event_run", RUNTIME_LOOP, "systemd's sd_event_run" },
	{ "__start_context", RUNTIME_COROUTINES, "makecontext(3)" },
	{ "swapcontext", RUNTIME_COROUTINES, "swapcontext(3)" },
	{ "jump_fcontext", RUNTIME_COROUTINES, "Boost.Context's jump_fcontext" },
	{ "make_fcontext", RUNTIME_COROUTINES, "Boost.Context's make_fcontext" },
	{ "_queue_SimpleQueue_get", RUNTIME_POOL, "Python's queue.SimpleQueue" },
	{ "g_thread_pool_thread_proxy", RUNTIME_POOL, "GLib's GThreadPool" },
	{ "QThreadPoolThread::run", RUNTIME_POOL, "Qt's QThreadPool" },
};

/* Of an interpreter whose own functions have no names: which object calls the kernel. */
static const struct sign epolls[] = {
	{ "python", RUNTIME_EPOLL, "Python's select.epoll" },
	{ "libpython", RUNTIME_EPOLL, "Python's select.epoll" },
	{ "select.cpython", RUNTIME_EPOLL, "Python's select.epoll" },
};

static const struct sign objects[] = {
	{ "_asyncio.", RUNTIME_ASYNCIO, "asyncio" },
	{ "_greenlet.", RUNTIME_GREENLET | RUNTIME_COROUTINES, "greenlet" },
	{ "_queue.", RUNTIME_POOL, "Python's queue.SimpleQueue" },
	{ "libuv.so", RUNTIME_LOOP, "libuv" },
	{ "libevent", RUNTIME_LOOP, "libevent" },
	{ "libev.so", RUNTIME_LOOP, "libev" },
};

size_t runtime_place(enum runtime r)
{
	return (size_t)__builtin_ctz(r);
}

static const struct sign *find(const char *name, const struct sign *signs, size_t n)
{
	for (size_t i = 0; *name && i < n; i++) {
		if (!strncmp(name, signs[i].begin, strlen(signs[i].begin)))
			return &signs[i];
	}
	return NULL;
}

static void note(struct runtimes *to, uint32_t runtimes, uint64_t samples, const char *by)
{
	to->has |= runtimes;
	for (size_t i = 0; i < RUNTIMES; i++) {
		if (!(runtimes >> i & 1))
			continue;
		to->samples[i] += samples;
		to->by[i] = to->by[i] ? to->by[i] : by;
	}
}

/* Of one stack, each runtime once. */
static void see_stack(const struct model *m, const struct stack *s, struct runtimes *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < s->n; i++) {
		const struct frame *frame = &m->frames[s->frames[i]];
		const char *slash = strrchr(frame->object, '/');
		const struct sign *sign;

		if (frame->flags & FRAME_KERNEL)
			continue;
		sign = find(frame->function, functions, sizeof(functions) / sizeof(*functions));
		if (sign)
			note(ret, sign->runtime & ~ret->has, 1, sign->by);
		sign = find(slash ? slash + 1 : frame->object, objects,
			    sizeof(objects) / sizeof(*objects));
		if (sign)
			note(ret, sign->runtime & ~ret->has, 1, sign->by);
	}
}

const char *kinds_queue_in(const struct model *m, const struct stack *s)
{
	struct runtimes r;

	see_stack(m, s, &r);
	return r.has & RUNTIME_POOL ? r.by[runtime_place(RUNTIME_POOL)] : NULL;
}

static void add(struct runtimes *to, const struct runtimes *from, uint64_t samples)
{
	for (size_t i = 0; i < RUNTIMES; i++) {
		if (from->samples[i])
			note(to, 1u << i, samples, from->by[i]);
	}
}

/* Waits that the interpreter itself has called epoll for. */
static void see_epoll(const struct model *m, const struct site *s, struct runtimes *to)
{
	const struct stack *stack = &m->stacks[s->stack];
	ptrdiff_t own = s->cause == CAUSE_EVENT_EPOLL ? own_frame(m, stack) : -1;
	const char *object = "", *slash;
	const struct sign *sign;

	for (ptrdiff_t i = 0; i <= own && !*object; i++) {
		if (frame_is_own(&m->frames[stack->frames[i]]))
			object = m->frames[stack->frames[i]].object;
	}
	slash = strrchr(object, '/');
	sign = find(slash ? slash + 1 : object, epolls, sizeof(epolls) / sizeof(*epolls));
	if (sign)
		note(to, sign->runtime, s->samples, sign->by);
}

/* Of several threads of one process nothing is known of each. */
static void see_sites(struct kinds *k)
{
	const struct model *m = k->f->model;
	struct runtimes *of_stack = zeroed(m->n_stacks, sizeof(*of_stack));

	for (size_t i = 0; i < m->n_stacks; i++)
		see_stack(m, &m->stacks[i], &of_stack[i]);
	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		size_t thread = kinds_thread(k, s->thread_id ? s->thread_id : s->process_id);

		if (thread == NO_THREAD)
			continue;
		if (s->thread_id)
			see_epoll(m, s, &k->of_thread[thread]);
		if (!of_stack[s->stack].has)
			continue;
		if (s->thread_id)
			add(&k->of_thread[thread], &of_stack[s->stack], s->samples);
		add(&k->of_process[m->threads[thread].process], &of_stack[s->stack], s->samples);
	}
	free(of_stack);
}

static void see_uses(struct kinds *k)
{
	const struct model *m = k->f->model;

	for (size_t i = 0; i < m->n_uses; i++) {
		const struct use *u = &m->uses[i];

		if (u->thread == NO_THREAD)
			continue;
		if (u->what == USE_STACKS)
			k->of_thread[u->thread].stacks += u->count;
		if (u->what == USE_LIBRARIES && u->flags & USE_ASYNCIO)
			note(&k->of_process[m->threads[u->thread].process], RUNTIME_ASYNCIO, 1,
			     "asyncio");
		if (u->what == USE_LIBRARIES && u->flags & USE_GREENLET)
			note(&k->of_process[m->threads[u->thread].process], RUNTIME_GREENLET, 1,
			     "greenlet");
	}
}

void kinds_see_runtimes(struct kinds *k)
{
	see_sites(k);
	see_uses(k);
}

/* They block, to be woken by each other, so many times. */
static uint64_t hand_overs(const struct model *m, const size_t *threads, size_t n)
{
	uint64_t waits = 0;

	for (size_t i = 0; i < n; i++) {
		const struct thread *t = &m->threads[threads[i]];

		for (size_t w = 0; w < t->n_waits; w++) {
			if (t->waits[w].cause >= CAUSE_SYNC_COND &&
			    t->waits[w].cause <= CAUSE_SYNC_FUTEX)
				waits += t->waits[w].count;
		}
	}
	return waits;
}

void kinds_find_runtimes(struct kinds *k)
{
	const struct model *m = k->f->model;
	size_t *threads = zeroed(m->n_threads, sizeof(*threads));

	for (size_t p = 0; p < m->n_processes; p++) {
		const struct runtimes *r = &k->of_process[p];
		struct kind_row *row;
		size_t n = 0;

		if (!(r->has & RUNTIME_MN))
			continue;
		for (size_t i = 0; i < m->n_threads; i++) {
			if (m->threads[i].process == p && !(m->threads[i].flags & THREAD_KERNEL))
				threads[n++] = i;
		}
		if (n < 2)
			continue;
		row = kinds_add(k, KIND_MN, threads, n);
		row->how = KIND_BY_FUNCTION;
		row->by = r->by[runtime_place(RUNTIME_MN)];
		row->samples = r->samples[runtime_place(RUNTIME_MN)];
		row->waits = hand_overs(m, threads, n);
		row->is_named = kinds_matter(k, row->active_ns, row->running_ns);
	}
	free(threads);
}
