# SPDX-License-Identifier: BSD-2-Clause
"""A partner that is not of the workload: who waits for it waits for something outside."""
import json
import os
import subprocess

from harness import cases, equal, expect, read_until


def environment(truth='/dev/null'):
    """Of a workload that is to write its truth there."""
    return {**os.environ, 'CONCPROF_TRUTH': str(truth)}


def port_of(server):
    """The port that `tcp serve` prints when it listens."""
    return int(read_until(server.stdout.fileno(), 'open').split()[1])


def meets(t, truth, outcome):
    """The workload under concprof ended well, and its report is what its truth expects."""
    equal(outcome.code, 0, outcome)
    t.meets(json.loads(truth.read_text(encoding='utf-8')), outcome.report)


def test_client(t):
    """A client of a server outside that sleeps waits for input: it asked for no sleep itself."""
    truth = t.dir / 'truth.json'
    server = t.start([t.workload('tcp'), 'serve', 'sleep'], stdout=subprocess.PIPE,
                     env=environment())
    outcome = t.run(t.workload('tcp'), 'ask', port_of(server), env=environment(truth))
    equal(server.wait(60), 0, 'the server')
    meets(t, truth, outcome)


@cases(('computes',), ('sleeps', 'sleep'))
def test_server(t, _, *how):
    """A server whose client asks now and then is idle, whatever an answer costs it."""
    truth = t.dir / 'truth.json'
    server = t.begin(t.workload('tcp'), 'serve', *how, env=environment(truth))
    client = t.start([t.workload('tcp'), 'ask', str(port_of(server)), '20'], env=environment())
    outcome = t.finish(server)
    equal(client.wait(60), 0, 'the client')
    meets(t, truth, outcome)


# A server that takes its time; says where it listens, and serves until it is killed.
SLOW = '''
import socket, sys, time
family, where = getattr(socket, sys.argv[1]), sys.argv[2]
listener = socket.socket(family)
listener.bind(where if sys.argv[1] == "AF_UNIX" else (where, 0))
listener.listen()
name = listener.getsockname()
print(name if sys.argv[1] == "AF_UNIX" else name[1], flush=True)
while True:
    client, _ = listener.accept()
    while client.recv(1):
        time.sleep(0.01)
        client.send(b"x")
'''
# Asks it 40 times, waiting for each answer in a call of its own, by poll or by epoll.
ASK = '''
import select, socket, sys
family, where, port, how = sys.argv[1:]
peer = socket.socket(getattr(socket, family))
peer.connect(where if family == "AF_UNIX" else (where, int(port)))
if how != "recv":
    waiter = getattr(select, how)()
    waiter.register(peer, select.POLLIN)
for _ in range(40):
    peer.send(b"x")
    if how != "recv": waiter.poll(10 if how == "epoll" else 10000)
    peer.recv(1)
'''


def slow_server(t, family, where):
    """A slow server outside; the process, and where it listens."""
    server = t.start(t.python(SLOW, family, where), stdout=subprocess.PIPE)
    return server, read_until(server.stdout.fileno(), '\n').strip()


def only_peer(report):
    """The one that was waited for, as often as it was asked, and for all that was waited."""
    equal(len(report['peers']), 1, 'peers')
    peer, = report['peers']
    # On a unix socket a reader is also woken when what it wrote was read, and waits again.
    expect(40 <= peer['waits'] <= (80 if peer['target'] == 'a local socket' else 40), peer)
    waited = report['totals']['waited_for']['io_peer_ns']
    expect(waited - waited / 1000 <= peer['wait_ns'] <= waited, 'waited for it', peer['wait_ns'],
           'and for peers', waited)
    return peer


@cases(('recv', 'AF_INET', '127.0.0.1', '127.0.0.1'), ('poll', 'AF_INET', '127.0.0.1', '127.0.0.1'),
       ('epoll', 'AF_INET', '127.0.0.1', '127.0.0.1'), ('recv', 'AF_INET6', '::1', '::1'),
       ('recv', 'AF_INET6', '::', '::ffff:127.0.0.1'))
def test_named(t, how, family, at, by):
    """A server on this machine is named with its process, whatever address it is called by."""
    server, port = slow_server(t, family, at)
    report = t.run(*t.python(ASK, family, by, port, how)).report
    peer = only_peer(report)
    shown = '127.0.0.1' if '127' in by else f'[{by}]'
    equal(peer['target'], f'{shown}:{port}', 'target')
    equal((peer['local'], peer['measured'], peer['pid']), (True, False, server.pid), peer)
    equal(report['verdict']['class'], 'io-bound', 'class')


def test_named_unix(t):
    """So is one that listens on a unix socket."""
    where = t.dir / 'socket'
    server, _ = slow_server(t, 'AF_UNIX', where)
    peer = only_peer(t.run(*t.python(ASK, 'AF_UNIX', where, 0, 'recv')).report)
    equal((peer['local'], peer['measured'], peer['pid']), (True, False, server.pid), peer)


def test_named_inside(t):
    """A server that the workload itself started is part of what is measured."""
    where = t.dir / 'socket'
    both = (f'import os, sys, time\nserver, client = {SLOW!r}, {ASK!r}\nwhere = sys.argv[1]\n'
            'if not os.fork():\n null = os.open("/dev/null", os.O_RDWR)\n'
            ' os.dup2(null, 1)\n os.dup2(null, 2)\n'
            ' sys.argv[1:] = ["AF_UNIX", where]\n exec(server)\n'
            'while not os.path.exists(where): time.sleep(0.001)\ntime.sleep(0.01)\n'
            'sys.argv[1:] = ["AF_UNIX", where, "0", "recv"]\nexec(client)')
    outcome = t.run(*t.python(both, where))
    for survivor in outcome.report['lifecycle']['survivors']:
        t.kill_later(survivor['pid'])
    peer = only_peer(outcome.report)
    equal((peer['local'], peer['measured']), (True, True), peer)


def test_named_nowhere(t):
    """Nobody is named who has gone, and nobody is invented."""
    server, port = slow_server(t, 'AF_INET', '127.0.0.1')
    code = ASK + f'\nimport os\nos.kill({server.pid}, 9)\nos.pidfd_open({server.pid})'
    code += '\nimport time\ntime.sleep(0.2)'
    peer = only_peer(t.run(*t.python(code, 'AF_INET', '127.0.0.1', port, 'recv'),
                           options=('-q', '--as-root')).report)
    equal((peer['local'], peer['pid'], peer['comm']), (True, None, None), peer)
