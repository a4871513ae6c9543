// SPDX-License-Identifier: BSD-2-Clause
/* What is around the program: servers that it waited for, and others that used the CPUs. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "model/model.h"
#include "stream.h"

static struct model_builder *b;

static void setup(void)
{
	b = model_builder_new();
}

static void put(const void *event)
{
	const struct event *ev = event;

	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq(model_builder_event(b, ev), 0);
}

static void put_thread(struct ev_thread t)
{
	put(&t);
}

static void put_peer(struct ev_peer p)
{
	put(&p);
}

static struct model *done(__u64 at)
{
	struct ev_wall w = wall(at);
	struct ev_end e = end(0);

	put(&w);
	put(&e);
	return model_builder_finish(b);
}

static const char *comm_of(const struct model *m, uint32_t pid)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].pid == pid)
			return m->processes[i].comm;
	}
	cr_assert_fail("there is no process %u", pid);
	return NULL;
}

/* --- peers ----------------------------------------------------------------------- */

Test(peers, as_they_were_sent, .init = setup)
{
	static const __u8 address[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct ev_peer ev = peer(0, 700, 7);
	struct model *m;

	memcpy(ev.key.address, address, sizeof(address));
	ev.key.family = PEER_INET6;
	ev.key.port = 65535;
	ev.is_local = 0;
	put(&ev);
	m = done(1000);
	cr_assert_eq(m->n_peers, 1);
	cr_assert_arr_eq(m->peers[0].key.address, address, sizeof(address));
	cr_assert_eq(m->peers[0].key.family, PEER_INET6);
	cr_assert_eq(m->peers[0].key.port, 65535);
	cr_assert_eq(m->peers[0].ns, 700);
	cr_assert_eq(m->peers[0].waits, 7);
	cr_assert_not(m->peers[0].is_local);
	cr_assert_eq(m->peers[0].pid, 0);
	cr_assert_str_eq(m->peers[0].comm, "");
	model_free(m);
}

Test(peers, longest_first, .init = setup)
{
	static const __u64 sent[] = { 5, 900, 0, 5, 3000000000000, 70 };
	static const __u64 kept[] = { 3000000000000, 900, 70, 5, 5, 0 };
	struct model *m;

	for (int i = 0; i < 6; i++)
		put_peer(peer(2000 + i, sent[i], 1000 - sent[i] % 1000));
	m = done(1000);
	cr_assert_eq(m->n_peers, 6);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(m->peers[i].ns, kept[i], "%d", i);
	cr_assert_eq(m->peers[0].pid, 2004);
	cr_assert_str_eq(m->peers[0].comm, "s2004");
	model_free(m);
}

/* A thread of process 1000 + process, which has ended or not. */
static struct ev_thread member(__u64 id, __u64 process, bool ended)
{
	struct ev_thread t = thread(id, 1, process, 0, 1000);

	if (!ended)
		t.flags &= ~(THREAD_ENDED | THREAD_GROUP_DEAD);
	return t;
}

Test(peers, inside_if_alive_at_the_end_with_that_pid, .init = setup)
{
	static const struct {
		__u32 pid;
		bool inside;
	} of[] = { { 1001, true },  { 1002, false },	   { 1003, true },
		   { 1005, false }, { 1006, true },	   { 1007, false },
		   { 1, false },    { 4294967295, false }, { 0, false } };
	struct ev_thread again = member(7, 7, false);
	struct model *m;

	put_thread(member(1, 0, false));
	put_thread(member(2, 0, true));
	put_thread(member(3, 0, true)); /* its leader is dead, a thread of it lives */
	put_thread(member(4, 3, false));
	put_thread(member(5, 0, true)); /* 1005 and 1006: dead, and 1006 has a new owner */
	put_thread(member(6, 0, true));
	again.pid = 1006;
	put_thread(again);
	for (int i = 0; i < 9; i++)
		put_peer(peer(of[i].pid, 100 - i, 1));
	m = done(1000);
	cr_assert_eq(m->n_peers, 9);
	for (int i = 0; i < 9; i++) {
		cr_assert_eq(m->peers[i].pid, of[i].pid);
		cr_assert_eq(m->peers[i].is_inside, of[i].inside, "pid %u", of[i].pid);
	}
	model_free(m);
}

/* Who has a local socket is told with each wait, so it was that process even if it is dead now; unless
 * somebody with its number listened at the end. */
Test(peers, inside_and_dead, .init = setup)
{
	struct ev_peer dead = peer(1002, 100, 1), other = peer(1002, 99, 1);
	struct model *m;

	put_thread(member(1, 0, false));
	put_thread(member(2, 0, true));
	dead.key.family = other.key.family = PEER_UNIX;
	*dead.comm = '\0';
	memcpy(other.comm, "other", sizeof("other"));
	put_peer(dead);
	put_peer(other);
	m = done(1000);
	cr_assert(m->peers[0].is_inside);
	cr_assert_str_eq(m->peers[0].comm, comm_of(m, 1002));
	cr_assert_not(m->peers[1].is_inside);
	model_free(m);
}

/* No number is not one. */
Test(peers, not_inside_a_process_without_a_number, .init = setup)
{
	struct ev_thread t = member(1, 0, false);
	struct model *m;

	t.pid = 0;
	put(&t);
	put_peer(peer(0, 100, 1));
	m = done(1000);
	cr_assert_not(m->peers[0].is_inside);
	model_free(m);
}

/* A socket of a server at which a process has waited for its clients. */
static void put_socket(__u32 index, enum target_side side, const __u8 address[4], __u16 port,
		       __u32 pid)
{
	struct ev_target *t = target_event(index, TARGET_SOCKET, "");
	struct ev_io waited = io(index, CAUSE_IO_SOCKET, 5, 50);

	t->side = side;
	t->family = AF_INET;
	t->protocol = IPPROTO_TCP;
	memcpy(t->local.address, address, 4);
	t->local.port = port;
	memcpy(t->peer.address, address, 4);
	t->peer.port = 40000;
	put(t);
	free(t);
	waited.users[0].pid = pid;
	put(&waited);
}

/* A server that has ended before the measurement is known by its waits for clients. */
Test(peers, who_waited_there_for_clients)
{
	static const __u8 here[4] = { 127, 0, 0, 1 }, any[4], elsewhere[4] = { 10, 0, 0, 1 };
	static const struct {
		enum target_side side;
		const __u8 *address;
		__u16 port;
		bool found;
	} of[] = { { SIDE_SERVED, here, 5432, true },	    { SIDE_LISTENING, any, 5432, true },
		   { SIDE_BOUND, here, 5432, true },	    { SIDE_CONNECTED, here, 5432, false },
		   { SIDE_SERVED, elsewhere, 5432, false }, { SIDE_SERVED, here, 5433, false } };

	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		struct model *m;

		setup();
		put_thread(member(1, 0, true));
		put_thread(member(2, 0, true));
		put_socket(1, of[i].side, of[i].address, of[i].port, 1002);
		put_peer(peer(0, 100, 1));
		m = done(1000);
		cr_assert_eq(m->peers[0].is_inside, of[i].found, "%zu", i);
		cr_assert_eq(m->peers[0].pid, of[i].found ? 1002 : 0, "%zu", i);
		cr_assert_str_eq(m->peers[0].comm, of[i].found ? comm_of(m, 1002) : "");
		model_free(m);
	}
}

