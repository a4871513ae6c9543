# SPDX-License-Identifier: BSD-2-Clause
"""The timeline: replayed it gives the ledgers, and what is drawn of it has the same sums."""
import bisect
import collections
import itertools
import os
import pathlib
import re
import shutil
import struct
import subprocess

from harness import cases, equal, expect, needs

HERE = pathlib.Path(__file__).parents[1]

SLEEPER = ('import os, threading, time\n'
           'threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(4)]\n'
           '[thread.start() for thread in threads]\n'
           'if not os.fork():\n time.sleep(0.1)\n os._exit(0)\n'
           'os.wait()\nsum(range(3000000))\n[thread.join() for thread in threads]')


MODES = {'awkward': 'pi-mutex', 'channels': 'pipe-slow-reader', 'deadlocks': 'two', 'dining': 'banker',
         'echo': 'threads', 'habits': 'one', 'kinds': 'threads', 'lives': 'late', 'locks': 'mutex',
         'loops': 'select-10', 'pingpong': '--time 60000', 'schedule': 'nice', 'sites': 'few',
         'steady': 'compute', 'targets': 'aio'}


def workloads(build):
    """Each bundled one, in one of its ways to work; and some more."""
    names = sorted(path.name for path in (build / 'workloads').iterdir()
                   if path.is_file() and not path.suffix and os.access(path, os.X_OK))
    yield from ((' '.join((name, *MODES.get(name, '').split())),) for name in names)
    yield ('targets uring',)
    yield ('survivors',)


def test_replay(t, line):
    """Told each step of the timeline, a ledger becomes what the kernel has added up, to the last
    nanosecond; and a switch takes no more than 16 bytes."""
    recording, (name, *arguments) = t.dir / 'recording', line.split()
    command = (t.workload(name), *arguments)
    if name == 'survivors':
        command = ('sh', '-c', 'sleep 3 >/dev/null 2>&1 & sleep 0.1')
    outcome = t.run(*command, as_json=False,
                    options=['-q', '--timeline', '--hang-after', '1', '-d', '2', '--format', 'recording',
                             '-o', recording])
    expect(outcome.code in (0, 1, 99), outcome)
    replayed = subprocess.run([t.build / 'tests/replay', recording], capture_output=True, text=True,
                              check=False)
    equal(replayed.returncode, 0, replayed.stdout[-2000:])
    threads, steps, size, lost = map(int, re.search(
        r'(\d+) threads, (\d+) steps in (\d+) bytes, (\d+) lost', replayed.stdout).groups())
    equal(lost, 0, replayed.stdout)
    # What begins and ends a thread that is measured stands alone, with no time before it.
    expect(size <= 16 * steps + 16 * threads + 256, replayed.stdout)


test_replay.cases = workloads
test_replay.calm = True


# --- perfetto ------------------------------------------------------------------------------------

def varint(data, at):
    """(number, where the next thing begins)"""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return number, at


def fields(data):
    """What each field of a message holds, in order: numbers, and bytes."""
    found, at = collections.defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 1:
            value, at = struct.unpack_from('<d', data, at)[0], at + 8
        else:
            value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        else:
            expect(key & 7 in (0, 1), 'only numbers and what has a length')
        found[key >> 3].append(value)
    return found


def numbers(data):
    """A packed list."""
    at, found = 0, []
    while at < len(data):
        number, at = varint(data, at)
        found.append(number)
    return found


def on_cpus(packets):
    """How long each thread had a CPU, by its number."""
    since, ran = {}, collections.Counter()
    for packet in packets:
        for bundle in map(fields, packet[1]):
            sched = fields(bundle[4][0])
            now = 0
            for step, pid in zip(numbers(sched[1][0]) if sched[1] else (),
                                 numbers(sched[3][0]) if sched[3] else ()):
                now += step
                cpu = bundle[1][0]
                before, begun = since.get(cpu, (0, 0))
                expect(now >= begun, 'a CPU goes from one to the next')
                ran[before] += now - begun
                since[cpu] = pid, now
    expect(all(not pid for pid, _ in since.values()), 'nobody has a CPU at the end', since)
    return ran


