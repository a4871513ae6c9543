// SPDX-License-Identifier: BSD-2-Clause
/* concprof diff BASE... --vs HEAD...: what changed between two groups of recordings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/gates.h"
#include "cmd/output.h"
#include "cmd/recorded.h"

struct runs {
	struct model *models[OPTS_FILES];
	struct findings *findings[OPTS_FILES];
	size_t n;
};

static int read_all(struct runs *runs, const struct opts *o, struct err *err)
{
	for (; runs->n < o->n_base + o->n_head; runs->n++) {
		int error = recorded_model(&runs->models[runs->n], o->files[runs->n], err);

		if (error)
			return error;
		runs->findings[runs->n] = findings_new(runs->models[runs->n]);
	}
	return 0;
}

static int write_all(const struct diff *d, const struct opts *o, struct err *err)
{
	struct opts_output text = { .format = report_format_by_name("text"), .path = "-" };
	struct document doc = { .diff = d };
	int error = 0;

	for (size_t i = 0; i < o->n_outputs && !error; i++)
		error = output_write(&o->outputs[i], &doc, o, err);
	if (!o->n_outputs && !o->quiet)
		error = output_write(&text, &doc, o, err);
	return error;
}

int cmd_diff(const struct opts *o)
{
	struct runs *runs = calloc(1, sizeof(*runs));
	struct err err;
	struct diff *d = NULL;
	int error = runs ? read_all(runs, o, &err) : err_failed(&err, -ENOMEM, "cannot begin");
	int gates = 0;

	if (!error) {
		d = diff_new((const struct findings *const *)runs->findings, o->n_base,
			     (const struct findings *const *)runs->findings + o->n_base, o->n_head,
			     &o->gates);
		error = write_all(d, o, &err);
		gates = gates_status(d->gates, d->n_gates, o);
	}
	if (error)
		fprintf(stderr, "concprof: %s\n", err.text);
	diff_free(d);
	for (size_t i = 0; runs && i < runs->n; i++) {
		findings_free(runs->findings[i]);
		model_free(runs->models[i]);
	}
	free(runs);
	return error ? STATUS_FAILED : gates;
}
