# SPDX-License-Identifier: BSD-2-Clause
"""In a CI job: what the scripts for it leave, and comparisons of recordings."""
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import textwrap
import xml.etree.ElementTree

from harness import Skip, cases, equal, expect, schema_problems, without_bpf

CALM = True  # see run.py

CI = pathlib.Path(__file__).parents[3] / 'packaging' / 'ci'
MEASURE, COMPARE = CI / 'measure', CI / 'compare'
SUMMARY_MAX = 1 << 20  # bytes: GitHub drops a longer one


def ci_environment(t, **more):
    """That of a job, of GitHub's kind; what is left is in t.dir/out."""
    return {**os.environ, 'CONCPROF': t.concprof, 'CONCPROF_OUT': str(t.dir / 'out'),
            'GITHUB_ACTIONS': 'true', 'GITHUB_STEP_SUMMARY': str(t.dir / 'summary'),
            'GITHUB_OUTPUT': str(t.dir / 'outputs'), **more}


def script(t, *argv, **environment):
    """Its exit status, and what it printed."""
    done = subprocess.run(list(map(str, argv)), env=ci_environment(t, **environment),
                          capture_output=True, text=True, check=False, timeout=60, cwd=t.dir)
    return done.returncode, done.stdout + done.stderr


def measure(t, *command, **environment):
    """A command, measured."""
    return script(t, MEASURE, *command, **environment)


def test_measure(t):
    """All that a job wants: recording, reports, summary, annotations, output."""
    (t.dir / 'summary').write_text('of an earlier step\n')
    status, said = measure(t, 'sleep 0.2; echo from the command')
    equal(status, 0, said)
    expect('from the command' in said and '::notice' in said, said)
    out = t.dir / 'out'
    report = json.loads((out / 'report.json').read_text())
    equal(report['verdict']['class'], 'sleep-bound')
    equal((t.dir / 'outputs').read_text(), 'verdict=sleep-bound\n')
    summary = (t.dir / 'summary').read_text()
    expect(summary.startswith('of an earlier step\n') and 'sleep-bound' in summary, summary)
    expect('sleep-bound' in (out / 'report.txt').read_text())
    xml.etree.ElementTree.parse(out / 'junit.xml')
    expect((out / 'run.rec').stat().st_size > 100)


@cases(('true', '', 0), ('exit 7', '', 7), ('true', 'totals.processes > 0', 99),
       ('exit 7', 'totals.processes > 0', 7), ('true', 'totals.processes > 1000', 0),
       ('true', '\ntotals.threads > 1000\n\ntotals.processes >= 1\n', 99),
       ('true', 'no.such.path > 1', 125))
def test_status(t, command, gates, wanted):
    """The command's own; else what the gates say."""
    status, said = measure(t, command, CONCPROF_FAIL_ON=gates)
    equal(status, wanted, said)


def test_words(t):
    """More than one word are a command as it stands."""
    status, said = measure(t, 'printf', '%s|', 'a b', '$HOME')
    equal(status, 0, said)
    expect('a b|$HOME|' in said, said)


def test_input(t):
    """The command's input, and signals that it ignores, are the caller's."""
    done = subprocess.run([MEASURE, 'cat; grep SigIgn /proc/self/status'], env=ci_environment(t),
                          input='words\n', capture_output=True, text=True, check=False,
                          timeout=60, cwd=t.dir)
    lines = done.stdout.splitlines()
    expect(lines[0] == 'words', done.stdout)
    ignored = int(lines[1].split()[1], 16)
    expect(not ignored & (1 << 1 | 1 << 2), 'SIGINT or SIGQUIT is ignored:', lines[1])


@cases(('it fits', 0, True), ('no more', SUMMARY_MAX - 1400, False),
       ('nothing at all', SUMMARY_MAX - 100, False))
def test_full_summary(t, _, size, fits):
    """GitHub drops a summary that is too long, with all that stands in it."""
    (t.dir / 'summary').write_text('x' * size)
    status, said = measure(t, 'true')
    equal(status, 0, said)
    summary = (t.dir / 'summary').read_text()[size:]
    expect(size + len(summary) <= SUMMARY_MAX)
    equal('## concprof' in summary, fits, summary)
    equal("is left out" in summary, not fits and size < SUMMARY_MAX - 1000, summary)


def test_not_a_program(t):
    """CONCPROF names none; it is not taken for the command that was not found."""
    status, said = measure(t, 'true', CONCPROF=str(CI))
    equal(status, 125, said)


