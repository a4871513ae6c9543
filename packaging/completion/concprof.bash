# SPDX-License-Identifier: BSD-2-Clause
# bash completion for concprof: made from its table of options, see packaging/gen

_concprof_value() { # OPTION: what its value is, in kind
	case $1 in
@kinds
	*) kind= ;;
	esac
}

_concprof_operand() { # COMMAND: what stands behind its options, in kind
	case $1 in
@operands
	*) kind=name ;;
	esac
}

_concprof_options() { # COMMAND: its options, in words
	case $1 in
@bash-options
	esac
}

_concprof_formats() { # COMMAND: what its --format takes, in words
	case $1 in
@bash-formats
	esac
}

_concprof_letters() { # WORD, as -o or -qo: what the value is that follows it, in kind
	local i
	for ((i = 1; i < ${#1}; i++)); do
		_concprof_value "-${1:i:1}"
		[[ -z $kind ]] && continue
		((i == ${#1} - 1)) || kind= # -oFILE
		return
	done
}

_concprof_complete() { # KIND COMMAND CURRENT, in COMPREPLY
	local words='' list=''
@names 	local names=
@colors 	local colors=
	case $1 in
	name) mapfile -t COMPREPLY < <(compgen -W "$names" -- "$3") ;;
	color) mapfile -t COMPREPLY < <(compgen -W "$colors" -- "$3") ;;
	user) mapfile -t COMPREPLY < <(compgen -u -- "$3") ;;
	format)
		_concprof_formats "$2"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$3")
		;;
	pids)
		[[ $3 == *,* ]] && list=${3%,*},
		mapfile -t COMPREPLY < <(cd /proc && compgen -P "$list" -G "${3##*,}*" -X '!+([0-9])')
		;;
	file | folder)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen "-${1:0:1}" -- "$3")
		;;
	esac
}

_concprof_command() { # INDEX: another program begins there
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$1"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		compopt -o default 2>/dev/null
	fi
}

_concprof() {
	local current=${COMP_WORDS[COMP_CWORD]} command='' kind='' rest='' words='' word i
@names 	local names=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $kind ]]; then # its value
			[[ $word == = ]] || kind=
		elif [[ -z $rest && $word == -- ]]; then
			_concprof_operand "$command"
			[[ $kind != name && $kind != command ]] || { _concprof_command $((i + 1)); return; }
			kind='' rest=1
		elif [[ -z $rest && $word == --* ]]; then
			_concprof_value "$word"
		elif [[ -z $rest && $word == -?* ]]; then
			_concprof_letters "$word"
		elif [[ -z $command && " $names " == *" $word "* ]]; then
			command=$word
		else
			_concprof_operand "$command"
			[[ $kind != name && $kind != command ]] || { _concprof_command "$i"; return; }
			kind=
		fi
	done
	if [[ -z $kind && -z $rest && $current == -* ]]; then
		_concprof_options "$command"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi
	[[ $current == = ]] && current= # --format=
	[[ -n $kind ]] || _concprof_operand "$command"
	[[ $kind != command ]] || { _concprof_command "$COMP_CWORD"; return; }
	_concprof_complete "$kind" "$command" "$current"
	# A program may be called without the -- before it.
	[[ $kind != name || ${#COMPREPLY[@]} -gt 0 ]] || _concprof_command "$COMP_CWORD"
}

complete -F _concprof concprof
