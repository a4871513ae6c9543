// SPDX-License-Identifier: BSD-2-Clause
/*
 * habits MODE: a common trouble of input and output, or what looks like it and is none. Without
 * MODE: lists them.
 */
#include "habits.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK	(64 << 10) /* that is read around the page cache */
#define BLOCKS	256
#define START	(50 * MS)
#define READERS 4
#define SMALL	1000000 /* bytes that are read one by one */

static struct account span, whole; /* whole: all that main() did */
static bool is_possible = true;

/* The finding is there if it waited for plainly more than `least` of the wall time, and is not if
 * for plainly less. */
static void expect_share(const char *rule, double least, const char *why)
{
	/* What is before main() is not known here. */
	double share = (double)account_blocked(span) / (double)(whole.wall + START);

	if (share > 1.15 * least)
		truth_finding(rule, true, why);
	else if (share < least / 1.15)
		truth_finding(rule, false, "it takes too little of the time");
	else
		truth_skip("it takes neither plainly enough of the time nor plainly too little");
}

/* --- blocks of a device, one at a time ---------------------------------------------------- */

static int blocks;

static int open_blocks(void)
{
	static char zeros[BLOCK];
	int fd = nameless_file("habits", 0);

	for (int i = 0; i < BLOCKS; i++)
		must(write(fd, zeros, sizeof(zeros)), "write");
	must(fsync(fd), "fsync");
	is_possible = fcntl(fd, F_SETFL, O_DIRECT) != -1;
	return fd;
}

static void *read_blocks(void *arg)
{
	struct account *self = arg, before = account_now();
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SEC;
	void *buffer = NULL;

	must0(posix_memalign(&buffer, 4096, BLOCK), "posix_memalign");
	for (unsigned int i = 1; clock_ns(CLOCK_MONOTONIC) < end; i = i * 5 + 1)
		must(pread(blocks, buffer, BLOCK, (off_t)(i % BLOCKS) * BLOCK), "pread");
	*self = account_since(before);
	free(buffer);
	return NULL;
}

static void run_one(void)
{
	blocks = open_blocks();
	if (is_possible)
		read_blocks(&span);
}

static void expect_one(void)
{
	expect_share("io.one_at_a_time", 0.5,
		     "one thread reads blocks of 64 KiB, each after the last");
	truth_finding("io.fsync", false, "it has synced once");
	truth_finding("io.tiny", false, "64 KiB are not tiny");
}

static void run_together(void)
{
	struct account each[READERS];
	pthread_t ids[READERS];

	blocks = open_blocks();
	for (int i = 0; is_possible && i < READERS; i++)
		ids[i] = start_thread(read_blocks, &each[i]);
	for (int i = 0; is_possible && i < READERS; i++)
		join_thread(ids[i]);
}

static void expect_together(void)
{
	truth_finding("io.one_at_a_time", false, "four threads read at once");
}

static void run_large(void)
{
	struct device d;

	is_possible = device_open(&d, "habits");
	if (is_possible)
		device_read_for(&d, SEC);
}

static void expect_large(void)
{
	truth_finding("io.one_at_a_time", false, "the device is busy with the 1 MiB of a read");
}

/* --- names ---------------------------------------------------------------------------------- */

/* In a directory of which each change is safe before the call returns. */
static void run_names(void)
{
	char path[64], name[96];
	struct account before;
	int fd, flags = 0;
	int64_t end;

	snprintf(path, sizeof(path), "concprof-habits-XXXXXX");
	must(mkdtemp(path) ? 0 : -1, path);
	fd = (int)must(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
	is_possible = !ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags |= FS_DIRSYNC_FL;
	is_possible = is_possible && !ioctl(fd, FS_IOC_SETFLAGS, &flags);
	before = account_now();
	end = clock_ns(CLOCK_MONOTONIC) + SEC;
	for (long i = 0; is_possible && clock_ns(CLOCK_MONOTONIC) < end; i++) {
		snprintf(name, sizeof(name), "%s/%ld", path, i % 10);
		must(mkdir(name, 0700), "mkdir");
		must(rmdir(name), "rmdir");
	}
	span = account_since(before);
	must(close(fd), "close");
	must(rmdir(path), path);
}

static void expect_names(void)
{
	if (span.voluntary < 500) {
		truth_skip("the directory's changes do not wait for a device");
		return;
	}
	expect_share("io.names", 0.1, "it makes and removes directories, and waits for each");
	truth_finding("io.one_at_a_time", false, "its waits are for names, of which it is said");
}

/* --- byte by byte ----------------------------------------------------------------------------- */

static void read_small(size_t size)
{
	static char zeros[BLOCK], buffer[4096];
	int fd = nameless_file("habits", 0);
	struct account before;

	for (int i = 0; i < SMALL / BLOCK + 1; i++)
		must(write(fd, zeros, sizeof(zeros)), "write");
	before = account_now();
	for (int i = 0; i < SMALL; i++)
		must(pread(fd, buffer, size, i), "pread");
	span = account_since(before);
	must(close(fd), "close");
}

static void run_bytes(void)
{
	read_small(1);
}

static void expect_bytes(void)
{
	/* The kernel's part of a short time is not known. */
	if (span.cpu < 250 * MS)
		truth_skip("the bytes were read too soon");
	else
		truth_finding("io.tiny", true, "a million reads of one byte each");
	truth_expect((struct expectation){
		.path = "threads[comm=habits].io_calls.writes",
		.in = { SMALL / BLOCK + 1, SMALL / BLOCK + 10 },
		.why = "each block that it wrote; and what it says of itself",
	});
	truth_expect((struct expectation){
		.path = "threads[comm=habits].io_calls.reads",
		.in = { SMALL, SMALL + 100 },
		.why = "each byte; and what starts a program",
	});
	truth_expect((struct expectation){
		.path = "threads[comm=habits].io_calls.read_bytes",
		.in = { SMALL, SMALL + (1 << 20) },
		.why = "the bytes; and what starts a program",
	});
}

static void run_pages(void)
{
	read_small(4096);
}

static void expect_pages(void)
{
	truth_finding("io.tiny", false, "a page for each read");
}

static const struct habit file_habits[] = {
	{ "one", run_one, expect_one },
	{ "together", run_together, expect_together },
	{ "large", run_large, expect_large },
	{ "names", run_names, expect_names },
	{ "bytes", run_bytes, expect_bytes },
	{ "pages", run_pages, expect_pages },
	{ 0 },
};

/* -------------------------------------------------------------------------------------------- */

static const struct habit *const tables[] = { file_habits, log_habits, nap_habits };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct habit *find(const char *name)
{
	for (size_t i = 0; i < TABLES; i++) {
		for (const struct habit *h = tables[i]; h->name; h++) {
			if (!strcmp(h->name, name))
				return h;
		}
	}
	return NULL;
}

static int list_all(void)
{
	for (size_t i = 0; i < TABLES; i++) {
		for (const struct habit *h = tables[i]; h->name; h++)
			puts(h->name);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct account before = account_now();
	const struct habit *h;

	if (argc < 2)
		return list_all();
	h = find(argv[1]);
	if (!h) {
		fprintf(stderr, "habits: no mode %s\n", argv[1]);
		return EXIT_FAILURE;
	}
	h->run();
	whole = account_since(before);
	truth_begin(truth_path("habits %s", h->name));
	if (is_possible)
		h->expect();
	else
		truth_skip("the current directory's device does not make it wait");
	return truth_end();
}