# --- what runners forbid ------------------------------------------------------------

def without_rights(t, *before):
    """measure behind a command that takes rights away; it is told what to do about it."""
    status, said = script(t, *before, MEASURE, 'touch ran')
    if status == 1 and 'unshare' in said:
        raise Skip(said)
    equal(status, 125, said)
    expect(not (t.dir / 'ran').exists(), 'the command ran')
    expect('concprof does not work here' in said and '::error ' in said, said)
    summary = (t.dir / 'summary').read_text()
    expect(summary.startswith('## concprof: nothing was measured\n'), summary)
    expect('concprof does not work here' in summary, summary)
    equal(os.listdir(t.dir / 'out'), [], 'left behind')
    return said


@without_bpf
def test_no_root(t):
    """A user who may not sudo."""
    nobody = pwd.getpwnam('nobody')
    os.chown(t.dir, nobody.pw_uid, nobody.pw_gid)
    said = without_rights(t, 'setpriv', f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}',
                          '--clear-groups')
    expect('run it as root: sudo' in said, said)


@without_bpf
def test_no_capabilities(t):
    """Root of a container that is not privileged."""
    said = without_rights(t, 'setpriv', '--bounding-set=-all', '--inh-caps=-all')
    expect('--privileged' in said and 'CAP_BPF' in said, said)


@without_bpf
def test_user_namespace(t):
    """Root of a rootless container, which has all capabilities there."""
    said = without_rights(t, 'unshare', '-r', '-m', '-p', '-f', '--mount-proc')
    expect("the machine's root" in said, said)


@without_bpf
@cases(('no BTF', '/sys/kernel/btf'), ('no /sys', '/sys'))
def test_no_btf(t, _, where):
    """A kernel without, or a container."""
    said = without_rights(t, 'unshare', '-m', 'sh', '-c',
                          f'mount -t tmpfs none {where} && exec "$@"', 'sh')
    expect('CONFIG_DEBUG_INFO_BTF' in said, said)


# --- comparisons --------------------------------------------------------------------

def compare(t, base, head, **environment):
    """Two commands, in turns."""
    return script(t, COMPARE, base, head, **environment)


def test_compare(t):
    """In turns, who comes first too; and the change is found."""
    status, said = compare(t, 'echo base >>log; sleep 0.1', 'echo head >>log; sleep 0.3',
                           CONCPROF_ROUNDS='4', CONCPROF_FAIL_ON='change.wall > 50%')
    equal(status, 99, said)
    equal((t.dir / 'log').read_text().split(), 2 * ['base', 'head', 'head', 'base'])
    found = json.loads((t.dir / 'out' / 'diff.json').read_text())
    equal(found['runs'], {'base': 4, 'head': 4})
    expect(quantity(found, 'wall')['changed'], found)
    summary = (t.dir / 'summary').read_text()
    text = (t.dir / 'out' / 'diff.txt').read_text()
    expect('slower' in text and text in said, said)
    equal(summary, (t.dir / 'out' / 'diff.md').read_text())
    expect('change.wall' in summary and '::error' in said, summary, said)
    xml.etree.ElementTree.parse(t.dir / 'out' / 'junit.xml')
    equal(len(list((t.dir / 'out').glob('*.rec'))), 8, 'recordings')


def test_compare_fails(t):
    """With the first run that fails all ends, with its status; the recordings are kept."""
    status, said = compare(t, 'true', 'exit 7', CONCPROF_ROUNDS='4')
    equal(status, 7, said)
    expect('head ended with status 7 in round 1' in said, said)
    equal(sorted(os.listdir(t.dir / 'out')), ['base-1.rec', 'head-1.rec'])


@without_bpf
@cases(('one command', ['true'], {}, 'usage'), ('rounds', ['true', 'true'],
       {'CONCPROF_ROUNDS': 'many'}, "'many'"),
       ('a condition', ['touch ran', 'true'], {'CONCPROF_FAIL_ON': 'no.such.path > 1'},
        'no.such.path'))
def test_compare_refuses(t, _, commands, environment, word):
    """What is wrong is said before anything runs."""
    status, said = script(t, COMPARE, *commands, **environment)
    equal(status, 125, said)
    expect(word in said and not (t.dir / 'ran').exists(), said)


