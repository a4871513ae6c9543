// SPDX-License-Identifier: BSD-2-Clause
/* What gates come to in one run. A comparison holds, does not, or cannot be made; `and` and
 * `or` need only as many of theirs as decide. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gate_paths.h"
#include "analysis/internal.h"
#include "base/units.h"

struct judge {
	const struct gates *gates;
	const struct findings *f;
	struct gate_path absent; /* the first of those that are; row NULL: none is */
};

/* --- comparing ------------------------------------------------------------------- */

/* The number that the JSON shows: what a reader sees and copies is what is compared. */
static double as_shown(long double x)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", (double)x);
	return strtod(text, NULL);
}

/* Below 0, 0 or above, as strcmp(3). */
static int order(long double a, long double b)
{
	return (a > b) - (a < b);
}

static int order_words(const char *word, const struct gate_literal *l)
{
	return strlen(word) != l->length || strncmp(word, l->text, l->length);
}

static int order_value(const struct gate_value *v, enum gate_type type,
		       const struct gate_literal *l, uint64_t wall_ns)
{
	switch (type) {
	case GATE_WORD:
		return order_words(v->word, l);
	case GATE_FLAG:
		return order(v->number != 0, l->number);
	case GATE_SHARE:
	case GATE_MEAN:
		return order(as_shown(v->number),
			     (double)(l->kind == LITERAL_PERCENT ? l->number / 100 : l->number));
	default:
		if (l->kind == LITERAL_PERCENT)
			return order(v->number * 100, l->number * wall_ns);
		return order(v->number, l->number);
	}
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

/* Nothing is not equal to anything, and neither more nor less. That something is absent can
 * be asked for. */
static enum gate_holds judge_comparison(struct judge *j, const struct gate_node *n)
{
	struct gate_value v = gate_path_get(&n->path, j->f);

	if (n->literal.kind == LITERAL_NULL)
		return is((v.got != GOT_VALUE) == (n->compare == GATE_EQ));
	if (v.got == GOT_ABSENT) {
		if (!j->absent.row)
			j->absent = n->path;
		return GATE_ERROR;
	}
	if (v.got == GOT_NULL)
		return is(n->compare == GATE_NE);
	return is(meets(n->compare, order_value(&v, gate_path_type(&n->path), &n->literal,
						j->f->model->wall_ns)));
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

static void put_time(FILE *to, const struct gate_path *path, uint64_t ns, uint64_t wall_ns)
{
	char time[UNITS_SIZE], share[UNITS_SIZE], name[GATE_PATH_SIZE];

	fputs(units_ns(time, ns, true), to);
	if (wall_ns && strcmp(gate_path_name(path, name), "wall"))
		fprintf(to, " (%s of the wall time)", percent(share, (double)ns / wall_ns));
}

static void put_value(FILE *to, const struct gate_path *path, const struct findings *f)
{
	struct gate_value v = gate_path_get(path, f);
	char buf[UNITS_SIZE];

	if (v.got != GOT_VALUE) {
		fputs(v.got == GOT_NULL ? "null" : "absent", to);
		return;
	}
	switch (gate_path_type(path)) {
	case GATE_TIME:
		put_time(to, path, (uint64_t)v.number, f->model->wall_ns);
		break;
	case GATE_COUNT:
		fprintf(to, "%" PRIu64, (uint64_t)v.number);
		break;
	case GATE_SHARE:
		fputs(percent(buf, (double)v.number), to);
		break;
	case GATE_MEAN:
		fprintf(to, "%.6g", (double)v.number);
		break;
	case GATE_BYTES:
		fputs(units_bytes(buf, (uint64_t)v.number), to);
		break;
	case GATE_WORD:
		fputs(v.word, to);
		break;
	case GATE_FLAG:
		fputs(v.number != 0 ? "true" : "false", to);
		break;
	}
}

#define PATHS_MAX 64 /* of one gate that are told */

/* The paths that a gate names, each once, from left to right. */
struct named {
	struct gate_path paths[PATHS_MAX];
	size_t n;
};

static void name_paths(struct named *to, const struct gates *g, unsigned int node)
{
	const struct gate_node *n = &g->nodes[node];

	if (n->op != GATE_COMPARE) {
		name_paths(to, g, n->left);
		if (n->op != GATE_NOT)
			name_paths(to, g, n->right);
		return;
	}
	for (size_t i = 0; i < to->n; i++) {
		if (to->paths[i].row == n->path.row && to->paths[i].key == n->path.key)
			return;
	}
	if (to->n < PATHS_MAX)
		to->paths[to->n++] = n->path;
}

static void out_of_memory(void)
{
	fputs("concprof: out of memory\n", stderr);
	abort();
}

/* One value needs no name: it stands in the condition. */
static char *say_measured(const struct named *named, const struct findings *f)
{
	char *text = NULL, name[GATE_PATH_SIZE];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		out_of_memory();
	for (size_t i = 0; i < named->n; i++) {
		if (named->n > 1)
			fprintf(to, "%s%s ", i ? ", " : "", gate_path_name(&named->paths[i], name));
		put_value(to, &named->paths[i], f);
	}
	if (fclose(to))
		out_of_memory();
	return text;
}

static char *say_error(const struct gate_path *absent)
{
	char *text, name[GATE_PATH_SIZE];

	if (asprintf(&text, "%s is absent in this run: %s", gate_path_name(absent, name),
		     gate_path_why_absent(absent)) < 0)
		out_of_memory();
	return text;
}

/* --- the finding that explains it ------------------------------------------------ */

/* As evidence writes it: no quotes. */
static void plain_name(char *buf, const struct gate_path *path)
{
	char name[GATE_PATH_SIZE], *to = buf;

	for (const char *s = gate_path_name(path, name); *s; s++) {
		if (*s == '[')
			*to++ = '.';
		else if (*s != '"' && *s != ']')
			*to++ = *s;
	}
	*to = '\0';
}

/* Is it that, without its unit, or in a list of that name? */
static bool is_about(const char *metric, const char *name, bool is_list)
{
	size_t n = strlen(name);

	return !strncmp(metric, name, n) &&
	       (!metric[n] || !strcmp(metric + n, "_ns") || !strcmp(metric + n, ".ns") ||
		!strcmp(metric + n, "_bytes") || (is_list && metric[n] == '.'));
}

static bool explains(const struct finding *one, const struct gate_path *path, bool of_verdict)
{
	static const char verdict[] = "verdict.", findings[] = "findings.";
	char name[GATE_PATH_SIZE];

	plain_name(name, path);
	if (!strncmp(name, verdict, strlen(verdict)) || !strcmp(name, "wall"))
		return of_verdict;
	if (!strncmp(name, findings, strlen(findings)))
		return !strcmp(one->rule, name + strlen(findings));
	for (size_t i = 0; i < one->n_evidence; i++) {
		if (is_about(one->evidence[i].metric, name, gate_path_type(path) == GATE_COUNT))
			return true;
	}
	return false;
}

/* Those that stand beside the verdict come first: they say more about one thing. */
static const struct finding *find_reason(const struct named *named, const struct findings *f)
{
	for (size_t p = 0; p < named->n; p++) {
		for (size_t i = 1; i <= f->n_list; i++) {
			const struct finding *one = &f->list[i % f->n_list];

			if (explains(one, &named->paths[p], one == f->list))
				return one;
		}
	}
	return NULL;
}

void gates_judge(const struct gates *g, struct findings *f)
{
	f->gates = zeroed(g->n, sizeof(*f->gates));
	f->n_gates = g->n;
	for (size_t i = 0; i < g->n; i++) {
		struct judge j = { .gates = g, .f = f };
		struct gate_result *to = &f->gates[i];
		struct named named = { .n = 0 };

		name_paths(&named, g, g->list[i].root);
		to->expression = strdup(g->list[i].text);
		if (!to->expression)
			out_of_memory();
		to->holds = judge_node(&j, g->list[i].root);
		to->measured = say_measured(&named, f);
		to->reason = find_reason(&named, f);
		if (to->holds == GATE_ERROR)
			to->error = say_error(&j.absent);
	}
}

void gates_forget(struct findings *f)
{
	for (size_t i = 0; i < f->n_gates; i++) {
		free(f->gates[i].expression);
		free(f->gates[i].measured);
		free(f->gates[i].error);
	}
	free(f->gates);
}
