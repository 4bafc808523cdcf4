#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # bats sets stderr; "$1" is for the inner shell
# try: its options and its table, with images that start nowhere or only echo.
# That it tells good kernels from broken ones is for tests/try.

setup_file() {
	load common
	make_images
	make_guest echo
}

setup() {
	load common
	cd "$BATS_TEST_TMPDIR" || return
	echo_guest=$BATS_FILE_TMPDIR/echo
}

@test "what run and plan take, and a table of ways cannot" {
	fails 2 "-i: no such option*" try -i initrd image
	fails 2 "--no-initrd: no such option*" try --no-initrd image
	fails 2 "--ram: no such option*" try --ram 0:1M image
	fails 2 "-o: no such option*" try -o file image
	fails 2 "-v: no such option*" try -v image
}

@test "values that are none" {
	local option
	for option in --engine=auto --engine=file --engine=xen --jobs=0 --jobs=x --timeout=0 --timeout=1m --entry=efi --unpack=all; do
		fails 2 "${option%=*}: not a valid value: ${option#*=} (wanted: *)" try "$option" image
	done
	for option in -j -t -e -u --engine --expect; do
		fails 2 "$option: needs an argument" try image "$option"
	done
}

@test "rows that there are none of" {
	fails 2 "try: there is no such row*" try -e linux16 -u host "$echo_guest"
	fails 2 "try: there is no such row*" try -e linux16 --engine kvm "$echo_guest"
}

@test "an earlier table that is none is found out before anything starts" {
	fails 2 "none: *No such file or directory*" try --expect none "$echo_guest"
	: >empty
	fails 2 "empty: line 1: *" try --expect empty "$echo_guest"
	printf '{\n"starts": 1,\n' >cut
	fails 2 "cut: line *" try --expect cut "$echo_guest"
	echo '{"starts": {}}' >other
	fails 2 "other: starts: is not there*" try --expect other "$echo_guest"
	paraboot info --json "$echo_guest" >info
	fails 2 "info: starts: is not there*" try --expect info "$echo_guest"
}

@test "an image that no machine starts: every row says why, and that is no failure" {
	run -0 --separate-stderr paraboot try --json -e lguest "$echo_guest"
	jq -e '[.starts[] | .outcome] == ["not possible", "not possible"]' <<<"$output"
	jq -e 'all(.starts[]; .engine == null and .init == null and .end == null and .crash == null)' <<<"$output"
	diff <(jq '.starts[].reason' <<<"$output") <(paraboot info --json "$echo_guest" | jq '.entries.lguest.unpack | .host, .guest | .reason')
}

@test "a machine without QEMU: each row says so" {
	run -0 --separate-stderr env PATH=/nonexistent "$PARABOOT" try --engine qemu --json -e linux64 -u host "$echo_guest"
	jq -e '.starts[0] | .outcome == "cannot here" and (.reason | test("qemu-system-x86_64"))' <<<"$output"
}

# What the guest does not do is power off, nor has it an init.
@test "a start that hangs is a failed row, with its last line" {
	run -1 --separate-stderr timeout 120 "$PARABOOT" try --engine qemu --timeout 4 -m 64M -e linux64 -u host "$echo_guest"
	[[ ${lines[1]} == "linux64   host   qemu  failed "*"before its init: timed out: after 4.0 s; last line: ready" ]]
	[[ ${lines[2]} == "0 started, 1 failed, 0 not possible with this image, 0 cannot be tried here" && ! $stderr ]]
}
