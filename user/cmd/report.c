// SPDX-License-Identifier: BSD-2-Clause
/* concprof report FILE: a recording to any format. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/gates.h"
#include "cmd/output.h"
#include "cmd/recorded.h"

int cmd_report(const struct opts *o)
{
	struct opts_output text = { .format = report_format_by_name("text"), .path = "-" };
	struct err err = { "" };
	struct document doc = { NULL };
	struct findings *f;
	struct model *m = NULL;
	int error = 0, gates;

	if (recorded_model(&m, o->files[0], &err)) {
		fprintf(stderr, "concprof: %s\n", err.text);
		return STATUS_FAILED;
	}
	f = findings_new(m);
	doc.findings = f;
	gates_judge(&o->gates, f);
	for (size_t i = 0; i < o->n_outputs && !error; i++)
		error = output_write(&o->outputs[i], &doc, o, &err);
	if (!o->n_outputs && !o->quiet)
		error = output_write(&text, &doc, o, &err);
	if (error)
		fprintf(stderr, "concprof: %s\n", err.text);
	gates = gates_status(f->gates, f->n_gates, o);
	findings_free(f);
	model_free(m);
	return error ? STATUS_FAILED : gates;
}
