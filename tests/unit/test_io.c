// SPDX-License-Identifier: BSD-2-Clause
/* Waits by target: what they are called, and which of them are one. */
#include "findings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "model/target.h"

static void begin(void)
{
	begin_waiting(CAUSE_IO_DISK);
}

static void put_target(__u32 index, enum target_kind kind, const char *path)
{
	struct ev_target *t = target_event(index, kind, path);

	put(t);
	free(t);
}

static void put_io(__u32 index, enum cause cause, __u64 waits, __u64 ns)
{
	struct ev_io i = io(index, cause, waits, ns);

	put(&i);
}

static struct ev_target *a_socket(int family, enum target_side side, const char *text, size_t size)
{
	struct ev_target *t = event_of(EV_TARGET, sizeof(*t), size + 1);

	t->index = 1;
	t->kind = TARGET_SOCKET;
	t->side = side;
	t->family = family;
	t->protocol = IPPROTO_TCP;
	t->size = size + 1;
	memcpy(t->text, text, size);
	t->local.port = 80;
	t->peer.port = 5432;
	return t;
}

/* Of a TCP socket between these. */
static void inet_is(int family, enum target_side side, const char *local, const char *peer,
		    const char *name, const char *local_name, const char *peer_name)
{
	struct ev_target *t = a_socket(family, side, "", 0);
	char text[TARGET_NAME_SIZE];

	cr_assert_eq(inet_pton(family, local, t->local.address), 1);
	cr_assert_eq(inet_pton(family, peer, t->peer.address), 1);
	cr_assert_str_eq(target_name(text, sizeof(text), t, CAUSE_IO_SOCKET), name);
	cr_assert_str_eq(target_local(text, sizeof(text), t), local_name);
	cr_assert_str_eq(target_peer(text, sizeof(text), t), peer_name);
	cr_assert_null(target_path(t));
	free(t);
}

Test(name, inet)
{
	inet_is(AF_INET, SIDE_CONNECTED, "10.0.0.1", "10.0.0.2", "tcp 10.0.0.2:5432", "10.0.0.1:80",
		"10.0.0.2:5432");
	inet_is(AF_INET, SIDE_SERVED, "10.0.0.1", "10.0.0.2", "tcp port 80 from clients",
		"10.0.0.1:80", "10.0.0.2:5432");
	inet_is(AF_INET6, SIDE_LISTENING, "::", "::1", "tcp port 80 new connections", "*:80",
		"[::1]:5432");
	inet_is(AF_INET6, SIDE_CONNECTED, "fe80::1", "2001:db8::2", "tcp [2001:db8::2]:5432",
		"[fe80::1]:80", "[2001:db8::2]:5432");
}

static void unix_is(enum target_side side, const char *text, size_t size, const char *name,
		    const char *local, const char *peer, const char *path)
{
	struct ev_target *t = a_socket(AF_UNIX, side, text, size);
	char buf[TARGET_NAME_SIZE];

	cr_assert_str_eq(target_name(buf, sizeof(buf), t, CAUSE_IO_SOCKET), name);
	cr_assert_str_eq(target_local(buf, sizeof(buf), t), local);
	cr_assert_str_eq(target_peer(buf, sizeof(buf), t), peer);
	if (path)
		cr_assert_str_eq(target_path(t), path);
	else
		cr_assert_null(target_path(t));
	free(t);
}

Test(name, unix_sockets)
{
	unix_is(SIDE_CONNECTED, "/run/x", 6, "unix /run/x", "", "/run/x", "/run/x");
	unix_is(SIDE_SERVED, "/run/x", 6, "unix /run/x from clients", "/run/x", "", "/run/x");
	unix_is(SIDE_LISTENING, "\0x y", 4, "unix @x y new connections", "@x y", "", NULL);
	unix_is(SIDE_PAIR, "", 0, "socketpair", "", "", NULL);
}

