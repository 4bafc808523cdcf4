# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of paraboot in bash. It knows no option by itself: `paraboot CMD
# --help` lists them, and says what follows each: nothing, a choice ("a|b|c"),
# FILE, or text of the user's own.

# _paraboot_rows COMMAND: of each option "-x" (or "-"), "--name" and what follows it.
_paraboot_rows() {
	"${COMP_WORDS[0]}" "$1" --help 2>/dev/null | awk '
		match($0, /^  (-[a-z],|   ) --[a-z0-9-]+/) {
			letter = substr($0, 3, 1) == "-" ? substr($0, 3, 2) : "-"
			n = split(substr($0, 7), word, " ")
			arg = substr($0, 7 + length(word[1]), 2) ~ /^ [^ ]/ ? word[2] : ""
			print letter, word[1], arg
		}'
}

# _paraboot_argument COMMAND OPTION: what follows that option.
_paraboot_argument() {
	_paraboot_rows "$1" | awk -v option="$2" '$1 == option || $2 == option { print $3 }'
}

# The word before the current one; of --name=VALUE, which bash splits, the name.
_paraboot_before() {
	local at=$((COMP_CWORD - 1))
	[[ ${COMP_WORDS[at]} == = ]] && at=$((at - 1))
	printf '%s\n' "${COMP_WORDS[at]}"
}

# _paraboot_complete WORDS: those that begin like the current word.
_paraboot_complete() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

_paraboot_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

_paraboot() {
	local command=${COMP_WORDS[1]-} current=${COMP_WORDS[COMP_CWORD]} argument=
	if ((COMP_CWORD == 1)); then
		_paraboot_complete "$("${COMP_WORDS[0]}" --help 2>/dev/null | awk '/^  [a-z-]/ { print $1 }')"
		return
	fi
	((COMP_CWORD > 2)) && argument=$(_paraboot_argument "$command" "$(_paraboot_before)")
	case $argument in
	*'|'*) _paraboot_complete "${argument//|/ }" ;;
	'' | FILE)
		if [[ ! $argument && $current == -* ]]; then
			_paraboot_complete "$(_paraboot_rows "$command" | awk '{ print $2 }')"
		else
			_paraboot_files
		fi
		;;
	*) COMPREPLY=() ;;
	esac
}

complete -F _paraboot paraboot
