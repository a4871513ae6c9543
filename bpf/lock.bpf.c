// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is waited for at each futex, who held it, and what the holder did: at the three
 * events of a wait that blocks (it begins, it is woken, it comes to a CPU), so that what
 * does not block costs nothing. See lock.h for what is added up.
 */
#include "thread.bpf.h"
#include "mark.h"
#include "arch.bpf.h"
#include "lock.h"

#define LOCKS	16384
#define WAITERS 65536
#define ORDERS	4096

/* What is let go while others wait is the woken thread's, if no other was faster. */
#define HINTS_OF_LOCKS                                                                             \
	(LOCK_HINT_WORD | LOCK_HINT_ROBUST | LOCK_HINT_AGAIN | LOCK_HINT_PI | LOCK_HINT_RWLOCK |   \
	 LOCK_HINT_CONVOY | LOCK_HINT_FILE | LOCK_HINT_KERNEL)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lock_key);
	__type(value, struct lock_state);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAITERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lock_pair);
	__type(value, struct lock_waits);
} lock_waiters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAITERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lock_pair);
	__type(value, struct lock_blame);
} lock_holders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ORDERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lock_order_key);
	__type(value, u64);
} lock_orders SEC(".maps");

/* Too large for the stack beside what calls it: 512 bytes for all. One for each CPU: a switch and a
 * wake-up are not interrupted, and what runs after the end meets neither. */
struct turn_room {
	struct lock_charge charge;
	struct doing did[2]; /* of the owner up to now, and the next one */
	u64 id[2];
	struct number number[2];
	u32 contended; /* somebody waits from now on */
	u32 begins;    /* one more than before */
	struct lock_order_key order;
	u64 at; /* when the last event was, after this one */
	struct lock_key key;
	struct lock_owner before;
	struct lock_pair pair;
	struct lock_stand stand;
	u64 run_delay, last_queued; /* of its sched_info */
	struct tracked seen;	    /* parts of it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct turn_room);
} turn_rooms SEC(".maps");

/* New values to copy: too large for the stack beside the rest. */
static const struct lock_state new_lock;
static const struct lock_waits new_waits;
static const struct lock_blame new_blame;

static __always_inline struct lock_state *find_lock(const struct lock_key *key)
{
	struct lock_state *l = bpf_map_lookup_elem(&locks, key);

	if (l)
		return l;
	bpf_map_update_elem(&locks, key, &new_lock, BPF_NOEXIST);
	return bpf_map_lookup_elem(&locks, key);
}

/* Of the thread that is seen. */
static __always_inline void stand(struct doing *ret, struct turn_room *room, u64 now)
{
	const struct tracked *t = &room->seen;
	struct lock_stand *s = &room->stand;
	u64 late = t->lock.late_ns;

	s->now = now;
	s->arrived = t->arrived;
	s->delay = room->run_delay - t->track.run_delay;
	if (!s->arrived && room->last_queued && now > room->last_queued)
		s->delay += now - room->last_queued;
	doing_so_far(ret, &t->track, s);
	if (t->lock.state == LOCK_WAIT_WOKEN && t->lock.hint & HINTS_OF_LOCKS &&
	    now > t->lock.woken_at + s->delay)
		late += now - t->lock.woken_at - s->delay;
	if (late < ret->ns[DOING_LOCK]) {
		ret->ns[DOING_LOCK] -= late;
		ret->ns[DOING_QUEUED] += late;
	}
}

static __always_inline struct turn_room *the_room(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&turn_rooms, &zero);
}

/* Of the room. */
static __always_inline void note_order(struct turn_room *room, const struct lock_key *held,
				       const struct lock_key *wanted)
{
	u64 *count, one = 1;

	room->order.held = *held;
	room->order.wanted = *wanted;
	count = bpf_map_lookup_elem(&lock_orders, &room->order);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&lock_orders, &room->order, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&lost[LOSS_LOCKS], 1);
}

/* While others wait for what it has, its samples tell where it is. */
static __always_inline void note_held(struct numbered *n, const struct tracked *t,
				      const struct lock_key *key, bool has)
{
	if (has) {
		n->held = *key;
		if (t->site_pending && !t->arrived)
			n->site_held = *key;
	} else if (n->held.space == key->space && n->held.word == key->word) {
		n->held.space = 0;
	}
}