def wakings(packets):
    """How often who woke whom: (tid, waker's tid), of an interrupt None. Its waker is who has the CPU."""
    switches, wakes, woken = collections.defaultdict(list), collections.defaultdict(list), collections.Counter()
    for packet in packets:
        for bundle in map(fields, packet[1]):
            sched, cpu = fields(bundle[4][0]), bundle[1][0]
            # Of each the first is a time, the others are since the one before, in one message.
            for kept, at, *rest in ((switches, 1, 3), (wakes, 7, 8, 9, 12)):
                times = itertools.accumulate(numbers(sched[at][0]) if sched[at] else ())
                kept[cpu] += zip(times, *(numbers(sched[row][0]) if sched[row] else () for row in rest))
    for cpu, rows in wakes.items():
        equal(rows, sorted(rows, key=lambda row: row[0]), 'in order')
        for at, tid, _, flags in rows:
            before = bisect.bisect_right(switches[cpu], (at, 1 << 62)) - 1
            woken[tid, None if flags & 8 else switches[cpu][before][1] if before >= 0 else 0] += 1
    return woken


def waits(packets):
    """How long each thread waited for what, by its number and the name of that; and all of them where."""
    names, threads, parents, open_at = {}, {}, {}, {}
    waited, where = collections.Counter(), collections.Counter()
    for packet in packets:
        for interned in map(fields, packet[12]):
            names.update({fields(name)[1][0]: fields(name)[2][0].decode() for name in interned[2]})
        for track in map(fields, packet[60]):
            parents[track[1][0]] = track[5][0] if track[5] else None
            if track[4]:
                threads[track[1][0]] = fields(track[4][0])[2][0]
        for event in map(fields, packet[11]):
            track, at = event[11][0], packet[8][0]
            if event[9][0] > 2: # of a counter
                continue
            if event[9][0] == 1:
                expect(track not in open_at, 'waits of one thread follow each other')
                open_at[track] = at, names[event[10][0]]
            else:
                begun, name = open_at.pop(track)
                expect(begun < at, 'a wait takes time')
                waited[threads[parents[track]], name.split(' ', 1)[0]] += at - begun
                where[name] += at - begun
    equal(open_at, {}, 'each wait has an end')
    return waited, where


def counted(packets):
    """What each counter comes to: thread-nanoseconds."""
    names, values, sums = {}, collections.defaultdict(list), collections.Counter()
    for packet in packets:
        for track in map(fields, packet[60]):
            if track[8]:
                names[track[1][0]] = track[2][0].decode()
        for event in map(fields, packet[11]):
            if event[9][0] == 4:
                values[names[event[11][0]]].append((packet[8][0], event[44][0]))
    for name, rows in values.items():
        equal(rows[-1][1], 0, name, 'comes to an end')
        for (at, value), (until, _) in itertools.pairwise(rows):
            expect(until > at and value >= 0, name, at, value)
            sums[name] += value * (until - at)
    return sums


def test_counters(t):
    """How many threads did what, over time, adds up to what they did."""
    trace = t.dir / 'trace'
    report = t.run(*t.python(SLEEPER), options=['-q', '--format', 'perfetto', '-o', trace]).report
    sums = counted([fields(packet) for packet in fields(trace.read_bytes())[1]])
    expected = collections.Counter()
    for thread in report['threads']:
        expected['threads running'] += thread['states']['running_ns']
        expected['threads ready, without a CPU'] += thread['states']['woken_ns'] + thread['states']['preempted_ns']
        for key, ns in thread['waited_for'].items():
            expected['threads waiting: ' + key.removesuffix('_ns')] += ns
    equal(sums.keys() - expected.keys(), set())
    for name, ns in expected.items():
        expect(abs(sums[name] - ns) <= ns * 0.001 + 200_000, name, sums[name], ns)


