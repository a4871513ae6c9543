# SPDX-License-Identifier: BSD-2-Clause
"""What stands around a program: its files, and the others on the machine that it has to do with.

A set-up is a function of the test and its Stage; it starts before concprof does, and whatever it
leaves outside the test's folder is registered for cleanup. What it starts is not of the workload.
"""
import contextlib
import fcntl
import functools
import os
import pathlib
import pty
import random
import resource
import shutil
import subprocess
import tempfile
import termios
import time

from harness import PYTHON, Skip, equal, read_until
from subjects import cgroups

CPUS = 2              # a program may use, so that "more than the CPUs" is the same everywhere
HOGS = 3 * CPUS
WAITING_SHARE = 0.8   # of the time that a write or read takes, on a disk that makes one wait
PROBES = 20           # of them tell
OPERATIONS = 500      # a second, of a disk that is slow because a cgroup says so
BIG = 16 << 20
SMALL_FILES = 1000
SMALL = 2000


def urge():
    """Both the program and what stands around it come first on a busy machine; see Witness."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    with contextlib.suppress(OSError):  # sessions compete as wholes, where the kernel groups them
        pathlib.Path('/proc/self/autogroup').write_text('-20', encoding='ascii')


class Stage:
    """Where and how the program is started."""

    def __init__(self, test):
        self.test = test
        self.cpus = sorted(os.sched_getaffinity(0))[:CPUS]
        if len(self.cpus) < CPUS:
            raise Skip(f'fewer than {CPUS} CPUs')
        self.words = {}                # of the command
        self.popen = {'cwd': test.dir}
        self.urge = urge               # or another order among programs
        self.first = [lambda: os.sched_setaffinity(0, self.cpus)]  # in concprof's process
        self.others = []               # the processes around it

    @property
    def folder(self):
        """Where the program starts."""
        return self.popen['cwd']

    def start(self, code, *args, **popen):
        """A piece of Python outside the workload."""
        return self.launch(self.test.python(code, *args), stderr=subprocess.DEVNULL, **popen)

    def launch(self, argv, **popen):
        """Any command outside the workload."""
        self.others.append(self.test.start(argv, preexec_fn=self.urge, **popen))
        return self.others[-1]

    def serve(self, code, *args):
        """A server outside the workload, which prints its port; it is the command's {port}."""
        server = self.start(code, *args, stdout=subprocess.PIPE)
        self.words['port'] = read_until(server.stdout.fileno(), '\n').strip()

    def prepare(self):
        """What concprof's process does first."""
        for function in (self.urge, *self.first):
            function()


# --- files ------------------------------------------------------------------------------------

