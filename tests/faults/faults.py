#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes concprof's calls fail in turn, and kills it at many of them; each run must end in a clear
error, or in a report that says what it lacks, and harm nothing.

usage: faults.py BUILD_DIR [--few] [--only FUNCTION] [--scenario NAME] [--skip N]

A call is told by its function and the four callers above it; each fails the first time, and where
it is made more than once, the last time and from the first time on. --few: a spread of 21 of them.
Prints a table in Markdown, and what was found wrong; status 1 if anything was.
"""
import argparse
import collections
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import runs
import scenarios
import shared

FEW = 21
MOMENTS, FEW_MOMENTS = 200, 4
# Which error a function is most likely to have; the rest has the first.
ERRORS = {
    errno.ENOMEM: 'malloc calloc realloc mmap mmap64 asprintf vasprintf open_memstream fopencookie '
                  'fmemopen',
    errno.EMFILE: 'open open64 openat fopen fopen64 fdopen opendir memfd_create mkostemp socket '
                  'socketpair epoll_create1 signalfd dup2 dup3 fcntl gzopen64',
    errno.ENOSPC: 'write close fclose fflush ftruncate rename',
    errno.EAGAIN: 'fork pthread_create',
    errno.EPERM: 'syscall prctl capset cap_set_proc cap_drop_bound kill setresuid setresgid '
                 'setgroups fchmod bpf_prog_load bpf_object__load_skeleton',
}
ERROR_OF = {name: error for error, names in ERRORS.items() for name in names.split()}
PIE = 0x555555554000  # where the kernel puts a program, if it puts all at the same place


# What the short table calls them, by how their names begin; the first that fits.
KINDS = {
    'SIGKILL': 'killed by SIGKILL',
    'each': 'each call that may be, interrupted by a signal',
    'malloc calloc realloc asprintf vasprintf open_memstream fopencookie fmemopen mmap madvise':
        'memory',
    'bpf_ ring_buffer_ btf_ libbpf_': 'libbpf',
    'bpf(2)': 'bpf(2)',
    'elf_ dwarf_ deflate compress': 'objects, debug information, compression',
    'cap setresuid setresgid setgroups seteuid setuid setrlimit prctl getrlimit getpw getgr':
        'privileges and limits',
    'fork wait kill raise sig pthread_ sched_': 'processes, threads and signals',
    'socket setsockopt send recv poll ppoll epoll_': 'sockets, and waiting',
    '': 'files, and the rest',
}


def kind_of(name):
    """Which row of the short table a row belongs to."""
    return next(kind for begins, kind in KINDS.items()
                if name.startswith(tuple(begins.split(' '))))


def parse(words):
    """The options."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('build')
    parser.add_argument('--few', action='store_true')
    parser.add_argument('--only')
    parser.add_argument('--scenario')
    parser.add_argument('--most', type=int)
    parser.add_argument('--verbose', action='store_true')
    return parser.parse_args(words)


def faults_of(place):
    """(mode, turn) of each run for a place."""
    yield shared.FAIL, 1
    if place.count > 1:
        yield shared.FAIL, place.count
        yield shared.FAIL_ON, 1


