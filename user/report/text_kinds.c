// SPDX-License-Identifier: BSD-2-Clause
/* The kind of concurrency, in sentences; how much of it runs at once; and what more CPUs would bring. */
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define OF_A_KIND 2 /* rows */
#define NAME_SIZE 300

static void add(char *to, size_t size, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s", text);
}

static const char *name_of(const struct page *p, char *buf, const struct findings *f,
			   const struct kind_row *row)
{
	return page_name(p, buf, NAME_SIZE, f->model->threads[row->thread].comm, 0);
}

/* "at queue.lock", "at tcp port 80" */
static const char *place_of(const struct page *p, char *buf, const struct findings *f,
			    const struct kind_row *row)
{
	char name[NAME_SIZE];
	const char *place = NULL;

	if (row->lock != NO_LOCK && row->by)
		place = row->by;
	else if (row->lock != NO_LOCK)
		place = f->locks[f->lock_rank[row->lock]].name;
	else if (row->io != NO_IO)
		place = f->model->ios[row->io].name;
	if (place)
		snprintf(buf, NAME_SIZE + 8, "at %s", page_name(p, name, NAME_SIZE, place, 0));
	else
		snprintf(buf, NAME_SIZE + 8, "at a lock of its own");
	return buf;
}

static void say_single(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE];

	page_text(p, 2, "one thread:", STYLE_PLAIN, "what is done, %s does alone%s",
		  name_of(p, name, f, row),
		  f->threads_at_once > 1 ? "; others hardly did anything" : "");
}

static void say_threads(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE], maybe[NAME_SIZE + 200] = "", lock[NAME_SIZE];

	if (row->maybe)
		snprintf(maybe, sizeof(maybe),
			 ". %zu of them are alike and have waited at %s, a few times: if they take "
			 "work there, they are a pool that nearly always has some; this cannot be "
			 "told from here",
			 row->maybe,
			 page_name(p, lock, NAME_SIZE, f->locks[f->lock_rank[row->maybe_lock]].name,
				   0));
	if (row->members == 1) {
		page_text(p, 2, "threads:", STYLE_PLAIN,
			  "one thread (%s) works beside the event loop of its process",
			  name_of(p, name, f, row));
		return;
	}
	page_text(p, 2, "threads:", STYLE_PLAIN,
		  "%zu threads, at most %zu at once (%s), share the memory of one process; the "
		  "kernel schedules each by itself%s",
		  row->members, row->at_once, name_of(p, name, f, row), maybe);
}

static void say_processes(struct page *p, const struct findings *f, const struct kind_row *row)
{
	(void)f;
	page_text(p, 2, "processes:", STYLE_PLAIN,
		  "%zu processes, at most %zu at once, each with a memory of its own", row->members,
		  row->at_once);
}

/* How often they waited, and how many did not at once. */
static void add_busy(const struct kind_row *row, char *to, size_t size)
{
	double life = (double)row->life_ns, wall = (double)row->wall_ns;
	char text[160], number[UNITS_SIZE], share[UNITS_SIZE], mean[UNITS_SIZE];

	if (row->how == KIND_BY_RESULTS)
		snprintf(text, sizeof(text), "; %s results were waited for so",
			 units_count(number, row->results));
	else
		snprintf(text, sizeof(text), "; they waited so %s times",
			 units_count(number, row->waits));
	add(to, size, text);
	snprintf(text, sizeof(text), ", %s of their lives; %s were busy on average",
		 units_percent(share, life > 0 ? (double)row->idle_ns / life : 0),
		 units_mean(mean, wall > 0 ? (life - (double)row->idle_ns) / wall : 0));
	add(to, size, text);
	if (row->results && row->how != KIND_BY_RESULTS) {
		snprintf(text, sizeof(text), "; others waited for them %s times",
			 units_count(number, row->results));
		add(to, size, text);
	}
	if (!row->busy_most)
		return;
	snprintf(text, sizeof(text), ", at most %zu at once", row->busy_most);
	add(to, size, text);
}

static void say_pool(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE], place[NAME_SIZE + 8], line[1200];
	const char *what = row->of_processes ? "processes" : "threads";

	if (row->how == KIND_BY_RESULTS)
		snprintf(line, sizeof(line),
			 "%zu %s (%s) are alike: who made them waits %s for what they have done",
			 row->members, what, name_of(p, name, f, row), place_of(p, place, f, row));
	else
		snprintf(line, sizeof(line),
			 "%zu %s (%s) are alike: each waits %s until there is work, does it, "
			 "and comes back",
			 row->members, what, name_of(p, name, f, row), place_of(p, place, f, row));
	add_busy(row, line, sizeof(line));
	page_text(p, 2, row->of_processes ? "pool of processes:" : "pool of threads:", STYLE_PLAIN,
		  "%s", line);
}

