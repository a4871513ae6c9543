# SPDX-License-Identifier: BSD-2-Clause
"""Tests of compare.py."""
import contextlib
import copy
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402  pylint: disable=wrong-import-position


def thread(number, comm):
    """A consistent thread of 1,000,000 ns."""
    return {
        'id': f't{number}', 'comm': comm, 'lifetime_ns': 1000000,
        'states': {'running_ns': 500000, 'woken_ns': 10000, 'preempted_ns': 20000,
                   'yielded_ns': 0, 'blocked_ns': 470000, 'unknown_ns': 0},
        'cpu': {'stolen_ns': 1000},
        'blocked': {'io.disk': {'ns': 400000, 'count': 4, 'max_ns': 200000},
                    'io.pipe': {'ns': 70000, 'count': 1, 'max_ns': 70000}},
        'waited_for': {'io_device_ns': 400000, 'io_demand_ns': 70000},
        'queued_behind': {'own_ns': 10000, 'idle_ns': 0, 'others_ns': 20000},
        'switches': {'voluntary': 5, 'involuntary': 2, 'yields': 0},
        'kernel_accounting': {'run_ns': 499000, 'run_delay_ns': 30000,
                              'voluntary': 4, 'involuntary': 3}}


def lock():
    """A consistent row of a lock with two waiters and a holder."""
    return {
        'id': 'l1', 'name': 'account_lock', 'waits': 3, 'wait_ns': 700, 'max_wait_ns': 400,
        'waited_wall_ns': 500, 'blamed_ns': 600, 'timeouts': 1, 'open_waits': 1,
        'wait_histogram_log2_ns': [3],
        'waiters': [{'thread': 't1', 'waits': 2, 'wait_ns': 500, 'max_wait_ns': 400},
                    {'thread': 't2', 'waits': 1, 'wait_ns': 200, 'max_wait_ns': 200}],
        'holders': [{'thread': 't1', 'blamed_ns': 600, 'running_ns': 100, 'queued_ns': 90,
                     'io_ns': 80, 'sleep_ns': 70, 'lock_ns': 60, 'other_ns': 50,
                     'unknown_ns': 150}]}


def target(name, waits, ns):
    """A consistent row of what was waited for."""
    return {'target': name, 'cause': 'io.disk', 'waits': waits, 'wait_ns': ns,
            'max_wait_ns': ns // 2, 'waited_wall_ns': ns, 'open': 0, 'checked': 1, 'empty': 1,
            'wait_histogram_log2_ns': [0, 1, waits - 1]}


def loop(number, waits, ns):
    """A consistent row of an event loop."""
    return {'id': f'loop{number}', 'call': 'epoll', 'thread': 't1', 'threads': 1, 'waits': waits,
            'wait_ns': ns, 'max_wait_ns': ns // 2, 'empty': 1, 'open': 1,
            'away': {'times': 4, 'ns': 1000, 'max_ns': 400, 'p99_ns': 400, 'running_ns': 300,
                     'queued_ns': 200, 'blocked_ns': 500,
                     'longest': {'at_ns': 100, 'ns': 400, 'running_ns': 100, 'queued_ns': 50,
                                 'blocked_ns': 250},
                     'open': None,
                     'histogram_log2_ns': [0, 3, 1]},
            'blocked': [{'cause': 'io.pipe', 'waits': 2, 'wait_ns': 450},
                        {'cause': 'io.disk', 'waits': 1, 'wait_ns': 100}],
            'calls': {'seen': 9, 'events': 8, 'empty': 1, 'at_once': 3}}


