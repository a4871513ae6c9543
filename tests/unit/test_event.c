// SPDX-License-Identifier: BSD-2-Clause
/* The seam: which events can be relied on, and the names. */
#include <criterion/criterion.h>

#include "stream.h"

/* Room for any event, aligned as one. */
union any {
	struct event head;
	struct ev_run run;
	struct ev_exec exec;
	struct ev_thread thread;
	struct ev_wall wall;
	struct ev_loss loss;
	struct ev_probe probe;
	struct ev_calls calls;
	struct ev_peer peer;
	struct ev_other other;
	struct ev_life life;
	struct ev_frame frame;
	struct ev_stack stack;
	struct ev_site site;
	struct ev_end end;
	char bytes[sizeof(struct ev_wall) + 64];
};

/* A good one of each kind but EV_TEXT; NULL-free list by number, so that it can be looped over. */
#define GOOD 14

static union any taken(void *event)
{
	union any u = { .bytes = "" };

	memcpy(&u, event, ((struct event *)event)->size);
	free(event);
	return u;
}

static union any good(int i)
{
	union any u = { .bytes = "" };

	switch (i) {
	case 0:
		u.run = run();
		break;
	case 1:
		u.exec = exec(1, 1, 1, "/bin/true", "true");
		break;
	case 2:
		u.thread = thread(1, 0, 0, 0, 10);
		break;
	case 3:
		u.wall = wall(10);
		break;
	case 4:
		u.loss = loss(LOSS_EXEC, 1, 0, "ring");
		break;
	case 5:
		u.probe = probe("sched_switch", "no such tracepoint");
		break;
	case 6:
		u.calls = calls(3);
		break;
	case 7:
		u.peer = peer(812, 1000, 1);
		break;
	case 8:
		u.other = other(813, 1000);
		break;
	case 9:
		u.life = life(LIFE_DIED, 9, 1);
		break;
	case 10:
		u = taken(frame(1, "main", "main.c", "/bin/true"));
		break;
	case 11:
		u = taken(stack(1, (const __u32[]){ 1, 2, 3 }, 3));
		break;
	case 12:
		u.site = wait_site(1, 1, CAUSE_IO_DISK, 1, 1);
		break;
	default:
		u.end = end(0);
	}
	return u;
}

static bool valid(const union any *u, size_t room)
{
	return event_is_valid(&u->head, room);
}

Test(valid, good_ones)
{
	for (int i = 0; i < GOOD; i++) {
		union any u = good(i);

		cr_assert(valid(&u, u.head.size), "kind %u", u.head.kind);
		cr_assert(valid(&u, u.head.size + 1000), "kind %u", u.head.kind);
	}
}

Test(valid, newer_ones_are_longer)
{
	for (int i = 0; i < GOOD; i++) {
		union any u = good(i);

		u.head.size += 16;
		cr_assert(valid(&u, u.head.size), "kind %u", u.head.kind);
	}
}

Test(valid, room_that_ends_early)
{
	for (int i = 0; i < GOOD; i++) {
		union any u = good(i);

		for (size_t room = 0; room < u.head.size; room++)
			cr_assert_not(valid(&u, room), "kind %u in %zu", u.head.kind, room);
	}
}

/* In memory of just that size, so that a read beyond it is seen. */
Test(valid, room_that_ends_before_the_header)
{
	for (size_t room = 0; room < sizeof(struct event); room++) {
		char *bytes = malloc(room ? room : 1);

		memset(bytes, 0x08, room ? room : 1);
		cr_assert_not(event_is_valid((const struct event *)bytes, room));
		free(bytes);
	}
}

Test(valid, sizes_that_are_wrong)
{
	for (int i = 0; i < GOOD; i++) {
		union any u = good(i);
		__u32 size = u.head.size;
		__u32 wrong[] = { 0,	    1,	      7,	size - 8, size - 1,
				  size + 1, size + 4, size + 7, ~0U,	  ~7U };

		cr_assert_eq(size % 8, 0);
		for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
			u.head.size = wrong[k];
			cr_assert_not(valid(&u, sizeof(u)), "kind %u, size %u", u.head.kind,
				      wrong[k]);
		}
	}
}

