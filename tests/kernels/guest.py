#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is done on one kernel, inside its virtual machine.

usage: guest.py BUILD OUT STEP[,STEP...] [TEST-FILTER...]

Writes OUT/results.json after each step, and what the tests say to OUT/tests."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
INTEGRATION = HERE.parent / 'integration'
sys.path.insert(0, str(INTEGRATION))

# pylint: disable=wrong-import-position
from harness import Test, equal, expect, nothing_lost, read_until

BTF = '/sys/kernel/btf/vmlinux'
BPFTOOL = shutil.which('bpftool', path=f'{os.environ["PATH"]}:/usr/sbin:/sbin')
LIMIT = 120  # seconds, of what takes some
TURNS = 3  # of CPUs that go and come
VERIFIED = re.compile(r'^prog_id:\s*(\d+)$.*?^verified_insns:\s*(\d+)$', re.MULTILINE | re.DOTALL)
CLOSING = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.MULTILINE)


def call(*argv):
    """Runs a command to its end; its outcome."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors='replace', check=False, timeout=LIMIT)


def check(build, _):
    """What concprof check says: its status, its last line, the names of what is not there, and the one
    line of a run where it works not."""
    said = call(build / 'concprof', 'check')
    rows = [line.split(None, 1) for line in said.stdout.splitlines()]
    ran = call(build / 'concprof', '-q', '--', 'true')
    return {'status': said.returncode, 'said': said.stdout.strip().splitlines()[-1],
            'lacks': [row[1].strip() for row in rows if row and row[0] in ('no', 'NO')],
            'run_status': ran.returncode, 'run_said': ran.stderr.strip()}


def verified_by(pid):
    """{program's number: instructions that the verifier looked at} of a process."""
    found = {}
    for path in pathlib.Path(f'/proc/{pid}/fdinfo').iterdir():
        match = VERIFIED.search(path.read_text())
        if match:
            found[int(match[1])] = int(match[2])
    return found


def programs(build, _):
    """{program: instructions that the verifier looked at} of a run that has all of them."""
    test = Test(build)
    with test.cleanup:
        child = test.begin('sh', '-c', 'echo ready; read line', stdin=subprocess.PIPE,
                           options=['-q', '--calls', '--timeline'])
        read_until(child.stdout.fileno(), 'ready')
        verified = verified_by(child.pid)
        listed = json.loads(call(BPFTOOL, '-j', 'prog', 'show').stdout)
        names = {row['id']: row.get('name', '?') for row in listed}
        child.stdin.close()
        equal(child.wait(LIMIT), 1, 'status of read')
        nothing_lost(test.load())
    equal(test.problems, [], 'its report')
    expect(verified, 'no programs')
    return {f'{names[number]} {number}': count for number, count in verified.items()}


def fields(_, out):
    """Left for the machine outside: it is faster."""
    shutil.copy(BTF, out / 'btf')
    return {}


def capable(names):
    """The words that run a command as nobody with these capabilities."""
    ambient = [f'--addamb={name}' for name in names.split(',')]
    return ['capsh', '--keep=1', '--user=nobody', f'--inh={names}', *ambient, '--shell=/bin/sh',
            '--', '-c', 'exec "$@"', 'sh']


PLACES = {
    'user namespace': ['unshare', '-Ur'],
    'no tracefs': ['unshare', '-m', 'sh', '-c', 'umount /sys/kernel/tracing /sys/kernel/debug && '
                   'exec "$@"', 'sh'],
    'no BTF': ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"',
               'sh'],
    'no capability': ['capsh', '--drop=all', '--', '-c', 'exec "$@"', 'sh'],
    'CAP_BPF alone': ['setpriv', '--bounding-set', '-all,+bpf', '--'],
    'CAP_BPF, CAP_PERFMON': capable('cap_bpf,cap_perfmon'),
    '... CAP_SYSLOG': capable('cap_bpf,cap_perfmon,cap_syslog'),
    '... CAP_SYS_ADMIN': capable('cap_bpf,cap_perfmon,cap_sys_admin'),
}


