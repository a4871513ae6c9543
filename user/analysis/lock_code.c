// SPDX-License-Identifier: BSD-2-Clause
/*
 * Computing that is the taking and the letting go of locks: samples of the clock in their
 * functions. Not all of it is contention, which a lock that spins hides from the ledger, as
 * those of Go, Java and Rust do; but all of it is what locks cost.
 */
#include <string.h>

#include "analysis/internal.h"
#include "base/units.h"

#define SAMPLES_LEAST 20  /* in such functions */
#define SHARE_LEAST   0.2 /* of all samples */

/* By how their names begin. */
static const char *const lock_functions[] = {
	/* glibc, musl */
	"pthread_mutex_",
	"__pthread_mutex_",
	"___pthread_mutex_",
	"__GI___pthread_mutex_",
	"pthread_spin_",
	"__pthread_spin_",
	"pthread_rwlock_",
	"__pthread_rwlock_",
	"___pthread_rwlock_",
	"lll_mutex_",
	"__lll_lock_",
	"__GI___lll_lock_",
	/* GNU's C++, where the compiler has not inlined them */
	"std::mutex::",
	"std::shared_mutex::",
	"std::__shared_mutex_",
	"std::__glibcxx_rwlock_",
	"std::unique_lock<",
	"std::lock_guard<",
	"__gthread_",
	"__glibcxx_rwlock_",
	/* Go */
	"sync.(*Mutex).",
	"sync.(*RWMutex).",
	"internal/sync.(*Mutex).",
	"runtime.lock",
	"runtime.unlock",
	"runtime.procyield",
	/* Rust */
	"<std::sys::sync::mutex",
	"<std::sys::sync::rwlock",
	"std::sys::sync::mutex",
	"parking_lot::",
	"<parking_lot::",
	"<spin::",
	/* Java's machine */
	"ObjectMonitor::",
	"ObjectSynchronizer::",
	"SpinPause",
	/* LLVM's and GNU's OpenMP */
	"__kmp_acquire_",
	"__kmp_test_",
	"GOMP_critical",
	"gomp_mutex_lock",
};

bool frame_is_of_lock(const struct frame *f)
{
	for (size_t i = 0; i < sizeof(lock_functions) / sizeof(*lock_functions); i++) {
		if (!strncmp(f->function, lock_functions[i], strlen(lock_functions[i])))
			return true;
	}
	return false;
}

/* The innermost function of the program's own that is none of a lock's; NULL: none is known. */
static const struct frame *caller_of(const struct model *m, const struct site_row *row)
{
	for (size_t i = 0; i < row->stack->n; i++) {
		const struct frame *f = &m->frames[row->stack->frames[i]];

		if (f->function[0] && frame_is_own(f) && !frame_is_of_lock(f))
			return f;
	}
	return NULL;
}

/* Anywhere below the program's own function. */
static bool is_in_lock(const struct model *m, const struct site_row *row)
{
	size_t inner = row->own < 0 ? row->stack->n : (size_t)row->own + 1;

	for (size_t i = 0; i < inner; i++) {
		if (frame_is_of_lock(&m->frames[row->stack->frames[i]]))
			return true;
	}
	return false;
}

void lock_code_find(struct findings *f)
{
	const struct sites *s = &f->sites;
	const struct frame *most = NULL;
	uint64_t samples = 0, of_most = 0;
	char part[UNITS_SIZE];
	struct finding *to;

	for (size_t i = 0; i < s->n_cpu; i++) {
		if (!is_in_lock(f->model, &s->cpu[i]))
			continue;
		samples += s->cpu[i].samples;
		if (s->cpu[i].samples > of_most && caller_of(f->model, &s->cpu[i])) {
			most = caller_of(f->model, &s->cpu[i]);
			of_most = s->cpu[i].samples;
		}
	}
	if (samples < SAMPLES_LEAST || samples < SHARE_LEAST * s->cpu_samples)
		return;
	to = finding_add(f, "lock.computing", SEVERITY_WARNING);
	finding_title(to, "%s of the computing is taking locks and letting them go",
		      units_percent(part, (double)samples / s->cpu_samples));
	evidence_add(to, "cpu_sites.samples", samples,
		     "of %llu samples by the clock were in functions of locks",
		     (unsigned long long)s->cpu_samples);
	if (most)
		evidence_add(to, "cpu_sites.samples", of_most,
			     "%llu of them by one chain of calls from %.80s",
			     (unsigned long long)of_most, most->function);
	finding_advice(to, "Take a lock less often, for more work at once. If several threads want "
			   "the same one, they spin for it: fewer of them, or data of their own, "
			   "would be faster.");
}