/* What of another thread's state is of interest. It has no handle but its address. */
static __always_inline bool copy_tracked(struct tracked *to, u64 address)
{
	void *from = (void *)address;

	return !bpf_probe_read_kernel(to, TRACKED_FRONT, from) &&
	       !bpf_probe_read_kernel(&to->track.ledger.row_ns, sizeof(to->track.ledger.row_ns),
				      from + offsetof(struct tracked, track.ledger.row_ns)) &&
	       !bpf_probe_read_kernel(&to->arrived, TRACKED_NEAR,
				      from + offsetof(struct tracked, arrived));
}

/* Who has this number, if it is a thread of the same memory, and what it has done. */
static __always_inline u64 look_at(struct turn_room *room, u32 i, u64 now)
{
	struct numbered *n = bpf_map_lookup_elem(&numbered, &room->number[i & 1]);
	struct tracked *t = &room->seen;
	struct task_struct *task;
	bool has;

	if (!n || !copy_tracked(t, n->tracked) || t->id != n->id || t->role ||
	    (room->key.space & LOCK_SHARED ? several_ns != 0 : t->space != room->key.space))
		return 0;
	task = (struct task_struct *)n->task;
	has = room->contended && room->number[i & 1].nr == room->number[1].nr;
	note_held(n, t, &room->key, has);
	if (has && room->begins && t->lock.state == LOCK_WAIT_BEGUN &&
	    t->lock.hint & HINTS_OF_LOCKS)
		note_order(room, &room->key, &t->lock.key);
	bpf_core_read(&room->run_delay, sizeof(room->run_delay), &task->sched_info.run_delay);
	bpf_core_read(&room->last_queued, sizeof(room->last_queued), &task->sched_info.last_queued);
	stand(&room->did[i & 1], room, now);
	return n->id;
}

/* One loop, not two copies, for the sake of the stack. */
static __always_inline void look_at_both(struct turn_room *room, u64 now)
{
	for (u32 i = 0; i < 2; i++) {
		if (i && room->number[1].nr == room->number[0].nr) {
			room->id[1] = room->id[0];
			room->did[1] = room->did[0];
		} else if (room->number[i & 1].nr) {
			room->id[i & 1] = look_at(room, i, now);
		}
	}
}

/* At the lock that the room is about. doing: NULL if that is not known. */
static __always_inline void blame(struct turn_room *room, u64 thread_id, u32 how, u64 ns,
				  const struct doing *doing)
{
	struct lock_pair *pair = &room->pair;
	struct lock_blame *b;

	pair->lock = room->key;
	pair->thread_id = thread_id;
	if (!ns || !thread_id)
		return;
	b = bpf_map_lookup_elem(&lock_holders, pair);
	if (!b) {
		bpf_map_update_elem(&lock_holders, pair, &new_blame, BPF_NOEXIST);
		b = bpf_map_lookup_elem(&lock_holders, pair);
	}
	if (!b) {
		__sync_fetch_and_add(&lost[LOSS_LOCKS], 1);
		return;
	}
	if (how < HOLDER_COUNT)
		__sync_fetch_and_add(&b->ns[how], ns);
	for (int i = 0; doing && i < DOING_COUNT; i++)
		__sync_fetch_and_add(&b->doing.ns[i], doing->ns[i]);
}

/* An event of a lock: so many threads more wait, and its owner is this one. `same`: it is the
 * one that it was, as far as is known, but for the thread whose id is in next. Returns the lock's
 * owned_ns. Global: see thread.bpf.h. */
__noinline u64 turn(struct lock_key *key, struct lock_owner *next, u64 now, s32 more, u32 same)
{
	struct turn_room *room = the_room();
	struct lock_state *l;
	u64 owned;

	if (!key || !next || !room)
		return 0;
	__builtin_memset(room, 0, offsetof(struct turn_room, seen));
	room->key = *key; /* before 6.2 a map takes no key that is just anywhere */
	l = find_lock(&room->key);
	if (!l)
		return 0;
	room->before = l->owner;
	if (more > 0 && l->hints & LOCK_HINT_RWLOCK && !next->number.nr) {
		/* The writer, see is_rwlock(); none: readers have it, and not who was woken last. */
		if (!(room->key.space & LOCK_SHARED))
			next->number.nr = user_word(room->key.word + 16);
		same = 0;
	}
	if (same && room->before.id != next->id)
		*next = room->before;
	else if (!next->number.nr)
		next->id = 0;
	room->number[0] = room->before.number;
	room->number[1] = next->number;
	room->contended = l->waiters + more > 0;
	room->begins = more > 0;
	look_at_both(room, now);
	if (next->number.nr)
		next->id = room->id[1];
	bpf_spin_lock(&l->guard);
	room->before = l->owner;
	owned = lock_turn(l, now, more, next, room->id[0], &room->did[0], &room->did[1],
			  &room->charge);
	room->at = l->at;
	bpf_spin_unlock(&l->guard);
	blame(room, room->before.id, room->before.how, room->charge.ns, &room->charge.doing);
	return owned;
}

