#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Walks through the concepts of the textbook with a workload for each, and what concprof says of it.

usage: tour.py [--test] BUILD_DIR [LESSON | CONCEPT, ...]

Prints the lessons, or those that are named; status 1 if one did not show what it says. A run that
did not, because other programs had the CPUs, say, is made again, ATTEMPTS times at most. --test
prints only a line for each lesson, and all of it if it failed.
"""
import io
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / 'tests' / 'integration')]

# pylint: disable=wrong-import-position
import compare  # noqa: E402
import layout  # noqa: E402
import lesson as lessons  # noqa: E402
import values  # noqa: E402

# A private installation may begin with a script that looks for the program.
PYTHON = '/usr/bin/python3' if os.access('/usr/bin/python3', os.X_OK) else sys.executable
ATTEMPTS = 3
LONGEST = 60  # seconds, of a run


class Failed(Exception):
    """A run that gave no report; its argument says why."""


class Left(Exception):
    """A run that cannot show its lesson on this machine; its argument says why."""


class Measured:
    """What a run left."""

    def __init__(self, report, text, output, skipped):
        self.report, self.text, self.output = report, text, output
        self.skipped = skipped  # why the workload itself expects nothing, if it does not


class Tour:
    """Runs lessons with what was built."""

    def __init__(self, build, out=sys.stdout):
        self.build, self.out = pathlib.Path(build).resolve(), out
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='concprof-tour-'))
        self.left = None  # why the last lesson could not be shown
        self.sudo = [] if os.geteuid() == 0 or not shutil.which('sudo') else ['sudo', '--']

    def close(self):
        """Removes what the runs left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, text='', end='\n\n'):
        """At once: a run may follow that takes a second."""
        self.out.write(text + end)
        self.out.flush()

    # --- runs --------------------------------------------------------------------------------

    def words(self, run):
        """The command, where it was built."""
        cpu = str(min(os.sched_getaffinity(0)))
        prefix = os.path.relpath(self.build, ROOT)
        words = [word.replace('{cpu}', cpu) for word in run.command]
        words = [PYTHON if word == 'python3' else word for word in words]
        return [f'{prefix}{word[len("build"):]}' if word.startswith('build/') else word
                for word in words]

    def shown(self, run):
        """What a reader would type."""
        program = f'{os.path.relpath(self.build, ROOT)}/concprof'
        return layout.command(['sudo', program, *run.options, '--', *self.words(run)])

    def measure(self, run):
        """One run of concprof."""
        as_json, as_text = self.folder / 'report.json', self.folder / 'report.txt'
        truth = self.folder / 'truth.json'
        for path in (as_json, as_text, truth):
            path.unlink(missing_ok=True)
        argv = [*self.sudo, str(self.build / 'concprof'), *run.options, '--json', str(as_json),
                '--format', 'text', '-o', str(as_text), '--', *self.words(run)]
        try:
            # What a workload knows of itself is for the tests, and not to be among its words.
            done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=LONGEST, check=False,
                                  env={**os.environ, 'CONCPROF_TRUTH': str(truth)})
        except subprocess.TimeoutExpired as late:
            raise Failed(f'no end after {LONGEST} s') from late
        said = done.stderr.decode(errors='replace').strip()
        if not as_json.exists():
            raise Failed(said or f'status {done.returncode}')
        report = compare.load(as_json)
        if report['exit']['code'] != 0 and report['ended_by'] == 'command':
            raise Failed(f"the command ended with {report['exit']}: {said[-500:]}")
        return Measured(report, as_text.read_text(encoding='utf-8'),
                        done.stdout.decode(errors='replace'),
                        compare.load(truth).get('skip') if truth.exists() else None)

    @staticmethod
    def failures(run, measured):
        """What is not as the lesson says."""
        reports = {name: m.report for name, m in measured.items()}
        found = []
        for expected in run.expected:
            try:
                found += compare.check_expectation(reports[expected.path.run],
                                                   expected.made(reports))
            except compare.Missing as missing:
                found.append(f'{expected.path.path}: its bound is missing ({missing})')
        return found

    def attempt(self, run, shows, measured):
        """Makes a run until it is as it should be, and has the parts to be shown; what is not."""
        for _ in range(ATTEMPTS):
            measured[run.name] = self.measure(run)
            failures = self.failures(run, measured)
            failures += [f"the report has no part '{show.section}'" for show in shows
                         if layout.excerpt(measured[run.name], show) is None]
            if not failures:
                break
        if failures and measured[run.name].skipped:
            raise Left(measured[run.name].skipped)
        return failures

    # --- lessons -----------------------------------------------------------------------------

    def show(self, blocks, measured):
        """Parts of a report, as far as it has them."""
        texts = [layout.excerpt(measured[block.run], block) for block in blocks]
        for text in filter(None, texts):
            self.say(f'{layout.RULE}\n{text}', '\n')
        if any(texts):
            self.say(layout.RULE)

    def tell(self, blocks, reports):
        """Paragraphs, or what is next to each other: rows of a table, items of a list."""
        texts, failures = [], []
        for block in blocks:
            try:
                texts.append(block.filled(reports))
            except (compare.Missing, TypeError) as missing:
                texts.append(block.text)
                failures.append(f'there is nothing to fill in ({missing}): {block.text}')
        if texts[0].startswith('|'):
            self.say(layout.table(texts))
        else:
            self.say('\n'.join(map(layout.paragraph, texts)))
        return failures

    @staticmethod
    def kind(block):
        """What may be told together: parts of reports, rows of a table, items of a list."""
        if isinstance(block, lessons.Text):
            return block.text[0] if block.text[0] in '|-' else None
        return 'show' if isinstance(block, lessons.Show) else None

    def groups(self, blocks):
        """Blocks that are told together."""
        for kind, group in itertools.groupby(blocks, self.kind):
            if kind:
                yield list(group)
            else:
                yield from ([block] for block in group)

    def leave(self, why):
        """Not what it says failed, but it cannot be shown."""
        self.left = why
        self.say(layout.paragraph(f'This lesson cannot be shown here: {why}.'))
        return []

    def teach(self, number, one):
        """Prints a lesson; what did not come out as it says."""
        self.left = None
        self.say(layout.heading(number, one))
        if len(os.sched_getaffinity(0)) < one.cpus:
            return self.leave(f'it needs {one.cpus} CPUs')
        measured, failures = {}, []
        for group in self.groups(one.blocks):
            block = group[0]
            if isinstance(block, lessons.Run):
                self.say(self.shown(block))
                try:
                    shows = [b for b in one.blocks
                             if isinstance(b, lessons.Show) and b.run == block.name]
                    failures += self.attempt(block, shows, measured)
                except Left as why:
                    return self.leave(str(why))
                except Failed as why:
                    self.say(f'It could not be run: {why}')
                    return [*failures, str(why)]
            elif isinstance(block, lessons.Show):
                self.show(group, measured)
            else:
                failures += self.tell(group, {name: m.report for name, m in measured.items()})
        if failures:
            self.say(layout.paragraph('This time it did not come out as it should, which may be a '
                                      'busy machine\'s doing:'), '\n')
            for failure in failures:
                self.say(layout.paragraph(f'- {failure}'), '\n')
            self.say()
        return failures


