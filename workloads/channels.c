// SPDX-License-Identifier: BSD-2-Clause
/*
 * channels MODE...: a reader and a writer of each channel, of which one is slow, so that the other
 * waits for it again and again; all the modes at once. Or one that is run alone: a pipeline, or
 * what is awkward. Without MODE: lists them.
 */
#include "channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES 90
#define MOST	 64 /* scenes at once */

static const struct medium *const media[] = { file_media, socket_media, ipc_media, memory_media };
static const struct mode *const alone[] = { pipeline_channels, crowd_channels, removed_channels,
					    other_channels,    ring_channels,  handler_channels };
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- ends ------------------------------------------------------------------------------------ */

struct end *ends_new(int n)
{
	return shared_memory((size_t)n * sizeof(struct end));
}

void become(struct end *e, const char *comm)
{
	name_thread(comm);
	e->pid = getpid();
	e->tid = gettid();
}

pid_t start_end(struct end *e, const char *comm, void (*body)(void *), void *arg)
{
	pid_t child;

	snprintf(e->comm, sizeof(e->comm), "%s", comm);
	child = (pid_t)must(fork(), "fork");
	if (child)
		return child;
	become(e, e->comm);
	body(arg);
	_exit(EXIT_SUCCESS);
}

/* --- what is done ---------------------------------------------------------------------------- */

/* Both are there, and nothing has moved yet. */
static void enter(struct scene *s, enum role role)
{
	become(&s->end[role], s->end[role].comm);
	if (s->medium->open)
		s->medium->open(s, role);
	record_enter(s->record[role]);
	tell(&s->open[role]);
	await(&s->open[!role]);
}

/* The slow one takes 1 to 3 ms for each message, and never has to wait for the other. */
static void exchange(struct scene *s, enum role role)
{
	enter(s, role);
	for (long i = 0; i < MESSAGES; i++) {
		if (role == s->slow)
			sleep_ns((1 + i % 3) * MS);
		call_begins();
		s->medium->move[role](s, i);
		call_ends(s->record[role], 0);
	}
}

static void read_all(void *s)
{
	exchange(s, READER);
}

static void write_all(void *s)
{
	exchange(s, WRITER);
}

static void *read_in_thread(void *s)
{
	exchange(s, READER);
	return NULL;
}

static void *write_in_thread(void *s)
{
	exchange(s, WRITER);
	return NULL;
}

static void play_by_threads(struct scene *s)
{
	pthread_t reader = start_thread(read_in_thread, s);
	pthread_t writer = start_thread(write_in_thread, s);

	join_thread(reader);
	join_thread(writer);
}

static void play_by_processes(struct scene *s)
{
	pid_t reader = start_child(read_all, s);
	pid_t writer = start_child(write_all, s);

	reap_child(reader);
	reap_child(writer);
}

/* In a process of its own, so that nobody else inherits its descriptors. */
static void play(void *arg)
{
	struct scene *s = arg;

	s->skip = s->medium->make(s);
	if (s->skip)
		return;
	if (s->threads)
		play_by_threads(s);
	else
		play_by_processes(s);
	if (s->medium->remove)
		s->medium->remove(s);
}

/* --- what is expected ------------------------------------------------------------------------ */

static struct flow flow_of(const struct scene *s, enum role waiter, const char *which)
{
	const struct medium *m = s->medium;

	return (struct flow){
		.waiter = &s->end[waiter],
		.source = &s->end[!waiter],
		.kind = m->kind,
		.side = waiter == READER || m->tokens ? "reads" : "writes",
		.which = which,
		.cause = m->cause,
		.record = s->record[waiter],
	};
}

static void expect_scene(const struct scene *s)
{
	const struct medium *m = s->medium;
	enum role fast = !s->slow;
	const char *which =
		truth_path("kind=\"%s\" and ends.comm=\"%s\"", m->kind, s->end[fast].comm);
	char kept[128];
	struct flow flows[ROLES];

	snprintf(kept, sizeof(kept), "%s", which);
	/* Who is fast is first. */
	flows[0] = flow_of(s, fast, kept);
	flows[1] = flow_of(s, s->slow, kept);
	for (int i = 0; i < ROLES; i++)
		expect_end(&flows[i], 1);
	expect_called(&flows[0], m->path ? s->path : m->called[s->threads][fast]);
	expect_cause(&flows[0], 1);
	if (m->by_call)
		expect_messages(&flows[0], MESSAGES);
	expect_list(m->list, flows, m->list == IN_IO && (s->threads || !m->apart) ? ROLES : 1);
}

