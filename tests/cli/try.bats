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

@test "an image that no machine starts: every row says why, and the status that nothing was shown" {
	run -2 --separate-stderr paraboot try --json -e lguest "$echo_guest"
	jq -e '[.starts[] | .outcome] == ["not possible", "not possible"]' <<<"$output"
	jq -e 'all(.starts[]; .engine == null and .init == null and .end == null and .crash == null)' <<<"$output"
	diff <(jq '.starts[].reason' <<<"$output") <(paraboot info --json "$echo_guest" | jq '.entries.lguest.unpack | .host, .guest | .reason')
}

@test "a damaged image is no good one: the rows that its damage is in have failed" {
	gzip -c "$echo_guest" >damaged
	printf 'xxxx' | dd of=damaged bs=1 seek=$(($(stat -c %s damaged) / 2)) conv=notrunc status=none
	run -1 --separate-stderr paraboot try --json damaged
	jq -e '.starts | map(select(.unpack == "host" and .entry != "linux16")) | length > 0 and
		all(.outcome == "failed" and (.reason | startswith("gzip: ")))' <<<"$output"
	TERM=xterm run -1 "$BATS_TEST_DIRNAME/table.py" 30x72 "$PARABOOT" try -e linux64 damaged
	[[ $output == *"linux64 host -: gzip: the compressed data is damaged"* ]]
}

@test "a program of UEFI that wraps a kernel is not what a BIOS starts, nor QEMU's loader" {
	run --separate-stderr paraboot try --json --engine qemu --timeout 1 -u guest "$IMAGES/good/uki-bz"
	jq -e '.starts | map(select(.engine == null and .reason != null) | .entry + ": " + .outcome) |
		index("linux16: not possible") != null and index("efi: cannot here") != null' <<<"$output"
}

@test "NULs of a serial port are no part of a line" {
	printf '\0\0paraboot-init: initrd=ok\n\0paraboot-init: done\n' | make_speaker nuls
	run -0 --separate-stderr timeout 60 "$PARABOOT" try --json --engine qemu -m 64M -e linux64 -u host nuls
	jq -e '.starts[0].init == {"initrd": "ok"}' <<<"$output"
}

@test "more than a machine gives: no row of it is started, and each says so" {
	local option said
	while read -r option said; do
		run -3 --separate-stderr paraboot try --json --engine qemu -e linux64 -u host "$option" "$echo_guest"
		jq -e --arg said "$said" '.starts[0] | .outcome == "cannot here" and (.reason | contains($said))' <<<"$output"
	done <<-'EOF'
		-c256 256 processors: engine qemu gives at most 255
		-m1M memory: 1048576 bytes
		-m100T memory: 109951162777600 bytes
	EOF
}

@test "a command line that is longer than the kernel takes, by every loader" {
	run -1 --separate-stderr paraboot try --json --engine qemu --timeout 30 -a "$(printf '%05000d' 0)" "$(a_kernel)"
	jq -e '[.starts[] | select(.engine != null)] | length >= 4 and
		all(.outcome == "failed" and (.reason | startswith("cmdline: is longer than the kernel takes")))' <<<"$output"
}

@test "the last line without what moves the cursor" {
	printf 'Shell> \e[1m\e[33m\e[0m\n\e[2J\e[01;01H\n' | make_speaker firmware
	run -1 --separate-stderr timeout 60 "$PARABOOT" try --json --engine qemu -m 64M -e linux64 -u host firmware
	jq -e '.starts[0].last_line == "Shell> "' <<<"$output"
}

@test "a machine without QEMU: each row says so" {
	run -3 --separate-stderr env PATH=/nonexistent "$PARABOOT" try --engine qemu --json -e linux64 -u host "$echo_guest"
	jq -e '.starts[0] | .outcome == "cannot here" and (.reason | test("qemu-system-x86_64"))' <<<"$output"
}

