# SPDX-License-Identifier: BSD-2-Clause
"""concprof why: one look at what stands, against what it says of itself."""
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from harness import (Skip, cases, equal, expect, is_alive, poll, read_until, schema_problems,
                     state_of, without_bpf)

CALM = True  # see run.py

MS = 1_000_000
LATE_NS = 50 * MS     # from when a thread says that it comes until it is there
TIME_NS = 5 * MS      # a time-out is no more than so much later than it was asked for
NAP = [sys.executable, '-I', '-S', '-c', 'import time; print("up", flush=True); time.sleep(1000)']


# --- the parts ---------------------------------------------------------------------------------

def asked(pids):
    """As the command line takes them."""
    return ','.join(map(str, pids))


def why(t, *pids, options=(), **popen):
    """The outcome of a look, and its document if there is one, which is checked."""
    path = t.dir / f'why-{time.monotonic_ns()}.json'
    outcome = t.spawn([t.concprof, 'why', asked(pids), '--json', str(path), *options], **popen)
    if not path.exists():
        return outcome, None
    data = path.read_bytes()
    t.problems += schema_problems(data)
    return outcome, json.loads(data)


def look(t, *pids):
    """The document of a look that is to succeed."""
    outcome, document = why(t, *pids)
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    return document


def text_of(t, *pids):
    """What it prints."""
    outcome = t.spawn([t.concprof, 'why', asked(pids)])
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    return outcome.stdout


