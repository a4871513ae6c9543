// SPDX-License-Identifier: BSD-2-Clause
/* The text of a gate to its tree, by recursive descent; the grammar is in docs/gates.md. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/gate_literal.h"
#include "base/nearest.h"

#define BLANKS " \t\n\r"

/* Each of these returns a node, or -EINVAL. */
static int parse_or(struct gate_parser *p);

int gate_fail(struct gate_parser *p, const char *at, const char *fmt, ...)
{
	char words[320];
	size_t column = 1;
	va_list ap;

	for (const char *s = p->text; s < at; s++)
		column += ((unsigned char)*s & 0xc0) != 0x80; /* a character of UTF-8 begins */
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(p->err, -EINVAL, "at column %zu: %s", column, words);
}

void gate_skip_blanks(struct gate_parser *p)
{
	p->at += strspn(p->at, BLANKS);
}

/* What is not ASCII is no part of any name; but so it is shown whole. */
static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c & 0x80;
}

size_t gate_word_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 0;
	while (is_letter(s[n]))
		n++;
	return n;
}

char *gate_found(const char *at, char *buf)
{
	size_t n;

	at += strspn(at, BLANKS);
	n = gate_word_length(at);
	if (!n)
		n = strcspn(at, BLANKS);
	if (!n)
		snprintf(buf, GATE_FOUND_SIZE, "found the end");
	else
		snprintf(buf, GATE_FOUND_SIZE, "found '%.*s'", n < 32 ? (int)n : 32, at);
	return buf;
}

bool gate_take_word(struct gate_parser *p, const char *word)
{
	size_t n;

	gate_skip_blanks(p);
	n = gate_word_length(p->at);
	if (n != strlen(word) || strncmp(p->at, word, n))
		return false;
	p->at += n;
	return true;
}

static int add_node(struct gate_parser *p, const char *at, struct gate_node node)
{
	if (p->gates->n_nodes == GATE_NODES)
		return gate_fail(p, at, "too much: %d comparisons and operators are all",
				 GATE_NODES);
	p->gates->nodes[p->gates->n_nodes] = node;
	return (int)p->gates->n_nodes++;
}

/* --- a comparison ---------------------------------------------------------------- */

/* The length of the next piece of a path; 0: it ends here; -EINVAL. */
static int path_piece(struct gate_parser *p, const char *begin)
{
	const char *s = p->at;
	char found[GATE_FOUND_SIZE];
	size_t n;

	if (*s == '.') {
		n = gate_word_length(s + 1);
		if (n)
			return (int)n + 1;
		return gate_fail(p, s + 1, "expected a name behind the dot, %s",
				 gate_found(s + 1, found));
	}
	if (*s != '[')
		return s == begin ? (int)gate_word_length(s) : 0;
	if (s[1] != '"' && s[1] != '\'')
		return gate_fail(p, s + 1, "expected a name in quotes, as in [\"io.disk\"], %s",
				 gate_found(s + 1, found));
	n = strcspn(s + 2, s[1] == '"' ? "\"" : "'");
	if (!s[2 + n] || s[3 + n] != ']')
		return gate_fail(p, s, "'[' without its end, as in [\"io.disk\"]");
	return (int)n + 4;
}

/* With ", whatever the quotes were. */
static void append(char *name, const char *piece, size_t n)
{
	size_t length = strlen(name), room = GATE_PATH_SIZE - 1 - length;

	memcpy(name + length, piece, n < room ? n : room);
	name[length + (n < room ? n : room)] = '\0';
	if (*piece == '[' && n < room)
		name[length + 1] = name[length + n - 2] = '"';
}

static bool is_reserved(const char *s, size_t n)
{
	static const char *const words[] = { "and", "or", "not", "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (n == strlen(words[i]) && !strncmp(s, words[i], n))
			return true;
	}
	return false;
}

