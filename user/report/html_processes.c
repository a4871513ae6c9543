// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes over time: each a line below who started it, as long as its life; the filled part is how
 * much of that it computed. Zombies, orphans and what a signal ended are marked, and listed.
 */
#include "report/html.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "base/intern.h"
#include "base/units.h"

#define SHOWN	   48
#define ALIKE	   6 /* of one name, started by one process */
#define ROW_HEIGHT 28
#define BAR_TOP	   16
#define BAR_HEIGHT 7
#define DEPTH_MOST 12
#define INDENT	   12
#define COLUMNS	   60

enum { L_WHAT, L_NAME, L_PID, L_FROM, L_FOR, L_BY };

static const struct column columns[] = {
	[L_WHAT] = { .head = "what", .left = true },
	[L_NAME] = { .head = "process", .left = true, .name = true },
	[L_PID] = { .head = "pid" },
	[L_FROM] = { .head = "from" },
	[L_FOR] = { .head = "for" },
	[L_BY] = { .head = "because", .left = true },
};

/* What is drawn of each in model.processes. */
struct life {
	double running_ns;
	const struct zombie *zombie;
	const struct orphan *orphan;
	const struct death *death;
	bool is_shown;
	size_t first_child, next; /* of those that are shown; SIZE_MAX: none */
};

struct family {
	const struct findings *f;
	struct life *lives;
	size_t first, rows; /* those whose parent is not shown */
};

/* --- the list ------------------------------------------------------------------------------ */

static void add_row(struct page *p, struct table *t, const struct process *process,
		    const char *what, uint64_t from, uint64_t ns)
{
	char text[128];

	table_row(t, STYLE_PLAIN);
	table_set(t, L_WHAT, what);
	table_set(t, L_NAME, NAME(p, text, process->comm, p->name));
	snprintf(text, sizeof(text), "%u", process->pid);
	table_set(t, L_PID, text);
	table_set(t, L_FROM, from ? page_ns(p, text, from) : "0 s");
	table_set(t, L_FOR, page_cell_ns(p, text, ns));
}

static void add_zombies(struct page *p, struct table *t, const struct findings *f, size_t most)
{
	for (size_t i = 0; i < f->lives.n_zombies && i < most; i++) {
		const struct zombie *z = &f->lives.zombies[i];
		char text[256], name[64];

		add_row(p, t, &f->model->processes[z->process],
			z->is_reaped ? "zombie" : "zombie, to the end", z->from_ns,
			z->to_ns > z->from_ns ? z->to_ns - z->from_ns : 0);
		if (z->to_blame < 0)
			continue;
		snprintf(text, sizeof(text), "%s did not wait for it%s%s",
			 NAME(p, name, f->model->processes[z->to_blame].comm, p->name),
			 z->doing < CAUSE_COUNT ? ": it waited for " : "",
			 z->doing < CAUSE_COUNT ? cause_words(z->doing) : "");
		table_set(t, L_BY, text);
	}
}

static void add_orphans(struct page *p, struct table *t, const struct findings *f, size_t most)
{
	for (size_t i = 0; i < f->lives.n_orphans && i < most; i++) {
		const struct orphan *o = &f->lives.orphans[i];
		char text[128], name[64];

		add_row(p, t, &f->model->processes[o->process], "orphan", o->at_ns, o->outlived_ns);
		snprintf(text, sizeof(text), "%s, which had started it, was dead",
			 NAME(p, name, f->model->processes[o->parent].comm, p->name));
		table_set(t, L_BY, text);
	}
}

static void add_deaths(struct page *p, struct table *t, const struct findings *f, size_t most)
{
	for (size_t i = 0; i < f->lives.n_deaths && i < most; i++) {
		const struct death *d = &f->lives.deaths[i];
		char text[64], name[SIGNAL_NAME_SIZE];

		add_row(p, t, &f->model->processes[d->process], "ended by a signal", d->at_ns, 0);
		snprintf(text, sizeof(text), "%s, by: %s",
			 signal_name(name, sizeof(name), d->signal), death_name(d->how));
		table_set(t, L_BY, text);
	}
}

static void put_list(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = L_BY + 1 };
	size_t most = p->opts->top, all, shown;

	add_zombies(p, &t, f, most);
	add_orphans(p, &t, f, most);
	add_deaths(p, &t, f, most);
	all = f->lives.n_zombies + f->lives.n_orphans + f->lives.n_deaths;
	shown = t.rows.n;
	table_print(&t, p);
	if (all > shown)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more zombies, orphans and ends by signals",
			  all - shown);
}

