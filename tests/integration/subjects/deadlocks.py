# SPDX-License-Identifier: BSD-2-Clause
"""Deadlocks, and what looks like them: the workload that knows who waits for whom."""
import json
import os
import subprocess

from harness import equal, expect

PROOF_NS = 1_000_000_000  # two looks, with a quarter of a second between them
CONDITIONS = {'mutual_exclusion', 'hold_and_wait', 'no_preemption', 'circular_wait'}


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'deadlocks'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def run(t, mode):
    """The outcome of a mode, held against its truth, and what it said of its threads."""
    truth = t.dir / 'truth.json'
    outcome = t.run(t.workload('deadlocks'), mode,
                    env={**os.environ, 'CONCPROF_TRUTH': str(truth)})
    equal(outcome.code, 0, outcome)
    t.meets(json.loads(truth.read_text(encoding='utf-8')), outcome.report)
    return outcome, json.loads(outcome.stdout)


def edges(rows):
    """Who waits for whom."""
    return frozenset((row['tid'], row['held_by']) for row in rows)


def check_same(found, there):
    """The same threads wait for each other in the report as in truth."""
    equal({(d['kind'], edges(d['cycle']), edges(d['behind'])) for d in found},
          {(d['kind'], *(frozenset(map(tuple, d[key])) for key in ('cycle', 'behind')))
           for d in there}, 'deadlocks')


def check_times(report, deadlock):
    """It was proved soon after it came to be, and seen up to the end or later than that."""
    since, proved, seen = (deadlock[key] for key in ('since_ns', 'proved_ns', 'seen_ns'))
    expect(0 < since < proved <= seen <= report['wall_ns'], since, proved, seen)
    expect(proved - since < PROOF_NS, 'proved late:', proved - since)
    came = [row['since_ns'] for row in deadlock['cycle']]
    equal(since, max(came) if deadlock['kind'] == 'cycle' else min(came), 'since_ns')


def check_members(report, deadlock):
    """Each has a stack, a holder that is next, and a lock with a wait that nothing ended."""
    ring, locks = deadlock['cycle'], {lock['id']: lock for lock in report['locks']}
    for number, row in enumerate(ring):
        if deadlock['kind'] == 'cycle':
            equal(row['holder'], ring[(number + 1) % len(ring)]['thread'], 'the next one', row)
    for row in [*ring, *deadlock['behind']]:
        expect(row['stack'], 'no stack:', row)
        if row['waits_for'] is not None:
            lock = locks[row['waits_for']]
            equal((lock['name'], lock['kind']), (row['name'], row['kind']), row)
    expect(deadlock['confirmed'], deadlock)
    equal(set(deadlock['conditions']), CONDITIONS, 'conditions')
    expect(all(deadlock['conditions'].values()), deadlock['conditions'])


def test_truth(t, mode):
    """Each deadlock is proved and announced, with all of its threads; nothing else is."""
    outcome, said = run(t, mode)
    report, found = outcome.report, outcome.report['deadlocks']
    check_same(found, said['deadlocks'])
    for deadlock in found:
        check_times(report, deadlock)
        check_members(report, deadlock)
    lines = [line for line in outcome.stderr.splitlines()
             if line.startswith('concprof: deadlock:')]
    equal(len(lines), len(said['deadlocks']), 'lines', outcome)
    equal(report['verdict']['class'] == 'deadlocked', said['stands'], report['verdict'])


test_truth.cases = modes
test_truth.calm = True


def test_said_at_once(t):
    """The line comes while the program stands, not at its end."""
    process = t.begin(t.workload('deadlocks'), 'two', stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE)
    line = process.stderr.readline().decode()
    still = process.poll() is None and not t.json.exists()
    outcome = t.finish(process)
    expect(line.startswith('concprof: deadlock: pair-0 ('), line, outcome)
    expect(still, 'it came at the end:', outcome)
