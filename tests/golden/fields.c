// SPDX-License-Identifier: BSD-2-Clause
#include "fields.h"

#include <stdlib.h>
#include <string.h>

struct word {
	const char *name;
	int number;
};

static int find(const struct word *words, const char *name)
{
	for (; words->name; words++) {
		if (!strcmp(words->name, name))
			return words->number;
	}
	return -1;
}

static int mode_of(const char *name)
{
	static const struct word words[] = {
		{ "run", MODE_RUN }, { "why", MODE_WHY }, { "attach", MODE_ATTACH }, { 0 }
	};

	return find(words, name);
}

static int cpu_how_of(const char *name)
{
	static const struct word words[] = { { "tick", CPU_BY_TICK },
					     { "exact", CPU_EXACT },
					     { 0 } };

	return find(words, name);
}

static int text_of(const char *name)
{
	static const struct word words[] = {
		{ "kernel", TEXT_KERNEL },
		{ "arch", TEXT_ARCH },
		{ "host", TEXT_HOST },
		{ "libbpf", TEXT_LIBBPF },
		{ "executable", TEXT_EXECUTABLE },
		{ "argument", TEXT_ARGUMENT },
		{ "note", TEXT_NOTE },
		{ 0 },
	};

	return find(words, name);
}

static int flag_of(const char *name)
{
	static const struct word words[] = {
		{ "leader", THREAD_LEADER },
		{ "ended", THREAD_ENDED },
		{ "kernel", THREAD_KERNEL },
		{ "unsent", THREAD_UNSENT },
		{ "open_wait", THREAD_OPEN_WAIT },
		{ "group_dead", THREAD_GROUP_DEAD },
		{ "io_counted", THREAD_IO_COUNTED },
		{ "attached", THREAD_ATTACHED },
		{ 0 },
	};

	return find(words, name);
}

static int loss_of(const char *name)
{
	static const struct word words[] = {
		{ "threads", LOSS_THREADS },
		{ "untracked", LOSS_UNTRACKED },
		{ "exec", LOSS_EXEC },
		{ "missed_run", LOSS_MISSED_RUN },
		{ "switch_in", LOSS_SWITCH_IN },
		{ "calls", LOSS_CALLS },
		{ "peers", LOSS_PEERS },
		{ "life", LOSS_LIFE },
		{ "stacks", LOSS_STACKS },
		{ "mappings", LOSS_MAPPINGS },
		{ "locks", LOSS_LOCKS },
		{ "deadlocks", LOSS_DEADLOCKS },
		{ "takers", LOSS_TAKERS },
		{ "changes", LOSS_CHANGES },
		{ "dying", LOSS_DYING },
		{ "marks", LOSS_MARKS },
		{ 0 },
	};

	return find(words, name);
}

static int ended_by_of(const char *name)
{
	static const struct word words[] = {
		{ "command", ENDED_COMMAND },
		{ "duration", ENDED_DURATION },
		{ "hang", ENDED_HANG },
		{ "signal", ENDED_SIGNAL },
		{ "last-process", ENDED_LAST_PROCESS },
		{ "key", ENDED_KEY },
		{ 0 },
	};

	return find(words, name);
}

static int family_of(const char *name)
{
	static const struct word words[] = {
		{ "unix", PEER_UNIX }, { "inet", PEER_INET }, { "inet6", PEER_INET6 }, { 0 }
	};

	return find(words, name);
}

static int life_of(const char *name)
{
	static const struct word words[] = {
		{ "born", LIFE_BORN },	 { "killed", LIFE_KILLED },
		{ "died", LIFE_DIED },	 { "reaped", LIFE_REAPED },
		{ "freed", LIFE_FREED }, { "left", LIFE_LEFT },
		{ "lives", LIFE_LIVES }, { 0 },
	};

	return find(words, name);
}

static int birth_of(const char *name)
{
	static const struct word words[] = {
		{ "fork", BIRTH_FORK },
		{ "vfork", BIRTH_VFORK },
		{ "posix_spawn", BIRTH_SPAWN },
		{ "clone", BIRTH_CLONE },
		{ 0 },
	};

	return find(words, name);
}

static int reap_of(const char *name)
{
	static const struct word words[] = {
		{ "any", REAP_ANY }, { "pid", REAP_PID }, { "group", REAP_GROUP }, { 0 }
	};

	return find(words, name);
}

static int life_flag_of(const char *name)
{
	static const struct word words[] = {
		{ "unwanted", LIFE_UNWANTED },
		{ "out_of_memory", LIFE_OUT_OF_MEMORY },
		{ "by_kernel", LIFE_BY_KERNEL },
		{ "by_parent_death", LIFE_BY_PARENT_DEATH },
		{ "to_thread", LIFE_TO_THREAD },
		{ "awaited", LIFE_AWAITED },
		{ 0 },
	};

	return find(words, name);
}

