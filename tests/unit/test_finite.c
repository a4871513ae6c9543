// SPDX-License-Identifier: BSD-2-Clause
/* What divides has something to divide by: all numbers of the findings are finite, and so
 * is what the JSON says, whatever is missing. */
#include <ctype.h>

#include "any.h"
#include "report/report.h"

#define DAYS 86400ULL

/* "nan" or "inf" in the text, but not within a word. */
static const char *find_odd(const char *text)
{
	static const char *const odd[] = { "nan", "inf" };

	for (const char *s = text; *s; s++) {
		for (int i = 0; i < 2; i++) {
			if (!strncasecmp(s, odd[i], 3) && !isalpha((unsigned char)s[3]) &&
			    (s == text || !isalpha((unsigned char)s[-1])))
				return s;
		}
	}
	return NULL;
}

/* A number that is none is null in the JSON. */
static void check_numbers(void)
{
	cr_assert(isfinite(f->verdict.margin) && isfinite(f->parallelism));
	cr_assert(isfinite(f->cpus_allowed) && f->cpus_allowed > 0);
	cr_assert(f->crowding >= 0 && f->crowding <= 1, "%g", f->crowding);
	cr_assert(f->held_back >= 0 && f->held_back <= 1, "%g", f->held_back);
	cr_assert(isfinite(f->trust.bpf_share) && f->trust.bpf_share >= 0);
	for (size_t i = 0; i < f->n_phases; i++)
		cr_assert(isfinite(f->phases[i].parallelism));
}

/* What is said of the program's time is what the JSON has there. */
static void check_evidence(const char *json)
{
	char key[96];

	for (size_t i = 0; i < f->n_list; i++) {
		for (size_t k = 0; k < f->list[i].n_evidence; k++) {
			const struct evidence *e = &f->list[i].evidence[k];

			if (strncmp(e->metric, "wall", 4))
				continue;
			snprintf(key, sizeof(key), "\"%s\": %llu", strchr(e->metric, '.') + 1,
				 (unsigned long long)e->value);
			cr_assert(strstr(json, key), "%s: %s", e->metric, key);
		}
	}
}

static void check_json(void)
{
	struct report_opts opts = { .utf8 = true, .width = 80, .top = 10, .version = "0.0.0" };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *odd;

	cr_assert(out);
	cr_assert_eq(report_json_write(f, &opts, out), 0);
	fclose(out);
	odd = find_odd(text);
	cr_assert(!odd, "%.200s", odd - (odd - text < 100 ? odd - text : 100));
	check_evidence(text);
	free(text);
}

static void check_all(void)
{
	check_numbers();
	check_json();
}

/* As the stream is: without any sums, and without an end. */
static void analyse_as_it_is(void)
{
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
	check_all();
}

/* --- what is missing ------------------------------------------------------------- */

Test(missing, everything, .fini = teardown)
{
	b = model_builder_new();
	analyse_as_it_is();
	cr_assert_eq(f->verdict.class, CLASS_UNKNOWN);
}

Test(missing, everything_but_the_run, .init = setup, .fini = teardown)
{
	analyse_as_it_is();
}

Test(missing, everything_but_the_end, .fini = teardown)
{
	struct ev_end e = end(0);

	b = model_builder_new();
	e.bpf_ns = SECOND;
	put(&e);
	analyse_as_it_is();
}

Test(missing, threads, .init = setup, .fini = teardown)
{
	analyse(wall(SECOND));
	check_all();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
}

Test(missing, threads_of_each_row, .init = setup, .fini = teardown)
{
	for (int r = 0; r < ROW_COUNT; r++) {
		struct ev_wall w = wall(SECOND);

		stood(&w, &w.sums.row_ns[r], SECOND);
		analyse(w);
		check_all();
		teardown();
		setup();
	}
	analyse(wall(0));
}

Test(missing, the_run_itself, .fini = teardown)
{
	b = model_builder_new();
	put_thread(thread(1, 0, 0, 0, SECOND));
	put_thread(thread(2, 1, 0, 0, SECOND));
	analyse(wall(SECOND));
	check_all();
	cr_assert_eq(f->cpus_allowed, 1);
}

Test(missing, sums, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	waited(&t, CAUSE_IO_DISK, 900 * MS, 10);
	put(&t);
	put_thread(thread(2, 1, 0, 0, SECOND));
	put_thread(thread(3, 1, 0, 0, SECOND));
	analyse_as_it_is();
	cr_assert_eq(f->verdict.class, CLASS_UNKNOWN);
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
	cr_assert_eq(f->process_class[1], CLASS_CPU_BOUND);
	cr_assert_eq(f->n_phases, 0);
}

Test(missing, all_time, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, 0));
	put_thread(thread(2, 1, 1, 0, 0));
	put_thread(thread(3, 1, 0, 0, 0));
	analyse(wall(0));
	check_all();
}

/* All of them found no room. */
Test(missing, all_but_what_could_not_be_sent, .init = setup, .fini = teardown)
{
	struct ev_thread unsent = thread(0, 0, 0, 0, 900 * SECOND);

	unsent.flags = THREAD_UNSENT;
	unsent.count = 5000;
	waited(&unsent, CAUSE_LOCK_MUTEX, 300 * SECOND, 100000);
	waited(&unsent, CAUSE_TIMER_SLEEP, 300 * SECOND, 1000000);
	crowded(&unsent, TS_PREEMPTED, 100 * SECOND);
	unsent.ledger.yields = unsent.ledger.switches = 100000;
	put(&unsent);
	analyse(wall(SECOND));
	check_all();
	cr_assert_eq(f->totals.threads, 5000);
	cr_assert_eq(f->totals.row_ns[ROW_LOCK], 300 * SECOND);
}

