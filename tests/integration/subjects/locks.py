# SPDX-License-Identifier: BSD-2-Clause
"""Locks, who waits for them and who holds them: the workload that knows it by its own clocks."""
import subprocess


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'locks'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Each lock's row has the waits, the times, the waiters and the holders that there were."""
    t.truth('locks', mode)


test_truth.cases = modes
