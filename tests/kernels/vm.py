# SPDX-License-Identifier: BSD-2-Clause
"""One command in a virtual machine that has another kernel, and this machine's files.

Those are shared read-only, at the same paths; what is written to /tmp, /run and /var/tmp is gone with
the machine, what is written to `out` stays. The processor is emulated (some 15 times slower) unless
this machine's can run virtual machines: right and wrong can be tested there, speed cannot."""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time

from packages import Failed

HERE = pathlib.Path(__file__).parent
SERVERS = ('/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd')
MEMORY = '2048M'
SLOWER = 15  # times, if emulated
SERVER_SECONDS = 10
COMPLAINT = re.compile(r'WARNING:|BUG:|Oops|Kernel panic|rcu.*stall|soft lockup|'
                       r'general protection|verifier bug')

# Read-only but for `out`; each file system on the way to a folder is a mount of its own.
SHARE = '''
set -e
root=$1 out=$2 server=$3 socket=$4; shift 4
for folder in / "$@"; do
	mount --bind "$folder" "$root$folder"
	mount -o remount,bind,ro "$root$folder"
done
mount --bind "$out" "$root$out"
exec "$server" --socket-path="$socket" -o source="$root" -o cache=auto --thread-pool-size=1 -f
'''


class Result:
    """status: of the command, or None if it came to no end; why: what went wrong with the machine;
    complaints: of the kernel; seconds: until the machine was off."""

    def __init__(self, status, why, complaints, seconds):
        self.status, self.why, self.complaints, self.seconds = status, why, complaints, seconds


def can_accelerate():
    """There may be a /dev/kvm all the same, which runs no such kernel."""
    flags = set(pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8').split())
    return os.access('/dev/kvm', os.W_OK) and bool({'vmx', 'svm'} & flags)


def mount_points(paths):
    """On the way to them, outermost first."""
    ways = {str(folder) for path in paths for folder in (path, *path.parents)}
    return sorted(folder for folder in ways if folder != '/' and os.path.ismount(folder))


def pack_initramfs(kernel, settings, command, folder):
    """The archive that the kernel starts from."""
    tree = folder / 'tree'
    for name in ('bin', 'dev', 'machine', 'kept'):
        (tree / name).mkdir(parents=True)
    busybox = shutil.which('busybox')
    if not busybox:
        raise Failed('there is no busybox (package busybox-static)')
    shutil.copy(busybox, tree / 'bin/busybox')
    shutil.copy(HERE / 'init', tree / 'init')
    (tree / 'init').chmod(0o755)
    shutil.copytree(kernel / 'modules', tree / 'modules')
    (tree / 'settings').write_text(''.join(f'{key}={shlex.quote(str(value))}\n'
                                           for key, value in settings.items()), encoding='utf-8')
    (tree / 'command').write_text(f'exec {shlex.join(map(str, command))}\n', encoding='utf-8')
    names = '\n'.join(str(path.relative_to(tree)) for path in tree.rglob('*'))
    with open(folder / 'initramfs', 'wb') as archive:
        subprocess.run([busybox, 'cpio', '-o', '-H', 'newc'], input=names.encode(), stdout=archive,
                       stderr=subprocess.DEVNULL, cwd=tree, check=True)
    return folder / 'initramfs'


def end(process):
    """Of one that we started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def shared(folder, paths, out):
    """The socket at which this machine's files are to be had."""
    server = next((path for path in SERVERS if os.access(path, os.X_OK)), None)
    if not server:
        raise Failed(f'there is no virtiofsd: {" or ".join(SERVERS)}')
    socket, root = folder / 'files', folder / 'root'
    root.mkdir()
    with open(folder / 'server.log', 'wb') as log:
        process = subprocess.Popen(
            ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', SHARE, 'sh', root, out,
             server, socket, *mount_points(paths)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        late = time.monotonic() + SERVER_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > late:
                raise Failed('virtiofsd: ' + (folder / 'server.log').read_text(errors='replace'))
            time.sleep(0.05)
        yield socket
    finally:
        end(process)


def arguments(kernel, initramfs, socket, console, cpus):
    """Of QEMU."""
    processor = ['-accel', 'kvm', '-cpu', 'host'] if can_accelerate() else \
        ['-accel', 'tcg,thread=multi', '-cpu', 'max']
    return ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
            '-monitor', 'none', '-machine', 'pc,memory-backend=mem', *processor,
            '-smp', str(cpus), '-m', MEMORY,
            '-object', f'memory-backend-memfd,id=mem,size={MEMORY},share=on',
            '-chardev', f'socket,id=files,path={socket}',
            '-device', 'vhost-user-fs-pci,chardev=files,tag=machine',
            '-kernel', kernel / 'vmlinuz', '-initrd', initramfs,
            '-append', 'console=ttyS0 loglevel=5 oops=panic panic=-1 mitigations=off '
                       'random.trust_cpu=on',
            '-serial', f'file:{console}']


def run(kernel, command, *, source, build, out, cpus, limit):
    """Boots a kernel's folder and runs a command in `source`, for so many seconds at most; its output
    is in `out`, and what the kernel said in `out`/console."""
    for name in ('output', 'status', 'console'):
        (out / name).unlink(missing_ok=True)
    began, why = time.monotonic(), None
    settings = {'source': source, 'build': build, 'out': out, 'path': os.environ['PATH'],
                'slower': 1 if can_accelerate() else SLOWER}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        initramfs = pack_initramfs(kernel, settings, command, scratch)
        with shared(scratch, (source, build, out), out) as socket:
            argv = arguments(kernel, initramfs, socket, out / 'console', cpus)
            try:
                result = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                        text=True, check=False, timeout=limit)
                why = result.stderr.strip()
            except subprocess.TimeoutExpired:
                why = f'not at its end after {limit} s'
    seconds = time.monotonic() - began
    console = (out / 'console').read_text(errors='replace') if (out / 'console').exists() else ''
    status = (out / 'status').read_text() if (out / 'status').exists() else ''
    return Result(int(status) if status.strip() else None, why,
                  [line.strip() for line in console.splitlines() if COMPLAINT.search(line)], seconds)
