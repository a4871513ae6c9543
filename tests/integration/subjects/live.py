# SPDX-License-Identifier: BSD-2-Clause
"""The live view, through a terminal."""
import fcntl
import os
import struct
import termios

from harness import equal, expect
from terminal import Terminal

COUNTER = ('import threading, time\n'
           'lock = threading.Lock()\n'
           'def work():\n'
           ' while True:\n'
           '  with lock: time.sleep(0.002)\n'
           '  sum(range(20000))\n'
           '[threading.Thread(target=work, daemon=True).start() for _ in range(3)]\n'
           'time.sleep(60)')


def on_terminal(t, *argv):
    return Terminal(t, [t.build / 'concprof', '--live', *argv],
                    env={**os.environ, 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8'})


def test_attached(t):
    """Threads, then locks, then files; another size; q ends it, with the report, and the terminal is as before."""
    program = t.start(t.python(COUNTER))
    terminal = on_terminal(t, '-d', '60', '-p', str(program.pid))
    before = termios.tcgetattr(terminal.fd)
    seen = terminal.expect('\x1b[?1049h')
    for word in (' s left', 'on ', 'mostly for', 'python3', 'q ends', 'timer.sleep'):
        seen += terminal.expect(word)
    terminal.type('l')
    for word in ('waits/s', 'python3 0x', 'sync.'):
        terminal.expect(word)
    terminal.type('f')
    terminal.expect('file, socket')
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 8, 40, 0, 0))
    terminal.type('t')
    for word in ('python3', 'the report | t thr'):
        terminal.expect(word)
    terminal.type('q')
    terminal.expect('\x1b[?1049l')
    equal(termios.tcgetattr(terminal.fd), before, 'as it was')
    terminal.expect('attached to for')
    equal(terminal.finish(), 0)
    equal(program.poll(), None, 'it goes on')


def test_run(t):
    """Of a command: its end is the end of the view, and its status is ours."""
    terminal = on_terminal(t, '--', 'sh', '-c', 'sleep 1.5; exit 3')
    for word in ('\x1b[?1049h', 'sleep', '\x1b[?1049l', 'ended with status 3'):
        terminal.expect(word)
    equal(terminal.finish(), 3)


def test_no_terminal(t):
    """Without one that is said, and nothing runs."""
    mark = t.dir / 'mark'
    outcome = t.spawn([t.build / 'concprof', '--live', '--', 'touch', mark])
    equal(outcome.code, 125, outcome)
    expect('--live needs a terminal' in outcome.stderr and not mark.exists(), outcome)


def test_poor_terminal(t):
    """One that can do nothing is refused."""
    terminal = Terminal(t, [t.build / 'concprof', '--live', '--', 'true'],
                        env={**os.environ, 'TERM': 'nonsense'})
    terminal.expect("cannot draw on a terminal of the kind 'nonsense'")
    equal(terminal.finish(), 125)