static int frame_flag_of(const char *name)
{
	static const struct word words[] = { { "inlined", FRAME_INLINED },
					     { "kernel", FRAME_KERNEL },
					     { "tries-lock", FRAME_TRIES_LOCK },
					     { 0 } };

	return find(words, name);
}

static int stack_flag_of(const char *name)
{
	static const struct word words[] = { { "by-frame-pointer", STACK_BY_FRAME_POINTER },
					     { "in-handler", STACK_IN_HANDLER },
					     { 0 } };

	return find(words, name);
}

static int stack_end_of(const char *name)
{
	static const struct word words[] = {
		{ "complete", STACK_COMPLETE }, { "cut", STACK_CUT },
		{ "no-rule", STACK_NO_RULE },	{ "garbage", STACK_GARBAGE },
		{ "full", STACK_FULL },		{ 0 },
	};

	return find(words, name);
}

static int site_of(const char *name)
{
	static const struct word words[] = {
		{ "wait", SITE_WAIT }, { "cpu", SITE_CPU }, { "stuck", SITE_STUCK }, { 0 }
	};

	return find(words, name);
}

static int stuck_holder_of(const char *name)
{
	static const struct word words[] = { { "unknown", HOLDER_IS_UNKNOWN },
					     { "thread", HOLDER_IS_THREAD },
					     { "foreign", HOLDER_IS_FOREIGN },
					     { "nobody", HOLDER_IS_NOBODY },
					     { 0 } };

	return find(words, name);
}

static int want_of(const char *name)
{
	static const struct word words[] = {
		{ "holder", WANT_HOLDER },	 { "reader", WANT_READER },
		{ "writer", WANT_WRITER },	 { "child", WANT_CHILD },
		{ "file_lock", WANT_FILE_LOCK }, { 0 }
	};

	return find(words, name);
}

static int stand_state_of(const char *name)
{
	static const struct word words[] = { { "running", STAND_RUNNING },
					     { "queued", STAND_QUEUED },
					     { "blocked", STAND_BLOCKED },
					     { "dead", STAND_DEAD },
					     { 0 } };

	return find(words, name);
}

static int stand_fd_of(const char *name)
{
	static const struct word words[] = { { "other", STAND_FD_OTHER },
					     { "pipe", STAND_FD_PIPE },
					     { "socket", STAND_FD_SOCKET },
					     { "listener", STAND_FD_LISTENER },
					     { 0 } };

	return find(words, name);
}

static int need_how_of(const char *name)
{
	static const struct word words[] = { { "holder", NEED_HOLDER },
					     { "reader", NEED_READER },
					     { "writer", NEED_WRITER },
					     { "peer", NEED_PEER },
					     { "child", NEED_CHILD },
					     { "tracer", NEED_TRACER },
					     { 0 } };

	return find(words, name);
}

static int target_kind_of(const char *name)
{
	static const struct word words[] = {
		{ "file", TARGET_FILE },       { "pipe", TARGET_PIPE },
		{ "socket", TARGET_SOCKET },   { "tty", TARGET_TTY },
		{ "device", TARGET_DEVICE },   { "object", TARGET_OBJECT },
		{ "name", TARGET_NAME },       { "queue", TARGET_QUEUE },
		{ "signals", TARGET_SIGNALS }, { 0 }
	};

	return find(words, name);
}

static int target_side_of(const char *name)
{
	static const struct word words[] = { { "other", SIDE_OTHER },
					     { "connected", SIDE_CONNECTED },
					     { "served", SIDE_SERVED },
					     { "listening", SIDE_LISTENING },
					     { "bound", SIDE_BOUND },
					     { "pair", SIDE_PAIR },
					     { 0 } };

	return find(words, name);
}

static int deadlock_kind_of(const char *name)
{
	static const struct word words[] = { { "cycle", DEADLOCK_CYCLE },
					     { "abandoned", DEADLOCK_ABANDONED },
					     { 0 } };

	return find(words, name);
}

static int hint_of(const char *name)
{
	static const struct word words[] = {
		{ "word", LOCK_HINT_WORD },
		{ "robust", LOCK_HINT_ROBUST },
		{ "again", LOCK_HINT_AGAIN },
		{ "pi", LOCK_HINT_PI },
		{ "join", LOCK_HINT_JOIN },
		{ "requeue", LOCK_HINT_REQUEUE },
		{ "other", LOCK_HINT_OTHER },
		{ "convoy", LOCK_HINT_CONVOY },
		{ "rwlock", LOCK_HINT_RWLOCK },
		{ "timed", LOCK_HINT_TIMED },
		{ "glibc", LOCK_HINT_GLIBC },
		{ "file", LOCK_HINT_FILE },
		{ 0 },
	};

	return find(words, name);
}

