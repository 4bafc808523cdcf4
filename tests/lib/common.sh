# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Words that every script here uses: saying, giving up, trying again. Sourced,
# never run. The one output format of tests is TAP (see docs/testing.md).

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# retry TIMES COMMAND...: with a pause that grows, for what goes over a network.
retry() {
	local times=$1 try
	shift
	for ((try = 1; ; try++)); do
		"$@" && return 0
		((try >= times)) && return 1
		sleep $((try * try * 2))
	done
}

# mib KIB: kilobytes, as apt and dpkg count, in the words of a person.
mib() {
	say "$((($1 + 1023) / 1024)) MB"
}
