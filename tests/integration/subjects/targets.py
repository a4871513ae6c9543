# SPDX-License-Identifier: BSD-2-Clause
"""What is waited for with a descriptor: the workload that knows it by its own clocks."""
import subprocess


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'targets'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Each thing's row has its name, and the waits and the times that there were."""
    t.truth('targets', mode)


test_truth.cases = modes
