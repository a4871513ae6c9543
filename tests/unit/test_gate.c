// SPDX-License-Identifier: BSD-2-Clause
/* Conditions: their language, and what they come to. */
#include "gates.h"

#include <errno.h>

#include "base/nearest.h"

/* --- the language ---------------------------------------------------------------- */

/* Of the second that setup_report() describes. */
Test(gate, that_holds, .init = setup_report, .fini = teardown)
{
	static const char *const all[] = {
		"wall == 1s",
		" wall\t==\n1000 ms ",
		"wall==1s",
		"wall != 2s",
		"wall < 1.1s",
		"wall <= 1s",
		"wall >= 1s",
		"wall > .9s",
		"wall == 1000000000ns",
		"wall == 1000000us",
		"wall == 1000000µs",
		"wall == 1000000μs",
		"wall == 1000ms and wall < 1m and wall < 1h",
		"wall == 100%",
		"wall.io == 20%",
		"wall.io == 20 %",
		"wall.io > 19.99% and wall.io < 20.01%",
		"wall.lock > 0",
		"wall.timer == 0",
		"wall.running == 0.7s",
		"totals.blocked[\"io.disk\"] == 200ms",
		"totals.blocked['io.disk'] == 200ms",
		"totals.blocked[\"io.disk\"].count == 5",
		"totals.blocked[\"io.disk\"].max == 200ms",
		"totals.blocked[\"io.disk\"].open == false",
		"totals.blocked[\"io.disk\"].open != true",
		"totals.lifetime == 150%",
		"totals.threads == 2 and totals.processes == 2",
		"lifecycle.zombies == 0",
		"parallelism.mean > 0.5",
		"verdict.class == \"cpu-bound\"",
		"verdict.class == 'cpu-bound'",
		"verdict.class != \"lock-bound\"",
		"verdict.margin <= 100% and verdict.margin <= 1",
		"verdict.rule == \"verdict.cpu\"",
		"findings >= 1 and findings[\"verdict.cpu\"] == 1",
		"findings[\"lifecycle.crash\"] == 0",
		"measurement.complete == true",
		"measurement.collector_rss < 1GiB and measurement.collector_rss == 0",
		"system.cpus == 4",
		"exit.code == 0 and exit.signal == null",
		"exit.signal != 11",
		"system.cpu_quota == null",
		"(wall == 1s)",
		"((wall == 1s))",
		"not wall == 2s",
		"not(wall == 2s)",
		"not not wall == 1s",
		"threads == 2",
		"locks == 2",
		"locks[\"slots[].lock\"] == 2",
		"locks['slots[].lock'].wait == 100ms and locks['slots[].lock'].wait == 10%",
		"locks[\"slots[].lock\"].waits == 7",
		"locks[\"slots[].lock\"].max_wait == 20ms and locks[\"slots[].lock\"].waited_wall "
		"== 80ms",
		"locks[\"slots[].lock\"].blamed == 0 and locks[\"slots[].lock\"].open_waits == 0",
		"locks[\"free of waits\"].wait == 0 and locks[\"free of waits\"].timeouts == 0",
	};

	EACH(all, i)
	holds(all[i], GATE_YES);
}

Test(gate, that_does_not, .init = setup_report, .fini = teardown)
{
	static const char *const all[] = {
		"wall < 1s",
		"wall > 1s",
		"wall != 1s",
		"wall.io > 20%",
		"wall.io < 20%",
		"exit.signal > 0",
		"exit.signal < 100",
		"exit.signal == 11",
		"exit.code == null",
		"exit.code > 0",
		"verdict.class == \"idle\"",
		"not wall == 1s",
		"measurement.complete != true",
		"system.cpu_quota < 8",
	};

	EACH(all, i)
	holds(all[i], GATE_NO);
}

#define T "wall > 0"
#define F "wall == 0"
#define E "calls.futex.waits > 0" /* absent */

