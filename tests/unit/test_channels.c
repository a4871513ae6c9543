// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom, and who holds up the others. */
#include "troubles.h"

TestSuite(channels, .init = setup, .fini = teardown);

/* A process of one thread of ten seconds, which waited for so long. */
static void put_stage(__u64 id, const char *comm, __u64 waited_ns)
{
	struct ev_thread t = thread(id, id > 1, 0, 0, 10 * SECOND);

	snprintf(t.comm, sizeof(t.comm), "%s", comm);
	if (waited_ns)
		waited(&t, CAUSE_IO_PIPE, waited_ns, 100);
	put_thread(t);
}

/* ... of so many calls that the kernel has counted. */
static void put_caller(__u64 id, __u64 reads, __u64 writes)
{
	struct ev_thread t = thread(id, id > 1, 0, 0, 10 * SECOND);

	counted(&t, reads, 0, writes, 0);
	waited(&t, CAUSE_IO_PIPE, SECOND, 100);
	put_thread(t);
}

/* Waits at it to read, and to write. */
static void put_pipe(__u32 index, __u64 reads, __u64 read_ns, __u64 writes, __u64 write_ns)
{
	struct ev_target *t = target_event(index, TARGET_PIPE, "");
	struct ev_io row = io(index, CAUSE_IO_PIPE, reads + writes, read_ns + write_ns);

	t->id = 7000 + index;
	row.write_waits = writes;
	row.write_ns = write_ns;
	put(t);
	put(&row);
	free(t);
}

static void put_wake(__u32 target, bool writes, __u64 waiter, __u64 waker, __u64 waits, __u64 ns)
{
	struct ev_wake w = wake(target, waiter, waker, waits, ns);

	w.writes = writes;
	put(&w);
}

static const struct finding *bottleneck(void)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, "pipeline.bottleneck"))
			return &f->list[i];
	}
	return NULL;
}

static double sum_of_flows(bool writes, bool of_waits)
{
	double sum = 0;

	for (size_t i = 0; i < f->channels.n_flows; i++) {
		const struct channel_flow *flow = &f->channels.flows[i];

		if (flow->writes == writes)
			sum += of_waits ? flow->sum.waits : flow->sum.ns;
	}
	return sum;
}

/* What was looked at is multiplied so that it comes to the exact sums, each side by itself. */
Test(channels, sampled)
{
	put_stage(1, "reader", 8 * SECOND);
	put_stage(2, "writer", SECOND);
	put_pipe(1, 800, 8 * SECOND, 100, SECOND);
	put_wake(1, false, 1, 2, 60, 600 * MS);
	put_wake(1, false, 1, 0, 20, 200 * MS);
	put_wake(1, true, 2, 1, 100, SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n, 1);
	cr_assert_str_eq(f->channels.items[0].kind, "pipe");
	cr_assert_eq(f->channels.items[0].looked_at, 180);
	cr_assert_float_eq(sum_of_flows(false, true), 800, 1e-6);
	cr_assert_float_eq(sum_of_flows(false, false), 8e9, 1);
	cr_assert_float_eq(sum_of_flows(true, false), 1e9, 1);
	cr_assert_float_eq(f->channels.links[0].ns, 6e9, 1, "three quarters of the reader's");
	cr_assert_eq(f->channels.n_links, 2, "not known for whom is none");
}

static __u64 read_calls, write_calls; /* that the kernel has counted; 0: it has not */

/* A pipe of 1,000 waits and a window of 10 s in 1,000: what the channel's messages are. */
static const struct channel_messages *messages(__u64 seen, __u64 seen_waits, bool all_time)
{
	struct ev_calls c = calls(3);
	struct ev_io row = io(1, CAUSE_IO_PIPE, 1000, SECOND), ring = row;
	struct ev_target *t = target_event(1, TARGET_PIPE, "");

	c.windows = 1;
	c.window_ns = 10 * MS;
	c.all_time = all_time;
	t->id = 7001;
	row.seen_reads = seen;
	row.seen_writes = 2 * seen;
	row.seen_waits = seen_waits;
	if (read_calls)
		put_caller(1, read_calls, write_calls);
	else
		put_stage(1, "reader", SECOND);
	put(t);
	put(&row);
	put(&c);
	if (seen == 7) { /* by io_uring too */
		ring.index = t->index = 2;
		ring.cause = CAUSE_IO_URING;
		put(t);
		put(&ring);
	}
	free(t);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n, 1);
	return &f->channels.items[0].messages;
}

