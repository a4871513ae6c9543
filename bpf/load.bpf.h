/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Reads the kernel's memory, where there may be anything. A copy by bpf_probe_read_kernel() takes
 * some 40 ns; a load through a pointer that the verifier does not trust takes 2, and gives 0 as
 * well where there is nothing (since 6.2, bpf_rdonly_cast()).
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* 1, 2, 4 or 8 bytes from there. */
u64 load_word(u64 address, u32 size);

/* A pointer as a number, which a global function takes: whatever has been through this is one to the
 * verifier (check_alu_op()), to the CPU it is nothing to do. */
static __always_inline u64 as_scalar(const void *pointer)
{
	u64 address = (u64)pointer;

	asm volatile("%0 = le64 %0" : "+r"(address));
	return address;
}

static __always_inline void load(void *to, u32 size, const void *from)
{
	u64 address = as_scalar(from);

	if (size == 8)
		*(u64 *)to = load_word(address, 8);
	else if (size == 4)
		*(u32 *)to = load_word(address, 4);
	else if (size == 2)
		*(u16 *)to = load_word(address, 2);
	else if (size == 1)
		*(u8 *)to = load_word(address, 1);
	else
		bpf_probe_read_kernel(to, size, from);
}

#define load_field(to, size, from)                                                                 \
	load(to, size, (const void *)__builtin_preserve_access_index(from))

/* As libbpf has it, but for how it reads. */
#undef BPF_CORE_READ
#define BPF_CORE_READ(src, a, ...)                                                                 \
	({                                                                                         \
		___type((src), a, ##__VA_ARGS__) __r;                                              \
		___core_read(load_field, load_field, &__r, (src), a, ##__VA_ARGS__) __r;           \
	})

struct opened {
	struct file *file;
	struct inode *inode;
	u32 f_mode;
	u16 mode;
	u64 ino;
};

static __always_inline void read_file(struct file *file, struct opened *ret)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	ret->file = file;
	ret->inode = inode;
	ret->f_mode = BPF_CORE_READ(file, f_mode);
	ret->mode = BPF_CORE_READ(inode, i_mode);
	ret->ino = BPF_CORE_READ(inode, i_ino);
}

/* The open file whose address lies there; 0: none. */
int load_opened(u64 slot, struct opened *ret);
