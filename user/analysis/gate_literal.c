// SPDX-License-Identifier: BSD-2-Clause
/* Numbers with their units, texts, words; and what each can be compared with. */
#include "analysis/gate_literal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 1e19L /* more than any 64-bit integer */

static const struct unit {
	const char *name;
	enum gate_literal_kind kind;
	long double factor;
} units[] = {
	{ "ns", LITERAL_TIME, 1 },
	{ "us", LITERAL_TIME, 1e3L },
	{ "\u00b5s", LITERAL_TIME, 1e3L }, /* the sign on keyboards, ... */
	{ "\u03bcs", LITERAL_TIME, 1e3L }, /* ... and the Greek letter */
	{ "ms", LITERAL_TIME, 1e6L },
	{ "s", LITERAL_TIME, 1e9L },
	{ "m", LITERAL_TIME, 60e9L },
	{ "h", LITERAL_TIME, 3600e9L },
	{ "B", LITERAL_BYTES, 1 },
	{ "KiB", LITERAL_BYTES, 1024 },
	{ "MiB", LITERAL_BYTES, 1024 * 1024 },
	{ "GiB", LITERAL_BYTES, 1024 * 1024 * 1024 },
	{ "%", LITERAL_PERCENT, 1 },
};

/* Letters, the signs above included; or the percent sign. */
static size_t unit_length(const char *s)
{
	size_t n = 0;

	if (*s == '%')
		return 1;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] & 0x80)
		n++;
	return n;
}

static const struct unit *find_unit(const char *s)
{
	size_t n = unit_length(s);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strlen(units[i].name) == n && !strncmp(units[i].name, s, n))
			return &units[i];
	}
	return NULL;
}

/* A blank may stand before it: "20 %"; any other word behind a blank is no unit. */
static int parse_unit(struct gate_parser *p, const struct unit **ret)
{
	const char *after = p->at + strspn(p->at, " \t\n\r");

	*ret = find_unit(after);
	if (*ret) {
		p->at = after + unit_length(after);
		return 0;
	}
	if (after == p->at && unit_length(after))
		return gate_fail(p, after,
				 "there is no unit '%.*s'; the units are ns us ms s m h, "
				 "B KiB MiB GiB, and %%",
				 unit_length(after) < 32 ? (int)unit_length(after) : 32, after);
	return 0;
}

/* Multiplied by its unit before it is divided, so that 0.3ms is a whole number. */
static int parse_number(struct gate_parser *p, struct gate_literal *ret)
{
	const char *begin = p->at;
	long double digits = 0, divisor = 1;
	const struct unit *unit;
	bool any = false, point = false;

	for (; isdigit((unsigned char)*p->at) || (*p->at == '.' && !point); p->at++) {
		if (*p->at == '.') {
			point = true;
			continue;
		}
		any = true;
		digits = digits * 10 + (*p->at - '0');
		divisor *= point ? 10 : 1;
		if (digits > NUMBER_MAX || divisor > NUMBER_MAX)
			return gate_fail(p, begin, "a number with too many digits");
	}
	if (!any)
		return gate_fail(p, begin, "expected a number, found '.'");
	if (parse_unit(p, &unit))
		return -EINVAL;
	ret->kind = unit ? unit->kind : LITERAL_NUMBER;
	ret->number = digits * (unit ? unit->factor : 1) / divisor;
	if (ret->number > NUMBER_MAX)
		return gate_fail(p, begin, "the number is too large");
	return 0;
}

static int parse_string(struct gate_parser *p, struct gate_literal *ret)
{
	const char *begin = p->at++;

	ret->kind = LITERAL_STRING;
	ret->text = p->at;
	ret->length = strcspn(p->at, *begin == '"' ? "\"" : "'");
	p->at += ret->length;
	if (!*p->at)
		return gate_fail(p, begin, "a text without its closing %c", *begin);
	p->at++;
	return 0;
}

