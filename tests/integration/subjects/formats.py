# SPDX-License-Identifier: BSD-2-Clause
"""Reports in formats of others, opened by readers that are not ours. Most of them are made of
event streams, as the golden tests make theirs: names that try to become markup must leave a
report as it is with a harmless one."""
import json
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from harness import PYTHON, Skip, cases, equal, expect, without_bpf

CALM = True  # see run.py

GOLDEN = pathlib.Path(__file__).parents[2] / 'golden'
COMMENT = 65536     # characters: GitHub refuses a longer comment; bytes are no fewer
SHOWN = 10          # annotations of a kind: it drops the others
FILES = {'markdown': 'out.md', 'github': 'out.github', 'junit': 'out.xml', 'html': 'out.html'}

HOSTILE = (
    '@torvalds', '@a/b', 'https://e.example', 'www.e.example', 'x@e.example', '<img src=x>',
    '<b>', '</b', '<!--', '-->', '</details>', '</code>', '<?php', '<!X>', '<https://e.x>', '[x](y)',
    '![x](y)', '[x]: y', '[x]', '`', '``', '```', '``` x', '````', ' ` ', '` `', '~~~', '|', '\\|',
    '\\\\|', '|x|', '\\', 'x\\', '\\`', '*a*', '**a**', '_a_', '__a__', '~~a~~', '~a~', '#1', 'GH-1',
    'a/b#1', '# a', ':smile:', '$x$', '$`x`$', '$$', '&lt;b&gt;', '&#64;a', '&commat;a', '&', '- a',
    '-', '+ a', '1. a', '1.', '1)', '> a', '> [!NOTE]', '---', '===', '***', '|---|', ':--', '[^1]',
    '[ ] a', '[x] a', '/lgtm', '    a', '\ta', 'a  ', 'a\nb', 'a\n\nb', '\n', '\r', '\r\n# a',
    '%0A', '%0A::error::a', '%250A', '%', '::error::a', '\n::error::a', '::', ',title=a', 'a,b:c=d',
    '##[error]a', ']]>', '<![CDATA[', '"', "'", '"><a', '{{ a }}', '{% a %}', '',
    ' ', '   ', '(`a`)', '(@a)', '(a@b.c).', 'a,@b', '"@a"', '0123456789abcde', '\x1b[31m', '\x7f',
    '\x85', '\ufffe', '\uffff', '\u202e', '\u2028a', '\u200b@a', '\U0001f600', '\U0001fffe', b'\xff',
    b'\xed\xa0\x80', b'\xc3', b'\xf4\x90\x80\x80')

STREAM = '''options top={top} verbose={verbose}
run mode=run realtime_ns=1790000000s cpus=2 cpus_allowed=2 cpu_how=tick quota_us=-1 period_us=-1
text what=kernel text="{name}"
text what=arch text="{name}"
text what=argument text="{name}"
text what=argument text="{name}"
text what=executable text="/{name}"
text what=note text="{name}"
text what=note text="a {name} b"
exec at=1s thread_id=1 process_id=1 pid=10 comm="{comm}" path="{name}" args="{name}" args="{name}"
thread id=1 process_id=1 tid=10 pid=10 comm="{comm}" flags=leader|ended|group_dead exit_code=139 \\
	start_at=1s end_at=2s switches=1 state.running=1s witness.run_ns=1s witness.voluntary=1
thread id=2 creator_id=1 process_id=2 tid=11 pid=11 comm="{comm}" flags=leader start_at=1s end_at=2s \\
	switches=1 state.blocked=1s open_since=1s blocks=1 wait.lock.mutex=1s:1s:1 open_cause=lock.mutex
{more}wall start_at=1s at=2s by_count.1=1s busy_ns=1s
loss what=missed_run count=3 name="{comm}"
probe name="{comm}" attached=0 why="{name}"
probe name="{comm}" attached=1 runs=10 ns=10us
end ended_by=command status=139 bpf_ns=10us bpf_runs=10 collector_cpu_ns=5ms
'''
THREAD = ('thread id={id} creator_id=1 process_id=1 tid={id} pid=10 comm="{comm}" flags=ended '
          'start_at=1s end_at=2s switches=1 state.blocked=1s wait.lock.mutex=1s:1s:1\n')


