// SPDX-License-Identifier: BSD-2-Clause
/*
 * A server that takes its time must not hold up the measurement: rules that come late, stacks that wait
 * for them, files that do not open. The worker here answers nothing until the test opens a gate.
 */
#include "sym/server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sym/credit.h"
#include "sym/sites.h"
#include "tests/unit/objects.h"

#define FOREVER 600000 /* ms: nothing here may take as long */

/* ---- a worker behind a gate ---- */

static char gate[PATH_MAX]; /* a FIFO: who opens it for reading waits until somebody writes */

static void answer(int socket, const struct request *r)
{
	struct answer answer = { .error = 0 };
	size_t size = sizeof(answer.rule);

	if (r->kind == REQUEST_IMAGE) {
		answer.address = r->offsets[0];
		size = sizeof(answer.address);
	} else {
		answer.rule.cfa.kind = UNWIND_REG;
		answer.rule.cfa.offset = (int32_t)r->offsets[0];
		answer.rule.regs[UNWIND_PC].kind = UNWIND_UNDEFINED; /* of the outermost function */
	}
	if (wire_send(socket, &answer, HEAD_SIZE(struct answer, rule) + size, -1))
		_exit(1);
}

static void serve_names(int socket, const struct request *r)
{
	struct answer answer = { .n = 1 };

	snprintf(answer.frames[0].function, SYM_NAME_SIZE, "named");
	for (uint32_t i = 0; i < r->n; i++) {
		if (wire_send(socket, &answer,
			      HEAD_SIZE(struct answer, rule) + sizeof(*answer.frames), -1))
			_exit(1);
	}
}

static void serve_behind_gate(struct objects *objects, int socket)
{
	static struct request r;
	bool is_open = false;
	ssize_t n;
	int fd;

	while ((n = wire_receive(socket, &r, sizeof(r), &fd)) > 0) {
		if (r.kind == REQUEST_ADD) {
			objects_add(objects, &r, (size_t)n, fd);
			continue;
		}
		if (!is_open)
			close(open(gate, O_RDONLY));
		is_open = true;
		if (r.kind == REQUEST_NAMES)
			serve_names(socket, &r);
		else
			answer(socket, &r);
	}
}

static struct sym *begin_behind_gate(void)
{
	struct sym_opts opts = { .debuginfod = false };
	struct err err = { "" };
	struct sym *s = NULL;

	objects_begin();
	snprintf(gate, sizeof(gate), "%s", object_path("gate"));
	cr_assert_eq(mkfifo(gate, 0600), 0);
	cr_assert_eq(client_start(&s, &opts, serve_behind_gate, FOREVER, &err), 0, "%s", err.text);
	return s;
}

static void open_gate(void)
{
	close(open(gate, O_WRONLY));
}

static void end(struct sym *s)
{
	sym_stop(s);
	objects_end();
}

static uint32_t add(struct sym *s)
{
	uint32_t object;

	cr_assert_eq(sym_add(s, -1, "x", &object), 0);
	return object;
}

Test(sym_late, rule_that_is_not_there_is_not_waited_for)
{
	struct sym *s = begin_behind_gate();
	uint32_t first = add(s), second = add(s);
	struct unwind_rule rule;

	cr_assert_eq(sym_rule_within(s, first, 5, 0, &rule), -EAGAIN);
	cr_assert_eq(sym_rule_within(s, first, 5, 1, &rule), -EAGAIN);
	cr_assert_eq(sym_rule_within(s, second, 6, 0, &rule), -EAGAIN, "one after another");
	cr_assert_eq(sym_open(s, &(struct sym_file){ 0 }, SYM_VDSO, false, &second), -EAGAIN);
	open_gate();
	cr_assert_eq(sym_rule_within(s, second, 6, FOREVER, &rule), 0);
	cr_assert_eq(rule.cfa.offset, 6);
	/* it came, and was kept */
	cr_assert_eq(sym_rule_within(s, first, 5, 0, &rule), 0);
	cr_assert_eq(rule.cfa.offset, 5);
	end(s);
}

Test(sym_late, answer_is_not_taken_for_another_one)
{
	struct sym *s = begin_behind_gate();
	uint32_t object = add(s);
	struct unwind_rule rule;
	uint64_t address = 0;

	cr_assert_eq(sym_rule_within(s, object, 5, 0, &rule), -EAGAIN);
	open_gate();
	cr_assert_eq(sym_image(s, object, 77, false, &address), 0);
	cr_assert_eq(address, 77);
	cr_assert_eq(sym_rule(s, object, 5, &rule), 0);
	cr_assert_eq(rule.cfa.offset, 5);
	end(s);
}

