// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server around the reading of objects: what it may do, what it survives, and what is believed of
 * it. Most of these tests have a worker of their own, which misbehaves on purpose.
 */
#include "sym/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/objects.h"

#define PATIENCE 300 /* ms; only tests of a worker that says nothing at all wait for it */

static struct sym *begin(worker_fn worker)
{
	struct sym_opts opts = { .debuginfod = false };
	struct err err = { "" };
	struct sym *s = NULL;

	cr_assert_eq(client_start(&s, &opts, worker, PATIENCE, &err), 0, "%s", err.text);
	return s;
}

/* An object that a made-up worker knows only by its path. */
static uint32_t add(struct sym *s, const char *path)
{
	uint32_t object;

	cr_assert_eq(sym_add(s, -1, path, &object), 0);
	return object;
}

/* ---- workers: the path of the object says what is to be done ---- */

struct reply {
	struct answer answer;
	size_t size;
};

static void send_reply(int socket, const struct reply *r)
{
	if (wire_send(socket, &r->answer, r->size, -1))
		_exit(1);
}

static void reply_address(int socket, uint64_t address)
{
	struct reply r = { .answer.address = address, .size = 16 };

	send_reply(socket, &r);
}

static void misbehave(const struct object *o, const struct request *request, int socket)
{
	struct reply r = { .size = HEAD_SIZE(struct answer, rule) };

	if (!strcmp(o->path, "crashes"))
		raise(SIGSEGV);
	if (!strcmp(o->path, "crashes with debug information") && o->level == OBJECT_FULL)
		abort();
	if (!strcmp(o->path, "runs on"))
		raise(SIGPROF);
	if (!strcmp(o->path, "hangs"))
		raise(SIGSTOP);
	if (!strcmp(o->path, "leaves"))
		_exit(0);
	if (!strcmp(o->path, "is short"))
		r.size = 3;
	if (!strcmp(o->path, "is long"))
		r.size = sizeof(r.answer);
	if (!strcmp(o->path, "lies"))
		r.answer.error = 77;
	if (strcmp(o->path, "is well"))
		send_reply(socket, &r);
	else
		reply_address(socket, request->offsets[0] + 1);
}

static void serve_badly(struct objects *objects, int socket)
{
	static struct request r;
	ssize_t n;
	int fd;

	signal(SIGSEGV, SIG_DFL);
	while ((n = wire_receive(socket, &r, sizeof(r), &fd)) > 0) {
		if (r.kind == REQUEST_ADD)
			objects_add(objects, &r, (size_t)n, fd);
		else
			misbehave(&objects->v.items[r.object], &r, socket);
	}
}

static void is_well(struct sym *s, uint32_t object)
{
	uint64_t address;

	cr_assert_eq(sym_image(s, object, 41, false, &address), 0);
	cr_assert_eq(address, 42);
}

static void check_refused(const char *path, int error)
{
	struct sym *s = begin(serve_badly);
	uint32_t before = add(s, "is well"), bad = add(s, path), after = add(s, "is well");
	struct unwind_rule rule;
	uint64_t address;

	cr_assert_eq(sym_image(s, bad, 0, false, &address), error, "%s", path);
	is_well(s, before);
	is_well(s, after);
	/* and from then on without asking */
	cr_assert_eq(sym_image(s, bad, 0, false, &address), error);
	cr_assert_eq(sym_rule(s, bad, 0, &rule), error);
	is_well(s, add(s, "is well"));
	sym_stop(s);
}

Test(sym_server, object_that_ends_its_worker_is_refused)
{
	check_refused("crashes", -EIO);
	check_refused("leaves", -EIO);
}

Test(sym_server, object_that_takes_too_long_is_refused)
{
	check_refused("runs on", -ETIMEDOUT);
	check_refused("hangs", -ETIMEDOUT);
}

Test(sym_server, answer_of_a_wrong_shape_is_not_believed)
{
	check_refused("is short", -EIO);
	check_refused("is long", -EIO);
	check_refused("lies", -EIO);
}

