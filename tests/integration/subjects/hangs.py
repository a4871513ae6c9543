# SPDX-License-Identifier: BSD-2-Clause
"""Programs that stand still, and are ended for it."""
import shutil
import sys

from harness import Skip, equal, expect

LOCKS = '''
import threading, time
first, second = threading.Lock(), threading.Lock()
def take(one, other):
    with one:
        barrier.wait()
        with other:
            pass
barrier = threading.Barrier(2)
threads = [threading.Thread(target=take, args=locks) for locks in ((first, second), (second, first))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
'''


def hung(t, *argv, seconds='1'):
    """The report on a program that is ended because it stands still."""
    outcome = t.run(*argv, options=['--hang-after', seconds])
    equal(outcome.code, 99, outcome)
    report = outcome.report
    equal(report['ended_by'], 'hang', report['ended_by'])
    expect(report['wall_ns'] >= 1_000_000_000, report['wall_ns'])
    return outcome, report


def finding(report):
    """What is said about it."""
    found = [row for row in report['findings'] if row['rule'] == 'hang']
    equal(len(found), 1, report['findings'])
    return found[0]


def test_locks_that_name_no_holder(t):
    """Python's: a hang, with the stack of each thread, and no deadlock that is not proved."""
    outcome, report = hung(t, sys.executable, '-c', LOCKS)
    said = ' '.join(row['text'] for row in finding(report)['evidence'])
    expect('nothing from outside can wake any of them' in said, said)
    equal(report['deadlocks'], [])
    waiting = [row for row in report['threads'] if 'stack' in row]
    equal(len(waiting), 3, report['threads'])
    expect(all(row['stack'] for row in waiting), waiting)
    expect('Where each thread stands' in outcome.stderr, outcome)


def test_waiting_for_input(t):
    """That counts as standing still, and is said."""
    if not shutil.which('cat'):
        raise Skip('there is no cat')
    _, report = hung(t, 'sh', '-c', 'sleep 100 | cat')
    said = ' '.join(row['text'] for row in finding(report)['evidence'])
    expect('can be woken from outside' in said, said)


def test_a_ticker(t):
    """Who only looks and sleeps again does no work."""
    _, report = hung(t, sys.executable, '-c', 'import time\nwhile True: time.sleep(0.05)')
    said = [row['text'] for row in finding(report)['evidence']]
    # At the end it may be awake, to look.
    sleeps = any(wait['open'] for wait in report['threads'][0].get('blocked', {}).values())
    expect(said[0].startswith('1 waits for a sleep to end: ' if sleeps else '1 had just woken up'),
           sleeps, said)
    expect(said[1].startswith('1 of them can be woken from outside'), said)


def test_work(t):
    """A program that does something is left alone."""
    outcome = t.run(t.workload('compute'), options=['--hang-after', '0.2'])
    equal((outcome.code, outcome.report['ended_by']), (0, 'command'), outcome)


def test_children_are_ended(t):
    """All of it: no process is left, nor called a survivor."""
    _, report = hung(t, 'sh', '-c', 'sleep 100 & sleep 100 & wait')
    equal(report['lifecycle']['survivors'], [])


for test in (test_locks_that_name_no_holder, test_waiting_for_input, test_a_ticker, test_work,
             test_children_are_ended):
    test.calm = True
