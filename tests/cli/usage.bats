#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # bats sets stderr; "$1" is for the inner shell
# The command line itself: help, versions, and each wrong option.

setup() {
	load common
}

@test "--help lists every subcommand" {
	run -0 paraboot --help
	for command in $COMMANDS; do
		[[ $output == *$'\n'"  $command "* ]]
	done
}

@test "--version" {
	run -0 paraboot --version
	[[ $output =~ ^paraboot\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "every subcommand has --help and -h, on standard output" {
	for command in $COMMANDS; do
		run -0 --separate-stderr paraboot "$command" --help
		[[ $output == "usage: paraboot $command [OPTION]... IMAGE"* && ! $stderr ]]
		long=$output
		run -0 paraboot "$command" -h
		[[ $output == "$long" ]]
	done
}

@test "every subcommand's options are in its man page, and no others" {
	for command in $COMMANDS; do
		diff <(paraboot "$command" --help | grep -oE -- '^  (-.,|   ) --[a-z0-9-]+' | grep -oE -- '--.*' | sort) \
			<(sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/--\1/p' "$BATS_TEST_DIRNAME/../../man/paraboot-$command.1" | sort) || {
			[[ $command == run ]] # says that plan's options are its own, too
			diff <(paraboot run --help | grep -oE -- '^  (-.,|   ) --[a-z0-9-]+' | grep -oE -- '--.*' | sort) \
				<(sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/--\1/p' "$BATS_TEST_DIRNAME"/../../man/paraboot-{plan,run}.1 | grep -Ev "json|ring0" | sort -u)
		}
	done
}

@test "no subcommand, or one that does not exist" {
	fails 2 "COMMAND: is missing*"
	fails 2 "frobnicate: no such command*" frobnicate
	fails 2 "--frobnicate: no such command*" --frobnicate
}

@test "no image, or two of them" {
	for command in $COMMANDS; do
		fails 2 "$command: needs an IMAGE*" "$command"
		fails 2 "b: one IMAGE is enough" "$command" a b
	done
}

@test "an unknown option, long or short, in any company" {
	for command in $COMMANDS; do
		fails 2 "--frobnicate: no such option*" "$command" --frobnicate image
		fails 2 "-Z: no such option*" "$command" -Z image
		fails 2 "-Z: no such option*" "$command" image -Zx
	done
	fails 2 "-Z: no such option*" info --json -Z image
	fails 2 "--json: no such option*" unpack --json image
}

@test "an option without its argument, and an argument where none is wanted" {
	for option in -e -u -m -c -i -a --entry --unpack --memory --cpus --initrd --append --kaslr --ram --engine; do
		fails 2 "$option: needs an argument" plan image "$option"
	done
	fails 2 "-o: needs an argument" unpack image -o
	fails 2 "--timeout: needs an argument" run image --timeout
	fails 2 "--json=1: takes no argument" info --json=1 image
}

# refused OPTION VALUE...: each of them, in one line that shows it.
refused() {
	local option=$1 value
	shift
	for value; do
		fails 2 "$option: not a valid value: $value (wanted: *)" run "$option=$value" image
	done
}

@test "values that are none" {
	refused --memory 0 12x 1.5G 512MB -1 +1 ' 1' 1K1 0x 0xg 0x0x5 018446744073709551616 16777216T
	refused --cpus 0 -1 x 4294967296 1K
	refused --timeout 0 -1 x 1m 99999999999
	refused --entry linux linux65 LINUX64 xen
	refused --unpack both HOST
	refused --kaslr yes 0x10000000000000000 on1
	refused --ram 0 0: :1 0:1: 0:1:rom 0:1:ram:x x:1
	refused --ram "$(printf '0:%0100d' 1)"
}

@test "a number out of range: the option, the value and the limits" {
	fails 2 "--cpus: not a valid value: 0 (wanted: N; at least 1; engine kvm gives at most 64, qemu 255, xen 128)" run -c 0 image
	fails 2 "--timeout: not a valid value: 2147484 (wanted: SECONDS; a number from 1 to 2147483)" try -t 2147484 image
	fails 2 "--jobs: not a valid value: 1025 (wanted: N; a number from 1 to 1024)" try -j 1025 image
	fails 2 "--memory: not a valid value: 0 (wanted: SIZE; a number from 1 to 18446744073709551615)" plan -m 0 image
	fails 2 "--subarch: not a valid value: 4294967296 (wanted: *; a number from 0 to 4294967295)" plan --subarch 4294967296 image
	fails 2 "--set: not a valid value: a=18446744073709551616 (wanted: FIELD=VALUE; a number from 0 to 18446744073709551615)" \
		pack --set a=18446744073709551616 image
}

@test "values of every form" {
	local at
	at=$BATS_TEST_TMPDIR/none
	for memory in 1 512M 512m 8G 0x20000000 0X10 1T 16777215T; do
		fails 2 "$at: No such file or directory" plan --ram 0:1M -m "$memory" "$at"
	done
	for ram in 0:640K 0x100000:0x1ff00000:ram 4G:4G:reserved 1M:1M:acpi 2M:4K:nvs; do
		fails 2 "$at: No such file or directory" plan --ram "$ram" "$at"
	done
	for kaslr in on off 0 18446744073709551615 0xffffffffffffffff; do
		fails 2 "$at: No such file or directory" plan --ram 0:1M --kaslr "$kaslr" "$at"
	done
}

@test "an image that is missing, a directory, empty, a device, text" {
	local at=$BATS_TEST_TMPDIR command words
	: >"$at/empty"
	echo hello >"$at/text"
	for command in $COMMANDS; do
		words=("$command")
		[[ $command == pack ]] && words+=(-o "$at/packed")
		fails 2 "$at/none: No such file or directory" "${words[@]}" "$at/none"
		fails 2 "$at: a directory: is not a kernel image*" "${words[@]}" "$at"
		fails 2 "$at/empty: an empty file: is not a kernel image*" "${words[@]}" "$at/empty"
		fails 2 "/dev/null: *: is not a kernel image*" "${words[@]}" /dev/null
		fails 2 "$at/text: a text file: is not a kernel image*" "${words[@]}" "$at/text"
	done
	[[ ! -e $at/packed ]]
}

@test "a FIFO nobody writes to is no image, and no reason to wait" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	fails 2 "$BATS_TEST_TMPDIR/fifo: *: is not a kernel image*" info "$BATS_TEST_TMPDIR/fifo"
}

@test "a name that would drive the terminal is shown escaped, on one line" {
	fails 2 "*/a\\\\x0ab\\\\x1b\[31m: No such file or directory" info "$BATS_TEST_TMPDIR/"$'a\nb\e[31m'
	fails 2 "--memory: not a valid value: \\\\x1b\[m (wanted: SIZE*" plan -m $'\e[m' image
}

@test "standard output that cannot be written" {
	run --separate-stderr bash -c '"$1" --help >/dev/full' - "$PARABOOT"
	[[ $status == 3 && $stderr == "paraboot: standard output: No space left on device" ]]
	run --separate-stderr bash -c '"$1" --help >&-' - "$PARABOOT"
	[[ $status == 3 && $stderr == "paraboot: standard output: Bad file descriptor" ]]
}
