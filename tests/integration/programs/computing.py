# SPDX-License-Identifier: BSD-2-Clause
"""Programs whose time goes to computing, or that would compute if they were let."""
from harness import PYTHON
from programs import Program, python, shell
from programs import stage

# For about so long, on any machine.
FOR = 'import time\nend = time.monotonic() + %s\nwhile time.monotonic() < end: sum(range(1000))\n'
POOL = '''
import multiprocessing, sys
def work(_): return sum(range(600000))
with multiprocessing.get_context("fork").Pool(int(sys.argv[1])) as pool:
    pool.map(work, range(int(sys.argv[2])), 1)
'''
THREADS = '''
import threading
def work(): sum(i * i for i in range(4000000))
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
'''
RUBY_THREADS = '4.times.map { Thread.new { i = 0; i += 1 while i < 60_000_000 } }.each(&:join)'
NUMPY = 'import numpy\na = numpy.ones((700, 700))\nfor _ in range(40): a = a @ a / 700'
SPAWN = 'import subprocess\nfor _ in range(300): subprocess.run(["/bin/true"])'
NODE = 'let s = 0; for (let i = 0; i < 1.5e8; i++) s = (s + i * i) | 0; console.log(s)'
QUERY = ('create table t(a, b); with recursive c(i) as (select 1 union all select i + 1 from c '
         'limit 600000) insert into t select i, i * 7919 % 1000003 from c; create index x on t(b);'
         'select count(*), sum(l.a) from t l join t r on l.b = r.b;')

NATIVE = '''
import hashlib, threading
data = bytes(1 << 28)
threads = [threading.Thread(target=hashlib.blake2b, args=(data,)) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
'''
ONE_OF_MANY = '''
import socket, sys, threading, time
def ask():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    while True:
        s.send(b"question\\n")
        s.recv(100)
for _ in range(4): threading.Thread(target=ask, daemon=True).start()
''' + FOR % 0.8
EXECUTOR = '''
import asyncio, concurrent.futures
def work(): return sum(range(30000000))
async def main():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, work) for _ in range(4)))
asyncio.run(main())
'''
NODE_WORKERS = '''
const { Worker } = require("worker_threads");
for (let i = 0; i < %d; i++)
    new Worker("let s = 0; for (let i = 0; i < %d; i++) s = (s + i * i) | 0", { eval: true });
'''
NODE_HASHES = '''
for (let i = 0; i < 64; i++) require("crypto").pbkdf2("a", "b", 30000, 64, "sha512", () => {});
'''
REDIS = ('./redis-server --port 0 --unixsocket sock --save "" >/dev/null & '
         'while [ ! -S sock ]; do sleep 0.01; done; '
         'redis-benchmark -s sock -q -n 60000 -t get >/dev/null; kill $!; wait || true')

SERIAL = 'one process computes from its start to its end; what else there is takes microseconds'
IN_MEMORY = 'its files are in memory: no disk is waited for, and system calls and copying are work'
SHORT = 'it starts one short program after the other: each is computing, mostly the kernel\'s'
ONE_AT_A_TIME = 'one at a time, as the interpreter lock decides, though a CPU is free for another'
ALL_AT_ONCE = 'far more processes than CPUs are ready all the time, all of them its own'