static void say_loop(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE], watched[64] = "", waits[UNITS_SIZE], by[128] = "";
	char times[UNITS_SIZE + 32] = "";

	if (row->watched > 1)
		snprintf(watched, sizeof(watched), ", %zu when it was looked at last",
			 row->watched);
	if (row->by)
		snprintf(by, sizeof(by), "; it is %s", row->by);
	if (row->waits)
		snprintf(times, sizeof(times), "; it waited %s times",
			 units_count(waits, row->waits));
	page_text(p, 2, "event loop:", STYLE_PLAIN,
		  "one thread (%s) waits for many descriptors at once%s, and sees to what is "
		  "ready, one after the other%s%s",
		  name_of(p, name, f, row), watched, times, by);
}

static void say_coroutines(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE], how[256], samples[UNITS_SIZE];

	units_count(samples, row->samples);
	if (row->how == KIND_BY_STACKS)
		snprintf(how, sizeof(how),
			 "was found on stacks that the program has made itself, in %s samples",
			 samples);
	else if (row->how == KIND_BY_FUNCTION)
		snprintf(how, sizeof(how), "was found in %s, in %s samples", row->by, samples);
	else
		snprintf(how, sizeof(how), "waits in its loop, and has loaded %s", row->by);
	page_text(p, 2, "coroutines:", STYLE_PLAIN,
		  "one thread (%s) %s. The kernel does not know of coroutines: how many there "
		  "are, and what each waits for, cannot be seen from here",
		  name_of(p, name, f, row), how);
}

static void say_mn(struct page *p, const struct findings *f, const struct kind_row *row)
{
	char name[NAME_SIZE], waits[UNITS_SIZE];

	page_text(p, 2, "M:N threads:", STYLE_PLAIN,
		  "%zu threads of the kernel (%s) run the threads of a runtime: %s was found in "
		  "their stacks; they waited for each other %s times. How many of its own the "
		  "runtime has cannot be seen from here",
		  row->members, name_of(p, name, f, row), row->by, units_count(waits, row->waits));
}

static void put_row(struct page *p, const struct findings *f, const struct kind_row *row)
{
	static void (*const say[KIND_COUNT])(struct page *, const struct findings *,
					     const struct kind_row *) = {
		[KIND_SINGLE] = say_single,
		[KIND_THREADS] = say_threads,
		[KIND_PROCESSES] = say_processes,
		[KIND_POOL] = say_pool,
		[KIND_LOOP] = say_loop,
		[KIND_COROUTINES] = say_coroutines,
		[KIND_MN] = say_mn,
	};

	say[row->kind](p, f, row);
}

/* What exists, and what of it runs. */
static void put_parallel(struct page *p, const struct findings *f)
{
	char mean[UNITS_SIZE];

	if (f->threads_at_once < 2)
		return;
	page_text(p, 2, NULL, STYLE_PLAIN,
		  "%zu threads existed at once; %s ran at once on average, at most %zu, on "
		  "%.4g CPU%s",
		  f->threads_at_once, units_mean(mean, f->parallelism), f->n_counts - 1,
		  f->cpus_allowed, f->cpus_allowed == 1 ? "" : "s");
}

static void put_amdahl(struct page *p, const struct findings *f)
{
	const struct amdahl *a = &f->amdahl;
	char share[UNITS_SIZE], two[UNITS_SIZE], four[UNITS_SIZE], eight[UNITS_SIZE];
	char most[80] = "", limit[UNITS_SIZE];
	double serial = (double)a->serial_ns;

	if (!a->is_known)
		return;
	if (a->serial_ns)
		snprintf(most, sizeof(most), ", and %s with any number",
			 units_mean(limit, amdahl_speedup(a, 0)));
	page_text(p, 2, "Amdahl:", STYLE_PLAIN,
		  "%s of the work was serial: one thread ran, or none as one waited for "
		  "another. So it can be at most %s times as fast as on one CPU with 2 CPUs, %s "
		  "times with 4, %s with 8%s. That takes it that the rest divides evenly among "
		  "more threads; locks, memory and devices, which more threads make slower, are "
		  "not in it",
		  units_percent(share, serial / (serial + (double)a->parallel_ns)),
		  units_mean(two, amdahl_speedup(a, 2)), units_mean(four, amdahl_speedup(a, 4)),
		  units_mean(eight, amdahl_speedup(a, 8)), most);
}

/* Few of each kind: of the loops of a server's many threads one says it all. */
static void put_rows(struct page *p, const struct findings *f)
{
	size_t shown[KIND_COUNT] = { 0 }, left = 0;

	for (size_t i = 0; i < f->n_kinds && f->kinds[i].is_named; i++) {
		const struct kind_row *row = &f->kinds[i];

		if (p->opts->verbose || shown[row->kind]++ < OF_A_KIND)
			put_row(p, f, row);
		else
			left++;
	}
	if (left)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more of these", left);
}

void text_kinds(struct page *p, const struct findings *f)
{
	if (!f->model->n_threads)
		return;
	page_heading(p, "Concurrency", "of what kind, and what of it runs at once");
	put_rows(p, f);
	if (!f->n_kind_names)
		page_text(p, 2, NULL, STYLE_PLAIN, "of what kind it is, is not known");
	put_parallel(p, f);
	put_amdahl(p, f);
}
