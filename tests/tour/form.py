# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong with lessons, as far as that can be told without a run: words that are missing,
commands that do not exist, paths that no report has, concepts that are not taught."""
import json
import pathlib
import re
import subprocess

import compare

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / 'user/report/concprof.schema.json').read_text(encoding='utf-8'))
# Their first argument is a mode, of which they list all.
LISTING = ('channels', 'deadlocks', 'dining', 'echo', 'kinds', 'lives', 'locks', 'loops', 'schedule')


def schemas_of(node):
    """All that a part of the schema may stand for."""
    if '$ref' in node:
        found = SCHEMA
        for key in node['$ref'].split('/')[1:]:
            found = found[key]
        return schemas_of(found)
    either = node.get('oneOf', []) + node.get('anyOf', [])
    return [node] + [one for part in either for one in schemas_of(part)]


def below(node, key):
    """What is under a key."""
    for one in schemas_of(node):
        if key in one.get('properties', {}):
            return one['properties'][key]
        for pattern, found in one.get('patternProperties', {}).items():
            if re.search(pattern, key):
                return found
        names = one.get('propertyNames', {}).get('pattern', '')
        if isinstance(one.get('additionalProperties'), dict) and re.search(names, key):
            return one['additionalProperties']
    return None


def items_of(node):
    """The elements of a list."""
    return next((one['items'] for one in schemas_of(node) if 'items' in one), None)


def allowed(node, value):
    """May it have this value, as far as the schema lists them?"""
    lists = [one['enum'] for one in schemas_of(node) if 'enum' in one]
    return not lists or any(value in one for one in lists)


def filter_trouble(node, field, text):
    """What is wrong with a choice among the elements of a list."""
    for key in field.split('.'):
        node = items_of(node) or node
        node = node and below(node, key)
    if node is None:
        return f"no element has '{field}'"
    return None if allowed(node, text) else f"'{field}' is never '{text}'"


def path_trouble(path):
    """(what is wrong with a path, the schema of what it leads to)"""
    node = SCHEMA
    for token in compare.parse(path):
        if token['key'] or token['quoted']:
            node = below(node, token['key'] or token['quoted'])
        else:
            node = items_of(node)
            choices = [(token['field'], token['text'] if token['value'] is None
                        else token['value'])] if token['field'] else []
            for field, text in choices + compare.MORE.findall(token['more'] or ''):
                trouble = node and filter_trouble(node, field, text)
                if trouble:
                    return f'{path}: {trouble}', None
        if node is None:
            return f"{path}: no report has '{token[0]}'", None
    return None, node


def rules():
    """All rules of findings; the verdicts' too."""
    sources = (ROOT / 'user/analysis').glob('*.c')
    words = ''.join(path.read_text(encoding='utf-8') for path in sources)
    return set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)?)"', words))


def path_troubles(lesson):
    """Of all its paths, and the values that are expected of them."""
    known = rules()
    for path in lesson.paths():
        trouble, _ = path_trouble(path.path)
        if trouble:
            yield trouble
        for rule in re.findall(r'\[rule="([^"]*)"', path.path):
            if rule not in known:
                yield f"{path.path}: there is no rule '{rule}'"
    for run in lesson.runs():
        for expected in run.expected:
            _, node = path_trouble(expected.path.path)
            wanted = expected.condition.get('oneof', [expected.condition.get('equals')])
            for value in wanted:
                if node and value is not None and not allowed(node, value):
                    yield f"{expected.path.path}: it is never '{value}'"


def modes(build, workload):
    """Those that it lists."""
    return subprocess.run([build / 'workloads' / workload], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=True).stdout.split()


def command_troubles(lesson, build):
    """Of its commands."""
    for run in lesson.runs():
        for at, word in enumerate(run.command):
            kind, _, name = word.rpartition('/')
            if kind == 'build/workloads':
                if not (ROOT / 'workloads' / f'{name}.c').exists():
                    yield f"there is no workload '{name}'"
                elif name in LISTING:
                    yield from (f"{name} has no mode '{mode}'" for mode in run.command[at + 1:]
                                if mode not in modes(build, name))
            elif kind and not (ROOT / word).exists():
                yield f"there is no '{word}'"


def word_troubles(lesson):
    """Of its parts."""
    begins = [text.text.partition(' ')[0] for text in lesson.texts()]
    if not lesson.title or not lesson.concepts:
        yield 'it needs a title and concepts'
    for word in ('Question:', 'Answer:'):
        if begins.count(word) != 1:
            yield f"it needs one paragraph that begins with '{word}'"
    if not any(text.values for text in lesson.texts()):
        yield 'it quotes nothing that was measured'
    for run in lesson.runs():
        if not run.expected:
            yield f"nothing is expected of '{' '.join(run.command)}'"


def troubles(lesson, build):
    """All that is wrong with a lesson, a line each."""
    for found in (word_troubles(lesson), path_troubles(lesson), command_troubles(lesson, build)):
        yield from (f'{lesson.path.name}: {trouble}' for trouble in found)


def untaught(lessons, concepts):
    """The concepts that no lesson has."""
    taught = {concept for lesson in lessons for concept in lesson.concepts}
    return [concept for concept in concepts if concept not in taught]
