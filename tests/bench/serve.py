#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: serve.py redis|nginx|go FOLDER REQUESTS

A real server and its own load generator, both in what is measured; prints what a request took, and
the time within which 99 of 100 were answered. FOLDER is for the server's files.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

CLIENTS = 20
UNITS = {'us': 0.001, 'ms': 1, 's': 1000}


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for(port, server):
    """Until it accepts."""
    for _ in range(2000):
        with socket.socket() as probe:
            if not probe.connect_ex(('127.0.0.1', port)):
                return
        if server.poll() is not None:
            sys.exit(f'serve: the server has ended with {server.returncode}')
        time.sleep(0.005)
    sys.exit('serve: the server accepts nobody')


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout


def redis(folder, port):
    del folder
    return ['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '',
            '--loglevel', 'warning']


def redis_load(port, requests):
    """Requests a second, and milliseconds."""
    said = output('redis-benchmark', '-p', str(port), '-c', str(CLIENTS), '-n', str(requests), '-t',
                  'get', '--csv')
    row = [word.strip('"') for word in said.splitlines()[1].split(',')]
    return float(row[1]), float(row[6])


CONFIGURATION = '''
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
server {{ listen 127.0.0.1:{port}; root {folder}/pages; }} }}
'''


def nginx(folder, port):
    (folder / 'pages').mkdir(exist_ok=True)
    (folder / 'pages' / 'index.html').write_text('x' * 1000)
    (folder / 'configuration').write_text(CONFIGURATION.format(folder=folder, port=port))
    for path in (folder, folder / 'pages', folder / 'pages' / 'index.html'):
        path.chmod(0o755)  # its workers are nobody
    return ['nginx', '-c', str(folder / 'configuration')]


GO = '''
package main
import ("net/http"; "os")
func main() {
	page := make([]byte, 1000)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write(page) })
	http.ListenAndServe("127.0.0.1:" + os.Args[1], nil)
}
'''


def go(folder, port):
    program = folder / 'go-server'
    if not program.exists():
        (folder / 'server.go').write_text(GO)
        subprocess.run(['go', 'build', '-o', program, folder / 'server.go'], check=True,
                       env={**os.environ, 'GOCACHE': f'{folder}/cache', 'GO111MODULE': 'off'})
    return [str(program), str(port)]


def http_load(port, requests):
    """It goes by time: as long as so many requests take at 20,000 a second."""
    said = output('wrk', '-t1', f'-c{CLIENTS}', f'-d{max(requests // 20000, 1)}s', '--latency',
                  f'http://127.0.0.1:{port}/')
    rate = float(re.search(r'Requests/sec:\s+([0-9.]+)', said)[1])
    late, unit = re.search(r'99%\s+([0-9.]+)(us|ms|s)\b', said).groups()
    return rate, float(late) * UNITS[unit]


SERVERS = {'redis': (redis, redis_load), 'nginx': (nginx, http_load), 'go': (go, http_load)}


def main():
    server, load = SERVERS[sys.argv[1]]
    folder = pathlib.Path(sys.argv[2]) / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    argv = server(folder, port)
    if not shutil.which(argv[0]):
        sys.exit(f'serve: there is no {argv[0]}')
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=folder) as process:
        try:
            wait_for(port, process)
            rate, late = load(port, int(sys.argv[3]))
        finally:
            process.terminate()
    print(f'{1e6 / rate:.4f} us a request, 99 of 100 within {late:.4f} ms', file=sys.stderr)


if __name__ == '__main__':
    main()
