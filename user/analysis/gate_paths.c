// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/gate_rows.h"

#include <stdio.h>
#include <string.h>

bool gate_path_next(struct gate_path *at)
{
	const struct gate_row *end = gate_rows + n_gate_rows;

	if (at->row)
		at->key++;
	else
		*at = (struct gate_path){ .row = gate_rows, .side = at->side };
	for (; at->row < end; *at = (struct gate_path){ .row = at->row + 1, .side = at->side }) {
		const struct gate_names *names = at->row->names;

		while (names && at->key < names->n && !names->name(at->key))
			at->key++;
		if (at->key < (names ? names->n : 1))
			return true;
	}
	return false;
}

enum gate_type gate_path_type(const struct gate_path *path)
{
	return path->row->type;
}

const struct gate_names *gate_path_words(const struct gate_path *path)
{
	return path->row->words;
}

const char *gate_path_why_absent(const struct gate_path *path)
{
	return path->row->why_absent ? path->row->why_absent : "it is not known";
}

bool gate_path_else_zero(const struct gate_path *path)
{
	return path->row->else_zero;
}

bool gate_path_is_number(const struct gate_path *path)
{
	return path->row->type != GATE_WORD && path->row->type != GATE_FLAG;
}

static const char *const sides[] = {
	[SIDE_NONE] = "",
	[SIDE_BASE] = "base.",
	[SIDE_HEAD] = "head.",
	[SIDE_CHANGE] = "change.",
};

enum gate_side gate_side_take(const char **name)
{
	for (enum gate_side side = SIDE_BASE; side <= SIDE_CHANGE; side++) {
		size_t n = strlen(sides[side]);

		if (strncmp(*name, sides[side], n))
			continue;
		*name += n;
		return side;
	}
	return SIDE_NONE;
}

/* What stands for the hole in the pattern. */
static const char *name_in(const struct gate_path *path)
{
	if (path->row->of_lock)
		return path->lock[0] ? path->lock : "NAME";
	return path->row->names->name(path->key);
}

/* Before and behind the name in the pattern. */
char *gate_path_name(const struct gate_path *path, char *buf)
{
	const char *pattern = path->row->pattern, *hole = strstr(pattern, "%s");

	if (hole)
		snprintf(buf, GATE_PATH_SIZE, "%s%.*s%s%s", sides[path->side],
			 (int)(hole - pattern), pattern, name_in(path), hole + 2);
	else
		snprintf(buf, GATE_PATH_SIZE, "%s%s", sides[path->side], pattern);
	return buf;
}

bool gate_path_take_lock(struct gate_path *path, const char *name)
{
	const char *pattern = path->row->pattern, *hole = strstr(pattern, "%s");
	size_t all = strlen(name), before, behind, length;

	if (!path->row->of_lock)
		return false;
	before = hole - pattern;
	behind = strlen(hole + 2);
	if (all <= before + behind || strncmp(name, pattern, before) ||
	    strcmp(name + all - behind, hole + 2))
		return false;
	length = all - before - behind;
	if (length >= GATE_LOCK_SIZE || memchr(name + before, '"', length))
		return false;
	memcpy(path->lock, name + before, length);
	path->lock[length] = '\0';
	return true;
}

/* What lies at an address. */
static struct gate_value load(const struct gate_row *row, const char *at)
{
	const char *text;
	uint64_t n = 0;
	double x;

	switch (row->type) {
	case GATE_WORD:
		memcpy(&text, at, sizeof(text));
		return (struct gate_value){ .got = text ? GOT_VALUE : GOT_ABSENT, .word = text };
	case GATE_SHARE:
	case GATE_MEAN:
		memcpy(&x, at, sizeof(x));
		return gate_number(x);
	default:
		memcpy(&n, at, row->size); /* little-endian: the low bytes come first */
		return gate_number(n);
	}
}

struct gate_value gate_path_get(const struct gate_path *path, const struct findings *f)
{
	const struct gate_row *row = path->row;
	const char *base = row->in_model ? (const char *)f->model : (const char *)f;

	if (row->is_there && !row->is_there(f, path->key))
		return (struct gate_value){ .got = GOT_ABSENT };
	if (row->get)
		return row->get(f, path->key);
	if (row->of_lock) {
		struct lock_sum sum = lock_sum_of(f, path->lock);

		return load(row, (const char *)&sum + row->at);
	}
	return load(row, base + row->at + (size_t)row->step * path->key);
}