Test(sym_server, debug_information_is_given_up_first)
{
	struct sym *s = begin(serve_badly);
	uint32_t object = add(s, "crashes with debug information");
	uint64_t address;

	/* the second worker answers, though with nothing in it */
	cr_assert_eq(sym_image(s, object, 0, false, &address), -EIO);
	is_well(s, add(s, "is well"));
	sym_stop(s);
}

/* ---- names from a worker that has been taken over ---- */

static void serve_wild_names(struct objects *objects, int socket)
{
	static struct request r;
	static struct reply reply;

	(void)objects;
	while (wire_receive(socket, &r, sizeof(r), NULL) > 0) {
		if (r.kind != REQUEST_NAMES)
			continue;
		memset(&reply.answer, 0xff, sizeof(reply.answer));
		reply.answer.error = 0;
		reply.answer.n = SYM_DEPTH;
		reply.size = sizeof(reply.answer);
		for (uint32_t i = 0; i < r.n; i++)
			send_reply(socket, &reply);
	}
}

static int check_text(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	(void)index;
	for (size_t i = 0; i < n; i++) {
		cr_assert_lt(strlen(frames[i].function), SYM_NAME_SIZE);
		cr_assert_lt(strlen(frames[i].file), SYM_FILE_SIZE);
		cr_assert_eq(strspn(frames[i].function, "?"), strlen(frames[i].function));
	}
	++*(size_t *)ctx;
	return 0;
}

Test(sym_server, names_are_made_valid)
{
	struct sym *s = begin(serve_wild_names);
	static uint64_t offsets[NAMES_MAX + 3];
	size_t n = 0;

	cr_assert_eq(sym_names(s, add(s, "x"), offsets, NAMES_MAX + 3, check_text, &n), 0);
	cr_assert_eq(n, NAMES_MAX + 3);
	sym_stop(s);
}

static int enough(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	(void)frames;
	(void)n;
	++*(size_t *)ctx;
	return index == 4 ? 1234 : 0; /* equal offsets keep their order */
}

Test(sym_server, names_end_when_the_caller_has_enough)
{
	struct sym *s = begin(serve_wild_names);
	uint32_t object = add(s, "x");
	uint64_t offsets[20] = { 0 };
	size_t n = 0;

	cr_assert_eq(sym_names(s, object, offsets, 20, enough, &n), 1234);
	cr_assert_eq(n, 5);
	n = 0;
	cr_assert_eq(sym_names(s, object, offsets, 3, enough, &n), 0);
	cr_assert_eq(n, 3);
	sym_stop(s);
}

static void serve_wild_rules(struct objects *objects, int socket)
{
	static struct request r;
	static struct reply reply;

	(void)objects;
	memset(&reply.answer, 0xff, sizeof(reply.answer));
	reply.answer.error = 0;
	reply.size = HEAD_SIZE(struct answer, rule) + sizeof(reply.answer.rule);
	while (wire_receive(socket, &r, sizeof(r), NULL) > 0) {
		if (r.kind == REQUEST_RULE)
			send_reply(socket, &reply);
	}
}

Test(sym_server, impossible_rules_are_refused)
{
	struct sym *s = begin(serve_wild_rules);
	struct unwind_rule rule;

	cr_assert_eq(sym_rule(s, add(s, "x"), 0, &rule), -EIO);
	sym_stop(s);
}

/* ---- what a worker may do ---- */

/* But what the openers of root may be given. */
static bool holds_nothing(bool may_open)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set, any = CAP_CLEAR;

	for (cap_value_t value = 0; value < cap_max_bits(); value++) {
		for (cap_flag_t flag = CAP_EFFECTIVE; flag <= CAP_INHERITABLE; flag++) {
			if (may_open && flag == CAP_PERMITTED && value == CAP_DAC_READ_SEARCH)
				continue;
			if (!cap_get_flag(caps, value, flag, &set))
				any |= set;
		}
	}
	cap_free(caps);
	return any == CAP_CLEAR;
}