static const char *skipped(const struct scene *scenes, int n)
{
	for (int i = 0; i < n; i++)
		if (scenes[i].skip)
			return scenes[i].skip;
	return NULL;
}

static void play_all(struct scene *scenes, int n)
{
	pid_t children[MOST];

	for (int i = 0; i < n; i++)
		children[i] = start_child(play, &scenes[i]);
	for (int i = 0; i < n; i++)
		reap_child(children[i]);
	if (skipped(scenes, n))
		truth_skip(skipped(scenes, n));
	for (int i = 0; i < n; i++)
		if (!scenes[i].skip)
			expect_scene(&scenes[i]);
}

/* --- modes ----------------------------------------------------------------------------------- */

static const char *mode_name(const struct medium *m, bool threads, enum role slow)
{
	return truth_path("%s%s-slow-%s", m->name, threads ? "-threads" : "",
			  slow == READER ? "reader" : "writer");
}

static void prepare(struct scene *s, const struct medium *m, bool threads, enum role slow)
{
	static const char *const words[] = { "rd", "wr" };

	*s = (struct scene){ .medium = m, .threads = threads, .slow = slow };
	for (int role = 0; role < ROLES; role++) {
		s->record[role] = record_new();
		snprintf(s->end[role].comm, sizeof(s->end[role].comm), "%s%s-%s", m->name,
			 threads ? "-t" : "", words[role]);
	}
}

/* Calls use() with each mode there is, until that says that it was the one. */
static bool each_medium(bool (*use)(const struct medium *, bool, enum role, void *), void *arg)
{
	for (size_t i = 0; i < COUNT(media); i++)
		for (const struct medium *m = media[i]; m->name; m++)
			for (int kind = 0; kind < 2 * ROLES; kind++) {
				bool threads = kind / ROLES;
				enum role slow = kind % ROLES;

				if ((threads && !m->threads) || (slow == READER && m->endless))
					continue;
				if (use(m, threads, slow, arg))
					return true;
			}
	return false;
}

static bool print_one(const struct medium *m, bool threads, enum role slow, void *arg)
{
	(void)arg;
	puts(mode_name(m, threads, slow));
	return false;
}

struct wanted {
	const char *name;
	struct scene *scene;
};

static bool prepare_if_wanted(const struct medium *m, bool threads, enum role slow, void *arg)
{
	const struct wanted *w = arg;

	if (strcmp(mode_name(m, threads, slow), w->name))
		return false;
	prepare(w->scene, m, threads, slow);
	return true;
}

static int list_modes(void)
{
	each_medium(print_one, NULL);
	for (size_t i = 0; i < COUNT(alone); i++)
		for (const struct mode *m = alone[i]; m->name; m++)
			puts(m->name);
	return EXIT_SUCCESS;
}

static const struct mode *find_alone(const char *name)
{
	for (size_t i = 0; i < COUNT(alone); i++)
		for (const struct mode *m = alone[i]; m->name; m++)
			if (!strcmp(m->name, name))
				return m;
	return NULL;
}

static int run_alone(const struct mode *m)
{
	const char *reason;

	truth_begin(truth_path("channels %s", m->name));
	reason = m->run();
	if (reason)
		truth_skip(reason);
	return truth_end();
}

int main(int argc, char **argv)
{
	struct scene *scenes = shared_memory(MOST * sizeof(*scenes));
	int n = argc - 1;

	if (!n)
		return list_modes();
	if (n == 1 && find_alone(argv[1]))
		return run_alone(find_alone(argv[1]));
	must(n <= MOST ? 0 : -1, "so many modes");
	for (int i = 0; i < n; i++)
		if (!each_medium(prepare_if_wanted, &(struct wanted){ argv[i + 1], &scenes[i] })) {
			fprintf(stderr, "channels: %s '%s'%s; without one it lists them\n",
				find_alone(argv[i + 1]) ? "mode" : "no mode", argv[i + 1],
				find_alone(argv[i + 1]) ? " runs alone" : "");
			return EXIT_FAILURE;
		}
	truth_begin("channels");
	play_all(scenes, n);
	return truth_end();
}
