// SPDX-License-Identifier: BSD-2-Clause
#include "truth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* After its last look at itself a thread still writes its truth, unmaps its memory and exits. */
#define EXIT_NS		 (2 * MS)
#define EXIT_VOLUNTARY	 4
#define EXIT_INVOLUNTARY 8

/* Large enough that waiting for the device takes much longer than asking it. */
#define DEVICE_READ  (1 << 20)
#define DEVICE_READS 16

static FILE *out;
static bool first = true;

long must(long result, const char *what)
{
	if (result == -1) {
		perror(what);
		exit(EXIT_FAILURE);
	}
	return result;
}

void must0(int error, const char *what)
{
	if (error) {
		errno = error;
		must(-1, what);
	}
}

void hope(long result, const char *what)
{
	if (result == -1)
		perror(what);
}

int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	must(clock_gettime(clock, &t), "clock_gettime");
	return t.tv_sec * SEC + t.tv_nsec;
}

void sleep_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / SEC, .tv_nsec = ns % SEC };

	while (nanosleep(&t, &t))
		must(errno == EINTR ? 0 : -1, "nanosleep");
}

void burn(long steps)
{
	uint64_t x = (uint64_t)steps;

	/* Dependent multiplications: their speed depends on little but the clock rate. */
	for (long i = 0; i < steps * 750; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		/* Compilers know how to take several of these steps at once. */
		__asm__ volatile("" : "+r"(x));
	}
}

void name_thread(const char *comm)
{
	must0(pthread_setname_np(pthread_self(), comm), "pthread_setname_np");
}

static void allowed(cpu_set_t *set)
{
	must(sched_getaffinity(0, sizeof(*set), set), "sched_getaffinity");
}

int cpus_allowed(void)
{
	cpu_set_t set;

	allowed(&set);
	return CPU_COUNT(&set);
}

void bind_to_cpu(int nth)
{
	cpu_set_t set, one;
	int cpu = -1;

	allowed(&set);
	for (int left = nth % CPU_COUNT(&set); left >= 0; left -= CPU_ISSET(cpu, &set) != 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

void bind_to_one_cpu(void)
{
	bind_to_cpu(0);
}

long long number_arg(const char *text, long long min, long long max)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max) {
		fprintf(stderr, "'%s' is not a number from %lld to %lld\n", text, min, max);
		exit(EXIT_FAILURE);
	}
	return n;
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

int nameless_file(const char *workload, int flags)
{
	const char *name = truth_path("concprof-%s.%d", workload, getpid());
	int fd = (int)must(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600), name);

	must(unlink(name), name);
	return fd;
}

static void device_read(const struct device *d, int64_t round)
{
	must(pread(d->fd, d->buffer, DEVICE_READ, round % DEVICE_READS * DEVICE_READ), "pread");
}

void device_read_for(const struct device *d, int64_t ns)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + ns;

	for (int64_t i = 0; clock_ns(CLOCK_MONOTONIC) < end; i++)
		device_read(d, i);
}

bool device_open(struct device *ret, const char *workload)
{
	struct account before;

	ret->fd = nameless_file(workload, 0);
	must0(posix_memalign(&ret->buffer, 4096, DEVICE_READ), "posix_memalign");
	memset(ret->buffer, 'x', DEVICE_READ);
	for (int i = 0; i < DEVICE_READS; i++)
		must(write(ret->fd, ret->buffer, DEVICE_READ), "write");
	must(fsync(ret->fd), "fsync");
	if (fcntl(ret->fd, F_SETFL, O_DIRECT) == -1)
		return false;
	before = account_now();
	for (int i = 0; i < DEVICE_READS; i++)
		device_read(ret, i);
	before = account_since(before);
	return account_blocked(before) > 3 * before.cpu;
}

pid_t start_child(void (*body)(void *), void *arg)
{
	pid_t child = (pid_t)must(fork(), "fork");

	if (!child) {
		body(arg);
		_exit(EXIT_SUCCESS);
	}
	return child;
}

void reap_child(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0), "waitpid");
	if (status) {
		fprintf(stderr, "a child failed: wait status %d\n", status);
		exit(EXIT_FAILURE);
	}
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int listen_at(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	must(listen(fd, SOMAXCONN), "listen");
	return fd;
}

int port_of(int listener)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	must(getsockname(listener, (struct sockaddr *)&at, &size), "getsockname");
	return ntohs(at.sin_port);
}

int connect_to(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect");
	return fd;
}

pthread_t start_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	must0(pthread_create(&thread, NULL, body, arg), "pthread_create");
	return thread;
}

