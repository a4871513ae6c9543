// SPDX-License-Identifier: BSD-2-Clause
#include "probe/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/procfs.h"
#include "probe/kernel_types.h"

const struct probe_row probe_rows[PROBE_ROWS] = {
	{ "cp_switch", "sched_switch", true, ATTACH_ALWAYS, "everything" },
	{ "cp_wakeup", "sched_wakeup", false, ATTACH_ON_DEMAND,
	  "exact times of only waiting for a CPU, and of waiting for a lock beside a free CPU" },
	{ "cp_waking", "sched_waking", false, ATTACH_AND_REST,
	  "who woke a thread that waited for a lock" },
	{ "cp_tick", "hrtimer_expire_entry", false, ATTACH_ALWAYS,
	  "running threads whose switch no event tells of, up to the end of that" },
	{ "cp_newtask", "task_newtask", true, ATTACH_ALWAYS, "all threads but the first" },
	{ "cp_exec", "sched_process_exec", false, ATTACH_ALWAYS, "command lines and executables" },
	{ "cp_wait", "sched_process_wait", false, ATTACH_ALWAYS,
	  "who was reaped when, and by whom" },
	{ "cp_free", "sched_process_free", false, ATTACH_ALWAYS, "that a process was reaped" },
	{ "cp_signal", "signal_generate", false, ATTACH_ALWAYS, "who killed whom" },
	{ "cp_lock_begin", "contention_begin", false, ATTACH_ALWAYS,
	  "kernel.lock: these waits go by their system call" },
	{ "cp_lock_end", "contention_end", false, ATTACH_ALWAYS,
	  "kernel.lock: these waits go by their system call" },
	{ "cp_complete", "io_uring_complete", false, ATTACH_FOR_RINGS,
	  "what ended waits for io_uring" },
	{ "cp_ready", "io_uring_task_add", false, ATTACH_FOR_RINGS,
	  "what ended waits for io_uring, of requests that complete many times or are put off" },
	{ "cp_got", "sys_exit", false, ATTACH_FOR_AIO, "what ended waits for aio" },
	{ "cp_waker", "sched_waking", false, ATTACH_FOR_TIMELINE, "who woke whom, in a timeline" },
	{ "cp_call", "sys_exit", false, ATTACH_IN_WINDOW, "futex and epoll calls" },
};

static struct bpf_program *program_of(struct probe *p, size_t row)
{
	return bpf_object__find_program_by_name(p->skel->obj, probe_rows[row].program);
}

/* Looks what this kernel lacks that would fail the whole load: tracepoints. */
static bool find_missing(struct probe *p)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool any = false;

	if (!btf)
		return false;
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		if (kernel_has_tracepoint(btf, probe_rows[i].tracepoint))
			continue;
		snprintf(p->why[i], sizeof(p->why[i]), "this kernel has no tracepoint %s",
			 probe_rows[i].tracepoint);
		any = true;
	}
	btf__free(btf);
	return any;
}

int attach_row(struct probe *p, size_t i, struct err *err)
{
	int error;

	if (p->why[i][0]) {
		if (!probe_rows[i].needed)
			return 0;
		return err_set(err, -ENOTSUP, "cannot measure: %s; Linux 5.18 or newer is needed",
			       p->why[i]);
	}
	p->links[i] = bpf_program__attach(program_of(p, i));
	if (p->links[i])
		return 0;
	error = -errno;
	snprintf(p->why[i], sizeof(p->why[i]), "attaching failed: %s", strerror(-error));
	if (!probe_rows[i].needed)
		return 0;
	return err_failed(err, error, "cannot attach to tracepoint %s", probe_rows[i].tracepoint);
}

static int on_ring_event(void *ctx, void *data, size_t size)
{
	struct probe *p = ctx;

	if (!event_is_valid(data, size))
		return -EPROTO;
	p->fn_error = p->fn(p->ctx, data);
	return p->fn_error;
}

/* CLOCK_REALTIME less CLOCK_MONOTONIC. */
static int64_t realtime_offset(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (real.tv_sec - mono.tv_sec) * 1000000000ll + real.tv_nsec - mono.tv_nsec;
}

