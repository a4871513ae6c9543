# SPDX-License-Identifier: BSD-2-Clause
"""concprof attach: what runs already, against a run of the same, and what it says of itself."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from harness import (Skip, cases, equal, expect, is_alive, nothing_lost, poll, read_until,
                     state_of, without_bpf)

SHARE = 0.02  # a share of a life may differ by so much from that in a run
NAP = [sys.executable, '-I', '-S', '-c', 'import time; print("up", flush=True); time.sleep(1000)']


# --- the parts ---------------------------------------------------------------------------------

def attach(t, *options, **popen):
    """The outcome of an attach."""
    return t.spawn([t.concprof, 'attach', '-q', '--json', str(t.json), *map(str, options)],
                   **popen)


def attached(t, *options, **popen):
    """The report of an attach that is to succeed."""
    outcome = attach(t, *options, **popen)
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    equal((outcome.report['mode'], 'exit' in outcome.report), ('attach', False))
    return outcome.report


def up(t, argv, **popen):
    """Starts what says "up" once it is under way."""
    process = t.start(argv, stdout=subprocess.PIPE, **popen)
    read_until(process.stdout.fileno(), 'up')
    return process


def steady(t, *args):
    """One mode of the workload."""
    return up(t, [t.workload('steady'), *map(str, args)])


def threads(report, comm):
    """Those of a name."""
    return [row for row in report['threads'] if row['comm'] == comm]


def only(report, comm):
    """The one of this name."""
    found = threads(report, comm)
    equal(len(found), 1, comm, [row['comm'] for row in report['threads']])
    return found[0]


def shares(thread):
    """What part of its life a thread was in each state, and in each wait."""
    rows = {**thread['states'],
            **{cause: wait['ns'] for cause, wait in thread['blocked'].items()}}
    return {name: ns / thread['lifetime_ns'] for name, ns in rows.items()}


def exact(report):
    """Nothing is left over, and the kernel agrees to the last switch."""
    nothing_lost(report)
    equal(report['measurement']['residual_ns'], 0)
    equal(report['measurement']['kernel_disagreement']['switches'], 0)


# --- as a run of the same ------------------------------------------------------------------------

MODES = (
    # (mode, names of its threads)
    ('compute', ['computer']),
    ('nap', ['napper']),
    ('mutex', ['holder', 'waiter']),
    ('pipe', ['writer', 'reader']),
    ('loop', ['loop']),
)


# Of time spent waiting for a CPU it is up to others how much there is.
QUEUED = ('woken_ns', 'preempted_ns', 'yielded_ns')


def near(mine, other, *what):
    """The same shares of what it did not wait for a CPU: how long that is, is up to others."""
    mine, other = ({name: share / (1 - sum(row[key] for key in QUEUED))
                    for name, share in row.items() if name not in QUEUED} for row in (mine, other))
    for name in mine.keys() | other.keys():
        expect(abs(mine.get(name, 0) - other.get(name, 0)) <= SHARE, *what, name, mine, other)


@cases(*MODES)
def test_agrees(t, mode, names):
    """Each thread's states and waits take the same part of its life as in a run; so does the wall."""
    run = t.run(t.workload('steady'), mode, options=('-q', '-d', '0.5'),
                stdout=subprocess.DEVNULL).report
    process = steady(t, mode)
    report = attached(t, '-p', process.pid, '-d', '0.5')
    exact(report)
    equal([row['pid'] for row in report['processes']], [process.pid])
    equal(sorted(row['comm'] for row in report['threads']), sorted([*names, 'steady']))
    for name in names:
        near(shares(only(report, name)), shares(only(run, name)), mode, name)
    equal(report['verdict']['class'], run['verdict']['class'], report['verdict'], run['verdict'])
    walls = [{name: ns / (document['wall_ns'] - document['wall']['runnable_ns'])
              for name, ns in document['wall'].items()} for document in (report, run)]
    for name in ('running_ns', 'timer_ns', 'lock_ns', 'io_ns', 'event_ns'):
        expect(abs(walls[0][name] - walls[1][name]) <= SHARE, mode, name, walls)


