#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and changes its own
# plan: the options' way into a request. What a plan of each image is, golden
# tests and the library's own tests know.

setup_file() {
	load common
	make_images
}

setup() {
	load common
	image=$IMAGES/good/bz-2.15
}

# plan ARGUMENT...: its JSON.
plan() {
	run -0 paraboot plan --json "$@" "$image"
}

@test "JSON of every start that info calls possible and this version plans" {
	local entry unpack
	for entry in linux32 linux64 pvh; do
		for unpack in host guest; do
			paraboot info --json "$image" | jq -e ".entries.$entry.unpack.$unpack.possible" >/dev/null || continue
			plan -e "$entry" -u "$unpack"
			jq -e --arg e "$entry" --arg u "$unpack" '.entry == $e and .unpack == $u' <<<"$output"
			jq -e '(.placements | length) > 0 and all(.placements[]; (.gpa | test("^0x[0-9a-f]+$")) and .length > 0)' <<<"$output"
			jq -e '.cpu | has("rip", "rsi", "cr3", "cs", "gdt")' <<<"$output"
		done
	done
}

@test "the same input gives the same plan, as JSON and as text" {
	plan --kaslr 7
	first=$output
	plan --kaslr 7
	[[ $output == "$first" ]]
	run -0 paraboot plan "$image"
	first=$output
	run -0 paraboot plan "$image"
	[[ $output == "$first" ]]
}

@test "--kaslr on says which seed gives the same addresses again" {
	plan --kaslr on
	first=$output
	seed=$(jq -r .kaslr_seed <<<"$output")
	plan --kaslr "$seed"
	[[ $output == "$first" ]]
	plan
	jq -e '.kaslr_seed == null and .kernel.phys_delta == 0 and .kernel.virt_delta == 0' <<<"$output"
}

@test "the choice of a start: the best that the image allows" {
	plan
	jq -e '.entry == "linux64" and .unpack == "host"' <<<"$output"
	plan -u guest
	jq -e '.entry == "linux64" and .unpack == "guest"' <<<"$output"
	plan -e linux32
	jq -e '.entry == "linux32" and .unpack == "guest"' <<<"$output"
	image=$IMAGES/good/bz-32
	plan
	jq -e '.unpack == "host" and .entry != "linux64"' <<<"$output"
	plan -e linux32
	jq -e '.unpack == "host"' <<<"$output"
}

@test "a start that the image does not allow: the one reason" {
	fails 2 "$IMAGES/good/bz-32: EI_CLASS: *" plan -e linux64 "$IMAGES/good/bz-32"
	fails 2 "$IMAGES/good/elf64-no-notes: PHYS32_ENTRY: *" plan -e pvh "$IMAGES/good/elf64-no-notes"
	fails 2 "$IMAGES/good/bz-2.15: *" plan -e pvh -u guest "$IMAGES/good/bz-2.15"
	fails 2 "$IMAGES/good/bz-2.00: *" plan -u host "$IMAGES/good/bz-2.00"
}

@test "an entry that this version cannot plan yet" {
	fails 3 "$image: *" plan -e linux16 -u guest "$image"
}

@test "the command line: as given, with a console if it names none, up to what the kernel takes" {
	plan
	jq -e '.cmdline == "console=ttyS0"' <<<"$output"
	plan -a "quiet ro"
	jq -e '.cmdline == "quiet ro console=ttyS0"' <<<"$output"
	plan -a "quiet console=tty0"
	jq -e '.cmdline == "quiet console=tty0"' <<<"$output"
	plan -a "noconsole=1"
	jq -e '.cmdline == "noconsole=1 console=ttyS0"' <<<"$output"
	plan -a "console=x $(printf '%2037d' 0)"
	fails 2 "$image: cmdline: *" plan -a "console=x $(printf '%2038d' 0)" "$image"
}

