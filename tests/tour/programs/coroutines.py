# SPDX-License-Identifier: BSD-2-Clause
"""coroutines.py await|block: a hundred coroutines that wait five times each: they await that 10 ms
have passed, or block for 1 ms."""
import asyncio
import sys
import time

COROUTINES, WAITS, PAUSE = 100, 5, 0.01


async def awaits():
    """The others go on meanwhile."""
    for _ in range(WAITS):
        await asyncio.sleep(PAUSE)


async def blocks():
    """The thread waits, and with it all of them."""
    for _ in range(WAITS):
        time.sleep(PAUSE / 10)
        await asyncio.sleep(0)


async def main(body):
    """All at once."""
    await asyncio.gather(*(body() for _ in range(COROUTINES)))


asyncio.run(main({'await': awaits, 'block': blocks}[sys.argv[1]]))
