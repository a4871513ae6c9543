# SPDX-License-Identifier: BSD-2-Clause
"""Each bundled workload against its own truth."""
import subprocess

from harness import cases

WORKLOADS = ('compute', 'compute 2', 'compute 4', 'disk', 'disk --dsync', 'pingpong', 'sleeper',
             'mutex', 'mixed', 'spawner', 'cond_pool')


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
