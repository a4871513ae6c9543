// SPDX-License-Identifier: BSD-2-Clause
/* concprof report FILE: a recording to any format. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "event/recording.h"

static int open_recording(FILE **ret, const char *path, struct err *err)
{
	struct stat st;

	*ret = fopen(path, "rbe");
	if (*ret && !fstat(fileno(*ret), &st) && S_ISDIR(st.st_mode)) {
		fclose(*ret);
		*ret = NULL;
		errno = EISDIR;
	}
	if (*ret)
		return 0;
	return err_set(err, -errno, "cannot read the recording '%s': %s", path, strerror(errno));
}

static int read_model(struct model **ret, const char *path, struct err *err)
{
	struct model_builder *b;
	struct err why = { "" };
	bool cut = false;
	FILE *in;
	int error = open_recording(&in, path, err);

	if (error)
		return error;
	b = model_builder_new();
	error = recording_read(in, model_builder_event, b, &cut, &why);
	fclose(in);
	if (error) {
		model_builder_free(b);
		return err_set(err, error, "cannot read the recording '%s': %s", path,
			       why.text[0] ? why.text : "its events contradict each other");
	}
	*ret = model_builder_finish(b);
	return 0;
}

int cmd_report(const struct opts *o)
{
	struct opts_output text = { .format = report_format_by_name("text"), .path = "-" };
	struct err err = { "" };
	struct findings *f;
	struct model *m = NULL;
	int error = 0;

	if (read_model(&m, o->argv[0], &err)) {
		fprintf(stderr, "concprof: %s\n", err.text);
		return STATUS_FAILED;
	}
	f = findings_new(m);
	for (size_t i = 0; i < o->n_outputs && !error; i++)
		error = output_write(&o->outputs[i], f, o, &err);
	if (!o->n_outputs && !o->quiet)
		error = output_write(&text, f, o, &err);
	if (error)
		fprintf(stderr, "concprof: %s\n", err.text);
	findings_free(f);
	model_free(m);
	return error ? STATUS_FAILED : 0;
}
