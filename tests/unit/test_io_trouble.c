// SPDX-License-Identifier: BSD-2-Clause
/* Common troubles of input and output: for each a stream that it is for, and others that look
 * like it. */
#include "troubles.h"

/* --- io.one_at_a_time --------------------------------------------------------------------- */

struct disk {
	uint64_t waits, ns, any_ns, bytes;
	uint64_t other_ns; /* for a second file */
	bool is_uncounted;
	enum target_kind kind;
	const char *const *stack; /* NULL: not known */
};

static const struct disk orders = {
	.waits = 4000, .ns = 8 * SECOND, .any_ns = 8 * SECOND, .bytes = 4096, .kind = TARGET_FILE
};

/* In nine seconds: one thread, or several if the waits are longer than somebody waited. */
static void wait_for_disk(struct disk d)
{
	uint64_t threads = (d.ns + d.any_ns - 1) / d.any_ns;
	struct ev_wall w = wall(9 * SECOND);
	struct ev_io i = io(1, CAUSE_IO_DISK, d.waits, d.ns), other = i;

	for (uint64_t k = 1; k <= threads; k++) {
		struct ev_thread t = thread(k, k > 1, 1, 0, 9 * SECOND);

		waited(&t, CAUSE_IO_DISK, d.ns / threads, d.waits / threads);
		t.ledger.cause[CAUSE_IO_DISK].max_ns = SECOND / 10;
		if (k == 1 && d.other_ns)
			waited(&t, CAUSE_IO_DISK, d.other_ns, d.waits);
		if (!d.is_uncounted)
			counted(&t, d.waits / threads, d.waits / threads * d.bytes, 0, 0);
		put(&t);
	}
	i.any_ns = d.any_ns;
	i.max_ns = SECOND / 10;
	put_freed(target_event(1, d.kind, "/srv/orders.db"));
	put_freed(target_event(2, d.kind, "/srv/items.db"));
	put(&i);
	other.index = 2;
	other.ns = other.any_ns = d.other_ns;
	if (d.other_ns)
		put(&other);
	if (d.stack) {
		struct ev_site s = wait_site(1, 1, CAUSE_IO_DISK, d.waits, d.ns);

		put_stack(d.stack);
		put(&s);
	}
	stood(&w, &w.sums.row_ns[ROW_IO], d.any_ns + d.other_ns);
	analyse(w);
}

Test(one_at_a_time, of_a_file, .init = setup, .fini = teardown)
{
	const struct finding *it;

	wait_for_disk(orders);
	it = fires("io.one_at_a_time");
	cr_assert_str_eq(it->title,
			 "89 % of the time it reads /srv/orders.db, one request at a time");
	says(it, "4,000 waits took 8.000 s in all, 2.00 ms each");
	says(it, "1.00 threads did on average");
	cr_assert_eq(it->gain_at_most_ns, 8 * SECOND - SECOND / 10);
	is_silent("io.fsync");
	is_silent("io.names");
}

/* No one of them is named. */
Test(one_at_a_time, of_several_files, .init = setup, .fini = teardown)
{
	struct disk d = orders;

	d.ns = d.any_ns = 4 * SECOND;
	d.other_ns = 4 * SECOND;
	wait_for_disk(d);
	says(fires("io.one_at_a_time"), "89 % of the time it reads from a disk");
}

Test(one_at_a_time, look_alikes, .init = setup, .fini = teardown)
{
	struct disk d = orders;

	d.ns = 16 * SECOND;
	wait_for_disk(d);
	is_silent("io.one_at_a_time"); /* two at once */
	again();
	d = orders;
	d.waits = 199;
	wait_for_disk(d);
	is_silent("io.one_at_a_time"); /* few */
	again();
	d = orders;
	d.bytes = 1 << 20;
	wait_for_disk(d);
	is_silent("io.one_at_a_time"); /* large ones: the disk is busy */
	again();
	d = orders;
	d.ns = d.any_ns = 4 * SECOND;
	wait_for_disk(d);
	is_silent("io.one_at_a_time"); /* less than half of the time */
	again();
	d = orders;
	d.is_uncounted = true;
	wait_for_disk(d);
	is_silent("io.one_at_a_time"); /* how large they are is not known */
}

/* --- io.fsync -------------------------------------------------------------------------------- */

static const char *const syncs[] = { "k:jbd2_log_wait_commit", "k:ext4_sync_file", "c:__fsync",
				     "commit_order", NULL };

Test(fsync, in_a_loop, .init = setup, .fini = teardown)
{
	struct disk d = orders;
	const struct finding *it;

	d.stack = syncs;
	wait_for_disk(d);
	it = fires("io.fsync");
	says(it, "4,000 waits took 8.000 s in all, 2.00 ms each, mostly in fsync");
	says(it, "100 % of it by one chain of calls from commit_order");
	cr_assert_eq(it->gain_at_most_ns, 8 * SECOND);
	is_silent("io.one_at_a_time");
}

/* What the C library does not tell, the kernel does. */
Test(fsync, in_other_calls, .init = setup, .fini = teardown)
{
	static const char *const synced[] = { "k:xfs_file_fsync", "k:vfs_write", "k:ksys_write",
					      "c:write",	  "append",	 NULL };
	static const char *const raw[] = { "k:xfs_file_fsync", "Syscall6", NULL };
	struct disk d = orders;

	d.stack = synced;
	wait_for_disk(d);
	says(fires("io.fsync"), "mostly in writes that sync (O_SYNC, O_DSYNC)");
	again();
	d.stack = raw;
	wait_for_disk(d);
	says(fires("io.fsync"), "mostly in fsync");
}

