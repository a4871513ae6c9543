# SPDX-License-Identifier: BSD-2-Clause
"""Recordings that are kept (tests/recordings): each format that there ever was; and what is made
of them to do harm."""
import json
import pathlib
import struct
import zlib

from harness import cases, equal, expect, without_bpf
from subjects.recording import MAGIC, report, report_refuses
from subjects.room import limit_memory
from subjects.status import complains

CALM = True  # see run.py

KEPT = pathlib.Path(__file__).parents[2] / 'recordings'


@without_bpf
@cases(*((path.stem, path) for path in sorted(KEPT.glob('*.rec'))))
def test_kept(t, _, path):
    """A recording of each format that there ever was says what it said then."""
    outcome = report(t, path, '--json', '-')
    equal((outcome.code, outcome.stderr), (0, ''), outcome)
    document = t.check(outcome.stdout.encode())
    for where, wanted, got in differences(json.loads(path.with_suffix('.json').read_text()),
                                          document, ''):
        expect(False, f'{where} is {got!r}, and was {wanted!r}')


def same_row(wanted, rows):
    """What is about the same thing, wherever it stands now."""
    keys = [key for key in ('tid', 'pid', 'what') if key in wanted][:1]
    return next((row for row in rows if keys and row.get(keys[0]) == wanted[keys[0]]), None)


def differences(wanted, got, where):
    """(path, value then, value now); there may be more now than there was then."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key, value in wanted.items():
            yield from differences(value, got.get(key), f'{where}.{key}')
    elif isinstance(wanted, list) and isinstance(got, list):
        for i, value in enumerate(wanted):
            row = same_row(value, got) if isinstance(value, dict) else (got + [None] * (i + 1))[i]
            yield from differences(value, row, f'{where}[{i}]')
    elif wanted != got:
        yield where, wanted, got


@without_bpf
def test_formats_are_kept(_):
    """The format that is written now has its recording, too."""
    source = KEPT.parents[1] / 'user' / 'event' / 'recording.h'
    number = source.read_text(encoding='utf-8').split('#define RECORDING_VERSION')[1].split()[0]
    data = (KEPT / f'version-{number}.rec').read_bytes()
    equal(struct.unpack('<8sI', data[:12]), (MAGIC, int(number)), 'magic and version')


@without_bpf
def test_more_behind_it(t):
    """Two in one file, as by cat: that is no recording, and not half of it is one."""
    one = (KEPT / 'version-2.rec').read_bytes()
    path = t.dir / 'two'
    for data in (one + b'x', one + one):
        path.write_bytes(data)
        report_refuses(t, path, words=(str(path), 'more follows its end'))


@without_bpf
def test_cut_everywhere(t):
    """At every byte: refused in one line, or read up to there."""
    one = (KEPT / 'version-2.rec').read_bytes()
    path = t.dir / 'cut'
    for size in range(0, len(one), 1 + len(one) // 200):
        path.write_bytes(one[:size])
        outcome = report(t, path, '--json', '-')
        if outcome.code:
            complains(outcome, 125, str(path))
        else:
            expect(not t.check(outcome.stdout.encode())['measurement']['complete'], size)


@without_bpf
def test_bomb(t):
    """4 MiB that would unpack to 4 GiB are refused in 256 MiB of memory, and soon."""
    text = struct.pack('<IIII', 2, 1 << 20, 6, 0) + bytes((1 << 20) - 16)
    packed = zlib.compress(text, 9)
    block = struct.pack('<III', len(packed), len(text), zlib.crc32(packed)) + packed
    one = (KEPT / 'version-2.rec').read_bytes()
    header = 16
    for _ in range(struct.unpack('<I', one[12:16])[0]):
        header += 4 + 4 * struct.unpack('<I', one[header:header + 4])[0]
    path = t.dir / 'bomb'
    path.write_bytes(one[:header + 4] + 4096 * block)
    expect(path.stat().st_size < 5 << 20, path.stat())
    report_refuses(t, path, '--json', t.dir / 'out', words=(str(path), 'fill the memory'),
                   preexec_fn=limit_memory)
