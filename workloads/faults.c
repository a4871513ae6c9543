// SPDX-License-Identifier: BSD-2-Clause
/*
 * faults [warm]: touches the pages of a file in a random order, each to be read from the device
 * first; or all of them in the page cache.
 */
#include "truth.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMM  "faults"
#define PAGE  4096
#define PAGES 8192
#define SIZE  ((size_t)PAGES * PAGE)

/* Not a neighbour of the last one, and each page once: the stride is odd, PAGES a power of 2. */
static size_t page_at(size_t i)
{
	return i * 4099 % PAGES * PAGE;
}

static int make_file(bool cold)
{
	int fd = nameless_file("faults", 0);
	static char page[PAGE];

	for (int i = 0; i < PAGES; i++) {
		memset(page, i | 1, sizeof(page));
		must(write(fd, page, PAGE), "write");
	}
	if (cold) {
		must(fsync(fd), "fsync");
		must0(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
	}
	return fd;
}

/* Until the time is up, but each page once at most. */
static void touch(int fd, int64_t end)
{
	void *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	const volatile char *pages = map;
	int sum = 0;

	must(map == MAP_FAILED ? -1 : 0, "mmap");
	must(madvise(map, SIZE, MADV_RANDOM), "madvise");
	for (size_t i = 0; i < PAGES && clock_ns(CLOCK_MONOTONIC) < end; i++)
		sum |= pages[page_at(i)];
	must(sum ? 0 : -1, "touching pages");
	must(munmap(map, SIZE), "munmap");
}

static void expect_cold(struct account span)
{
	int64_t waits = span.voluntary, blocked = account_blocked(span);
	int64_t least = waits < span.major_faults ? waits : span.major_faults;

	if (least < PAGES / 4) {
		truth_skip("few pages were read from a device, or too fast to wait");
		return;
	}
	truth_waits(COMM, "fault.major", span, (struct bounds){ least - least / 10, waits + 10 },
		    "ru_majflt and ru_nvcsw: nothing else waits; 10 % may be metadata or not wait; "
		    "the start may fault too");
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { blocked - blocked / 20 - 2 * MS, MANY },
		.why = "its only thread waits for the device; 5 %",
	});
	truth_verdict_of_disk(span);
}

static void expect_warm(struct account span)
{
	truth_expect((struct expectation){
		.path = blocked_path(COMM, "fault.major", "ns"),
		.in = { 0, span.wall / 50 },
		.zero_if_absent = true,
		.why = "no page is read from a device, but for those of the program; 2 %",
	});
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { 0, span.wall / 20 },
		.why = "no page is read from a device, but for those of the program; 5 %",
	});
	truth_verdict_of("cpu-bound", span, "faults that find their page in memory are computing");
}

int main(int argc, char **argv)
{
	bool warm = argc > 1 && !strcmp(argv[1], "warm");
	struct account from = account_now(), before, span;
	int64_t end;
	int fd;

	name_thread(COMM);
	fd = make_file(!warm);
	before = account_now();
	end = before.wall + SEC;
	do
		touch(fd, end);
	while (warm && clock_ns(CLOCK_MONOTONIC) < end);
	span = account_since(before);
	must(close(fd), "close");

	truth_begin(warm ? "faults warm" : "faults");
	truth_thread(COMM, from, account_now());
	if (warm)
		expect_warm(span);
	else
		expect_cold(span);
	return truth_end();
}
