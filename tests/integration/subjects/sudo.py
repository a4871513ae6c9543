# SPDX-License-Identifier: BSD-2-Clause
"""Under sudo the workload is the user's own, as before sudo; and -u and --as-root."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import subprocess

from harness import HERE, PYTHON, Skip, equal, expect
from subjects.status import complains

USER = 'cp-test-user'
RULE = pathlib.Path('/etc/sudoers.d/cp-test-user')


def quietly(*argv):
    """Whether a command worked."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def remove_user():
    """The user, with the home and the rule."""
    RULE.unlink(missing_ok=True)
    quietly('userdel', '-r', USER)


@contextlib.contextmanager
def user(t):
    """A user who may call sudo, for one test; PATH leads to a folder of the user's own."""
    if not shutil.which('sudo') or not shutil.which('useradd') or os.geteuid():
        raise Skip('this needs sudo, useradd and root')
    remove_user()
    if not quietly('useradd', '-m', '-G', 'users', '-s', '/bin/sh', USER):
        raise Skip('cannot make a user')
    try:
        RULE.touch(0o440)
        RULE.write_text(f'{USER} ALL=(ALL) NOPASSWD: ALL\n', encoding='utf-8')
        entry = pwd.getpwnam(USER)
        os.chown(t.dir, entry.pw_uid, entry.pw_gid)
        (t.dir / 'bin').mkdir()
        shutil.copy(HERE / 'describe.py', t.dir)
        own = t.dir / 'bin' / 'own-command'
        own.write_text('#!/bin/sh\necho own\n', encoding='utf-8')
        own.chmod(0o755)
        yield entry
    finally:
        remove_user()


def run_as(t, entry, argv, **popen):
    """Runs a command as the user, from a login of few variables."""
    environ = {'HOME': entry.pw_dir, 'USER': USER, 'LOGNAME': USER, 'SHELL': '/bin/sh',
               'PATH': f'{t.dir}/bin:/usr/local/bin:/usr/bin:/bin', 'CI': 'yes', 'ODD': 'a\nb',
               'VIRTUAL_ENV': '/some/where', 'LANG': 'C'}
    outcome = t.spawn(argv, user=entry.pw_uid, group=entry.pw_gid, env=environ,
                      extra_groups=os.getgrouplist(USER, entry.pw_gid), **popen)
    if 'sudo' in outcome.stderr and outcome.code == 1 and not outcome.stdout:
        raise Skip('sudo does not work here: ' + outcome.stderr.strip())
    return outcome


def under(t, argv, *options):
    """concprof under sudo."""
    return ['sudo', '-n', *t.command(argv, ['-q', *options])]


def describe(t):
    """The command that says what it is."""
    return [PYTHON, '-I', '-S', str(t.dir / 'describe.py')]


def test_as_before_sudo(t):
    """Identity, groups, capabilities and environment as without sudo; files are the user's."""
    with user(t) as entry:
        plain = run_as(t, entry, describe(t))
        outcome = run_as(t, entry, under(t, describe(t)))
        equal((outcome.code, outcome.stderr), (0, ''), outcome)
        plain, seen = json.loads(plain.stdout), json.loads(outcome.stdout)
        for key in ('Uid', 'Gid', 'environ', 'CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'CapBnd',
                    'NoNewPrivs', 'Umask', 'cwd', 'SigBlk', 'SigIgn'):
            equal(seen[key], plain[key], key)
        equal(sorted(seen['Groups'].split()), sorted(plain['Groups'].split()), 'groups')
        equal(len(seen['descriptors']), 3, 'descriptors', seen['descriptors'])
        status = t.json.stat()
        equal((status.st_uid, status.st_gid), (entry.pw_uid, entry.pw_gid), 'owner of the report')
        equal(outcome.report['user']['uid'], entry.pw_uid, 'user.uid')


