# SPDX-License-Identifier: BSD-2-Clause
"""What is waited for with a descriptor: the workload that knows it by its own clocks."""
import os
import shutil
import subprocess

from harness import Skip, cases, equal, expect


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'targets'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Each thing's row has its name, and the waits and the times that there were."""
    t.truth('targets', mode)


test_truth.cases = modes


def test_worker(t):
    """What a worker of io_uring waits for is what it was asked to do: a row of its own."""
    report = t.truth('targets', 'uring-sync')
    workers = [thread for thread in report['threads'] if thread['comm'].startswith('iou-wrk')]
    expect(workers and all(thread['kernel_thread'] for thread in workers), workers)
    waits = sum(thread['blocked'].get('io.disk', {'count': 0})['count'] for thread in workers)
    expect(waits > 100, workers)
    in_rows = sum(row['waits'] for row in report['io'] if row['cause'] == 'io.disk')
    expect(in_rows > report['totals']['blocked']['io.disk']['count'] - 0.1 * waits, report['io'])
    expect(all('io.uring' not in thread['blocked'] for thread in workers), workers)


def test_posix_aio(t):
    """glibc does it by threads of its own, which wait for the disk."""
    t.truth('posix_aio')


def python_rows(t, code, *args, **popen):
    """Rows of what a Python program waits for."""
    outcome = t.run(*t.python(PRELUDE + code, *args), **popen)
    equal(outcome.code, 0, outcome)
    lost = [loss['what'] for loss in outcome.report['measurement']['lost']]
    equal([what for what in lost if what.startswith('target')], [], 'losses')
    return outcome.report['io']


# A child lets the program wait 20 ms at what it is given.
PRELUDE = '''
import os, sys, time, threading

def after(seconds, function, *args):
    if not os.fork():
        time.sleep(seconds)
        function(*args)
        os._exit(0)

def write_to(path):
    os.write(os.open(path, os.O_WRONLY), b'x')

def read_from(path, late=0.02):
    after(late, write_to, path)
    fd = os.open(path, os.O_RDWR)
    os.read(fd, 1)
    return fd
'''


def only(rows, **wanted):
    """The one row with these values."""
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    equal(len(found), 1, wanted, rows)
    return found[0]


@cases(('newline', 'a\nb'), ('escape', '\x1b[31mred'), ('quotes', '"\'\\'), ('spaces', ' a  b '),
       ('wide', 'ä€𝄞'), ('dots', '...'), ('longest', 'n' * 255))
def test_odd_names(t, _, name):
    """A path is what it is; what shows it escapes it."""
    path = t.dir / name
    row = only(python_rows(t, 'os.mkfifo(sys.argv[1]); read_from(sys.argv[1], 0.06)', path),
               path=str(path))
    equal(row['waits'], 1, row)
    expect(row['wait_ns'] > 15_000_000, row)
    shown = t.run(*t.python(PRELUDE + 'read_from(sys.argv[1])', path), options=(), as_json=False)
    expect('\x1b' not in shown.stderr, shown.stderr)


def test_bytes_that_are_no_text(t):
    """Not UTF-8: the document is."""
    code = '''
path = os.fsencode(sys.argv[1]) + b'/\\xff\\xfe'
os.mkfifo(path)
read_from(path)
'''
    rows = [row for row in python_rows(t, code, t.dir) if row['path']]
    expect(any(row['path'].startswith(f'{t.dir}/') for row in rows), rows)


def test_deep(t):
    """As long as a path can be: no more than PATH_MAX in one call, but a tree may be deeper."""
    code = '''
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
os.mkfifo('f')
read_from('f')
'''
    row = only(python_rows(t, code, t.dir, 15), path=f'{t.dir}/' + ('d' * 200 + '/') * 15 + 'f')
    equal(row['waits'], 1, row)
    (t.dir / 'deeper').mkdir()
    rows = python_rows(t, code, t.dir / 'deeper', 25)
    cut = [row for row in rows if row['target'].startswith('...')]
    equal(len(cut), 1, rows)
    expect(cut[0]['path'].endswith('d/f'), cut)


