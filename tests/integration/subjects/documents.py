# SPDX-License-Identifier: BSD-2-Clause
"""Where the reports go, and what they are. (That each JSON document meets the schema and adds up
is checked of every one that any test makes.)"""
import json

from harness import equal, expect

CALM = True  # see run.py


def test_text_by_default(t):
    """The text report goes to standard error, the workload's output to standard output."""
    outcome = t.run('echo', 'words', options=[], as_json=False)
    equal((outcome.code, outcome.stdout), (0, 'words\n'), outcome)
    for word in ('echo words', 'Wall time', 'Threads', 'Trust'):
        expect(word in outcome.stderr, f'no {word!r}:', outcome)
    expect('\x1b' not in outcome.stderr, 'colours where there is no terminal', outcome)


def test_quiet(t):
    """-q prints nothing at all."""
    outcome = t.run('true', options=['-q'], as_json=False)
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)


def test_json_on_stdout(t):
    """--json - puts one document on standard output, and nothing else there."""
    for options in (['--json', '-'], ['--format', 'json', '-o', '-']):
        outcome = t.run('sh', '-c', 'echo words >&2', options=['-q', *options], as_json=False)
        equal((outcome.code, outcome.stderr), (0, 'words\n'), outcome)
        report = t.check(outcome.stdout.encode())
        equal(report['command'], ['sh', '-c', 'echo words >&2'], 'command')
    outcome = t.run('true', options=['--json', '-'], as_json=False)
    t.check(outcome.stdout.encode())
    expect('Wall time' in outcome.stderr, 'the text report is still on standard error', outcome)


def test_text_to_file(t):
    """A text report that has a file of its own does not come on standard error as well."""
    for number, options in enumerate((['--format', 'text', '-o'], ['-o'], ['-q', '-o'])):
        path = t.dir / f'text{number}'
        outcome = t.run('true', options=[*options, str(path)], as_json=False)
        equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
        text = path.read_text(encoding='utf-8')
        expect('Wall time' in text and '\x1b' not in text, 'the text report', text)


def test_several(t):
    """As many reports at once as are asked for."""
    names = [t.dir / name for name in ('a', 'b', 'c', 'd')]
    outcome = t.run('true', options=[
        '--json', names[0], '--format', 'text', '-o', names[1], '--format', 'json', '-o', names[2],
        '-o', names[3]], as_json=False)
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    equal(names[0].read_bytes(), names[2].read_bytes(), 'both JSON reports')
    equal(names[1].read_bytes(), names[3].read_bytes(), 'both text reports')
    t.load(names[0])
    equal(names[0].read_bytes()[-1:], b'\n', 'the last line is one')


def keys_of(node):
    """The keys in their order, all the way down; a list stands for its first item."""
    if isinstance(node, dict):
        return [(key, keys_of(value)) for key, value in node.items() if key not in UNSTEADY]
    if isinstance(node, list):
        return [keys_of(item) for item in node[:1]]
    return None


# What depends on what happened in the run.
UNSTEADY = ('strip', 'findings', 'blocked', 'lost', 'bpf_share_of_cpu', 'waited_for', 'first_io_ns')


def test_key_order(t):
    """Two documents of one command have the same keys in the same order."""
    first, second = (t.run('true').report for _ in range(2))
    for report in (first, second):
        # Known only if it is above what the process had before its exec: true is small.
        report['processes'][0].pop('max_rss_bytes', None)
        # Known unless it was reaped before it left the CPU for good.
        for key in ('group', 'session'):
            report['processes'][0]['life'].pop(key, None)
        # What the clock and the page cache happen to meet, and who else ran.
        report['wait_sites'] = report['cpu_sites'] = report['locks'] = report['io'] = []
        report['others'] = report['takers'] = []
    equal(keys_of(first), keys_of(second), 'keys')


def test_integers(t):
    """Times are whole nanoseconds, and what was not measured is absent."""
    report = t.run('sleep', '0.05').report

    def look(node, path):
        if isinstance(node, dict):
            for key, value in node.items():
                if key.endswith('_ns') and not isinstance(value, list):
                    expect(isinstance(value, int) and value >= 0, path, key, value)
                look(value, f'{path}.{key}')
        elif isinstance(node, list):
            for item in node:
                look(item, path + '[]')

    look(report, '')
    for thread in report['threads']:
        expect('user_ns' not in thread['cpu'], 'sampled times of a run below a second')


def test_hostile_names(t):
    """Names of any bytes come out as valid UTF-8, and do nothing to a terminal."""
    name = b'\xff\x1b[31m"\\\n'
    path = t.dir / 'x'
    path.write_text('#!/bin/sh\nexit 0\n', encoding='utf-8')
    path.chmod(0o755)
    outcome = t.spawn([*[word.encode() for word in t.command([], [])], str(path).encode(), name])
    equal(outcome.code, 0, outcome)
    expect('\x1b' not in outcome.stderr, 'an escape sequence', outcome)
    equal(len(outcome.report['command']), 2, outcome.report['command'])
    json.dumps(outcome.report).encode('utf-8')