def test_process(t):
    """Its command line and executable, which nobody has seen it execute; its life before is not known."""
    process = steady(t, 'nap')
    report = attached(t, '-p', process.pid, '-d', '0.2')
    [row] = report['processes']
    equal(row['cmdline'], [t.workload('steady'), 'nap'])
    equal((row['attached'], row['exe'], row.get('exit')), (True, t.workload('steady'), None))
    equal((report['command'], report['ended_by']), (['-p', str(process.pid)], 'duration'))
    expect(all(thread['attached'] for thread in report['threads']), report['threads'])
    expect(abs(report['wall_ns'] - 200_000_000) < 50_000_000, report['wall_ns'])
    text = t.spawn([t.concprof, '-p', str(process.pid), '-d', '0.2']).stderr
    expect(f"process {process.pid}: {t.workload('steady')} nap\n" in text, text)
    expect(is_alive(process.pid), 'it is left running')


# --- what is under way ---------------------------------------------------------------------------

def test_waits(t):
    """A wait that has begun is of the cause that the thread knows, and stands where it stands."""
    process = t.start([t.workload('stands')], stdout=subprocess.PIPE)
    t.cleanup.callback(process.wait)
    t.cleanup.callback(process.terminate)  # it takes its children with it
    truth = json.loads(read_until(process.stdout.fileno(), '\n'))
    pids = [truth['pid'], truth['partner'], truth['child']]
    report = attached(t, '-p', ','.join(map(str, pids)), '-d', '0.3')
    exact(report)
    by_tid = {thread['tid']: thread for thread in report['threads']}
    for row in truth['threads']:
        thread = by_tid[row['tid']]
        waits = {cause: wait for cause, wait in thread['blocked'].items() if wait['open']}
        if not row['cause']:
            expect(shares(thread)['running_ns'] > 0.5, row['name'], thread)
            continue
        equal([(cause, wait['count']) for cause, wait in waits.items()], [(row['cause'], 1)],
              row['name'])
        equal(waits[row['cause']]['ns'], thread['lifetime_ns'], row['name'])
        places = [site['stack'] for site in report['wait_sites']
                  if any(frame.startswith(row['function'] + ' ') for frame in site['stack'])]
        equal(len(places), 1, row['name'], places)


def test_deadlock(t):
    """One that stood before is proved, and was there before."""
    process = t.start([t.workload('deadlocks'), 'two'], stdout=subprocess.DEVNULL)
    poll(lambda: all(state == 'S' for state in states_of(process.pid)) and
         len(states_of(process.pid)) == 3, 'two that wait for each other')
    outcome = attach(t, '-p', process.pid, '-d', '0.5')
    equal(outcome.code, 0, outcome)
    expect(outcome.stderr.startswith('concprof: deadlock: '), outcome)
    equal(outcome.report['verdict']['class'], 'deadlocked')
    [row] = outcome.report['deadlocks']
    equal((row['confirmed'], len(row['cycle'])), (True, 2), row)
    texts = [line['text'] for line in outcome.report['findings'][0]['evidence']]
    expect(any(text.startswith('so since before concprof came') for text in texts), texts)


def states_of(pid):
    """The letters of its threads' states."""
    return [state_of(tid) for tid in os.listdir(f'/proc/{pid}/task')]


def test_stopped(t):
    """A process that is stopped is, and not in the call that it was in."""
    process = up(t, NAP)
    process.send_signal(signal.SIGSTOP)
    poll(lambda: state_of(process.pid) == 'T', 'the stop')
    report = attached(t, '-p', process.pid, '-d', '0.2')
    equal(list(report['threads'][0]['blocked']), ['signal.stop'])


def test_leader_gone(t):
    """The first thread may be dead, and the process lives on."""
    process = steady(t, 'leave')
    poll(lambda: state_of(process.pid) == 'Z', "the first thread's end")
    report = attached(t, '-p', process.pid, '-d', '0.3')
    exact(report)
    equal([row['comm'] for row in report['threads']], ['napper'])
    [row] = report['processes']
    equal((row['pid'], 'exit' in row), (process.pid, False))


# --- who is measured -------------------------------------------------------------------------------

def switches(pid):
    """All switches of each of its threads, by the kernel's count."""
    found = {}
    for tid in os.listdir(f'/proc/{pid}/task'):
        status = pathlib.Path(f'/proc/{pid}/task/{tid}/status').read_text(encoding='utf-8')
        found[tid] = [line for line in status.splitlines() if 'ctxt_switches' in line]
    return found


def test_many(t):
    """Of a crowd of threads that wait none is missed, and none is made to run."""
    process = steady(t, 'idle', 2000)
    poll(lambda: all(state == 'S' for state in states_of(process.pid)), 'that all wait')
    before = switches(process.pid)
    report = attached(t, '-p', process.pid, '-d', '0.2')
    equal(switches(process.pid), before)
    exact({**report, 'omitted': []})
    equal(report['totals']['threads'], 2001)
    equal(report['totals']['blocked']['signal.wait']['count'], 2001)