static int doing_of(const char *name)
{
	return strcmp(name, "running") ? cause_by_name(name) : CAUSE_COUNT;
}

static int by_name(const char *name, const char *(*name_of)(unsigned int), int count)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(name_of((unsigned int)i), name))
			return i;
	}
	return -1;
}

/* By the name of its kind, the first of that kind. */
static int row_of(const char *name)
{
	int row = by_name(name, row_name, ROW_COUNT);

	return row >= 0 ? row : by_name(name, kind_name, ROW_KINDS);
}

static int state_of(const char *name)
{
	return by_name(name, state_name, TS_COUNT);
}

static int count_of(const char *name)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	return *end || end == name || n >= WALL_COUNTS ? -1 : (int)n;
}

static int how_of(const char *name)
{
	for (int i = HOLDER_UNKNOWN + 1; i < HOLDER_COUNT; i++) {
		if (!strcmp(holder_how_name((unsigned int)i), name))
			return i;
	}
	return -1;
}

static int doing_kind_of(const char *name)
{
	return by_name(name, doing_kind_name, DOING_COUNT);
}

static int bucket_of(const char *name)
{
	int n = count_of(name);

	return n < LOCK_BUCKETS ? n : -1;
}

#define AT(s, member) offsetof(struct s, member), sizeof(((struct s *)NULL)->member)
#define NUMBER(s, name)                                                                            \
	{                                                                                          \
#name, FIELD_NUMBER, AT(s, name), NULL                                             \
	}
#define NUMBER_IN(s, in, name)                                                                     \
	{                                                                                          \
#name, FIELD_NUMBER, AT(s, in.name), NULL                                          \
	}
#define WITNESS(name)                                                                              \
	{                                                                                          \
		"witness." #name, FIELD_NUMBER, AT(ev_thread, witness.name), NULL                  \
	}
#define STRING(s, name)                                                                            \
	{                                                                                          \
#name, FIELD_STRING, AT(s, name), NULL                                             \
	}
#define WORDS(s, name, of)                                                                         \
	{                                                                                          \
#name, FIELD_WORDS, AT(s, name), of                                                \
	}

#define NAME(s, name)                                                                              \
	{                                                                                          \
#name, FIELD_NAME, sizeof(struct s), offsetof(struct s, size), NULL                \
	}
/* Which lock: see struct lock_key. */
#define LOCK(s, member)                                                                            \
	{ "space", FIELD_NUMBER, AT(s, member.space), NULL },                                      \
	{                                                                                          \
		"word", FIELD_NUMBER, AT(s, member.word), NULL                                     \
	}

static const struct field run_fields[] = {
	NUMBER(ev_run, realtime_ns),
	WORDS(ev_run, mode, mode_of),
	NUMBER(ev_run, cpus),
	NUMBER(ev_run, cpus_allowed),
	NUMBER(ev_run, quota_us),
	WORDS(ev_run, cpu_how, cpu_how_of),
	NUMBER(ev_run, period_us),
	NUMBER(ev_run, uid),
	{ 0 },
};

static const struct field text_fields[] = {
	WORDS(ev_text, what, text_of),
	{ "text", FIELD_TEXT, sizeof(struct ev_text), 0, NULL },
	{ 0 },
};

static const struct field exec_fields[] = {
	NUMBER(ev_exec, at),
	NUMBER(ev_exec, thread_id),
	NUMBER(ev_exec, process_id),
	NUMBER(ev_exec, pid),
	NUMBER(ev_exec, args_truncated),
	NUMBER(ev_exec, uid),
	STRING(ev_exec, comm),
	STRING(ev_exec, path),
	{ "args", FIELD_ARGS, AT(ev_exec, args), NULL },
	{ 0 },
};

