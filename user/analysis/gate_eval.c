// SPDX-License-Identifier: BSD-2-Clause
/* What conditions come to. A comparison holds, does not, or cannot be made; `and` and `or`
 * need only as many of theirs as decide. */
#include "analysis/gate_eval.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/memory.h"
#include "base/units.h"

/* --- comparing ------------------------------------------------------------------- */

/* The number that the JSON shows: what a reader sees and copies is what is compared. */
static double as_shown(long double x)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", (double)x);
	return strtod(text, NULL);
}

int gate_order(enum gate_type type, long double a, long double b)
{
	if (type == GATE_SHARE || type == GATE_MEAN) {
		a = as_shown(a);
		b = (double)b;
	}
	return (a > b) - (a < b);
}

bool gate_is_text(const struct gate_literal *l, const char *text)
{
	return strlen(text) == l->length && !strncmp(text, l->text, l->length);
}

static int order_value(const struct gate_value *v, enum gate_type type,
		       const struct gate_literal *l, long double wall_ns)
{
	bool percent = l->kind == LITERAL_PERCENT;

	if (type == GATE_WORD)
		return !gate_is_text(l, v->word);
	if (type == GATE_FLAG)
		return gate_order(type, v->number != 0, l->number);
	if (type == GATE_SHARE)
		return gate_order(type, v->number, percent ? l->number / 100 : l->number);
	if (percent)
		return gate_order(type, v->number * 100, l->number * wall_ns);
	return gate_order(type, v->number, l->number);
}

static enum gate_holds is(bool it)
{
	return it ? GATE_YES : GATE_NO;
}

static bool meets(enum gate_compare compare, int sign)
{
	switch (compare) {
	case GATE_EQ:
		return sign == 0;
	case GATE_NE:
		return sign != 0;
	case GATE_LT:
		return sign < 0;
	case GATE_LE:
		return sign <= 0;
	case GATE_GT:
		return sign > 0;
	default:
		return sign >= 0;
	}
}

enum gate_holds gate_compare_sign(const struct gate_node *n, int sign)
{
	return is(meets(n->compare, sign));
}

enum gate_holds gate_compare_value(const struct gate_node *n, const struct gate_value *v,
				   long double wall_ns)
{
	return gate_compare_sign(n, order_value(v, gate_path_type(&n->path), &n->literal, wall_ns));
}

/* --- the tree -------------------------------------------------------------------- */

struct judge {
	const struct gates *gates;
	const struct gate_subject *subject;
	char *why; /* of the first comparison that cannot be made */
};

static enum gate_holds judge_comparison(struct judge *j, const struct gate_node *n)
{
	char *why = NULL;
	enum gate_holds ret = j->subject->compare(j->subject->of, n, &why);

	if (j->why)
		free(why);
	else
		j->why = why;
	return ret;
}

/* `decides`: the one that settles it, whatever the other is. */
static enum gate_holds join(enum gate_holds a, enum gate_holds b, enum gate_holds decides)
{
	if (a == decides || b == decides)
		return decides;
	return a == GATE_ERROR ? a : b;
}

static enum gate_holds judge_node(struct judge *j, unsigned int node)
{
	const struct gate_node *n = &j->gates->nodes[node];
	enum gate_holds left;

	if (n->op == GATE_COMPARE)
		return judge_comparison(j, n);
	left = judge_node(j, n->left);
	if (n->op == GATE_NOT)
		return left == GATE_ERROR ? left : is(left == GATE_NO);
	return join(left, judge_node(j, n->right), n->op == GATE_AND ? GATE_NO : GATE_YES);
}

/* --- what was measured ----------------------------------------------------------- */

/* More digits than elsewhere: it may be a near miss. */
static char *percent(char *buf, double share)
{
	if (share >= 0.001 && share < 0.999)
		snprintf(buf, UNITS_SIZE, "%.3g %%", share * 100);
	else
		units_percent(buf, share);
	return buf;
}