def waits(count, ns):
    """Of one side of an end."""
    return {'waits': count, 'wait_ns': ns, 'max_wait_ns': ns // 2}


def flow(waiter, source, count, ns):
    """Of one end's waits to read, those for another."""
    return {'waiter': {'process': 'p1', 'pid': 7, 'comm': waiter},
            'for': {'process': 'p1', 'pid': 7, 'comm': source}, 'side': 'reads',
            'waits': count, 'wait_ns': ns}


def channel(name, *sources):
    """A consistent channel that a reader waits at for others."""
    count = len(sources)
    return {'kind': 'pipe', 'name': name,
            'ends': [{'process': 'p1', 'pid': 7, 'comm': 'reader',
                      'reads': waits(3 * count, 900 * count)}],
            'flows': [flow('reader', source, 3, 900) for source in sources]}


def report():
    """A consistent report of two threads."""
    return {
        'wall_ns': 2000000,
        'wall': {'running_ns': 1500000, 'runnable_ns': 0, 'io_ns': 500000, 'sync_ns': 0,
                 'event_ns': 0, 'other_ns': 0, 'serialised_ns': 100},
        'wall_parts': {'io_device_ns': 400000, 'io_demand_ns': 100000, 'running_convoy_ns': 500},
        'phases': [{'start_ns': 0, 'end_ns': 700000}, {'start_ns': 700000, 'end_ns': 2000000}],
        'parallelism': {'running_ns_by_count': [500000, 1000000, 500000]},
        'totals': {'threads': 2, 'processes': 1,
                   'states': {'running_ns': 1000000, 'woken_ns': 20000, 'preempted_ns': 40000,
                              'yielded_ns': 0, 'blocked_ns': 940000, 'unknown_ns': 0},
                   'blocked': {'io.disk': {'ns': 800000, 'count': 8, 'max_ns': 200000},
                               'io.pipe': {'ns': 140000, 'count': 2, 'max_ns': 70000},
                               'event.epoll': {'ns': 800000, 'count': 8, 'max_ns': 70000}},
                   'waited_for': {'io_device_ns': 800000, 'io_demand_ns': 140000},
                   'queued_behind': {'own_ns': 20000, 'idle_ns': 0, 'others_ns': 40000},
                   'switches': {'voluntary': 10, 'involuntary': 4, 'yields': 0}},
        'threads': [thread(1, 'worker'), thread(2, 'worker')],
        'processes': [{'id': 'p1', 'comm': 'worker'}],
        'locks': [lock()],
        'io': [target('a', 5, 500000), target('b', 3, 300000)],
        'loops': [loop(1, 5, 500000), loop(2, 3, 300000)],
        'channels': [channel('one', 'writer-0', 'writer-1'), channel('two', 'writer-2')],
        'omitted': [],
        'verdict': {'class': 'io-bound'},
        'measurement': {'residual_ns': 0}}


def put(document, path, value):
    """Sets what a plain path (keys and indexes) leads to."""
    *way, last = path
    for step in way:
        document = document[step]
    document[last] = value


class Paths(unittest.TestCase):
    """The path language."""

    def check(self, path, value, **options):
        self.assertEqual(compare.lookup(report(), path, **options), value)

    def test_forms(self):
        self.check('wall.io_ns', 500000)
        self.check('parallelism.running_ns_by_count[1]', 1000000)
        self.check('threads[1].comm', 'worker')
        self.check('threads[id=t2].blocked["io.disk"].count', 4)
        self.check('threads[comm=worker]*.blocked["io.disk"].count', 8)

    def test_filter_by_number(self):
        lives = {'zombies': [{'pid': 1, 'to_ns': 5}, {'pid': 12, 'to_ns': 6}]}
        self.assertEqual(compare.lookup(lives, 'zombies[pid=12].to_ns'), 6)
        with self.assertRaises(compare.Missing):
            compare.lookup(lives, 'zombies[pid=2].to_ns')

    def test_filter_by_several(self):
        self.check('channels[kind="pipe" and name="two"].ends[0].reads.waits', 3)
        self.check('threads[comm="worker" and id="t2"]*.lifetime_ns', 1000000)
        with self.assertRaises(compare.Missing):
            compare.lookup(report(), 'channels[kind="fifo" and name="two"].name')

    def test_filter_by_what_is_inside(self):
        self.check('channels[flows.for.comm="writer-2"].name', 'two')
        self.check('channels[0].flows[waiter.comm="reader" and for.comm="writer-1"].waits', 3)
        self.check('channels[0].flows[waiter.comm=reader]*.waits', 6)
        with self.assertRaises(compare.Missing):
            compare.lookup(report(), 'channels[flows.for.comm="reader"].name')

    def test_filter_by_element(self):
        rows = {'io': [{'pids': [1, 12], 'waits': 3}, {'pids': [2], 'waits': 4}]}
        self.assertEqual(compare.lookup(rows, 'io[pids=2].waits'), 4)
        self.assertEqual(compare.lookup(rows, 'io[pids="12"]*.waits'), 3)

    def test_default(self):
        self.check('threads[0].blocked["io.tty"].count', 0, default=0)
        self.check('threads[comm=worker]*.blocked["io.tty"].count', 0, default=0)

    def test_missing(self):
        for path in ('wall.nothing', 'threads[7].comm', 'threads[comm=nobody].comm',
                     'wall[0]', 'wall[comm=x]', 'wall_ns.deeper'):
            with self.assertRaises(compare.Missing, msg=path):
                compare.lookup(report(), path)

    def test_default_excuses_no_missing_element(self):
        with self.assertRaises(compare.Missing):
            compare.lookup(report(), 'threads[comm=nobody]*.lifetime_ns', default=0)

    def test_bad_path(self):
        for path in ('wall..x', 'wall[', 'threads[comm]', 'threads[a="b" and]',
                     'threads[a="b" or c="d"]', 'threads[a=b and c="d"]'):
            with self.assertRaises(ValueError, msg=path):
                compare.parse(path)


class Expectations(unittest.TestCase):
    """The kinds of expectation."""

    def failures(self, **expectation):
        return compare.check_expectation(report(), {'why': 'because', **expectation})

    def test_range(self):
        self.assertEqual(self.failures(path='wall_ns', min=2000000, max=2000000), [])
        self.assertEqual(self.failures(path='wall_ns', min=1), [])
        self.assertEqual(len(self.failures(path='wall_ns', min=2000001)), 1)
        self.assertEqual(len(self.failures(path='wall_ns', max=1999999)), 1)

    def test_message_tells_all(self):
        line, = self.failures(path='wall_ns', min=5, max=6, plus=['wall.io_ns'])
        self.assertEqual(line, 'wall_ns + wall.io_ns: 2500000, expected 5 to 6: because')

    def test_array_stands_for_its_length(self):
        self.assertEqual(self.failures(path='threads', min=2, max=2), [])

    def test_plus_and_minus(self):
        self.assertEqual(self.failures(path='wall.io_ns', plus=['wall.running_ns', 'wall.none'],
                                       minus=['wall_ns', 'wall.none'], min=0, max=0), [])

    def test_boolean_as_a_number(self):
        for value, wanted in ((True, 1), (False, 0)):
            row = {'path': 'reaped', 'min': wanted, 'max': wanted, 'why': 'because'}
            self.assertEqual(compare.check_expectation({'reaped': value}, row), [])
            self.assertEqual(len(compare.check_expectation({'reaped': not value}, row)), 1)

    def test_minus_a_missing_element(self):
        row = {'path': 'wall_ns', 'minus': ['threads[id=t9].lifetime_ns'], 'min': 0, 'why': 'because'}
        self.assertEqual(len(compare.check_expectation(report(), row)), 1)

    def test_string_in_a_range(self):
        self.assertEqual(len(self.failures(path='verdict.class', min=0)), 1)

    def test_equals_and_oneof(self):
        path = 'verdict.class'
        self.assertEqual(self.failures(path=path, equals='io-bound'), [])
        self.assertEqual(self.failures(path=path, oneof=['mixed', 'io-bound']), [])
        self.assertEqual(len(self.failures(path=path, equals='mixed')), 1)
        self.assertEqual(len(self.failures(path=path, oneof=['mixed'])), 1)

    def test_begins(self):
        self.assertEqual(self.failures(path='verdict.class', begins='io-'), [])
        self.assertEqual(len(self.failures(path='verdict.class', begins='o-b')), 1)
        self.assertEqual(len(self.failures(path='wall_ns', begins='2')), 1)

    def test_absent(self):
        self.assertEqual(self.failures(path='wall.nothing', absent=True), [])
        self.assertEqual(len(self.failures(path='wall.io_ns', absent=True)), 1)

    def test_missing_key_fails(self):
        line, = self.failures(path='wall.nothing', min=0)
        self.assertIn('missing', line)

    def test_expecting_nothing_is_an_error(self):
        with self.assertRaises(ValueError):
            self.failures(path='wall_ns')


class Invariants(unittest.TestCase):
    """Each fails once."""

    def fails(self, text, *changes):
        """The changed report fails in the way that text tells, and in no other."""
        document = report()
        for path, value in changes:
            put(document, path, value)
        failures = compare.check_invariants(document)
        self.assertTrue(failures)
        for failure in failures:
            self.assertIn(text, failure)

    def test_consistent(self):
        self.assertEqual(compare.check_invariants(report()), [])

    def test_not_measured(self):
        document = report()
        for item in document['threads']:
            del item['kernel_accounting'], item['cpu']
        self.assertEqual(compare.check_invariants(document), [])

    def test_states(self):
        self.fails('sum of states', (['threads', 0, 'lifetime_ns'], 1000001))

    def test_wall_rows(self):
        self.fails('wall rows', (['wall', 'io_ns'], 499999), (['wall_parts', 'io_demand_ns'], 99999))

    def test_wall_parts(self):
        self.fails('parts of wall.io_ns', (['wall_parts', 'io_demand_ns'], 100001))
        self.fails('parts of wall.running_ns', (['wall_parts', 'running_convoy_ns'], 1500001))

    def test_phases(self):
        self.fails('phases[1].start_ns', (['phases', 1, 'start_ns'], 700001))
        self.fails('end of the last phase', (['phases', 1, 'end_ns'], 1999999))

    def test_divisions(self):
        self.fails('sum of waited_for', (['threads', 0, 'waited_for', 'io_device_ns'], 400001),
                   (['totals', 'waited_for', 'io_device_ns'], 800001))
        self.fails('sum of queued_behind', (['threads', 0, 'queued_behind', 'own_ns'], 10001),
                   (['totals', 'queued_behind', 'own_ns'], 20001))

    def test_parallelism_sum(self):
        self.fails('sum of parallelism',
                   (['parallelism', 'running_ns_by_count'], [500000, 1, 2]))

    def test_parallelism_at_none(self):
        self.fails('running_ns_by_count[0]',
                   (['parallelism', 'running_ns_by_count'], [500001, 999999, 500000]))

    def test_totals(self):
        self.fails('totals.states.woken_ns', (['totals', 'states', 'woken_ns'], 1))
        self.fails('totals.switches.yields', (['totals', 'switches', 'yields'], 1))
        self.fails('totals.threads', (['totals', 'threads'], 3))
        self.fails('totals.processes', (['totals', 'processes'], 3))

    def test_totals_when_some_are_omitted(self):
        document = report()
        document['totals']['threads'] = 9
        document['omitted'] = [{'what': 'threads', 'count': 7}]
        self.assertEqual(compare.check_invariants(document), [])

    def test_switches(self):
        self.fails('switches against',
                   (['threads', 0, 'kernel_accounting', 'voluntary'], 9))

    def test_run_time(self):
        self.fails('against run_ns',
                   (['threads', 0, 'kernel_accounting', 'run_ns'], 499000 - 701))

    def test_stolen_lies_inside_running(self):
        self.fails('against run_ns', (['threads', 0, 'cpu', 'stolen_ns'], 0))

    def test_run_delay(self):
        self.fails('against run_delay_ns',
                   (['threads', 0, 'kernel_accounting', 'run_delay_ns'], 30000 + 1401))

    def test_blocked_sum(self):
        self.fails('sum of blocked[].ns',
                   (['threads', 0, 'blocked', 'io.pipe', 'ns'], 70001))

    def test_longest_wait(self):
        self.fails('max_ns', (['threads', 0, 'blocked', 'io.pipe', 'max_ns'], 70001))

    def test_flows(self):
        for key in ('waits', 'wait_ns'):
            self.fails(f'{key} of its flows', (['channels', 0, 'flows', 0, key], 1000000))
        self.fails('writes of reader', (['channels', 1, 'flows', 0, 'side'], 'writes'))
        self.fails('reads of reader 8', (['channels', 1, 'flows', 0, 'waiter', 'pid'], 8))

    def test_waits_for_nobody_known(self):
        document = report()
        document['channels'][0]['flows'].pop()
        document['channels'][1]['ends'][0]['process'] = None
        self.assertEqual(compare.check_invariants(document), [])

    def test_ends(self):
        self.fails('max_wait_ns', (['channels', 0, 'ends', 0, 'reads', 'max_wait_ns'], 1801))
        self.fails('no process p9', (['channels', 0, 'ends', 0, 'process'], 'p9'))

    def test_residual(self):
        self.fails('residual_ns', (['measurement', 'residual_ns'], -1))

    def test_ids(self):
        self.fails('used twice', (['threads', 1, 'id'], 't1'))
        self.fails('used twice', (['locks', 0, 'id'], 'p1'))

    def test_lock_sums(self):
        self.fails('waiters[].waits', (['locks', 0, 'waiters', 0, 'waits'], 3))
        self.fails('waiters[].wait_ns', (['locks', 0, 'waiters', 0, 'wait_ns'], 501))
        self.fails('waiters[].max_wait_ns', (['locks', 0, 'waiters', 0, 'max_wait_ns'], 399))
        self.fails('holders[].blamed_ns', (['locks', 0, 'blamed_ns'], 599))
        self.fails('sum of holder', (['locks', 0, 'holders', 0, 'other_ns'], 51))
        self.fails('histogram', (['locks', 0, 'wait_histogram_log2_ns'], [2, 2]))

    def test_targets(self):
        self.fails('histogram', (['io', 0, 'wait_histogram_log2_ns'], [0, 4]))
        self.fails('max_wait_ns: 500001', (['io', 0, 'max_wait_ns'], 500001))
        self.fails('waited_wall_ns: 500001', (['io', 0, 'waited_wall_ns'], 500001))
        self.fails('waited_wall_ns: 2000001', (['io', 0, 'waited_wall_ns'], 2000001),
                   (['io', 0, 'wait_ns'], 3000000),
                   (['totals', 'blocked', 'io.disk', 'ns'], 3300000))
        self.fails('open: 6', (['io', 0, 'open'], 6))
        self.fails('checked: 6', (['io', 0, 'checked'], 6))
        self.fails('empty: 3 > 1', (['io', 0, 'empty'], 3))
        self.fails('9 waits > 8', (['io', 0, 'waits'], 6),
                   (['io', 0, 'wait_histogram_log2_ns'], [6]))
        self.fails('960001 ns > 800000', (['io', 0, 'wait_ns'], 660001))
        document = report()
        document['io'][1].update(cause='io.aio', waits=1, wait_histogram_log2_ns=[1])
        document['totals']['blocked']['event.poll'] = {'count': 1, 'ns': 0}
        told = [failure for failure in compare.check_invariants(document) if 'io of' in failure]
        self.assertEqual(told, [])
        self.fails('io of event.epoll, event.eventfd, event.poll, event.select, io.aio, io.uring: '
                   '99 waits > ', (['io', 1, 'cause'], 'io.aio'), (['io', 1, 'waits'], 99),
                   (['io', 1, 'wait_histogram_log2_ns'], [99]))
        self.fails('io of io.tty', (['io', 1, 'cause'], 'io.tty'), (['io', 1, 'waits'], 1),
                   (['io', 1, 'wait_histogram_log2_ns'], [1]))

    def test_loops(self):
        self.fails('max_wait_ns: 500001 > wait_ns', (['loops', 0, 'max_wait_ns'], 500001))
        self.fails('empty: 6 > waits', (['loops', 0, 'empty'], 6))
        self.fails('open: 6 > waits', (['loops', 0, 'open'], 6))
        self.fails('calls.empty: 10', (['loops', 0, 'calls', 'empty'], 10))
        self.fails('calls.at_once: 10', (['loops', 0, 'calls', 'at_once'], 10))
        self.fails('9 waits > 8', (['loops', 0, 'waits'], 6))
        self.fails('960001 ns > 800000', (['loops', 0, 'wait_ns'], 660001))
        self.fails('loops of poll: 5 waits > 0', (['loops', 0, 'call'], 'poll'),
                   (['loops', 0, 'wait_ns'], 0), (['loops', 0, 'max_wait_ns'], 0))
        self.fails('used twice', (['loops', 0, 'id'], 'loop2'))

    def test_who_is_in_a_loop(self):
        self.fails('thread: None of 1', (['loops', 0, 'thread'], None))
        self.fails('thread: t1 of 2', (['loops', 0, 'threads'], 2))
        self.fails('there is no t9', (['loops', 0, 'thread'], 't9'))

    def test_away(self):
        away = ['loops', 0, 'away']
        self.fails('sum of the histogram', (away + ['histogram_log2_ns'], [0, 3]))
        self.fails('longest.ns', (away + ['longest', 'ns'], 401),
                   (away + ['longest', 'queued_ns'], 51))
        self.fails('sum of away', (away + ['queued_ns'], 201))
        self.fails('sum of longest', (away + ['longest', 'running_ns'], 99))
        self.fails('max_ns: 1001 > 1000', (away + ['max_ns'], 1001),
                   (away + ['longest', 'ns'], 1001), (away + ['longest', 'running_ns'], 701))
        self.fails('p99_ns: 401 > 400', (away + ['p99_ns'], 401))
        self.fails('blocked_ns: 551 > 550', (away + ['blocked_ns'], 551),
                   (away + ['queued_ns'], 149))

    def test_stretches_lie_in_the_run(self):
        away = ['loops', 0, 'away']
        end = report()['wall_ns']
        late = {'at_ns': end, 'ns': 2000000}
        self.fails('longest: ends at', (away + ['longest', 'at_ns'], end + 2000000))
        self.fails('open: ends at', (away + ['open'], late))
        self.fails('open: ends at', (away + ['open'], {'at_ns': 0, 'ns': 1}))

    def test_not_away(self):
        document = report()
        document['loops'][0].update(away=None, calls=None, thread=None, threads=2)
        self.assertEqual(compare.check_invariants(document), [])

    def test_lock_bounds(self):
        self.fails('blamed_ns: 701', (['locks', 0, 'blamed_ns'], 701),
                   (['locks', 0, 'holders', 0, 'blamed_ns'], 701),
                   (['locks', 0, 'holders', 0, 'unknown_ns'], 251))
        self.fails('waited_wall_ns: 701', (['locks', 0, 'waited_wall_ns'], 701))
        self.fails('waited_wall_ns: 2000001 > wall_ns',
                   (['locks', 0, 'waited_wall_ns'], 2000001),
                   (['locks', 0, 'wait_ns'], 3000000),
                   (['locks', 0, 'waiters', 0, 'wait_ns'], 2999800))
        self.fails('open_waits', (['locks', 0, 'open_waits'], 4))

    def test_lock_rows_left_out(self):
        document = report()
        document['omitted'] = [{'what': 'waiters', 'count': 1}]
        del document['locks'][0]['waiters'][1]
        self.assertEqual(compare.check_invariants(document), [])


class CommandLine(unittest.TestCase):
    """The exit status and the output."""

    def run_main(self, truth, document):
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for name, content in (('truth', truth), ('report', document)):
                names.append(os.path.join(folder, name))
                with open(names[-1], 'w', encoding='utf-8') as file:
                    json.dump(content, file)
            if truth is None:
                names[0] = '-'
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                status = compare.main(names)
            return status, output.getvalue()

    def test_good(self):
        truth = {'workload': 'w', 'expect': [{'path': 'wall_ns', 'min': 0, 'why': 'time'}]}
        self.assertEqual(self.run_main(truth, report()), (0, ''))

    def test_bad(self):
        truth = {'workload': 'w', 'expect': [{'path': 'wall_ns', 'max': 0, 'why': 'time'}]}
        status, output = self.run_main(truth, report())
        self.assertEqual(status, 1)
        self.assertEqual(output, 'w: wall_ns: 2000000, expected -inf to 0: time\n')

    def test_skip(self):
        truth = {'workload': 'w', 'skip': 'no device', 'expect': []}
        self.assertEqual(self.run_main(truth, report()), (0, 'w: skipped: no device\n'))

    def test_invariants_alone(self):
        document = copy.deepcopy(report())
        document['measurement']['residual_ns'] = 1
        self.assertEqual(self.run_main(None, document)[0], 1)

    def test_usage(self):
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(compare.main([]), 2)


if __name__ == '__main__':
    unittest.main()