Test(gate, not_binds_more_than_and_more_than_or, .init = setup_report, .fini = teardown)
{
	holds(T " or " F " and " F, GATE_YES);
	holds("(" T " or " F ") and " F, GATE_NO);
	holds(F " and " F " or " T, GATE_YES);
	holds(F " and (" F " or " T ")", GATE_NO);
	holds("not " F " and " F, GATE_NO);
	holds("not (" F " and " F ")", GATE_YES);
	holds("not " T " or " T, GATE_YES);
	holds(F " or " F " or " T, GATE_YES);
	holds(T " and " T " and " F, GATE_NO);
}

/* What is absent is an error, unless the rest decides. */
Test(gate, has_three_outcomes, .init = setup_report, .fini = teardown)
{
	holds(E, GATE_ERROR);
	holds("not " E, GATE_ERROR);
	holds(E " and " T, GATE_ERROR);
	holds(T " and " E, GATE_ERROR);
	holds(E " and " F, GATE_NO);
	holds(F " and " E, GATE_NO);
	holds(E " or " T, GATE_YES);
	holds(T " or " E, GATE_YES);
	holds(E " or " F, GATE_ERROR);
	holds(F " or " E, GATE_ERROR);
	holds(E " or " E, GATE_ERROR);
	holds("not (" E " and " F ")", GATE_YES);
	holds("calls.futex.waits == null", GATE_YES);
	holds("calls.futex.waits != null", GATE_NO);
	holds("calls.futex.waits != null and calls.futex.waits > 0", GATE_NO);
	holds("wall == null", GATE_NO);
	holds("wall != null", GATE_YES);
}

/* --- what is refused ------------------------------------------------------------- */

