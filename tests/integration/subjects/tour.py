# SPDX-License-Identifier: BSD-2-Clause
"""The lessons of `make tour`: the form of all of them, and some for real; make tour-test runs all."""
import pathlib
import sys

from harness import PYTHON, equal, expect, without_bpf

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
TOUR = ROOT / 'tests' / 'tour'
sys.path.append(str(TOUR))

# pylint: disable=wrong-import-position
import form  # noqa: E402
import layout  # noqa: E402
import lesson as lessons  # noqa: E402
import values  # noqa: E402

FOR_REAL = 'mutex, deadlock, streams, zombies'
GOOD = '''# Title
Concepts: one

    run build/workloads/sleeper
    expect wall_ns >= 900ms -- it sleeps for a second

It took {wall_ns}.

Question: Why?

Answer: It sleeps.
'''
REPORT = {'wall_ns': 2_500_000_000, 'exit': {'code': 3}, 'threads': [
    {'comm': 'one', 'lifetime_ns': 500_000, 'states': {'running_ns': 400}},
    {'comm': 'one', 'lifetime_ns': 1_500_000, 'states': {'running_ns': 1600}}],
    'model': {'io': ['blocking', 'aio']}}


def read(t, text):
    """The lesson in a text."""
    path = t.dir / '07-name.md'
    path.write_text(text, encoding='utf-8')
    return lessons.Lesson(path)


@without_bpf
def test_form(t):
    """Each lesson has its parts, its commands exist, and its paths are those of reports."""
    everything = lessons.all_lessons(TOUR / 'lessons')
    t.problems += [trouble for one in everything for trouble in form.troubles(one, t.build)]
    concepts = (TOUR / 'concepts').read_text(encoding='utf-8').splitlines()
    equal(form.untaught(everything, concepts), [], 'concepts without a lesson')
    names = [one.name for one in everything]
    equal(len(names), len(set(names)), 'names of lessons')
    printed = t.spawn([PYTHON, TOUR / 'tour.py', t.build, 'no such lesson']).stdout
    wide = [line for line in printed.splitlines() if len(line) > 80]
    equal(wide, [], 'lines of the table of contents')


@without_bpf
def test_refused(t):
    """What is wrong with a lesson is told."""
    equal(list(form.troubles(read(t, GOOD), t.build)), [], 'a good lesson')
    for was, now, word in (
            ('wall_ns >=', 'wal_ns >=', "no report has 'wal_ns'"),
            ('wall_ns >= 900ms', 'findings[rule="no.such"].severity = note', "no rule 'no.such'"),
            ('wall_ns >= 900ms', 'locks[kind=muhtex].waits >= 1', "never 'muhtex'"),
            ('wall_ns >= 900ms', 'verdict.class = fast', "never 'fast'"),
            ('sleeper', 'sleepy', "no workload 'sleepy'"),
            ('sleeper', 'kinds many', "no mode 'many'"),
            ('Answer:', 'So:', "'Answer:'"),
            ('{wall_ns}', 'long', 'quotes nothing'),
            ('    expect wall_ns >= 900ms -- it sleeps for a second\n', '', 'nothing is expected')):
        found = '\n'.join(form.troubles(read(t, GOOD.replace(was, now)), t.build))
        expect(word in found, word, 'in', found)
    for was, now in ((' -- it sleeps for a second', ''), ('>= 900ms', '~ 900ms'),
                     ('{wall_ns}', '{other:wall_ns}'), ('{wall_ns}', '{wall_ns as yards}')):
        try:
            read(t, GOOD.replace(was, now))
        except values.Wrong:
            continue
        expect(False, 'it was taken:', now)


@without_bpf
def test_values(_):
    """Expressions are worked out, and written with their units."""
    for text, form_of_it, wanted in (
            ('wall_ns', '', '2.500 s'), ('wall_ns / 1000', '', '2.50 ms'),
            ('threads[comm=one]*.states.running_ns', '', '2.00 µs'),
            ('threads[0].states.running_ns / threads[1].states.running_ns', '%', '25 %'),
            ('1 - threads[0].lifetime_ns / 2ms', 'x', '0.8'), ('exit.code + 2 * 5000', '', '10,003'),
            ('exit.signal ?? 7', '', '7'), ('threads', '', '2'), ('model.io', '', 'blocking, aio'),
            ('wall_ns / 0', '', '–')):
        expression = values.expression(text)
        for path in expression.paths():
            path.run = 'run'
        found = values.written(*expression.value({'run': REPORT}), form_of_it)
        equal(found.replace('\u00a0', ' '), wanted, text)


@without_bpf
def test_layout(_):
    """Tables are cut where a column ends, and lines at 80 columns."""
    table = ['  name  tid  mostly for', '  a b    12', '  c       3  a sleep']
    equal(layout.drop_columns(table, ['tid']), ['  name  mostly for', '  a b', '  c     a sleep'],
          'without a column')
    lines = [f'  {"x" * 66}  what  was', f'  {"y" * 66}   1    22']
    equal(layout.narrowed(lines), [f'  {"x" * 66}', f'  {"y" * 66}'], 'no room for two columns')
    equal(layout.table(['| a | bb |', '| word | 7 ms |']).split('\n'),
          ['  a       bb', '  ----  ----', '  word  7 ms'], 'a table')
    expect(max(map(len, layout.command(['word'] * 40).split('\n'))) <= 80, 'a long command')


def test_lessons(t):
    """Some lessons come out as they say, on a terminal of 80 columns."""
    outcome = t.spawn([PYTHON, TOUR / 'tour.py', t.build, FOR_REAL])
    equal(outcome.code, 0, outcome.stdout.partition('This time it did not')[2][:1000], outcome.stderr)
    expect(outcome.stdout.count('Answer: ') == len(FOR_REAL.split()), outcome.stdout[:300])
    # The command lines have this build's path, which may be of any length.
    wide = [line for line in outcome.stdout.splitlines()
            if len(line) > 80 and 'workloads/' not in line]
    equal(wide, [], 'lines')