def end_gently(process):
    """It takes its children with it."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)


def stands(t, *args):
    """What the workload says once all of its threads stand."""
    process = t.start([t.workload('stands'), *map(str, args)], stdout=subprocess.PIPE)
    t.cleanup.callback(end_gently, process)
    return json.loads(read_until(process.stdout.fileno(), '\n'))


def threads_of(document):
    """(stand, thread) by tid."""
    return {thread['tid']: (stand, thread)
            for stand in document['stands'] for thread in stand['threads']}


def only(document, pid):
    """What the only thread of a process does."""
    found = [stand for stand in document['stands'] if stand['pid'] == pid]
    equal([stand['count'] for stand in found], [1], pid, found)
    return found[0]


def napper(t, **popen):
    """A process that sleeps, from its first moment there on."""
    process = t.start(NAP, stdout=subprocess.PIPE, **popen)
    read_until(process.stdout.fileno(), 'up')
    poll(lambda: state_of(process.pid) == 'S', 'its sleep')
    return process


# --- each kind of wait -------------------------------------------------------------------------

def check_needs(row, stand):
    """The process that could end the wait is named, and no other."""
    wanted = [(row['how'], row['needs'])] if row['how'] else []
    equal([(need['how'], need['pid']) for need in stand['waits_for']], wanted, row['name'])


def check_descriptor(row, stand):
    """The descriptor, or how many there are."""
    equal(stand['descriptors'], row['descriptors'], row['name'], stand)
    if row['fd'] >= 0:
        equal(stand['descriptor']['fd'], row['fd'], row['name'])


def check_stand(row, stand):
    """All that the thread knows of its wait."""
    state = 'blocked' if row['cause'] else stand['state']
    equal((stand['state'], stand['cause']), (state, row['cause']), row['name'])
    expect(state in ('blocked', 'running', 'queued'), row['name'], state)
    equal(stand['holder'], f"t{row['holder']}" if row['holder'] else None, row['name'])
    if row['lock']:
        equal(stand['lock']['kind'], row['lock'], row['name'])
    check_needs(row, stand)
    check_descriptor(row, stand)
    if state == 'blocked':
        expect(any(frame.startswith(row['function'] + ' ') for frame in stand['stack']),
               row['name'], stand['stack'])


def check_times(row, thread, before, after):
    """How long it has stood and how much is left, by the clock of who stands and looks."""
    if row['cause']:
        off = thread['off_cpu_ns']
        expect(before - row['came_ns'] - LATE_NS <= off <= after - row['came_ns'],
               row['name'], 'off the CPU', off, before - row['came_ns'], after - row['came_ns'])
    equal('left_ns' in thread, row['time'] > 0, row['name'], 'has a time-out')
    if row['time']:
        early = row['time'] - thread['off_cpu_ns'] - thread['left_ns']
        expect(-TIME_NS <= early <= LATE_NS, row['name'], thread, row['time'], early)


def test_each_wait(t):
    """A thread at each kind of wait: what for, with whom, since when, and how long yet."""
    truth = stands(t)
    before = time.monotonic_ns()
    document = look(t, truth['pid'])
    after = time.monotonic_ns()
    found = threads_of(document)
    for row in truth['threads']:
        stand, thread = found[row['tid']]
        equal((thread['comm'], stand['count']), (row['name'], 1), stand)
        check_stand(row, stand)
        check_times(row, thread, before, after)
    equal([(p['pid'], p['asked']) for p in document['looked_at']],
          [(truth['pid'], True), (truth['child'], False), (truth['partner'], False)], 'looked at')
    equal(document['deadlocks'], [], 'deadlocks')


def test_words(t):
    """What is waited for is named in the text: files, ports, symbols."""
    truth = stands(t)
    by_name = {row['name']: row['tid'] for row in truth['threads']}
    found = threads_of(look(t, truth['pid']))
    for name, words in (('fifo', 'stands.fifo'), ('server', f"port {truth['port']}"),
                        ('flock', str(t.dir / 'stands.whole')), ('plain', 'plain_lock (mutex)'),
                        ('cond', 'never_cond[0]'), ('barrier', 'never_full'),
                        ('parent', f"child ({truth['child']})"), ('sem', 'never_posted'),
                        ('writer', f"read by partner ({truth['partner']})")):
        expect(words in found[by_name[name]][0]['text'], words, found[by_name[name]][0]['text'])


def test_stopped(t):
    """Who is waited for is stopped: that is what it does, and why the others wait."""
    truth = stands(t)
    os.kill(truth['partner'], signal.SIGSTOP)
    poll(lambda: state_of(truth['partner']) == 'T', 'the stop')
    document = look(t, truth['pid'])
    os.kill(truth['partner'], signal.SIGCONT)
    stand = only(document, truth['partner'])
    equal((stand['state'], stand['cause'], stand['waits_for']), ('blocked', 'signal.stop', []))


def gdb(t, *args, **popen):
    """gdb on nobody's settings, if it is here."""
    if not shutil.which('gdb'):
        raise Skip('there is no gdb')
    return t.start(['gdb', '-nx', '-q', *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   **popen)


def test_traced(t):
    """A debugger holds who is waited for, and is looked at itself."""
    truth = stands(t)
    debugger = gdb(t, '-iex', 'set debuginfod enabled off', '-p', str(truth['partner']),
                   stdin=subprocess.PIPE)
    poll(lambda: state_of(truth['partner']) == 't', 'gdb')
    read_until(debugger.stdout.fileno(), '(gdb)')
    document = look(t, truth['pid'])
    stand = only(document, truth['partner'])
    equal(stand['cause'], 'signal.ptrace', stand)
    equal([(need['how'], need['pid']) for need in stand['waits_for']], [('tracer', debugger.pid)])
    expect(debugger.pid in [p['pid'] for p in document['looked_at'] if not p['asked']],
           document['looked_at'])
    os.kill(debugger.pid, signal.SIGKILL)


def test_zombie(t):
    """It is dead, and who has not reaped it is named."""
    process = t.start(['true'])
    poll(lambda: state_of(process.pid) == 'Z', 'its end')
    document = look(t, process.pid)
    stand = only(document, process.pid)
    equal((stand['state'], stand['cause'], stand['stack']), ('dead', None, []))
    expect(f'({os.getpid()})' in stand['text'], stand['text'])
    expect('dead' in text_of(t, process.pid), 'text')


# --- together ----------------------------------------------------------------------------------

def test_crowd(t):
    """Many that are alike are a group, and none is left out."""
    truth = stands(t, 'crowd', 500)
    document = look(t, truth['pid'])
    equal(sorted(stand['count'] for stand in document['stands']), [1, 500], 'groups')
    equal(sum(stand['count'] for stand in document['stands']),
          len(os.listdir(f"/proc/{truth['pid']}/task")), 'threads')
    equal(document['in_the_end'], {'thread': f"t{truth['pid']}", 'waiters': 500})
    expect('500 threads: ' in text_of(t, truth['pid']), 'text')


def test_chain(t):
    """Each waits for the next one, and all for the last one, in the end."""
    truth = stands(t, 'chain')
    document = look(t, truth['pid'])
    tids = [row['tid'] for row in truth['threads']]
    found = threads_of(document)
    equal([found[tid][0]['holder'] for tid in tids],
          [f't{tids[1]}', f't{tids[2]}', None], 'holders')
    equal(document['in_the_end'], {'thread': f't{tids[2]}', 'waiters': 2})
    equal(document['deadlocks'], [], 'deadlocks')


def pipeline(t, *commands):
    """Processes, each of which reads what the one before writes; the first one first."""
    started, source = [], subprocess.DEVNULL
    for command in commands:
        started.append(t.start(command, stdin=source, stdout=subprocess.PIPE))
        source = started[-1].stdout
    for process in started[:-1]:
        process.stdout.close()
        process.stdout = None
    return started


def test_pipeline(t):
    """Who is waited for is looked at, and who that waits for."""
    processes = pipeline(t, ['sleep', '1000'], ['cat'], ['cat'])
    pids = [process.pid for process in processes]
    for pid in pids:
        poll(lambda pid=pid: state_of(pid) == 'S', 'the wait')
    document = look(t, pids[2])
    equal(sorted((p['pid'], p['asked']) for p in document['looked_at']),
          sorted([(pids[0], False), (pids[1], False), (pids[2], True)]))
    for reader, writer in ((2, 1), (1, 0)):
        equal(only(document, pids[reader])['waits_for'],
              [{'how': 'writer', 'pid': pids[writer],
                'comm': 'cat' if writer else 'sleep'}], document)
    equal(document['in_the_end'], {'thread': f't{pids[0]}', 'waiters': 2})


def test_several(t):
    """All that were asked for, each of them once."""
    pids = [napper(t).pid for _ in range(3)]
    document = look(t, *pids, pids[0])
    equal(sorted((p['pid'], p['threads'], p['asked']) for p in document['looked_at']),
          sorted((pid, 1, True) for pid in pids))
    equal([stand['count'] for stand in document['stands']], [1, 1, 1])


def test_left_out(t):
    """Groups that --top leaves out are counted where they are: below their own process."""
    truth = stands(t)
    lines = text_of(t, truth['pid']).splitlines()
    left = [number for number, line in enumerate(lines) if '--top' in line]
    others = [number for number, line in enumerate(lines) if 'which is waited for' in line]
    equal(len(left), 1, lines)
    expect(left[0] < others[0], 'behind another process:', lines)


# --- deadlocks ---------------------------------------------------------------------------------

def owners_by_gdb(t, pid, locks):
    """What stands in each mutex."""
    options = [word for lock in locks for word in ('-ex', f'print {lock}.__data.__owner')]
    outcome = t.finish(gdb(t, '-batch', '-iex', 'set debuginfod enabled off', '-p', str(pid),
                           '-ex', 'thread apply all bt', *options))
    equal(outcome.code, 0, outcome)
    return outcome.stdout, [int(value) for value in re.findall(r'^\$\d+ = (\d+)', outcome.stdout,
                                                               re.M)]


def test_knot(t):
    """Two that wait for each other: as they say, and as a debugger finds them."""
    truth = stands(t, 'knot')
    document = look(t, truth['pid'])
    equal(len(document['deadlocks']), 1, document['deadlocks'])
    cycle = document['deadlocks'][0]['cycle']
    equal({(row['tid'], row['held_by']) for row in cycle},
          {(row['tid'], row['holder']) for row in truth['threads']}, 'cycle')
    equal({row['name'] for row in cycle}, {'link_lock[0]', 'link_lock[1]'})
    came = max(row['came_ns'] for row in truth['threads'])
    stood = document['deadlocks'][0]['seen_ns'] - document['deadlocks'][0]['since_ns']
    expect(0 < stood <= time.monotonic_ns() - came + LATE_NS, 'stood', stood)
    said, owners = owners_by_gdb(t, truth['pid'], [row['name'] for row in cycle])
    equal(owners, [row['held_by'] for row in cycle], said)
    equal(said.count('take_next'), 2, said)


def edges(rows):
    """Who waits for whom."""
    return frozenset((row['tid'], row['held_by']) for row in rows)


def members(pid):
    """The process and all of its descendants."""
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
        children = [int(child) for child in file.read().split()]
    return [pid, *(member for child in children for member in members(child))]


def look_at_all(t, pid):
    """The document of a look at the program and its descendants, if all are still there."""
    try:
        return why(t, *members(pid))[1]
    except OSError:
        return None


def looks(t, process):
    """The documents of looks at a program, until it ends or a deadlock has been found."""
    found = []
    while is_alive(process.pid) and not (found and found[-1]['deadlocks']):
        document = look_at_all(t, process.pid)
        found += [document] if document else []
    last = look_at_all(t, process.pid)  # some may have been on their way before
    return [*found, last] if last else found


@cases(('two', 1), ('pi', 1), ('behind', 1), ('two-cycles', 2), ('philosophers', 1),
       ('hundred', 1), ('timed', 0), ('slow-holder', 0), ('recursive', 0), ('stopped', 0),
       ('inherited', 0), ('cond', 0), ('readers', 0), ('join-chain', 0), ('namespaces', 0))
def test_deadlocks(t, mode, number):
    """As the workload says at its end; of what only looks like one, none at any time."""
    process = t.start([t.workload('deadlocks'), mode], stdout=subprocess.PIPE,
                      env={**os.environ, 'CONCPROF_TRUTH': str(t.dir / 'truth.json')})
    documents = looks(t, process)
    outcome = t.finish(process)
    equal(outcome.code, 0, outcome)
    truth = json.loads(outcome.stdout)['deadlocks']
    equal(len(truth), number, 'the workload')
    expect(documents, 'no look came in time')
    wanted = {(d['kind'], *(frozenset(map(tuple, d[key])) for key in ('cycle', 'behind')))
              for d in truth}
    found = [{(d['kind'], edges(d['cycle']), edges(d['behind'])) for d in document['deadlocks']}
             for document in documents]
    expect(wanted in found, 'deadlocks', wanted, found)
    equal({cycle for deadlocks in found for _, cycle, _ in deadlocks} -
          {cycle for _, cycle, _ in wanted}, set(), 'none of it')
    for document in documents:
        rules = {finding['rule'] for finding in document['findings']}
        equal('deadlock' in rules, bool(document['deadlocks']), rules)


def test_fail_on(t):
    """A condition on what was found decides the status."""
    for mode, status in (('knot', 99), ('chain', 0)):
        truth = stands(t, mode)
        outcome, document = why(t, truth['pid'], options=['--fail-on', 'deadlocks > 0'])
        equal(outcome.code, status, mode, outcome)
        equal(document['gates'][0]['holds'], status == 99, document['gates'])


# --- what cannot be looked at ------------------------------------------------------------------

def refused(t, pids, *words):
    """One line that says why, and nothing else."""
    path = t.dir / 'refused.json'
    outcome = t.spawn([t.concprof, 'why', pids, '--json', str(path)])
    equal((outcome.code, outcome.stdout, outcome.stderr.count('\n')), (125, '', 1), pids, outcome)
    expect(outcome.stderr.startswith('concprof: '), pids, outcome)
    for word in words:
        expect(word in outcome.stderr, word, outcome)
    expect(not path.exists(), 'a report was written', pids)


def gone_pid():
    """Of a process that has been."""
    process = subprocess.Popen(['true'])
    process.wait()
    return process.pid


def test_refused(t):
    """What is no process, or none that can be looked at."""
    nap = napper(t)
    truth = stands(t, 'knot')
    tid = truth['threads'][0]['tid']
    refused(t, str(gone_pid()), 'no process')
    refused(t, f'{nap.pid},{gone_pid()}', 'no process')
    refused(t, str(tid), 'thread', str(truth['pid']))
    for nonsense in ('0', '-1', 'x', '', f'{nap.pid},', f'{nap.pid}x', '99999999999999', '1.5'):
        refused(t, nonsense)


def test_kernel_thread(t):
    """The kernel's own have no program."""
    with contextlib.suppress(OSError):
        with open('/proc/2/comm', encoding='utf-8') as file:
            if file.read() == 'kthreadd\n':
                refused(t, '2', 'kernel')
                return
    raise Skip("the kernel's threads are not to be seen here")


def test_usage(t):
    """Without a process."""
    for args in ((), ('-q',)):
        outcome = t.spawn([t.concprof, 'why', *args])
        equal((outcome.code, outcome.stdout), (125, ''), args, outcome)
        expect(outcome.stderr.startswith('concprof: no process given'), outcome)


@without_bpf
def test_not_root(t):
    """Says what to do instead."""
    if os.getuid() or not shutil.which('setpriv'):
        raise Skip('not root, or there is no setpriv')
    nobody = pwd.getpwnam('nobody')
    program = t.dir / 'concprof'
    # The build may lie where nobody may look. Not by this process: what another test forks meanwhile would
    # have the file open to be written, and then nobody can execute it.
    subprocess.run(['cp', t.concprof, program], check=True)
    program.chmod(0o755)
    path = t.dir / 'refused.json'
    outcome = t.spawn(['setpriv', f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}',
                       '--clear-groups', str(program), 'why', str(os.getpid()), '--json',
                       str(path)], cwd='/')
    equal((outcome.code, outcome.stdout), (125, ''), outcome)
    expect('sudo' in outcome.stderr, outcome)
    expect(not path.exists(), 'a report was written')


