#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the integration tests against what was built.

usage: run.py BUILD_DIR [NAME-FILTER...]      (a filter is a part of a test's name; with ! before it
                                              such tests are skipped, and counted)

Prints TAP and, last, "N passed, N failed, N skipped"; status 1 if any failed. Where the probes
cannot be loaded the tests that need them are skipped; with CI=true in the environment that is a
failure.

Most tests compare clocks, on a machine whose hypervisor may take its CPUs away unseen, for half a
minute at a time. So when all of them are run, one that fails is made twice more at the end, and
passes if both times it does: what it said at first is printed, and no more than MOST_REPEATED of all
get that chance, so that neither an error nor a tolerance that is too tight goes by for long.
"""
import concurrent.futures
import importlib
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

from harness import Skip, Test

SUBJECTS = ('workloads', 'probes', 'cgroups', 'status', 'output', 'signals', 'killed', 'faults',
            'environment',
            'sudo', 'privileges', 'ledger', 'preempted', 'crowd', 'documents', 'cost', 'calls', 'peers',
             'busy', 'programs', 'lives', 'locks', 'targets', 'journal', 'loops', 'channels', 'models', 'kinds',
             'habits', 'schedule',
            'deadlocks', 'why', 'hangs', 'attach',
            'formats', 'page', 'gates', 'ci', 'cancelled', 'recording', 'room', 'kept', 'tables',
            'comparisons', 'timeline', 'live', 'stacks', 'code', 'debuginfod',
            'pages', 'docs', 'shells', 'installing', 'tour', 'packages')
MOST_REPEATED = 5
AT_ONCE = 3  # of tests marked as calm: they mostly sleep, and compare no clocks


def all_tests(build):
    """(name, function, arguments) of each test, in order."""
    for subject in SUBJECTS:
        module = importlib.import_module(f'subjects.{subject}')
        for name, function in vars(module).items():
            if not name.startswith('test_'):
                continue
            name = f'{subject}.{name[len("test_"):]}'
            rows = getattr(function, 'cases', None)
            if callable(rows):
                rows = rows(pathlib.Path(build))
            if rows is None:
                yield name, function, ()
            for row in rows or ():
                yield f'{name} [{row[0]}]', function, row


def left_out(_):
    """In place of a test that is not wanted."""
    raise Skip('left out by name')


def selected(build, filters):
    """Those of all tests whose names fit."""
    without = tuple(word[1:] for word in filters if word.startswith('!'))
    wanted = [word for word in filters if not word.startswith('!')]
    for test in all_tests(build):
        if not wanted or any(word in test[0] for word in wanted):
            unwanted = any(word in test[0] for word in without)
            yield (test[0], left_out, ()) if unwanted else test


def why_no_bpf(build):
    """None if the probes work here, else what `concprof check` says."""
    result = subprocess.run([f'{build}/concprof', 'check'], capture_output=True, text=True,
                            check=False)
    return None if result.returncode == 0 else result.stdout.strip().splitlines()[-1]


def run_one(build, function, arguments):
    """('ok', None), ('skip', why) or ('fail', why)."""
    test = Test(build)
    try:
        with test.cleanup:
            function(test, *arguments)
    except Skip as why:
        return 'skip', str(why)
    except AssertionError as failure:
        test.problems.append(str(failure))
    except Exception:  # pylint: disable=broad-except
        test.problems.append(traceback.format_exc())
    if test.problems:
        return 'fail', '\n'.join(test.problems[:20])
    return 'ok', None


def passes_twice(build, function, arguments):
    """Whether a test that failed was unlucky."""
    return all(run_one(build, function, arguments)[0] == 'ok' for _ in range(2))


def announce(number, name, result, why, seconds):
    """A TAP line, and what is to be said below it."""
    mark = {'ok': '', 'fail': '', 'skip': f' # SKIP {why}'}[result]
    print(f"{'not ok' if result == 'fail' else 'ok'} {number} - {name}{mark}")
    if result != 'skip':
        for line in (why or '').splitlines():
            print(f'#   {line}')
    if seconds > 3:
        print(f'#   {seconds:.1f} s')
    sys.stdout.flush()


def timed(build, test, no_bpf):
    """(result, why, seconds)"""
    _, function, arguments = test
    start = time.monotonic()
    if no_bpf and getattr(function, 'needs_bpf', True):
        return 'fail' if os.environ.get('CI') == 'true' else 'skip', no_bpf, 0
    return *run_one(build, function, arguments), time.monotonic() - start


def is_calm(test):
    """Is it marked so, or this case of it, or all of its subject?"""
    _, function, arguments = test
    calm = getattr(function, 'calm', getattr(sys.modules[function.__module__], 'CALM', False))
    return calm(*arguments) if callable(calm) else calm


def all_results(build, tests, no_bpf):
    """(test, result, why, seconds) of each, in order."""
    for calm, group in itertools.groupby(tests, is_calm):
        group = list(group)
        if not calm:
            yield from ((test, *timed(build, test, no_bpf)) for test in group)
            continue
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(lambda test: timed(build, test, no_bpf), group))
        yield from ((test, *outcome) for test, outcome in zip(group, outcomes))


def main(args):
    """The exit status."""
    if not args:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that tests clean up
    # Whoever started this in the background may ignore it: the programs of the tests must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    build, filters = args[0], args[1:]
    tests = list(selected(build, filters))
    counts = {'ok': 0, 'fail': 0, 'skip': 0}
    again = []  # (number, test, why, seconds)
    no_bpf = why_no_bpf(build)
    print(f'1..{len(tests)}')
    for number, (test, result, why, seconds) in enumerate(all_results(build, tests, no_bpf), 1):
        if result == 'fail' and not no_bpf and not filters and len(again) < MOST_REPEATED:
            again.append((number, test, why, seconds))
            continue
        counts[result] += 1
        announce(number, test[0], result, why, seconds)
    for number, test, why, seconds in again:
        result = 'fail'
        if passes_twice(build, *test[1:]):
            result, why = 'ok', f'REPEATED: passed twice, after it had failed:\n{why}'
        counts[result] += 1
        announce(number, test[0], result, why, seconds)
    if again:
        print(f'# {len(again)} repeated')
    print(f"{counts['ok']} passed, {counts['fail']} failed, {counts['skip']} skipped")
    return 1 if counts['fail'] or not tests else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
