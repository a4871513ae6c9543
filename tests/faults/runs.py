# SPDX-License-Identifier: BSD-2-Clause
"""One run of concprof with a fault in it, and what is found wrong with how it ended."""
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

import shared

DEADLINE = 30  # seconds, for a run; and for what is left of it to end
STATUS = 7     # the workload's own
NO_ASLR = 0x0040000
SUBREAPER = 36
BPF = {'x86_64': 321, 'aarch64': 280}[os.uname().machine]
# By the command of bpf(2) that made it: what it is called, and the command that finds it again.
OBJECTS = {0: ('map', 14), 5: ('program', 13), 17: ('link', 30), 18: ('BTF', 19), 28: ('link', 30)}
LIBC = ctypes.CDLL(None, use_errno=True)


def adopt_orphans():
    """What concprof leaves behind becomes a child of ours."""
    LIBC.prctl(SUBREAPER, 1, 0, 0, 0)


def same_addresses():
    """A place has the same addresses in every run."""
    LIBC.personality(NO_ASLR)


def children():
    """Of this process, zombies too."""
    found = set()
    for task in pathlib.Path('/proc/self/task').iterdir():
        found.update(map(int, (task / 'children').read_text().split()))
    return found


def object_is_there(command, number):
    """Whether a map, program, link or BTF of ours is still in the kernel."""
    attr = (ctypes.c_uint32 * 32)(number)
    fd = LIBC.syscall(BPF, OBJECTS[command][1], attr, ctypes.sizeof(attr))
    if fd >= 0:
        os.close(fd)
    return fd >= 0


class Ended:
    """How a run ended."""

    def __init__(self):
        self.code = None           # as in subprocess; None: it did not end
        self.lines, self.said = [], b''
        self.files = {}            # that are new: name and bytes
        self.begun = self.done = False
        self.workload_code = None  # if it outlived concprof
        self.problems = []
        self.failed = 0            # calls
        self.may_leave = False     # a file: what fails is to remove it


