# SPDX-License-Identifier: BSD-2-Clause
"""What a cgroup does to a program: frozen, and throttled by a CPU limit, each by its own name."""
import os
import pathlib
import time

from harness import Skip, cases, equal, expect, read_until

FREEZERS = (
    # (name, hierarchy, file, to freeze, to thaw)
    ('v1', '/sys/fs/cgroup/freezer', 'freezer.state', 'FROZEN', 'THAWED'),
    ('v2 unified', '/sys/fs/cgroup/unified', 'cgroup.freeze', '1', '0'),
    ('v2', '/sys/fs/cgroup', 'cgroup.freeze', '1', '0'),
)


def group(t, hierarchy, file):
    """A new cgroup that has this file; it is removed at the end."""
    folder = pathlib.Path(hierarchy) / f'concprof-test-{os.getpid()}'
    try:
        folder.mkdir()
    except OSError as error:
        raise Skip(f'cannot make a cgroup in {hierarchy}: {error}') from error
    t.cleanup.callback(folder.rmdir)
    if not (folder / file).exists():
        raise Skip(f'{hierarchy} has no {file}')
    return folder


@cases(*FREEZERS)
def test_frozen(t, _name, hierarchy, file, freeze, thaw):
    """The time from freezing to thawing is kernel.freeze, though it sleeps in a read."""
    folder = group(t, hierarchy, file)
    code = ('import os, sys\n'
            f'open("{folder}/cgroup.procs", "w").write(str(os.getpid()))\n'
            'print("ready", flush=True)\n'
            'os.read(0, 1)\n')
    gate, go = t.pipe()
    process = t.begin(*t.python(code), stdin=gate)
    read_until(process.stdout.fileno(), 'ready')
    (folder / file).write_text(freeze, encoding='ascii')
    # v1 and v2 freeze asynchronously; both tell when they have.
    events = folder / ('cgroup.events' if freeze == '1' else file)
    sign = 'frozen 1' if freeze == '1' else 'FROZEN'
    while sign not in events.read_text(encoding='ascii'):
        pass
    since = time.monotonic_ns()
    time.sleep(0.2)
    frozen = time.monotonic_ns() - since
    (folder / file).write_text(thaw, encoding='ascii')
    os.write(go, b'x')
    outcome = t.finish(process)
    equal(outcome.code, 0, outcome)
    blocked = outcome.report['threads'][0]['blocked']
    measured = blocked.get('kernel.freeze', {}).get('ns', 0)
    # From the freezer's word to its order is inside; its work before and after comes on top.
    expect(frozen <= measured <= frozen + 50_000_000, measured, 'frozen for', frozen)
    equal(blocked['kernel.freeze']['count'], 1, blocked)


def limit(t):
    """A cgroup with a limit of a fifth of a CPU: 20 ms in each 100 ms."""
    try:
        folder = group(t, '/sys/fs/cgroup', 'cpu.max')
        (folder / 'cpu.max').write_text('20000 100000', encoding='ascii')
    except Skip:
        folder = group(t, '/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us')
        (folder / 'cpu.cfs_period_us').write_text('100000', encoding='ascii')
        (folder / 'cpu.cfs_quota_us').write_text('20000', encoding='ascii')
    return folder


def throttled_ns(folder):
    """What the kernel says of how long the group was throttled."""
    for line in (folder / 'cpu.stat').read_text(encoding='ascii').splitlines():
        key, value = line.split()
        if key == 'throttled_time':
            return int(value)
        if key == 'throttled_usec':
            return int(value) * 1000
    raise Skip('cpu.stat says nothing of throttling')


def test_throttled(t):
    """A computing thread under a limit is blocked by it, and the program is starved."""
    folder = limit(t)
    code = ('import os, time\n'
            f'open("{folder}/cgroup.procs", "w").write(str(os.getpid()))\n'
            'while time.thread_time() < 0.25: pass\n')
    outcome = t.run(*t.python(code))
    equal(outcome.code, 0, outcome)
    thread = outcome.report['threads'][0]
    measured = thread['blocked'].get('kernel.throttle', {}).get('ns', 0)
    # One thread in the group: what the group was throttled, it was. When the limit lets it go
    # again it may have to queue for a CPU, which is not told apart: at most all that it did not run.
    kernel = throttled_ns(folder)
    idle = thread['lifetime_ns'] - thread['states']['running_ns']
    expect(0.9 * kernel - 20_000_000 <= measured <= idle, measured, 'throttled for', kernel)
    equal(thread['class'], 'starved', thread)
    equal(outcome.report['verdict']['class'], 'starved', outcome.report['wall'])
    finding = outcome.report['findings'][0]
    cost = 100 * outcome.report['wall_parts']['runnable_limit_ns'] / outcome.report['wall_ns']
    equal(finding['title'], f'its CPU limit cost {cost:.0f} % of the wall time', finding)
    # The group that it has joined is not concprof's own.
    expect('is not known' in finding['advice'], finding)
