# SPDX-License-Identifier: BSD-2-Clause
"""A workload: prints all that a process inherits, as JSON. Needs nothing but Python."""
import json
import os
import resource

STATUS = ('Umask', 'Uid', 'Gid', 'Groups', 'SigPnd', 'SigBlk', 'SigIgn', 'CapInh', 'CapPrm',
          'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters',
          'Cpus_allowed', 'Mems_allowed')
FILES = ('environ', 'cgroup', 'oom_score_adj', 'coredump_filter', 'timerslack_ns', 'personality',
         'loginuid', 'sessionid')


def read(name):
    """A file of /proc/self, if it is there."""
    try:
        with open(f'/proc/self/{name}', encoding='utf-8', errors='surrogateescape') as file:
            return file.read()
    except OSError as error:
        return str(error)


def descriptors():
    """What each descriptor is open on."""
    found = {}
    for fd in map(int, os.listdir('/proc/self/fd')):
        try:
            flags = os.get_inheritable(fd)
            found[fd] = [os.readlink(f'/proc/self/fd/{fd}'), flags]
        except OSError:
            pass  # the folder's own
    return found


def main():
    """Everything, under names."""
    found = {'descriptors': descriptors()}
    for line in read('status').splitlines():
        key, _, value = line.partition(':')
        if key in STATUS:
            found[key] = value.strip()
    for name in FILES:
        found[name] = read(name)
    for name in dir(resource):
        if name.startswith('RLIMIT_'):
            found[name] = resource.getrlimit(getattr(resource, name))
    found['cwd'] = os.getcwd()
    found['nice'] = os.getpriority(os.PRIO_PROCESS, 0)
    found['policy'] = os.sched_getscheduler(0)
    found['pgid'], found['sid'] = os.getpgid(0), os.getsid(0)
    found['processes'] = len(read('task/self/children').split())
    print(json.dumps(found))


main()
