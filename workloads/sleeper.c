// SPDX-License-Identifier: BSD-2-Clause
/* sleeper [SLEEPS]: sleeps for one second in all. */
#include "truth.h"

#define COMM "sleeper"

int main(int argc, char **argv)
{
	struct account from = account_now(), before, span;
	long sleeps = argc > 1 ? (long)number_arg(argv[1], 1, 10000) : 10;

	name_thread(COMM);
	before = account_now();
	for (long i = 0; i < sleeps; i++)
		sleep_ns(SEC / sleeps);
	span = account_since(before);

	truth_begin("sleeper");
	truth_waits(COMM, "timer.sleep", span, (struct bounds){ sleeps, sleeps },
		    "each nanosleep of 100 us or more blocks once, and no signal interrupts it");
	truth_expect((struct expectation){
		.path = "wall.timer_ns",
		.in = { account_blocked(span) - account_blocked(span) / 50 - 2 * MS,
			span.wall + 2 * MS },
		.why = "the only thread sleeps; its run delay may count as sleep",
	});
	truth_thread(COMM, from, account_now());
	truth_verdict("sleep-bound", "it asked to wait, nearly all the time");
	return truth_end();
}