/* What stands there is believed only if a thread of this program has that number. */
static __always_inline u32 owner_tid(u64 word, u32 hint)
{
	u64 address = owner_address(word, hint);

	return address ? user_word(address) & FUTEX_TID_MASK : 0;
}

/* It waits for a lock, and may have one that others wait for. */
static __always_inline void wait_with_lock(struct tracked *t)
{
	struct numbered *n = numbered_of(t);
	struct turn_room *room = the_room();

	if (n && room && n->held.space)
		note_order(room, &n->held, &t->lock.key);
}

/* Whether this thread has waited there before. Two bits of 64: of a thread that knows few places, seldom
 * wrong, and user space can tell, as it knows how many threads have waited there. */
static __always_inline bool lock_met(struct tracked *t)
{
	u64 hash = (t->lock.key.word ^ t->lock.key.space) * 0x9e3779b97f4a7c15ull;
	u64 bits = 1ull << (hash >> 58) | 1ull << (hash >> 52 & 63);
	bool known = (t->lock.met & bits) == bits;

	t->lock.met |= bits;
	return known;
}

/* A thread may take so long to come to its first wait, with nothing done. */
#define LATE_NS 20000000

/* How many that were here before are away: at their work, if this is where they wait for it. Those who
 * leave for good come back to nothing, so it is looked at when one comes. */
static __always_inline void note_away(struct tracked *t, struct lock_state *l)
{
	u32 known = *(volatile u32 *)&l->known, waiters = *(volatile u32 *)&l->waiters;

	if (!lock_met(t)) {
		__sync_fetch_and_add(&l->known, 1);
		if (t->track.last_out - t->track.ledger.start_at > LATE_NS)
			__sync_fetch_and_add(&l->late, 1);
		return;
	}
	if (waiters && known >= waiters && known - waiters + 1 > l->away_most)
		l->away_most = known - waiters + 1;
}

/* nr: whose the lock is, by its word; 0: not known, or it has no owner. */
static __always_inline int begin_at(struct tracked *t, u32 nr)
{
	struct lock_owner owner = {};
	struct lock_state *l;
	struct lock_key key;

	t->lock.waker = 0;
	owner.id = t->id;
	owner.number.ns = t->number.ns;
	owner.number.nr = nr;
	owner.how = HOLDER_WORD;
	t->lock.owned = turn(&t->lock.key, &owner, t->track.last_out, 1, !owner.number.nr);
	key = t->lock.key;
	l = bpf_map_lookup_elem(&locks, &key);
	if (!l) {
		__sync_fetch_and_add(&lost[LOSS_LOCKS], 1);
		t->lock.state = LOCK_WAIT_NONE;
		return 0;
	}
	__sync_fetch_and_add(&l->waits, 1);
	l->hints |= t->lock.hint;
	note_away(t, l);
	t->lock.state = LOCK_WAIT_BEGUN;
	__sync_fetch_and_add(&lock_waits, 1);
	locks_begun++; /* that it changes is enough */
	if (may_be_endless(t->lock.hint))
		__sync_fetch_and_add(&lock_endless, 1);
	return 1;
}

static __always_inline void key_of_word(struct tracked *t)
{
	t->lock.key.space = t->space;
	t->lock.key.word = t->lock.word;
	if (t->lock.hint & LOCK_HINTS_OF_PAIRS && !(t->lock.hint & LOCK_HINT_JOIN))
		t->lock.key.word &= ~7ull;
}

