#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # bats sets stderr; "$1" is for the inner shell
# unpack: the kernel whole, or no file.

setup_file() {
	load common
	make_images
}

setup() {
	load common
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
}

@test "the kernel of every container is the same ELF file" {
	local image
	for image in elf64.gz elf64.lz4 bz-2.15 bz-lz4 bz-none bz-mz bz-signed uki-bz uki-elf uki-gz; do
		paraboot unpack -o kernel "$IMAGES/good/$image"
		cmp kernel "$IMAGES/good/elf64"
	done
}

@test "to standard output, by default and as -" {
	paraboot unpack "$IMAGES/good/bz-2.15" >kernel
	cmp kernel "$IMAGES/good/elf64"
	paraboot unpack -o - "$IMAGES/good/bz-2.15" | cmp - "$IMAGES/good/elf64"
}

@test "the file has the mode that the umask gives, and nothing stands beside it" {
	umask 027
	paraboot unpack -o kernel "$IMAGES/good/bz-2.15"
	[[ $(stat -c %a kernel) == 640 && $(ls -A) == kernel ]]
}

@test "a failure leaves what was there, and nothing beside it" {
	echo precious >kernel
	local image
	for image in "$IMAGES"/bad/gz-*; do
		[[ $image == *-limit ]] && continue
		fails 2 "$image: *" unpack -o kernel "$image"
		[[ $(cat kernel) == precious && $(ls -A) == kernel ]]
		fails 2 "$image: *" unpack -o new "$image"
		[[ $(ls -A) == kernel ]]
	done
}

@test "what is no kernel gets not a byte to standard output either, and is told by what it looked like" {
	fails 2 "*/gz-of-text: a text file: *" unpack "$IMAGES/bad/gz-of-text"
	fails 2 "*/elf-ident-magic: e_ident: *" unpack "$IMAGES/bad/elf-ident-magic"
	head -c 1100M /dev/zero | gzip -1 >zeros.gz # more than the library unpacks
	fails 2 "zeros.gz: a file of zeros: *" unpack zeros.gz
	fails 2 "zeros.gz: a file of zeros: *" info zeros.gz
}

@test "a file that is there is replaced, through a symbolic link too" {
	echo old >kernel
	ln -s kernel link
	paraboot unpack -o link "$IMAGES/good/bz-2.15"
	[[ -L link && ! -L kernel ]]
	cmp kernel "$IMAGES/good/elf64"
}

@test "a symbolic link to nothing is not replaced" {
	ln -s nothing link
	fails 2 "link: No such file or directory" unpack -o link "$IMAGES/good/bz-2.15"
	[[ -L link && $(ls -A) == link ]]
}

@test "a file that is replaced keeps its mode" {
	(umask 077 && echo old >kernel)
	chmod a+x kernel
	paraboot unpack -o kernel "$IMAGES/good/bz-2.15"
	[[ $(stat -c %a kernel) == 711 ]]
}

@test "a folder that takes no file: status 3" {
	fails 3 "/proc/self/kernel: *" unpack -o /proc/self/kernel "$IMAGES/good/bz-2.15"
}

@test "over its own image" {
	cp "$IMAGES/good/elf64.gz" image
	paraboot unpack -o image image
	cmp image "$IMAGES/good/elf64"
}

@test "a device is written, not replaced" {
	paraboot unpack -o /dev/null "$IMAGES/good/bz-2.15"
	[[ -c /dev/null ]]
	run --separate-stderr paraboot unpack -o /dev/full "$IMAGES/good/bz-2.15"
	[[ $status == 3 && $stderr == "paraboot: /dev/full: "*"No space left on device" && -c /dev/full ]]
}

@test "a directory, a folder that is not there, an empty name" {
	fails 2 "$BATS_TEST_TMPDIR: Is a directory" unpack -o "$BATS_TEST_TMPDIR" "$IMAGES/good/bz-2.15"
	fails 2 "none/kernel: No such file or directory" unpack -o none/kernel "$IMAGES/good/bz-2.15"
	fails 2 ": No such file or directory" unpack -o "" "$IMAGES/good/bz-2.15"
}

@test "standard output that is full, or that nobody reads" {
	run --separate-stderr bash -c '"$1" unpack "$2" >/dev/full' - "$PARABOOT" "$IMAGES/good/bz-2.15"
	[[ $status == 3 && $stderr == "paraboot: standard output: "*"No space left on device" ]]
	run --separate-stderr bash -c '"$1" unpack "$2" | true' - "$PARABOOT" "$IMAGES/good/bz-big"
	[[ ! $stderr ]]
}

@test "a limit on the size of files is told" {
	run --separate-stderr bash -c 'ulimit -f 1; "$1" unpack -o kernel "$2"' - "$PARABOOT" "$IMAGES/good/bz-none"
	[[ $status == 3 && $stderr == "paraboot: kernel: output: File too large" && ! -e kernel ]]
	run --separate-stderr bash -c 'ulimit -f 1; "$1" info "$2"' - "$PARABOOT" "$IMAGES/good/bz-2.15"
	[[ $status == 3 && $stderr == "paraboot: "*": File too large" ]]
}

