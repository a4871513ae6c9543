// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/recording.h"

static int open_recording(FILE **ret, const char *path, struct err *err)
{
	struct stat st;

	if (strcmp(path, "-"))
		*ret = fopen(path, "rbe");
	else
		*ret = fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "rb");
	if (*ret && !fstat(fileno(*ret), &st) && S_ISDIR(st.st_mode)) {
		fclose(*ret);
		*ret = NULL;
		errno = EISDIR;
	}
	if (*ret)
		return 0;
	return err_failed(err, -errno, "cannot read the recording '%s'", path);
}

int recorded_model(struct model **ret, const char *path, struct err *err)
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
		return err_set(
			err, error, "cannot read the recording '%s': %s", path,
			why.text[0]
				? why.text
				: "its events contradict each other, or are of a newer version");
	}
	*ret = model_builder_finish(b);
	return 0;
}
