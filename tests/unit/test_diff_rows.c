// SPDX-License-Identifier: BSD-2-Clause
/* Comparisons: the quantities, and by which names runs are compared. */
#include "diff.h"

#include "analysis/commands.h"
#include "random.h"

static const struct diff_row *of_family(const struct diff *d, const char *family, const char *name)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		if (!strcmp(d->rows[i].family->name, family) && !strcmp(d->rows[i].name, name))
			return &d->rows[i];
	}
	return NULL;
}

static size_t count(const struct diff *d, const char *family)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_rows; i++)
		n += !strcmp(d->rows[i].family->name, family);
	return n;
}

/* --- names of commands --------------------------------------------------------------------- */

static void named(enum command_detail detail, const char *wanted, size_t n,
		  const char *const args[])
{
	struct process p = { .args = args, .n_args = n, .comm = "comm" };
	char *name = command_name(&p, detail);

	cr_expect_str_eq(name, wanted);
	free(name);
}

#define NAMED(detail, wanted, ...)                                                                 \
	do {                                                                                       \
		static const char *const args[] = { __VA_ARGS__ };                                 \
		named(detail, wanted, sizeof(args) / sizeof(*args), args);                         \
	} while (0)

Test(command, names)
{
	NAMED(COMMAND_FULL, "cc1 -o /tmp/ccX1.s a.c", "/usr/lib/cc1", "-o", "/tmp/ccX1.s", "a.c");
	NAMED(COMMAND_LOOSE, "cc1 -o /tmp/*.s a.c", "/usr/lib/cc1", "-o", "/tmp/ccX1.s", "a.c");
	NAMED(COMMAND_LOOSE, "cc1 -o/tmp/*.s a.c", "cc1", "-o/tmp/ccX1.s", "a.c");
	NAMED(COMMAND_LOOSE, "t --x=/var/tmp/*/b.c,/tmp/*", "t", "--x=/var/tmp/q.1/b.c,/tmp/y");
	NAMED(COMMAND_LOOSE, "kill -9 *", "kill", "-9", "12345");
	NAMED(COMMAND_LOOSE, "x /proc/*/fd v12 p*", "x", "/proc/777/fd", "v12", "p8080");
	NAMED(COMMAND_LOOSE, "x /tmp/*", "x", "/tmp/");
	NAMED(COMMAND_PROGRAM, "cc1" COMMAND_OTHERS, "/usr/lib/cc1", "-o", "/tmp/ccX1.s");
	NAMED(COMMAND_FULL, "", "");
	NAMED(COMMAND_FULL, "/", "/");
	named(COMMAND_FULL, "comm", 0, NULL);
}