static const struct field thread_fields[] = {
	NUMBER(ev_thread, id),
	NUMBER(ev_thread, creator_id),
	NUMBER(ev_thread, process_id),
	NUMBER(ev_thread, tid),
	NUMBER(ev_thread, pid),
	WORDS(ev_thread, flags, flag_of),
	WORDS(ev_thread, open_cause, cause_by_name),
	WORDS(ev_thread, open_row, row_of),
	NUMBER(ev_thread, open_since),
	NUMBER(ev_thread, exit_code),
	NUMBER(ev_thread, policy),
	NUMBER(ev_thread, nice),
	NUMBER(ev_thread, rt_priority),
	NUMBER(ev_thread, max_rss_bytes),
	NUMBER(ev_thread, cgroup),
	NUMBER(ev_thread, count),
	{ "cpus", FIELD_NUMBER, AT(ev_thread, cpus[0]), NULL },
	STRING(ev_thread, comm),
	WITNESS(run_ns),
	WITNESS(delay_ns),
	WITNESS(voluntary),
	WITNESS(involuntary),
	WITNESS(migrations),
	WITNESS(user_ns),
	WITNESS(kernel_ns),
	WITNESS(reads),
	WITNESS(read_bytes),
	WITNESS(writes),
	WITNESS(written_bytes),
	NUMBER_IN(ev_thread, ledger, start_at),
	NUMBER_IN(ev_thread, ledger, end_at),
	NUMBER_IN(ev_thread, ledger, stolen_ns),
	NUMBER_IN(ev_thread, ledger, uncharged_ns),
	NUMBER_IN(ev_thread, ledger, moving_ns),
	NUMBER_IN(ev_thread, ledger, queued_own_ns),
	NUMBER_IN(ev_thread, ledger, queued_idle_ns),
	NUMBER_IN(ev_thread, ledger, switches),
	NUMBER_IN(ev_thread, ledger, yields),
	NUMBER_IN(ev_thread, ledger, blocks),
	NUMBER_IN(ev_thread, ledger, longest_run_ns),
	NUMBER_IN(ev_thread, ledger, preempts),
	NUMBER_IN(ev_thread, ledger, preempted_run_ns),
	{ "state.", FIELD_INDEXED, AT(ev_thread, ledger.state_ns), state_of },
	{ "wait.", FIELD_WAIT, AT(ev_thread, ledger.cause), cause_by_name },
	{ "row.", FIELD_INDEXED, AT(ev_thread, ledger.row_ns), row_of },
	{ 0 },
};

static const struct field wall_fields[] = {
	NUMBER_IN(ev_wall, sums, start_at),
	NUMBER_IN(ev_wall, sums, at),
	NUMBER_IN(ev_wall, sums, busy_ns),
	NUMBER_IN(ev_wall, sums, runnable_ns),
	NUMBER_IN(ev_wall, sums, still_ns),
	NUMBER_IN(ev_wall, sums, serialised_ns),
	NUMBER_IN(ev_wall, sums, latency_ns),
	NUMBER_IN(ev_wall, sums, limit_ns),
	NUMBER_IN(ev_wall, sums, convoy_ns),
	NUMBER_IN(ev_wall, sums, convoy_still_ns),
	NUMBER_IN(ev_wall, sums, missed_in),
	NUMBER_IN(ev_wall, sums, missed_ns),
	NUMBER_IN(ev_wall, sums, missed_rows_ns),
	{ "by_count.", FIELD_INDEXED, AT(ev_wall, sums.by_count), count_of },
	{ "row.", FIELD_INDEXED, AT(ev_wall, sums.row_ns), row_of },
	{ "pending.", FIELD_INDEXED, AT(ev_wall, sums.pending_ns), row_of },
	{ 0 },
};

static const struct field loss_fields[] = {
	WORDS(ev_loss, what, loss_of),
	NUMBER(ev_loss, count),
	NUMBER(ev_loss, ns),
	STRING(ev_loss, name),
	{ 0 },
};

static const struct field probe_fields[] = {
	NUMBER(ev_probe, attached),
	NUMBER(ev_probe, timed),
	NUMBER(ev_probe, runs),
	NUMBER(ev_probe, ns),
	STRING(ev_probe, name),
	STRING(ev_probe, why),
	{ 0 },
};

static const struct field calls_fields[] = {
	NUMBER(ev_calls, windows),
	NUMBER(ev_calls, all_time),
	NUMBER(ev_calls, window_ns),
	NUMBER_IN(ev_calls, sums, futex_waits),
	NUMBER_IN(ev_calls, sums, futex_wakes),
	NUMBER_IN(ev_calls, sums, futex_other),
	NUMBER_IN(ev_calls, sums, futex_blocked),
	NUMBER_IN(ev_calls, sums, futex_again),
	NUMBER_IN(ev_calls, sums, futex_timeouts),
	NUMBER_IN(ev_calls, sums, futex_woken),
	NUMBER_IN(ev_calls, sums, futex_wake_none),
	NUMBER_IN(ev_calls, sums, epoll_waits),
	NUMBER_IN(ev_calls, sums, epoll_events),
	NUMBER_IN(ev_calls, sums, epoll_empty),
	NUMBER_IN(ev_calls, sums, epoll_ready),
	{ 0 },
};

static const struct field end_fields[] = {
	WORDS(ev_end, ended_by, ended_by_of),
	NUMBER(ev_end, status),
	NUMBER(ev_end, bpf_ns),
	NUMBER(ev_end, bpf_runs),
	NUMBER(ev_end, collector_cpu_ns),
	NUMBER(ev_end, collector_rss_bytes),
	NUMBER(ev_end, idle_known),
	NUMBER(ev_end, idle_ns),
	{ 0 },
};

