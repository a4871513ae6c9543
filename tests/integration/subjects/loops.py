# SPDX-License-Identifier: BSD-2-Clause
"""Event loops: how long they wait, how long they are away and why."""
import subprocess

from harness import cases, equal, expect, nothing_lost


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'loops'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """Each loop's row has the waits and the times away that its threads saw by their own clocks."""
    nothing_lost(t.truth('loops', mode))


def test_calls(t, mode):
    """With --calls the calls are counted, too, to the call."""
    report = t.truth('loops', mode, '--calls', options=['-q', '--calls'])
    for row in report['loops']:
        # A call has several waits if others take what it is woken for.
        expect(row['calls']['seen'] - row['calls']['at_once'] <= row['waits'], row)


test_truth.cases = modes
test_calls.cases = modes


def loops_of(t, code, *args, **popen):
    """The rows of a Python program's loops."""
    outcome = t.run(*t.python(PRELUDE + code, *args), **popen)
    equal(outcome.code, 0, outcome)
    return outcome.report['loops']


# A child writes again and again what the program waits for.
PRELUDE = '''
import os, select, sys, time

def fed(times):
    r, w = os.pipe()
    if not os.fork():
        for _ in range(times):
            time.sleep(0.005)
            os.write(w, b'x')
        os._exit(0)
    return r
'''


def test_no_loop(t):
    """What never waits for descriptors has none."""
    outcome = t.run(t.workload('sleeper'), 10)
    equal(outcome.report['loops'], [], 'loops')


def test_alone_in_it(t):
    """The row's thread is the one that waited, and what it does in there is in the ledger, too."""
    report = t.truth('loops', 'beside')
    for row in report['loops']:
        thread = next(thread for thread in report['threads'] if thread['id'] == row['thread'])
        equal(thread['comm'], row['comm'], row)
        equal(thread['blocked'][f"event.{row['call']}"]['count'], row['waits'], row)


def test_computes(t):
    """Nothing blocks one that computes, so nothing is named."""
    report = t.truth('loops', 'away-computing')
    longest = report['loops'][0]['away']['longest']
    # It may have waited for the kernel for a moment.
    if longest['blocked_ns'] == 0:
        equal(longest['cause'], None, longest)


def test_goes_on(t):
    """A wait that is open at the end counts, and is not empty: something may have come yet."""
    code = '''
r = fed(5)
e = select.epoll()
e.register(r, select.EPOLLIN)
while True:
    e.poll()
    os.read(r, 1)
    time.sleep(0.001)
'''
    row, = loops_of(t, code, options=('-q', '-d', '1'))
    equal((row['waits'], row['open'], row['empty']), (6, 1, 0), row)
    expect(row['wait_ns'] > 0.8e9, row)


def test_stays_away(t):
    """What it does at the end may be for ever: it is no time away like others, and is told apart."""
    code = '''
r = fed(5)
e = select.epoll()
e.register(r, select.EPOLLIN)
for _ in range(5):
    e.poll()
    os.read(r, 1)
os.read(os.pipe()[0], 1)
'''
    row, = loops_of(t, code, options=('-q', '-d', '1'))
    away = row['away']
    equal((row['waits'], away['times']), (5, 4), row)
    expect(away['max_ns'] < 0.3e9, row)
    equal((away['open']['cause'], away['open']['target']), ('io.pipe', 'pipe'), row)
    expect(away['open']['blocked_ns'] > 0.7e9, row)
    equal(row['blocked'], [], row)


def test_interrupted(t):
    """A signal ends a wait as a time-out does: with nothing ready."""
    code = '''
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
p = select.epoll()
p.register(os.pipe()[0], select.EPOLLIN)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    p.poll(0.1)
'''
    row, = loops_of(t, code)
    expect(20 <= row['waits'] <= 32, row)
    equal(row['empty'], row['waits'], row)


@cases(('forked', 'os.fork()'), ('alone', '1'))
def test_never_again(t, _, fork):
    """One wait, and no more: it has not been away from anything."""
    code = f'''
e = select.epoll()
e.register(fed(1), select.EPOLLIN)
if {fork}:
    e.poll()
    os.wait()
'''
    row, = loops_of(t, code)
    equal((row['waits'], row['away']), (1, None), row)


