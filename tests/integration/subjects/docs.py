# SPDX-License-Identifier: BSD-2-Clause
"""README and docs: links, commands, rules, terms, and that nothing is said twice."""
import collections
import json
import os
import pathlib
import re
import subprocess

from harness import equal, expect, without_bpf
from subjects.pages import prepare
from subjects.shells import options_of

CALM = True  # see run.py

SOURCE = pathlib.Path(__file__).parents[3]
LONG = 60  # characters of a sentence that stands in one place only
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
COMMAND = re.compile(r'^(?:\$ )?(?:sudo )?(concprof|make)\b(.*)$')


def documents():
    """By path, the text of each."""
    return {path: path.read_text(encoding='utf-8')
            for path in (SOURCE / 'README.md', *sorted((SOURCE / 'docs').glob('*.md')))}


def prose(text):
    """Without what is indented or fenced."""
    text = re.sub(r'^```.*?^```$', '', text, flags=re.M | re.S)
    return re.sub(r'^(?: {4}|\t).*$', '', text, flags=re.M)


def headings(text):
    """The text of each, with its level's marks."""
    return re.findall(r'^(#+) (.*)$', prose(text), re.M)


def anchor(title):
    """As GitHub makes it of a heading."""
    return re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')


@without_bpf
def test_links(_):
    """Each leads to a file of the project, and to a heading of it."""
    problems = []
    for path, text in documents().items():
        for link in LINK.findall(prose(text)):
            if re.match(r'https?:', link):
                continue
            name, _, part = link.partition('#')
            to = (path.parent / name).resolve() if name else path
            if not to.exists():
                problems.append(f'{path.name}: {link}')
            elif part and part not in {anchor(title) for _, title in headings(to.read_text())}:
                problems.append(f'{path.name}: {link}: no such heading')
    equal(problems, [], 'links')


@without_bpf
def test_says_nothing_twice(_):
    """No long sentence stands in two places."""
    places = collections.defaultdict(list)
    for path, text in documents().items():
        for sentence in re.split(r'(?<=[.:;])\s|\s\|\s|\n\n', prose(text)):
            said = ' '.join(sentence.split())
            if len(said) > LONG:
                places[said].append(path.name)
    equal({said: names for said, names in places.items() if len(names) > 1}, {}, 'said twice')


def words_of(name, text):
    """The strings of a table of the source."""
    return re.findall(r'"([^"]+)"', re.search(name + r'\[[^=]*= \{(.*?)\};', text, re.S)[1])


@without_bpf
def test_rules(_):
    """Each finding and each class is explained once, and no other."""
    analysis = SOURCE / 'user' / 'analysis'
    pages = {path.name: text for path, text in documents().items()}
    for page, table, source in (('findings.md', 'finding_rules', 'evidence.c'),
                                ('verdicts.md', 'class_names', 'verdict.c')):
        found = [title for marks, title in headings(pages[page]) if marks == '###']
        equal(sorted(found), sorted(words_of(table, (analysis / source).read_text())), page)


def below(schema, node):
    """A node of the schema, with all that it refers to."""
    left, found = [node], []
    while left:
        one = left.pop()
        if not isinstance(one, dict):
            continue
        found.append(one)
        if '$ref' in one:
            left.append(schema['$defs'][one['$ref'].rpartition('/')[2]])
        left += [one[key] for key in ('items', 'if', 'then', 'else') if key in one]
        for key in ('oneOf', 'anyOf', 'allOf'):
            left += one.get(key, [])
    return found


def is_in(schema, path):
    """Does a document of it have this path? Lists are left out."""
    nodes = [schema]
    for part in path.split('.'):
        nodes = [one['properties'][part] for node in nodes for one in below(schema, node)
                 if part in one.get('properties', {})]
    return bool(nodes)


@without_bpf
def test_glossary(_):
    """Each term has paths, and all of them are in the schema."""
    schema = json.loads((SOURCE / 'user/report/concprof.schema.json').read_text())
    text = (SOURCE / 'docs/glossary.md').read_text()
    rows = [line.split('|') for line in text.splitlines() if line.startswith('| ')][1:]
    expect(len(rows) > 15, rows)
    for row in rows:
        paths = re.findall(r'`([^`]+)`', row[3])
        expect(paths, 'no path', row[1])
        equal([path for path in paths if not is_in(schema, path)], [], row[1])


