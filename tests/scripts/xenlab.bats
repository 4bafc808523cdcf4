#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The Xen lab's own script, with a QEMU that only writes what it is told to: what
# becomes of results, and what is said of a lab that ends early.

setup() {
	LAB=$BATS_TEST_DIRNAME/../lab/xen/lab
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p bin store/xen store/dom0 one two
	: >store/dom0/vmlinuz
	: >store/dom0/xenfs.ko
	: >store/xen/base.cpio
	: >store/xen/xen.elf
	echo true >one/run
	echo true >two/run
	export PATH=$PWD/bin:$PATH PARABOOT_XEN_LAB=$PWD/store
	cat >bin/qemu-system-x86_64 <<-'END'
		#!/bin/bash
		echo "$@" >arguments
		files=()
		while (($#)); do
			[[ $1 == -serial ]] && files+=("${2#file:}")
			[[ $1 == -initrd ]] && cp "${2##*,}" packed.cpio
			shift
		done
		cat console.in >"${files[0]}" && cat results.in >"${files[1]}"
		[ ! -e errors.in ] || cat errors.in >&2
		[ ! -e slow ] || sleep 20
	END
	chmod +x bin/qemu-system-x86_64
	echo "(XEN) Xen version" >console.in
	: >results.in
}

@test "each scenario's results and files stand in its own folder" {
	printf '%s\n' 'lab: ready' 'lab: begin one' 'a' 'lab: file log' '|x' '|lab: end one 7' 'lab: end of file' 'b' 'lab: end one 0' \
		'lab: begin two' 'c' 'lab: end two 0' 'lab: done' >results.in
	"$LAB" out one two
	[ "$(cat out/one/results)" = $'a\nb' ]
	[ "$(cat out/one/log)" = $'x\nlab: end one 7' ]
	[ "$(cat out/two/results)" = c ]
}

@test "what the lab packs: init, words, modules, scenarios and their files" {
	printf '%s\n' 'lab: done' >results.in
	"$LAB" -f store/xen/xen.elf=one/deep/file out one two
	local path
	for path in init lab/words lab/modules/xenfs.ko lab/one/run lab/two/run lab/one/deep/file lab/scenarios; do
		cpio -t --quiet <packed.cpio | grep -qx "$path"
	done
	[ "$(grep -c icount arguments)" = 0 ]
	"$LAB" -i out one
	grep -q -- '-icount shift=0,sleep=off' arguments
	grep -q -- '-smp 1 ' arguments
}

@test "a scenario that fails: status 1" {
	printf '%s\n' 'lab: begin one' 'lab: end one 3' 'lab: begin two' 'lab: end two 0' 'lab: done' >results.in
	run "$LAB" out one two
	[ "$status" = 1 ]
}

# ends_early CAUSE: with status 125 and that in the one line.
ends_early() {
	run "$LAB" out one
	[ "$status" = 125 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == "lab: ended early: $1; see out/console" ]]
}

@test "an early end is told by its cause, the most telling first" {
	printf '%s\r\n' '(XEN) Latest ChangeSet' 'harmless' >console.in
	ends_early 'its last line was: harmless'
	echo 'qemu: could not load kernel' >errors.in
	ends_early 'qemu: could not load kernel'
	printf '%s\r\n' '[    2.5] Kernel panic - not syncing: No working init found.' >>console.in
	ends_early 'Kernel panic - not syncing: No working init found.'
	printf '%s\r\n' '(XEN) Panic on CPU 0:' '(XEN) no more memory' '(XEN) ****' >>console.in
	ends_early 'Panic on CPU 0: no more memory'
	printf '%s\r\n' 'lab: failed: dom0 could not' >results.in
	ends_early 'dom0 could not'
}

@test "a lab that is not done in time: status 124" {
	touch slow
	run "$LAB" -t 1 out one
	[ "$status" = 124 ]
}

@test "a folder without a run is no scenario, and without Xen there is no lab" {
	mkdir three
	run "$LAB" out three
	[ "$status" = 125 ]
	[[ $output == *'three is no scenario'* ]]
	rm store/xen/xen.elf
	run "$LAB" out one
	[ "$status" = 125 ]
	[[ $output == *'no Xen in'* ]]
}