static int parse_word(struct gate_parser *p, struct gate_literal *ret)
{
	static const struct {
		const char *word;
		struct gate_literal literal;
	} words[] = {
		{ "true", { .kind = LITERAL_FLAG, .number = 1 } },
		{ "false", { .kind = LITERAL_FLAG, .number = 0 } },
		{ "null", { .kind = LITERAL_NULL } },
	};
	char found[GATE_FOUND_SIZE];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!gate_take_word(p, words[i].word))
			continue;
		*ret = words[i].literal;
		return 0;
	}
	return gate_fail(p, p->at, "expected a number, or a text in quotes; %s",
			 gate_found(p->at, found));
}

static int parse_negative(struct gate_parser *p, struct gate_literal *ret)
{
	int error;

	p->at++;
	if (!isdigit((unsigned char)*p->at) && *p->at != '.')
		return gate_fail(p, p->at, "expected a number behind '-'");
	error = parse_number(p, ret);
	ret->number = -ret->number;
	return error;
}

int gate_parse_literal(struct gate_parser *p, enum gate_side side, struct gate_literal *ret)
{
	if (*p->at == '"' || *p->at == '\'')
		return parse_string(p, ret);
	if (isdigit((unsigned char)*p->at) || *p->at == '.')
		return parse_number(p, ret);
	if (*p->at == '-' && side == SIDE_CHANGE)
		return parse_negative(p, ret);
	if (*p->at == '-')
		return gate_fail(p, p->at, "nothing in a report is below zero");
	return parse_word(p, ret);
}

#define KIND(kind) (1u << (kind))

static const struct {
	const char *what, *with;
	const char *change; /* what its change is compared with, beside a percentage */
	unsigned int kinds;
	bool in_order, zero; /* has it an order; is 0 plain enough */
} types[] = {
	[GATE_TIME] = { "a time", "5ms or 20%", "5ms", KIND(LITERAL_TIME) | KIND(LITERAL_PERCENT),
			true, true },
	[GATE_COUNT] = { "a count", "a plain number, such as 3", "a plain number",
			 KIND(LITERAL_NUMBER), true, true },
	[GATE_SHARE] = { "a share", "20% or 0.2", "0.05",
			 KIND(LITERAL_NUMBER) | KIND(LITERAL_PERCENT), true, true },
	[GATE_MEAN] = { "a number", "a plain one, such as 1.5", "a plain number",
			KIND(LITERAL_NUMBER), true, true },
	[GATE_BYTES] = { "a size", "64MiB", "1MiB", KIND(LITERAL_BYTES), true, true },
	[GATE_WORD] = { "a text", "one in quotes", NULL, KIND(LITERAL_STRING), false, false },
	[GATE_FLAG] = { "true or false", "one of these", NULL, KIND(LITERAL_FLAG), false, false },
};

int gate_check_types(struct gate_parser *p, const struct gate_node *node, const char *sign,
		     const char *value)
{
	enum gate_type type = gate_path_type(&node->path);
	const struct gate_literal *literal = &node->literal;
	bool equality = node->compare == GATE_EQ || node->compare == GATE_NE;
	char name[GATE_PATH_SIZE];

	gate_path_name(&node->path, name);
	if (!equality && (!types[type].in_order || literal->kind == LITERAL_NULL))
		return gate_fail(p, sign, "%s has no order: compare it with == or !=",
				 literal->kind == LITERAL_NULL ? "null" : name);
	if (literal->kind == LITERAL_NULL || types[type].kinds & KIND(literal->kind))
		return 0;
	if (node->path.side == SIDE_CHANGE && literal->kind == LITERAL_PERCENT)
		return 0;
	if (types[type].zero && literal->kind == LITERAL_NUMBER && literal->number == 0)
		return 0;
	if (node->path.side == SIDE_CHANGE)
		return gate_fail(p, value,
				 "%s is the change of %s: compare it with 5%% of the base, or with "
				 "%s",
				 name, types[type].what, types[type].change);
	return gate_fail(p, value, "%s is %s: compare it with %s", name, types[type].what,
			 types[type].with);
}