@test "nothing is written to a terminal" {
	run -0 script -qec "'$PARABOOT' unpack '$IMAGES/good/bz-2.15'; echo status \$?" /dev/null
	[[ $output == *"paraboot: standard output: is a terminal"*"status 2"* ]]
}

@test "an image whose payload the host does not know" {
	fails 2 "$IMAGES/good/bz-2.00: payload_offset: *" unpack -o kernel "$IMAGES/good/bz-2.00"
	[[ ! $(ls -A) ]]
}

# pieces COMMAND...: the kernel in four files of that command's, one behind the other, at $PWD/joined.
pieces() {
	local piece
	split -n 4 kernel piece.
	for piece in piece.??; do
		"$@" <"$piece"
	done >joined
}

@test "a kernel in several streams of one file: as the codec's own command reads it" {
	local codec
	paraboot unpack -o kernel "$IMAGES/good/elf64.gz"
	for codec in gzip bzip2 xz zstd; do
		pieces "$codec" -c
		cmp <("$codec" -dc <joined) kernel
		paraboot unpack -o - joined | cmp - kernel
		run -0 --separate-stderr paraboot info --json joined
		jq -e --arg codec "$codec" '.format == "compressed-elf" and .payload.codec == $codec' <<<"$output"
		: | "$codec" -c | cat joined - >joined-empty
		paraboot unpack -o - joined-empty | cmp - kernel
	done
	xz -c --block-size=4096 -T 2 kernel >joined
	paraboot unpack -o - joined | cmp - kernel
}

@test "what a format lets stand beside its streams: zeros behind xz, skippable frames with zstd" {
	local skippable='\x5a\x2a\x4d\x18\x04\0\0\0\x28\xb5\x2f\xfd'
	paraboot unpack -o kernel "$IMAGES/good/elf64.gz"
	split -n 2 kernel piece.

	{ xz -c piece.aa && head -c 4 /dev/zero && xz -c piece.ab && head -c 4000 /dev/zero; } >joined
	cmp <(xz -dc joined) kernel
	paraboot unpack -o - joined | cmp - kernel

	# shellcheck disable=SC2059 # the escapes are printf's
	{ printf "$skippable" && zstd -c piece.aa && printf "$skippable$skippable" && zstd -c piece.ab && printf "$skippable"; } >joined
	cmp <(zstd -dc <joined) kernel
	paraboot unpack -o - joined | cmp - kernel
	run -0 paraboot info --json joined
	jq -e '.format == "compressed-elf" and .payload.codec == "zstd"' <<<"$output"

	# A frame whose length is larger than what is read at once, of which nothing is read.
	printf '\x50\x2a\x4d\x18\0\0\0\x10' >sparse
	truncate -s +256M sparse
	zstd -c kernel >>sparse
	paraboot unpack -o - sparse | cmp - kernel
}

@test "and what it does not: other zeros, half a frame, zeros behind gzip" {
	local zeros
	paraboot unpack -o kernel "$IMAGES/good/elf64.gz"
	for zeros in 1 2 3 5; do
		{ xz -c kernel && head -c "$zeros" /dev/zero; } >longer
		run ! bash -c "xz -dc longer >out.xz"
		fails 2 "longer: payload: bytes follow * (value 0x$((zeros % 4)), *" unpack -o out longer
	done
	{ head -c 4 /dev/zero && xz -c kernel; } >longer
	fails 2 "longer: *: is not a kernel image*" unpack -o out longer
	{ zstd -c kernel && printf '\x50\x2a\x4d\x18\x05\0\0\0half'; } >longer
	fails 2 "longer: zstd: reaches past the end (value 0xd, limit 0xc)" unpack -o out longer
	{ zstd -c kernel && printf '\x50\x2a\x4d\x18'; } >longer
	fails 2 "longer: payload: bytes follow *" unpack -o out longer
	{ gzip -c kernel && head -c 4 /dev/zero; } >longer
	fails 2 "longer: payload: bytes follow *" unpack -o out longer
	[[ ! -e out ]]
}

@test "what follows the last stream is no stream, or a damaged one" {
	local codec
	paraboot unpack -o kernel "$IMAGES/good/elf64.gz"
	for codec in gzip bzip2 xz zstd; do
		pieces "$codec" -c
		{ cat joined && echo more; } >longer
		fails 2 "longer: payload: *" unpack -o out longer
		{ cat joined && lzma -c kernel; } >other
		fails 2 "other: payload: *" unpack -o out other
		truncate -s -3 joined
		fails 2 "joined: $codec: *" unpack -o out joined
	done
	[[ ! -e out ]]
}

@test "many streams that come to more than the limit" {
	local i
	head -c 1M /dev/zero | gzip -c >zeros
	paraboot unpack -o kernel "$IMAGES/good/elf64.gz"
	{ gzip -c kernel && for ((i = 0; i < 1100; i++)); do cat zeros; done; } >joined
	fails 2 "joined: unpacked size: *" unpack -o out joined
	[[ ! -e out ]]
}
