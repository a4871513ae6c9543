/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a workload knows about itself, written at its end as expectations on concprof's report.
 * Times are in nanoseconds.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define US   1000LL
#define MS   1000000LL
#define SEC  1000000000LL
#define MANY INT64_MAX

/* The calling thread's own account: kernel clocks and counters that concprof does not touch. */
struct account {
	int64_t wall;
	int64_t cpu; /* CLOCK_THREAD_CPUTIME_ID: without what interrupts and the hypervisor took */
	int64_t delay; /* runnable, without a CPU */
	int64_t voluntary;
	int64_t involuntary;
	int64_t major_faults;
};

struct bounds {
	int64_t min;
	int64_t max; /* MANY: none */
};

/* The sum of path and plus, less minus, lies within the bounds. */
struct expectation {
	const char *path;
	const char *plus[5];
	const char *minus;
	struct bounds in;
	bool zero_if_absent;
	const char *why;
};

struct account account_now(void);
struct account account_since(struct account from);
struct account account_between(struct account from, struct account to);
void account_add(struct account *sum, struct account span);
/* CPU time of all the children that were reaped. */
int64_t children_cpu(void);
/* What is left of a span is blocked, and the stolen time, which only concprof can see. */
int64_t account_blocked(struct account span);
/* Of any thread, by /proc; 0 if it is gone. */
int64_t delay_of(pid_t tid);

void truth_begin(const char *workload);
void truth_expect(struct expectation e);
/* One of these, joined by "|". */
void truth_one_of(const char *path, const char *values, const char *why);
void truth_number(const char *path, int64_t number, const char *why);
/* For keys that hold a fraction. */
void truth_fraction(const char *path, double min, double max, const char *why);
void truth_equals(const char *path, const char *value, const char *why);
void truth_begins(const char *path, const char *value, const char *why);
void truth_absent(const char *path, const char *why);
/* classes: separated by '|'. */
void truth_verdict(const char *classes, const char *why);
/* decider: the span of what decides; if others held its CPUs, that may decide as well. */
void truth_verdict_of(const char *classes, struct account decider, const char *why);
/* For a span that is blocked for nothing but a device, for as long as it may be. */
void truth_verdict_of_disk(struct account span);
/* One that stands beside the verdict, or must not. */
void truth_finding(const char *rule, bool present, const char *why);
void truth_skip(const char *reason);
/* The exit status of the workload. */
int truth_end(void);

/* A path in one of a few static buffers, good for a handful of further calls. */
const char *truth_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* who: a thread's comm; with a '*' at its end, the sum over all threads of that comm. */
const char *thread_path(const char *who, const char *rest);
const char *blocked_path(const char *who, const char *cause, const char *key);

/*
 * Running time and switches of a thread. From: its account when main() began, for a thread that was
 * there before (its early life is not wholly measured); zero for all others.
 */
void truth_thread(const char *who, struct account from, struct account to);
/* The same for so many threads that were started after main() began, by the sum of their accounts. */
void truth_threads(const char *who, int count, struct account sum);
/* The waits of one cause in a span of which the blocked time was nothing else but that cause. */
void truth_waits(const char *who, const char *cause, struct account span, struct bounds count,
		 const char *why);

int64_t clock_ns(clockid_t clock);
void sleep_ns(int64_t ns);
/* About one microsecond of computing for each step. */
void burn(long steps);
void name_thread(const char *comm);
void bind_to_one_cpu(void);
/* The calling thread, to one of the allowed CPUs. */
void bind_to_cpu(int nth);
int cpus_allowed(void);
long long number_arg(const char *text, long long min, long long max);
/* Memory that children share; never freed. */
void *shared_memory(size_t size);

/* A file that has no name, in the current directory: its device is to be waited for. */
int nameless_file(const char *workload, int flags);
/* Reads of a file's device, around the page cache, that wait nearly all the time. */
struct device {
	int fd;
	void *buffer;
};
/* False if the file has no such device, or a device of which reads hardly wait. */
bool device_open(struct device *ret, const char *workload);
void device_read_for(const struct device *d, int64_t ns);

/* A child that runs the body and exits with 0; reap_child() fails the workload if it did not. */
pid_t start_child(void (*body)(void *), void *arg);
void reap_child(pid_t child);

/* On the loopback interface; port 0: any, which port_of() tells. */
int listen_at(int port);
int port_of(int listener);
int connect_to(int port);

pthread_t start_thread(void *(*body)(void *), void *arg);
void join_thread(pthread_t thread);

/* Ends the workload if a call failed: by -1 and errno, or by a returned error number. */
long must(long result, const char *what);
void must0(int error, const char *what);
/* Not worth a workload's failure (a wake-up, a clean-up), but not ignored in silence either. */
void hope(long result, const char *what);

#endif