@test "a host short of files: no row of it is a failure of the image" {
	local limit short=0
	printf 'paraboot-init: initrd=ok\nparaboot-init: done\n' | make_speaker good
	for limit in {7..27..4}; do
		run --separate-stderr timeout 60 bash -c 'ulimit -n "$2"; exec "$1" try --json --engine qemu -m 64M -e linux64 -u host good' - "$PARABOOT" "$limit"
		if [[ $output ]]; then
			jq -e --argjson status "$status" 'all(.starts[]; .outcome == "started" and $status == 0 or
				$status == 3 and .outcome == "cannot here" and (.reason | contains("Too many open files")))' <<<"$output"
		else
			[[ $status == 3 && $stderr == "paraboot: good: "*"Too many open files" ]]
		fi
		short=$((short + status / 3))
	done
	((short > 2 && status == 0))
}

# What the guest does not do is power off, nor has it an init.
@test "a start that hangs is a failed row, with its last line" {
	run -1 --separate-stderr timeout 120 "$PARABOOT" try --engine qemu --timeout 4 -m 64M -e linux64 -u host "$echo_guest"
	[[ ${lines[1]} == "linux64   host   qemu  failed "*"before its init: timed out: after 4.0 s; last line: ready" ]]
	[[ ${lines[2]} == "0 started, 1 failed, 0 not possible with this image, 0 cannot be tried here" && ! $stderr ]]
}

@test "where the processor of a start that hangs was" {
	run -1 --separate-stderr timeout 120 "$PARABOOT" try --json --engine qemu --timeout 3 -c 2 -m 64M -e linux64 -u host "$echo_guest"
	jq -e '.starts[0].crash | test("^CPU#0\n[^#]*RIP=0000000001000") and test("\nCPU#1\n")' <<<"$output"
}

# --- The table ------------------------------------------------------------------

# on_terminal SIZE: the table of two rows, one not possible, one that fails after a while.
on_terminal() {
	run -1 "$BATS_TEST_DIRNAME/table.py" "$1" "$PARABOOT" try --engine qemu --timeout 3 -m 64M -e linux64 "$echo_guest"
	printf '%s\n' "${lines[@]}"
}