def places(build, _):
    """{place: status and what it says} of a run of true in each, where unprivileged programs are not
    allowed."""
    pathlib.Path('/proc/sys/kernel/unprivileged_bpf_disabled').write_text('2', encoding='ascii')
    ran = {name: call(*before, build / 'concprof', '-q', '--', 'true')
           for name, before in PLACES.items()}
    return {name: {'status': one.returncode, 'said': one.stderr.strip()}
            for name, one in ran.items()}


BUSY = '''
import os, select, sys, threading
ring = [os.pipe() for _ in range(4)]
told, tell = os.pipe()
def pass_on(i):
    token = b"x"
    while token == b"x":
        token = os.read(ring[i][0], 1)
        os.write(ring[(i + 1) % 4][1], token)
if os.fork() == 0:
    os.close(tell)
    while not select.select([told], [], [], 0)[0]: sum(range(10000))
    os._exit(0)
threads = [threading.Thread(target=pass_on, args=(i,)) for i in range(4)]
for thread in threads: thread.start()
os.write(ring[0][1], b"x")
print("ready", flush=True)
sys.stdin.read()
os.write(ring[0][1], b".")
os.close(tell)
for thread in threads: thread.join()
os.wait()
'''


def hotplug(build, _):
    """{}: CPUs went and came while threads computed and woke each other, and all of their time is
    accounted for."""
    switches = sorted(pathlib.Path('/sys/devices/system/cpu').glob('cpu[1-9]*/online'))
    expect(switches, 'no CPU can go')
    test = Test(build)
    with test.cleanup:
        child = test.begin(*test.python(BUSY), stdin=subprocess.PIPE)
        read_until(child.stdout.fileno(), 'ready')
        for _ in range(TURNS):
            for value in '0', '1':
                for switch in switches:
                    switch.write_text(value, encoding='ascii')
        child.stdin.close()
        equal(child.wait(LIMIT), 0, 'status')
        report = test.load()
        equal(report['measurement']['residual_ns'], 0, 'residual')
        nothing_lost({**report, 'omitted': []})  # of sites that are seldom there may be many
    equal(test.problems, [], 'its report')
    return {'threads': report['totals']['threads'],
            'migrations': report['totals']['switches']['migrations']}


def tests(build, out, *filters):
    """Counts of the integration tests, and the names of those that fail or are skipped."""
    with open(out / 'tests', 'w', encoding='utf-8') as log:
        subprocess.run([sys.executable, INTEGRATION / 'run.py', build, *filters], stdout=log,
                       stderr=log, stdin=subprocess.DEVNULL, check=False)
    said = (out / 'tests').read_text(encoding='utf-8')
    closing = CLOSING.search(said)
    expect(closing, 'the tests came to no end', said[-500:])
    unknown = [name for name in filters if name not in said and not name.startswith('!')]
    equal(unknown, [], 'there are no such tests')
    return {'counts': [int(n) for n in closing.groups()],
            'failed': re.findall(r'^not ok \d+ - (.*)', said, re.MULTILINE),
            'skipped': re.findall(r'^ok \d+ - (.* # SKIP .*)', said, re.MULTILINE)}


STEPS = {'check': check, 'programs': programs, 'fields': fields, 'places': places,
         'hotplug': hotplug, 'tests': tests}


def main(args):
    """The exit status: 0 if all steps came to an end, whatever they found."""
    build, out, filters = pathlib.Path(args[0]), pathlib.Path(args[1]), args[3:]
    results = {'release': os.uname().release}
    for name in args[2].split(','):
        try:
            results[name] = STEPS[name](build, out, *(filters if name == 'tests' else ()))
        except (AssertionError, OSError, subprocess.SubprocessError) as failure:
            results[name] = {'broken': str(failure)}
        (out / 'results.json').write_text(json.dumps(results, indent=1), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
