#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # bats sets stderr; "$1" is for the inner shell
# info: its JSON's promises, and that it says all or nothing. What it says of
# each image is for the golden tests, and for those that ask readelf.

setup_file() {
	load common
	make_images
}

setup() {
	load common
}

@test "JSON of every good image is one object with every key that a script may rely on" {
	local image
	for image in "$IMAGES"/good/*; do
		paraboot info --json "$image" >"$BATS_TEST_TMPDIR/json"
		jq -es 'length == 1 and (.[0] | type) == "object"' "$BATS_TEST_TMPDIR/json"
		jq -e '[has("format", "protocol", "version", "payload", "kernel", "notes", "entries")] | all' "$BATS_TEST_TMPDIR/json"
		jq -e '.entries | keys == (["linux16", "linux32", "linux64", "pvh", "xen-pv32", "xen-pv64", "lguest"] | sort)' "$BATS_TEST_TMPDIR/json"
		jq -e 'all(.entries[]; (.possible | type) == "boolean" and .possible == (.reason == null))' "$BATS_TEST_TMPDIR/json"
		jq -e 'all(.entries[]; .possible == ([.unpack.host, .unpack.guest] | any(.possible)))' "$BATS_TEST_TMPDIR/json"
	done
}

@test "numbers are numbers, addresses strings, what is absent null" {
	run -0 paraboot info --json "$IMAGES/good/bz-2.15"
	jq -e '.format == "bzImage" and .protocol == "2.15" and .version == "6.0.0-test (builder@example) #1 SMP"' <<<"$output"
	jq -e '.payload | .codec == "gzip" and ([.offset, .length, .size | type] | unique) == ["number"]' <<<"$output"
	jq -e '.kernel | .class == 64 and .entry == "0x1000000" and .relocs == null and (.build_id | test("^[0-9a-f]+$"))' <<<"$output"
	jq -e '.kernel.segments[0] | (.gpa, .vaddr | test("^0x[0-9a-f]+$")) and ([.file_size, .mem_size, .flags | type] | unique) == ["number"]' <<<"$output"
	jq -e '.notes[] | select(.name == "ENTRY") | .owner == "Xen" and .type == 1 and (.value | test("^0x"))' <<<"$output"
	jq -e '.notes[] | select(.name == "SUSPEND_CANCEL") | .value == 1' <<<"$output"
	jq -e '.notes[] | select(.name == "GUEST_OS") | .value == "linux"' <<<"$output"
	jq -e '.notes[] | select(.name == "BUILD_ID") | .value | test("^[0-9a-f]+$")' <<<"$output"
	run -0 paraboot info --json "$IMAGES/good/elf64"
	jq -e '.format == "elf" and .protocol == null and .version == null and .efi == null' <<<"$output"
	run -0 paraboot info --json "$IMAGES/good/bz-2.00"
	jq -e '.kernel == null and .payload == null and .notes == [] and .init_size == null' <<<"$output"
}

@test "--all adds the relocations and the whole setup header" {
	run -0 paraboot info --json --all "$IMAGES/good/bz-2.15"
	jq -e '.kernel.relocs == { abs32: 3, inverse32: 3, abs64: 3 }' <<<"$output"
	jq -e '.header | .version == 527 and .setup_sects == 4 and .code32_start == "0x100000"' <<<"$output"
	run -0 paraboot info --all "$IMAGES/good/bz-2.15"
	[[ $output == *"3 abs32, 3 inverse32, 3 abs64"* && $output == *"0x1f1  setup_sects"* ]]
}

@test "the page for people names every entry, and gives a reason for each that is not possible" {
	run -0 paraboot info "$IMAGES/good/bz-32"
	local entry
	for entry in linux16 linux32 linux64 pvh xen-pv32 xen-pv64 lguest; do
		grep -qE "^    $entry +(yes|-) " <<<"$output"
	done
	grep -qE '^    linux64 +- +- +EI_CLASS: ' <<<"$output"
	grep -qE '^    Xen +GUEST_OS +"linux"$' <<<"$output"
}

@test "a damaged image: one line, status 2, and nothing on standard output" {
	local image damaged=0
	for image in "$IMAGES"/bad/*; do
		case $image in
		*-limit | */codec-memory | */bz-before-payload | */bz-no-payload) continue ;; # fine, or bad in other limits
		esac
		fails 2 "$image: *" info --all "$image"
		fails 2 "$image: *" info --all --json "$image"
		damaged=$((damaged + 1))
	done
	((damaged > 50))
}

@test "an image cut at every 97th byte is an error, or is as long as its header says" {
	local len cut size
	size=$(stat -c %s "$IMAGES/good/bz-2.15")
	for ((len = 0; len < size; len += 97)); do
		cut=$BATS_TEST_TMPDIR/cut
		head -c "$len" "$IMAGES/good/bz-2.15" >"$cut"
		fails 2 "$cut: *" info --all "$cut"
	done
}

@test "strings from a file cannot drive a terminal" {
	local image=$BATS_TEST_TMPDIR/image
	sed 's/6\.0\.0-test/6\x1b[2J\n\xff\xc2\x9bt/' "$IMAGES/good/bz-2.15" >"$image"
	cmp -s "$image" "$IMAGES/good/bz-2.15" && return 1
	run -0 paraboot info "$image"
	[[ $output == *'6\x1b[2J\x0a\xff\xc2\x9bt'* ]]
	LC_ALL=C run ! grep -q $'\e' <<<"$output"
	run -0 paraboot info --json "$image"
	jq -e '.version | startswith("6\u001b[2J\n\\xff\\xc2\\x9bt")' <<<"$output"
}

@test "a reader that goes away is no error of ours to report" {
	run --separate-stderr bash -c 'set -o pipefail; "$1" info --json --all "$2" | true' - "$PARABOOT" "$IMAGES/good/bz-2.15"
	[[ ! $stderr ]]
}