static const struct field peer_fields[] = {
	{ "key.address", FIELD_BYTES, AT(ev_peer, key.address), NULL },
	NUMBER(ev_peer, key.pid),
	NUMBER(ev_peer, key.port),
	WORDS(ev_peer, key.family, family_of),
	NUMBER(ev_peer, ns),
	NUMBER(ev_peer, waits),
	NUMBER(ev_peer, is_local),
	NUMBER(ev_peer, pid),
	STRING(ev_peer, comm),
	{ 0 },
};

static const struct field other_fields[] = {
	NUMBER(ev_other, cpu_ns),
	NUMBER(ev_other, pid),
	STRING(ev_other, comm),
	{ 0 },
};

static const struct field unreaped_fields[] = {
	NUMBER(ev_unreaped, parent), NUMBER(ev_unreaped, pid),	NUMBER(ev_unreaped, count),
	NUMBER(ev_unreaped, left),   STRING(ev_unreaped, comm), { 0 },
};

/* `birth` and `reap` are what `code` is called in those events. */
static const struct field life_fields[] = {
	WORDS(ev_life, what, life_of),
	NUMBER(ev_life, code),
	{ "birth", FIELD_WORDS, AT(ev_life, code), birth_of },
	{ "reap", FIELD_WORDS, AT(ev_life, code), reap_of },
	NUMBER(ev_life, at),
	NUMBER(ev_life, process_id),
	NUMBER(ev_life, value),
	NUMBER(ev_life, by_id),
	NUMBER(ev_life, by_pid),
	NUMBER(ev_life, pid),
	WORDS(ev_life, flags, life_flag_of),
	WORDS(ev_life, doing, doing_of),
	NUMBER(ev_life, uid),
	NUMBER(ev_life, group),
	NUMBER(ev_life, session),
	STRING(ev_life, by_comm),
	{ 0 },
};

static const struct field frame_fields[] = {
	NUMBER(ev_frame, id),
	NUMBER(ev_frame, line),
	WORDS(ev_frame, flags, frame_flag_of),
	NAME(ev_frame, function),
	NAME(ev_frame, file),
	NAME(ev_frame, object),
	{ 0 },
};

static const struct field stack_fields[] = {
	NUMBER(ev_stack, id),
	WORDS(ev_stack, end, stack_end_of),
	WORDS(ev_stack, flags, stack_flag_of),
	{ "frames", FIELD_FRAMES, sizeof(struct ev_stack), 0, NULL },
	{ 0 },
};

static const struct field site_fields[] = {
	NUMBER(ev_site, thread_id),
	NUMBER(ev_site, process_id),
	WORDS(ev_site, what, site_of),
	NUMBER(ev_site, stack),
	WORDS(ev_site, cause, cause_by_name),
	WORDS(ev_site, row, row_of),
	NUMBER(ev_site, samples),
	NUMBER(ev_site, waits),
	NUMBER(ev_site, ns),
	NUMBER(ev_site, max_ns),
	LOCK(ev_site, lock),
	NUMBER(ev_site, held.space),
	NUMBER(ev_site, held.word),
	NUMBER(ev_site, target),
	{ 0 },
};

static const struct field lock_fields[] = {
	LOCK(ev_lock, key),
	WORDS(ev_lock, hints, hint_of),
	NUMBER(ev_lock, waits),
	NUMBER(ev_lock, timeouts),
	NUMBER(ev_lock, any_ns),
	NUMBER(ev_lock, owner_id),
	WORDS(ev_lock, owner_how, how_of),
	NUMBER(ev_lock, calls.waits),
	NUMBER(ev_lock, calls.again),
	NUMBER(ev_lock, calls.wakes),
	NUMBER(ev_lock, calls.woken),
	NUMBER(ev_lock, calls.wake_none),
	NUMBER(ev_lock, known),
	NUMBER(ev_lock, away_most),
	NUMBER(ev_lock, late),
	{ "histogram.", FIELD_INDEXED, AT(ev_lock, histogram), bucket_of },
	{ 0 },
};

static const struct field lock_waiter_fields[] = {
	LOCK(ev_lock_waiter, key),	 NUMBER(ev_lock_waiter, thread_id),
	NUMBER(ev_lock_waiter, waits),	 NUMBER(ev_lock_waiter, ns),
	NUMBER(ev_lock_waiter, max_ns),	 WORDS(ev_lock_waiter, cause, cause_by_name),
	NUMBER(ev_lock_waiter, is_open), { 0 },
};

static const struct field lock_holder_fields[] = {
	LOCK(ev_lock_holder, key),
	NUMBER(ev_lock_holder, thread_id),
	{ "ns.", FIELD_INDEXED, AT(ev_lock_holder, ns), how_of },
	{ "doing.", FIELD_INDEXED, AT(ev_lock_holder, doing_ns), doing_kind_of },
	{ 0 },
};

