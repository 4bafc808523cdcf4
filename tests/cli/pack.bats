#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # bats sets stderr; "$1" is for the inner shell
# pack: a bzImage whole, or no file.

setup_file() {
	load common
	make_images
}

setup() {
	load common
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
}

@test "the kernel comes out again, of whatever image it was" {
	local image
	for image in elf64 elf64.gz elf64.lz4 bz-2.15 bz-lz4 bz-none uki-bz; do
		paraboot pack "$IMAGES/good/$image" -o packed 2>/dev/null
		paraboot unpack packed -o kernel
		cmp kernel "$IMAGES/good/elf64"
	done
}

@test "the same input gives the same bytes, to a file and to standard output, whatever the kernel's name and day" {
	local codec
	cp "$IMAGES/good/bz-2.15" other
	touch -d 2001-02-03 other
	for codec in none gzip lz4 zstd xz; do
		paraboot pack --codec "$codec" --elf "$IMAGES/good/bz-2.15" -o one
		paraboot pack --codec "$codec" --elf other -o - >two
		cmp one two
	done
}

# relocs_of IMAGE
relocs_of() {
	"$PARABOOT" info --json --all "$1" | jq -c .kernel.relocs
}

@test "relocations in sections become a table, and the sections stay behind" {
	local image
	for image in elf64-emitted elf32-emitted; do
		paraboot pack --relocatable "$IMAGES/good/$image" -o packed
		[[ $(relocs_of packed) == "$(relocs_of "$IMAGES/good/$image")" && $(relocs_of packed) == *'"abs32":3'* ]]
		paraboot unpack packed -o kernel
		run -0 readelf -SW kernel
		[[ $output == *"There are no sections in this file"* ]]
	done
	fails 2 "$IMAGES/bad/emitted-type: relocation type: *" pack "$IMAGES/bad/emitted-type" -o other
	[[ ! -e other ]]
}

# link_emitted -m64|-m32 VIRT PERCPU: emitted.S, by the linker whose relocations are meant.
link_emitted() {
	gcc "$1" -nostdlib -static -no-pie -Wl,--emit-relocs,--build-id=none,--no-warn-rwx-segments,-z,max-page-size=4096 \
		"-Wl,--defsym=VIRT=$2,--defsym=PERCPU=$3" -T "$BATS_TEST_DIRNAME/emitted.lds" -o linked "$BATS_TEST_DIRNAME/emitted.S"
}

# wanted GROUP LOADED: a zero, and the low halves of the addresses at which symbols say so; LOADED is where those that
# are linked near 0 are loaded.
wanted() {
	local address
	echo 00000000
	nm linked | sed -n "s/ . want_${1}_.*//p" | while read -r address; do
		address=$((0x$address))
		((address >= 0 && address < 0x1000)) && address=$((address + $2))
		printf '%08x\n' $((address & 0xffffffff))
	done | sort
}

# packed_table WORDS: the end of what the packed image holds.
packed_table() {
	paraboot pack --relocatable linked -o packed
	paraboot unpack packed -o kernel
	tail -c $(($1 * 4)) kernel | od -An -v -w4 -tx4 | tr -d ' '
}

@test "the table is that of what the linker says, 64 bits" {
	link_emitted -m64 0xffffffff80000000 0
	{ wanted abs64 0xffffffff81002000 && wanted inverse32 0 && wanted abs32 0; } >wanted
	[[ $(wc -l <wanted) == 10 ]]
	diff -u wanted <(packed_table 10)
}

@test "the table is that of what the linker says, 32 bits" {
	link_emitted -m32 0xc0000000 0xc1002000
	wanted abs32 0 >wanted
	[[ $(wc -l <wanted) == 5 ]]
	diff -u wanted <(packed_table 5)
}

@test "what is lost is said" {
	run --separate-stderr "$PARABOOT" pack "$IMAGES/good/bz-mz" -o packed
	[[ $status == 0 && $stderr == "paraboot: $IMAGES/good/bz-mz: its EFI entry is not in the packed image"* ]]
}