int lock_begin(struct tracked *t)
{
	if (!t)
		return 0;
	if (t->track.off != OFF_BLOCKED) { /* it did not come to wait */
		t->lock.state = LOCK_WAIT_NONE;
		return 0;
	}
	if (t->track.cause == CAUSE_KERNEL_LOCK) { /* met on the way to what the call waits for */
		t->lock.hint = LOCK_HINT_KERNEL;
		t->lock.word = t->kernel_lock;
	}
	if (t->track.row == ROW_CONVOY)
		t->lock.hint |= LOCK_HINT_CONVOY;
	key_of_word(t);
	if (t->lock.hint & (LOCK_HINT_FILE | LOCK_HINT_SYSV | LOCK_HINT_KERNEL))
		lock_find_kernels(&t->lock.key, t->lock.hint);
	else if (t->lock.hint & LOCK_HINT_SHARED && !(t->lock.hint & LOCK_HINT_JOIN))
		lock_find_shared(&t->lock.key);
	if (begin_at(t, owner_tid(t->lock.word, t->lock.hint)) && t->lock.hint & HINTS_OF_LOCKS)
		wait_with_lock(t);
	return 0;
}

/* Its memory is not that of the task that runs here. */
int lock_attach(struct tracked *t, u32 owner)
{
	if (!t)
		return 0;
	key_of_word(t);
	begin_at(t, owner);
	return 0;
}

static __always_inline void blame_waker(struct tracked *t, u64 ns)
{
	struct turn_room *room = the_room();

	if (!room)
		return;
	room->key = t->lock.key;
	blame(room, t->lock.waker, HOLDER_WAKER, ns, NULL);
}

/* Its wait has ended, woken by a thread of the program or by something else. */
static __always_inline void end_wait(struct tracked *t, u64 now, u32 same)
{
	u64 owned = turn(&t->lock.key, &t->lock.next, now, -1, same);
	u64 known = owned - t->lock.owned, whole;
	struct turn_room *room = the_room();

	/* Clocks differ by microseconds: up to the last event all is charged already, and what
	 * was not waited is nobody's. */
	if (room && now < room->at)
		now = room->at;
	if (now < t->track.last_out)
		now = t->track.last_out;
	whole = now - t->track.last_out;
	t->lock.state = LOCK_WAIT_WOKEN;
	t->lock.woken_at = now;
	__sync_fetch_and_add(&lock_waits, -1);
	if (may_be_endless(t->lock.hint))
		__sync_fetch_and_add(&lock_endless, -1);
	if (t->lock.waker && t->lock.waker != LOCK_WAKER_OUTSIDE && (s64)whole > (s64)known)
		blame_waker(t, whole - known);
}

/* From its wake-up until it was queued, which an idle CPU has to wake up for: of who woke it. */
static __always_inline void wake_late(struct tracked *t, struct lock_state *l, u64 end)
{
	u64 late = end - t->lock.woken_at;

	if (end <= t->lock.woken_at)
		return;
	if (t->lock.hint & HINTS_OF_LOCKS)
		t->lock.late_ns += late;
	bpf_spin_lock(&l->guard);
	lock_late(l, t->lock.woken_at, end);
	bpf_spin_unlock(&l->guard);
	if (t->lock.waker != LOCK_WAKER_OUTSIDE)
		blame_waker(t, late);
}

/* The verifier takes what a global function returns for any number, and follows one way from there. */
__noinline u32 bucket_of(u64 ns)
{
	return lock_bucket(ns);
}

/* One wait more, that of t. Apart from lock_waited() for the sake of the stack. */
__noinline int add_wait(struct tracked *t, u64 end, u32 is_open, u32 by_itself)
{
	struct turn_room *room = the_room();
	struct lock_waits *w;
	struct lock_state *l;
	u32 bucket;
	u64 ns;

	if (!t || !room)
		return 0;
	ns = end > t->track.last_out ? end - t->track.last_out : 0;
	room->pair.lock = t->lock.key;
	room->pair.thread_id = t->id;
	w = bpf_map_lookup_elem(&lock_waiters, &room->pair);
	if (!w) {
		bpf_map_update_elem(&lock_waiters, &room->pair, &new_waits, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&lock_waiters, &room->pair);
	}
	l = bpf_map_lookup_elem(&locks, &room->pair.lock);
	if (!w || !l) {
		__sync_fetch_and_add(&lost[LOSS_LOCKS], 1);
		return 0;
	}
	wake_late(t, l, end);
	w->waits++; /* nobody else has this key */
	w->ns += ns;
	if (ns > w->max_ns)
		w->max_ns = ns;
	w->cause = t->track.cause;
	w->is_open = is_open;
	if (by_itself && t->lock.hint & LOCK_HINT_TIMED)
		__sync_fetch_and_add(&l->timeouts, 1);
	bucket = bucket_of(ns);
	if (bucket < LOCK_BUCKETS)
		__sync_fetch_and_add(&l->histogram[bucket], 1);
	return 0;
}

