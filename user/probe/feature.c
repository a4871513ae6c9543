// SPDX-License-Identifier: BSD-2-Clause
/* What works here, tried one by one: for `concprof check`. */
#include "probe/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct rows {
	struct feature *items;
	size_t n, room;
};

__attribute__((format(printf, 5, 6))) static void add(struct rows *r, const char *name, bool works,
						      bool needed, const char *fmt, ...)
{
	struct feature *f = &r->items[r->n];
	va_list ap;

	if (r->n == r->room)
		return;
	r->n++;
	f->name = name;
	f->works = works;
	f->needed = needed;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

static void add_privileges(struct rows *r)
{
	bool bpf = kernel_has_capability(CAP_BPF_BIT),
	     perfmon = kernel_has_capability(CAP_PERFMON_BIT);

	if (kernel_is_namespaced())
		add(r, "user namespace", false, true, "%s", kernel_remedy());
	add(r, "CAP_BPF", bpf, true, "%s%s", bpf ? "load programs and maps" : kernel_remedy(),
	    bpf ? "" : "; or grant CAP_BPF");
	add(r, "CAP_PERFMON", perfmon, true, "%s%s",
	    perfmon ? "attach to tracepoints" : kernel_remedy(),
	    perfmon ? "" : "; or grant CAP_PERFMON");
}

static void add_kernel(struct rows *r)
{
	struct utsname name;
	bool btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	struct code fault;

	if (uname(&name))
		snprintf(name.release, sizeof(name.release), "unknown");
	add(r, "kernel", true, true, "Linux %s", name.release);
	add(r, "BTF", btf, true, "%s",
	    btf ? "/sys/kernel/btf/vmlinux"
		: "no /sys/kernel/btf/vmlinux: a kernel with CONFIG_DEBUG_INFO_BTF is needed, and "
		  "/sys");
	kernel_find_code("asm_exc_page_fault", &fault);
	add(r, "kernel symbols", fault.start != 0, false, "%s",
	    fault.start
		    ? "page faults inside system calls are told apart; names of kernel functions"
		    : "kallsyms shows no addresses (grant CAP_SYSLOG; or kernel.kptr_restrict "
		      "is 2): disk waits in system calls are 'unknown', kernel functions have no "
		      "names");
}

size_t probe_features(struct feature *items, size_t room)
{
	struct rows r = { items, 0, room };
	struct probe_opts opts = { .all_calls = true, .timeline = true };
	struct err err = { "" };
	struct probe *p = NULL;

	add_kernel(&r);
	add_privileges(&r);
	if (probe_open(&p, &opts, &err)) {
		add(&r, "load and attach", false, true, "%s", err.text);
		return r.n;
	}
	add(&r, "load and attach", true, true, "all that this kernel has");
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		if (!p->links[i])
			(void)attach_row(p, i, &err); /* its row says whether it worked */
		add(&r, probe_rows[i].tracepoint, p->links[i] != NULL, probe_rows[i].needed,
		    "%s%s%s",
		    p->links[i] ? "for " : "without it there is no: ", probe_rows[i].lacks,
		    p->why[i][0] ? p->why[i] : "");
	}
	for (size_t i = 0; i < CODE_SOURCES; i++) {
		const char *why = p->code_why[i];

		add(&r, code_rows[i].name, !*why, false, "%s%s%s%s",
		    *why ? "without it there is no: " : "for ", code_rows[i].lacks,
		    *why ? "; " : "", why);
	}
	probe_free(p);
	return r.n;
}
