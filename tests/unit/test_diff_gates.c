// SPDX-License-Identifier: BSD-2-Clause
/* Conditions on comparisons. */
#include "diff.h"

#include <errno.h>

#define EACH(list, i) for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)

static struct diff *d;

static const struct gate_result *judge(const char *text, size_t n_base)
{
	struct err err = { "" };

	diff_free(d);
	memset(&gates, 0, sizeof(gates));
	gates.of_diff = true;
	cr_assert_eq(gates_add(&gates, text, &err), 0, "%s: %s", text, err.text);
	d = compare(n_base);
	cr_assert_eq(d->n_gates, 1);
	cr_assert_eq(d->gates->holds == GATE_ERROR, d->gates->error != NULL, "%s", text);
	return d->gates;
}

static void forget_all(void)
{
	diff_free(d);
	d = NULL;
	forget();
}

/* 5 runs of a second and 5 of 1.1 s, 10 ms and 300 ms of a lock; each a millisecond apart. */
static void slower(void)
{
	for (unsigned int i = 0; i < 10; i++)
		run_of((i < 5 ? 1000 : 1100) * MS + i % 5 * MS,
		       (i < 5 ? 10 : 300) * MS + i % 5 * MS, 4);
}

/* The same, and 300 ms of spread. */
static void noisy(void)
{
	static const unsigned int ms[] = { 1000, 1200, 1100, 1300, 1250,
					   1100, 1290, 1160, 1350, 1330 };

	EACH(ms, i)
	run_of(ms[i] * MS, 0, 4);
}

static void holds(const char *text, enum gate_holds wanted)
{
	cr_expect_eq(judge(text, 5)->holds, wanted, "%s: %d %s %s", text, d->gates->holds,
		     d->gates->measured, d->gates->error ? d->gates->error : "");
}

Test(change, beyond_the_spread, .init = slower, .fini = forget_all)
{
	holds("change.wall > 5%", GATE_YES);
	holds("change.wall > 9.9% and change.wall < 10.1%", GATE_YES);
	holds("change.wall > 15%", GATE_NO);
	holds("change.wall >= 100ms and change.wall <= 100ms", GATE_YES);
	holds("change.wall == 0.1s", GATE_YES);
	holds("change.wall > 101ms", GATE_NO);
	holds("change.wall > 0", GATE_YES);
	holds("change.wall < -5%", GATE_NO);
	holds("change.totals.blocked[\"lock.mutex\"] > 200ms", GATE_YES);
	holds("change.totals.blocked[\"lock.mutex\"] > 1000%", GATE_YES);
	holds("change.totals.threads == 0", GATE_YES);
	holds("base.wall < 1.01s and head.wall > 1.09s", GATE_YES);
	holds("head.totals.blocked[\"lock.mutex\"] > 27%", GATE_YES);
	holds("head.totals.blocked[\"lock.mutex\"] > 28%", GATE_NO);
	holds("base.totals.threads == 1", GATE_YES);
	holds("head.verdict.class == \"cpu-bound\"", GATE_YES);
	holds("head.verdict.class == \"idle\"", GATE_NO);
	holds("base.exit.signal == null and base.exit.signal != 11", GATE_YES);
	holds("head.measurement.complete == true", GATE_YES);
}

Test(change, to_less, .init = slower, .fini = forget_all)
{
	/* The other way round. */
	for (size_t i = 0; i < 5; i++) {
		struct findings *f = findings[i];

		findings[i] = findings[5 + i];
		findings[5 + i] = f;
	}
	holds("change.wall < -5%", GATE_YES);
	holds("change.wall < -90ms", GATE_YES);
	holds("change.wall < -110ms", GATE_NO);
	holds("change.wall > 0", GATE_NO);
}