def test_children(t):
    """What an attached process creates is measured too, from its first moment to its last."""
    process = steady(t, 'breed')
    report = attached(t, '-p', process.pid, '-d', '0.3')
    exact(report)
    parent, *children = sorted(report['processes'], key=lambda row: 'attached' not in row)
    equal(parent['pid'], process.pid)
    expect(len(children) > 20, len(children))
    # One may have been there already: it is not a child of what was attached to.
    expect(all(row['parent'] == parent['id'] and row['exit']['code'] == 0 and
               'attached' not in row for row in children[:-1]), children)


def has_taken_over(pid):
    """What needs privileges is over: it has given them up."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text(encoding='utf-8')
    return 'Seccomp:\t2\n' in status


BREEDER = """
import os, sys, time
def dead(status):
    pid = os.fork()
    if not pid:
        os._exit(status)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid

old = [dead(status) for status in range(5)]
print("up", flush=True)
sys.stdin.readline()
os.waitpid(old[0], 0), os.waitpid(old[3], 0)
dead(7)
print("done", flush=True)
time.sleep(1000)
"""


def test_zombies(t):
    """Those from before are counted, and which of them stay; one that dies meanwhile is none of them."""
    process = up(t, [sys.executable, '-I', '-S', '-c', BREEDER], stdin=subprocess.PIPE)
    attaching = t.start([t.concprof, 'attach', '-q', '--json', str(t.json), '-p', str(process.pid)],
                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    poll(lambda: has_taken_over(attaching.pid), 'the attach')
    process.stdin.write(b'go\n')
    process.stdin.flush()
    read_until(process.stdout.fileno(), 'done')
    attaching.send_signal(signal.SIGINT)
    outcome = t.finish(attaching)
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    report = outcome.report
    before, = report['lifecycle']['zombies_before']
    equal((before['count'], before['left'], before['parent']),
          (5, 3, report['processes'][0]['id']), before)
    equal(len(report['processes']), 2)
    said, = [one for one in report['findings'] if one['rule'] == 'lifecycle.zombies' and
             'from before' in one['title']]
    equal(said['title'], 'has not reaped 3 zombies from before the measurement')


def cgroup(t):
    """A new one, of version 2, which is mounted if it is not."""
    root = t.dir / 'cgroup2'
    root.mkdir()
    mounted = subprocess.run(['mount', '-t', 'cgroup2', 'none', str(root)], check=False,
                             capture_output=True, text=True)
    if mounted.returncode:
        raise Skip(f'no cgroups of version 2 here: {mounted.stderr.strip()}')
    t.cleanup.callback(subprocess.run, ['umount', str(root)], check=True)
    group = root / f'concprof-test-{os.getpid()}'
    try:
        (group / 'below').mkdir(parents=True)
    except OSError as error:
        raise Skip(f'cannot make a cgroup: {error}') from error
    t.cleanup.callback(remove, group)
    return group


def remove(group):
    """A cgroup that its processes have left."""
    for folder in (group / 'below', group):
        while (folder / 'cgroup.procs').read_text(encoding='ascii'):
            time.sleep(0.01)
        folder.rmdir()


def put(process, group):
    """Moves a process into a cgroup; it is killed before that is removed."""
    (group / 'cgroup.procs').write_text(str(process.pid), encoding='ascii')


def test_cgroup(t):
    """All that is in it or below it, and who comes into it later; and nobody else."""
    group = cgroup(t)
    outcome = attach(t, '--cgroup', group)
    equal((outcome.code, outcome.stderr),
          (125, 'concprof: nothing to attach to: there is no process in that cgroup, nor below it\n'))
    inside, below, late, outside = (steady(t, mode) for mode in ('nap', 'loop', 'pipe', 'mutex'))
    for process in (inside, below, late):
        t.cleanup.callback(t.kill, process)
    put(inside, group)
    put(below, group / 'below')
    process = t.start([t.concprof, 'attach', '-q', '--json', str(t.json), '--cgroup', str(group)],
                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    poll(probes_are_loaded, 'the attach')
    put(late, group)
    child = subprocess.Popen(NAP, stdout=subprocess.PIPE, cwd=t.dir)
    t.cleanup.callback(t.kill, child)
    put(child, group / 'below')
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    outcome = t.finish(process)
    equal((outcome.code, outcome.report['ended_by']), (0, 'signal'), outcome)
    equal({row['pid'] for row in outcome.report['processes']},
          {inside.pid, below.pid, late.pid, child.pid}, outside.pid)
    sums = {row['path']: row['processes'] for row in outcome.report['cgroups']}
    equal(sums, {f'/{group.name}': 2, f'/{group.name}/below': 2})
    exact(outcome.report)


def probes_are_loaded(pid='[0-9]*'):
    """BPF programs of concprof are in the kernel."""
    maps = pathlib.Path('/proc').glob(f'{pid}/comm')
    for comm in maps:
        with contextlib.suppress(OSError):
            if comm.read_text(encoding='utf-8') != 'concprof\n':
                continue
            links = [os.readlink(fd) for fd in (comm.parent / 'fd').iterdir()]
            if any('bpf_link' in link for link in links):
                return True
    return False


def children_of(pids):
    """Of all of these."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii')
            found |= {int(child) for child in text.split()}
    return found


