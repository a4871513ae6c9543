# SPDX-License-Identifier: BSD-2-Clause
"""A run in a file: what is made of it later is what would have been made at once."""
import fcntl
import json
import os
import pwd
import signal
import subprocess
import threading

from harness import Skip, cases, equal, expect, nothing_lost, poll, read_until, without_bpf
from subjects.status import complains
from subjects.sudo import run_as, user
from terminal import Terminal

CALM = True  # see run.py

# The bundled workloads' own truth goes nowhere.
QUIETLY = {**os.environ, 'CONCPROF_TRUTH': '/dev/null'}
F_SETPIPE_SZ = 1031  # fcntl has its name from Python 3.10 on
MAGIC = b'\x89cpr\r\n\x1a\n'


def nobody(t):
    """The arguments of Popen for a user who may do nothing, in a folder of its own."""
    entry = pwd.getpwnam('nobody')
    folder = t.dir / 'nobody'
    folder.mkdir(exist_ok=True)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {'cwd': folder, 'user': entry.pw_uid, 'group': entry.pw_gid, 'extra_groups': []}


def record(t, *argv, to=None, options=(), **popen):
    """concprof record of a command; its outcome, and the recording's path."""
    to = to or t.dir / 'recording'
    popen.setdefault('env', QUIETLY)
    outcome = t.spawn([t.concprof, 'record', '-o', str(to), *options, '--', *map(str, argv)],
                      **popen)
    return outcome, to


def recorded(t, *argv):
    """A good recording; its path."""
    outcome, path = record(t, *(argv or ('sh', '-c', 'sleep 0.05; true')))
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    return path


def report(t, *args, **popen):
    """concprof report."""
    return t.spawn([t.concprof, 'report', *map(str, args)], **popen)


def report_refuses(t, *args, words=(), **popen):
    """One line, 125, and nothing else."""
    before = sorted(os.listdir(t.dir))
    complains(report(t, *args, **popen), 125, *words)
    equal(sorted(os.listdir(t.dir)), before, 'left behind')


# --- record ---------------------------------------------------------------------------


def test_same_as_at_once(t):
    """JSON, text and tables of a live run, and of its recording: the same to the byte."""
    formats = ('json', 'text', 'openmetrics', 'csv')
    options = [word for name in formats for word in ('--format', name, '-o', t.dir / name)]
    path = t.dir / 'recording'
    line = '(sleep 0.1; kill -9 $$) & (exit 3); sleep 0.05; wait'
    outcome = t.spawn(list(map(str, [t.concprof, *options, '--format', 'recording', '-o', path,
                                     '--', 'sh', '-c', line])))
    equal((outcome.code, outcome.stdout, outcome.stderr), (-9, '', ''), outcome)
    path.chmod(0o644)
    popen = nobody(t)
    for name in formats:
        # In another folder, as another user, with options before and behind the file.
        for args in ([path, '--format', name, '-o', 'out'], ['--format', name, '-o', 'out', path],
                     ['--format', name, path, '-o', 'out']):
            outcome = report(t, *args, **popen)
            equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
            made = popen['cwd'] / 'out'
            equal(made.read_bytes(), (t.dir / name).read_bytes(), name, args)
            equal(made.stat().st_uid, popen['user'], 'owner')
            made.unlink()
        outcome = report(t, path, '--format', name, '-o', '-', **popen)
        equal((outcome.code, outcome.stderr), (0, ''), outcome)
        equal(outcome.stdout.encode(), (t.dir / name).read_bytes(), name, 'on standard output')
    outcome = report(t, path, **popen)
    equal(outcome.stdout.encode(), (t.dir / 'text').read_bytes(), 'text by default')
    t.load(t.dir / 'json')


@cases(*((str(code), code) for code in (0, 3, 125, 255)))
def test_status(t, _, code):
    """record's status is the command's, and it says nothing."""
    outcome, path = record(t, 'sh', '-c', f'echo words; exit {code}')
    equal((outcome.code, outcome.stdout, outcome.stderr), (code, 'words\n', ''), outcome)
    outcome = report(t, path, '--json', '-')
    equal(outcome.code, 0, "report's own is not", outcome)
    equal(t.check(outcome.stdout.encode())['exit'], {'code': code, 'signal': None}, 'exit')


