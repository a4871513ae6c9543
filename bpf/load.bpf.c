// SPDX-License-Identifier: GPL-2.0-only
/* Reads the kernel's memory: see load.bpf.h. */
#include "load.bpf.h"

/* Makes a number a pointer that can be loaded through. Named in this file alone: libbpf does not
 * link two that name a function of the kernel. */
extern void *bpf_rdonly_cast(const void *pointer, __u32 btf_id) __ksym __weak;

/* The kernel's numbers of these types; 0: they are not known. Not bpf_core_type_id_kernel(): see
 * probe/kernel_types.h. */
const volatile __u32 hlist_head_type = 0, file_type = 0, timespec64_type = 0;

/* The type begins with 64 bits that are no pointer: for each load of a pointer as such the verifier
 * searches the kernel's BTF, for half a millisecond. */
__noinline u64 load_word(u64 address, u32 size)
{
	const struct timespec64 *words;
	u64 word = 0;

	if (!&bpf_rdonly_cast || !timespec64_type) {
		bpf_probe_read_kernel(&word, size <= 8 ? size : 8, (const void *)address);
		return word;
	}
	words = bpf_rdonly_cast((const void *)address, timespec64_type);
	switch (size) {
	case 8:
		return *(const volatile u64 *)words;
	case 4:
		return *(const volatile u32 *)words;
	case 2:
		return *(const volatile u16 *)words;
	}
	return *(const volatile u8 *)words;
}

/* The kernel's types have no array of pointers to load from; a structure that begins with a pointer
 * does as well. */
__noinline int load_opened(u64 slot, struct opened *ret)
{
	struct hlist_head *pointer;
	struct file *file = NULL;
	struct inode *inode;

	if (!ret)
		return 0;
	if (!&bpf_rdonly_cast || !file_type) {
		file = (struct file *)load_word(slot, 8);
		if (file)
			read_file(file, ret);
		return file != NULL;
	}
	pointer = bpf_rdonly_cast((void *)slot, hlist_head_type);
	if (!pointer->first)
		return 0;
	file = bpf_rdonly_cast(pointer->first, file_type);
	inode = file->f_inode;
	ret->file = file;
	ret->inode = inode;
	ret->f_mode = file->f_mode;
	ret->mode = inode->i_mode;
	ret->ino = inode->i_ino;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
