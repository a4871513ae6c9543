# SPDX-License-Identifier: BSD-2-Clause
"""Each bundled workload against its own truth."""
import subprocess

from harness import cases

WORKLOADS = ('compute', 'compute 2', 'compute 4', 'disk', 'disk --dsync', 'pingpong', 'sleeper',
             'mutex', 'mutex 4 5000 rust', 'mixed', 'spawner', 'cond_pool', 'fsync',
             'fsync --buffered', 'tcp both', 'tcp both sleep', 'forkstorm', 'forkstorm --exec',
             'forkstorm --work', 'event_loop', 'event_loop timer', 'event_loop idle', 'ticker disk',
             'ticker compute', 'ticker lock', 'spinner', 'spinner block', 'polling blind',
             'polling event', 'task_queue 1', 'task_queue 4', 'creation', 'crowded', 'crowded fit',
             'crowded nap', 'phases', 'build', 'faults', 'faults warm', 'convoy', 'convoy 1',
             'convoy pollers', 'dining careless', 'dining ordered', 'dining banker', 'sites few',
             'sites equal', 'sites cpu', 'sites deep')


def awkward_modes(build):
    """As the workload lists them; the second half of an exec is not to be run alone."""
    modes = subprocess.run([build / 'workloads' / 'awkward'], capture_output=True, text=True,
                           check=True).stdout.split()
    return [(mode,) for mode in modes if mode != 'exec-thread-2']


@cases(*((line,) for line in WORKLOADS))
def test_truth(t, line):
    """The report says what the workload knows it did."""
    t.truth(*line.split())


def test_awkward(t, mode):
    """So does it in the kernel's awkward situations."""
    t.truth('awkward', mode)


test_awkward.cases = awkward_modes
