# SPDX-License-Identifier: BSD-2-Clause
"""The numbers as Markdown tables."""
import os
import textwrap
from math import comb
from statistics import median, quantiles

COLUMNS = 5  # of one table, at most
ENOUGH = 6   # rounds, for an interval


def number(value):
    """Three digits, or all before the point."""
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def interval(values):
    """Holds the true median with at least 95 % confidence, whatever the distribution: the sign
    test. The lowest and highest value if there are too few for that."""
    ordered, outside, cut = sorted(values), 0.0, 0
    while True:
        outside += 2 * comb(len(ordered), cut) / 2 ** len(ordered)
        if outside > 0.05:
            break
        cut += 1
    cut = max(cut - 1, 0)
    return ordered[cut], ordered[-1 - cut]


def shown(value, digits, sign=''):
    return f'{round(value, digits) + 0.0:{sign}.{digits}f}'  # no "-0.0"


def bare_cell(unit, values):
    if len(values) < 2:
        return f'{number(values[0])} {unit}'
    low, _, high = quantiles(values, n=4, method='inclusive')
    return f'{number(median(values))} {unit} ({number(low)} to {number(high)})'


def cell(case, column, pairs):
    """Milliseconds more for what is measured from start to end, a ratio for the rest."""
    if not pairs:
        return '–'
    values = [own - bare if case.whole else own / bare for own, bare in pairs]
    low, high = interval(values)
    middle = shown(median(values), column.digits, '+' if case.whole else '')
    unit = f' {column.unit}' if case.whole else ''
    if len(values) < 2:
        return middle + unit
    return f'{middle}{unit} ({shown(low, column.digits)} to {shown(high, column.digits)})'


def in_tables(cases):
    """The columns of each table, as (case, which of its numbers, column); no case is divided."""
    tables = [[]]
    for case in cases:
        if len(tables[-1]) + len(case.columns) > COLUMNS:
            tables.append([])
        tables[-1] += [(case, at, column) for at, column in enumerate(case.columns)]
    return tables


def show_table(columns, tools, results):
    print('| |', ' | '.join(column.title for _, _, column in columns), '|')
    print('|---|' + '---|' * len(columns))
    cells = [bare_cell(column.unit, [values[at] for values in results.bare[case]])
             for case, at, column in columns]
    print('| bare |', ' | '.join(cells), '|')
    for tool in tools:
        pairs = [[(own[at], bare[at]) for own, bare in results.pairs.get((case, tool), [])]
                 for case, at, _ in columns]
        if any(pairs):
            cells = [cell(case, column, own) for (case, _, column), own in zip(columns, pairs)]
            print(f'| {tool.name} |', ' | '.join(cells), '|')
    print()


def caption(rounds):
    spread = '95 % confidence interval' if rounds >= ENOUGH else 'lowest and highest'
    what = f'the median of {rounds} rounds, in brackets its {spread}' if rounds > 1 else 'one round'
    return ('Bare: median and quartiles of all its runs. The others: ratio to the bare runs just '
            f'before and just after (`true`: milliseconds more than these), {what}. '
            f'Linux {os.uname().release}, {os.uname().machine}, {len(os.sched_getaffinity(0))} '
            'CPUs. –: starts no command, or failed.')


def show(cases, tools, results, rounds):
    for columns in in_tables(cases):
        show_table(columns, tools, results)
    print(textwrap.fill(caption(rounds), 100))
    for tool in tools:
        if tool.why_not:
            print(f'Left out: {tool.name}: {tool.why_not}')
        for case, why in tool.failed.items():
            print(f'Failed: {tool.name}, {case.name}: {why}')
