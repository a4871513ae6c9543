# SPDX-License-Identifier: BSD-2-Clause
"""What concprof may still do while the workload runs: next to nothing. The workload itself looks."""
import json
import os

from harness import cases, equal, expect

CALM = True  # see run.py

# Capabilities by number: include/uapi/linux/capability.h.
DAC_OVERRIDE, DAC_READ_SEARCH, KILL = (1 << number for number in (1, 2, 5))

# Of the parent, and of its other children and theirs, what stands in /proc/PID/status.
LOOK = '''
import json, os, pathlib, sys
def status(pid):
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    return {line.split(':')[0]: line.split(':')[1].split() for line in text.splitlines()}
of, parent, found = {}, os.getppid(), []
for path in pathlib.Path('/proc').iterdir():
    try:
        if path.name.isdigit():
            of[int(path.name)] = status(path.name)
    except (FileNotFoundError, ProcessLookupError):
        pass # it has ended meanwhile
for pid, one in of.items():
    above = pid
    while above in of and above != parent and above != os.getpid():
        above = int(of[above]['PPid'][0])
    if above == parent:
        found.append({key: one[key] for key in
                      ('Name', 'Uid', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp')})
        found[-1]['is_parent'] = pid == parent
json.dump(found, open(sys.argv[1], 'w'))
'''


def look(t, **popen):
    """What a workload finds: of the collector, and of those that look up names."""
    path = t.dir / 'found'
    path.touch()
    path.chmod(0o666)
    t.dir.chmod(0o777)
    outcome = t.run(*t.python(LOOK, path), **popen)
    equal(outcome.code, 0, outcome)
    found = json.loads(path.read_text(encoding='utf-8'))
    collectors = [one for one in found if one.pop('is_parent')]
    equal(len(collectors), 1, found)
    return collectors[0], [one for one in found if one not in collectors]


def capabilities(one, name):
    """A set of them, as a number."""
    return int(one[name][0], 16)


@cases(('root', {}, 0, KILL | DAC_OVERRIDE),
       ('sudo', {'SUDO_UID': '65534', 'SUDO_GID': '65534', 'SUDO_USER': 'nobody'}, 65534, KILL))
def test_collector(t, _, variables, uid, may):
    """It has ended to be root if somebody else has called sudo; it cannot get anything back, and it starts
    nothing, opens no socket and loads no program any more (test_allow shows that)."""
    collector, _ = look(t, env={**os.environ, **variables})
    equal({int(number) for number in collector['Uid']}, {uid}, collector)
    for name, most in (('CapPrm', may), ('CapEff', may), ('CapInh', 0), ('CapAmb', 0), ('CapBnd', 0)):
        equal(capabilities(collector, name) & ~most, 0, name, collector)
    equal((collector['NoNewPrivs'], collector['Seccomp']), (['1'], ['2']), collector)


@cases(('root', {}, DAC_READ_SEARCH),
       ('sudo', {'SUDO_UID': '65534', 'SUDO_GID': '65534', 'SUDO_USER': 'nobody'}, 0))
def test_names(t, _, variables, may):
    """Who opens the workload's files may at most read them, and nothing gives it more."""
    _, others = look(t, env={**os.environ, **variables})
    expect(others, 'nobody looks up names')
    for one in others:
        for name, most in (('CapPrm', may), ('CapEff', may), ('CapInh', 0), ('CapAmb', 0)):
            equal(capabilities(one, name) & ~most, 0, name, one)
        equal(one['NoNewPrivs'], ['1'], one)
