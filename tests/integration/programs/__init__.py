# SPDX-License-Identifier: BSD-2-Clause
"""Real programs, and what a performance engineer would say decides how long each takes.

A Program is a row of the tables in computing.py and waiting.py. A new case is a new row there.
"""
import dataclasses
import shlex

from harness import Test


@dataclasses.dataclass(frozen=True)
class Program:
    """A command, the class of its verdict, and why it is that one and no other.

    The command's {words} come from the stage: what stands around the program, made by its
    set-ups (stage.py). A server that does not end by itself is ended after so many seconds.
    """

    name: str
    expected: str
    command: str | list
    why: str
    setup: tuple = ()
    seconds: float = 0
    needs: tuple = ()     # programs, beside the command's own
    findings: tuple = ()  # rules that are to stand beside the verdict
    wrong: str = ''       # why it is known to come out wrong now and then; then it is skipped

    @property
    def argv(self):
        """The command's words."""
        return shlex.split(self.command) if isinstance(self.command, str) else self.command


def python(code, *args):
    """The command that runs a piece of Python."""
    return Test.python(code, *args)


def shell(line):
    """The command that runs a line of a shell."""
    return ['sh', '-c', line]
