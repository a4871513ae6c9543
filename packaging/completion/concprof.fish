# SPDX-License-Identifier: BSD-2-Clause
# fish completion for concprof: made from its table of options, see packaging/gen

# The command's name, or none before it; then, where another program begins, the index of its first word.
function __concprof_state
@names 	set -l names
	set -l tokens (commandline -opc)
	set -l command none
	set -l value no
	for i in (seq 2 (count $tokens))
		if test $value = yes
			set value no
			continue
		end
		switch $tokens[$i]
			case --
				contains $command none run record
				and echo $command (math $i + 1)
				or echo $command
				return
@fish-values 			case
				set value yes
			case '-*'
				continue
			case '*'
				if test $command = none; and contains -- $tokens[$i] (string split ' ' $names)
					set command $tokens[$i]
				else if contains $command none run record
					echo $command $i
					return
				end
		end
	end
	echo $command
end

function __concprof_in # COMMAND...: it is one of these, and no other program has begun
	contains -- (__concprof_state) $argv
end

function __concprof_has_program
	string match -q '* *' (__concprof_state)
end

function __concprof_program
	set -l state (string split ' ' (__concprof_state))
	set -l tokens (commandline -opc)
	complete -C(string join -- ' ' (string escape -- $tokens[$state[2]..-1]) (commandline -ct))
end

function __concprof_begins_program # here, as a program may be called without the -- before it
@names 	set -l names
	__concprof_in run record
	and return
	__concprof_in none
	and not string match -q -- (commandline -ct)'*' (string split ' ' $names)
end

function __concprof_format
@fish-formats
	true
end

function __concprof_color
@colors 	string split ' '
end

function __concprof_user
	__fish_complete_users
end

function __concprof_pids
	__fish_complete_list , __fish_complete_pids
end

function __concprof_folder
	__fish_complete_directories (commandline -ct)
end

complete -c concprof -f
@fish-commands
@fish-options
complete -c concprof -n '__concprof_in report diff' -F
complete -c concprof -n '__concprof_in why' -x -a '(__concprof_pids)'
complete -c concprof -n __concprof_has_program -x -a '(__concprof_program)'
complete -c concprof -n __concprof_begins_program -x -a '(__fish_complete_command)'