def test_other_namespace(t):
    """A process has the number that it has here."""
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')
    outer = t.start(['unshare', '-p', '-f', '--kill-child', '--mount-proc', *NAP],
                    stdout=subprocess.PIPE)
    read_until(outer.stdout.fileno(), 'up')
    inner = members(outer.pid)[1]
    poll(lambda: state_of(inner) == 'S', 'its sleep')
    document = look(t, inner)
    equal(only(document, inner)['cause'], 'timer.sleep', document)
    document = look(t, outer.pid)
    equal(only(document, outer.pid)['waits_for'],
          [{'how': 'child', 'pid': inner, 'comm': only(document, inner)['threads'][0]['comm']}])


def test_gone_meanwhile(t):
    """It may end at any moment of the look: found or not found, and nothing else."""
    for number in range(12):
        parent = t.start(['sh', '-c', f'sleep {number * 0.012} & echo $!; wait'],
                         stdout=subprocess.PIPE)
        pid = int(read_until(parent.stdout.fileno(), '\n'))
        outcome, document = why(t, pid)
        expect((outcome.code, bool(document)) in ((0, True), (125, False)), outcome)
        equal(outcome.stderr.count('\n'), int(outcome.code == 125), outcome)
        if document:
            equal([p['pid'] for p in document['looked_at'] if p['asked']], [pid], document)
        parent.wait()


