// SPDX-License-Identifier: BSD-2-Clause
/* Why an object could not be loaded, and what to do about it. */
#include "probe/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libbpf speaks only where it explains a failure, and its callback has no context. */
static char heard[360];
static bool has_log;

#define LOG_BEGIN "-- BEGIN PROG LOAD LOG --\n"
#define LOG_END	  "-- END PROG LOAD LOG --"
#define LOG_LINES 2

/* Where its statistics begin, or its end. */
static const char *end_of_reason(const char *log)
{
	static const char *const statistics[] = { "verification time ", "processed " };
	const char *end = log + strlen(log);

	for (size_t i = 0; i < sizeof(statistics) / sizeof(*statistics); i++) {
		for (const char *s = strstr(log, statistics[i]); s && s < end;
		     s = strstr(s + 1, statistics[i]))
			if (s == log || s[-1] == '\n')
				end = s;
	}
	while (end > log && end[-1] == '\n')
		end--;
	return end;
}

/* The verifier's log ends with why it refuses, but for statistics: the last lines in one. */
static void hear_log(const char *log)
{
	const char *end = end_of_reason(log), *line = end;
	size_t n = strlen(heard);

	for (int lines = 0; line > log; line--)
		if (line[-1] == '\n' && ++lines == LOG_LINES)
			break;
	if (line == end)
		return;
	has_log = true;
	snprintf(heard + n, sizeof(heard) - n, ": %.*s", (int)(end - line), line);
	for (char *c = heard + n; *c; c++)
		if (*c == '\n')
			*c = ' ';
}

/* libbpf's log comes in a message of its own, of megabytes. */
static void hear_more(const char *fmt, va_list ap)
{
	char *text, *log;

	if (has_log || !strstr(fmt, LOG_BEGIN) || vasprintf(&text, fmt, ap) < 0)
		return;
	log = strstr(text, LOG_BEGIN) + strlen(LOG_BEGIN);
	if (strstr(log, LOG_END))
		*strstr(log, LOG_END) = '\0';
	hear_log(log);
	free(text);
}

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN)
		return 0;
	if (heard[0]) {
		hear_more(fmt, ap);
		return 0;
	}
	vsnprintf(heard, sizeof(heard), fmt, ap);
	heard[strcspn(heard, "\n")] = '\0';
	return 0;
}

void load_listen(void)
{
	heard[0] = '\0';
	has_log = false;
	libbpf_set_print(hear);
}

void load_refused(const char *program, int error, const char *log)
{
	has_log = false;
	snprintf(heard, sizeof(heard), "libbpf: prog '%s': BPF program load failed: %s", program,
		 strerror(-error));
	hear_log(log);
}

static bool is_privileged(void)
{
	return kernel_has_capability(CAP_BPF_BIT) && kernel_has_capability(CAP_PERFMON_BIT);
}

/* libbpf 1.1 goes through them for a function that the kernel has not: bpf_rdonly_cast, before 6.2. */
static bool has_searched_modules(void)
{
	return strstr(heard, "failed to iterate BTF objects");
}

static int explain_denied(struct err *err)
{
	if (!is_privileged() || kernel_is_namespaced())
		return err_set(err, -EPERM, "cannot load the probes: not permitted; %s",
			       kernel_remedy());
	if (has_searched_modules())
		return err_set(err, -EPERM,
			       "cannot load the probes: not permitted; what this kernel lacks is "
			       "looked for in its modules, for which CAP_SYS_ADMIN is needed as "
			       "well");
	return err_set(err, -EPERM,
		       "cannot load the probes: not permitted, as by a security module or "
		       "a filter of system calls%s%s; see 'concprof check'",
		       heard[0] ? ": " : "", heard);
}

int load_explain(int error, struct err *err)
{
	char release[KERNEL_RELEASE];

	if (error == -EPERM || has_searched_modules() || (error == -EACCES && !is_privileged()))
		return explain_denied(err);
	/* Only now: a distribution may have given an older one what is needed. */
	if (kernel_is_before(5, 18, release))
		return err_set(err, -ENOTSUP,
			       "cannot load the probes: Linux %s is too old; 5.18 or newer is "
			       "needed, whose sched_switch tells how a thread leaves the CPU",
			       release);
	if (error == -EACCES && strstr(heard, "prog '"))
		return err_set(
			err, -ENOTSUP,
			"cannot load the probes: this kernel's verifier refuses them (%s); please "
			"report this with the output of 'uname -r'",
			heard);
	if (error == -EACCES)
		return explain_denied(err);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return err_set(
			err, -ENOTSUP,
			"cannot load the probes: this kernel has no BTF (/sys/kernel/btf/vmlinux); "
			"it needs CONFIG_DEBUG_INFO_BTF, as all current distributions' kernels "
			"have, "
			"and in a container /sys");
	return err_set(err, error, "cannot load the probes: %s%s%s; see 'concprof check'",
		       strerror(-error), heard[0] ? ": " : "", heard);
}
