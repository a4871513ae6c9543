// SPDX-License-Identifier: GPL-2.0-only
/* What a target is called, read at the first wait: it may be closed or removed a moment later. */
#include "target.bpf.h"

#define MOST_PARTS 512 /* of a path */
#define PART_MAX   255 /* NAME_MAX */
/* include/linux/err.h: MAX_ERRNO */
#define MOST_ERRORS 4095

struct name_room {
	u32 at; /* in path; in memory of a map the verifier takes it for any number */
	u32 is_cut;
	/* Filled from its end; the last part may begin anywhere in the first half. */
	char path[TARGET_TEXT + PART_MAX + 1];
	union {
		struct ev_target ev;
		char bytes[sizeof(struct ev_target) + TARGET_TEXT];
	};
};

/* A switch is not interrupted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct name_room);
} name_rooms SEC(".maps");

struct walk {
	struct dentry *dentry, *root;
	struct vfsmount *mnt, *root_mnt;
	struct name_room *room;
};

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Somewhere in a tree, and not only for the kernel's own use. */
static __always_inline bool is_mounted(struct vfsmount *mnt)
{
	struct mount *m = mount_of(mnt);
	u64 ns = (u64)BPF_CORE_READ(m, mnt_ns);

	return ns && ns < (u64)-MOST_ERRORS;
}

/* At the root of a file system that is mounted: what it is mounted on. */
static __always_inline bool cross(struct walk *w)
{
	struct mount *m = mount_of(w->mnt);
	struct mount *parent = BPF_CORE_READ(m, mnt_parent);

	if (parent == m) {
		if (!is_mounted(w->mnt))
			w->room->is_cut = 1;
		return false;
	}
	w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
	w->mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
	return true;
}

static __always_inline bool put_part(struct walk *w, struct dentry *dentry)
{
	u32 size = BPF_CORE_READ(dentry, d_name.len), at;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	struct name_room *room = w->room;

	if (size > PART_MAX || size + 1 >= room->at) {
		room->is_cut = 1;
		return false;
	}
	room->at -= size + 1;
	at = room->at & (TARGET_TEXT - 1);
	room->path[at] = '/';
	bpf_probe_read_kernel(&room->path[at + 1], size & PART_MAX, name);
	return true;
}

static long step(u32 i, void *ctx)
{
	struct walk *w = ctx;
	struct dentry *dentry = w->dentry, *parent;
	struct vfsmount *mnt = w->mnt;

	if (dentry == w->root && mnt == w->root_mnt)
		return 1;
	if (dentry == BPF_CORE_READ(mnt, mnt_root))
		return cross(w) ? 0 : 1;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry || !put_part(w, dentry))
		return 1;
	w->dentry = parent;
	return 0;
}

/* What overlayfs maps is a file below, of a mount of its own; the path that the program knows
 * stands behind that file. (What a file is embedded in only FMODE_BACKING tells, which is another bit
 * in each few versions; but no two other words there are of one file system.) */
static __always_inline void read_place(struct walk *w, struct file *file)
{
	struct backing_file *backing = (struct backing_file *)file;
	struct dentry *dentry;
	struct vfsmount *mnt;

	w->dentry = BPF_CORE_READ(file, f_path.dentry);
	w->mnt = BPF_CORE_READ(file, f_path.mnt);
	if (!bpf_core_field_exists(backing->user_path) || is_mounted(w->mnt))
		return;
	dentry = BPF_CORE_READ(backing, user_path.dentry);
	mnt = BPF_CORE_READ(backing, user_path.mnt);
	if (!BPF_CORE_READ(dentry, d_sb) ||
	    BPF_CORE_READ(dentry, d_sb) != BPF_CORE_READ(mnt, mnt_sb))
		return;
	w->dentry = dentry;
	w->mnt = mnt;
}

static __always_inline void put_path(struct name_room *room, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct walk w = { .room = room };
	struct ev_target *ev = &room->ev;
	struct dentry *dentry;

	room->at = TARGET_TEXT;
	room->is_cut = 0;
	read_place(&w, file);
	dentry = w.dentry;
	w.root = BPF_CORE_READ(task, fs, root.dentry);
	w.root_mnt = BPF_CORE_READ(task, fs, root.mnt);
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		ev->flags |= TARGET_DELETED;
	if (bpf_loop(MOST_PARTS, step, &w, 0) == MOST_PARTS || room->is_cut)
		ev->flags |= TARGET_CUT;
	if (room->at == TARGET_TEXT && dentry == w.root)
		room->path[--room->at & (TARGET_TEXT - 1)] = '/';
	else if (room->at == TARGET_TEXT)
		put_part(&w, dentry); /* of what has no place in the tree, its name */
	ev->size = TARGET_TEXT - room->at;
	if (ev->size <= TARGET_TEXT - 1)
		bpf_probe_read_kernel(room->ev.text, ev->size,
				      &room->path[room->at & (TARGET_TEXT - 1)]);
}

static __always_inline void put_name(struct name_room *room)
{
	u32 size = read_path(room->ev.text, TARGET_TEXT - 1);

	if (size)
		room->ev.size = size - 1;
}

static __always_inline void put_inet(struct ev_target *ev, struct sock *sk)
{
	ev->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ev->peer.port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (ev->family == AF_INET) {
		bpf_core_read(ev->local.address, 4, &sk->__sk_common.skc_rcv_saddr);
		bpf_core_read(ev->peer.address, 4, &sk->__sk_common.skc_daddr);
	} else {
		bpf_core_read(ev->local.address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(ev->peer.address, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

static __always_inline void put_unix(struct name_room *room, struct sock *sk)
{
	room->ev.size = read_unix_name(room->ev.text, sk, room->ev.side);
}

static __always_inline void put_socket(struct name_room *room, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct ev_target *ev = &room->ev;

	ev->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	ev->protocol = BPF_CORE_READ(sk, sk_protocol);
	ev->side = socket_side((u64)sk);
	if (ev->family == AF_INET || ev->family == AF_INET6)
		put_inet(ev, sk);
	else if (ev->family == AF_UNIX && ev->side != SIDE_PAIR && ev->side != SIDE_OTHER)
		put_unix(room, sk);
}

int name_target(u64 file, u32 index, u32 kind, u32 number)
{
	u32 zero = 0, size;
	struct name_room *room = bpf_map_lookup_elem(&name_rooms, &zero);
	struct ev_target *ev;

	if (!room)
		return 0;
	ev = &room->ev;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->index = index;
	ev->kind = kind;
	if (kind == TARGET_OBJECT)
		ev->object = number & 0xff;
	ev->id = kind == TARGET_OBJECT ? number >> 8 : number;
	if (kind == TARGET_NAME)
		put_name(room);
	else if (kind == TARGET_SOCKET)
		put_socket(room, (struct file *)file);
	else if (file > IO_LAST_SPECIAL)
		put_path(room, (struct file *)file);
	size = ev->size;
	if (size >= TARGET_TEXT)
		size = 0;
	room->ev.text[size & (TARGET_TEXT - 1)] = '\0';
	ev->size = size + 1;
	ev->head.kind = EV_TARGET;
	ev->head.size = (sizeof(*ev) + ev->size + 7) & ~7u;
	size = ev->head.size;
	if (size > sizeof(*ev) + TARGET_TEXT ||
	    bpf_ringbuf_output(&lives, ev, size, wakeup_flag(&lives, LIVES_SIZE)))
		__sync_fetch_and_add(&lost[LOSS_TARGET_NAMES], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
