// SPDX-License-Identifier: BSD-2-Clause
/*
 * The line of an address, out of .debug_line. libdw would read all lines of a unit into memory and sort
 * them: of a big binary that is more than there is. Here a unit's program is run through once, to note
 * where it stands now and then; after that only the part with the address is run. What is not
 * understood (compressed, instruction bundles, new forms) is left to libdw.
 */
#include "sym/line_program.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define SPAN_ROWS 256
#define SPANS_MAX 1000000u
#define BACK_MAX  32 /* spans before an address that are looked at */

struct row {
	uint64_t address;
	uint64_t file;
	uint32_t line;
};

/* A part of one sequence: from where its program is at `at`, having given `first`. */
struct span {
	uint64_t low, high;
	struct row first;
	const uint8_t *at;
};

struct lines {
	struct program program;
	VEC(struct span) spans;
};

struct machine {
	const struct program *program;
	struct reader ops;
	struct row now;
};

/* One row, or the end of a sequence. */
enum event { EVENT_NONE, EVENT_ROW, EVENT_END };

static enum event run_extended(struct machine *m)
{
	uint64_t length = line_leb(&m->ops, false);
	struct reader body = m->ops;
	uint8_t op;

	if (!line_take(&m->ops, length) || !length)
		return EVENT_NONE;
	body.end = m->ops.at;
	op = (uint8_t)line_number(&body, 1);
	if (op == DW_LNE_set_address)
		m->now.address = line_number(&body, length == 5 ? 4 : 8);
	return op == DW_LNE_end_sequence ? EVENT_END : EVENT_NONE;
}

static void advance(struct machine *m, uint64_t by)
{
	m->now.address += by * m->program->step;
}

static enum event run_standard(struct machine *m, uint8_t op)
{
	const struct program *p = m->program;

	switch (op) {
	case DW_LNS_copy:
		return EVENT_ROW;
	case DW_LNS_advance_pc:
		advance(m, line_leb(&m->ops, false));
		break;
	case DW_LNS_advance_line:
		m->now.line += (uint32_t)line_leb(&m->ops, true);
		break;
	case DW_LNS_set_file:
		m->now.file = line_leb(&m->ops, false);
		break;
	case DW_LNS_const_add_pc:
		advance(m, (255 - p->opcode_base) / p->line_range);
		break;
	case DW_LNS_fixed_advance_pc:
		m->now.address += line_number(&m->ops, 2);
		break;
	default:
		for (unsigned i = p->lengths[op - 1]; i; i--)
			line_leb(&m->ops, false);
		break;
	}
	return EVENT_NONE;
}

static enum event run_one(struct machine *m)
{
	const struct program *p = m->program;
	uint8_t op = (uint8_t)line_number(&m->ops, 1);

	if (op >= p->opcode_base) {
		op -= p->opcode_base;
		advance(m, op / p->line_range);
		m->now.line += (uint32_t)(p->line_base + (int)(op % p->line_range));
		return EVENT_ROW;
	}
	return op ? run_standard(m, op) : run_extended(m);
}

static const struct row first_row = { .file = 1, .line = 1 };

static void close_span(struct lines *l, struct span *open, uint64_t high)
{
	open->high = high;
	/* what the linker has thrown away begins at 0 */
	if (open->low && open->low < high && l->spans.n < SPANS_MAX)
		*vec_add(&l->spans) = *open;
}

static int by_address(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void find_spans(struct lines *l)
{
	struct machine m = { &l->program, l->program.ops, first_row };
	struct span open = { .low = 0 };
	unsigned rows = 0; /* of the sequence; none: open is not */
	bool dead = false;

	while (m.ops.at < m.ops.end) {
		enum event event = run_one(&m);

		if (event == EVENT_ROW && (!rows++ || rows % SPAN_ROWS == 0)) {
			if (rows == 1)
				dead = !m.now.address;
			else if (!dead)
				close_span(l, &open, m.now.address);
			open = (struct span){ m.now.address, 0, m.now, m.ops.at };
		} else if (event == EVENT_END) {
			if (rows && !dead)
				close_span(l, &open, m.now.address);
			rows = 0;
			m.now = first_row;
		}
	}
	if (l->spans.n)
		qsort(l->spans.items, l->spans.n, sizeof(*l->spans.items), by_address);
}

/* The last row at or before the address, before one that is behind it. */
static bool find_in_span(const struct lines *l, const struct span *span, uint64_t address,
			 struct row *ret)
{
	struct machine m = { &l->program, l->program.ops, span->first };
	enum event event = EVENT_ROW;

	*ret = m.now;
	m.ops.at = span->at;
	while (m.ops.at < m.ops.end && event != EVENT_END) {
		event = run_one(&m);
		if (event == EVENT_NONE)
			continue;
		if (m.now.address > address)
			return ret->address <= address;
		*ret = m.now;
	}
	return false;
}

static bool find_row(const struct lines *l, uint64_t address, struct row *ret)
{
	size_t low = 0, high = l->spans.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->spans.items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < BACK_MAX; i--) {
		const struct span *span = &l->spans.items[i - 1];

		if (address < span->high && find_in_span(l, span, address, ret))
			return true;
	}
	return false;
}

bool lines_find(struct object *o, Dwarf_Die *unit, struct lines **kept, uint64_t address,
		struct place_frame *frame)
{
	struct row row;

	if (!*kept) {
		*kept = calloc(1, sizeof(**kept));
		if (*kept && line_program_of(o, unit, &(*kept)->program))
			find_spans(*kept);
	}
	if (!*kept || !find_row(*kept, address, &row))
		return false;
	if (!line_set_file(o, unit, &(*kept)->program, row.file, frame->file))
		return false;
	frame->line = row.line;
	return true;
}

void lines_free(struct lines *l)
{
	if (l)
		free(l->spans.items);
	free(l);
}