Test(command, is_bounded)
{
	char word[5000], *name;
	const char *args[] = { word, word };
	struct process p = { .args = args, .n_args = 2 };

	memset(word, '7', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	name = command_name(&p, COMMAND_FULL);
	cr_expect_eq(strlen(name), COMMAND_MAX);
	free(name);
	name = command_name(&p, COMMAND_LOOSE);
	cr_expect_leq(strlen(name), COMMAND_MAX);
	free(name);
}

Test(command, brief)
{
	static const struct {
		const char *name, *first, *last, *brief;
	} all[] = {
		{ "cc1 -q a.c", "cc1 -q a.c", "cc1 -q b.c", "cc1 … a.c" },
		{ "cc1 -q", "cc1 -q", "cc1 -q b.c", "cc1 -q" },
		{ "cc1 -q ab.c", "cc1 -q aa.c", "cc1 -q ab.c", "cc1 … ab.c" },
		{ "cc1 x", "cc1 x", "cc1 y", "cc1 x" },
		{ "cc1", "cc1", "cc1 y", "cc1" },
		{ "cc1 (z)", "cc1 -q a", "cc1 -q b", "cc1 (z)" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char *brief = command_brief(all[i].name, all[i].first, all[i].last);

		cr_expect_str_eq(brief, all[i].brief);
		free(brief);
	}
}

/* --- rows ------------------------------------------------------------------------------------- */

static unsigned int slow_ms = 200; /* what the second compilation takes */

static void put(struct model_builder *b, const void *event)
{
	cr_assert_eq(model_builder_event(b, event), 0);
}

static void put_process(struct model_builder *b, uint64_t id, const char *path, const char *args,
			uint64_t ns)
{
	struct ev_exec e = exec(0, id, id, path, args);
	struct ev_thread t = thread(id, COMMAND_ID, 0, 0, ns);

	snprintf(t.comm, sizeof(t.comm), "%s", e.comm);
	put(b, &e);
	put(b, &t);
}

/* A compiler twice, with temporary files; a tool of which there are many; and a server. */
static void build(struct model_builder *b)
{
	struct ev_peer p = peer(7, 300 * MS, 3);
	char args[200];

	snprintf(args, sizeof(args), "cc1 a.c -o /tmp/cc%04zu.s", n_runs);
	put_process(b, 102, "/usr/cc1", args, 300 * MS);
	snprintf(args, sizeof(args), "cc1 b.c -o /tmp/cc%04zu.s", n_runs + 50);
	put_process(b, 103, "/usr/cc1", args, slow_ms * MS);
	for (unsigned int i = 0; i < 60; i++) {
		snprintf(args, sizeof(args), "tool f%u", i);
		put_process(b, 104 + i, "/usr/tool", args, 20 * MS);
	}
	p.key.port = 30000 + n_runs;
	put(b, &p);
}

Test(rows, commands_and_servers, .fini = forget)
{
	struct diff *d;

	more = build;
	slow_ms = 200;
	for (unsigned int i = 0; i < 8; i++) {
		slow_ms = i < 4 ? 200 : 400;
		run_of(SECOND + i % 4 * MS, 0, 4);
	}
	d = compare(4);
	cr_assert(of_family(d, "commands", "cc1 b.c -o /tmp/*.s")->is_change);
	cr_assert_not(of_family(d, "commands", "cc1 a.c -o /tmp/*.s")->is_change);
	cr_assert_str_eq(of_family(d, "commands", "cc1 a.c -o /tmp/*.s")->brief,
			 "cc1 a.c -o /tmp/*.s");
	cr_assert(of_family(d, "programs", "cc1")->is_change);
	cr_assert_not(of_family(d, "programs", "tool")->is_change);
	cr_assert_eq(count(d, "commands"), 40);
	cr_assert_eq(d->omitted, 22, "%zu", d->omitted);
	cr_assert_not(of_family(d, "servers", "127.0.0.1:*")->is_change);
	cr_assert_float_eq(of_family(d, "servers", "127.0.0.1:*")->base.mean, 300.0 * MS, 1);
	diff_free(d);
}

static void waits_for_files(struct model_builder *b)
{
	for (__u32 i = 1; i <= 3; i++) {
		struct ev_io wait = io(i, CAUSE_IO_DISK, 5, (i == 1 ? 100 : slow_ms) * MS);
		struct ev_target *t;
		char path[64];

		snprintf(path, sizeof(path), i < 3 ? "/srv/%u.db" : "/tmp/run%u/%06zu.log", i,
			 n_runs);
		t = target_event(i, TARGET_FILE, path);
		put(b, t);
		put(b, &wait);
		free(t);
	}
}

Test(rows, files, .fini = forget)
{
	struct diff *d;

	more = waits_for_files;
	for (unsigned int i = 0; i < 8; i++) {
		slow_ms = i < 4 ? 200 : 400;
		run_of(SECOND + i % 4 * MS, 0, 4);
	}
	d = compare(4);
	cr_assert(of_family(d, "files", "/srv/2.db")->is_change);
	cr_assert_not(of_family(d, "files", "/srv/1.db")->is_change);
	cr_assert(of_family(d, "files", "/tmp/*/*.log")->is_change);
	diff_free(d);
}

/* Locks of one name are one; a thread's end is none. */
static void waits_for_locks(struct model_builder *b)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct ev_lock l =
			lock_at(64 + i, i < 2 ? LOCK_HINT_WORD : LOCK_HINT_JOIN, 80 * MS);
		struct ev_lock_waiter w =
			lock_waiter(64 + i, 1, i < 2 ? CAUSE_LOCK_MUTEX : CAUSE_SYNC_JOIN, 5,
				    (i ? slow_ms : 100) * MS);
		struct ev_word *name =
			word_name(64 + i, i < 2 ? "slots[].lock" : "thread", "", "x");

		put(b, &l);
		put(b, &w);
		put(b, name);
		free(name);
	}
}