Test(name, files, .init = begin, .fini = teardown)
{
	put_target(1, TARGET_FILE, "/var/lib/x.db");
	put_target(2, TARGET_PIPE, "/");
	put_target(3, TARGET_PIPE, "/tmp/fifo");
	put_target(4, TARGET_NAME, "relative");
	put_target(5, TARGET_NAME, "");
	put_target(6, TARGET_OBJECT, "/[eventfd]");
	for (__u32 i = 1; i <= 6; i++)
		put_io(i, i == 6 ? CAUSE_EVENT_EVENTFD : CAUSE_IO_DISK, 1, (7 - i) * SECOND);
	put_target(7, TARGET_OBJECT, "");
	put_target(8, TARGET_OBJECT, "");
	put_io(7, CAUSE_IO_URING, 1, SECOND / 2);
	put_io(8, CAUSE_IO_AIO, 1, SECOND / 4);
	put_target(9, TARGET_OBJECT, "");
	put_target(10, TARGET_OBJECT, "");
	put_io(9, CAUSE_FAULT_MAJOR, 1, SECOND / 8);
	put_io(10, CAUSE_IO_DISK, 1, SECOND / 16);
	end_waiting();
	cr_assert_eq(m->n_ios, 10);
	cr_assert_str_eq(m->ios[8].name, "swap");
	cr_assert_str_eq(m->ios[9].name, "swap");
	cr_assert_str_eq(m->ios[0].name, "/var/lib/x.db");
	cr_assert_str_eq(m->ios[0].path, "/var/lib/x.db");
	cr_assert_str_eq(m->ios[1].name, "pipe");
	cr_assert_null(m->ios[1].path);
	cr_assert_str_eq(m->ios[2].path, "/tmp/fifo");
	cr_assert_str_eq(m->ios[3].name, "relative");
	cr_assert_str_eq(m->ios[4].name, "files by name");
	cr_assert_str_eq(m->ios[5].name, "eventfd");
	cr_assert_str_eq(m->ios[6].name, "io_uring");
	cr_assert_str_eq(m->ios[7].name, "aio");
}

/* All are called alike, and each is a row of its own, as it is a channel; in recordings of before they were one. */
Test(rows, eventfds, .init = begin, .fini = teardown)
{
	for (__u32 i = 1; i <= 4; i++) {
		struct ev_target *t = target_event(i, TARGET_OBJECT, "");

		t->id = i <= 2 ? i : 0;
		put(t);
		free(t);
		put_io(i, CAUSE_EVENT_EVENTFD, 1, (5 - i) * SECOND);
	}
	end_waiting();
	cr_assert_eq(m->n_ios, 3);
	cr_assert_str_eq(m->ios[0].name, "eventfd");
	cr_assert_str_eq(m->ios[0].channel, "eventfd:[0]");
	cr_assert_str_eq(m->ios[1].channel, "eventfd:[1]");
	cr_assert_str_eq(m->ios[2].channel, "eventfd");
	cr_assert_eq(m->ios[2].waits, 2);
}

/* Made again and again under one name; by name and open; but not for another cause. */
Test(rows, one_name_is_one, .init = begin, .fini = teardown)
{
	put_target(1, TARGET_FILE, "/tmp/log");
	put_target(2, TARGET_FILE, "/tmp/log");
	put_target(3, TARGET_NAME, "/tmp/log");
	for (__u32 i = 1; i <= 3; i++)
		put_io(i, CAUSE_IO_DISK, 2, SECOND);
	put_io(1, CAUSE_IO_FILE, 1, SECOND / 2);
	end_waiting();
	cr_assert_eq(m->n_ios, 2);
	cr_assert_eq(m->ios[0].waits, 6);
	cr_assert_eq(m->ios[0].ns, 3 * SECOND);
	cr_assert_eq(m->ios[0].objects, 3);
	cr_assert_eq(m->ios[0].n_users, 3);
	cr_assert_eq(m->ios[1].cause, CAUSE_IO_FILE);
}

/* They have no name: two are two. */
Test(rows, pipes_stay_apart, .init = begin, .fini = teardown)
{
	put_target(1, TARGET_PIPE, "/");
	put_target(2, TARGET_PIPE, "/");
	put_io(1, CAUSE_IO_PIPE, 1, SECOND);
	put_io(2, CAUSE_IO_PIPE, 1, 2 * SECOND);
	end_waiting();
	cr_assert_eq(m->n_ios, 2);
	cr_assert_eq(m->ios[0].ns, 2 * SECOND);
}

/* Of things that are waited for at once only an upper bound is known. */
Test(rows, no_more_than_the_wall, .init = begin, .fini = teardown)
{
	put_target(1, TARGET_FILE, "/tmp/log");
	put_target(2, TARGET_FILE, "/tmp/log");
	put_io(1, CAUSE_IO_DISK, 1, 8 * SECOND);
	put_io(2, CAUSE_IO_DISK, 1, 8 * SECOND);
	end_waiting();
	cr_assert_eq(m->n_ios, 1);
	cr_assert_eq(m->ios[0].any_ns, m->wall_ns);
}

/* Its name was lost: its waits are not. */
Test(rows, nameless, .init = begin, .fini = teardown)
{
	put_io(7, CAUSE_IO_DISK, 3, SECOND);
	end_waiting();
	cr_assert_eq(m->n_ios, 1);
	cr_assert_eq(m->ios[0].waits, 3);
}

