# SPDX-License-Identifier: BSD-2-Clause
"""How a lesson looks on a terminal of 80 columns, and which part of a report it shows."""
import re
import shlex
import textwrap

WIDTH = 79
NO_BREAK = '\u00a0'
RULE = '- ' * (WIDTH // 2) + '-'
SHOWN = 10  # columns of a cell that is cut; what would have less is left out


def paragraph(text):
    """A paragraph or an item of a list."""
    hang = '  ' if text.startswith('- ') else ''
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=hang, break_long_words=False,
                          break_on_hyphens=False)
    return '\n'.join(lines).replace(NO_BREAK, ' ')


def cells_of(row):
    """Those of a row of a table."""
    return [cell.strip().replace(NO_BREAK, ' ') for cell in row.strip('|').split('|')]


def is_number(cell):
    """Is it set to the right?"""
    return re.match(r'[≈<]?[\d–]', cell) is not None


def table(rows):
    """A table of Markdown, in columns."""
    grid = [cells_of(row) for row in rows if not re.fullmatch(r'[|:\- ]+', row)]
    columns = list(zip(*grid))
    widths = [max(map(len, column)) for column in columns]
    right = [all(is_number(cell) or not cell for cell in column[1:]) for column in columns]
    lines = []
    for row in grid:
        cells = [cell.rjust(width) if number else cell.ljust(width)
                 for cell, width, number in zip(row, widths, right)]
        lines.append(('  ' + '  '.join(cells)).rstrip())
    lines.insert(1, '  ' + '  '.join('-' * width for width in widths))
    return '\n'.join(lines)


def heading(number, lesson):
    """The title, and how to come back to it."""
    name = f'make tour ONLY={lesson.name}'
    title = textwrap.wrap(f'{number}. {lesson.title}', WIDTH - len(name) - 2,
                          subsequent_indent=' ' * len(f'{number}. '))
    title[0] = f'{title[0]}{name:>{WIDTH - len(title[0])}}'
    return '\n'.join(['=' * WIDTH, *title, '=' * WIDTH])


# --- parts of a report -------------------------------------------------------------------------

def columns_of(lines):
    """The columns of a table: they are told by the gaps that all its lines leave."""
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    blank = [all(line[at] == ' ' for line in lines) for at in range(width)] + [True, True]
    begins, at = [], 0
    while at < width:
        if not blank[at]:
            begins.append(at)
            while not (blank[at] and blank[at + 1]):
                at += 1
        at += 1
    return begins


def drop_columns(lines, names):
    """The same lines without these columns, which the first of them names."""
    begins = columns_of(lines)
    ends = begins[1:] + [None]
    gone = [(b, e) for b, e in zip(begins, ends) if lines[0][b:e].strip() in names]
    for begin, end in reversed(gone):
        lines = [line[:begin] + (line[end:] if end else '') for line in lines]
    return [line.rstrip() for line in lines]


def block_of(text, begins):
    """The lines of the first block whose first line begins so; a block ends with an empty line."""
    lines = text.split('\n')
    for at, line in enumerate(lines):
        if (at == 0 or not lines[at - 1]) and line and begins(line):
            return lines[at:lines.index('', at)] if '' in lines[at:] else lines[at:]
    return None


def title_of(finding):
    """As the report in text has it."""
    of = '' if finding['subject'] == 'program' else f"{finding['subject']}: "
    return f"{finding['severity']}: {of}{finding['title']}"


def begins_of(section, report):
    """What tells the first line of a section's block."""
    if section == 'verdict':
        return lambda line: line.startswith(f"{report['verdict']['class']} · ")
    if section.startswith('finding '):
        rule = section.partition(' ')[2]
        titles = [title_of(f) for f in report['findings'] if f['rule'] == rule]
        return lambda line: any(title.startswith(line) for title in titles)
    return lambda line: line.startswith(section)


def excerpt(run, shown):
    """A section of a report in text, cut to the width; None if it is not there."""
    if shown.section == 'output':
        return '\n'.join(map(paragraph, run.output.rstrip().split('\n')))
    lines = block_of(run.text, begins_of(shown.section, run.report))
    if lines is None:
        return None
    # The title of a table may need a second line; the heads of its columns have gaps.
    head = next((at for at, line in enumerate(lines) if at and '  ' in line.strip()), 1)
    title, body, left_out = lines[:head], lines[head:], []
    if shown.rows and len(body) > shown.rows + 1:
        left_out = [f'  ... {len(body) - shown.rows - 1} more']
        body = body[:shown.rows + 1]
    body = narrowed(drop_columns(body, shown.without)) if body else body
    return '\n'.join(map(cut, title + body + left_out))


def narrowed(lines):
    """Without columns of a table that have no room."""
    begins = [begin for begin in columns_of(lines) if begin > WIDTH - SHOWN]
    return [line[:begins[0]].rstrip() for line in lines] if begins else lines


def cut(line):
    """To the width of a terminal."""
    return line if len(line) <= WIDTH + 1 else f'{line[:WIDTH]}…'


def command(words):
    """A command line, on several lines if need be."""
    lines = ['    $']
    for word in map(shlex.quote, words):
        if len(lines[-1]) + len(word) > WIDTH - 2:
            lines[-1] += ' \\'
            lines.append('       ')
        lines[-1] += f' {word}'
    return '\n'.join(lines)
