# SPDX-License-Identifier: BSD-2-Clause
"""The cases: what is run, and which numbers of it count."""
import os
import re
import shutil
import subprocess
import sys
import time
from statistics import median

from rivals import PATH, Failed

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 30  # seconds: a bare run takes less than two

# What would change a build, or what is read of a tool.
NOT_FOR_CASES = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEFILES')


class Column:
    """A number of a case, as the table shows it. `read` makes it of the standard error and of the
    seconds that the whole run took; `digits` are those of a ratio behind the point."""

    def __init__(self, title, unit, digits, read):
        self.title, self.unit, self.digits, self.read = title, unit, digits, read


class Case:
    """One workload. The last word of its command says how much of it there is.

    runs:   in a row, of which the median counts
    slow:   for a tool that makes it many times slower, so many times less of it
    events: what there is to be seen at least, by kind
    needs:  programs without which it is left out
    whole:  from the tool's start to its end: milliseconds more, not a ratio"""

    def __init__(self, name, command, columns, **more):
        self.name, self.command, self.columns = name, command.split(), columns
        self.runs = more.get('runs', 1)
        self.slow = more.get('slow', 1)
        self.events = more.get('events', {})
        self.needs = more.get('needs', ())
        self.whole = more.get('whole', False)

    def missing(self):
        return [program for program in self.needs if not shutil.which(program, path=PATH)]

    def less(self, tool):
        return self.slow if tool.slow else 1

    def argv(self, tool):
        if self.less(tool) == 1:
            return self.command
        return [*self.command[:-1], str(int(self.command[-1]) // self.less(tool))]

    def expects(self, tool):
        return self.events.get(tool.watches, 0) // self.less(tool)


def said(pattern):
    return lambda stderr, _: float(re.findall(pattern, stderr)[-1])


ELAPSED = said(r'took ([0-9.]+) s')
CPU = said(r'CPU ([0-9.]+) s')

CASES = (
    Case('pingpong', '{build}/workloads/pingpong --time 100000',
         [Column('pipe ping-pong on one CPU', 'ns a switch', 2, said(r'([0-9.]+) ns per switch'))],
         slow=10, events={'switches': 180000, 'preemptions': 1000, 'calls': 360000}),
    Case('mutex', '{scratch}/contend 200000',
         [Column('contended mutex', 'ns an operation', 2, said(r'([0-9.]+) ns per operation'))],
         runs=3, slow=10, events={'futexes': 1}),
    Case('true', '/bin/true',
         [Column('`true`, start to end', 'ms', 1, lambda _, seconds: 1000 * seconds)],
         runs=5, whole=True),
    Case('compute', '{scratch}/account {build}/workloads/compute 1 100',
         [Column('computing, CPU time', 's', 4, CPU)], runs=7),
    Case('spawner', '{scratch}/account {build}/workloads/spawner 300',
         [Column('300 × `true`, elapsed', 's', 3, ELAPSED)]),
    Case('build', '{scratch}/account make -B -s -j2 -C {scratch}/project',
         [Column('build, elapsed', 's', 3, ELAPSED), Column('build, CPU time', 's', 3, CPU)]),
    Case('forks', '{scratch}/account {scratch}/forks 3000',
         [Column('fork storm, elapsed', 's', 3, ELAPSED),
          Column('fork storm, CPU time', 's', 3, CPU)]),
    *(Case(name, f'{sys.executable} {HERE}/serve.py {name} {{scratch}} {requests}',
           [Column(f'{title}, a request', 'µs', 3, said(r'([0-9.]+) us a request')),
            Column(f'{title}, p99', 'ms', 2, said(r'within ([0-9.]+) ms'))],
           slow=10, needs=needs)
      for name, title, requests, needs in (
          ('redis', 'redis', 100000, ('redis-server', 'redis-benchmark')),
          ('nginx', 'nginx', 40000, ('nginx', 'wrk')),
          ('go', 'Go HTTP', 40000, ('go', 'wrk')))),
)


def place(build, scratch):
    for case in CASES:
        case.command = [word.format(build=build, scratch=scratch) for word in case.command]


def environment():
    kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_CASES}
    return {**kept, 'LC_ALL': 'C', 'CCACHE_DISABLE': '1'}


def run(case, argv):
    """A number for each column, or Failed."""
    start = time.perf_counter()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, env=environment())
    except subprocess.TimeoutExpired as why:
        raise Failed(f'took longer than {TIMEOUT} s') from why
    except OSError as why:
        raise Failed(str(why)) from why
    seconds = time.perf_counter() - start
    stderr = done.stderr.decode(errors='replace')
    if done.returncode:
        raise Failed(f'status {done.returncode}: {stderr.strip()[-200:]}')
    try:
        return [column.read(stderr, seconds) for column in case.columns]
    except IndexError as why:
        raise Failed(f'its workload printed no time: {stderr.strip()[-200:]}') from why


def sample(case, tool):
    """For each column the median of some runs in a row."""
    time.sleep(0.05)  # what the tool before has left to the kernel to clear up
    with tool.watching(case) as prefix:
        values = [run(case, prefix + case.argv(tool)) for _ in range(case.runs)]
    return [median(column) for column in zip(*values)]
