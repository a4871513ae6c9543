# SPDX-License-Identifier: BSD-2-Clause
"""Where in the code real programs wait and compute; see also the workload `sites`."""
import os
import shutil
import subprocess

from harness import PYTHON, Skip, cases, equal, expect

REACHED = 0.95  # of the wait time

SLEEPY = '''
#include <time.h>
#include <unistd.h>
void doze(void)
{
	struct timespec t = { .tv_nsec = 2000000 };
	for (int i = 0; i < 20; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, 0);
	__asm__ volatile("");
}
int main(int argc, char **argv)
{
	if (argc > 1)
		REPLACE(argv[1], argv[0]);
	doze();
	return 0;
}
'''

PYTHON_WAITS = '''
import subprocess, threading, time
def wait():
    for _ in range(20):
        time.sleep(0.003)
threads = [threading.Thread(target=wait) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
for _ in range(5):
    subprocess.run(['true'])
'''

PROGRAMS = (
    ('python', [PYTHON, '-c', PYTHON_WAITS], True),
    ('shell', ['bash', '-c', 'for i in $(seq 30); do /bin/true; done'], True),
    ('make', ['make', '-s', '-f', '-', 'all'], False),
    ('xz', ['xz', '-T2', '-1', '-k', '-c', 'data'], False),
)


def is_reached(row, named):
    """Whether it leads to a function of the program; or, of one without symbols, to its file."""
    places = [frame for frame in row['stack'] if frame not in ('[unknown]', '[kernel]')]
    return 'function' in row or not named and any(frame[0] == '[' for frame in places)


@cases(*PROGRAMS)
def test_reached(t, _, argv, named):
    """Nearly all waiting is traced back to the program itself, and none of it is lost."""
    if not shutil.which(argv[0]):
        raise Skip(f'{argv[0]} is not installed')
    (t.dir / 'data').write_bytes(os.urandom(1 << 22))
    makefile = t.dir / 'makefile'
    makefile.write_text('all: a b\na b:\n\tsleep 0.05\n', encoding='utf-8')
    with open(makefile, 'rb') as stdin:
        report = t.run(*argv, stdin=stdin, stdout=subprocess.DEVNULL).report
    sampling = report['sampling']
    reached = sum(row['wait_ns'] for row in report['wait_sites'] if is_reached(row, named))
    expect(reached >= REACHED * sampling['wait_ns'], sampling,
           [row for row in report['wait_sites'] if not is_reached(row, named)][:5])
    sums = sum(row['wait_ns'] for row in report['wait_sites'])
    expect(abs(sums - sampling['sited_ns']) <= len(report['wait_sites']), 'sums', sums, sampling)


def compiled(t, replace):
    """A program that sleeps in doze(), after it did something with its own file."""
    compiler = shutil.which(os.environ.get('CC', 'gcc'))
    if not compiler:
        raise Skip('no compiler here')
    source = t.dir / 'sleepy.c'
    source.write_text(SLEEPY.replace('REPLACE', replace), encoding='utf-8')
    program = t.dir / 'sleepy'
    outcome = t.spawn([compiler, '-O2', '-Wno-all', str(source), '-o', str(program)])
    equal(outcome.code, 0, outcome)
    return str(program)


def functions(report):
    """Whose waits they are."""
    return {row.get('function') for row in report['wait_sites'] if row['cause'] == 'timer.sleep'}


def test_named(t):
    """A function that only its symbol names."""
    equal(functions(t.run(compiled(t, '(void)sizeof')).report), {'doze'})


def test_replaced(t):
    """Another file at its place is not taken for it: no name is better than a wrong one."""
    program = compiled(t, 'rename')
    shutil.copy('/bin/true', t.dir / 'other')
    report = t.run(program, str(t.dir / 'other')).report
    equal(functions(report), {None})
    expect(any('[sleepy]' in frame for row in report['wait_sites'] for frame in row['stack']),
           report['wait_sites'])


def test_before_an_exec(t):
    """Stacks of a program that has executed another since are its own."""
    program = compiled(t, '(void)sizeof')
    report = t.run('bash', '-c', f'read -t 0.05 <> <(:); exec bash -c "read -t 0.05 <> <(:); '
                                 f'exec {program}"').report
    expect('doze' in functions(report), report['wait_sites'])
    unknown = sum(row['wait_ns'] for row in report['wait_sites'] if row['stack'][0] == '[unknown]')
    expect(unknown <= (1 - REACHED) * report['sampling']['wait_ns'], report['wait_sites'])


def test_own_children(t):
    """What reads the program's files is part of concprof, and no other program."""
    report = t.run(t.workload('compute')).report
    equal([row for row in report['others'] if row['comm'].startswith('concprof')], [], 'others')
