# SPDX-License-Identifier: BSD-2-Clause
"""Futex and epoll calls, counted all the time or in windows."""
import shutil

from harness import Skip, cases, equal, expect


def test_all_of_them(t):
    """With --calls the counts are the workload's own, to the call."""
    calls = t.truth('calls', options=['-q', '--calls'])['calls']
    equal(calls['all_time'], True, 'all_time')


COUNTS = 'waits', 'again', 'wakes', 'woken', 'wakes_without_waiter'


def test_at_each_word(t):
    """All of them are at one of two words, the second of which wakes nobody."""
    report = t.truth('calls', options=['-q', '--calls'])
    words = {lock['address']: lock['calls'] for lock in report['locks'] if lock['shared']}
    equal(sorted(words), ['0x0', '0x4'], 'words')
    for count in COUNTS:
        equal(sum(calls[count] for calls in words.values()), report['calls']['futex'][count], count)
    equal(words['0x4']['woken'], 0, words)
    equal(words['0x4']['wakes'], words['0x4']['wakes_without_waiter'], words)
    equal(words['0x4']['again'] * 6, words['0x4']['waits'] * 5, words)


def test_windows(t):
    """Without it a long run is looked at in short windows, and the figures say so."""
    outcome = t.run(t.workload('calls'), 1500)
    equal(outcome.code, 0, outcome)
    calls = outcome.report['calls']
    equal(calls['all_time'], False, 'all_time')
    expect(calls['windows'] > 0, 'windows', calls)
    expect(0 < calls['window_ns'] < outcome.report['wall_ns'] / 2, 'window_ns', calls)
    expect(calls['futex']['waits'] + calls['epoll']['waits'] > 0, 'calls', calls)


@cases(('short', 'calls', 0), ('without such calls', 'sleeper', 10))
def test_no_windows(t, _, workload, number):
    """A run of less than a second has none, nor one that neither waits for a futex nor an epoll."""
    outcome = t.run(t.workload(workload), number)
    if workload == 'calls' and outcome.report['wall_ns'] > 900_000_000:
        raise Skip('too busy a machine: it ran for a second')
    expect('calls' not in outcome.report, outcome.report.get('calls'))


def mounts():
    """Of this mount namespace."""
    with open('/proc/self/mountinfo', encoding='utf-8') as file:
        return file.read()


def test_nothing_mounted(t):
    """The mount table is as it was, and tracefs need not be there."""
    before = mounts()
    t.truth('calls', options=['-q', '--calls'])
    equal(mounts(), before, 'mounts')
    if not shutil.which('unshare'):
        raise Skip('there is no unshare')
    line = ('while umount /sys/kernel/tracing 2>/dev/null; do :; done;'
            'while umount /sys/kernel/debug/tracing 2>/dev/null; do :; done;'
            'cat /proc/self/mountinfo >before; "$@"; s=$?;'
            'cat /proc/self/mountinfo >after; exit $s')
    outcome = t.spawn(['unshare', '-m', 'sh', '-c', line, 'sh',
                       *t.command([t.workload('calls')], ['-q', '--calls'])],
                      env={'CONCPROF_TRUTH': '/dev/null'})
    equal(outcome.code, 0, outcome)
    text = (t.dir / 'before').read_text(encoding='utf-8')
    expect(' tracefs ' not in text, 'tracefs is still mounted', text)
    equal((t.dir / 'after').read_text(encoding='utf-8'), text, 'mounts')
    expect(outcome.report['calls']['futex']['waits'] > 0, 'calls', outcome.report['calls'])
