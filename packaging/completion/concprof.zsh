#compdef concprof
# SPDX-License-Identifier: BSD-2-Clause
# Made from concprof's table of options, see packaging/gen.

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

_concprof_specs() { # COMMAND: its options, in specs
	case $1 in
@zsh-options
	esac
}

_concprof_format() {
	local -a rows
	case $command in
@zsh-formats
	esac
	_describe -t formats format rows "$@"
}

_concprof_name() {
	local -a rows
@zsh-commands 	rows=
	_describe -t commands command rows "$@"
}

_concprof_color() {
@colors 	local colors=
	compadd "$@" -- ${=colors}
}

_concprof_file() { _files "$@" }
_concprof_folder() { _files -/ "$@" }
_concprof_user() { _users "$@" }
# _pids knows those of this terminal alone.
_concprof_pids() { _sequence compadd "$@" - /proc/<->(/N:t) }
_concprof_nothing() { _message value }
_concprof_elsewhere() { return 1 } # see the end of _concprof

_concprof_letters() { # WORD, as -o or -qo: what the value is that follows it, in kind
	local i
	for ((i = 2; i <= ${#1}; i++)); do
		_concprof_value "-${1[i]}"
		[[ -z $kind ]] && continue
		((i == ${#1})) || kind= # -oFILE
		return
	done
}

_concprof_command() { # INDEX: another program begins there
	words=("${(@)words[$1,-1]}")
	((CURRENT -= $1 - 1))
	_normal
}

_concprof() {
	local command= kind= rest= word i
	local -a specs
@names 	local names=
	for ((i = 2; i < CURRENT; i++)); do
		word=$words[i]
		if [[ -n $kind ]]; then # its value
			kind=
		elif [[ -z $rest && $word == -- ]]; then
			_concprof_operand "$command"
			[[ $kind != (name|command) ]] || { _concprof_command $((i + 1)); return }
			kind= rest=1
		elif [[ -z $rest && $word == --* ]]; then
			_concprof_value "$word"
		elif [[ -z $rest && $word == -?* ]]; then
			_concprof_letters "$word"
		elif [[ -z $command && -n $word && " $names " == *" $word "* ]]; then
			command=$word
		else
			_concprof_operand "$command"
			[[ $kind != (name|command) ]] || { _concprof_command $i; return }
			kind=
		fi
	done
	if [[ -n $kind || (-z $rest && $words[CURRENT] == -*) ]]; then
		_concprof_specs "$command"
		_arguments -S -s : $specs '*: :_concprof_elsewhere'
		return
	fi
	_concprof_operand "$command"
	[[ $kind != command ]] || { _concprof_command $CURRENT; return }
	_concprof_$kind && return
	# A program may be called without the -- before it.
	[[ $kind != name ]] || _concprof_command $CURRENT
}

_concprof "$@"