def matching(everything, names):
    """(number, lesson) of those that have one of the names, or a concept so called; of all, if none
    is given."""
    for number, one in enumerate(everything, 1):
        words = {word.lower() for word in (one.name, str(number), *one.concepts)}
        if not names or words & set(names):
            yield number, one


def chosen(everything, text):
    """The same for names with commas between them; if need be, with spaces."""
    names = [name.strip() for name in text.lower().split(',') if name.strip()]
    found = list(matching(everything, names))
    return found or list(matching(everything, text.lower().replace(',', ' ').split()))


def contents(everything):
    """The lessons, by number and name."""
    return '\n'.join(f'{number:4}  {one.name:<16} {one.title}'
                     for number, one in enumerate(everything, 1))


def test(tour, number, one):
    """A line for a lesson; what did not come out as it says."""
    out, tour.out, start = tour.out, io.StringIO(), time.monotonic()
    try:
        failures = tour.teach(number, one)
    finally:
        said, tour.out = tour.out.getvalue(), out
    seconds = time.monotonic() - start
    tour.say(f"{'not ok' if failures else 'ok'} {number} - {one.name} # "
             f"{f'SKIP {tour.left}' if tour.left else f'{seconds:.1f} s'}", '\n')
    if failures:
        tour.say(said)
    return failures


def main(args):
    """The exit status."""
    teach = test if args[:1] == ['--test'] else Tour.teach
    args = args[teach is test:]
    if not args:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    everything = lessons.all_lessons(HERE / 'lessons')
    these = chosen(everything, ' '.join(args[1:]))
    if not these:
        print(f"There is no lesson of '{' '.join(args[1:])}'. There are:\n\n{contents(everything)}")
        return 1
    if len(these) == len(everything) and teach is not test:
        print(f'{(HERE / "preface").read_text(encoding="utf-8")}\n{contents(everything)}\n')
    tour = Tour(args[0])
    try:
        wrong = [one.name for number, one in these if teach(tour, number, one)]
    finally:
        tour.close()
    if wrong or teach is test:
        print(f"{len(these) - len(wrong)} of {len(these)} lessons came out as they say"
              f"{'; these did not: ' if wrong else ''}{', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except values.Wrong as wrong_lesson:
        sys.exit(f'tour: {wrong_lesson}')
