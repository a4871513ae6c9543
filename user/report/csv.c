// SPDX-License-Identifier: BSD-2-Clause
/*
 * A row for each thread, in the order of their start, under a row of names. Times are
 * whole nanoseconds, instants count from the start of the measurement, and what is not
 * known is empty. As RFC 4180, but lines end in LF alone: spreadsheets and pandas take
 * both, and cut, awk and join would keep the CR. A row is one line: names are escaped as
 * in the text report, and what a spreadsheet would take for a formula follows a "'".
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/csv.h"
#include "report/words.h"

struct row {
	FILE *out;
	const struct findings *f;
	const struct thread *t;
	size_t place; /* in model->threads */
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
		abort(); /* as base/vec.h */
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
} columns[] = {
	{ "id", put_id },
	{ "tid", put_tid },
	{ "pid", put_pid },
	{ "process", put_process },
	{ "creator", put_creator },
	{ "comm", put_comm },
	{ "class", put_class },
	{ "start_ns", put_start },
	{ "end_ns", put_end },
	{ "ended", put_ended },
	{ "lifetime_ns", put_lifetime },
	{ "user_ns", put_user },
	{ "kernel_ns", put_kernel },
	{ "stolen_ns", put_stolen },
	{ "voluntary", put_voluntary },
	{ "involuntary", put_involuntary },
	{ "yields", put_yields },
	{ "migrations", put_migrations },
	{ "policy", put_policy },
	{ "nice", put_nice },
	{ "rt_priority", put_priority },
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

static void put_thread(const struct row *r)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		columns[i].put(r);
		fputc(',', r->out);
	}
	for (unsigned int s = 0; s < TS_COUNT; s++)
		fprintf(r->out, "%" PRIu64 "%s", r->t->state_ns[s], s + 1 < TS_COUNT ? "," : "");
	put_waits(r);
	fputc('\n', r->out);
}

int report_csv_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	const struct model *m = f->model;

	(void)opts;
	errno = 0;
	put_names(out);
	for (size_t i = 0; i < m->n_threads && !ferror(out); i++)
		put_thread(&(struct row){ .out = out, .f = f, .t = &m->threads[i], .place = i });
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
