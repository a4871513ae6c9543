# SPDX-License-Identifier: BSD-2-Clause
"""What bash, zsh and fish offer to complete a command line of concprof."""
import functools
import os
import re
import shutil
import subprocess

from harness import cases, equal, expect, needs, poll, without_bpf
from terminal import Terminal

CALM = True  # see run.py

COMMANDS = ('run', 'record', 'report', 'diff', 'why', 'attach', 'check')
END = '-- end --'
FORMATS = {'text', 'json', 'html', 'markdown', 'github', 'junit', 'openmetrics', 'csv', 'folded', 'pprof',
           'perfetto', 'recording'}

# A line, and all that fits it; or, behind a '+', what is among it. toy is a program with a completion
# of its own; the folder has base.rec and the program mine; PID is a process's.
LINES = (
    ('concprof --fo', '--format'),
    ('concprof re', 'record report'),
    ('concprof --lin', '--linger'),
    ('concprof --cgr', '--cgroup'),
    ('concprof report --lin', ''),
    ('concprof attach --cgr', '--cgroup'),
    ('concprof attach --v', '--verbose --version'),
    ('concprof -q record --as', '--as-root'),
    ('concprof --format ', ' '.join(FORMATS)),
    ('concprof report --format ', ' '.join(FORMATS - {'recording'})),
    ('concprof diff --format p', ''),
    ('concprof why --format ', 'text json'),
    ('concprof --format=js', 'json'),
    ('concprof --color ', 'auto always never'),
    ('concprof run -q --color a', 'auto always'),
    ('concprof -o b', 'base.rec'),
    ('concprof -qo b', 'base.rec'),
    ('concprof record -o b', 'base.rec'),
    ('concprof --json b', 'base.rec'),
    ('concprof report b', 'base.rec'),
    ('concprof report base.rec -o b', 'base.rec'),
    ('concprof diff base.rec --vs b', 'base.rec'),
    ('concprof -p PI', 'PID'),
    ('concprof attach --pid 1,PI', '1,PID'),
    ('concprof why PI', 'PID'),
    ('concprof -u ro', 'root'),
    ('concprof attach --cgroup fol', 'folder'),
    ('concprof attach rep', ''),
    ('concprof check b', ''),
    ('concprof -- to', '+ toy'),
    ('concprof -- toy al', 'alpha'),
    ('concprof toy al', 'alpha'),
    ('concprof -o run -- toy al', 'alpha'),
    ('concprof run -d 10 toy al', 'alpha'),
    ('concprof record -o base.rec -- toy --fo', '--folly'),
    ('concprof -- report --js', ''),
    ('concprof -- check b', 'base.rec'),
    ('concprof run ./mi', 'mine'),
)


def options_of(t):
    """By command, from --help: the options that it takes."""
    owners, found = COMMANDS[:-1], {name: set() for name in COMMANDS}
    text = subprocess.run([t.concprof, '--help'], capture_output=True, text=True, check=True).stdout
    for line in text.split('\n\n', 2)[2].split('\nFormats:')[0].splitlines():
        if line.startswith('Only of '):
            owners = re.findall(r'\b(?:' + '|'.join(COMMANDS) + r')\b', line)
        elif not line:
            owners = COMMANDS
        for name in re.findall(r'^  (?:-\w,|   ) (--[\w-]+)', line):
            for owner in owners:
                found[owner].add(name)
    return found


def prepare(t):
    """The folder in which completions are asked for; the pid of a process, and one that begins it."""
    (t.dir / 'here').mkdir()
    here = t.dir / 'here'
    (here / 'base.rec').touch()
    (here / 'folder').mkdir()
    (t.dir / 'bin').mkdir()
    for path in (here / 'mine', t.dir / 'bin' / 'toy', t.dir / 'bin' / 'concprof'):
        path.write_text('#!/bin/sh\n')
        path.chmod(0o755)
    return here, t.start(['sleep', '60']).pid


def environment(t, **more):
    """Nobody's own set-up."""
    return {**os.environ, 'HOME': str(t.dir), 'XDG_CONFIG_HOME': str(t.dir), 'ZDOTDIR': str(t.dir),
            'XDG_DATA_HOME': str(t.dir), 'XDG_CACHE_HOME': str(t.dir),
            'PATH': f"{t.dir}/bin:{os.environ['PATH']}", 'LC_ALL': 'C', 'TERM': 'vt100', **more}


def answers(text):
    """What is between the ends, a set for each line that was asked for: without descriptions, what
    stands before a value, and the slash of folders, which not all shells have there."""
    return [{line.split('\t')[0].rpartition('=')[2].strip().removeprefix('./').removesuffix('/')
             for line in part.splitlines()} - {''} for part in text.split(END + '\n')[:-1]]


BASH = r'''
source /usr/share/bash-completion/bash_completion
source "$1"
compopt() { :; } # it would say that nothing is being completed
_toy() { mapfile -t COMPREPLY < <(compgen -W 'alpha beta --folly' -- "$2"); }
complete -F _toy toy
while IFS= read -r COMP_LINE; do
	read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
	[[ $COMP_LINE != *' ' ]] || COMP_WORDS+=("")
	COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=() COMP_TYPE=9
	last=${COMP_WORDS[COMP_CWORD]}
	_concprof concprof "$last" "${COMP_WORDS[COMP_CWORD-1]}"
	printf '%s\n' "${COMPREPLY[@]}" '-- end --'
done
'''


