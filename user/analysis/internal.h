/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "analysis/findings.h"

/* calloc, or the end: an analysis that is short of memory has nothing to say. */
void *zeroed(size_t n, size_t size);

/* totals.c */
void totals_sum(struct totals *ret, const struct model *m);
/* trust.c */
void trust_compare(struct trust *ret, const struct model *m);

/* What decides about a thread, a process, a phase or the program: time by its reason. */
struct shares {
	double all; /* the time that it is about */
	/* it had a CPU, or wanted one: in a crowd of its own threads; others had it; the limit */
	double cpu, crowd, others, limit;
	double device, fault, peer; /* waits for input and output */
	double lock;
	double sleep;
	double demand; /* waits for something to do */
	double other, unknown;
};

/* shares.c: fills f->crowding and f->held_back; comes before the rest. */
void shares_prepare(struct findings *f);
void shares_of_program(struct shares *ret, const struct findings *f);
void shares_of_slots(struct shares *ret, const struct findings *f, size_t from, size_t to);
void shares_of_thread(struct shares *ret, const struct findings *f, const struct thread *t);
void shares_add(struct shares *to, const struct shares *from);
/* Adds ns, divided as `by` is. */
void shares_add_like(struct shares *to, const struct shares *by, double ns);

/* classify.c: the class of whatever these shares are of. */
void classify(const struct shares *s, struct verdict *ret);

/* sites.c: fills f->sites. */
void sites_find(struct findings *f);
void sites_forget(struct sites *s);
/* sites_say.c: evidence of where, for a verdict; and how its advice begins. */
void sites_say(struct finding *to, const struct findings *f);
const char *sites_advice(const struct findings *f);
/* hot.c: the functions of these rows, which come in order. */
struct hot *hot_find(const struct model *m, enum site_what what, const struct site_row *rows,
		     size_t n, size_t *ret_n);
/* kernel_code.c: how many of the innermost frames are the kernel's. */
size_t kernel_frames(const struct model *m, const struct stack *s);
/* kernel_code.c: the one of them that tells what the kernel does there; NULL: none does. */
const struct frame *kernel_frame(const struct model *m, const struct stack *s);
/* own_code.c: the innermost frame that is the program's own, one with a name if there is
 * any; -1: there is none. */
ptrdiff_t own_frame(const struct model *m, const struct stack *s);

/* findings.c: NULL: it is not among those that are listed. */
const struct thread *listed_thread(const struct model *m, uint64_t id);

/* lock_places.c: fills f->lock_sites, and what f->locks, in the model's order, has of places. */
void lock_places_find(struct findings *f);
/* io_places.c: fills f->io_sites and f->io_places. */
void io_places_find(struct findings *f);
/* channels.c: fills f->channels; after the locks. */
void channels_find(struct findings *f);
void channels_free(struct channels *c);
/* channel_links.c: the crews and links of that. */
void channel_links_find(struct findings *f);
/* io_folders.c: fills f->folders and f->folder_of. */
void io_folders_find(struct findings *f);
/* io_models.c: fills f->io_models and what follows it; after the sites. */
void io_models_find(struct findings *f);
/* locks.c: fills f->locks. */
void locks_find(struct findings *f);
/* locks_say.c: evidence about the lock that costs most; and what to do, NULL: as with any. */
void lock_say(struct finding *to, const struct findings *f);
const char *lock_advice(const struct findings *f);

/* lifecycle.c: fills f->lives. */
void lifecycle_find(struct findings *f);
void lifecycle_free(struct lifecycle *l);
/* deaths.c: fills f->lives.deaths. */
void deaths_find(struct findings *f);
/* deaths.c: what there is to say about these. */
void deaths_say(struct findings *f);
/* lifecycle_rules.c: "sh (12)". Returns buf; KIN_NAME_SIZE bytes are enough. */
char *kin_name(char *buf, size_t size, const struct kin *k);
#define KIN_NAME_SIZE 64
/* lifecycle_rules.c: what there is to say about all of them. */
void lifecycle_say(struct findings *f);
/* family.c: fills f->tree. */
void family_find(struct findings *f);
/* follow.c: fills f->thread_class and f->process_class. */
void follow_waits(struct findings *f);
/* convoy.c: fills f->convoy. */
void convoy_find(struct findings *f);
/* phases.c: fills f->phases. */
void phases_find(struct findings *f);
/* verdict.c: fills f->verdict, and the first of f->list. */
void verdict_find(struct findings *f);
/* rules.c: what else there is to say, behind the first of f->list. */
void rules_find(struct findings *f);

