// SPDX-License-Identifier: BSD-2-Clause
/* Why an object could not be loaded, and what to do about it. */
#include "probe/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* libbpf speaks only where it explains a failure, and its callback has no context. */
static char heard[200];

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !heard[0]) {
		vsnprintf(heard, sizeof(heard), fmt, ap);
		heard[strcspn(heard, "\n")] = '\0';
	}
	return 0;
}

void load_listen(void)
{
	heard[0] = '\0';
	libbpf_set_print(hear);
}

void load_refused(const char *program, int error)
{
	snprintf(heard, sizeof(heard), "libbpf: prog '%s': BPF program load failed: %s", program,
		 strerror(-error));
}

int load_explain(int error, struct err *err)
{
	bool privileged =
		kernel_has_capability(CAP_BPF_BIT) && kernel_has_capability(CAP_PERFMON_BIT);

	if (privileged && error == -EACCES && strstr(heard, "prog '"))
		return err_set(
			err, -ENOTSUP,
			"cannot load the probes: this kernel's verifier refuses them (%s); please "
			"report this with the output of 'uname -r'",
			heard);
	if ((error == -EPERM || error == -EACCES) && (!privileged || kernel_is_namespaced()))
		return err_set(err, -EPERM, "cannot load the probes: not permitted; %s",
			       kernel_remedy());
	if (error == -EPERM || error == -EACCES)
		return err_set(err, -EPERM,
			       "cannot load the probes: not permitted, as by a security module or "
			       "a filter of system calls%s%s; see 'concprof check'",
			       heard[0] ? ": " : "", heard);
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