static void put_time(FILE *to, const struct gate_path *path, long double ns, long double wall_ns)
{
	char time[UNITS_SIZE], share[UNITS_SIZE], buf[GATE_PATH_SIZE];
	const char *name = gate_path_name(path, buf);

	(void)gate_side_take(&name);
	fputs(units_ns(time, (uint64_t)ns, true), to);
	if (wall_ns > 0 && strcmp(name, "wall"))
		fprintf(to, " (%s of the wall time)", percent(share, (double)(ns / wall_ns)));
}

/* A mean of counts may be none. */
static void put_count(FILE *to, long double n)
{
	if (n == floorl(n))
		fprintf(to, "%" PRIu64, (uint64_t)n);
	else
		fprintf(to, "%.6g", (double)n);
}

void gate_tell_value(FILE *to, const struct gate_path *path, const struct gate_value *v,
		     long double wall_ns)
{
	char buf[UNITS_SIZE];

	if (v->got != GOT_VALUE) {
		fputs(v->got == GOT_NULL ? "null" : "absent", to);
		return;
	}
	switch (gate_path_type(path)) {
	case GATE_TIME:
		put_time(to, path, v->number, wall_ns);
		break;
	case GATE_COUNT:
		put_count(to, v->number);
		break;
	case GATE_SHARE:
		fputs(percent(buf, (double)v->number), to);
		break;
	case GATE_MEAN:
		fprintf(to, "%.6g", (double)v->number);
		break;
	case GATE_BYTES:
		fputs(units_bytes(buf, (uint64_t)v->number), to);
		break;
	case GATE_WORD:
		fputs(v->word, to);
		break;
	case GATE_FLAG:
		fputs(v->number != 0 ? "true" : "false", to);
		break;
	}
}

void gates_name_paths(struct gate_named *to, const struct gates *g, unsigned int node)
{
	const struct gate_node *n = &g->nodes[node];

	if (n->op != GATE_COMPARE) {
		gates_name_paths(to, g, n->left);
		if (n->op != GATE_NOT)
			gates_name_paths(to, g, n->right);
		return;
	}
	for (size_t i = 0; i < to->n; i++) {
		const struct gate_path *path = &to->paths[i];

		if (path->row == n->path.row && path->key == n->path.key &&
		    path->side == n->path.side && !strcmp(path->lock, n->path.lock))
			return;
	}
	if (to->n < GATE_PATHS_TOLD)
		to->paths[to->n++] = n->path;
}

char *gate_words(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return text;
}

/* One value needs no name: it stands in the condition. */
static char *say_measured(const struct gate_named *named, const struct gate_subject *s)
{
	char *text = NULL, name[GATE_PATH_SIZE];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		out_of_memory();
	for (size_t i = 0; i < named->n; i++) {
		if (named->n > 1)
			fprintf(to, "%s%s ", i ? ", " : "", gate_path_name(&named->paths[i], name));
		s->tell(s->of, &named->paths[i], to);
	}
	if (fclose(to))
		out_of_memory();
	return text;
}

struct gate_result *gates_evaluate(const struct gates *g, const struct gate_subject *s)
{
	struct gate_result *results = zeroed(g->n, sizeof(*results));

	for (size_t i = 0; i < g->n; i++) {
		struct judge j = { .gates = g, .subject = s };
		struct gate_result *to = &results[i];
		struct gate_named named = { .n = 0 };

		gates_name_paths(&named, g, g->list[i].root);
		to->expression = gate_words("%s", g->list[i].text);
		to->holds = judge_node(&j, g->list[i].root);
		to->measured = say_measured(&named, s);
		to->reason = s->explain ? s->explain(s->of, &named) : NULL;
		if (to->holds == GATE_ERROR)
			to->error = j.why;
		else
			free(j.why);
	}
	return results;
}

void gate_results_free(struct gate_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(results[i].expression);
		free(results[i].measured);
		free(results[i].error);
	}
	free(results);
}
