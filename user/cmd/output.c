// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/output.h"
#include "cmd/cmd.h"
#include "cmd/gates.h"
#include "cmd/progress.h"
#include "cmd/target.h"
#include "model/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TERMINAL_COLUMNS 80 /* of one that does not say */
#define STREAM_BUFFER	 (1 << 17)

int output_try(const struct opts_output *out, struct err *err)
{
	struct target t = { .temporary = "", .fd = -1 };
	struct stat st;
	int error, removed;

	if (!out->path || !strcmp(out->path, "-"))
		return 0;
	/* Who reads a FIFO would take the end of the trial for the end of the report. */
	if (!stat(out->path, &st) && S_ISFIFO(st.st_mode))
		error = access(out->path, W_OK) ? -errno : 0;
	else
		error = target_open(&t, out->path);
	removed = target_abandon(&t);
	error = error ? error : removed;
	return error ? target_complain(out->path, error, err) : 0;
}

int output_said(void)
{
	struct err err;

	if (!fflush(stdout))
		return 0;
	(void)target_complain("standard output", -errno, &err);
	fprintf(stderr, "concprof: %s\n", err.text);
	return STATUS_FAILED;
}

/* Colours as in no-color.org; a terminal called dumb shows none. */
static bool wants_color(const struct opts *o, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	return isatty(fd) && !(no && *no) && term && *term && strcmp(term, "dumb");
}

/* What the locale is called may be UTF-8 even if its files are not installed. */
static bool is_utf8_name(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
	}
	return false;
}

static bool shows_utf8(int fd)
{
	const char *term = getenv("TERM");
	bool utf8 = is_utf8_name();

	/* Only asked what the locale can show; nothing else of it is used. */
	if (setlocale(LC_CTYPE, ""))
		utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	(void)setlocale(LC_CTYPE, "C");
	/* The kernel's own console has no glyphs for most of the bars. */
	return utf8 && (!isatty(fd) || (term && strcmp(term, "dumb") && strcmp(term, "linux")));
}

static void look_at_reader(struct report_opts *r, const struct opts *o, int fd)
{
	struct winsize size;

	memset(r, 0, sizeof(*r));
	r->version = CONCPROF_VERSION;
	r->top = o->top;
	r->verbose = o->verbose;
	r->color = wants_color(o, fd);
	r->utf8 = shows_utf8(fd);
	if (isatty(fd))
		r->width = !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col
									: TERMINAL_COLUMNS;
}

/* As one block: others may write there at the same time. */
static int write_at_once(int fd, const struct opts_output *out, const struct document *doc,
			 const struct report_opts *r, bool apart)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int error;

	if (!memory)
		return -ENOMEM;
	if (apart)
		fputc('\n', memory);
	error = doc->diff ? out->format->write_diff(doc->diff, r, memory)
			  : out->format->write(doc->findings, r, memory);
	if (fclose(memory) && !error)
		error = -ENOMEM;
	progress_end(); /* it may be the same terminal */
	if (!error)
		error = target_write(fd, text, size);
	free(text);
	return error;
}

/* fopencookie(3): 0 is an error. */
static ssize_t pass_on(void *fd, const char *bytes, size_t size)
{
	int error = target_write(*(int *)fd, bytes, size);

	if (!error)
		return (ssize_t)size;
	errno = -error;
	return 0;
}

/* What grows with the run need not fit into memory. */
static int write_by_and_by(int fd, const struct opts_output *out, const struct document *doc,
			   const struct report_opts *r)
{
	FILE *stream = fopencookie(&fd, "w", (cookie_io_functions_t){ .write = pass_on });
	int error;

	if (!stream)
		return -ENOMEM;
	(void)setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
	error = out->format->write(doc->findings, r, stream);
	if (fclose(stream) && !error)
		error = -errno;
	progress_end();
	return error;
}

/* A reader that has gone is no error (the contract); all else is. */
static int write_to(int fd, const struct opts_output *out, const struct document *doc,
		    const struct opts *o, bool apart)
{
	struct report_opts r;
	int error;

	look_at_reader(&r, o, fd);
	progress_begin(!o->quiet, "making the report");
	error = out->format->of_timeline ? write_by_and_by(fd, out, doc, &r)
					 : write_at_once(fd, out, doc, &r, apart);
	if (close(fd) && !error)
		error = -errno;
	return error == -EPIPE ? 0 : error;
}

/* On standard error an empty line sets the report apart from what the workload wrote. */
static int write_to_inherited(int inherited, const struct opts_output *out,
			      const struct document *doc, const struct opts *o)
{
	int fd = fcntl(inherited, F_DUPFD_CLOEXEC, 3);

	if (fd < 0) /* closed by who started us: nobody wants to read it */
		return errno == EBADF && inherited == STDERR_FILENO ? 0 : -errno;
	return write_to(fd, out, doc, o, inherited == STDERR_FILENO);
}

int output_write(const struct opts_output *out, const struct document *doc, const struct opts *o,
		 struct err *err)
{
	struct target t = { .temporary = "" };
	int error;

	if (out->format->of_timeline && !timeline_is_there(doc->findings->model))
		return err_set(
			err, -ENODATA,
			"--format %s: there is no timeline in this measurement; take it with "
			"--timeline",
			out->format->name);
	if (!out->path || !strcmp(out->path, "-")) {
		error = write_to_inherited(out->path ? STDOUT_FILENO : STDERR_FILENO, out, doc, o);
		return error ? target_complain(out->path ? "standard output" : "standard error",
					       error, err)
			     : 0;
	}
	error = target_open(&t, out->path);
	if (error)
		goto fail;
	error = write_to(t.fd, out, doc, o, false);
	t.fd = -1;
	if (!error)
		error = target_commit(&t);
	if (error)
		goto fail;
	return 0;
fail:
	(void)target_abandon(&t); /* why it failed says more */
	return target_complain(out->path, error, err);
}

int output_model(struct model *m, const struct opts *o, int *ret_status, struct err *err)
{
	struct opts_output text = { .format = report_format_by_name("text"), .path = "-" };
	struct findings *f = findings_new(m);
	struct document doc = { .findings = f };
	int error = 0;

	gates_judge(&o->gates, f);
	for (size_t i = 0; i < o->n_outputs && !error; i++)
		error = output_write(&o->outputs[i], &doc, o, err);
	if (!o->n_outputs && !o->quiet)
		error = output_write(&text, &doc, o, err);
	*ret_status = gates_status(f->gates, f->n_gates, o);
	findings_free(f);
	model_free(m);
	return error;
}
