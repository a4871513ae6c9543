# SPDX-License-Identifier: BSD-2-Clause
"""A terminal with a session of its own, as a user sits before it."""
import fcntl
import os
import pty
import select
import subprocess
import termios
import time

from harness import DEADLINE, expect, read_until


class Terminal:
    """Runs a command in a new terminal; its text is kept in seen."""

    def __init__(self, test, argv, **popen):
        self.fd, slave = pty.openpty()
        test.cleanup.callback(os.close, self.fd)
        mode = termios.tcgetattr(slave)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        self.process = test.start(
            argv, stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **popen)
        os.close(slave)
        self.seen = ''

    def type(self, text):
        """Presses keys; '\\x03' is Ctrl-C."""
        os.write(self.fd, text.encode())

    def expect(self, word):
        """Waits for a word, and forgets all up to it; what came before it."""
        self.seen = read_until(self.fd, word, self.seen)
        before, _, self.seen = self.seen.partition(word)
        return before

    def finish(self):
        """Reads until the command ends; its status. Others may go on at the terminal."""
        end = time.monotonic() + DEADLINE
        pidfd = os.pidfd_open(self.process.pid)
        try:
            while True:
                ready = select.select([self.fd, pidfd], [], [], max(end - time.monotonic(), 0))[0]
                expect(ready, f'no end of {self.process.args}: {self.seen!r}')
                if self.fd in ready and self.read():
                    continue
                return self.process.wait(DEADLINE)
        finally:
            os.close(pidfd)

    def read(self):
        """False at the end: when nobody has the terminal open any more."""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors='replace')
        return bool(data)