def test_signal(t):
    """It dies of what the command died of, with its recording whole."""
    outcome, path = record(t, 'sh', '-c', 'kill -TERM $$')
    equal((outcome.code, outcome.stderr), (-signal.SIGTERM, ''), outcome)
    outcome = report(t, path, '--json', '-')
    equal(json.loads(outcome.stdout)['exit'], {'code': None, 'signal': 15}, 'exit')


def test_not_found(t):
    """Nothing is recorded, and nothing left."""
    outcome, _ = record(t, 'no-such-command')
    complains(outcome, 127, "'no-such-command'")
    equal(os.listdir(t.dir), [], 'left behind')


def test_beside_reports(t):
    """A recording and a report in one run; text only where it was asked for."""
    outcome, path = record(t, 'true', options=['--json', str(t.json), '--format', 'text',
                                               '-o', '-'])
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    expect('Wall time' in outcome.stdout, outcome)
    expect(outcome.report and path.read_bytes().startswith(MAGIC), 'both')


def test_to_stdout(t):
    """-o - puts the recording there, and nothing else."""
    command = [t.concprof, 'record', '-o', '-', '--', 'sh', '-c', 'exit 4']
    process = t.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    data, err = process.communicate(timeout=60)
    equal((process.returncode, err), (4, b''), 'record')
    expect(data.startswith(MAGIC), data[:20])
    outcome = t.spawn(['bash', '-c', '"$1" record -o - -- sh -c "exit 4" | "$1" report - --json -',
                       'bash', t.concprof])
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    equal(t.check(outcome.stdout.encode())['exit']['code'], 4, 'exit')


def test_to_fifo(t):
    """A FIFO is written straight; and report reads one."""
    fifo = t.dir / 'fifo'
    os.mkfifo(fifo)
    reader = t.start([t.concprof, 'report', str(fifo), '--json', '-'], stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE)
    outcome, _ = record(t, 'sh', '-c', 'exit 5', to=fifo)
    equal((outcome.code, outcome.stderr), (5, ''), outcome)
    outcome = t.finish(reader)
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    equal(json.loads(outcome.stdout)['exit']['code'], 5, 'exit')


def test_report_to_fifo(t):
    """So is a report of a live run: that it was tried before the run is not its end."""
    fifo = t.dir / 'fifo'
    os.mkfifo(fifo)
    reader = t.start(['cat', str(fifo)], stdout=subprocess.PIPE)
    outcome = t.run('sh', '-c', 'exit 5', options=['-q', '--json', str(fifo)], as_json=False)
    equal((outcome.code, outcome.stderr), (5, ''), outcome)
    data, _ = reader.communicate(timeout=60)
    equal(t.check(data)['exit']['code'], 5, 'exit')


def test_slow_reader(t):
    """Who does not read for now does not hold up the measurement: nothing is lost."""
    code = ('import os\nfor i in range(3000):\n'
            ' pid = os.posix_spawn("/bin/true", ["true", str(i * 7919)], {})\n'
            ' os.waitpid(pid, 0)\nprint("done", flush=True)\n')
    to, done = t.pipe(), t.pipe()
    process = t.start([t.concprof, 'record', '-o', f'/dev/fd/{to[1]}', '--',
                       *t.python(code)], pass_fds=[to[1]], stdout=done[1], stderr=subprocess.PIPE)
    t.close(to[1])
    read_until(done[0], 'done')  # and nobody has read until now
    path = t.dir / 'recording'
    data = b''.join(iter(lambda: os.read(to[0], 65536), b''))
    equal(process.wait(60), 0, 'status')
    path.write_bytes(data)
    expect(len(data) > 65536, 'it is longer than a pipe:', len(data))
    outcome = report(t, path, '--top', 'all', '--json', t.json)
    nothing_lost(outcome.report)
    equal(outcome.report['totals']['processes'], 3001, 'processes')


def test_nonblocking_stdout(t):
    """The reader's end of a pipe may have been left non-blocking."""
    reader, writer = t.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    got = []

    def read():
        while data := os.read(reader, 1000):
            got.append(data)

    thread = threading.Thread(target=read)
    process = t.start([t.concprof, 'record', '-o', '-', '--', t.workload('brief'), '2000'],
                      stdout=writer, stderr=subprocess.PIPE, env=QUIETLY)
    t.close(writer)
    thread.start()
    equal((process.wait(60), process.stderr.read()), (0, b''), 'record')
    thread.join(60)
    path = t.dir / 'recording'
    path.write_bytes(b''.join(got))
    equal(report(t, path, '--json', t.json).report['totals']['processes'], 2001, 'processes')


