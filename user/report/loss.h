/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "event/event.h"

/* What a kind of loss is called, and what it could have changed in the report. */
struct loss_words {
	const char *what;   /* the JSON's lost[].what: stable */
	const char *noun;   /* after a count: "12 switch-ins were not seen" */
	const char *effect; /* a sentence without its full stop */
};

/* Never NULL: a kind from a newer version has words too. */
const struct loss_words *loss_words(unsigned int kind);
