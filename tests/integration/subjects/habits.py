# SPDX-License-Identifier: BSD-2-Clause
"""Common troubles of input and output, and what looks like them: the workload that has the habit."""
import shutil
import subprocess

from harness import Skip, cases, equal, expect

RULES = ('io.fsync', 'io.log', 'io.names', 'io.one_at_a_time', 'io.tiny')
# None of these has such a habit, whatever else they do.
OTHERS = ('compute', 'sleeper', 'event_loop', 'event_loop timer', 'event_loop idle', 'ticker disk',
          'ticker compute', 'ticker lock', 'tcp both', 'pingpong', 'polling blind', 'polling event',
          'fsync --buffered', 'mutex', 'task_queue 4')


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'habits'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """What it does is found, and what only looks like it is not."""
    t.truth('habits', mode)


test_truth.cases = modes


def rules_of(report):
    """Those of this subject that have fired."""
    return [finding['rule'] for finding in report['findings'] if finding['rule'] in RULES]


@cases(*((line,) for line in OTHERS))
def test_none_of_it(t, line):
    """No finding of this kind about a program that has none of it."""
    name, *args = line.split()
    outcome = t.run(t.workload(name), *args, stdout=subprocess.DEVNULL)
    equal(outcome.code, 0, outcome)
    equal(rules_of(outcome.report), [], line)


def test_dd_of_bytes(t):
    """Of a system's own program; and its calls are counted."""
    dd = shutil.which('dd')
    if not dd:
        raise Skip('there is no dd')
    report = t.run(dd, 'if=/dev/zero', 'of=/dev/null', 'bs=1', 'count=2000000').report
    expect('io.tiny' in rules_of(report), report['findings'])
    counted = report['threads'][0]['io_calls']
    expect(2_000_000 <= counted['reads'] < 2_000_100, counted)
    expect(2_000_000 <= counted['written_bytes'] < 2_001_000, counted)


def test_counted_of_the_living(t):
    """... of a thread that is alive at the end, and not from before it was measured."""
    code = '''
import os, time
for _ in range(1000):
    os.write(1, b'12345')
time.sleep(60)
'''
    report = t.run(*t.python(code), options=('-q', '-d', '1'), stdout=subprocess.DEVNULL).report
    counted = report['threads'][0]['io_calls']
    equal((counted['writes'], counted['written_bytes']), (1000, 5000), counted)
