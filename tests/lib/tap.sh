# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# TAP, as small as it can be: every single test is a line "ok" or "not ok",
# what explains a failure follows it in lines that begin with "#". Sourced.

ok() {
	printf 'ok - %s\n' "$*"
}

not_ok() {
	printf 'not ok - %s\n' "$*"
}

# check_that DESCRIPTION COMMAND...: one test; its output is shown if it fails.
check_that() {
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what"
		printf '%s\n' "$output" | tail -n 40 | sed 's/^/# /'
	fi
}

# tap_count FILE: "PASSED FAILED". A skip is a test that did not run: a failure.
tap_count() {
	awk '/^ok .*# *[Ss][Kk][Ii][Pp]/ { f++; next }
		/^ok / { p++ }
		/^not ok / { f++ }
		END { print p + 0, f + 0 }' "$1"
}

# tap_verdict STATUS FILE: the same of a program that ended so. One that ran no
# test failed, and so did one that died behind its last test.
tap_verdict() {
	local passed failed
	read -r passed failed < <(tap_count "$2")
	((passed + failed == 0)) && failed=1
	(($1 != 0 && failed == 0)) && failed=1
	printf '%s %s\n' "$passed" "$failed"
}
