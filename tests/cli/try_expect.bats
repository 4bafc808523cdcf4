#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets stderr, output and lines
# try --expect: what counts as worse, each alone, with guests that say what an
# init would; and files that are no table.

setup_file() {
	load common
	export GUESTS=$BATS_FILE_TMPDIR TABLE=$BATS_FILE_TMPDIR/before.json
	cd "$GUESTS" || return
	make_images
	make_guest echo
	say_init 'log=4 usb 1-2: device descriptor read, error -71' \
		'log=3 BUG at ffff888012345678, bad+0x12/0x34' 'log=4 tsc: 100 ms lost' | make_speaker before
	try_one "$GUESTS/before" >"$TABLE"
}

setup() {
	load common
	cd "$BATS_TEST_TMPDIR" || return
}

# say_init LINE...: what the built-in init says of a start that went well; LINEs in front of the rest.
say_init() {
	printf 'paraboot-init: %s\n' "$@" cpus=2 memory_kb=60000 initrd=ok "done"
}

# try_one IMAGE OPTION...: its one row.
try_one() {
	timeout 120 "$PARABOOT" try --json --engine qemu --timeout 30 -m 64M -c 2 -e linux64 -u host "${@:2}" "$1"
}

# worse STATUS LINE...: a guest that says what standard input does, against the table: these lines, and no other.
worse() {
	local wanted=$1
	shift
	make_speaker now
	run --separate-stderr try_one now --expect "$TABLE"
	printf '%s\n' "status $status" "${stderr_lines[@]}"
	((status == wanted)) && diff <((($#)) && printf 'paraboot: linux64 host qemu: %s\n' "$@") <(printf '%s' "${stderr:+$stderr$'\n'}")
}

# edited FILTER: the table, through jq.
edited() {
	jq "$1" "$TABLE" >edited.json
}

@test "the same again: nothing got worse" {
	worse 0 <"$GUESTS/before.words"
}

@test "other numbers, other clocks, less said: nothing got worse" {
	say_init 'log=4 usb 3-12: device descriptor read, error -110' 'log=3 BUG at 0xdeadbeef, bad+0xff/0x100' \
		'log=4 tsc: Unable to calibrate against PIT' 'log=4 clocksource: what it says' | worse 0
	say_init | worse 0
}

@test "a new warning" {
	say_init 'log=4 brand new' | worse 1 'a new warning: brand new'
}

@test "a word that could be a hexadecimal number, but is another word" {
	say_init 'log=3 BUG at ffff888012345678, add+0x12/0x34' | worse 1 \
		'a new warning: BUG at ffff888012345678, add+0x12/0x34'
}

@test "a warning that is there once more" {
	say_init 'log=4 usb 1-2: device descriptor read, error -71' 'log=4 usb 1-3: device descriptor read, error -71' |
		worse 1 'a new warning: usb 1-3: device descriptor read, error -71'
}

@test "a warning that would drive the terminal" {
	say_init $'log=4 \e]0;title\a' | worse 1 'a new warning: \x1b]0;title\x07'
}

@test "fewer processors, less memory: in a machine of the same size only" {
	say_init cpus=1 | sed '/cpus=2/d' | worse 1 'cpus: 2 before, 1 now'
	say_init | sed 's/=60000/=50000/' | worse 1 'memory_kb: 60000 before, 50000 now'
	say_init | sed 's/=60000/=59000/' | worse 0
	make_speaker fewer < <(say_init cpus=1 | sed '/cpus=2/d; s/=60000/=50000/')
	edited '.cpus = 3'
	run -0 --separate-stderr try_one fewer --expect edited.json
	edited '.memory_kb = 1'
	run -0 --separate-stderr try_one fewer --expect edited.json
}

@test "what started does not, by its last words" {
	head -n 3 "$GUESTS/before.words" | worse 1 \
		'started before, does not now: before its init: powered off; last line: paraboot-init: log=4 tsc: 100 ms lost'
}

@test "what started is not possible with this image any more" {
	edited '.starts[0] |= (.unpack = "guest")'
	run -1 --separate-stderr try_one "$GUESTS/before" -u guest --expect edited.json
	[[ $stderr == "paraboot: linux64 guest qemu: started before, does not now: "*": the image has no such entry point" ]]
}

@test "a row that the table does not have any more" {
	edited '.starts[0] |= (.entry = "linux16" | .unpack = "guest" | .engine = "kvm")'
	PARABOOT_QEMU=/nowhere run -1 --separate-stderr \
		"$PARABOOT" try -e linux16 --expect edited.json "$IMAGES/good/bz-2.15"
	[[ $stderr == "paraboot: linux16 guest kvm: started before, does not now: there is no such row" ]]
}

@test "what cannot be tried here is told, and not worse" {
	PARABOOT_QEMU=/nowhere run -0 --separate-stderr try_one "$GUESTS/before" --expect "$TABLE"
	[[ $stderr == "paraboot: linux64 host qemu: started before, cannot be tried here: "* ]]
}

@test "what did not start before, and rows that the options leave out, are not compared" {
	edited '.starts[0].outcome = "failed"'
	say_init 'log=4 brand new' | make_speaker now
	run -0 --separate-stderr try_one now --expect edited.json
	edited '.starts[0].entry = "pvh"'
	run -0 --separate-stderr try_one now --expect edited.json
	[[ ! $stderr ]]
}

# --- Files that are no table -----------------------------------------------------

# refused FILE GLOB: before anything starts, in one line.
refused() {
	PARABOOT_QEMU=/nowhere fails 2 "$1: $2" try --json --expect "$1" "$GUESTS/echo"
}

@test "no file, or none that has an end" {
	refused none '*No such file or directory'
	refused . 'is not a regular file'
	refused /dev/zero 'is not a regular file'
	mkfifo fifo
	refused fifo 'is not a regular file'
	truncate -s 100M large
	refused large '104857600 bytes: too large for a table of starts (limit 67108864)'
}

@test "no JSON" {
	: >empty
	refused empty 'line 1: *'
	printf '{\n"starts": 1,\n' >"cut"
	refused cut 'line *'
	printf '\e[31m' >escape
	refused escape 'line 1: *\\x1b*'
	printf '{"starts":\0 []}' >nul
	refused nul 'line 1: *'
	head -c 100000 /dev/zero | tr '\0' '[' >deep
	refused deep 'line 1: *'
	head -c 4096 /dev/urandom >noise
	refused noise 'line *'
}

@test "JSON, but no table" {
	local other
	for other in '{"starts": {}}' '[]' '[{}]' '{}' '{"starts": null}'; do
		echo "$other" >other
		refused other 'starts: is not there; not made by try --json'
	done
	echo '{"starts": []}' >none-in-it
	refused none-in-it 'starts: has no row to compare with'
	paraboot info --json "$GUESTS/echo" >info
	refused info 'starts: is not there; not made by try --json'
}

@test "a table, but a member of a row is not what it has to be" {
	local key value
	while IFS='=' read -r key value; do
		edited ".starts[0].$key = $value"
		refused edited.json "starts[[]0].$key: *: not what try --json prints"
		edited "del(.starts[0].$key)"
		refused edited.json "starts[[]0].$key: is not there; not made by try --json"
	done <<-'EOF'
		entry="linux65"
		entry=null
		entry=1
		unpack="nobody"
		unpack={"host":1}
		engine="xen65"
		engine=false
		outcome="running"
		outcome="great"
		init="text"
		warnings=["one", 2]
		warnings="one"
	EOF
	edited '.starts[0].entry = ("x" * 100000)'
	refused edited.json 'starts[[]0].entry: "xxxxxxxxxx*: not what try --json prints'
	edited '.starts = [.starts[0], 7]'
	refused edited.json 'starts[[]1].entry: is not there*'
}
