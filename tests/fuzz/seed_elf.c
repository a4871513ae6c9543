// SPDX-License-Identifier: BSD-2-Clause
/* Compiled into small ELF objects, with which fuzz_elf begins. */
struct account {
	long balance;
	struct {
		int word[10];
	} lock;
};

struct account accounts[3][2];
static int hidden = 1;

static inline __attribute__((always_inline)) int inner(int n)
{
	return n * hidden + (int)accounts[1][0].balance;
}

int outer(int n)
{
	static int calls;

	for (int i = 0; i < n; i++)
		calls += inner(i) ^ calls;
	hidden += calls;
	return calls;
}

int sized(int n)
{
	volatile char room[n + 1];

	room[n] = (char)outer(n);
	return room[n];
}
