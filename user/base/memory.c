// SPDX-License-Identifier: BSD-2-Clause
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS 125 /* the contract's */

_Noreturn void out_of_memory(void)
{
	fputs("concprof: out of memory, there is no report; see ulimit -a and its cgroup's limit\n",
	      stderr);
	exit(STATUS);
}
