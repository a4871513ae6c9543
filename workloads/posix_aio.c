// SPDX-License-Identifier: BSD-2-Clause
/* posix_aio: reads a file by aio_read(3), which glibc has threads of its own do, and waits in aio_suspend(3). */
#include "truth.h"

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMM  "posix_aio"
#define BLOCK 4096
#define READS 2000

static void read_one(int fd, void *buffer, long i)
{
	struct aiocb request = {
		.aio_fildes = fd, .aio_buf = buffer, .aio_nbytes = BLOCK, .aio_offset = i * BLOCK
	};
	const struct aiocb *all[] = { &request };

	must(aio_read(&request), "aio_read");
	while (aio_error(&request) == EINPROGRESS)
		hope(aio_suspend(all, 1, NULL), "aio_suspend");
	must(aio_return(&request) == BLOCK ? 0 : -1, "aio_return");
}

static void expect(struct account from, const char *path)
{
	const char *row = truth_path("io[path=\"%s\"]", path);

	truth_thread(COMM, from, account_now());
	truth_equals(truth_path("%s.kind", row), "file", "what it reads");
	truth_equals(truth_path("%s.cause", row), "io.disk", "the helper waits for the disk");
	truth_expect((struct expectation){
		.path = truth_path("%s.waits", row),
		.in = { READS / 2, READS + READS / 50 + 20 },
		.why = "each read waits, or nearly each; 2 %",
	});
}

int main(void)
{
	struct account from = account_now(), span;
	char path[] = "/tmp/concprof-XXXXXX";
	int fd = (int)must(mkostemp(path, O_CLOEXEC), path);
	void *block = NULL;

	name_thread(COMM);
	must0(posix_memalign(&block, BLOCK, BLOCK), "posix_memalign");
	memset(block, 'x', BLOCK);
	for (int i = 0; i < READS; i++)
		must(write(fd, block, BLOCK), "write");
	must(fsync(fd), "fsync");
	truth_begin("posix_aio");
	if (fcntl(fd, F_SETFL, O_DIRECT) == -1) {
		truth_skip("files here have no device that is read around the cache");
	} else {
		span = account_now();
		for (long i = 0; i < READS / 10; i++)
			must(pread(fd, block, BLOCK, i * BLOCK), "pread");
		span = account_since(span);
		for (long i = READS / 10; i < READS; i++)
			read_one(fd, block, i);
		if (account_blocked(span) > span.cpu / 2)
			expect(from, path);
		else
			truth_skip("reads hardly wait here");
	}
	must(unlink(path), path);
	return truth_end();
}