def test_comes_and_goes(t):
    """Of a process whose children live for moments only each look succeeds."""
    busy = t.start(['sh', '-c', 'echo up; while :; do true | cat; done'], stdout=subprocess.PIPE)
    read_until(busy.stdout.fileno(), 'up')
    for _ in range(10):
        document = look(t, busy.pid)
        equal(document['deadlocks'], [], document['deadlocks'])


# --- nothing is changed -----------------------------------------------------------------------

def switches(pid):
    """Of each of its threads."""
    counts = {}
    for tid in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{tid}/status', encoding='utf-8', errors='replace') as file:
            counts[tid] = re.findall(r'ctxt_switches:\t(\d+)', file.read())
    return counts


def test_undisturbed(t):
    """No thread that stands is woken by it, nor stopped."""
    truth = stands(t)
    computer = [str(row['tid']) for row in truth['threads'] if not row['cause']]
    pids = [truth['pid'], truth['partner'], truth['child']]
    # Who said so may be on its way to sleep yet.
    poll(lambda: state_of(truth['pid']) == 'S', 'the sleep of its first thread')
    before = [switches(pid) for pid in pids]
    look(t, truth['pid'])
    after = [switches(pid) for pid in pids]
    for counts in (*before, *after):
        for tid in computer:
            counts.pop(tid, None)
    equal(after, before, 'switches')


