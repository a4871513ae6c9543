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