Test(refused, with_the_place_and_the_remedy)
{
	static const struct {
		const char *text, *error;
	} all[] = {
		{ "", "at column 1: expected a path, such as wall.lock, found the end" },
		{ "  ", "at column 3: expected a path, such as wall.lock, found the end" },
		{ "wall.lok > 20%", "at column 1: there is no path 'wall.lok'; the nearest is "
				    "wall.lock" },
		{ "wall > 1s and zombies > 0", "at column 15: there is no path 'zombies'; the "
					       "nearest is lifecycle.zombies" },
		{ "wall > 1s and ", "at column 15: expected a path, such as wall.lock, found the "
				    "end" },
		{ "wall.lock", "at column 10: expected one of == != < <= > >=, found the end" },
		{ "wall.lock = 5ms", "at column 11: expected one of == != < <= > >=, found '='" },
		{ "wall.lock >", "at column 12: expected a number, or a text in quotes; found the "
				 "end" },
		{ "wall.lock > 5", "at column 13: wall.lock is a time: compare it with 5ms or "
				   "20%" },
		{ "wall.lock > 5KiB", "at column 13: wall.lock is a time: compare it with 5ms or "
				      "20%" },
		{ "wall.lock > \"5ms\"", "at column 13: wall.lock is a time: compare it with 5ms "
					 "or 20%" },
		{ "lifecycle.zombies > 1%", "at column 21: lifecycle.zombies is a count: compare "
					    "it with a plain number, such as 3" },
		{ "verdict.margin > 5ms", "at column 18: verdict.margin is a share: compare it "
					  "with 20% or 0.2" },
		{ "parallelism.mean > 5%", "at column 20: parallelism.mean is a number: compare it "
					   "with a plain one, such as 1.5" },
		{ "measurement.collector_rss > 5", "at column 29: measurement.collector_rss is a "
						   "size: compare it with 64MiB" },
		{ "system.host == 5", "at column 16: system.host is a text: compare it with one in "
				      "quotes" },
		{ "measurement.complete == 1", "at column 25: measurement.complete is true or "
					       "false: compare it with one of these" },
		{ "verdict.class == \"lockbound\"", "at column 18: verdict.class is never "
						    "'lockbound'; the nearest is \"lock-bound\"" },
		{ "verdict.class == lock", "at column 18: expected a number, or a text in quotes; "
					   "found 'lock'" },
		{ "verdict.class > \"idle\"", "at column 15: verdict.class has no order: compare "
					      "it with == or !=" },
		{ "exit.code > null", "at column 11: null has no order: compare it with == or !=" },
		{ "wall > 5sec", "at column 9: there is no unit 'sec'; the units are ns us ms s m "
				 "h, B KiB MiB GiB, and %" },
		{ "wall > 5e3s", "at column 9: there is no unit 'e3s'; the units are ns us ms s m "
				 "h, B KiB MiB GiB, and %" },
		{ "wall > 1.2.3s", "at column 8: wall is a time: compare it with 5ms or 20%" },
		{ "threads > 1.2.3", "at column 14: expected 'and', 'or' or the end; found '.3'" },
		{ "wall > .s", "at column 8: expected a number, found '.'" },
		{ "wall > -1s", "at column 8: nothing in a report is below zero" },
		{ "wall > 99999999999999999999s", "at column 8: a number with too many digits" },
		{ "wall > 9999999999999h", "at column 8: the number is too large" },
		{ "(wall > 1s", "at column 11: expected ')', 'and' or 'or'; "
				"found the end" },
		{ "wall > 1s)", "at column 10: expected 'and', 'or' or the end; found ')'" },
		{ "wall > 1s wall", "at column 11: expected 'and', 'or' or the end; found 'wall'" },
		{ "wall > 1s && wall < 2s", "at column 11: expected 'and', 'or' or the end; found "
					    "'&&'" },
		{ "and > 1s", "at column 1: expected a path, such as wall.lock, found 'and'" },
		{ "5ms < wall", "at column 1: expected a path, such as wall.lock, found '5ms'" },
		{ "wall. > 1s", "at column 6: expected a name behind the dot, found '>'" },
		{ "wall[lock] > 1s", "at column 6: expected a name in quotes, as in [\"io.disk\"], "
				     "found 'lock'" },
		{ "wall[\"lock > 1s", "at column 5: '[' without its end, as in [\"io.disk\"]" },
		{ "system.host == \"x", "at column 16: a text without its closing \"" },
		{ "system.host == \"ö\" ö", "at column 20: expected 'and', 'or' or the end; found "
					    "'ö'" },
	};

	EACH(all, i)
	{
		struct err err = { "" };

		cr_expect_eq(gates_add(&g, all[i].text, &err), -EINVAL, "%s", all[i].text);
		cr_expect_str_eq(err.text, all[i].error, "%s\n  gives %s", all[i].text, err.text);
		cr_expect_eq(g.n, 0);
		cr_expect_eq(g.n_nodes, 0);
	}
}

Test(refused, proposes_what_is_near)
{
	static const struct {
		const char *name, *nearest;
	} all[] = {
		{ "wall_ns", "wall" },
		{ "wall.lock_ns", "wall.lock" },
		{ "wal.lock", "wall.lock" },
		{ "wall.lokc", "wall.lock" },
		{ "wall.disk", "wall.io" }, /* anything of it */
		{ "survivors", "lifecycle.survivors" },
		{ "lifecycle.zombie", "lifecycle.zombies" },
		{ "io.disk", "totals.blocked[\"io.disk\"]" },
		{ "totals.blocked.io.disk", "totals.blocked[\"io.disk\"]" },
		{ "totals.blocked[\"io.dsik\"]", "totals.blocked[\"io.disk\"]" },
		{ "class", "verdict.class" },
		{ "verdict.klass", "verdict.class" },
		{ "finding[\"lock.contention\"]", "findings[\"lock.contention\"]" },
		{ "exit.status", "exit.signal" },
		{ "locks[\"account_lock\"].wiat", "locks[\"NAME\"].wait" },
	};
	char buf[GATE_PATH_SIZE];

	EACH(all, i)
	{
		gate_path_nearest(buf, all[i].name, SIDE_NONE);
		if (strcmp(all[i].name, "wall.disk"))
			cr_expect_str_eq(buf, all[i].nearest, "%s: %s", all[i].name, buf);
		else
			cr_expect_eq(strncmp(buf, "wall.", 5), 0, "%s", buf);
	}
}