class Runner:
    """Runs in a folder of its own."""

    def __init__(self, build, folder):
        self.build, self.folder = pathlib.Path(build).resolve(), pathlib.Path(folder)
        self.concprof = str(self.build / 'concprof')
        self.shim = self.build / 'tests' / 'faults.so'
        self.workload = str(self.build / 'tests' / 'faults_workload')
        self.names = shared.function_names(self.shim)
        self.memory = shared.Shared(self.folder / 'shared', self.names)
        self.work = self.folder / 'work'
        self.work.mkdir()
        self.mark = self.folder / 'mark'
        self.kept = {}  # files that scenarios read

    def environment(self):
        """What is freed is overwritten, so that what reads on is seen; a build with sanitizers is
        content with who comes first."""
        return {**os.environ, 'LD_PRELOAD': str(self.shim), 'MALLOC_PERTURB_': '165',
                'ASAN_OPTIONS': 'detect_leaks=0:verify_asan_link_order=0:'
                                'allocator_may_return_null=1',
                'CONCPROF_FAULTS': str(self.memory.path)}

    def clean(self):
        """Nothing of the run before."""
        self.mark.unlink(missing_ok=True)
        for path in self.work.iterdir():
            path.unlink()

    def run(self, scenario, **fault):
        """One run; the fault is as in Shared.set()."""
        self.clean()
        ended = Ended()
        prey = self.start_prey() if scenario.attaches else None
        self.memory.set(**fault)
        with open(self.folder / 'stdout', 'w+b') as out, \
                open(self.folder / 'stderr', 'w+b') as err:
            child = subprocess.Popen(scenario.command(self, prey), stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=err, cwd=self.work,
                                     env=self.environment(), preexec_fn=same_addresses)
            self.wait(child, ended)
            out.seek(0)
            err.seek(0)
            ended.said, ended.lines = out.read(), err.read().decode(errors='replace').splitlines()
        if prey:
            self.end_prey(prey, ended)
        self.reap(ended)
        self.look(ended)
        return ended

    def start_prey(self):
        """What is attached to: it waits for its input."""
        prey = subprocess.Popen([self.workload, str(self.mark), 'wait'], stdin=subprocess.PIPE,
                                cwd=self.work)
        while not self.mark.exists() or not self.mark.read_text().endswith('\n'):
            time.sleep(0.001)
        return prey

    def end_prey(self, prey, ended):
        """It goes on, and ends as it does alone."""
        try:
            prey.communicate(b'\n', timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            ended.problems.append('what was attached to does not go on')
            prey.kill()
            prey.communicate()
        ended.workload_code = prey.returncode

    def wait(self, child, ended):
        """Until concprof has ended, or has come to where it is to be killed."""
        end = time.monotonic() + DEADLINE
        while child.poll() is None and time.monotonic() < end:
            if self.memory.stopped():
                child.kill()
            time.sleep(0.002)
        if child.poll() is None:
            ended.problems.append(f'no end within {DEADLINE} s')
            child.kill()
        ended.code = child.wait()

    def reap(self, ended):
        """What concprof has left behind: only the workload may go on, and it ends too."""
        end = time.monotonic() + DEADLINE
        left = children()
        while left and time.monotonic() < end:
            for pid in left:
                got, status = os.waitpid(pid, os.WNOHANG)
                if got and self.mark_pid() == got:
                    ended.workload_code = os.waitstatus_to_exitcode(status)
            left = children()
            time.sleep(0.002 if left else 0)
        for pid in left:
            comm = pathlib.Path(f'/proc/{pid}/comm').read_text().strip()
            ended.problems.append(f'process {comm} is left behind')
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def mark_pid(self):
        """The workload's own number."""
        words = self.mark.read_text().split() if self.mark.exists() else []
        return int(words[1]) if len(words) > 1 else None

    def look(self, ended):
        """At the files, the kernel, and what the workload says."""
        ended.failed = self.memory.failed()
        ended.files = {path.name: path.read_bytes() for path in self.work.iterdir()}
        words = self.mark.read_text().split() if self.mark.exists() else []
        ended.begun, ended.done = 'begin' in words, 'end' in words
        end = time.monotonic() + DEADLINE
        left = self.memory.objects()
        while left and time.monotonic() < end:
            left = [one for one in left if object_is_there(*one)]
            time.sleep(0.005 if left else 0)
        ended.problems += [f'{OBJECTS[command][0]} {number} is left in the kernel'
                           for command, number in left]


def said_lacks(report):
    """Whatever the report says about what it lacks."""
    rows = report.get('measurement', {})
    said = {f"lost {row['what']}" for row in rows.get('lost', [])}
    said |= {f"probe {row['name']}: {row['why']}" for row in rows.get('probes', []) if row['why']}
    said |= {f"omitted {row['what']}" for row in report.get('omitted', [])}
    said |= {f'note {note}' for note in rows.get('notes', [])}
    if rows.get('complete') is False:
        said.add('not complete')
    for key in ('cpu_sites', 'wait_sites'):
        said |= {f"stack ends: {row.get('stack_end')}" for row in report.get(key, [])}
        said |= {f'no name: {frame}' for row in report.get(key, []) for frame in row['stack']
                 if frame.startswith('[')}
        said |= {f'no line: {frame}' for row in report.get(key, []) for frame in row['stack']
                 if ' ' not in frame}
    return said


def paths(value, prefix=''):
    """All keys of a document; those of an array's items are one's."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f'{prefix}.{key}'
            yield from paths(item, f'{prefix}.{key}')
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f'{prefix}[]')


def split_absent(missing, report):
    """(what is said by a key that is absent or null, as the contract has it; the rest)."""
    said = {fact for fact in missing if fact.startswith('.') and '[' not in fact}
    said |= {fact for fact in missing if fact.startswith('system.')
             and report['system'].get(fact.split()[0].split('.')[1]) is None}
    if not all(row.get('exe') for row in report.get('processes', [])):
        said |= {fact for fact in missing if fact.startswith('exe ')}
    return said, missing - said


def facts(data):
    """What a JSON report says that is the same in every run."""
    report = json.loads(data)
    found = set(paths(report))
    for key in ('mode', 'ended_by', 'command', 'executable', 'user', 'exit'):
        found.add(f'{key} {report.get(key)}')
    totals = report.get('totals', {})
    found |= {f'{key} {totals.get(key)}' for key in ('threads', 'processes')}
    found |= {f"system.{key} {value}" for key, value in report.get('system', {}).items()}
    found |= {f"lock {row['name']} {row['kind']}" for row in report.get('locks', [])}
    found |= {f"process {row.get('comm')} {row.get('exit')}" for row in report.get('processes', [])}
    found |= {f"exe {row['exe']}" for row in report.get('processes', []) if row.get('exe')}
    found |= {f"io {row['kind']} {row['target']}" for row in report.get('io', [])}
    found |= {f'waits {frame}' for row in report.get('wait_sites', []) for frame in row['stack']}
    found |= {f"computes {frame.split(' (')[0]}" for row in report.get('cpu_sites', [])
              for frame in row['stack'] if not frame.endswith('[kernel]')}
    found |= {f"probe {row['name']}" for row in report.get('measurement', {}).get('probes', [])
              if row['attached']}
    return found
