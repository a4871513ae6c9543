// SPDX-License-Identifier: BSD-2-Clause
/* mixed [FILE]: 100 ms of computing, 100 ms of waiting for the disk, and so on, ten times. */
#include "truth.h"

#include <fcntl.h>
#include <unistd.h>

#define COMM  "mixed"
#define TURNS 10

/* Until the writes have waited that long, or have taken three times as long and hardly wait. */
static void write_for(int64_t ns, int fd)
{
	static char block[4096];
	int64_t wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID), elapsed;

	do {
		must(pwrite(fd, block, sizeof(block), 0), "pwrite");
		must(fdatasync(fd), "fdatasync");
		elapsed = clock_ns(CLOCK_MONOTONIC) - wall;
	} while (elapsed - (clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) < ns && elapsed < 3 * ns);
}

static void expect(struct account from, struct account turns, struct account disk)
{
	int64_t waits = disk.voluntary;

	truth_begin("mixed");
	truth_thread(COMM, from, account_now());
	if (account_blocked(disk) < disk.wall / 4) {
		truth_skip("the file's device is too fast, or no device, for writes to wait");
		return;
	}
	truth_waits(COMM, "io.disk", disk, (struct bounds){ waits - waits / 50 - 2, waits + 20 },
		    "ru_nvcsw of the writes: 2 % may be a lock's or the allocator's; the start, "
		    "the end and the removal of the file may wait for the device too");
	if (turns.delay > turns.wall / 10)
		truth_verdict("mixed|cpu-bound|io-bound|starved", "half of each, but others held "
								  "the CPUs for more than 10 %");
	else if (turns.cpu < turns.wall * 55 / 100)
		truth_verdict("mixed", "about half of the time in each; from 60 % on one decides");
	else
		truth_verdict("mixed|cpu-bound",
			      "turn and turn about, but writing needs much CPU time here");
	if (turns.delay <= turns.wall / 10)
		truth_number("phases", 1,
			     "ten turns of each are a mixture from the beginning to "
			     "the end, and no phases");
}

int main(int argc, char **argv)
{
	struct account from = account_now(), before, turns, disk = { 0 };
	const char *name = argc > 1 ? argv[1] : truth_path("concprof-mixed.%d", getpid());
	int fd = (int)must(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), name);

	must(unlink(name), name);
	name_thread(COMM);
	before = account_now();
	for (int i = 0; i < TURNS; i++) {
		struct account turn;

		burn(100 * 1000);
		turn = account_now();
		write_for(100 * MS, fd);
		account_add(&disk, account_since(turn));
	}
	turns = account_since(before);
	must(close(fd), "close");
	expect(from, turns, disk);
	return truth_end();
}