@test "a signature is lost too, and what a unified kernel image carries" {
	head -c 1472 /dev/zero >signature
	cat "$IMAGES/good/bz-mz" signature >signed
	run --separate-stderr "$PARABOOT" pack signed -o packed
	[[ $status == 0 && $stderr == "paraboot: signed: its EFI entry is not in the packed image, nor is its signature" ]]
	run --separate-stderr "$PARABOOT" pack "$IMAGES/good/uki-bz" -o packed
	[[ $status == 0 && $stderr == *"of this PE file only the kernel is in the packed image"* ]]
}

@test "notes for the ELF header: names, numbers, text and bytes" {
	paraboot pack --elf --note Xen:GUEST_VERSION=9.9 --note mine:5=hex:00fF10 --note mine:6=0x1234 --note mine:7=str:0x1234 \
		"$IMAGES/good/elf64" -o packed
	run -0 readelf -nW packed
	[[ $output == *"39 2e 39 00"* && $output == *"00 ff 10"* && $output == *"34 12 00 00 00 00 00 00"* ]]
	[[ $output == *"30 78 31 32 33 34 00"* ]]
}

@test "info tells of the ELF header too" {
	paraboot pack --elf "$IMAGES/good/elf64" -o packed
	run -0 "$PARABOOT" info packed
	[[ $output == *"xen-pv64      yes   yes"* && $output == *"The image's own ELF header"* ]]
	[[ $output == *"SUBARCH_ENTRY         0: linux32 at 0x1000000, 0: linux64 at 0x1000200"* ]]
	run -0 "$PARABOOT" info "$IMAGES/good/elf64"
	[[ $output != *"own ELF header"* ]]
}

@test "notes that cannot be" {
	local number image=$IMAGES/good/elf64
	fails 2 "$image: note that tells of the packed file: *" pack --elf --note Xen:ENTRY=1 "$image" -o packed
	fails 2 "--note: needs --elf: *" pack --note mine:1=1 "$image" -o packed
	fails 2 "--note: not a valid value: mine:1*" pack --elf --note mine:1 "$image" -o packed
	fails 2 "--note: not a valid value: :1=1*" pack --elf --note :1=1 "$image" -o packed
	fails 2 "--note: not a valid value: mine:ENTRY=1*" pack --elf --note mine:ENTRY=1 "$image" -o packed
	fails 2 "--note: not a valid value: mine:1=hex:012*" pack --elf --note mine:1=hex:012 "$image" -o packed
	for number in 18446744073709551616 0x10000000000000000; do
		fails 2 "--note: mine:1=$number: a number for this kernel is at most 18446744073709551615; as text it is str:$number" \
			pack --elf --note "mine:1=$number" "$image" -o packed
	done
	fails 2 "--note: mine:1=4294967296: a number for this kernel is at most 4294967295; *" \
		pack --elf --note mine:1=4294967296 "$IMAGES/good/elf32" -o packed
	fails 2 "$image: notes: *limit 0x8000*" pack --elf --note "mine:1=$(printf '%33000s' x)" "$image" -o packed
	[[ ! $(ls -A) ]]
}

@test "file(1) takes it for a bzImage of that version" {
	paraboot pack "$IMAGES/good/bz-2.15" -o packed
	[[ $(file packed) == *"Linux kernel x86 boot executable bzImage, version 6.0.0-test"* ]]
}

@test "fields that are the packer's to choose" {
	paraboot pack --set root_dev=0x801 --set vid_mode=0x317 --set hardware_subarch=2 "$IMAGES/good/elf64" -o packed
	run -0 "$PARABOOT" info --all packed
	[[ $output == *root_dev*0x0801* && $output == *vid_mode*0x0317* && $output == *hardware_subarch*0x00000002* ]]
}