def block_of(path, key):
    """The lines of a YAML block scalar, as `key: |` begins it; without a library for it."""
    lines = iter(path.read_text(encoding='utf-8').splitlines())
    begin = next(line for line in lines if line.endswith(f'{key} |'))
    depth = len(begin) - len(begin.lstrip()) + 1
    block = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) < depth:
            break
        block.append(line)
    return textwrap.dedent('\n'.join(block))


def action(t):
    """What GitHub's action runs, as GitHub runs it: from a file."""
    step = t.dir / 'step.sh'
    step.write_text(block_of(pathlib.Path(ACTION_PATH) / 'action.yml', 'run:'), encoding='utf-8')
    return ['bash', '--noprofile', '--norc', '-eo', 'pipefail', step]


ACTION_PATH = str(CI.parents[1] / '.github' / 'actions' / 'concprof')


@cases(('one command', '', 'run.rec'), ('two', 'true', 'base-1.rec'))
def test_action(t, _, base, file):
    """GitHub's: its own step, from its own file."""
    status, said = script(t, *action(t), GITHUB_ACTION_PATH=ACTION_PATH, COMMAND='echo words; true',
                          BASE_COMMAND=base, CONCPROF_ROUNDS='1', CONCPROF_FAIL_ON='')
    equal(status, 0, said)
    expect('words' in said and (t.dir / 'out' / file).exists(), said)


@cases(('one command', '', 'run.rec'), ('two', 'true', 'base-1.rec'))
def test_gitlab(t, _, base, file):
    """GitLab's: its script, with this repository beside."""
    (t.dir / 'concprof').symlink_to(CI.parents[1])
    step = block_of(CI / 'gitlab.yml', '-')
    status, said = script(t, 'bash', '-eo', 'pipefail', '-c', step, COMMAND='echo words; exit 0',
                          BASE_COMMAND=base, CONCPROF_ROUNDS='1')
    equal(status, 0, said)
    expect('words' in said and (t.dir / 'out' / file).exists(), said)


@without_bpf
def test_scripts(_):
    """No fault that shellcheck knows."""
    if not shutil.which('shellcheck'):
        raise Skip('there is no shellcheck')
    done = subprocess.run(['shellcheck', '-x', MEASURE, COMPARE, CI / 'common'],
                          capture_output=True, text=True, check=False, cwd=CI)
    equal((done.returncode, done.stdout), (0, ''))


def record(t, name, *command):
    """A recording of the command."""
    path = t.dir / name
    subprocess.run([t.concprof, 'record', '-o', path, '--', *command], check=True, timeout=60,
                   stdin=subprocess.DEVNULL)
    return path


def diff(t, base, head):
    """The comparison as JSON."""
    path = t.dir / 'diff.json'
    subprocess.run([t.concprof, 'diff', *base, '--vs', *head, '--json', path], check=True,
                   timeout=60)
    data = path.read_bytes()
    t.problems += schema_problems(data)
    return json.loads(data)


def quantity(comparison, name):
    return next(row for row in comparison['quantities'] if row['name'] == name)


def test_diff(t):
    """A longer sleep is found, by its cause; the runs of both kinds were taken in turns."""
    base, head = [], []
    for i in range(5):
        base.append(record(t, f'base{i}', 'sleep', '0.1'))
        head.append(record(t, f'head{i}', 'sleep', '0.3'))
    found = diff(t, base, head)
    equal((found['runs'], found['can_tell'], found['divisions']),
          ({'base': 5, 'head': 5}, True, 252))
    for name in ('wall', 'wall.timer', 'totals.blocked["timer.sleep"]'):
        row = quantity(found, name)
        expect(row['changed'] and row['p'] <= 0.05, row)
        expect(row['head']['mean_ns'] - row['base']['mean_ns'] >= 190e6, row)


def test_diff_of_two(t):
    """One run on each side: the difference is shown, and nothing is claimed."""
    found = diff(t, [record(t, 'base', 'sleep', '0.1')], [record(t, 'head', 'sleep', '0.3')])
    expect(not found['can_tell'])
    expect(not any(row['changed'] for row in found['quantities']), found)


@without_bpf
def test_diff_errors(t):
    """A recording that is none is named."""
    (t.dir / 'none').write_text('no recording')
    done = subprocess.run([t.concprof, 'diff', t.dir / 'none', '--vs', t.dir / 'none'],
                          capture_output=True, text=True, check=False)
    equal((done.returncode, done.stdout), (125, ''), done)
    expect(str(t.dir / 'none') in done.stderr and done.stderr.count('\n') == 1, done.stderr)