Test(valid, unknown_kinds)
{
	static const __u32 kinds[] = { 0, EV_KIND_COUNT, EV_KIND_COUNT + 1, 0x7fffffff, ~0U };
	union any u = good(3);

	for (int i = 0; i < 5; i++) {
		u.head.kind = kinds[i];
		cr_assert_not(valid(&u, sizeof(u)), "kind %u", kinds[i]);
	}
}

Test(valid, strings_without_an_end)
{
	union any u = good(1);

	memset(u.exec.comm, 'x', sizeof(u.exec.comm));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(1);
	memset(u.exec.path, 'x', sizeof(u.exec.path));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(2);
	memset(u.thread.comm, 'x', sizeof(u.thread.comm));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(4);
	memset(u.loss.name, 'x', sizeof(u.loss.name));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(5);
	memset(u.probe.name, 'x', sizeof(u.probe.name));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(5);
	memset(u.probe.why, 'x', sizeof(u.probe.why));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(7);
	memset(u.peer.comm, 'x', sizeof(u.peer.comm));
	cr_assert_not(valid(&u, sizeof(u)));
	u = good(8);
	memset(u.other.comm, 'x', sizeof(u.other.comm));
	cr_assert_not(valid(&u, sizeof(u)));
	u.other.comm[sizeof(u.other.comm) - 1] = '\0';
	cr_assert(valid(&u, sizeof(u)));
	u = good(9);
	memset(u.life.by_comm, 'x', sizeof(u.life.by_comm));
	cr_assert_not(valid(&u, sizeof(u)));
}

Test(valid, strings_that_just_fit)
{
	union any u = good(1);

	memset(u.exec.path, 'x', sizeof(u.exec.path) - 1);
	memset(u.exec.comm, 'x', sizeof(u.exec.comm) - 1);
	cr_assert(valid(&u, sizeof(u)));
	u = good(5);
	memset(u.probe.why, 'x', sizeof(u.probe.why) - 1);
	cr_assert(valid(&u, sizeof(u)));
}

Test(valid, args_beyond_their_room)
{
	union any u = good(1);

	u.exec.args_size = EVENT_ARGS_SIZE;
	cr_assert(valid(&u, sizeof(u)), "they need no NUL: the size ends them");
	u.exec.args_size = EVENT_ARGS_SIZE + 1;
	cr_assert_not(valid(&u, sizeof(u)));
	u.exec.args_size = ~0U;
	cr_assert_not(valid(&u, sizeof(u)));
}

Test(valid, families_of_addresses)
{
	static const __u16 known[] = { PEER_UNIX, PEER_INET, PEER_INET6 };
	static const __u16 unknown[] = { 0, 3, 9, 11, 16, 40, 0xffff };
	union any u = good(7);

	for (int i = 0; i < 3; i++) {
		u.peer.key.family = known[i];
		cr_assert(valid(&u, sizeof(u)), "family %u", known[i]);
	}
	for (int i = 0; i < 7; i++) {
		u.peer.key.family = unknown[i];
		cr_assert_not(valid(&u, sizeof(u)), "family %u", unknown[i]);
	}
}

Test(valid, lives_of_unknown_kinds)
{
	static const __u32 kinds[] = { 0, LIFE_COUNT, 0x7fffffff, ~0U };
	union any u = good(9);

	for (__u32 what = 1; what < LIFE_COUNT; what++) {
		u.life.what = what;
		cr_assert(valid(&u, sizeof(u)), "what %u", what);
	}
	for (int i = 0; i < 4; i++) {
		u.life.what = kinds[i];
		cr_assert_not(valid(&u, sizeof(u)), "what %u", kinds[i]);
	}
}

/* Those that are a number of something; a signal and a status may be any. */
Test(valid, codes_of_lives)
{
	union any u = good(9);

	for (__u32 what = 1; what < LIFE_COUNT; what++) {
		__u32 codes = what == LIFE_BORN	    ? BIRTH_COUNT
			      : what == LIFE_REAPED ? REAP_COUNT
						    : 0;

		u.life.what = what;
		u.life.code = codes ? codes - 1 : ~0U;
		cr_assert(valid(&u, sizeof(u)), "what %u", what);
		u.life.code = codes;
		cr_assert_eq(valid(&u, sizeof(u)), !codes, "what %u", what);
		u.life.code = ~0U;
		cr_assert_eq(valid(&u, sizeof(u)), !codes, "what %u", what);
	}
}

