// SPDX-License-Identifier: GPL-2.0-only
/* Which lock it is that a thread waits at, where several processes may wait at one. */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "lock.h"

/* include/linux/mm.h */
#define VM_SHARED 0x00000008

struct page_key {
	u64 space, page;
};

/* Another memory may have come to lie there since. */
#define KNOWN_FOR 100000000 /* ns */

struct known_page {
	struct lock_key found;
	u64 at;
};

/* Where the pages at which threads of several processes may wait lie: to ask takes microseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct page_key);
	__type(value, struct known_page);
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
	struct known_page now, *known;
	u64 within;

	if (!key)
		return 0;
	within = key->word & (page_size - 1);
	page.space = key->space;
	page.page = s.page = key->word - within;
	s.found.space = page.space;
	s.found.word = page.page;
	now.at = bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&shared_pages, &page);
	if (known && now.at - known->at < KNOWN_FOR) {
		s.found = known->found;
	} else if (bpf_find_vma(task, s.page, on_vma, &s, 0)) {
		if (!known)
			return 0; /* its memory is being changed: it counts as private for now */
		s.found = known->found;
	} else {
		now.found = s.found;
		bpf_map_update_elem(&shared_pages, &page, &now, BPF_ANY);
	}
	key->space = s.found.space;
	key->word = s.found.word + within;
	return 0;
}

int lock_find_kernels(struct lock_key *key, u32 hint)
{
	struct task_struct *task = bpf_get_current_task_btf();
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
		key->space = LOCK_OF_SYSV | BPF_CORE_READ(task, nsproxy, ipc_ns, ns.inum);
		return 0;
	}
	file = (struct file *)fd_file(key->word);
	inode = BPF_CORE_READ(file, f_inode);
	key->space = LOCK_OF_FILE | BPF_CORE_READ(inode, i_sb, s_dev);
	key->word = BPF_CORE_READ(inode, i_ino);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
