// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which files' code lies where in which process's memory: the kernel says it as it happens
 * (perf_event_open(2), mmap2, task and comm_exec), so that it is known of processes too
 * that have ended before anybody could look.
 */
#include "probe/internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"

#define PAGES	   64 /* of a CPU's ring, besides its header; a power of two */
#define PAGES_MANY 8  /* on machines of more CPUs than this many */
#define CPUS_MANY  64
#define RECORD_MAX 65536 /* perf_event_header.size has 16 bits */

struct cpu_ring {
	int fd;
	struct perf_event_mmap_page *page;
	size_t size; /* of the data */
};

struct mappings {
	struct cpu_ring *rings;
	size_t n;
	uint64_t lost;
	struct map libraries, execs; /* by pid: enum use_library, and a number */
	VEC(struct mapping) list;    /* not handed over yet; their paths are its own */
};

/* What follows each record: sample_id_all with PERF_SAMPLE_TIME alone. */
struct sample_id {
	uint64_t time;
};

struct mmap2_record {
	struct perf_event_header head;
	uint32_t pid, tid;
	uint64_t start, length, offset;
	uint32_t major, minor;
	uint64_t inode, inode_generation;
	uint32_t protection, flags;
	char path[];
};

struct task_record {
	struct perf_event_header head;
	uint32_t pid, parent_pid, tid, parent_tid;
	uint64_t time;
};

struct comm_record {
	struct perf_event_header head;
	uint32_t pid, tid;
};

static int open_ring(struct cpu_ring *r, int cpu, size_t pages)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.mmap = 1,
		.mmap2 = 1,
		.task = 1,
		.comm = 1,
		.comm_exec = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = pages * sysconf(_SC_PAGESIZE) / 2,
	};
	long page = sysconf(_SC_PAGESIZE);
	void *map;

	r->fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (r->fd < 0)
		return errno == ENODEV ? 0 : -errno; /* a CPU that is off */
	r->size = pages * page;
	map = mmap(NULL, r->size + page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->page = map;
	return 0;
}

int mappings_open(struct mappings **ret)
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	struct mappings *m = calloc(1, sizeof(*m));

	if (cpus < 0 || !m) {
		free(m);
		return cpus < 0 ? cpus : -ENOMEM;
	}
	m->rings = calloc(cpus, sizeof(*m->rings));
	for (int cpu = 0; m->rings && cpu < cpus; cpu++)
		m->rings[cpu].fd = -1;
	for (; m->rings && m->n < (size_t)cpus && !error; m->n++)
		error = open_ring(&m->rings[m->n], m->n, cpus > CPUS_MANY ? PAGES_MANY : PAGES);
	if (error || !m->rings) {
		mappings_free(m);
		return error ? error : -ENOMEM;
	}
	*ret = m;
	return 0;
}

void mappings_free(struct mappings *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		if (m->rings[i].page)
			munmap(m->rings[i].page, m->rings[i].size + sysconf(_SC_PAGESIZE));
		if (m->rings[i].fd >= 0)
			close(m->rings[i].fd);
	}
	free(m->rings);
	for (size_t i = 0; i < m->list.n; i++)
		free((char *)m->list.items[i].path);
	free(m->list.items);
	map_free(&m->libraries);
	map_free(&m->execs);
	free(m);
}

static uint64_t time_of(const struct perf_event_header *head)
{
	const struct sample_id *id = (const void *)((const char *)head + head->size - sizeof(*id));

	return id->time;
}

static void take_file(struct mappings *m, const struct mmap2_record *r)
{
	char *path = strndup(r->path, r->head.size - sizeof(*r) - sizeof(struct sample_id));

	if (!path) {
		m->lost++;
		return;
	}
	*vec_add(&m->list) = (struct mapping){
		.what = MAPPING_FILE,
		.at = time_of(&r->head),
		.pid = r->pid,
		.start = r->start,
		.end = r->start + r->length,
		.offset = r->offset,
		.major = r->major,
		.minor = r->minor,
		.inode = r->inode,
		.path = path,
	};
}

