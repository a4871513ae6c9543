# SPDX-License-Identifier: BSD-2-Clause
"""Threads from which the CPU is taken at awkward moments."""
import os

from harness import equal

# Wakes up 20,000 times a second, and takes the CPU from whoever has it.
TICKS = '''
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 5e-5, 5e-5)
print(flush=True)
while True: signal.pause()
'''


def test_on_the_way_to_sleep(t):
    """What the kernel neither stamps nor counts as queued is no running: the run times agree."""
    for _ in os.sched_getaffinity(0):
        ready, end = t.pipe()
        t.start(t.python(TICKS), stdout=end)
        os.read(ready, 1)
    outcome = t.run(t.workload('forkstorm'), '--exec')
    equal(outcome.code, 0, outcome)
