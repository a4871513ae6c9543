// SPDX-License-Identifier: BSD-2-Clause
#include "report/report.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"
#include "report/text_parts.h"
#include "report/words.h"

static int put_command(struct page *p, const struct model *m)
{
	size_t room;
	char *line, *shown;
	int err = command_line(&line, m);

	if (err)
		return err;
	room = 4 * strlen(line) + 8;
	shown = malloc(room);
	if (shown && *line)
		page_command(p, page_name(p, shown, room, line, p->command));
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
		[ENDED_KEY] = ", when q was pressed",
	};
	unsigned int by = m->end.ended_by;
	const char *reason = by >= 1 && by <= ENDED_KEY ? reasons[by] : "";
	const char *after = *reason ? ", after" : " after";
	int status = m->end.status;

	if (m->complete && m->run.mode == MODE_ATTACH)
		snprintf(buf, size, "%s",
			 by == ENDED_LAST_PROCESS ? "attached to, to its end, for"
						  : "attached to for");
	else if (!m->complete)
		snprintf(buf, size, "was measured, as far as the recording goes, for");
	else if (status < 0)
		snprintf(buf, size, "was still running when the measurement ended%s%s", reason,
			 after);
	else if (WIFSIGNALED(status))
		snprintf(buf, size, "was killed by signal %d (%s%s)%s%s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "",
			 reason, after);
	else
		snprintf(buf, size, "ended with status %d%s%s", WEXITSTATUS(status), reason, after);
}

/* "5 threads in 2 processes"; "3 processes" if each has one thread. */
static void describe_tasks(const struct totals *t, char *buf, size_t size)
{
	char threads[48], processes[48];

	page_counted(threads, sizeof(threads), t->threads, "thread", "threads");
	page_counted(processes, sizeof(processes), t->processes, "process", "processes");
	if (t->processes <= 1)
		snprintf(buf, size, "%s", threads);
	else if (t->threads == t->processes)
		snprintf(buf, size, "%s", processes);
	else
		snprintf(buf, size, "%s in %s", threads, processes);
}

static void put_summary(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	char end[160], wall[UNITS_SIZE], tasks[112], name[512] = "";
	const char *exe = m->texts[TEXT_EXECUTABLE];

	describe_end(m, end, sizeof(end));
	describe_tasks(&f->totals, tasks, sizeof(tasks));
	if (exe && (!m->n_command || strcmp(exe, m->command[0])))
		NAME(p, name, exe, 0);
	page_text(p, 2, NULL, STYLE_PLAIN, "%s%s%s %s: %s, %.4g CPU%s allowed", name,
		  *name ? " " : "", end, page_ns(p, wall, m->wall_ns), tasks, f->cpus_allowed,
		  f->cpus_allowed == 1 ? "" : "s");
}

int text_header(struct page *p, const struct findings *f)
{
	int err = put_command(p, f->model);

	if (!err)
		put_summary(p, f);
	return err;
}

void text_sections(struct page *p, const struct findings *f)
{
	text_deadlocks(p, f);
	text_stands(p, f);
	text_course(p, f);
	text_timeline(p, f);
	text_path(p, f);
	text_kinds(p, f);
	text_threads(p, f);
	text_takers(p, f);
	text_wakings(p, f);
	text_processes(p, f);
	text_cgroups(p, f);
	text_waits(p, f);
	text_io(p, f);
	text_loops(p, f);
	text_channels(p, f);
	text_signals(p, f);
	text_locks(p, f);
	text_sites(p, f);
	text_peers(p, f);
	text_calls(p, f);
	text_left_over(p, f);
	text_trust(p, f);
}

int report_text_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct page p;
	int err;

	if (f->model->run.mode == MODE_WHY)
		return text_why_write(f, opts, out);
	page_init(&p, opts, out);
	err = text_header(&p, f);
	if (err)
		return err;
	text_gates(&p, f->gates, f->n_gates, opts->verbose);
	text_title(&p, f);
	text_verdict(&p, f);
	text_findings(&p, f);
	text_sections(&p, f);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