/* What the programs find when they are loaded. */
static int set_up(struct probe *p, const struct probe_opts *opts)
{
	int cpus = libbpf_num_possible_cpus();
	struct code fault_entry;
	uint64_t secret;

	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		if (p->why[i][0])
			bpf_program__set_autoload(program_of(p, i), false);
	}
	p->skel->rodata->page_size = sysconf(_SC_PAGESIZE);
	p->skel->rodata->possible_cpus = cpus > 0 ? cpus : 0; /* 0: affinities stay unknown */
	p->skel->rodata->timeline = opts->timeline;
	if (!opts->timeline) { /* there is none without room */
		bpf_map__set_max_entries(p->skel->maps.mark_ring, sysconf(_SC_PAGESIZE));
		bpf_program__set_autoload(p->skel->progs.cp_waker, false);
	}
	bpf_program__set_autoload(p->skel->progs.cp_peek, opts->live);
	kernel_find_code("asm_exc_page_fault", &fault_entry);
	p->skel->rodata->fault_entry = fault_entry;
	p->skel->rodata->realtime_offset = realtime_offset();
	p->skel->rodata->lock_secret = secret;
	p->skel->bss->linger = opts->linger || opts->attaches;
	p->skel->bss->attaching = opts->attaches;
	if (!opts->attaches) {
		bpf_program__set_autoload(p->skel->progs.cp_attach, false);
		bpf_program__set_autoload(p->skel->progs.cp_attach_words, false);
		bpf_program__set_autoload(p->skel->progs.cp_attach_stacks, false);
		bpf_program__set_autoload(p->skel->progs.cp_unreaped, false);
	}
	if (!opts->in_cgroup) {
		bpf_program__set_autoload(p->skel->progs.cp_came, false);
		bpf_program__set_autoload(p->skel->progs.cp_came_to_be, false);
	}
	return 0;
}

static int set_types(struct probe *p, const struct kernel_types *types)
{
	int hlist_head = kernel_types_id(types, "hlist_head"),
	    file = kernel_types_id(types, "file"),
	    timespec64 = kernel_types_id(types, "timespec64");

	if (hlist_head < 0 || file < 0 || timespec64 < 0)
		return -ENOENT;
	p->skel->rodata->hlist_head_type = hlist_head;
	p->skel->rodata->file_type = file;
	p->skel->rodata->timespec64_type = timespec64;
	beside_switches(kernel_types_tracepoint(types, "sched_switch"));
	return 0;
}

static int load_with(struct probe *p, const struct probe_opts *opts, struct kernel_types *types)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .btf_custom_path = kernel_types_path(types));
	int error = beside_register();

	if (error)
		return error;
	p->skel = concprof_bpf__open_opts(&open);
	if (!p->skel)
		return -errno;
	error = set_up(p, opts);
	if (!error)
		error = kernel_types_fill(types, p->skel->obj);
	if (!error)
		error = set_types(p, types);
	if (!error)
		error = beside_end(concprof_bpf__load(p->skel));
	/* libbpf goes on without, if it could not make the map that shows whether there may be */
	return error || p->skel->bss ? error : -ENOTSUP;
}

/* Opens and loads what is not known to be missing. */
static int load_once(struct probe *p, const struct probe_opts *opts)
{
	struct kernel_types *types = kernel_types_open();
	int error = types ? load_with(p, opts, types) : -errno;

	kernel_types_free(types);
	return error;
}

/* That something is missing is looked for only if the load fails: it takes as long as
 * half of the load itself. */
static int load(struct probe *p, const struct probe_opts *opts, struct err *err)
{
	int error;

	load_listen();
	error = load_once(p, opts);
	if (error && p->skel && find_missing(p)) {
		concprof_bpf__destroy(p->skel);
		load_listen();
		error = load_once(p, opts);
	}
	return error ? load_explain(error, err) : 0;
}

static int watch_rings(struct probe *p)
{
	int fds[] = { ring_buffer__epoll_fd(p->ring), ring_buffer__epoll_fd(p->stacks) };
	struct epoll_event event = { .events = EPOLLIN };

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fds[i], &event))
			return -errno;
	}
	return p->mappings ? mappings_watch(p->mappings, p->epoll) : 0;
}

static int open_rings(struct probe *p)
{
	int error;

	p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.ring), on_ring_event, p, NULL);
	if (!p->ring)
		return -errno;
	error = ring_buffer__add(p->ring, bpf_map__fd(p->skel->maps.lives), on_ring_event, p);
	if (!error)
		error = ring_buffer__add(p->ring, bpf_map__fd(p->skel->maps.mark_ring),
					 marks_record, p);
	if (error)
		return error;
	p->stacks = ring_buffer__new(bpf_map__fd(p->skel->maps.stacks), code_record, p, NULL);
	return p->stacks ? watch_rings(p) : -errno;
}

