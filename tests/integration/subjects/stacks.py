# SPDX-License-Identifier: BSD-2-Clause
"""The formats for flame graphs, folded and pprof: by readers of our own, which know the formats
from their descriptions, and by those of others where they are."""
import gzip
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip, equal, expect, without_bpf
from subjects.formats import HOSTILE, make_reports, quoted

GOLDEN = pathlib.Path(__file__).parents[2] / 'golden' / 'sites'
LINE = re.compile(r'(.*[^ ]) ([1-9][0-9]*)')        # as flamegraph.pl reads it: (.*)\s+?(\d+)
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f]')
TYPES = [('samples', 'count'), ('cpu', 'nanoseconds'), ('waits', 'count'), ('wait', 'nanoseconds')]

STREAM = '''run mode=run realtime_ns=1790000000s cpus=2 cpus_allowed=2 cpu_how=tick quota_us=-1 period_us=-1
text what=executable text="{name}"
thread id=1 process_id=1 tid=10 pid=10 comm="{comm}" flags=leader|ended|group_dead \\
	start_at=1s end_at=4s switches=2 state.running=1s state.blocked=2s blocks=1 wait.io.tty=2s:2s:1
frame id=1 line=1 function="{name}" file="{name}" object="{name}"
frame id=2 line=1 flags=inlined function="{name}" file="{name}" object="{name}"
stack id=1 frames=2,1
stack id=2 frames=1 end=cut
site thread_id=1 what=cpu stack=1 samples=4
site thread_id=1 what=wait stack=2 cause=io.tty row=io samples=1 waits=1 ns=1s max_ns=1s
wall start_at=1s at=4s by_count.1=1s busy_ns=1s row.io=2s
end ended_by=command status=0
'''


# --- the readers ------------------------------------------------------------------------

def read_folded(text):
    """[frames, microseconds] of each line."""
    rows = []
    expect(not text or text.endswith('\n'), 'the last line', text)
    for line in text.split('\n')[:-1]:
        match = LINE.fullmatch(line)
        expect(match and not CONTROL.search(line), 'no stack:', repr(line))
        frames = match[1].split(';')
        expect(all(frames), 'a frame without a name:', line)
        rows.append((frames, int(match[2])))
    equal(len({tuple(frames) for frames, _ in rows}), len(rows), 'a stack comes twice')
    return rows


def varint(data, at):
    """The number there, and what follows it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def message(data):
    """{field: values} of a message; its numbers, and the bytes of what has a length."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        expect(key & 7 in (0, 2), 'wire type', key & 7)
        if key & 7:
            at += value
            expect(at <= len(data), 'cut short')
            value = data[at - value:at]
        fields.setdefault(key >> 3, []).append(value)
    return fields


def numbers(data):
    """Of a packed list."""
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def read_pprof(data):
    """(types, [(lines, values, labels)], profile): lines are (function, file, line, is_inlined, object),
    innermost first."""
    profile = message(gzip.decompress(data))
    strings = [one.decode('utf-8') for one in profile[6]]
    equal(strings[0], '', 'string 0')
    equal(len(set(strings)), len(strings), 'strings occur twice')

    def text(row, field):
        return strings[row.get(field, [0])[0]]

    def table(field):
        rows = [message(one) for one in profile.get(field, [])]
        equal([row[1][0] for row in rows], list(range(1, len(rows) + 1)), 'ids')
        return rows

    functions, mappings = table(5), table(3)
    locations = []
    for row in table(4):
        lines = [message(one) for one in row[4]]
        place = text(mappings[row[2][0] - 1], 5) if 2 in row else ''
        locations.append([(text(functions[line[1][0] - 1], 2), text(functions[line[1][0] - 1], 4),
                           line.get(2, [0])[0], number + 1 < len(lines), place)
                          for number, line in enumerate(lines)])
    samples = []
    for one in profile.get(2, []):
        row = message(one)
        labels = dict((text(label, 1), text(label, 2)) for label in map(message, row.get(3, [])))
        samples.append(([line for id in numbers(row[1][0]) for line in locations[id - 1]],
                        numbers(row[2][0]), labels))
    types = [(text(row, 1), text(row, 2)) for row in map(message, profile[1])]
    return types, samples, profile


def as_folded(samples):
    """What the profile has, as the other format has it: {frames: microseconds}; but what is in
    the kernel is not marked."""
    found = {}
    for lines, values, labels in samples:
        for what, value in (('running', values[1]), (labels.get('cause'), values[3])):
            if not value:
                continue
            frames = [labels['thread']] + [name + ('_[i]' if inlined else '')
                                           for name, _, _, inlined, _ in reversed(lines)]
            key = ';'.join([frame.replace(';', ':') for frame in frames] + [f'[{what}]'])
            found[key] = found.get(key, 0) + value / 1000
    return found


def check_both(folded, pprof):
    """They say the same."""
    types, samples, _ = read_pprof(pprof)
    equal(types, TYPES, 'sample types')
    rows = {';'.join(frames).replace('_[k]', ''): value for frames, value in read_folded(folded)
            if frames[-1] != '[queued]'}
    other = as_folded(samples)
    expect(set(rows) <= set(other), set(rows) - set(other))
    for key, value in other.items():
        expect(abs(rows.get(key, 0) - value) < 1.01, key, rows.get(key), value)


# --- the tests --------------------------------------------------------------------------

