// SPDX-License-Identifier: BSD-2-Clause
/* Waits for messages, signals, children and the clock. */
#include "awkward.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

struct message {
	long type;
	char text[8];
};

static int ipc_id;
static mqd_t mq;

static void send_msg(void)
{
	struct message message = { .type = 1, .text = "x" };

	must(msgsnd(ipc_id, &message, sizeof(message.text), 0), "msgsnd");
}

static const char *wait_msgq(void)
{
	struct message message;
	pthread_t thread;

	ipc_id = (int)must(msgget(IPC_PRIVATE, 0600), "msgget");
	thread = kick(NULL, send_msg);
	wait_begins();
	must(msgrcv(ipc_id, &message, sizeof(message.text), 0, 0), "msgrcv");
	wait_ends();
	join_thread(thread);
	must(msgctl(ipc_id, IPC_RMID, NULL), "msgctl");
	return NULL;
}

static void change_sem(short by)
{
	struct sembuf operation = { .sem_op = by };

	must(semop(ipc_id, &operation, 1), "semop");
}

static void raise_sem(void)
{
	change_sem(1);
}

static const char *wait_semop(void)
{
	pthread_t thread;

	ipc_id = (int)must(semget(IPC_PRIVATE, 1, 0600), "semget");
	thread = kick(NULL, raise_sem);
	wait_begins();
	change_sem(-1);
	wait_ends();
	join_thread(thread);
	must(semctl(ipc_id, 0, IPC_RMID), "semctl");
	return NULL;
}

static void send_mq(void)
{
	must(mq_send(mq, "x", 1, 0), "mq_send");
}

static const char *wait_mqueue(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	const char *name = truth_path("/concprof-%d", getpid());
	char buffer[8];
	pthread_t thread;

	mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (mq == (mqd_t)-1)
		return "there are no POSIX message queues";
	must(mq_unlink(name), "mq_unlink");
	thread = kick(NULL, send_mq);
	wait_begins();
	must(mq_receive(mq, buffer, sizeof(buffer), NULL), "mq_receive");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

static const char *wait_pause(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;

	must(sigaction(SIGUSR1, &action, NULL), "sigaction");
	thread = kick(NULL, signal_main);
	wait_begins();
	must(pause() == -1 && errno == EINTR ? 0 : -1, "pause");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_sigwait(void)
{
	pthread_t thread;
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGUSR1), "sigaddset");
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
	thread = kick(NULL, signal_main);
	wait_begins();
	must(sigwaitinfo(&set, NULL), "sigwaitinfo");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_child(void)
{
	pid_t child = (pid_t)must(fork(), "fork");

	if (!child) {
		name_thread("aw-child");
		sleep_ns(NAP);
		_exit(0);
	}
	wait_begins();
	reap(child);
	wait_ends();
	return NULL;
}

static const char *wait_clock_abs(void)
{
	int64_t at = clock_ns(CLOCK_MONOTONIC) + NAP;
	struct timespec t = { .tv_sec = at / SEC, .tv_nsec = at % SEC };

	wait_begins();
	must0(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), "clock_nanosleep");
	wait_ends();
	return NULL;
}

#ifdef __x86_64__
/* System calls of i386, from 64-bit code: 20 is getpid, 162 nanosleep. */
static int int80(int number, uint32_t first, uint32_t second)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* Without the emulation it is a fault. */
static bool int80_works(void)
{
	pid_t child = (pid_t)must(fork(), "fork");
	int status;

	if (!child)
		_exit(int80(20, 0, 0) == getpid() ? 0 : 1);
	must(waitpid(child, &status, 0), "waitpid");
	return !status;
}

static const char *wait_compat32(void)
{
	int32_t *t = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(t == MAP_FAILED ? -1 : 0, "mmap");
	if (!int80_works())
		return "the kernel lacks the emulation of i386";
	t[0] = 0;
	t[1] = NAP;
	wait_begins();
	must0(-int80(162, (uint32_t)(uintptr_t)t, 0), "nanosleep of i386");
	wait_ends();
	return NULL;
}
#else
static const char *wait_compat32(void)
{
	return "not on x86-64";
}
#endif

const struct mode ipc_modes[] = {
	{ "msgq", "ipc.sysv_msg", wait_msgq },
	{ "semop", "ipc.sysv_sem", wait_semop },
	{ "mqueue", "ipc.posix_mq", wait_mqueue },
	{ "pause", "signal.wait", wait_pause },
	{ "sigwait", "signal.wait", wait_sigwait },
	{ "wait", "child.wait", wait_child },
	{ "clock-abs", "timer.sleep", wait_clock_abs },
	{ "compat32", "timer.sleep", wait_compat32 },
	{ 0 },
};
