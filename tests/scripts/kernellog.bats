#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The comparer of kernel logs: what it calls the same, and that it can fail.

setup() {
	COMPARE=$BATS_TEST_DIRNAME/../lib/kernellog.py
	cd "$BATS_TEST_TMPDIR" || return 1
	log xen '4 cpu 1 spinlock event irq 11' '4 Grant table initialized'
}

# log FILE RECORD...: as the built-in init prints it.
log() {
	local file=$1 record
	shift
	{
		echo "[    0.1] what the kernel itself printed"
		for record; do
			echo "paraboot-init: log=$record"
		done
		echo "paraboot-init: warnings=$#"
		echo "paraboot-init: done"
	} >"$file"
}

@test "the same log, and one that lacks a record, are no difference" {
	log ours '4 Grant table initialized'
	"$COMPARE" xen xen
	"$COMPARE" xen ours
}

@test "irq numbers, addresses and times in the text do not count" {
	log xen '4 irq 11: nobody cared' '4 at 0xffff888012345678' '4 R13: ffffc90000013e70' '4 [    1.234567] inner'
	log ours '4 irq 7: nobody cared' '4 at 0xffff8880abcdef00' '4 R13: 0000000000000000' '4 [   77.000001] inner'
	"$COMPARE" xen ours
}

@test "a busy host's noise does not count" {
	log ours '4 Grant table initialized' '4 hrtimer: interrupt took 49497538 ns'
	"$COMPARE" xen ours
}

@test "a new record is told, with status 1" {
	log ours '4 cpu 1 spinlock event irq 11' '3 xen:events: BUG' '4 Grant table initialized'
	run "$COMPARE" xen ours
	[ "$status" = 1 ]
	[ "$output" = '3 xen:events: BUG' ]
}

@test "so is the same text at a worse level, and with another number" {
	log ours '2 Grant table initialized' '4 cpu 2 spinlock event irq 11'
	run "$COMPARE" xen ours
	[ "$status" = 1 ]
	[ "${#lines[@]}" = 2 ]
}

@test "so is a record that comes more often" {
	log ours '4 Grant table initialized' '4 Grant table initialized' '4 Grant table initialized'
	run "$COMPARE" xen ours
	[ "$status" = 1 ]
	[ "$output" = '4 Grant table initialized (2 times more)' ]
}

@test "a log that is not whole is neither: status 2" {
	log ours '4 Grant table initialized'
	grep -v 'done$' ours >cut.log
	run "$COMPARE" xen cut.log
	[ "$status" = 2 ]
	grep -v 'log=' ours >holey
	run "$COMPARE" xen holey
	[ "$status" = 2 ]
	run "$COMPARE" holey ours
	[ "$status" = 2 ]
	: >empty
	run "$COMPARE" xen empty
	[ "$status" = 2 ]
}

@test "the kept logs of the Xen lab are whole, and not each other's" {
	local logs=$BATS_TEST_DIRNAME/../lab/xen/logs log
	for log in "$logs"/*.log; do
		"$COMPARE" "$log" "$log"
	done
	run "$COMPARE" "$logs/amd64.log" "$logs/cloud.log"
	[ "$status" = 1 ]
}
