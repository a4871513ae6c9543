# SPDX-License-Identifier: BSD-2-Clause
"""--debuginfod: names that are not on this machine, from a server that has them."""
import contextlib
import ctypes
import http.server
import os
import shutil
import subprocess
import threading

from harness import Skip, equal, expect

SERVER = 'http://127.0.0.1:{}'


def library():
    """Skips where the library is missing that asks."""
    try:
        ctypes.CDLL('libdebuginfod.so.1')
    except OSError as error:
        raise Skip('libdebuginfod is not installed') from error


class Server(http.server.BaseHTTPRequestHandler):
    """Has the debug information of one build-id."""

    def do_GET(self):  # pylint: disable=invalid-name
        """As debuginfod(8) has it."""
        self.server.asked.append(self.path)
        found = self.server.files.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header('Content-Length', str(len(found or b'')))
        self.end_headers()
        self.wfile.write(found or b'')

    def log_message(self, *_):
        """Nothing."""


@contextlib.contextmanager
def serving(files):
    """A server of these files, by path."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
    server.files, server.asked = files, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stripped(t):
    """A bundled program without names; its build-id, and what has them."""
    for tool in ('objcopy', 'readelf'):
        if not shutil.which(tool):
            raise Skip(f'{tool} is not installed')
    program, debug = t.dir / 'stripped', t.dir / 'its.debug'
    shutil.copy(t.workload('sleeper'), program)
    equal(t.spawn(['objcopy', '--only-keep-debug', program, debug]).code, 0, 'objcopy')
    equal(t.spawn(['objcopy', '--strip-all', program]).code, 0, 'objcopy')
    notes = t.spawn(['readelf', '-n', program]).stdout
    ids = [line.split()[-1] for line in notes.splitlines() if 'Build ID' in line]
    if not ids:
        raise Skip('the compiler gives no build-id')
    return str(program), ids[0], debug.read_bytes()


def environment(t, urls):
    """With a cache of its own."""
    cache = t.dir / 'cache'
    cache.mkdir(exist_ok=True)
    cache.chmod(0o777)
    return {**os.environ, 'DEBUGINFOD_URLS': urls, 'DEBUGINFOD_CACHE_PATH': str(cache)}


def own_functions(report):
    """Functions of the program that wait, with their lines."""
    return {frame for row in report['wait_sites'] for frame in row['stack'] if 'sleeper.c:' in frame}


def test_names(t):
    """What the machine lacks is asked for, and only if that is wanted."""
    library()
    program, build_id, debug = stripped(t)
    with serving({f'/buildid/{build_id}/debuginfo': debug}) as server:
        env = environment(t, SERVER.format(server.server_port))
        report = t.run(program, env=env).report
        equal((server.asked, own_functions(report)), ([], set()), 'without the option')
        report = t.run(program, options=('-q', '--debuginfod'), env=env).report
        expect(f'/buildid/{build_id}/debuginfo' in server.asked, server.asked)
    expect(own_functions(report), report['wait_sites'])


def test_server_has_nothing(t):
    """Names that nobody has are missing, and nothing else."""
    library()
    program, _, _ = stripped(t)
    with serving({}) as server:
        env = environment(t, SERVER.format(server.server_port))
        outcome = t.run(program, options=('-q', '--debuginfod'), env=env)
        expect(server.asked, 'it was not asked')
    equal(outcome.code, 0, outcome)
    equal(own_functions(outcome.report), set())


def test_no_server(t):
    """Nothing runs if there is nobody to ask."""
    for env in ({}, {'DEBUGINFOD_URLS': ''}):
        env = {**{name: value for name, value in os.environ.items()
                  if name != 'DEBUGINFOD_URLS'}, **env}
        outcome = t.run('sh', '-c', 'echo it ran', options=('-q', '--debuginfod'), env=env,
                        stdin=subprocess.DEVNULL)
        equal((outcome.code, outcome.stdout, outcome.report), (125, '', None), outcome)
        equal(outcome.stderr.count('\n'), 1, outcome)
        expect('DEBUGINFOD_URLS' in outcome.stderr, outcome)