def test_reader_gone(t):
    """A reader that has gone is no error."""
    reader, writer = t.pipe()
    t.close(reader)
    outcome, _ = record(t, 'sh', '-c', 'exit 5', to='-', stdout=writer)
    equal((outcome.code, outcome.stderr), (5, ''), outcome)
    path = recorded(t)
    for options in ([], ['--json', '-'], ['--format', 'csv', '-o', '-']):
        # Python leaves SIGPIPE ignored; a shell does not.
        outcome = report(t, path, *options, stdout=writer,
                         preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
        equal((outcome.code, outcome.stderr), (0, ''), outcome)


def test_replaced(t):
    """The old file stays as it is until the end; a link stays one; the umask counts."""
    old, link = t.dir / 'old', t.dir / 'link'
    old.write_text('old', encoding='utf-8')
    link.symlink_to('old')
    process = t.start([t.concprof, 'record', '-o', str(link), '--', 'sh', '-c',
                       'echo ready; read x; exit 3'], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, umask=0o027)
    read_until(process.stdout.fileno(), 'ready')
    equal(old.read_text(encoding='utf-8'), 'old', 'while it runs')
    process.stdin.write(b'\n')
    process.stdin.close()
    equal(process.wait(60), 3, 'status')
    expect(link.is_symlink(), 'the link was replaced')
    equal(old.stat().st_mode & 0o777, 0o640, 'mode')
    equal(report(t, old).code, 0, 'report')
    equal(sorted(os.listdir(t.dir)), ['link', 'old'], 'left behind')


def test_owner(t):
    """Under sudo the recording is the user's, and the user's to read and to write."""
    with user(t) as entry:
        path = t.dir / 'recording'
        outcome = run_as(t, entry, ['sudo', '-n', t.concprof, 'record', '-o', str(path), '--',
                                    'sh', '-c', 'exit 3'], umask=0o077)
        equal((outcome.code, outcome.stdout, outcome.stderr), (3, '', ''), outcome)
        status = path.stat()
        equal((status.st_uid, status.st_gid, status.st_mode & 0o777),
              (entry.pw_uid, entry.pw_gid, 0o600), 'owner and mode')
        outcome = run_as(t, entry, [t.concprof, 'report', str(path), '--json', str(t.json)])
        equal((outcome.code, outcome.stderr), (0, ''), outcome)
        equal(outcome.report['user']['uid'], entry.pw_uid, 'user.uid')


def processes_in(t, path):
    """How many processes have ended, of a recording that grows; 0 if it cannot be read yet."""
    outcome = report(t, path, '--json', '-')
    return len(json.loads(outcome.stdout)['processes']) if outcome.code == 0 else 0


def recording_of_eight(t, path):
    """A run that has recorded eight processes and goes on."""
    process = t.start([t.concprof, 'record', '-o', str(path), '--', 'sh', '-c',
                       'for i in 1 2 3 4 5 6 7 8; do true & done; wait; echo ready; read x'],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'ready')
    poll(lambda: processes_in(t, f'{path}.part') == 8, 'a recording of eight processes')
    return process


def test_killed(t):
    """Nothing half-written stands under the name; what there is stands beside it, and says that
    it is cut. The next recording takes its place."""
    old, new = t.dir / 'old', t.dir / 'new'
    old.write_text('old', encoding='utf-8')
    for path in (old, new):
        process = recording_of_eight(t, path)
        process.send_signal(signal.SIGKILL)
        equal(process.wait(60), -signal.SIGKILL, 'status')
    equal(old.read_text(encoding='utf-8'), 'old', 'the old one')
    equal(sorted(os.listdir(t.dir)), ['new.part', 'old', 'old.part'], 'left')
    for path in (old, new):
        outcome = report(t, f'{path}.part')
        equal((outcome.code, outcome.stderr), (0, ''), outcome)
        expect('cut short' in outcome.stdout, outcome)
        equal(record(t, 'true', to=path)[0].code, 0, 'the next one')
        equal(report(t, path).code, 0, 'the next one')
    equal(sorted(os.listdir(t.dir)), ['new', 'old'], 'left')


def test_two_at_once(t):
    """The second one to the same name is refused before its command runs; the first is whole."""
    path = t.dir / 'recording'
    process = recording_of_eight(t, path)
    outcome, _ = record(t, 'touch', 'ran', to=path)
    complains(outcome, 125, f"'{path}'", 'another concprof')
    expect(not (t.dir / 'ran').exists(), 'it ran')
    process.stdin.close()
    equal(process.wait(60), 1, 'the first')
    equal(processes_in(t, path), 9, 'processes of the first')
    equal(os.listdir(t.dir), ['recording'], 'left behind')


@cases(('a file', lambda path: path.write_text('mine')), ('a folder', lambda path: path.mkdir()),
       ('a link', lambda path: path.symlink_to('elsewhere')), ('a FIFO', os.mkfifo),
       ('of another name', lambda path: (path.write_text(''), os.link(path, f'{path}2'))))
def test_in_the_way(t, _, make):
    """What stands where the recording is to grow, and is none, stays as it is."""
    part = t.dir / 'recording.part'
    make(part)
    before = part.lstat()
    outcome, path = record(t, 'touch', 'ran')
    complains(outcome, 125, f"'{part}'", 'in the way')
    equal((part.lstat().st_ino, part.lstat().st_size), (before.st_ino, before.st_size), 'it is')
    expect(not (t.dir / 'ran').exists() and not path.exists(), 'it ran')


@cases(('missing folder', 'no/such/file', 'No such file'), ('folder', '.', 'directory'),
       ('long name', 256 * 'x', 'too long'))
def test_cannot_record(t, _, name, word):
    """What cannot work is seen before the command runs."""
    outcome, _ = record(t, 'sh', '-c', 'echo ran', to=name)
    complains(outcome, 125, f"'{name}'", word)
    equal(os.listdir(t.dir), [], 'left behind')


def test_full_device(t):
    """/dev/full shows only at the end, after the command."""
    outcome, _ = record(t, 'sh', '-c', 'echo ran > ran', to='/dev/full')
    complains(outcome, 125, "'/dev/full'", 'No space')
    equal(os.listdir(t.dir), ['ran'], 'the command ran')
    with open('/dev/full', 'wb') as full:
        outcome, _ = record(t, 'true', to='-', stdout=full)
    complains(outcome, 125, 'standard output', 'No space')


def test_full_disk(t):
    """It fills up during the run: the old recording stays, and no temporary file."""
    disk = t.dir / 'disk'
    disk.mkdir()
    mounted = t.spawn(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'concprof-test', str(disk)])
    if mounted.code:
        raise Skip('cannot mount a tmpfs')
    t.cleanup.callback(subprocess.run, ['umount', str(disk)], check=True)
    old = disk / 'old'
    old.write_text('old', encoding='utf-8')
    outcome, _ = record(t, 'sh', '-c', f'cat /dev/zero > {disk}/filler 2>/dev/null; exit 3',
                        to=old)
    complains(outcome, 125, f"'{old}'", 'No space')
    equal(old.read_text(encoding='utf-8'), 'old', 'the old recording')
    equal(sorted(os.listdir(disk)), ['filler', 'old'], 'left behind')


