# SPDX-License-Identifier: BSD-2-Clause
"""Signals: from the terminal, by kill, inherited; job control."""
import os
import shlex
import signal
import subprocess

from harness import Skip, cases, equal, expect, is_alive, poll, read_until, state_of
from terminal import Terminal

# Tells each signal that it gets and from whom; a line on its input, or SIGUSR1, ends it with 7.
TELLER = '''
import os, select, signal, sys
watched = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
print("pid", os.getpid(), "ready", flush=True)
while True:
    info = signal.sigwaitinfo(watched)
    sender = "terminal" if info.si_code == 0x80 else info.si_pid
    print(signal.Signals(info.si_signo).name, "from", sender, "told", flush=True)
    if info.si_signo == signal.SIGUSR1:
        sys.exit(7)
'''


class Tellers:
    """A teller under concprof, at a terminal or at a pipe."""

    def __init__(self, t, at_terminal):
        self.test = t
        argv = t.command(t.python(TELLER), options=())
        if at_terminal:
            self.terminal = Terminal(t, argv)
            self.process, self.fd = self.terminal.process, self.terminal.fd
        else:
            self.process = t.start(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.fd = self.process.stdout.fileno()
        self.pid = int(read_until(self.fd, 'ready').split('pid')[1].split()[0])
        t.kill_later(self.pid)

    def press(self, key):
        """A key at the terminal."""
        self.terminal.type(key)

    def send(self, number):
        """To concprof alone."""
        self.process.send_signal(number)

    def told(self):
        """The next signals that the teller got."""
        return [line.strip()[:-5] for line in read_until(self.fd, 'told').splitlines()
                if line.strip().endswith('told')]

    def report_of_signal(self):
        """The report of a measurement that a signal ended while the workload lives on."""
        report = self.test.load()
        expect(report, 'there is no report')
        equal(report['ended_by'], 'signal', 'ended_by')
        expect(is_alive(self.pid), 'the workload was ended')
        equal([row['pid'] for row in report['processes']], [self.pid], 'processes')
        for row in [report, *report['processes']]:
            expect('exit' not in row, 'it has not ended, but:', row.get('exit'))


def test_interrupt_once(t):
    """Ctrl-C reaches the workload from the terminal, and not once more from concprof."""
    w = Tellers(t, True)
    w.send(signal.SIGSTOP)  # so that a second one could not be taken for the first
    poll(lambda: state_of(w.process.pid) == 'T', 'concprof stops')
    w.press('\x03')
    equal(w.told(), ['SIGINT from terminal'], 'the first')
    w.send(signal.SIGCONT)
    w.send(signal.SIGTERM)  # is passed on after whatever comes of the SIGINT
    equal(w.told(), [f'SIGTERM from {w.process.pid}'], 'the next')


def test_interrupt_is_waited_for(t):
    """After one Ctrl-C concprof waits for the workload, and its status is the workload's."""
    w = Tellers(t, True)
    w.press('\x03')
    equal(w.told(), ['SIGINT from terminal'], 'told')
    os.kill(w.pid, signal.SIGUSR1)
    equal(w.terminal.finish(), 7, w.terminal.seen)
    expect('ended with status 7' in w.terminal.seen, 'no text report:', w.terminal.seen)
    equal(t.load()['ended_by'], 'command', 'ended_by')


def test_interrupted_workload(t):
    """The usual case: Ctrl-C ends the workload, and concprof dies of SIGINT after its report."""
    terminal = Terminal(t, t.command(['sh', '-c', 'echo ready; exec sleep 1000'], options=()))
    terminal.expect('ready')
    terminal.type('\x03')
    equal(terminal.finish(), -signal.SIGINT, terminal.seen)
    expect('killed by signal 2' in terminal.seen, terminal.seen)
    report = t.load()
    equal(report['ended_by'], 'command', 'ended_by')
    equal(report['exit'], {'code': None, 'signal': signal.SIGINT}, 'exit')


@cases(('Ctrl-C', '\x03'), ('Ctrl-\\', '\x1c'))
def test_interrupt_twice(t, _, key):
    """The second one ends the measurement, though the workload ignores both."""
    w = Tellers(t, True)
    name = {'\x03': 'SIGINT', '\x1c': 'SIGQUIT'}[key]
    for _ in range(2):
        w.press(key)
        equal(w.told(), [f'{name} from terminal'], 'told')
        poll(lambda: not pending(w.process.pid), 'concprof takes the signal')
    equal(w.terminal.finish(), -getattr(signal, name), w.terminal.seen)
    w.report_of_signal()


def pending(pid):
    """Whether signals wait for the process. One that has ended has none."""
    try:
        with open(f'/proc/{pid}/status', encoding='utf-8') as file:
            masks = [line.split()[1] for line in file if line.startswith(('SigPnd', 'ShdPnd'))]
    except OSError:
        return False
    return any(int(mask, 16) for mask in masks)


@cases(('SIGTERM',), ('SIGHUP',))
def test_end_at_once(t, name):
    """Passed on, and the report is written though the workload ignores it."""
    w = Tellers(t, False)
    w.send(getattr(signal, name))
    equal(w.told(), [f'{name} from {w.process.pid}'], 'told')
    equal(w.process.wait(60), -getattr(signal, name), 'status')
    w.report_of_signal()


def test_interrupt_by_kill(t):
    """SIGINT to concprof alone is passed on, and concprof waits."""
    w = Tellers(t, False)
    w.send(signal.SIGINT)
    equal(w.told(), [f'SIGINT from {w.process.pid}'], 'told')
    os.kill(w.pid, signal.SIGUSR1)
    equal(w.process.wait(60), 7, 'status')
    equal(t.load()['ended_by'], 'command', 'ended_by')


def test_job_control(t):
    """Ctrl-Z stops the job, fg continues it, with the terminal."""
    shell = Terminal(t, ['bash', '--norc', '--noprofile', '-i'], env={
        'PATH': os.environ['PATH'], 'PS1': '', 'TERM': 'dumb', 'HOME': str(t.dir)})
    shell.type(shlex.join(t.command(['sh', '-c', 'echo pid $$ ready; read x; exit $x'])) + '\n')
    workload = int(shell.expect('ready').split('pid')[-1].split()[0])
    concprof = parent_of(workload)
    shell.type('\x1a')
    shell.expect('Stopped')
    for pid in (workload, concprof):
        poll(lambda pid=pid: state_of(pid) == 'T', 'the job stops')
    shell.type('fg\n')
    shell.expect('concprof')  # bash says what it continues
    poll(lambda: state_of(workload) != 'T', 'the job goes on')
    shell.type('6\n')
    poll(lambda: not is_alive(concprof), 'the job ends')
    shell.type('echo status is $?.\n')
    shell.expect('status is 6.')
    shell.type('exit\n')
    equal(shell.finish(), 0, shell.seen)
    blocked = t.load()['threads'][0]['blocked']
    expect('signal.stop' in blocked and 'io.tty' in blocked, 'blocked', blocked)


def parent_of(pid):
    """As ps says."""
    with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
        return int(file.read().rsplit(')', 1)[1].split()[1])


def comm_of(pid):
    """What the process is called."""
    with open(f'/proc/{pid}/comm', encoding='utf-8', errors='replace') as file:
        return file.read().strip()


def test_terminal_program(t):
    """A program that takes over the terminal and reads single keys."""
    if t.spawn(['sh', '-c', 'command -v less']).code:
        raise Skip('less is not installed')
    (t.dir / 'text').write_text('first line\n' + 'x\n' * 200 + 'last line\n', encoding='utf-8')
    terminal = Terminal(t, t.command(['less', 'text']),
                        env={**os.environ, 'TERM': 'xterm', 'LESS': ''})
    terminal.expect('first line')
    children = f'/proc/{terminal.process.pid}/task/{terminal.process.pid}/children'
    with open(children, encoding='utf-8') as file:  # concprof's own server is one of them
        less, = [int(pid) for pid in file.read().split() if comm_of(pid) == 'less']
    poll(lambda: state_of(less) == 'S', 'it waits for a key')
    terminal.type('G')
    terminal.expect('last line')
    terminal.type('q')
    equal(terminal.finish(), 0, terminal.seen)
    blocked = t.load()['threads'][0]['blocked']
    expect(blocked.keys() & {'io.tty', 'event.poll', 'event.select'}, 'waits for keys', blocked)


INHERITED = (
    ('nothing special', set(), set()),
    ('blocked', {signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN + 3}, set()),
    ('all blocked', set(signal.valid_signals()), set()),
    ('ignored', set(), {signal.SIGUSR2, signal.SIGHUP, signal.SIGPIPE, signal.SIGRTMAX}),
    ('both', {signal.SIGINT, signal.SIGCHLD}, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}),
)


@cases(*INHERITED)
def test_inherited(t, _, blocked, ignored):
    """Mask and dispositions of the workload are those that concprof was started with."""
    def inherit():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    look = ['grep', '-E', '^Sig(Pnd|Blk|Ign|Cgt):', '/proc/self/status']
    without = t.spawn(look, preexec_fn=inherit)
    under = t.run(*look, preexec_fn=inherit)
    equal(under.code, 0, under)
    equal(under.stdout, without.stdout, 'signals')