static const struct evidence *evidence_of(const char *metric)
{
	for (size_t i = 0; i < f->list[0].n_evidence; i++) {
		if (!strcmp(f->list[0].evidence[i].metric, metric))
			return &f->list[0].evidence[i];
	}
	return NULL;
}

static void wait_for_device(enum cause cause, enum target_kind kind, const char *path)
{
	struct ev_wall w = wall(9 * SECOND);
	struct ev_end e = end(0);

	w.sums.still_ns = 0;
	w.sums.row_ns[ROW_IO] = 8 * SECOND;
	w.sums.by_count[1] = SECOND;
	w.sums.busy_ns = SECOND;
	put_target(1, kind, path);
	put_io(1, cause, 4, 8 * SECOND);
	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
}

static void wait_for_disk(const char *path)
{
	wait_for_device(CAUSE_IO_DISK, TARGET_FILE, path);
}

Test(verdict, names_the_file, .init = begin, .fini = teardown)
{
	wait_for_disk("/srv/orders.db");
	cr_assert_str_eq(f->list[0].rule, "verdict.io");
	cr_assert_not_null(strstr(f->list[0].title, "/srv/orders.db"), "%s", f->list[0].title);
	cr_assert_not_null(evidence_of("io.wait_ns"));
	cr_assert_not_null(strstr(evidence_of("io.wait_ns")->text, "one at a time"));
}

/* One wait at a ring may be for many requests at once. */
Test(verdict, names_the_file_of_a_ring, .init = begin, .fini = teardown)
{
	wait_for_device(CAUSE_IO_URING, TARGET_FILE, "/srv/orders.db");
	cr_assert_not_null(strstr(f->list[0].title, "/srv/orders.db"), "%s", f->list[0].title);
	cr_assert_null(strstr(f->list[0].title, "on a disk"), "%s", f->list[0].title);
	cr_assert_null(strstr(evidence_of("io.wait_ns")->text, "one at a time"));
}

Test(verdict, names_no_pipe_of_a_ring, .init = begin, .fini = teardown)
{
	wait_for_device(CAUSE_IO_URING, TARGET_PIPE, "/srv/fifo");
	cr_assert_null(strstr(f->list[0].title, "/srv/fifo"), "%s", f->list[0].title);
}

/* What is said of it is not cut off. */
Test(verdict, long_name, .init = begin, .fini = teardown)
{
	char path[500] = "/srv";

	for (int i = 0; i < 40; i++)
		strcat(path, "/directory");
	strcat(path, "/orders.db");
	wait_for_disk(path);
	cr_assert_not_null(strstr(f->list[0].title, "/orders.db, which is on a disk"), "%s",
			   f->list[0].title);
	cr_assert_not_null(strstr(evidence_of("io.wait_ns")->text, "one at a time"));
	cr_assert_not_null(strstr(evidence_of("io.wait_ns")->text, "/orders.db"));
}

/* From where: by the samples of its waits; and after the rows were sorted. */
Test(sites, belong_to_their_target, .init = begin, .fini = teardown)
{
	struct ev_frame *name = frame(1, "load", "a.c", "/bin/a");
	struct ev_stack *calls = stack(1, (const __u32[]){ 1 }, 1);
	struct ev_site s = wait_site(1, 1, CAUSE_IO_DISK, 4, 8 * SECOND);

	put(name);
	put(calls);
	put_target(1, TARGET_FILE, "/srv/a");
	put_target(2, TARGET_FILE, "/srv/b");
	put_io(1, CAUSE_IO_DISK, 1, SECOND);
	put_io(2, CAUSE_IO_DISK, 3, 7 * SECOND);
	s.target = 2;
	put(&s);
	end_waiting();
	cr_assert_str_eq(m->ios[0].path, "/srv/b");
	cr_assert_eq(m->sites[0].io, 0);
	cr_assert_eq(f->io_places[0].n, 1);
	cr_assert_str_eq(f->io_places[0].items[0].frame->function, "load");
	cr_assert_eq(f->io_places[1].n, 0);
	free(name);
	free(calls);
}

/* Of a target that nothing else is known of. */
Test(sites, of_no_row, .init = begin, .fini = teardown)
{
	struct ev_frame *name = frame(1, "load", "a.c", "/bin/a");
	struct ev_stack *calls = stack(1, (const __u32[]){ 1 }, 1);
	struct ev_site s = wait_site(1, 1, CAUSE_IO_DISK, 4, 8 * SECOND);

	put(name);
	put(calls);
	s.target = 9;
	put(&s);
	end_waiting();
	cr_assert_eq(m->sites[0].io, NO_IO);
	free(name);
	free(calls);
}
