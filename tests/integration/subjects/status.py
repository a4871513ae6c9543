# SPDX-License-Identifier: BSD-2-Clause
"""The exit status, and the one line that goes with a status of concprof's own."""
import os
import resource
import signal
import subprocess

from harness import cases, equal, expect, is_alive, read_until, without_bpf

CALM = True  # see run.py


def complains(outcome, code, *words):
    """One line on standard error that names what is wrong, and nothing else."""
    equal(outcome.code, code, outcome)
    equal(outcome.stdout, '', outcome)
    lines = outcome.stderr.splitlines()
    expect(len(lines) == 1 and outcome.stderr.endswith('\n'), 'not one line:', outcome)
    for word in ('concprof: ', *words):
        expect(word in lines[0], f'no {word!r}:', outcome)


def refused(t, code, argv, *words, options=(), **popen):
    """concprof says what is wrong; nothing was written."""
    before = sorted(os.listdir(t.dir))
    outcome = t.run(*argv, options=options, **popen)
    complains(outcome, code, *words)
    equal(sorted(os.listdir(t.dir)), before, 'left behind', outcome)


@cases(*((str(code), code) for code in (0, 1, 42, 125, 126, 127, 143, 255)))
def test_own(t, _, code):
    """The workload's own status."""
    outcome = t.run('sh', '-c', f'exit {code}')
    equal(outcome.code, code, outcome)
    equal(outcome.report['exit'], {'code': code, 'signal': None}, 'exit')
    equal(outcome.report['ended_by'], 'command', 'ended_by')