static const struct field lock_order_fields[] = {
	NUMBER(ev_lock_order, held.space),   NUMBER(ev_lock_order, held.word),
	NUMBER(ev_lock_order, wanted.space), NUMBER(ev_lock_order, wanted.word),
	NUMBER(ev_lock_order, count),	     { 0 },
};

static const struct field word_fields[] = {
	LOCK(ev_word, key),
	NAME(ev_word, variable),
	NAME(ev_word, file),
	NAME(ev_word, object),
	{ 0 },
};

static const struct field deadlock_fields[] = {
	NUMBER(ev_deadlock, number),
	WORDS(ev_deadlock, kind, deadlock_kind_of),
	NUMBER(ev_deadlock, is_member),
	WORDS(ev_deadlock, holder_is, stuck_holder_of),
	NUMBER(ev_deadlock, thread_id),
	NUMBER(ev_deadlock, holder_id),
	LOCK(ev_deadlock, key),
	WORDS(ev_deadlock, hints, hint_of),
	NUMBER(ev_deadlock, holder_nr),
	NUMBER(ev_deadlock, since),
	NUMBER(ev_deadlock, proved_at),
	NUMBER(ev_deadlock, seen_at),
	WORDS(ev_deadlock, want, want_of),
	{ 0 },
};

static const struct field stand_fields[] = {
	NUMBER(ev_stand, thread_id),
	WORDS(ev_stand, state, stand_state_of),
	NUMBER(ev_stand, is_asked),
	NUMBER(ev_stand, for_ns),
	NUMBER(ev_stand, is_timed),
	NUMBER(ev_stand, left_ns),
	NUMBER(ev_stand, other_id),
	WORDS(ev_stand, other_is, stuck_holder_of),
	NUMBER(ev_stand, other_nr),
	NUMBER(ev_stand, readers),
	NUMBER(ev_stand, fd),
	NUMBER(ev_stand, n_fds),
	WORDS(ev_stand, fd_is, stand_fd_of),
	NAME(ev_stand, text),
	{ 0 },
};

static const struct field need_fields[] = {
	NUMBER(ev_need, thread_id),	  NUMBER(ev_need, process_id), NUMBER(ev_need, pid),
	WORDS(ev_need, how, need_how_of), STRING(ev_need, comm),       { 0 },
};

static const struct field target_fields[] = {
	NUMBER(ev_target, index),
	WORDS(ev_target, kind, target_kind_of),
	WORDS(ev_target, side, target_side_of),
	NUMBER(ev_target, flags),
	NUMBER(ev_target, family),
	NUMBER(ev_target, protocol),
	WORDS(ev_target, object, cause_by_name),
	{ "local.address", FIELD_BYTES, AT(ev_target, local.address), NULL },
	NUMBER(ev_target, local.port),
	{ "peer.address", FIELD_BYTES, AT(ev_target, peer.address), NULL },
	NUMBER(ev_target, peer.port),
	NUMBER(ev_target, id),
	NAME(ev_target, text),
	{ 0 },
};

static const struct field io_fields[] = {
	NUMBER(ev_io, index),
	WORDS(ev_io, cause, cause_by_name),
	NUMBER(ev_io, waits),
	NUMBER(ev_io, ns),
	NUMBER(ev_io, max_ns),
	NUMBER(ev_io, any_ns),
	NUMBER(ev_io, open),
	NUMBER(ev_io, objects),
	NUMBER(ev_io, n_users),
	NUMBER(ev_io, users[0].pid),
	NUMBER(ev_io, users[0].fd),
	NUMBER(ev_io, users[1].pid),
	NUMBER(ev_io, users[1].fd),
	NUMBER(ev_io, looked),
	NUMBER(ev_io, empty),
	{ "histogram.", FIELD_INDEXED, AT(ev_io, histogram), bucket_of },
	NUMBER(ev_io, write_waits),
	NUMBER(ev_io, write_ns),
	NUMBER(ev_io, write_max_ns),
	NUMBER(ev_io, seen_reads),
	NUMBER(ev_io, seen_writes),
	NUMBER(ev_io, seen_waits),
	{ 0 },
};

static int loop_bucket_of(const char *name)
{
	int n = count_of(name);

	return n < LOOP_BUCKETS ? n : -1;
}

