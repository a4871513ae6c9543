# SPDX-License-Identifier: BSD-2-Clause
"""The tools: how each is started, around the workload or beside it, and what it says it saw."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
ATTACHED = ('bpf_link', 'bpf-raw-tracepoint', 'perf_event')


class Failed(Exception):
    """A tool did not work; the text says why."""


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else 'it said nothing'


def find(program):
    path = shutil.which(program, path=PATH)
    if not path:
        raise Failed(f'{program} is not installed')
    return path


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError as why:
        raise Failed(f'its report: {why.strerror}') from why


def sums(pattern):
    return lambda text: sum(map(int, re.findall(pattern, text, re.MULTILINE)))


def concprof_switches(text):
    return json.loads(text)['totals']['switches']['seen']


class Tool:
    """One that starts the workload itself, as `argv WORKLOAD`, and leaves a report in `{report}`.

    watches: the kind of events that `count` finds in its report
    slow:    it makes calls many times slower"""

    def __init__(self, name, argv=(), **more):
        self.name, self.argv_given = name, list(argv)
        self.watches, self.count = more.get('watches'), more.get('count')
        self.slow = more.get('slow', False)
        self.why_not = None  # it is left out
        self.failed = {}     # the same, in a case: why

    def argv(self, report=os.devnull):
        words = [word.replace('{report}', report) for word in self.argv_given]
        return [find(words[0]), *words[1:]] if words else []

    def can(self, case):
        return not self.why_not and case not in self.failed

    @contextlib.contextmanager
    def watching(self, case):
        """Gives what to put before the workload; fails if in the end the tool saw too little."""
        with tempfile.TemporaryDirectory() as folder:
            yield self.argv(f'{folder}/report')
            if case.expects(self):
                self.check(case, read(f'{folder}/report'), 1)

    def check(self, case, report, runs):
        expected = case.expects(self) * runs
        seen = self.count(report) if expected else 0
        if seen < expected:
            raise Failed(f'saw {seen} of at least {expected} {self.watches}')

    def try_out(self):
        try:
            done = subprocess.run([*self.argv(), 'true'], capture_output=True, text=True,
                                  errors='replace', timeout=60, check=False)
            if done.returncode:
                self.why_not = last_line(done.stderr or done.stdout)
        except (Failed, OSError, subprocess.TimeoutExpired) as why:
            self.why_not = str(why)


class SystemWide(Tool):
    """One that watches the whole machine: up before the workload starts, and down after its end.
    `around`: what makes it start a command, for the case that measures its own start too."""

    def __init__(self, name, argv, **more):
        super().__init__(name, argv, **more)
        self.around = more.get('around')
        self.probes = 0  # how many it attaches, found when tried out

    def can(self, case):
        return super().can(case) and (self.around or not case.whole)

    @contextlib.contextmanager
    def watching(self, case):
        if case.whole:
            yield [*self.argv(), *self.around]
            return
        with tempfile.TemporaryFile('w+', errors='replace') as report:
            with self.running(report):
                yield []
            report.seek(0)
            self.check(case, report.read(), case.runs)

    @contextlib.contextmanager
    def running(self, report):
        with tempfile.TemporaryFile('w+', errors='replace') as said:
            with subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=report,
                                  stderr=said) as process:
                try:
                    self.wait_until_attached(process)
                    yield
                    ended_early = process.poll() is not None
                except Failed:
                    ended_early = process.poll() is not None
                    if not ended_early:
                        raise
                finally:
                    stop(process)
            if ended_early:
                said.seek(0)
                raise Failed(last_line(said.read()))

    def wait_until_attached(self, process, seconds=30):
        """Until it holds all its probes: when tried out, until for a second no more were added."""
        deadline = time.monotonic() + seconds
        before, since = 0, time.monotonic()
        while process.poll() is None and time.monotonic() < deadline:
            count = attached(process.pid)
            if count != before:
                before, since = count, time.monotonic()
            steady = time.monotonic() - since
            if (count >= self.probes and steady > 0.05) if self.probes else (count and steady > 1):
                self.probes = count
                return
            time.sleep(0.01)
        raise Failed(f'no probe attached within {seconds} s')

    def try_out(self):
        try:
            with tempfile.TemporaryFile() as report, self.running(report):
                pass
        except (Failed, OSError) as why:
            self.why_not = str(why)


def attached(pid):
    """How many probes the process holds."""
    count = 0
    for fd in glob.glob(f'/proc/{pid}/fd/*'):
        with contextlib.suppress(OSError):
            count += any(kind in os.readlink(fd) for kind in ATTACHED)
    return count


def stop(process):
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()


HISTOGRAM = sums(r'-> \d+ *: (\d+)')
COUNT_SWITCHES = 'tracepoint:sched:sched_switch { @[args->prev_pid] = count(); }'
TIME_FUTEXES = '''
tracepoint:syscalls:sys_enter_futex { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_futex /@start[tid]/ {
    @ns = hist(nsecs - @start[tid]); delete(@start[tid]);
}'''

BARE = Tool('bare')


def all_tools(build):
    """`bare` against bare tells what the machine makes of no difference at all."""
    return [
        Tool('bare, once more'),
        Tool('concprof', [f'{build}/concprof', '-q', '--json', '{report}', '--as-root', '--'],
             watches='switches', count=concprof_switches),
        Tool('perf stat -e context-switches',
             ['perf', 'stat', '-e', 'context-switches', '-x,', '-o', '{report}', '--'],
             watches='switches', count=sums(r'^(\d+),,context-switches')),
        # Counts only what a thread ran until it was preempted.
        SystemWide('cpudist', ['cpudist'], watches='preemptions', count=HISTOGRAM),
        SystemWide('runqlat', ['runqlat'], watches='switches', count=HISTOGRAM),
        SystemWide('syscount', ['syscount'], watches='calls', count=sums(r'^\S+ +(\d+)$')),
        # Microseconds; each of these switches is followed by more than one of them.
        SystemWide('offcputime', ['offcputime'], watches='switches',
                   count=sums(r'- +p[io]ng \(\d+\)\n +(\d+)$')),
        SystemWide('futexctn', ['futexctn']),
        SystemWide('klockstat', ['klockstat']),
        SystemWide('bpftrace, counting switches', ['bpftrace', '-e', COUNT_SWITCHES],
                   around=['-c'], watches='switches', count=sums(r'^@\[\d+\]: (\d+)$')),
        SystemWide('bpftrace, timing futex calls', ['bpftrace', '-e', TIME_FUTEXES],
                   watches='futexes', count=sums(r'[)\]] +(\d+) \|')),
        Tool('strace -c -f', ['strace', '-c', '-f', '-o', '{report}'], slow=True,
             watches='calls', count=sums(r'^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*(?<! total)$')),
    ]
