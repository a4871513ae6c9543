# SPDX-License-Identifier: BSD-2-Clause
"""concprof killed in the middle, two at once, one under another."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

from harness import Skip, equal, expect, poll, read_until


def bpftool():
    """Where distributions put it."""
    places = os.environ['PATH'] + ':/usr/sbin:/sbin'
    found = shutil.which('bpftool', path=places) or next(
        map(str, pathlib.Path('/usr/lib').glob('linux-tools/*/bpftool')), None)
    if not found:
        raise Skip('there is no bpftool')
    return found


def bpf_objects(pid):
    """(kind, id) of each BPF object that a process holds."""
    found = set()
    for info in pathlib.Path(f'/proc/{pid}/fdinfo').iterdir():
        for kind, number in re.findall(r'^(prog|map|link)_id:\s*(\d+)$', info.read_text(), re.M):
            found.add((kind, number))
    return found


WORKLOAD = '''
import sys
print("ready", flush=True)
sys.stdin.readline()
print("done", flush=True)
'''


def test_killed(t):
    """The workload goes on to its end; no probe, map, link or file stays."""
    tool = bpftool()
    child = t.start(t.command(t.python(WORKLOAD), options=()), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(child.stdout.fileno(), 'ready')
    objects = bpf_objects(child.pid)
    expect({kind for kind, _ in objects} == {'prog', 'map', 'link'}, 'seen', objects)
    child.send_signal(signal.SIGKILL)
    equal(child.wait(60), -signal.SIGKILL, 'status')
    child.stdin.write(b'go on\n')
    child.stdin.flush()
    read_until(child.stdout.fileno(), 'done')
    for kind, number in sorted(objects):
        poll(lambda kind=kind, number=number:
             t.spawn([tool, kind, 'show', 'id', number]).code, f'end of {kind} {number}')
    equal(os.listdir(t.dir), [], 'left behind')


def test_killed_while_held(t):
    """Killed before it releases the command, the command never runs."""
    for delay in range(0, 60, 6):
        child = t.start(t.command(['sh', '-c', 'echo ran; read x; echo on'], options=()),
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            child.wait(delay / 1000)
        except subprocess.TimeoutExpired:
            pass
        child.send_signal(signal.SIGKILL)
        out, _ = child.communicate(b'\n', timeout=60)
        expect(out.decode() in ('', 'ran\non\n'), 'half run:', out)
        equal(os.listdir(t.dir), [], 'left behind')


def test_two_at_once(t):
    """Each sees its own workload, and only that."""
    first = t.start(t.command(['sh', '-c', 'echo ready; read x; exit 1']), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    read_until(first.stdout.fileno(), 'ready')
    t.json = t.dir / 'second.json'
    second = t.run('sh', '-c', 'true & wait; exit 2')
    equal(second.code, 2, second)
    equal(second.report['totals']['processes'], 2, 'processes of the second')
    t.json = t.dir / 'report.json'
    first.stdin.write(b'\n')
    first.stdin.close()
    equal(first.wait(60), 1, 'the first')
    report = t.load()
    equal((report['totals']['processes'], report['exit']['code']), (1, 1), 'the first')


def test_nested(t):
    """concprof under concprof: the inner one's workload is in both."""
    inner = t.dir / 'inner.json'
    outcome = t.run(t.concprof, '-q', '--json', inner, '--', t.workload('compute'), 1, 100)
    equal(outcome.code, 0, outcome)
    within = t.load(inner)
    equal(within['totals']['processes'], 1, 'processes of the inner')
    expect(outcome.report['totals']['processes'] >= 2, 'processes of the outer')
    both = [[thread for thread in report['threads'] if thread['comm'] == 'compute-0']
            for report in (within, outcome.report)]
    equal([len(threads) for threads in both], [1, 1], 'threads called compute-0')
    equal(both[0][0]['tid'], both[1][0]['tid'], 'tid')