/* As many as there are for each of the waits, all of which are known. */
Test(channels, messages_by_waits)
{
	const struct channel_messages *m = messages(100, 50, false);

	cr_assert_float_eq(m->reads, 2000, 1e-6);
	cr_assert_float_eq(m->writes, 4000, 1e-6);
	cr_assert_eq(m->seen_reads, 100);
}

Test(channels, messages_by_time)
{
	const struct channel_messages *m = messages(100, 9, false);

	cr_assert_float_eq(m->reads, 100000, 1e-6);
}

/* A program that in windows always waits, and else finds something there as often as not: the kernel has
 * counted its calls. */
Test(channels, messages_by_calls)
{
	static const struct {
		__u64 reads, writes; /* in all */
		double expected;
	} cases[] = {
		{ 4000, 8000, 4000 },	/* 40 for each that was seen; 20 by waits */
		{ 1900, 3800, 2000 },	/* fewer: the others were of another kind */
		{ 60000, 120000, 2000 } /* far more: mostly elsewhere */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double reads;

		read_calls = cases[i].reads;
		write_calls = cases[i].writes;
		reads = messages(100, 50, false)->reads;
		cr_expect_float_eq(reads, cases[i].expected, 1e-6);
		again();
	}
	read_calls = write_calls = 0;
}

/* Too few to go by: three in a window may have been all there were. */
Test(channels, messages_few)
{
	const struct channel_messages *m = messages(9, 9, false);

	cr_assert_float_eq(m->reads + m->writes, 0, 1e-6);
	cr_assert_eq(m->seen_writes, 18);
}

Test(channels, messages_all)
{
	const struct channel_messages *m = messages(100, 50, true);

	cr_assert_float_eq(m->reads, 100, 1e-6);
}

/* How many requests there were is not known. */
Test(channels, messages_of_ring)
{
	const struct channel_messages *m = messages(7, 50, false);

	cr_assert_eq(m->seen_reads + m->seen_writes, 0);
	cr_assert_float_eq(m->reads + m->writes, 0, 1e-6);
}

