# SPDX-License-Identifier: BSD-2-Clause
"""concprof diff: what changed between two groups of real runs, and conditions on it."""
import csv
import io
import itertools
import json
import os
import shutil

from harness import Skip, cases, equal, expect, schema_problems, without_bpf
from subjects import formats, tables
from subjects.status import complains

# Two threads with as much to do, each a CPU of its own if there are two; with LOCKED a mutex is
# held meanwhile.
SOURCE = '''
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *arg)
{
	unsigned long x = (unsigned long)arg;
	for (int i = 0; i < 40; i++) {
#ifdef LOCKED
		pthread_mutex_lock(&lock);
#endif
		for (int k = 0; k < 1000000; k++) {
			x = x * 6364136223846793005ul + 1442695040888963407ul;
			__asm__ volatile("" : "+r"(x));
		}
#ifdef LOCKED
		pthread_mutex_unlock(&lock);
#endif
	}
	return 0;
}
int main(void)
{
	pthread_t one, other;
	(void)lock;
	return pthread_create(&one, 0, work, 0) || pthread_create(&other, 0, work, 0) ||
	       pthread_join(one, 0) || pthread_join(other, 0);
}
'''
MUTEX = 'totals.blocked["lock.mutex"]'
LOCK = 'locks["lock"].wait'


def built(t, name, *options):
    """A build of that program; its path."""
    compiler = shutil.which(os.environ.get('CC', 'gcc'))
    if not compiler:
        raise Skip('no compiler here')
    source = t.dir / 'work.c'
    source.write_text(SOURCE, encoding='utf-8')
    outcome = t.spawn([compiler, '-O2', '-pthread', *options, str(source), '-o',
                       str(t.dir / name)])
    equal(outcome.code, 0, outcome)
    return str(t.dir / name)


def record(t, name, *argv):
    """A recording; its path."""
    path = str(t.dir / f'{name}.rec')
    outcome = t.spawn([t.concprof, 'record', '-o', path, '--', *argv])
    equal(outcome.code, 0, outcome)
    return path


def diff(t, base, head, *options):
    """The comparison's outcome."""
    return t.spawn([t.concprof, 'diff', *base, '--vs', *head, *options])


def compared(t, base, head, *options, code=0):
    """The comparison as JSON, checked against its schema."""
    outcome = diff(t, base, head, '--json', str(t.dir / 'diff.json'), *options)
    equal(outcome.code, code, outcome)
    data = (t.dir / 'diff.json').read_bytes()
    t.problems += schema_problems(data)
    return json.loads(data)


def changes(comparison):
    """The names of what changed."""
    return [row['name'] for row in comparison['quantities'] if row['changed']]


def fail_on(*expressions):
    """The options for these conditions."""
    return [word for expression in expressions for word in ('--fail-on', expression)]


def test_lock_added(t):
    """Two builds of a program, one with a lock more: the comparison names it, in every format."""
    builds = built(t, 'base'), built(t, 'head', '-DLOCKED')
    base, head = [], []
    for i in range(4):
        base.append(record(t, f'base{i}', builds[0]))
        head.append(record(t, f'head{i}', builds[1]))
    conditions = fail_on(f'change.{MUTEX} > 1ms', 'change.wall > 1000%', f'change.{LOCK} > 1ms',
                         f'base.{MUTEX} == null and head.{MUTEX} > 1ms')
    found = compared(t, base, head, *conditions, code=99)
    expect(MUTEX in changes(found), found['quantities'])
    expect(LOCK in changes(found), found['quantities'])
    equal([gate['holds'] for gate in found['gates']], [True, False, True, True], found['gates'])
    expect('beyond the spread' in found['gates'][0]['measured'], found['gates'])
    equal(found['machines_differ'], None)

    outcome = diff(t, base, head, *conditions)
    equal((outcome.code, outcome.stderr.count('\n')), (99, 3), outcome)
    expect(f'gate: change.{MUTEX} > 1ms holds: new: ' in outcome.stderr, outcome)
    expect(MUTEX in outcome.stdout, outcome)
    for name in ('markdown', 'github', 'junit', 'csv', 'openmetrics'):
        outcome = diff(t, base, head, '--format', name, *conditions)
        equal(outcome.code, 99, name, outcome)
        expect('lock.mutex' in outcome.stdout, name, outcome)
        check_format(name, outcome.stdout)


def check_format(name, text):
    """That its own reader takes it, and finds the lock."""
    if name == 'markdown':
        formats.check_markdown(text.encode())
    elif name == 'junit':
        tests = {row[0]: row for row in formats.check_junit(text.encode())}
        equal(sum('failure' in row[1] for row in tests.values()), 3, text)
        expect('changed: ' in tests[f'concprof.change.{MUTEX}'][2], text)
    elif name == 'csv':
        rows = {row['name']: row for row in csv.DictReader(io.StringIO(text))}
        equal((rows[MUTEX]['changed'], rows[MUTEX]['asked']), ('1', '1'), text)
    elif name == 'github':
        kinds = [row[0] for row in formats.check_github(text.encode())]
        equal(kinds, ['error', 'error', 'error', 'notice'], text)
    elif name == 'openmetrics':
        tables.read_metrics(text)


