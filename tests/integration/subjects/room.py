# SPDX-License-Identifier: BSD-2-Clause
"""Documents stay below 1 MiB, whatever the program did: what they leave out is said, and what they
list is whole."""
import csv
import resource

from harness import equal, expect
from subjects.recording import record, report

CALM = True  # see run.py


def limit_memory():
    """So that what fills the memory fails; the machine does not."""
    resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))


def sums(document):
    """Of the whole columns of a CSV."""
    rows = list(csv.DictReader(document.splitlines()))
    return {name: sum(int(row[name] or 0) for row in rows) for name in rows[0]
            if name == 'lifetime_ns' or name in ('voluntary', 'running_ns', 'blocked_ns')}


def what_has_room(t, path):
    """What a document of limited length leaves out is said, and what it lists is whole."""
    every = t.dir / 'every'
    equal(report(t, path, '--top', 'all', '--json', every).code, 0)
    full, listed = t.load(every), t.load(t.dir / 'json')
    equal(full['omitted'], [], 'with --top all')
    for name in ('threads', 'processes'):
        left_out, = [row['count'] for row in listed['omitted'] if row['what'] == name]
        equal(len(listed[name]) + left_out, listed['totals'][name], name)
        expect(len(listed[name]) > 300, 'there is room for more', name, len(listed[name]))
        expect(all(row in full[name] for row in listed[name][:50]), 'other rows:', name)
    processes = {row['id'] for row in listed['processes']}
    expect(all(row['process'] in processes for row in listed['threads']), 'threads of nobody')
    expect(all(row['parent'] is None or row['parent'] in processes
               for row in listed['processes']), 'without a parent')
    busiest = sorted(full['threads'], key=lambda row: -row['states']['running_ns'])[:300]
    expect({row['id'] for row in busiest} <= {row['id'] for row in listed['threads']}, 'busiest')
    for key in full.keys() - {'threads', 'processes', 'omitted'}:
        equal(listed[key], full[key], key)
    short = (t.dir / 'csv').read_text(encoding='utf-8')
    equal(report(t, path, '--top', 'all', '--format', 'csv', '-o', every).code, 0)
    long = every.read_text(encoding='utf-8')
    expect(short.count('\n') < 10001 == long.count('\n') - 1, 'rows', long.count('\n'))
    equal(sums(short), sums(long), 'sums of a CSV')


def test_scale(t):
    """10,000 threads: a few bytes for each, and 256 MiB are enough for every report."""
    outcome, path = record(t, t.workload('brief'), '10000')
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    expect(path.stat().st_size < 10000 * 400, 'bytes:', path.stat().st_size)
    for name in ('text', 'json', 'markdown', 'github', 'junit', 'openmetrics', 'csv', 'folded',
                 'pprof', 'html'):
        document = t.dir / name
        outcome = report(t, path, '--format', name, '-o', document, preexec_fn=limit_memory)
        equal((outcome.code, outcome.stderr), (0, ''), name, outcome)
        expect(0 < document.stat().st_size <= 1 << 20, 'bytes:', name, document.stat().st_size)
    what_has_room(t, path)


def test_long_command(t):
    """A command line of nearly 2 MB."""
    outcome = t.run('true', *['x' * 80] * 20000)
    equal(outcome.code, 0, outcome.stderr)
    expect(t.json.stat().st_size <= 1 << 20, 'bytes:', t.json.stat().st_size)
    left_out, = [row['count'] for row in outcome.report['omitted'] if row['what'] == 'command']
    equal(len(outcome.report['command']) + left_out, 20001, 'arguments')
    equal(outcome.report['totals']['threads'], len(outcome.report['threads']), 'threads')
