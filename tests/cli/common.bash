# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the tests use what is set here; bats sets stderr and stderr_lines
# What the command-line tests share. ./check sets PARABOOT, the command to test,
# PB_BUILD, the build that it is of, and PB_KERNELS, the real kernels.

bats_require_minimum_version 1.5.0

: "${PB_BUILD:=$BATS_TEST_DIRNAME/../../build}"
: "${PARABOOT:=$PB_BUILD/paraboot}"
: "${PB_KERNELS:=$BATS_TEST_DIRNAME/../../build/kernels}"
COMMANDS='info unpack pack plan run try'

# The images that the tests build, once for each file of tests: $IMAGES/good/NAME and $IMAGES/bad/NAME.
make_images() {
	export IMAGES=$BATS_FILE_TMPDIR/images
	"$PB_BUILD/tests/images/mkimages" "$IMAGES"
}

# make_guest NAME: $BATS_FILE_TMPDIR/NAME out of NAME.S.
make_guest() {
	gcc -nostdlib -static -Wl,-Ttext=0x1000000,--build-id=none -o "$BATS_FILE_TMPDIR/$1" "$BATS_TEST_DIRNAME/$1.S"
}

# make_speaker NAME: $PWD/NAME, a guest that says what standard input says, and powers off.
make_speaker() {
	cat >"$1.words"
	gcc -nostdlib -static -Wl,-Ttext=0x1000000,--build-id=none -DWORDS="\"$1.words\"" -o "$1" "$BATS_TEST_DIRNAME/words.S"
}

# a_kernel: one of the real ones.
a_kernel() {
	find -L "$PB_KERNELS" -maxdepth 1 -type f ! -name '.*' | sort | head -n 1
}

paraboot() {
	"$PARABOOT" "$@"
}

# fails STATUS GLOB ARGUMENT...: so does paraboot with these arguments, with nothing on
# standard output and one line like GLOB, behind the command's name, on standard error.
fails() {
	local wanted=$1 glob=$2
	shift 2
	run --separate-stderr "$PARABOOT" "$@"
	{
		echo "status $status, wanted $wanted; output: $output"
		echo "stderr: $stderr; wanted: paraboot: $glob"
	}
	# shellcheck disable=SC2053 # a glob on the right is what is wanted
	((status == wanted)) && [[ ! $output ]] && ((${#stderr_lines[@]} == 1)) && [[ $stderr == "paraboot: "$glob ]]
}

# wait_for COMMAND...: until it succeeds, for half a minute.
wait_for() {
	local end=$((SECONDS + 30))
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}