/* peer.c: title, advice and evidence of a verdict that waits for others decide. */
void peer_say(struct finding *to, const struct findings *f);
/* io.c: the same of waits for devices. */
void device_say(struct finding *to, const struct findings *f);
/* others.c: what a quiet machine would save at most: what was queued, what others had, and
 * what is beyond computing on all CPUs at once. It may be more than s->others, since
 * threads pile up on the CPUs that are left. */
double others_gain(const struct findings *f, const struct shares *s);
/* others.c: evidence, unless its own CPU limit is what held it back. */
void others_say(struct finding *to, const struct findings *f, const struct shares *s);
/* cgroups.c: fills f->cgroups. */
void cgroups_find(struct findings *f);
/* handlers.c: fills f->handlers. */
void handlers_find(struct findings *f);
/* takers.c: fills f->takers. */
void takers_find(struct findings *f);
/* sched_rules.c: these rules. */
void starved_by_rt_find(struct findings *f);
void niced_find(struct findings *f);
void pinned_find(struct findings *f);
/* others.c: "The cgroup allows 0.5 CPUs: 50 ms in each 100 ms", without an end. Returns buf. */
char *limit_words(char *buf, size_t size, const struct findings *f);
#define LIMIT_WORDS_SIZE 120
/* bottleneck.c */
void bottleneck_find(struct findings *f);
/* pool.c, loops.c, and below: some of these rules. */
void loops_find(struct findings *f);
/* herd.c: of loops_find(). */
void herd_find(struct findings *f);
void pool_find(struct findings *f);
/* polling.c, io_trouble.c, and of that tiny_calls.c and blocking_log.c: more of them. */
void polling_find(struct findings *f);
void io_trouble_find(struct findings *f);
void tiny_calls_find(struct findings *f);
void blocking_log_find(struct findings *f);
/* io_call.c: "fsync", or words for another call that waits until what was written is safe; NULL:
 * it is none. */
const char *call_of_sync(const struct model *m, const struct stack *s);
/* io_call.c: one that writes where the file ends, or to what has no places. */
bool call_is_write(const struct model *m, const struct stack *s);
/* io_call.c: "syslog"; NULL: it is none of a log. */
const char *call_of_log(const struct model *m, const struct stack *s);
/* io_call.c: the call on a descriptor in which it waits; IO_CALL_OTHER: not known. */
enum io_call call_of_stack(const struct model *m, const struct stack *s);
/* io_call.c: is it what the C library does in a thread of its own for aio_read(3) and its kin? */
bool stack_is_of_aio(const struct model *m, const struct stack *s);
/* io_call.c: ... or a wait for that? */
bool stack_awaits_aio(const struct model *m, const struct stack *s);
/* kinds.c: fills f->kinds and what follows it; after the sites and locks. */
void kinds_find(struct findings *f);
/* kinds.c: it is others' turn to do something: work may come, or an answer. */
bool waits_for_others(enum cause c);
/* amdahl.c */
void amdahl_find(struct findings *f);
/* io_models_say.c */
void io_models_say(struct findings *f);
void lock_code_find(struct findings *f);
void livelock_find(struct findings *f);
/* lock_code.c: is it what takes locks and lets them go? */
bool frame_is_of_lock(const struct frame *f);
/* livelock.c: the innermost function of the program's own in this stack that tries a lock without
 * waiting for it; NULL: none is known. */
const struct frame *frame_that_tries(const struct model *m, const struct stack *s);

/* deadlocks.c: the one that the program did not get out of; NULL: none. */
const struct deadlock *deadlock_deciding(const struct findings *f);
void deadlock_say_verdict(struct finding *to, const struct findings *f);
/* deadlocks.c: all others. */
void deadlocks_say(struct findings *f);
/* hang.c: ended by another thread of the program alone. */
bool row_is_inward(unsigned int row);
void hang_advise(struct finding *to);
/* hang.c: after deadlocks. */
void hang_find(struct findings *f);
/* why.c: of one look, in place of the verdict and all that rules have said. */
void why_find(struct findings *f);
/* lock_trouble.c */
void lock_trouble_find(struct findings *f);

/* gate_eval.c */
void gate_results_free(struct gate_result *results, size_t n);

/* sites_say.c: "parse_line (csv.c:88)", as much of it as evidence has room for. */
const char *place_words(char *buf, size_t size, const struct frame *f);

/* evidence.c */
struct finding *finding_add(struct findings *f, const char *rule, enum severity severity);
__attribute__((format(printf, 4, 5))) void evidence_add(struct finding *to, const char *metric,
							uint64_t value, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void finding_title(struct finding *to, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void finding_advice(struct finding *to, const char *fmt, ...);
/* No more than this can be gained, if it is worth saying, and how: "by ...". */
void finding_gain(struct finding *to, const struct findings *f, double ns, const char *by);
