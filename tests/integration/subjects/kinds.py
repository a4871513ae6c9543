# SPDX-License-Identifier: BSD-2-Clause
"""The kind of concurrency: the one that a program shows, and no other."""
import os
import shutil
import subprocess

from harness import PYTHON, Skip, cases, equal, expect


def modes(build):
    """As the workload lists them."""
    listed = subprocess.run([build / 'workloads' / 'kinds'], capture_output=True, text=True,
                            check=True).stdout
    return [(mode,) for mode in listed.split()]


def test_truth(t, mode):
    """The same jobs, done in all ways."""
    t.truth('kinds', mode)


test_truth.cases = modes


def named(t, *argv):
    """The report of a program that ends well."""
    outcome = t.run(*argv)
    equal(outcome.code, 0, outcome)
    return outcome.report


def row_of(report, kind):
    """The first row of this kind."""
    return next(row for row in report['concurrency'] if row['kind'] == kind)


GENERATORS = '''
import time
def generate():
    for number in range(30):
        time.sleep(0.001)
        yield number
list(zip(*(generate() for _ in range(4))))
'''

ASYNCIO = '''
import asyncio
async def work():
    for _ in range(30):
        await asyncio.sleep(0.004)
        sum(range(2000))
async def main():
    await asyncio.gather(*(work() for _ in range(10)))
asyncio.run(main())
'''

THREADS = '''
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    for _ in range(20):
        list(pool.map(time.sleep, [0.004] * 4))
'''

# Its workers never wait for work until there is none left.
FULL = '''
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    list(pool.map(time.sleep, [0.01] * 240))
'''

# From a file: what the workers are to do is found there by its name.
PROCESSES = '''
import time
from concurrent.futures import ProcessPoolExecutor
def work(number):
    end = time.monotonic() + 0.008
    while time.monotonic() < end:
        number += 1
    return number
if __name__ == '__main__':
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(work, range(60)))
'''


@cases(('generators', GENERATORS, ['single'], None),
       ('asyncio', ASYNCIO, ['event-loop', 'coroutines'], 'asyncio'),
       ('ThreadPoolExecutor', THREADS, ['pool'], None),
       ('ThreadPoolExecutor, full', FULL, ['pool'], None),
       ('ProcessPoolExecutor', PROCESSES, ['pool'], None))
def test_python(t, _, code, kinds, place):
    """What runs in one interpreter, in one thread or several, or in several processes."""
    script = t.dir / 'script.py'
    script.write_text(code, encoding='utf-8')
    report = named(t, PYTHON, '-I', '-S', script)
    equal(sorted(report['model']['concurrency']), sorted(kinds), report['concurrency'])
    if code is FULL:
        rules = {row['rule'] for row in report['findings']}
        expect(rules & {'pool.small', 'machine.busy'}, rules)
    if place:
        equal(row_of(report, 'coroutines')['place'], place, report['concurrency'])


def test_sizes(t):
    """A pool of threads is told with how many it has, and how many of them had work at once."""
    script = t.dir / 'script.py'
    script.write_text(THREADS, encoding='utf-8')
    report = named(t, PYTHON, '-I', '-S', script)
    row = row_of(report, 'pool')
    equal((row['of'], row['told_by'], row['members']), ('threads', 'lock', 4), row)
    expect(3 <= row['busy_at_once_at_most'] <= 4, row)
    expect(report['parallelism']['threads_at_once'] == 5, report['parallelism'])


GO = '''
package main

import (
	"sync"
	"time"
)

func main() {
	var done sync.WaitGroup
	work := make(chan int)
	for i := 0; i < 50; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			sum := 0
			for n := range work {
				for k := 0; k < 20000; k++ {
					sum += k * n
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	for i := 0; i < 4000; i++ {
		work <- i
	}
	close(work)
	done.Wait()
}
'''


@cases(('as_built',), ('stripped', '-ldflags=-s -w'))
def test_go(t, _, *options):
    """Goroutines on a few threads of the kernel, with symbols and without."""
    if not shutil.which('go'):
        raise Skip('go is not installed')
    source = t.dir / 'main.go'
    source.write_text(GO, encoding='utf-8')
    subprocess.run(['go', 'build', *options, '-o', t.dir / 'main', source], check=True,
                   capture_output=True,
                   env={**os.environ, 'GO111MODULE': 'off',
                        'GOCACHE': str(t.build / 'tests' / 'go-cache')})
    report = named(t, t.dir / 'main')
    equal(report['model']['concurrency'], ['mn-threads'], report['concurrency'])
    row = row_of(report, 'mn-threads')
    expect(row['members'] >= 3 and 'Go' in row['place'], row)


SERIAL = '''
import os, time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
burn(0.25)
children = []
for _ in range(2):
    pid = os.fork()
    if not pid:
        burn(0.25)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
'''


def test_amdahl(t):
    """A third of the work is serial, if two CPUs were free; else nothing is said of it."""
    report = named(t, *t.python(SERIAL))
    parallelism = report['parallelism']
    if 'amdahl' not in parallelism:
        raise Skip('others had the CPUs')
    share = parallelism['serial_share']
    expect(0.25 < share < 0.7, parallelism)
    for row in parallelism['amdahl']:
        allowed = 1 / (share + (1 - share) / row['cpus'])
        expect(abs(row['speedup_at_most'] - allowed) < 0.01, (row, share))


def test_text(t):
    """What a person reads."""
    outcome = t.run(t.workload('kinds'), 'pool_large', options=())
    text = ' '.join(outcome.stderr.split())
    for words in ('pool of threads: 16 threads', 'until there is work', 'threads existed at once',
                  '16 workers, at most'):
        expect(words in text, (words, text))