# Each shell waits for its child, the last of which sleeps.
NESTED = '''
nest() { if [ "$1" -gt 0 ]; then (nest $(($1 - 1))); true; else echo up; exec sleep 1000; fi; }
nest "$0"
'''


def test_far_away(t):
    """However long the chain is, it is followed to its end."""
    process = t.start(['sh', '-c', NESTED, '20'], stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'up')
    poll(lambda: (look(t, process.pid)['in_the_end'] or {}).get('waiters') == 20,
         'twenty that wait for the last')
    equal(len(look(t, process.pid)['looked_at']), 21, 'processes')


# Two threads read from two pipes; the second one's descriptor is closed under it.
CLOSED = '''
import os, threading, time
pipes = os.pipe(), os.pipe()
threads = [threading.Thread(target=os.read, args=(pipe[0], 1), daemon=True) for pipe in pipes]
for thread in threads:
    thread.start()
while any(open(f'/proc/self/task/{thread.native_id}/syscall').read().split()[0]
          not in ('0', '63') for thread in threads): # read(2), of x86-64 and arm64
    time.sleep(0.01)
os.close(pipes[1][0])
print(*(thread.native_id for thread in threads), flush=True)
time.sleep(1000)
'''


def test_closed_meanwhile(t):
    """Nothing is said of what a descriptor was, least of all by another thread's."""
    process = t.start([sys.executable, '-I', '-S', '-c', CLOSED], stdout=subprocess.PIPE)
    open_one, closed_one = map(int, process.stdout.readline().split())
    stands = {row['tid']: stand for stand in look(t, process.pid)['stands']
              for row in stand['threads']}
    equal([need['how'] for need in stands[open_one]['waits_for']], ['writer'], 'the first')
    equal((stands[closed_one]['cause'], stands[closed_one]['waits_for']), ('unknown', []),
          'the second')


