// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rules of real objects: a program stops within a known chain of calls, its registers and the top
 * of its stack are copied, and unwinding them must give that chain. Run from the top of the source.
 */
#include "sym/sym.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "base/vec.h"
#include "tests/unit/objects.h"

#define STACK_COPY (64u << 10)
#define FRAMES	   64

struct mapping {
	uint64_t start, end, offset;
	uint32_t object;
	bool executable;
};

struct stopped {
	pid_t pid;
	struct sym *sym;
	VEC(struct mapping) mappings;
	struct unwind_regs regs;
	uint8_t *stack;
	size_t size;
	struct unwind_frame frames[FRAMES];
	size_t n;
	enum unwind_end end;
	char names[8192]; /* of all frames, each with a space behind it; ? if unknown */
};

static const struct mapping *mapping_of(const struct stopped *s, uint64_t pc)
{
	for (size_t i = 0; i < s->mappings.n; i++) {
		const struct mapping *m = &s->mappings.items[i];

		if (m->executable && pc >= m->start && pc < m->end)
			return m;
	}
	return NULL;
}

static int rule_of(void *ctx, uint64_t pc, struct unwind_rule *ret)
{
	struct stopped *s = ctx;
	const struct mapping *m = mapping_of(s, pc);

	return m ? sym_rule(s->sym, m->object, pc - m->start + m->offset, ret) : -ENOENT;
}

static bool is_code(void *ctx, uint64_t pc)
{
	return mapping_of(ctx, pc);
}

static void read_mappings(struct stopped *s)
{
	char path[64], line[1024], name[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", s->pid);
	maps = fopen(path, "re");
	cr_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		struct mapping m = { .executable = strstr(line, "r-xp") };
		unsigned long start, end, offset;

		name[0] = '\0';
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511s", &start, &end, &offset, name) <
			    3 ||
		    (name[0] != '/' && strcmp(name, "[vdso]")) || !m.executable)
			continue;
		m.start = start;
		m.end = end;
		m.offset = offset;
		if (name[0] == '/')
			m.object = add_file(s->sym, name);
		else
			cr_assert_eq(sym_add(s->sym, -1, name, &m.object), 0);
		*vec_add(&s->mappings) = m;
	}
	fclose(maps);
}

static void read_registers(struct stopped *s)
{
	struct user_regs_struct r;
	struct iovec to = { &r, sizeof(r) };

	cr_assert_eq(ptrace(PTRACE_GETREGSET, s->pid, (void *)NT_PRSTATUS, &to), 0);
#ifdef __x86_64__
	s->regs = (struct unwind_regs){
		{ r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
		  r.r12, r.r13, r.r14, r.r15, r.rip },
		~0ull,
	};
#else
	memcpy(s->regs.r, r.regs, sizeof(r.regs));
	s->regs.r[UNWIND_SP] = r.sp;
	s->regs.r[UNWIND_PC] = r.pc;
	s->regs.known = ~0ull;
#endif
}

static void read_stack(struct stopped *s, size_t most)
{
	struct iovec here, there = { (void *)(uintptr_t)s->regs.r[UNWIND_SP], most };
	ssize_t n;

	s->stack = malloc(most);
	here = (struct iovec){ s->stack, most };
	/* up to the end of the stack, which is somewhere in there */
	while ((n = process_vm_readv(s->pid, &here, 1, &there, 1, 0)) < 0 && there.iov_len > 512)
		there.iov_len -= 256;
	cr_assert_gt(n, 0);
	s->size = (size_t)n;
}

static int add_name(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	struct stopped *s = ctx;

	(void)index;
	for (size_t i = 0; i < n || i < 1; i++) {
		size_t at = strlen(s->names);

		snprintf(s->names + at, sizeof(s->names) - at, "%s ",
			 n && frames[i].function ? frames[i].function : "?");
	}
	return 0;
}

static void run_to_stop(struct stopped *s, const char *program, const char *how)
{
	int status;

	s->pid = fork();
	cr_assert_geq(s->pid, 0);
	if (!s->pid) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		execl(program, program, how, NULL);
		_exit(1);
	}
	do {
		cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
		cr_assert(WIFSTOPPED(status), "%s ended: %x", program, status);
		if (WSTOPSIG(status) == SIGSTOP)
			return;
		cr_assert_eq(ptrace(PTRACE_CONT, s->pid, 0,
				    WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status)),
			     0);
	} while (true);
}

static struct stopped *stopped(const char *program, const char *how, size_t most)
{
	struct stopped *s = calloc(1, sizeof(*s));
	struct unwind_stack stack;

	cr_assert(s);
	s->sym = server();
	run_to_stop(s, program, how);
	read_mappings(s);
	read_registers(s);
	read_stack(s, most);
	stack = (struct unwind_stack){ s->regs.r[UNWIND_SP], s->stack, s->size };
	s->n = unwind(&s->regs, &stack, rule_of, is_code, s, s->frames, FRAMES, &s->end);
	for (size_t i = 0; i < s->n; i++) {
		uint64_t pc = s->frames[i].pc - s->frames[i].is_return, offset;
		const struct mapping *m = mapping_of(s, pc);

		cr_assert(m);
		offset = pc - m->start + m->offset;
		cr_assert_eq(sym_names(s->sym, m->object, &offset, 1, add_name, s), 0);
	}
	return s;
}

static void done(struct stopped *s)
{
	kill(s->pid, SIGKILL);
	cr_assert_eq(waitpid(s->pid, NULL, 0), s->pid);
	sym_stop(s->sym);
	free(s->mappings.items);
	free(s->stack);
	free(s);
}