@test "a field that is not, or a value that does not fit" {
	fails 2 "--set: no field that can be set: setup_sects; *" pack --set vid_mode=1 --set setup_sects=1 "$IMAGES/good/elf64" -o packed
	fails 2 "$IMAGES/good/elf64: root_dev: *0x10000*" pack --set root_dev=0x10000 "$IMAGES/good/elf64" -o packed
	fails 2 "--set: not a valid value: root_dev*" pack --set root_dev "$IMAGES/good/elf64" -o packed
	[[ ! $(ls -A) ]]
}

@test "a compiled-in command line takes its room from the loader's" {
	paraboot pack --cmdline "quiet panic=1" "$IMAGES/good/elf64" -o packed
	run -0 "$PARABOOT" info packed
	[[ $output == *"command line"*"up to 2033 bytes"* ]]
	grep -qa "quiet panic=1" packed
	fails 2 "$IMAGES/good/elf64: cmdline: *" pack --cmdline "$(printf '%2046s' x)" "$IMAGES/good/elf64" -o other
	[[ $(ls -A) == packed ]]
}

@test "a kernel that cannot be packed leaves what was there" {
	echo precious >packed
	fails 2 "$IMAGES/good/elf64-no-relocs: relocations: *" pack --relocatable "$IMAGES/good/elf64-no-relocs" -o packed
	fails 2 "--codec: not a valid value: lzo*" pack --codec lzo "$IMAGES/good/elf64" -o packed
	fails 2 "pack: needs -o FILE*" pack "$IMAGES/good/elf64"
	[[ $(cat packed) == precious && $(ls -A) == packed ]]
}

# On a file system of two pages, one of which is taken.
@test "a file system that gets full keeps what was there, and gets nothing beside it" {
	mkdir full
	run --separate-stderr unshare --map-root-user --mount bash -c 'mount -t tmpfs -o size=8k none full &&
		echo precious >full/packed && "$1" pack "$2" -o full/packed; echo "status $?"; ls -A full; cat full/packed' \
		- "$PARABOOT" "$IMAGES/good/elf64"
	[[ $output == $'status 3\npacked\nprecious' ]]
	[[ $stderr == "paraboot: full/packed: "*"No space left on device" ]]
}

# holds_output PID: it has begun a file that has no name yet.
holds_output() {
	readlink "/proc/$1/fd"/* | grep -qF "$PWD/#"
}

# A real kernel: xz takes much longer than the signal.
@test "a signal in the middle keeps what was there, and leaves nothing beside it" {
	local signal pid status
	echo precious >packed
	for signal in INT TERM KILL; do
		env --default-signal=INT,TERM "$PARABOOT" pack --codec xz -o packed "$(a_kernel)" 3>&- &
		pid=$!
		wait_for holds_output "$pid"
		kill -s "$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		((status == 128 + $(kill -l "$signal")))
		[[ $(cat packed) == precious && $(ls -A) == packed ]]
	done
}

# A real kernel: gzip takes seconds for its 50 MB.
@test "a progress bar, on a terminal only, wiped in the end" {
	local kernel
	kernel=$(find -L "$PB_KERNELS" -maxdepth 1 -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
	script -qec "$PARABOOT pack --codec gzip -o one $kernel" seen >/dev/null
	grep -qaE $'\r\\[#+ *\\] +[0-9]+ %' seen
	grep -qaF $'\r\033[K' seen
	[[ $(grep -aF $'\r\033[K' seen | sed $'s/.*\r\033\\[K//') != *%* ]]
	run -0 --separate-stderr "$PARABOOT" pack --codec gzip -o two "$kernel"
	[[ $stderr != *%* && ! $output ]]
	cmp one two
	script -qec "$PARABOOT pack -o small $IMAGES/good/elf64" seen >/dev/null
	[[ -s small && $(grep -acF '%' seen) == 0 ]]
}

@test "what is lost is said on one line each, whatever the image is called" {
	cp "$IMAGES/good/uki-bz" $'a\nb'
	run -0 --separate-stderr paraboot pack -o packed $'a\nb'
	((${#stderr_lines[@]} == 2))
	[[ ${stderr_lines[0]} == "paraboot: a\\x0ab: of this PE file only the kernel "* ]]
}
