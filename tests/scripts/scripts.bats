#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What quickstart and check lean on: counting tests, copying apt's sources, and
# the tables of packages, builds, steps and boots.

bats_require_minimum_version 1.5.0

setup() {
	REPO=$BATS_TEST_DIRNAME/../..
	local part
	for part in common tap packages kernels debs userland extract xen builds steps; do
		# shellcheck source=/dev/null
		. "$REPO/tests/lib/$part.sh"
	done
	cd "$BATS_TEST_TMPDIR" || return 1
}

# counted LINE...: what tap_count makes of them.
counted() {
	printf '%s\n' "$@" >tap
	tap_count tap
}

@test "every ok and not ok counts" {
	[ "$(counted '1..3' 'ok 1 - a' 'not ok 2 - b' '# ok it is' 'ok - c')" = "2 1" ]
}

@test "a skip is a failure" {
	[ "$(counted 'ok 1 - a # SKIP no kvm' 'ok 2 # skip' 'ok 3 - b')" = "1 2" ]
}

@test "no test at all is a failure" {
	: >tap
	[ "$(tap_verdict 0 tap)" = "0 1" ]
}

@test "dying after the last test is a failure" {
	say 'ok - a' >tap
	[ "$(tap_verdict 139 tap)" = "1 1" ]
	[ "$(tap_verdict 0 tap)" = "1 0" ]
}

@test "check_that tells a failure's output" {
	run check_that "it works" sh -c 'echo because; exit 1'
	[ "${lines[0]}" = "not ok - it works" ]
	[ "${lines[1]}" = "# because" ]
}

@test "one-line sources: binary ones of any architecture, no CD-ROM, keys kept" {
	cat >sources.list <<-'END'
		# a comment
		deb cdrom:[Debian GNU/Linux 12]/ bookworm main
		deb http://mirror.example/debian bookworm main contrib
		deb [arch=amd64] http://mirror.example/debian bookworm-updates main
		deb [ arch=amd64,armhf signed-by=/k.gpg ] http://mirror.example/s bookworm-security main
		deb-src http://mirror.example/debian bookworm main
	END
	copy_list sources.list >copy
	[ "$(grep -c . copy)" = 3 ]
	grep -qx 'deb http://mirror.example/debian bookworm main contrib' copy
	grep -q 'signed-by=/k.gpg' copy
	[ -z "$(grep -E 'arch=|cdrom|deb-src' copy)" ]
}

@test "deb822 sources: binary ones of any architecture, several stanzas, keys kept" {
	cat >debian.sources <<-'END'
		# Debian
		Types: deb deb-src
		URIs: http://mirror.example/debian
		# a mirror
		Suites: bookworm
		 bookworm-updates
		Components: main
		architectures: amd64
		 arm64
		Signed-By:
		 -----BEGIN PGP PUBLIC KEY BLOCK-----
		 .
		 abc=
		 -----END PGP PUBLIC KEY BLOCK-----

		Types: deb
		Enabled: no
		URIs: http://other.example/
		Suites: bookworm
		Components: main
	END
	copy_deb822 debian.sources >copy
	[ "$(grep -cx 'Types: deb' copy)" = 2 ]
	[ -z "$(grep -iE 'deb-src|architectures|arm64' copy)" ]
	grep -qx ' bookworm-updates' copy
	grep -qx ' abc=' copy
	grep -qx 'Enabled: no' copy
}

@test "of a metapackage and the kernels behind it, the metapackage" {
	[ "$(printf '%s\n' linux-image-6.12.9+deb12-cloud-amd64 linux-image-6.12-cloud-amd64 | plainest)" = \
		linux-image-6.12-cloud-amd64 ]
	[ "$(printf '%s\n' linux-image-6.12.9+deb12-cloud-amd64 linux-image-6.12.10+deb12-cloud-amd64 | plainest)" = \
		linux-image-6.12.10+deb12-cloud-amd64 ]
}

@test "PARABOOT_KERNELS: every regular file is an image, and nothing is fetched" {
	mkdir kernels
	touch kernels/one "kernels/two three"
	mkdir kernels/folder
	ln -s one kernels/link
	export PARABOOT_KERNELS=$PWD/kernels
	export KERNEL_DIR=$PWD/kernels
	[ "$(kernel_images | wc -l)" = 2 ]
	export APT_DIR=$PWD/apt
	kernels_get amd64
	[ ! -e apt ]
}

@test "no package is asked for twice, and none that is there" {
	[ -z "$(packages_for build boot check | sort | uniq -d)" ]
	package_table() {
		say "test bash no-such-package-at-all coreutils"
	}
	[ "$(packages_missing test)" = no-such-package-at-all ]
}

@test "each step has its function" {
	local step
	for step in $(step_names); do
		[[ $step == boot-* || $step == userland-* || $step == lab-* ]] || declare -F "step_$step"
	done
}

@test "each build is a step, and turns every codec on or off" {
	local name codec
	for name in $(build_names); do
		step_names | grep -qx "build-$name"
	done
	for codec in $CODECS; do
		grep -q "option('$codec'" "$REPO/meson_options.txt"
		build_table | grep '^gcc ' | grep -q -- "-D$codec=enabled"
	done
}

@test "the thin matrix boots only what is known, and has every way of every kind" {
	awk -F '\t' '/^[^#]/ && NF > 1 && $6 !~ /pack=/ { print $1 "\t" $2 }' "$REPO/tests/boot/thin.tsv" | sort -u >thin
	awk -F '\t' '/^[^#]/ && $2 != "other" { n = split($4, ways, " "); for (i = 1; i <= n; i++) print $2 "\t" ways[i] }' \
		"$REPO/tests/boot/known.tsv" | sort -u >known
	diff known thin
}

@test "the thin matrix has each engine, memory, number of cpus and extra" {
	local value
	for value in qemu file 256M 512M 5G 1 4; do
		awk -F '\t' -v value="$value" '$3 == value || $4 == value || $5 == value { found = 1 } END { exit !found }' \
			"$REPO/tests/boot/thin.tsv"
	done
	for value in kaslr= initrds long action=reboot action=panic timeout codec=gzip codec=bzip2 codec=lzma codec=lzo \
		codec=none elf pack=none pack=gzip pack=lz4 pack=zstd pack=xz damaged plain; do
		grep -v '^#' "$REPO/tests/boot/thin.tsv" | grep -q "$value"
	done
}

@test "what starts or reads a kernel has it fetched first, what does not has not" {
	local step
	unset PARABOOT_KERNELS
	for step in boot-cloud userland-amd64 lab-64 lab-xen xen-logs try pack grub facts cli abi; do
		step_needs_kernels "$step"
	done
	PARABOOT_KERNELS=/boot run ! step_needs_kernels try
	PARABOOT_KERNELS=/boot step_needs_kernels lab-64
	for step in build-gcc unit unit-asan golden fuzz scripts guest-bytes clang-tidy mandoc; do
		run ! step_needs_kernels "$step"
	done
}