/* A difference within the spread is none, whatever it is compared with; that is said. */
Test(change, within_the_spread, .init = noisy, .fini = forget_all)
{
	cr_assert(judge("change.wall > 5%", 5)->holds == GATE_NO);
	cr_expect(strstr(d->gates->measured, "+6.5 %"), "%s", d->gates->measured);
	cr_expect(strstr(d->gates->measured, "within the spread"), "%s", d->gates->measured);
	holds("change.wall == 0", GATE_YES);
	holds("not change.wall > 5%", GATE_YES);
	holds("change.wall < 1%", GATE_YES);
	/* The means are what they are. */
	holds("head.wall > 1.2s", GATE_YES);
}

/* Too few runs are no pass. */
Test(change, too_few, .init = slower, .fini = forget_all)
{
	for (; n_runs > 2; n_runs--) {
		findings_free(findings[n_runs - 1]);
		model_free(models[n_runs - 1]);
	}
	cr_assert_eq(judge("change.wall > 5%", 1)->holds, GATE_ERROR);
	cr_expect_str_eq(d->gates->error, "too few runs (1 and 1) to tell a change from chance; "
					  "record 4 of each (measured: +0.1 %)");
	cr_assert_eq(judge("change.wall > 500%", 1)->holds, GATE_ERROR);
	cr_assert_eq(judge("head.wall > 2s", 1)->holds, GATE_NO);
	cr_expect_str_eq(d->gates->measured, "1.001 s");
	cr_assert_eq(judge("head.wall > 2s and change.wall > 5%", 1)->holds, GATE_NO);
}

/* Copies of a recording are no runs. */
Test(change, of_copies, .fini = forget_all)
{
	for (unsigned int i = 0; i < 8; i++) {
		starts = i == 7 ? SECOND + 6 : SECOND + i;
		run_of((i < 4 ? 1000 : 1500) * MS, 0, 4);
	}
	starts = 0;
	cr_assert_eq(judge("change.wall > 5%", 4)->holds, GATE_ERROR);
	cr_expect_str_eq(d->gates->error, "recordings of the same run show no spread: record 4 of "
					  "each (measured: +50 %)");
	cr_assert_eq(d->repeated, 1);
	cr_assert_not(d->can_tell);
	cr_assert_not(d->rows[0].is_change);
}

/* What no run has is absent; what some have was nothing in the others. */
Test(change, absent, .fini = forget_all)
{
	for (unsigned int i = 0; i < 10; i++)
		run_of(SECOND, i < 5 ? 0 : (100 + i) * MS, 4);
	holds("change.totals.blocked[\"lock.mutex\"] > 5%", GATE_YES);
	cr_expect(!strncmp(d->gates->measured, "new: ", 5), "%s", d->gates->measured);
	holds("base.totals.blocked[\"lock.mutex\"] > 5ms", GATE_ERROR);
	holds("base.totals.blocked[\"lock.mutex\"] == null", GATE_YES);
	holds("head.totals.blocked[\"lock.mutex\"] != null", GATE_YES);
	holds("change.totals.blocked[\"io.disk\"] > 5%", GATE_ERROR);
	cr_expect_str_eq(d->gates->error, "change.totals.blocked[\"io.disk\"] is absent in 10 of "
					  "the 10 runs of both sides: nothing waited so");
	holds("head.calls.futex.waits > 1", GATE_ERROR);
	/* Of the first six, one waited. */
	cr_assert_eq(judge("base.totals.blocked[\"lock.mutex\"] > 17ms", 6)->holds, GATE_YES);
	cr_assert_eq(judge("base.totals.blocked[\"lock.mutex\"].open == false", 6)->holds,
		     GATE_YES);
}

