#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tries concprof on the kernels of other distributions' releases, each in a virtual machine.

usage: kernels.py BUILD [ONLY[,ONLY...]]     (ONLY is the first word of rows' names, such as 6.12, or
                                              a whole one)

Prints a line for each kernel when it is done, and then Markdown tables; status 1 if anything is not as
it should be. Kernels are fetched once, to BUILD/kernels; what each has said is there, too."""
import json
import os
import pathlib
import re
import shutil
import signal
import sys

sys.dont_write_bytecode = True  # it is root who runs this, in somebody else's tree

# pylint: disable=wrong-import-position
import fields
import packages
import vm
from rows import REFUSALS, ROWS

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
OBJECTS = ('bpf/concprof.o', 'bpf/look.o')


class Tried:
    """A row, and what came of it: its kernel's name, results of guest.py, what is wrong."""

    def __init__(self, row, folder):
        self.row, self.folder = row, folder
        self.kernel, self.results, self.wrong, self.seconds = row.name, {}, [], 0
        self.lacks = None  # (missing, allowed, looked for)

    def judge(self, result):
        """Notes all that is not as it should be."""
        if result.status != 0:
            self.wrong.append(f'status {result.status}: {result.why}')
        self.wrong += [f'the kernel: {line}' for line in result.complaints[:3]]
        for step in self.row.steps:
            found = self.results.get(step)
            if found is None or 'broken' in found:
                self.wrong.append(f'{step}: {found["broken"] if found else "not done"}')
            else:
                self.wrong += [f'{step}: {text}' for text in JUDGES.get(step, fine)(self, found)]


def fine(_tried, _found):
    """For steps that have nothing wrong if they came to their end."""
    return []


def judge_check(tried, found):
    """It works, or says in one line what is missing."""
    wanted = 125 if tried.row.refusal else 0
    if (found['status'], found['run_status']) != (wanted, wanted):
        yield f'status {found["status"]}, of a run {found["run_status"]}, expected {wanted}'
    if tried.row.refusal and (tried.row.refusal not in found['run_said'] or
                              '\n' in found['run_said']):
        yield f'no line with {tried.row.refusal!r}: {found["run_said"]!r}'


def judge_fields(tried, _found):
    """All that is read is there."""
    return sorted(tried.lacks[0])


def judge_places(tried, found):
    """It works in each, or says in one line why not."""
    for name, ran in found.items():
        word = {**REFUSALS, **tried.row.refusals}.get(name)
        right = word in ran['said'] and '\n' not in ran['said'] if word else not ran['said']
        if not right or ran['status'] != (125 if word else 0):
            yield f'{name}: status {ran["status"]}, {ran["said"]!r}'


def judge_tests(_tried, found):
    """None fails, and some pass."""
    return found['failed'] if found['counts'][0] else ['none passed', *found['failed']]


JUDGES = {'check': judge_check, 'fields': judge_fields, 'places': judge_places,
          'tests': judge_tests}


def try_row(row, build):
    """Boots its kernel, and has guest.py do its steps."""
    out = build / 'kernels/out' / re.sub(r'\W+', '-', row.name)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    tried = Tried(row, out)
    try:
        kernel = packages.fetch(row.version, row.flavour, row.suites, build / 'kernels')
    except packages.Failed as failure:
        tried.wrong.append(str(failure))
        return tried
    tried.kernel = kernel.name
    command = ['python3', HERE / 'guest.py', build, out, ','.join(row.steps), *row.tests]
    result = vm.run(kernel, command, source=SOURCE, build=build, out=out, cpus=row.cpus,
                    limit=row.limit)
    tried.seconds = result.seconds
    if (out / 'results.json').exists():
        tried.results = json.loads((out / 'results.json').read_text(encoding='utf-8'))
    if (out / 'btf').exists():
        tried.lacks = fields.missing(fields.Btf((out / 'btf').read_bytes()),
                                     [build / name for name in OBJECTS])
    tried.judge(result)
    return tried


