// SPDX-License-Identifier: BSD-2-Clause
/* What is compared: the quantities of each run, put side by side. */
#include <stdlib.h>
#include <string.h>

#include "../bpf/wall.h"
#include "analysis/commands.h"
#include "analysis/gate_eval.h"
#include "analysis/internal.h"
#include "analysis/sheet.h"
#include "base/vec.h"

#define LEAST_SHARE 0.01 /* of the wall time, for a time to be looked at */
#define FAMILY_MAX  40	 /* rows */

/* One number of one run. */
struct cell {
	size_t run;
	char *name;
	double value;
	const void *source; /* what it is the number of */
};

/* Those of one family. */
struct cells {
	VEC(struct cell) list;
	size_t run; /* whose are being added */
};

/* Takes the name. */
static void add(struct cells *to, char *name, double value, const void *source)
{
	*vec_add(&to->list) =
		(struct cell){ .run = to->run, .name = name, .value = value, .source = source };
}

/* --- the families ------------------------------------------------------------------------ */

static void add_time(struct cells *to, const char *name, double ns)
{
	if (ns > 0)
		add(to, gate_words("%s", name), ns, NULL);
}

static void add_wall(struct cells *to, const struct findings *f)
{
	double ns[ROW_KINDS] = { 0 };

	add(to, gate_words("wall"), (double)f->model->wall_ns, NULL);
	add_time(to, "wall.running", (double)f->running_ns);
	add_time(to, "wall.serialised", (double)f->serialised_ns);
	add_time(to, "wall.runnable", (double)f->model->wall.runnable_ns);
	for (unsigned int r = 0; r < ROW_COUNT; r++)
		ns[row_kind(r)] += (double)f->model->wall.row_ns[r];
	for (unsigned int k = 0; k < ROW_KINDS; k++) {
		if (ns[k] > 0)
			add(to, gate_words("wall.%s", kind_name(k)), ns[k], NULL);
	}
}

static void add_states(struct cells *to, const struct findings *f)
{
	for (unsigned int i = 0; i < TS_COUNT; i++) {
		if (i != TS_BLOCKED && f->totals.state_ns[i])
			add(to, gate_words("totals.states.%s", state_name(i)),
			    (double)f->totals.state_ns[i], NULL);
	}
}

static void add_waits(struct cells *to, const struct findings *f)
{
	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		if (f->totals.waits[c].ns && c != CAUSE_UNKNOWN) /* which is a state */
			add(to, gate_words("totals.blocked[\"%s\"]", cause_name(c)),
			    (double)f->totals.waits[c].ns, NULL);
	}
}

static void add_servers(struct cells *to, const struct findings *f)
{
	for (size_t i = 0; i < f->model->n_peers; i++) {
		const struct peer *p = &f->model->peers[i];
		char name[PEER_NAME_SIZE];

		peer_name(name, sizeof(name), &p->key);
		add(to,
		    p->key.family == PEER_UNIX && p->comm[0]
			    ? gate_words("%s of %.*s", name, EVENT_COMM_SIZE, p->comm)
			    : gate_words("%s", name),
		    (double)p->ns, p);
	}
}

/* A server of a test often has any port that is free. */
static char *any_port(const struct cell *c, unsigned int step)
{
	const struct peer *p = c->source;
	char name[PEER_NAME_SIZE];

	if (step || p->key.family == PEER_UNIX)
		return NULL;
	peer_name(name, sizeof(name), &p->key);
	return gate_words("%.*s:*", (int)(strrchr(name, ':') - name), name);
}

/* Servers and terminals have paths too, but are no files. */
static bool is_file(const struct io *io)
{
	return io->path &&
	       (io->kind == TARGET_FILE || io->kind == TARGET_NAME || io->kind == TARGET_DEVICE);
}

/* By their paths: what has none is called something else in each run. */
static void add_files(struct cells *to, const struct findings *f)
{
	for (size_t i = 0; i < f->model->n_ios; i++) {
		const struct io *io = &f->model->ios[i];

		if (is_file(io))
			add(to, gate_words("%s", io->path), (double)io->ns, io);
	}
}