Test(sym_late, what_waits_is_canceled)
{
	struct sym *s = begin_behind_gate();
	uint32_t object = add(s), other;
	uint64_t offset = 5;
	struct unwind_rule rule;
	int fd = eventfd(1, EFD_CLOEXEC);

	cr_assert_eq(sym_rule_within(s, object, 5, 0, &rule), -EAGAIN);
	sym_cancel_by(s, fd);
	cr_assert_eq(sym_rule(s, object, 5, &rule), -ECANCELED);
	cr_assert_eq(sym_names(s, object, &offset, 1, NULL, NULL), -ECANCELED);
	cr_assert_eq(sym_add(s, -1, "x", &other), -ECANCELED);
	close(fd);
	end(s);
}

/* ---- files ---- */

static struct sym_file file_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return (struct sym_file){ st.st_ino, major(st.st_dev), minor(st.st_dev), (uint32_t)getpid(),
				  0 };
}

static const char *own_path(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	cr_assert_gt(n, 0);
	path[n] = '\0';
	return path;
}

Test(sym_open, the_file_that_was_mapped)
{
	struct sym_file file = file_of(own_path());
	struct sym *s = server();
	uint32_t object;
	uint64_t address;

	cr_assert_eq(sym_open(s, &file, own_path(), true, &object), 0);
	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	file.minor += 7; /* as on btrfs: mapped by another number */
	cr_assert_eq(sym_open(s, &file, own_path(), true, &object), 0);
	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	file.inode++;
	cr_assert_eq(sym_open(s, &file, own_path(), true, &object), -ESTALE);
	cr_assert_eq(sym_open(s, &file, "/no/such/file", true, &object), -ENOENT);
	cr_assert_eq(sym_open(s, &file, "relative", true, &object), -ENOENT);
	/* only a regular file is opened: who opens these waits, or does something */
	cr_assert_eq(sym_open(s, &(struct sym_file){ .inode = 1 }, "/dev/null", true, &object),
		     -ESTALE);
	sym_stop(s);
}

/* ---- stacks ---- */

static struct event_log {
	uint32_t stacks, sites, lost;
	uint32_t depth[600]; /* of each stack */
} seen;

static int look(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->kind == EV_STACK)
		seen.depth[seen.stacks++] = ((const struct ev_stack *)ev)->n;
	else if (ev->kind == EV_SITE)
		seen.sites++;
	else if (ev->kind == EV_LOSS && ((const struct ev_loss *)ev)->what == LOSS_STACKS)
		seen.lost += (uint32_t)((const struct ev_loss *)ev)->count;
	return 0;
}

static void no_progress(void *ctx, size_t done, size_t all)
{
	(void)ctx;
	(void)done;
	(void)all;
}

static void map_file(const struct code_sink *sink, uint32_t pid, const char *path,
		     const struct sym_file *f)
{
	struct mapping m = { .what = MAPPING_FILE,
			     .at = 1,
			     .pid = pid,
			     .start = 0x1000,
			     .end = 0x100000,
			     .offset = 0x1000,
			     .major = f->major,
			     .minor = f->minor,
			     .inode = f->inode,
			     .path = path };

	cr_assert_eq(sink->mapping(sink->ctx, &m), 0);
}

/* Found computing at an address. */
static void compute_at(const struct code_sink *sink, uint32_t pid, uint64_t address)
{
	struct code_stack raw = {
		.what = CODE_CPU, .weight = 1, .at = 2, .pid = pid, .thread_id = pid, .n_bytes = 64
	};

#if defined(__x86_64__)
	raw.regs[16] = address;
#else
	raw.regs[32] = address;
#endif
	cr_assert_eq(sink->stack(sink->ctx, &raw), 0);
}

#define MORE 10