@without_bpf
def test_options_that_contradict(t):
    """Seen before anything is run or read."""
    both = "two reports go to 'a'"
    complains(t.spawn([t.concprof, 'record', '-o', 'a', '--json', 'a', '--', 'true']), 125, both)
    complains(t.spawn([t.concprof, 'record', '--', 'true']), 125, 'record needs a file')
    complains(report(t, 'x', '--json', 'a', '-o', 'a'), 125, both)
    complains(report(t, 'x', 'y'), 125, "'y'")
    complains(report(t), 125, 'no recording')
    complains(report(t, 'x', '--format', 'recording', '-o', 'a'), 125, 'recording')
    equal(os.listdir(t.dir), [], 'left behind')


# --- report ---------------------------------------------------------------------------


@without_bpf
@cases(('missing', None, 'No such file'), ('empty', b'', 'no recording'),
       ('text', b'Wall time  1.2 s\n', 'no recording'), ('json', b'{}', 'no recording'),
       ('begins like one', MAGIC, 'cut short'), ('a newer format', MAGIC + b'\x63\0\0\0\x01\0\0\0', 'newer format'),
       ('the first format', MAGIC + b'\x01\0\0\0\x01\0\0\0', 'older format'))
def test_no_recording(t, _, data, word):
    """One line that says what it is not."""
    path = t.dir / 'file'
    if data is not None:
        path.write_bytes(data)
    report_refuses(t, path, '--json', t.dir / 'out', words=(str(path), word))


