# SPDX-License-Identifier: BSD-2-Clause
"""make install and make uninstall, into an empty root."""
import os
import pathlib
import subprocess

from harness import equal, expect, without_bpf
from subjects.shells import COMMANDS

CALM = True  # see run.py

SOURCE = pathlib.Path(__file__).parents[3]
FILES = {'bin/concprof': 0o755,
         'share/doc/concprof/LICENSE': 0o644,
         'share/doc/concprof/README.md': 0o644,
         **{f'share/doc/concprof/docs/{path.name}': 0o644
            for path in (SOURCE / 'docs').glob('*.md')},
         'share/man/man1/concprof.1': 0o644,
         **{f'share/man/man1/concprof-{name}.1': 0o644 for name in COMMANDS},
         'share/bash-completion/completions/concprof': 0o644,
         'share/zsh/site-functions/_concprof': 0o644,
         'share/fish/vendor_completions.d/concprof.fish': 0o644}


def make(t, *words):
    """A make of ours: what another one around us says is nothing to it."""
    env = {name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL',
                                                                              'MFLAGS')}
    # The clone may lie where there are spaces; the name of the build must have none.
    build = t.build.relative_to(SOURCE) if t.build.is_relative_to(SOURCE) else t.build
    done = subprocess.run(['make', '-C', SOURCE, f'O={build}', *words], env=env, text=True,
                          capture_output=True, check=False, timeout=60)
    equal((done.returncode, done.stderr), (0, ''), words)


def found_in(root):
    """Files, with what they permit."""
    return {str(path.relative_to(root)): path.stat().st_mode & 0o7777
            for path in root.rglob('*') if not path.is_dir()}


@without_bpf
def test_install(t):
    """Exactly these files, also where names have spaces and quotes; the program runs from there;
    and then none is left, but what is not ours."""
    root = t.dir / "an empty 'root'"
    root.mkdir()
    make(t, 'install', f'DESTDIR={root}', 'PREFIX=/usr')
    equal(found_in(root), {f'usr/{name}': mode for name, mode in FILES.items()}, 'installed')
    done = t.spawn([root / 'usr/bin/concprof', '--version'])
    equal((done.code, done.stderr), (0, ''), done)
    expect(done.stdout.startswith('concprof '), done)
    equal(sorted(os.listdir(t.dir)), [root.name], 'beside the root')
    (root / 'usr/share/man/man1/another.1').touch()
    make(t, 'uninstall', f'DESTDIR={root}', 'PREFIX=/usr')
    equal(list(found_in(root)), ['usr/share/man/man1/another.1'], 'left')
    expect(not (root / 'usr/share/doc/concprof').exists(), 'its folder is left')