# A child answers at once; the rest of what is watched never has anything.
ANSWERED = '''
r, w = os.pipe()
r2, w2 = os.pipe()
if not os.fork():
    os.close(w2)
    while os.read(r2, 1):
        os.write(w, b'x')
    os._exit(0)
idle = os.pipe()[0]
p = getattr(select, sys.argv[1])()
for fd in [r] + [os.dup(idle) for _ in range(900)]:
    p.register(fd, 1)
for _ in range(20000):
    os.write(w2, b'x')
    p.poll()
    os.read(r, 1)
'''


@cases(('poll', True), ('epoll', False))
def test_scans(t, call, scans):
    """poll looks at each descriptor in each call, and epoll does not."""
    outcome = t.run(*t.python(PRELUDE + ANSWERED, call))
    equal(outcome.code, 0, outcome)
    found = [finding['rule'] for finding in outcome.report['findings']]
    equal('loop.scan' in found, scans, found)


# What ends a wait for five of them, and how often.
ENDED = '''
import ctypes, pty, resource, socket, tty
master, slave = pty.openpty()
tty.setraw(slave)
named = os.eventfd(0)
one, other = socket.socketpair()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('127.0.0.1', 0))
r, w = os.pipe()
ends = [(r, lambda: os.write(w, b'x')), (named, lambda: os.eventfd_write(named, 1)),
        (other.fileno(), lambda: one.send(b'x')), (slave, lambda: os.write(master, b'x')),
        (udp.fileno(), lambda: one_udp.sendto(b'x', udp.getsockname()))]
one_udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fds = [fd for fd, _ in ends]
go, tell = os.pipe()

def poll(fds):
    p = select.poll()
    for fd in fds:
        p.register(fd, 1)
    return [fd for fd, _ in p.poll()]

if not os.fork():
    for k in range(2):
        for i, (_, write) in enumerate(ends):
            for _ in range(10 + i + 5 * k):
                os.read(go, 1)
                time.sleep(0.003)
                write()
    os._exit(0)
for k, wait in enumerate((poll, lambda fds: select.select(fds, [], [])[0])):
    for i, fd in enumerate(fds):
        for _ in range(10 + i + 5 * k):
            os.write(tell, b'x')
            while wait(fds) != [fd]:
                pass
            os.read(fd, 8)
p = select.poll()
p.register(r, 1)
for _ in range(3):
    p.poll(2)
# Many more, and one of them beyond what a set of the C library has.
resource.setrlimit(resource.RLIMIT_NOFILE, (1200, 1200))
os.dup2(r, 1100)
c = (ctypes.c_ulong * 32)()
c[1100 // 64] = 1 << 1100 % 64
class Time(ctypes.Structure):
    _fields_ = [('s', ctypes.c_long), ('us', ctypes.c_long)]
ctypes.CDLL(None).select(1101, c, None, None, ctypes.byref(Time(0, 2000)))
'''


def test_ended_by(t):
    """Waits in poll and select are for the descriptor that ended them; a time-out is for none."""
    outcome = t.run(*t.python(PRELUDE + ENDED))
    equal(outcome.code, 0, outcome)
    kinds = [('pipe', None), ('eventfd', None), ('socket', 'pair'), ('tty', None),
             ('socket', 'receiver')]
    for k, cause in enumerate(('event.poll', 'event.select')):
        rows = {(row['kind'], row['side']): row['waits'] for row in outcome.report['io']
                if row['cause'] == cause}
        equal(rows.keys(), set(kinds), cause)
        for i, kind in enumerate(kinds):
            # One or two may find it at once; a terminal wakes who waits for it more than once.
            least, most = 8 + i + 5 * k, 10 + i + 5 * k
            expect(least <= rows[kind] <= (99 if kind[0] == 'tty' else most), (cause, rows))
    by_call = {row['call']: row for row in outcome.report['loops']}
    equal((by_call['poll']['empty'], by_call['poll']['highest_fd']), (3, None), by_call)
    equal((by_call['select']['empty'], by_call['select']['highest_fd']), (1, 1100), by_call)
    found = [finding['rule'] for finding in outcome.report['findings']]
    expect('loop.fd_setsize' in found, found)


@cases(('herd-processes', True), ('herd-exclusive', False))
def test_herd(t, mode, is_one):
    """All are woken for what one of them takes, unless they wait exclusively."""
    report = t.truth('loops', mode)
    row, = (row for row in report['io'] if row['cause'] == 'event.epoll')
    found = [finding['rule'] for finding in report['findings']]
    equal('loop.herd' in found, is_one and row['empty'] >= 100, (found, row))