def test_removed(t):
    """It is told by the name that it had."""
    code = '''
os.mkfifo(sys.argv[1])
fd = os.open(sys.argv[1], os.O_RDWR)
os.unlink(sys.argv[1])
after(0.02, os.write, fd, b'x')
os.read(fd, 1)
'''
    row = only(python_rows(t, code, t.dir / 'fifo'), path=str(t.dir / 'fifo'))
    equal(row['target'], f'{t.dir}/fifo (deleted)', row)


def test_reused_descriptor(t):
    """Two things on one number, one after the other: two rows."""
    code = '''
for name in ('one', 'two'):
    path = f'{sys.argv[1]}/{name}'
    os.mkfifo(path)
    fd = read_from(path, 0.02 if name == 'one' else 0.06)
    print(fd)
    os.close(fd)
'''
    rows = python_rows(t, code, t.dir)
    one, two = (only(rows, path=str(t.dir / name)) for name in ('one', 'two'))
    equal(one['fds'], two['fds'], 'both on one number')
    expect(15_000_000 < one['wait_ns'] < 45_000_000 < two['wait_ns'], one, two)


def test_shared_table(t):
    """Threads of one descriptor, and a child that has inherited it: one row."""
    code = '''
r, w = os.pipe()
after(0.05, os.write, w, b'xxx')
if not os.fork():
    os.read(r, 1)
    os._exit(0)
threads = [threading.Thread(target=os.read, args=(r, 1)) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
os.wait(), os.wait()
'''
    row = only(python_rows(t, code), kind='pipe')
    equal(len(row['pids']), 2, row)
    equal(row['descriptors'], 1, row)
    expect(3 <= row['waits'] <= 9, row)
    expect(row['waited_wall_ns'] < 0.6 * row['wait_ns'], row)


def test_other_root(t):
    """A path is as the program has it, below its own root."""
    code = '''
os.mkfifo(sys.argv[1] + '/inside')
os.chroot(sys.argv[1])
os.chdir('/')
read_from('/inside')
'''
    only(python_rows(t, code, t.dir), path='/inside')


def test_mounted(t):
    """Through a mount of its own mount namespace."""
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')
    (t.dir / 'at').mkdir()
    code = PRELUDE + '''
os.mkfifo(sys.argv[1] + '/fifo')
read_from(sys.argv[1] + '/fifo')
'''
    outcome = t.run('unshare', '-m', 'sh', '-c', 'mount -t tmpfs none "$1" && shift && exec "$@"',
                    'sh', t.dir / 'at', *t.python(code, t.dir / 'at'))
    equal(outcome.code, 0, outcome)
    only(outcome.report['io'], path=str(t.dir / 'at' / 'fifo'))


def test_closed_meanwhile(t):
    """By another thread, in the middle of the wait."""
    code = '''
r, w = os.pipe()
thread = threading.Thread(target=os.read, args=(r, 1))
thread.start()
time.sleep(0.02)
os.close(r)
os.write(w, b'x')
thread.join()
'''
    row = only(python_rows(t, code), kind='pipe')
    expect(row['wait_ns'] > 15_000_000, row)


def test_goes_on(t):
    """A wait that is open at the end counts."""
    gate, _ = t.pipe()
    outcome = t.run('cat', options=('-q', '-d', '1'), stdin=gate)
    row = only(outcome.report['io'], kind='pipe')
    equal((row['open'], row['waits']), (1, 1), row)
    expect(row['wait_ns'] > 0.9 * outcome.report['wall_ns'], row)



def test_second_comes(t):
    """One waits alone, and then with another: the wall time counts once."""
    code = '''
r, w = os.pipe()
after(0.3, os.write, w, b'xx')
threads = [threading.Thread(target=os.read, args=(r, 1)) for _ in range(2)]
threads[0].start()
time.sleep(0.05)
threads[1].start()
for thread in threads: thread.join()
time.sleep(0.5)
'''
    row = only(python_rows(t, code), kind='pipe')
    expect(row['wait_ns'] > 450_000_000, row)
    expect(220_000_000 < row['waited_wall_ns'] < 350_000_000, row)


