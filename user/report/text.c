// SPDX-License-Identifier: BSD-2-Clause
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/escape.h"
#include "base/units.h"
#include "report/text_parts.h"
#include "report/words.h"

#define COMMAND_COLUMNS 200 /* of a long command line, unless verbose */
#define CLOSE_CALL	0.1

/* As a shell would take it, so that words can be told apart. */
static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, to);
		return;
	}
	fputc('\'', to);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\"'\"'", to);
		else
			fputc(*word, to);
	}
	fputc('\'', to);
}

static int put_command(struct page *p, const struct model *m)
{
	char *line = NULL, *shown;
	size_t size = 0, room;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return -errno;
	for (size_t i = 0; i < m->n_command; i++) {
		if (i)
			fputc(' ', to);
		put_word(to, m->command[i]);
	}
	if (fclose(to)) {
		free(line);
		return -ENOMEM;
	}
	room = 4 * size + 8;
	shown = malloc(room);
	if (shown && size)
		page_text(p, 0,
			  page_name(p, shown, room, line, p->opts->verbose ? 0 : COMMAND_COLUMNS),
			  STYLE_PLAIN, "%s", "");
	free(line);
	if (!shown)
		return -ENOMEM;
	free(shown);
	return 0;
}

/* "ended with status 0 after" */
static void describe_end(const struct model *m, char *buf, size_t size)
{
	static const char *const reasons[] = {
		[ENDED_COMMAND] = "",
		[ENDED_DURATION] = ", at the end of its --duration",
		[ENDED_HANG] = ", because the program stood still",
		[ENDED_SIGNAL] = ", by a signal to concprof",
		[ENDED_LAST_PROCESS] = "",
	};
	unsigned int by = m->end.ended_by;
	const char *reason = by >= 1 && by <= ENDED_LAST_PROCESS ? reasons[by] : "";
	int status = m->end.status;

	if (!m->complete)
		snprintf(buf, size, "measured, as far as the recording goes, for");
	else if (status < 0)
		snprintf(buf, size, "still running when the measurement ended%s, after", reason);
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "killed by signal %d (%s)%s%s, after", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "",
			 reason);
	else
		snprintf(buf, size, "ended with status %d%s%s", WEXITSTATUS(status), reason,
			 *reason ? ", after" : " after");
}

static void put_summary(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	char end[160], wall[UNITS_SIZE], threads[48], processes[48], name[512];
	const char *exe = m->texts[TEXT_EXECUTABLE];

	describe_end(m, end, sizeof(end));
	page_counted(threads, sizeof(threads), f->totals.threads, "thread", "threads");
	page_counted(processes, sizeof(processes), f->totals.processes, "process", "processes");
	page_text(p, 2, NULL, STYLE_PLAIN, "%s %s: %s in %s, on %.3g allowed CPU%s", end,
		  page_ns(p, wall, m->wall_ns), threads, processes, f->cpus_allowed,
		  f->cpus_allowed == 1 ? "" : "s");
	if (exe && (!m->n_command || strcmp(exe, m->command[0])))
		page_text(p, 2, NULL, STYLE_DIM, "executable: %s", NAME(p, name, exe, 0));
}

static void put_finding(struct page *p, const struct finding *f)
{
	char text[1024], gain[UNITS_SIZE];

	for (size_t i = 0; i < f->n_evidence; i++)
		page_text(p, 2, NULL, STYLE_PLAIN, "%s", NAME(p, text, f->evidence[i].text, 0));
	if (f->has_gain)
		page_text(p, 2, NULL, STYLE_PLAIN, "at most %s to gain",
			  page_ns(p, gain, f->gain_at_most_ns));
	if (f->advice[0])
		page_text(p, 2, "Advice:", STYLE_PLAIN, "%s", NAME(p, text, f->advice, 0));
}

static enum style style_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return STYLE_BAD;
	case SEVERITY_WARNING:
		return STYLE_WARN;
	default:
		return STYLE_BOLD;
	}
}

static void put_margin(struct page *p, const struct verdict *v)
{
	char share[UNITS_SIZE];

	if (v->runner_up == CLASS_UNKNOWN || v->class == CLASS_UNKNOWN)
		return;
	units_percent(share, v->margin);
	if (v->margin < CLOSE_CALL)
		page_text(p, 2, NULL, STYLE_WARN,
			  "A close call: had %s of the time gone otherwise, it would be %s.", share,
			  class_name(v->runner_up));
	else
		page_text(p, 2, NULL, STYLE_DIM,
			  "%s of the time would have to go otherwise before it were %s.", share,
			  class_name(v->runner_up));
}

static void put_verdict(struct page *p, const struct findings *f)
{
	const char *dot = p->opts->utf8 ? " ·" : ":";
	char title[640];

	page_line_end(p);
	if (!f->n_list) {
		page_text(p, 0, NULL, STYLE_BOLD, "%s", class_name(f->verdict.class));
		return;
	}
	page_text(p, 0, NULL, style_of(f->list[0].severity), "%s%s %s",
		  class_name(f->verdict.class), dot, NAME(p, title, f->list[0].title, 0));
	put_finding(p, &f->list[0]);
	put_margin(p, &f->verdict);
}

static void put_other_findings(struct page *p, const struct findings *f)
{
	for (size_t i = 1; i < f->n_list; i++) {
		const struct finding *one = &f->list[i];
		bool of_program = !strcmp(one->subject, "program");
		char title[640], subject[260];

		page_line_end(p);
		page_text(p, 0, NULL, style_of(one->severity), "%s%s%s",
			  of_program ? "" : NAME(p, subject, one->subject, 0),
			  of_program ? "" : ": ", NAME(p, title, one->title, 0));
		put_finding(p, one);
	}
}

int report_text_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct page p;
	int err;

	page_init(&p, opts, out);
	err = put_command(&p, f->model);
	if (err)
		return err;
	put_summary(&p, f);
	put_verdict(&p, f);
	put_other_findings(&p, f);
	text_wall(&p, f);
	text_threads(&p, f);
	text_processes(&p, f);
	text_waits(&p, f);
	text_calls(&p, f);
	text_left_over(&p, f);
	text_trust(&p, f);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