def test_all(t):
    """Every process of the machine, but concprof's own."""
    process = steady(t, 'nap')
    concprof = t.start([t.concprof, 'attach', '-q', '--json', str(t.json), '-a', '-d', '0.5'])
    own = {concprof.pid}
    while concprof.poll() is None:
        own |= children_of(own)
    report = t.load()
    pids = {row['pid'] for row in report['processes']}
    expect({process.pid, os.getpid()} <= pids, pids)
    expect(len(own) > 1, 'it has children of its own')
    equal(own & pids, set())
    own = [row for row in threads(report, 'napper') if row['pid'] == process.pid]
    equal(len(own), 1)
    near({**shares(own[0]), 'running_ns': 0, 'blocked_ns': 0, 'signal.wait': 0},
         {'timer.sleep': 0.75, **dict.fromkeys(QUEUED, 0)}, 'napper')


def test_namespace(t):
    """In a PID namespace by the numbers that are there."""
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')
    code = (f'"{t.workload("steady")}" nap & while ! grep -q napper /proc/2/task/*/comm; '
            f'do :; done; "{t.concprof}" attach -q -p 2 -d 0.2 --json "{t.json}"; kill 2')
    outcome = t.spawn(['unshare', '-p', '-f', '--kill-child', '--mount-proc', 'sh', '-c', code])
    equal(outcome.code, 0, outcome)
    equal([row['pid'] for row in outcome.report['processes']], [2])
    exact(outcome.report)


def test_number_of_another(t):
    """Who has the number by the time of the attach, but was not meant, is not attached to."""
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')
    code = (f'sleep 100 & "{t.concprof}" attach -q -p 2 -d 0.1 --json "{t.json}" & '
            'until ls -l /proc/3/fd | grep -q bpf; do :; done; kill -STOP 3; kill 2; '
            'while [ -e /proc/2/exe ]; do :; done; while [ -d /proc/2 ]; do jobs >/dev/null; done; '
            'echo 1 > /proc/sys/kernel/ns_last_pid; sleep 100 & echo $!; kill -CONT 3; wait %2; '
            'echo $?; umount /proc; '
            f'"{t.concprof}" attach -q -a -d 0.1')
    outcome = t.spawn(['unshare', '-p', '-f', '--kill-child', '--mount-proc', 'bash', '-c', code])
    equal((outcome.code, outcome.stdout), (125, '2\n125\n'), outcome)
    equal([line.split(';', 1)[0] for line in outcome.stderr.splitlines() if 'concprof' in line],
          ['concprof: process 2 has ended meanwhile, and another has its number',
           'concprof: /proc is not that of this PID namespace, whose processes are to be attached '
           'to'])


def test_churn(t):
    """Of threads that begin and end while they are taken over none is taken to live for ever, or to have
    died twice: the end of the process ends it, and nothing else."""
    process = steady(t, 'churn')
    reports = [t.dir / f'churn-{i}.json' for i in range(4)]
    all_of_them = [t.start([t.concprof, 'attach', '-q', '-p', str(process.pid), '--json', str(path)],
                           stderr=subprocess.PIPE) for path in reports]
    for concprof in all_of_them:
        poll(lambda own=concprof: probes_are_loaded(own.pid), 'the attach')
    time.sleep(1)
    equal([concprof.poll() for concprof in all_of_them], [None] * len(all_of_them))
    t.kill(process)
    for concprof, path in zip(all_of_them, reports):
        equal((concprof.communicate(timeout=20), concprof.returncode), ((None, b''), 0))
        report = json.loads(path.read_text(encoding='utf-8'))
        equal((report['ended_by'], report['measurement']['residual_ns']), ('last-process', 0))


# --- how it ends ---------------------------------------------------------------------------------