static bool has_no_capability(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long set, all = 0;
	char line[256];
	int n = 0;

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "Cap%*3s: %llx", &set) == 1 && strncmp(line, "CapBnd", 6)) {
			all |= set;
			n++;
		}
	}
	if (status)
		fclose(status);
	return n == 4 && !all;
}

/* The first thing that is not as it should be; 0: all is. */
static uint64_t wrong_with_me(int socket)
{
	struct rlimit core = { 1, 1 };

	if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &core) >= 0)
		return 1; /* limits are no longer its to change, or even to see */
	if (open("/tmp/concprof-may-not-be", O_WRONLY | O_CREAT, 0600) >= 0 ||
	    open("/dev/null", O_WRONLY) >= 0)
		return 2;
	if (execl("/bin/true", "true", NULL) != -1 || fork() >= 0)
		return 3;
	if (syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0 || kill(getppid(), 0) >= 0)
		return 4;
	if (close(open("/proc/self/exe", O_RDONLY)))
		return 5;
	/* nothing but its socket: 0 to 2 are /dev/null */
	for (int fd = 3; fd < 256; fd++) {
		if (fd != socket && fcntl(fd, F_GETFD) >= 0)
			return 6;
	}
	return has_no_capability() ? 0 : 7;
}

static void serve_what_is_wrong(struct objects *objects, int socket)
{
	static struct request r;

	(void)objects;
	while (wire_receive(socket, &r, sizeof(r), NULL) > 0) {
		if (r.kind == REQUEST_IMAGE)
			reply_address(socket, wrong_with_me(socket));
	}
}

Test(sym_server, worker_may_only_read)
{
	struct sym *s = begin(serve_what_is_wrong);
	uint64_t wrong = 99;

	cr_assert_eq(sym_image(s, add(s, "x"), 0, false, &wrong), 0);
	cr_assert_eq(wrong, 0, "%lu", (unsigned long)wrong);
	sym_stop(s);
}

/* In a process of its own: sandbox_keeper() is for good. */
static int what_a_keeper_holds(const struct sym_opts *opts)
{
	struct rlimit core;

	if (sandbox_keeper(opts) || !holds_nothing(!opts->change_user && !getuid()))
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max)
		return 3;
	return opts->change_user && (getuid() != 65534 || getgid() != 65534 || !setuid(0)) ? 4 : 0;
}

Test(sym_server, keeper_gives_up_what_it_holds)
{
	for (int change = 0; change <= !getuid(); change++) {
		struct sym_opts opts = { .change_user = change, .uid = 65534, .gid = 65534 };
		int pid = fork(), status;

		if (!pid)
			_exit(what_a_keeper_holds(&opts));
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "%x", status);
	}
}

static void serve_memory(struct objects *objects, int socket)
{
	static struct request r;

	(void)objects;
	while (wire_receive(socket, &r, sizeof(r), NULL) > 0) {
		if (r.kind == REQUEST_IMAGE)
			reply_address(socket,
				      mmap(NULL, r.offsets[0], PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	}
}

Test(sym_server, worker_has_a_bound_of_memory)
{
	struct sym *s = begin(serve_memory);
	uint32_t object = add(s, "x");
	uint64_t failed = 9;

	cr_assert_eq(sym_image(s, object, 100ull << 20, false, &failed), 0);
	cr_assert_eq(failed, 0);
	cr_assert_eq(sym_image(s, object, 200ull << 20, false, &failed), 0);
	cr_assert_eq(failed, 1);
	sym_stop(s);
}

/* ---- the real worker ---- */

static uint32_t add_bytes(struct sym *s, const void *bytes, size_t size)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	uint32_t object;

	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	cr_assert_eq(sym_add(s, fd, "/memfd:object (deleted)", &object), 0);
	close(fd);
	return object;
}

static int count(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	(void)index;
	(void)frames;
	*(size_t *)ctx += n;
	return 0;
}

Test(sym_server, what_is_no_object_is_said_to_be_none)
{
	struct sym *s = server();
	const uint64_t offset = 16;
	struct unwind_rule rule;
	uint32_t objects[] = {
		add_bytes(s, "", 0),
		add_bytes(s, "#!/bin/sh\n", 10),
		add_bytes(s,
			  "\x7f"
			  "ELF\2\1\1",
			  7),
		add_file(s, "/"),
		add_file(s, "/dev/zero"),
	};
	struct sym_data data;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		cr_expect_eq(sym_rule(s, objects[i], offset, &rule), -ENOEXEC, "%zu", i);
		cr_expect_eq(sym_names(s, objects[i], &offset, 1, count, &n), -ENOEXEC, "%zu", i);
		cr_expect_eq(sym_data(s, objects[i], offset, &data), -ENOEXEC, "%zu", i);
	}
	cr_assert_eq(n, 0);
	cr_assert_eq(sym_rule(s, 1000, 0, &rule), -EINVAL);
	sym_stop(s);
}

