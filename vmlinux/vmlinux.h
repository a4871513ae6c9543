/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The kernel's types, as far as the probes read them: written by hand, only the
 * fields that are used. The order and the offsets here mean nothing: each access
 * is relocated when the programs are loaded (CO-RE). Kernels from 5.18 on.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef unsigned short umode_t;
typedef u32 dev_t;
typedef int pid_t;

#define true  1
#define false 0
#ifndef NULL
#define NULL ((void *)0)
#endif

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
};

enum {
	BPF_F_NO_PREALLOC = 1,
};

enum {
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

struct bpf_spin_lock {
	__u32 val;
};

struct bpf_iter_meta;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct cpumask {
	unsigned long bits[1];
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
	unsigned long long last_queued;
};

struct rq {
	u64 nr_switches;
	u64 clock;
	u64 clock_task;
};

struct cfs_rq {
	struct rq *rq;
	int throttle_count; /* CONFIG_CFS_BANDWIDTH */
};

struct sched_entity {
	u64 exec_start;
	u64 sum_exec_runtime;
	u64 nr_migrations;
	struct cfs_rq *cfs_rq; /* CONFIG_FAIR_GROUP_SCHED */
};

struct super_block {
	dev_t s_dev;
	unsigned long s_magic;
	struct block_device *s_bdev;
};

struct inode {
	umode_t i_mode;
	dev_t i_rdev;
	unsigned long i_ino;
	struct super_block *i_sb;
	struct pipe_inode_info *i_pipe;
	struct file_lock_context *i_flctx;
	u32 i_generation;
};

struct pipe_inode_info {
	unsigned int head;
	unsigned int tail;
	unsigned int max_usage;
	unsigned int readers;
	unsigned int writers;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

typedef struct {
	unsigned long pte;
} pte_t;

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
	unsigned long address;
	unsigned long real_address;
	pte_t orig_pte;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

/* fs/mount.h */
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns; /* NULL or an error: in none */
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct filename {
	const char *name;
};

/* fs/namei.c: what a path walk has come to. */
struct nameidata {
	struct path path;
	struct filename *name;
};

struct file_operations {
	void *lock;
	void *flock;
};

/* 6.13 and later */
typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct file {
	const struct file_operations *f_op;
	atomic64_t f_count; /* before 6.13 */
	file_ref_t f_ref;
	struct inode *f_inode;
	unsigned int f_mode;
	unsigned int f_flags;
	void *private_data;
	struct path f_path;
};

/* fs/file_table.c: one that a file system has opened below for its own. */
struct backing_file {
	struct file file;
	struct path user_path; /* since 6.7 */
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct list_head {
	struct list_head *next;
};

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	void *private;
	struct list_head entry;
};

struct file_lock_context {
	struct list_head flc_flock;
	struct list_head flc_posix;
};

/* 6.9 and later */
struct file_lock_core {
	void *flc_blocker;
	struct list_head flc_list;
	struct list_head flc_blocked_requests;
	struct list_head flc_blocked_member;
	void *flc_owner;
	unsigned char flc_type;
	struct wait_queue_head flc_wait;
	struct file *flc_file;
};

struct file_lock {
	struct file_lock_core c;
	long long fl_start;
	long long fl_end;
};

/* ... before */
struct file_lock___old {
	void *fl_blocker;
	struct list_head fl_list;
	struct list_head fl_blocked_requests;
	struct list_head fl_blocked_member;
	void *fl_owner;
	unsigned char fl_type;
	struct wait_queue_head fl_wait;
	struct file *fl_file;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

/* fs/eventfd.c, fs/timerfd.c: a file has it as private_data. */
struct eventfd_ctx {
	u64 count;
	int id;
};

struct timerfd_ctx {
	u64 ticks;
};

/* fs/eventpoll.c */
struct eventpoll {
	struct list_head rdllist;
	struct rb_root_cached rbr;
};

struct epoll_filefd {
	struct file *file;
	int fd;
};

struct epoll_event {
	unsigned int events;
};

struct epitem {
	struct rb_node rbn;
	struct list_head rdllink;
	struct epoll_filefd ffd;
	struct epoll_event event;
};

struct socket {
	unsigned long flags;
	struct sock *sk;
};

struct in6_addr {
	union {
		u8 u6_addr8[16];
		u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport; /* in network order */
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sk_buff_head {
	u32 qlen;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct sk_buff_head sk_error_queue;
	u8 sk_userlocks : 4;
	u8 sk_shutdown;
	int sk_err;
	int sk_rcvlowat;
	u16 sk_protocol;
	struct pid *sk_peer_pid;
	struct socket *sk_socket;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct inet_bind_bucket {
	signed char fastreuse;
};

struct request_sock_queue {
	struct request_sock *rskq_accept_head;
};

struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
	struct request_sock_queue icsk_accept_queue;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

/* io_uring/io_uring.c, include/linux/io_uring_types.h: a file of a ring has it as private_data. */
struct io_uring {
	u32 head;
	u32 tail;
};

struct io_rings {
	struct io_uring cq;
};

struct io_ev_fd {
	struct eventfd_ctx *cq_ev_fd;
};

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

struct io_ring_ctx {
	struct io_rings *rings;
	unsigned int cached_cq_tail;
	struct io_ev_fd *io_ev_fd;
	struct llist_head work_llist; /* since 6.1 */
};

struct io_wq_work {
	int cancel_seq;
};

struct io_cqe {
	u64 user_data;
};

/* A request. */
struct io_kiocb {
	struct file *file;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_uring_task *tctx; /* since 6.13 */
	struct io_wq_work work;
};

struct io_kiocb___6_12 {
	struct task_struct *task;
};

/* io_uring/io-wq.c: task_struct.worker_private of a worker. */
struct io_worker {
	struct io_wq_work *cur_work;
};

struct callback_head {
	struct callback_head *next;
};

struct io_uring_task {
	struct file *registered_rings[16];
	struct callback_head task_work;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct ipc_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct ipc_namespace *ipc_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	struct list_head list;
	sigset_t signal;
};

union __sifields {
	struct {
		long _band;
		int _fd;
	} _sigpoll;
};

struct kernel_siginfo {
	int si_code;
	union __sifields _sifields;
};

typedef struct kernel_siginfo kernel_siginfo_t;

struct sigqueue {
	struct list_head list;
	kernel_siginfo_t info;
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID };

struct hrtimer_cpu_base;

struct hrtimer_clock_base {
	struct hrtimer_cpu_base *cpu_base;
	unsigned int index;
	int clockid;
};

struct hrtimer_cpu_base {
	struct hrtimer_clock_base clock_base[1];
};

struct hrtimer {
	s64 _softexpires;
	void *function;
	struct hrtimer_clock_base *base;
	u8 state;
};

struct hrtimer_sleeper {
	struct hrtimer timer;
	struct task_struct *task;
};

#if defined(__TARGET_ARCH_arm64)
struct cpu_context {
	unsigned long sp;
};

struct thread_struct {
	struct cpu_context cpu_context;
};
#else
struct thread_struct {
	unsigned long sp;
};
#endif

struct signal_struct {
	struct hlist_head posix_timers;
	struct hrtimer real_timer;
	struct sigpending shared_pending;
	atomic_t live;
	int nr_threads;
	struct list_head thread_head;
	struct pid *pids[4];
	struct mm_struct *oom_mm;
	int group_exit_code;
	unsigned int flags;
	unsigned long maxrss;
};

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t euid;
};

struct sigaction {
	void *sa_handler;
	unsigned long sa_flags;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct kioctx_table *ioctx_table; /* CONFIG_AIO */
};

struct linux_binprm {
	const char *filename;
};

struct thread_info {
	u32 status; /* x86: TS_COMPAT */
	unsigned long flags;
};

struct task_io_accounting {
	u64 rchar;
	u64 wchar;
	u64 syscr;
	u64 syscw;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	void *stack;
	unsigned int flags;
	unsigned int policy;
	unsigned int rt_priority;
	int static_prio;
	int exit_code;
	unsigned long jobctl;
	unsigned in_iowait : 1;
	unsigned in_user_fault : 1; /* CONFIG_MEMCG_V1 */
	unsigned in_lru_fault : 1;  /* CONFIG_LRU_GEN */
	int on_cpu;
	unsigned int ptrace;
	bool throttled; /* 6.18: the throttled task itself leaves the queue */
	int pid;
	int tgid;
	int nr_cpus_allowed;
	struct cpumask cpus_mask;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long maj_flt;
	u64 utime;
	u64 stime;
	u64 start_time;
	char comm[16];
	struct sched_entity se;
	struct sched_info sched_info;
	struct mm_struct *mm;
	struct nameidata *nameidata;
	struct fs_struct *fs;
	struct files_struct *files;
	struct io_uring_task *io_uring;
	struct callback_head *task_works;
	void *worker_private;
	struct signal_struct *signal;
	sigset_t blocked;
	struct sigpending pending;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct task_struct *parent;
	struct thread_struct thread;
	struct list_head children;
	struct list_head sibling;
	struct list_head thread_node;
	struct css_set *cgroups;
	int exit_state;
	int pdeath_signal;
	const struct cred *cred;
	struct sighand_struct *sighand;
	struct task_io_accounting ioac;
};

/* kernel/cgroup: a task's place in the unified hierarchy */
struct kernfs_node {
	u64 id;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10;
	unsigned long r8;
	unsigned long r9;
	unsigned long bx;
	unsigned long bp;
	unsigned long dx;
	unsigned long si;
	unsigned long cx;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;
	s32 syscallno;
};
#endif

#pragma clang attribute pop

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));
