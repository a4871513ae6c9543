# SPDX-License-Identifier: BSD-2-Clause
"""What concprof itself takes. (Times are for `make bench`: no test rests on the clock.)"""
import os

from harness import equal, expect

LIMIT = 32 << 20


def test_memory(t):
    """Resident memory of a run of `true`, as the report tells it."""
    child = t.start(t.command(['true']))
    _, status = os.waitpid(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    equal(child.returncode, 0, 'status')
    told = t.load()['measurement']['collector_rss_bytes']
    expect(0 < told <= LIMIT, 'collector_rss_bytes', told)


def test_memory_is_its_own(t):
    """The figure is concprof's, however large the program was that started it."""
    code = ('import subprocess, sys; block = b"x" * (200 << 20);'
            'sys.exit(subprocess.run(sys.argv[1:]).returncode)')
    outcome = t.spawn(t.python(code, *t.command(['true'])))
    equal(outcome.code, 0, outcome)
    told = outcome.report['measurement']['collector_rss_bytes']
    expect(0 < told <= LIMIT, 'collector_rss_bytes', told)
    for process in outcome.report['processes']:
        expect(process.get('max_rss_bytes', 0) <= LIMIT, 'max_rss_bytes', process)


def test_memory_of_many(t):
    """It does not grow with events: a million switches cost no memory."""
    few = t.truth('pingpong', 100)['measurement']['collector_rss_bytes']
    many = t.truth('pingpong', 100000)['measurement']['collector_rss_bytes']
    expect(many <= few + (2 << 20), 'memory', few, many)


def test_own_cost_is_told(t):
    """Probes that ran say so; what they took is there, and less than the program's own time."""
    measurement = t.truth('pingpong', 20000)['measurement']
    switches = next(row for row in measurement['probes'] if row['name'] == 'sched_switch')
    expect(switches['attached'] and switches['runs'] > 0, 'probe', switches)
    expect(0 < measurement['bpf_share_of_cpu'] < 1, 'share', measurement)
    expect(measurement['collector_cpu_ns'] > 0, 'collector_cpu_ns', measurement)
