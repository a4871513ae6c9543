# SPDX-License-Identifier: BSD-2-Clause
"""Locks, who waits for them and who holds them: the workload that knows it by its own clocks."""
import json
import os
import shutil
import subprocess

from harness import Skip, equal, expect


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'locks'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Each lock's row has the waits, the times, the waiters and the holders that there were."""
    t.truth('locks', mode)


test_truth.cases = modes


def need_unshare():
    """util-linux's, which every distribution has."""
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')


def test_in_a_pid_namespace(t):
    """As in a container: the numbers in the locks are not the machine's, but concprof's own."""
    need_unshare()
    truth = t.dir / 'truth.json'
    outcome = t.spawn(['unshare', '-pf', '--mount-proc',
                       *t.command([t.workload('locks'), 'holder-sleeps'])],
                      env={**os.environ, 'CONCPROF_TRUTH': str(truth)})
    equal(outcome.code, 0, outcome)
    t.meets(json.loads(truth.read_text(encoding='utf-8')), outcome.report)


def test_of_a_pid_namespace(t):
    """... and here neither."""
    need_unshare()
    report = t.run('unshare', '-pf', t.workload('locks'), 'holder-sleeps',
                   stdout=subprocess.DEVNULL).report
    lock = next(row for row in report['locks'] if row['name'] == 'nap_lock')
    known = sum(row['blamed_ns'] for row in lock['holders'] if row['how'] == 'owner-word')
    expect(known > 0.9 * lock['wait_ns'], lock)
    expect(lock['held_in'].startswith('sleep_ns ('), lock)