static const struct field loop_fields[] = {
	WORDS(ev_loop, cause, cause_by_name),
	NUMBER(ev_loop, pid),
	NUMBER(ev_loop, users[0]),
	NUMBER(ev_loop, users[1]),
	NUMBER(ev_loop, n_users),
	NUMBER(ev_loop, fd),
	NUMBER(ev_loop, watched),
	NUMBER(ev_loop, edge),
	NUMBER(ev_loop, waits),
	NUMBER(ev_loop, ns),
	NUMBER(ev_loop, max_ns),
	NUMBER(ev_loop, empty),
	NUMBER(ev_loop, open),
	NUMBER(ev_loop, reach),
	NUMBER(ev_loop, away.times),
	NUMBER(ev_loop, away.ns),
	NUMBER(ev_loop, away.running_ns),
	NUMBER(ev_loop, away.blocked_ns),
	NUMBER(ev_loop, away.longest.from),
	NUMBER(ev_loop, away.longest.ns),
	NUMBER(ev_loop, away.longest.running_ns),
	NUMBER(ev_loop, away.longest.blocked_ns),
	NUMBER(ev_loop, away.longest.worst_ns),
	WORDS(ev_loop, away.longest.worst_cause, cause_by_name),
	NUMBER(ev_loop, away.longest.worst_target),
	NUMBER(ev_loop, away.open.from),
	NUMBER(ev_loop, away.open.ns),
	NUMBER(ev_loop, away.open.blocked_ns),
	{ "away.histogram.", FIELD_INDEXED, AT(ev_loop, away.histogram), loop_bucket_of },
	WORDS(ev_loop, away.blocks.items[0].cause, cause_by_name),
	NUMBER(ev_loop, away.blocks.items[0].target),
	NUMBER(ev_loop, away.blocks.items[0].waits),
	NUMBER(ev_loop, away.blocks.items[0].ns),
	NUMBER(ev_loop, away.blocks.items[0].max_ns),
	WORDS(ev_loop, away.blocks.items[1].cause, cause_by_name),
	NUMBER(ev_loop, away.blocks.items[1].waits),
	NUMBER(ev_loop, away.blocks.items[1].ns),
	NUMBER(ev_loop, away.blocks.items[1].max_ns),
	NUMBER(ev_loop, calls.calls),
	NUMBER(ev_loop, calls.events),
	NUMBER(ev_loop, calls.empty),
	NUMBER(ev_loop, calls.at_once),
	NUMBER(ev_loop, calls.turns),
	NUMBER(ev_loop, calls.turns_ns),
	NUMBER(ev_loop, calls.max_ns),
	{ "calls.histogram.", FIELD_INDEXED, AT(ev_loop, calls.histogram), loop_bucket_of },
	{ 0 },
};

static const struct field wake_fields[] = {
	NUMBER(ev_wake, target),
	NUMBER(ev_wake, writes),
	LOCK(ev_wake, key),
	NUMBER(ev_wake, waiter_id),
	NUMBER(ev_wake, waker_id),
	NUMBER(ev_wake, waker_pid),
	NUMBER(ev_wake, waits),
	NUMBER(ev_wake, ns),
	NUMBER(ev_wake, max_ns),
	STRING(ev_wake, comm),
	{ 0 },
};

static const struct field signal_fields[] = {
	NUMBER(ev_signal, from_id), NUMBER(ev_signal, to_id), NUMBER(ev_signal, from_pid),
	NUMBER(ev_signal, number),  NUMBER(ev_signal, sent),  NUMBER(ev_signal, merged),
	NUMBER(ev_signal, ignored), STRING(ev_signal, comm),  { 0 },
};

static int io_call_by_name(const char *name)
{
	for (int call = 1; call < IO_CALL_COUNT; call++) {
		if (!strcmp(io_call_name(call), name))
			return call;
	}
	return -1;
}

static int use_what_by_name(const char *name)
{
	static const char *const names[USE_COUNT] = { "",	"running", "call",
						      "signal", "stacks",  "libraries" };

	for (int what = 1; what < USE_COUNT; what++) {
		if (!strcmp(names[what], name))
			return what;
	}
	return -1;
}

static const struct field use_fields[] = {
	NUMBER(ev_use, thread_id),
	WORDS(ev_use, what, use_what_by_name),
	WORDS(ev_use, call, io_call_by_name),
	NUMBER(ev_use, flags),
	NUMBER(ev_use, fd),
	NUMBER(ev_use, target),
	WORDS(ev_use, cause, cause_by_name),
	NUMBER(ev_use, count),
	{ 0 },
};

static const struct field cgroup_fields[] = {
	NUMBER(ev_cgroup, id),
	STRING(ev_cgroup, path),
	{ 0 },
};

static int taker_how_by_name(const char *name)
{
	for (int how = 1; how < TAKER_HOW_COUNT; how++) {
		if (!strcmp(taker_how_name(how), name))
			return how;
	}
	return -1;
}

static int taker_is_by_name(const char *name)
{
	for (int is = 1; is < TAKER_IS_COUNT; is++) {
		if (!strcmp(taker_is_name(is), name))
			return is;
	}
	return -1;
}

