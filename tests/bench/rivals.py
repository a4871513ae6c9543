# SPDX-License-Identifier: BSD-2-Clause
"""The tools: how each is started, around the workload or beside it."""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

PATH = os.environ.get('PATH', '') + ':/usr/sbin:/sbin:/usr/share/bpfcc-tools'
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


class Tool:
    """One that starts the workload itself, as `argv WORKLOAD`."""

    def __init__(self, name, argv=(), slow=False):
        self.name, self.slow = name, slow
        self.argv_given = list(argv)
        self.why_not = None  # it is left out
        self.failed = {}     # the same, in a case: why

    def argv(self):
        return [find(self.argv_given[0]), *self.argv_given[1:]] if self.argv_given else []

    def can(self, case):
        return not self.why_not and case not in self.failed

    def prefix(self, case):
        del case
        return self.argv()

    def beside(self, case):
        """What runs as long as the workload does."""
        del case
        return contextlib.nullcontext()

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

    def __init__(self, name, argv, around=()):
        super().__init__(name, argv)
        self.around = list(around)

    def can(self, case):
        return super().can(case) and (self.around or not case.whole)

    def prefix(self, case):
        return [*self.argv(), *self.around] if case.whole else []

    def beside(self, case):
        return contextlib.nullcontext() if case.whole else running(self.argv())

    def try_out(self):
        try:
            with running(self.argv()):
                time.sleep(0.1)
        except (Failed, OSError) as why:
            self.why_not = str(why)


def attached(pid):
    """How many probes the process holds."""
    count = 0
    for fd in glob.glob(f'/proc/{pid}/fd/*'):
        with contextlib.suppress(OSError):
            count += any(kind in os.readlink(fd) for kind in ATTACHED)
    return count


def wait_until_attached(process, seconds=30):
    """Until it holds probes, and for 0.3 s no more were added."""
    deadline = time.monotonic() + seconds
    before, since = 0, time.monotonic()
    while process.poll() is None:
        count = attached(process.pid)
        if count != before:
            before, since = count, time.monotonic()
        if count and time.monotonic() - since > 0.3:
            return
        if time.monotonic() > deadline:
            raise Failed(f'no probe attached within {seconds} s')
        time.sleep(0.02)


@contextlib.contextmanager
def running(argv):
    with tempfile.TemporaryFile('w+', errors='replace') as said:
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=said) as process:
            try:
                wait_until_attached(process)
                if process.poll() is None:
                    yield
                ended_early = process.poll() is not None
            finally:
                stop(process)
        if ended_early:
            said.seek(0)
            raise Failed(last_line(said.read()))


def stop(process):
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()


COUNT_SWITCHES = 'tracepoint:sched:sched_switch { @[args->prev_pid] = count(); }'


def all_tools(build):
    """The first is what the others are compared with."""
    return [
        Tool('bare'),
        Tool('concprof', [f'{build}/concprof', '-q', '--as-root', '--']),
        Tool('perf stat -e context-switches',
             ['perf', 'stat', '-e', 'context-switches', '-o', '/dev/null', '--']),
        SystemWide('cpudist', ['cpudist']),
        SystemWide('runqlat', ['runqlat']),
        SystemWide('syscount', ['syscount']),
        SystemWide('futexctn', ['futexctn']),
        SystemWide('offcputime', ['offcputime']),
        SystemWide('bpftrace, counting switches', ['bpftrace', '-e', COUNT_SWITCHES], ['-c']),
        Tool('strace -c -f', ['strace', '-c', '-f', '-o', '/dev/null'], slow=True),
    ]
