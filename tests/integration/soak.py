#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Looks for false deadlocks: runs what looks like one, and is none, again and again.

usage: soak.py BUILD_DIR RUNS

Prints what failed and, last, "N runs, N failed"; status 1 if any did.
"""
import collections
import concurrent.futures
import itertools
import pathlib
import sys

from run import AT_ONCE, run_one
from subjects import deadlocks


def look_alikes(build):
    """(function, arguments) of each test whose program has no deadlock."""
    for mode in deadlocks.modes(build):
        if mode[0] in deadlocks.LOOK_ALIKES:
            yield deadlocks.test_truth, mode
    for row in deadlocks.test_no_pipes.cases:
        yield deadlocks.test_no_pipes, row


def main(args):
    """The exit status."""
    if len(args) != 2 or not args[1].isdigit():
        print(__doc__.strip(), file=sys.stderr)
        return 2
    build, runs = pathlib.Path(args[0]), int(args[1])
    tests = list(itertools.islice(itertools.cycle(look_alikes(build)), runs))
    failed = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda test: run_one(build, *test), tests)
        for (_, arguments), (result, why) in zip(tests, results):
            if result == 'fail':
                failed[arguments[0]] += 1
                print(f'{arguments[0]}: {why}', flush=True)
    for name, count in failed.most_common():
        print(f'{name}: {count} failed')
    print(f'{runs} runs, {failed.total()} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
