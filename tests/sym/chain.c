// SPDX-License-Identifier: BSD-2-Clause
/*
 * A chain of calls whose frames a compiler lays out in different ways, and which stops at its end:
 * chain HOW, where HOW is plain, sort, signal, stack or end. Functions are named in the tests.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

static volatile int sink;

static APART void leaf(void)
{
	raise(SIGSTOP);
	sink++;
}

/* A frame that is aligned anew. */
static APART void aligned(int n)
{
	_Alignas(64) volatile char room[192];

	memset((char *)room, n, sizeof(room));
	leaf();
	sink += room[n & 127];
}

/* A frame whose size is known only as it runs. */
static APART int sized(int n)
{
	volatile char room[n + 1];

	room[n] = (char)n;
	aligned(n);
	return room[n];
}

/* One that keeps all the registers it may. */
static APART int busy(int n)
{
	int a = sink + 1, b = sink + 2, c = sink + 3, d = sink + 4, e = sink + 5, f = sink + 6;

	sink += sized(n + a);
	return a * b + c * d + e * f + sink;
}

static int compare(const void *a, const void *b)
{
	static int calls;

	if (!calls++)
		sink += busy(3);
	return *(const int *)a - *(const int *)b;
}

static APART void sorting(void)
{
	int items[] = { 3, 1, 2 };

	qsort(items, 3, sizeof(*items), compare);
	sink += items[0];
}

static void handler(int signal)
{
	sink += busy(signal);
}

static APART void interrupted(void)
{
	raise(SIGUSR1);
	sink++;
}

static APART void signalled(int flags)
{
	static char other[1 << 16];
	stack_t stack = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		abort();
	interrupted();
	sink++;
}

static APART __attribute__((noreturn)) void last(int n)
{
	sink += busy(n);
	exit(0);
}

/* Its last instruction is a call: the return address is in the next function. */
static APART __attribute__((noreturn)) void ending(int n)
{
	sink += n;
	last(n);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";

	if (!strcmp(how, "sort"))
		sorting();
	else if (!strcmp(how, "signal"))
		signalled(0);
	else if (!strcmp(how, "stack"))
		signalled(SA_ONSTACK);
	else if (!strcmp(how, "end"))
		ending(5);
	else
		sink += busy(2);
	printf("%d\n", sink);
	return 0;
}
