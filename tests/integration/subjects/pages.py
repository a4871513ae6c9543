# SPDX-License-Identifier: BSD-2-Clause
"""The manual pages: their form, their options, and each of their examples."""
import collections
import os
import pathlib
import re
import shutil
import subprocess

from harness import cases, equal, expect, needs, without_bpf
from subjects.shells import COMMANDS, options_of

CALM = True  # see run.py

SOURCES = pathlib.Path(__file__).parents[3] / 'packaging' / 'man'
SECTIONS = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'FORMATS', 'CONDITIONS',
            'EXIT STATUS', 'ENVIRONMENT', 'FILES', 'EXAMPLES', 'PRIVILEGES', 'NOTES', 'SEE ALSO']
NOT_ALL_HAVE = {'COMMANDS', 'FORMATS', 'CONDITIONS', 'ENVIRONMENT', 'FILES'}
NAMES = {r'\-': '-', r'\e': '\\', r'\(aq': "'", r'\(dq': '"', r'\(ha': '^', r'\(ti': '~', r'\&': ''}


def pages(t):
    """The files: concprof's own, and one for each command."""
    found = sorted((t.build / 'man').glob('*.1'))
    equal({path.stem for path in found},
          {'concprof', *(f'concprof-{name}' for name in COMMANDS)}, 'pages')
    return found


def plain(text):
    """As it is typed."""
    return re.sub(r'\\[-e&]|\\\(..|\\f.', lambda match: NAMES.get(match[0], ''), text)


@cases(('mandoc', '-T', 'lint'), ('groff', '-ww', '-man', '-Tutf8'),
       ('man', '--warnings', '-l'))
@without_bpf
def test_form(t, program, *options):
    """Nobody who reads such pages finds fault with them."""
    needs(shutil.which(program), program)
    done = subprocess.run([program, *options, *pages(t)], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          env={**os.environ, 'MANPAGER': 'cat', 'LC_ALL': 'C.UTF-8'})
    equal((done.returncode, done.stderr), (0, ''), program)
    expect(program != 'mandoc' or not done.stdout, done.stdout)


@without_bpf
def test_sections(t):
    """All that a page is to say, in the usual order."""
    for path in pages(t):
        found = re.findall(r'^\.SH (.*)$', path.read_text(), re.M)
        equal(found, [name for name in SECTIONS if name in found], path.name)
        equal(set(SECTIONS) - NOT_ALL_HAVE - set(found), set(), path.name)


@without_bpf
def test_options(t):
    """Each command's page has the options that it takes, once, and no other; and so has the first
    page, which names those of the others too."""
    pages(t)
    everybodys = {'--version', '--help'}
    for name, options in options_of(t).items():
        text = (t.build / 'man' / f'concprof-{name}.1').read_text()
        found = re.findall(r'^\.TP\n(?:\S+ )?(--[\w-]+)', plain(text), re.M)
        equal(collections.Counter(found), collections.Counter(options - everybodys), name)
    text = plain((t.build / 'man' / 'concprof.1').read_text())
    text = text.partition('.SH OPTIONS')[2].partition('.SH')[0]
    found = re.findall(r'^(?:-\w, )?(--[\w-]+)', text, re.M)
    equal(sorted(found), sorted(everybodys.union(*options_of(t).values())), 'concprof.1')


@without_bpf
def test_says_nothing_twice(_):
    """No sentence of some length stands in two places of what the pages are made of."""
    found = collections.Counter()
    for path in sorted(SOURCES.iterdir()):
        text = re.sub(r'^[.@].*$', '.', path.read_text(), flags=re.M)
        for sentence in re.split(r'[.;:]\s', text):
            words = sentence.split()
            if len(words) > 5:
                found[' '.join(words)] += 1
    equal([sentence for sentence, count in found.items() if count > 1], [], 'said twice')


def examples_of(path):
    """The lines of each example."""
    return [plain(block) for block in
            re.findall(r'^\.EX\n(.*?)^\.EE$', path.read_text(), re.M | re.S)]


def prepare(t):
    """What the examples speak of; the words of the system that stand for others here. Two groups of
    recordings."""
    (t.dir / 'bin').mkdir()
    server = t.start(['sleep', '60'])
    for name, text in (('program', 'sleep 0.01'), ('tests', ':'), ('server', 'exec sleep 30'),
                       ('bin/sudo', 'exec "$@"'), ('bin/pgrep', f'echo {server.pid}')):
        (t.dir / name).write_text(f'#!/bin/sh\n{text}\n')
        (t.dir / name).chmod(0o755)
    (t.dir / 'bin' / 'concprof').symlink_to(t.concprof)
    done = t.spawn([t.concprof, 'record', '-o', 'base1.rec', '--', './program'])
    equal(done.code, 0, done)
    for name in ('base2', 'base3', 'base4', 'head1', 'head2', 'head3', 'head4'):
        shutil.copy(t.dir / 'base1.rec', t.dir / f'{name}.rec')


def test_examples(t):
    """Each of them does what it says; nothing is left out."""
    prepare(t)
    every = sorted(pages(t), key=lambda path: path.stem != 'concprof-record')
    env = {**os.environ, 'PATH': f"{t.dir}/bin:{os.environ['PATH']}"}
    for path in every:
        examples = examples_of(path)
        expect(examples, 'no example in', path.name)
        for example in examples:
            done = t.spawn(['sh', '-c', example], env=env)
            if done.code or not re.search(r'\bconcprof\b', example):
                t.problems.append(f'{path.name}: {example!r}: {done}')
    for name in ('out.json', 'out.folded', 'out.pb.gz', 'run.json', 'summary.md', 'run.om',
                 'diff.json'):
        expect((t.dir / name).stat().st_size, 'no', name)
