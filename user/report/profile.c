// SPDX-License-Identifier: BSD-2-Clause
#include "report/profile.h"

#include <string.h>

#include "base/escape.h"
#include "report/frames.h"

enum { MAPPING_ID = 1, MAPPING_FILE_NAME = 5, MAPPING_HAS_FUNCTIONS = 7, MAPPING_HAS_INLINE = 10 };
enum { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_FILE = 4 };

#define NAME_ROOM 1024

/* Protocol buffers' strings are UTF-8, and readers show them as they are. */
uint64_t profile_string(struct profile *p, const char *text)
{
	char shown[NAME_ROOM];
	size_t known = p->strings.list.n, n, number;

	escape_text(shown, sizeof(shown), text, 0, true);
	n = strlen(shown);
	number = intern(&p->strings, shown, n);
	if (number == known)
		proto_element(&p->out, PROFILE_STRING, shown, n);
	return number;
}

/* Writes a row of a table, if it is new. */
static void put_row(struct profile *p, unsigned int table, struct proto *row)
{
	proto_element(&p->out, table, row->items, row->n);
	free(row->items);
}

/* No addresses are known. The flags say that there is nothing left to look up by them. */
static uint64_t mapping_of(struct profile *p, const char *object)
{
	uint64_t name = profile_string(p, object);
	size_t known = p->mappings.list.n;
	size_t number = intern(&p->mappings, &name, sizeof(name));
	struct proto row = { 0 };

	if (number == known) {
		proto_u64(&row, MAPPING_ID, number + 1);
		proto_u64(&row, MAPPING_FILE_NAME, name);
		for (unsigned int has = MAPPING_HAS_FUNCTIONS; has <= MAPPING_HAS_INLINE; has++)
			proto_u64(&row, has, 1);
		put_row(p, PROFILE_MAPPING, &row);
	}
	return number + 1;
}

/* Without a system_name: if it is the same, pprof takes the name for mangled, and shortens it. */
static uint64_t function_of(struct profile *p, const char *name, const char *file)
{
	uint64_t key[] = { profile_string(p, name), profile_string(p, file) };
	size_t known = p->functions.list.n;
	size_t number = intern(&p->functions, key, sizeof(key));
	struct proto row = { 0 };

	if (number == known) {
		proto_u64(&row, FUNCTION_ID, number + 1);
		proto_u64(&row, FUNCTION_NAME, key[0]);
		proto_u64(&row, FUNCTION_FILE, key[1]);
		put_row(p, PROFILE_FUNCTION, &row);
	}
	return number + 1;
}

struct line {
	uint64_t function, line;
};

static void put_line(struct proto *row, const struct line *line)
{
	struct proto p = { 0 };

	proto_u64(&p, LINE_FUNCTION, line->function);
	proto_u64(&p, LINE_LINE, line->line);
	proto_element(row, LOCATION_LINE, p.items, p.n);
	free(p.items);
}

/* lines[0].line is the mapping, and counts for no line: those follow. */
static uint64_t location_of(struct profile *p, const struct line *key, size_t n)
{
	size_t known = p->locations.list.n;
	size_t number = intern(&p->locations, key, n * sizeof(*key));
	struct proto row = { 0 };

	if (number == known) {
		proto_u64(&row, LOCATION_ID, number + 1);
		proto_u64(&row, LOCATION_MAPPING, key[0].line);
		for (size_t i = 1; i < n; i++)
			put_line(&row, &key[i]);
		put_row(p, PROFILE_LOCATION, &row);
	}
	return number + 1;
}

uint64_t profile_pseudo_location(struct profile *p, const char *name)
{
	struct line key[2] = { { 0, 0 }, { function_of(p, name, ""), 0 } };

	return location_of(p, key, 2);
}

size_t profile_locations(struct profile *p, const struct model *m, const struct stack *s,
			 uint64_t *ret)
{
	struct line key[STACK_MAX + 1] = { { 0, 0 } };
	size_t n = 0, lines = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct frame *f = &m->frames[s->frames[i]];
		char name[FRAME_TEXT_SIZE];

		frame_name(name, sizeof(name), f);
		key[++lines] = (struct line){ function_of(p, name, f->file), f->line };
		if (f->flags & FRAME_INLINED && i + 1 < s->n)
			continue;
		key[0].line = f->object[0] ? mapping_of(p, f->object) : 0;
		ret[n++] = location_of(p, key, lines + 1);
		lines = 0;
	}
	return n;
}

/* String 0 is the empty one, and the first mapping is taken for the program. */
void profile_start(struct profile *p, const char *executable)
{
	profile_string(p, "");
	if (executable)
		mapping_of(p, executable);
}

void profile_free(struct profile *p)
{
	intern_free(&p->strings);
	intern_free(&p->mappings);
	intern_free(&p->functions);
	intern_free(&p->locations);
	free(p->out.items);
}
