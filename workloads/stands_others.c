// SPDX-License-Identifier: BSD-2-Clause
/* Waits for children, signals and messages, and one that computes. */
#include "stands.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t child;

static int message_queue, semaphore_set;

void others_make(void)
{
	message_queue = (int)must(msgget(IPC_PRIVATE, 0600), "msgget");
	semaphore_set = (int)must(semget(IPC_PRIVATE, 1, 0600), "semget");
}

void others_remove(void)
{
	hope(msgctl(message_queue, IPC_RMID, NULL), "msgctl");
	hope(semctl(semaphore_set, 0, IPC_RMID), "semctl");
}

static void await_child(void)
{
	over(waitpid(child, NULL, 0), "waitpid");
}

static void await_signal(void)
{
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGUSR1), "sigaddset");
	over(sigwaitinfo(&set, NULL), "sigwaitinfo");
}

static void await_message(void)
{
	struct {
		long type;
		char text[8];
	} message;

	over(msgrcv(message_queue, &message, sizeof(message.text), 0, 0), "msgrcv");
}

static void lower_semaphore(void)
{
	struct sembuf operation = { .sem_op = -1 };

	over(semop(semaphore_set, &operation, 1), "semop");
}

static void compute(void)
{
	for (;;)
		burn(1000);
}

struct wait other_waits[] = {
	{ "parent", AT(await_child), "child.wait", .how = "child" },
	{ "sigwait", AT(await_signal), "signal.wait" },
	{ "msgrcv", AT(await_message), "ipc.sysv_msg" },
	{ "semop", AT(lower_semaphore), "ipc.sysv_sem" },
	{ "computer", AT(compute), NULL },
	{ 0 },
};
