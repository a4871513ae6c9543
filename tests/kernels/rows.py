# SPDX-License-Identifier: BSD-2-Clause
"""What is tried on which kernel."""

STABLE = ('bookworm-security', 'bookworm')
LATER = ('bookworm-backports', 'trixie')
NEWEST = ('trixie-backports', 'sid', 'experimental')

# The processor is emulated: some 8 s a test. So of each subject those in which kernels may differ, and
# none that compares clocks closely.
TESTS = (
    'locks.truth [mutex]', 'deadlocks.truth [two]', 'ledger.survivor', 'lives.truth [leader]',
    'status.own [42]', 'status.signal [SIGKILL]', 'ledger.cgroup_move', 'calls.all_of_them',
    'lives.truth [orphan]', 'locks.truth [robust-death]', 'locks.truth [barrier]',
    'locks.truth [fcntl-ofd]', 'targets.truth [pipe]', 'targets.truth [timerfd]',
    'targets.truth [tcp-served]', 'targets.truth [uring]', 'targets.truth [aio]',
    'loops.truth [epoll-10]', 'deadlocks.truth [rwlock]', 'deadlocks.truth [ofd]', 'why.each_wait',
    'attach.cgroup', 'timeline.replay [pingpong', 'timeline.replay [targets uring]',
)
FEW = TESTS[:4]
SOME = TESTS[:9]

# Of TESTS: skipped, by name. The first two count some per cent fewer waits than switches when the
# processor is emulated; the third came to no end on 6.1, and miscounted a switch on 6.12. Why is not known.
LEFT_OUT = ('targets.truth [timerfd]', 'targets.truth [uring]', 'attach.cgroup')


# Where concprof refuses to run (guest.py's PLACES), and a word of the line in which it says so.
REFUSALS = {'user namespace': "machine's root", 'no BTF': 'BTF', 'no capability': '--privileged',
            'CAP_BPF alone': '--privileged'}


class Row:
    """A kernel, by the beginning of its version, and what is tried on it.

    steps:    of guest.py
    tests:    filters of tests/integration/run.py
    refusal:  a word of the line with which concprof refuses to run; None: it works
    refusals: on this kernel alone, as REFUSALS
    limit:    seconds, of the whole machine"""

    def __init__(self, name, version, suites, **more):
        self.name, self.version, self.suites = name, version, suites
        self.flavour = more.get('flavour', 'cloud-amd64')
        self.cpus = more.get('cpus', 2)
        self.steps = more.get('steps', ('check', 'programs', 'fields', 'places', 'hotplug',
                                        'tests'))
        self.tests = [*more.get('tests', TESTS), *(f'!{name}' for name in LEFT_OUT)]
        self.refusals = more.get('refusals', {})
        self.refusal = more.get('refusal')
        self.limit = more.get('limit', 1200)


ROWS = (
    Row('5.10', '5.10', ('bullseye-security', 'bullseye'), steps=('check',),
        refusal='5.18 or newer'),
    Row('6.1', '6.1', STABLE, refusals=dict.fromkeys(('CAP_BPF, CAP_PERFMON', '... CAP_SYSLOG'),
                                                 'CAP_SYS_ADMIN')),
    Row('6.12', '6.12', STABLE[:1] + LATER),
    Row('6.18', '6.18', NEWEST[:1]),
    Row('7', '7', NEWEST),
    Row('6.12 real time', '6.12', STABLE[:1] + LATER, flavour='rt-amd64',
        tests=SOME),
    Row('6.12 1 CPU', '6.12', STABLE[:1] + LATER, cpus=1,
        steps=('check', 'programs', 'tests'), tests=FEW),
    Row('6.12 4 CPUs', '6.12', STABLE[:1] + LATER, cpus=4,
        steps=('check', 'programs', 'hotplug', 'tests'), tests=FEW),
)
