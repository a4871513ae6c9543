// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file whose mapped memory a page fault waits for. Nothing that a probe is given leads
 * there: the kernel has the fault in a struct vm_fault on its own stack. Whoever is in
 * __handle_mm_fault() has one there, but between the calls that go on lie words of others that are
 * over. So it is known if all that look like one agree; or else by the calls that go on: if there is
 * only one place on the stack where the return to one of them can be, the fault is the next one from
 * there, for of those between none has room for another.
 */
#include "target.bpf.h"

#define WORDS_AT_ONCE 8
#define STACK_WORDS   1024 /* of a stack that is used deeper than this nothing is told */
#define ENTRY	      128  /* bytes at its outer end, where no fault is handled yet */
#define MOST_FAULTS   4	   /* nor if there is more that looks like one */
#define MOST_CALLS    4	   /* that are looked for */
#define IS_MAPPED     1	   /* in an entry of a page table, of x86-64 and of arm64 */
/* include/linux/sched.h */
#define PF_MEMALLOC 0x00000800 /* it makes room in memory meanwhile, for which it may wait */

struct fault {
	u64 file; /* 0: memory that is no file's; or IO_BY_SWAP */
	u64 at;	  /* word */
};

struct fault_room {
	u64 words[STACK_WORDS];
	u64 n_faults;
	struct fault faults[MOST_FAULTS]; /* from the innermost on */
	/* A return address, and where it was found. */
	u64 call, times, at;
};

/* A switch is not interrupted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fault_room);
} fault_rooms SEC(".maps");

struct code fault_handler = {}; /* __handle_mm_fault() */
char fault_symbol[64] = "";

#define WORD_OF(member) (bpf_core_field_offset(struct vm_fault, member) / 8)

static __always_inline u64 word(const struct fault_room *room, u64 i)
{
	return room->words[i & (STACK_WORDS - 1)];
}

/* Of any process: a call may read the memory of another one. */
static __always_inline bool is_of(struct vm_area_struct *vma, u64 address, u64 page)
{
	u64 start = BPF_CORE_READ(vma, vm_start);

	return start <= address && address < BPF_CORE_READ(vma, vm_end) &&
	       BPF_CORE_READ(vma, vm_pgoff) + (address - start) / page_size == page;
}

/* arch/x86/include/asm/pgtable_64.h, include/linux/swap.h: beside numbers of swap spaces there are some for
 * pages that are being moved, and the like. On arm64 where they stand depends on the version. */
#ifdef __TARGET_ARCH_x86
#define SWAP_NUMBER(entry) ((entry) >> 59)
#define MAX_SWAPFILES	   23
#endif

static __always_inline bool is_swapped(u64 entry)
{
#ifdef SWAP_NUMBER
	return SWAP_NUMBER(entry) < MAX_SWAPFILES;
#else
	return false;
#endif
}

/* The entry of a page that was swapped out, or is being moved, says where to; that of one that
 * was not read yet is empty. */
static __always_inline u64 mapped_file(struct vm_area_struct *vma, u64 entry)
{
	if (entry && !(entry & IS_MAPPED))
		return is_swapped(entry) ? IO_BY_SWAP : 0;
	return (u64)BPF_CORE_READ(vma, vm_file);
}

/* That word and those behind it. */
static __noinline int try_fault(struct fault_room *room, u64 i)
{
	struct vm_area_struct *vma = (void *)word(room, i + WORD_OF(vma));
	struct fault *f;

	if (!is_of(vma, word(room, i + WORD_OF(address)), word(room, i + WORD_OF(pgoff))))
		return 0;
	f = &room->faults[room->n_faults++ & (MOST_FAULTS - 1)];
	f->file = mapped_file(vma, word(room, i + WORD_OF(orig_pte)));
	f->at = i;
	return 0;
}

/* Most words are told by this. */
static __always_inline bool may_be_fault(const struct fault_room *room, u64 i)
{
	u64 address = word(room, i + WORD_OF(address));

	return address && !((address ^ word(room, i + WORD_OF(real_address))) & -(u64)page_size) &&
	       !(address & (page_size - 1)) && (s64)address > 0 &&
	       (s64)word(room, i + WORD_OF(vma)) < 0;
}