Test(valid, what_a_parent_was_doing)
{
	union any u = good(9);

	u.life.doing = CAUSE_COUNT;
	cr_assert(valid(&u, sizeof(u)), "nothing");
	u.life.doing = CAUSE_COUNT + 1;
	cr_assert_not(valid(&u, sizeof(u)));
	u.life.doing = ~0U;
	cr_assert_not(valid(&u, sizeof(u)));
}

Test(valid, texts)
{
	static const char *const good_texts[] = { "", "x", "1234567", "12345678", "Linux 6.18" };

	for (int i = 0; i < 5; i++) {
		struct ev_text *t = text(TEXT_KERNEL, good_texts[i]);
		__u32 room = t->head.size - sizeof(*t);

		cr_assert(event_is_valid(&t->head, t->head.size));
		t->length = room;
		cr_assert_not(event_is_valid(&t->head, t->head.size), "as long as its room");
		t->length = ~0U;
		cr_assert_not(event_is_valid(&t->head, t->head.size), "longer");
		t->length = room - 1;
		t->text[room - 1] = 'x';
		cr_assert_not(event_is_valid(&t->head, t->head.size), "no NUL at its end");
		free(t);
	}
}

Test(valid, text_without_room)
{
	struct ev_text *t = text(TEXT_KERNEL, "x");

	t->head.size = sizeof(*t);
	t->length = 0;
	cr_assert_not(event_is_valid(&t->head, t->head.size));
	t->head.size = sizeof(struct event);
	cr_assert_not(event_is_valid(&t->head, t->head.size));
	free(t);
}

/* Three strings and no more, each with its end, within what there is. */
Test(valid, names_of_frames)
{
	static const struct {
		const char *text;
		__u32 size;
		int good;
	} all[] = {
		{ "a\0b\0c", 6, 1 },   { "\0\0", 3, 1 },      { "a\0b\0cd", 6, 0 },
		{ "a\0b\0", 4, 0 },    { "a\0b\0c\0", 7, 0 }, { "a\0b\0c", 0, 0 },
		{ "a\0b\0c", 8, 0 },   { "a\0b\0c", 9, 0 },   { "a\0b\0c", 5, 0 },
		{ "a\0b\0c", ~0U, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		union any u = taken(event_of(EV_FRAME, sizeof(u.frame), 8));

		u.frame.id = 1;
		memcpy(u.frame.text, all[i].text, all[i].size < 8 ? all[i].size : 6);
		u.frame.size = all[i].size;
		cr_expect_eq(valid(&u, u.head.size), all[i].good, "%zu", i);
		u.frame.id = 0;
		cr_expect_not(valid(&u, u.head.size), "%zu", i);
	}
}

Test(valid, stacks)
{
	union any u = good(11);

	u.stack.n = 4; /* they are padded */
	cr_expect(valid(&u, u.head.size));
	u.stack.n = 5;
	cr_expect_not(valid(&u, u.head.size));
	u.stack.n = 0x40000001;
	cr_expect_not(valid(&u, u.head.size));
	u.stack.n = 0;
	cr_expect(valid(&u, u.head.size));
	u.stack.end = STACK_END_COUNT;
	cr_expect_not(valid(&u, u.head.size));
	u.stack.end = STACK_FULL;
	u.stack.id = 0;
	cr_expect_not(valid(&u, u.head.size));
	u = taken(event_of(EV_STACK, sizeof(u.stack), STACK_MAX * 4 + 8));
	u.stack.id = 1;
	u.stack.n = STACK_MAX;
	cr_expect(valid(&u, u.head.size));
	u.stack.n++;
	cr_expect_not(valid(&u, u.head.size));
}

Test(valid, sites)
{
	static const struct {
		__u32 what, stack, cause, row;
		int good;
	} all[] = {
		{ SITE_WAIT, 1, 0, 0, 1 },
		{ SITE_CPU, ~0U, 0, 0, 1 },
		{ SITE_WAIT, 1, CAUSE_COUNT - 1, ROW_COUNT - 1, 1 },
		{ 0, 1, 0, 0, 0 },
		{ SITE_WHAT_COUNT, 1, 0, 0, 0 },
		{ SITE_WAIT, 0, 0, 0, 0 },
		{ SITE_WAIT, 1, CAUSE_COUNT, 0, 0 },
		{ SITE_WAIT, 1, 0, ROW_COUNT, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		union any u = good(12);

		u.site.what = all[i].what;
		u.site.stack = all[i].stack;
		u.site.cause = all[i].cause;
		u.site.row = all[i].row;
		cr_expect_eq(valid(&u, u.head.size), all[i].good, "%zu", i);
	}
}

Test(names, of_causes_and_back)
{
	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		const char *name = cause_name(c);

		cr_assert_not_null(name, "cause %u", c);
		cr_assert_eq(cause_by_name(name), (int)c, "%s", name);
		for (const char *s = name; *s; s++)
			cr_assert((*s >= 'a' && *s <= 'z') || *s == '.' || *s == '_', "%s", name);
	}
	cr_assert_str_eq(cause_name(CAUSE_LOCK_MUTEX), "lock.mutex");
	cr_assert_str_eq(cause_name(CAUSE_FAULT_MAJOR), "fault.major");
}

/* As a part of a key: "wall.io_peer_ns". */
static void check_name(const char *name)
{
	cr_assert_not_null(name);
	cr_assert(*name);
	for (const char *s = name; *s; s++)
		cr_assert((*s >= 'a' && *s <= 'z') || *s == '_', "%s", name);
}

Test(names, of_rows)
{
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		const char *name = row_name(r), *kind = kind_name(row_kind(r));
		size_t n = strlen(kind);

		check_name(name);
		cr_assert(!strncmp(name, kind, n) && (!name[n] || name[n] == '_'),
			  "%s is a part of %s", name, kind);
		for (unsigned int other = 0; other < r; other++)
			cr_assert_str_neq(row_name(other), name);
	}
	cr_assert_str_eq(row_name(ROW_IO), "io_device");
	cr_assert_str_eq(row_name(ROW_PEER), "io_peer");
	cr_assert_str_eq(row_name(ROW_TIMER), "timer");
	cr_assert_str_eq(row_name(ROW_CONVOY), "sync_convoy");
}

