// SPDX-License-Identifier: BSD-2-Clause
/* Where a trace for Perfetto's viewer has it that threads were woken. */
#include "steps.h"

#include "report/report.h"

TestSuite(perfetto, .init = begin_steps, .fini = end_steps);

struct bytes {
	const uint8_t *at, *end;
};

static uint64_t number(struct bytes *b)
{
	uint64_t n = 0;

	for (int shift = 0; b->at < b->end; shift += 7) {
		n |= (uint64_t)(*b->at & 0x7f) << shift;
		if (!(*b->at++ & 0x80))
			break;
	}
	return n;
}

/* The next field of a message: of a number its value, else what it holds. */
static unsigned int field(struct bytes *message, uint64_t *value, struct bytes *inside)
{
	uint64_t key = number(message);

	*value = number(message);
	*inside = (struct bytes){ NULL, NULL };
	if ((key & 7) == 2) {
		*inside = (struct bytes){ message->at, message->at + *value };
		message->at += *value;
	}
	return (unsigned int)(key >> 3);
}

/* The last field of this number in a message. */
static struct bytes in(struct bytes message, unsigned int wanted, uint64_t *ret)
{
	struct bytes inside, found = { NULL, NULL };
	uint64_t value;

	while (message.at < message.end) {
		if (field(&message, &value, &inside) != wanted)
			continue;
		found = inside;
		if (ret)
			*ret = value;
	}
	return found;
}

enum { PACKET = 1, BUNDLE = 1, CPU = 1, SCHED = 4, WAKING_AT = 7, WAKING_PID = 8 };

/* When that thread was woken on a CPU, in µs; -1: never there. One bundle a CPU is enough here. */
static long woken_at(unsigned int cpu, __u32 tid)
{
	struct bytes trace, packet, bundle, sched, at, pid;
	uint64_t value, of_cpu, now = 0;
	size_t size;
	char *data;
	FILE *out = open_memstream(&data, &size);
	long found = -1;

	cr_assert(out);
	cr_assert_eq(report_format_by_name("perfetto")->write(f, &(struct report_opts){ 0 }, out),
		     0);
	fclose(out);
	trace = (struct bytes){ (uint8_t *)data, (uint8_t *)data + size };
	while (trace.at < trace.end) {
		cr_assert_eq(field(&trace, &value, &packet), PACKET);
		bundle = in(packet, BUNDLE, NULL);
		of_cpu = 0;
		in(bundle, CPU, &of_cpu);
		sched = in(bundle, SCHED, NULL);
		at = in(sched, WAKING_AT, NULL);
		pid = in(sched, WAKING_PID, NULL);
		while (of_cpu == cpu && at.at < at.end) {
			now += number(&at);
			if (number(&pid) == tid)
				found = (long)(now / US);
		}
	}
	free(data);
	return found;
}

#define TID(id) (m->threads[(id)-1].tid)

static const __u64 three[][2] = { { 0, 1000 * US }, { 0, 900 * US }, { 0, 900 * US } };

/* 2 is woken by 1, which goes on for long: it has left its CPU again before 1 does. */
Test(perfetto, woken_in_the_middle)
{
	step(0, 1, 100 * US, 50 * US, CAUSE_IO_FILE);
	step(0, 1, 900 * US, 500 * US, CAUSE_IO_FILE);
	woken_by(step(1, 2, 620 * US, 10 * US, CAUSE_SYNC_COND), 1, 5 * US);
	analyse_steps(three, 3);
	cr_assert_eq(woken_at(0, TID(2)), 605);
	cr_assert_eq(woken_at(1, TID(2)), -1);
}

/* ... in the only stretch that it has. */
Test(perfetto, woken_in_the_first_stretch)
{
	step(0, 1, 900 * US, 500 * US, CAUSE_IO_FILE);
	woken_by(step(1, 2, 620 * US, 10 * US, CAUSE_SYNC_COND), 1, 5 * US);
	analyse_steps(three, 3);
	cr_assert_eq(woken_at(0, TID(2)), 605);
}

/* It was queued when its waker had left: that did it before. */
Test(perfetto, queued_late)
{
	step(0, 1, 100 * US, 50 * US, CAUSE_IO_FILE);
	woken_by(step(1, 2, 220 * US, 10 * US, CAUSE_SYNC_COND), 1, 5 * US);
	step(0, 1, 900 * US, 500 * US, CAUSE_IO_FILE);
	analyse_steps(three, 3);
	cr_assert_eq(woken_at(0, TID(2)), 99);
}

/* Another CPU's clock: it was queued a moment before its waker began. */
Test(perfetto, clocks_differ)
{
	step(0, 1, 100 * US, 50 * US, CAUSE_IO_FILE);
	woken_by(step(1, 2, 420 * US, 20 * US, CAUSE_SYNC_COND), 1, 3 * US);
	step(0, 1, 900 * US, 500 * US, CAUSE_IO_FILE);
	analyse_steps(three, 3);
	cr_assert_eq(woken_at(0, TID(2)), 400);
}

/* ... where nothing that it did came before. */
Test(perfetto, before_the_first_stretch)
{
	woken_by(step(1, 2, 420 * US, 20 * US, CAUSE_SYNC_COND), 1, 3 * US);
	step(0, 1, 900 * US, 500 * US, CAUSE_IO_FILE);
	analyse_steps(three, 3);
	cr_assert_eq(woken_at(0, TID(2)), 400);
}