def test_perfetto(t):
    """What Perfetto is told adds up to the ledgers: time on CPUs, and waits by their cause."""
    trace = t.dir / 'trace'
    report = t.run(*t.python(SLEEPER), options=['-q', '--format', 'perfetto', '-o', trace]).report
    packets = [fields(packet) for packet in fields(trace.read_bytes())[1]]
    ran, (waited, _) = on_cpus(packets), waits(packets)
    expect(len(report['threads']) >= 6, report['threads'])
    for thread in report['threads']:
        equal(ran[thread['tid']], thread['states']['running_ns'], thread)
        equal(sum(ns for (tid, _), ns in waited.items() if tid == thread['tid']),
              thread['states']['blocked_ns'], thread)
        for cause, wait in thread['blocked'].items():
            # What a futex is for is known of the whole, and not at each wait.
            if not cause.startswith(('lock.', 'sync.', 'unknown')):
                equal(waited[thread['tid'], cause], wait['ns'], cause, thread)
    by_id, expected = {thread['id']: thread['tid'] for thread in report['threads']}, collections.Counter()
    for row in report['wakings']:
        if row['by'] != 'outside':
            expected[by_id[row['thread']], by_id[row['waker']] if 'waker' in row else None] += row['waits']
    woken = wakings(packets)
    equal({key: woken[key] for key in expected}, dict(expected), 'who woke whom')
    tree = fields(next(packet[2][0] for packet in packets if packet[2]))
    equal({fields(one)[1][0] for one in tree[1]}, {one['pid'] for one in report['processes']})
    equal({fields(one)[1][0] for one in tree[2]}, {one['tid'] for one in report['threads']})


# Locks and a FIFO that two threads meet at, in C since a lock of Python's has no name of its own.
@cases(('files', 'targets', 'fifo'), ('locks', 'mutex'))
def test_places(t, _, *workload):
    """Waits stand at what they were for, with the name that the report has for it, and for as long."""
    trace = t.dir / 'trace'
    report = t.run(t.workload(workload[0]), *workload[1:],
                   options=['-q', '--format', 'perfetto', '-o', trace]).report
    _, where = waits([fields(packet) for packet in fields(trace.read_bytes())[1]])
    rows = [(f'{row["kind"]} {row["name"]}', row['wait_ns']) for row in report['locks']]
    rows += [(f'{row["cause"]} {row["target"]}', row['wait_ns']) for row in report['io']]
    expected = collections.Counter()
    for name, ns in rows:
        expected[name] += ns
    expect(expected.most_common(1)[0][1] > 10_000_000, expected)
    for name, ns in expected.items():
        expect(abs(where[name] - ns) <= ns * 0.01 + 100_000, name, ns, where)
    path, names = report['critical_path'], {name.split(' ', 1)[1] for name in expected}
    on_path = {row['where'] for row in path['parts'] + path['hops'] if 'where' in row}
    expect(on_path and on_path <= names, on_path, names)


def test_protoc(t):
    """Protobuf's own compiler reads all of it by the definition that is kept here: nothing is left over."""
    needs(shutil.which('protoc'), 'protoc')
    trace = t.dir / 'trace'
    t.run(*t.python(SLEEPER), options=['-q', '--format', 'perfetto', '-o', trace], as_json=False)
    with trace.open('rb') as file:
        decoded = subprocess.run(['protoc', f'--proto_path={HERE}', '--decode=perfetto.protos.Trace',
                                  'perfetto.proto'], stdin=file, capture_output=True, text=True, check=False)
    equal((decoded.returncode, decoded.stderr), (0, ''))
    unknown = re.findall(r'^ *\d+[:{ ].*', decoded.stdout, re.M)
    equal(unknown[:3], [], 'fields that the definition lacks')
    expect('compact_sched' in decoded.stdout and 'name: "timer.sleep"' in decoded.stdout, decoded.stdout[:500])