static char *less_of_path(const struct cell *c, unsigned int step)
{
	const struct io *io = c->source;

	return step ? NULL : command_loose(io->path);
}

static double *cpu_by_process(const struct model *m)
{
	double *ret = zeroed(m->n_processes, sizeof(*ret));

	for (size_t i = 0; i < m->n_threads; i++)
		ret[m->threads[i].process] += (double)m->threads[i].state_ns[TS_RUNNING];
	return ret;
}

/* CPU time by program: what a build or a script spends it on. */
static void add_programs(struct cells *to, const struct findings *f)
{
	const struct model *m = f->model;
	double *cpu = cpu_by_process(m);

	for (size_t i = 0; i < m->n_processes && m->n_processes > 1; i++)
		add(to, gate_words("%.*s", EVENT_COMM_SIZE, m->processes[i].comm), cpu[i], NULL);
	free(cpu);
}

/* ... and by what it was told to do. */
static void add_commands(struct cells *to, const struct findings *f)
{
	const struct model *m = f->model;
	double *cpu = cpu_by_process(m);

	for (size_t i = 0; i < m->n_processes && m->n_processes > 1; i++) {
		const struct process *p = &m->processes[i];

		if (p->n_args)
			add(to, command_name(p, COMMAND_FULL), cpu[i], p);
	}
	free(cpu);
}

static char *less_of_command(const struct cell *c, unsigned int step)
{
	return step < 2 ? command_name(c->source, COMMAND_LOOSE + step) : NULL;
}

/* By name: those of one name are one. A thread's end is no lock. */
static void add_locks(struct cells *to, const struct findings *f)
{
	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock_row *row = &f->locks[i];

		if (row->lock->kind != LOCK_KIND_JOIN && row->lock->kind != LOCK_KIND_START)
			add(to, gate_words("%s", row->name), (double)row->lock->ns, NULL);
	}
}

static void add_sites(struct cells *to, const struct hot *hot, size_t n, bool is_wait)
{
	for (size_t i = 0; i < n; i++) {
		const struct hot *h = &hot[i];

		if (!h->frame || !h->frame->function[0])
			continue;
		add(to,
		    is_wait ? gate_words("%s in %s", cause_name(h->cause), h->frame->function)
			    : gate_words("%s", h->frame->function),
		    h->ns, NULL);
	}
}

/* Where in the code: functions of the program's own, by samples, and so with a spread of their
 * own, which the test sees as any other. */
static void add_wait_sites(struct cells *to, const struct findings *f)
{
	add_sites(to, f->sites.hot_waits, f->sites.n_hot_waits, true);
}

static void add_cpu_sites(struct cells *to, const struct findings *f)
{
	add_sites(to, f->sites.hot_cpu, f->sites.n_hot_cpu, false);
}

static void add_verdict(struct cells *to, const struct findings *f)
{
	add(to, gate_words("%s", class_name(f->verdict.class)), 1, NULL);
}

