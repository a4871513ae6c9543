# SPDX-License-Identifier: BSD-2-Clause
"""signals.py: a hundred signals of an old number, to a process that blocks them meanwhile."""
import os
import signal

COUNT = 100

ready, to_parent = os.pipe()
proceed, to_child = os.pipe()
child = os.fork()
if not child:
    taken = 0

    def take(*_):
        """One that came."""
        global taken  # pylint: disable=global-statement
        taken += 1

    signal.signal(signal.SIGUSR1, take)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os.write(to_parent, b'x')
    os.read(proceed, 1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    print(f'{COUNT} were sent, {taken} came', flush=True)
    os._exit(0)
os.read(ready, 1)
for _ in range(COUNT):
    os.kill(child, signal.SIGUSR1)
os.write(to_child, b'x')
os.waitpid(child, 0)
