// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes the corpus of fuzz_stream.c: a few streams that are good or nearly so.
 *
 *	cc -std=gnu11 -D_GNU_SOURCE -Iuser -I. -Itests/unit tests/fuzz/seeds.c -o seeds
 *	./seeds tests/fuzz/corpus_stream
 */
#include "stream.h"

static FILE *out;

static void start(const char *folder, const char *name, int options)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "wb");
	if (!out) {
		perror(path);
		exit(1);
	}
	fputc(options, out);
}

/* See fuzz_stream.c for the form. */
static void put(const void *event)
{
	const struct event *ev = event;
	const unsigned char *s = (const unsigned char *)(ev + 1);
	const unsigned char *last = (const unsigned char *)ev + ev->size;

	fputc(ev->kind, out);
	fputc(ev->size & 0xff, out);
	fputc(ev->size >> 8, out);
	while (s < last) {
		size_t zeros = 0, n = 0;

		while (s + zeros < last && zeros < 255 && !s[zeros])
			zeros++;
		s += zeros;
		while (s + n < last && n < 255 && s[n])
			n++;
		fputc(zeros, out);
		fputc(n, out);
		fwrite(s, 1, n, out);
		s += n;
	}
}

static void put_text(enum text_kind what, const char *string)
{
	struct ev_text *t = text(what, string);

	put(t);
	free(t);
}

static void put_head(void)
{
	struct ev_run r = run();

	put(&r);
	put_text(TEXT_KERNEL, "6.18");
	put_text(TEXT_ARCH, "x86_64");
	put_text(TEXT_ARGUMENT, "./a");
	put_text(TEXT_EXECUTABLE, "/tmp/a");
}

/* Two processes, three threads, one open wait, a wait of each second cause. */
static void put_threads(const char *comm)
{
	struct ev_thread a = thread(1, 0, 0, 0, 3000000000), b = thread(2, 1, 1, 100, 3000000000);
	struct ev_thread c = thread(3, 2, 0, 200, 2000000000);
	struct ev_exec e = exec(10, 1, 1, "/tmp/a", "./a -x");

	for (int i = 0; i < CAUSE_COUNT; i += 2)
		waited(&a, i, 1000000 * i, i);
	waits(&b, CAUSE_LOCK_MUTEX, 1000000000);
	snprintf(c.comm, sizeof(c.comm), "%s", comm);
	c.exit_code = 11;
	c.witness.run_ns = 1900000000;
	c.ledger.stolen_ns = 1000;
	snprintf(e.path, sizeof(e.path), "/tmp/%s", comm);
	put(&e);
	put(&c);
	put(&b);
	put(&a);
}

/* One of each kind: inside, outside, not found, on another machine. */
static void put_peers(const char *comm)
{
	struct ev_peer inside = peer(1001, 900000000, 9), outside = peer(812, 500000000, 1000);
	struct ev_peer lost = peer(0, 100000000, 5), far = peer(0, 2000000, 2);

	inside.key = (struct peer_key){ .pid = 1001, .family = PEER_UNIX };
	snprintf(outside.comm, sizeof(outside.comm), "%s", comm);
	lost.key.port = 65535;
	far.key.family = PEER_INET6;
	memset(far.key.address, 0x20, sizeof(far.key.address));
	far.is_local = 0;
	put(&far);
	put(&outside);
	put(&inside);
	put(&lost);
}

/* One that is tracked, as put_threads() has it, and one that is not. */
static void put_others(const char *comm)
{
	struct ev_other inside = other(1001, 400000000), outside = other(77, 2000000000);

	snprintf(outside.comm, sizeof(outside.comm), "%s", comm);
	put(&inside);
	put(&outside);
}

static void put_life(struct ev_life l, enum life_what what, __u32 code, __u32 flags)
{
	l.what = what;
	l.code = code;
	l.flags = flags;
	l.value = l.process_id;
	put(&l);
}