/* The JSON has both: the whole must not be mistaken for its part. */
Test(names, of_kinds)
{
	static const char *const names[ROW_KINDS] = { "io",    "timer", "lock",	 "sync",
						      "event", "child", "other", "unknown" };

	for (unsigned int k = 0; k < ROW_KINDS; k++) {
		unsigned int rows = 0;

		check_name(kind_name(k));
		cr_assert_str_eq(kind_name(k), names[k]);
		for (unsigned int r = 0; r < ROW_COUNT; r++) {
			rows += row_kind(r) == k;
			cr_assert_eq(row_is_part(r),
				     strcmp(row_name(r), kind_name(row_kind(r))) != 0);
		}
		cr_assert_eq(!strcmp(kind_name(k), row_name(k)), rows == 1, "%s", names[k]);
	}
}

Test(names, of_states)
{
	for (unsigned int s = 0; s < TS_COUNT; s++)
		check_name(state_name(s));
	cr_assert_str_eq(state_name(TS_PREEMPTED), "preempted");
}

Test(names, of_nothing)
{
	cr_assert_null(cause_name(CAUSE_COUNT));
	cr_assert_null(cause_name(~0U));
	cr_assert_null(kind_name(ROW_KINDS));
	cr_assert_null(kind_name(~0U));
	cr_assert_not(row_is_part(ROW_COUNT));
	cr_assert_null(row_name(ROW_COUNT));
	cr_assert_null(row_name(~0U));
	cr_assert_null(state_name(TS_COUNT));
	cr_assert_null(state_name(~0U));
	cr_assert_eq(cause_by_name(""), -1);
	cr_assert_eq(cause_by_name("lock"), -1);
	cr_assert_eq(cause_by_name("lock.mutex "), -1);
	cr_assert_eq(cause_by_name("LOCK.MUTEX"), -1);
}
