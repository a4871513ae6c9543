// SPDX-License-Identifier: BSD-2-Clause
/* The kernel's list of its symbols, and which of its functions say something. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "random.h"
#include "sym/kernel.h"

#define EACH(all, i) for (size_t i = 0; i < sizeof(all) / sizeof(*(all)); i++)

static int list_of(const char *text, size_t size)
{
	int fd = memfd_create("symbols", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, size), (ssize_t)size);
	return fd;
}

static size_t find(const char *text, size_t size, const uint64_t *addresses, size_t n,
		   struct kernel_function *ret)
{
	int fd = list_of(text, size);
	size_t shown = kernel_find(fd, addresses, n, ret);

	close(fd);
	return shown;
}

/* What is at one address. */
static struct kernel_function at(const char *text, uint64_t address)
{
	struct kernel_function found;

	find(text, strlen(text), &address, 1, &found);
	return found;
}

#define FEW                                                                                        \
	"ffffffff81000000 T first\n"                                                               \
	"ffffffff81000100 t second\n"                                                              \
	"ffffffff81000200 D data\n"                                                                \
	"ffffffffc0000000 t third\t[module]\n"

Test(find, nearest_below)
{
	static const struct {
		uint64_t address;
		const char *name, *module;
	} all[] = {
		{ 0xffffffff80ffffff, "", "" },
		{ 0xffffffff81000000, "first", "" },
		{ 0xffffffff810000ff, "first", "" },
		{ 0xffffffff81000100, "second", "" },
		{ 0xffffffff810001ff, "second", "" },
		{ 0xffffffff81000200, "", "" }, /* no code */
		{ 0xffffffffbfffffff, "", "" },
		{ 0xffffffffc0000000, "third", "module" },
		{ 0xffffffffc001ffff, "third", "module" },
		{ 0xffffffffc0020000, "", "" }, /* no function is as long as that */
		{ UINT64_MAX, "", "" },
	};
	uint64_t addresses[sizeof(all) / sizeof(*all)];
	struct kernel_function found[sizeof(all) / sizeof(*all)];

	EACH(all, i)
	addresses[i] = all[i].address;
	cr_expect_eq(find(FEW, strlen(FEW), addresses, sizeof(all) / sizeof(*all), found), 4);
	EACH(all, i)
	{
		struct kernel_function alone = at(FEW, all[i].address);

		cr_expect_str_eq(found[i].name, all[i].name, "%zu", i);
		cr_expect_str_eq(found[i].module, all[i].module);
		cr_expect_eq(!found[i].start, !*all[i].name);
		cr_expect_str_eq(alone.name, all[i].name, "%zu", i);
	}
}

/* Modules and programs follow the kernel, wherever they lie. */
Test(find, in_no_order)
{
	static const char text[] = "ffffffffc0000000 t third\t[m]\nffffffff81000100 t second\n"
				   "ffffffff81000000 T first\n";

	cr_expect_str_eq(at(text, 0xffffffff81000050).name, "first");
	cr_expect_str_eq(at(text, 0xffffffff81000150).name, "second");
	cr_expect_str_eq(at(text, 0xffffffffc0000001).name, "third");
}

Test(find, of_several_names_the_global_one_else_the_first)
{
	static const char text[] = "ffffffff81000000 t a\nffffffff81000000 T b\n"
				   "ffffffff81000000 T c\nffffffff81000000 W d\n"
				   "ffffffff81000100 W e\nffffffff81000100 t f\n";

	cr_expect_str_eq(at(text, 0xffffffff81000001).name, "b");
	cr_expect_str_eq(at(text, 0xffffffff81000101).name, "e");
}

Test(find, hidden)
{
	struct kernel_function f;
	uint64_t address = 0xffffffff81000000;
	static const char text[] = "0000000000000000 T first\n0000000000000000 t second\n";

	cr_expect_eq(find(text, strlen(text), &address, 1, &f), 0);
	cr_expect_eq(f.start, 0);
	cr_expect_eq(find("", 0, &address, 1, &f), 0);
	cr_expect_eq(kernel_find(-1, &address, 1, &f), 0);
	cr_expect_eq(f.start, 0);
	cr_expect_lt(kernel_open("/nonexistent"), 0);
}

