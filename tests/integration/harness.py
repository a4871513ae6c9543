# SPDX-License-Identifier: BSD-2-Clause
"""What the integration tests share: running concprof, and looking at what it left.

A test is a function test_NAME(t) of a module in subjects/; t is a Test, with a folder of its own.
It fails by an exception, is skipped by Skip, and is run once for each of its @cases.
"""
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import compare
import validate

DEADLINE = 60  # seconds, for anything that is sure to come
BIG = 400      # so many rows of a section are checked against the schema: it is slow
HERE = pathlib.Path(__file__).parent
# One that any user may run; a private installation may not be.
PYTHON = '/usr/bin/python3' if os.access('/usr/bin/python3', os.X_OK) else sys.executable


class Skip(Exception):
    """The test cannot be made here; its argument says why."""


class Outcome:
    """How a process ended: code as in subprocess, what it printed, and the report."""

    def __init__(self, code, stdout, stderr, report):
        self.code, self.stdout, self.stderr, self.report = code, stdout, stderr, report

    def __repr__(self):
        return f'status {self.code}, stdout {self.stdout[-500:]!r}, stderr {self.stderr[-1500:]!r}'


def cases(*rows):
    """Makes a test of each row; its first item is the name, all of them are arguments."""
    def mark(function):
        function.cases = rows
        return function
    return mark


def needs(present, what):
    """Skips a test of a program that is not installed; in CI, where all are, it fails."""
    if not present:
        expect(os.environ.get('CI') != 'true', 'there is no', what)
        raise Skip(f'there is no {what}')


def without_bpf(function):
    """Marks a test that works where concprof cannot load its probes."""
    function.needs_bpf = False
    return function


def expect(condition, *what):
    """Fails with all that is known."""
    if not condition:
        raise AssertionError(' '.join(str(item) for item in what))


def equal(value, wanted, *what):
    """Fails unless both are the same."""
    expect(value == wanted, f'{value!r}, expected {wanted!r}:', *what)


def exits(report):
    """The processes that ended, by their exit code; all of them are to have ended."""
    open_ended = [row for row in report['processes'] if 'exit' not in row]
    equal(open_ended, [], 'processes without an end')
    return sorted(row['exit']['code'] for row in report['processes'])


def nothing_lost(report):
    """No loss of ours, nothing left out. The kernel itself hides a switch-in now and then, and
    stacks are samples, of which a few may find no room: both cost the ledgers nothing."""
    lost = [row for row in report['measurement']['lost']
            if row['what'] not in ('switch_in', 'stacks', 'mappings')]
    equal((lost, report['omitted']), ([], []), 'losses')


def poll(condition, what):
    """For what no event tells: looks again and again, until it holds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        expect(time.monotonic() < end, 'did not come:', what)
        time.sleep(0.01)


def read_until(fd, word, seen=''):
    """Reads from a descriptor until the word has come; all that was read."""
    end = time.monotonic() + DEADLINE
    while word not in seen:
        ready = select.select([fd], [], [], max(end - time.monotonic(), 0))[0]
        expect(ready, f'no {word!r} came, only {seen!r}')
        data = os.read(fd, 65536)
        expect(data, f'it ended before {word!r}: {seen!r}')
        seen += data.decode(errors='replace')
    return seen


def is_alive(pid):
    """Whether the process is there and no zombie."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            return file.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def state_of(pid):
    """The letter of the process's state."""
    with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
        return file.read().rsplit(')', 1)[1].split()[0]


def schema_problems(data):
    """What the published schema has against a document; of long sections only the beginning."""
    if not hasattr(schema_problems, 'validators'):
        schema_problems.validators = (validate.validator_of(validate.SCHEMA),
                                      validate.validators_of_modes())
    report = json.loads(data)
    if max(len(report.get(key, [])) for key in ('threads', 'processes')) > BIG:
        for key in ('threads', 'processes'):
            report[key] = report[key][:BIG]
        data = json.dumps(report).encode()
    return validate.problems_of(data, *schema_problems.validators)


