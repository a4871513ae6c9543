#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How often concprof diff says that something changed, though nothing did.

usage: equal.py BUILD TRIES RUNS COMMAND [ARG...]

Each try records the command afresh, RUNS times for either side in turns, and compares the sides,
with a condition on the wall time. Prints each false alarm and, last, how many tries had one, and how
likely so many and more are if each has one with a chance of 5 in 100. Status 1 if that is less than
1 in 1000.
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

LEVEL = 0.05


def tail(tries, alarms):
    """The chance of so many and more."""
    return sum(math.comb(tries, k) * LEVEL ** k * (1 - LEVEL) ** (tries - k)
               for k in range(alarms, tries + 1))


def compare(concprof, folder, runs, command):
    """The names of what is said to have changed, and whether the condition holds."""
    sides = {'base': [], 'head': []}
    for i in range(runs):
        # Whatever drifts would tell apart who always comes first.
        for side in sorted(sides, reverse=bool(i % 2)):
            sides[side].append(str(folder / f'{side}{i}'))
            subprocess.run([concprof, 'record', '-o', sides[side][-1], '--', *command], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    done = subprocess.run([concprof, 'diff', *sides['base'], '--vs', *sides['head'], '--json', '-'],
                          check=True, capture_output=True)
    gate = subprocess.run([concprof, 'diff', *sides['base'], '--vs', *sides['head'], '-q',
                           '--fail-on', 'change.wall != 0'], check=False, capture_output=True)
    return ([f"{row['name']} (p {row['p']})" for row in json.loads(done.stdout)['quantities']
             if row['changed']], gate.returncode == 99)


def report(what, alarms, tries):
    """One line; whether the level holds."""
    chance = tail(tries, alarms)
    print(f'{what}: {alarms} of {tries}; so many and more have a chance of {chance:.3f}')
    return chance >= 0.001


def main(args):
    """The exit status."""
    if len(args) < 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    concprof, tries, runs = str(pathlib.Path(args[0]).resolve() / 'concprof'), int(args[1]), int(args[2])
    any_changed = gates = 0
    for i in range(tries):
        with tempfile.TemporaryDirectory() as folder:
            changed, gate = compare(concprof, pathlib.Path(folder), runs, args[3:])
        any_changed += bool(changed)
        gates += gate
        if changed or gate:
            print(f'try {i + 1}: {"; ".join(changed)}{" gate" if gate else ""}', flush=True)
    good = report('something changed', any_changed, tries)
    return 0 if report('change.wall != 0', gates, tries) and good else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
