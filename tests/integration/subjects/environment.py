# SPDX-License-Identifier: BSD-2-Clause
"""What the workload inherits is what it would have inherited without concprof."""
import json
import os
import resource
import shutil

from harness import HERE, PYTHON, Skip, cases, equal, expect

CALM = True  # see run.py

DESCRIBE = str(HERE / 'describe.py')


def describe(t, argv, **popen):
    """What a process says of itself; its streams are files, so that they are the same twice."""
    paths = [t.dir / name for name in ('in', 'out', 'err')]
    paths[0].touch()
    with open(paths[0], 'rb') as stdin, open(paths[1], 'wb') as stdout, \
            open(paths[2], 'wb') as stderr:
        outcome = t.spawn(argv, stdin=stdin, stdout=stdout, stderr=stderr, **popen)
    equal(outcome.code, 0, paths[2].read_text(encoding='utf-8'))
    return json.loads(paths[1].read_text(encoding='utf-8'))


def same(t, options=('-q',), unlike=(), **popen):
    """The description with concprof and without; they differ in nothing else but `unlike`."""
    plain = [PYTHON, '-I', '-S', DESCRIBE]
    without = describe(t, plain, **popen)
    under = describe(t, t.command(plain, options), **popen)
    for key in without.keys() | under.keys():
        if key in ('pgid', 'sid'):  # a new one for each of the two
            equal(under[key] == without[key], False, key)
        elif key not in unlike:
            equal(under.get(key), without.get(key), key)
    return without, under


def test_all(t):
    """Environment, limits, umask, folder, priority, credentials, capabilities, descriptors."""
    same(t, options=())


def test_descriptors(t):
    """All that were inherited, and none of concprof's own, though it writes a file."""
    fds = [fd for _ in range(5) for fd in t.pipe()]
    without, _ = same(t, pass_fds=fds, options=['-o', str(t.dir / 'text')])
    for fd in fds:
        expect(str(fd) in without['descriptors'], 'the test passed no', fd)


def set_all():
    """Everything that can be inherited, to some unusual value."""
    os.umask(0o137)
    os.nice(7)
    os.chdir('/usr')
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, 400))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 12345))
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, 8 << 20))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 65536))
    with open('/proc/self/oom_score_adj', 'w', encoding='utf-8') as file:
        file.write('123')
    with open('/proc/self/timerslack_ns', 'w', encoding='utf-8') as file:
        file.write('77000')


def test_unusual(t):
    """The same with values that are not the default."""
    without, _ = same(t, preexec_fn=set_all)
    equal(without['nice'], 7, 'nice')


def test_environment_odd(t):
    """Names twice, without a value, not in UTF-8, or none at all."""
    same(t, env={b'A': b'\xff\xfe', b'EMPTY': b'', b'LINES': b'a\nb', b'PATH': b'/usr/bin:/bin'})
    outcome = t.spawn(['env', '-i', *t.command(['/usr/bin/env'])])
    equal((outcome.code, outcome.stdout), (0, ''), outcome)


def test_no_stray_children(t):
    """A workload that waits for any child finds none that it did not start."""
    code = ('import os\ntry:\n os.wait(); print("a child")\n'
            'except ChildProcessError:\n print("none")')
    equal(t.run(*t.python(code)).stdout, 'none\n', 'children')


PIPES = (
    ('middle of a pipe', 'printf a%.0s $(seq 1 50000) | "$@" cat | wc -c', '50000'),
    ('process substitution', '"$@" cat <(echo one) <(echo two)', 'one\ntwo'),
    ('here-document', '"$@" tr a-z A-Z <<< words', 'WORDS'),
    ('reader that stops', '"$@" yes | head -n 3 | tail -n 1', 'y'),
    ('redirected', '"$@" sh -c "echo out; echo err >&2" 2>&1 >/dev/null', 'err'),
)


@cases(*PIPES)
def test_streams(t, _, line, wanted):
    """The workload's own streams are untouched."""
    concprof = t.command([])
    outcome = t.spawn(['bash', '-c', line, 'bash', *concprof])
    equal((outcome.stdout.strip(), outcome.stderr), (wanted, ''), outcome)
    expect(outcome.report, 'there is no report')


def test_standard_input_shared(t):
    """concprof reads nothing of what the workload does not."""
    reader, writer = t.pipe()
    os.write(writer, b'one\ntwo\n')
    t.close(writer)
    outcome = t.run('sh', '-c', 'read x; echo $x', stdin=reader)
    equal(outcome.stdout, 'one\n', outcome)
    equal(os.read(reader, 100), b'two\n', 'what was left')


def test_job_server(t):
    """make -j under concprof, and concprof under make -j."""
    (t.dir / 'Makefile').write_text('all: a b c d\na b c d:\n\t@echo $@\n', encoding='utf-8')
    outcome = t.run('make', '-s', '-j2')
    equal((outcome.code, sorted(outcome.stdout.split())), (0, list('abcd')), outcome)
    equal(outcome.stderr, '', outcome)
    inner = ' '.join(t.command(['make', '-s', 'inner'])).replace(' -- make', ' -- $(MAKE)')
    (t.dir / 'Makefile').write_text(
        f'all:\n\t+@{inner}\ninner: a b\na b:\n\t@echo $@\n', encoding='utf-8')
    outcome = t.spawn(['make', '-s', '-j2'], env={**os.environ, 'MAKEFLAGS': ''})
    equal((outcome.code, sorted(outcome.stdout.split())), (0, ['a', 'b']), outcome)
    equal(outcome.stderr, '', 'no warning of a job server that is not there')


def test_tracer(t):
    """A program that traces others, as without us."""
    if not shutil.which('strace'):
        raise Skip('strace is not installed; the awkward mode ptrace covers most of it')
    outcome = t.run('strace', '-f', '-o', 'trace', 'sh', '-c', 'true & wait; exit 3')
    equal(outcome.code, 3, outcome)
    expect('exited with 3' in (t.dir / 'trace').read_text(encoding='utf-8'), 'no trace')