int probe_open(struct probe **ret, const struct probe_opts *opts, struct err *err)
{
	struct probe *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return err_failed(err, -ENOMEM, "cannot begin");
	p->epoll = -1;
	p->all_calls = opts->all_calls;
	p->code = opts->code;
	error = load(p, opts, err);
	if (error)
		goto fail;
	find_fault_handler(p);
	for (size_t i = 0; i < PROBE_ROWS && !error; i++) {
		if (probe_rows[i].when <= ATTACH_AND_REST ||
		    (probe_rows[i].when == ATTACH_FOR_TIMELINE && opts->timeline))
			error = attach_row(p, i, err);
	}
	if (!error) {
		error = code_open(p);
		if (error)
			err_failed(err, error, "cannot watch the code");
	}
	if (error)
		goto fail;
	error = open_rings(p);
	if (error) {
		err_failed(err, error, "cannot map the ring buffers");
		goto fail;
	}
	*ret = p;
	return 0;
fail:
	probe_free(p);
	return error;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	free(p->window_waits);
	free(p->unreaped);
	ring_buffer__free(p->ring);
	ring_buffer__free(p->stacks);
	code_close(p);
	if (p->epoll >= 0)
		close(p->epoll);
	for (size_t i = 0; i < PROBE_ROWS; i++)
		bpf_link__destroy(p->links[i]);
	bpf_link__destroy(p->stuck);
	bpf_link__destroy(p->came);
	bpf_link__destroy(p->came_to_be);
	concprof_bpf__destroy(p->skel);
	free(p);
}

/* Its state's letter in /proc; 0 if there is none. */
static char state_of(pid_t pid)
{
	char text[512];
	const char *rest = procfs_stat((uint32_t)pid, text, sizeof(text));

	return rest ? *rest : 0;
}

void nap(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	/* Cut short by a signal, it was still a nap. */
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static int mark(struct probe *p, pid_t pid, const struct tracked *value, struct err *err)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int error;

	if (pidfd < 0)
		return err_failed(err, -errno, "cannot watch process %d", pid);
	error = bpf_map_update_elem(bpf_map__fd(p->skel->maps.threads), &pidfd, value, BPF_NOEXIST);
	if (error)
		error = err_failed(err, error, "cannot watch process %d", pid);
	close(pidfd);
	return error;
}

int set_sums(struct probe *p, const struct program *program, struct err *err)
{
	uint32_t zero = 0;
	int error =
		bpf_map_update_elem(bpf_map__fd(p->skel->maps.programs), &zero, program, BPF_ANY);

	return error ? err_failed(err, error, "cannot set up the sums") : 0;
}

int mark_collector(struct probe *p, struct err *err)
{
	struct tracked collector = { .role = ROLE_CLOCK };

	return mark(p, getpid(), &collector, err);
}

int probe_watch(struct probe *p, pid_t held, unsigned int cpus, struct err *err)
{
	struct tracked command = {
		.id = COMMAND_ID,
		.process_id = COMMAND_ID,
		.space = COMMAND_ID,
		.tid = held,
		.pid = held,
		.flags = THREAD_LEADER,
		.role = ROLE_HELD,
	};
	struct program program = { .wall = { .cpus_allowed = cpus } };
	int error = set_sums(p, &program, err);

	if (!error)
		error = mark_collector(p, err);
	if (error)
		return error;
	/* asleep, as one who reads an empty pipe is */
	for (char state; (state = state_of(held)) != 'S'; nap(50000)) {
		if (!state) /* it is there, as nobody has waited for it */
			return err_failed(err, -EIO, "cannot read /proc/%d/stat", held);
		if (strchr("ZX", state))
			return err_set(err, -ESRCH,
				       "the process for the command was killed before it could "
				       "start: look for who did it in dmesg");
	}
	nap(1); /* a switch-in of our own: the clocks, and our PID namespace, are known from here on */
	return mark(p, held, &command, err);
}

int probe_fd(const struct probe *p)
{
	return p->epoll;
}

bool probe_is_over(const struct probe *p)
{
	return __atomic_load_n(&p->skel->bss->stopped, __ATOMIC_ACQUIRE);
}

bool probe_has_waits(const struct probe *p)
{
	return p->skel->bss->waits_seen || p->skel->bss->wakes_looked_at;
}

int read_program(struct probe *p, struct program *ret)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem_flags(bpf_map__fd(p->skel->maps.programs), &zero, ret,
					 BPF_F_LOCK);
}

/* Hidden for this share of the time: a busy machine, on which many threads take turns. */
#define BUSY_SHARE 200

static int attach_all(struct probe *p, enum attach_when when)
{
	int error = 0;

	for (size_t i = 0; i < PROBE_ROWS && !error; i++) {
		if (probe_rows[i].when == when)
			error = attach_row(p, i, NULL); /* if it fails its row says why */
	}
	return error;
}

