# SPDX-License-Identifier: BSD-2-Clause
"""What is tracked: everything that descends from the command, to its end."""
import os
import pathlib
import select

from harness import Skip, equal, exits, expect, is_alive, nothing_lost, read_until

# Each kind of child exits with a status of its own; clone3 is 435 everywhere.
CHILDREN = '''
import ctypes, os, subprocess, sys, threading
def reap(pid):
    os.waitpid(pid, 0)
pid = os.fork()
if not pid: os._exit(11)
reap(pid)
reap(os.posix_spawn("/bin/sh", ["sh", "-c", "exit 12"], os.environ))
subprocess.run(["/bin/sh", "-c", "exit 13"], close_fds=False)
args = (ctypes.c_uint64 * 8)(); args[4] = 17
libc = ctypes.CDLL(None)
pid = libc.syscall(435, args, 64)
if not pid: os._exit(14)
reap(pid)
pid = os.fork()
if not pid:
    grandchild = os.fork()
    if not grandchild: os._exit(16)
    reap(grandchild); os._exit(15)
reap(pid)
threads = [threading.Thread(target=lambda: None) for _ in range(3)]
for t in threads: t.start(); t.join()
'''


def test_every_kind(t):
    """fork, posix_spawn, vfork, clone3, a grandchild, threads: each with its parent and status."""
    report = t.run(*t.python(CHILDREN)).report
    equal(exits(report), [0, 11, 12, 13, 14, 15, 16], 'exit codes')
    processes = {row['exit']['code']: row for row in report['processes']}
    equal(processes[0]['parent'], None, 'parent of the command')
    for code in (11, 12, 13, 14, 15):
        equal(processes[code]['parent'], processes[0]['id'], f'parent of {code}')
    equal(processes[16]['parent'], processes[15]['id'], 'parent of the grandchild')
    equal(report['totals']['threads'], 7 + 3, 'threads')
    equal(processes[0]['threads'], 1 + 3, 'threads of the command')
    nothing_lost(report)


# A daemon as the textbook has it. It knows by the end of a pipe that the command has ended, says
# so, and lives until it is told.
DAEMON = '''
import os, sys
told, tell = map(int, sys.argv[1:])
ended, held = os.pipe()
waits, there = os.pipe()
if os.fork():
    os.wait()
    os.read(waits, 1)
    os._exit(0)
os.close(held)
os.setsid()
if os.fork(): os._exit(0)
open("/proc/self/comm", "w").write("cp-daemon")
os.write(there, b"x")
os.read(ended, 1)
os.write(tell, f"pid {os.getpid()} ready".encode())
os.read(told, 1)
sum(range(300000))
os._exit(21)
'''


class Daemon:
    """A daemon under concprof, and the pipes to it."""

    def __init__(self, t, *options):
        heard, tell = t.pipe()
        told, self.order = t.pipe()
        self.process = t.start(t.command(t.python(DAEMON, told, tell), ['-q', *options]),
                               pass_fds=(told, tell))
        t.close(told)
        t.close(tell)
        self.pid = int(read_until(heard, 'ready').split()[1])
        t.kill_later(self.pid)

    def end(self):
        """Tells it to end."""
        os.write(self.order, b'x')


def test_survivor(t):
    """A daemon outlives the command: reported with its ledger so far, and not touched."""
    daemon = Daemon(t)
    outcome = t.finish(daemon.process)
    equal(outcome.code, 0, outcome)
    expect(is_alive(daemon.pid), 'the daemon was ended')
    report = outcome.report
    equal(report['ended_by'], 'command', 'ended_by')
    survivors = [(row['pid'], row['comm']) for row in report['lifecycle']['survivors']]
    equal(survivors, [(daemon.pid, 'cp-daemon')], 'survivors')
    thread = next(row for row in report['threads'] if row['pid'] == daemon.pid)
    equal(thread['end_ns'], report['wall_ns'], 'the end of its ledger')
    process = next(row for row in report['processes'] if row['pid'] == daemon.pid)
    expect('exit' not in process, 'it has not ended:', process)
    pidfd = os.pidfd_open(daemon.pid)
    daemon.end()
    expect(select.select([pidfd], [], [], 60)[0], 'the daemon does not end')
    os.close(pidfd)


def test_linger(t):
    """--linger waits for the last process, whose ledger is then complete."""
    daemon = Daemon(t, '--linger', '1h')
    daemon.end()
    outcome = t.finish(daemon.process)
    equal(outcome.code, 0, outcome)
    report = outcome.report
    equal(report['ended_by'], 'last-process', 'ended_by')
    equal(report['lifecycle'].get('survivors', []), [], 'survivors')
    process = next(row for row in report['processes'] if row['pid'] == daemon.pid)
    equal(process['exit']['code'], 21, 'exit of the daemon')
    thread = next(row for row in report['threads'] if row['pid'] == daemon.pid)
    expect('io.pipe' in thread['blocked'], 'its wait', thread['blocked'])
    nothing_lost(report)


def test_linger_over(t):
    """After that time it is a survivor all the same."""
    daemon = Daemon(t, '--linger', '0.2')
    outcome = t.finish(daemon.process)
    equal(outcome.code, 0, outcome)
    survivors = [row['pid'] for row in outcome.report['lifecycle']['survivors']]
    equal(survivors, [daemon.pid], 'survivors')
    expect(is_alive(daemon.pid), 'the daemon was ended')


def test_orphan(t):
    """The daemon is an orphan of its parent, too."""
    daemon = Daemon(t, '--linger', '1h')
    daemon.end()
    report = t.finish(daemon.process).report
    orphans = report['lifecycle']['orphans']
    expect(daemon.pid in [row['pid'] for row in orphans], 'orphans', orphans)


def cgroup_folder():
    """Where this kernel has a hierarchy that we may add to."""
    mounts = [line.split() for line in pathlib.Path('/proc/mounts').read_text().splitlines()]
    for kind, option in (('cgroup2', ''), ('cgroup', 'name=systemd'), ('cgroup', 'pids')):
        for row in mounts:
            if row[2] == kind and option in row[3] and os.access(row[1], os.W_OK):
                return pathlib.Path(row[1])
    raise Skip('there is no cgroup hierarchy to write to')


def test_cgroup_move(t):
    """A move to another cgroup and another session loses nothing."""
    folder = cgroup_folder() / f'concprof-test-{os.getpid()}'
    try:
        folder.mkdir()
    except OSError as error:
        raise Skip(f'cannot make a cgroup: {error}') from error
    t.cleanup.callback(folder.rmdir)
    outcome = t.run('sh', '-c', f'echo $$ > {folder}/cgroup.procs; setsid -w sh -c "true; exit 3"; '
                    'true & wait $!; exit 4')
    equal(outcome.code, 4, outcome)
    equal(exits(outcome.report), [0, 3, 4], 'exit codes')
    nothing_lost(outcome.report)