def test_own_path(t):
    """A command that only the user's PATH has is found, and the report says which it was."""
    with user(t) as entry:
        outcome = run_as(t, entry, under(t, ['own-command']))
        equal((outcome.code, outcome.stdout, outcome.stderr), (0, 'own\n', ''), outcome)
        equal(outcome.report['executable'], f'{t.dir}/bin/own-command', 'executable')


def test_no_way_to_root(t):
    """The workload can neither become root again nor write what is root's."""
    with user(t) as entry:
        code = ('import os\nfor f in (os.setuid, os.seteuid, os.setgid):\n'
                ' try: f(0); print("root")\n except PermissionError: print("no")')
        outcome = run_as(t, entry, under(t, [PYTHON, '-I', '-S', '-c', code]))
        equal(outcome.stdout, 'no\n' * 3, outcome)


def test_as_root(t):
    """--as-root keeps root and sudo's environment; the files are still the user's."""
    with user(t) as entry:
        outcome = run_as(t, entry, under(t, ['sh', '-c', 'id -u; echo $SUDO_USER'], '--as-root'))
        equal((outcome.code, outcome.stdout), (0, f'0\n{USER}\n'), outcome)
        equal(t.json.stat().st_uid, entry.pw_uid, 'owner of the report')


def test_another_user(t):
    """-u: that user's identity, home and name; nothing of the caller's secrets in between."""
    with user(t) as entry:
        other = pwd.getpwnam('nobody')
        outcome = run_as(t, entry, under(t, ['sh', '-c', 'id -u; id -g; echo $HOME $USER $LOGNAME'],
                                         '-u', 'nobody'))
        wanted = f'{other.pw_uid}\n{other.pw_gid}\n{other.pw_dir} nobody nobody\n'
        equal((outcome.code, outcome.stdout), (0, wanted), outcome)
        equal(outcome.report['user']['uid'], other.pw_uid, 'user.uid')
        equal(t.json.stat().st_uid, entry.pw_uid, 'owner of the report')


def test_from_root(t):
    """-u without sudo; a number will do."""
    other = pwd.getpwnam('nobody')
    for name in ('nobody', str(other.pw_uid)):
        outcome = t.run('sh', '-c', 'id -u; id -G; echo $HOME', options=['-q', '-u', name])
        wanted = f'{other.pw_uid}\n{other.pw_gid}\n{other.pw_dir}\n'
        equal((outcome.code, outcome.stdout), (0, wanted), outcome)


def test_roots_file(t):
    """A report goes neither into a folder nor over a file that the user may not write."""
    with user(t) as entry:
        kept = t.dir / 'kept'
        kept.mkdir(0o755)
        old = t.dir / 'old.json'
        old.write_text('old', encoding='utf-8')
        for name in (kept / 'report.json', old):
            outcome = run_as(t, entry, ['sudo', '-n', t.concprof, '-q', '--json', str(name), '--',
                                        'touch', str(t.dir / 'mark')])
            complains(outcome, 125, f"'{name}'", 'Permission')
        equal(old.read_text(encoding='utf-8'), 'old', 'the old file')
        equal(os.listdir(kept), [], 'left behind')
        equal(sorted(os.listdir(t.dir)), ['bin', 'describe.py', 'kept', 'old.json'], 'left behind')


def test_signals(t):
    """concprof may still signal the workload when both have become the user."""
    with user(t) as entry:
        outcome = run_as(t, entry, under(t, ['sh', '-c', 'trap "exit 9" TERM; sleep 1000 & wait'],
                                         '-d', '0.3'))
        equal(outcome.code, 9, outcome)
        expect(outcome.report['ended_by'] == 'duration', outcome.report['ended_by'])


def test_not_found(t):
    """The remedy for a command that sudo's own PATH lacks."""
    with user(t) as entry:
        outcome = run_as(t, entry, under(t, ['own-command'], '--as-root'))
        complains(outcome, 127, "'own-command'", 'full path')