/* --- who is drawn ---------------------------------------------------------------------------- */

static void gather(struct family *fam)
{
	const struct findings *f = fam->f;
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].process < m->n_processes)
			fam->lives[m->threads[i].process].running_ns +=
				(double)m->threads[i].state_ns[TS_RUNNING];
	}
	for (size_t i = 0; i < f->lives.n_zombies; i++)
		fam->lives[f->lives.zombies[i].process].zombie = &f->lives.zombies[i];
	for (size_t i = 0; i < f->lives.n_orphans; i++)
		fam->lives[f->lives.orphans[i].process].orphan = &f->lives.orphans[i];
	for (size_t i = 0; i < f->lives.n_deaths; i++)
		fam->lives[f->lives.deaths[i].process].death = &f->lives.deaths[i];
}

static bool is_marked(const struct life *l)
{
	return l->zombie || l->orphan || l->death;
}

struct rank {
	double weight;
	size_t process;
};

static int heaviest_first(const void *a, const void *b)
{
	const struct rank *v = a, *w = b;

	if (v->weight != w->weight)
		return v->weight > w->weight ? -1 : 1;
	return v->process < w->process ? -1 : v->process > w->process;
}

/* With those that started it, so that it is clear where it comes from. */
static void show(struct family *fam, size_t process)
{
	for (ptrdiff_t at = (ptrdiff_t)process; at >= 0 && !fam->lives[at].is_shown;
	     at = fam->f->model->processes[at].parent) {
		fam->lives[at].is_shown = true;
		fam->rows++;
	}
}

/* Those that are like each other are few: the table counts them. */
struct kin_seen {
	struct intern keys;
	VEC(unsigned int) times;
};

static bool is_one_of_many(struct kin_seen *seen, const struct process *process)
{
	char key[sizeof(process->parent) + sizeof(process->comm)];
	size_t i;

	memcpy(key, &process->parent, sizeof(process->parent));
	memcpy(key + sizeof(process->parent), process->comm, sizeof(process->comm));
	i = intern(&seen->keys, key, sizeof(key));
	if (i == seen->times.n)
		*vec_add(&seen->times) = 0;
	return seen->times.items[i]++ >= ALIKE;
}

/* What has a mark, a quarter of the room; then those that compute most. */
static void choose(struct family *fam)
{
	const struct process *processes = fam->f->model->processes;
	size_t n = fam->f->model->n_processes;
	struct kin_seen seen = { 0 };
	struct rank *ranks = reallocarray(NULL, n, sizeof(*ranks));

	if (!ranks)
		out_of_memory();
	for (size_t i = 0; i < n; i++) {
		ranks[i] = (struct rank){ fam->lives[i].running_ns, i };
		if (is_marked(&fam->lives[i]) && fam->rows < SHOWN / 4)
			show(fam, i);
	}
	qsort(ranks, n, sizeof(*ranks), heaviest_first);
	for (size_t i = 0; i < n && fam->rows < SHOWN; i++) {
		if (!is_one_of_many(&seen, &processes[ranks[i].process]))
			show(fam, ranks[i].process);
	}
	intern_free(&seen.keys);
	free(seen.times.items);
	free(ranks);
}

/* By start, as they are listed. */
static void link_all(struct family *fam)
{
	const struct model *m = fam->f->model;

	fam->first = SIZE_MAX;
	for (size_t i = 0; i < m->n_processes; i++)
		fam->lives[i].first_child = SIZE_MAX;
	for (size_t i = m->n_processes; i--;) {
		ptrdiff_t parent = m->processes[i].parent;
		size_t *list = parent < 0 ? &fam->first : &fam->lives[parent].first_child;

		if (!fam->lives[i].is_shown)
			continue;
		fam->lives[i].next = *list;
		*list = i;
	}
}

/* --- the picture ------------------------------------------------------------------------------ */

static void put_span(FILE *out, const char *class, double from, double to, int y, int height)
{
	fprintf(out, "<rect class=\"%s\" y=\"%d\" height=\"%d\"", class, y, height);
	html_percent(out, "x", from);
	html_percent(out, "width", fmax(0, fmin(to, 1) - from));
	fputs("/>", out);
}

static void put_end(FILE *out, const struct process *process, const struct life *l)
{
	char name[SIGNAL_NAME_SIZE];

	if (process->ended && WIFSIGNALED(process->status))
		fprintf(out, ", %s", signal_name(name, sizeof(name), WTERMSIG(process->status)));
	else if (process->ended && process->status)
		fprintf(out, ", status %d", WEXITSTATUS(process->status));
	else if (!process->ended)
		fputs(", lives on", out);
	fputs(l->zombie ? ", a zombie" : "", out);
	fputs(l->orphan ? ", an orphan" : "", out);
}