/* More than there is room for, while the server does not answer; and none of it takes any time. */
Test(sym_late, stacks_are_kept_until_their_rules_are_there)
{
	struct sym *s = begin_behind_gate();
	struct sites *sites = sites_new(s, "/nonexistent");
	struct code_sink sink = sites_sink(sites);
	struct sym_file file = file_of(own_path());

	memset(&seen, 0, sizeof(seen));
	sites_follow(sites, 1);
	map_file(&sink, 1, own_path(), &file);
	for (uint64_t i = 0; i < 256 + MORE; i++)
		compute_at(&sink, 1, 0x2000 + 16 * i);
	/* what the process maps now was not there then, and it may even end */
	map_file(&sink, 1, "//anon", &(struct sym_file){ .inode = 1 });
	sites_event(sites, &(struct ev_thread){ .head = { EV_THREAD, sizeof(struct ev_thread) },
						.pid = 1,
						.flags = THREAD_GROUP_DEAD | THREAD_ENDED }
				    .head);
	sink.settled(sink.ctx);
	open_gate();
	cr_assert_eq(sites_finish(sites, look, no_progress, NULL), 0);
	cr_expect_eq(seen.lost, MORE);
	cr_expect_eq(seen.sites, 256);
	for (uint32_t i = 0, whole = 0; i < seen.stacks; i++) {
		whole += seen.depth[i] == 1;
		cr_expect(i + 1 < seen.stacks || whole >= 256, "%u of %u", whole, seen.stacks);
	}
	sites_free(sites);
	end(s);
}

/* The same, when a signal ends the waiting: they are lost, and that is said. */
Test(sym_late, stacks_whose_rules_never_come_are_lost)
{
	struct sym *s = begin_behind_gate();
	struct sites *sites = sites_new(s, "/nonexistent");
	struct code_sink sink = sites_sink(sites);
	struct sym_file file = file_of(own_path());
	int fd = eventfd(1, EFD_CLOEXEC);

	memset(&seen, 0, sizeof(seen));
	sites_follow(sites, 1);
	map_file(&sink, 1, own_path(), &file);
	for (uint64_t i = 0; i < 5; i++)
		compute_at(&sink, 1, 0x2000 + 16 * i);
	sym_cancel_by(s, fd);
	cr_assert_eq(sites_finish(sites, look, no_progress, NULL), 0);
	cr_expect_eq(seen.lost, 5);
	cr_expect_eq(seen.sites, 5);
	sites_free(sites);
	close(fd);
	end(s);
}

/* ---- files again ---- */

static bool is_named;

static int look_for_name(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->kind == EV_FRAME)
		is_named |= !strcmp(((const struct ev_frame *)ev)->text, "named");
	return 0;
}

/* Whether a file gets its names that comes back when the last of so many processes has mapped it. */
static bool is_found_again(uint32_t processes)
{
	struct sym *s = begin_behind_gate();
	struct sites *sites = sites_new(s, "/nonexistent");
	struct code_sink sink = sites_sink(sites);
	char path[PATH_MAX], away[PATH_MAX];
	struct sym_file file;
	int held = open(gate, O_RDWR); /* the gate stands open */

	snprintf(path, sizeof(path), "%s", object_path("program"));
	snprintf(away, sizeof(away), "%s", object_path("away"));
	cr_assert(shell("cp /bin/true %s", path));
	file = file_of(path);
	cr_assert_eq(rename(path, away), 0);
	is_named = false;
	for (uint32_t pid = 1; pid <= processes; pid++) {
		sites_follow(sites, pid);
		map_file(&sink, pid, path, &file);
		if (pid == processes)
			cr_assert_eq(rename(away, path), 0);
		compute_at(&sink, pid, 0x2000);
	}
	cr_assert_eq(sites_finish(sites, look_for_name, no_progress, NULL), 0);
	sites_free(sites);
	close(held);
	end(s);
	return is_named;
}

Test(sym_open, is_tried_again_for_another_process)
{
	cr_expect(is_found_again(1));
	cr_expect(is_found_again(2));
	cr_expect_not(is_found_again(6), "for a few only");
}

/* ---- how long may be waited ---- */

#define MS 1000000ll

Test(credit, some_to_begin_with_and_then_a_share)
{
	struct credit c = { 0 };
	uint64_t now = 1ull << 60;

	cr_expect_eq(credit_left(&c, now), CREDIT_NS);
	credit_spend(&c, CREDIT_NS);
	cr_expect_eq(credit_left(&c, now), 0);
	credit_spend(&c, 50 * MS); /* it is overdrawn */
	cr_expect_eq(credit_left(&c, now), -50 * MS);
	cr_expect_eq(credit_left(&c, now += 500 * MS), 0);
	cr_expect_eq(credit_left(&c, now += 1000 * MS), 100 * MS);
	cr_expect_eq(credit_left(&c, now += 3600000 * MS), CREDIT_NS);
	cr_expect_eq(credit_left(&c, now += 10 * MS), CREDIT_NS);
}
