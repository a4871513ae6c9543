// SPDX-License-Identifier: BSD-2-Clause
/* concprof report FILE: a recording to any format. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/recorded.h"

int cmd_report(const struct opts *o)
{
	struct err err = { "" };
	struct model *m = NULL;
	int status = 0;

	progress_begin(!o->quiet, "reading the recording");
	if (!recorded_model(&m, o->files[0], &err) && !output_model(m, o, &status, &err))
		return status;
	progress_end();
	fprintf(stderr, "concprof: %s\n", err.text);
	return STATUS_FAILED;
}
