// SPDX-License-Identifier: GPL-2.0-only
/*
 * From where in the program's code a thread waits, and where it computes: samples of its
 * registers and of the top of its stack, which user space unwinds, and of the calls in the
 * kernel that led there. See code.h for which waits are looked at.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"

/* Room for some 500 stacks. */
#define STACKS_SIZE (4 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, STACKS_SIZE);
} stacks SEC(".maps");

/* At most so many waits are looked at on a CPU at once, and then one in some 2.1 ms. */
#define BUDGET	     192
#define BUDGET_SHIFT 21

struct budget {
	u64 at; /* in steps of 1 << BUDGET_SHIFT ns */
	u64 left;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct budget);
} budgets SEC(".maps");

static __always_inline bool can_afford(u64 now)
{
	u32 zero = 0;
	struct budget *b = bpf_map_lookup_elem(&budgets, &zero);
	u64 steps;

	if (!b)
		return false;
	steps = (now >> BUDGET_SHIFT) - b->at;
	if (steps) {
		b->at += steps;
		b->left = b->left + steps < BUDGET ? b->left + steps : BUDGET;
	}
	if (!b->left)
		return false;
	b->left--;
	return true;
}

/* Page by page: what is not mapped, or not in memory, ends it. */
static __always_inline u32 copy_stack(u8 *to, u64 sp)
{
	u32 n = 4096 - (sp & 4095);

	if (bpf_probe_read_user(to, n, (void *)sp))
		return 0;
	for (int i = 1; i < CODE_STACK / 4096; i++) {
		barrier_var(n);
		if (n > CODE_STACK - 4096 || bpf_probe_read_user(to + n, 4096, (void *)(sp + n)))
			break;
		n += 4096;
	}
	return n;
}

static __always_inline struct code_stack *take(struct tracked *t, struct task_struct *task,
					       struct pt_regs *regs)
{
	struct code_stack *s = bpf_ringbuf_reserve(&stacks, sizeof(*s), 0);

	if (!s) {
		__sync_fetch_and_add(&lost[LOSS_STACKS], 1);
		return NULL;
	}
	s->at = bpf_ktime_get_ns();
	s->thread_id = t->id;
	s->process_id = t->process_id;
	s->tid = t->tid;
	s->pid = t->pid;
	s->in_kernel = 0;
	s->n_kernel = 0;
	bpf_probe_read_kernel(s->regs, sizeof(s->regs), regs);
	s->n_bytes = copy_stack(s->bytes, regs->sp);
	return s;
}

/* One of i386 has another stack, which is not read. */
static __always_inline bool has_stack(struct task_struct *task, const struct pt_regs *regs)
{
	return has_user_code(task) && is_native_code(regs);
}

/* Waits whose calls in the kernel say more than the cause: which file system, what kind of
 * socket, which memory. To follow them takes longer than all else here, since the tables for it are
 * not in the caches; threads that wait for each other need not pay for that. */
#define TELLING                                                                                    \
	(BIT(CAUSE_UNKNOWN) | BIT(CAUSE_LOCK_FILE) | BIT(CAUSE_IO_DISK) | BIT(CAUSE_IO_FILE) |     \
	 BIT(CAUSE_IO_SOCKET) | BIT(CAUSE_IO_TTY) | BIT(CAUSE_IO_URING) | BIT(CAUSE_IO_AIO) |      \
	 BIT(CAUSE_FAULT_MAJOR) | BIT(CAUSE_FAULT_MINOR) | BIT(CAUSE_KERNEL_LOCK) |                \
	 BIT(CAUSE_KERNEL_OTHER))

/* What bpf_get_stack() and its kin have written; below 0: there is none. */
static __always_inline u32 addresses(long bytes)
{
	return bytes > 0 ? bytes / sizeof(u64) : 0;
}

static __always_inline void read_name(char *to, u32 size, u32 fd)
{
	struct file *file = (struct file *)fd_file(fd);
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);

	if (bpf_probe_read_kernel_str(to, size, name) < 0)
		to[0] = '\0';
}