static long try_words(u32 i, void *ctx)
{
	struct fault_room *room = *(struct fault_room **)ctx;

	for (u32 k = 0; k < WORDS_AT_ONCE; k++) {
		if (may_be_fault(room, WORDS_AT_ONCE * i + k))
			try_fault(room, WORDS_AT_ONCE * i + k);
	}
	return 0;
}

static long try_call(u32 i, void *ctx)
{
	struct fault_room *room = *(struct fault_room **)ctx;

	if (word(room, i) == room->call) {
		room->times++;
		room->at = i;
	}
	return 0;
}

/* The next one further in than that word. */
static __always_inline u64 file_inside(const struct fault_room *room, u64 at)
{
	u64 file = 0;

	for (u32 k = 0; k < MOST_FAULTS; k++) {
		if (k < room->n_faults && room->faults[k].at < at)
			file = room->faults[k].file;
	}
	return file;
}

/* Of several that differ; number: of the handler's call, behind which come those around it. */
static __always_inline u64 file_by_calls(struct fault_room *room, u32 n, u32 number)
{
	for (u32 i = 0; i < MOST_CALLS; i++) {
		room->call = kernel_call(number + i);
		room->times = 0;
		bpf_loop(n, try_call, &room, 0);
		if (room->times == 1)
			return file_inside(room, room->at);
	}
	return 0;
}

static __always_inline bool all_agree(const struct fault_room *room)
{
	for (u32 k = 1; k < MOST_FAULTS; k++) {
		if (k < room->n_faults && room->faults[k].file != room->faults[0].file)
			return false;
	}
	return true;
}

/* Reads the stack from there on. */
static __always_inline u32 read_stack(struct fault_room *room, struct task_struct *task, u64 from)
{
	u64 size = as_scalar((void *)bpf_task_pt_regs(task)) - from;

	if (size < ENTRY || size > sizeof(room->words) ||
	    bpf_probe_read_kernel(room->words, size, (void *)from))
		return 0;
	return (size - ENTRY) / 8;
}

/* Is it in the handler? For some other purpose the kernel notes it of some faults, which saves a look
 * at its calls. */
static __always_inline bool is_handling(struct task_struct *task, u32 *number)
{
	*number = 0;
	if (bpf_core_field_exists(task->in_user_fault) &&
	    BPF_CORE_READ_BITFIELD_PROBED(task, in_user_fault))
		return true;
	if (bpf_core_field_exists(task->in_lru_fault) &&
	    BPF_CORE_READ_BITFIELD_PROBED(task, in_lru_fault))
		return true;
	*number = is_inside(fault_handler.start, fault_handler.end);
	return *number;
}

static __always_inline u64 fault_file(u64 stack)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 zero = 0, n, number;
	struct fault_room *room = bpf_map_lookup_elem(&fault_rooms, &zero);

	if (!room || task->flags & PF_MEMALLOC || !is_handling(task, &number))
		return 0;
	room->n_faults = 0;
	n = read_stack(room, task, stack);
	bpf_loop(n / WORDS_AT_ONCE, try_words, &room, 0);
	if (!room->n_faults || room->n_faults > MOST_FAULTS)
		return 0;
	if (all_agree(room))
		return room->faults[0].file;
	if (!number)
		number = is_inside(fault_handler.start, fault_handler.end);
	return number ? file_by_calls(room, n, number) : 0;
}

int find_fault(struct tracked *t, u64 stack)
{
	struct opened opened;

	if (!t)
		return 0;
	t->io.file = fault_file(stack);
	if (!t->io.file)
		return 0;
	if (t->io.file == IO_BY_SWAP) {
		wait_without_file(&t->io, IO_BY_SWAP);
		return 0;
	}
	read_file((struct file *)t->io.file, &opened);
	wait_with(&t->io, &opened, TARGET_NO_FD);
	return 0;
}

/* Run once. In /proc/kallsyms it is tens of milliseconds away; the kernel finds a name at once,
 * and says how long the function is. */
SEC("syscall")
int cp_find_handler(void *unused)
{
	static const char name[] = "__handle_mm_fault";
	u64 start = 0;

	if (bpf_kallsyms_lookup_name(name, sizeof(name), 0, &start) || !start)
		return 0;
	BPF_SNPRINTF(fault_symbol, sizeof(fault_symbol), "%pS", start); /* NAME+0x0/0xSIZE */
	fault_handler.start = start;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
