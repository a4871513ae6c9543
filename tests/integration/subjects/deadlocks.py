# SPDX-License-Identifier: BSD-2-Clause
"""Deadlocks, and what looks like them: the workload that knows who waits for whom."""
import json
import os
import platform
import subprocess
import sys

from harness import cases, equal, expect

CALM = True  # see run.py
PROOF_NS = 1_000_000_000  # two looks, with a quarter of a second between them
LOOK_ALIKES = frozenset('''timed trylock opposite slow-holder recursive stopped inherited cond
    daemon convoy join-chain readers semaphore pi-refused signalled own-mutex musl-mutex barrier
    namespaces shared-readers flock-inherited flock-posted posix-thread posix-table flock-alarm
    flock-timer flock-handler flock-retry flock-slow flock-reader flock-threads'''.split())
CONDITIONS = {'mutual_exclusion', 'hold_and_wait', 'no_preemption', 'circular_wait'}


LARGE = ('hundred', 'thousand')  # for which a CPU is needed, and the proof's time is compared


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'deadlocks'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split() if mode not in LARGE]


def run(t, mode):
    """The outcome of a mode, held against its truth, and what it said of its threads."""
    truth = t.dir / 'truth.json'
    outcome = t.run(t.workload('deadlocks'), mode, options=('-q', '--top', 'all'),
                    env={**os.environ, 'CONCPROF_TRUTH': str(truth)})
    equal(outcome.code, 0, outcome)
    t.meets(json.loads(truth.read_text(encoding='utf-8')), outcome.report)
    return outcome, json.loads(outcome.stdout)


def edges(rows):
    """Who waits for whom."""
    return frozenset((row['tid'], row['held_by']) for row in rows)


def check_same(found, there):
    """The same threads wait for each other in the report as in truth."""
    equal({(d['kind'], edges(d['cycle']), edges(d['behind'])) for d in found},
          {(d['kind'], *(frozenset(map(tuple, d[key])) for key in ('cycle', 'behind')))
           for d in there}, 'deadlocks')


def check_times(report, deadlock):
    """It was proved soon after it came to be, and seen up to the end or later than that."""
    since, proved, seen = (deadlock[key] for key in ('since_ns', 'proved_ns', 'seen_ns'))
    expect(0 < since < proved <= seen <= report['wall_ns'], since, proved, seen)
    expect(proved - since < PROOF_NS, 'proved late:', proved - since)
    came = [row['since_ns'] for row in deadlock['cycle']]
    equal(since, max(came) if deadlock['kind'] == 'cycle' else min(came), 'since_ns')


def check_members(report, deadlock):
    """Each has a stack, a holder that is next, and a lock with a wait that nothing ended."""
    ring, locks = deadlock['cycle'], {lock['id']: lock for lock in report['locks']}
    for number, row in enumerate(ring):
        if deadlock['kind'] == 'cycle':
            equal(row['holder'], ring[(number + 1) % len(ring)]['thread'], 'the next one', row)
    for row in [*ring, *deadlock['behind']]:
        expect(row['stack'], 'no stack:', row)
        if row['waits_for'] is not None:
            lock = locks[row['waits_for']]
            equal((lock['name'], lock['kind']), (row['name'], row['kind']), row)
    expect(deadlock['confirmed'], deadlock)
    equal(set(deadlock['conditions']), CONDITIONS, 'conditions')
    expect(all(deadlock['conditions'].values()), deadlock['conditions'])


def check_livelock(report, mode):
    """Two threads that try locks and give up are said to, with their function; nobody else is."""
    found = [finding for finding in report['findings'] if finding['rule'] == 'livelock']
    if mode != 'trylock' or platform.machine() != 'x86_64':
        equal(found, [], 'livelock')
        return
    equal([finding['severity'] for finding in found], ['warning'], found)
    texts = [row['text'] for row in found[0]['evidence']]
    for name in ('try-0', 'try-1'):
        said = [text for text in texts if text.startswith(f'{name} (')]
        expect(len(said) == 1 and ' in try_both (deadlocks_alike.c:' in said[0], name, texts)
    sleeps = [row['value'] for row in found[0]['evidence'] if row['metric'] == 'wait_sites.waits']
    slept = [thread['blocked']['timer.sleep']['count'] for thread in report['threads']
             if thread['comm'].startswith('try-')]
    expect(all(abs(a - b) <= 0.05 * b for a, b in zip(sleeps, slept, strict=True)), sleeps, slept)


def test_truth(t, mode):
    """Each deadlock is proved and announced, with all of its threads; nothing else is."""
    check_truth(t, mode)


test_truth.cases = modes


@cases(*((mode,) for mode in LARGE))
def test_many(t, mode):
    """So it is with many threads."""
    check_truth(t, mode)


test_many.calm = False


