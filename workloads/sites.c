// SPDX-License-Identifier: BSD-2-Clause
/*
 * sites few|equal|cpu|deep: waits and computes in functions whose names are to be found in the
 * report. It is built as distributions build, without frame pointers.
 *
 *	few     so few waits that each is looked at: counts are exact
 *	equal   two callers, alternating, whose frames and arguments are of equal size: what is
 *	        cheap to see of a call cannot tell them apart, and a fixed step would see one only
 *	cpu     computes, three parts in one function and one in another
 *	deep    waits below a long recursion and behind a large buffer on the stack
 */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW    40
#define ROUNDS 400

/* Not inlined, and no tail call: each stays a function on the stack. */
#define KEPT __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

/* What one function has waited. */
struct waited {
	const char *function;
	int64_t waits, least, most; /* as asked for; as its own clock has it */
};

static void note(struct waited *w, int64_t asked, int64_t from)
{
	w->waits++;
	w->least += asked;
	w->most += clock_ns(CLOCK_MONOTONIC) - from;
}

static int64_t started(struct timespec *ret, int64_t ns)
{
	*ret = (struct timespec){ .tv_nsec = ns };
	return clock_ns(CLOCK_MONOTONIC);
}

KEPT void nap_long(struct waited *w)
{
	struct timespec t;
	int64_t from = started(&t, 1600 * US);

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	note(w, 1600 * US, from);
}

KEPT void nap_short(struct waited *w)
{
	struct timespec t;
	int64_t from = started(&t, 400 * US);

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	note(w, 400 * US, from);
}

KEPT void nap_behind_buffer(struct waited *w)
{
	char buffer[9000]; /* more than is ever copied of a stack */
	struct timespec t;
	int64_t from = started(&t, 1600 * US);

	memset(buffer, (int)from, sizeof(buffer));
	__asm__ volatile("" : : "r"(buffer) : "memory");
	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	note(w, 1600 * US, from);
}

KEPT void descend(struct waited *w, int depth)
{
	if (depth)
		descend(w, depth - 1);
	else
		nap_behind_buffer(w);
	__asm__ volatile("");
}

/* Within what part of the truth what was measured has to lie. */
static void expect_waits(const struct waited *w, double low, double high, const char *why)
{
	truth_expect((struct expectation){
		.path = truth_path("wait_sites[function=%s]*.waits", w->function),
		.in = { w->waits * low, w->waits * high },
		.why = why,
	});
	truth_expect((struct expectation){
		.path = truth_path("wait_sites[function=%s]*.wait_ns", w->function),
		.in = { w->least * low, w->most * high },
		.why = why,
	});
}

static void run_few(void)
{
	struct waited longer = { .function = "nap_long" }, shorter = { .function = "nap_short" };

	for (int i = 0; i < FEW; i++) {
		nap_long(&longer);
		if (i % 2)
			nap_short(&shorter);
	}
	truth_begin("sites few");
	expect_waits(&longer, 1, 1, "each wait is looked at");
	expect_waits(&shorter, 1, 1, "each wait is looked at");
	truth_number("wait_sites[function=nap_long]*.samples", FEW, "so few are all looked at");
}

/* Of 800 waits 128 and then some 164 are looked at, those that stand for several counted so: as
 * good as 172 by chance. Five times the spread that this gives. */
static void run_equal(void)
{
	struct waited longer = { .function = "nap_long" }, shorter = { .function = "nap_short" };

	for (int i = 0; i < ROUNDS; i++) {
		nap_long(&longer);
		nap_short(&shorter);
	}
	truth_begin("sites equal");
	expect_waits(&longer, 0.62, 1.38, "samples, five sigma");
	expect_waits(&shorter, 0.5, 1.8, "samples, five sigma");
}

static volatile unsigned long sink;

KEPT void burn_most(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until) {
		for (int i = 0; i < 20000; i++)
			sink += i;
	}
}

KEPT void burn_rest(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until) {
		for (int i = 0; i < 20000; i++)
			sink ^= i;
	}
}

/* 99 samples a second of 2 s: 198, with a spread of 6. */
static void run_cpu(void)
{
	for (int i = 0; i < 20; i++) {
		burn_most(75 * MS);
		burn_rest(25 * MS);
	}
	truth_begin("sites cpu");
	truth_expect((struct expectation){
		.path = "cpu_sites[function=burn_most]*.samples",
		.in = { 118, 180 },
		.why = "three quarters of 198 samples, five sigma",
	});
	truth_expect((struct expectation){
		.path = "cpu_sites[function=burn_rest]*.samples",
		.in = { 18, 80 },
		.why = "a quarter of 198 samples, five sigma",
	});
}

static void run_deep(void)
{
	struct waited w = { .function = "nap_behind_buffer" };

	for (int i = 0; i < FEW; i++)
		descend(&w, 200);
	truth_begin("sites deep");
	expect_waits(&w, 1, 1,
		     "each wait is looked at; the copy of the stack ends in the recursion");
	truth_equals("wait_sites[function=nap_behind_buffer].stack_end", "cut", "and says so");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{ "few", run_few }, { "equal", run_equal }, { "cpu", run_cpu }, { "deep", run_deep }
	};

	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		modes[i].run();
		return truth_end();
	}
	fputs("usage: sites few|equal|cpu|deep\n", stderr);
	return 2;
}