void join_thread(pthread_t thread)
{
	must0(pthread_join(thread, NULL), "pthread_join");
}

int64_t delay_of(pid_t tid)
{
	char name[64];
	long long run, delay = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/schedstat", tid);
	f = fopen(name, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lld %lld", &run, &delay) != 2)
		delay = 0;
	hope(fclose(f), name);
	return delay;
}

static struct account account_once(void)
{
	struct account a;
	struct rusage u;

	a.delay = delay_of(gettid());
	must(getrusage(RUSAGE_THREAD, &u), "getrusage");
	a.voluntary = u.ru_nvcsw;
	a.involuntary = u.ru_nivcsw;
	a.major_faults = u.ru_majflt;
	a.cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	a.wall = clock_ns(CLOCK_MONOTONIC);
	return a;
}

struct account account_now(void)
{
	struct rusage before, after;
	struct account a;

	/* All of one moment: once more if it lost the CPU between two of the readings. */
	do {
		must(getrusage(RUSAGE_THREAD, &before), "getrusage");
		a = account_once();
		must(getrusage(RUSAGE_THREAD, &after), "getrusage");
	} while (before.ru_nvcsw != after.ru_nvcsw || before.ru_nivcsw != after.ru_nivcsw);
	return a;
}

int64_t children_cpu(void)
{
	struct rusage u;

	must(getrusage(RUSAGE_CHILDREN, &u), "getrusage");
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SEC +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * US;
}

static struct account minus(struct account to, struct account from)
{
	return (struct account){
		.wall = to.wall - from.wall,
		.cpu = to.cpu - from.cpu,
		.delay = to.delay - from.delay,
		.voluntary = to.voluntary - from.voluntary,
		.involuntary = to.involuntary - from.involuntary,
		.major_faults = to.major_faults - from.major_faults,
	};
}

struct account account_since(struct account from)
{
	return minus(account_now(), from);
}

struct account account_between(struct account from, struct account to)
{
	return minus(to, from);
}

void account_add(struct account *sum, struct account span)
{
	*sum = minus(*sum, minus((struct account){ 0 }, span));
}

int64_t account_blocked(struct account span)
{
	return span.wall - span.cpu - span.delay;
}

static void json_string(const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void json_field(const char *key, const char *value)
{
	json_string(key);
	fputs(": ", out);
	json_string(value);
}

static void json_list(const char *key, const char *const *values, int count)
{
	fprintf(out, ", \"%s\": [", key);
	for (int i = 0; i < count && values[i]; i++) {
		fputs(i ? ", " : "", out);
		json_string(values[i]);
	}
	fputc(']', out);
}

static void begin_item(const char *path)
{
	fputs(first ? "\n  {" : ",\n  {", out);
	first = false;
	json_field("path", path);
}

static void end_item(const char *why)
{
	fputs(", ", out);
	json_field("why", why);
	fputc('}', out);
}

void truth_begin(const char *workload)
{
	const char *name = getenv("CONCPROF_TRUTH");

	out = name ? fopen(name, "we") : stdout;
	must(out ? 0 : -1, name);
	fputs("{", out);
	json_field("workload", workload);
	fputs(", \"expect\": [", out);
}

void truth_expect(struct expectation e)
{
	begin_item(e.path);
	if (e.plus[0])
		json_list("plus", e.plus, 5);
	if (e.minus)
		json_list("minus", &e.minus, 1);
	fprintf(out, ", \"min\": %lld", (long long)e.in.min);
	if (e.in.max != MANY)
		fprintf(out, ", \"max\": %lld", (long long)e.in.max);
	if (e.zero_if_absent)
		fputs(", \"default\": 0", out);
	end_item(e.why);
}

void truth_number(const char *path, int64_t number, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { number, number }, .why = why });
}

void truth_fraction(const char *path, double min, double max, const char *why)
{
	begin_item(path);
	fprintf(out, ", \"min\": %.6f, \"max\": %.6f", min, max);
	end_item(why);
}

void truth_equals(const char *path, const char *value, const char *why)
{
	begin_item(path);
	fputs(", ", out);
	json_field("equals", value);
	end_item(why);
}

/* values: separated by '|'. */
void truth_one_of(const char *path, const char *values, const char *why)
{
	const char *list[8] = { 0 };
	char *copy = strdup(values), *rest = copy;
	int n = 0;

	must(copy ? 0 : -1, "strdup");
	while (n < 8 && (list[n] = strsep(&rest, "|")))
		n++;
	begin_item(path);
	json_list("oneof", list, n);
	end_item(why);
	free(copy);
}

