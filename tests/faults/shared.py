# SPDX-License-Identifier: BSD-2-Clause
"""What the driver shares with the shim in concprof: see struct shared in shim.c."""
import ctypes
import mmap
import struct

DEPTH, PLACES, OBJECTS = 4, 16384, 2048
HEAD = struct.Struct('<IiQQQQIIII')
OBJECT = struct.Struct('<II')
PLACE = struct.Struct(f'<QQ{DEPTH}QII')
AT_PLACES = HEAD.size + OBJECTS * OBJECT.size
SIZE = AT_PLACES + PLACES * PLACE.size
COUNT, FAIL, FAIL_ON, INTERRUPT, STOP = range(5)  # modes


class Place:
    """Where concprof calls a function from: its key, and how often it did."""

    def __init__(self, row, names):
        self.key, self.count, *self.at = row[:2 + DEPTH]
        self.function, self.detail = names[row[-2]], row[-1]


def function_names(shim):
    """As the shim numbers them."""
    library = ctypes.CDLL(str(shim))
    names, n = [], 0
    while True:
        name = (ctypes.c_char_p * (n + 1)).in_dll(library, 'faults_names')[n]
        if not name:
            return names
        names.append(name.decode())
        n += 1


class Shared:
    """The memory, in a file of its own."""

    def __init__(self, path, names):
        self.path, self.names = path, names
        with open(path, 'w+b') as file:
            file.truncate(SIZE)
            self.bytes = mmap.mmap(file.fileno(), SIZE)
        path.chmod(0o666)

    def set(self, mode, error=0, key=0, turn=0, stop_at=0):
        """What the next run is to do; all counts begin at 0."""
        self.bytes[:] = bytes(SIZE)
        HEAD.pack_into(self.bytes, 0, mode, error, key, turn, 0, stop_at, 0, 0, 0, 0)

    def _head(self, index):
        return HEAD.unpack_from(self.bytes)[index]

    def calls(self):
        """Of the main process, but for those that allocate."""
        return self._head(4)

    def stopped(self):
        """Whether the call has come at which it is to be killed."""
        return bool(self._head(6))

    def failed(self):
        """How many calls have failed."""
        return self._head(7)

    def full(self):
        """Whether there were more places than there is room."""
        return bool(self._head(9))

    def objects(self):
        """(command of bpf(2) that made it, id) of each."""
        n = min(self._head(8), OBJECTS)
        return [OBJECT.unpack_from(self.bytes, HEAD.size + i * OBJECT.size) for i in range(n)]

    def places(self):
        """Each place by its key."""
        rows = (PLACE.unpack_from(self.bytes, AT_PLACES + i * PLACE.size) for i in range(PLACES))
        return {row[0]: Place(row, self.names) for row in rows if row[0]}