Test(fsync, look_alikes, .init = setup, .fini = teardown)
{
	static const char *const reads[] = { "k:filemap_read", "k:vfs_read", "c:read",
					     "fsync_later", NULL };
	struct disk d = orders;

	d.stack = reads;
	wait_for_disk(d);
	is_silent("io.fsync");
	fires("io.one_at_a_time");
	again();
	d.stack = syncs;
	d.waits = 99;
	wait_for_disk(d);
	is_silent("io.fsync");
	again();
	d.waits = 4000;
	d.ns = d.any_ns = SECOND * 8 / 10;
	wait_for_disk(d);
	is_silent("io.fsync"); /* 9 % of the time */
}

/* --- io.names --------------------------------------------------------------------------------- */

Test(names, that_are_waited_for, .init = setup, .fini = teardown)
{
	struct disk d = orders;
	const struct finding *it;

	d.kind = TARGET_NAME;
	wait_for_disk(d);
	it = fires("io.names");
	says(it, "4,000 such waits took 8.000 s in all, 2.00 ms each");
	says(it, "100 % of it for /srv/orders.db");
	says(it, "up to 89 % of the wall time a thread was in one");
	is_silent("io.one_at_a_time");
}

/* Of several at once the wall time counts once, where that is known. */
Test(names, at_once, .init = setup, .fini = teardown)
{
	struct ev_io names = io(0, CAUSE_IO_DISK, 4000, 0);
	struct disk d = orders;
	const struct finding *it;

	d.kind = TARGET_NAME;
	names.any_ns = 3 * SECOND;
	put(&names);
	wait_for_disk(d);
	it = fires("io.names");
	says(it, "33 % of the wall time a thread was in one");
	cr_assert_null(strstr(it->evidence[1].text, "up to"));
	cr_assert_eq(it->gain_at_most_ns, 3 * SECOND);
}

/* ... and never for more than all waits took. */
Test(names, no_more_than_all, .init = setup, .fini = teardown)
{
	struct ev_io names = io(0, CAUSE_IO_DISK, 4000, 0);
	struct disk d = orders;

	d.kind = TARGET_NAME;
	names.any_ns = 9 * SECOND;
	put(&names);
	wait_for_disk(d);
	says(fires("io.names"), "up to 89 % of the wall time a thread was in one");
}

Test(names, look_alikes, .init = setup, .fini = teardown)
{
	struct disk d = orders;

	d.kind = TARGET_NAME;
	d.waits = 199;
	wait_for_disk(d);
	is_silent("io.names");
	again();
	d.waits = 4000;
	d.ns = d.any_ns = SECOND * 8 / 10;
	wait_for_disk(d);
	is_silent("io.names");
}

/* --- io.tiny ----------------------------------------------------------------------------------- */

struct calls {
	uint64_t reads, read_bytes, writes, written_bytes;
	uint32_t waits; /* in some of them */
	uint64_t kernel_ns;
	bool is_uncounted;
};

static const struct calls bytes = { .reads = 1000000, .read_bytes = 1000000, .kernel_ns = SECOND };

/* Two seconds of computing. */
static void call(struct calls c)
{
	struct ev_thread t = thread(1, 0, 0, 0, 2 * SECOND);

	counted(&t, c.reads, c.read_bytes, c.writes, c.written_bytes);
	if (c.is_uncounted)
		t.flags &= ~THREAD_IO_COUNTED;
	waited(&t, CAUSE_IO_PIPE, c.waits, c.waits);
	t.witness.user_ns = 2 * SECOND - c.kernel_ns;
	t.witness.kernel_ns = c.kernel_ns;
	put(&t);
	analyse(wall(2 * SECOND));
}

Test(tiny, reads, .init = setup, .fini = teardown)
{
	const struct finding *it;

	call(bytes);
	it = fires("io.tiny");
	cr_assert_str_eq(it->subject, "t1");
	says(it, "500,000 reads a second, of 1.00 bytes on average");
	says(it, "50 % of the thread's CPU time was in the kernel");
}

Test(tiny, writes, .init = setup, .fini = teardown)
{
	struct calls c = { .writes = 30000, .written_bytes = 30000 * 63, .kernel_ns = SECOND };

	call(c);
	says(fires("io.tiny"), "15,000 writes a second");
}

Test(tiny, look_alikes, .init = setup, .fini = teardown)
{
	struct calls c = bytes;

	c.read_bytes = 64 * c.reads;
	call(c);
	is_silent("io.tiny"); /* not so tiny */
	again();
	c = bytes;
	c.reads = c.read_bytes = 19999;
	call(c);
	is_silent("io.tiny"); /* few */
	again();
	c = bytes;
	c.waits = 101000;
	call(c);
	is_silent("io.tiny"); /* hand-overs: it waits for many of them */
	again();
	c = bytes;
	c.kernel_ns = SECOND / 6;
	call(c);
	is_silent("io.tiny"); /* what they cost is little */
	again();
	c = bytes;
	c.is_uncounted = true;
	call(c);
	is_silent("io.tiny");
}
