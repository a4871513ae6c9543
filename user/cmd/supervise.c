// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/supervise.h"
#include "base/clock.h"
#include "cmd/facts.h"
#include "cmd/others.h"
#include "cmd/stuck.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS    1000000ull
#define NEVER UINT64_MAX

#define SNAPSHOT_NS  (20 * MS)	 /* at first; doubled whenever the strip is full */
#define KILL_NS	     (5000 * MS) /* from SIGTERM to SIGKILL, as the contract has it */
#define WINDOW_AFTER (1000 * MS) /* no window of calls before */
#define WINDOW_EVERY (2000 * MS)
#define WINDOW_NS    (20 * MS)
#define LOOK_NS	     (50 * MS) /* for processes that are to end */

enum deadline {
	AT_SNAPSHOT,
	AT_WINDOW,
	AT_WINDOW_END,
	AT_DURATION,
	AT_LINGER,
	AT_LOOK,
	AT_REST,
	AT_STUCK,
	AT_HANG,
	AT_LIVE,
	AT_KILL,
	DEADLINES
};

struct state {
	const struct supervision *s;
	uint64_t at[DEADLINES];
	uint64_t snapshot_ns;
	unsigned int snapshots;
	unsigned int interrupts;
	bool measured; /* probe_finish() was called */
	bool ending;   /* we end what was measured */
	bool done;
	int by_signal; /* that ended the measurement */
	uint64_t code_cpu_ns;
	struct ev_end end;
	bool idle_known;
	uint64_t idle_ns;      /* of the allowed CPUs, when it began */
	struct others *others; /* NULL: not known */
	struct stuck_looks *stuck;
	struct outcome *outcome;
	struct err *err;
};

int supervise_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void supervise_forget_signals(int signal_fd)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		;
}

static int failed(struct state *st, int error, const char *doing)
{
	return err_set(st->err, error, "%s failed: %s; there is no report, try again", doing,
		       strerror(-error));
}

/* Whether there were idle CPUs tells what a wait for a lock cost. */
static void note_idle(struct state *st)
{
	uint64_t now;

	st->end.idle_known = st->idle_known && facts_idle_ns(&now);
	st->end.idle_ns = st->end.idle_known && now > st->idle_ns ? now - st->idle_ns : 0;
}

/* Those of the program are left out here already, or they could take all the places. */
static int tell_others(struct state *st)
{
	pid_t *own = NULL;
	size_t n = 0;
	int error;

	if (probe_pids(st->s->probe, &own, &n)) /* then the model leaves them out */
		n = 0;
	error = others_end(st->others, own, n, st->s->fn, st->s->ctx);
	free(own);
	return error;
}

/* A last look too: who waits by now for those that will wait for ever. */
static int tell_stuck(struct state *st)
{
	uint64_t next;
	int error = stuck_look(st->stuck, st->s->probe, &next);

	return error ? error : stuck_tell(st->stuck, st->s->fn, st->s->ctx);
}

/* The measurement is over, for this reason; once. */
static int finish(struct state *st, enum ended_by by)
{
	int error;

	if (st->measured)
		return 0;
	st->measured = true;
	st->end.ended_by = by;
	st->at[AT_SNAPSHOT] = st->at[AT_WINDOW] = st->at[AT_WINDOW_END] = NEVER;
	st->at[AT_REST] = st->at[AT_STUCK] = st->at[AT_HANG] = st->at[AT_LIVE] = NEVER;
	note_idle(st);
	error = tell_others(st);
	if (!error)
		error = tell_stuck(st);
	if (!error)
		error = probe_finish(st->s->probe, st->s->fn, st->s->ctx, &st->end);
	return error ? failed(st, error, "reading the measurement") : 0;
}

/* Asked by pidfd whether it is still ours, so that a reused number is never hit. */
static bool signal_tracked(struct state *st, pid_t pid, int sig)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	bool tracked;

	if (fd < 0)
		return false; /* it has gone */
	tracked = probe_is_tracked(st->s->probe, fd);
	if (tracked && syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0))
		tracked = errno != ESRCH;
	close(fd);
	return tracked;
}

