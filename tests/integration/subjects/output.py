# SPDX-License-Identifier: BSD-2-Clause
"""Reports that cannot be written, and standard streams that are closed."""
import os
import subprocess

from harness import Skip, cases, equal, expect
from subjects.status import complains

CALM = True  # see run.py

MARK = ['sh', '-c', 'echo ran > "$0"']


def cannot_write(t, name, *words, options=(), ran=False):
    """125, one line, and nothing new in the folder; a report that cannot work is seen at once."""
    mark = t.dir / 'mark'
    before = sorted(os.listdir(t.dir))
    outcome = t.run(*MARK, mark, options=['-q', '--json', name, *options], as_json=False)
    complains(outcome, 125, f"'{name}'", *words)
    equal(mark.exists(), ran, 'whether the command ran')
    mark.unlink(missing_ok=True)
    equal(sorted(os.listdir(t.dir)), before, 'left behind')


def test_no_such_folder(t):
    """The command does not even run."""
    cannot_write(t, f'{t.dir}/no/such/report.json', 'No such file')


def test_folder(t):
    """A folder is no file."""
    cannot_write(t, str(t.dir), 'directory')


def test_name_too_long(t):
    """Longer than the file system takes."""
    cannot_write(t, f'{t.dir}/{255 * "x"}y', 'too long')


def test_second_output(t):
    """If one of two reports cannot be written, none is."""
    cannot_write(t, '/no/such/folder/f', options=['-o', str(t.dir / 'text')])


def test_full_device(t):
    """/dev/full shows only at the end."""
    cannot_write(t, '/dev/full', 'No space', ran=True)


def test_full_disk(t):
    """The disk fills up during the run: the old report stays, and no temporary file."""
    disk = t.dir / 'disk'
    disk.mkdir()
    mounted = t.spawn(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'concprof-test', str(disk)])
    if mounted.code:
        raise Skip('cannot mount a tmpfs')
    t.cleanup.callback(subprocess.run, ['umount', str(disk)], check=True)
    old = disk / 'report.json'
    old.write_text('old', encoding='utf-8')
    outcome = t.run('sh', '-c', f'cat /dev/zero > {disk}/filler 2>/dev/null; exit 3',
                    options=['-q', '--json', str(old)], as_json=False)
    complains(outcome, 125, f"'{old}'", 'No space')
    equal(old.read_text(encoding='utf-8'), 'old', 'the old report')
    equal(sorted(os.listdir(disk)), ['filler', 'report.json'], 'left behind')


def test_replaced(t):
    """An old report is replaced as a whole; a symbolic link stays one; the umask counts."""
    old, link = t.dir / 'old.json', t.dir / 'link.json'
    old.write_text(100000 * 'x', encoding='utf-8')
    link.symlink_to('old.json')
    outcome = t.run('true', options=['-q', '--json', str(link)], as_json=False, umask=0o027)
    equal(outcome.code, 0, outcome)
    expect(link.is_symlink(), 'the link was replaced')
    expect(t.load(old), 'no report')
    equal(old.stat().st_mode & 0o777, 0o640, 'mode')
    equal(sorted(os.listdir(t.dir)), ['link.json', 'old.json'], 'left behind')


CLOSED = ('<&-', '>&-', '2>&-', '<&- >&-', '<&- 2>&-', '>&- 2>&-', '<&- >&- 2>&-')


@cases(*((redirection,) for redirection in CLOSED))
def test_closed(t, redirection):
    """Closed streams stay closed for the workload, and nothing of ours gets their numbers."""
    code = ('import os, sys; fds = [f for f in os.listdir("/proc/self/fd")'
            ' if os.path.exists(f"/proc/self/fd/{f}")];'
            'open(sys.argv[1], "w").write(repr(sorted(fds)))')
    here, there = t.dir / 'without', t.dir / 'with'
    t.spawn(['sh', '-c', f'exec "$@" {redirection}', 'sh', *t.python(code, here)])
    command = t.command([*t.python(code, there)], options=())
    outcome = t.spawn(['sh', '-c', f'exec "$@" {redirection}', 'sh', *command])
    equal(outcome.code, 0, outcome)
    equal(there.read_text(), here.read_text(), 'descriptors')
    equal(outcome.report['exit']['code'], 0, 'exit')
    equal(outcome.stdout, '', outcome)


def test_closed_and_failing(t):
    """With standard error closed there is nowhere to complain; the status still says it."""
    outcome = t.spawn(['sh', '-c', 'exec "$@" 2>&-', 'sh', t.concprof, '--', 'no-such-command'])
    equal((outcome.code, outcome.stdout, outcome.stderr), (127, '', ''), outcome)


def gone(t):
    """A pipe that nobody reads."""
    reader, writer = t.pipe()
    t.close(reader)
    return writer


def test_reader_gone(t):
    """A reader that has gone is no error, whichever report it read."""
    outcome = t.run('sh', '-c', 'exit 5', options=['-q', '--json', '-'], as_json=False,
                    stdout=gone(t))
    equal((outcome.code, outcome.stderr), (5, ''), outcome)
    outcome = t.run('sh', '-c', 'exit 5', options=[], as_json=False, stderr=gone(t))
    equal((outcome.code, outcome.stdout), (5, ''), outcome)


def test_pipe_as_file(t):
    """What is no regular file is written straight: process substitution, and a FIFO."""
    line = '"$@" --json >(cat >&3) -q -- true 3>&-; wait $!'
    outcome = t.spawn(['bash', '-c', f'exec 3>&1; {line}', 'bash', t.concprof])
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    equal(t.check(outcome.stdout.encode())['command'], ['true'], 'command')
