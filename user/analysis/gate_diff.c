// SPDX-License-Identifier: BSD-2-Clause
/* What conditions come to in a comparison. `base.` and `head.` are means of the runs; a change
 * that is not more than their spread counts as none. */
#include <math.h>
#include <string.h>

#include "analysis/gate_eval.h"
#include "analysis/sheet.h"
#include "base/units.h"

/* What the runs of one side, or of both, have at a path. */
struct values {
	const char *of; /* "of the base" */
	size_t from, to;
	size_t n, there, null, equal; /* runs; equal: to the text or flag of the condition */
	long double sum, wall_ns;     /* the wall time summed, too */
};

static struct values range_of(const struct sheet *s, enum gate_side side)
{
	switch (side) {
	case SIDE_BASE:
		return (struct values){ .of = "of the base", .to = s->n_base };
	case SIDE_HEAD:
		return (struct values){ .of = "of the head", .from = s->n_base, .to = s->n };
	default:
		return (struct values){ .of = "of both sides", .to = s->n };
	}
}

static bool is_equal(const struct gate_node *n, const struct gate_value *v)
{
	if (gate_path_type(&n->path) == GATE_WORD)
		return gate_is_text(&n->literal, v->word);
	return (v->number != 0) == (n->literal.number != 0);
}

/* n: whose literal texts are compared with; NULL: with none. */
static struct values collect(const struct sheet *s, const struct gate_path *path,
			     const struct gate_node *n)
{
	struct values ret = range_of(s, path->side);
	bool texts = n && n->literal.kind != LITERAL_NULL && !gate_path_is_number(path);

	ret.n = ret.to - ret.from;
	for (size_t i = ret.from; i < ret.to; i++) {
		struct gate_value v = gate_path_get(path, s->runs[i]);

		ret.wall_ns += s->runs[i]->model->wall_ns;
		ret.null += v.got == GOT_NULL;
		ret.there += v.got == GOT_VALUE;
		if (v.got != GOT_VALUE && !(v.got == GOT_ABSENT && gate_path_else_zero(path)))
			continue;
		ret.sum += v.number;
		ret.equal += texts && is_equal(n, &v);
	}
	return ret;
}

/* Where something did not happen in some of the runs, it took no time there. */
static bool has_mean(const struct values *v, const struct gate_path *path)
{
	return v->there == v->n || (v->there && !v->null && gate_path_else_zero(path));
}

static enum gate_holds fail_absent(const struct values *v, const struct gate_path *path, char **why)
{
	char name[GATE_PATH_SIZE];

	gate_path_name(path, name);
	if (v->null)
		*why = gate_words("%s is null in %zu of the %zu runs %s", name, v->null, v->n,
				  v->of);
	else
		*why = gate_words("%s is absent in %zu of the %zu runs %s: %s", name,
				  v->n - v->there, v->n, v->of, gate_path_why_absent(path));
	return GATE_ERROR;
}

/* A text is that of all runs; or they do not agree. */
static enum gate_holds compare_texts(const struct gate_node *n, const struct values *v, char **why)
{
	char name[GATE_PATH_SIZE];

	if (v->equal && v->equal != v->n) {
		*why = gate_words("%s is not the same in all runs %s",
				  gate_path_name(&n->path, name), v->of);
		return GATE_ERROR;
	}
	return gate_compare_sign(n, !v->equal);
}

static enum gate_holds compare_side(const struct gate_node *n, const struct values *v, char **why)
{
	struct gate_value mean = { .got = GOT_VALUE };

	if (v->null == v->n)
		return n->compare == GATE_NE ? GATE_YES : GATE_NO;
	if (!gate_path_is_number(&n->path) && v->there + v->null == v->n)
		return compare_texts(n, v, why);
	if (!has_mean(v, &n->path))
		return fail_absent(v, &n->path, why);
	if (!gate_path_is_number(&n->path))
		return compare_texts(n, v, why);
	mean.number = v->sum / v->n;
	return gate_compare_value(n, &mean, v->wall_ns / v->n);
}

static char *ratio_words(char buf[UNITS_SIZE], double ratio)
{
	if (isinf(ratio))
		snprintf(buf, UNITS_SIZE, "new");
	else if (ratio >= 9.995)
		snprintf(buf, UNITS_SIZE, "%.3g times as much", ratio + 1);
	else
		snprintf(buf, UNITS_SIZE, "%+.3g %%", 100 * ratio);
	return buf;
}