/* The first row of the first family is the wall time. */
static const struct kind {
	struct diff_family family;
	enum gate_type type;
	void (*add)(struct cells *to, const struct findings *f);
	/* A wider name for one that no other run has; NULL: there is none, or no other step. */
	char *(*widen)(const struct cell *c, unsigned int step);
} kinds[] = {
	{ { "wall", "" }, GATE_TIME, add_wall, NULL },
	{ { "states", "" }, GATE_TIME, add_states, NULL },
	{ { "waits", "" }, GATE_TIME, add_waits, NULL },
	{ { "servers", "server" }, GATE_TIME, add_servers, any_port },
	{ { "files", "file" }, GATE_TIME, add_files, less_of_path },
	{ { "programs", "program" }, GATE_TIME, add_programs, NULL },
	{ { "commands", "command" }, GATE_TIME, add_commands, less_of_command },
	{ { "locks", "lock" }, GATE_TIME, add_locks, NULL },
	{ { "wait_sites", "wait" }, GATE_TIME, add_wait_sites, NULL },
	{ { "cpu_sites", "function" }, GATE_TIME, add_cpu_sites, NULL },
	{ { "verdicts", "verdict" }, GATE_SHARE, add_verdict, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* What a condition names and none of these is. */
static const struct diff_family asked = { "asked", "" };

/* --- rows -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct cell *c = a, *d = b;
	int order = strcmp(c->name, d->name);

	return order ? order : (c->run > d->run) - (c->run < d->run);
}

/* How many cells from there on have that name; *ret_runs: of how many runs. */
static size_t same_name(const struct cells *c, size_t from, size_t *ret_runs)
{
	size_t n = 1;

	*ret_runs = 1;
	while (from + n < c->list.n &&
	       !strcmp(c->list.items[from].name, c->list.items[from + n].name)) {
		*ret_runs += c->list.items[from + n].run != c->list.items[from + n - 1].run;
		n++;
	}
	return n;
}

static void widen(struct cell *c, const struct kind *k, unsigned int step)
{
	char *wider = k->widen(c, step);

	if (!wider)
		return;
	free(c->name);
	c->name = wider;
}

/* What only one run has can be compared with nothing. */
static void sort_names(struct cells *c, const struct kind *k)
{
	size_t runs;

	if (!c->list.n)
		return;
	qsort(c->list.items, c->list.n, sizeof(*c->list.items), by_name);
	for (unsigned int step = 0; k->widen && step < 2; step++) {
		for (size_t i = 0, n; i < c->list.n; i += n) {
			n = same_name(c, i, &runs);
			for (size_t m = 0; m < n && runs == 1; m++)
				widen(&c->list.items[i + m], k, step);
		}
		qsort(c->list.items, c->list.n, sizeof(*c->list.items), by_name);
	}
}

/* A row on its way into the sheet. */
struct line {
	struct diff_row row;
	double *values;
	double sum, most;
};

struct lines {
	VEC(struct line) list;
};

static void drop(struct line *l)
{
	if (l->row.brief != l->row.name)
		free(l->row.brief);
	free(l->row.name);
	free(l->values);
}

/* Takes the names. */
static void make_lines(struct lines *to, const struct sheet *s, struct cells *c,
		       const struct kind *k)
{
	size_t runs;

	for (size_t i = 0, n; i < c->list.n; i += n) {
		struct line l = { .row = { .family = &k->family, .type = k->type } };

		n = same_name(c, i, &runs);
		l.values = zeroed(s->n, sizeof(*l.values));
		l.row.name = l.row.brief = c->list.items[i].name;
		for (size_t m = 0; m < n; m++) {
			l.values[c->list.items[i + m].run] += c->list.items[i + m].value;
			if (m)
				free(c->list.items[i + m].name);
		}
		for (size_t r = 0; r < s->n; r++) {
			l.sum += l.values[r];
			l.most = l.values[r] > l.most ? l.values[r] : l.most;
		}
		*vec_add(&to->list) = l;
	}
}

/* Those that say no more than the program are dropped, and of the others the words that tell
 * nothing apart. Lines are in order of their names, so those of a program stand together. */
static void tell_commands_apart(struct lines *lines)
{
	struct line *l = lines->list.items;
	size_t kept = 0;

	for (size_t i = 0, n; i < lines->list.n; i += n) {
		size_t program = command_program(l[i].row.name);

		for (n = 1; i + n < lines->list.n; n++) {
			const char *name = l[i + n].row.name;

			if (command_program(name) != program ||
			    strncmp(name, l[i].row.name, program))
				break;
		}
		for (size_t m = 0; m < n; m++) {
			struct line one = l[i + m];

			if (n == 1) {
				drop(&one);
				continue;
			}
			one.row.brief =
				command_brief(one.row.name, l[i].row.name, l[i + n - 1].row.name);
			l[kept++] = one;
		}
	}
	lines->list.n = kept;
}

static int largest_sum_first(const void *a, const void *b)
{
	const struct line *l = a, *m = b;

	if (l->sum != m->sum)
		return l->sum > m->sum ? -1 : 1;
	return strcmp(l->row.name, m->row.name);
}

/* Of what is too small to matter nothing is said, and the rest needs no correction for it; nor
 * for what is the same in all runs. */
static bool matters(const struct sheet *s, const struct line *l, double least)
{
	if (l->row.type == GATE_TIME)
		return l->most >= least;
	return l->sum < (double)s->n * l->most;
}

static void put_row(struct sheet *s, const struct line *l)
{
	struct diff *d = s->d;

	d->rows = reallocarray(d->rows, d->n_rows + 1, sizeof(*d->rows));
	s->values = reallocarray(s->values, d->n_rows + 1, sizeof(*s->values));
	if (!d->rows || !s->values)
		out_of_memory();
	s->values[d->n_rows] = l->values;
	d->rows[d->n_rows++] = l->row;
}

static void put_lines(struct sheet *s, struct lines *lines, double least)
{
	size_t put = 0, from = !s->d->n_rows;

	if (from) /* the wall time, whatever it is: its name is the shortest of its family */
		put_row(s, lines->list.items);
	if (lines->list.n > from)
		qsort(lines->list.items + from, lines->list.n - from, sizeof(*lines->list.items),
		      largest_sum_first);
	for (size_t i = from; i < lines->list.n; i++) {
		struct line *l = &lines->list.items[i];

		if (matters(s, l, least) && put < FAMILY_MAX) {
			put_row(s, l);
			put++;
			continue;
		}
		s->d->omitted += matters(s, l, least);
		drop(l);
	}
}

static void compare_kind(struct sheet *s, const struct kind *k, double least)
{
	struct cells cells = { .run = 0 };
	struct lines lines = { .list = { 0 } };

	for (; cells.run < s->n; cells.run++)
		k->add(&cells, s->runs[cells.run]);
	sort_names(&cells, k);
	make_lines(&lines, s, &cells, k);
	if (k->add == add_commands)
		tell_commands_apart(&lines);
	put_lines(s, &lines, least);
	free(cells.list.items);
	free(lines.list.items);
}

/* --- what conditions name ---------------------------------------------------------------- */

static struct diff_row *find_path(const struct sheet *s, const struct gate_path *path)
{
	struct gate_path plain = *path;
	char name[GATE_PATH_SIZE];

	plain.side = SIDE_NONE;
	gate_path_name(&plain, name);
	for (size_t i = 0; i < s->d->n_rows; i++) {
		struct diff_row *r = &s->d->rows[i];

		if (!*r->family->word && !strcmp(r->name, name))
			return r;
	}
	return NULL;
}

const struct diff_row *sheet_asked(const struct sheet *s, const struct gate_path *path)
{
	return find_path(s, path);
}

static void ask(struct sheet *s, const struct gate_path *path)
{
	struct line l = { .row = { .family = &asked, .type = gate_path_type(path) } };
	struct gate_path plain = *path;
	char name[GATE_PATH_SIZE];

	plain.side = SIDE_NONE;
	l.row.name = l.row.brief = gate_words("%s", gate_path_name(&plain, name));
	l.values = zeroed(s->n, sizeof(*l.values));
	for (size_t i = 0; i < s->n; i++) {
		struct gate_value v = gate_path_get(path, s->runs[i]);

		l.values[i] = v.got == GOT_VALUE ? (double)v.number : 0;
	}
	put_row(s, &l);
}

void sheet_fill(struct sheet *s, const struct gates *gates)
{
	double wall_ns = 0;

	for (size_t i = 0; i < s->n; i++)
		wall_ns += (double)s->runs[i]->model->wall_ns / (double)s->n;
	for (size_t k = 0; k < KINDS; k++)
		compare_kind(s, &kinds[k], LEAST_SHARE * wall_ns);
	for (size_t i = 0; gates && i < gates->n_nodes; i++) {
		const struct gate_node *n = &gates->nodes[i];

		if (n->op != GATE_COMPARE || n->path.side != SIDE_CHANGE)
			continue;
		if (!find_path(s, &n->path))
			ask(s, &n->path);
		find_path(s, &n->path)->is_asked = true;
	}
}
