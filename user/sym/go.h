/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a Go program keeps of its functions for itself. Nothing in it is trusted. */
#include "sym/object.h"

struct go_table {
	const char *names, *functions; /* in the object's data */
	size_t names_size, size;
	uint64_t text; /* addresses begin there */
	size_t n;
};

struct go_function {
	uint64_t address;
	uint32_t size, name; /* for go_name() */
};

/* Whether there is such a table that can be read. */
bool go_open(Elf *elf, struct go_table *ret);
/* i: less than n. Whether that is a function with a name. */
bool go_function(const struct go_table *t, size_t i, struct go_function *ret);
/* NULL: it is none. Valid as long as the object is open. */
const char *go_name(const struct go_table *t, uint32_t name);