def quoted(data):
    """Any bytes as the stream writes them."""
    return ''.join(f'\\x{byte:02x}' for byte in data)


def write_case(folder, name, top=10, verbose=1, threads=0):
    """A folder for the golden tests' program, with a stream full of that name."""
    data = name if isinstance(name, bytes) else name.encode()
    comm = quoted(data[:15])
    more = ''.join(THREAD.format(id=100 + i, comm=comm) for i in range(threads))
    folder.mkdir()
    (folder / 'in.evt').write_text(STREAM.format(
        name=quoted(data), comm=comm, top=top, verbose=verbose, more=more), encoding='utf-8')
    for file in FILES.values():
        (folder / file).touch()


def make_reports(t, parent):
    """Has the golden tests' program write the reports of all cases in a folder."""
    outcome = t.spawn([str(t.build / 'tests' / 'golden'), '--update', str(parent)])
    equal(outcome.code, 0, outcome)


# --- the readers ------------------------------------------------------------------------

BLOCKS = {'document', 'heading', 'paragraph', 'list', 'item', 'table', 'table_header', 'table_row',
          'table_cell', 'html_block', 'code_block'}
INLINES = {'text', 'code', 'strong'}
FRAME = re.compile(r'<details>\n<summary><b>[A-Z][A-Za-z ]+</b>: [^<>&@`]*</summary>\n|</details>\n')
BARS = re.compile(r'[ ▁▂▃▄▅▆▇█1-9\n]*')
# What GitHub itself looks for in the text that comes out.
MAGIC = re.compile(r'[@#`*\[\]\\{}|$~^!&_>]|://|www\.|:\w+:|gh-\d|[0-9a-f]{7}|<(?!\d)', re.I)


def local(element):
    """The name of an element without its name space."""
    return element.tag.rsplit('}', 1)[-1]


def markdown_tree(data):
    """What the parser of GitHub's own dialect makes of it."""
    tool = shutil.which('cmark-gfm')
    if not tool:
        raise Skip('no cmark-gfm here')
    extensions = ('table', 'autolink', 'strikethrough', 'tasklist', 'footnotes')
    options = [word for name in extensions for word in ('-e', name)]
    result = subprocess.run([tool, '-t', 'xml', *options], input=data, capture_output=True,
                            check=True)
    return ElementTree.fromstring(result.stdout)


def check_markdown(data):
    """That nothing in it is markup but ours. Its skeleton: blocks, without what they say."""
    text = data.decode('utf-8')
    expect(len(data) < COMMENT, 'too long for a comment:', len(data))
    tree = markdown_tree(data)
    skeleton, names = [], []
    for element in tree.iter():
        kind, words = local(element), element.text or ''
        expect(kind in BLOCKS | INLINES, f'{kind}: {words!r} in', text)
        if kind in BLOCKS:
            skeleton.append((kind, element.get('level'), len(element) if kind == 'table_row' else 0))
        if kind == 'html_block':
            expect(FRAME.fullmatch(words), f'HTML {words!r} in', text)
        elif kind == 'code_block':
            expect(BARS.fullmatch(words), f'a block {words!r} in', text)
        elif kind == 'text':
            expect(not MAGIC.search(words), f'{MAGIC.search(words)} in {words!r} of', text)
        elif kind == 'list':
            equal(element.get('type'), 'bullet', text)
        elif kind == 'code':
            names.append(words)
    return skeleton, names


# The runner's rules: a command begins its line, ends with the next "::", and has properties that
# are split at commas; then each escape is replaced, the percent sign's own last.
REPLACED = (('%0D', '\r'), ('%0A', '\n'), ('%3A', ':'), ('%2C', ','), ('%25', '%'))
COMMAND = re.compile(r'::(notice|warning|error) ([^:]*?)::(.*)', re.S)


def unescape(text, is_property):
    """As the runner does it."""
    for escape, sign in REPLACED:
        if is_property or sign not in ':,':
            text = text.replace(escape, sign)
    return text


