// SPDX-License-Identifier: GPL-2.0-only
/* Which lock it is that a thread waits at, where several processes may wait at one. */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "lock.h"

/* include/uapi/linux/bpf.h */
#define BPF_NOEXIST 1

/* include/linux/mm.h */
#define VM_SHARED 0x00000008

struct page_key {
	u64 space, page;
};

/* Where the pages at which threads of several processes may wait lie: to ask takes microseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct page_key);
	__type(value, struct lock_key);
} shared_pages SEC(".maps");

struct page_search {
	u64 page;
	struct lock_key found;
};

static long on_vma(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	struct page_search *s = ctx;
	struct inode *inode;

	if (!(BPF_CORE_READ(vma, vm_flags) & VM_SHARED))
		return 0;
	inode = BPF_CORE_READ(vma, vm_file, f_inode);
	if (!inode)
		return 0;
	s->found.space = (u64)BPF_CORE_READ(inode, i_sb, s_dev) << 40;
	s->found.space ^= BPF_CORE_READ(inode, i_ino);
	s->found.space |= LOCK_SHARED;
	s->found.word =
		s->page - BPF_CORE_READ(vma, vm_start) + BPF_CORE_READ(vma, vm_pgoff) * page_size;
	return 0;
}

int lock_find_shared(struct lock_key *key)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct page_key page = {};
	struct page_search s = {};
	struct lock_key *known;
	u64 within;

	if (!key)
		return 0;
	within = key->word & (page_size - 1);
	page.space = key->space;
	page.page = s.page = key->word - within;
	s.found.space = page.space;
	s.found.word = page.page;
	known = bpf_map_lookup_elem(&shared_pages, &page);
	if (known) {
		s.found = *known;
	} else if (bpf_find_vma(task, s.page, on_vma, &s, 0)) {
		return 0; /* its memory is being changed: it counts as private for now */
	} else {
		bpf_map_update_elem(&shared_pages, &page, &s.found, BPF_NOEXIST);
	}
	key->space = s.found.space;
	key->word = s.found.word + within;
	return 0;
}

int lock_find_kernels(struct lock_key *key, u32 hint)
{
	struct inode *inode;
	struct file *file;

	if (!key)
		return 0;
	if (hint & LOCK_HINT_KERNEL) {
		key->space = LOCK_OF_KERNEL;
		key->word = (key->word ^ lock_secret) * 0x9e3779b97f4a7c15ull;
		return 0;
	}
	if (hint & LOCK_HINT_SYSV) {
		key->space = LOCK_OF_SYSV;
		return 0;
	}
	file = (struct file *)fd_file(key->word);
	inode = BPF_CORE_READ(file, f_inode);
	key->space = LOCK_OF_FILE | BPF_CORE_READ(inode, i_sb, s_dev);
	key->word = BPF_CORE_READ(inode, i_ino);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