/* Signals all that is tracked and alive; 0 only looks. */
static int signal_all(struct state *st, int sig, size_t *ret_alive)
{
	pid_t *pids;
	size_t n;
	int error = probe_pids(st->s->probe, &pids, &n);

	if (error)
		return failed(st, error, "listing the processes");
	*ret_alive = 0;
	for (size_t i = 0; i < n; i++)
		*ret_alive += signal_tracked(st, pids[i], sig);
	free(pids);
	return 0;
}

static int on_snapshot(struct state *st, uint64_t now)
{
	int error = probe_read(st->s->probe, st->s->fn, st->s->ctx);

	if (++st->snapshots == 256) {
		st->snapshots = 128;
		st->snapshot_ns *= 2;
	}
	st->at[AT_SNAPSHOT] = now + st->snapshot_ns;
	return error ? failed(st, error, "reading the probes") : 0;
}

static int on_window(struct state *st, uint64_t now)
{
	st->at[AT_WINDOW] = now + WINDOW_EVERY;
	if (!probe_has_waits(st->s->probe))
		return 0;
	st->at[AT_WINDOW_END] = now + WINDOW_NS;
	return probe_window(st->s->probe, true, st->err);
}

static int on_window_end(struct state *st, uint64_t now)
{
	(void)now;
	st->at[AT_WINDOW_END] = NEVER;
	return probe_window(st->s->probe, false, st->err);
}

/* The measurement is over, and so is what is measured. */
static int end_all(struct state *st, enum ended_by by, uint64_t now)
{
	size_t alive;
	int error = finish(st, by);

	st->at[AT_DURATION] = NEVER;
	if (error)
		return error;
	st->ending = true;
	st->at[AT_KILL] = now + KILL_NS;
	st->at[AT_LOOK] = now + LOOK_NS;
	return signal_all(st, SIGTERM, &alive);
}

static int on_duration(struct state *st, uint64_t now)
{
	if (!st->s->launch) {
		st->done = true;
		return finish(st, ENDED_DURATION);
	}
	return end_all(st, ENDED_DURATION, now);
}

#define HANG_LOOK_NS (250 * MS)

static int on_hang(struct state *st, uint64_t now)
{
	uint64_t still, left;
	int error = probe_still_ns(st->s->probe, &still);

	if (!error && still >= st->s->hang_ns) {
		st->outcome->hung = true;
		error = probe_stuck_stacks(st->s->probe, NULL, 0);
		return error ? failed(st, error, "reading stacks") : end_all(st, ENDED_HANG, now);
	}
	left = still < st->s->hang_ns ? st->s->hang_ns - still : 0;
	st->at[AT_HANG] = now + (left < HANG_LOOK_NS ? left : HANG_LOOK_NS);
	return error ? failed(st, error, "reading the probes") : 0;
}

static int on_look(struct state *st, uint64_t now)
{
	size_t alive;
	int error = signal_all(st, 0, &alive);

	st->at[AT_LOOK] = now + LOOK_NS;
	if (!error && !alive && st->outcome->ended)
		st->done = true;
	return error;
}

static int on_rest(struct state *st, uint64_t now)
{
	st->at[AT_REST] = now + probe_rest(st->s->probe);
	return 0;
}

static int on_stuck(struct state *st, uint64_t now)
{
	uint64_t next;
	int error = stuck_look(st->stuck, st->s->probe, &next);

	st->at[AT_STUCK] = now + next;
	return error ? failed(st, error, "looking for deadlocks") : 0;
}

static int on_live(struct state *st, uint64_t now)
{
	int error = live_look(st->s->live, st->s->probe, now, &st->at[AT_LIVE]);

	return error ? failed(st, error, "looking at what runs") : 0;
}

