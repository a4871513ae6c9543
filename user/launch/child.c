// SPDX-License-Identifier: BSD-2-Clause
#include "launch/child.h"
#include "launch/search.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Nobody can see it: the parent has either been told already or is gone. */
#define UNSEEN_STATUS 125

static void tell(const struct child_plan *plan, const struct child_report *report)
{
	ssize_t n;

	do {
		n = send(plan->channel, report, sizeof(*report), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*report))
		_exit(UNSEEN_STATUS);
}

/* As the kernel reads it: blanks around the name, no more than 256 bytes, a '\r' is a letter. */
static void read_interpreter(struct child_report *report, char *head)
{
	char *name = head + 2 + strspn(head + 2, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	memcpy(report->interpreter, name, strlen(name) + 1);
}

static void look_inside(struct child_report *report, const char *path)
{
	char head[sizeof(report->interpreter)] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);

	if (n >= 2 && !memcmp(head, "#!", 2)) {
		report->file = CHILD_FILE_SCRIPT;
		read_interpreter(report, head);
	} else if (n >= 4 && !memcmp(head, "\177ELF", 4)) {
		report->file = CHILD_FILE_ELF;
	}
	if (fd >= 0 && close(fd))
		report->file = CHILD_FILE_OTHER;
}

/* errno says why not. */
static bool looks_executable(const char *path)
{
	struct stat st;

	errno = EACCES; /* of what is no file */
	return !stat(path, &st) && S_ISREG(st.st_mode) &&
	       !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

/* Here and not in the parent, which may be root and could be shown what the user may not see. */
static void diagnose(const struct child_plan *plan, struct child_report *report)
{
	const char *path = plan->paths[report->path];
	const char *command = plan->argv[0];
	struct statvfs vfs;
	struct stat st;

	if (stat(path, &st)) {
		report->file = report->error == EACCES ? CHILD_FILE_HIDDEN : CHILD_FILE_MISSING;
		report->here = *command && !strchr(command, '/') && looks_executable(command);
		return;
	}
	report->file = S_ISDIR(st.st_mode) ? CHILD_FILE_DIRECTORY : CHILD_FILE_OTHER;
	report->executable = st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	report->noexec = !statvfs(path, &vfs) && (vfs.f_flag & ST_NOEXEC);
	if (S_ISREG(st.st_mode))
		look_inside(report, path);
}

/*
 * The first failure at a path where there is a file says more than "not found" at the others. An
 * EACCES alone does not: it can come from a directory in PATH that the user may not search.
 */
static void note_failure(const struct child_plan *plan, struct child_report *report, size_t i,
			 int error)
{
	if (report->file != CHILD_FILE_MISSING)
		return;
	if (strchr(plan->argv[0], '/') || !access(plan->paths[i], F_OK)) {
		report->path = i;
		report->error = error;
		report->file = CHILD_FILE_OTHER;
	}
}

/* What exec will most probably find, so that no attempts that are bound to fail are measured. */
static struct child_report look_ahead(const struct child_plan *plan)
{
	struct child_report report = { .kind = CHILD_HELD, .error = ENOENT };

	for (size_t i = 0; i < plan->n_paths; i++) {
		if (looks_executable(plan->paths[i]))
			return (struct child_report){ .kind = CHILD_HELD, .path = i };
		note_failure(plan, &report, i, errno);
	}
	diagnose(plan, &report);
	return report;
}

static struct child_report execute(const struct child_plan *plan, size_t first)
{
	struct child_report report = { .kind = CHILD_FAILED, .error = ENOENT };

	for (size_t i = first; i < plan->n_paths; i++) {
		if (i > first)
			tell(plan, &(struct child_report){ .kind = CHILD_TRYING, .path = i });
		execve(plan->paths[i], plan->argv, plan->envp);
		if (!launch_search_continues(errno)) {
			report.path = i;
			report.error = errno;
			break;
		}
		note_failure(plan, &report, i, errno);
	}
	return report;
}

static int set_up(const struct child_plan *plan)
{
	int r = launch_signals_dispose(plan->signals);

	if (!r && plan->user)
		r = launch_user_become(plan->user);
	return r ? r : launch_drop_file_capabilities();
}

/* False if the parent has gone, or let go of it. */
static bool await_release(const struct child_plan *plan)
{
	char packet;
	ssize_t n;

	do {
		n = recv(plan->channel, &packet, sizeof(packet), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(packet);
}

_Noreturn void launch_child(const struct child_plan *plan)
{
	int r = set_up(plan);

	if (r) {
		tell(plan, &(struct child_report){ .kind = CHILD_REFUSED, .error = -r });
		_exit(UNSEEN_STATUS);
	}
	struct child_report report = look_ahead(plan);
	size_t first = report.error ? 0 : report.path;

	tell(plan, &report);
	if (!await_release(plan) || sigprocmask(SIG_SETMASK, &plan->signals->mask, NULL))
		_exit(UNSEEN_STATUS);
	report = execute(plan, first);
	diagnose(plan, &report);
	tell(plan, &report);
	_exit(UNSEEN_STATUS);
}
