# SPDX-License-Identifier: BSD-2-Clause
"""Many at once, many in a row, and a storm of exits: each ledger comes exactly once."""
from harness import equal, exits, nothing_lost

EVERY = ('-q', '--top', 'all')  # row, however long the document becomes


def every_one(report, threads):
    """As many different threads as there were, none twice, each with its end."""
    rows = report['threads']
    equal(len(rows), threads, 'threads')
    equal(len({row['id'] for row in rows}), threads, 'different ids')
    equal(len({(row['tid'], row['start_ns']) for row in rows}), threads, 'different threads')
    nothing_lost(report)


def test_at_once(t):
    """2,000 threads that are all alive at one moment, and then exit all together."""
    report = t.truth('crowd', 2000, options=EVERY)
    every_one(report, 2001)
    crowd = [row for row in report['threads'] if row['tid'] != row['pid']]
    last_start = max(row['start_ns'] for row in crowd)
    first_end = min(row['end_ns'] for row in crowd)
    equal(last_start <= first_end, True, 'all at once:', last_start, first_end)


def test_storm_of_exits(t):
    """1,000 threads that exit at once, and 300 that one SIGKILL ends."""
    report = t.truth('crowd', 1000, options=EVERY)
    every_one(report, 1001)
    code = ('import os, threading\n'
            'gate = threading.Barrier(301)\n'
            'def wait():\n gate.wait(); threading.Event().wait()\n'
            'for _ in range(300): threading.Thread(target=wait, daemon=True).start()\n'
            'gate.wait()\nos.kill(os.getpid(), 9)')
    outcome = t.run(*t.python(code), options=EVERY)
    equal(outcome.code, -9, outcome)
    every_one(outcome.report, 301)


def test_in_a_row(t):
    """20,000 short processes one after another."""
    report = t.truth('brief', 20000, options=EVERY)
    every_one(report, 20001)
    equal(len({row['id'] for row in report['processes']}), 20001, 'different processes')
    equal(len(exits(report)), 20001, 'ends')


def test_side_by_side(t):
    """Many processes that end at the same time."""
    line = 'for i in $(seq 200); do sh -c "exit 5" & done; wait; exit 6'
    outcome = t.run('sh', '-c', line)
    equal(outcome.code, 6, outcome)
    equal(exits(outcome.report), [0] + [5] * 200 + [6], 'exit codes')  # seq returns 0
    nothing_lost(outcome.report)