def check_truth(t, mode):
    """What a mode says of itself, and no more."""
    outcome, said = run(t, mode)
    report, found = outcome.report, outcome.report['deadlocks']
    check_same(found, said['deadlocks'])
    check_livelock(report, mode)
    for deadlock in found:
        check_times(report, deadlock)
        check_members(report, deadlock)
    lines = [line for line in outcome.stderr.splitlines()
             if line.startswith('concprof: deadlock:')]
    equal(len(lines), len(said['deadlocks']), 'lines', outcome)
    equal(report['verdict']['class'] == 'deadlocked', said['stands'], report['verdict'])


def test_said_at_once(t):
    """The line comes while the program stands, not at its end."""
    process = t.begin(t.workload('deadlocks'), 'two', stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE)
    line = process.stderr.readline().decode()
    still = process.poll() is None and not t.json.exists()
    outcome = t.finish(process)
    expect(line.startswith('concprof: deadlock: pair-0 ('), line, outcome)
    expect(still, 'it came at the end:', outcome)


# A parent that waits for the end of a child whose output it does not read.
UNREAD = '''
import subprocess
import sys
subprocess.Popen(['sh', '-c', 'head -c 1000000 /dev/zero; true'], stdout=subprocess.PIPE).wait()
'''
# Two processes that write to each other, and read nothing.
BOTH_WRITE = '''
import os
here, there = os.pipe(), os.pipe()
pid = os.fork()
to, to_close = (there[1], [there[0], here[1]]) if pid else (here[1], [here[0], there[1]])
for fd in to_close:
    os.close(fd)
while True:
    os.write(to, bytes(65536))
'''
# One that fills its own pipe.
OWN_PIPE = '''
import os
pipe = os.pipe()
while True:
    os.write(pipe[1], bytes(65536))
'''
# Both read a file and want to write it; each has a thread that waits for the other process, so
# that what a call uses is counted with the descriptors.
UPGRADE = '''
import fcntl
import os
import struct
import threading
def lock(kind):
    fcntl.fcntl(file, 38, struct.pack('hhqqi4x', kind, 0, 0, 0, 0))
name = f'upgrade.{os.getpid()}'
os.close(os.open(name, os.O_CREAT | os.O_RDWR, 0o600))
reads, other, tells = os.pipe(), os.pipe(), os.pipe()
pid = os.fork()
file = os.open(name, os.O_RDWR)
lock(fcntl.F_RDLCK)
threading.Thread(target=os.read, args=(reads[0], 1), daemon=True).start()
os.write((other if pid else tells)[1], b'x')
os.read((tells if pid else other)[0], 1)
if pid:
    os.unlink(name)
lock(fcntl.F_WRLCK)
'''
PIPES = (('unread', UNREAD, ['child', 'child', 'pipe-reader']),
         ('both write', BOTH_WRITE, ['pipe-reader', 'pipe-reader']),
         ('its own', OWN_PIPE, ['pipe-reader']),
         ('upgrade', UPGRADE, ['file', 'file']))


@cases(*PIPES)
def test_pipes(t, _, program, kinds):
    """Processes that wait for each other through pipes, locks, and for their children."""
    outcome = t.run(sys.executable, '-c', program, options=['-d', '2.5'])
    equal(outcome.code, 0, outcome)
    found = outcome.report['deadlocks']
    equal([sorted(row['kind'] for row in d['cycle']) for d in found], [kinds], found)
    expect(found[0]['proved_ns'] - found[0]['since_ns'] < PROOF_NS, found)
    check_members(outcome.report, found[0])
    equal(outcome.report['verdict']['class'], 'deadlocked')
    equal(outcome.stderr.count('concprof: deadlock:'), 1, outcome)


# The reader comes late; and who might read is not of the program.
SLOW = 'head -c 1000000 /dev/zero | { sleep 1.5; cat >/dev/null; }'
OUTSIDE = 'exec 3<&0; cat <&3 | cat & wait'
FAMILY = '(sleep 1.5 & wait) & wait'
ALARM = f'exec {sys.executable} -c "import signal, subprocess as s; signal.alarm(60); s.Popen(s.sys.argv[1:], stdout=s.PIPE).wait()" head -c 1000000 /dev/zero'


@cases(('slow reader', SLOW), ('outside', OUTSIDE), ('family', FAMILY), ('alarm', ALARM))
def test_no_pipes(t, _, command):
    """They stand, and somebody can go on."""
    read, write = os.pipe()
    try:
        outcome = t.run('sh', '-c', command, options=['-d', '2'], stdin=read)
    finally:
        os.close(read)
        os.close(write)
    equal(outcome.report['deadlocks'], [], outcome)
    expect('concprof: deadlock:' not in outcome.stderr, outcome)


test_pipes.calm = test_no_pipes.calm = True