/* A wait that is open has been ended by nobody: if all others were looked at, they are exact. */
Test(channels, open)
{
	struct ev_io row = io(1, CAUSE_IO_PIPE, 11, 9 * SECOND);
	struct ev_target *t = target_event(1, TARGET_PIPE, "");

	t->id = 1;
	row.open = 1;
	put_stage(1, "reader", 9 * SECOND);
	put_stage(2, "writer", 0);
	put(t);
	put(&row);
	free(t);
	put_wake(1, false, 1, 2, 10, SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_float_eq(sum_of_flows(false, false), 1e9, 1);
	cr_assert_float_eq(f->channels.items[0].reads.ns, 9e9, 1);
}

/* More waits are open than there were to read: which side they are of is not known. */
Test(channels, open_to_write)
{
	struct ev_io row = io(1, CAUSE_IO_PIPE, 14, 9 * SECOND);
	struct ev_target *t = target_event(1, TARGET_PIPE, "");

	t->id = 1;
	row.write_waits = 8;
	row.write_ns = 5 * SECOND;
	row.open = 8;
	put_stage(1, "reader", 4 * SECOND);
	put_stage(2, "writer", 5 * SECOND);
	put(t);
	put(&row);
	free(t);
	put_wake(1, false, 1, 2, 4, 4 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_float_eq(sum_of_flows(false, true), 4, 1e-9);
	cr_assert_float_eq(sum_of_flows(false, false), 4e9, 1);
}

/* Who waits for a condition of one that sleeps may have nothing to do. */
Test(channels, idle_workers)
{
	struct ev_thread t = thread(1, 0, 0, 0, 10 * SECOND);
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, 9 * SECOND);
	struct ev_lock_waiter waiter = lock_waiter(64, 2, CAUSE_SYNC_FUTEX, 10, 9 * SECOND);
	struct ev_wake w = wake(0, 2, 1, 10, 9 * SECOND);

	waited(&t, CAUSE_TIMER_SLEEP, 9 * SECOND, 10);
	put_thread(t);
	put_stage(2, "worker", 0);
	put(&l);
	put(&waiter);
	w.key = l.key;
	put(&w);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_null(bottleneck());
}

/* Processes that are alike are one in the links, and each by itself at the channel. */
Test(channels, crew)
{
	put_stage(1, "sort", 9 * SECOND);
	for (__u64 id = 2; id < 6; id++)
		put_stage(id, "worker", SECOND);
	put_pipe(1, 40, 8 * SECOND, 0, 0);
	for (__u64 id = 2; id < 6; id++)
		put_wake(1, false, 1, id, 10, 2 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.items[0].n_ends, 5);
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_eq(f->channels.crews[f->channels.links[0].waker].parties, 4);
	cr_assert_float_eq(f->channels.links[0].ns, 8e9, 1);
}

/* Both ends of a pair, and both sides of a server's port, are one channel. */
Test(channels, both_sides)
{
	struct ev_target *served = target_event(1, TARGET_SOCKET, ""),
			 *client = target_event(2, TARGET_SOCKET, "");
	struct ev_io rows[] = { io(1, CAUSE_IO_SOCKET, 5, SECOND),
				io(2, CAUSE_IO_SOCKET, 7, 2 * SECOND) };

	served->side = SIDE_SERVED;
	client->side = SIDE_CONNECTED;
	served->family = client->family = 2;
	served->protocol = client->protocol = 6;
	served->local.port = client->peer.port = 5000;
	client->peer.address[0] = 127;
	put_stage(1, "server", SECOND);
	put_stage(2, "client", 2 * SECOND);
	put(served);
	put(client);
	put(&rows[0]);
	put(&rows[1]);
	free(served);
	free(client);
	put_wake(1, false, 1, 2, 5, SECOND);
	put_wake(2, false, 2, 1, 7, 2 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n, 1);
	cr_assert_str_eq(f->channels.items[0].name, "tcp port 5000");
	cr_assert_float_eq(f->channels.items[0].reads.ns, 3e9, 1);
	cr_assert_eq(f->channels.items[0].n_ends, 2);
}

/* What two of them wait for, and computes. */
Test(channels, middle_is_slow)
{
	put_stage(1, "tar", 9 * SECOND);
	put_stage(2, "gzip", 100 * MS);
	put_stage(3, "sum", 9 * SECOND);
	put_pipe(1, 0, 0, 100, 9 * SECOND);
	put_pipe(2, 100, 9 * SECOND, 0, 0);
	put_wake(1, true, 1, 2, 100, 9 * SECOND);
	put_wake(2, false, 3, 2, 100, 9 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "gzip");
	cr_assert_eq(bottleneck()->n_evidence, 3);
}

/* A thread of it that waits for a job all the time, and is given one hardly ever, is no stage. */
Test(channels, hardly_ever)
{
	put_stage(1, "server", 100 * MS);
	put_stage(2, "closer", 9 * SECOND);
	put_pipe(1, 3, 9 * SECOND, 0, 0);
	put_wake(1, false, 2, 1, 3, 9 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_null(bottleneck());
}

/* The last waits for the middle, which itself waits for the first. */
Test(channels, first_is_slow)
{
	put_stage(1, "tar", 0);
	put_stage(2, "gzip", 8 * SECOND);
	put_stage(3, "sum", 9 * SECOND);
	put_pipe(1, 100, 8 * SECOND, 0, 0);
	put_pipe(2, 100, 9 * SECOND, 0, 0);
	put_wake(1, false, 2, 1, 100, 8 * SECOND);
	put_wake(2, false, 3, 2, 100, 9 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "tar");
}

/* The one in the middle computes for longer than it waits, and the last one for longer still. */
Test(channels, last_is_slow)
{
	put_stage(1, "yes", 9 * SECOND);
	put_stage(2, "head", 4 * SECOND);
	put_stage(3, "wc", 0);
	put_pipe(1, 0, 0, 100, 9 * SECOND);
	put_pipe(2, 0, 0, 100, 4 * SECOND);
	put_wake(1, true, 1, 2, 100, 9 * SECOND);
	put_wake(2, true, 2, 3, 100, 4 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "wc");
}

/* Two that work in turns hold each other up, and none of them the other. */
Test(channels, in_turns)
{
	put_stage(1, "ping", 6 * SECOND);
	put_stage(2, "pong", 6 * SECOND);
	put_pipe(1, 100, 6 * SECOND, 0, 0);
	put_pipe(2, 100, 6 * SECOND, 0, 0);
	put_wake(1, false, 1, 2, 100, 6 * SECOND);
	put_wake(2, false, 2, 1, 100, 6 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_null(bottleneck());
}

/* A server waits for its clients, who are none of its stages. */
Test(channels, idle_server)
{
	struct ev_target *t = target_event(1, TARGET_SOCKET, "");
	struct ev_io row = io(1, CAUSE_IO_SOCKET, 100, 9 * SECOND);

	t->side = SIDE_SERVED;
	t->family = 2;
	t->protocol = 6;
	t->local.port = 80;
	put_stage(1, "server", 9 * SECOND);
	put_stage(2, "client", 0);
	put(t);
	put(&row);
	free(t);
	put_wake(1, false, 1, 2, 100, 9 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_null(bottleneck());
}

/* A condition is a channel, a mutex has holders instead. */
Test(channels, futexes)
{
	struct ev_lock locks[] = { lock_at(64, LOCK_HINT_OTHER, SECOND),
				   lock_at(128, LOCK_HINT_WORD, SECOND) };
	struct ev_lock_waiter waiters[] = {
		lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 10, SECOND),
		lock_waiter(128, 1, CAUSE_LOCK_MUTEX, 10, SECOND),
	};

	put_stage(1, "one", 2 * SECOND);
	put_stage(2, "two", 0);
	for (size_t i = 0; i < 2; i++) {
		struct ev_wake w = wake(0, 1, 2, 10, SECOND);

		put(&locks[i]);
		put(&waiters[i]);
		w.key = locks[i].key;
		put(&w);
	}
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n, 1);
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_float_eq(f->channels.links[0].ns, 1e9, 1);
}

/* Who waits for a thread to end waits for no stage of a pipeline. */
Test(channels, joined)
{
	struct ev_lock lock = lock_at(64, LOCK_HINT_JOIN, 9 * SECOND);
	struct ev_lock_waiter waiter = lock_waiter(64, 1, CAUSE_SYNC_JOIN, 1, 9 * SECOND);
	struct ev_wake w = wake(0, 1, 2, 1, 9 * SECOND);

	put_stage(1, "main", 9 * SECOND);
	put_stage(2, "worker", 0);
	put(&lock);
	put(&waiter);
	w.key = lock.key;
	put(&w);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_links, 1);
	cr_expect_null(bottleneck());
}

/* A database, say, that is not measured: it is named, and nothing more is said of it. */
Test(channels, outside)
{
	struct ev_wake w = wake(1, 1, 0, 100, 9 * SECOND);

	w.waker_pid = 77;
	strcpy(w.comm, "postgres");
	put_stage(1, "client", 9 * SECOND);
	put_pipe(1, 100, 9 * SECOND, 0, 0);
	put(&w);
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_links, 1);
	cr_assert_eq(f->channels.parties[f->channels.flows[0].waker].process, OUTSIDE);
	cr_assert_null(bottleneck());
}

