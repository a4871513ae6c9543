// SPDX-License-Identifier: BSD-2-Clause
/* Threads and processes that come to wait for each other, and what is expected of the report. */
#include "deadlocks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene *scene;

void scene_begin(void)
{
	scene = shared_memory(sizeof(*scene));
}

static struct knot *add_knot(const char *kind)
{
	struct knot *k = &scene->knot[scene->knots];

	must(scene->knots < KNOTS ? 0 : -1, "one deadlock more");
	scene->knots++;
	*k = (struct knot){ .kind = kind, .first = scene->seats };
	return k;
}

static struct seat *add_seat(const char *comm, struct thing has, int holder)
{
	struct seat *s = &scene->seat[scene->seats];

	must(scene->seats < SEATS ? 0 : -1, "one seat more");
	scene->seats++;
	*s = (struct seat){ .has = has, .holder = holder };
	snprintf(s->comm, sizeof(s->comm), "%s", comm);
	return s;
}

void add_ring(const char *stem, const struct thing *things, int n)
{
	struct knot *k = add_knot("cycle");

	for (int i = 0; i < n; i++)
		add_seat(n > 1 ? truth_path("%s-%d", stem, i) : stem, things[i],
			 k->first + (i + 1) % n);
	k->members = n;
}

void add_behind(const char *comm, struct thing has, int holder)
{
	add_seat(comm, has, holder);
	scene->knot[scene->knots - 1].behind++;
}

void add_abandoned(const char *comm, struct thing wanted, pid_t held_by)
{
	struct knot *k = add_knot("abandoned");
	struct seat *s = add_seat(comm, (struct thing){ 0 }, NOBODY);

	s->wanted = wanted;
	s->held_by = held_by;
	k->members = 1;
}

static void meet(void)
{
	int error = pthread_barrier_wait(&scene->all_have);

	must0(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

static void sit(struct seat *s)
{
	name_thread(s->comm);
	s->tid = gettid();
	if (s->has.take)
		s->has.take(s->has.what);
	meet();
	__atomic_store_n(&s->comes, true, __ATOMIC_SEQ_CST);
	s->wanted.want(s->wanted.what);
	fprintf(stderr, "deadlocks: %s came through\n", s->comm);
	_exit(EXIT_FAILURE);
}

static void *sit_as_thread(void *seat)
{
	sit(seat);
	return NULL;
}

static void sit_as_process(struct seat *s)
{
	if (!add_child())
		sit(s);
}

/* Each goes on as its own child, and sits down when that is done. */
static void sit_in_line(struct seat *s)
{
	if (s != scene->seat || add_child())
		return;
	while (s + 1 < scene->seat + scene->seats && !must(fork(), "fork")) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
		s++;
	}
	sit(s);
}

static void sit_as_its_thread(struct seat *s)
{
	s->thread = start_thread(sit_as_thread, s);
}

static void make_barrier(void)
{
	pthread_barrierattr_t attr;

	must0(pthread_barrierattr_init(&attr), "pthread_barrierattr_init");
	must0(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED),
	      "pthread_barrierattr_setpshared");
	must0(pthread_barrier_init(&scene->all_have, &attr, (unsigned int)scene->seats + 1),
	      "pthread_barrier_init");
}

static void start_seats(void (*start)(struct seat *))
{
	make_barrier();
	for (int i = 0; i < scene->seats; i++)
		if (scene->seat[i].holder != NOBODY)
			scene->seat[i].wanted = scene->seat[scene->seat[i].holder].has;
	for (int i = 0; i < scene->seats; i++)
		start(&scene->seat[i]);
	meet();
	for (int i = 0; i < scene->seats; i++)
		if (scene->seat[i].holder != NOBODY)
			scene->seat[i].held_by = scene->seat[scene->seat[i].holder].tid;
}

void seats_start_threads(void)
{
	start_seats(sit_as_its_thread);
}

void seats_start_processes(void)
{
	start_seats(sit_as_process);
}

void seats_start_line(void)
{
	start_seats(sit_in_line);
}

static void expect_seat(const char *list, const struct seat *s)
{
	truth_equals(truth_path("deadlocks[0].%s[tid=%d].comm", list, s->tid), s->comm,
		     "the name that it gave itself");
	truth_number(truth_path("deadlocks[0].%s[tid=%d].held_by", list, s->tid), s->held_by,
		     "who has what it wants");
}

void expect_knots(void)
{
	const struct knot *k = scene->knot;

	truth_number("deadlocks", scene->knots, "so many circles, or locks left behind");
	for (int i = 0; i < scene->knots; i++)
		truth_equals(truth_path("deadlocks[%d].kind", i), k->kind, "all are of one kind");
	if (scene->knots != 1) /* in which order they are found is not for the workload to say */
		return;
	truth_number("deadlocks[0].members", k->members, "threads that wait in a circle");
	truth_number("deadlocks[0].cycle", k->members, "a row for each");
	truth_number("deadlocks[0].behind", k->behind, "threads that wait for these");
	for (int i = 0; i < k->members + k->behind; i++)
		expect_seat(i < k->members ? "cycle" : "behind", &scene->seat[k->first + i]);
}

void seats_stand(void)
{
	for (int i = 0; i < scene->seats; i++)
		while (!__atomic_load_n(&scene->seat[i].comes, __ATOMIC_SEQ_CST))
			sleep_ns(100 * US);
	sleep_ns(STUCK_NS);
	truth_verdict("deadlocked", "it stands to the end");
	expect_knots();
}

void threads_stand(void)
{
	seats_start_threads();
	seats_stand();
}

void processes_stand(void)
{
	seats_start_processes();
	seats_stand();
}

static void say_seats(const char *key, int first, int n)
{
	printf(", \"%s\": [", key);
	for (int i = first; i < first + n; i++)
		printf("%s[%d, %d]", i > first ? ", " : "", scene->seat[i].tid,
		       scene->seat[i].held_by);
	printf("]");
}

void say_knots(void)
{
	printf("{\"stands\": %s, \"deadlocks\": [",
	       scene->knots && !scene->over ? "true" : "false");
	for (int i = 0; i < scene->knots; i++) {
		const struct knot *k = &scene->knot[i];

		printf("%s{\"kind\": \"%s\"", i ? ", " : "", k->kind);
		say_seats("cycle", k->first, k->members);
		say_seats("behind", k->first + k->members, k->behind);
		printf("}");
	}
	puts("]}");
	must(fflush(stdout), "stdout");
}

pid_t add_child(void)
{
	pid_t group = scene->children ? scene->child[0] : 0, child;

	must(scene->children < SEATS ? 0 : -1, "one child more");
	child = (pid_t)must(fork(), "fork");
	must(setpgid(child, group), "setpgid");
	if (child)
		scene->child[scene->children++] = child;
	else
		must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	return child;
}

/* All at once: the end of one lets go what another one waits for. */
void children_kill(void)
{
	if (scene->children)
		must(kill(-scene->child[0], SIGKILL), "kill");
	for (int i = 0; i < scene->children; i++)
		must(waitpid(scene->child[i], NULL, 0), "waitpid");
}

void expect_no_deadlock(const char *why)
{
	truth_expect((struct expectation){
		.path = "deadlocks", .in = { 0, 0 }, .zero_if_absent = true, .why = why });
	truth_finding("deadlock", false, why);
}