@without_bpf
def test_golden(t):
    """The comparison that is kept, with names that try to be markup: formats has the other files."""
    kept = formats.GOLDEN / 'changes'
    t.problems += schema_problems((kept / 'out.json').read_bytes())
    document = json.loads((kept / 'out.json').read_bytes())
    with (kept / 'out.csv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    equal([row['changed'] == '1' for row in rows],
          [row['changed'] for row in document['quantities']], 'changes in the CSV')
    families = {name: samples for name, _, samples in
                tables.read_metrics((kept / 'out.metrics').read_text(encoding='utf-8'))}
    equal(len(families['concprof_diff_changed']), len(rows), 'rows in the metrics')


def test_equal_runs(t):
    """Eight runs of one program, divided in all 35 ways: of 70 comparisons that chance could have
    made of them, at most 5 in 100 may say that something changed. That holds of any eight runs,
    or the test is wrong."""
    script = 'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; dd if=/dev/zero bs=64k ' \
             'count=400 2>/dev/null | cksum; mktemp -u | wc -c'
    runs = [record(t, f'run{i}', 'sh', '-c', script) for i in range(8)]
    alarms = {}
    for head in itertools.combinations(runs[1:], 4):
        base = [run for run in runs if run not in head]
        found = compared(t, base, head, '-q')
        expect(found['can_tell'] and found['divisions'] == 70, found)
        if changes(found):
            alarms[head] = changes(found)
    expect(len(alarms) <= 1, alarms)


def test_one_run_each(t):
    """Too few runs to tell: shown, said, and no condition on a change passes."""
    base, head = record(t, 'base', 'sleep', '0.05'), record(t, 'head', 'sleep', '0.1')
    for condition in ('change.wall > 5%', 'change.wall > 5000%', 'not change.wall > 5%'):
        found = compared(t, [base], [head], *fail_on(condition), code=99)
        equal((found['can_tell'], changes(found)), (False, []))
        equal(found['gates'][0]['holds'], None, found['gates'])
        expect('too few runs (1 and 1)' in found['gates'][0]['error'], found['gates'])
    outcome = diff(t, [base], [head], *fail_on('change.wall > 5%'))
    expect('too few runs' in outcome.stdout and 'cannot be decided' in outcome.stderr, outcome)
    equal(diff(t, [base], [head], *fail_on('head.wall > 10s')).code, 0)
    equal(diff(t, [base], [head], *fail_on('head.wall > 10ms'), '--error-exitcode', '3').code, 3)


def test_copies(t):
    """The same run four times is no four runs."""
    base, head = record(t, 'base', 'sleep', '0.05'), record(t, 'head', 'sleep', '0.1')
    found = compared(t, [base] * 4, [head] * 4, *fail_on('change.wall > 5%'), code=99)
    equal((found['can_tell'], found['repeated'], changes(found)), (False, 6, []))
    equal(found['gates'][0]['holds'], None, found['gates'])


def test_failing_command(t):
    """A head that fails at once is no faster one: it is said."""
    base = [record(t, f'base{i}', 'sh', '-c', 'sleep 0.05') for i in range(2)]
    path = str(t.dir / 'head.rec')
    t.spawn([t.concprof, 'record', '-o', path, '--', 'sh', '-c', 'exit 3'])
    found = compared(t, base, [path])
    equal(found['failed'], {'base': 0, 'head': 1})
    expect('the command failed in 1 of 1 runs of the head' in diff(t, base, [path]).stdout)


@without_bpf
@cases(('of one run', 'wall > 5%', "'wall' is of one run", 'change.wall'),
       ('unknown', 'change.wal > 5%', 'column 1', 'change.wall'),
       ('a text', 'change.verdict.class == "idle"', 'base.verdict.class'),
       ('a unit', 'change.wall > 5', 'column 15', '5%'))
def test_refused(t, _, expression, *words):
    """A wrong condition is refused before any file is read."""
    complains(diff(t, ['none'], ['none'], *fail_on(expression)), 125, '--fail-on: ', *words)


@without_bpf
@cases(('run', ['--fail-on', 'change.wall > 5%', '--', 'true'], 'concprof diff'),
       ('report', ['report', 'none', '--fail-on', 'base.wall > 5s'], 'concprof diff'),
       ('report -d', ['report', 'none', '-d', '3'], '--duration belongs to run, record and attach'),
       ('diff -u', ['diff', 'none', '-u', 'me', '--vs', 'none'], '--user belongs to run'),
       ('check', ['check', '-q'], 'not to check'),
       ('recording', ['diff', 'none', '--vs', 'none', '--format', 'recording', '-o', 'x'],
        'recording'))
def test_not_there(t, _, args, word):
    """What a command does not know is one line, and nothing is run or read."""
    complains(t.spawn([t.concprof, *args]), 125, word)
    equal(list(t.dir.iterdir()), [], 'left behind')
