# SPDX-License-Identifier: BSD-2-Clause
"""A file system of a few files that answers everybody but concprof (fuse(4), linux/fuse.h)."""
import contextlib
import ctypes
import errno
import os
import select
import stat
import struct
import threading

from harness import Skip

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE = 1, 2, 3, 14, 15, 18
FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 25, 26, 27, 29, 36, 42
UNANSWERED = (FORGET, BATCH_FORGET, INTERRUPT)
ROOT = 1  # number of the folder; the files have those behind it
MNT_DETACH = 2


def comm_of(pid):
    """The name of who asks; '' if it has ended."""
    try:
        with open(f'/proc/{pid}/comm', encoding='utf-8', errors='replace') as file:
            return file.read().strip()
    except OSError:
        return ''


class DeadFor:
    """Serves files to all but those whose name begins so: these wait until close()."""

    def __init__(self, folder, files, name='concprof'):
        self.folder, self.name = str(folder), name
        self.names, self.contents = list(files), list(files.values())
        self.was_asked = threading.Event()  # by one of them
        self.libc = ctypes.CDLL(None, use_errno=True)
        try:
            self.fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise Skip(f'/dev/fuse: {error.strerror}') from error
        options = f'fd={self.fd},rootmode=40755,user_id=0,group_id=0,allow_other'
        if self.libc.mount(b'concprof-test', self.folder.encode(), b'fuse', 0, options.encode()):
            os.close(self.fd)
            raise Skip(f'no FUSE here: {os.strerror(ctypes.get_errno())}')
        self.stop = os.pipe()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """All that wait get an error: the device is closed."""
        os.close(self.stop[1])
        self.thread.join()
        os.close(self.stop[0])
        os.close(self.fd)
        self.libc.umount2(self.folder.encode(), MNT_DETACH)

    def serve(self):
        """Until close()."""
        while True:
            if self.stop[0] in select.select([self.fd, self.stop[0]], [], [])[0]:
                return
            request = os.read(self.fd, 1 << 18)
            opcode, unique, node = struct.unpack_from('<4xIQQ', request)
            pid, = struct.unpack_from('<I', request, 32)
            if opcode in UNANSWERED:
                continue
            if opcode != INIT and comm_of(pid).startswith(self.name):
                self.was_asked.set()
                continue
            error, answer = self.answer(opcode, node, request[40:])
            with contextlib.suppress(OSError):  # who asked may have gone
                os.write(self.fd, struct.pack('<IiQ', 16 + len(answer), -error, unique) + answer)

    def attributes(self, node):
        """struct fuse_attr."""
        mode, size = stat.S_IFDIR | 0o755, 0
        if node != ROOT:
            mode, size = stat.S_IFREG | 0o755, len(self.contents[node - ROOT - 1])
        return struct.pack('<6Q10I', node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0,
                           mode, 1, 0, 0, 0, 4096, 0)

    def answer(self, opcode, node, body):
        """errno and what stands behind the header."""
        if opcode == INIT:
            major, _, readahead = struct.unpack_from('<III', body)
            return 0, struct.pack('<IIIIHHIIHHI28x', major, 31, readahead, 0, 16, 12, 1 << 16, 1,
                                  0, 0, 0)
        if opcode == LOOKUP:
            name = body.split(b'\0')[0].decode()
            if name not in self.names:
                return errno.ENOENT, b''
            found = ROOT + 1 + self.names.index(name)
            # nothing of it is kept: each look asks again
            return 0, struct.pack('<QQQQII', found, 0, 0, 0, 0, 0) + self.attributes(found)
        if opcode == GETATTR:
            return 0, struct.pack('<QII', 0, 0, 0) + self.attributes(node)
        if opcode in (OPEN, OPENDIR):
            return 0, struct.pack('<QII', 0, 0, 0)
        if opcode == READ:
            offset, size = struct.unpack_from('<8xQI', body)
            return 0, self.contents[node - ROOT - 1][offset:offset + size]
        return (0, b'') if opcode in (RELEASE, RELEASEDIR, FLUSH) else (errno.ENOSYS, b'')
