#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # bats sets stderr; "$1" is for the inner shell
# run: its options, its terminal, and its exit statuses, with guests of a few
# instructions. That real kernels boot is for tests/boot.

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

# run_guest ARGUMENT...: with little memory and no initrd.
run_guest() {
	timeout 120 "$PARABOOT" run --no-initrd -m 64M "$@" "$echo_guest"
}

@test "-o is for the engine file, which needs it" {
	fails 2 "--output: is needed with --engine file" run --engine file "$echo_guest"
	fails 2 "--output: is for --engine file only" run -o domain "$echo_guest"
	fails 2 "engine: no engine has the name frobnicate" run --engine frobnicate "$echo_guest"
}

@test "--engine file writes a whole domain, or nothing" {
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
	paraboot run --engine file -o domain --no-initrd "$echo_guest"
	readelf -h domain | grep -q 'Type: *EXEC'
	readelf -n domain | grep -q Xen
	[[ $(ls -A) == domain ]]
	fails 2 "$IMAGES/bad/gz-*" run --engine file -o other "$(find "$IMAGES"/bad -name 'gz-*' ! -name '*-limit' | head -n 1)"
	fails 2 "none/domain: No such file or directory" run --engine file -o none/domain --no-initrd "$echo_guest"
	fails 2 "/dev/null: is no regular file, *" run --engine file -o /dev/null --no-initrd "$echo_guest"
	run --separate-stderr bash -c '"$1" run --engine file -o - --no-initrd "$2" | cat' - "$PARABOOT" "$echo_guest"
	[[ ! $output && $stderr == "paraboot: standard output: is no regular file, "* ]]
	[[ $(ls -A) == domain ]]
}

