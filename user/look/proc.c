// SPDX-License-Identifier: BSD-2-Clause
#include "look/proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/procfs.h"

#define PATH_SIZE 96

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

__attribute__((format(printf, 1, 2))) static FILE *open_file(const char *fmt, ...)
{
	char path[PATH_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return fopen(path, "re");
}

/* proc_pid_maps(5): "start-end rwxs offset major:minor inode   path" */
static bool parse_map(char *line, struct proc_map *ret)
{
	char flags[8];
	int path = 0;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &ret->start, &ret->end, flags, &ret->offset, &ret->major, &ret->minor,
		   &ret->inode, &path) != 7)
		return false;
	line[strcspn(line, "\n")] = '\0';
	ret->is_code = flags[2] == 'x';
	ret->is_shared = flags[3] == 's';
	ret->path = line + path;
	return true;
}

/* "7f0000000000-7f0000001000 r-xs": most lines are not of interest, and there may be many. */
static bool is_of_interest(const char *line)
{
	const char *flags = strchr(line, ' ');

	return flags && strlen(flags) > 4 && (flags[3] == 'x' || flags[4] == 's');
}

int proc_maps(uint32_t pid, proc_map_fn fn, void *ctx)
{
	FILE *f = open_file("/proc/%u/maps", pid);
	struct proc_map m;
	size_t room = 0;
	char *line = NULL;
	int error = 0;

	if (!f)
		return -errno;
	while (!error && getline(&line, &room, f) > 0) {
		if (is_of_interest(line) && parse_map(line, &m))
			error = fn(ctx, &m);
	}
	free(line);
	fclose(f);
	return error;
}

/* Who writes a title there (setproctitle(3)) leaves the rest of the room empty. */
static uint32_t without_room(const char *args, uint32_t size)
{
	uint32_t n = size;

	while (n && !args[n - 1])
		n--;
	return size - n > 2 ? n : size;
}

void proc_command(uint32_t pid, struct ev_exec *to)
{
	FILE *f = open_file("/proc/%u/cmdline", pid);
	char path[PATH_SIZE];
	ssize_t n;

	if (f) {
		to->args_size = fread(to->args, 1, sizeof(to->args), f);
		to->args_truncated = fgetc(f) != EOF;
		to->args_size = without_room(to->args, to->args_size);
		fclose(f);
	}
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, to->path, sizeof(to->path) - 1);
	to->path[n > 0 ? n : 0] = '\0';
}

void proc_comm(uint32_t pid, char *buf, size_t size)
{
	FILE *f = open_file("/proc/%u/comm", pid);
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;

	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	if (f)
		fclose(f);
}

bool proc_descriptor(uint32_t pid, int fd, char *buf, size_t size)
{
	char path[PATH_SIZE];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, fd);
	n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

uint64_t proc_inode(uint32_t pid, int fd)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, fd);
	return stat(path, &st) ? 0 : st.st_ino;
}

bool proc_string(uint32_t pid, uint64_t address, char *buf, size_t size)
{
	size_t page = 4096 - address % 4096, most = page < size - 1 ? page : size - 1;
	struct iovec to = { buf, most }, from = { (void *)address, most };
	ssize_t n = process_vm_readv((pid_t)pid, &to, 1, &from, 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

uint32_t proc_word(uint32_t pid, uint64_t address)
{
	uint32_t word = 0;
	struct iovec to = { &word, sizeof(word) }, from = { (void *)address, sizeof(word) };

	return process_vm_readv((pid_t)pid, &to, 1, &from, 1, 0) == sizeof(word) ? word : 0;
}

/* proc_pid_fdinfo(5) */
uint32_t proc_epoll_set(uint32_t pid, int fd)
{
	FILE *f = open_file("/proc/%u/fdinfo/%d", pid, fd);
	uint32_t n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		n += !strncmp(line, "tfd:", 4);
	if (f)
		fclose(f);
	return n;
}

/* "3: POSIX  ADVISORY  WRITE 12 fd:01:77 ...", and below it, with "->", those that wait for it. */
void proc_locks(proc_lock_fn fn, void *ctx)
{
	FILE *f = open_file("/proc/locks");
	long number, of = -1;
	int pid, holder = -1;
	uint64_t inode;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%ld: -> %*s %*s %*s %d %*x:%*x:%" SCNu64, &number, &pid,
			   &inode) == 3) {
			if (number == of && holder > 0 && pid > 0)
				fn(ctx,
				   &(struct proc_lock){ (uint32_t)pid, (uint32_t)holder, inode });
		} else if (sscanf(line, "%ld: %*s %*s %*s %d", &of, &holder) != 2) {
			of = -1;
		}
	}
	if (f)
		fclose(f);
}

/* A number of /proc/PID/status; 0 if it is not there. */
static uint32_t status_of(uint32_t pid, const char *fmt)
{
	FILE *f = open_file("/proc/%u/status", pid);
	uint32_t nr = 0;
	char line[256];

	while (f && !nr && fgets(line, sizeof(line), f)) {
		if (sscanf(line, fmt, &nr) == 1)
			break;
	}
	if (f)
		fclose(f);
	return nr;
}

uint32_t proc_of_thread(uint32_t tid)
{
	return status_of(tid, "Tgid: %" SCNu32);
}

/* proc_pid_stat(5): the flags are the seventh from the state on. */
static bool is_kernels(uint32_t pid)
{
	unsigned int flags = 0;
	char text[512];
	const char *rest = procfs_stat(pid, text, sizeof(text));

	return rest && sscanf(rest, "%*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & PF_KTHREAD;
}

/* proc_pid_stat(5): the 22nd, and the state is the third. */
uint64_t proc_started(uint32_t pid)
{
	char text[1024];
	const char *rest = procfs_stat(pid, text, sizeof(text));
	uint64_t ticks = 0;

	if (!rest ||
	    sscanf(rest,
		   "%*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%" SCNu64,
		   &ticks) != 1)
		return 0;
	return ticks;
}

uint32_t proc_parent(uint32_t pid)
{
	return status_of(pid, "PPid: %" SCNu32);
}

/* The first thread of a process whose others live on is a zombie too. */
static bool is_dead(uint32_t pid)
{
	char text[512];
	const char *rest = procfs_stat(pid, text, sizeof(text));

	return rest && *rest == 'Z' && status_of(pid, "Threads: %" SCNu32) <= 1;
}

enum proc_is proc_is(uint32_t pid)
{
	uint32_t of = proc_of_thread(pid);

	if (!of)
		return PROC_IS_GONE;
	if (of != pid)
		return PROC_IS_THREAD;
	if (is_kernels(pid))
		return PROC_IS_KERNEL;
	return is_dead(pid) ? PROC_IS_DEAD : PROC_IS_PROGRAM;
}

int proc_check(pid_t pid, struct err *err)
{
	uint32_t of;

	if (pid == getpid())
		return err_set(err, -EINVAL, "%d is this concprof itself; give another process",
			       pid);
	switch (proc_is((uint32_t)pid)) {
	case PROC_IS_GONE:
		return err_set(err, -ESRCH,
			       "there is no process %d here; look it up with ps or pgrep", pid);
	case PROC_IS_THREAD:
		of = proc_of_thread((uint32_t)pid);
		return err_set(err, -EINVAL, "%d is a thread of process %u; give that one", pid,
			       of);
	case PROC_IS_KERNEL:
		return err_set(err, -EINVAL,
			       "%d is a thread of the kernel's own; give a program's process", pid);
	case PROC_IS_DEAD:
	case PROC_IS_PROGRAM:
		break;
	}
	return 0;
}
