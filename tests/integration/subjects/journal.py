# SPDX-License-Identifier: BSD-2-Clause
"""A file system with a journal, on a block device: in most of its waits the kernel does not say that
they are for one."""
import contextlib
import json
import shutil
import subprocess

from harness import Skip, equal, expect


@contextlib.contextmanager
def mounted(directory):
    """ext4 with a journal, in a file."""
    image, at = directory / 'image', directory / 'at'
    if not shutil.which('mkfs.ext4'):
        raise Skip('there is no mkfs.ext4')
    with open(image, 'wb') as file:
        file.truncate(64 << 20)
    subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True)
    at.mkdir()
    mount = subprocess.run(['mount', '-o', 'loop', image, at], capture_output=True, text=True)
    if mount.returncode:
        raise Skip(f'no loop mount here: {mount.stderr.strip()}')
    try:
        yield at
    finally:
        subprocess.run(['umount', at], check=True)


# What it took is on no CPU, and in no queue for one.
CODE = '''
import json, os, sys, time

def now():
    ran, queued, _ = map(int, open('/proc/thread-self/schedstat').read().split())
    return time.monotonic_ns(), ran + queued

def timed(call, *args):
    wall, used = now()
    call(*args)
    after, used_after = now()
    return max(after - wall - (used_after - used), 0)

log = os.open(sys.argv[1] + '/log', os.O_CREAT | os.O_WRONLY)
waited = 0
for _ in range(200):
    os.write(log, b'x' * 300)
    waited += timed(os.fsync, log)
print(json.dumps({'waited': waited}))
'''


def test_fsync(t):
    """Each wait for the journal is one for the disk, and for the file that is synchronised."""
    with mounted(t.dir) as at:
        outcome = t.run(*t.python(CODE, at), stdout=subprocess.PIPE)
        equal(outcome.code, 0, outcome)
    waited = json.loads(outcome.stdout)['waited']
    rows = [row for row in outcome.report['io'] if row['path'] == str(at / 'log')]
    equal([row['cause'] for row in rows], ['io.disk'], rows)
    expect(rows[0]['waits'] >= 200, rows)
    expect(abs(rows[0]['wait_ns'] - waited) <= max(0.02 * waited, 20_000 * rows[0]['waits']),
           waited, rows)
    threads = outcome.report['threads']
    equal(sum(thread['blocked'].get('io.file', {'ns': 0})['ns'] for thread in threads), 0, threads)
