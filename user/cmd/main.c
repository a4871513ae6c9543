// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/output.h"

#ifdef CONCPROF_STATIC
#define LINKED "; static: without --debuginfod, and users of /etc/passwd only"
#else
#define LINKED ""
#endif

static int version(void)
{
	printf("concprof %s (%s%s)\n", CONCPROF_VERSION, libbpf_version_string(), LINKED);
	return output_said();
}

static int help(void)
{
	opts_help(stdout);
	return output_said();
}

/* For a reader that has gone is no error (the contract). */
static int write_quietly(int (*command)(const struct opts *o), const struct opts *o)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		struct err err;

		(void)err_failed(&err, -errno, "cannot ignore SIGPIPE");
		fprintf(stderr, "concprof: %s\n", err.text);
		return STATUS_FAILED;
	}
	return command(o);
}

/* Where standard input, output or error is closed, the next file opened would take its
 * place, and a report would go there. /dev/null does; the command finds it closed again. */
static int keep_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct launch_signals inherited;
	struct opts o;
	struct err err = { "" };
	int error = keep_standard_descriptors();

	if (!error)
		error = launch_signals_take(&inherited);
	if (error) {
		(void)err_failed(&err, error, "cannot start");
		fprintf(stderr, "concprof: %s\n", err.text);
		return STATUS_FAILED;
	}
	if (opts_parse(&o, argc, argv, &err)) {
		fprintf(stderr, "concprof: %s\n", err.text);
		return STATUS_FAILED;
	}
	switch (o.command) {
	case COMMAND_HELP:
		return help();
	case COMMAND_VERSION:
		return version();
	case COMMAND_CHECK:
		return cmd_check();
	case COMMAND_REPORT:
		return write_quietly(cmd_report, &o);
	case COMMAND_DIFF:
		return write_quietly(cmd_diff, &o);
	case COMMAND_WHY:
		return write_quietly(cmd_why, &o);
	case COMMAND_ATTACH:
		return cmd_attach(&o);
	case COMMAND_RUN:
	case COMMAND_RECORD:
		break;
	}
	return cmd_run(&o, &inherited);
}