static int attach_for_rings(struct probe *p)
{
	int error = 0;

	if (!p->has_rings && p->skel->bss->rings_seen) {
		p->has_rings = true;
		error = attach_all(p, ATTACH_FOR_RINGS);
	}
	if (!error && !p->has_aio && p->skel->bss->aio_seen) {
		p->has_aio = true;
		error = attach_all(p, ATTACH_FOR_AIO);
	}
	return error;
}

/* Attaches to wake-ups once they are worth what they cost. */
static int attach_for_wakeups(struct probe *p)
{
	struct program program;
	uint64_t elapsed;
	int error;

	if (p->has_wakeups)
		return 0;
	error = read_program(p, &program);
	if (error)
		return error;
	elapsed = program.wall.sums.at - program.wall.sums.start_at;
	if (!p->skel->bss->locks_seen && program.wall.hidden_ns * BUSY_SHARE <= elapsed)
		return 0;
	p->has_wakeups = true;
	return attach_all(p, ATTACH_ON_DEMAND);
}

int probe_read(struct probe *p, event_fn fn, void *ctx)
{
	int error = attach_for_rings(p);

	if (!error)
		error = attach_who_came(p);
	if (!error)
		error = code_read(p);
	if (!error)
		error = collect_ring(p, fn, ctx);
	if (!error)
		error = collect_wall(p, 0, fn, ctx);
	return error ? error : attach_for_wakeups(p);
}

bool probe_is_tracked(struct probe *p, int pidfd)
{
	struct tracked *value = malloc(sizeof(*value));
	bool is = value &&
		  !bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.threads), &pidfd, value) &&
		  value->role == ROLE_TRACKED;

	free(value);
	return is;
}

/* By the pair that our last switch-in left. */
uint64_t sched_now(struct probe *p)
{
	volatile struct clock_pair *pair = (void *)&p->skel->bss->clock_pair;
	uint64_t sched, monotonic;

	do { /* a switch between the two reads changes them */
		sched = pair->sched_ns;
		monotonic = pair->monotonic_ns;
	} while (sched != pair->sched_ns);
	return sched + (clock_ns() - monotonic);
}

/* Waits until each probe that was running has returned: they run without being
 * preempted, so a grace period of RCU is enough (membarrier(2)). */
static void quiesce(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nap(50000000); /* nohz_full: not offered */
}

/* Whatever ended it: afterwards no probe changes anything but for threads that die. */
static int end_measurement(struct probe *p, uint64_t *ret_end)
{
	struct program program;
	int error;

	nap(1);
	if (!probe_is_over(p)) {
		p->skel->bss->end_at = sched_now(p);
		__atomic_store_n(&p->skel->bss->stopped, 1, __ATOMIC_RELEASE);
	}
	error = read_program(p, &program);
	if (error)
		return error;
	if (program.wall.alive) {
		quiesce();
		error = read_program(p, &program);
		if (error)
			return error;
	}
	/* A probe that ran beside us may have come a little later. */
	if (program.wall.sums.at > p->skel->bss->end_at)
		p->skel->bss->end_at = program.wall.sums.at;
	*ret_end = p->skel->bss->end_at;
	return 0;
}

int probe_finish(struct probe *p, event_fn fn, void *ctx, struct ev_end *end)
{
	uint64_t at;
	int error = end_measurement(p, &at);

	p->unwind_until = 0; /* all of them */

	if (!error)
		error = collect_ring(p, fn, ctx);
	if (!error)
		error = collect_alive(p, fn, ctx);
	if (!error)
		error = collect_dying(p, fn, ctx);
	if (!error)
		error = collect_lives(p, fn, ctx);
	if (!error)
		error = collect_unreaped(p, fn, ctx);
	if (!error) /* those that died meanwhile */
		error = collect_ring(p, fn, ctx);
	if (!error)
		error = marks_rest(p);
	if (!error)
		error = collect_unsent(p, fn, ctx);
	if (!error)
		error = collect_wall(p, at, fn, ctx);
	if (!error)
		error = collect_peers(p, fn, ctx);
	if (!error)
		error = collect_locks(p, fn, ctx);
	if (!error)
		error = collect_targets(p, fn, ctx);
	if (!error)
		error = collect_loops(p, fn, ctx);
	if (!error)
		error = collect_wakes(p, fn, ctx);
	if (!error)
		error = collect_uses(p, fn, ctx);
	if (!error)
		error = collect_takers(p, fn, ctx);
	if (!error)
		error = coroutines_tell(p, fn, ctx);
	if (!error)
		error = collect_losses(p, fn, ctx);
	if (!error)
		error = collect_calls(p, fn, ctx);
	if (!error)
		error = collect_costs(p, fn, ctx, end);
	return error;
}
