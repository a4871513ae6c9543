#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a kernel has all that the probes read of its structures.

usage: fields.py BTF OBJECT...

Prints what the objects' programs relocate (CO-RE) and the kernel's BTF (of /sys/kernel/btf/vmlinux) has
not, a name a line, but for what MAY_LACK has; status 1 if there is any."""
import struct
import sys

# What programs ask for before they read it: its name or the beginning of it, what there must be in its
# place, if anything, and why.
MAY_LACK = (
    ('backing_file', None, 'since 6.7'),
    ('file.f_count', 'file.f_ref', 'until 6.12'),
    ('file.f_ref', 'file.f_count', 'since 6.13'),
    ('file_lock___old', 'file_lock_core', 'until 6.8'),
    ('file_lock_core', 'file_lock___old', 'since 6.9'),
    ('file_lock.c', 'file_lock___old', 'since 6.9'),
    ('hrtimer.state', 'hrtimer___bool', 'until 7.1'),
    ('hrtimer___bool', 'hrtimer.state', 'since 7.2'),
    ('io_kiocb___6_12.task', 'io_kiocb.tctx', 'until 6.12'),
    ('io_kiocb.tctx', 'io_kiocb___6_12.task', 'since 6.13'),
    ('io_ring_ctx.work_llist', None, 'not in 7.3: work of a ring that is put off is not seen there'),
    ('task_struct.in_lru_fault', None, 'CONFIG_LRU_GEN'),
    ('task_struct.in_user_fault', None, 'CONFIG_MEMCG_V1'),
    ('task_struct.throttled', None, 'since 6.18'),
)

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT = range(1, 12)
FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(12, 20)
# What follows a type: so many bytes, and so many for each of its parts.
TAILS = {INT: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8),
         FUNC_PROTO: (0, 8), VAR: (4, 0), DATASEC: (0, 12), DECL_TAG: (4, 0), ENUM64: (0, 12)}
TRANSPARENT = (TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG)
OF_FIELDS, OF_TYPES, OF_VALUES = range(0, 6), (8, 9, 12), (10, 11)  # kinds of relocations


class Btf:
    """types[id] is (kind, name, other, parts): the type that it is of, and the (name, type or value)
    of each of its members or values."""

    def __init__(self, data):
        _, _, _, header, at, size, names, _ = struct.unpack_from('<HBBIIIII', data)
        self.names = data[header + names:]
        self.types = [(0, 'void', 0, ())]
        at, end = header + at, header + at + size
        while at < end:
            name, info, other = struct.unpack_from('<III', data, at)
            kind, n = info >> 24 & 31, info & 0xffff
            fixed, each = TAILS.get(kind, (0, 0))
            at += 12
            if kind == ARRAY:
                other = struct.unpack_from('<I', data, at)[0]
            parts = [struct.unpack_from('<Ii', data, at + i * each) for i in range(n if each else 0)] \
                if kind in (STRUCT, UNION, ENUM, ENUM64) else ()
            self.types.append((kind, self.text(name), other,
                               [(self.text(part), value) for part, value in parts]))
            at += fixed + n * each

    def text(self, offset):
        """A name."""
        return self.names[offset:self.names.index(b'\0', offset)].decode()

    def plain(self, number):
        """A type without its const and its other names."""
        while self.types[number][0] in TRANSPARENT:
            number = self.types[number][2]
        return number

    def by_name(self):
        """The numbers of all types that have a name."""
        found = {}
        for number, (_, name, _, _) in enumerate(self.types):
            found.setdefault(name, []).append(number)
        return found

    def has_member(self, number, name):
        """The type of a member, also of one of a nameless structure inside; None: there is none."""
        for own, kind in self.types[self.plain(number)][3]:
            if own == name:
                return kind
            if not own and self.types[self.plain(kind)][0] in (STRUCT, UNION):
                found = self.has_member(kind, name)
                if found is not None:
                    return found
        return None


def section(data, name):
    """Of an ELF file of 64 bits."""
    at, = struct.unpack_from('<Q', data, 40)
    size, n, names = struct.unpack_from('<HHH', data, 58)
    headers = [struct.unpack_from('<IIQQQQ', data, at + i * size) for i in range(n)]
    base = headers[names][4]
    for header in headers:
        start = base + header[0]
        if data[start:data.index(b'\0', start)] == name:
            return data[header[4]:header[4] + header[5]]
    raise SystemExit(f'fields: no section {name.decode()}')


def relocations(ext):
    """(type, string's offset, kind) of each, from .BTF.ext."""
    header, = struct.unpack_from('<I', ext, 4)
    at, size = struct.unpack_from('<II', ext, 24)
    at += header
    end, each = at + size, struct.unpack_from('<I', ext, at)[0]
    at += 4
    while at < end:
        n, = struct.unpack_from('<I', ext, at + 4)
        at += 8
        for _ in range(n):
            yield struct.unpack_from('<III', ext, at)[1:] + struct.unpack_from('<I', ext, at + 12)
            at += each


def path_of(btf, number, access):
    """A relocation as names: (structure's name, member's names from the outermost on)."""
    number = btf.plain(number)
    first, path = btf.types[number][1], []
    for index in map(int, access.split(':')[1:]):
        kind, _, other, parts = btf.types[number]
        if kind == ARRAY:
            number = btf.plain(other)
            continue
        if parts[index][0]:
            path.append(parts[index][0])
        number = btf.plain(parts[index][1])
    return first, path


def lacks(kernel, names, structure, path):
    """The name of what a kernel has not of such a path; None: it has all."""
    known = [number for number in names.get(structure.split('___')[0], ())
             if kernel.types[number][0] in (STRUCT, UNION, TYPEDEF)]
    if not known:
        return structure
    for root in known:  # of several the one that fits
        number, reached = root, []
        for name in path:
            while kernel.types[kernel.plain(number)][0] == ARRAY:
                number = kernel.types[kernel.plain(number)][2]
            number = kernel.has_member(number, name)
            reached.append(name)
            if number is None:
                break
        else:
            return None
    return '.'.join([structure, *reached])


def wanted(path):
    """The (structure, members) that an object's programs relocate."""
    with open(path, 'rb') as file:
        data = file.read()
    btf = Btf(section(data, b'.BTF'))
    for number, text, kind in relocations(section(data, b'.BTF.ext')):
        if kind in OF_FIELDS:
            yield path_of(btf, number, btf.text(text))
        elif kind in OF_TYPES:
            yield btf.types[btf.plain(number)][1], []
        elif kind in OF_VALUES:
            name, parts = btf.types[btf.plain(number)][1], btf.types[btf.plain(number)][3]
            yield f'{name}.{parts[int(btf.text(text))][0]}', None


def begins(name, with_what):
    """Whether it is that, or a member of it."""
    return name == with_what or name.startswith(f'{with_what}.')


def may_lack(name, all_missing):
    """Whether programs do without it: what stands in its place is there."""
    return any(begins(name, own) and not (other and any(begins(one, other) for one in all_missing))
               for own, other, _ in MAY_LACK)


def missing(kernel, objects):
    """(names that are missing, others that may be, how many are looked for)."""
    names = kernel.by_name()
    values = {f'{name}.{value}' for kind, name, _, parts in kernel.types
              if kind in (ENUM, ENUM64) for value, _ in parts}
    paths = {(structure, tuple(path) if path is not None else None)
             for one in objects for structure, path in wanted(one)}
    found = set()
    for structure, path in paths:
        if path is None:
            found |= {structure} - values
        else:
            found |= {lacks(kernel, names, structure, path)} - {None}
    allowed = {name for name in found if may_lack(name, found)}
    return found - allowed, allowed, len(paths)


def main(args):
    """The exit status."""
    if len(args) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(args[0], 'rb') as file:
        kernel = Btf(file.read())
    found, allowed, n = missing(kernel, args[1:])
    for name in sorted(found):
        print(name)
    print(f'{n} fields: {len(found)} missing, {len(allowed)} that may be '
          f'({", ".join(sorted(allowed)) or "none"})', file=sys.stderr)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