static const struct {
	const char *how, *chain;
} chains[] = {
	{ "plain", " leaf aligned sized busy main " },
	{ "sort", " leaf aligned sized busy compare " },
	{ "sort", " sorting main " },
	{ "signal", " leaf aligned sized busy handler " },
	{ "signal", " interrupted signalled main " },
	{ "stack", " leaf aligned sized busy handler " },
	{ "end", " leaf aligned sized busy last ending main " },
};

static void check_chains(const char *program)
{
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++) {
		struct stopped *s = stopped(program, chains[i].how, STACK_COPY);
		/* another stack is not in the copy */
		enum unwind_end end = strcmp(chains[i].how, "stack") ? UNWIND_COMPLETE : UNWIND_CUT;

		cr_expect(strstr(s->names, chains[i].chain), "%s: not %s in %s", chains[i].how,
			  chains[i].chain, s->names);
		cr_expect_eq(s->end, end, "%s: end %d, %s", chains[i].how, s->end, s->names);
		for (size_t f = 0; f < s->n; f++)
			cr_expect_not(s->frames[f].by_frame_pointer);
		done(s);
	}
}

static void check(const char *command)
{
	cr_assert(shell("%s -o %s tests/sym/chain.c", command, object_path("chain")));
	check_chains(object_path("chain"));
}

TestSuite(sym_rules, .init = objects_begin, .fini = objects_end);

Test(sym_rules, without_frame_pointers)
{
	check("gcc -O2 -g -fomit-frame-pointer");
}

Test(sym_rules, with_frame_pointers)
{
	check("gcc -O2 -g -fno-omit-frame-pointer");
}

Test(sym_rules, unoptimised)
{
	check("gcc -O0 -g");
}

Test(sym_rules, at_a_fixed_address)
{
	check("gcc -O2 -g -fomit-frame-pointer -no-pie");
}

Test(sym_rules, static_binary)
{
	check("gcc -O2 -g -fomit-frame-pointer -static");
}

Test(sym_rules, by_another_compiler)
{
	if (have("clang", "rules_by_clang"))
		check("clang -O2 -g -fomit-frame-pointer");
}

/* Symbols stay, debug information goes. */
Test(sym_rules, without_debug_information)
{
	check("gcc -O2 -fomit-frame-pointer");
}

Test(sym_rules, by_debug_frame_alone)
{
	struct stopped *s;

	cr_assert(shell("gcc -O2 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables "
			"-fno-unwind-tables -o %s tests/sym/chain.c",
			object_path("chain")));
	s = stopped(object_path("chain"), "plain", STACK_COPY);
	cr_assert(strstr(s->names, chains[0].chain), "%s", s->names);
	done(s);
}

Test(sym_rules, without_tables_by_frame_pointer)
{
	const char *chain = object_path("chain");
	struct stopped *s;

	cr_assert(shell("gcc -O2 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables "
			"-fno-unwind-tables -o %s tests/sym/chain.c",
			chain));
	s = stopped(chain, "plain", STACK_COPY);
	cr_assert(strstr(s->names, " leaf aligned sized busy main "), "%s", s->names);
	cr_assert(s->frames[s->n - 1].by_frame_pointer || s->frames[s->n - 2].by_frame_pointer ||
		  s->frames[s->n - 3].by_frame_pointer || s->frames[s->n - 4].by_frame_pointer);
	done(s);
}

static void check_one(const char *program, const char *chain, bool by_frame_pointer)
{
	struct stopped *s = stopped(program, "plain", STACK_COPY);
	bool any = false;

	cr_expect(strstr(s->names, chain), "not %s in %s", chain, s->names);
	for (size_t i = 0; i < s->n; i++)
		any |= s->frames[i].by_frame_pointer;
	cr_expect_eq(any, by_frame_pointer);
	done(s);
}

Test(sym_rules, rust)
{
	const char *program = object_path("chain");

	if (!have("rustc", "rules_rust"))
		return;
	cr_assert(
		shell("rustc -O -g -C force-frame-pointers=no -o %s tests/sym/chain.rs", program));
	check_one(program, " chain::leaf chain::sized chain::busy", false);
}

/* Go keeps its tables in .debug_frame; without them its frame pointers remain. */
Test(sym_rules, go)
{
	const char *program = object_path("chain");

	if (!have("go", "rules_go"))
		return;
	cr_assert(shell("GOCACHE=%s/cache go build -o %s tests/sym/chain.go", objects_folder,
			program));
	check_one(program, " main.leaf main.sized main.busy main.main runtime.main ", false);
	cr_assert(shell("cd %s && strip --strip-debug chain", objects_folder));
	check_one(program, " main.leaf main.sized main.busy main.main runtime.main ", true);
}

Test(sym_rules, short_copy_is_said_to_be_cut)
{
	struct stopped *s;

	cr_assert(shell("gcc -O2 -g -o %s tests/sym/chain.c", object_path("chain")));
	s = stopped(object_path("chain"), "plain", 512);
	cr_assert_eq(s->end, UNWIND_CUT);
	cr_assert(strstr(s->names, " leaf aligned "), "%s", s->names);
	done(s);
}

Test(sym_rules, vdso_has_rules)
{
	struct sym *s = server();
	struct unwind_rule rule;
	uint64_t address;
	uint32_t object;

	cr_assert_eq(sym_add(s, -1, "[vdso]", &object), 0);
	cr_assert_eq(sym_image(s, object, 0, true, &address), 0);
	cr_assert_eq(address, 0);
	for (uint64_t at = 0x400; at < 0x2000; at += 16) {
		if (!sym_rule(s, object, at, &rule) && rule.cfa.kind == UNWIND_REG &&
		    rule.regs[UNWIND_PC].kind == UNWIND_AT_CFA) {
			sym_stop(s);
			return;
		}
	}
	cr_assert(false, "no rule in the vdso");
}