static const struct field taker_fields[] = {
	NUMBER(ev_taker, thread_id),
	NUMBER(ev_taker, by_id),
	NUMBER(ev_taker, by_pid),
	WORDS(ev_taker, how, taker_how_by_name),
	NUMBER(ev_taker, policy),
	NUMBER(ev_taker, nice),
	NUMBER(ev_taker, rt_priority),
	WORDS(ev_taker, by_is, taker_is_by_name),
	NUMBER(ev_taker, count),
	NUMBER(ev_taker, ns),
	NUMBER(ev_taker, max_ns),
	NUMBER(ev_taker, certain_ns),
	NUMBER(ev_taker, certain_max_ns),
	STRING(ev_taker, comm),
	{ 0 },
};

static const struct field change_fields[] = {
	NUMBER(ev_change, thread_id),
	NUMBER(ev_change, at),
	NUMBER(ev_change, was.policy),
	NUMBER(ev_change, was.nice),
	NUMBER(ev_change, was.rt_priority),
	NUMBER(ev_change, was.n_cpus),
	NUMBER(ev_change, was.cpus),
	NUMBER(ev_change, now.policy),
	NUMBER(ev_change, now.nice),
	NUMBER(ev_change, now.rt_priority),
	NUMBER(ev_change, now.n_cpus),
	NUMBER(ev_change, now.cpus),
	{ 0 },
};

static const struct kind kinds[] = {
	{ "run", EV_RUN, sizeof(struct ev_run), run_fields },
	{ "text", EV_TEXT, sizeof(struct ev_text), text_fields },
	{ "exec", EV_EXEC, sizeof(struct ev_exec), exec_fields },
	{ "thread", EV_THREAD, sizeof(struct ev_thread), thread_fields },
	{ "wall", EV_WALL, sizeof(struct ev_wall), wall_fields },
	{ "loss", EV_LOSS, sizeof(struct ev_loss), loss_fields },
	{ "probe", EV_PROBE, sizeof(struct ev_probe), probe_fields },
	{ "calls", EV_CALLS, sizeof(struct ev_calls), calls_fields },
	{ "end", EV_END, sizeof(struct ev_end), end_fields },
	{ "peer", EV_PEER, sizeof(struct ev_peer), peer_fields },
	{ "other", EV_OTHER, sizeof(struct ev_other), other_fields },
	{ "life", EV_LIFE, sizeof(struct ev_life), life_fields },
	{ "unreaped", EV_UNREAPED, sizeof(struct ev_unreaped), unreaped_fields },
	{ "frame", EV_FRAME, sizeof(struct ev_frame), frame_fields },
	{ "stack", EV_STACK, sizeof(struct ev_stack), stack_fields },
	{ "site", EV_SITE, sizeof(struct ev_site), site_fields },
	{ "lock", EV_LOCK, sizeof(struct ev_lock), lock_fields },
	{ "waiter", EV_LOCK_WAITER, sizeof(struct ev_lock_waiter), lock_waiter_fields },
	{ "holder", EV_LOCK_HOLDER, sizeof(struct ev_lock_holder), lock_holder_fields },
	{ "word", EV_WORD, sizeof(struct ev_word), word_fields },
	{ "order", EV_LOCK_ORDER, sizeof(struct ev_lock_order), lock_order_fields },
	{ "deadlock", EV_DEADLOCK, sizeof(struct ev_deadlock), deadlock_fields },
	{ "stand", EV_STAND, sizeof(struct ev_stand), stand_fields },
	{ "need", EV_NEED, sizeof(struct ev_need), need_fields },
	{ "target", EV_TARGET, sizeof(struct ev_target), target_fields },
	{ "io", EV_IO, sizeof(struct ev_io), io_fields },
	{ "loop", EV_LOOP, sizeof(struct ev_loop), loop_fields },
	{ "wake", EV_WAKE, sizeof(struct ev_wake), wake_fields },
	{ "use", EV_USE, sizeof(struct ev_use), use_fields },
	{ "cgroup", EV_CGROUP, sizeof(struct ev_cgroup), cgroup_fields },
	{ "taker", EV_TAKER, sizeof(struct ev_taker), taker_fields },
	{ "change", EV_CHANGE, sizeof(struct ev_change), change_fields },
	{ "signal", EV_SIGNAL, sizeof(struct ev_signal), signal_fields },
	{ 0 },
};

const struct kind *kind_by_name(const char *name)
{
	for (const struct kind *k = kinds; k->name; k++) {
		if (!strcmp(k->name, name))
			return k;
	}
	return NULL;
}

const struct field *field_by_key(const struct kind *kind, const char *key)
{
	for (const struct field *f = kind->fields; f->name; f++) {
		size_t n = strlen(f->name);

		if (f->number_of && f->name[n - 1] == '.' ? !strncmp(f->name, key, n)
							  : !strcmp(f->name, key))
			return f;
	}
	return NULL;
}