/* Twice, and from its beginning. */
Test(find, again)
{
	struct kernel_function f;
	uint64_t address = 0xffffffff81000000;
	int fd = list_of(FEW, strlen(FEW));

	for (int i = 0; i < 2; i++) {
		cr_expect_eq(kernel_find(fd, &address, 1, &f), 4);
		cr_expect_str_eq(f.name, "first");
	}
	close(fd);
}

Test(find, lines_that_are_none)
{
	static const char text[] = "\n \nT\nffffffff81000000\nffffffff81000000 \n"
				   "ffffffff81000000 T\nffffffff81000000 T \nzz T bad\n"
				   "ffffffff81000000  T bad\nffffffff81000000 Tbad\n"
				   "1ffffffff81000000 T bad\nff T bad\n"
				   "ffffffff81000010 T \0bad\n"
				   "ffffffff81000020 T good with more\n"
				   "ffffffff81000030 T odd\tmodule\n"
				   "ffffffff81000040 T open\t[module\n"
				   "ffffffff81000050 T cut";
	uint64_t addresses[] = { 0xffffffff8100000f, 0xffffffff8100001f, 0xffffffff81000020,
				 0xffffffff81000030, 0xffffffff81000040, 0xffffffff81000050 };
	static const char *const names[] = { "", "", "good", "odd", "open", "cut" };
	struct kernel_function found[6];

	cr_expect_eq(find(text, sizeof(text) - 1, addresses, 6, found), 4);
	EACH(names, i)
	cr_expect_str_eq(found[i].name, names[i], "%zu", i);
	cr_expect_str_eq(found[3].module, "");
	cr_expect_str_eq(found[4].module, "module");
}

/* What is too long for a name is cut, and what is too long for a line is none. */
static struct kernel_function huge(size_t length, uint64_t address)
{
	static char text[200000];
	size_t n = 0;

	n += sprintf(text, "ffffffff81000000 T ");
	memset(text + n, 'x', length);
	n += length;
	n += sprintf(text + n, "\t[");
	memset(text + n, 'y', 5000);
	n += 5000;
	n += sprintf(text + n, "]\nffffffff81000100 T next\t[");
	memset(text + n, 'z', 300);
	n += 300;
	n += sprintf(text + n, "]\n");
	/* the later pieces of a line are no lines, whatever they look like */
	if (length > 65536)
		memcpy(text + 65536, "ffffffff81000080 T bad ", 23);
	return at(text, address);
}

Test(find, huge_names)
{
	static const size_t lengths[] = { 199, 200, 1000, 65535 - 5100, 65536, 100000 };

	EACH(lengths, i)
	{
		struct kernel_function f = huge(lengths[i], 0xffffffff81000000);
		size_t most = sizeof(f.name) - 1;

		if (lengths[i] < 65536)
			cr_expect_eq(strspn(f.name, "x"), most, "%zu", lengths[i]);
		cr_expect(!*f.name == (lengths[i] >= 65536), "%zu: %s", lengths[i], f.name);
		cr_expect_str_neq(huge(lengths[i], 0xffffffff81000090).name, "bad");
		f = huge(lengths[i], 0xffffffff81000100);
		cr_expect_str_eq(f.name, "next");
		cr_expect_eq(strlen(f.module), sizeof(f.module) - 1);
	}
}

