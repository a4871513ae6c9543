// SPDX-License-Identifier: BSD-2-Clause
/*
 * Preloaded into concprof: counts its calls by where they come from, and makes one of them fail. The
 * driver reads and writes what both share (CONCPROF_FAULTS names its file); processes that concprof
 * forks count in it too, its workload has never heard of it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#define DEPTH	4 /* callers that make a place: a wrapper's own callers differ */
#define PLACES	16384
#define OBJECTS 2048

enum mode { MODE_COUNT, MODE_FAIL, MODE_FAIL_ON, MODE_INTERRUPT, MODE_STOP };

/* The driver knows these layouts: see shared.py. */
struct place {
	uint64_t key; /* 0: free */
	uint64_t count;
	uint64_t at[DEPTH];
	uint32_t function;
	uint32_t detail; /* of a system call: its number and, of bpf(2), the command */
};

struct shared {
	uint32_t mode;
	int32_t error;
	uint64_t key;		      /* of the place that fails */
	uint64_t turn;		      /* its how manieth call, from 1 */
	uint64_t calls;		      /* of the main process, but for those that allocate */
	uint64_t stop_at;	      /* MODE_STOP: such a call */
	uint32_t stopped;	      /* ... has come */
	uint32_t failed;	      /* so many */
	uint32_t n_objects;	      /* of BPF, that were made */
	uint32_t full;		      /* places that found no room */
	uint32_t objects[OBJECTS][2]; /* kind (a command of bpf(2)) and id */
	struct place places[PLACES];
};

static struct shared *shared;
static pid_t owner;
static __thread int inside __attribute__((tls_model("initial-exec")));

typedef long any_fn(long, long, long, long, long, long, long);

enum function {
	FN_syscall,
#define CALL(name, kind) FN_##name,
#include "calls.def"
#undef CALL
	FUNCTIONS
};

__attribute__((visibility("default"))) const char *const faults_names[] = {
	"syscall",
#define CALL(name, kind) #name,
#include "calls.def"
#undef CALL
	NULL,
};

static any_fn *real[FUNCTIONS];

/* Those that a sanitizer puts in come before the C library's. */
static any_fn *real_of(enum function f)
{
	if (!real[f]) {
		inside++;
		real[f] = (any_fn *)dlsym(RTLD_NEXT, faults_names[f]);
		inside--;
	}
	return real[f];
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CONCPROF_FAULTS");
	int fd;

	inside++;
	fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0) {
		void *at = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		syscall(SYS_close, fd);
		owner = getpid();
		if (at != MAP_FAILED)
			shared = at;
	}
	unsetenv("CONCPROF_FAULTS");
	unsetenv("LD_PRELOAD");
	unsetenv("MALLOC_PERTURB_");
	inside--;
}

/* The linker's: where this object begins, and its code ends. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

struct walk {
	uint64_t at[DEPTH];
	int n;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *ctx)
{
	struct walk *w = ctx;
	uintptr_t ip = _Unwind_GetIP(context);

	if (ip >= (uintptr_t)__ehdr_start && ip < (uintptr_t)etext)
		return _URC_NO_REASON; /* our own */
	if (!ip || w->n == DEPTH)
		return _URC_END_OF_STACK;
	w->at[w->n++] = ip;
	return _URC_NO_REASON;
}

static struct place *place_of(enum function f, uint32_t detail, int depth)
{
	struct walk w = { .n = 0 };
	uint64_t key = (f + 1) * 0x9e3779b97f4a7c15ull + detail;

