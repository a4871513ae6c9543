// SPDX-License-Identifier: BSD-2-Clause
/*
 * A row for each thread, in the order of their start, under a row of names; last, if not all
 * have room, a row of the sums of the others. Times are whole nanoseconds, instants count
 * from the start of the measurement, and what is not known is empty. As RFC 4180, but lines
 * end in LF alone: spreadsheets and pandas take both, and cut, awk and join would keep the
 * CR. A row is one line: names are escaped as in the text report, and what a spreadsheet
 * would take for a formula follows a "'".
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "report/csv.h"
#include "report/room.h"
#include "report/words.h"

struct row {
	FILE *out;
	const struct findings *f;
	const struct thread *t;
	size_t place; /* in model->threads */
};

/* Threads that there was no room for, as one row. */
struct rest {
	struct thread sum;
	struct wait waits[CAUSE_COUNT];
	size_t n;
};

typedef void (*put_fn)(const struct row *r);

static void put_u64(const struct row *r, uint64_t value)
{
	fprintf(r->out, "%" PRIu64, value);
}

void csv_text(FILE *out, const char *text)
{
	size_t room = 4 * strlen(text) + 8; /* each byte may come out as \xNN */
	char *shown = malloc(room);

	if (!shown)
		out_of_memory();
	escape_text(shown, room, text, 0, true);
	fputc('"', out);
	if (*shown && strchr("=+-@", *shown))
		fputc('\'', out);
	for (const char *s = shown; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
	free(shown);
}

#define COLUMN(function, statement)                                                                \
	static void function(const struct row *r)                                                  \
	{                                                                                          \
		statement;                                                                         \
	}

COLUMN(put_id, fprintf(r->out, "t%" PRIu64, r->t->id))
COLUMN(put_tid, put_u64(r, r->t->tid))
COLUMN(put_pid, put_u64(r, r->t->pid))
COLUMN(put_process, fprintf(r->out, "p%" PRIu64, r->t->process_id))
COLUMN(put_comm, csv_text(r->out, r->t->comm))
COLUMN(put_class, fputs(class_name(r->f->thread_class[r->place]), r->out))
COLUMN(put_start, put_u64(r, r->t->start_ns))
COLUMN(put_end, put_u64(r, r->t->end_ns))
COLUMN(put_ended, put_u64(r, !!(r->t->flags & THREAD_ENDED)))
COLUMN(put_lifetime, put_u64(r, r->t->lifetime_ns))
COLUMN(put_stolen, put_u64(r, r->t->stolen_ns))
COLUMN(put_voluntary, put_u64(r, r->t->witness.voluntary))
COLUMN(put_involuntary, put_u64(r, r->t->witness.involuntary))
COLUMN(put_yields, put_u64(r, r->t->yields))
COLUMN(put_migrations, put_u64(r, r->t->witness.migrations))
COLUMN(put_nice, fprintf(r->out, "%" PRId32, r->t->nice))
COLUMN(put_priority, put_u64(r, r->t->rt_priority))

static void put_creator(const struct row *r)
{
	if (r->t->creator_id)
		fprintf(r->out, "t%" PRIu64, r->t->creator_id);
}

/* As in the JSON, absent where the kernel's own division says too little. */
static void put_split(const struct row *r, bool is_kernel)
{
	uint64_t user_ns, kernel_ns;
	uint32_t how = r->f->model->run.cpu_how;

	if ((how == CPU_BY_TICK || how == CPU_EXACT) &&
	    cpu_split(r->f->model, r->t, &user_ns, &kernel_ns))
		put_u64(r, is_kernel ? kernel_ns : user_ns);
}

COLUMN(put_user, put_split(r, false))
COLUMN(put_kernel, put_split(r, true))

static void put_policy(const struct row *r)
{
	const char *name = policy_name(r->t->policy);

	if (name)
		fputs(name, r->out);
	else
		fprintf(r->out, "SCHED_%" PRIu32, r->t->policy);
}

static const struct {
	const char *name;
	put_fn put;
	bool adds_up; /* the others are empty in a row of several threads */
} columns[] = {
	{ "id", put_id, false },
	{ "tid", put_tid, false },
	{ "pid", put_pid, false },
	{ "process", put_process, false },
	{ "creator", put_creator, false },
	{ "comm", put_comm, false },
	{ "class", put_class, false },
	{ "start_ns", put_start, false },
	{ "end_ns", put_end, false },
	{ "ended", put_ended, false },
	{ "lifetime_ns", put_lifetime, true },
	{ "user_ns", put_user, false },
	{ "kernel_ns", put_kernel, false },
	{ "stolen_ns", put_stolen, true },
	{ "voluntary", put_voluntary, true },
	{ "involuntary", put_involuntary, true },
	{ "yields", put_yields, true },
	{ "migrations", put_migrations, true },
	{ "policy", put_policy, false },
	{ "nice", put_nice, false },
	{ "rt_priority", put_priority, false },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* The states sum to the lifetime, the causes to the state blocked: waits for what is not
 * known are the state unknown, and have no other column. */
static void put_names(FILE *out)
{
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "%s,", columns[i].name);
	for (unsigned int s = 0; s < TS_COUNT; s++)
		fprintf(out, "%s_ns%s", state_name(s), s + 1 < TS_COUNT ? "," : "");
	for (unsigned int c = CAUSE_UNKNOWN + 1; c < CAUSE_COUNT; c++)
		fprintf(out, ",%s_ns,%s_count", cause_name(c), cause_name(c));
	fputc('\n', out);
}

static void put_waits(const struct row *r)
{
	struct wait waits[CAUSE_COUNT] = { 0 };

	for (size_t i = 0; i < r->t->n_waits; i++)
		waits[r->t->waits[i].cause] = r->t->waits[i];
	for (unsigned int c = CAUSE_UNKNOWN + 1; c < CAUSE_COUNT; c++)
		fprintf(r->out, ",%" PRIu64 ",%" PRIu64, waits[c].ns, waits[c].count);
}

static void put_sums(const struct row *r)
{
	for (unsigned int s = 0; s < TS_COUNT; s++)
		fprintf(r->out, "%" PRIu64 "%s", r->t->state_ns[s], s + 1 < TS_COUNT ? "," : "");
	put_waits(r);
	fputc('\n', r->out);
}

static void put_thread(const struct row *r)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		columns[i].put(r);
		fputc(',', r->out);
	}
	put_sums(r);
}

