# SPDX-License-Identifier: BSD-2-Clause
"""A partner that is not of the workload: who waits for it waits for something outside."""
import json
import os
import subprocess

from harness import cases, equal, read_until


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
