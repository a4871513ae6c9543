# SPDX-License-Identifier: BSD-2-Clause
"""Reads a lesson, which is a file of Markdown:

    # Title
    Concepts: what it teaches, one, another

    Paragraphs, lists and tables, in which {EXPRESSION} or {EXPRESSION as FORMAT} is a measured
    value (see values.py; the formats are %, x, time and count). Question: and Answer: begin paragraphs.

        run [NAME =] [OPTION... --] COMMAND...
        show [NAME:]SECTION [rows N] [without COLUMN, COLUMN...]
        expect [NAME:]PATH = VALUE -- why
        needs N cpus

Lines that begin with four spaces are what is done at that place. A run is concprof's, of a command
(with options of concprof's before "--"; in it {cpu} is one that is allowed). What is shown is a
section of the last run's report in text, by the beginning of its title, or: verdict; finding RULE;
output, what the command itself printed. What is expected of a run (=, in A | B, begins TEXT,
absent, >= EXPRESSION, <= EXPRESSION, EXPRESSION .. EXPRESSION) stands behind it; if it is not so, the
last run before it is made again.
"""
import re
import shlex

import values
from values import Wrong

VALUE = re.compile(r'\{([^{}]+)\}')
RUN = re.compile(r'run (?:([a-z][a-z0-9-]*) = )?(.*)')
SHOW = re.compile(r'show (?:([a-z][a-z0-9-]*):)?(.*?)(?: rows (\d+))?(?: without (.*))?$')
NEEDS = re.compile(r'needs (\d+) cpus')
CONDITIONS = (
    (re.compile(r'= (\d+)'), lambda m: {'min': int(m[1]), 'max': int(m[1])}),
    (re.compile(r'= (.*)'), lambda m: {'equals': literal(m[1])}),
    (re.compile(r'in (.*)'), lambda m: {'oneof': [literal(x) for x in m[1].split(' | ')]}),
    (re.compile(r'begins (.*)'), lambda m: {'begins': m[1]}),
    (re.compile(r'absent'), lambda m: {'absent': True}),
    (re.compile(r'>= (.*)'), lambda m: {'min': values.expression(m[1])}),
    (re.compile(r'<= (.*)'), lambda m: {'max': values.expression(m[1])}),
    (re.compile(r'(.*) \.\. (.*)'), lambda m: {'min': values.expression(m[1]),
                                               'max': values.expression(m[2])}),
)


def literal(text):
    """A value that is compared as it is."""
    named = {'true': True, 'false': False, 'null': None}
    return named.get(text, text)


class Run:
    """A command, to be measured."""

    def __init__(self, text):
        match = RUN.fullmatch(text)
        self.name, words = match[1], shlex.split(match[2])
        cut = words.index('--') if '--' in words else -1
        self.options, self.command = words[:max(cut, 0)], words[cut + 1:]
        self.expected = []


class Show:
    """A part of a report."""

    def __init__(self, text):
        match = SHOW.fullmatch(text)
        self.run, self.section = match[1], match[2]
        self.rows = int(match[3]) if match[3] else None
        self.without = match[4].split(', ') if match[4] else []


class Expectation:
    """What is to be so."""

    def __init__(self, text):
        rest, dashes, self.why = text[len('expect '):].partition(' -- ')
        if not dashes:
            raise Wrong(f'no " -- why": {text}')
        self.path = values.Path(rest)
        condition = rest[self.path.end:].strip()
        for pattern, made in CONDITIONS:
            match = pattern.fullmatch(condition)
            if match:
                self.condition = made(match)
                return
        raise Wrong(f"no condition: '{condition}' in: {text}")

    def bounds(self):
        """The expressions in it."""
        return [x for x in self.condition.values() if hasattr(x, 'paths')]

    def made(self, reports):
        """As compare.py has it; its bounds are numbers by now."""
        condition = {key: x.value(reports)[0] if hasattr(x, 'paths') else x
                     for key, x in self.condition.items()}
        default = {} if self.path.default is None else {'default': self.path.default}
        return {'path': self.path.path, 'why': self.why, **default, **condition}