def test_many_names(t):
    """Names that are much alike stay apart."""
    code = '''
import socket
for a in range(10):
    for b in 'abcdefghijklmnopqrstuvwxyz':
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f'\\0/var/c{a}/objec_{b}')
        listener.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(listener.getsockname())
        thread = threading.Thread(target=client.recv, args=(1,))
        server, _ = listener.accept()
        thread.start()
        time.sleep(0.002)
        server.send(b'x')
        thread.join()
'''
    peers = [row['peer'] for row in python_rows(t, code) if row['peer']]
    equal(sorted(peers), [f'@/var/c{a}/objec_{b}' for a in range(10)
                          for b in 'abcdefghijklmnopqrstuvwxyz'])


def test_not_connected_yet(t):
    """A client that waits for a place in the queue of a server is its client after that."""
    code = '''
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect(sys.argv[1])
second = socket.socket(socket.AF_UNIX)
def serve():
    time.sleep(0.02)
    ends = [listener.accept()[0] for _ in range(2)]
    time.sleep(0.02)
    ends[1].send(b'x')
thread = threading.Thread(target=serve)
thread.start()
second.connect(sys.argv[1])
second.recv(1)
thread.join()
'''
    rows = python_rows(t, code, t.dir / 'socket')
    row = only(rows, side='client')
    equal((row['peer'], row['waits']), (str(t.dir / 'socket'), 1), rows)
    expect(all(row['side'] != 'pair' for row in rows), rows)


def forget(path):
    """The page cache has it no more, unless the file system keeps its files in memory."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def make_cold(path, size):
    """A file of which each page has to be read."""
    path.write_bytes(b'x' * size)
    forget(path)


def waited_for(outcome, path, cause):
    """A file that was mapped has its row; Skip if nothing was waited for so."""
    equal(outcome.code, 0, outcome)
    if cause not in outcome.report['totals']['blocked']:
        raise Skip('the file was in memory, or was read too fast')
    row = only(outcome.report['io'], path=str(path), cause=cause)
    equal((row['kind'], row['fds'], row['descriptors']), ('file', [], 1), row)


def test_cold_program(t):
    """A program's own pages, which come from the disk as it runs."""
    program = t.dir / 'program'
    shutil.copy(shutil.which('true'), program)
    forget(program)
    waited_for(t.run(program), program, 'fault.major')


def test_mapped_at_once(t):
    """mlock(2), say, waits for memory in the call: a wait for a disk, and for that file."""
    code = '''
import ctypes, mmap
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
at = libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, mmap.MAP_SHARED, fd, ctypes.c_long(0))
os.close(fd)
if libc.mlock(ctypes.c_void_p(at), ctypes.c_size_t(size)):
    sys.exit(os.strerror(ctypes.get_errno()))
'''
    path = t.dir / 'mapped'
    make_cold(path, 4 << 20)
    waited_for(t.run(*t.python(PRELUDE + code, path)), path, 'io.disk')


def test_mapped_through_overlay(t):
    """The file that overlayfs maps is another one; its path is as the program has it."""
    lower, work, upper, at = (t.dir / name for name in ('lower', 'work', 'upper', 'at'))
    for path in (lower, work, upper, at):
        path.mkdir()
    make_cold(lower / 'mapped', 4 << 20)
    options = f'lowerdir={lower},upperdir={upper},workdir={work}'
    if subprocess.run(['mount', '-t', 'overlay', 'none', '-o', options, at], check=False,
                      capture_output=True).returncode:
        raise Skip('overlayfs cannot be mounted here')
    try:
        code = '''
import mmap
with open(sys.argv[1], 'rb') as file:
    pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)
sum(pages[at] for at in range(0, len(pages), 65536))
'''
        outcome = t.run(*t.python(PRELUDE + code, at / 'mapped'))
    finally:
        subprocess.run(['umount', at], check=True)
    waited_for(outcome, at / 'mapped', 'fault.major')
