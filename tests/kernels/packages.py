# SPDX-License-Identifier: BSD-2-Clause
"""Kernels as Debian packages them: which there are, and one of them with the modules that a virtual
machine needs to see this machine's files.

They come from the mirror that apt is configured for, of other suites too; apt checks their
signatures, and keeps what it knows of them in a folder of its own."""
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
MODULES = ('virtio_pci', 'virtiofs')
UNPACKERS = {'.xz': lzma.decompress,
             '.zst': lambda data: subprocess.run(['zstd', '-qdc'], input=data, check=True,
                                                 capture_output=True).stdout,
             '.ko': lambda data: data}


class Failed(Exception):
    """Its argument says what is wrong."""


def mirrors():
    """Where the suites of this machine come from, by name."""
    lines = subprocess.run(['apt-get', 'indextargets', '--format', '$(RELEASE) $(REPO_URI)',
                            'Identifier: Packages'], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


class Archive:
    """What some suites offer."""

    def __init__(self, folder, suites):
        self.folder = pathlib.Path(folder)
        for name in ('lists/partial', 'cache/archives/partial'):
            (self.folder / name).mkdir(parents=True)
        known = mirrors()
        codename = next((name for name in known if '-' not in name), None)
        if not codename or not os.path.exists(KEYRING):
            raise Failed('kernels come from Debian\'s archive: there is no mirror of it in apt\'s '
                         f'configuration, or no {KEYRING}')
        with open(self.folder / 'sources', 'w', encoding='utf-8') as file:
            for suite in suites:
                kind = f'{codename}-security' if suite.endswith('-security') else codename
                file.write(f'deb [signed-by={KEYRING}] {known.get(kind, known[codename])} '
                           f'{suite} main\n')
        self.apt('apt-get', '-qq', 'update')

    def apt(self, program, *words, cwd=None):
        """What it prints."""
        own = {'Dir::Etc::SourceList': self.folder / 'sources', 'Dir::Etc::SourceParts': '/dev/null',
               'Dir::State::Lists': self.folder / 'lists', 'Dir::Cache': self.folder / 'cache',
               'Dir::State::status': '/dev/null', 'APT::Sandbox::User': 'root',
               'APT::Update::Error-Mode': 'any', 'Acquire::Retries': '3'}
        options = [word for key, value in own.items() for word in ('-o', f'{key}={value}')]
        result = subprocess.run([program, *options, *words], capture_output=True, text=True,
                                check=False, cwd=cwd)
        if result.returncode:
            raise Failed(f'{program} {" ".join(words)}: {result.stderr.strip()[-500:]}')
        return result.stdout

    def releases(self, flavour):
        """As in 6.12.117+deb12. linux-image-6.12-... with one dot only are no kernels; from 6.19 on the
        kernel is in a package of its own."""
        name = re.compile(rf'linux-(?:binary-(\d[^_]*)|image-(\d+\.\d+\.[^_]*))-{flavour}$')
        found = map(name.match, self.apt('apt-cache', 'pkgnames', 'linux-').split())
        names = {match[1] or match[2] for match in found if match}
        return [name for name in names if not name.endswith(('-cloud', '-rt'))]

    def packages_of(self, release, flavour):
        """Those that have the kernel, and its modules if they may be needed."""
        names = [f'linux-{part}-{release}-{flavour}' for part in ('binary', 'base', 'modules')]
        has = set(self.apt('apt-cache', 'pkgnames', 'linux-').split())
        if names[0] in has:
            return [name for name in names if name in has]
        return [f'linux-image-{release}-{flavour}']


def newest(releases, prefix):
    """Of those that a prefix such as 6.1 stands for, not 6.12; None: there is none."""
    fits = [name for name in releases if re.fullmatch(re.escape(prefix) + r'([.+-].*)?', name)]
    return max(fits, key=lambda name: [int(part) for part in re.findall(r'\d+', name)],
               default=None)


def add_module(name, tree, folder):
    """One that is not built in, after those that it depends on, numbered in the order of loading."""
    found = [path for path in tree.rglob('*.ko*')
             if path.name.split('.')[0].replace('-', '_') == name]
    if not found or list(folder.glob(f'*-{name}.ko')):
        return
    code = UNPACKERS[found[0].suffix](found[0].read_bytes())
    needs = re.search(rb'\0depends=([^\0]*)\0', code)
    for other in needs[1].decode().split(',') if needs and needs[1] else ():
        add_module(other.replace('-', '_'), tree, folder)
    (folder / f'{len(list(folder.iterdir())):02}-{name}.ko').write_bytes(code)


def unpack(packages, folder):
    """Makes a folder with vmlinuz and modules/ of packages."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        tree, new = pathlib.Path(scratch, 'tree'), pathlib.Path(scratch, 'new')
        (new / 'modules').mkdir(parents=True)
        for package in packages:
            subprocess.run(['dpkg', '-x', package, tree], check=True)
        images = [*tree.glob('boot/vmlinuz-*'), *tree.rglob('modules/*/vmlinuz')]
        if not images:
            raise Failed(f'no kernel in {", ".join(path.name for path in packages)}')
        shutil.copy(images[0], new / 'vmlinuz')
        for name in MODULES:
            add_module(name, tree, new / 'modules')
        new.rename(folder)


def fetch(prefix, flavour, suites, folder):
    """The folder of the newest kernel that a prefix stands for; one that was fetched before stays."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    here = [path.name[:-len(flavour) - 1] for path in folder.glob(f'*-{flavour}')]
    release = newest([name for name in here if not name.endswith(('-cloud', '-rt'))], prefix)
    if release:
        return folder / f'{release}-{flavour}'
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive = Archive(pathlib.Path(scratch, 'apt'), suites)
        release = newest(archive.releases(flavour), prefix)
        if not release:
            raise Failed(f'no kernel {prefix} ({flavour}) in {" ".join(suites)}')
        archive.apt('apt-get', '-qq', 'download', *archive.packages_of(release, flavour),
                    cwd=scratch)
        unpack(list(pathlib.Path(scratch).glob('*.deb')), folder / f'{release}-{flavour}')
    return folder / f'{release}-{flavour}'
