// SPDX-License-Identifier: BSD-2-Clause
/* System V semaphores, and a lock of the kernel's own: that of the address space. */
#include "locks.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

#define PAGE 4096L

static int semaphores;

static void operate(short by)
{
	struct sembuf op = { .sem_op = by, .sem_flg = SEM_UNDO };

	must(semop(semaphores, &op, 1), "semop");
}

static void down(int seat)
{
	(void)seat;
	operate(-1);
}

static void up(int seat)
{
	(void)seat;
	operate(1);
}

static const char *run_sysv_sem(void)
{
	const struct contest c = { .take = down, .drop = up, CONTEST_OF(2) };
	const struct row row = {
		.which = "kind=sysv-sem", .kind = "sysv-sem", .who = CONTENDER "*", .shared = true
	};
	struct record *r;

	semaphores = (int)must(semget(IPC_PRIVATE, 1, 0600), "semget");
	must(semctl(semaphores, 0, SETVAL, 1), "semctl");
	r = contest_of_processes(&c);
	hope(semctl(semaphores, 0, IPC_RMID), "semctl");
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, "ipc.sysv_sem");
	return NULL;
}

#define REGION	  (512L << 20)
#define POPULATED (32L << 20)
#define PROTECTS  60

static char *region;
static bool is_over;

/* Holds the lock for writing while it goes through the pages that are there. */
static void protect(struct record *unused, int party)
{
	(void)unused, (void)party;
	bind_to_cpu(0);
	for (int i = 0; i < PROTECTS; i++) {
		must(mprotect(region, REGION, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ),
		     "mprotect");
		sleep_ns(MS);
	}
	tell(&is_over);
}

/* Faults where there is no page yet: meanwhile that needs the lock for reading. */
__attribute__((noinline)) void touch_pages(struct record *r, int party)
{
	volatile char *page = region + POPULATED;

	bind_to_cpu(1);
	for (; !__atomic_load_n(&is_over, __ATOMIC_SEQ_CST) && page < region + REGION;
	     page += PAGE) {
		call_begins();
		(void)*page;
		call_ends(r, party);
	}
}

static const char *run_mmap_lock(void)
{
	/* It maps and unmaps memory at its start and end, too. */
	const struct row row = { .which = "kind=kernel",
				 .kind = "kernel",
				 .who = "toucher",
				 .others = true,
				 .unsure = 2 };
	struct record *r = record_new();
	struct actor protector = { .comm = "protector", .body = protect };
	struct actor toucher = { .comm = "toucher", .body = touch_pages, .record = r };
	struct tally all;

	region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(region == MAP_FAILED ? -1 : 0, "mmap");
	/* Without it they are few, large pages, or may not be supported. */
	hope(madvise(region, REGION, MADV_NOHUGEPAGE), "madvise");
	for (long at = 0; at < POPULATED; at += PAGE)
		region[at] = 'x';
	actor_start(&toucher);
	actor_start(&protector);
	actor_end(&toucher);
	actor_end(&protector);
	all = tally_of(r, NOBODY);
	if (all.count < 5)
		return "the kernel hardly made anybody wait for the lock of the address space";
	expect_row(r, &row);
	expect_ledger(r, &row, "kernel.lock");
	expect_no_deadlock("the kernel lets go");
	return NULL;
}

const struct mode kernel_modes[] = {
	{ "sysv-sem", run_sysv_sem },
	{ "mmap-lock", run_mmap_lock },
	{ 0 },
};