def test_last_process(t):
    """The end of what was attached to ends it."""
    process = up(t, t.python('import time; print("up", flush=True); time.sleep(0.7)'))
    report = attached(t, '-p', process.pid)
    equal(report['ended_by'], 'last-process')
    equal([row['exit']['code'] for row in report['processes']], [0])


@cases(('SIGINT', signal.SIGINT), ('SIGTERM', signal.SIGTERM))
def test_signal(t, _name, number):
    """A signal ends the measurement, with a report and status 0, and nothing else."""
    process = steady(t, 'nap')
    concprof = t.start([t.concprof, '-p', str(process.pid), '-q', '--json', str(t.json)],
                       stderr=subprocess.PIPE)
    poll(probes_are_loaded, 'the attach')
    time.sleep(0.2)
    concprof.send_signal(number)
    outcome = t.finish(concprof)
    equal((outcome.code, outcome.stderr, outcome.report['ended_by']), (0, '', 'signal'))
    expect(is_alive(process.pid), 'it is left running')


def test_dying(t):
    """What ends while it is attached to, at any moment: a report, or one line that says so."""
    for i in range(10):
        process = up(t, t.python(f'import time; print("up", flush=True); time.sleep({0.02 * i})'))
        outcome = attach(t, '-p', process.pid, '-d', '0.1')
        process.wait()
        if outcome.code:
            equal(outcome.code, 125, outcome)
            expect(outcome.stderr.count('\n') == 1 and
                   ('there is no process' in outcome.stderr or 'has ended' in outcome.stderr),
                   outcome)
        t.json.unlink(missing_ok=True)


def test_recording(t):
    """A recording of it gives the same report."""
    process = steady(t, 'pipe')
    recording = t.dir / 'attach.rec'
    outcome = attach(t, '-p', process.pid, '-d', '0.3', '--format', 'recording', '-o', recording)
    equal(outcome.code, 0, outcome)
    again = t.dir / 'again.json'
    outcome = t.spawn([t.concprof, 'report', str(recording), '--json', str(again)])
    equal(outcome.code, 0, outcome)
    equal(again.read_bytes(), t.json.read_bytes())


def test_gate(t):
    """A condition is judged as of a run."""
    process = steady(t, 'nap')
    outcome = attach(t, '-p', process.pid, '-d', '0.2', '--fail-on', 'totals.threads > 1')
    equal(outcome.code, 99, outcome)


# --- what it refuses -------------------------------------------------------------------------------

REFUSED = (
    # (name, options, what it says)
    ('nothing', (), 'nothing to attach to; as in: concprof attach -p PID, --cgroup PATH or -a'),
    ('two ways', ('-p', '1', '-a'), 'give one of -p, --cgroup and -a'),
    ('a command', ('-p', '1', 'true'), "attach takes no command, but 'true' was given"),
    ('no pid', ('-p', 'x'), "'x' is no list of processes; give pids, as 12 or 12,13"),
    ('no process', ('-p', '4194303'), 'there is no process 4194303 here'),
    ('linger', ('-p', '1', '--linger', '1'), '--linger belongs to run and record, not to attach'),
    ('no path', ('--cgroup', ''), '--cgroup: no path is given'),
    ('no cgroup', ('--cgroup', '/nowhere'), "there is no cgroup '/nowhere'"),
    ('a folder', ('--cgroup', '/proc/self'), "there is no cgroup '/proc/self'"),
)


@without_bpf
@cases(*REFUSED)
def test_refused(t, _name, options, says):
    """One line that says what is wrong, and status 125."""
    outcome = attach(t, *options)
    equal((outcome.code, outcome.stdout, outcome.stderr.count('\n')), (125, '', 1), outcome)
    expect(outcome.stderr.startswith('concprof: ' + says), outcome)
    expect(not t.json.exists(), 'no report')


@without_bpf
def test_refused_process(t):
    """A thread, one of the kernel, one that is dead."""
    process = steady(t, 'nap')
    other = [tid for tid in os.listdir(f'/proc/{process.pid}/task') if tid != str(process.pid)][0]
    outcome = attach(t, '-p', other)
    equal((outcome.code, outcome.stderr),
          (125, f'concprof: {other} is a thread of process {process.pid}; give that one\n'))
    dead = t.start(['true'])
    poll(lambda: state_of(dead.pid) == 'Z', 'its end')
    outcome = attach(t, '-p', dead.pid)
    equal((outcome.code, outcome.stderr),
          (125, f'concprof: process {dead.pid} has ended; only its entry is left, until '
                f'process {os.getpid()} asks for its status\n'))