CELLS = {
    'check': lambda tried, found: 'works' if not found['status'] else f'refused, {found["status"]}',
    'programs': lambda tried, found: f'{len(found)}; {sum(found.values()):,}',
    'fields': lambda tried, found: f'{len(tried.lacks[0])} of {tried.lacks[2]}',
    'places': lambda tried, found: ' / '.join(
        str([ran['status'] for ran in found.values()].count(status)) for status in (0, 125)),
    'hotplug': lambda tried, found: 'exact',
    'tests': lambda tried, found: ' / '.join(map(str, found['counts'])),
}
TITLES = ('kernel', 'CPUs', '`concprof check`', 'programs; instructions verified', 'fields missing',
          'places: works / refuses', 'CPUs go and come', 'tests passed / failed / skipped')


def cell(tried, step):
    """What the table says of a step."""
    found = tried.results.get(step)
    if step not in tried.row.steps:
        return '–'
    return '**failed**' if found is None or 'broken' in found else CELLS[step](tried, found)


def print_table(titles, lines):
    """Markdown."""
    for line in (titles, ['---'] * len(titles), *lines):
        print(f'| {" | ".join(line)} |')
    print()


def programs_of(tried):
    """{name: instructions}; the numbers that tell two of a name apart are not of interest."""
    found = tried.results.get('programs', {})
    return {} if 'broken' in found else {name.rsplit(' ', 1)[0]: n for name, n in found.items()}


def print_programs(all_tried):
    """How many instructions the verifier looked at, by program and kernel."""
    loaded = [tried for tried in all_tried if programs_of(tried)]
    if not loaded:
        return
    names = {name for tried in loaded for name in programs_of(tried)}
    largest = sorted(names, key=lambda name: (-max(programs_of(tried).get(name, 0)
                                                   for tried in loaded), name))
    print_table(['program', *(tried.row.name for tried in loaded)],
                [[f'`{name}`', *(f'{programs_of(tried)[name]:,}' if name in programs_of(tried)
                                 else '–' for tried in loaded)] for name in largest])


def print_results(all_tried):
    """The tables, and what was wrong or left out, by name."""
    print()
    print_table(TITLES, [[f'{tried.kernel}', str(tried.row.cpus), *(cell(tried, step)
                                                                  for step in CELLS)]
                         for tried in all_tried])
    print_programs(all_tried)
    for tried in all_tried:
        for text in tried.results.get('tests', {}).get('skipped', ()):
            print(f'{tried.row.name}: skipped: {text}')
        for text in tried.wrong:
            print(f'{tried.row.name}: WRONG: {text}')


def as_root(args):
    """Private mounts, and all files of this machine, are root's."""
    if os.geteuid() == 0:
        return
    try:
        os.execvp('sudo', ['sudo', '--', sys.executable, str(HERE / 'kernels.py'), *args])
    except OSError:
        sys.exit('kernels: needs root, and there is no sudo')


def main(args):
    """The exit status."""
    if not 1 <= len(args) <= 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    as_root(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that machines are ended
    build = pathlib.Path(args[0]).resolve()
    only = args[1].split(',') if len(args) > 1 and args[1] else []
    chosen = [row for row in ROWS if not only or {row.name, row.name.split()[0]} & set(only)]
    if not chosen:
        sys.exit(f'kernels: {args[1]}: none of {", ".join(row.name for row in ROWS)}')
    all_tried = []
    for row in chosen:
        tried = try_row(row, build)
        print(f'{row.name}: {tried.kernel}, {tried.seconds:.0f} s, '
              f'{len(tried.wrong)} wrong', flush=True)
        all_tried.append(tried)
    print_results(all_tried)
    return 1 if any(tried.wrong for tried in all_tried) else 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except packages.Failed as failure:
        sys.exit(f'kernels: {failure}')