@test "a file system that gets full is what is said of a domain's file, and leaves nothing there" {
	run --separate-stderr unshare --map-root-user --mount bash -c 'mount -t tmpfs -o size=8k none "$3" &&
		"$1" run --engine file -o "$3/domain" "$2"; echo "status $?"; ls -A "$3"; ulimit -f 1
		"$1" run --engine file -o - "$2" >limited; echo "status $?"' \
		- "$PARABOOT" "$echo_guest" "$(mktemp -d "$BATS_TEST_TMPDIR/full.XXX")"
	[[ $output == $'status 3\nstatus 3' && ${#stderr_lines[@]} == 2 ]]
	[[ ${stderr_lines[0]} == "paraboot: $BATS_TEST_TMPDIR/full."*"/domain: room for the domain: No space left on device" ]]
	[[ ${stderr_lines[1]} == "paraboot: standard output: room for the domain: File too large" ]]
}

@test "what a message quotes of the command line or the environment stays on its line" {
	fails 2 "engine: no engine has the name a\\\\x0a\\\\x1b\[m" run --engine $'a\n\e[m' "$echo_guest"
	PARABOOT_ENGINES=$'/no\nne' fails 3 "engine: the module of engine xen: /no\\\\x0ane/*" run --engine xen "$echo_guest"
}

@test "a machine without QEMU: status 3" {
	run --separate-stderr env PATH=/nonexistent "$PARABOOT" run --engine qemu --no-initrd "$echo_guest"
	[[ $status == 3 && ${#stderr_lines[@]} == 1 ]]
}

@test "--engine xen: a module, asked for by name; where there is no Xen, status 3" {
	run --separate-stderr env PARABOOT_ENGINES="$PB_BUILD/engine/xen" "$PARABOOT" run --engine xen --no-initrd "$echo_guest"
	[[ $status == 3 && ${#stderr_lines[@]} == 1 && $stderr == "paraboot: engine: no Xen here, or not its dom0: "* ]]
	run --separate-stderr env PARABOOT_ENGINES=/nonexistent "$PARABOOT" run --engine xen --no-initrd "$echo_guest"
	[[ $status == 3 && ${#stderr_lines[@]} == 1 && $stderr == "paraboot: engine: the module of engine xen: /nonexistent/engine-xen.so: "* ]]
	fails 2 "--name: is for --engine xen only" run --name guest "$echo_guest"
	fails 2 "--keep: is for --engine xen only" run --keep --engine qemu "$echo_guest"
	fails 2 "--paused: is for --engine xen only" run --paused "$echo_guest"
}

@test "from pipe to pipe, bytes as they are, and a reboot is status 10" {
	run -10 --separate-stderr run_guest < <(printf 'abc\1x.')
	[[ $output == $'ready\nabc\1x' && $stderr == "paraboot: $echo_guest: rebooted" ]]
}

# timed_out COMMAND: that shell command for paraboot $1 with the guest $2 ends with --timeout: one
# line, and one block that says where the processor was.
timed_out() {
	run -124 --separate-stderr bash -c "$1" - "$PARABOOT" "$echo_guest"
	[[ ready == "$output"* && ${stderr_lines[0]} == "paraboot: $echo_guest: timed out"* ]] &&
		[[ ${stderr_lines[1]} == CPU#0 && $stderr == *RIP=0000000001000*CR3=* ]] &&
		(($(grep -c '^paraboot: ' <<<"$stderr") == 1))
}

@test "the end of standard input leaves the guest running, until --timeout: status 124" {
	timed_out '"$1" run --no-initrd -m 64M --timeout 4 "$2" </dev/null'
	timed_out '"$1" run --no-initrd -m 64M --timeout 4 "$2" <&-'
}

@test "a reader of the console that goes away ends the run, in one line" {
	run --separate-stderr bash -c '{ timeout 120 "$1" run --no-initrd -m 64M "$2"; echo "status $?" >&2; } </dev/null | true' - "$PARABOOT" "$echo_guest"
	[[ ${stderr_lines[*]} == "paraboot: $echo_guest: "*" status 130" && ${#stderr_lines[@]} == 2 ]]
}

@test "a reader that goes away ends the run of a guest that says nothing more" {
	run --separate-stderr bash -c '{ timeout 120 "$1" run --no-initrd -m 64M "$2"; echo "status $?" >&2; } </dev/null | head -n 1' - "$PARABOOT" "$echo_guest"
	[[ $output == ready && ${stderr_lines[*]} == "paraboot: $echo_guest: left: nobody reads its console status 130" ]]
}

@test "a crash is status 12, one line, and one block that says where the processor was" {
	run -12 --separate-stderr run_guest < <(printf '!')
	[[ $output == ready && ${stderr_lines[0]} == "paraboot: $echo_guest: crashed: triple fault: at RIP="* ]]
	[[ $(grep -c '^CPU#0' <<<"$stderr") == 1 && $stderr == *CR0=*CR3=* ]]
	(($(grep -c '^paraboot: ' <<<"$stderr") == 1))
}

@test "--verbose says what was started and how it ended" {
	run -10 --separate-stderr run_guest --verbose < <(printf .)
	[[ $stderr == *qemu-system-x86_64*rebooted* ]]
}

@test "Ctrl-A x leaves, Ctrl-A Ctrl-A is one, all other keys are the guest's" {
	"$BATS_TEST_DIRNAME/terminal.py" keys "$PARABOOT" "$echo_guest"
}

@test "the terminal is given back when the guest ends" {
	"$BATS_TEST_DIRNAME/terminal.py" guest "$PARABOOT" "$echo_guest"
}

@test "the terminal is given back on every signal" {
	local signal
	for signal in SIGINT SIGTERM SIGHUP SIGQUIT SIGUSR1 SIGALRM SIGABRT; do
		"$BATS_TEST_DIRNAME/terminal.py" "$signal" "$PARABOOT" "$echo_guest"
	done
}

@test "the terminal is given back when the time is over" {
	"$BATS_TEST_DIRNAME/terminal.py" timeout "$PARABOOT" "$echo_guest"
}

@test "a terminal that nobody reads keeps the run from no deadline" {
	{ echo ready && head -c 200000 /dev/zero | tr '\0' x; } | make_speaker loud
	"$BATS_TEST_DIRNAME/terminal.py" stalled "$PARABOOT" loud
	"$BATS_TEST_DIRNAME/terminal.py" mute "$PARABOOT" loud
}

@test "a terminal that goes away ends the run, with a signal or without" {
	"$BATS_TEST_DIRNAME/terminal.py" hangup "$PARABOOT" "$echo_guest"
	"$BATS_TEST_DIRNAME/terminal.py" deserted "$PARABOOT" "$echo_guest"
}

@test "a signal that was ignored before stays ignored" {
	local pid status=0
	env --ignore-signal=HUP "$PARABOOT" run --engine qemu --no-initrd -m 64M --timeout 60 "$echo_guest" <&- >out 2>err 3>&- &
	pid=$!
	wait_for grep -q ready out
	kill -s HUP "$pid"
	sleep 0.5
	kill -s TERM "$pid"
	wait "$pid" || status=$?
	((status == 130)) && [[ $(cat err) == "paraboot: $echo_guest: left: signal 15" ]]
}

@test "the terminal is the shell's while stopped or in the background" {
	"$BATS_TEST_DIRNAME/terminal.py" stop "$PARABOOT" "$echo_guest"
}