static void put_label(struct page *p, const struct process *process, const struct life *l,
		      unsigned int depth, int y)
{
	char time[UNITS_SIZE];

	fprintf(p->out, "<text x=\"%u\" y=\"%d\"><tspan class=\"name\">", depth * INDENT + 2,
		y + 12);
	html_name(p, process->comm, COLUMNS);
	fprintf(p->out, "</tspan> %u, computed %s", process->pid,
		page_ns(p, time, (uint64_t)l->running_ns));
	put_end(p->out, process, l);
	fputs("</text>\n", p->out);
}

static void put_process(struct page *p, const struct family *fam, size_t i, unsigned int depth,
			unsigned int row)
{
	const struct process *process = &fam->f->model->processes[i];
	const struct life *l = &fam->lives[i];
	double wall = (double)fam->f->model->wall_ns, from = (double)process->start_ns / wall;
	double to = process->ended ? (double)process->end_ns / wall : 1;
	int y = (int)row * ROW_HEIGHT;

	put_label(p, process, l, depth, y);
	put_span(p->out, "life", from, to, y + BAR_TOP, BAR_HEIGHT);
	put_span(p->out, "t-running", from, fmin(to, from + l->running_ns / wall), y + BAR_TOP,
		 BAR_HEIGHT);
	if (l->orphan)
		put_span(p->out, "orphan", (double)l->orphan->at_ns / wall,
			 (double)(l->orphan->at_ns + l->orphan->outlived_ns) / wall,
			 y + BAR_TOP + BAR_HEIGHT, 3);
	if (l->zombie)
		put_span(p->out, "zombie", (double)l->zombie->from_ns / wall,
			 (double)l->zombie->to_ns / wall, y + BAR_TOP, BAR_HEIGHT);
}

/* Without calling itself: a program can make its tree as deep as it likes. */
static void put_tree(struct page *p, const struct family *fam)
{
	const struct process *processes = fam->f->model->processes;
	unsigned int depth = 0, row = 0;
	size_t at = fam->first;

	while (at != SIZE_MAX) {
		put_process(p, fam, at, depth < DEPTH_MOST ? depth : DEPTH_MOST, row++);
		if (fam->lives[at].first_child != SIZE_MAX) {
			at = fam->lives[at].first_child;
			depth++;
			continue;
		}
		while (fam->lives[at].next == SIZE_MAX && processes[at].parent >= 0) {
			at = (size_t)processes[at].parent;
			depth--;
		}
		at = fam->lives[at].next;
	}
}

static void put_key(FILE *out, const struct findings *f)
{
	const struct {
		const char *class, *words;
		bool is_there;
	} marks[] = {
		{ "life", "alive", true },
		{ "t-running", "as much of that it computed", true },
		{ "zombie", "zombie: dead, and not waited for", f->lives.n_zombies },
		{ "orphan", "orphan: who started it is dead", f->lives.n_orphans },
	};

	fputs("<ul class=\"key\">", out);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (marks[i].is_there)
			html_swatch(out, marks[i].class, marks[i].words);
	}
	fputs("</ul>\n", out);
}

static void put_picture(struct page *p, struct family *fam)
{
	const struct model *m = fam->f->model;

	gather(fam);
	choose(fam);
	link_all(fam);
	html_flow(p);
	fprintf(p->out,
		"<figure class=\"tree\">\n<svg class=\"chart\" role=\"img\" aria-label=\"Processes "
		"over time, each below who started it\" height=\"%zu\">\n",
		fam->rows * ROW_HEIGHT);
	put_tree(p, fam);
	fputs("</svg>\n", p->out);
	put_key(p->out, fam->f);
	fputs("</figure>\n", p->out);
	if (fam->rows < m->n_processes)
		page_text(p, 2, NULL, STYLE_DIM,
			  "%zu more processes, which computed less or are like these, are not in "
			  "the picture",
			  m->n_processes - fam->rows);
}

void html_processes(struct page *p, const struct findings *f)
{
	struct family fam = { .f = f };

	if (f->model->n_processes >= 2 && f->model->wall_ns) {
		fam.lives = calloc(f->model->n_processes, sizeof(*fam.lives));
		if (!fam.lives)
			out_of_memory();
		put_picture(p, &fam);
		free(fam.lives);
	}
	put_list(p, f);
}