/* One waits for the other, and both are of one name; the arguments tell them apart, or do not. */
static void put_namesakes(const char *first, const char *second)
{
	struct ev_exec execs[] = {
		exec(1, 1, 1, "/usr/sbin/nginx", first),
		exec(1, 2, 2, "/usr/sbin/nginx", second),
	};

	for (size_t i = 0; i < 2; i++) {
		struct ev_thread t = thread(i + 1, 0, 0, 0, 10 * SECOND);

		strcpy(t.comm, "nginx");
		if (!i)
			waited(&t, CAUSE_IO_PIPE, 9 * SECOND, 100);
		put_thread(t);
		put(&execs[i]);
	}
	put_pipe(1, 100, 9 * SECOND, 0, 0);
	put_wake(1, false, 1, 2, 100, 9 * SECOND);
}

/* A proxy, and the server behind it. */
Test(channels, namesakes_with_other_arguments)
{
	put_namesakes("nginx -c/proxy.conf", "nginx -c/server.conf");
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_crews, 2);
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "nginx");
	cr_assert_str_eq(bottleneck()->title, "the others wait for nginx (1002), and it computes");
	cr_assert_not_null(strstr(bottleneck()->evidence[0].text, "nginx (1001) waits for it"),
			   "%s", bottleneck()->evidence[0].text);
}

