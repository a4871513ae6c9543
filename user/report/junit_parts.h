/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A suite of tests as JUnit XML. */
#include <stdint.h>
#include <stdio.h>

#include "analysis/findings.h"
#include "base/vec.h"

enum junit_result { JUNIT_PASSED, JUNIT_FAILED, JUNIT_SKIPPED };

struct junit_test {
	const char *class, *name;
	enum junit_result result;
	char own_name[256]; /* unless it has a name: that, safe for a terminal */
	char why[512];	    /* unless it passed; the same */
	uint64_t time_ns;   /* 0: it took none */
	char *output;	    /* the same; to be freed; NULL: none */
	size_t output_size;
};

struct junit_suite {
	FILE *out;
	VEC(struct junit_test) tests;
};

/* One that has passed, until somebody says otherwise; valid until the next. */
struct junit_test *junit_add(struct junit_suite *s, const char *class, const char *name);
void junit_gates(struct junit_suite *s, const struct gate_result *results, size_t n);

/* The document: attributes of the suite may follow, then its properties, then all that is left. */
void junit_begin(const struct junit_suite *s, uint64_t time_ns);
/* A value that is safe for a terminal. */
void junit_attribute(FILE *out, const char *name, const char *safe);
void junit_begin_properties(const struct junit_suite *s);
/* Any bytes. */
void junit_property(FILE *out, const char *name, const char *value);
void junit_number(FILE *out, const char *name, double value);
/* 0 or a negative errno. */
int junit_end(const struct junit_suite *s);

void junit_forget(struct junit_suite *s);
