// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer: any bytes as an ELF object, asked for rules, names and data at all kinds of places. Our
 * own reading must hold. libelf and libdw are not ours, and are known to abort and to crash; that is
 * why a process of its own reads objects, and the tests of the server show what then happens. So an
 * end within a library ends only the input here.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "sym/object.h"

#define PLACES 24

static sigjmp_buf library_ended;

/* What is cut short by a library leaves its memory behind. */
int __lsan_is_turned_off(void)
{
	return 1;
}

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* An assertion of a library: there is none in our code. */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
	(void)assertion;
	(void)file;
	(void)line;
	(void)function;
	siglongjmp(library_ended, 1);
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;
	Dl_info ours, theirs;
#ifdef __x86_64__
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#else
	uintptr_t pc = at->uc_mcontext.pc;
#endif

	(void)info;
	if (dladdr((void *)on_crash, &ours) && dladdr((void *)pc, &theirs) &&
	    ours.dli_fbase != theirs.dli_fbase)
		siglongjmp(library_ended, signal);
	abort();
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void catch_crashes(void)
{
	static bool done;
	struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_NODEFER };

	must(done || (!sigaction(SIGSEGV, &action, NULL) && !sigaction(SIGBUS, &action, NULL)));
	done = true;
}

static void check_names(struct object *o, uint64_t address)
{
	static struct place_frame frames[SYM_DEPTH];
	size_t n = object_names(o, address, frames);

	must(n <= SYM_DEPTH);
	for (size_t i = 0; i < n; i++) {
		must(strnlen(frames[i].function, SYM_NAME_SIZE) < SYM_NAME_SIZE);
		must(strnlen(frames[i].file, SYM_FILE_SIZE) < SYM_FILE_SIZE);
		must(frames[i].is_inlined == (i + 1 < n));
	}
}

static void check_rule(struct object *o, uint64_t address)
{
	struct unwind_rule rule;

	if (object_rule(o, address, &rule))
		return;
	must(rule.cfa.kind <= UNWIND_PLT && rule.cfa.reg < UNWIND_REGS);
	for (unsigned i = 0; i < UNWIND_REGS; i++)
		must(rule.regs[i].kind < UNWIND_PLT && rule.regs[i].reg < UNWIND_REGS);
}

static void check_data(struct object *o, uint64_t address)
{
	struct sym_data data;

	if (object_data(o, address, &data))
		return;
	must(strnlen(data.name, SYM_NAME_SIZE) < SYM_NAME_SIZE);
	must(strnlen(data.file, SYM_FILE_SIZE) < SYM_FILE_SIZE);
}

static void check(struct object *o)
{
	uint64_t address;

	for (size_t i = 0; i < o->n_segments; i++) {
		const struct segment *s = &o->segments[i];

		for (unsigned k = 0; k < PLACES; k++) {
			uint64_t into = s->size / PLACES * k;

			check_data(o, s->address + into);
			object_image(o, s->offset + into, k & 1, &address);
			if (object_code_address(o, s->offset + into, &address))
				continue;
			check_rule(o, address);
			check_names(o, address);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/nowhere/at-all";
	struct object o = { .fd = -1, .path = path, .size = size };

	catch_crashes();
	o.bytes = malloc(size ? size : 1);
	must(o.bytes);
	memcpy(o.bytes, data, size);
	if (!sigsetjmp(library_ended, 1)) {
		if (!object_open(&o))
			check(&o);
		object_close(&o);
	}
	free(o.bytes);
	return 0;
}