class Text:
    """A paragraph, an item of a list or a row of a table."""

    def __init__(self, text):
        self.text = text
        self.values = [(m[0], *self.value(m[1])) for m in VALUE.finditer(text)]

    @staticmethod
    def value(text):
        """(expression, format)"""
        text, _, form = text.partition(' as ')
        if form and form not in values.FORMATS:
            raise Wrong(f"there is no format '{form}'")
        return values.expression(text), form

    def filled(self, reports):
        """With what was measured."""
        text = self.text
        for source, expression, form in self.values:
            text = text.replace(source, values.written(*expression.value(reports), form))
        return text


class Lesson:
    """All of a file, in order."""

    def __init__(self, path):
        self.path, self.name = path, path.stem.partition('-')[2]
        self.title, self.concepts, self.cpus, self.blocks = None, [], 1, []
        try:
            for number, chunk in self.chunks(path.read_text(encoding='utf-8')):
                self.add(chunk)
            self.connect()
        except (Wrong, ValueError, IndexError) as wrong:
            raise Wrong(f'{path.name}: {wrong}') from wrong

    @staticmethod
    def chunks(text):
        """(line number, text) of each directive, list item, row, and paragraph."""
        paragraph, first = [], 0
        for number, line in enumerate(text.split('\n') + [''], 1):
            alone = line.startswith(('    ', '# ', '|', 'Concepts: '))
            if paragraph and (not line or alone or line.startswith('- ')):
                yield first, ' '.join(paragraph)
                paragraph = []
            if alone:
                yield number, line.strip()
            elif line:
                first = first if paragraph else number
                paragraph.append(line.strip())

    def add(self, chunk):
        """The next of them."""
        word = chunk.partition(' ')[0]
        if word == '#':
            self.title = chunk[2:]
        elif word == 'Concepts:':
            self.concepts = chunk[len('Concepts: '):].split(', ')
        elif word == 'needs':
            self.cpus = int(NEEDS.fullmatch(chunk)[1])
        elif word == 'run':
            self.blocks.append(Run(chunk))
        elif word == 'show':
            self.blocks.append(Show(chunk))
        elif word == 'expect':
            self.blocks.append(Expectation(chunk))
        else:
            self.blocks.append(Text(chunk))

    def connect(self):
        """What is expected goes to its run, and each path has the name of one."""
        run, runs = None, {}
        for block in self.blocks:
            if isinstance(block, Run):
                run = block
                run.name = run.name or f'run-{len(runs) + 1}'
                runs[run.name] = run
            elif isinstance(block, Show):
                block.run = self.known(block.run or run.name, runs)
            else:
                self.name_runs(block, run, runs)
        self.blocks = [b for b in self.blocks if not isinstance(b, Expectation)]

    def name_runs(self, block, run, runs):
        """Of each path of a text or an expectation."""
        found = [e for _, e, _ in block.values] if isinstance(block, Text) else block.bounds()
        for path in [p for e in found for p in e.paths()]:
            path.run = self.known(path.run or (run and run.name), runs)
        if isinstance(block, Expectation):
            block.path.run = self.known(block.path.run or (run and run.name), runs)
            run.expected.append(block)

    @staticmethod
    def known(name, runs):
        """The name of a run that stands before."""
        if name not in runs:
            raise Wrong(f"there is no run '{name}' before")
        return name

    def runs(self):
        """Those of the lesson."""
        return [b for b in self.blocks if isinstance(b, Run)]

    def texts(self):
        """Its words."""
        return [b for b in self.blocks if isinstance(b, Text)]

    def paths(self):
        """Each path that is looked up, with its default."""
        for text in self.texts():
            for _, expression, _ in text.values:
                yield from expression.paths()
        for run in self.runs():
            for expected in run.expected:
                yield expected.path
                for bound in expected.bounds():
                    yield from bound.paths()


def all_lessons(folder):
    """The lessons of a folder, by their numbers."""
    return [Lesson(path) for path in sorted(folder.glob('*.md'))]
