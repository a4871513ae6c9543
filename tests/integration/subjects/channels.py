# SPDX-License-Identifier: BSD-2-Clause
"""Channels between processes and threads: who waits for whom, and which stage is the slow one."""
import os
import shutil
import subprocess

from harness import PYTHON, Skip, cases, equal, expect, poll


def modes(build):
    """As the workload lists them: those of two sides with either slow all at once, others alone."""
    listed = subprocess.run([build / 'workloads' / 'channels'], capture_output=True, text=True,
                            check=True).stdout.split()
    for side in ('slow-reader', 'slow-writer'):
        yield (side, *(mode for mode in listed if mode.endswith(side)))
    yield from ((mode, mode) for mode in listed
                if not mode.endswith(('slow-reader', 'slow-writer')))


def test_truth(t, _, *names):
    """Each end has the waits and the times that there were, and so has each that it waited for."""
    t.truth('channels', *names)


test_truth.cases = modes


# --- pipelines of a shell ------------------------------------------------------------------------

def text(size):
    """Of so many bytes, that gzip has some work with."""
    digits = os.urandom(size // 2).hex()
    return '\n'.join(digits[at:at + 59] for at in range(0, len(digits), 60)) + '\n'


def make_files(t, count, size):
    """A folder of so many, each of that size."""
    folder, content = t.dir / 'files', text(size)
    folder.mkdir()
    for number in range(count):
        (folder / f'file{number:03}').write_text(content, encoding='utf-8')
    return folder


# A reader as a person is one: a page, and a while to look at it.
PAGER = '''
import os, time
with open('/proc/self/comm', 'w') as comm:
    comm.write('pager')
while os.read(0, 65536):
    time.sleep(0.004)
'''


@cases(('tar', 'tar cf - . | gzip | sha256sum', 'gzip', 4, 1 << 20),
       ('yes', 'yes | head -n 20000000 | wc', 'wc', 0, 0),
       ('find', 'find . -type f | xargs -P2 -n 5 sha256sum | sort', 'sha256sum', 40, 1 << 20),
       ('pager', f'cat * | grep -v zebra | {PYTHON} -I -S -c "$1"', 'pager', 1, 1 << 21))
def test_bottleneck(t, _, pipeline, slow, count, size):
    """The stage that the others wait for is named, and no other."""
    for tool in ('tar', 'gzip', 'sha256sum', 'xargs', 'find', 'grep', 'wc', 'yes', 'sort'):
        if tool in pipeline and not shutil.which(tool):
            raise Skip(f'there is no {tool}')
    folder = make_files(t, count, size)
    outcome = t.run('sh', '-c', pipeline, 'sh', PAGER, cwd=folder,
                    env={**os.environ, 'LC_ALL': 'C'})
    equal(outcome.code, 0, outcome)
    found = [row['subject'] for row in outcome.report['findings']
             if row['rule'] == 'pipeline.bottleneck']
    equal(found, [slow], outcome.report['findings'])


# --- the other end outside of the program ---------------------------------------------------------

HELPER = '''
import sys, time
with open('/proc/self/comm', 'w') as comm:
    comm.write('helper')
with open(sys.argv[1], 'wb', buffering=0) as fifo:
    for _ in range(60):
        time.sleep(0.003)
        fifo.write(b'x')
'''

READER = '''
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
while os.read(fd, 1):
    pass
'''


def test_end_outside(t):
    """It is named, though nobody measures it."""
    path = t.dir / 'fifo'
    os.mkfifo(path)
    helper = t.start(t.python(HELPER, path))
    poll(lambda: open(f'/proc/{helper.pid}/comm', encoding='utf-8').read() == 'helper\n',
         'the helper')
    outcome = t.run(*t.python(READER, path))
    equal((outcome.code, helper.wait()), (0, 0), outcome)
    row, = outcome.report['channels']
    equal((row['kind'], row['name']), ('fifo', str(path)), row)
    end, = (end for end in row['ends'] if end['process'])
    expect(58 <= end['reads']['waits'] <= 63, row)
    expect(0.15e9 < end['reads']['wait_ns'], row)
    source = [(flow['for']['pid'], flow['for']['comm'], flow['side']) for flow in row['flows']]
    equal(source, [(helper.pid, 'helper', 'reads')], row)
    expect(row['flows'][0]['waits'] >= 58, row)