def bpf_ids(what):
    """Of all programs or links that are loaded."""
    outcome = subprocess.run(['bpftool', '-j', what, 'list'], capture_output=True, check=True)
    return {row['id'] for row in json.loads(outcome.stdout or '[]')}


def test_nothing_left(t):
    """No program and no link stays in the kernel; others may come and go."""
    if not shutil.which('bpftool'):
        raise Skip('there is no bpftool')
    nap = napper(t)
    before = {what: bpf_ids(what) for what in ('prog', 'link', 'map')}
    look(t, nap.pid)
    for what, ids in before.items():
        new = bpf_ids(what) - ids
        poll(lambda what=what, new=new: not new & bpf_ids(what), f'the end of each {what}')


# --- hostile names ----------------------------------------------------------------------------

HOSTILE = 'a\n\x1b[31m\r\x07b\t\x9b"\\\N{SNOWMAN}'
HOSTILE_PROGRAM = '''
import fcntl, os, sys
name = sys.argv[1]
open('/proc/self/comm', 'w').write(name)
mine, other = open(name, 'w'), open(name, 'w')
fcntl.flock(mine, fcntl.LOCK_EX)
print('up', flush=True)
fcntl.flock(other, fcntl.LOCK_EX)
'''


def test_hostile_names(t):
    """Names of processes, arguments and files reach neither the terminal nor break the JSON."""
    process = t.start([sys.executable, '-I', '-S', '-c', HOSTILE_PROGRAM, HOSTILE],
                      stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'up')
    poll(lambda: state_of(process.pid) == 'S', 'its wait')
    document = look(t, process.pid)
    stand = only(document, process.pid)
    equal(stand['cause'], 'lock.file', stand)
    expect(HOSTILE in document['looked_at'][0]['args'], document['looked_at'])
    expect(stand['descriptor']['target'].endswith(HOSTILE), stand['descriptor'])
    text = text_of(t, process.pid)
    bad = [char for char in text if ord(char) < 32 and char != '\n' or 127 <= ord(char) < 160]
    equal(bad, [], 'control characters in', text)
    expect(not any(line.startswith('b') for line in text.splitlines()), text)


# --- more than the workload has ------------------------------------------------------------------

TWO_LOCKS = '''
import fcntl, sys, threading
files = [open(name, 'w') for name in sys.argv[1:]]
threads = [threading.Thread(target=fcntl.flock, args=(file, fcntl.LOCK_EX)) for file in files]
for thread in threads:
    thread.start()
print('up', flush=True)
'''


def holder_of(t, name):
    """A process that has a file locked."""
    process = t.start([*t.python("import fcntl, sys, time; f = open(sys.argv[1], 'w'); "
                                 "fcntl.flock(f, fcntl.LOCK_EX); print('up', flush=True); "
                                 "time.sleep(1000)"), name], stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'up')
    return process.pid