/* A child of the command: born, killed, and dead one second later. */
static void put_child(__u64 id, __u32 flags, __u32 sig)
{
	struct ev_thread t = thread(id, 1, 0, id * 10000000, 1000000000 + id * 10000000);
	struct ev_life at_start = life(LIFE_BORN, id * 10000000, id);
	struct ev_life at_end = life(LIFE_DIED, 1000000000 + id * 10000000, id);

	t.exit_code = sig;
	put(&t);
	put_life(at_start, LIFE_BORN, id % BIRTH_COUNT, 0);
	at_end.doing = CAUSE_EVENT_EPOLL;
	at_end.group = 1001;
	put_life(at_end, LIFE_DIED, sig, flags & (LIFE_UNWANTED | LIFE_OUT_OF_MEMORY));
	at_end.at -= 1000000;
	if (sig)
		put_life(at_end, LIFE_KILLED, sig, flags);
}

/* Every way to die, and to be reaped; two are left, one lives on, and one is adopted. */
static void put_lives(const char *comm)
{
	struct ev_life l = by_other(life(LIFE_LIVES, 3000000000, 12), 812, comm);
	struct ev_thread t = thread(12, 4, 0, 200000000, 3000000000);

	put_child(4, 0, 0);
	put_child(5, LIFE_BY_KERNEL, 11);
	put_child(6, LIFE_TO_THREAD, 13);
	put_child(7, LIFE_BY_PARENT_DEATH, 15);
	put_child(8, LIFE_OUT_OF_MEMORY, 9);
	put_child(9, LIFE_UNWANTED, 0);
	put_child(10, 0, 6);
	put_child(11, 0, 15);
	waits(&t, CAUSE_EVENT_POLL, 300000000);
	put(&t);
	put(&l);
	l = reaped(1500000000, REAP_ANY, 0);
	put(&l);
	l = reaped(1600000000, REAP_GROUP, 1001);
	put(&l);
	l = reaped(1100000000, REAP_PID, 1010);
	l.flags = LIFE_AWAITED;
	put(&l);
	put_life(life(LIFE_FREED, 1900000000, 8), LIFE_FREED, 0, 0);
	put_life(by_other(life(LIFE_LEFT, 3000000000, 11), 1, comm), LIFE_LEFT, 0, 0);
}

static void put_tail(void)
{
	struct ev_wall w = wall(1000000000);
	struct ev_loss l = loss(LOSS_EXEC, 2, 0, "ring");
	struct ev_probe p = probe("sched_switch", ""), q = probe("contention_begin", "too old");
	struct ev_calls c = calls(3);
	struct ev_end e = end(11);

	stood(&w, &w.sums.still_ns, 1000000);
	put(&w);
	w = wall(3000000000);
	stood(&w, &w.sums.row_ns[ROW_IO], 500000000);
	stood(&w, &w.sums.pending_ns[ROW_TIMER], 300000000);
	stood(&w, &w.sums.still_ns, 200000000);
	put(&w);
	put(&l);
	put(&p);
	put(&q);
	put(&c);
	put(&e);
}

static void put_unsent(void)
{
	struct ev_thread t = thread(0, 0, 0, 0, 1000);

	t.flags = THREAD_UNSENT;
	t.ledger.start_at = 0;
	t.ledger.end_at = 1000;
	t.count = 5;
	put(&t);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : ".";

	start(folder, "good", 1);
	put_head();
	put_threads("worker");
	put_peers("postgres");
	put_others("redis-server");
	put_tail();
	fclose(out);
	start(folder, "lives", 13);
	put_head();
	put_threads("server");
	put_lives("init");
	put_tail();
	fclose(out);
	start(folder, "hostile", 15);
	put_head();
	put_text(TEXT_ARGUMENT, "\033[2J\"<b>|`\\\xff\xc2\x9b");
	put_text(TEXT_NOTE, "a\nb");
	put_threads("\033]0;x\a\r\xe2\x82\"&'");
	put_unsent();
	put_peers("\033[31m\r\xc2\x9b\"");
	put_others(") R 1 (\n\033[2J");
	put_lives("\033[2J%s\x9b");
	put_tail();
	fclose(out);
	start(folder, "cut", 2);
	put_threads("a");
	put_threads("b");
	fclose(out);
	start(folder, "sums", 5);
	for (int i = 1; i <= 300; i += i < 6 ? 1 : 60) {
		struct ev_wall w = wall(1000000ULL * i);

		stood(&w, i % 2 ? &w.sums.row_ns[i % 8] : &w.sums.pending_ns[i % 8], 5000ULL * i);
		put(&w);
	}
	fclose(out);
	return 0;
}
