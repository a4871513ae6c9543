// SPDX-License-Identifier: BSD-2-Clause
/* What conditions come to in one run. */
#include "analysis/gate_eval.h"

#include <string.h>

#include "analysis/internal.h"

/* Nothing is not equal to anything, and neither more nor less. That something is absent can
 * be asked for. */
static enum gate_holds compare(const void *of, const struct gate_node *n, char **why)
{
	const struct findings *f = of;
	struct gate_value v = gate_path_get(&n->path, f);
	char name[GATE_PATH_SIZE];

	if (n->literal.kind == LITERAL_NULL)
		return (v.got != GOT_VALUE) == (n->compare == GATE_EQ) ? GATE_YES : GATE_NO;
	if (v.got == GOT_ABSENT) {
		*why = gate_words("%s is absent in this run: %s", gate_path_name(&n->path, name),
				  gate_path_why_absent(&n->path));
		return GATE_ERROR;
	}
	if (v.got == GOT_NULL)
		return n->compare == GATE_NE ? GATE_YES : GATE_NO;
	return gate_compare_value(n, &v, f->model->wall_ns);
}

static void tell(const void *of, const struct gate_path *path, FILE *to)
{
	const struct findings *f = of;
	struct gate_value v = gate_path_get(path, f);

	gate_tell_value(to, path, &v, f->model->wall_ns);
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
static const struct finding *explain(const void *of, const struct gate_named *named)
{
	const struct findings *f = of;

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
	const struct gate_subject run = {
		.of = f, .compare = compare, .tell = tell, .explain = explain
	};

	f->gates = gates_evaluate(g, &run);
	f->n_gates = g->n;
}
