# SPDX-License-Identifier: BSD-2-Clause
"""The cases: what is run, and which number of it counts."""
import re
import subprocess
import time

from rivals import Failed

# Bash says what the workload alone took, whatever runs around it.
TIMED = ['bash', '-c', 'TIMEFORMAT="took %3R %3U %3S"; time "$@"', 'timed']


class Case:
    """One workload. `read` makes the number of its standard error and of the seconds that the whole
    run took; `slow` are its arguments for a tool that makes it many times slower."""

    def __init__(self, name, title, command, read, unit, **more):
        self.name, self.title, self.command = name, title, command
        self.read, self.unit = read, unit
        self.slow = more.get('slow', command)
        self.timed = more.get('timed', False)
        self.whole = more.get('whole', False)  # from the tool's start to its end
        self.build = None

    def place(self, build):
        self.build = build

    def argv(self, tool):
        words = self.slow if tool.slow else self.command
        return (TIMED if self.timed else []) + [word.format(build=self.build) for word in words]


def ns_per_switch(stderr, _):
    return float(re.search(r'([0-9.]+) ns per switch', stderr).group(1))


def milliseconds(_, seconds):
    return 1000 * seconds


def took(stderr):
    found = re.findall(r'took ([0-9.]+) ([0-9.]+) ([0-9.]+)', stderr)
    return [float(number) for number in found[-1]]


def cpu_seconds(stderr, _):
    _, user, system = took(stderr)
    return user + system


def elapsed_seconds(stderr, _):
    return took(stderr)[0]


CASES = (
    Case('pingpong', 'pipe ping-pong on one CPU',
         ['{build}/workloads/pingpong', '--time', '100000'], ns_per_switch, 'ns a switch',
         slow=['{build}/workloads/pingpong', '--time', '10000']),
    Case('true', '`true`, start to end', ['/bin/true'], milliseconds, 'ms', whole=True),
    Case('compute', 'computing, CPU time', ['{build}/workloads/compute', '1', '1000'], cpu_seconds,
         's', timed=True),
    Case('spawner', '500 processes, elapsed', ['{build}/workloads/spawner', '500'],
         elapsed_seconds, 's', timed=True),
)


def run(case, tool):
    """The number of one run, or Failed."""
    argv = tool.prefix(case) + case.argv(tool)
    with tool.beside(case):
        start = time.perf_counter()
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as why:
            raise Failed(str(why)) from why
        seconds = time.perf_counter() - start
    stderr = done.stderr.decode(errors='replace')
    if done.returncode:
        raise Failed(f'status {done.returncode}: {stderr.strip()[-200:]}')
    try:
        return case.read(stderr, seconds)
    except (AttributeError, IndexError) as why:
        raise Failed(f'its workload printed no time: {stderr.strip()[-200:]}') from why
