// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/progress.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const char *doing; /* NULL: nothing goes on */
static volatile sig_atomic_t seconds;
static struct sigaction before;

static size_t add(char *line, size_t n, const char *text)
{
	size_t length = strlen(text);

	memcpy(line + n, text, length);
	return n + length;
}

/* In a handler of a signal: signal-safety(7). */
static void say(int signal)
{
	char line[128], digits[12];
	int error = errno;
	size_t n = 0, d = sizeof(digits) - 1;

	(void)signal;
	seconds++;
	digits[d] = '\0';
	for (int rest = seconds; rest && d; rest /= 10)
		digits[--d] = (char)('0' + rest % 10);
	n = add(line, n, "\rconcprof: ");
	n = add(line, n, doing);
	n = add(line, n, ", ");
	n = add(line, n, digits + d);
	n = add(line, n, " s; Ctrl-C ends it\r");
	/* what does not get through is said again in a second */
	if (write(STDERR_FILENO, line, n) < 0)
		seconds--;
	errno = error;
}

static int tick(time_t each)
{
	struct itimerval timer = { .it_interval.tv_sec = each, .it_value.tv_sec = each };

	return setitimer(ITIMER_REAL, &timer, NULL);
}

void progress_begin(bool wanted, const char *what)
{
	struct sigaction action = { .sa_handler = say, .sa_flags = SA_RESTART };

	progress_end();
	if (!wanted || !isatty(STDERR_FILENO) || sigaction(SIGALRM, &action, &before))
		return;
	doing = what;
	seconds = 0;
	if (tick(1)) /* then it is not said */
		progress_end();
}

void progress_end(void)
{
	static const char blank[] = "\r\33[K";

	if (!doing)
		return;
	(void)tick(0);
	(void)sigaction(SIGALRM, &before, NULL);
	doing = NULL;
	if (seconds && write(STDERR_FILENO, blank, sizeof(blank) - 1) < 0)
		seconds = 0; /* whoever read it has gone */
}