@functools.cache
def text():
    """Some megabytes of words, which compress as a text does."""
    chance = random.Random(1)
    letters = 'etaoinshrdlucmfwyp'
    words = [''.join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(8000)]
    lines = chance.choices(words, weights=[1 / (i + 3) for i in range(len(words))], k=BIG // 5)
    return '\n'.join(' '.join(lines[i:i + 10]) for i in range(0, len(lines), 10))[:BIG].encode()


def big(_, stage):
    """A file `big`, just written: it is in memory."""
    (stage.folder / 'big').write_bytes(text())


def parts(_, stage):
    """Eight files `part0` to `part7`."""
    for i in range(8):
        (stage.folder / f'part{i}').write_bytes(text()[i * BIG // 8:(i + 1) * BIG // 8])


def leaves(stage, number):
    """So many small files in a folder `tree`."""
    data = text()
    for i in range(number):
        folder = stage.folder / 'tree' / str(i // 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{i}.txt').write_bytes(data[i * SMALL:(i + 1) * SMALL])


def tree(_, stage):
    """A folder `tree` of many small files, just written."""
    leaves(stage, SMALL_FILES)


def small_tree(_, stage):
    """One of four hundred."""
    leaves(stage, 400)


def git(folder, *words):
    """A git command that asks nothing of the user's configuration."""
    env = {**os.environ, 'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_SYSTEM': '/dev/null'}
    done = subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', *words], cwd=folder,
                          env=env, capture_output=True, check=False)
    equal(done.returncode, 0, done)


def repository(t, stage):
    """A git repository `tree`; the program is as free of configuration as we are."""
    tree(t, stage)
    folder = stage.folder / 'tree'
    git(folder, 'init', '-q')
    git(folder, 'config', 'user.name', 'a')
    git(folder, 'config', 'user.email', 'a@b')
    stage.popen['env'] = {**os.environ, 'HOME': str(stage.folder), 'XDG_CONFIG_HOME': ''}


def history(t, stage):
    """The same with its files committed."""
    repository(t, stage)
    git(stage.folder / 'tree', 'add', '.')
    git(stage.folder / 'tree', '-c', 'gc.auto=0', 'commit', '-q', '-m', 'all')


def functions(number):
    """C code that takes a compiler some time."""
    head = '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
    one = ('int f{i}(int *a, int n) {{ int s = 0; for (int i = 0; i < n; i++) {{'
           ' switch (a[i] % 7) {{ case 0: s += a[i] * {i}; break; case 1: s ^= a[n - 1 - i];'
           ' break; case 2: printf("%d", s); break; default: s -= a[i] / (s ? s : {i}); }} }}'
           ' return s; }}\n')
    return head + ''.join(one.format(i=i + 1) for i in range(number))


def project(_, stage):
    """A small C project: sixteen files, a Makefile."""
    names = [f'part{i}' for i in range(16)]
    for name in names:
        (stage.folder / f'{name}.c').write_text(functions(25).replace('int f', f'int {name}_'))
    (stage.folder / 'main.c').write_text('int main(void) { return 0; }\n')
    objects = ' '.join(f'{name}.o' for name in [*names, 'main'])
    (stage.folder / 'Makefile').write_text(f'CFLAGS = -O2\nall: {objects}\n\tcc -o $@ $^\n')


def source(_, stage):
    """One large C file."""
    (stage.folder / 'large.c').write_text(functions(150))


def script(_, stage):
    """A long shell script to be read by a checker."""
    one = ('f{0}() {{\n\tlocal a="$1"\n\tfor i in $a; do\n'
           '\t\t[ "$i" = {0} ] && echo $i\n\tdone\n}}\n')
    text_of = ''.join(one.format(i) for i in range(150))
    (stage.folder / 'long.sh').write_text(f'#!/bin/bash\n{text_of}')


def java(_, stage):
    """A Java program in one file."""
    (stage.folder / 'Sum.java').write_text(
        'class Sum { public static void main(String[] a) { long s = 0;'
        ' for (long i = 0; i < 300000000L; i++) s += i * i % 7; System.out.println(s); } }')


def sleeping_makefile(_, stage):
    """Four targets, each of which takes 0.7 s."""
    (stage.folder / 'Makefile').write_text('all: a b c d\na b c d:\n\tsleep 0.7\n')


def numpy(t, _):
    """NumPy is there, for the Python that runs the programs."""
    if t.spawn([PYTHON, '-c', 'import numpy']).code:
        raise Skip('NumPy is not installed')


def log(_, stage):
    """A file that nobody writes to."""
    (stage.folder / 'log').write_text('a line\n')


# --- disks ------------------------------------------------------------------------------------

def waiting_share(operation):
    """The share of the time of an operation, done some times, in which it did not run."""
    operation()
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    for _ in range(PROBES):
        operation()
    wall, after = time.monotonic() - wall, resource.getrusage(resource.RUSAGE_SELF)
    ran = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    waits = after.ru_nvcsw - before.ru_nvcsw
    return 1 - ran / wall if waits >= PROBES else 0


def writes_wait(folder):
    """Whether a synchronous write there waits for a device."""
    with tempfile.TemporaryFile(dir=folder) as file:
        def write():
            os.pwrite(file.fileno(), b'x' * 4096, 0)
            os.fdatasync(file.fileno())
        return waiting_share(write) >= WAITING_SHARE


def forget(path):
    """Nothing of the file stays in memory."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def reads_wait(folder):
    """Whether a read there of what is not in memory waits for a device."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(bytes(4096 * 64))
        file.flush()
        numbers = iter(range(PROBES + 1))
        forget(file.name)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        return waiting_share(lambda: os.pread(file.fileno(), 4096, next(numbers) * 3 * 4096)) \
            >= WAITING_SHARE


def disk_of(folder):
    """The number of the disk below, whole, as limits are set for it."""
    number = os.stat(folder).st_dev
    entry = pathlib.Path(f'/sys/dev/block/{os.major(number)}:{os.minor(number)}')
    if not entry.exists():
        raise Skip(f'{folder} is on no disk')
    entry = entry.resolve()
    return ((entry.parent if (entry / 'partition').exists() else entry) / 'dev').read_text().strip()


def disk_limit(t, folder):
    """A cgroup whose processes get that disk for so many operations in a second."""
    disk = disk_of(folder)
    try:
        group = cgroups.group(t, '/sys/fs/cgroup', 'io.max')
        (group / 'io.max').write_text(f'{disk} riops={OPERATIONS} wiops={OPERATIONS}')
    except Skip:
        group = cgroups.group(t, '/sys/fs/cgroup/blkio', 'blkio.throttle.read_iops_device')
        for way in ('read', 'write'):
            (group / f'blkio.throttle.{way}_iops_device').write_text(f'{disk} {OPERATIONS}')
    return group


def folders(t):
    """New folders at places that may be on a disk."""
    for place in (t.dir, '/var/tmp', t.build, pathlib.Path.home(), '/'):
        with contextlib.suppress(OSError):
            folder = pathlib.Path(tempfile.mkdtemp(prefix='concprof-test-', dir=place))
            t.cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder


def on_disk(t, stage, waits):
    """The program starts in a folder on a disk that makes it wait: one that is made slow for it by
    the limit of a cgroup, to which it moves by {group}, or else one that is slow by itself."""
    for folder in folders(t):
        with contextlib.suppress(Skip, OSError):
            stage.words['group'] = str(disk_limit(t, folder) / 'cgroup.procs')
            stage.popen['cwd'] = folder
            return
    for folder in filter(waits, folders(t)):
        stage.popen['cwd'], stage.words['group'] = folder, '/dev/null'
        return
    raise Skip('no disk here makes one wait: none can be limited, and they are too fast, or none')


def slow_writes(t, stage):
    """On a disk whose synchronous writes wait."""
    on_disk(t, stage, writes_wait)


def slow_reads(t, stage):
    """On a disk whose reads wait."""
    on_disk(t, stage, reads_wait)


def cold(_, stage):
    """Nothing below the folder is in memory, but for the names."""
    for folder, _, names in os.walk(stage.folder):
        for name in names:
            forget(os.path.join(folder, name))


# --- others on the machine --------------------------------------------------------------------

def hogs(_, stage):
    """Six programs that compute on the same CPUs, for which all are equal."""
    stage.urge = lambda: None
    for _ in range(HOGS):
        hog = stage.start(f'import os\nos.sched_setaffinity(0, {stage.cpus})\n'
                          'print(flush=True)\nwhile True: pass', stdout=subprocess.PIPE)
        read_until(hog.stdout.fileno(), '\n')


def cpu_limit(t, stage):
    """A cgroup that may use a fifth of a CPU; the program moves there by {group}."""
    stage.words['group'] = str(cgroups.limit(t) / 'cgroup.procs')


# Serves each line of each connection after some milliseconds, which it sleeps.
ANSWER = '''
import socketserver, sys, time
class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            time.sleep(float(sys.argv[1]))
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
with Server(("127.0.0.1", 0), Answer) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
'''
# Sends a file bit by bit.
TRICKLE = '''
import http.server, sys, time
class Trickle(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "20000")
        self.end_headers()
        for _ in range(20):
            time.sleep(float(sys.argv[1]))
            self.wfile.write(b"x" * 1000)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Trickle)
print(server.server_port, flush=True)
server.serve_forever()
'''


def answers(_, stage):
    """A server that answers each line after 20 ms."""
    stage.serve(ANSWER, 0.02)


def trickles(_, stage):
    """A web server that sends 20 kB in a second."""
    stage.serve(TRICKLE, 0.05)


def trickles_fast(_, stage):
    """In a quarter of that, to one client at a time."""
    stage.serve(TRICKLE, 0.0125)


def silent_client(_, stage):
    """A client that connects to {path}, as soon as it is there, and says nothing."""
    stage.words['path'] = str(stage.folder / 'socket')
    stage.start('import socket, sys, time\ns = socket.socket(socket.AF_UNIX)\n'
                'while s.connect_ex(sys.argv[1]): time.sleep(0.01)\ntime.sleep(60)',
                stage.words['path'])


def busy_clients(_, stage):
    """Clients that give a Redis server on the socket {path} more than it can do."""
    stage.words['path'] = str(stage.folder / 'socket')
    line = ('until redis-cli -s "$1" ping; do sleep 0.02; done;'
            'exec redis-benchmark -s "$1" -q -n 100000000 -c 20 -P 100 -t lrange_100')
    stage.launch(['sh', '-c', line, 'sh', stage.words['path']],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def slow_writer(t, stage):
    """Standard input is a pipe to which somebody writes a line now and then, for a second."""
    reader, writer = t.pipe()
    stage.start('import os, sys, time\nfor i in range(20):\n time.sleep(0.05)\n'
                ' os.write(int(sys.argv[1]), b"%d line\\n" % (i % 7))', writer, pass_fds=(writer,))
    t.close(writer)
    stage.popen['stdin'] = reader


def slow_reader(t, stage):
    """Standard output is a pipe from which somebody reads 64 KiB each 20 ms."""
    reader, writer = t.pipe()
    stage.start('import os, sys, time\nwhile os.read(int(sys.argv[1]), 65536): time.sleep(0.02)',
                reader, pass_fds=(reader,))
    t.close(reader)
    stage.popen['stdout'] = writer


def terminal(t, stage):
    """A terminal whose user presses nothing for a second, then Ctrl-D."""
    master, slave = pty.openpty()
    for fd in (master, slave):
        t.cleanup.callback(t.close, fd)
    mode = termios.tcgetattr(slave)
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    stage.popen.update(stdin=slave, stdout=slave, stderr=slave)
    stage.popen['env'] = {**os.environ, 'TERM': 'vt100', 'HOME': str(stage.folder)}
    stage.first.append(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    stage.start('import os, sys, time\ntime.sleep(1.2)\nos.write(int(sys.argv[1]), b"\\x04")\n'
                'time.sleep(60)', master, pass_fds=(master,))


# --- servers ----------------------------------------------------------------------------------

def redis(_, stage):
    """Redis's one executable is called a server by its name; its package starts no daemon."""
    path = shutil.which('redis-check-rdb')
    if not path:
        raise Skip('redis-tools is not installed')
    (stage.folder / 'redis-server').symlink_to(path)


APACHE = '''
ServerName localhost
ServerRoot {dir}
PidFile {dir}/pid
Listen 127.0.0.1:{port}
ErrorLog {dir}/errors
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
StartServers 2
ThreadsPerChild 10
MinSpareThreads 10
MaxRequestWorkers 20
'''
NGINX = '''
daemon off; worker_processes 2; pid {dir}/pid; error_log {dir}/errors;
events {{}}
http {{ access_log off; client_body_temp_path {dir}; proxy_temp_path {dir};
 fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
 server {{ listen 127.0.0.1:{port}; }} }}
'''


def free_port():
    """A port that was free a moment ago."""
    import socket  # pylint: disable=import-outside-toplevel
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def configuration(stage, template, **words):
    """A file {config} made of a template."""
    path = stage.folder / 'config'
    path.write_text(template.format(dir=stage.folder, port=free_port(), **words))
    stage.words['config'] = str(path)


def apache(_, stage):
    """Configuration for two processes of ten threads."""
    configuration(stage, APACHE, modules='/usr/lib/apache2/modules')


def nginx(_, stage):
    """Configuration for two processes."""
    configuration(stage, NGINX)


def postgres(t, stage):
    """A new database in {data}; it must not be root's, and its server not run as root."""
    found = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin/postgres'))
    if not found:
        raise Skip('postgres is not installed')
    stage.words.update(postgres=str(found[-1]), data=str(stage.folder / 'data'))
    user = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
    shutil.chown(stage.folder, 'nobody')
    done = t.spawn([*user, str(found[-1].parent / 'initdb'), '-N', '-A', 'trust', '-D',
                    stage.words['data']], cwd=stage.folder)
    equal(done.code, 0, done)