/* Whoever looks on has seen enough: as at the end of a duration. */
static int on_key(struct state *st)
{
	if (!live_keys(st->s->live))
		return 0;
	if (st->s->launch && !st->ending)
		return end_all(st, ENDED_KEY, clock_ns());
	st->done = true;
	return finish(st, ENDED_KEY);
}

static int on_kill(struct state *st, uint64_t now)
{
	size_t alive;

	(void)now;
	st->at[AT_KILL] = NEVER;
	st->done = st->outcome->ended;
	return signal_all(st, SIGKILL, &alive);
}

static int on_linger(struct state *st, uint64_t now)
{
	(void)now;
	st->done = true;
	return finish(st, ENDED_DURATION);
}

static int on_command_ended(struct state *st)
{
	int error = launch_wait(st->s->launch, &st->outcome->wstatus);

	if (error)
		return failed(st, error, "waiting for the command");
	st->outcome->ended = true;
	if (st->ending)
		return on_look(st, clock_ns());
	if (!st->s->linger_ns || probe_is_over(st->s->probe)) {
		st->done = true;
		return finish(st, st->s->linger_ns ? ENDED_LAST_PROCESS : ENDED_COMMAND);
	}
	st->at[AT_LINGER] = clock_ns() + st->s->linger_ns;
	return 0;
}

/* The terminal signals the whole foreground group, the workload with it; what
 * somebody sent to us alone is passed on (sigaction(2), si_code). */
static void pass_on(struct state *st, const struct signalfd_siginfo *info)
{
	if (info->ssi_code == SI_KERNEL)
		return;
	(void)launch_signal(st->s->launch, info->ssi_signo); /* it may have gone: nothing is lost */
}

static int on_signal(struct state *st)
{
	struct signalfd_siginfo info;
	bool interrupt;

	while (read(st->s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		interrupt = info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT;
		if (interrupt && st->s->launch && st->interrupts++ == 0) {
			pass_on(st, &info);
			continue;
		}
		if (!interrupt && st->s->launch)
			pass_on(st, &info);
		st->by_signal = info.ssi_signo;
		st->done = true;
		return finish(st, ENDED_SIGNAL);
	}
	return 0;
}

static int run_deadlines(struct state *st)
{
	static int (*const on[DEADLINES])(struct state *, uint64_t) = {
		[AT_SNAPSHOT] = on_snapshot,
		[AT_WINDOW] = on_window,
		[AT_WINDOW_END] = on_window_end,
		[AT_DURATION] = on_duration,
		[AT_LINGER] = on_linger,
		[AT_LOOK] = on_look,
		[AT_REST] = on_rest,
		[AT_STUCK] = on_stuck,
		[AT_HANG] = on_hang,
		[AT_LIVE] = on_live,
		[AT_KILL] = on_kill,
	};
	uint64_t now = clock_ns();
	int error = 0;

	for (int i = 0; i < DEADLINES && !error && !st->done; i++) {
		if (st->at[i] <= now)
			error = on[i](st, now);
	}
	return error;
}

/* Readable when the command ends; -1: it has, or there is none. */
static int command_fd(const struct state *st)
{
	return st->outcome->ended || !st->s->launch ? -1 : launch_pidfd(st->s->launch);
}

static int wait_for_something(struct state *st)
{
	struct pollfd fds[] = {
		{ .fd = st->s->signal_fd, .events = POLLIN },
		{ .fd = command_fd(st), .events = POLLIN },
		{ .fd = st->measured ? -1 : probe_fd(st->s->probe), .events = POLLIN },
		{ .fd = st->s->live && !st->measured ? live_fd(st->s->live) : -1,
		  .events = POLLIN },
	};
	uint64_t next = NEVER, now = clock_ns();
	struct timespec wait;
	int error = 0;

	for (int i = 0; i < DEADLINES; i++)
		next = st->at[i] < next ? st->at[i] : next;
	next = next > now ? next - now : 0;
	wait.tv_sec = next / 1000000000ull > 1 << 30 ? 1 << 30 : next / 1000000000ull;
	wait.tv_nsec = next % 1000000000ull;
	if (ppoll(fds, 4, &wait, NULL) <
	    0) /* by a signal: the terminal has another size, perhaps */
		return errno == EINTR ? (st->s->live ? on_key(st) : 0)
				      : failed(st, -errno, "waiting");
	if (fds[1].revents)
		error = on_command_ended(st);
	if (!error && !st->done && fds[0].revents)
		error = on_signal(st);
	if (!error && !st->done && fds[2].revents)
		error = probe_read(st->s->probe, st->s->fn, st->s->ctx);
	if (!error && !st->done && fds[3].revents)
		error = on_key(st);
	return error;
}

/* What the last process of a lingering measurement was is known to the probes first. */
static int look_whether_over(struct state *st)
{
	if (st->measured || (st->s->launch && !st->outcome->ended) || !probe_is_over(st->s->probe))
		return 0;
	st->done = true;
	return finish(st, ENDED_LAST_PROCESS);
}

/* How concprof ends: see the contract. */
static int final_status(const struct state *st)
{
	int status = st->outcome->wstatus;

	if (!st->s->launch)
		return 0;
	if (!st->outcome->ended)
		return st->by_signal;
	if (!st->ending)
		return status;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL))
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM ? 0 : status;
}

