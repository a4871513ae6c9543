# SPDX-License-Identifier: BSD-2-Clause
"""A few of concprof's calls fail, and it is killed at a few; all of that is `make faults`."""
import fcntl
import os
import pathlib
import subprocess
import sys

from harness import cases, equal

DRIVER = pathlib.Path(__file__).parents[2] / 'faults' / 'faults.py'
PIPE_SIZE = 4096  # less than a report


def test_few(t):
    """Each run ends in a clear error, or in a report that says what it lacks, and harms nothing."""
    outcome = t.spawn([sys.executable, DRIVER, t.build, '--few'])
    equal(outcome.code, 0, outcome.stdout, outcome.stderr)


@cases(('the held process ends', 'recv'), ('/proc cannot be read', 'opendir'))
def test_one(t, _, function):
    """Each call of one function that `run` makes: once it waited for ever, or hid it."""
    outcome = t.spawn([sys.executable, DRIVER, t.build, '--only', function, '--scenario', 'run'])
    equal(outcome.code, 0, outcome.stdout, outcome.stderr)


def test_reader_stops(t):
    """A reader that stops reading, and then goes, costs the workload nothing, nor its status."""
    reader, writer = t.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    child = t.start(t.command(['sh', '-c', 'exit 5'], options=('-q', '--json', '-'), as_json=False),
                    stdout=writer, stderr=subprocess.PIPE)
    t.close(writer)
    equal(os.read(reader, 1), b'{', 'the report has begun')
    t.close(reader)
    _, err = child.communicate(timeout=60)
    equal((child.returncode, err), (5, b''), 'status and words')