/* Of a server that has forked others, the first; who listens at the end is who serves now. */
Test(peers, the_first_who_waited_there, .init = setup)
{
	static const __u8 here[4] = { 127, 0, 0, 1 };
	struct model *m;

	put_thread(member(1, 0, true));
	put_thread(member(2, 0, true));
	put_thread(member(3, 0, true));
	put_socket(1, SIDE_SERVED, here, 5432, 1003);
	put_socket(2, SIDE_LISTENING, here, 5432, 1002);
	put_peer(peer(0, 100, 1));
	put_peer(peer(4711, 99, 1));
	m = done(1000);
	cr_assert_eq(m->peers[0].pid, 1002);
	cr_assert_eq(m->peers[1].pid, 4711);
	cr_assert_not(m->peers[1].is_inside);
	model_free(m);
}

/* --- other programs -------------------------------------------------------------- */

Test(others, most_first_without_the_tracked, .init = setup)
{
	static const __u32 sent[] = { 7, 1001, 900, 1002, 8, 4294967295 };
	static const __u32 kept[] = { 8, 900, 7, 4294967295 };
	static const __u64 cpu_ns[] = { 10, 9000000000, 700, 20, 3000000000000, 0 };
	struct model *m;

	for (int i = 0; i < 6; i++) {
		struct ev_other o = other(sent[i], cpu_ns[i]);

		put(&o); /* before the ledgers: what is tracked is not known yet */
	}
	put_thread(member(1, 0, false));
	put_thread(member(2, 0, true));
	m = done(1000);
	cr_assert_eq(m->n_others, 4);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(m->others[i].pid, kept[i], "%d", i);
	cr_assert_eq(m->others[0].cpu_ns, 3000000000000);
	cr_assert_str_eq(m->others[0].comm, "o8");
	model_free(m);
}

Test(others, none_but_the_tracked, .init = setup)
{
	struct ev_other o = other(1001, 5);
	struct model *m;

	put_thread(member(1, 0, false));
	put(&o);
	m = done(1000);
	cr_assert_eq(m->n_others, 0);
	model_free(m);
}
