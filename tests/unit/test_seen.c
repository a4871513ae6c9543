// SPDX-License-Identifier: BSD-2-Clause
/* What a thread waits for, by what the kernel keeps of it. */
#include <criterion/criterion.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/stat.h>

#include "look/seen.h"

/* include/linux/sched.h */
#define SLEEPS	0x1
#define DEEP	0x2
#define STOPPED 0x4
#define TRACED	0x8

#define TID 4321

static struct seen asleep(enum call_class class)
{
	return (struct seen){ .tid = TID,
			      .pid = TID,
			      .own_tid = TID,
			      .state = SLEEPS,
			      .class = class,
			      .nr = 1,
			      .fds = { { .fd = -1 }, { .fd = -1 } } };
}

static struct seen_wait wait_of(const struct seen *s)
{
	struct seen_wait w;

	seen_wait_of(s, &w);
	return w;
}

/* At a futex whose memory has these words. */
static struct seen at_futex(uint32_t op, uint32_t value, uint64_t timeout,
			    const uint32_t words[SEEN_WORDS_MAX])
{
	struct seen s = asleep(CALL_FUTEX);

	s.args[0] = 0x7f0000001000;
	s.args[1] = op;
	s.args[2] = value;
	s.args[3] = timeout;
	s.flags = SEEN_WORDS;
	memcpy(s.words, words, sizeof(s.words));
	return s;
}

#define PRIVATE FUTEX_PRIVATE_FLAG
#define GLIBC	(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME)
#define KINDS	(LOCK_HINT_TIMED - 1)

