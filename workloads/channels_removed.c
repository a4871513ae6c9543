// SPDX-License-Identifier: BSD-2-Clause
/* Queues and semaphores that are removed while they are waited on, and others after them. */
#include "channels.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#define THINGS 2  /* one after the other: the kernel may put them at the same place */
#define MOVES  15 /* of each, of which the last finds it removed */
#define PERIOD (3 * MS)

struct message {
	long type;
	char text[8];
};

struct thing {
	const char *kind, *cause;
	/* Its id; -1: there is no such thing here. */
	int (*make)(void);
	/* As the calls return. */
	long (*take)(void);
	long (*give)(void);
	void (*remove)(void);
	bool lives_on; /* only its name goes, and that before anything moves */
};

static const struct thing *thing;
static int id;
static struct record *record;

static int make_msg(void)
{
	return (int)must(msgget(IPC_PRIVATE, 0600), "msgget");
}

static long take_msg(void)
{
	struct message message;

	return msgrcv(id, &message, sizeof(message.text), 0, 0);
}

static long give_msg(void)
{
	struct message message = { .type = 1 };

	return msgsnd(id, &message, sizeof(message.text), 0);
}

static void remove_msg(void)
{
	must(msgctl(id, IPC_RMID, NULL), "msgctl");
}

static int make_sem(void)
{
	return (int)must(semget(IPC_PRIVATE, 1, 0600), "semget");
}

static long operate(short by)
{
	struct sembuf operation = { .sem_op = by };

	return semop(id, &operation, 1);
}

static long take_sem(void)
{
	return operate(-1);
}

static long give_sem(void)
{
	return operate(1);
}

static void remove_sem(void)
{
	must(semctl(id, 0, IPC_RMID), "semctl");
}

static char mq_name[32];

static int make_mq(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	snprintf(mq_name, sizeof(mq_name), "/concprof-%d", getpid());
	return mq_open(mq_name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
}

static long take_mq(void)
{
	char text[8];

	return mq_receive(id, text, sizeof(text), NULL);
}

static long give_mq(void)
{
	return mq_send(id, "x", 1, 0);
}

static void remove_mq(void)
{
	must(mq_unlink(mq_name), "mq_unlink");
}

static void take_all(void *unused)
{
	(void)unused;
	record_enter(record);
	for (int i = 0; i < MOVES; i++) {
		bool last = i == MOVES - 1 && !thing->lives_on;
		long n;

		call_begins();
		n = thing->take();
		call_ends(record, 0);
		if (last)
			must(n == -1 && errno == EIDRM ? 0 : -1, "the end of it");
		else
			must(n, "taking");
	}
}

static void give_all(void *unused)
{
	(void)unused;
	for (int i = 0; i < MOVES + thing->lives_on; i++) {
		sleep_ns(PERIOD);
		if (i == (thing->lives_on ? 0 : MOVES - 1))
			thing->remove();
		else
			must(thing->give(), "giving");
	}
}

static void run_one(int number)
{
	const char *taker = truth_path("%s-tk%d", thing->kind, number);
	struct end *ends = ends_new(ROLES);
	char which[64];
	struct flow f = {
		.waiter = &ends[READER],
		.source = &ends[WRITER],
		.kind = thing->kind,
		.side = "reads",
		.which = which,
		.cause = thing->cause,
	};
	pid_t children[ROLES];

	f.record = record = record_new();
	snprintf(which, sizeof(which), "kind=\"%s\" and ends.comm=\"%s\"", thing->kind, taker);
	children[READER] = start_end(&ends[READER], taker, take_all, NULL);
	children[WRITER] = start_end(&ends[WRITER], truth_path("%s-gv%d", thing->kind, number),
				     give_all, NULL);
	for (int role = 0; role < ROLES; role++)
		reap_child(children[role]);
	expect_end(&f, 1);
	expect_cause(&f, 1);
}

static const struct thing things[] = {
	{ "sysv-msg", "ipc.sysv_msg", make_msg, take_msg, give_msg, remove_msg, .lives_on = false },
	{ "sysv-sem", "ipc.sysv_sem", make_sem, take_sem, give_sem, remove_sem, .lives_on = false },
	{ "posix-mq", "ipc.posix_mq", make_mq, take_mq, give_mq, remove_mq, .lives_on = true },
};
#define KINDS (sizeof(things) / sizeof(things[0]))

static const char *run(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		thing = &things[i];
		for (int k = 0; k < THINGS; k++) {
			id = thing->make();
			if (id == -1)
				return "there are no POSIX message queues";
			run_one(k);
			if (thing->lives_on)
				close_end(id);
		}
	}
	/* The queue of the second time has the name of the first. */
	truth_number("channels", (int64_t)KINDS * THINGS - 1,
		     "each that has a name of its own is one");
	return NULL;
}

const struct mode removed_channels[] = {
	{ "removed", run },
	{ 0 },
};
