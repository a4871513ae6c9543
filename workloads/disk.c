// SPDX-License-Identifier: BSD-2-Clause
/* disk [--dsync] [FILE]: writes 4 KiB and waits for the device, over and over for a second. */
#include "truth.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COMM	   "disk"
#define BLOCK_SIZE 4096
#define BLOCKS	   256

static long write_for(int64_t ns, int fd, bool dsync)
{
	static char block[BLOCK_SIZE];
	int64_t end = clock_ns(CLOCK_MONOTONIC) + ns;
	long writes = 0;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		memset(block, (int)writes, sizeof(block));
		must(pwrite(fd, block, sizeof(block), writes % BLOCKS * BLOCK_SIZE), "pwrite");
		if (!dsync)
			must(fdatasync(fd), "fdatasync");
		writes++;
	}
	return writes;
}

static void expect(struct account from, struct account span, long writes)
{
	int64_t waits = span.voluntary, blocked = account_blocked(span);

	truth_begin("disk");
	truth_thread(COMM, from, account_now());
	if (waits < writes / 2) {
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
		.in = { 0, span.wall + 10 * MS },
		.why = "its run delay may count as IO",
	});
	if (blocked > span.wall / 5)
		truth_finding("io.fsync", true, "it waits for the device to have each block");
	truth_finding("io.one_at_a_time", false, "of syncs that is no use to say");
	if (blocked > span.wall * 2 / 3)
		truth_verdict("io-bound", "blocked in writes for more than two thirds of the time");
	else
		truth_verdict("io-bound|mixed|cpu-bound|starved",
			      "blocked in writes for less than two thirds of the time");
}

int main(int argc, char **argv)
{
	struct account from = account_now(), before, span;
	bool dsync = argc > 1 && !strcmp(argv[1], "--dsync");
	const char *name =
		argc > 1 + dsync ? argv[1 + dsync] : truth_path("concprof-disk.%d", getpid());
	long writes;
	int fd;

	name_thread(COMM);
	fd = (int)must(
		open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | (dsync ? O_DSYNC : 0), 0600),
		name);
	must(unlink(name), name);
	before = account_now();
	writes = write_for(SEC, fd, dsync);
	span = account_since(before);
	must(close(fd), "close");
	expect(from, span, writes);
	return truth_end();
}
