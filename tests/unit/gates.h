/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A report, and conditions on it. */
#include "findings.h"

#include "analysis/gate.h"
#include "analysis/gate_paths.h"

static struct gates g;

/* A second: 700 ms of computing, 200 ms of a disk, 100 ms of a mutex; two processes. The mutex is
 * two of one name. */
static inline void setup_report(void)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND), child = thread(2, 1, 0, 0, SECOND / 2);
	struct ev_wall w = wall(SECOND);

	setup();
	waited(&t, CAUSE_IO_DISK, 200 * MS, 5);
	waited(&t, CAUSE_LOCK_MUTEX, 100 * MS, 7);
	put(&t);
	put(&child);
	for (unsigned int i = 0; i < 2; i++) {
		struct ev_lock l = lock_at(64 + i, LOCK_HINT_WORD, 40 * MS);
		struct ev_lock_waiter lw =
			lock_waiter(64 + i, 1, CAUSE_LOCK_MUTEX, 3 + i, (60 - 20 * i) * MS);
		struct ev_word *name = word_name(64 + i, "slots[].lock", "", "/bin/prog");

		put(&l);
		put(&lw);
		put(name);
		free(name);
	}
	stood(&w, &w.sums.row_ns[ROW_IO], 200 * MS);
	stood(&w, &w.sums.row_ns[ROW_LOCK], 100 * MS);
	analyse(w);
}

static inline const struct gate_result *judge(const char *text)
{
	struct err err = { "" };

	for (size_t i = 0; i < f->n_gates; i++) {
		free(f->gates[i].expression);
		free(f->gates[i].measured);
		free(f->gates[i].error);
	}
	free(f->gates);
	memset(&g, 0, sizeof(g));
	cr_assert_eq(gates_add(&g, text, &err), 0, "%s: %s", text, err.text);
	gates_judge(&g, f);
	cr_assert_eq(f->n_gates, 1);
	cr_assert_str_eq(f->gates->expression, text);
	cr_assert_eq(f->gates->holds == GATE_ERROR, f->gates->error != NULL, "%s", text);
	return f->gates;
}

static inline void holds(const char *text, enum gate_holds wanted)
{
	cr_expect_eq(judge(text)->holds, wanted, "%s: %d", text, f->gates->holds);
}

#define EACH(list, i) for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)