static void take_record(struct mappings *m, const struct perf_event_header *head)
{
	const struct task_record *task = (const void *)head;
	const struct comm_record *comm = (const void *)head;

	switch (head->type) {
	case PERF_RECORD_MMAP2:
		take_file(m, (const void *)head);
		break;
	case PERF_RECORD_FORK:
		if (task->pid != task->parent_pid) /* else a thread */
			*vec_add(&m->list) = (struct mapping){ .what = MAPPING_FORK,
							       .at = time_of(head),
							       .pid = task->pid,
							       .parent = task->parent_pid };
		break;
	case PERF_RECORD_COMM:
		if (head->misc & PERF_RECORD_MISC_COMM_EXEC)
			*vec_add(&m->list) = (struct mapping){ .what = MAPPING_EXEC,
							       .at = time_of(head),
							       .pid = comm->pid };
		break;
	case PERF_RECORD_LOST:
		/* struct { header; u64 id; u64 lost; } */
		m->lost += ((const uint64_t *)head)[2];
		break;
	}
}

/* A record may cross the end of the ring. */
static const struct perf_event_header *at(const struct cpu_ring *r, uint64_t tail, char *whole)
{
	const char *data = (const char *)r->page + r->page->data_offset;
	size_t from = tail & (r->size - 1), size, first;
	const struct perf_event_header *head = (const void *)(data + from); /* 8 bytes: whole */

	size = head->size;
	if (from + size <= r->size)
		return head;
	first = r->size - from;
	memcpy(whole, data + from, first);
	memcpy(whole + first, data, size - first);
	return (const void *)whole;
}

static void drain(struct mappings *m, struct cpu_ring *r, char *whole)
{
	uint64_t tail, head;

	if (!r->page)
		return;
	tail = r->page->data_tail;
	head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	while (tail < head) {
		const struct perf_event_header *record = at(r, tail, whole);

		if (record->size < sizeof(*record))
			break;
		tail += record->size;
		take_record(m, record);
	}
	__atomic_store_n(&r->page->data_tail, tail, __ATOMIC_RELEASE);
}

static int by_time(const void *a, const void *b)
{
	const struct mapping *m = a, *n = b;

	return m->at < n->at ? -1 : m->at > n->at;
}

static uint64_t library_of(const char *path)
{
	static const struct {
		const char *begin;
		uint64_t library;
	} known[] = {
		{ "_asyncio.", USE_ASYNCIO },
		{ "_greenlet.", USE_GREENLET },
	};
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash && i < sizeof(known) / sizeof(*known); i++) {
		if (!strncmp(slash + 1, known[i].begin, strlen(known[i].begin)))
			return known[i].library;
	}
	return 0;
}

uint32_t mappings_libraries(const struct mappings *m, uint32_t pid)
{
	const uint64_t *libraries = map_find(&m->libraries, pid);

	return libraries ? *libraries : 0;
}

uint32_t mappings_execs(const struct mappings *m, uint32_t pid)
{
	const uint64_t *execs = map_find(&m->execs, pid);

	return execs ? *execs : 0;
}

static void note_libraries(struct mappings *m, const struct mapping *it)
{
	uint64_t libraries = 0, *to;

	if (it->what == MAPPING_EXEC)
		*map_add(&m->execs, it->pid) = mappings_execs(m, it->pid) + 1;
	if (it->what == MAPPING_FILE)
		libraries = mappings_libraries(m, it->pid) | library_of(it->path);
	else if (it->what == MAPPING_FORK)
		libraries = mappings_libraries(m, it->parent);
	if (!libraries && !map_find(&m->libraries, it->pid))
		return;
	to = map_add(&m->libraries, it->pid);
	*to = libraries;
}

/* One ring is emptied after the other: what was written meanwhile may lack what came before it
 * in a ring that was empty by then, and waits for the next time. */
int mappings_read(struct mappings *m, const struct code_sink *sink)
{
	_Alignas(8) static char whole[RECORD_MAX];
	uint64_t until = clock_ns();
	size_t n = 0;
	int error = 0;

	for (size_t i = 0; i < m->n; i++)
		drain(m, &m->rings[i], whole);
	if (m->list.n)
		qsort(m->list.items, m->list.n, sizeof(*m->list.items), by_time);
	for (; n < m->list.n && m->list.items[n].at < until; n++) {
		note_libraries(m, &m->list.items[n]);
		if (!error)
			error = sink->mapping(sink->ctx, &m->list.items[n]);
		free((char *)m->list.items[n].path);
	}
	m->list.n -= n;
	if (n && m->list.n)
		memmove(m->list.items, m->list.items + n, m->list.n * sizeof(*m->list.items));
	return error;
}

int mappings_watch(const struct mappings *m, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };

	for (size_t i = 0; i < m->n; i++) {
		if (m->rings[i].page && epoll_ctl(epoll, EPOLL_CTL_ADD, m->rings[i].fd, &event))
			return -errno;
	}
	return 0;
}

uint64_t mappings_lost(const struct mappings *m)
{
	return m->lost;
}
