# SPDX-License-Identifier: BSD-2-Clause
"""How processes end, and who sees to them: the workload that knows it by its own clocks."""
import subprocess


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'lives'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Zombies, orphans, survivors and deaths are those that the workload made."""
    t.truth('lives', mode)


test_truth.cases = modes