def check_github(data):
    """(command, title, message) of each annotation."""
    found = []
    text = data.decode('utf-8')
    expect(text.endswith('\n') and '\r' not in text, 'lines', text)
    for line in text[:-1].split('\n'):
        match = COMMAND.fullmatch(line)
        expect(match, 'no command:', line)
        properties = [pair.split('=', 1) for pair in match[2].split(',')]
        equal([key for key, _ in properties], ['title'], line)
        message = unescape(match[3], False)
        expect('\r' not in message and message, 'message', message)
        found.append((match[1], unescape(properties[0][1], True), message))
    for kind in ('notice', 'warning', 'error'):
        expect(sum(row[0] == kind for row in found) <= SHOWN, 'too many of', kind)
    return found


def check_junit(data):
    """(test, result, output) of each test."""
    root = ElementTree.fromstring(data)
    suite, = root.findall('testsuite')
    tests = [(f'{case.get("classname")}.{case.get("name")}',
              [child.tag for child in case if child.tag != 'system-out'],
              case.findtext('system-out')) for case in suite.findall('testcase')]
    for counted in (root, suite):
        equal(counted.get('tests'), str(len(tests)), 'tests')
        equal(counted.get('failures'), str(sum('failure' in row[1] for row in tests)), 'failures')
        equal(counted.get('skipped'), str(sum('skipped' in row[1] for row in tests)), 'skipped')
    equal(len({row[0] for row in tests}), len(tests), 'names of tests')
    return tests


class Page(HTMLParser):
    """The elements of a page, and what its text and attributes say. As strict as XML."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words, self.labels = [], [], [], []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        equal(len(set(names)), len(names), f'twice the same in {tag}')
        for name, value in attrs:
            expect(not name.startswith('on') and name not in ('style', 'src'), name, '=', value)
            expect(name != 'href' or value.startswith('#'), 'a link to', value)
        classes = dict(attrs).get('class', '')
        if tag != 'b':  # of the number that a sentence begins with, which may be a name's
            self.elements.append((len(self.open), tag, tuple(names), classes))
        self.labels += [value for name, value in attrs if name == 'aria-label']
        if tag != 'meta':
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        equal(self.open.pop() if self.open else None, tag, 'what ends')

    def handle_data(self, data):
        if self.open[-1:] not in (['style'], ['script']):
            self.words.append(data)

    def handle_comment(self, data):
        expect(False, 'a comment:', data)

    def unknown_decl(self, data):
        expect(False, 'a declaration:', data)

    handle_pi = unknown_decl


def check_html(data):
    """That nothing in it is markup but ours."""
    page = Page()
    page.feed(data.decode('utf-8'))
    page.close()
    equal(page.open, [], 'open at the end')
    return page


def check_all(folder):
    """What must be the same whatever the names are."""
    skeleton, names = check_markdown((folder / 'out.md').read_bytes())
    annotations = check_github((folder / 'out.github').read_bytes())
    tests = check_junit((folder / 'out.xml').read_bytes())
    page = check_html((folder / 'out.html').read_bytes())
    return ((skeleton, [row[:2] for row in annotations], [row[:2] for row in tests],
             page.elements), names, page.words)


# --- the tests --------------------------------------------------------------------------

@without_bpf
@cases(*[(path.parent.name,) for path in sorted(GOLDEN.glob('*/out.md'))])
def test_golden(_, name):
    """The reports that are kept."""
    folder = GOLDEN / name
    check_markdown((folder / 'out.md').read_bytes())
    check_github((folder / 'out.github').read_bytes())
    check_junit((folder / 'out.xml').read_bytes())
    expect(len((GOLDEN / name / 'out.md').read_text(encoding='utf-8')) < COMMENT, 'for a comment')


@without_bpf
def test_hostile_names(t):
    """No name changes anything but itself, whatever it looks like; and it is there to be read."""
    parent = t.dir / 'cases'
    parent.mkdir()
    write_case(parent / 'plain', 'name')
    for number, name in enumerate(HOSTILE):
        write_case(parent / str(number), name)
    make_reports(t, parent)
    plain, _, _ = check_all(parent / 'plain')
    for number, name in enumerate(HOSTILE):
        try:
            shape, names, words = check_all(parent / str(number))
            for got, wanted in zip(shape, plain):
                # Without a name the column of names is left out.
                expect(got == wanted or not name, got, 'not as with a plain name:', wanted)
            if isinstance(name, str) and name.isascii() and name.isprintable() and name.strip():
                shown = name.replace('\\', '\\\\')
                expect(any(shown in code for code in names), 'not shown in', names)
                expect(any(shown in text for text in words), 'not shown in', words)
        except AssertionError as failure:
            t.problems.append(f'{name!r}: {str(failure)[:2000]}')


@without_bpf
def test_too_much(t):
    """More threads than fit: the rest is counted, and what follows is there."""
    parent = t.dir / 'cases'
    parent.mkdir()
    write_case(parent / 'many', '\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b', top=100000, threads=9000)
    make_reports(t, parent)
    data = (parent / 'many' / 'out.md').read_bytes()
    check_markdown(data)
    text = data.decode('utf-8')
    expect(len(data) > COMMENT / 2, 'it was to be long', len(data))
    expect(re.search(r'\d+ more rows are left out', text), 'not said what is missing')
    for word in ('**Trust:**', 'Measured by concprof', '<summary><b>Waits</b>'):
        expect(word in text, 'not there:', word)


@without_bpf
def test_junitparser(_):
    """A reader of JUnit's XML in common use finds the same in it."""
    code = ('import json, sys, junitparser\n'
            'xml = junitparser.JUnitXml.fromfile(sys.argv[1])\n'
            'print(json.dumps([[case.classname + "." + case.name,\n'
            '                   [type(one).__name__ for one in case.result], case.system_out]\n'
            '                  for suite in xml for case in suite]))\n')
    if subprocess.run([PYTHON, '-c', 'import junitparser'], capture_output=True,
                      check=False).returncode:
        raise Skip('no junitparser here')
    for path in sorted(GOLDEN.glob('*/out.xml')):
        result = subprocess.run([PYTHON, '-c', code, path], capture_output=True, check=True)
        ours = [[name, [kind.capitalize() for kind in kinds], output]
                for name, kinds, output in check_junit(path.read_bytes())]
        equal(json.loads(result.stdout), ours, path)


