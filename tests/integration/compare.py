#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares a report of concprof with a workload's own truth, and with itself.

usage: compare.py TRUTH.json REPORT.json      (TRUTH may be '-': only the report's invariants)

A truth is {"workload": NAME, "expect": [EXPECTATION...]}, with "skip": REASON if there is nothing
to expect. An expectation has a "path", a "why", and one of
    "min" and/or "max"   a number (the length, if the value is an array)
    "equals", "oneof"    a value, or a list of them
    "begins"             how a text begins
    "absent": true       the key is not there
and may have "default" (the value of a missing key) and "plus" and "minus" (lists of paths whose
values are added and subtracted; a missing key there counts as 0).

Paths: dotted keys, ["key with dots"], [3], [key=value] for the first element that has it, and
[key=value]* for the sum of what follows over all such elements; the value may be in quotes. Of
several, [key="value" and key="value"], all hold. A dotted key there leads into what the element
has, and through a list to any of its elements.
"""
import collections
import json
import os
import re
import sys

# On an emulated processor: as many times longer what lies between the looks of two clocks takes. The
# tolerances for that are multiplied; what a truth says of times is not compared.
SLOWER = int(os.environ.get('CONCPROF_TEST_SLOWER', '1'))
OF_TIME = re.compile(r'(_|\b)ns\b')

TOKEN = re.compile(
    r'\.?(?P<key>[A-Za-z_][\w-]*)'
    r'|\["(?P<quoted>[^"]*)"\]'
    r'|\[(?P<index>\d+)\]'
    r'|\[(?P<field>[\w.]+)=(?:"(?P<text>[^"]*)"(?P<more>(?: and [\w.]+="[^"]*")*)'
    r'|(?P<value>[^\]"]*))\](?P<all>\*?)')
MORE = re.compile(r' and (?P<field>[\w.]+)="(?P<text>[^"]*)"')


class Missing(Exception):
    """A path leads nowhere; its argument says where it broke off."""


class NoSuchKey(Missing):
    """The only way to be missing that a default excuses."""


def parse(path):
    """The path as a list of regular expression matches."""
    tokens, at = [], 0
    while at < len(path):
        token = TOKEN.match(path, at)
        if not token:
            raise ValueError(f"bad path at '{path[at:]}': {path}")
        tokens.append(token)
        at = token.end()
    return tokens


def as_number(value):
    """A list stands for its length."""
    return len(value) if isinstance(value, list) else value


def walk(node, tokens, default=None):
    """The value of a parsed path below node."""
    if not tokens:
        return node
    token, rest = tokens[0], tokens[1:]
    if token['field']:
        return select(node, token, rest, default)
    if token['index']:
        if not isinstance(node, list) or int(token['index']) >= len(node):
            raise Missing(token[0])
        return walk(node[int(token['index'])], rest, default)
    key = token['key'] or token['quoted']
    if not isinstance(node, dict) or key not in node:
        if default is None:
            raise NoSuchKey(key)
        return default
    return walk(node[key], rest, default)


def values_at(node, keys):
    """All that dotted keys lead to; in a list, those of each of its elements."""
    if isinstance(node, list):
        for item in node:
            yield from values_at(item, keys)
    elif not keys:
        yield str(node)
    elif isinstance(node, dict):
        yield from values_at(node.get(keys[0]), keys[1:])


def select(node, token, rest, default):
    """The first element that a filter chooses, or the sum over all of them."""
    if not isinstance(node, list):
        raise Missing(token[0])
    tests = [(token['field'], token['value'] if token['text'] is None else token['text'])]
    tests += MORE.findall(token['more'] or '')
    chosen = [item for item in node
              if all(text in values_at(item, field.split('.')) for field, text in tests)]
    if not chosen:
        raise Missing(f'no element {token[0]}')
    if token['all']:
        return sum(as_number(walk(item, rest, default)) for item in chosen)
    return walk(chosen[0], rest, default)


def lookup(report, path, default=None):
    """The value of a path."""
    return walk(report, parse(path), default)


def value_of(report, expectation):
    """The value that an expectation is about."""
    value = lookup(report, expectation['path'], expectation.get('default'))
    if 'min' in expectation or 'max' in expectation:
        value = as_number(value)
    for path in expectation.get('plus', []):
        value += lookup(report, path, 0)
    for path in expectation.get('minus', []):
        value -= lookup(report, path, 0)
    return value


def wanted(expectation):
    """What an expectation wants, in words."""
    if expectation.get('absent'):
        return 'absent'
    if 'equals' in expectation:
        return repr(expectation['equals'])
    if 'begins' in expectation:
        return f"{expectation['begins']}..."
    if 'oneof' in expectation:
        return 'one of ' + ', '.join(map(repr, expectation['oneof']))
    return f"{expectation.get('min', '-inf')} to {expectation.get('max', 'inf')}"


def holds(expectation, value):
    """Whether the value is what the expectation wants."""
    if 'equals' in expectation:
        return value == expectation['equals']
    if 'begins' in expectation:
        return isinstance(value, str) and value.startswith(expectation['begins'])
    if 'oneof' in expectation:
        return value in expectation['oneof']
    if not isinstance(value, (int, float)):
        return False
    return (value >= expectation.get('min', float('-inf'))
            and value <= expectation.get('max', float('inf')))


def check_expectation(report, expectation):
    """The failure, as a list of at most one line."""
    if SLOWER > 1 and OF_TIME.search(expectation['path']):
        return []
    if not {'min', 'max', 'equals', 'oneof', 'begins', 'absent'} & set(expectation):
        raise ValueError(f"nothing is expected of {expectation['path']}")
    absent = expectation.get('absent', False)
    try:
        value = value_of(report, expectation)
        good = not absent and holds(expectation, value)
    except Missing as missing:
        value, good = f'missing ({missing})', absent
    if good:
        return []
    path = ' + '.join([expectation['path'], *expectation.get('plus', [])])
    path = ' - '.join([path, *expectation.get('minus', [])])
    return [f"{path}: {value}, expected {wanted(expectation)}: {expectation['why']}"]


def equal(what, value, expected):
    """A failure unless both are the same."""
    return [] if value == expected else [f'{what}: {value} != {expected} ({value - expected:+})']


def near(what, value, expected, tolerance):
    """A failure unless both are the same within the tolerance."""
    if abs(value - expected) <= tolerance:
        return []
    return [f'{what}: {value}, expected {expected} within {tolerance:.0f} ({value - expected:+})']


def check_blocked(name, thread):
    """The causes sum to the blocked time, and no wait is longer than all."""
    blocked = thread.get('blocked', {})
    failures = equal(f'{name} sum of blocked[].ns', sum(b['ns'] for b in blocked.values()),
                     thread['states'].get('blocked_ns', 0))
    for cause, row in blocked.items():
        if row.get('max_ns', 0) > row['ns']:
            failures.append(f"{name} blocked {cause}: max_ns {row['max_ns']} > ns {row['ns']}")
    return failures


def check_divisions(name, thread):
    """What divides the waits and the queueing adds up to them."""
    states, failures = thread['states'], []
    if 'waited_for' in thread:
        failures += equal(f'{name} sum of waited_for', sum(thread['waited_for'].values()),
                          states.get('blocked_ns', 0) + states.get('unknown_ns', 0))
    if 'queued_behind' in thread:
        failures += equal(f'{name} sum of queued_behind', sum(thread['queued_behind'].values()),
                          states.get('woken_ns', 0) + states.get('preempted_ns', 0))
    return failures


def check_witness(name, thread):
    """The kernel's own accounting of the thread agrees with the ledger."""
    kernel = thread.get('kernel_accounting') or {}
    states, switches = thread['states'], thread.get('switches', {})
    count = switches.get('voluntary', 0) + switches.get('involuntary', 0)
    failures = equal(f'{name} switches against those seen', count, switches.get('seen', count))
    if 'voluntary' in kernel and 'involuntary' in kernel:
        failures += equal(f'{name} switches against the kernel\'s', switches.get('seen', count),
                          kernel['voluntary'] + kernel['involuntary'])
    if 'run_ns' in kernel:
        # Named apart; check_charged() sees to it that it is next to nothing in all.
        stolen = sum(thread.get('cpu', {}).get(key, 0) for key in ('stolen_ns', 'uncharged_ns'))
        failures += near(f'{name} running less stolen against run_ns',
                         states.get('running_ns', 0) - stolen, kernel['run_ns'],
                         max(kernel['run_ns'] / 1000, 100 * SLOWER * count))
    if 'run_delay_ns' in kernel:
        queued = sum(states.get(key, 0) for key in ('woken_ns', 'preempted_ns', 'yielded_ns'))
        # What run_delay counts and leaves out: see struct trust's comparison.
        queued += thread.get('blocked', {}).get('kernel.throttle', {}).get('ns', 0)
        queued -= thread.get('cpu', {}).get('moving_ns', 0)
        failures += near(f'{name} woken + preempted + yielded against run_delay_ns', queued,
                         kernel['run_delay_ns'],
                         max(kernel['run_delay_ns'] / 100, 200 * SLOWER * count))
    return failures


def check_charged(report):
    """Over all threads, with nothing named apart but what was stolen, both clocks agree."""
    ran = kernel = switches = 0
    for thread in report.get('threads', []):
        witness = thread.get('kernel_accounting') or {}
        if 'run_ns' in witness:
            ran += thread['states'].get('running_ns', 0) - thread.get('cpu', {}).get('stolen_ns', 0)
            kernel += witness['run_ns']
            switches += thread.get('switches', {}).get('seen', 0)
    # A tick may fall into each of the processes, and cost microseconds that nobody is charged.
    return near('running less stolen of all threads against run_ns', ran, kernel,
                max(kernel / 1000, 100 * SLOWER * switches, 50_000 * SLOWER))


def check_threads(report):
    """Each thread's ledger is consistent."""
    failures = []
    for thread in report.get('threads', []):
        name = f"threads {thread['id']} ({thread.get('comm')}):"
        failures += equal(f'{name} sum of states', sum(thread['states'].values()),
                          thread['lifetime_ns'])
        failures += check_blocked(name, thread)
        failures += check_divisions(name, thread)
        failures += check_witness(name, thread)
    return failures


def check_wall(report):
    """The rows and the parallelism sum to the wall time."""
    wall_ns, rows = report['wall_ns'], report['wall']
    by_count = report['parallelism']['running_ns_by_count']
    failures = equal('sum of wall rows',
                     sum(ns for row, ns in rows.items() if row != 'serialised_ns'), wall_ns)
    failures += equal('sum of parallelism.running_ns_by_count', sum(by_count), wall_ns)
    if by_count:
        failures += equal('parallelism.running_ns_by_count[0]', by_count[0],
                          wall_ns - rows.get('running_ns', 0))
    return failures


def check_wall_parts(report):
    """The parts of a row of the wall time are it, or lie within it."""
    rows, parts = report['wall'], report.get('wall_parts', {})
    failures = []
    for row, whole in (('io', True), ('sync', True), ('event', True), ('other', True), ('running', False),
                       ('runnable', False)):
        total = sum(ns for part, ns in parts.items() if part.startswith(f'{row}_'))
        if parts and (total != rows[f'{row}_ns'] if whole else total > rows[f'{row}_ns']):
            failures.append(f"parts of wall.{row}_ns: {total} of {rows[f'{row}_ns']}")
    return failures


def check_phases(report):
    """Phases follow each other without a gap, from the start to the end."""
    at, failures = 0, []
    for number, phase in enumerate(report.get('phases', [])):
        failures += equal(f'phases[{number}].start_ns', phase['start_ns'], at)
        at = phase['end_ns']
    if report.get('phases'):
        failures += equal('end of the last phase', at, report['wall_ns'])
    return failures


def add_up(threads, section):
    """The sums over the threads of what is in a section of each."""
    sums = {}
    for thread in threads:
        for key, value in thread.get(section, {}).items():
            sums[key] = sums.get(key, 0) + value
    return sums


def check_totals(report):
    """The totals are the sums over the threads, unless some were left out."""
    if any(row['count'] for row in report.get('omitted', [])):
        return []
    totals, threads = report['totals'], report.get('threads', [])
    failures = []
    for section in ('states', 'switches', 'waited_for', 'queued_behind'):
        sums, total = add_up(threads, section), totals.get(section, {})
        for key in sorted(sums.keys() | total.keys()):
            failures += equal(f'totals.{section}.{key}', total.get(key, 0), sums.get(key, 0))
    failures += equal('totals.threads', totals['threads'], len(threads))
    failures += equal('totals.processes', totals['processes'], len(report.get('processes', [])))
    return failures


def check_ids(report):
    """An id is used once in the document."""
    seen, failures = set(), []
    for section in ('threads', 'processes', 'locks', 'loops'):
        for item in report.get(section, []):
            if item['id'] in seen:
                failures.append(f"{section}: id {item['id']} is used twice")
            seen.add(item['id'])
    return failures


HOLDER_PARTS = ('running_ns', 'queued_ns', 'io_ns', 'sleep_ns', 'lock_ns', 'other_ns', 'unknown_ns')


def check_lock_rows(name, lock):
    """Who waited, and for whom, add up to the waiting of a lock."""
    failures = []
    for key in ('waits', 'wait_ns'):
        failures += equal(f'{name} sum of waiters[].{key}', sum(w[key] for w in lock['waiters']),
                          lock[key])
    failures += equal(f'{name} longest of waiters[].max_wait_ns',
                      max((w['max_wait_ns'] for w in lock['waiters']), default=0),
                      lock['max_wait_ns'])
    failures += equal(f'{name} sum of holders[].blamed_ns',
                      sum(h['blamed_ns'] for h in lock['holders']), lock['blamed_ns'])
    for holder in lock['holders']:
        failures += equal(f"{name} sum of holder {holder['thread']}",
                          sum(holder[part] for part in HOLDER_PARTS), holder['blamed_ns'])
    return failures


def check_locks(report):
    """The rows of each lock add up, and none has more than there is."""
    left_out = {row['what'] for row in report.get('omitted', [])}
    failures = []
    for lock in report.get('locks', []):
        name = f"locks {lock['id']} ({lock['name']}):"
        if not left_out & {'waiters', 'holders'}:
            failures += check_lock_rows(name, lock)
        failures += equal(f'{name} sum of the histogram', sum(lock['wait_histogram_log2_ns']),
                          lock['waits'])
        for key, most in (('blamed_ns', 'wait_ns'), ('max_wait_ns', 'wait_ns'),
                          ('waited_wall_ns', 'wait_ns'), ('timeouts', 'waits'),
                          ('open_waits', 'waits')):
            if lock[key] > lock[most]:
                failures.append(f'{name} {key}: {lock[key]} > {most} {lock[most]}')
        if lock['waited_wall_ns'] > report['wall_ns']:
            failures.append(f"{name} waited_wall_ns: {lock['waited_wall_ns']} > wall_ns")
    return failures


# What ended a wait for one of these may be a completion, which the row is of then.
TOLD = {'io.uring', 'io.aio'}
TELLING = {'event.epoll', 'event.poll', 'event.select', 'event.eventfd'}


def check_part(report, causes, waits, wait_ns):
    """Rows of these causes have no more than the ledgers have."""
    rows = [report['totals']['blocked'].get(cause, {'count': 0, 'ns': 0}) for cause in causes]
    of_all = {key: sum(row[key] for row in rows) for key in ('count', 'ns')}
    count, ns = (sum(of[cause] for cause in causes) for of in (waits, wait_ns))
    failures, name = [], ', '.join(sorted(causes))
    if count > of_all['count']:
        failures.append(f"io of {name}: {count} waits > {of_all['count']} in totals")
    if ns > of_all['ns'] + max(of_all['ns'] / 50, 20000 * count):
        failures.append(f"io of {name}: {ns} ns > {of_all['ns']} in totals")
    return failures


def check_targets(report):
    """What was waited for adds up, and is part of what the ledgers have."""
    failures, waits, wait_ns = [], collections.Counter(), collections.Counter()
    for row in report.get('io', []):
        name = f"io {row['target']!r} ({row['cause']}):"
        waits[row['cause']] += row['waits']
        wait_ns[row['cause']] += row['wait_ns']
        failures += equal(f'{name} sum of the histogram', sum(row['wait_histogram_log2_ns']),
                          row['waits'])
        for key, most in (('max_wait_ns', row['wait_ns']), ('waited_wall_ns', row['wait_ns']),
                          ('waited_wall_ns', report['wall_ns']), ('open', row['waits']),
                          ('checked', row['waits']), ('empty', row['checked'])):
            if row[key] > most:
                failures.append(f'{name} {key}: {row[key]} > {most}')
    for cause in waits:
        if cause not in TOLD:
            failures += check_part(report, {cause}, waits, wait_ns)
    if TOLD & set(waits):
        failures += check_part(report, TOLD | TELLING, waits, wait_ns)
    return failures


AWAY_PARTS = ('running_ns', 'queued_ns', 'blocked_ns')


def check_away(name, away, blocked):
    """Once away is running, queued or blocked; blocked: what in, the last time included."""
    failures = equal(f'{name} sum of the histogram', sum(away['histogram_log2_ns']), away['times'])
    if not away['times']:  # it is away for the first time, and still
        return failures + equal(f'{name} longest', away['longest'], None)
    longest = away['longest']
    failures += equal(f'{name} longest.ns', longest['ns'], away['max_ns'])
    for what, part in (('away', away), ('longest', longest)):
        failures += equal(f'{name} sum of {what}', sum(part[key] for key in AWAY_PARTS), part['ns'])
    in_all = sum(row['wait_ns'] for row in blocked)
    for what, value, most in (('max_ns', away['max_ns'], away['ns']),
                              ('p99_ns', away['p99_ns'], away['max_ns']),
                              ('blocked_ns', away['blocked_ns'], in_all)):
        if value > most:
            failures.append(f'{name} away.{what}: {value} > {most}')
    return failures


def check_loop_row(name, row, threads):
    """A row of an event loop, and who is in it."""
    failures = []
    for key, most in (('max_wait_ns', 'wait_ns'), ('empty', 'waits'), ('open', 'waits')):
        if row[key] > row[most]:
            failures.append(f'{name} {key}: {row[key]} > {most} {row[most]}')
    if (row['thread'] is None) != (row['threads'] > 1):
        failures.append(f"{name} thread: {row['thread']} of {row['threads']}")
    if row['thread'] is not None and threads and row['thread'] not in threads:
        failures.append(f"{name} thread: there is no {row['thread']}")
    calls = row['calls'] or {'seen': 0, 'empty': 0, 'at_once': 0}
    for key in ('empty', 'at_once'):
        if calls[key] > calls['seen']:
            failures.append(f"{name} calls.{key}: {calls[key]} > seen {calls['seen']}")
    return failures


def check_stretches(name, away, wall_ns):
    """They lie within the measurement, and what is open goes to its end; in between clocks are read."""
    failures, slack = [], 1000000
    for key in ('longest', 'open'):
        stretch = away[key]
        if not stretch:
            continue
        end = stretch['at_ns'] + stretch['ns']
        if end > wall_ns + slack or (key == 'open' and end < wall_ns - slack):
            failures.append(f'{name} {key}: ends at {end} of {wall_ns} ns')
    return failures


def check_loops(report):
    """The rows of event loops add up, and are part of what the ledgers have."""
    failures, waits, wait_ns = [], collections.Counter(), collections.Counter()
    left_out = {row['what'] for row in report.get('omitted', [])}
    threads = {thread['id'] for thread in report.get('threads', []) if 'threads' not in left_out}
    for row in report.get('loops', []):
        name = f"loops {row['id']} ({row['call']}):"
        waits[row['call']] += row['waits']
        wait_ns[row['call']] += row['wait_ns']
        failures += check_loop_row(name, row, threads)
        if row['away']:
            failures += check_away(name, row['away'], row['blocked'])
            failures += check_stretches(name, row['away'], report['wall_ns'])
    for call, count in waits.items():
        of_all = report['totals']['blocked'].get(f'event.{call}', {'count': 0, 'ns': 0})
        if count > of_all['count']:
            failures.append(f"loops of {call}: {count} waits > {of_all['count']} in totals")
        slack = max(of_all['ns'] / 50, 20000 * count)
        if wait_ns[call] > of_all['ns'] + slack:
            failures.append(f"loops of {call}: {wait_ns[call]} ns > {of_all['ns']} in totals")
    return failures


def check_flows(name, channel):
    """Whom each end waited for: no more than it waited there. Estimates of samples are whole numbers
    each, so that their sum may be off by half of one for each."""
    failures, sums, rounded = [], collections.Counter(), collections.Counter()
    for flow in channel['flows']:
        who = flow['waiter']
        for key in ('waits', 'wait_ns'):
            sums[who['pid'], who['comm'], flow['side'], key] += flow[key]
            rounded[who['pid'], who['comm'], flow['side'], key] += 0.5
    for (pid, comm, side, key), value in sums.items():
        most = sum((end.get(side) or {}).get(key, 0) for end in channel['ends']
                   if (end['pid'], end['comm']) == (pid, comm))
        if value > most + rounded[pid, comm, side, key] + 0.5:
            failures.append(f'{name} {side} of {comm} {pid}: {key} of its flows: {value} > {most}')
    return failures


def check_channels(report):
    """Each end's waits hold those for others, and are of processes that there are."""
    failures = []
    left_out = {row['what'] for row in report.get('omitted', [])}
    processes = {row['id'] for row in report.get('processes', []) if 'processes' not in left_out}
    for number, channel in enumerate(report.get('channels', [])):
        name = f"channels[{number}] ({channel['kind']} {channel['name']}):"
        failures += check_flows(name, channel)
        for end in channel['ends']:
            for side in ('reads', 'writes'):
                waits = end.get(side) or {'max_wait_ns': 0, 'wait_ns': 0}
                if waits['max_wait_ns'] > waits['wait_ns']:
                    failures.append(f"{name} {side} of {end['comm']}: max_wait_ns "
                                    f"{waits['max_wait_ns']} > wait_ns {waits['wait_ns']}")
            # One outside of the program has none.
            if processes and end['process'] and end['process'] not in processes:
                failures.append(f"{name} there is no process {end['process']}")
    return failures


def check_invariants(report):
    """What holds for every report."""
    failures = check_threads(report) + check_charged(report) + check_wall(report)
    failures += check_wall_parts(report) + check_phases(report) + check_totals(report)
    failures += check_ids(report) + check_locks(report) + check_targets(report)
    failures += check_loops(report) + check_channels(report)
    failures += equal('measurement.residual_ns', report['measurement']['residual_ns'], 0)
    return failures


def compare(truth, report):
    """All failures, a line each."""
    failures = check_invariants(report)
    for expectation in truth.get('expect', []):
        failures += check_expectation(report, expectation)
    return failures


def load(name):
    """The JSON document in a file."""
    with open(name, encoding='utf-8') as file:
        return json.load(file)


def main(args):
    """The exit status."""
    if len(args) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    truth = {} if args[0] == '-' else load(args[0])
    failures = compare(truth, load(args[1]))
    name = truth.get('workload', args[1])
    if 'skip' in truth:
        print(f"{name}: skipped: {truth['skip']}")
    for failure in failures:
        print(f'{name}: {failure}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
