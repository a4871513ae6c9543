/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Ends the calling process the way that wstatus (as from waitpid(2)) says another one ended: with
 * the same exit code, by exit(3); or by the same signal, without a core file. If that signal does
 * not end this process (a stop, or PID 1 of a container, which the kernel spares), it exits with
 * 128 + signal, as a shell would say it. Reports must be written and stdio flushed before.
 */
_Noreturn void launch_exit_like(int wstatus);