static enum gate_holds compare_change(const struct sheet *s, const struct gate_node *n,
				      const struct values *v, char **why)
{
	const struct diff_row *r = sheet_asked(s, &n->path);
	char ratio[UNITS_SIZE];
	long double change = 0;

	if (!has_mean(v, &n->path))
		return fail_absent(v, &n->path, why);
	if (s->d->repeated) {
		*why = gate_words("recordings of the same run show no spread: record %d of each "
				  "(measured: %s)",
				  DIFF_RUNS, ratio_words(ratio, diff_ratio(r)));
		return GATE_ERROR;
	}
	if (!s->d->can_tell) {
		*why = gate_words("too few runs (%zu and %zu) to tell a change from chance; record "
				  "%d of each (measured: %s)",
				  s->n_base, s->n - s->n_base, DIFF_RUNS,
				  ratio_words(ratio, diff_ratio(r)));
		return GATE_ERROR;
	}
	if (r->is_change && n->literal.kind == LITERAL_PERCENT)
		change = (long double)diff_ratio(r) * 100;
	else if (r->is_change)
		change = (long double)r->head.mean - (long double)r->base.mean;
	return gate_compare_sign(n, gate_order(GATE_MEAN, change, n->literal.number));
}

static enum gate_holds compare(const void *of, const struct gate_node *n, char **why)
{
	const struct sheet *s = of;
	struct values v = collect(s, &n->path, n);

	if (n->literal.kind == LITERAL_NULL)
		return !v.there == (n->compare == GATE_EQ) ? GATE_YES : GATE_NO;
	if (n->path.side == SIDE_CHANGE)
		return compare_change(s, n, &v, why);
	return compare_side(n, &v, why);
}

/* --- what was measured ----------------------------------------------------------- */

/* "lock-bound in 3 runs, idle in 2", in the order of the runs. */
static void tell_texts(const struct sheet *s, const struct gate_path *path, FILE *to)
{
	struct values range = range_of(s, path->side);

	for (size_t i = range.from; i < range.to; i++) {
		struct gate_value one = gate_path_get(path, s->runs[i]);
		size_t n = 0;
		bool is_first = true;

		for (size_t k = range.from; k < range.to; k++) {
			struct gate_value other = gate_path_get(path, s->runs[k]);
			bool same = one.got == other.got && one.number == other.number &&
				    (!one.word || !strcmp(one.word, other.word));

			n += same;
			is_first &= !same || k >= i;
		}
		if (!is_first)
			continue;
		fputs(i > range.from ? ", " : "", to);
		gate_tell_value(to, path, &one, 0);
		fprintf(to, " in %zu run%s", n, n == 1 ? "" : "s");
	}
}

static void tell_mean(const struct sheet *s, const struct gate_path *path, FILE *to)
{
	struct values v = collect(s, path, NULL);
	struct gate_value mean = { .got = v.null == v.n ? GOT_NULL : GOT_ABSENT };

	if (has_mean(&v, path))
		mean = (struct gate_value){ .got = GOT_VALUE, .number = v.sum / v.n };
	gate_tell_value(to, path, &mean, v.wall_ns / v.n);
	if (v.n > 1 && mean.got == GOT_VALUE)
		fprintf(to, ", the mean of %zu runs", v.n);
}

static void tell_amount(const struct gate_path *path, double amount, FILE *to)
{
	struct gate_value v = { .got = GOT_VALUE, .number = fabs(amount) };

	gate_tell_value(to, path, &v, 0);
}

static void tell_change(const struct sheet *s, const struct gate_path *path, FILE *to)
{
	const struct diff_row *r = sheet_asked(s, path);
	struct values v = collect(s, path, NULL);
	double by = r->head.mean - r->base.mean;
	char ratio[UNITS_SIZE];

	if (!has_mean(&v, path)) {
		fputs("absent", to);
		return;
	}
	fprintf(to, "%s: ", ratio_words(ratio, diff_ratio(r)));
	tell_amount(path, by, to);
	fprintf(to, " %s, from ", by < 0 ? "less" : "more");
	tell_amount(path, r->base.mean, to);
	fputs(" to ", to);
	tell_amount(path, r->head.mean, to);
	if (s->d->can_tell)
		fprintf(to,
			r->is_change ? "; beyond the spread of the runs (p %.3g)"
				     : "; but within the spread of the runs (p %.3g): it counts "
				       "as none",
			r->p);
	if (s->d->differs)
		fprintf(to, "; careful: not alike in %s", s->d->differs);
}

static void tell(const void *of, const struct gate_path *path, FILE *to)
{
	const struct sheet *s = of;

	if (path->side == SIDE_CHANGE)
		tell_change(s, path, to);
	else if (gate_path_is_number(path))
		tell_mean(s, path, to);
	else
		tell_texts(s, path, to);
}

struct gate_result *diff_judge(const struct gates *gates, const struct sheet *s)
{
	const struct gate_subject diff = { .of = s, .compare = compare, .tell = tell };

	return gates_evaluate(gates, &diff);
}
