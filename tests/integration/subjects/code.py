# SPDX-License-Identifier: BSD-2-Clause
"""Where in the code, of the program and of the kernel, real programs wait and compute; see also
the workload `sites`."""
import contextlib
import os
import re
import shutil
import signal
import subprocess

from fuse import DeadFor
from harness import PYTHON, Skip, cases, equal, expect, is_alive, poll

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

# Sleeps in what code that it makes itself calls, and names that in a map of this owner.
MAKES_CODE = '''
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
static const uint8_t call_it[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
#else
static const uint8_t call_it[] = { 0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00,
	0x3f, 0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6 };
#endif
static void doze(void)
{
	struct timespec t = { .tv_nsec = 2000000 };
	for (int i = 0; i < 20; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, 0);
}
int main(int argc, char **argv)
{
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0), path[64];
	FILE *map;
	memcpy(page, call_it, sizeof(call_it));
	__builtin___clear_cache(page, page + 4096);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	map = fopen(path, "w");
	fprintf(map, "%lx %zx made\\n", (unsigned long)page, sizeof(call_it));
	fclose(map);
	if (argc > 1 && chown(path, atoi(argv[1]), 0))
		return 1;
	((void (*)(void (*)(void)))page)(doze);
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


IN_KERNEL = re.compile(r'(?:(\S+) )?\[kernel(?::(\S+))?\]')


def in_program(row):
    """What is not the kernel's part of a stack."""
    return [frame for frame in row['stack'] if not IN_KERNEL.fullmatch(frame)]


def is_reached(row, named):
    """Whether it leads to a function of the program; or, of one without symbols, to its file."""
    places = [frame for frame in in_program(row) if frame != '[unknown]']
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


def build(t, name, text):
    """The path of a program of this source."""
    compiler = shutil.which(os.environ.get('CC', 'gcc'))
    if not compiler:
        raise Skip('no compiler here')
    source = t.dir / f'{name}.c'
    source.write_text(text, encoding='utf-8')
    program = t.dir / name
    outcome = t.spawn([compiler, '-O2', '-Wno-all', str(source), '-o', str(program)])
    equal(outcome.code, 0, outcome)
    return str(program)


def compiled(t, replace):
    """A program that sleeps in doze(), after it did something with its own file."""
    return build(t, 'sleepy', SLEEPY.replace('REPLACE', replace))


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
    unknown = sum(row['wait_ns'] for row in report['wait_sites']
                  if in_program(row)[:1] == ['[unknown]'])
    expect(unknown <= (1 - REACHED) * report['sampling']['wait_ns'], report['wait_sites'])


def test_own_children(t):
    """What reads the program's files is part of concprof, and no other program."""
    report = t.run(t.workload('compute')).report
    equal([row for row in report['others'] if row['comm'].startswith('concprof')], [], 'others')


# --- the kernel's functions -----------------------------------------------------------------

def kernel_symbols():
    """{name: modules} of the kernel's own list; skips if it shows no addresses."""
    found = {}
    with open('/proc/kallsyms', encoding='utf-8') as file:
        for line in file:
            address, kind, name, *module = line.split()
            if int(address, 16) and kind in 'tTwW':
                found.setdefault(name, set()).add(module[0].strip('[]') if module else None)
    if not found:
        raise Skip('/proc/kallsyms shows no addresses')
    return found


def kernel_functions(row):
    """(function, module) of each frame in the kernel; None: not known."""
    return [match.groups() for match in map(IN_KERNEL.fullmatch, row['stack']) if match]


def check_kernel_part(report, symbols):
    """All of it are functions that there are, and come first; what says nothing is not there."""
    for row in report['wait_sites'] + report['cpu_sites']:
        functions = kernel_functions(row)
        equal(in_program(row), row['stack'][len(functions):], 'the kernel comes first', row)
        for name, module in functions:
            # the probes' own names come and go with them
            expect(name is None or module == 'bpf' or module in symbols.get(name, ()), name, module,
                   row)
            expect(name not in ('do_syscall_64', 'entry_SYSCALL_64_after_hwframe', 'el0_svc'), row)
        waits = 'cause' in row and functions and functions[0][0]
        expect(not waits or not re.match('_*bpf_|_*schedule|io_schedule', waits), row)


def file_system(path):
    """The type of the one that a folder lies in."""
    device = os.stat(path).st_dev
    number = f'{os.major(device)}:{os.minor(device)}'
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        for line in file:
            if line.split()[2] == number:
                return line.split(' - ', 1)[1].split()[0]
    return None


def share(rows, names):
    """Of the time of these waits, the part in one of these functions."""
    inside = sum(row['wait_ns'] for row in rows if names & {name for name, _ in kernel_functions(row)})
    return inside / max(sum(row['wait_ns'] for row in rows), 1)


def test_kernel_pipe(t):
    """To switch and to copy takes time in the kernel; of waits for it the cause says enough."""
    symbols = kernel_symbols()
    report = t.run(t.workload('pingpong'), stdout=subprocess.DEVNULL).report
    check_kernel_part(report, symbols)
    rows = [row for row in report['wait_sites'] if row['cause'] == 'io.pipe']
    expect(rows and not any(kernel_functions(row) for row in rows), rows[:3])
    samples = sum(row['samples'] for row in report['cpu_sites'])
    inside = sum(row['samples'] for row in report['cpu_sites']
                 if any(name for name, _ in kernel_functions(row)))
    expect(inside >= samples / 2, inside, samples, report['cpu_sites'][:3])


@cases(('disk',), ('fsync',))
def test_kernel_disk(t, name):
    """Who waits for a disk is in its file system."""
    symbols = kernel_symbols()
    kind = file_system(t.dir)
    own = {symbol for symbol in symbols if symbol.startswith((f'{kind}_', f'__{kind}_'))
           or kind == 'ext4' and symbol.startswith('jbd2_')}
    if kind not in ('ext4', 'xfs', 'btrfs', 'f2fs') or not own:
        raise Skip(f'{t.dir} is in a file system of another kind: {kind}')
    report = t.run(t.workload(name), stdout=subprocess.DEVNULL).report
    check_kernel_part(report, symbols)
    rows = [row for row in report['wait_sites'] if row['cause'] == 'io.disk']
    if not rows:
        raise Skip('it did not wait for the disk')
    expect(share(rows, own) >= REACHED, kind, rows[:3])


def test_kernel_only_its_own(t):
    """A thread that only computes is in no system call, and its samples say so."""
    symbols = kernel_symbols()
    report = t.run(t.workload('compute'), stdout=subprocess.DEVNULL).report
    check_kernel_part(report, symbols)
    samples = sum(row['samples'] for row in report['cpu_sites'])
    inside = sum(row['samples'] for row in report['cpu_sites'] if kernel_functions(row))
    expect(inside <= samples / 4, inside, samples)


# --- files that are slow, or not to be had ---------------------------------------------------

def test_private_folder(t):
    """What root may read of a program in another user's private folder is enough."""
    if os.getuid():
        raise Skip('only root can become another user')
    folder = t.dir / 'private'
    folder.mkdir()
    program = shutil.move(compiled(t, '(void)sizeof'), folder)
    os.chown(program, 65534, 65534)
    os.chown(folder, 65534, 65534)
    os.chmod(program, 0o700)
    os.chmod(folder, 0o700)
    equal(functions(t.run(program, options=('-q', '-u', '65534')).report), {'doze'})


@cases(('its own', (), True), ('of another user', ('65534',), False))
def test_made_code(t, _, owner, is_named):
    """Code that the program made itself, named by a map; not if that may be somebody else's."""
    if owner and os.getuid():
        raise Skip('only root can give a file away')
    outcome = t.run(build(t, 'maker', MAKES_CODE), *owner)
    equal(outcome.code, 0, outcome)
    path = f"/tmp/perf-{outcome.report['processes'][0]['pid']}.map"
    os.unlink(path)
    frames = {frame for row in outcome.report['wait_sites'] for frame in row['stack']}
    equal(('made' in frames, '[jit]' in frames), (is_named, not is_named), frames)
    notes = [note for note in outcome.report['measurement'].get('notes', []) if path in note]
    equal(len(notes), 0 if is_named else 1, outcome.report['measurement'])


@contextlib.contextmanager
def dead_for_concprof(folder, files):
    """A file system there that never answers concprof; at the end it lets go of who waits."""
    folder.mkdir()
    served = DeadFor(folder, files)
    try:
        yield served
    finally:
        served.close()


def test_dead_file_system(t):
    """A program on a file system that never answers concprof: all is measured, without names."""
    with open(compiled(t, '(void)sizeof'), 'rb') as program:
        files = {'sleepy': program.read()}
    with dead_for_concprof(t.dir / 'dead', files) as served:
        outcome = t.run('sh', '-c', f'{t.dir}/dead/sleepy; exit 3')
        expect(served.was_asked.is_set(), 'concprof never asked')
    equal(outcome.code, 3, outcome)
    equal(functions(outcome.report), {None})
    frames = {frame for row in outcome.report['wait_sites'] for frame in row['stack']}
    expect('[sleepy (not read: its file system does not answer)]' in frames, frames)
    notes = outcome.report['measurement'].get('notes', [])
    expect(any('dead/sleepy' in note and 'not read for names' in note for note in notes), notes)


def interrupted(process):
    """Whether it has ended; if not, it gets a signal, and the next one if that came too early."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.poll() is not None


def test_interrupted_naming(t):
    """A signal while names are looked up ends that, and nothing else."""
    program = compiled(t, '(void)sizeof')
    for argv in (['objcopy', '--only-keep-debug', program, f'{program}.debug'],
                 ['strip', program],
                 ['objcopy', f'--add-gnu-debuglink={program}.debug', program]):
        if not shutil.which(argv[0]):
            raise Skip(f'{argv[0]} is not installed')
        equal(t.spawn(argv).code, 0, argv)
    os.unlink(f'{program}.debug')
    with dead_for_concprof(t.dir / '.debug', {'sleepy.debug': b''}) as served:
        process = t.begin('sh', '-c', f'echo $$; {program}; exit 3', stderr=subprocess.PIPE)
        command = int(process.stdout.readline())
        expect(served.was_asked.wait(60), 'concprof does not look for names')
        poll(lambda: not is_alive(command), 'the command ends')
        poll(lambda: interrupted(process), 'concprof ends')
        outcome = t.finish(process)
    equal(outcome.code, 3, outcome)
    equal(outcome.report['ended_by'], 'command', 'ended_by')
    notes = outcome.report['measurement'].get('notes', [])
    expect(any('ended the look-up of names' in note for note in notes), notes)