def unlimited_cores():
    """So that whoever may dump core does."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@cases(*((name,) for name in ('SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGINT', 'SIGHUP',
                              'SIGPIPE', 'SIGRTMIN')))
def test_signal(t, name):
    """concprof dies of what its workload died of, after its report and without a core file."""
    number = int(getattr(signal, name))
    default = '' if name == 'SIGKILL' else f'signal.signal({number}, signal.SIG_DFL);'
    code = f'import os, signal; {default} os.kill(os.getpid(), {number})'
    child = t.start(t.command(t.python(code), options=()), stderr=subprocess.PIPE,
                    preexec_fn=unlimited_cores)
    text = child.stderr.read()
    _, status = os.waitpid(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    equal(child.returncode, -number, text)
    expect(not os.WCOREDUMP(status), 'concprof dumped core')
    equal(t.load()['exit'], {'code': None, 'signal': number}, 'exit')
    expect(text, 'there is no text report')


def test_shell_reports_signal(t):
    """A shell sees the signal, not a number that looks like it."""
    command = t.command(['sh', '-c', 'kill -TERM $$'])
    outcome = t.spawn(['bash', '-c', '"$@"; echo $?', 'bash', *command])
    equal(outcome.stdout.strip(), '143', outcome)


def test_not_found(t):
    """127, by name and by path."""
    refused(t, 127, ['no-such-command'], "'no-such-command'", 'PATH')
    refused(t, 127, ['./no/such'], "'./no/such'")
    refused(t, 127, ['true | false'], 'sh -c')
    refused(t, 127, [''], 'empty')


def script(t, name, text, mode):
    """An executable file, or one that is not."""
    path = t.dir / name
    path.write_text(text, encoding='utf-8')
    path.chmod(mode)
    return str(path)


def test_not_executable(t):
    """126, with the reason and its remedy."""
    refused(t, 126, ['/etc'], "'/etc'", 'directory')
    refused(t, 126, [script(t, 'plain', 'echo hello\n', 0o644)], 'chmod +x')
    refused(t, 126, [script(t, 'lost', '#!/no/such/interpreter\n', 0o755)],
            '/no/such/interpreter')
    refused(t, 126, [script(t, 'dos', '#!/bin/sh\r\n', 0o755)], 'dos2unix')
    refused(t, 126, [script(t, 'text', 'echo hello\n', 0o755)], 'exec format')
    refused(t, 126, [script(t, 'alien', '\x7fELF\x02\x01\x01' + 57 * '\0', 0o755)], 'architecture')


BAD = (
    ('unknown option', ['--nosuch', '--', 'true'], '--nosuch'),
    ('unknown letter', ['-Z', '--', 'true'], '-Z'),
    ('no command', [], 'no command'),
    ('no command behind --', ['-q', '--'], 'no command'),
    ('duration of words', ['-d', 'soon', '--', 'true'], "'soon'"),
    ('duration below zero', ['-d', '-1', '--', 'true'], "'-1'"),
    ('no duration', ['-d', '0', '--', 'true'], "'0'"),
    ('duration with a tail', ['-d', '1x', '--', 'true'], "'1x'"),
    ('duration without end', ['-d', '1e300', '--', 'true'], "'1e300'"),
    ('duration of nothing', ['-d', 'nan', '--', 'true'], "'nan'"),
    ('linger', ['--linger', 'x', '--', 'true'], "'x'"),
    ('top', ['--top', '0', '--', 'true'], "'0'"),
    ('top below zero', ['--top', '-3', '--', 'true'], "'-3'"),
    ('colour', ['--color', 'red', '--', 'true'], "'red'"),
    ('format', ['--format', 'nosuch', '-o', 'f', '--', 'true'], "'nosuch'"),
    ('format without a file', ['--format', 'json', '--', 'true'], '-o'),
    ('value missing', ['--json'], '--json'),
    ('empty file name', ['-o', '', '--', 'true'], 'empty'),
    ('two on standard output', ['--json', '-', '-o', '-', '--', 'true'], 'of its own'),
    ('argument of check', ['check', 'this'], "'this'"),
)


@cases(*BAD)
@without_bpf
def test_bad_option(t, _, args, word):
    """125 and one line; the command does not run."""
    outcome = t.spawn([t.concprof, *args])
    complains(outcome, 125, word)
    equal(os.listdir(t.dir), [], 'left behind')


def test_unknown_user(t):
    """-u of nobody known."""
    refused(t, 125, ['touch', 'ran'], "'nosuchuser'", options=['-u', 'nosuchuser'])


@without_bpf
def test_no_root(t):
    """Without privileges: what to do about it, and the command does not run."""
    t.dir.chmod(0o777)
    refused(t, 125, ['touch', 'ran'], 'sudo', user=65534, group=65534, extra_groups=[])


@without_bpf
def test_help(t):
    """Help and version need nothing, and go to standard output."""
    for option in ('--help', '-h', '--version'):
        outcome = t.spawn([t.concprof, option], user=65534)
        equal((outcome.code, outcome.stderr), (0, ''), outcome)
        expect('concprof' in outcome.stdout, outcome)


def test_subcommand(t):
    """`run` is the same; behind -- everything is the command; options end at the command."""
    script(t, 'run', '#!/bin/sh\nexit 4\n', 0o755)
    environ = {**os.environ, 'PATH': f"{t.dir}:{os.environ['PATH']}"}
    for argv in (['run', '-q', '--', 'sh', '-c', 'exit 4'], ['-q', 'run', 'sh', '-c', 'exit 4'],
                 ['-q', 'sh', '-c', 'exit 4'], ['-q', '--', 'run', '-c', 'exit 4']):
        outcome = t.spawn([t.concprof, *argv], env=environ)
        equal((outcome.code, outcome.stdout, outcome.stderr), (4, '', ''), argv)


DURATION = (
    ('dies of SIGTERM', 'sleep 1000', 0),
    ('returns 143', 'trap "exit 143" TERM; sleep 1000 & wait', 0),
    ('its own status', 'trap "exit 7" TERM; sleep 1000 & wait', 7),
    ('dies of another', 'trap "kill -ABRT $$" TERM; sleep 1000 & wait', -signal.SIGABRT),
)


@cases(*DURATION)
def test_duration(t, _, line, code):
    """-d ends the command and its descendants; then 0, unless the command says otherwise."""
    outcome = t.run('sh', '-c', line, options=['-q', '-d', '0.5'])
    equal(outcome.code, code, outcome)
    equal(outcome.report['ended_by'], 'duration', 'ended_by')
    expect(outcome.report['wall_ns'] >= 500_000_000, 'wall_ns', outcome.report['wall_ns'])
    for process in outcome.report['processes']:
        expect(not is_alive(process['pid']), 'lives on:', process)


def test_duration_kills(t):
    """Who ignores SIGTERM is killed after five seconds, a descendant too."""
    child = t.begin('sh', '-c', 'trap "" TERM; echo ready; sleep 1000 & sleep 1000',
                    options=['-q', '-d', '0.5'])
    read_until(child.stdout.fileno(), 'ready')
    outcome = t.finish(child)
    equal(outcome.code, 0, outcome)
    equal(outcome.report['ended_by'], 'duration', 'ended_by')
    for process in outcome.report['processes']:
        expect(not is_alive(process['pid']), 'lives on:', process)


def test_duration_not_reached(t):
    """A command that ends before is not touched."""
    outcome = t.run('sh', '-c', 'exit 3', options=['-q', '-d', '1h'])
    equal(outcome.code, 3, outcome)
    equal(outcome.report['ended_by'], 'command', 'ended_by')
