# SPDX-License-Identifier: BSD-2-Clause
"""What the cases need beside `make workloads`: more small programs, and a project to build."""
import os
import subprocess

from rivals import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = os.environ.get('CC', 'cc')
FILES = 12
FUNCTIONS = 12

FUNCTION = '''
int step_{file}_{number}(const char *text, int *table, int count)
{{
	int sum = {number};

	for (int i = 0; i < count; i++) {{
		table[i] = (table[i] * {odd} + sum) % 1009;
		switch (table[i] % 5) {{
		case 0: sum += (int)strlen(text); break;
		case 1: sum ^= table[count - 1 - i]; break;
		case 2: sum += text[i % {odd}] == '{letter}'; break;
		default: sum = sum * 31 + i;
		}}
	}}
	return sum;
}}
'''

MAKEFILE = '''
objects := $(patsubst %.c,%.o,$(wildcard *.c))
program: $(objects)
	$(CC) -o $@ $^
%.o: %.c
	$(CC) -O1 -c -o $@ $<
'''


def function(file, number):
    return FUNCTION.format(file=file, number=number, odd=2 * (file + number) + 3,
                           letter=chr(ord('a') + number))


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(text)


def write_project(folder):
    """The same in every run."""
    os.mkdir(folder)
    for file in range(FILES):
        text = '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
        text += ''.join(function(file, number) for number in range(FUNCTIONS))
        write(f'{folder}/part{file}.c', text)
    write(f'{folder}/main.c', 'int main(void)\n{\n\treturn 0;\n}\n')
    write(f'{folder}/Makefile', MAKEFILE)


def prepare(scratch):
    for name in ('account', 'contend', 'forks'):
        done = subprocess.run([*COMPILER.split(), '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-pthread',
                               f'{HERE}/{name}.c', '-o', f'{scratch}/{name}'],
                              capture_output=True, text=True, errors='replace', check=False)
        if done.returncode:
            raise Failed(f'{name}.c: {done.stderr.strip()}')
    write_project(f'{scratch}/project')
