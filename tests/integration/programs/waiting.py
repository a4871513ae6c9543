# SPDX-License-Identifier: BSD-2-Clause
"""Programs whose time goes to waiting: for a device or another, for a while that they asked for, or
for something to do."""
from harness import PYTHON
from programs import Program, python, shell
from programs import stage

POOL = '''
import concurrent.futures, time
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: time.sleep(0.2), range(32)))
'''
ASYNCIO = '''
import asyncio
async def job():
    for _ in range(10): await asyncio.sleep(0.1)
async def main(): await asyncio.gather(*(job() for _ in range(20)))
asyncio.run(main())
'''
QUEUE = '''
import queue, threading, time
jobs = queue.Queue()
def consume():
    while jobs.get() is not None: pass
consumer = threading.Thread(target=consume)
consumer.start()
for i in range(20):
    time.sleep(0.05)
    jobs.put(i)
jobs.put(None)
consumer.join()
'''
CLIENTS = '''
import socket, sys, threading
def ask():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    for _ in range(40):
        s.send(b"question\\n")
        s.recv(100)
threads = [threading.Thread(target=ask) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
'''
ASYNCIO_CLIENTS = '''
import asyncio, sys
async def ask():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    for _ in range(40):
        writer.write(b"question\\n")
        await reader.readline()
async def main(): await asyncio.gather(*(ask() for _ in range(8)))
asyncio.run(main())
'''
ACCEPT = '''
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
listener.accept()[0].recv(1)
'''
IDLE_POOL = '''
import concurrent.futures, socket, sys
pool = concurrent.futures.ThreadPoolExecutor(8)
list(pool.map(int, range(50)))
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for _ in range(40):
    s.send(b"question\\n")
    s.recv(100)
'''
TICKER = '''
import socket, sys, threading, time
def tick():
    while True: time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for _ in range(40):
    s.send(b"question\\n")
    s.recv(100)
'''
TICKING_SERVER = '''
import asyncio
async def main():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    while True: await asyncio.sleep(0.1)
asyncio.run(main())
'''
TO_THREAD = '''
import asyncio, time
async def main(): await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.7) for _ in range(4)))
asyncio.run(main())
'''
BASH_CLIENT = '''
exec 3<>/dev/tcp/127.0.0.1/$1
for i in {1..40}; do echo question >&3; read -u 3; done
'''
NODE_READS = '''
const fs = require("fs/promises");
const path = i => `tree/${i / 100 | 0}/${i}.txt`;
const read = async k => { for (let i = k; i < 400; i += 4) await fs.readFile(path(i)); };
for (let k = 0; k < 4; k++) read(k);
'''
NODE_SLEEPS = ('let n = 0; const timer = setInterval(() => { if (++n == 20) clearInterval(timer) },'
               ' 50)')
NODE_LISTENS = 'require("http").createServer(() => {}).listen(0, "127.0.0.1")'
TRANSACTIONS = ('pragma journal_mode = delete; pragma synchronous = full; create table t(a);'
                + 'insert into t values (1);' * 60)
COLD = '''
import pathlib
for i in range(400): pathlib.Path(f"tree/{i // 100}/{i}.txt").read_bytes()
'''

ASKED = 'nobody else keeps it waiting: it asked to wait'
OUTSIDE = 'its partner is outside the workload, and takes its time'
NO_CLIENTS = 'it listens, and no client comes'
NOBODY = 'it waits for what somebody might type'


def limited(line):
    """The command that runs a line of a shell on a disk that may be limited."""
    return shell('echo $$ >{group}; ' + line)