class Test:
    """One test: its folder, the processes that it started, and what it found wrong."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.concprof = str(self.build / 'concprof')
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='concprof-test-'))
        self.dir.chmod(0o755)
        self.json = self.dir / 'report.json'
        self.pipe_ends = set()  # that are open
        self.cleanup = contextlib.ExitStack()
        self.cleanup.callback(shutil.rmtree, self.dir)
        self.problems = []

    def workload(self, name):
        """The path of a bundled workload."""
        return str(self.build / 'workloads' / name)

    def command(self, argv, options=('-q',), as_json=True):
        """concprof's own command line."""
        kept = ['--json', str(self.json)] if as_json else []
        return [self.concprof, *options, *kept, '--', *map(str, argv)]

    def start(self, argv, **popen):
        """Starts any command in a session of its own; what is left of it is killed at the end."""
        popen.setdefault('cwd', self.dir)
        popen.setdefault('stdin', subprocess.DEVNULL)
        process = subprocess.Popen(argv, start_new_session=True, **popen)
        self.cleanup.callback(self.kill, process)
        return process

    def kill(self, process):
        """What is left of a process that we started, and of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def kill_later(self, pid):
        """For a process of ours that nobody else ends."""
        pidfd = os.pidfd_open(pid)
        self.cleanup.callback(os.close, pidfd)
        self.cleanup.callback(self.kill_quietly, pidfd)

    @staticmethod
    def kill_quietly(pidfd):
        """It may have gone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def finish(self, process):
        """Waits for a process; its outcome."""
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired as late:
            expect(False, 'no end:', process.args, late.stdout, late.stderr)
        return Outcome(process.returncode, (out or b'').decode(errors='replace'),
                       (err or b'').decode(errors='replace'), self.load())

    def spawn(self, argv, **popen):
        """Runs any command to its end."""
        popen.setdefault('stdout', subprocess.PIPE)
        popen.setdefault('stderr', subprocess.PIPE)
        return self.finish(self.start(argv, **popen))

    def run(self, *argv, options=('-q',), as_json=True, **popen):
        """Runs concprof with a command to its end; the report is checked."""
        return self.spawn(self.command(argv, options, as_json), **popen)

    def begin(self, *argv, options=('-q',), **popen):
        """Starts concprof with a command whose words are to be read."""
        popen.setdefault('stdout', subprocess.PIPE)
        return self.start(self.command(argv, options), **popen)

    def load(self, path=None):
        """The report at a path, if there is one; checked for what holds of all."""
        path = path or self.json
        if not path.exists() or not path.stat().st_size:
            return None
        return self.check(path.read_bytes())

    def check(self, data):
        """The report in some bytes, checked against the schema and itself."""
        self.problems += schema_problems(data)
        report = json.loads(data)
        self.problems += compare.check_invariants(report)
        return report

    def meets(self, truth, report):
        """Compares the report with a workload's own truth; a skip if that says so."""
        expect(report, 'there is no report')
        for expectation in truth['expect']:
            self.problems += compare.check_expectation(report, expectation)
        if 'skip' in truth and not self.problems:
            raise Skip(truth['skip'])

    def truth(self, *argv, options=('-q',)):
        """Runs a bundled workload and compares its truth; the report."""
        path = self.dir / 'truth.json'
        outcome = self.run(self.workload(argv[0]), *argv[1:], options=options,
                           env={**os.environ, 'CONCPROF_TRUTH': str(path)})
        equal(outcome.code, 0, outcome)
        self.meets(json.loads(path.read_text(encoding='utf-8')), outcome.report)
        return outcome.report

    @staticmethod
    def python(code, *args):
        """The command that runs a piece of Python."""
        return [PYTHON, '-I', '-S', '-c', code, *map(str, args)]

    def pipe(self):
        """Both ends of a pipe, closed at the end; nobody inherits them unless told."""
        ends = os.pipe()
        for fd in ends:
            self.pipe_ends.add(fd)
            self.cleanup.callback(self.close, fd)
        return ends

    def close(self, fd):
        """One of a pipe. Once only: its number may be another test's by then."""
        if fd in self.pipe_ends:
            self.pipe_ends.remove(fd)
            os.close(fd)