def test_two_files(t):
    """Each thread waits for who has its own file."""
    names = [str(t.dir / name) for name in ('one', 'other')]
    holders = {name: holder_of(t, name) for name in names}
    process = t.start([*t.python(TWO_LOCKS), *names], stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'up')
    poll(lambda: len(blocked_by_locks(process.pid)) == 2, 'both waits')
    found = {stand['descriptor']['target']: [need['pid'] for need in stand['waits_for']]
             for stand in look(t, process.pid)['stands'] if stand['cause'] == 'lock.file'}
    equal(found, {name: [pid] for name, pid in holders.items()})


def blocked_by_locks(pid):
    """What the kernel lists of its waits for locks of files."""
    with open('/proc/locks', encoding='ascii') as file:
        return [line for line in file if '->' in line and f' {pid} ' in line]


FIRST_ENDS = '''
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).pthread_exit(0)
'''


def test_first_thread_has_ended(t):
    """Others of the process go on: nobody could reap it."""
    process = t.start(t.python(FIRST_ENDS))
    poll(lambda: state_of(process.pid) == 'Z', 'the end of its first thread')
    document = look(t, process.pid)
    texts = {stand['threads'][0]['tid'] == process.pid: stand['text']
             for stand in document['stands']}
    equal(sorted(texts.values()), ['has ended, before others of the process', 'sleeps'], texts)


MANY_PIPES = '''
import os, resource, sys, threading
count = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 100,) * 2)
threading.stack_size(65536)
for _ in range(count):
    threading.Thread(target=os.read, args=(os.pipe()[0], 1)).start()
print('up', flush=True)
'''


def test_many_pipes(t):
    """More than there is room for, each with a thread: all are counted, and what is left out."""
    count = 4200
    process = t.start(t.python(MANY_PIPES, count), stdout=subprocess.PIPE,
                      stderr=subprocess.DEVNULL)
    try:
        read_until(process.stdout.fileno(), 'up')
    except AssertionError as why_not:
        raise Skip(f'not that many threads here: {why_not}') from why_not
    document = look(t, process.pid)
    omitted = {row['what']: row['count'] for row in document['omitted']}
    equal(document['looked_at'][0]['threads'], count + 1)
    equal(len(document['stands']) + omitted.get('stands', 0), count + 1, omitted)
    expect(omitted.get('stands', 0) > 0, omitted)


def test_no_peer(t):
    """A socket that is connected to nobody has no address to be named."""
    process = t.start(t.python("import socket; s = socket.socket(type=socket.SOCK_DGRAM); "
                               "s.bind(('127.0.0.1', 0)); print('up', flush=True); s.recv(1)"),
                      stdout=subprocess.PIPE)
    read_until(process.stdout.fileno(), 'up')
    poll(lambda: state_of(process.pid) == 'S', 'its wait')
    stand = only(look(t, process.pid), process.pid)
    expect(stand['descriptor']['target'].startswith('socket:['), stand)



def test_ipv6(t):
    """A connection by IPv6 has a peer as well."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_INET6))
        try:
            server.bind(('::1', 0))
        except OSError as why_not:
            raise Skip(f'no IPv6: {why_not}') from why_not
        server.listen()
        port = server.getsockname()[1]
        code = (f"import socket; s = socket.create_connection(('::1', {port})); "
                "print('up', flush=True); s.recv(1)")
        process = t.start([sys.executable, '-I', '-S', '-c', code], stdout=subprocess.PIPE)
        stack.enter_context(server.accept()[0])
        read_until(process.stdout.fileno(), 'up')
        poll(lambda: state_of(process.pid) == 'S', 'its wait')
        stand = only(look(t, process.pid), process.pid)
    equal([(need['how'], need['pid']) for need in stand['waits_for']],
          [('peer', os.getpid())], stand)


for test in (test_words, test_stopped, test_traced, test_zombie, test_crowd, test_chain,
             test_pipeline, test_several, test_left_out, test_knot, test_deadlocks, test_fail_on,
             test_refused, test_kernel_thread, test_usage, test_not_root, test_other_namespace,
             test_hostile_names, test_two_files, test_first_thread_has_ended, test_many_pipes,
             test_no_peer, test_ipv6):
    test.calm = True
