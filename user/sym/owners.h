/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Who each process is, as its executions say: whose files it writes. */
#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

/* Nearly all are who the command is; zeros: nothing is known yet. */
struct owners {
	struct map other; /* uid by pid */
	uint32_t uid;	  /* of all those that are not there */
	bool is_known;
};

void owners_exec(struct owners *o, uint32_t pid, uint32_t uid);
void owners_fork(struct owners *o, uint32_t parent, uint32_t pid);
/* Root if nothing is known: whom everybody trusts. */
uint32_t owners_uid(const struct owners *o, uint32_t pid);
void owners_free(struct owners *o);