static void put_rest(FILE *out, const struct findings *f, const struct rest *rest)
{
	struct row r = { .out = out, .f = f, .t = &rest->sum };

	for (size_t i = 0; i < COLUMNS; i++) {
		if (columns[i].adds_up)
			columns[i].put(&r);
		else if (columns[i].put == put_comm)
			fprintf(out, "\"(%zu more threads)\"", rest->n);
		fputc(',', out);
	}
	put_sums(&r);
}

static void add(struct rest *to, const struct thread *t)
{
	struct thread *sum = &to->sum;

	to->n++;
	sum->lifetime_ns += t->lifetime_ns;
	sum->stolen_ns += t->stolen_ns;
	sum->yields += t->yields;
	sum->witness.voluntary += t->witness.voluntary;
	sum->witness.involuntary += t->witness.involuntary;
	sum->witness.migrations += t->witness.migrations;
	for (unsigned int s = 0; s < TS_COUNT; s++)
		sum->state_ns[s] += t->state_ns[s];
	for (size_t i = 0; i < t->n_waits; i++) {
		struct wait *w = &to->waits[t->waits[i].cause];

		w->cause = t->waits[i].cause;
		w->ns += t->waits[i].ns;
		w->count += t->waits[i].count;
	}
}

static int write_rows(const struct findings *f, const struct report_opts *opts, struct room *room,
		      FILE *out)
{
	const struct model *m = f->model;
	struct rest rest = { .sum = { .n_waits = CAUSE_COUNT } };

	(void)opts;
	errno = 0;
	rest.sum.waits = rest.waits;
	put_names(out);
	for (size_t i = 0; i < m->n_threads && !ferror(out); i++) {
		if (room_for_thread(room, i))
			put_thread(&(struct row){
				.out = out, .f = f, .t = &m->threads[i], .place = i });
		else
			add(&rest, &m->threads[i]);
	}
	if (m->n_unsent) {
		add(&rest, &m->unsent);
		rest.n += m->n_unsent - 1;
	}
	if (rest.n)
		put_rest(out, f, &rest);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int report_csv_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	return room_write(f, opts, write_rows, out);
}
