# SPDX-License-Identifier: BSD-2-Clause
"""--fail-on and --error-exitcode: conditions on the report as an exit status."""
import decimal
import json

from harness import cases, equal, expect, without_bpf

CALM = True  # see run.py

SLEEPS = 'wall.timer > 50ms'
NEVER = 'wall > 1h'
ABSENT = 'calls.futex.waits > 0'


def fail_on(*expressions):
    """The options for these conditions."""
    return [word for expression in expressions for word in ('--fail-on', expression)]


def gates_of(outcome):
    """Whether each of the report's conditions holds."""
    return [gate['holds'] for gate in outcome.report['gates']]


def said(outcome):
    """The lines that gates have on standard error."""
    return [line for line in outcome.stderr.splitlines() if line.startswith('concprof: ')]


def test_none(t):
    """Without a condition there is none in the report."""
    equal(t.run('true').report['gates'], [], 'gates')


def test_passes(t):
    """A condition that does not hold is silent, and changes nothing."""
    outcome = t.run('true', options=['-q', *fail_on(NEVER, 'lifecycle.zombies > 0')])
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    equal(gates_of(outcome), [False, False], outcome.report['gates'])


@cases(('by itself', [], 99), ('as asked for', ['--error-exitcode', '3'], 3))
def test_fails(t, _, options, code):
    """One that holds is the exit status, and is said although the report is not wanted."""
    outcome = t.run('sleep', '0.1', options=['-q', *options, *fail_on(NEVER, SLEEPS)])
    equal(outcome.code, code, outcome, outcome.report['gates'])
    lines = outcome.stderr.splitlines()
    equal(len(lines), 1, outcome)
    expect(lines[0].startswith(f'concprof: gate: {SLEEPS} holds: '), outcome)
    expect('% of the wall time' in lines[0], outcome)
    equal(gates_of(outcome), [False, True], outcome.report['gates'])
    gate = outcome.report['gates'][1]
    equal((gate['expression'], gate['finding']), (SLEEPS, 'verdict.sleep'), gate)
    expect(gate['measured'] in lines[0], gate)


def test_absent_is_an_error(t):
    """What is not in this report fails the gate, unless it was asked for or decides nothing."""
    outcome = t.run('true', options=['-q', *fail_on(ABSENT)])
    equal((outcome.code, gates_of(outcome)), (99, [None]), outcome)
    expect('absent in this run' in outcome.report['gates'][0]['error'], outcome.report['gates'])
    equal(len(said(outcome)), 1, outcome)
    expect('cannot be decided' in said(outcome)[0], outcome)
    outcome = t.run('true', options=['-q', *fail_on(f'calls.futex.waits != null and {ABSENT}',
                                                    f'{NEVER} and {ABSENT}')])
    equal((outcome.code, gates_of(outcome)), (0, [False, False]), outcome)


def test_in_the_text(t):
    """What holds stands behind the summary; what does not, only with -v."""
    options = fail_on(SLEEPS, NEVER)
    outcome = t.run('sleep', '0.1', options=options, as_json=False)
    equal(outcome.code, 99, outcome)
    expect(f'  gate: {SLEEPS} holds: ' in outcome.stderr, outcome)
    expect(f'gate: {NEVER}' not in outcome.stderr, outcome)
    outcome = t.run('sleep', '0.1', options=['-v', *options], as_json=False)
    expect(f'  gate: {NEVER} does not hold: ' in outcome.stderr, outcome)


@cases(('its status', 'exit 5', 5), ('a signal', 'kill -TERM $$', -15))
def test_the_command_wins(t, _, script, code):
    """A command that fails ends as it does; what holds is said all the same."""
    outcome = t.run('sh', '-c', script, options=['-q', *fail_on('wall > 0')])
    equal(outcome.code, code, outcome)
    equal((len(said(outcome)), gates_of(outcome)), (1, [True]), outcome)


@without_bpf
@cases(('a path', 'wall.lok > 20%', 'column 1', "'wall.lok'", 'wall.lock'),
       ('behind another', 'wall > 1s and zombies > 0', 'column 15', 'lifecycle.zombies'),
       ('a class', 'verdict.class == "lock-bond"', 'column 18', 'lock-bound'),
       ('a unit', 'wall.lock > 3', 'column 13', '5ms'),
       ('an end', 'wall.lock > ', 'column 13', 'the end'),
       ('nothing', '', 'column 1', 'wall.lock'),
       ('hostile', '\x1b[31m\n', 'column 1'),
       ('deep', '(' * 900, 'too deep'),
       ('long', 'wall > 1s or ' * 1000, 'longer than 1000'))