/* As if each symbol was looked at for each address. */
Test(find, like_a_search_of_all)
{
	struct rng rng = rng_seed(1);

	for (int round = 0; round < 300; round++) {
		enum { SYMBOLS = 50, ADDRESSES = 40 };
		const uint64_t base = 0xffffffff81000000;
		struct kernel_function found[ADDRESSES];
		uint64_t starts[SYMBOLS], addresses[ADDRESSES], last = base;
		char text[SYMBOLS * 64];
		size_t n = 0;

		for (int i = 0; i < SYMBOLS; i++) {
			starts[i] = base + rng_below(&rng, 300);
			n += sprintf(text + n, "%lx T f%lu\n", starts[i], starts[i] - base);
		}
		for (int i = 0; i < ADDRESSES; i++)
			addresses[i] = last += 1 + rng_below(&rng, 10);
		find(text, n, addresses, ADDRESSES, found);
		for (int i = 0; i < ADDRESSES; i++) {
			uint64_t best = 0;

			for (int k = 0; k < SYMBOLS; k++)
				best = starts[k] <= addresses[i] && starts[k] > best ? starts[k]
										     : best;
			cr_assert_eq(found[i].start, best);
		}
	}
}

Test(find, any_bytes)
{
	struct rng rng = rng_seed(2);

	for (int round = 0; round < 2000; round++) {
		static const char some[] = "ffffffff8100 T t\t[]\n\n\n0a";
		uint64_t addresses[] = { 0, 1, 0xffffffff81000000, UINT64_MAX };
		struct kernel_function found[4];
		char text[400];

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = rng_one_in(&rng, 20) ? (char)rng_next(&rng)
						       : some[rng_below(&rng, sizeof(some))];
		find(text, sizeof(text), addresses, 4, found);
		for (int i = 0; i < 4; i++) {
			cr_assert_lt(strlen(found[i].name), sizeof(found[i].name));
			cr_assert_lt(strlen(found[i].module), sizeof(found[i].module));
			cr_assert_leq(found[i].start, addresses[i]);
		}
	}
}

Test(says, what_each_call_comes_by_says_nothing)
{
	static const struct {
		const char *function;
		enum kernel_says says;
	} all[] = {
		{ "entry_SYSCALL_64_after_hwframe", KERNEL_ENTRY },
		{ "do_syscall_64", KERNEL_ENTRY },
		{ "x64_sys_call", KERNEL_ENTRY },
		{ "__x64_sys_read", KERNEL_SOMETHING },
		{ "asm_exc_page_fault", KERNEL_ENTRY },
		{ "exc_page_fault", KERNEL_SOMETHING },
		{ "el0t_64_sync", KERNEL_ENTRY },
		{ "el0t_64_sync_handler", KERNEL_ENTRY },
		{ "el0_svc", KERNEL_ENTRY },
		{ "el0_svc_common.constprop.0", KERNEL_ENTRY },
		{ "invoke_syscall.constprop.0", KERNEL_ENTRY },
		{ "__arm64_sys_read", KERNEL_SOMETHING },
		{ "do_page_fault", KERNEL_SOMETHING },
		{ "ret_from_fork_asm", KERNEL_ENTRY },
		{ "__schedule", KERNEL_WAITING },
		{ "schedule", KERNEL_WAITING },
		{ "schedule.part.0", KERNEL_WAITING },
		{ "schedule_timeout", KERNEL_WAITING },
		{ "scheduled", KERNEL_SOMETHING },
		{ "scheduler_tick", KERNEL_SOMETHING },
		{ "io_schedule", KERNEL_WAITING },
		{ "futex_wait_queue", KERNEL_WAITING },
		{ "bpf_prog_6deef7357e7b4530_cp_sched_switch", KERNEL_WAITING },
		{ "__bpf_trace_sched_switch", KERNEL_WAITING },
		{ "__traceiter_sched_switch", KERNEL_WAITING },
		{ "pipe_read", KERNEL_SOMETHING },
		{ "jbd2_log_wait_commit", KERNEL_SOMETHING },
		{ "rwsem_down_write_slowpath", KERNEL_SOMETHING },
		{ "", KERNEL_SOMETHING },
	};

	EACH(all, i)
	cr_expect_eq(kernel_says(all[i].function), all[i].says, "%s", all[i].function);
}
