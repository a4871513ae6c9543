// SPDX-License-Identifier: BSD-2-Clause
#include "report/words.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/units.h"
#include "../bpf/wall.h"

#define NS_PER_S 1000000000ull

const char *policy_name(unsigned int policy)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "SCHED_OTHER",
		[SCHED_FIFO] = "SCHED_FIFO",
		[SCHED_RR] = "SCHED_RR",
		[SCHED_BATCH] = "SCHED_BATCH",
		[SCHED_IDLE] = "SCHED_IDLE",
		[6] = "SCHED_DEADLINE",
		[7] = "SCHED_EXT",
	};

	return policy < sizeof(names) / sizeof(names[0]) ? names[policy] : NULL;
}

bool cpu_split(const struct model *m, const struct thread *t, uint64_t *user_ns,
	       uint64_t *kernel_ns)
{
	uint64_t running = t->state_ns[TS_RUNNING];
	unsigned __int128 both = (unsigned __int128)t->witness.user_ns + t->witness.kernel_ns;

	/* Ticks are samples: over a short time they say nothing. */
	if (!both || (m->run.cpu_how != CPU_EXACT && running < NS_PER_S))
		return false;
	*user_ns = (uint64_t)(running * (unsigned __int128)t->witness.user_ns / both);
	*kernel_ns = running - *user_ns;
	return true;
}

/* So that words can be told apart. */
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

/* The one process that was attached to; NULL: it was not one. */
static const struct process *only_attached(const struct model *m)
{
	const struct process *only = NULL;

	for (size_t i = 0; i < m->n_processes; i++) {
		if (!m->processes[i].is_attached)
			continue;
		if (only)
			return NULL;
		only = &m->processes[i];
	}
	return only;
}

static void put_attached(FILE *to, const struct model *m)
{
	const char *option = m->n_command ? m->command[0] : "",
		   *value = m->n_command > 1 ? m->command[1] : "";
	const struct process *only = only_attached(m);

	if (!strcmp(option, "-a"))
		fputs("all processes", to);
	else if (!strcmp(option, "--cgroup"))
		fprintf(to, "cgroup %s", value);
	else
		fprintf(to, "process%s %s", strchr(value, ',') ? "es" : "", value);
	for (size_t i = 0; only && i < only->n_args; i++) {
		fputs(i ? " " : ": ", to);
		put_word(to, only->args[i]);
	}
}

int command_line(char **ret, const struct model *m)
{
	bool is_attached = m->run.mode == MODE_ATTACH;
	char *line = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return -errno;
	if (is_attached)
		put_attached(to, m);
	for (size_t i = 0; i < m->n_command && !is_attached; i++) {
		if (i)
			fputc(' ', to);
		put_word(to, m->command[i]);
	}
	if (fclose(to)) {
		free(line);
		return -ENOMEM;
	}
	*ret = line;
	return 0;
}

char *gain_words(char *buf, size_t size, const struct findings *f, const struct finding *one,
		 bool utf8)
{
	char gain[UNITS_SIZE], wall[UNITS_SIZE];

	snprintf(buf, size, "At most %s of %s to gain %s.",
		 units_ns(gain, one->gain_at_most_ns, utf8),
		 units_ns(wall, f->model->wall_ns, utf8), one->gain_by);
	return buf;
}

void finding_lines(const struct findings *f, const struct finding *one, line_fn put, void *ctx)
{
	bool of_program = !strcmp(one->subject, "program");
	char text[512], shown[2048];

	snprintf(text, sizeof(text), "%s%s%s", of_program ? "" : one->subject,
		 of_program ? "" : ": ", one->title);
	escape_text(shown, sizeof(shown), text, 0, true);
	put(ctx, shown);
	for (size_t i = 0; i < one->n_evidence; i++) {
		snprintf(text, sizeof(text), "- %s", one->evidence[i].text);
		escape_text(shown, sizeof(shown), text, 0, true);
		put(ctx, shown);
	}
	if (one->has_gain)
		put(ctx, gain_words(shown, sizeof(shown), f, one, true));
	if (one->advice[0]) {
		snprintf(text, sizeof(text), "Advice: %s", one->advice);
		escape_text(shown, sizeof(shown), text, 0, true);
		put(ctx, shown);
	}
}

uint64_t not_running_ns(const struct model *m)
{
	uint64_t left = m->wall_ns;

	for (size_t i = 1; i < WALL_COUNTS; i++) {
		uint64_t ns = m->wall.by_count[i];

		left -= ns < left ? ns : left;
	}
	return left;
}

void wall_kinds(uint64_t ret[ROW_KINDS], const __u64 row_ns[ROW_COUNT])
{
	memset(ret, 0, ROW_KINDS * sizeof(*ret));
	for (unsigned int r = 0; r < ROW_COUNT; r++)
		ret[row_kind(r)] += row_ns[r];
}