def test_refused(t, _, expression, *words):
    """A wrong condition is one line, before anything has run."""
    outcome = t.run('touch', 'ran', options=fail_on('wall > 1s', expression))
    equal((outcome.code, outcome.stdout), (125, ''), outcome)
    equal(len(outcome.stderr.splitlines()), 1, outcome)
    expect(outcome.stderr.isprintable() or outcome.stderr[:-1].isprintable(), outcome)
    for word in ('concprof: --fail-on: ', *words):
        expect(word in outcome.stderr, f'no {word!r}:', outcome)
    equal(list(t.dir.iterdir()), [], 'it ran, or left something behind')


@without_bpf
def test_at_most_32(t):
    """... and no status that is none."""
    for options, word in ((fail_on(*['wall > 1s'] * 33), '32'),
                          (['--error-exitcode', '0'], "'0'"), (['--error-exitcode', 'x'], "'x'")):
        outcome = t.run('touch', 'ran', options=options)
        equal((outcome.code, list(t.dir.iterdir())), (125, []), outcome)
        expect(word in outcome.stderr, outcome)


def record(t, *argv, options=(), code=0):
    """A recording of a command, and how that went."""
    path = str(t.dir / 'kept.rec')
    outcome = t.spawn([t.concprof, 'record', '-o', path, *options, '--', *argv])
    equal(outcome.code, code, outcome)
    return path, outcome


def test_record(t):
    """record keeps the measurement and fails by it."""
    path, outcome = record(t, 'sleep', '0.1', options=fail_on(SLEEPS), code=99)
    equal(len(outcome.stderr.splitlines()), 1, outcome)
    outcome = t.spawn([t.concprof, 'report', path, '-q'])
    equal((outcome.code, outcome.stderr), (0, ''), 'a gate is no part of a recording')


def test_report(t):
    """Of a recording: 0 or --error-exitcode, whatever the command's own status was."""
    path, _ = record(t, 'sh', '-c', 'sleep 0.1; exit 7', code=7)
    for options, code in ((fail_on(NEVER), 0), (fail_on(SLEEPS), 99),
                          ([*fail_on('exit.code == 7'), '--error-exitcode', '4'], 4),
                          (fail_on(ABSENT), 99), (fail_on('wall >'), 125)):
        outcome = t.spawn([t.concprof, 'report', path, '-q', *options])
        equal((outcome.code, outcome.stdout), (code, ''), options, outcome)
        equal(len(outcome.stderr.splitlines()), int(code != 0), options, outcome)
    outcome = t.spawn([t.concprof, 'report', path, *fail_on(SLEEPS)])
    expect(f'gate: {SLEEPS} holds' in outcome.stdout, outcome)
    equal(len(said(outcome)), 1, outcome)


# What identifies the report itself, and gates that are no path of it.
NO_PATHS = ('schema_version', 'tool', 'clock', 'started_at', 'gates')


def paths_of(node, path=''):
    """(path, condition that holds) of each number, text and list outside of lists."""
    for key, value in node.items():
        if key in NO_PATHS:
            continue
        unit = ''
        for suffix, its in (('_ns', 'ns'), ('_bytes', 'B')):
            if key.endswith(suffix):
                key, unit = key[:-len(suffix)], its
        unit = 'ns' if key in ('ns', 'bpf_ns_estimated') else unit
        here = f'{path}["{key}"]' if '.' in key else f'{path}.{key}'.lstrip('.')
        here = path if key == 'ns' else here
        if isinstance(value, dict):
            yield from paths_of(value, here)
        elif isinstance(value, list):
            yield here, f'{here} == {len(value)}'
        elif isinstance(value, float):
            yield here, f"{here} == {decimal.Decimal(repr(value)):f}"
        else:
            yield here, f'{here} == {json.dumps(value)}{unit}'


def test_every_path(t):
    """All that the JSON says outside of lists is a path, and leads to what it says."""
    path, _ = record(t, 'sh', '-c', 'sleep 0.1 & dd if=/dev/zero of=/dev/null count=9; wait')
    options = ['-q', '--json', str(t.json)]
    outcome = t.spawn([t.concprof, 'report', path, *options])
    equal(outcome.code, 0, outcome)
    rows = list(paths_of(outcome.report))
    expect(len(rows) > 90, rows)
    for first in range(0, len(rows), 32):
        part = rows[first:first + 32]
        outcome = t.spawn([t.concprof, 'report', path, *options,
                           *fail_on(*(condition for _, condition in part))])
        equal(outcome.code, 99, outcome)
        for (name, _), gate in zip(part, outcome.report['gates']):
            expect(gate['holds'] is True, name, gate)
