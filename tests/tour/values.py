# SPDX-License-Identifier: BSD-2-Clause
"""Measured values, worked out of the reports of a lesson's runs, and written as a person would.

An expression is made of numbers (3, 0.8, 50ms, 2s) and paths of a report in the language of
tests/integration/compare.py, with + - * / between spaces. A path may have the name of a run before
it, as in one:wall_ns; without one it is that of the last run. "?? N" behind a path is its value if
it leads nowhere.
"""
import operator
import re

import compare

NUMBER = re.compile(r'(\d+(?:\.\d+)?)(ns|us|ms|s)?(?![\w.])')
RUN = re.compile(r'([a-z][a-z0-9-]*):(?=[a-z])')
DEFAULT = re.compile(r' \?\? (\d+)')
OPERATOR = re.compile(r' ([-+*/]) ')
UNITS = {None: 1, 'ns': 1, 'us': 10**3, 'ms': 10**6, 's': 10**9}
APPLY = {'+': operator.add, '-': operator.sub, '*': operator.mul, '/': operator.truediv}


class Wrong(Exception):
    """A lesson that cannot be read; its argument says why."""


def end_of_path(text, at):
    """Where a path that begins there ends."""
    begin = at
    while (token := compare.TOKEN.match(text, at)) and (at == begin or text[at] in '.['):
        at = token.end()
    if at == begin:
        raise Wrong(f"neither a number nor a path: '{text[begin:]}'")
    return at


class Path:
    """A value of the report of a run."""

    def __init__(self, text, at=0):
        run = RUN.match(text, at)
        self.run = run[1] if run else None
        begin = run.end() if run else at
        end = end_of_path(text, begin)
        self.path = text[begin:end]
        default = DEFAULT.match(text, end)
        self.default = int(default[1]) if default else None
        self.end = default.end() if default else end

    def paths(self):
        """Of the expression, this one."""
        yield self

    def is_time(self):
        """Its name says so."""
        keys = [token['key'] for token in compare.parse(self.path) if token['key']]
        return re.search(r'(^|_)ns($|_by)', keys[-1]) is not None

    def value(self, reports):
        """(value, whether it is a time)"""
        report = reports[self.run]
        try:
            found = compare.lookup(report, self.path)
        except compare.Missing:
            if self.default is None:
                raise
            found = self.default
        if isinstance(found, list) and not all(isinstance(item, str) for item in found):
            found = len(found)
        return found, self.is_time()


class Number:
    """A number that the lesson gives."""

    def __init__(self, match):
        number = float(match[1]) if '.' in match[1] else int(match[1])
        self.number = number * UNITS[match[2]]
        self.timed = match[2] is not None
        self.end = match.end()

    def paths(self):
        """None."""
        return iter(())

    def value(self, _):
        """(value, whether it is a time)"""
        return self.number, self.timed


class Both:
    """Two expressions, and what is to be done with them."""

    def __init__(self, sign, left, right):
        self.sign, self.left, self.right = sign, left, right

    def paths(self):
        """Those of either side."""
        yield from self.left.paths()
        yield from self.right.paths()

    def value(self, reports):
        """(value, whether it is a time)"""
        (left, time), (right, other) = self.left.value(reports), self.right.value(reports)
        if self.sign == '/':
            return (left / right if right else float('nan')), time and not other
        return APPLY[self.sign](left, right), time or other


def expression(text):
    """The expression in a text."""
    sums, signs, at = [], [], 0
    while True:
        number = NUMBER.match(text, at)
        term = Number(number) if number else Path(text, at)
        if signs and signs[-1] in '*/':
            sums[-1] = Both(signs.pop(), sums[-1], term)
        else:
            sums.append(term)
        sign = OPERATOR.match(text, term.end)
        if not sign:
            break
        signs.append(sign[1])
        at = sign.end()
    if term.end != len(text):
        raise Wrong(f"'{text[term.end:]}' follows an expression: {text}")
    result = sums[0]
    for sign, term in zip(signs, sums[1:]):
        result = Both(sign, result, term)
    return result


def significant(number, digits=3):
    """Without an exponent, as it is read."""
    if abs(number) >= 10**(digits - 1):
        return f'{number:,.0f}'
    return f'{number:.{digits - len(str(int(abs(number))))}f}'


def as_time(ns):
    """A time, with its unit."""
    for unit, size in (('s', 1e9), ('ms', 1e6), ('µs', 1e3)):
        if abs(ns) >= size:
            return f'{significant(ns / size, 4 if unit == "s" else 3)}\u00a0{unit}'
    return f'{ns:.0f}\u00a0ns'


def as_percent(share):
    """A share of 1."""
    if 0 < share < 0.001:
        return '<0.1\u00a0%'
    digits = 1 if share < 0.1 or 0.99 < share < 1 else 0
    return f'{100 * share:.{digits}f}\u00a0%'.replace('.0\u00a0', '\u00a0')


FORMATS = {'%': as_percent, 'time': as_time, 'x': lambda number: significant(number, 2),
           'count': lambda number: f'{number:,.0f}'}


def written(value, time, form):
    """A value as the text has it."""
    if isinstance(value, list):
        return ', '.join(value) or 'none'
    if isinstance(value, (str, bool)) or value is None:
        return str(value)
    if value != value:  # of nothing, by nothing
        return '–'
    if form:
        return FORMATS[form](value)
    if time:
        return as_time(value)
    return f'{value:,}' if isinstance(value, int) else significant(value)
