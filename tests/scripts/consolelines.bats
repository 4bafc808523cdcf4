#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The comparer of kernels' consoles: what it calls the same, and that it can fail.

bats_require_minimum_version 1.5.0

setup() {
	COMPARE=$BATS_TEST_DIRNAME/../lib/consolelines.py
	cd "$BATS_TEST_TMPDIR" || return 1
	console one 'Linux version 6.1' 'Memory: 222988K/262144K available'
}

# console FILE LINE...: as the kernel and the built-in init print it.
console() {
	local file=$1
	shift
	{
		printf '[    0.123456] %s\r\n' "$@"
		echo "paraboot-init: done"
	} >"$file"
}

@test "numbers, times and what a busy host has printed do not count" {
	console other 'Linux version 6.1' 'hrtimer: interrupt took 7 ns' 'Memory: 217744K/262144K available'
	"$COMPARE" one one
	"$COMPARE" one other
}

@test "a line that one of them lacks is told, either way" {
	console other 'Linux version 6.1' 'Xen: using vcpuop timer interface'
	run -1 "$COMPARE" one other
	[[ $output == "- Memory: 222988K/262144K available"$'\n'"+ Xen: using vcpuop timer interface" ]]
}

@test "but for what was to be left out" {
	console other 'Linux version 6.1' 'Xen: using vcpuop timer interface'
	"$COMPARE" one other '^(Memory|Xen): '
}

@test "what has no end, or no kernel in it, is no console" {
	grep -v init one >kept
	run -2 "$COMPARE" one kept
	echo "paraboot-init: done" >empty
	run -2 "$COMPARE" empty one
}
