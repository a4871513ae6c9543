# SPDX-License-Identifier: BSD-2-Clause
"""Models of input and output: the one that a program follows, and no other."""
import subprocess

from harness import cases, equal, expect


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'echo'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """One server, written in all ways of textbooks."""
    t.truth('echo', mode)


test_truth.cases = modes


def measured(t, code, *args):
    """The report of a piece of Python that ends well."""
    outcome = t.run(*t.python(code, *args))
    equal(outcome.code, 0, outcome)
    return outcome.report


def row_of(report, model):
    """What is known of a model."""
    return next(row for row in report['io_models'] if row['model'] == model)


SPIN = '''
import os, time
r, w = os.pipe()
os.set_blocking(r, False)
poller = __import__('select').poll()
poller.register(r, 1)
end = time.monotonic() + 0.5
while time.monotonic() < end:
    for _ in range(100):
        poller.poll(0)
'''


def test_spin(t):
    """One that asks and asks has a finding, with the call."""
    report = measured(t, SPIN)
    equal(report['model']['io'], ['non-blocking'], report['io_models'])
    equal(row_of(report, 'non-blocking')['calls'], ['poll'], report['io_models'])
    finding = next(f for f in report['findings'] if f['rule'] == 'io.busy_polling')
    expect('time-out of 0' in finding['title'], finding)


COPY = '''
import os
source, to = os.open('/dev/zero', os.O_RDONLY), os.open('/dev/null', os.O_WRONLY)
for _ in range(4000):
    os.write(to, os.read(source, 1 << 20))
'''


def test_copying(t):
    """What does not wait and is copied is seen with its target: by samples."""
    report = measured(t, COPY)
    equal(report['model']['io'], ['blocking'], report['io_models'])
    row = next(row for row in report['io'] if row['target'] == '/dev/zero')
    equal((row['model'], row['waits']), ('blocking', 0), row)
    running = report['totals']['states']['running_ns']
    expect(0.3 * running < row['running_ns_estimated'] <= running, (row, running))


MIXED = '''
import os, select, sys, time
r, w = os.pipe()
r2, w2 = os.pipe()
if not os.fork():
    for _ in range(60):
        time.sleep(0.003)
        os.write(w, b'x')
        time.sleep(0.003)
        os.write(w2, b'x')
    os._exit(0)
e = select.epoll()
e.register(r, select.EPOLLIN)
for _ in range(60):
    e.poll()
    os.read(r, 1)
    os.read(r2, 1)
'''


def test_mixture(t):
    """Half of it waits in one way, half in the other: both are named."""
    report = measured(t, MIXED)
    equal(sorted(report['model']['io']), ['blocking', 'multiplexed-epoll'], report['io_models'])
    for row in report['io_models'][:2]:
        expect(0.35 < row['share'] < 0.65, report['io_models'])
        equal((row['synchronous'], row['blocking']), (True, True), row)


@cases(('posix_aio', ('posix_aio',), 'aio'),
       ('kernel', ('targets', 'aio'), 'aio'))
def test_aio(t, _, argv, model):
    """Requests of aio, by the C library's threads or the kernel's."""
    outcome = t.run(t.workload(argv[0]), *argv[1:])
    expect(outcome.code == 0, outcome)
    expect(model in outcome.report['model']['io'], outcome.report['io_models'])
    equal(row_of(outcome.report, model)['synchronous'], False, outcome.report['io_models'])


def test_none(t):
    """Who neither reads nor writes follows none."""
    outcome = t.run(t.workload('sleeper'), 50)
    equal(outcome.report['model']['io'], [], outcome.report['io_models'])
