# SPDX-License-Identifier: BSD-2-Clause
"""In a CI job: what the script for it leaves, and comparisons of recordings."""
import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree

from harness import cases, equal, expect, schema_problems, without_bpf

MEASURE = pathlib.Path(__file__).parents[3] / 'packaging' / 'ci' / 'measure'


def measure(t, *command, **environment):
    """Its exit status, and what it printed; its folder is t.dir/out."""
    environment = {**os.environ, 'CONCPROF': t.concprof, 'CONCPROF_OUT': str(t.dir / 'out'),
                   'GITHUB_ACTIONS': 'true', 'GITHUB_STEP_SUMMARY': str(t.dir / 'summary'),
                   'GITHUB_OUTPUT': str(t.dir / 'outputs'), **environment}
    done = subprocess.run([MEASURE, *command], env=environment, capture_output=True, text=True,
                          check=False, timeout=60, cwd=t.dir)
    return done.returncode, done.stdout + done.stderr


def test_measure(t):
    """All that a job wants: recording, reports, summary, annotations, output."""
    (t.dir / 'summary').write_text('of an earlier step\n')
    status, said = measure(t, 'sleep 0.2; echo from the command')
    equal(status, 0, said)
    expect('from the command' in said and '::notice' in said, said)
    out = t.dir / 'out'
    report = json.loads((out / 'report.json').read_text())
    equal(report['verdict']['class'], 'sleep-bound')
    equal((t.dir / 'outputs').read_text(), 'verdict=sleep-bound\n')
    summary = (t.dir / 'summary').read_text()
    expect(summary.startswith('of an earlier step\n') and 'sleep-bound' in summary, summary)
    expect('sleep-bound' in (out / 'report.txt').read_text())
    xml.etree.ElementTree.parse(out / 'junit.xml')
    expect((out / 'run.rec').stat().st_size > 100)


@cases(('true', '', 0), ('exit 7', '', 7), ('true', 'totals.processes > 0', 99),
       ('exit 7', 'totals.processes > 0', 7), ('true', 'totals.processes > 1000', 0),
       ('true', '\ntotals.threads > 1000\n\ntotals.processes >= 1\n', 99),
       ('true', 'no.such.path > 1', 125))
def test_status(t, command, gates, wanted):
    """The command's own; else what the gates say."""
    status, said = measure(t, command, CONCPROF_FAIL_ON=gates)
    equal(status, wanted, said)


def test_words(t):
    """More than one word are a command as it stands."""
    status, said = measure(t, 'printf', '%s|', 'a b', '$HOME')
    equal(status, 0, said)
    expect('a b|$HOME|' in said, said)


def record(t, name, *command):
    """A recording of the command."""
    path = t.dir / name
    subprocess.run([t.concprof, 'record', '-o', path, '--', *command], check=True, timeout=60,
                   stdin=subprocess.DEVNULL)
    return path


def diff(t, base, head):
    """The comparison as JSON."""
    path = t.dir / 'diff.json'
    subprocess.run([t.concprof, 'diff', *base, '--vs', *head, '--json', path], check=True,
                   timeout=60)
    data = path.read_bytes()
    t.problems += schema_problems(data)
    return json.loads(data)


def quantity(comparison, name):
    return next(row for row in comparison['quantities'] if row['name'] == name)


def test_diff(t):
    """A longer sleep is found, by its cause; the runs of both kinds were taken in turns."""
    base, head = [], []
    for i in range(5):
        base.append(record(t, f'base{i}', 'sleep', '0.1'))
        head.append(record(t, f'head{i}', 'sleep', '0.3'))
    found = diff(t, base, head)
    equal((found['runs'], found['can_tell'], found['divisions']),
          ({'base': 5, 'head': 5}, True, 252))
    for name in ('wall', 'wall.timer', 'totals.blocked["timer.sleep"]'):
        row = quantity(found, name)
        expect(row['changed'] and row['p'] <= 0.05, row)
        expect(row['head']['mean_ns'] - row['base']['mean_ns'] >= 190e6, row)


def test_diff_of_two(t):
    """One run on each side: the difference is shown, and nothing is claimed."""
    found = diff(t, [record(t, 'base', 'sleep', '0.1')], [record(t, 'head', 'sleep', '0.3')])
    expect(not found['can_tell'])
    expect(not any(row['changed'] for row in found['quantities']), found)


@without_bpf
def test_diff_errors(t):
    """A recording that is none is named."""
    (t.dir / 'none').write_text('no recording')
    done = subprocess.run([t.concprof, 'diff', t.dir / 'none', '--vs', t.dir / 'none'],
                          capture_output=True, text=True, check=False)
    equal((done.returncode, done.stdout), (125, ''), done)
    expect(str(t.dir / 'none') in done.stderr and done.stderr.count('\n') == 1, done.stderr)
