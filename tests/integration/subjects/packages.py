# SPDX-License-Identifier: BSD-2-Clause
"""What packaging/ holds for others: that it is well-formed, and speaks of what concprof writes."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip, equal, expect, without_bpf

CALM = True  # see run.py

SOURCE = pathlib.Path(__file__).parents[3]
FLEET = SOURCE / 'packaging/fleet'
SAMPLE = FLEET / 'concprof-sample'
SELECTOR = re.compile(r'(concprof_\w+)(?:\{([^}]*)\})?')
LABEL = re.compile(r'(\w+)(=~|=)"([^"]*)"')
OTHERS = ('service', 'instance')  # of what passes the metrics on


def written():
    """The series that the golden reports have: {metric: [{label: value}]}."""
    found = {}
    for path in SOURCE.glob('tests/golden/*/out.metrics'):
        for line in path.read_text(encoding='utf-8').splitlines():
            series = SELECTOR.match(line)
            if series:
                labels = {name: value for name, _, value in LABEL.findall(series[2] or '')}
                found.setdefault(series[1], []).append(labels)
    return found


def run(*argv):
    """All that it says; it is to succeed."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    expect(done.returncode == 0, argv, done.stdout[-800:], done.stderr[-800:])
    return done.stdout + done.stderr


def expressions():
    """Of the rules and of the dashboard, with variables of the latter replaced."""
    # a folded one is several lines that are indented more than their key
    text = (FLEET / 'alerts.yml').read_text(encoding='utf-8')
    rules = re.findall(r'^( +)expr: (.*(?:\n\1 +\S.*)*)', text, re.MULTILINE)
    board = json.loads((FLEET / 'dashboard.json').read_text(encoding='utf-8'))
    panels = [target['expr'] for panel in board['panels'] for target in panel['targets']]
    expect(len(rules) > 10 and len(panels) > 10, 'expressions', len(rules), len(panels))
    return [rule for _, rule in rules], [re.sub(r'\$\w+', '.*', panel) for panel in panels]


@without_bpf
def test_names(_t):
    """Each metric, and each value that is asked of one of its labels, is one that concprof writes;
    what the dashboard takes from the rules is there."""
    known = written()
    rules, panels = expressions()
    for expression in rules + panels:
        selectors = SELECTOR.findall(expression)
        for metric, labels in selectors:
            expect(metric in known, expression, 'no such metric:', metric)
            for name, how, value in LABEL.findall(labels):
                if name in OTHERS:
                    continue
                for word in value.split('|') if how == '=~' else [value]:
                    expect(any(series.get(name) == word for series in known[metric]),
                           expression, 'never:', name, word)
    defined = set(re.findall(r'record: (\S+)', (FLEET / 'alerts.yml').read_text(encoding='utf-8')))
    used = set(re.findall(r'concprof:\w+', ' '.join(rules + panels)))
    equal(used - defined, set(), 'not recorded')
    # ... whose labels are those of what they are made of
    parts = {series['part'] for series in known['concprof_wall_part_seconds']}
    for words in re.findall(r'concprof:wall_part_share\{part=~"([^"]*)"', ' '.join(rules)):
        expect(set(words.split('|')) <= parts, words, parts)


@without_bpf
def test_promtool(t):
    """Prometheus takes the rules, their own tests pass, and it takes what the dashboard asks."""
    if not shutil.which('promtool'):
        raise Skip('there is no promtool (Debian: prometheus)')
    run('promtool', 'check', 'rules', FLEET / 'alerts.yml')
    run('promtool', 'test', 'rules', FLEET / 'alerts.test.yml')
    rows = [{'record': f'panel:{number}', 'expr': expression}
            for number, expression in enumerate(expressions()[1])]
    board = t.dir / 'board.yml'
    board.write_text(json.dumps({'groups': [{'name': 'board', 'rules': rows}]}), encoding='utf-8')
    run('promtool', 'check', 'rules', board)


@without_bpf
def test_scripts(_t):
    """Each is a program, and the shell can read it."""
    scripts = [SAMPLE, *(SOURCE / 'packaging').glob('*-*'), *(SOURCE / 'packaging/debian/tests').glob('[!c]*')]
    scripts = [path for path in scripts if path.is_file()]
    expect(len(scripts) >= 6, scripts)
    for path in scripts:
        expect(os.access(path, os.X_OK), path)
        run('sh', '-n', path)
    if shutil.which('shellcheck'):
        run('shellcheck', '--severity=warning', *scripts)


@without_bpf
def test_version(_t):
    """The package is of the version that is built."""
    wanted = re.search(r'^VERSION := (\S+)', (SOURCE / 'Makefile').read_text(encoding='utf-8'), re.MULTILINE)
    text = (SOURCE / 'packaging/debian/changelog').read_text(encoding='utf-8')
    equal(re.match(r'concprof \((.*)-\d+\)', text)[1], wanted[1], 'changelog')


@without_bpf
def test_units(t):
    """systemd takes the unit and its timer."""
    if not shutil.which('systemd-analyze'):
        raise Skip('there is no systemd-analyze')
    for name in ('concprof-sample@.service', 'concprof-sample@.timer'):
        text = (FLEET / name).read_text(encoding='utf-8')
        text = text.replace('/usr/libexec/concprof/concprof-sample', str(SAMPLE))
        text = re.sub(r'Documentation=.*\n', '', text)
        (t.dir / name.replace('@', '@x')).write_text(text, encoding='utf-8')
        equal(run('systemd-analyze', 'verify', t.dir / name.replace('@', '@x')), '', name)


def test_sample(t):
    """One sample of a cgroup: all metrics belong to the service; two runs, of which one is kept."""
    root = next((path for path in ('/sys/fs/cgroup/unified', '/sys/fs/cgroup')
                 if os.path.exists(f'{path}/cgroup.procs')), None)
    if not root:
        raise Skip('there is no cgroup v2')
    group = pathlib.Path(root) / f'concprof-sample-{os.getpid()}'
    group.mkdir()
    t.cleanup.callback(group.rmdir)
    work = subprocess.Popen(['sleep', '30'])
    t.cleanup.callback(work.wait)
    t.cleanup.callback(work.kill)
    (group / 'cgroup.procs').write_text(str(work.pid), encoding='ascii')
    service = r'odd\x2d"one".service'
    env = {**os.environ, 'CONCPROF': f'{t.build}/concprof', 'CONCPROF_SECONDS': '0.2',
           'CONCPROF_CGROUP': str(group), 'CONCPROF_TEXTFILES': str(t.dir),
           'CONCPROF_OUT': str(t.dir / 'out'), 'CONCPROF_KEEP': '1'}
    for _ in range(2):
        done = subprocess.run([SAMPLE, service], env=env, capture_output=True, text=True, check=False,
                              timeout=60)
        equal((done.returncode, done.stdout, done.stderr), (0, '', ''), 'sample')
    metrics = (t.dir / f'concprof-{service}.prom').read_text(encoding='utf-8').splitlines()
    series = [line for line in metrics if not line.startswith('#')]
    expect(len(series) > 50, metrics)
    label = r'{service="odd\\x2d\"one\".service"'
    equal([line for line in series if label not in line], [], 'without the service')
    left = sorted(path.name.split('.', 1)[1] for path in (t.dir / 'out' / service).iterdir() if '.' in path.name)
    equal(left, ['json', 'pb.gz'], 'kept')
    report = json.loads(next((t.dir / 'out' / service).glob('*.json')).read_text(encoding='utf-8'))
    equal(report['threads'][0]['comm'], 'sleep', report['threads'])