@without_bpf
def test_golden(_):
    """The ones that are kept."""
    check_both((GOLDEN / 'out.folded').read_text(encoding='utf-8'), (GOLDEN / 'out.pb.gz').read_bytes())
    _, samples, profile = read_pprof((GOLDEN / 'out.pb.gz').read_bytes())
    equal((profile[9], profile[10]), ([1790000000 * 10**9], [2 * 10**9]), 'time and duration')
    equal(sum(values[1] for _, values, _ in samples), 2900000001, 'running')
    equal(sum(values[3] for _, values, _ in samples), 7249999999, 'waiting')
    equal(sum(values[2] for _, values, _ in samples), 1018, 'waits')
    equal(max(len(lines) for lines, _, _ in samples), 6, 'depth')


@without_bpf
def test_hostile_names(t):
    """No name changes anything but itself."""
    parent = t.dir / 'cases'
    parent.mkdir()
    shapes = {}
    names = ['name', *(name for name in HOSTILE if name), ';', 'a;b', ';;', 'a 12', '[u8; 4]', '_[k]']
    for number, name in enumerate(names):
        data = name if isinstance(name, bytes) else name.encode()
        folder = parent / str(number)
        folder.mkdir()
        (folder / 'in.evt').write_text(STREAM.format(name=quoted(data), comm=quoted(data[:15])))
        for file in ('out.folded', 'out.pb.gz'):
            (folder / file).touch()
    make_reports(t, parent)
    for number, name in enumerate(names):
        folded = (parent / str(number) / 'out.folded').read_text(encoding='utf-8')
        rows = read_folded(folded)
        _, samples, _ = read_pprof((parent / str(number) / 'out.pb.gz').read_bytes())
        shapes[number] = ([(len(frames), frames[-1], value) for frames, value in rows],
                          [(len(lines), values, len(labels)) for lines, values, labels in samples])
        expect(not any(CONTROL.search(line[0] + line[1] + line[4])
                       for lines, _, _ in samples for line in lines), repr(name))
        if name != '_[k]':
            check_both(folded, (parent / str(number) / 'out.pb.gz').read_bytes())
        equal(shapes[number], shapes[0], repr(name))


@without_bpf
def test_go_tool(t):
    """`go tool pprof` opens it, and finds in it what is there."""
    if not shutil.which('go'):
        raise Skip('no go here')
    environ = {**os.environ, 'HOME': str(t.dir), 'GOTOOLCHAIN': 'local', 'PPROF_TMPDIR': str(t.dir)}

    def pprof(*options):
        result = subprocess.run(['go', 'tool', 'pprof', *options, GOLDEN / 'out.pb.gz'], text=True,
                                capture_output=True, check=False, env=environ)
        equal((result.returncode, result.stderr), (0, ''), options, result)
        return result.stdout

    text = pprof('-top')
    for words in ('File: bank', 'Type: cpu', 'Total samples = 2.90s', 'balance_of (inline)'):
        expect(words in text, words, text)
    text = pprof('-top', '-sample_index=wait')
    for words in ('Type: wait', 'Total samples = 7250ms', '__lll_lock_wait', '[no stack]', '[cut]'):
        expect(words in text, words, text)
    text = pprof('-top', '-sample_index=wait', '-tagfocus=cause=lock.mutex')
    expect('Total samples = 7250ms' in text and 'of 7250ms total' in text, text)
    expect('pthread_join' not in text and '__lll_lock_wait' in text, text)
    text = pprof('-traces', '-sample_index=waits')
    expect(re.search(r'cause: +lock\.mutex\n +thread: +teller\n +process: +bank\n +603 +__lll_lock_wait\n'
                     r' +deposit\n +worker\n +main\n', text), text)
    text = pprof('-top', '-sample_index=samples', '-lines')
    expect('balance_of /src/bank/account.h:7 (inline)' in text, text)


@without_bpf
def test_flame_graph(_):
    """A tool that draws them takes all lines."""
    tool = shutil.which('flamegraph.pl') or shutil.which('inferno-flamegraph')
    if not tool:
        raise Skip('neither flamegraph.pl nor inferno-flamegraph here')
    result = subprocess.run([tool, GOLDEN / 'out.folded'], text=True, capture_output=True, check=True)
    expect('gnored' not in result.stderr, result.stderr)
    expect('<svg' in result.stdout and 'deposit' in result.stdout, result.stdout[:200])


def test_of_a_recording(t):
    """All time of all threads is in both, as the JSON has it."""
    recording = str(t.dir / 'recording')
    outcome = t.spawn([t.concprof, 'record', '-o', recording, '--', 'sh', '-c',
                       'sleep 0.2 & i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; wait'])
    equal(outcome.code, 0, outcome)
    report = [t.concprof, 'report', recording]
    outcome = t.spawn([*report, '-q', '--json', str(t.json), '--format', 'pprof', '-o',
                       str(t.dir / 'profile')])
    equal((outcome.code, outcome.stdout, outcome.stderr), (0, '', ''), outcome)
    totals = outcome.report['totals']
    folded = t.spawn([*report, '--format', 'folded', '-o', '-'])
    equal((folded.code, folded.stderr), (0, ''), folded)
    check_both(folded.stdout, (t.dir / 'profile').read_bytes())
    by_cause = {}
    for frames, value in read_folded(folded.stdout):
        by_cause[frames[-1]] = by_cause.get(frames[-1], 0) + value
    lines = folded.stdout.count('\n')
    wanted = {'[running]': totals['states']['running_ns'],
              '[queued]': sum(totals['states'][f'{state}_ns'] for state in ('woken', 'preempted', 'yielded')),
              **{f'[{cause}]': row['ns'] for cause, row in totals['blocked'].items()}}
    for word, ns in wanted.items():
        expect(abs(by_cause.get(word, 0) - ns / 1000) <= lines, word, by_cause, ns)
    expect(abs(sum(by_cause.values()) - totals['lifetime_ns'] / 1000) <= 1, by_cause, totals)