/* What a name that leads nowhere may have been meant for: `rest` is the same without its side. */
static int fail_nearest(struct gate_parser *p, const char *begin, const char *name,
			const char *rest, enum gate_side side)
{
	char nearest[GATE_PATH_SIZE];

	return gate_fail(p, begin, "there is no path '%s'; the nearest is %s", name,
			 gate_path_nearest(nearest, rest, side));
}

static int find_in_run(struct gate_parser *p, const char *begin, const char *name,
		       struct gate_path *ret)
{
	const char *rest = name;

	if (gate_path_find(ret, name))
		return 0;
	if (gate_side_take(&rest) != SIDE_NONE && gate_path_find(ret, rest))
		return gate_fail(p, begin,
				 "'%s' is of a comparison, which concprof diff makes; of one run "
				 "it is %s",
				 name, rest);
	return fail_nearest(p, begin, name, name, SIDE_NONE);
}

static int find_in_diff(struct gate_parser *p, const char *begin, const char *name,
			struct gate_path *ret)
{
	const char *rest = name;
	enum gate_side side = gate_side_take(&rest);
	bool is_path = gate_path_find(ret, rest);

	if (is_path && side == SIDE_NONE)
		return gate_fail(p, begin,
				 "'%s' is of one run; in a comparison write base.%s, head.%s or "
				 "change.%s",
				 name, name, name, name);
	if (!is_path && side == SIDE_NONE)
		side = gate_side_nearest(&rest);
	if (!is_path)
		return fail_nearest(p, begin, name, rest, side);
	if (side == SIDE_CHANGE && !gate_path_is_number(ret))
		return gate_fail(p, begin,
				 "%s is no number and has no change; compare base.%s and head.%s",
				 rest, rest, rest);
	ret->side = side;
	return 0;
}

static int parse_path(struct gate_parser *p, struct gate_path *ret)
{
	const char *begin = p->at;
	char name[GATE_PATH_SIZE] = "", found[GATE_FOUND_SIZE];
	size_t first = gate_word_length(begin);
	int n;

	if (!first || is_reserved(begin, first))
		return gate_fail(p, begin, "expected a path, such as %s, %s",
				 p->gates->of_diff ? "change.wall" : "wall.lock",
				 gate_found(begin, found));
	while ((n = path_piece(p, begin)) > 0) {
		append(name, p->at, n);
		p->at += n;
	}
	if (n < 0)
		return n;
	return (p->gates->of_diff ? find_in_diff : find_in_run)(p, begin, name, ret);
}

static int parse_operator(struct gate_parser *p, enum gate_compare *ret)
{
	static const struct {
		const char *sign;
		enum gate_compare compare;
	} signs[] = { { "==", GATE_EQ }, { "!=", GATE_NE }, { "<=", GATE_LE },
		      { ">=", GATE_GE }, { "<", GATE_LT },  { ">", GATE_GT } };
	char found[GATE_FOUND_SIZE];

	gate_skip_blanks(p);
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		size_t n = strlen(signs[i].sign);

		if (strncmp(p->at, signs[i].sign, n))
			continue;
		*ret = signs[i].compare;
		p->at += n;
		return 0;
	}
	return gate_fail(p, p->at, "expected one of == != < <= > >=, %s", gate_found(p->at, found));
}

/* A word that this text can never be would make a gate that never holds. */
static int check_word(struct gate_parser *p, const char *at, const struct gate_node *node)
{
	const struct gate_names *words = gate_path_words(&node->path);
	char text[GATE_PATH_SIZE], path[GATE_PATH_SIZE];
	const char *best = NULL;
	size_t least = SIZE_MAX;

	if (!words || node->literal.kind != LITERAL_STRING)
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)node->literal.length, node->literal.text);
	for (unsigned int i = 0; i < words->n; i++) {
		const char *word = words->name(i);
		size_t d = word ? edit_distance(word, text) : SIZE_MAX;

		if (d < least) {
			least = d;
			best = word;
		}
	}
	if (!least)
		return 0;
	return gate_fail(p, at, "%s is never '%s'; the nearest is \"%s\"",
			 gate_path_name(&node->path, path), text, best);
}

