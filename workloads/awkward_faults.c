// SPDX-License-Identifier: BSD-2-Clause
/* Page faults that wait for the disk: outside a system call, and inside one. */
#include "awkward.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 4096
#define STEP  4

/* A file of the current directory, out of the page cache. */
static const char *cold_mapping(void)
{
	const char *name = truth_path("concprof-fault.%d", getpid());
	static char page[PAGE];
	const char *map;
	int fd = (int)must(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), name);

	must(unlink(name), name);
	for (int i = 0; i < PAGES; i++) {
		memset(page, i | 1, sizeof(page));
		must(pwrite(fd, page, PAGE, (off_t)i * PAGE), "pwrite");
	}
	must(fsync(fd), "fsync");
	must0(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
	map = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	must(map == MAP_FAILED ? -1 : 0, "mmap");
	must(madvise((void *)(uintptr_t)map, (size_t)PAGES * PAGE, MADV_RANDOM), "madvise");
	return map;
}

static const char *expect_faults(const char *who, struct account span)
{
	int64_t waits = span.voluntary;
	int64_t least = waits < span.major_faults ? waits : span.major_faults;

	if (least < PAGES / STEP / 2)
		return "most pages of the file were not read from a device, or too fast to wait";
	truth_waits(who, "fault.major", span, (struct bounds){ least - least / 10, waits + 2 },
		    "ru_majflt and ru_nvcsw: nothing else waits; 10 % may be metadata or not "
		    "wait; the start may fault too");
	return NULL;
}

static const char *run_fault_file(void)
{
	const volatile char *map = cold_mapping();
	struct account before = account_now();
	int sum = 0;

	for (int i = 0; i < PAGES; i += STEP)
		sum += map[(size_t)i * PAGE];
	must(sum ? 0 : -1, "touching pages");
	return expect_faults("aw-fault-file", account_since(before));
}

static const char *run_fault_syscall(void)
{
	static char page[PAGE];
	const char *map = cold_mapping(), *who = "aw-fault-call", *reason;
	struct account before, span;

	name_thread(who);
	open_kick_pipe();
	before = account_now();
	for (int i = 0; i < PAGES; i += STEP) {
		must(write(kick_pipe[1], map + (size_t)i * PAGE, PAGE), "write");
		must(read(kick_pipe[0], page, PAGE), "read");
	}
	span = account_since(before);
	reason = expect_faults(who, span);
	if (!reason)
		truth_expect((struct expectation){
			.path = blocked_path(who, "io.pipe", "count"),
			.in = { 0, 0 },
			.zero_if_absent = true,
			.why = "the pipe was never full nor empty: each wait was a page fault "
			       "inside write()",
		});
	return reason;
}

const struct mode fault_modes[] = {
	{ "fault-file", NULL, run_fault_file },
	{ "fault-syscall", NULL, run_fault_syscall },
	{ 0 },
};