def test_of_a_recording(t):
    """All of them from one recording, on standard output too; they say what the JSON says."""
    recording = t.dir / 'recording'
    name = '@a|<b>`c`'
    outcome = t.spawn([t.concprof, 'record', '-o', recording, '--', 'sh', '-c',
                       '(exec sleep 9) & sleep 0.2; kill -KILL $!; kill -SEGV $$', name])
    equal(outcome.code, -11, outcome)
    report = [t.concprof, 'report', str(recording)]
    outcome = t.spawn([*report, '--json', str(t.json)])
    equal((outcome.code, outcome.stdout), (0, ''), outcome)
    printed = {}
    for form in FILES:
        path = t.dir / form
        made = t.spawn([*report, '--format', form, '-o', str(path), '--format', form, '-o', '-'])
        equal((made.code, made.stderr), (0, ''), made)
        printed[form] = path.read_bytes()
        equal(made.stdout.encode(), printed[form], form)
    _, names = check_markdown(printed['markdown'])
    expect(any(name in code for code in names), 'the command', names)
    annotations = check_github(printed['github'])
    equal(len(annotations), len(outcome.report['findings']), annotations)
    equal(annotations[0][:2], ('notice', f'concprof: {outcome.report["verdict"]["class"]}'), 'first')
    equal(sorted(title for _, title, _ in annotations[1:]),
          sorted(f'concprof: {row["rule"]}' for row in outcome.report['findings'][1:]), 'rules')
    tests = check_junit(printed['junit'])
    equal(tests[0][1], ['failure'], 'of the command')
    equal({name.split('.', 2)[2] for name, _, output in tests[2:] if output},
          {row['rule'] for row in outcome.report['findings'][1:]}, 'rules')