int site_wait(struct tracked *t, u64 what, u32 stands_for)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 hash, cause, half, is_due;
	struct site_part *part;
	struct code_stack *s;
	struct numbered *n;

	if (!t || !regs)
		return 0;
	hash = ((u32)USER_IP(regs) ^ (u32)regs->sp ^ (u32)USER_ARG0(regs)) * 0x9e3779b1;
	part = &t->sites[hash >> 29];
	half = site_half(part, hash >> 13);
	is_due = site_due(part, half, ((u32)t->track.last_out * 0x9e3779b1) >> 20, stands_for);
	t->site_dull = part->waits[half] >= SITE_LONG ? what : 0;
	if (!is_due)
		return 0;
	cause = t->track.cause;
	if (cause >= CAUSE_COUNT || !has_stack(task, regs) || !can_afford(t->track.last_out))
		return 0;
	s = take(t, task, regs);
	if (!s)
		return 0;
	s->what = CODE_WAIT;
	s->cause = t->site_cause = cause;
	s->cause_ns = t->site_ns = t->track.ledger.cause[cause].ns;
	s->cause_count = t->track.ledger.cause[cause].count;
	s->lock = t->lock.key;
	s->word = t->lock.word;
	if (t->lock.state != LOCK_WAIT_BEGUN)
		s->lock.space = s->lock.word = s->word = 0;
	else if (t->lock.hint & LOCK_HINT_FILE)
		read_name(s->file, sizeof(s->file), t->lock.word);
	s->weight = part->since[half];
	part->since[half] = 0;
	n = numbered_of(t);
	if (n)
		n->site_held.space = 0;
	if (TELLING & BIT(cause))
		s->n_kernel = addresses(bpf_get_task_stack(task, s->kernel, sizeof(s->kernel), 0));
	t->site_pending = 1;
	bpf_ringbuf_submit(s, wakeup_flag(&stacks, STACKS_SIZE));
	return 0;
}

int site_waited(struct tracked *t, u32 row)
{
	struct code_waited *w;
	struct numbered *n;
	u32 cause;

	if (!t)
		return 0;
	t->site_pending = 0;
	cause = t->site_cause;
	if (cause >= CAUSE_COUNT)
		return 0;
	w = bpf_ringbuf_reserve(&stacks, sizeof(*w), 0);
	if (!w) {
		__sync_fetch_and_add(&lost[LOSS_STACKS], 1);
		return 0;
	}
	w->what = CODE_WAITED;
	w->row = row;
	w->thread_id = t->id;
	w->ns = t->track.ledger.cause[cause].ns - t->site_ns;
	w->target = t->io.ended;
	w->held.space = w->held.word = 0;
	n = numbered_of(t);
	if (n)
		w->held = n->site_held;
	bpf_ringbuf_submit(w, BPF_RB_NO_WAKEUP);
	return 0;
}

/* By the clock of each CPU: what it computes. */
SEC("perf_event")
int cp_sample(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct tracked *t;
	struct pt_regs *regs;
	struct code_stack *s;
	struct numbered *n;

	if (stopped || !task->pid)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!t || t->role)
		return 0;
	use_sampled(t, was_in_kernel(ctx));
	if (!has_stack(task, regs))
		return 0;
	s = take(t, task, regs);
	if (!s)
		return 0;
	s->what = CODE_CPU;
	s->held.space = s->held.word = 0;
	n = numbered_of(t);
	if (n)
		s->held = n->held;
	s->lock.space = s->lock.word = s->word = 0;
	s->weight = 1;
	s->cause = s->cause_ns = 0;
	s->in_kernel = was_in_kernel(ctx);
	if (s->in_kernel)
		s->n_kernel = addresses(bpf_get_stack(ctx, s->kernel, sizeof(s->kernel), 0));
	bpf_ringbuf_submit(s, wakeup_flag(&stacks, STACKS_SIZE));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