/* Threads that were never seen to run, in a program that did. */
Test(missing, running_time_of_all_threads, .init = setup, .fini = teardown)
{
	for (int i = 1; i < 5; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		waited(&t, CAUSE_UNKNOWN, SECOND, 1);
		put(&t);
	}
	analyse(wall(SECOND));
	check_numbers();
}

Test(missing, cpus, .init = setup, .fini = teardown)
{
	struct ev_run r = run();

	r.cpus = r.cpus_allowed = 0;
	r.quota_us = 0;
	r.period_us = 0;
	put(&r);
	put_thread(thread(1, 0, 0, 0, SECOND));
	analyse(wall(SECOND));
	check_all();
}

/* --- long ---------------------------------------------------------------------------- */

/* 64 bits of nanoseconds are 584 years of thread-time: 700 threads of 300 days. */
Test(long, three_hundred_days, .init = setup, .fini = teardown)
{
	uint64_t days = 300 * DAYS * SECOND;
	struct ev_wall w = wall(days);

	on_cpus(1024);
	for (int i = 1; i <= 700; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, days);

		waited(&t, CAUSE_IO_SOCKET, days / 4, 4000000000);
		crowded(&t, TS_PREEMPTED, days / 4);
		put(&t);
	}
	w.sums.by_count[1] = 0;
	w.sums.by_count[WALL_COUNTS - 1] = days;
	w.sums.busy_ns = 350 * days;
	analyse(w);
	check_all();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND, "%s", class_name(f->verdict.class));
	cr_assert_float_eq(f->parallelism, 350, 1e-6);
	cr_assert_eq(f->totals.lifetime_ns, 700 * days);
	cr_assert_eq(f->totals.state_ns[TS_RUNNING], 350 * days);
	cr_assert_eq(f->totals.row_ns[ROW_PEER], 175 * days);
	cr_assert_eq(f->trust.residual_ns, 0);
}

/* --- any --------------------------------------------------------------------------------- */

/* Up to all of what is left of its running time, often none. */
static uint64_t part_of(struct rng *rng, uint64_t left)
{
	return rng_one_in(rng, 3) ? left * rng_below(rng, 101) / 100 : 0;
}

static struct ev_thread some_thread(struct rng *rng, uint64_t id, uint64_t life)
{
	uint64_t creator = rng_below(rng, id), start = life * rng_below(rng, 10) / 10;
	uint64_t process = rng_one_in(rng, 3) ? 0 : 1;
	struct ev_thread t = thread(id, creator, process, start, life);
	const __u64 *left = &t.ledger.state_ns[TS_RUNNING];

	for (int i = rng_below(rng, 6); i; i--)
		waited(&t, rng_below(rng, CAUSE_COUNT), part_of(rng, *left), rng_below(rng, 5000));
	crowded(&t, TS_PREEMPTED, part_of(rng, *left));
	queued(&t, TS_WOKEN, part_of(rng, *left));
	queued(&t, TS_YIELDED, part_of(rng, *left));
	t.ledger.switches = rng_below(rng, 5000);
	t.ledger.yields = rng_below(rng, t.ledger.switches + 1);
	return t;
}

static struct ev_wall some_wall(struct rng *rng, uint64_t life)
{
	struct ev_wall w = wall(life);
	const __u64 *left = &w.sums.by_count[1];

	for (int i = rng_below(rng, 6); i; i--)
		stood(&w, &w.sums.row_ns[rng_below(rng, ROW_COUNT)], part_of(rng, *left));
	stood(&w, &w.sums.runnable_ns, part_of(rng, *left));
	w.sums.latency_ns = part_of(rng, w.sums.runnable_ns);
	w.sums.limit_ns = part_of(rng, w.sums.runnable_ns - w.sums.latency_ns);
	w.sums.serialised_ns = part_of(rng, *left);
	w.sums.convoy_ns = part_of(rng, *left - w.sums.serialised_ns);
	return w;
}

/* What there was, or could have been. */
Test(any, numbers_and_json)
{
	struct rng rng = rng_seed(19);

	for (int round = 0; round < 1500; round++) {
		uint64_t life = 1 + rng_below(&rng, 1ULL << rng_below(&rng, 50));

		setup();
		on_cpus(1 + rng_below(&rng, 8));
		for (uint64_t id = 1, n = rng_below(&rng, 12); id <= n; id++)
			put_thread(some_thread(&rng, id, life));
		analyse(some_wall(&rng, life));
		check_all();
		teardown();
	}
}

/* --- what contradicts itself --------------------------------------------------------- */

Test(contradiction, numbers_are_finite)
{
	struct rng rng = rng_seed(17);

	for (int round = 0; round < 5000; round++) {
		setup();
		analyse_any(&rng);
		check_numbers();
		teardown();
	}
}

/* Shares of all CPU time, of which there is none; rates of a thread that had no life. */
Test(contradiction, so_is_the_json)
{
	struct rng rng = rng_seed(18);

	for (int round = 0; round < 3000; round++) {
		setup();
		analyse_any(&rng);
		check_json();
		teardown();
	}
}
