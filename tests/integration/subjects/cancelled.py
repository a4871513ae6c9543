# SPDX-License-Identifier: BSD-2-Clause
"""A job that is cancelled: INT, later TERM, later KILL, to the script alone, as GitHub does."""
import json
import os
import signal
import subprocess

from harness import cases, equal, expect, is_alive, poll, read_until
from subjects.ci import ACTION_PATH, COMPARE, MEASURE, action, ci_environment
from subjects.signals import TELLER
from subjects.sudo import USER, user

CALM = True  # see run.py


class Job:
    """A script of CI in a session of its own, with a command that says what it hears."""

    def __init__(self, t, argv, **popen):
        self.test = t
        popen.setdefault('env', ci_environment(t))
        # A shell that ignores it, as of a job in the background, would hand that on.
        popen['preexec_fn'] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.process = t.start(list(map(str, argv)), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, **popen)
        self.said = ''

    def hear(self, word):
        """Waits until it is said, behind all that was heard before."""
        self.said = read_until(self.process.stdout.fileno(), word)
        return self.said

    def ends(self, status):
        """What it says last; it is to end with this status. The command may live on."""
        equal(self.process.wait(60), status, self.said)
        os.set_blocking(self.process.stdout.fileno(), False)
        return (self.process.stdout.read() or b'').decode(errors='replace')

    def report(self):
        """What it left."""
        out = self.test.dir / 'out'
        for name in ('run.rec', 'report.txt', 'report.md', 'junit.xml', 'annotations'):
            expect((out / name).stat().st_size, name)
        expect('## concprof' in (self.test.dir / 'summary').read_text(), 'no summary')
        equal([name for name in os.listdir(out) if name.endswith('.part')], [], 'left behind')
        return self.test.load(out / 'report.json')


def as_root(t):
    """Without sudo."""
    return Job(t, [MEASURE, *t.python(TELLER)])


def teller_of(job):
    """The pid of the command, which lives on whatever happens."""
    pid = int(job.hear('ready').split('pid')[1].split()[0])
    job.test.kill_later(pid)
    return pid


def test_dies_of_it(t):
    """The usual case: the command dies of INT."""
    job = Job(t, [MEASURE, 'sh', '-c', 'echo ready; exec sleep 1000'])
    job.hear('ready')
    job.process.send_signal(signal.SIGINT)
    job.ends(130)
    report = job.report()
    equal((report['ended_by'], report['exit']), ('command', {'code': None, 'signal': 2}))


def test_action(t):
    """GitHub signals the shell of the step, and nothing below it: that has to be the script."""
    job = Job(t, action(t), env=ci_environment(t, GITHUB_ACTION_PATH=ACTION_PATH, BASE_COMMAND='',
                                               COMMAND='echo ready; exec sleep 1000'))
    job.hear('ready')
    job.process.send_signal(signal.SIGINT)
    job.ends(130)
    equal(job.report()['ended_by'], 'command')


def test_tidies_up(t):
    """The command hears INT, takes its time, and ends as it likes."""
    job = Job(t, [MEASURE, 'trap "echo tidy; exit 3" INT; echo ready; while :; do sleep 0.01; done'])
    job.hear('ready')
    job.process.send_signal(signal.SIGINT)
    job.hear('tidy')
    job.ends(3)
    equal(job.report()['exit'], {'code': 3, 'signal': None})


def ignores_both(job):
    """The command hears INT and TERM, and goes on; the report is of what there was."""
    teller = teller_of(job)
    job.process.send_signal(signal.SIGINT)
    job.hear('SIGINT from')
    job.process.send_signal(signal.SIGTERM)
    job.ends(143)
    expect(is_alive(teller), 'the command was ended')
    report = job.report()
    equal(report['ended_by'], 'signal')
    equal([row['pid'] for row in report['processes']], [teller])


def test_ignores_it(t):
    """What INT does not end, TERM ends."""
    ignores_both(as_root(t))


def test_under_sudo(t):
    """The same as a user, whose concprof runs below sudo."""
    with user(t) as entry:
        env = ci_environment(t, HOME=entry.pw_dir, USER=USER, LOGNAME=USER,
                             PATH='/usr/local/bin:/usr/bin:/bin')
        ignores_both(Job(t, [MEASURE, *t.python(TELLER)], user=entry.pw_uid, group=entry.pw_gid,
                         extra_groups=os.getgrouplist(USER, entry.pw_gid), env=env))
        equal({path.stat().st_uid for path in (t.dir / 'out').iterdir()}, {entry.pw_uid}, 'owner')


def test_twice(t):
    """A second INT ends the measurement."""
    job = as_root(t)
    teller = teller_of(job)
    job.process.send_signal(signal.SIGINT)
    job.hear('SIGINT from')
    job.process.send_signal(signal.SIGINT)
    job.ends(130)
    expect(is_alive(teller), 'the command was ended')
    equal(job.report()['ended_by'], 'signal')


def child_of(pid):
    """Its only one."""
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as file:
        return int(file.read().split()[0])


def part_says(t, path):
    """How many processes have ended, of a recording that grows."""
    outcome = t.spawn([t.concprof, 'report', str(path), '--json', '-'])
    return len(json.loads(outcome.stdout)['processes']) if outcome.code == 0 else 0


GROWS = 'true & true & wait; echo ready; while :; do sleep 0.05; done'


def test_profiler_killed(t):
    """As by the kernel when memory is short: what was recorded by then is reported."""
    job = Job(t, [MEASURE, GROWS])
    job.hear('ready')
    part = t.dir / 'out' / 'run.rec.part'
    poll(lambda: part_says(t, part) >= 2, 'a recording of both')
    os.kill(child_of(job.process.pid), signal.SIGKILL)
    job.ends(137)
    report = job.report()
    expect(not report['measurement']['complete'] and 'exit' not in report, 'it is cut')
    expect(len(report['processes']) >= 2, report['processes'])


def test_all_killed(t):
    """In the end GitHub kills the script; what there is is a recording that is cut."""
    job = Job(t, [MEASURE, GROWS])
    job.hear('ready')
    part = t.dir / 'out' / 'run.rec.part'
    poll(lambda: part_says(t, part) >= 2, 'a recording of both')
    concprof = child_of(job.process.pid)
    job.process.kill()
    os.kill(concprof, signal.SIGKILL)
    poll(lambda: not is_alive(concprof), 'its end')
    equal(os.listdir(t.dir / 'out'), ['run.rec.part'])
    expect(part_says(t, part) >= 2, 'it cannot be read')


@cases(('INT', signal.SIGINT, 130), ('TERM', signal.SIGTERM, 143))
def test_compare(t, _, number, status):
    """A comparison ends with the run that was cancelled."""
    job = Job(t, [COMPARE, 'echo ready; exec sleep 1000', 'true'])
    job.hear('ready')
    job.process.send_signal(number)
    rest = job.ends(status)
    expect('there is no comparison' in rest, rest)
    equal(os.listdir(t.dir / 'out'), ['base-1.rec'])
