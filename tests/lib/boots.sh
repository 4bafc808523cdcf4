# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Words that tests share which boot real kernels: which kernel is what, an image of ours made
# of one, what the built-in init must have said, and the verdict. Sourced; needs
# common.sh, tap.sh, $REPO, and for the functions that say so $PARABOOT, $PB_KERNELS and $console.
# shellcheck disable=SC2034,SC2154 # variables of those who source it

KIND=1 WAYS=3 # columns of tests/boot/known.tsv

# known IMAGE COLUMN: from known.tsv.
known() {
	local row name
	name=$(basename "$1")
	while IFS=$'\t' read -r -a row; do
		[[ ! ${row[0]-} || ${row[0]} == '#'* ]] && continue
		# shellcheck disable=SC2053 # a pattern it is
		[[ $name == ${row[0]} ]] && break
	done <"$REPO/tests/boot/known.tsv"
	say "${row[$2]}"
}

# images_of_kind KIND: of $PB_KERNELS.
images_of_kind() {
	local image
	find -L "$PB_KERNELS" -maxdepth 1 -type f ! -name '.*' -print0 | xargs -0r realpath | sort -u | while read -r image; do
		[[ $(known "$image" "$KIND") == "$1" ]] && say "$image"
	done
}

# The release as the file's own version string has it: its first word.
version_of() {
	local off
	off=$(($(od -An -tu2 -j 0x20e -N 2 "$1") + 0x200))
	tail -c +$((off + 1)) "$1" | head -c 256 | tr '\0' '\n' | head -n 1 | cut -d ' ' -f 1
}

# packed IMAGE CODEC [OPTION...]: the kernel in an image of ours, by $PARABOOT. Made once, unless the
# command is newer, and shared by tests that run side by side: xz takes a minute.
packed() {
	local image=$1 codec=$2 file lock
	shift 2
	file=$REPO/build/check/packed/$(basename "$image").$codec$(printf '%s' "${@/#--/.}")
	mkdir -p "${file%/*}"
	exec {lock}>"$file.lock"
	flock "$lock"
	if [[ ! $file -nt $PARABOOT ]]; then
		"$PARABOOT" pack --codec "$codec" "$@" -o "$file" "$image" >&2 || file=''
	fi
	exec {lock}>&-
	[[ $file ]] && say "$file"
}

# --- What is seen ---------------------------------------------------------------

# says KEY=VALUE: a complaint, unless init said so in $console.
says() {
	grep -qxF "paraboot-init: $1" "$console" || say "init did not say: $1"
}

# said KEY: its value.
said() {
	sed -n "s/^paraboot-init: $1=//p" "$console" | tail -n 1
}

# verdict NAME WRONG: one test; its complaints are lines, none is a pass.
verdict() {
	if [[ ! $2 ]]; then
		ok "$1"
		return
	fi
	not_ok "$1"
	printf '%s\n' "$2" | cut -c 1-300 | sed 's/^/# /'
	say "# its console ended:"
	tail -n 120 "$console" | cut -c 1-200 | sed 's/^/#   /'
}