void truth_verdict(const char *classes, const char *why)
{
	truth_one_of("verdict.class", classes, why);
}

void truth_verdict_of(const char *classes, struct account decider, const char *why)
{
	static const char *const others[] = { "starved", "mixed", "cpu-bound" };

	if (decider.delay > decider.wall / 10) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if (!strstr(classes, others[i]))
				classes = truth_path("%s|%s", classes, others[i]);
		why = truth_path("%s; but others held the CPUs for more than 10 %%", why);
	}
	truth_verdict(classes, why);
}

void truth_verdict_of_disk(struct account span)
{
	int64_t blocked = account_blocked(span);

	if (blocked > span.wall * 2 / 3)
		truth_verdict_of("io-bound", span,
				 "the device is waited for more than two thirds "
				 "of the time");
	else
		truth_verdict_of(blocked > span.wall / 3 ? "io-bound|mixed"
							 : "io-bound|mixed|cpu-bound",
				 span, "asking a fast device needs more than a third of the time");
}

void truth_absent(const char *path, const char *why)
{
	begin_item(path);
	fputs(", \"absent\": true", out);
	end_item(why);
}

void truth_finding(const char *rule, bool present, const char *why)
{
	if (present) {
		truth_one_of(truth_path("findings[rule=%s].severity", rule), "note|warning|error",
			     why);
		return;
	}
	truth_absent(truth_path("findings[rule=%s].title", rule), why);
}

void truth_skip(const char *reason)
{
	fputs("], ", out);
	json_field("skip", reason);
	fputs(", \"expect\": [", out);
	first = true;
}

int truth_end(void)
{
	fputs("\n]}\n", out);
	must(ferror(out) || fclose(out) ? -1 : 0, "writing the truth");
	return EXIT_SUCCESS;
}

const char *truth_path(const char *format, ...)
{
	static char buffers[16][192];
	static unsigned int next;
	char *buffer = buffers[next++ % 16];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, args);
	va_end(args);
	return buffer;
}

const char *thread_path(const char *who, const char *rest)
{
	size_t n = strcspn(who, "*");

	return truth_path("threads[comm=%.*s]%s.%s", (int)n, who, who + n, rest);
}

const char *blocked_path(const char *who, const char *cause, const char *key)
{
	return thread_path(who, truth_path("blocked[\"%s\"].%s", cause, key));
}

static void expect_threads(const char *who, int count, struct account from, struct account to)
{
	int64_t slack = to.cpu / 1000 + 100 * (to.voluntary + to.involuntary);

	truth_expect((struct expectation){
		.path = thread_path(who, "states.running_ns"),
		.minus = thread_path(who, "cpu.stolen_ns"),
		.in = { to.cpu - from.cpu - slack, to.cpu + slack + count * EXIT_NS },
		.zero_if_absent = true,
		.why = "CLOCK_THREAD_CPUTIME_ID, from main() and from the start; 0.1 %, 100 ns a "
		       "switch, and 2 ms for each exit",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.voluntary"),
		.in = { to.voluntary - from.voluntary, to.voluntary + count * EXIT_VOLUNTARY },
		.why = "ru_nvcsw, from main() and from the start; the exit adds its last switch "
		       "and may wait for a lock of the address space",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.involuntary"),
		.in = { to.involuntary - from.involuntary,
			to.involuntary + count * EXIT_INVOLUNTARY },
		.why = "ru_nivcsw, from main() and from the start; the exit may be preempted too",
	});
}

void truth_thread(const char *who, struct account from, struct account to)
{
	expect_threads(who, 1, from, to);
}

void truth_threads(const char *who, int count, struct account sum)
{
	expect_threads(who, count, (struct account){ 0 }, sum);
}

void truth_waits(const char *who, const char *cause, struct account span, struct bounds count,
		 const char *why)
{
	int64_t blocked = account_blocked(span);
	int64_t slack = 2 * MS + 100 * (span.voluntary + span.involuntary);

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.in = count,
		.zero_if_absent = count.min <= 0,
		.why = why,
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.in = { 0, blocked + slack },
		.zero_if_absent = true,
		.why = "at most the wall time less CPU time and run delay; 2 ms and 100 ns a "
		       "switch",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.plus = { thread_path(who, "cpu.stolen_ns") },
		.in = { blocked - blocked / 50 - slack, MANY },
		.zero_if_absent = true,
		.why = "at least 98 % of the wall time less CPU time, run delay and stolen time",
	});
}