/* Nobody was seen to wake it: some kernels do not tell of what happens while certain tasks run. */
static __always_inline u32 is_late(const struct tracked *t, u64 end)
{
	return t->track.cause == CAUSE_SYNC_FUTEX && t->event.deadline_at &&
	       end + clock_lag >= t->event.deadline_at;
}

int lock_waited(struct tracked *t, u64 end, u32 is_open)
{
	u32 by_itself;

	if (!t || t->lock.state == LOCK_WAIT_CALLED)
		return 0;
	if (timeline)
		t->place = place_of_lock(&t->lock.key);
	by_itself = t->lock.state == LOCK_WAIT_WOKEN && !t->lock.waker;
	if (t->lock.state == LOCK_WAIT_BEGUN) {
		by_itself = !is_open && is_late(t, end);
		t->lock.next.id = t->id;
		t->lock.next.number.nr = t->lock.next.how = 0;
		end_wait(t, end, 1);
	}
	t->lock.state = LOCK_WAIT_NONE;
	return add_wait(t, end, is_open, by_itself);
}

/* FUTEX_WAKE, _REQUEUE, _CMP_REQUEUE, _WAKE_OP, _UNLOCK_PI, _WAKE_BITSET and _CMP_REQUEUE_PI. */
#define FUTEX_WAKERS (1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 7 | 1u << 10 | 1u << 12)

static __always_inline bool wakes_at_futex(const struct call *call)
{
	u32 op = (u32)CALL_ARG1(call) & 127; /* without the flags */

	if (call->nr == NR_FUTEX_WAKE || call->nr == NR_FUTEX_REQUEUE)
		return true;
	return class_of(call) == CALL_FUTEX && op < 32 && 1u << op & FUTEX_WAKERS;
}

/* Is the current task, a thread of the program (own) or not, in a call that wakes those who wait at
 * a futex (of other locks, in any: to close a file lets go), or does it exit? Else it was an
 * interrupt that came upon it: a time-out, or a signal. */
static __always_inline bool is_waker(struct task_struct *current, bool own, u32 hint)
{
	struct call call;

	if (!current->pid || (!own && !(hint & LOCK_HINT_SHARED)))
		return false;
	if (current->flags & PF_EXITING)
		return own;
	read_call(current, &call);
	if (hint & LOCK_HINT_KERNEL)
		return true;
	if (call.nr < 0)
		return false;
	return hint & (LOCK_HINT_FILE | LOCK_HINT_SYSV) || wakes_at_futex(&call);
}

static __always_inline void woken(struct task_struct *task, struct tracked *t, u64 now)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct tracked *by = bpf_task_storage_get(&threads, current, 0, 0);
	struct lock_owner *next = &t->lock.next;
	bool own;
	u32 same = 0;

	next->id = t->id;
	next->number.ns = t->number.ns;
	next->number.nr = next->how = 0;
	barrier_var(by);
	own = by && !by->role;
	if (!is_waker(current, own, t->lock.hint)) { /* it gave up */
		t->lock.waker = 0;
		same = 1;
	} else if (!own || !by) {
		t->lock.waker = LOCK_WAKER_OUTSIDE;
	} else {
		t->lock.waker = by->id;
		if (by->space == t->space)
			next->number.nr = owner_tid(t->lock.word, t->lock.hint);
		next->how = HOLDER_WORD;
		if (!next->number.nr && t->lock.hint & HINTS_OF_LOCKS) {
			next->number = t->number;
			next->how = HOLDER_WOKEN;
		}
	}
	end_wait(t, now, same);
}

/* Who wakes whom. Not sched_wakeup, which comes on the woken thread's CPU as often as not. */
SEC("tp_btf/sched_waking")
int BPF_PROG(cp_waking, struct task_struct *task)
{
	struct tracked *t;
	u64 from, now;

	if (stopped || (!lock_waits && !channel_has_time()))
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t)
		return 0;
	if (t->lock.state != LOCK_WAIT_BEGUN) {
		channel_woken(t);
		return 0;
	}
	from = bpf_ktime_get_ns();
	now = from - clock_lag;
	woken(task, t, now);
	if (!(t->lock.hint & HINTS_OF_LOCKS) || t->lock.hint & LOCK_HINT_SYSV ||
	    t->lock.next.how == HOLDER_WOKEN) /* it may be none */
		channel_woken_at_futex(t);
	if (unlikely(from % COST_SAMPLE == 0))
		add_cost(COST_WAKING, from);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