static const struct futex_case {
	const char *what;
	uint32_t op, value;
	uint64_t timeout;
	uint32_t words[SEEN_WORDS_MAX];
	enum cause cause;
	uint32_t hint, holder;
} futexes[] = {
	{ "mutex",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 2, 0, 77, 1 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  77 },
	{ "recursive mutex",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 2, 3, 77, 1, 1 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  77 },
	{ "a lock of a stream: no owner",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 2, 1, 77, 1 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  0 },
	{ "mutex that was let go",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 0, 0, 0, 0 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  0 },
	{ "no mutex: a wild kind",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 2, 0, 77, 1, 0x10000 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  0 },
	{ "no mutex: a wild owner",
	  FUTEX_WAIT | PRIVATE,
	  2,
	  0,
	  { 2, 0, 0x7fffffff, 1 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  0 },
	{ "robust mutex",
	  FUTEX_WAIT,
	  FUTEX_WAITERS | 77,
	  0,
	  { FUTEX_WAITERS | 77 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_ROBUST,
	  77 },
	{ "PI mutex",
	  FUTEX_LOCK_PI | PRIVATE,
	  0,
	  0,
	  { FUTEX_WAITERS | 77 },
	  CAUSE_LOCK_PI,
	  LOCK_HINT_PI,
	  77 },
	{ "PI mutex of newer libraries",
	  FUTEX_LOCK_PI2 | PRIVATE,
	  0,
	  0,
	  { 77 },
	  CAUSE_LOCK_PI,
	  LOCK_HINT_PI,
	  77 },
	{ "mutex with a time-out",
	  GLIBC | PRIVATE,
	  2,
	  99,
	  { 2, 0, 77, 1 },
	  CAUSE_LOCK_MUTEX,
	  LOCK_HINT_WORD,
	  77 },
	{ "read-write lock that is written",
	  GLIBC | PRIVATE,
	  3,
	  0,
	  { 3, 0, 0, 0, 77 },
	  CAUSE_LOCK_RWLOCK,
	  LOCK_HINT_RWLOCK,
	  77 },
	{ "... behind readers",
	  GLIBC | PRIVATE,
	  2,
	  0,
	  { 2 },
	  CAUSE_LOCK_RWLOCK,
	  LOCK_HINT_RWLOCK,
	  0 },
	{ "join", GLIBC, 77, 0, { 77 }, CAUSE_SYNC_JOIN, LOCK_HINT_JOIN, 77 },
	{ "condition", GLIBC | PRIVATE, 0, 0, { 0 }, CAUSE_SYNC_FUTEX, LOCK_HINT_OTHER, 0 },
	{ "value 3 and no writer",
	  FUTEX_WAIT_BITSET | PRIVATE,
	  3,
	  0,
	  { 3 },
	  CAUSE_SYNC_FUTEX,
	  LOCK_HINT_OTHER,
	  0 },
	{ "anything", FUTEX_WAIT | PRIVATE, 1, 0, { 1 }, CAUSE_SYNC_FUTEX, LOCK_HINT_OTHER, 0 },
	{ "no wait", FUTEX_WAKE | PRIVATE, 1, 0, { 1 }, CAUSE_KERNEL_OTHER, 0, 0 },
};

Test(seen, futexes)
{
	for (size_t i = 0; i < sizeof(futexes) / sizeof(*futexes); i++) {
		const struct futex_case *c = &futexes[i];
		struct seen s = at_futex(c->op, c->value, c->timeout, c->words);
		struct seen_wait w = wait_of(&s);

		cr_expect_eq(w.state, STAND_BLOCKED, "%s", c->what);
		cr_expect_eq(w.cause, c->cause, "%s: %s", c->what, cause_name(w.cause));
		cr_expect_eq(w.hints & KINDS & ~LOCK_HINT_RWLOCK, c->hint & ~LOCK_HINT_RWLOCK, "%s",
			     c->what);
		cr_expect_eq(w.hints & LOCK_HINT_RWLOCK, c->hint & LOCK_HINT_RWLOCK, "%s", c->what);
		cr_expect_eq(w.holder_nr, c->holder, "%s: %u", c->what, w.holder_nr);
		cr_expect_eq(w.is_timed, c->timeout != 0, "%s", c->what);
		cr_expect_eq(!!(w.hints & LOCK_HINT_TIMED), c->hint && c->timeout, "%s", c->what);
		cr_expect_eq(w.is_shared, !(c->op & PRIVATE), "%s", c->what);
	}
}

/* The second word of a read-write lock that is waited at lies one further. */
Test(seen, rwlock_by_its_second_word)
{
	struct seen s = at_futex(GLIBC | PRIVATE, 3, 0, (const uint32_t[8]){ 3, 0, 0, 77 });

	s.args[0] += 4;
	cr_assert_eq(wait_of(&s).holder_nr, 77);
}

Test(seen, memory_that_cannot_be_read)
{
	struct seen s = at_futex(FUTEX_WAIT | PRIVATE, 2, 0, (const uint32_t[8]){ 2, 0, 77, 1 });

	s.flags = 0;
	cr_assert_eq(wait_of(&s).cause, CAUSE_LOCK_MUTEX);
	cr_assert_eq(wait_of(&s).holder_nr, 0);
}

Test(seen, states)
{
	struct seen s = asleep(CALL_SLEEP);

	s.flags = SEEN_ON_CPU;
	cr_expect_eq(wait_of(&s).state, STAND_RUNNING);
	s.flags = 0;
	cr_expect_eq(wait_of(&s).cause, CAUSE_TIMER_SLEEP);
	s.state = 0;
	cr_expect_eq(wait_of(&s).state, STAND_QUEUED);
	s.exit_state = 0x20; /* EXIT_ZOMBIE */
	cr_expect_eq(wait_of(&s).state, STAND_DEAD);
	s.exit_state = 0;
	s.state = STOPPED;
	cr_expect_eq(wait_of(&s).cause, CAUSE_SIGNAL_STOP);
	s.state = TRACED;
	cr_expect_eq(wait_of(&s).cause, CAUSE_SIGNAL_PTRACE);
	s.state = SLEEPS;
	s.flags = SEEN_FROZEN;
	cr_expect_eq(wait_of(&s).cause, CAUSE_KERNEL_FREEZE);
	s.flags = SEEN_KERNEL;
	cr_expect_eq(wait_of(&s).cause, CAUSE_KERNEL_OTHER);
	s.flags = SEEN_IOWAIT;
	s.state = DEEP;
	s.nr = -1;
	cr_expect_eq(wait_of(&s).cause, CAUSE_FAULT_MAJOR);
	cr_expect(wait_of(&s).is_deep);
}

static struct seen at_fd(enum call_class class, enum cause cause, uint32_t mode)
{
	struct seen s = asleep(class);

	s.fds[0] = (struct seen_fd){
		.fd = 7, .cause = cause, .row = ROW_PEER, .mode = mode, .object = 11, .other = 11
	};
	return s;
}

Test(seen, pipes)
{
	struct seen s = at_fd(CALL_FD, CAUSE_IO_PIPE, END_WRITES);
	struct seen_wait w = wait_of(&s);

	cr_expect_eq(w.want, WANT_READER);
	cr_expect_eq(w.object, 11);
	cr_expect_eq(w.fd->fd, 7);
	s = at_fd(CALL_FD, CAUSE_IO_PIPE, END_READS);
	cr_expect_eq(wait_of(&s).want, WANT_WRITER);
	s = at_fd(CALL_FD, CAUSE_IO_PIPE, END_READS | END_WRITES);
	cr_expect_eq(wait_of(&s).want, WANT_HOLDER, "it may be its own other end");
	s = asleep(CALL_PATH);
	s.path_mode = S_IFIFO;
	cr_expect_eq(wait_of(&s).cause, CAUSE_IO_PIPE);
	s.path_mode = S_IFREG;
	cr_expect_eq(wait_of(&s).cause, CAUSE_IO_FILE);
}

/* A page fault inside a call on a socket waits for a disk, not for the socket. */
Test(seen, devices)
{
	struct seen s = at_fd(CALL_FD, CAUSE_IO_DISK, END_READS);

	s.state = DEEP;
	s.flags = SEEN_IOWAIT;
	cr_expect_eq(wait_of(&s).cause, CAUSE_IO_DISK);
	s.state = SLEEPS;
	s.flags = 0;
	cr_expect_eq(wait_of(&s).cause, CAUSE_IO_FILE, "a lock or a lease of it");
	s = at_futex(FUTEX_WAIT | PRIVATE, 2, 0, (const uint32_t[8]){ 2, 0, 77, 1 });
	s.state = DEEP;
	s.flags |= SEEN_IOWAIT;
	cr_expect_eq(wait_of(&s).cause, CAUSE_IO_DISK);
	cr_expect_eq(wait_of(&s).hints, 0);
}

Test(seen, two_descriptors)
{
	struct seen s = at_fd(CALL_FD_TO_FD, CAUSE_IO_SOCKET, 0);

	s.fds[1] = (struct seen_fd){ .fd = 8, .cause = CAUSE_IO_DISK };
	cr_expect_eq(wait_of(&s).fd->fd, 7, "asleep: the peer");
	s.state = DEEP;
	cr_expect_eq(wait_of(&s).fd->fd, 8, "in state D: the device");
}

static struct seen_wait child(enum call_class class, int64_t which, uint64_t pid)
{
	struct seen s = asleep(class);

	s.args[0] = (uint64_t)which;
	s.args[1] = pid;
	return wait_of(&s);
}

Test(seen, children)
{
	cr_expect_eq(child(CALL_CHILD, 12, 0).object, 12);
	cr_expect_eq(child(CALL_CHILD, 12, 0).want, WANT_CHILD);
	cr_expect_eq(child(CALL_CHILD, -1, 0).want, WANT_CHILD);
	cr_expect_eq(child(CALL_CHILD, -1, 0).object, 0);
	cr_expect_eq(child(CALL_CHILD, -12, 0).want, WANT_HOLDER, "a process group");
	cr_expect_eq(child(CALL_CHILD_ID, 1, 12).object, 12);	     /* P_PID */
	cr_expect_eq(child(CALL_CHILD_ID, 0, 12).object, 0);	     /* P_ALL */
	cr_expect_eq(child(CALL_CHILD_ID, 2, 12).want, WANT_HOLDER); /* P_PGID */
}

Test(seen, polls)
{
	struct seen s = at_fd(CALL_POLL, CAUSE_IO_SOCKET, 0);

	s.args[1] = s.n_fds = 1;
	cr_expect_eq(wait_of(&s).cause, CAUSE_EVENT_POLL);
	cr_expect_eq(wait_of(&s).fd->fd, 7);
	s.args[1] = s.n_fds = 2;
	cr_expect_null(wait_of(&s).fd, "either of them");
	s.args[1] = s.n_fds = 0;
	cr_expect_eq(wait_of(&s).cause, CAUSE_TIMER_SLEEP);
	s = asleep(CALL_SELECT);
	cr_expect_eq(wait_of(&s).cause, CAUSE_TIMER_SLEEP);
	s.args[0] = 5;
	cr_expect_eq(wait_of(&s).cause, CAUSE_EVENT_SELECT);
}

/* Whatever the call is, each has a cause that there is, and its row. */
Test(seen, each_class)
{
	for (uint32_t class = 0; class <= CALL_RESTART + 3; class ++) {
		for (uint32_t state = SLEEPS; state <= DEEP; state++) {
			struct seen s = asleep(class);
			struct seen_wait w;

			s.state = state;
			w = wait_of(&s);
			cr_expect(cause_name(w.cause) && row_name(w.row), "class %u", class);
		}
	}
}
