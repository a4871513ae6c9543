// SPDX-License-Identifier: GPL-2.0-only
/* How many descriptors an epoll instance watches: a walk through the tree in which the kernel has them. */
#include "thread.bpf.h"

#define WALK_STEPS (2 * LOOP_WATCHED)

struct watch_walk {
	u64 node;
	u32 up; /* from below: its children have been counted */
	u32 watched, edge;
	u32 pad;
};

/* Not on the stack: before 6.7 the verifier takes a loop's body to be run once, and throws out what
 * does not happen then. A switch is not interrupted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct watch_walk);
} watch_walks SEC(".maps");

/* include/uapi/linux/eventpoll.h */
#define EPOLLET (1u << 31)

static __always_inline void count_item(struct watch_walk *w, struct rb_node *node)
{
	struct epitem *item = (void *)node - bpf_core_field_offset(struct epitem, rbn);

	w->watched++;
	if (BPF_CORE_READ(item, event.events) & EPOLLET)
		w->edge++;
}

/* Down to the left, else to the right; from below to the right, else up. */
static long walk_step(u32 i, void *ctx)
{
	struct watch_walk *w = *(struct watch_walk **)ctx;
	struct rb_node *node = (struct rb_node *)w->node, *parent, *right;

	if (!node || w->watched >= LOOP_WATCHED)
		return 1;
	if (!w->up) {
		count_item(w, node);
		parent = node;
		node = BPF_CORE_READ(parent, rb_left);
		if (!node)
			node = BPF_CORE_READ(parent, rb_right);
		w->up = !node;
		w->node = (u64)(node ? node : parent);
		return 0;
	}
	parent = (struct rb_node *)(BPF_CORE_READ(node, __rb_parent_color) & ~3ul);
	if (!parent)
		return 1;
	right = BPF_CORE_READ(parent, rb_right);
	if (right && right != node && BPF_CORE_READ(parent, rb_left) == node) {
		w->up = 0;
		parent = right;
	}
	w->node = (u64)parent;
	return 0;
}

int look_at_instance(struct tracked *t)
{
	u32 zero = 0;
	struct watch_walk *w = bpf_map_lookup_elem(&watch_walks, &zero);
	struct eventpoll *ep;

	if (!t || !w)
		return 0;
	ep = (struct eventpoll *)t->loop.in.instance;
	__builtin_memset(w, 0, sizeof(*w));
	w->node = (u64)BPF_CORE_READ(ep, rbr.rb_root.rb_node);
	bpf_loop(WALK_STEPS, walk_step, &w, 0);
	t->loop.watched = w->watched;
	t->loop.edge = w->edge;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