@without_bpf
def test_folder(t):
    """A folder is no file, and a device has no recording."""
    report_refuses(t, t.dir, words=(str(t.dir), 'directory'))
    report_refuses(t, '/dev/null', words=('/dev/null', 'no recording'))
    report_refuses(t, '/dev/zero', words=('/dev/zero', 'no recording'))
    report_refuses(t, '-', words=('no recording',))


def test_may_not_read(t):
    """Somebody else's recording."""
    path = recorded(t)
    path.chmod(0o600)
    outcome = report(t, path, **nobody(t))
    complains(outcome, 125, str(path), 'Permission denied')


def test_may_not_write(t):
    """Nothing of root is left in a report's rights."""
    path = recorded(t)
    path.chmod(0o644)
    popen = nobody(t)
    complains(report(t, path, '--json', t.dir / 'out', **popen), 125, 'Permission denied')
    equal(sorted(os.listdir(t.dir)), ['nobody', 'recording'], 'left behind')


def test_cut(t):
    """A recording that is cut is read as far as it goes, and says so; status 0."""
    path = recorded(t, t.workload('brief'), '300')
    data = path.read_bytes()
    cut = t.dir / 'cut'
    for size in (len(data) - 12 - 1, len(data) // 2, 440):  # 440: just behind how it is laid out
        cut.write_bytes(data[:size])
        outcome = report(t, cut)
        equal((outcome.code, outcome.stderr), (0, ''), size, outcome)
        expect('cut short' in outcome.stdout, size, outcome.stdout)
        outcome = report(t, cut, '--json', '-')
        equal((outcome.code, outcome.stderr), (0, ''), size, outcome)
        document = t.check(outcome.stdout.encode())
        expect(not document['measurement']['complete'] and 'exit' not in document, size)
    cut.write_bytes(data[:-1])  # only its end is missing
    outcome = report(t, cut, '--json', '-')
    equal(t.check(outcome.stdout.encode())['totals']['processes'], 301, 'processes')


def test_damaged(t):
    """Damaged at any place: never a crash, and never a word that was not recorded."""
    path = recorded(t)
    data = path.read_bytes()
    broken = t.dir / 'broken'
    for place in range(0, len(data), max(len(data) // 40, 1)):
        broken.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1:])
        outcome = report(t, broken, '--json', '-')
        expect(outcome.code in (0, 125), place, outcome)
        if outcome.code:
            complains(outcome, 125, str(broken))
        else:
            t.check(outcome.stdout.encode())


def test_through_a_pipe(t):
    """What cannot be sought: standard input, by either name, and process substitution."""
    path = recorded(t)
    wanted = report(t, path, '--json', '-').stdout
    for line in ('cat "$2" | "$1" report - --json -', 'cat "$2" | "$1" report /dev/stdin --json -',
                 '"$1" report <(cat "$2") --json -'):
        outcome = t.spawn(['bash', '-c', line, 'bash', t.concprof, str(path)])
        equal((outcome.code, outcome.stderr), (0, ''), line, outcome)
        equal(outcome.stdout, wanted, line)


def test_formats_at_once(t):
    """As many as are asked for; then none on standard output."""
    path = recorded(t)
    outcome = report(t, '--json', 'a', path, '-o', 'b', '--format', 'csv', '-o', 'c')
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    expect(all((t.dir / name).stat().st_size for name in 'abc'), 'files')
    outcome = report(t, '-q', path)
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    outcome = report(t, path, '--json', '/dev/full')
    complains(outcome, 125, "'/dev/full'", 'No space')


def test_long_reading(t):
    """Who waits at a terminal for a recording to be read is told so, and then has the report alone."""
    recording, fifo = t.dir / 'recording', t.dir / 'fifo'
    done = t.run('true', options=['-q', '--format', 'recording', '-o', recording], as_json=False)
    equal(done.code, 0, done)
    os.mkfifo(fifo)
    terminal = Terminal(t, [t.concprof, 'report', fifo], env={**os.environ, 'TERM': 'xterm'})
    data = recording.read_bytes()
    with open(fifo, 'wb', buffering=0) as writer:
        writer.write(data[:100])
        terminal.expect('concprof: reading the recording, 1 s')
        writer.write(data[100:])
    equal(terminal.finish(), 0)
    expect('\x1b[K' in terminal.seen and 'Wall time' in terminal.seen, terminal.seen)
    expect('concprof: ' not in terminal.seen.rpartition('\x1b[K')[2].partition('Cost')[0], terminal.seen)