def spread(rows, n):
    """So many of them, from the first to the last."""
    return [rows[i * len(rows) // n] for i in range(n)] if len(rows) > n else rows


class Campaign:
    """All runs, and what is counted of them."""

    def __init__(self, options, folder):
        self.options = options
        self.runner = runs.Runner(options.build, folder)
        self.table = collections.defaultdict(collections.Counter)
        self.violations = []
        self.tried = set()  # keys of places

    def judge(self, function, scenario, fault):
        """One run, judged. Facts are missing if they are in each of three: samples may miss some."""
        ended = self.runner.run(scenario, **fault)
        ended.may_leave = function == 'unlink'
        kind, problems = scenario.judge(self.runner, ended)
        for _ in range(2):
            lacks = [one for one in problems if isinstance(one, scenarios.Lacks)]
            if len(lacks) != 1 or len(problems) != 1:
                break
            ended = self.runner.run(scenario, **fault)
            kind, problems = scenario.judge(self.runner, ended)
            again = [one for one in problems if isinstance(one, scenarios.Lacks)]
            if again:
                missing = again[0].missing & lacks[0].missing
                problems = [scenarios.Lacks(sorted(missing))] if missing else []
        return kind, problems, ended

    def count(self, row, scenario, what, **fault):
        """One fault in a row of the table."""
        kind, problems, ended = self.judge(row, scenario, fault)
        self.table[row]['runs'] += 1
        self.table[row]['violation' if problems else kind] += 1
        if problems or self.options.verbose:
            print(f'{scenario.name}: {what}: {"; ".join(problems) or kind} {ended.lines[:1]}',
                  flush=True)
        self.violations += problems

    def places(self):
        """Those of the run before that no scenario has tried, in an order that does not change."""
        if self.runner.memory.full():
            raise SystemExit('there are more places than the shim has room for')
        found = [place for key, place in self.runner.memory.places().items()
                 if key not in self.tried
                 and self.options.only in (None, place.function)]
        self.tried |= {place.key for place in found}
        return sorted(found, key=lambda place: (place.function, place.detail, place.key))

    def fail(self, scenario, place, mode, turn):
        """One run in which calls from a place fail."""
        error = ERROR_OF.get(place.function, errno.EIO)
        row = 'bpf(2)' if place.detail & 0xffff == runs.BPF else place.function
        self.count(row, scenario,
                   f'{self.name(place)} {"from" if mode == shared.FAIL_ON else "at"} {turn} of '
                   f'{place.count}: {errno.errorcode[error]}',
                   mode=mode, error=error, key=place.key, turn=turn)

    def name(self, place):
        """The function, and which of concprof's called it."""
        own = [f'{address - PIE:x}' for address in place.at if PIE <= address < PIE + (1 << 28)]
        said = subprocess.run(['addr2line', '-sfe', self.runner.concprof, *own],
                              capture_output=True, text=True, check=True).stdout.split('\n')
        at = ' < '.join(f'{said[i]} {said[i + 1]}' for i in range(0, len(said) - 1, 2))
        call = f' {place.detail & 0xffff}, {place.detail >> 16}' if place.detail else ''
        return f'{place.function}{call} by {at or "a library"}'

    def fail_all(self, scenario, n):
        """Each place's calls in turn; at most n of them, and no more than --most of a function."""
        by_function = collections.defaultdict(list)
        for place in self.places():
            by_function[place.function, place.detail] += [(place, *fault)
                                                          for fault in faults_of(place)]
        rows = [row for of_one in by_function.values()
                for row in spread(of_one, self.options.most or len(of_one))]
        for place, mode, turn in spread(rows, n or len(rows)):
            self.fail(scenario, place, mode, turn)

    def interrupt(self, scenario):
        """Every call that a signal may interrupt is, the first time."""
        self.count('each interrupted once', scenario, 'EINTR', mode=shared.INTERRUPT,
                   error=errno.EINTR)

    def kill(self, scenario, calls, n):
        """Killed at so many moments of as many calls as there were."""
        for i in range(n):
            at = 1 + i * calls // n
            ended = self.runner.run(scenario, mode=shared.STOP, stop_at=at)
            self.count_killed(scenario, ended, f'killed at call {at} of {calls}')

    def count_killed(self, scenario, ended, what):
        """Nothing is left, and what was begun goes on to its end."""
        problems = scenario.problems_around(ended)
        left = {name for name in ended.files if not name.endswith('.part')} - {scenario.output}
        if left:
            problems.append(f'left behind: {sorted(left)}')
        row = self.table['SIGKILL']
        row['runs'] += 1
        row['violation' if problems else 'killed' if ended.code == -9 else 'untouched'] += 1
        if problems:
            print(f'{scenario.name}: {what}: {"; ".join(problems)}', flush=True)
        self.violations += problems

    def print_tables(self):
        """In Markdown: by function, and by kind."""
        by_kind = collections.defaultdict(collections.Counter)
        for name, row in self.table.items():
            by_kind[kind_of(name)] += row
        self.print_table(self.table)
        self.print_table(by_kind)

    @staticmethod
    def print_table(table):
        """One."""
        kinds = ('runs', 'error', 'lacking', 'whole', 'killed', 'untouched', 'violation')
        print('\n| | runs | clear error | report that says what it lacks | report as without | '
              'killed | not reached | violations |\n|---|' + '---:|' * len(kinds))
        rows = sorted(table.items()) + [('all', sum(table.values(), collections.Counter()))]
        for name, row in rows:
            print(f'| {name} | ' + ' | '.join(str(row[kind]) for kind in kinds) + ' |')


def make_recording(runner):
    """What reports are made of."""
    runner.run(scenarios.RECORD, mode=shared.COUNT)
    shutil.copy(runner.work / 'run.rec', runner.folder / 'kept.rec')


def campaign(options, folder):
    """All of it; the exit status."""
    c = Campaign(options, folder)
    make_recording(c.runner)
    chosen = [one for one in scenarios.ALL if options.scenario in (None, one.name)]
    for scenario in chosen:
        scenario.learn(c.runner, 2 if options.few or options.only else 4)
        calls = c.runner.memory.calls()
        c.fail_all(scenario, FEW // len(chosen) if options.few else None)
        if not options.only and (scenario is scenarios.RUN or not options.few):
            c.interrupt(scenario)
        if not options.only:
            if scenario.runs_workload or scenario.attaches:
                c.kill(scenario, calls, FEW_MOMENTS // 4 if options.few else MOMENTS // 4)
    c.print_tables()
    return 1 if c.violations else 0


def main(words):
    """The exit status."""
    options = parse(words)
    runs.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix='concprof-faults-') as folder:
        os.chmod(folder, 0o755)
        return campaign(options, pathlib.Path(folder))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