@test "initrds: the built-in one, none, several in order" {
	plan
	builtin=$(jq .initrd.length <<<"$output")
	((builtin > 1000))
	plan --no-initrd
	jq -e '.initrd == null and all(.placements[]; .kind != "initrd")' <<<"$output"
	printf abcde >"$BATS_TEST_TMPDIR/a"
	printf fgh >"$BATS_TEST_TMPDIR/b"
	plan -i "$BATS_TEST_TMPDIR/a" -i "$BATS_TEST_TMPDIR/b"
	jq -e '.initrd.length == 11 or .initrd.length == 12' <<<"$output"
}

@test "an initrd that is missing, a directory, larger than the memory" {
	fails 2 "/none: No such file or directory" plan -i /none "$image"
	fails 2 "/: initrd: is not a regular file" plan -i / "$image"
	truncate -s 1G "$BATS_TEST_TMPDIR/large"
	fails 2 "$image: *" plan -i "$BATS_TEST_TMPDIR/large" "$image"
	truncate -s 8E "$BATS_TEST_TMPDIR/large" 2>/dev/null || truncate -s 8T "$BATS_TEST_TMPDIR/large"
	fails 2 "$image: *" plan -i "$BATS_TEST_TMPDIR/large" -i "$BATS_TEST_TMPDIR/large" "$image"
}

@test "memory maps: the machine's, the user's own, and one that the machine does not have" {
	plan -m 64M
	jq -e '.engine == "file" and ([.ram[] | select(.type == "ram") | .length] | add) <= 67108864 and (.keep | length) > 0' <<<"$output"
	plan --ram 0:0x9f000 --ram 1M:31M --ram 4G:1G --ram 32M:1M:reserved
	jq -e '.engine == null and .keep == [] and (.ram | length) == 4 and .ram[3].type == "reserved"' <<<"$output"
	plan --engine file -m 64M --ram 1M:31M
	jq -e '.engine == "file" and (.keep | length) > 0' <<<"$output"
	fails 2 "--ram: 0x100000:0x10000000 is not inside*" plan --engine file -m 64M --ram 1M:256M "$image"
	fails 2 "$image: *" plan --ram 1M:64M --ram 2M:64M "$image"
	fails 2 "$image: *" plan --ram 0xfffffffffffff000:0x2000 "$image"
	fails 2 "$image: *" plan --ram 1M:1M:reserved "$image"
	fails 2 "$image: *" plan --ram 1M:64K "$image"
}

@test "a machine that cannot be made, an engine that does not exist" {
	fails 2 "engine: memory: *" plan -m 3M "$image"
	fails 2 "engine: memory: *" plan -m 0x10000001 "$image"
	fails 2 "engine: no engine has the name frobnicate" plan --engine frobnicate "$image"
}

@test "plan wants no QEMU" {
	run -0 env PATH=/nonexistent "$PARABOOT" plan "$image"
}

@test "xen-pv64: the same domain below the paravisor and below Xen" {
	local pages domain
	plan -e xen-pv64
	jq -e '.ring0 == "paravisor" and (.placements | any(.kind == "paravisor")) and (.domain.frames | length) > 0' <<<"$output"
	jq -e '.domain.placements | all(.kind == "page_tables" and .access == "read" or .kind != "page_tables" and .access != "read")' <<<"$output"
	pages=$(jq .domain.pages <<<"$output")
	domain=$(jq '.domain | del(.frames)' <<<"$output")
	plan -e xen-pv64 --ring0 xen -m $((pages * 4096))
	jq -e '.ring0 == "xen" and .placements == [] and .domain.frames == [] and .cpu == .domain.vcpu' <<<"$output"
	[[ $(jq '.domain | del(.frames)' <<<"$output") == "$domain" ]]
	plan -e linux64
	jq -e '.ring0 == null and .domain == null' <<<"$output"
}

@test "--ring0 xen is for PV kernels, and for no engine of ours" {
	run -2 paraboot plan --ring0 xen -e linux64 "$image"
	[[ $output == *"ring0: "* ]]
	run -2 paraboot plan --ring0 xen --engine qemu "$image"
	[[ $output == *"--engine"* ]]
	run -0 paraboot plan --ring0 xen "$image"
	[[ $output == "xen-pv64, "* && $output == *"console=hvc0"* && $output != *paravisor* ]]
}