@without_bpf
def test_options(t):
    """Commands in the pages have options that there are, and make's targets."""
    options = {'--version', '--help'}.union(*options_of(t).values())
    makefiles = (SOURCE / 'Makefile').read_text() + (SOURCE / 'packaging' / 'packages.mk').read_text()
    targets = set(re.findall(r'^([\w -]+):(?!=)', makefiles, re.M))
    targets = {word for line in targets for word in line.split()}
    problems = []
    for path, text in documents().items():
        for line in re.findall(r'^(?: {4}|\t)(.*)$', text, re.M):
            match = COMMAND.match(line)
            if not match:
                continue
            words = re.split(r'\s{2,}|\s#', match[2].strip())[0].split()
            words = words[:words.index('--')] if '--' in words else words
            if match[1] == 'make':
                unknown = [word for word in words if '=' not in word and word not in targets]
            else:
                unknown = [word for word in words if word.startswith('--')
                           and word.partition('=')[0] not in options]
            if unknown:
                problems.append(f'{path.name}: {line}: {unknown}')
    equal(problems, [], 'commands')


# What commands of the pages speak of, and what stands for it here; in order.
STANDS_FOR = (('[ARG...]', ''), ('[,PID...]', ''), ('COMMAND', 'true'), (' ...', ' true'), ('-d 3600', '-d 0.1'),
              ('-d 10', '-d 0.1'), ('--hang-after 30', '--hang-after 1'), ('-o FILE', '-o new.rec'),
              ('report FILE', 'report base1.rec'), ('--linger 5', '--linger 0.1'))
ELSEWHERE = ('--live', '--cgroup')  # wants a terminal; a cgroup that is not everywhere


def commands_of(text):
    """Those of concprof in a page, without what is said of each beside it."""
    for line in re.findall(r'^ {4}(.*)$', text, re.M):
        match = re.match(r'(?:\$ )?(?:sudo )?(concprof .*)', line)
        if match:
            yield re.split(r' {2,}', match[1])[0].strip()


def test_commands(t):
    """Each command of the pages is taken, with what stands for its programs and files here."""
    prepare(t)
    for name in ('test', 'daemonize', 'server-test', 'daemon-test'):
        (t.dir / name).symlink_to('program')
    server = t.start(['sleep', '60'])
    env = {**os.environ, 'PATH': f"{t.dir}/bin:{os.environ['PATH']}",
           'DEBUGINFOD_URLS': 'http://127.0.0.1:9'}  # nobody answers there
    commands = {command for text in documents().values() for command in commands_of(text)}
    commands = {command for command in commands if 'build/workloads/' not in command
                and not any(word in command for word in ELSEWHERE)}
    expect(len(commands) > 20, commands)
    for command in sorted(commands):
        for word, meant in STANDS_FOR:
            command = command.replace(word, meant)
        command = re.sub(r'\bPID\b', str(server.pid), command)
        if re.search(r' -- (sh|dd|python3) ', command):  # of a case: what it measured is not here
            command = re.sub(r' -- .*', ' -- true', command)
        done = t.spawn(['sh', '-c', command], env=env)
        if done.code == 125 or 'sh: ' in done.stderr:
            t.problems.append(f'{command}: {done}')


def test_cases(t):
    """Each workload of a case is there, and has that way to work."""
    used = set(re.findall(r'build/workloads/(\S+)((?: [a-z][\w-]*)*)', ''.join(documents().values())))
    expect(len(used) > 25, used)
    for name, words in sorted(used):
        program = t.build / 'workloads' / name
        if not program.exists():
            t.problems.append(f'there is no workload {name}')
        elif words and name in WITH_MODES:
            listed = subprocess.run([program], capture_output=True, text=True, check=False).stdout.split()
            if words.split()[0] not in listed and '_'.join(words.split()) not in listed:
                t.problems.append(f'{name} has no {words}: {listed}')


WITH_MODES = ('awkward', 'channels', 'deadlocks', 'dining', 'echo', 'habits', 'kinds', 'lives', 'locks',
              'loops', 'schedule', 'targets')
