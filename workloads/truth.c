// SPDX-License-Identifier: BSD-2-Clause
#include "truth.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* After its last look at itself a thread still writes its truth, unmaps its memory and exits. */
#define EXIT_NS		 (2 * MS)
#define EXIT_VOLUNTARY	 4
#define EXIT_INVOLUNTARY 8

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

void bind_to_one_cpu(void)
{
	cpu_set_t set, one;
	int cpu = 0;

	allowed(&set);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
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

struct account account_now(void)
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
		json_list("plus", e.plus, 3);
	if (e.minus)
		json_list("minus", &e.minus, 1);
	fprintf(out, ", \"min\": %lld", (long long)e.in.min);
	if (e.in.max != MANY)
		fprintf(out, ", \"max\": %lld", (long long)e.in.max);
	if (e.zero_if_absent)
		fputs(", \"default\": 0", out);
	end_item(e.why);
}

void truth_equals(const char *path, const char *value, const char *why)
{
	begin_item(path);
	fputs(", ", out);
	json_field("equals", value);
	end_item(why);
}

void truth_verdict(const char *classes, const char *why)
{
	const char *list[8] = { 0 };
	char *copy = strdup(classes), *rest = copy;
	int n = 0;

	must(copy ? 0 : -1, "strdup");
	while (n < 8 && (list[n] = strsep(&rest, "|")))
		n++;
	begin_item("verdict.class");
	json_list("oneof", list, n);
	end_item(why);
	free(copy);
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

void truth_thread(const char *who, struct account from, struct account to)
{
	int64_t slack = to.cpu / 1000 + 100 * (to.voluntary + to.involuntary);

	truth_expect((struct expectation){
		.path = thread_path(who, "states.running_ns"),
		.minus = thread_path(who, "cpu.stolen_ns"),
		.in = { to.cpu - from.cpu - slack, to.cpu + slack + EXIT_NS },
		.zero_if_absent = true,
		.why = "CLOCK_THREAD_CPUTIME_ID, from main() and from the start; 0.1 %, 100 ns a "
		       "switch, and 2 ms for the exit",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.voluntary"),
		.in = { to.voluntary - from.voluntary, to.voluntary + EXIT_VOLUNTARY },
		.why = "ru_nvcsw, from main() and from the start; the exit adds its last switch "
		       "and may wait for a lock of the address space",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.involuntary"),
		.in = { to.involuntary - from.involuntary, to.involuntary + EXIT_INVOLUNTARY },
		.why = "ru_nivcsw, from main() and from the start; the exit may be preempted too",
	});
}

void truth_waits(const char *who, const char *cause, struct account span, struct bounds count,
		 const char *why)
{
	int64_t blocked = account_blocked(span);
	int64_t slack = 2 * MS + 100 * (span.voluntary + span.involuntary);

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.in = count,
		.zero_if_absent = count.min == 0,
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
