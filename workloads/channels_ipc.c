// SPDX-License-Identifier: BSD-2-Clause
/* What moves through the kernel without a descriptor: messages, counts and signals. */
#include "channels.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#define TEXT 64

struct message {
	long type;
	char text[TEXT];
};

/* With room for one. */
static const char *make_msg(struct scene *s)
{
	struct msqid_ds about;

	s->id[0] = (int)must(msgget(IPC_PRIVATE, 0600), "msgget");
	must(msgctl(s->id[0], IPC_STAT, &about), "IPC_STAT");
	about.msg_qbytes = TEXT;
	must(msgctl(s->id[0], IPC_SET, &about), "IPC_SET");
	return NULL;
}

static void receive_msg(struct scene *s, long i)
{
	struct message message;

	(void)i;
	must(msgrcv(s->id[0], &message, TEXT, 0, 0), "msgrcv");
}

static void send_msg(struct scene *s, long i)
{
	struct message message = { .type = 1 };

	(void)i;
	must(msgsnd(s->id[0], &message, TEXT, 0), "msgsnd");
}

static void remove_msg(struct scene *s)
{
	hope(msgctl(s->id[0], IPC_RMID, NULL), "msgctl");
}

/* What the role waits for has a set of its own: items for the reader, room for the writer. */
static const char *make_sem(struct scene *s)
{
	for (int role = 0; role < ROLES; role++)
		s->id[role] = (int)must(semget(IPC_PRIVATE, 1, 0600), "semget");
	must(semctl(s->id[WRITER], 0, SETVAL, 1), "semctl");
	return NULL;
}

static void change(int id, short by)
{
	struct sembuf operation = { .sem_op = by };

	must(semop(id, &operation, 1), "semop");
}

static void take_item(struct scene *s, long i)
{
	(void)i;
	change(s->id[READER], -1);
	change(s->id[WRITER], 1);
}

static void give_item(struct scene *s, long i)
{
	(void)i;
	change(s->id[WRITER], -1);
	change(s->id[READER], 1);
}

static void remove_sem(struct scene *s)
{
	for (int role = 0; role < ROLES; role++)
		hope(semctl(s->id[role], 0, IPC_RMID), "semctl");
}

static const char *make_mq(struct scene *s)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = TEXT };
	const char *name = truth_path("/concprof-%d", getpid());
	mqd_t mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	if (mq == (mqd_t)-1)
		return "there are no POSIX message queues";
	must(mq_unlink(name), "mq_unlink");
	s->id[0] = mq;
	return NULL;
}

static void receive_mq(struct scene *s, long i)
{
	char text[TEXT];

	(void)i;
	must(mq_receive(s->id[0], text, sizeof(text), NULL), "mq_receive");
}

static void send_mq(struct scene *s, long i)
{
	char text[TEXT] = { 0 };

	(void)i;
	must(mq_send(s->id[0], text, sizeof(text), 0), "mq_send");
}

sigset_t one_signal(void)
{
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGRTMIN), "sigaddset");
	return set;
}

void block_signal(void)
{
	sigset_t set = one_signal();

	must0(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
}

/* Before there are ends, so that none is lost. */
static const char *make_signal(struct scene *s)
{
	(void)s;
	block_signal();
	return NULL;
}

static void receive_signal(struct scene *s, long i)
{
	sigset_t set = one_signal();

	(void)s, (void)i;
	must(sigwaitinfo(&set, NULL), "sigwaitinfo");
}

static void send_signal(struct scene *s, long i)
{
	(void)i;
	must(kill(s->end[READER].pid, SIGRTMIN), "kill");
}

const struct medium ipc_media[] = {
	{ "sysv-msg", "sysv-msg", "ipc.sysv_msg", .by_call = true, .make = make_msg,
	  .move = { receive_msg, send_msg }, .remove = remove_msg },
	{ "sysv-sem", "sysv-sem", "ipc.sysv_sem", IN_LOCKS, .tokens = true, .make = make_sem,
	  .move = { take_item, give_item }, .remove = remove_sem },
	{ "posix-mq", "posix-mq", "ipc.posix_mq", .by_call = true, .make = make_mq,
	  .move = { receive_mq, send_mq } },
	{ "signal", "signal", "signal.wait", .endless = true, .make = make_signal,
	  .move = { receive_signal, send_signal } },
	{ 0 },
};