Test(refused, distances)
{
	cr_expect_eq(edit_distance("", ""), 0);
	cr_expect_eq(edit_distance("", "abc"), 3);
	cr_expect_eq(edit_distance("abc", ""), 3);
	cr_expect_eq(edit_distance("abc", "abc"), 0);
	cr_expect_eq(edit_distance("abc", "axc"), 1);
	cr_expect_eq(edit_distance("abc", "acb"), 1, "a swap");
	cr_expect_eq(edit_distance("kitten", "sitting"), 3);
}

/* --- limits ---------------------------------------------------------------------- */

static void repeat(char *to, size_t size, const char *word, size_t n)
{
	size_t length = strlen(to);

	for (size_t i = 0; i < n; i++)
		length += snprintf(to + length, size - length, "%s", word);
	cr_assert_lt(length, size);
}

static void refused(const char *text, const char *words)
{
	struct err err = { "" };
	size_t n = g.n, nodes = g.n_nodes;

	cr_expect_eq(gates_add(&g, text, &err), -EINVAL);
	cr_expect(strstr(err.text, words), "%s", err.text);
	cr_expect_eq(g.n, n);
	cr_expect_eq(g.n_nodes, nodes);
}

Test(limit, of_gates)
{
	for (int i = 0; i < GATES_MAX; i++)
		cr_assert_eq(gates_add(&g, T, NULL), 0);
	refused(T, "there are too many: 32 are all");
	cr_expect_eq(gates_add(&g, T, NULL), -EINVAL, "and err may be NULL");
}

Test(limit, of_nodes)
{
	char text[2000] = T;
	int n = 0;

	repeat(text, sizeof(text), " or wall>0", 90);
	while (!gates_add(&g, text, NULL))
		n++;
	cr_expect_eq(n, GATE_NODES / 181);
	refused(text, "too much: 256 comparisons and operators are all");
}

Test(limit, of_length)
{
	char text[2000] = "wall>0";

	repeat(text, sizeof(text), " ", GATE_LENGTH - strlen(text));
	cr_expect_eq(gates_add(&g, text, NULL), 0);
	strcat(text, " ");
	refused(text, "longer than 1000 characters");
}

Test(limit, of_depth)
{
	char text[2000] = "";

	repeat(text, sizeof(text), "(", GATE_DEPTH);
	strcat(text, T);
	refused(text, "too deep: at most 32");
	*text = '\0';
	repeat(text, sizeof(text), "not ", GATE_DEPTH);
	strcat(text, T);
	refused(text, "too deep");
	*text = '\0';
	repeat(text, sizeof(text), "(", GATE_DEPTH - 1);
	strcat(text, T);
	repeat(text, sizeof(text), ")", GATE_DEPTH - 1);
	cr_expect_eq(gates_add(&g, text, NULL), 0);
	*text = '\0';
	repeat(text, sizeof(text), "not (", 300);
	refused(text, "longer than");
}

Test(limit, of_names)
{
	char text[2000] = "wall.";

	repeat(text, sizeof(text), "lock", 240);
	strcat(text, " > 1s");
	refused(text, "there is no path");
	snprintf(text, sizeof(text), "%s", "wall[\"");
	repeat(text, sizeof(text), "lock", 240);
	strcat(text, "\"] > 1s");
	refused(text, "there is no path");
	snprintf(text, sizeof(text), "%s", "verdict.class == \"");
	repeat(text, sizeof(text), "lock", 240);
	strcat(text, "\"");
	refused(text, "verdict.class is never");
}
