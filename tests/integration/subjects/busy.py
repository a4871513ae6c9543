# SPDX-License-Identifier: BSD-2-Clause
"""Other programs that have the CPUs meanwhile are named."""
import json
import os
import subprocess

from harness import equal, expect, read_until

# Computes on one CPU until it is killed; its name is what a careless parser stumbles over.
HOG = '''
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
open("/proc/self/comm", "w").write(") R 1 (hog")
print("open", flush=True)
while True: pass
'''


# Wants two CPUs for a while; says what these processes have used meanwhile.
WITNESS = '''
import json, os, sys, time
def cpu_ns(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 10**9 // os.sysconf("SC_CLK_TCK")
pids = sys.argv[1:]
before = [cpu_ns(pid) for pid in pids]
child = os.fork()
end = time.process_time() + 0.5
while time.process_time() < end: pass
if child:
    os.wait()
    print(json.dumps([cpu_ns(pid) - was for pid, was in zip(pids, before)]))
'''


def cpu_ns(pid):
    """What a process has used so far."""
    with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 10**9 // os.sysconf('SC_CLK_TCK')


def hogs(t):
    """One on every CPU that we may use, all of them at work."""
    cpus = sorted(os.sched_getaffinity(0))
    started = [t.start(t.python(HOG, cpu), stdout=subprocess.PIPE) for cpu in cpus]
    for hog in started:
        read_until(hog.stdout.fileno(), 'open')
    return started


def without_own(report):
    """Nobody is named who is part of what was measured."""
    own = {row['pid'] for row in report['processes']}
    equal([row for row in report['others'] if row['pid'] in own], [], 'its own processes')


def test_named(t):
    """Hogs on every CPU are named with their CPU time: no more than they used around the run, and
    no less than what the program saw them use, but for two ticks."""
    pids = [hog.pid for hog in hogs(t)]
    before = [cpu_ns(pid) for pid in pids]
    outcome = t.run(*t.python(WITNESS, *pids))
    report, seen = outcome.report, dict(zip(pids, json.loads(outcome.stdout)))
    used = {pid: cpu_ns(pid) - was for pid, was in zip(pids, before)}
    told = {row['pid']: row for row in report['others']}
    for pid in pids[:8]:
        row = told.get(pid, {'cpu_ns': 0, 'comm': None})
        equal(row['comm'], ') R 1 (hog', row, report['others'])
        expect(seen[pid] - 2e7 <= row['cpu_ns'] <= used[pid], row, 'seen', seen[pid], 'used',
               used[pid])
    without_own(report)
    if report['verdict']['class'] in ('starved', 'mixed'):
        texts = [one['text'] for finding in report['findings'] for one in finding['evidence']
                 if one['metric'] == 'others.cpu_ns']
        expect(texts and '(hog (pid' in texts[0], report['findings'])


def test_not_itself(t):
    """Processes of the workload that live on take no places, however many there are."""
    hogs(t)
    code = ('import os, time\nfor _ in range(12):\n if not os.fork():\n'
            '  null = os.open("/dev/null", os.O_RDWR)\n  os.dup2(null, 1); os.dup2(null, 2)\n'
            '  while True: pass\ntime.sleep(3)')
    outcome = t.run(*t.python(code))
    for survivor in outcome.report['lifecycle']['survivors']:
        t.kill_later(survivor['pid'])
    equal(len(outcome.report['lifecycle']['survivors']), 12, 'survivors')
    without_own(outcome.report)
    names = [row['comm'] for row in outcome.report['others']]
    expect(') R 1 (hog' in names, outcome.report['others'])