/* proc_pid_status(5), VmHWM. Not ru_maxrss: that survives an exec, so it may be the peak of
 * who started us. 0: not known. */
static uint64_t own_peak_bytes(void)
{
	unsigned long long kib = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && sscanf(line, "VmHWM: %llu kB", &kib) != 1)
		;
	fclose(f);
	return kib * 1024;
}

static int tell_end(struct state *st)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	st->end.head.kind = EV_END;
	st->end.head.size = sizeof(st->end);
	st->end.status = st->outcome->ended ? st->outcome->wstatus : -1;
	st->end.collector_cpu_ns = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000ull +
				   (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000ull +
				   st->code_cpu_ns;
	st->end.collector_rss_bytes = own_peak_bytes();
	return st->s->fn(st->s->ctx, &st->end.head);
}

int supervise(const struct supervision *s, struct outcome *ret, struct err *err)
{
	struct state st = { .s = s, .snapshot_ns = SNAPSHOT_NS, .outcome = ret, .err = err };
	uint64_t now = clock_ns();
	int error = 0;

	memset(ret, 0, sizeof(*ret));
	st.idle_known = facts_idle_ns(&st.idle_ns);
	st.others = others_begin();
	st.stuck = stuck_looks_new();
	if (!st.stuck)
		return failed(&st, -ENOMEM, "looking for deadlocks");
	for (int i = 0; i < DEADLINES; i++)
		st.at[i] = NEVER;
	st.at[AT_SNAPSHOT] = now + st.snapshot_ns;
	st.at[AT_REST] = st.at[AT_STUCK] = now;
	if (!s->all_calls)
		st.at[AT_WINDOW] = now + WINDOW_AFTER;
	if (s->hang_ns)
		st.at[AT_HANG] = now;
	if (s->live)
		st.at[AT_LIVE] = now;
	if (s->duration_ns)
		st.at[AT_DURATION] = now + s->duration_ns;
	while (!error && !st.done) {
		error = wait_for_something(&st);
		if (!error && !st.done)
			error = run_deadlines(&st);
		if (!error && !st.done)
			error = look_whether_over(&st);
	}
	others_free(st.others);
	stuck_looks_free(st.stuck);
	if (s->live)
		live_hide(s->live);
	if (error)
		return error;
	error = s->tell_code ? s->tell_code(s->ctx, &st.code_cpu_ns) : 0;
	if (error)
		return failed(&st, error, "naming the places in the code");
	error = tell_end(&st);
	ret->wstatus = final_status(&st);
	return error;
}