PROGRAMS = (
    # One after the other.
    Program('python', 'cpu-bound', python(FOR % 0.7), SERIAL),
    Program('perl', 'cpu-bound', ['perl', '-e', '$s += $_ * $_ % 7 for 1 .. 2e7'], SERIAL),
    Program('ruby', 'cpu-bound', ['ruby', '-e', 'i = 0; i += 1 while i < 60_000_000'], SERIAL),
    Program('lua', 'cpu-bound',
            ['lua5.4', '-e', 'local s = 0; for i = 1, 9e7 do s = s + i % 7 end'], SERIAL),
    Program('gawk', 'cpu-bound', ['gawk', 'BEGIN { while (i++ < 7e6) a[i % 1000] += i }'], SERIAL),
    Program('node', 'cpu-bound', ['node', '-e', NODE],
            'the main thread computes; V8\'s workers wait for it to hand them something'),
    Program('bc', 'cpu-bound', shell('echo "scale=1500; 4*a(1)" | bc -l'), SERIAL,
            needs=('bc',)),
    Program('sqlite in memory', 'cpu-bound', ['sqlite3', ':memory:', QUERY],
            'no file is involved, so no disk'),
    Program('openssl', 'cpu-bound', 'openssl speed -seconds 1 -bytes 8192 sha256',
            'it computes for a second; the alarm that ends it is not waited for'),
    Program('shellcheck', 'cpu-bound', shell('shellcheck long.sh >/dev/null || true'),
            SERIAL + ' (Haskell)', setup=(stage.script,), needs=('shellcheck',)),
    Program('cc, one large file', 'cpu-bound', 'gcc -O2 -c large.c',
            'cc1 compiles, while gcc waits for its child', setup=(stage.source,)),

    # Files that are in memory.
    Program('xz', 'cpu-bound', shell('head -c 1500000 big | xz -6 >big.xz'), IN_MEMORY,
            setup=(stage.big,), needs=('xz',)),
    Program('gzip', 'cpu-bound', 'gzip -k big', IN_MEMORY, setup=(stage.big,)),
    Program('bzip2', 'cpu-bound', shell('head -c 8000000 big | bzip2 >x'), IN_MEMORY,
            setup=(stage.big,), needs=('bzip2',)),
    Program('zstd', 'cpu-bound', 'zstd -q -11 -k big',
            IN_MEMORY + '; its helper threads share the work', setup=(stage.big,)),
    Program('sort', 'cpu-bound', 'sort --parallel=2 -k3,3 -k2,2f -o sorted big',
            'it compares; that a thread waits for the other to end is no contention',
            setup=(stage.big,)),
    Program('dd of random numbers', 'cpu-bound',
            'dd if=/dev/urandom of=/dev/null bs=1M count=250 status=none',
            'the kernel computes them: time in a read, but none of it is waiting'),
    Program('find, du, grep', 'cpu-bound',
            shell('for i in $(seq 30); do find tree -size +9k; du -s tree; grep -rc qqqq tree; done'
                  ' >/dev/null; true'), IN_MEMORY, setup=(stage.tree,)),
    Program('ripgrep', 'cpu-bound', ['rg', '-j2', '-c', r'(\w+e\w+ ){2}', *['tree'] * 16],
            'two threads search what is in memory (Rust)', setup=(stage.tree,)),
    Program('fzf', 'cpu-bound', shell('cat big big | fzf --filter "etaoin shr" >/dev/null'),
            'it matches on as many goroutines as there are CPUs; idle ones are parked (Go)',
            setup=(stage.big,), needs=('fzf',)),
    Program('tar', 'cpu-bound', shell('for i in $(seq 20); do tar cf x.tar tree; done'),
            IN_MEMORY, setup=(stage.tree,)),
    Program('rsync', 'cpu-bound', 'rsync -az tree big copy',
            'three processes that hand each other files through sockets of their own: the '
            'compressing decides, and no end of them is outside', setup=(stage.tree, stage.big)),
    Program('git add and commit', 'cpu-bound', 'sh -c "cd tree && git add . && git commit -qm all"',
            'hashing and compressing; objects are not synced one by one',
            setup=(stage.repository,)),
    Program('git log', 'cpu-bound', shell(
        'cd tree; for i in 1 2 3 4 5; do git log -p; done >/dev/null'),
            IN_MEMORY, setup=(stage.history,)),

    Program('git gc', 'cpu-bound', shell('cd tree; git gc -q'),
            IN_MEMORY + '; few syncs at the end', setup=(stage.history,)),

    # At once.
    Program('python pool of 2', 'cpu-bound', python(POOL, 2, 160),
            'two processes compute on two CPUs: as fast as it gets'),
    Program('openssl, two at once', 'cpu-bound',
            'openssl speed -seconds 1 -bytes 8192 -multi 2 sha256',
            'two processes compute, their parent waits for what they write to its pipes'),
    Program('numpy', 'cpu-bound', [PYTHON, '-c', NUMPY],
            'OpenBLAS computes on both CPUs; its threads spin with sched_yield between products, '
            'which is not preemption',
            setup=(stage.numpy,)),
    Program('make -j2', 'cpu-bound', 'make -s -j2', 'as many compilers as CPUs',
            setup=(stage.project,)),
    Program('xargs -P2', 'cpu-bound', shell('ls part* | xargs -P2 -n1 gzip -k9'),
            'two compressors on two CPUs; xargs waits for its children',
            setup=(stage.parts,)),
    Program('pipeline', 'cpu-bound', shell('cat big | gzip | wc -c'),
            'cat and wc wait for gzip, which waits for nobody: a pipe within the workload is '
            'followed to who is at its other end', setup=(stage.big,)),
    Program('stress-ng', 'cpu-bound', 'stress-ng -q --cpu 2 --timeout 1',
            'two stressors on two CPUs; their parent waits for them'),
    Program('hashing in threads', 'cpu-bound', python(NATIVE),
            'two Python threads compute on two CPUs: hashlib lets the interpreter lock go'),
    Program('one thread of five', 'cpu-bound', python(ONE_OF_MANY, '{port}'),
            'the main thread computes all the time; that others wait for a server is beside it',
            setup=(stage.answers,)),
    Program('asyncio with a pool', 'cpu-bound', python(EXECUTOR),
            'two processes compute; the event loop waits for what they send'),
    Program('node workers', 'cpu-bound', ['node', '-e', NODE_WORKERS % (2, 60_000_000)],
            'two threads compute on two CPUs'),
    Program('yes, md5sum', 'cpu-bound', shell('yes | head -c 300M | md5sum'),
            'all of it is copying and hashing; the pipes are its own'),
    Program('timeout', 'cpu-bound', shell('timeout 0.8 yes >/dev/null || true'),
            'yes computes until the time is over; who waits for that decides nothing'),
    Program('redis and its client', 'cpu-bound', shell(REDIS),
            'client and server are both of the workload: neither waits for anybody outside',
            setup=(stage.redis,), needs=('redis-benchmark',)),
    Program('git clone', 'cpu-bound', shell('git clone -q file://$PWD/tree copy'),
            'two processes that talk by pipes of their own', setup=(stage.history,)),
    Program('java', 'cpu-bound', 'java Sum.java',
            'compiling and computing; the many threads of the JVM wait for work',
            setup=(stage.java,), needs=('javac',)),

    # Of many.
    Program('shell loop', 'cpu-bound', shell(
        'i=0; while [ $i -lt 600 ]; do /bin/true; i=$((i+1)); done'),
            SHORT, findings=('process.startup',)),
    Program('python spawning', 'cpu-bound', python(SPAWN), SHORT, findings=('process.startup',)),
    Program('find -exec', 'cpu-bound', 'find tree -name *.txt -exec /bin/true {} ;',
            SHORT, setup=(stage.small_tree,), findings=('process.startup',)),
    Program('configure script', 'cpu-bound', shell(
        'for i in $(seq 150); do x=$(echo "int a$i;" | sed s/a/b/ | tr b c); done'),
            SHORT + '; the shell waits for pipes whose other end is its own',
            findings=('process.startup',)),

    # More than there are CPUs.
    Program('python pool of 16', 'oversubscribed', python(POOL, 16, 160), ALL_AT_ONCE),
    Program('stress-ng on 16', 'oversubscribed', 'stress-ng -q --cpu 16 --timeout 1', ALL_AT_ONCE),
    Program('node workers, 8', 'oversubscribed', ['node', '-e', NODE_WORKERS % (8, 15_000_000)],
            'eight threads compute on two CPUs'),
    Program('node thread pool of 16', 'oversubscribed',
            ['env', 'UV_THREADPOOL_SIZE=16', 'node', '-e', NODE_HASHES],
            'sixteen threads of libuv hash on two CPUs'),
    Program('make -j8', 'oversubscribed', 'make -s -j8',
            'eight compilers want two CPUs all along; -j2 takes as long', setup=(stage.project,)),

    # Others have them.
    Program('nice beside others', 'starved', ['nice', '-n', '19', *python(
        'import time\nwhile time.thread_time() < 0.05: pass')],
            'ready all the time, and six other programs have its CPUs', setup=(stage.hogs,)),
    Program('perl beside others', 'starved', ['perl', '-e', '$s += $_ * $_ % 7 for 1 .. 2e6'],
            'one of four on its CPU: ready for three quarters of the time', setup=(stage.hogs,)),
    Program('CPU limit', 'starved', shell('echo $$ >{group}; gzip -c -9 big | head -c 1500000 >x'),
            'a fifth of a CPU is what its cgroup may use', setup=(stage.big, stage.cpu_limit)),

    # One at a time.
    Program('python threads', 'lock-bound', python(THREADS),
            'four threads compute, ' + ONE_AT_A_TIME),
    Program('ruby threads', 'lock-bound', ['ruby', '-e', RUBY_THREADS],
            'four threads compute, ' + ONE_AT_A_TIME),
    Program('flock around computing', 'lock-bound', shell(
        'for i in part*; do flock lock gzip -c $i >/dev/null & done; wait'),
            'eight compressors could use both CPUs, but all wait for the one with the lock file',
            setup=(stage.parts,)),

    # Two that matter, or too little.
    Program('computes, then sleeps', 'mixed', python(FOR % 0.7 + 'time.sleep(0.7)'),
            'half of the time it computes, half of it it asked to wait'),
    Program('computes and asks', 'mixed', python('''
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for _ in range(30):
    end = time.monotonic() + 0.02
    while time.monotonic() < end: pass
    s.send(b"x\\n")
    s.recv(9)
''', '{port}'), 'as long as it computes a question, the server outside takes to answer it',
            setup=(stage.answers,)),
    Program('half a load', 'mixed', 'stress-ng -q --cpu 1 --cpu-load 50 --timeout 1',
            'by its own pacing it computes and sleeps in turns, half of the time each'),
    Program('true', 'unknown', ['/bin/true'],
            'it is over in a millisecond, of which the start is most'),
)
