# SPDX-License-Identifier: BSD-2-Clause
"""Policies, nice values and affinities: who had the CPU that a thread was ready to use."""
import subprocess

from harness import equal, expect, nothing_lost, read_until


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'schedule'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def adds_up(report):
    """All times that threads were preempted are in the list, once, and no other."""
    rows = [row for row in report['takers'] if row['how'] == 'preempted']
    totals = report['totals']
    if report['measurement']['lost']:
        return
    equal(sum(row['count'] for row in rows), totals['slices']['preempted'], rows)
    off = sum(row['ns'] for row in rows) - totals['states']['preempted_ns']
    expect(abs(off) <= 1_000_000 + totals['states']['preempted_ns'] // 1000, off, rows)
    for thread in report['threads']:
        kernel = thread.get('kernel_accounting')
        slices = thread['slices']
        if not kernel or not slices or 'kernel.throttle' in thread['blocked']:
            continue
        # A yield is involuntary to the kernel, and no preemption.
        equal(slices['preempted'] + thread['switches']['yields'], kernel['involuntary'], thread)
        expect(slices['preempted_run_ns'] <= thread['states']['running_ns'], thread)
        expect(slices['mean_ns'] <= slices['longest_ns'] <= thread['states']['running_ns'], thread)


def test_truth(t, mode):
    """The workload knows how its threads are scheduled, and for how long they waited."""
    report = t.truth('schedule', mode)
    adds_up(report)


test_truth.cases = modes


def test_outside(t):
    """A program that is not measured takes the CPU: it is named, and the time is the kernel's."""
    hog = t.start([t.workload('schedule'), 'hog'], stdout=subprocess.PIPE)
    read_until(hog.stdout.fileno(), 'ready')
    report = t.truth('schedule', 'alone')
    t.kill(hog)
    nothing_lost(report)
    adds_up(report)
    rows = [row for row in report['takers']
            if row['comm'] == 'alone' and row['by'] == 'hog' and row['how'] == 'preempted']
    equal([(row['by_is'], row['by_pid']) for row in rows], [('other', hog.pid)], report['takers'])
    thread = next(row for row in report['threads'] if row['comm'] == 'alone')
    delay = thread['states']['preempted_ns'] + thread['states']['woken_ns']
    had = sum(row['ns'] for row in report['takers'] if row['by'] == 'hog')
    # The rest is what the test's other programs, and the kernel's, had.
    expect(0.5 * delay <= had <= 1.02 * delay + 2_000_000, had, 'of', delay, report['takers'])
    expect(rows[0]['certain_ns'] >= 0.5 * rows[0]['ns'], rows)


def test_text(t):
    """A person is told who took the CPU, and what was changed."""
    outcome = t.run(t.workload('schedule'), 'nice', options=(), as_json=False,
                    env={'CONCPROF_TRUTH': '/dev/null'})
    equal(outcome.code, 0, outcome)
    text = outcome.stdout + outcome.stderr
    expect('Who took the CPU' in text, text)
    expect(any(line.split()[:3] == ['low', 'preempted', 'high'] for line in text.splitlines()),
           text)
