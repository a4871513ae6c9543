# SPDX-License-Identifier: BSD-2-Clause
"""OpenMetrics and CSV, opened by readers that others wrote."""
import csv
import io
import json
import math
import shutil
import subprocess

from harness import PYTHON, Skip, equal, expect

CALM = True  # see run.py

# In a process of its own: Debian's Python has it, which may not be the one that runs this.
READ = '''
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
from prometheus_client.parser import text_string_to_metric_families as read_old
def families(of, text):
    return [[m.name, m.type, [[s.name, s.labels, s.value] for s in m.samples]] for m in of(text)]
text = sys.stdin.read()
json.dump([families(read, text), families(read_old, text), [m.unit for m in read(text)]],
          sys.stdout)
'''

# A program whose name a spreadsheet would take for a formula, and one that must be escaped.
NAMES = ('=1+1', '-x,"y"', 'a\\b\n\x1b[31m', 'other')
WORKLOAD = '''
import ctypes, sys, threading, time
libc = ctypes.CDLL(None)
def work(name):
    libc.prctl(15, name.encode())
    time.sleep(0.02)
for name in sys.argv[1:]:
    thread = threading.Thread(target=work, args=(name,))
    thread.start()
    thread.join()
work(sys.argv[1])
'''


def measured(t, *argv, options=()):
    """The text of both formats, and the JSON of the same run."""
    metrics, table = t.dir / 'metrics', t.dir / 'table'
    outcome = t.run(*(argv or t.python(WORKLOAD, *NAMES)), options=[
        '-q', '--format', 'openmetrics', '-o', metrics, '--format', 'csv', '-o', table, *options])
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    return (metrics.read_text(encoding='utf-8'),
            io.open(table, encoding='utf-8', newline='').read(), outcome.report)


def read_metrics(text):
    """Families as [name, type, samples], by the parser of OpenMetrics; the older one agrees."""
    if subprocess.run([PYTHON, '-c', 'import prometheus_client.openmetrics.parser'],
                      capture_output=True, check=False).returncode:
        raise Skip('there is no python3-prometheus-client')
    result = subprocess.run([PYTHON, '-c', READ], input=text, capture_output=True, text=True,
                            check=False)
    equal((result.returncode, result.stderr), (0, ''), text)
    families, older, units = json.loads(result.stdout)
    equal(families, older, 'as OpenMetrics, and as the older format')
    for (name, kind, _), unit in zip(families, units):
        equal(kind, 'gauge', name)
        expect(name.startswith('concprof_'), name)
        equal(unit, next((word for word in ('seconds', 'bytes', 'ratio')
                          if name.endswith('_' + word)), ''), name)
    return families


def same(value, wanted, *what):
    """Equal, as far as a float of seconds goes."""
    expect(math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-9), value, wanted, *what)


def test_openmetrics(t):
    """The numbers are those of the JSON; names come out as in the text report."""
    text, _, report = measured(t)
    series = {}
    for _, _, samples in read_metrics(text):
        for name, labels, value in samples:
            key = (name, *sorted(labels.items()))
            expect(key not in series, 'twice:', key)
            series[key] = value
    same(series['concprof_wall_seconds',], report['wall_ns'] / 1e9)
    for row, value in report['wall'].items():
        if row != 'serialised_ns':
            same(series['concprof_wall_row_seconds', ('row', row[:-3])], value / 1e9, row)
    for state, value in report['totals']['states'].items():
        same(series['concprof_thread_state_seconds', ('state', state[:-3])], value / 1e9, state)
    for cause, wait in report['totals']['blocked'].items():
        same(series['concprof_thread_blocked_seconds', ('cause', cause)], wait['ns'] / 1e9, cause)
        equal(series['concprof_thread_waits', ('cause', cause)], wait['count'], cause)
    verdicts = {dict(key[1:])['class'] for key, value in series.items()
                if key[0] == 'concprof_verdict' and value}
    equal(verdicts, {report['verdict']['class']}, 'verdict')
    equal(sum(value for key, value in series.items() if key[0] == 'concprof_findings'),
          len(report['findings']), 'findings')
    equal(series['concprof_program_processes', ('program', "'=1+1"[1:])], 1, 'name')
    equal(series['concprof_exit_code',], 0, 'exit')


def test_programs_are_bounded(t):
    """As many names as --top says, however many there were; nothing is lost in the sum."""
    line = 'for i in 1 2 3 4 5 6 7 8; do cp /bin/sleep "$0/p$i"; "$0/p$i" 0; done'
    text, _, report = measured(t, 'sh', '-c', line, t.dir, options=['--top', '3'])
    families = {name: samples for name, _, samples in read_metrics(text)}
    counts = {labels['program']: value
              for _, labels, value in families['concprof_program_processes']}
    equal(len(counts), 4, counts)
    expect('other' in counts, counts)
    equal(sum(counts.values()), len(report['processes']), 'processes')
    same(sum(value for _, labels, value in families['concprof_program_state_seconds']
             if labels['state'] == 'running'),
         sum(thread['states']['running_ns'] for thread in report['threads']) / 1e9, 'running')


def test_promtool(t):
    """Prometheus's own check, where it is installed: no error and no advice."""
    promtool = shutil.which('promtool')
    if not promtool:
        raise Skip('there is no promtool')
    text, _, _ = measured(t)
    result = subprocess.run([promtool, 'check', 'metrics'], input=text, capture_output=True,
                            text=True, check=False)
    equal((result.returncode, result.stdout + result.stderr), (0, ''), text)


def test_csv(t):
    """A row for each thread of the JSON, with its numbers; no cell is a formula."""
    _, text, report = measured(t)
    rows = list(csv.DictReader(io.StringIO(text), strict=True))
    equal([row['id'] for row in rows], [row['id'] for row in report['threads']], 'threads')
    for row, thread in zip(rows, report['threads']):
        expect(None not in row and None not in row.values(), 'cells', row)
        for state, value in thread['states'].items():
            equal(int(row[state]), value, state)
        causes = {name[:-3]: int(value) for name, value in row.items()
                  if '.' in name and name.endswith('_ns') and int(value)}
        equal(causes, {cause: wait['ns'] for cause, wait in thread['blocked'].items()
                       if wait['ns']}, 'causes')
        equal(sum(causes.values()), int(row['blocked_ns']), 'sum of the causes')
        equal((row['process'], row['class']), (thread['process'], thread['class']), 'row')
        for cell in row.values():
            expect(cell[:1] not in list('=+@') and (cell[:1] != '-' or cell[1:].isdigit()), cell)
    names = {row['comm'] for row in rows}
    for name in ("'=1+1", "'-x,\"y\"", 'a\\\\b\\n\\x1b[31m', 'other'):
        expect(name in names, name, 'is not in', names)


def test_csv_lines(t):
    """LF alone ends a line, a row is one line, and the last one ends, too."""
    _, text, report = measured(t)
    expect('\r' not in text and text.endswith('\n'), 'ends of lines')
    equal(text.count('\n'), len(report['threads']) + 1, 'lines')
