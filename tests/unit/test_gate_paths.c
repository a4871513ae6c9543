// SPDX-License-Identifier: BSD-2-Clause
/* Conditions: every path that they can name, and what is told of it. */
#include "gates.h"

/* --- the paths ------------------------------------------------------------------- */

/* All that a report can have, at once; but a mixture. */
static void setup_rich(void)
{
	struct ev_thread t = thread(1, 0, 0, 0, 10 * SECOND), asks = thread(2, 1, 0, 0, 0);
	struct ev_use u = use(2, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 7), s = u;
	struct ev_text *note = text(TEXT_NOTE, "a note"), *what = NULL;
	static const enum text_kind texts[] = { TEXT_KERNEL, TEXT_ARCH, TEXT_HOST,
						TEXT_EXECUTABLE };
	struct ev_marks *marks = steps(1, T0 + SECOND, 3);
	struct ev_calls c = calls(3);
	struct ev_wall w = wall(10 * SECOND);

	setup();
	put(note);
	free(note);
	EACH(texts, i)
	{
		what = text(texts[i], "x");
		put(what);
		free(what);
	}
	for (int cause = 0; cause < CAUSE_COUNT; cause++)
		waited(&t, cause, MS, 1);
	for (int row = 0; row < ROW_COUNT; row++)
		t.ledger.row_ns[row] = row < ROW_COUNT - 1 ? MS : (CAUSE_COUNT - row) * MS;
	t.ledger.switches = 1;
	t.ledger.longest_run_ns = MS;
	put(&t);
	put(marks);
	free(marks);
	put(&asks);
	s.what = USE_SIGNAL;
	put(&u);
	put(&s);
	put(&c);
	for (int row = 0; row < ROW_COUNT; row++)
		stood(&w, &w.sums.row_ns[row], MS);
	put(&w);
	w.sums.at += 2 * SECOND;
	w.sums.by_count[1] += SECOND;
	w.sums.by_count[2] += SECOND; /* so that there is something to say of more CPUs */
	w.sums.busy_ns += 3 * SECOND;
	analyse_idle(w, &(uint64_t){ MS });
}

Test(path, has_a_value, .init = setup_rich, .fini = teardown)
{
	static const char *const may_be_null[] = { "system.cpu_quota", "exit.signal",
						   "verdict.runner_up" };
	size_t n = 0;

	for (struct gate_path at = { .row = NULL }; gate_path_next(&at); n++) {
		struct gate_value v = gate_path_get(&at, f);
		char name[GATE_PATH_SIZE];
		bool null = false;

		gate_path_name(&at, name);
		EACH(may_be_null, i)
		null |= !strcmp(name, may_be_null[i]);
		if (strcmp(name, "verdict.parts"))
			cr_expect_neq(v.got, GOT_ABSENT, "%s is absent", name);
		cr_expect(null || v.got != GOT_NULL, "%s is null", name);
		if (v.got == GOT_VALUE)
			cr_expect_eq(gate_path_type(&at) == GATE_WORD, v.word != NULL, "%s", name);
	}
	cr_expect_gt(n, 200);
}

/* ... and can be written, found, and told. */
Test(path, can_be_named, .init = setup_rich, .fini = teardown)
{
	for (struct gate_path at = { .row = NULL }; gate_path_next(&at);) {
		char name[GATE_PATH_SIZE], text[GATE_PATH_SIZE + 10];
		struct gate_path found = { .row = NULL };

		gate_path_name(&at, name);
		cr_assert(gate_path_find(&found, name), "%s", name);
		cr_expect(found.row == at.row && found.key == at.key, "%s has two meanings", name);
		snprintf(text, sizeof(text), "%s != null", name);
		cr_expect_neq(judge(text)->holds, GATE_ERROR, "%s", text);
		cr_expect(*f->gates->measured, "%s", text);
	}
}

/* Nothing was measured at all: values, or absent, but no accident. */
Test(path, of_an_empty_report)
{
	m = model_builder_finish(model_builder_new());
	f = findings_new(m);
	for (struct gate_path at = { .row = NULL }; gate_path_next(&at);) {
		char name[GATE_PATH_SIZE], text[GATE_PATH_SIZE + 10];

		snprintf(text, sizeof(text), "%s == null", gate_path_name(&at, name));
		judge(text);
	}
	holds("exit.code == 0", GATE_ERROR);
	holds("ended_by == \"command\"", GATE_ERROR);
	holds("measurement.bpf_share_of_cpu < 5%", GATE_ERROR);
	holds("measurement.complete == false", GATE_YES);
	holds("wall.lock > 20%", GATE_NO);
	holds("wall > 0", GATE_NO);
	teardown();
}

Test(path, of_a_mixture, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, CAUSE_IO_DISK, SECOND / 2, 5);
	stood(&w, &w.sums.row_ns[ROW_IO], SECOND / 2);
	put(&t);
	analyse(w);
	cr_assert_eq(f->verdict.class, CLASS_MIXED);
	holds("verdict.parts == 2", GATE_YES);
	teardown();
}

Test(path, of_a_signal, .init = setup)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);
	struct ev_end e = end(139);

	put(&t);
	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	holds("exit.signal == 11", GATE_YES);
	holds("exit.code == 0", GATE_NO);
	holds("exit.code != 0", GATE_YES);
	holds("exit.code == null", GATE_YES);
	teardown();
}

/* --- what is told ---------------------------------------------------------------- */

Test(told, measured, .init = setup_report, .fini = teardown)
{
	static const struct {
		const char *text, *measured;
	} all[] = {
		{ "wall.io > 1%", "200 ms (20 % of the wall time)" },
		{ "wall > 1%", "1.000 s" },
		{ "totals.lifetime > 1s", "1.500 s (150 % of the wall time)" },
		{ "lifecycle.zombies > 0", "0" },
		{ "verdict.class == \"idle\"", "cpu-bound" },
		{ "exit.signal == 3", "null" },
		{ "calls.futex.waits > 1", "absent" },
		{ "measurement.complete == true", "true" },
		{ "measurement.collector_rss > 1MiB", "0 B" },
		{ "parallelism.mean > 1", "0.7" },
		{ "measurement.bpf_share_of_cpu > 1%", "0 %" },
		{ "wall.io > 1% and wall.io < 90%", "200 ms (20 % of the wall time)" },
		{ "wall.io > 1% or not (findings > 9 and wall.io < 1s)",
		  "wall.io 200 ms (20 % of the wall time), findings 1" },
	};

	EACH(all, i)
	cr_expect_str_eq(judge(all[i].text)->measured, all[i].measured, "%s: %s", all[i].text,
			 f->gates->measured);
	cr_expect_str_eq(judge("totals.blocked[\"io.tty\"] > 1s")->error,
			 "totals.blocked[\"io.tty\"] is absent in this run: nothing waited so");
}

Test(told, the_finding_that_explains_it, .init = setup_report, .fini = teardown)
{
	cr_expect_eq(judge("verdict.class == \"idle\"")->reason, f->list);
	cr_expect_eq(judge("wall.running > 20%")->reason, f->list);
	cr_expect_eq(judge("wall > 20s")->reason, f->list);
	cr_expect_eq(judge("findings[\"verdict.cpu\"] > 0")->reason, f->list);
	cr_expect_null(judge("findings[\"lifecycle.crash\"] > 0")->reason);
	cr_expect_null(judge("lifecycle.zombies > 0")->reason);
	cr_expect_null(judge("system.cpus > 0")->reason);
}