Test(channels, namesakes_with_the_same)
{
	put_namesakes("nginx -c/a.conf", "nginx -c/a.conf");
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_crews, 1);
	cr_assert_null(bottleneck());
}

/* They wait for a third one. */
Test(channels, namesakes_that_do_not_meet)
{
	put_namesakes("nginx -c/a.conf", "nginx -c/a.conf");
	for (__u64 id = 3; id <= 4; id++) {
		struct ev_thread t = thread(id, 0, 0, 0, 10 * SECOND);
		struct ev_exec e =
			exec(1, id, id, "/usr/bin/load", id == 3 ? "load --one" : "load --two");

		strcpy(t.comm, "load");
		put_thread(t);
		put(&e);
		put_wake(1, false, id, 2, 100, 9 * SECOND);
	}
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_crews, 2);
}

/* Jobs of one kind, on a file each. */
Test(channels, many_command_lines)
{
	put_namesakes("nginx -c/a.conf", "nginx -c/b.conf");
	for (__u64 id = 3; id <= 6; id++) {
		struct ev_thread t = thread(id, 0, 0, 0, 10 * SECOND);
		char line[32];
		struct ev_exec e;

		strcpy(t.comm, "nginx");
		snprintf(line, sizeof(line), "nginx -c/%u.conf", (unsigned int)id);
		e = exec(1, id, id, "/usr/sbin/nginx", line);
		put_thread(t);
		put(&e);
	}
	analyse(wall(10 * SECOND));
	cr_assert_eq(f->channels.n_crews, 1);
}

/* A main thread sleeps until its workers are to end, and was waited for once; they wait for a server. */
static void put_sleeper(__u64 awaited_ns)
{
	struct ev_thread main = thread(1, 0, 0, 0, 10 * SECOND),
			 worker = thread(2, 1, 1, 0, 10 * SECOND);

	strcpy(main.comm, "load");
	strcpy(worker.comm, "load");
	waited(&main, CAUSE_TIMER_SLEEP, 10 * SECOND - MS, 1);
	waited(&worker, CAUSE_IO_PIPE, 9 * SECOND, 100);
	put_thread(main);
	put_thread(worker);
	put_stage(3, "server", awaited_ns);
	put_pipe(1, 101, 9 * SECOND + awaited_ns, 0, 0);
	put_wake(1, false, 2, 3, 100, 9 * SECOND);
	put_wake(1, false, 3, 1, 1, awaited_ns);
	analyse(wall(10 * SECOND));
}

Test(channels, sleeps_until_the_end)
{
	put_sleeper(10 * MS);
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "server");
}

/* Of several programs of one name, as git's, it is said which command it is. */
Test(channels, command_of_namesakes)
{
	struct ev_exec execs[] = {
		exec(1, 1, 1, "/usr/bin/git", "git clone"),
		exec(1, 2, 2, "/usr/bin/git", "git pack-objects"),
	};

	for (size_t i = 0; i < 2; i++) {
		struct ev_thread t = thread(i + 1, i, 0, 0, 10 * SECOND);

		strcpy(t.comm, "git");
		if (!i)
			waited(&t, CAUSE_IO_PIPE, 9 * SECOND, 100);
		put_thread(t);
		put(&execs[i]);
	}
	put_pipe(1, 100, 9 * SECOND, 0, 0);
	put_wake(1, false, 1, 2, 100, 9 * SECOND);
	analyse(wall(10 * SECOND));
	cr_assert_not_null(bottleneck());
	cr_assert_str_eq(bottleneck()->subject, "git pack-objects");
	cr_assert_not_null(strstr(bottleneck()->evidence[0].text, "git clone waits for it"), "%s",
			   bottleneck()->evidence[0].text);
}