def test_none(t):
    """A measurement without a timeline has none to show, and that is said."""
    recording, trace = t.dir / 'recording', t.dir / 'trace'
    t.run('true', options=['-q', '--format', 'recording', '-o', recording], as_json=False)
    outcome = t.spawn([t.concprof, 'report', recording, '--format', 'perfetto', '-o', trace])
    equal(outcome.code, 125, outcome)
    expect('--timeline' in outcome.stderr and not trace.exists(), outcome)


def test_wakers(t):
    """Each wait whose end was seen has one who ended it, and together they are the ledger's waits."""
    report = t.run(*t.python(SLEEPER), options=['-q', '--timeline']).report
    by_id = {thread['id']: thread for thread in report['threads']}
    sums = collections.defaultdict(lambda: [0, 0])
    for row in report['wakings']:
        sums[row['thread'], row['cause']][0] += row['waits']
        sums[row['thread'], row['cause']][1] += row['ns']
        expect(('waker' in row) == (row['by'] == 'thread'), row)
        if row['cause'] == 'timer.sleep':
            equal(row['by'], 'interrupt', row)
        if row['cause'] == 'child.wait':
            equal(by_id[row['waker']]['pid'] != by_id[row['thread']]['pid'], True, row)
    for thread in report['threads']:
        for cause, wait in thread['blocked'].items():
            if not cause.startswith(('lock.', 'sync.', 'unknown')) and not wait['open']:
                equal(sums[thread['id'], cause], [wait['count'], wait['ns']], cause, thread)


# What computes lets others have the interpreter meanwhile.
CHAIN = ('import hashlib, os, threading, time\n'
         'def count(): hashlib.pbkdf2_hmac("sha256", b"", b"", 150000)\n'
         'def sleep(): time.sleep(0.02)\n'
         'a, b = threading.Thread(target=count), threading.Thread(target=sleep)\n'
         'b.start(); a.start(); b.join(); a.join()\n'
         'time.sleep(0.1)\n'
         'if not os.fork():\n count()\n os._exit(0)\n'
         'os.wait()')


def test_critical_path(t):
    """The path is the thread that counts, the sleep, and the child that counts; not who sleeps meanwhile."""
    report = t.run(*t.python(CHAIN), options=['-q', '--timeline']).report
    path, threads = report['critical_path'], report['threads']
    main, child = threads[0], next(one for one in threads if one['pid'] != threads[0]['pid'])
    counter = max((one for one in threads[1:] if one is not child),
                  key=lambda one: one['states']['running_ns'])
    sleeper = next(one for one in threads[1:] if one is not child and one is not counter)
    equal(path['thread'], main['id'])
    equal((path['start_ns'], path['end_ns']), (0, main['end_ns']))
    equal(sum(path[f'{what}_ns'] for what in ('running', 'queued', 'blocked', 'unknown')), path['end_ns'])
    equal(path['unknown_ns'], 0)
    running = {part['thread']: part['ns'] for part in path['parts'] if part['what'] == 'running'}
    for one in (counter, child):
        expect(running[one['id']] >= 0.8 * one['states']['running_ns'], one, running)
    expect(running.get(sleeper['id'], 0) < 0.05 * path['end_ns'], running)
    slept = [part for part in path['parts'] if part.get('cause') == 'timer.sleep' and part['thread'] == main['id']]
    expect(len(slept) == 1 and 0.1e9 <= slept[0]['ns'] < 0.11e9 + main['states']['woken_ns'], slept)
    expect(not [part for part in path['parts'] if part.get('cause') == 'timer.sleep' and part['thread'] == sleeper['id']
                and part['ns'] > 0.02e9 * 0.9], path['parts'])
    hops = {(hop['from'], hop['to']): hop for hop in path['hops'] if not hop['created']}
    expect(hops[child['id'], main['id']]['cause'] == 'child.wait', path['hops'])
    expect((counter['id'], main['id']) in hops, path['hops'])
    expect(any(hop['created'] and hop['to'] == child['id'] for hop in path['hops']), path['hops'])