@test "--subarch-entry: xen-pv32 by the boot protocol" {
	run -2 paraboot plan --subarch-entry --ring0 xen "$IMAGES/good/bz-32"
	[[ $output == *"hardware_subarch: "*"(2)" ]]
	run -2 paraboot plan --subarch-entry -e linux32 "$IMAGES/good/bz-32"
	[[ $output == *"--subarch-entry: is a way into xen-pv32, not linux32" ]]
	run -0 paraboot plan --json --subarch-entry --subarch 2 --ring0 xen "$IMAGES/good/bz-32"
	jq -e '.entry == "xen-pv32" and .boot_params.type_of_loader == "0x90" and .domain.vcpu.rsi != .boot_params.hardware_subarch_data' <<<"$output"
	jq -e '.boot_params.hardware_subarch_data == (.domain.placements[] | select(.kind == "start_info") | .vaddr)' <<<"$output"
	jq -e '.domain.vcpu.rsi == (.domain.placements[] | select(.kind == "boot_params") | .vaddr)' <<<"$output"
}

@test "--subarch: a name if the image serves it, a number in any case" {
	run -2 paraboot plan -e linux32 --subarch xen "$image"
	[[ $output == *"hardware_subarch: "*"(2)" ]]
	plan -e linux32 --subarch 2 --subarch-data 0x1234
	jq -e '.boot_params == {"type_of_loader": "0x90", "hardware_subarch": 2, "hardware_subarch_data": "0x1234"}' <<<"$output"
	for name in voyager visws numaq efi; do
		run -2 paraboot plan --subarch "$name" "$image"
		[[ $output == *"--subarch: "*"$name"* ]]
	done
	run -2 paraboot plan -e linux32 --subarch 2 "$IMAGES/good/bz-2.06"
	[[ $output == *"2.06, since 2.07"* ]]
	run -0 paraboot plan --json -e linux32 --subarch lguest "$IMAGES/good/bz-lguest"
	jq -e '.boot_params.hardware_subarch == 1 and .boot_params.type_of_loader == "0xff"' <<<"$output"
}

# with_pae TEXT: elf32 with these three letters for PAE_MODE, type 9 of Xen's notes.
with_pae() {
	LC_ALL=C sed "s/\\x09\\x00\\x00\\x00Xen\\x00yes\\x00/\\x09\\x00\\x00\\x00Xen\\x00$1\\x00/" "$IMAGES/good/elf32" >"$BATS_TEST_TMPDIR/kernel"
}

@test "xen-pv32: what it is not for is refused in one line, by plan and by run" {
	for command in "plan" "run --engine qemu --no-initrd"; do
		# shellcheck disable=SC2086 # words they are
		fails 2 "$IMAGES/good/bz-2.15: EI_CLASS: * ?64-bit, wanted 32-bit?" $command -e xen-pv32 "$IMAGES/good/bz-2.15"
		# shellcheck disable=SC2086
		fails 2 "$IMAGES/good/bz-2.06: hardware_subarch: * ?2.06, since 2.07?" $command -e linux32 --subarch 2 "$IMAGES/good/bz-2.06"
		# shellcheck disable=SC2086
		fails 2 "$IMAGES/good/bz-32: hardware_subarch: * ?2?" $command --subarch-entry "$IMAGES/good/bz-32"
		for spelling in 'no ' YES Yes ' ye' bim; do
			with_pae "$spelling"
			# shellcheck disable=SC2086
			fails 2 "*kernel: PAE_MODE: *" $command -e xen-pv32 "$BATS_TEST_TMPDIR/kernel"
		done
	done
	with_pae yes
	run -0 paraboot plan -e xen-pv32 "$BATS_TEST_TMPDIR/kernel"
}