Test(rows, locks, .fini = forget)
{
	struct diff *d;

	more = waits_for_locks;
	for (unsigned int i = 0; i < 8; i++) {
		slow_ms = i < 4 ? 50 : 90;
		run_of(SECOND + i % 4 * MS, 0, 4);
	}
	d = compare(4);
	cr_assert(of_family(d, "locks", "slots[].lock")->is_change);
	cr_assert_float_eq(of_family(d, "locks", "slots[].lock")->base.mean, 150.0 * MS, 1);
	cr_assert_float_eq(of_family(d, "locks", "slots[].lock")->head.mean, 190.0 * MS, 1);
	cr_assert_eq(count(d, "locks"), 1);
	diff_free(d);
}

/* A program with one command line is its program. */
static void one_tool(struct model_builder *b)
{
	put_process(b, 102, "/usr/tool", "tool f", 300 * MS);
}

Test(rows, a_lone_command, .fini = forget)
{
	struct diff *d;

	more = one_tool;
	for (unsigned int i = 0; i < 8; i++)
		run_of(SECOND, 0, 4);
	d = compare(4);
	cr_assert(of_family(d, "programs", "tool"));
	cr_assert_eq(count(d, "commands"), 0);
	diff_free(d);
}

Test(rows, verdicts, .fini = forget)
{
	struct diff *d;

	for (unsigned int i = 0; i < 8; i++)
		run_of(SECOND, 0, 4);
	d = compare(4);
	cr_assert_eq(count(d, "verdicts"), 0, "of what is always the same nothing is said");
	diff_free(d);
	for (unsigned int i = 4; i < 8; i++)
		findings[i]->verdict.class = CLASS_IDLE;
	d = compare(4);
	cr_assert_eq(d->verdicts[0][CLASS_CPU_BOUND], 4);
	cr_assert_eq(d->verdicts[1][CLASS_IDLE], 4);
	cr_assert(of_family(d, "verdicts", "idle")->is_change);
	cr_assert(of_family(d, "verdicts", "cpu-bound")->is_change);
	cr_assert_not(d->rows[0].is_change);
	diff_free(d);
}

/* --- the test is one ---------------------------------------------------------------------------- */

static struct rng state;

/* Something of all that is compared, by chance. */
static void any(struct model_builder *b)
{
	struct ev_peer p = peer(7, rng_below(&state, 30) * MS, 3);
	char args[200];

	for (uint64_t i = 0; i < 3; i++) {
		snprintf(args, sizeof(args), "cc1 f%u -o /tmp/cc%u.s",
			 (unsigned int)rng_below(&state, 4), (unsigned int)rng_below(&state, 5));
		put_process(b, 102 + i, "/usr/cc1", args, rng_below(&state, 200) * MS);
	}
	p.key.port = 30000 + rng_below(&state, 3);
	put(b, &p);
}

static bool has_change(const struct diff *d)
{
	bool ret = false;

	for (size_t i = 0; i < d->n_rows; i++)
		ret |= d->rows[i].is_change;
	return ret;
}

/* Of the 35 ways to divide any 8 runs into two groups of 4, no more than one is called a change:
 * 2 of 70. That is no matter of luck, if what is compared does not depend on the division. */
Test(test, holds_its_level_for_any_runs, .fini = forget)
{
	const struct findings *all[8], *one[8];
	unsigned int some = 0;

	state = rng_seed(11);
	for (unsigned int k = 0; k < 12; k++) {
		unsigned int alarms = 0;

		more = any;
		for (unsigned int i = 0; i < 8; i++)
			run_of(SECOND + rng_below(&state, 200) * MS,
			       rng_one_in(&state, 2) ? 0 : rng_below(&state, 900) * MS, 4);
		memcpy(all, findings, sizeof(all));
		for (unsigned int set = 0; set < 256; set++) {
			size_t n[2] = { 0 };
			struct diff *d;

			if (__builtin_popcount(set) != 4 || !(set & 1))
				continue;
			for (unsigned int i = 0; i < 8; i++) {
				bool head = set >> i & 1;

				one[head * 4 + n[head]++] = all[i];
			}
			d = diff_new(one, 4, one + 4, 4, NULL);
			alarms += has_change(d);
			diff_free(d);
		}
		cr_expect_leq(alarms, 1, "%u of 35", alarms);
		some += alarms;
		forget();
	}
	cr_expect_gt(some, 0, "a test that never errs tests nothing");
}
