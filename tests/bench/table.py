# SPDX-License-Identifier: BSD-2-Clause
"""The numbers as a Markdown table."""
import os
from statistics import median


def number(value):
    """Three digits, or all before the point."""
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def bare_cell(case, own):
    spread = f'{number(min(own))} to {number(max(own))}'
    return f'{number(median(own))} {case.unit} ({spread})'


def cell(case, own, bare):
    """Milliseconds more for what is measured from start to end, a ratio for the rest."""
    if not own:
        return '–'
    pairs = list(zip(own, bare))
    if case.whole:
        more = [a - b for a, b in pairs]
        middle = median(own) - median(bare)
        return f'+{middle:.1f} {case.unit} ({min(more):.1f} to {max(more):.1f})'
    ratios = [a / b for a, b in pairs]
    return f'{median(own) / median(bare):.2f} ({min(ratios):.2f} to {max(ratios):.2f})'


def show(cases, tools, values, rounds):
    bare = tools[0]
    print('| |', ' | '.join(case.title for case in cases), '|')
    print('|---|' + '---|' * len(cases))
    for tool in tools:
        if not any((case, tool) in values for case in cases):
            continue
        cells = [bare_cell(case, values[case, bare]) if tool is bare else
                 cell(case, values.get((case, tool)), values[case, bare]) for case in cases]
        print(f'| {tool.name} |', ' | '.join(cells), '|')
    plural = 'round' if rounds == 1 else 'rounds'
    print(f'\nMedians of {rounds} {plural} in which all take turns, as ratios to bare; in brackets the '
          "lowest and\nhighest of the rounds' own. Linux "
          f'{os.uname().release}, {os.uname().machine}, {len(os.sched_getaffinity(0))} CPUs. –: '
          'starts no\ncommand, or failed.')
    for tool in tools:
        if tool.why_not:
            print(f'Left out: {tool.name}: {tool.why_not}')
        for case, why in tool.failed.items():
            print(f'Failed: {tool.name}, {case.name}: {why}')
