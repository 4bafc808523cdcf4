#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Completion offers what --help lists.

setup() {
	load common
	# shellcheck source=tool/completion/paraboot.bash
	. "$BATS_TEST_DIRNAME/../../tool/completion/paraboot.bash"
}

# offers WORD...: what is offered for the last of these words behind the command.
offers() {
	COMP_WORDS=("$PARABOOT" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_paraboot
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "subcommands" {
	[[ $(offers '' | xargs) == "info unpack pack plan run try --help --version" ]]
	[[ $(offers u) == unpack ]]
}

@test "every option of every subcommand" {
	for command in $COMMANDS; do
		diff <(offers "$command" -- | sort) \
			<(paraboot "$command" --help | grep -oE -- '^  (-.,|   ) --[a-z0-9-]+' | grep -oE -- '--.*' | sort)
	done
}

@test "choices, behind long and short options and an equals sign" {
	[[ $(offers run --unpack '' | xargs) == "host guest" ]]
	[[ $(offers plan -e xen | xargs) == "xen-pv32 xen-pv64" ]]
	[[ $(offers run --engine = q) == qemu ]]
	[[ $(offers plan --kaslr of) == off ]]
}

@test "the entries offered are those that info knows" {
	make_images
	diff <(offers run --entry '' | sort) <(paraboot info --json "$IMAGES/good/elf64" | jq -r '.entries | keys[]' | sort)
}

@test "files, where a file is wanted, and nothing where anything goes" {
	cd "$BATS_TEST_TMPDIR"
	touch image initrd
	[[ $(offers run im) == image && $(offers run -i in) == initrd && $(offers unpack -o im) == image ]]
	[[ ! $(offers run -m '') && ! $(offers run -a i) ]]
}