Test(sym_server, file_cut_while_it_is_read)
{
	int fd = memfd_create("object", MFD_CLOEXEC), self = open("/proc/self/exe", O_RDONLY);
	struct sym *s = server();
	const uint64_t offsets[] = { 0x2000, 0x20000 };
	struct unwind_rule rule;
	uint32_t object, other = add_file(s, "/proc/self/exe");
	uint64_t address;
	char block[65536];
	size_t named = 0;
	ssize_t n;

	while ((n = read(self, block, sizeof(block))) > 0)
		cr_assert_eq(write(fd, block, (size_t)n), n);
	cr_assert_eq(sym_add(s, fd, "x", &object), 0);
	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	cr_assert_eq(ftruncate(fd, 0), 0);
	/* whether the worker has died of it or not */
	cr_assert_neq(sym_rule(s, object, offsets[1], &rule), 0);
	sym_names(s, object, offsets, 2, count, &named);
	cr_assert_eq(named, 0);
	cr_assert_eq(sym_names(s, other, offsets, 2, count, &named), 0);
	sym_stop(s);
	close(fd);
	close(self);
}

/* A user who may not read the object itself gets its names: the descriptor is enough. */
Test(sym_server, serves_as_another_user)
{
	struct sym_opts opts = { .change_user = !getuid(), .uid = 65534, .gid = 65534 };
	uint64_t offsets[400];
	struct sym *s = NULL;
	size_t n = 0;

	for (size_t i = 0; i < 400; i++)
		offsets[i] = 1024 * i;
	objects_begin(); /* a folder that nobody else may enter */
	cr_assert(shell("cp /proc/%d/exe %s", getpid(), object_path("program")));
	cr_assert_eq(sym_start(&s, &opts, NULL), 0);
	cr_assert_eq(sym_names(s, add_file(s, object_path("program")), offsets, 400, count, &n), 0);
	cr_assert_gt(n, 0);
	sym_stop(s);
	objects_end();
}

Test(sym_server, worker_that_was_killed_is_nobodys_fault)
{
	char path[64];
	struct sym *s = server();
	uint32_t object = add_file(s, "/proc/self/exe");
	const uint64_t offset = 0x20000;
	int keeper, worker;
	uint64_t address;
	FILE *file;

	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", gettid());
	file = fopen(path, "re");
	cr_assert(file && fscanf(file, "%d", &keeper) == 1);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", keeper, keeper);
	file = fopen(path, "re");
	cr_assert(file && fscanf(file, "%d", &worker) == 1);
	fclose(file);
	for (int i = 0; i < 3; i++) {
		size_t n = 0;

		kill(worker, SIGKILL);
		/* its socket is closed before it is dead for all to see */
		while (!kill(worker, 0))
			cr_assert(!sym_names(s, object, &offset, 1, count, &n));
	}
	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	sym_stop(s);
}
