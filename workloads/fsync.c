// SPDX-License-Identifier: BSD-2-Clause
/*
 * fsync [--buffered]: for a second, appends small records to a file, each of them safe on the
 * device before the next; or left to the page cache.
 */
#include "truth.h"

#include <string.h>
#include <unistd.h>

#define COMM   "fsync"
#define RECORD 128
#define STEPS  5 /* to make a record */

static long append_for(int64_t ns, int fd, bool safe)
{
	static char record[RECORD];
	int64_t end = clock_ns(CLOCK_MONOTONIC) + ns;
	long records = 0;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		burn(STEPS);
		memset(record, 'a' + (int)(records % 26), sizeof(record));
		must(write(fd, record, sizeof(record)), "write");
		if (safe)
			must(fsync(fd), "fsync");
		records++;
	}
	return records;
}

static void expect_safe(struct account span, long records)
{
	int64_t waits = span.voluntary, blocked = account_blocked(span);

	if (waits < records / 2) {
		truth_skip("the file's device is too fast, or no device, for most writes to wait");
		return;
	}
	truth_waits(COMM, "io.disk", span, (struct bounds){ waits - waits / 50 - 2, waits + 20 },
		    "ru_nvcsw of the writes: 2 % may be a lock's or the allocator's; the start, "
		    "the end and the removal of the file may wait for the device too");
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.plus = { thread_path(COMM, "cpu.stolen_ns") },
		.in = { blocked - blocked / 20 - 2 * MS, MANY },
		.why = "the only thread waits for the device when it does not run",
	});
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { 0, span.wall - span.cpu + 10 * MS },
		.why = "its run delay may count as IO",
	});
	if (blocked > span.wall / 5)
		truth_finding("io.fsync", true, "it waits for each fsync");
	truth_finding("io.one_at_a_time", false, "of syncs that is no use to say");
	truth_verdict_of_disk(span);
}

static void expect_buffered(struct account span)
{
	truth_expect((struct expectation){
		.path = blocked_path(COMM, "io.disk", "ns"),
		.in = { 0, span.wall / 50 },
		.zero_if_absent = true,
		.why = "nothing waits for the device but the removal of the file; 2 %",
	});
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { 0, span.wall / 50 },
		.why = "nothing waits for the device but the removal of the file; 2 %",
	});
	truth_finding("io.fsync", false, "it never syncs");
	truth_verdict_of("cpu-bound", span, "it writes to memory, and never waits for the device");
}

int main(int argc, char **argv)
{
	struct account from = account_now(), before, span;
	bool buffered = argc > 1 && !strcmp(argv[1], "--buffered");
	long records;
	int fd;

	name_thread(COMM);
	fd = nameless_file("fsync", 0);
	before = account_now();
	records = append_for(SEC, fd, !buffered);
	span = account_since(before);
	must(close(fd), "close");
	truth_begin(buffered ? "fsync --buffered" : "fsync");
	truth_thread(COMM, from, account_now());
	if (buffered)
		expect_buffered(span);
	else
		expect_safe(span, records);
	return truth_end();
}
