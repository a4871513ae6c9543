# SPDX-License-Identifier: BSD-2-Clause
"""Whether the verdict on real programs is what a performance engineer would say (../programs/)."""
import shutil
import time

from harness import Skip, Test, expect
from programs import computing, waiting
from programs.stage import Stage

CLEAR = 0.3     # a verdict that says so much of itself is to be right
BUSY = 0.15     # of the CPUs' time, by programs that have nothing to do with it
ATTEMPTS = 3    # on a busy machine
TICKS = 100     # a second, in what the kernel tells user space


def rows(_):
    """A test of each program."""
    return [(program.name, program) for program in (*computing.PROGRAMS, *waiting.PROGRAMS)]


def require(program):
    """Skips a program that is not installed."""
    for name in (program.argv[0], *program.needs):
        made = name.startswith('./')  # by the stage
        if not made and not shutil.which(name):
            raise Skip(f'{name} is not installed')


def busy_ns(cpus):
    """How long these CPUs have been busy."""
    with open('/proc/stat', encoding='ascii') as file:
        lines = [line.split() for line in file]
    return sum(sum(map(int, line[1:4] + line[6:9])) for line in lines
               if line[0] in [f'cpu{n}' for n in cpus]) * 10**9 // TICKS


def ran_ns(processes):
    """How long these processes have run."""
    ticks = 0
    for process in processes:
        with open(f'/proc/{process.pid}/stat', encoding='utf-8') as file:
            ticks += sum(map(int, file.read().rsplit(')', 1)[1].split()[11:13]))
    return ticks * 10**9 // TICKS


class Witness:
    """What programs that have nothing to do with it took of the CPUs, by the kernel's account."""

    def __init__(self, stage):
        self.stage = stage
        self.before = self.known()

    def known(self):
        """Of the CPUs, less what belongs to the stage and to this test."""
        return busy_ns(self.stage.cpus) - ran_ns(self.stage.others) - time.process_time_ns()

    def share(self, report):
        """Of the CPUs' time since the beginning, less what the program and concprof took."""
        own = report['totals']['states']['running_ns'] + report['measurement']['collector_cpu_ns']
        return (self.known() - self.before - own) / (report['wall_ns'] * len(self.stage.cpus))


def profile(t, program):
    """The program's report, and the share of the CPUs that others took."""
    stage = Stage(t)
    for setup in program.setup:
        setup(t, stage)
    words = list(program.argv)
    for name, value in stage.words.items():
        words = [word.replace(f'{{{name}}}', value) for word in words]
    options = ['-q', *(['-d', str(program.seconds)] if program.seconds else [])]
    witness = Witness(stage)
    outcome = t.run(*words, options=options, preexec_fn=stage.prepare, **stage.popen)
    expect(outcome.report and (outcome.code == 0 or program.seconds), outcome)
    return outcome.report, witness.share(outcome.report)


def is_clear(verdict):
    """Whether the verdict says of itself that it is no close call."""
    return (verdict.get('margin') or 0) > CLEAR


def faults_of(program, report):
    """What is wrong with the verdict and the findings, a line each."""
    verdict, found = report['verdict'], {row['rule'] for row in report['findings']}
    if verdict['class'] != program.expected:
        yield f"{verdict['class']}, expected {program.expected}: {program.why}"
        if is_clear(verdict):
            yield f"the verdict is wrong, and yet its margin is {verdict['margin']:.2f}"
    for rule in program.findings:
        if rule not in found:
            yield f'no finding {rule} among {sorted(found)}'


def say(program, verdict, wrong):
    """A row of the table that the log keeps of all programs."""
    row = (f"# {program.name:24} {verdict['class']:14} {verdict.get('margin') or 0:4.2f} over "
           f"{verdict.get('runner_up') or '-':14}")
    print(f'{row} expected {program.expected}' if wrong else row.rstrip())


def attempt(t, program):
    """What is wrong, and what excuses it: on a busy machine the program may have been starved."""
    once = Test(t.build)
    with once.cleanup:
        report, others = profile(once, program)
    t.problems += once.problems
    verdict, faults = report['verdict'], list(faults_of(program, report))
    say(program, verdict, faults)
    unseen = sum(row.get('ns', 0) for row in report['measurement']['lost']
                 if row['what'] == 'switch_in') > report['wall_ns'] / 10
    excused = unseen or others > BUSY and (verdict['class'] == 'starved' or not is_clear(verdict))
    excuse = 'the kernel hid switches' if unseen else f'other programs took {others:.0%} of the CPUs'
    return faults, excuse if excused else None


def test_verdict(t, _, program):
    """The class is right, above all where it says that it is sure."""
    require(program)
    for _ in range(ATTEMPTS):
        faults, excuse = attempt(t, program)
        if not faults or not excuse:
            break
    if faults and (excuse or program.wrong):
        raise Skip(f'{excuse or program.wrong}: {faults[0]}')
    t.problems += faults


test_verdict.cases = rows
# These wait for most of the time.
test_verdict.calm = lambda _, program: program.expected in ('idle', 'sleep-bound')
