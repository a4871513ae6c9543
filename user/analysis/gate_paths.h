/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The paths of the JSON that gates can name, and where what they lead to is found. */
#include "analysis/gate.h"

#define GATE_PATH_SIZE 192

/* Names by number; NULL: that number has none. */
struct gate_names {
	unsigned int n;
	const char *(*name)(unsigned int i);
};

enum gate_got {
	GOT_VALUE,
	GOT_NULL,   /* it is known that there is none */
	GOT_ABSENT, /* it was not measured, or did not happen */
};

struct gate_value {
	enum gate_got got;
	long double number;
	const char *word;
};

/* All of them, one after the other; from the first on if at->row is NULL. The side stays. */
bool gate_path_next(struct gate_path *at);
/* Returns buf, of GATE_PATH_SIZE bytes. */
char *gate_path_name(const struct gate_path *path, char *buf);
/* If the path is of any lock, and this a name for it: it is of that lock then. */
bool gate_path_take_lock(struct gate_path *path, const char *name);
/* That name as it stands, without a side. */
bool gate_path_find(struct gate_path *ret, const char *name);
/* "base.", "head." or "change.", which *name is moved behind; or none. */
enum gate_side gate_side_take(const char **name);
/* The side that was nearly written, which *name is moved behind; or the head's. */
enum gate_side gate_side_nearest(const char **name);
/* What may have been meant by a name without its side. Returns buf, of GATE_PATH_SIZE bytes. */
char *gate_path_nearest(char *buf, const char *name, enum gate_side side);

enum gate_type gate_path_type(const struct gate_path *path);
/* All that its text can be; NULL: anything. */
const struct gate_names *gate_path_words(const struct gate_path *path);

struct gate_value gate_path_get(const struct gate_path *path, const struct findings *f);
/* Why it is absent: a clause. */
const char *gate_path_why_absent(const struct gate_path *path);
/* Absent means that nothing of the kind happened: in a mean it is 0. */
bool gate_path_else_zero(const struct gate_path *path);
/* A text, or true or false: there is no mean of it, and no change. */
bool gate_path_is_number(const struct gate_path *path);
