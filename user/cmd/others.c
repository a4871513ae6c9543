// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/others.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "cmd/facts.h"

#define LEAST_NS 10000000ull /* less than that is a tick that may have been somebody else's */

struct seen {
	pid_t pid, parent;
	unsigned long long start; /* all three in clock ticks */
	unsigned long long cpu;
	char comm[EVENT_COMM_SIZE];
};

struct others {
	VEC(struct seen) list; /* by pid */
	unsigned long long began;
};

static unsigned long long tick_ns(void)
{
	long per_second = sysconf(_SC_CLK_TCK);

	return 1000000000ull / (per_second > 0 ? per_second : 100);
}

/* On the clock of the processes' starts. */
static unsigned long long now_ticks(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t))
		return 0;
	return (t.tv_sec * 1000000000ull + t.tv_nsec) / tick_ns();
}

/* proc_pid_stat(5). The name ends at the last ')': it may hold any itself. */
static bool parse(const char *stat, struct seen *ret)
{
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long long user, kernel;

	if (!open || !close || close < open ||
	    sscanf(close + 1,
		   " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
		   "%*d %llu",
		   &ret->parent, &user, &kernel, &ret->start) != 4)
		return false;
	ret->cpu = user + kernel;
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

/* False: it has gone, or may not be looked at. */
static bool look_at(int proc, const char *pid, struct seen *ret)
{
	char path[32], stat[1024];
	ssize_t n;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/stat", pid) >= sizeof(path))
		return false;
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	ret->pid = atoi(pid);
	return parse(stat, ret);
}

static int by_pid(const void *a, const void *b)
{
	const struct seen *s = a, *t = b;

	return s->pid < t->pid ? -1 : s->pid > t->pid;
}

static int most_first(const void *a, const void *b)
{
	const struct seen *s = a, *t = b;

	if (s->cpu != t->cpu)
		return s->cpu > t->cpu ? -1 : 1;
	return by_pid(a, b);
}

struct others *others_begin(void)
{
	DIR *proc = opendir("/proc");
	struct others *o = proc ? calloc(1, sizeof(*o)) : NULL;
	const struct dirent *entry;
	struct seen one;

	if (o)
		o->began = now_ticks();
	while (o && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    look_at(dirfd(proc), entry->d_name, &one))
			*vec_add(&o->list) = one;
	}
	if (proc)
		closedir(proc);
	if (o && o->list.n)
		qsort(o->list.items, o->list.n, sizeof(*o->list.items), by_pid);
	return o;
}

/* What it has used since, in its place. One that was there before and was not seen then is of no
 * known use. */
static void subtract(struct seen *now, const struct others *before)
{
	const struct seen *then = NULL;

	if (before->list.n)
		then = bsearch(now, before->list.items, before->list.n, sizeof(*now), by_pid);
	if (then && then->start == now->start)
		now->cpu = now->cpu > then->cpu ? now->cpu - then->cpu : 0;
	else if (now->start < before->began)
		now->cpu = 0;
}

/* Concprof itself, and what it has started to read the program's files, two deep. */
static bool is_ours(const struct others *all, const struct seen *s)
{
	if (s->pid == getpid() || s->parent == getpid())
		return true;
	for (size_t i = 0; i < all->list.n; i++) {
		const struct seen *parent = &all->list.items[i];

		if (parent->pid == s->parent)
			return parent->parent == getpid();
	}
	return false;
}

static bool is_own(const struct seen *s, const pid_t *own, size_t n_own)
{
	for (size_t i = 0; i < n_own; i++) {
		if (own[i] == s->pid)
			return true;
	}
	return false;
}

static int tell(const struct seen *s, event_fn fn, void *ctx)
{
	struct ev_other ev = { .head = { EV_OTHER, sizeof(ev) },
			       .cpu_ns = s->cpu * tick_ns(),
			       .pid = s->pid };

	memcpy(ev.comm, s->comm, sizeof(ev.comm));
	return fn(ctx, &ev.head);
}

int others_end(const struct others *o, const pid_t *own, size_t n_own, event_fn fn, void *ctx)
{
	struct others *now = o ? others_begin() : NULL;
	size_t told = 0;
	int error = 0;

	/* it sees at least itself */
	if (!now || !now->list.n || !o->list.n) {
		error = facts_note(fn, ctx,
				   "who else used the CPUs is not known: /proc could not be read");
		goto out;
	}
	for (size_t i = 0; i < now->list.n; i++)
		subtract(&now->list.items[i], o);
	qsort(now->list.items, now->list.n, sizeof(*now->list.items), most_first);
	for (size_t i = 0; i < now->list.n && told < OTHERS_MAX && !error; i++) {
		const struct seen *s = &now->list.items[i];

		if (s->cpu * tick_ns() < LEAST_NS)
			break;
		if (is_ours(now, s) || is_own(s, own, n_own))
			continue;
		error = tell(s, fn, ctx);
		told++;
	}
out:
	others_free(now);
	return error;
}

void others_free(struct others *o)
{
	if (!o)
		return;
	free(o->list.items);
	free(o);
}