	_Unwind_Backtrace(step, &w);
	for (int i = 0; i < w.n && i < depth; i++)
		key = (key ^ w.at[i]) * 0xff51afd7ed558ccdull, key ^= key >> 29;
	key |= 1;
	for (size_t i = key % PLACES, n = 0; n < PLACES; n++, i = (i + 1) % PLACES) {
		struct place *p = &shared->places[i];
		uint64_t none = 0;

		if (p->key == key)
			return p;
		if (__atomic_compare_exchange_n(&p->key, &none, key, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE)) {
			memcpy(p->at, w.at, sizeof(p->at));
			p->function = f;
			p->detail = detail;
			return p;
		}
		if (none == key)
			return p;
	}
	__atomic_add_fetch(&shared->full, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int allocates(enum function f)
{
	return f == FN_malloc || f == FN_calloc || f == FN_realloc;
}

static int interruptible(enum function f)
{
	static const enum function those[] = { FN_write, FN_poll,	FN_ppoll,   FN_recv,
					       FN_send,	 FN_recvmsg,	FN_sendmsg, FN_waitpid,
					       FN_wait4, FN_epoll_wait, FN_flock };

	for (size_t i = 0; i < sizeof(those) / sizeof(*those); i++) {
		if (those[i] == f)
			return 1;
	}
	return 0;
}

/* Until the driver kills it: whatever it may call could be forbidden by now. */
static void stop(void)
{
	__atomic_store_n(&shared->stopped, 1, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* Whether this call is to fail. */
static int fails(enum function f, uint32_t detail)
{
	struct place *p;
	uint64_t turn;
	int r;

	if (!shared || inside)
		return 0;
	inside++;
	if (!allocates(f) && (shared->mode == MODE_STOP || shared->mode == MODE_COUNT) &&
	    syscall(SYS_getpid) == owner && ++shared->calls == shared->stop_at &&
	    shared->mode == MODE_STOP)
		stop();
	p = shared->mode == MODE_STOP ? NULL : place_of(f, detail, DEPTH);
	turn = p ? __atomic_add_fetch(&p->count, 1, __ATOMIC_RELAXED) : 0;
	switch (shared->mode) {
	case MODE_FAIL:
		r = p && p->key == shared->key && turn == shared->turn;
		break;
	case MODE_FAIL_ON:
		r = p && p->key == shared->key && turn >= shared->turn;
		break;
	case MODE_INTERRUPT:
		r = p && interruptible(f) && turn % 2;
		break;
	default:
		r = 0;
	}
	if (r)
		__atomic_add_fetch(&shared->failed, 1, __ATOMIC_RELAXED);
	inside--;
	return r;
}

/* --- what stands in for the functions ---------------------------------------- */

#define ARGS	       long a, long b, long c, long d, long e, long f, long g
#define REAL(function) real_of(function)(a, b, c, d, e, f, g)
#define EXPORTED(name)                                                                             \
	__attribute__((visibility("default"))) long fault_##name(ARGS) __asm__(#name);             \
	long fault_##name(ARGS)

static long refuse(long value)
{
	errno = shared->error;
	return value;
}

static long none(enum function fn, ARGS)
{
	return fails(fn, 0) ? refuse(0) : REAL(fn);
}

static long minus(enum function fn, ARGS)
{
	return fails(fn, 0) ? refuse(-1) : REAL(fn);
}

static long negative(enum function fn, ARGS)
{
	return fails(fn, 0) ? refuse(-shared->error) : REAL(fn);
}

static long positive(enum function fn, ARGS)
{
	return fails(fn, 0) ? refuse(shared->error) : REAL(fn);
}

static long after(enum function fn, ARGS)
{
	long r = REAL(fn);

	return fails(fn, 0) ? refuse(-1) : r;
}

#define NONE	 none
#define MINUS	 minus
#define NEGATIVE negative
#define POSITIVE positive
#define AFTER	 after
#define CALL(name, kind)                                                                           \
	EXPORTED(name)                                                                             \
	{                                                                                          \
		return kind(FN_##name, a, b, c, d, e, f, g);                                       \
	}
#include "calls.def"
#undef CALL

/* --- system calls that have no function of their own -------------------------- */

/* What was made of BPF is to be gone in the end. */
static void note_object(long command, long fd)
{
	uint32_t info[80] = { 0 }, n;
	struct {
		uint32_t fd, size;
		uint64_t info;
	} ask = { (uint32_t)fd, sizeof(info), (uint64_t)(uintptr_t)info };
	any_fn *call = real_of(FN_syscall);

	if (command != BPF_MAP_CREATE && command != BPF_PROG_LOAD && command != BPF_LINK_CREATE &&
	    command != BPF_RAW_TRACEPOINT_OPEN && command != BPF_BTF_LOAD)
		return;
	if (call(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, (long)&ask, sizeof(ask), 0, 0, 0))
		return;
	n = __atomic_fetch_add(&shared->n_objects, 1, __ATOMIC_RELAXED);
	if (n >= OBJECTS)
		return;
	shared->objects[n][0] = (uint32_t)command;
	shared->objects[n][1] = info[command == BPF_BTF_LOAD ? 3 : 1];
}

EXPORTED(syscall)
{
	long r;

	if (fails(FN_syscall, (uint32_t)(a | (a == SYS_bpf ? b << 16 : 0))))
		return refuse(-1);
	r = REAL(FN_syscall);
	if (shared && a == SYS_bpf && r >= 0) {
		int saved = errno;

		note_object(b, r);
		errno = saved;
	}
	return r;
}
