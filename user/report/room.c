// SPDX-License-Identifier: BSD-2-Clause
#include "report/room.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SPOKEN_OF 16 /* processes of each list of the lives that matter before all others */

int room_busiest_first(const void *a, const void *b)
{
	const struct thread *v = *(const struct thread *const *)a;
	const struct thread *w = *(const struct thread *const *)b;

	if (v->state_ns[TS_RUNNING] != w->state_ns[TS_RUNNING])
		return v->state_ns[TS_RUNNING] > w->state_ns[TS_RUNNING] ? -1 : 1;
	if (v->lifetime_ns != w->lifetime_ns)
		return v->lifetime_ns > w->lifetime_ns ? -1 : 1;
	return v->id < w->id ? -1 : v->id > w->id;
}

static int rank_threads(struct room *r)
{
	const struct model *m = r->m;
	const struct thread **sorted = calloc(m->n_threads + 1, sizeof(*sorted));

	r->threads = calloc(m->n_threads + 1, sizeof(*r->threads));
	if (sorted && r->threads) {
		for (size_t i = 0; i < m->n_threads; i++)
			sorted[i] = &m->threads[i];
		qsort(sorted, m->n_threads, sizeof(*sorted), room_busiest_first);
		for (size_t i = 0; i < m->n_threads; i++)
			r->threads[sorted[i] - m->threads] = i;
	}
	free(sorted);
	return sorted && r->threads ? 0 : -ENOMEM;
}

struct claim {
	size_t process;
	size_t rank; /* of what speaks most for it: the smaller, the better */
};

static int best_first(const void *a, const void *b)
{
	const struct claim *v = a, *w = b;

	if (v->rank != w->rank)
		return v->rank < w->rank ? -1 : 1;
	return v->process < w->process ? -1 : v->process > w->process;
}

static void claim(struct claim *claims, size_t process, size_t rank)
{
	if (rank < claims[process].rank)
		claims[process].rank = rank;
}

static void claim_spoken_of(struct claim *claims, const struct lifecycle *l)
{
	for (size_t i = 0; i < l->n_zombies && i < SPOKEN_OF; i++)
		claim(claims, l->zombies[i].process, 0);
	for (size_t i = 0; i < l->n_orphans && i < SPOKEN_OF; i++)
		claim(claims, l->orphans[i].process, 0);
	for (size_t i = 0; i < l->n_survivors && i < SPOKEN_OF; i++)
		claim(claims, l->survivors[i], 0);
	for (size_t i = 0; i < l->n_deaths && i < SPOKEN_OF; i++)
		claim(claims, l->deaths[i].process, 0);
}

/* By its busiest thread or that of a descendant: so its creator is never behind it. */
static int rank_processes(struct room *r, const struct findings *f)
{
	const struct model *m = r->m;
	struct claim *claims = calloc(m->n_processes + 1, sizeof(*claims));

	r->processes = calloc(m->n_processes + 1, sizeof(*r->processes));
	if (!claims || !r->processes) {
		free(claims);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->n_processes; i++)
		claims[i] = (struct claim){ i, SIZE_MAX };
	for (size_t i = 0; i < m->n_threads; i++)
		claim(claims, m->threads[i].process, r->threads[i] + 1);
	claim_spoken_of(claims, &f->lives);
	for (size_t i = m->n_processes; i--;) {
		if (m->processes[i].parent >= 0)
			claim(claims, (size_t)m->processes[i].parent, claims[i].rank);
	}
	qsort(claims, m->n_processes, sizeof(*claims), best_first);
	for (size_t i = 0; i < m->n_processes; i++)
		r->processes[claims[i].process] = i;
	free(claims);
	return 0;
}

static int init(struct room *r, const struct findings *f, bool is_endless)
{
	int error;

	memset(r, 0, sizeof(*r));
	r->m = f->model;
	r->most = SIZE_MAX;
	r->is_endless = is_endless;
	error = rank_threads(r);
	return error ? error : rank_processes(r, f);
}

size_t room_for(struct room *r, enum room_list list, size_t n)
{
	bool is_sites = list == ROOM_WAIT_SITES || list == ROOM_CPU_SITES;
	size_t most = is_sites && !r->is_endless && r->most > SITES_LISTED ? SITES_LISTED : r->most;
	size_t kept = n < most ? n : most;

	r->left_out[list] += n - kept;
	return kept;
}

static bool has_process(const struct room *r, size_t process)
{
	return r->processes[process] < r->most;
}

bool room_for_process(struct room *r, size_t process)
{
	bool kept = has_process(r, process);

	r->left_out[ROOM_PROCESSES] += !kept;
	return kept;
}

bool room_for_thread(struct room *r, size_t thread)
{
	bool kept = r->threads[thread] < r->most && has_process(r, r->m->threads[thread].process);

	r->left_out[ROOM_THREADS] += !kept;
	return kept;
}

/* Rows of the longest list. */
static size_t longest_list(const struct findings *f)
{
	const struct model *m = f->model;
	const size_t lengths[] = {
		m->n_command,	    f->n_list,		m->n_threads,	      m->n_processes,
		f->sites.n_waits,   f->sites.n_cpu,	m->n_peers,	      m->n_others,
		f->lives.n_zombies, f->lives.n_orphans, f->lives.n_survivors, f->lives.n_deaths,
		m->n_losses,	    m->n_unreaped,
	};
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		longest = lengths[i] > longest ? lengths[i] : longest;
	for (size_t i = 0; i < m->n_processes; i++)
		longest = m->processes[i].life.n_execs > longest ? m->processes[i].life.n_execs
								 : longest;
	return longest;
}

struct fitting {
	const struct findings *f;
	const struct report_opts *opts;
	room_fn write;
	struct room room;
	char *buffer;
};

/* How long the document is with so many rows in each list; 0: it has no room. */
static size_t try_with(struct fitting *fit, size_t most)
{
	FILE *out = fmemopen(fit->buffer, ROOM_BYTES, "w");
	size_t size = 0;

	if (!out)
		return 0;
	fit->room.most = most;
	memset(fit->room.left_out, 0, sizeof(fit->room.left_out));
	if (!fit->write(fit->f, fit->opts, &fit->room, out))
		size = (size_t)ftell(out);
	return fclose(out) ? 0 : size;
}

/* By halving: the length of the longest document that has room. */
static size_t fit_in(struct fitting *fit)
{
	size_t size = try_with(fit, SIZE_MAX);
	size_t least = 0, most = longest_list(fit->f) + 1;

	if (size)
		return size;
	while (most - least > 1 + least / 16) {
		size_t middle = least + (most - least) / 2;

		if (try_with(fit, middle))
			least = middle;
		else
			most = middle;
	}
	return try_with(fit, least);
}

static int write_fitting(struct fitting *fit, FILE *out)
{
	size_t size;

	fit->buffer = malloc(ROOM_BYTES);
	if (!fit->buffer)
		return -ENOMEM;
	size = fit_in(fit);
	errno = 0;
	if (size)
		fwrite(fit->buffer, 1, size, out);
	free(fit->buffer);
	if (!size)
		return -EFBIG;
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int room_write(const struct findings *f, const struct report_opts *opts, room_fn write, FILE *out)
{
	struct fitting fit = { .f = f, .opts = opts, .write = write };
	int error = init(&fit.room, f, opts->top == REPORT_ALL);

	if (!error)
		error = opts->top == REPORT_ALL ? write(f, opts, &fit.room, out)
						: write_fitting(&fit, out);
	free(fit.room.threads);
	free(fit.room.processes);
	return error;
}