@test "a terminal with room gets a live table, and why a row failed in full" {
	TERM=xterm on_terminal 24x100
	[[ ${lines[0]} == live && ${lines[1]} == ENTRY* && ${#lines[@]} == 6 ]]
	[[ ${lines[2]} == "linux64   host   qemu  failed "*"before its init: timed out: after 3.0 s" && ${#lines[2]} -le 100 ]]
	[[ ${lines[3]} == "linux64   guest  -     not possible "* ]]
	[[ ${lines[4]} == "linux64 host qemu: before its init: timed out: after 3.0 s; last line: ready" ]]
	[[ ${lines[5]} == "0 started, 1 failed, 1 not possible with this image, 0 cannot be tried here" ]]
	TERM=xterm on_terminal 5x180
	[[ ${lines[0]} == live && ${#lines[@]} == 5 ]]
}

@test "a terminal without room, or that knows no escape sequences, gets plain lines" {
	local size
	for size in 4x100 24x60; do
		TERM=xterm on_terminal "$size"
		[[ ${lines[0]} == plain && ${#lines[@]} == 5 ]]
		[[ ${lines[2]} == *"not possible"* && ${lines[3]} == *"last line: ready" && ${lines[4]} == "0 started, 1 failed"* ]]
	done
	TERM=dumb on_terminal 24x100
	[[ ${lines[0]} == plain ]]
}

@test "a terminal made too small gets plain lines from then on" {
	TERM=xterm on_terminal 24x100,4x100
	[[ ${lines[0]} == live && ${lines[2]} == *" running "* && ${lines[4]} == *" failed "*"last line: ready" ]]
}

@test "a reader that goes away ends it, in one line" {
	run --separate-stderr bash -c '{ timeout 60 "$1" try --engine qemu --timeout 50 -m 64M -e linux64 "$2"; echo "status $?" >&2; } | true' - "$PARABOOT" "$echo_guest"
	[[ ${#stderr_lines[@]} == 2 && ${stderr_lines[0]} == "paraboot: standard output: "* && ${stderr_lines[1]} == "status 3" ]]
}

# --- Processes ------------------------------------------------------------------

# A QEMU that writes down its process id, and one that only writes down how many of it there are at a time.
make_qemus() {
	cat >qemu-noted <<-EOF
		#!/bin/sh
		echo \$\$ >>"$PWD/pids"
		exec qemu-system-x86_64 "\$@"
	EOF
	cat >qemu-counted <<-EOF
		#!/bin/sh
		: >"$PWD/running.\$\$"
		ls "$PWD" | grep -c ^running >>"$PWD/counts"
		sleep 0.5
		rm "$PWD/running.\$\$"
		exit 1
	EOF
	chmod +x qemu-noted qemu-counted
}

no_process() {
	! kill -0 "$1" 2>/dev/null
}

no_qemu() {
	local pid
	while read -r pid; do
		no_process "$pid" || return 1
	done <pids
}

# start_try SIGNALS...: with these as they are by default, which bash in the background would ignore; two
# rows at once, in a process group of their own. Sets pid.
start_try() {
	rm -f pids
	mkdir -p tmp
	TMPDIR=$PWD/tmp PARABOOT_QEMU=$PWD/qemu-noted setsid env "$1" "$PARABOOT" try --timeout 60 -m 64M -j 2 \
		-u guest --engine qemu "$(a_kernel)" >out 2>err 3>&- &
	pid=$!
	wait_for has_lines 2 pids
}

has_lines() {
	[[ -e $2 ]] && (($(wc -l <"$2") >= $1))
}

# ends_clean STATUS: with that status and no word, no QEMU and no file left.
ends_clean() {
	local status=0
	wait "$pid" || status=$?
	[[ $status == "$1" && ! -s err && ! $(ls tmp) ]] && wait_for no_qemu
}

@test "a signal ends it, and leaves no QEMU behind" {
	local signal pid
	make_qemus
	for signal in INT TERM HUP QUIT KILL; do
		start_try --default-signal
		kill -s "$signal" "$pid"
		ends_clean $((128 + $(kill -l "$signal")))
	done
}

@test "so does one to the whole group, as a terminal sends it" {
	local signal pid
	make_qemus
	for signal in INT TERM HUP QUIT; do
		start_try --default-signal
		kill -s "$signal" -- "-$pid"
		ends_clean $((128 + $(kill -l "$signal")))
	done
}

@test "Ctrl-C on a terminal" {
	make_qemus
	PARABOOT_QEMU=$PWD/qemu-noted "$BATS_TEST_DIRNAME/terminal.py" try "$PARABOOT" "$echo_guest"
	[[ -s pids ]] && wait_for no_qemu
}

@test "a signal that was ignored before stays ignored, by the rows too" {
	local pid
	make_qemus
	start_try --ignore-signal=HUP
	kill -s HUP -- "-$pid"
	sleep 1
	kill -s TERM "$pid"
	ends_clean 143
	(($(wc -l <pids) == 2))
}

@test "-j says how many at once" {
	make_qemus
	PARABOOT_QEMU=$PWD/qemu-counted run -1 "$PARABOOT" try --engine qemu -j 1 "$IMAGES/good/bz-2.15"
	(($(wc -l <counts) >= 4)) && [[ $(sort -u counts) == 1 ]]
	[[ $output == *" failed "*"ended before the guest began"* ]]
	rm counts
	PARABOOT_QEMU=$PWD/qemu-counted run -1 "$PARABOOT" try --engine qemu -j 4 "$IMAGES/good/bz-2.15"
	(($(sort -n counts | tail -n 1) > 1))
}

@test "no UEFI firmware: the row efi cannot be tried here" {
	make_qemus
	PARABOOT_OVMF=$PWD/none PARABOOT_QEMU=$PWD/qemu-counted run -1 --separate-stderr \
		"$PARABOOT" try --json --engine qemu -u guest "$IMAGES/good/bz-mz"
	jq -e '.starts[] | select(.entry == "efi") | .outcome == "cannot here" and (.reason | test("no UEFI firmware here .*ovmf"))' <<<"$output"
}
