/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "analysis/findings.h"

/* totals.c */
void totals_sum(struct totals *ret, const struct model *m);
/* trust.c */
void trust_compare(struct trust *ret, const struct model *m);

/* What decides about a thread, a process or the program: time by its reason. */
struct shares {
	double all; /* the time that it is about */
	double cpu, oversubscribed, starved, io, lock, sleep, idle, other, unknown;
};

/* verdict.c: the class of whatever these shares are of; margin and runner-up may be NULL. */
enum verdict_class classify(const struct shares *s, double *ret_margin,
			    enum verdict_class *ret_runner_up, enum verdict_class ret_parts[2]);
/* verdict.c: fills f->verdict and f->list. */
void verdict_find(struct findings *f);
/* shares.c */
void shares_of_program(struct shares *ret, const struct findings *f);
void shares_of_thread(struct shares *ret, const struct thread *t);
void shares_add(struct shares *to, const struct shares *from);
