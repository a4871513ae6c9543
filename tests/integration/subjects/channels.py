# SPDX-License-Identifier: BSD-2-Clause
"""Channels between processes and threads: who waits for whom, and which stage is the slow one."""
import os
import shutil
import subprocess

from harness import PYTHON, Skip, cases, equal, expect, poll


def modes(build):
    """As the workload lists them: those of two sides with either slow all at once, others alone."""
    listed = subprocess.run([build / 'workloads' / 'channels'], capture_output=True, text=True,
                            check=True).stdout.split()
    for side in ('slow-reader', 'slow-writer'):
        yield (side, *(mode for mode in listed if mode.endswith(side)))
    yield from ((mode, mode) for mode in listed
                if not mode.endswith(('slow-reader', 'slow-writer')))


def test_truth(t, _, *names):
    """Each end has the waits and the times that there were, and so has each that it waited for; and each
    channel of a reader and a writer the messages."""
    t.truth('channels', *names, options=('-q', '--calls') if len(names) > 1 else ('-q',))


test_truth.cases = modes


# --- pipelines of a shell ------------------------------------------------------------------------

def text(size):
    """Of so many bytes, that gzip has some work with."""
    digits = os.urandom(size // 2).hex()
    return '\n'.join(digits[at:at + 59] for at in range(0, len(digits), 60)) + '\n'


def make_files(t, count, size):
    """A folder of so many, each of that size."""
    folder, content = t.dir / 'files', text(size)
    folder.mkdir()
    for number in range(count):
        (folder / f'file{number:03}').write_text(content, encoding='utf-8')
    return folder


# A reader as a person is one: a page, and a while to look at it.
PAGER = '''
import os, time
with open('/proc/self/comm', 'w') as comm:
    comm.write('pager')
while os.read(0, 65536):
    time.sleep(0.004)
'''


@cases(('tar', 'tar cf - . | gzip | sha256sum', 'gzip', 4, 1 << 20),
       ('yes', 'yes | head -n 20000000 | wc', 'wc', 0, 0),
       ('find', 'find . -type f | xargs -P2 -n 5 sha256sum | sort', 'sha256sum', 40, 1 << 20),
       ('pager', f'cat * | grep -v zebra | {PYTHON} -I -S -c "$1"', 'pager', 1, 1 << 21))
def test_bottleneck(t, _, pipeline, slow, count, size):
    """The stage that the others wait for is named, and no other."""
    for tool in ('tar', 'gzip', 'sha256sum', 'xargs', 'find', 'grep', 'wc', 'yes', 'sort'):
        if tool in pipeline and not shutil.which(tool):
            raise Skip(f'there is no {tool}')
    folder = make_files(t, count, size)
    outcome = t.run('sh', '-c', pipeline, 'sh', PAGER, cwd=folder,
                    env={**os.environ, 'LC_ALL': 'C'})
    equal(outcome.code, 0, outcome)
    found = [row['subject'] for row in outcome.report['findings']
             if row['rule'] == 'pipeline.bottleneck']
    equal(found, [slow], outcome.report['findings'])


# --- messages ------------------------------------------------------------------------------------

# For two seconds and a half; how many there were in each direction.
TO_AND_FRO = '''
import os, time
(to, there), (back, here) = os.pipe(), os.pipe()
end, n = time.monotonic() + 2.5, 0
if not os.fork():
    os.close(there)
    while os.read(to, 1):
        os.write(here, b'x')
    os._exit(0)
os.close(here)
while time.monotonic() < end:
    os.write(there, b'x')
    os.read(back, 1)
    n += 1
print(n)
'''


def test_messages(t):
    """Counted in a window, they are an estimate of all."""
    outcome = t.run(*t.python(TO_AND_FRO))
    equal(outcome.code, 0, outcome)
    n = int(outcome.stdout)
    rows = [row['messages'] for row in outcome.report['channels'] if row['kind'] == 'pipe']
    equal(len(rows), 2, outcome.report['channels'])
    for row in rows:
        equal(row['all_time'], False, row)
        for side in ('reads', 'writes'):
            expect(30 < row['seen_' + side] < n / 10 and 0.6 * n < row[side] < 1.5 * n, side, row, n)


# --- queues of Python's multiprocessing -----------------------------------------------------------

# Each of two processes notes what its calls waited: the growth of ru_nvcsw, and wall time less CPU time and
# run-queue delay.
QUEUES = """
import multiprocessing, os, resource, time
N = 40
mp = multiprocessing.get_context('fork')

def delay():
    with open('/proc/thread-self/schedstat', 'rb', buffering=0) as f:
        return int(f.read().split()[1])

def named(comm):
    with open('/proc/self/comm', 'w') as f:
        f.write(comm)

def measured(call, times, pause):
    waits = calls = waited = 0
    for i in range(times):
        time.sleep(pause)
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        at, cpu, late = time.monotonic_ns(), time.thread_time_ns(), delay()
        call(i)
        late, cpu, at = delay() - late, time.thread_time_ns() - cpu, time.monotonic_ns() - at
        grown = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
        waits += grown
        calls += grown > 0
        waited += at - cpu - late if grown else 0
    return calls, waits, waited

def run(name, call, pause):
    named(name)
    os.write(1, b'%s %d %d %d %d\\n' % (name.encode(), os.getpid(), *measured(call, N, pause)))

def end(name, call, pause):
    process = mp.Process(target=run, args=(name, call, pause))
    process.start()
    return process

def pair(name, get, put, slow):
    return [end(name + '-get', lambda i: get(), 0.004 if slow == 'get' else 0),
            end(name + '-put', put, 0.004 if slow == 'put' else 0)]

BIG = b'x' * 300000
children = []
filled, emptied = mp.Queue(), mp.Queue(1)
children += pair('queue', filled.get, filled.put, 'put')
children += pair('full', emptied.get, emptied.put, 'get')
for name, slow in (('pipe', 'put'), ('big', 'get')):
    reads, writes = mp.Pipe(duplex=False)
    children += pair(name, reads.recv_bytes, lambda i: writes.send_bytes(BIG if name == 'big' else b'x'), slow)
    reads.close()
    writes.close()
manager = mp.Manager()
shared = manager.Queue()
os.write(1, b'manager %d\\n' % manager._process.pid)
children += pair('shared', shared.get, shared.put, 'put')
for child in children:
    child.join()
manager.shutdown()
"""


def waits_of(report, waiter, source):
    """Of the flows from that process to the other one: number, time, kinds of channel."""
    found = [(channel['kind'], flow) for channel in report['channels'] for flow in channel['flows']
             if flow['waiter']['pid'] == waiter and (flow['for'] or {}).get('pid') == source]
    return (sum(flow['waits'] for _, flow in found), sum(flow['wait_ns'] for _, flow in found),
            {kind for kind, _ in found})


def waited_at(report, waiter, source):
    """What the one waited, whoever ended it, at channels where it waited for the other one."""
    return sum(end.get(side, {}).get('wait_ns', 0) for channel in report['channels']
               if any(flow['waiter']['pid'] == waiter and (flow['for'] or {}).get('pid') == source
                      for flow in channel['flows'])
               for end in channel['ends'] if end['pid'] == waiter for side in ('reads', 'writes'))


def waits_at_home(report, pid):
    """What its first thread's own clock took for such waits too: at locks and conditions, for memory, and what was
    stolen from it."""
    thread, = (row for row in report['threads'] if row['tid'] == pid)
    return thread['cpu']['stolen_ns'] + sum(
        wait['ns'] for cause, wait in thread['blocked'].items()
        if cause.startswith(('lock.', 'fault.', 'kernel.')) or cause in ('sync.cond', 'sync.futex'))


def test_multiprocessing(t):
    """Queue, Pipe and Manager: the quick side waits for the slow one, as long as it says itself."""
    outcome = t.run(PYTHON, '-I', '-c', QUEUES)
    equal(outcome.code, 0, outcome)
    ends = {name: tuple(map(int, rest)) for name, *rest in
            (line.split() for line in outcome.stdout.splitlines())}
    for waiter, source, kinds in (('queue-get', 'queue-put', {'pipe'}),
                                  ('full-put', 'full-get', {'sem'}),
                                  ('pipe-get', 'pipe-put', {'pipe'}),
                                  ('big-put', 'big-get', {'pipe'}),
                                  ('shared-get', 'manager', {'unix'})):
        pid, calls, truth_waits, truth_ns = ends[waiter]
        waits, _, through = waits_of(outcome.report, pid, ends[source][0])
        ns = waited_at(outcome.report, pid, ends[source][0])
        equal(through, kinds, waiter, outcome.report['channels'])
        expect(calls >= 20, 'the other side is slow', waiter, ends)
        slack = max(0.02 * truth_ns, 20e3 * truth_waits)
        least = truth_ns - slack - waits_at_home(outcome.report, pid)
        expect(calls - 2 <= waits and least <= ns, waiter, waits, ns, ends[waiter])
        if source == 'manager':  # which also greets it, and is a server
            continue
        expect(waits <= truth_waits + 2 and ns <= truth_ns + slack, waiter, waits, ns, ends[waiter])
        back = waits_of(outcome.report, ends[source][0], pid)
        expect(back[1] < 0.6 * ns, 'the slow side waits less', source, back, ns)


# --- addresses of both families ---------------------------------------------------------------------

# A server that has both families, and a client of each that is slow, and ends the connection.
FAMILIES = """
import os, socket, time
server = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)
port = server.getsockname()[1]
for family, address in ((socket.AF_INET6, '::1'), (socket.AF_INET, '127.0.0.1')):
    client = os.fork()
    if not client:
        with socket.socket(family) as to:
            to.connect((address, port))
            for _ in range(40):
                time.sleep(0.003)
                to.send(b'x')
            time.sleep(0.003)
        os._exit(0)
    peer = server.accept()[0]
    while peer.recv(1):
        pass
    print(os.getpid(), client)
    os.waitpid(client, 0)
"""


def test_families(t):
    """The two ends are told by ports and addresses, also where one has those of IPv4 and the other of IPv6."""
    if not os.path.exists('/proc/net/if_inet6'):
        raise Skip('there is no IPv6')
    outcome = t.run(PYTHON, '-I', '-S', '-c', FAMILIES)
    equal(outcome.code, 0, outcome)
    for line in outcome.stdout.splitlines():
        waits, _, through = waits_of(outcome.report, *map(int, line.split()))
        equal(through, {'tcp'}, line, outcome.report['channels'])
        expect(39 <= waits <= 44, line, outcome.report['channels'])


# --- Go ---------------------------------------------------------------------------------------------

CHANNELS = """
package main

import "time"

func main() {
	c, done := make(chan int), make(chan bool)
	go func() {
		for range c {
		}
		done <- true
	}()
	for i := 0; i < 200; i++ {
		time.Sleep(time.Millisecond)
		c <- i
	}
	close(c)
	<-done
}
"""


def test_go(t):
    """Goroutines wait in the runtime, of which the kernel sees threads that have nothing to run: no channel of Go's
    is told of, nor a slow side."""
    if not shutil.which('go'):
        raise Skip('there is no go')
    (t.dir / 'main.go').write_text(CHANNELS, encoding='utf-8')
    subprocess.run(['go', 'build', '-o', 'channels', 'main.go'], cwd=t.dir, check=True,
                   env={**os.environ, 'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})
    outcome = t.run(t.dir / 'channels')
    equal(outcome.code, 0, outcome)
    kinds = {(row['kind'], flow['waiter']['comm'], (flow['for'] or flow['waiter'])['comm'])
             for row in outcome.report['channels'] for flow in row['flows']}
    expect(kinds, 'threads of the runtime do wait')
    expect(kinds <= {(kind, 'channels', 'channels') for kind in ('futex', 'cond', 'pipe', 'eventfd')}, kinds)
    equal([row for row in outcome.report['findings'] if row['rule'] == 'pipeline.bottleneck'], [],
          outcome.report['findings'])


# --- the other end outside of the program ---------------------------------------------------------

HELPER = '''
import sys, time
with open('/proc/self/comm', 'w') as comm:
    comm.write('helper')
with open(sys.argv[1], 'wb', buffering=0) as fifo:
    for _ in range(60):
        time.sleep(0.003)
        fifo.write(b'x')
'''

READER = '''
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
while os.read(fd, 1):
    pass
'''


def test_end_outside(t):
    """It is named, though nobody measures it."""
    path = t.dir / 'fifo'
    os.mkfifo(path)
    helper = t.start(t.python(HELPER, path))
    poll(lambda: open(f'/proc/{helper.pid}/comm', encoding='utf-8').read() == 'helper\n',
         'the helper')
    outcome = t.run(*t.python(READER, path))
    equal((outcome.code, helper.wait()), (0, 0), outcome)
    row, = outcome.report['channels']
    equal((row['kind'], row['name']), ('fifo', str(path)), row)
    end, = (end for end in row['ends'] if end['process'])
    expect(58 <= end['reads']['waits'] <= 63, row)
    expect(0.15e9 < end['reads']['wait_ns'], row)
    source = [(flow['for']['pid'], flow['for']['comm'], flow['side']) for flow in row['flows']]
    equal(source, [(helper.pid, 'helper', 'reads')], row)
    expect(row['flows'][0]['waits'] >= 58, row)