static int parse_comparison(struct gate_parser *p)
{
	struct gate_node node = { .op = GATE_COMPARE };
	const char *begin = p->at, *sign, *value;
	int error = parse_path(p, &node.path);

	if (error)
		return error;
	gate_skip_blanks(p);
	sign = p->at;
	error = parse_operator(p, &node.compare);
	if (error)
		return error;
	gate_skip_blanks(p);
	value = p->at;
	error = gate_parse_literal(p, node.path.side, &node.literal);
	if (!error)
		error = gate_check_types(p, &node, sign, value);
	if (!error)
		error = check_word(p, value, &node);
	return error ? error : add_node(p, begin, node);
}

/* --- what joins comparisons ------------------------------------------------------ */

static int parse_group(struct gate_parser *p)
{
	char found[GATE_FOUND_SIZE];
	int inner;

	p->at++;
	inner = parse_or(p);
	if (inner < 0)
		return inner;
	gate_skip_blanks(p);
	if (*p->at != ')')
		return gate_fail(p, p->at, "expected ')', 'and' or 'or'; %s",
				 gate_found(p->at, found));
	p->at++;
	return inner;
}

static int parse_not(struct gate_parser *p)
{
	const char *begin;
	int inner;

	gate_skip_blanks(p);
	begin = p->at;
	if (p->depth == GATE_DEPTH)
		return gate_fail(p, begin, "too deep: at most %d ( and not inside one another",
				 GATE_DEPTH);
	if (*begin == '(') {
		p->depth++;
		inner = parse_group(p);
		p->depth--;
		return inner;
	}
	if (!gate_take_word(p, "not"))
		return parse_comparison(p);
	p->depth++;
	inner = parse_not(p);
	p->depth--;
	if (inner < 0)
		return inner;
	return add_node(p, begin, (struct gate_node){ .op = GATE_NOT, .left = inner });
}

/* Operands of one operator, from left to right. */
static int parse_chain(struct gate_parser *p, const char *word, enum gate_op op,
		       int (*operand)(struct gate_parser *p))
{
	int left = operand(p);

	while (left >= 0 && gate_take_word(p, word)) {
		const char *begin = p->at;
		int right = operand(p);

		if (right < 0)
			return right;
		left = add_node(p, begin,
				(struct gate_node){ .op = op, .left = left, .right = right });
	}
	return left;
}

static int parse_and(struct gate_parser *p)
{
	return parse_chain(p, "and", GATE_AND, parse_not);
}

static int parse_or(struct gate_parser *p)
{
	return parse_chain(p, "or", GATE_OR, parse_and);
}

static int parse_all(struct gate_parser *p)
{
	char found[GATE_FOUND_SIZE];
	int root;

	if (strlen(p->text) > GATE_LENGTH)
		return err_set(p->err, -EINVAL, "it is longer than %d characters", GATE_LENGTH);
	root = parse_or(p);
	if (root < 0)
		return root;
	gate_skip_blanks(p);
	if (*p->at)
		return gate_fail(p, p->at, "expected 'and', 'or' or the end; %s",
				 gate_found(p->at, found));
	return root;
}

int gates_add(struct gates *g, const char *text, struct err *err)
{
	struct gate_parser p = { .gates = g, .text = text, .at = text, .err = err };
	size_t before = g->n_nodes;
	int root;

	if (g->n == GATES_MAX)
		return err_set(err, -EINVAL, "there are too many: %d are all", GATES_MAX);
	root = parse_all(&p);
	if (root < 0) {
		g->n_nodes = before;
		return root;
	}
	g->list[g->n].text = text;
	g->list[g->n++].root = root;
	return 0;
}
