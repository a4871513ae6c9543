# SPDX-License-Identifier: BSD-2-Clause
"""The probes as they are compiled: what older kernels than this one would refuse."""
import re
import subprocess

from harness import expect

CALM = True  # see run.py

STACK = 512  # bytes, of a program and all that it calls (include/linux/filter.h, MAX_BPF_STACK)
SECTION = re.compile(r'Disassembly of section (\S+):')
FUNCTION = re.compile(r'([0-9a-f]+) <(?!LBB)(.+)>:')
BELOW_FRAME = re.compile(r'r10 - (0x[0-9a-f]+|\d+)|r\d+ \+= -(0x[0-9a-f]+|\d+)')
CALLED = re.compile(r'R_BPF_64_(32|64)\s+(\S+)')
OFFSET = re.compile(r'(?:call |= )(-?0x[0-9a-f]+|-?\d+)')


def disassemble(path):
    """(bytes of stack, names of what it calls) of each function, and which are programs."""
    listing = subprocess.run(['llvm-objdump', '-d', '-r', '--no-show-raw-insn', path],
                             capture_output=True, text=True, check=True).stdout.splitlines()
    stack, calls, places, programs, late = {}, {}, {}, set(), []
    section = name = before = None
    for line in listing:
        if found := SECTION.match(line):
            section = found[1]
        elif found := FUNCTION.match(line):
            name = found[2]
            stack[name], calls[name] = 0, set()
            if section == '.text':
                places[int(found[1], 16)] = name
            else:
                programs.add(name)
        elif found := CALLED.search(line):
            if found[2] == '.text':  # a static one, or the body of a loop: by its place
                offset = int(OFFSET.search(before)[1], 0)
                late.append((name, (offset + 1) * 8 if found[1] == '32' else offset))
            else:
                calls[name].add(found[2])
        elif name:
            before = line
            for found in BELOW_FRAME.finditer(line):
                below = int(found[1] or found[2], 0)
                stack[name] = max(stack[name], below if below <= STACK else 0)
    for name, place in late:
        calls[name].add(places[place])
    return stack, calls, programs


def deepest(name, stack, calls):
    """(bytes, chain of names) as kernels up to 6.12 count: a function takes 32 bytes at least."""
    below = max((deepest(other, stack, calls) for other in calls[name] if other in stack),
                default=(0, ()))
    return max(1, -(-stack[name] // 32)) * 32 + below[0], (name, *below[1])


def test_stack(t):
    """No chain of calls takes more of the stack than there is, by the count of the strictest kernel."""
    stack, calls, programs = disassemble(t.build / 'bpf/concprof.o')
    expect({'cp_switch', 'cp_newtask', 'cp_alive'} <= programs, 'the probes are found', programs)
    expect(stack['cp_switch'] >= 100, 'its stack is seen', stack)
    expect('thread_ended' in calls['cp_switch'], 'its calls are seen', calls['cp_switch'])
    for program in sorted(programs):
        size, chain = deepest(program, stack, calls)
        expect(size <= STACK, f'{size} bytes:', ' > '.join(chain))