def ask_bash(t, here, lines):
    """By calling its function, as the shell does."""
    needs(os.path.exists('/usr/share/bash-completion/bash_completion'), 'bash-completion')
    file = t.build / 'completion' / 'concprof.bash'
    done = subprocess.run(['bash', '--norc', '-c', BASH, 'bash', file], cwd=here, text=True,
                          input=''.join(f'{line}\n' for line in lines), capture_output=True,
                          check=False, timeout=60, env=environment(t))
    equal((done.returncode, done.stderr), (0, ''), done.stdout[-500:])
    return answers(done.stdout)


FISH = r'''
source $argv[1]
complete -c toy -f -a 'alpha beta'
complete -c toy -l folly
while read -l line
	complete -C $line
	echo '-- end --'
end
'''


def ask_fish(t, here, lines):
    """By its own command for that."""
    file = t.build / 'completion' / 'concprof.fish'
    done = subprocess.run(['fish', '--no-config', '-c', FISH, str(file)], cwd=here, text=True,
                          input=''.join(f'{line}\n' for line in lines), capture_output=True,
                          check=False, timeout=60, env=environment(t))
    equal((done.returncode, done.stderr), (0, ''), done.stdout[-500:])
    # Where nothing begins so it offers what has these letters somewhere.
    return [{word for word in answer if word.startswith(re.split('[ =/]', line)[-1])}
            for line, answer in zip(lines, answers(done.stdout))]


# What is offered goes to a file, and nothing is put into the line.
ZSH = r'''
PS1=
fpath=($FOUND $fpath)
autoload -U compinit
compinit -u -D
_toy() { [[ $PREFIX == -* ]] && compadd -- --folly || compadd alpha beta }
compdef _toy toy
compadd() {
	local -a hits
	[[ "${@[1,(i)(-|--)]}" == *-(O|A|D)\ * ]] || {
		builtin compadd -A hits "$@"
		print -rl -- $hits >>$ANSWERS
	}
	builtin compadd "$@"
}
nothing() {
	# One that fits is put into the line, unless something has told it not to be.
	((compstate[nmatches] != 1)) || [[ -n $compstate[insert] ]] ||
		print -r -- '(only listed)' >>$ANSWERS
	print -r -- '-- end --' >>$ANSWERS
	compstate[insert]= compstate[list]=
}
_ask() { comppostfuncs=(nothing); _main_complete; compstate[insert]= compstate[list]= }
zle -C ask complete-word _ask
bindkey '^I' ask
print -r -- '-- end --' >>$ANSWERS
'''


def ask_zsh(t, here, lines):
    """At a terminal: only there it completes."""
    (t.dir / 'found').mkdir()
    shutil.copy(t.build / 'completion' / 'concprof.zsh', t.dir / 'found' / '_concprof')
    (t.dir / '.zshrc').write_text(ZSH)
    said = t.dir / 'answers'
    said.touch()
    terminal = Terminal(t, ['zsh', '-d', '-i'], cwd=here, env=environment(
        t, FOUND=str(t.dir / 'found'), ANSWERS=str(said)))
    for count, line in enumerate(('', *lines), 1):
        if line:
            terminal.type(f'\x15{line}\t')
        poll(lambda count=count: said.read_text().count(END) >= count, f'zsh: {line!r}')
    terminal.type('\x15exit\n')
    equal(terminal.finish(), 0, terminal.seen)
    return answers(said.read_text())[1:]


@cases(('bash', ask_bash), ('zsh', ask_zsh), ('fish', ask_fish))
@without_bpf
def test_offers(t, shell, ask):
    """Of each place in a command line what belongs there; and each command's options."""
    needs(shutil.which(shell), shell)
    here, pid = prepare(t)
    filled = functools.partial(lambda text: text.replace('PID', str(pid)).replace('PI', str(pid)))
    asked = [(filled(line), filled(wanted)) for line, wanted in LINES]
    asked += [(f'concprof {name} --', ' '.join(options)) for name, options in options_of(t).items()]
    found = ask(t, here, [line for line, _ in asked])
    equal(len(found), len(asked), 'answers')
    for (line, wanted), answer in zip(asked, found):
        if shell == 'zsh':
            wanted = wanted.replace('1,', '')  # what comes before a comma stays where it is
        wanted, some = set(wanted.lstrip('+').split()), wanted.startswith('+')
        if not (wanted <= answer if some else wanted == answer):
            t.problems.append(f'{shell}: {line!r} gives {sorted(answer)}, not {sorted(wanted)}')
    expect(len(options_of(t)['run']) > 10, 'options of run')


@without_bpf
def test_bash_is_clean(t):
    """As shellcheck sees it; of the other shells' languages it knows nothing."""
    needs(shutil.which('shellcheck'), 'shellcheck')
    done = subprocess.run(['shellcheck', '-s', 'bash', t.build / 'completion' / 'concprof.bash'],
                          capture_output=True, text=True, check=False, timeout=60)
    equal((done.returncode, done.stdout), (0, ''), done.stderr)