PROGRAMS = (
    # For a device.
    Program('sqlite on disk', 'io-bound', limited(f"exec sqlite3 db '{TRANSACTIONS}'"),
            'each transaction waits until the disk has it', setup=(stage.slow_writes,),
            needs=('sqlite3',)),
    Program('dd, synchronous', 'io-bound',
            limited('exec dd if=/dev/zero of=out bs=4k count=150 oflag=dsync status=none'),
            'each write waits until the disk has it', setup=(stage.slow_writes,)),
    Program('dd, direct', 'io-bound',
            limited('exec dd if=big of=/dev/null bs=4k count=400 iflag=direct status=none'),
            'each read waits for the disk, past the memory', setup=(stage.slow_reads, stage.big)),
    Program('cold files', 'io-bound', limited('exec cat tree/*/* >/dev/null'),
            'the names are in memory, but each file\'s content comes from the disk',
            setup=(stage.slow_reads, stage.small_tree, stage.cold)),
    Program('python, cold files', 'io-bound', limited(f"exec {PYTHON} -S -c '{COLD}'"),
            'each file\'s content comes from the disk',
            setup=(stage.slow_reads, stage.small_tree, stage.cold)),
    Program('sync of many files', 'io-bound', limited('cp -r tree/[1-2] .; sync 1/* 2/*'),
            'each file is awaited on its way to the disk',
            setup=(stage.slow_writes, stage.small_tree)),
    Program('node, cold files', 'io-bound', limited(f"exec node -e '{NODE_READS}'"),
            'libuv\'s threads wait for the disk, and the event loop for them',
            setup=(stage.slow_reads, stage.small_tree, stage.cold), needs=('node',)),

    # For somebody else.
    Program('python threads, asking', 'io-bound', python(CLIENTS, '{port}'), OUTSIDE,
            setup=(stage.answers,)),
    Program('asyncio, asking', 'io-bound', python(ASYNCIO_CLIENTS, '{port}'),
            OUTSIDE + '; the wait in epoll is for sockets, not for a timer',
            setup=(stage.answers,)),
    Program('an idle pool, asking', 'io-bound', python(IDLE_POOL, '{port}'),
            OUTSIDE + '; eight threads without work are no contention', setup=(stage.answers,)),
    Program('a ticker, asking', 'io-bound', python(TICKER, '{port}'),
            OUTSIDE + '; a thread that ticks meanwhile decides nothing', setup=(stage.answers,)),
    Program('bash, asking', 'io-bound', ['bash', '-c', BASH_CLIENT, 'bash', '{port}'], OUTSIDE,
            setup=(stage.answers,)),
    Program('four curls', 'io-bound', shell(
        'seq 4 | xargs -P4 -n1 curl -s http://127.0.0.1:{port}/ -o'),
            OUTSIDE + ', and answers one after the other',
            setup=(stage.trickles_fast,), needs=('curl',)),
    Program('curl', 'io-bound', 'curl -s -o x http://127.0.0.1:{port}/', OUTSIDE,
            setup=(stage.trickles,)),
    Program('wget', 'io-bound', 'wget -q -O x http://127.0.0.1:{port}/', OUTSIDE,
            setup=(stage.trickles,)),
    Program('head to a slow reader', 'io-bound', 'head -c 4000000 big',
            'the pipe is full: it goes on when its reader outside has read',
            setup=(stage.big, stage.slow_reader)),
    Program('gzip to a slow reader', 'io-bound', shell('head -c 8000000 big | gzip -1 | cat'),
            'cat waits for the reader outside, gzip for cat: followed to its source, it is outside',
            setup=(stage.big, stage.slow_reader)),

    # For a while.
    Program('sleep', 'sleep-bound', 'sleep 1', ASKED),
    Program('bash, sleep', 'sleep-bound', 'bash -c "sleep 0.5; sleep 0.5; true"',
            'the shell waits for its child, which asked to wait'),
    Program('background sleep', 'sleep-bound', shell('sleep 1 & wait'),
            'the shell waits for its child, which asked to wait'),
    Program('timeout of a sleep', 'sleep-bound', shell('timeout 1 sleep 9 || true'), ASKED),
    Program('shell ticker', 'sleep-bound', shell(
        'for i in 1 2 3 4 5 6 7 8 9 10; do date; sleep 0.1; done >/dev/null'), ASKED),
    Program('python pool asleep', 'sleep-bound', python(POOL), ASKED),
    Program('asyncio asleep', 'sleep-bound', python(ASYNCIO),
            ASKED + ': the event loop has nothing but timers'),
    Program('python queue', 'sleep-bound', python(QUEUE),
            'the consumer waits for the producer, which asked to wait'),
    Program('perl select', 'sleep-bound',
            ['perl', '-e', 'select undef, undef, undef, 0.1 for 1..10'],
            ASKED + ': a select of no descriptor is a sleep'),
    Program('ruby asleep', 'sleep-bound',
            ['ruby', '-e', '3.times.map { Thread.new { sleep 0.7 } }.each(&:join)'], ASKED),
    Program('node timer', 'sleep-bound', ['node', '-e', NODE_SLEEPS],
            ASKED + ': the event loop has nothing but a timer'),
    Program('top', 'sleep-bound', 'top -b -d 0.5 -n 3', ASKED + ' between two looks'),
    Program('vmstat', 'sleep-bound', 'vmstat 1 2', ASKED + ' between two looks'),
    Program('flock around sleeping', 'sleep-bound', shell(
        'flock lock sleep 0.7 & flock lock sleep 0.7 & wait'),
            'one waits for the lock, whose holder asked to wait: followed to its source'),
    Program('asyncio, threads asleep', 'sleep-bound', python(TO_THREAD),
            'the event loop waits for its threads, which asked to wait'),
    Program('script', 'sleep-bound', 'script -q -c "sleep 0.8" /dev/null',
            'a terminal of its own is between it and its child, which asked to wait',
            wrong='the kernel passes on what the child writes, so nobody of the program wakes it'),
    Program('make with sleeps', 'sleep-bound', 'make -s -j4', 'its recipes asked to wait',
            setup=(stage.sleeping_makefile,)),
    Program('fifo', 'sleep-bound', shell('mkfifo f; (sleep 0.7; echo >f) & cat f'),
            'cat waits for somebody to open the FIFO, who asked to wait first'),
    Program('a tenth of a load', 'sleep-bound', 'stress-ng -q --cpu 1 --cpu-load 10 --timeout 1',
            'by its own pacing it sleeps nine tenths of the time'),

    # For something to do.
    Program('sort, fed slowly', 'idle', 'sort', 'its input comes from somebody outside, slowly',
            setup=(stage.slow_writer,)),
    Program('pipeline, fed slowly', 'idle', shell('cat | grep line | sort | uniq -c'),
            'each waits for the one before, the first for input from outside',
            setup=(stage.slow_writer,)),
    Program('tail -f', 'idle', 'tail -f log', 'it waits for somebody to write to the file',
            setup=(stage.log,), seconds=1),
    Program('cat of a terminal', 'idle', 'cat', NOBODY, setup=(stage.terminal,)),
    Program('bash at a terminal', 'idle', 'bash --norc -i', NOBODY, setup=(stage.terminal,)),
    Program('less', 'idle', 'less big', NOBODY, setup=(stage.big, stage.terminal), seconds=1),
    Program('python at a terminal', 'idle', f'{PYTHON} -i', NOBODY, setup=(stage.terminal,)),
    Program('http.server', 'idle', PYTHON + ' -m http.server --bind 127.0.0.1 0',
            NO_CLIENTS + ': its poll every half a second is nothing', seconds=1),
    Program('node server', 'idle', ['node', '-e', NODE_LISTENS], NO_CLIENTS, seconds=1),
    Program('ticking asyncio server', 'idle', python(TICKING_SERVER),
            NO_CLIENTS + '; ten times a second it wakes up and does nothing', seconds=1),
    Program('silent client', 'idle', python(ACCEPT, '{path}'),
            'the connection is accepted, and the client says nothing',
            setup=(stage.silent_client,), seconds=1),
    Program('redis', 'idle', './redis-server --port 0 --unixsocket sock --save ""',
            NO_CLIENTS + '; ten times a second it looks at its clock, which is nothing',
            setup=(stage.redis,), seconds=1),
    Program('redis at work', 'cpu-bound', './redis-server --port 0 --unixsocket {path} --save ""',
            'its clients ask for more than one thread can do: it has always something to do',
            setup=(stage.redis, stage.busy_clients), seconds=1.5,
            needs=('redis-cli', 'redis-benchmark')),
    Program('apache', 'idle', '/usr/sbin/apache2 -X -f {config}', NO_CLIENTS,
            setup=(stage.apache,), seconds=1),
    Program('apache with workers', 'idle', '/usr/sbin/apache2 -D FOREGROUND -f {config}',
            NO_CLIENTS + '; the parent looks after its workers once a second',
            setup=(stage.apache,), seconds=1.5),
    Program('nginx', 'idle', '/usr/sbin/nginx -c {config}', NO_CLIENTS, setup=(stage.nginx,),
            seconds=1),
    Program('postgres', 'idle', 'setpriv --reuid=nobody --regid=nogroup --clear-groups {postgres} '
            '-D {data} -k {data} -h ""', NO_CLIENTS + '; its background processes sleep until then',
            setup=(stage.postgres,), seconds=1.5,
            wrong='whether its processes tick or wait is decided by which of them ended last'),
)
