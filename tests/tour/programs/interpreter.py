# SPDX-License-Identifier: BSD-2-Clause
"""interpreter.py threads|processes: the same computing, in pure Python, divided among two."""
import os
import sys
import threading

STEPS = 3_000_000


def compute():
    """Some hundred milliseconds of it."""
    total = 0
    for number in range(STEPS):
        total += number & 7
    return total


def in_threads():
    """Both in one interpreter."""
    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_processes():
    """An interpreter for each."""
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            compute()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


{'threads': in_threads, 'processes': in_processes}[sys.argv[1]]()
