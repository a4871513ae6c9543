/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Says so, and ends with the status of concprof's own failures: there is no report without memory. The
 * kernel detaches the probes with the process, the workload lives on, and what atexit(3) was given
 * removes the file that was being written. */
_Noreturn void out_of_memory(void);