Test(change, texts_that_differ, .fini = forget_all)
{
	for (unsigned int i = 0; i < 8; i++)
		run_of(SECOND, 0, 4);
	findings[3]->verdict.class = CLASS_IDLE;
	holds("base.verdict.class == \"cpu-bound\"", GATE_ERROR);
	cr_expect_str_eq(d->gates->error, "base.verdict.class is not the same in all runs of the "
					  "base");
	cr_expect(strstr(d->gates->measured, "cpu-bound in 4 runs, idle in 1 run"), "%s",
		  d->gates->measured);
	holds("base.verdict.class != \"mixed\"", GATE_YES);
	holds("base.verdict.class == \"mixed\"", GATE_NO);
	holds("head.verdict.class == \"cpu-bound\"", GATE_YES);
}

/* A condition's own quantity is not corrected for all that else could have changed: here for a
 * lock, which tells the even runs from the odd ones. */
Test(change, asked_is_apart, .fini = forget_all)
{
	double alone, among;

	for (unsigned int i = 0; i < 10; i++)
		run_of((i < 5 ? 1000 : 1020) * MS + i % 5 * 4 * MS, (i % 2 ? 10 : 500) * MS, 4);
	d = compare(5);
	among = d->rows[0].p;
	cr_assert_not(d->rows[0].is_asked);
	judge("change.wall > 5%", 5);
	alone = d->rows[0].p;
	cr_assert(d->rows[0].is_asked);
	cr_expect_lt(alone, among);
	/* A quantity that is none of the report's becomes one. */
	judge("change.totals.switches.voluntary > 5 or change.wall > 5%", 5);
	cr_expect_geq(d->rows[0].p, alone);
	cr_expect_str_eq(d->rows[d->n_rows - 1].family->name, "asked");
}

Test(refused, of_comparisons)
{
	static const struct {
		const char *text, *error;
	} all[] = {
		{ "", "at column 1: expected a path, such as change.wall, found the end" },
		{ "wall > 1s",
		  "at column 1: 'wall' is of one run; in a comparison write base.wall, "
		  "head.wall or change.wall" },
		{ "change.wal > 5%", "at column 1: there is no path 'change.wal'; the nearest is "
				     "change.wall" },
		{ "chang.wall > 5%", "at column 1: there is no path 'chang.wall'; the nearest is "
				     "change.wall" },
		{ "base.zombies > 0",
		  "at column 1: there is no path 'base.zombies'; the nearest is "
		  "base.lifecycle.zombies" },
		{ "lok > 0", "at column 1: there is no path 'lok'; the nearest is head.locks" },
		{ "change.verdict.class == \"idle\"",
		  "at column 1: verdict.class is no number and has no change; compare "
		  "base.verdict.class and head.verdict.class" },
		{ "change.wall > 5",
		  "at column 15: change.wall is the change of a time: compare it "
		  "with 5% of the base, or with 5ms" },
		{ "change.threads > 5ms",
		  "at column 18: change.threads is the change of a count: "
		  "compare it with 5% of the base, or with a plain number" },
		{ "base.wall > -5ms", "at column 13: nothing in a report is below zero" },
		{ "change.wall > -x", "at column 16: expected a number behind '-'" },
		{ "base.threads > 5%", "at column 16: base.threads is a count: compare it with a "
				       "plain number, such as 3" },
	};

	EACH(all, i)
	{
		static struct gates g;
		struct err err = { "" };

		g.of_diff = true;
		cr_expect_eq(gates_add(&g, all[i].text, &err), -EINVAL, "%s", all[i].text);
		cr_expect_str_eq(err.text, all[i].error, "%s\n  gives %s", all[i].text, err.text);
	}
}

Test(refused, of_one_run)
{
	static struct gates g;
	struct err err = { "" };

	cr_expect_eq(gates_add(&g, "change.wall > 5%", &err), -EINVAL);
	cr_expect_str_eq(err.text, "at column 1: 'change.wall' is of a comparison, which concprof "
				   "diff makes; of one run it is wall");
	cr_expect_eq(gates_add(&g, "change.wal > 5%", &err), -EINVAL);
	cr_expect(strstr(err.text, "there is no path 'change.wal'"), "%s", err.text);
}
