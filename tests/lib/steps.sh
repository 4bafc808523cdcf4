# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What ./check does, one function a step: each prints TAP and the reasons for
# its failures, nothing else. step_table is the list; ./check runs it as a pool.
# Sourced; needs all of tests/lib.

# wave, step, seconds it may take, what it is. Waves run one after the other:
# what the second one needs, the first one makes. In a wave, the long ones first.
step_table() {
	local kind
	cat <<-'EOF'
		1 kernels        900 Debian's kernels, through a private apt state
		1 build-release  600 as a user gets it: the command at build/paraboot
		1 build-gcc      600 gcc -Werror, every codec
		1 build-clang    600 clang -Werror, every codec
		1 build-asan     600 gcc with ASan and UBSan
		1 build-plain    600 no codec: the library links libc only
		1 build-fuzz     600 clang with libFuzzer
		2 fresh         3600 ./quickstart in a new Debian (with --fresh)
		2 unit           600 unit tests
		2 unit-asan      900 unit tests under ASan and UBSan
		2 fuzz-seeds     900 fuzz seeds and old crashes, under ASan and UBSan
		2 fuzz           900 each fuzz target for a few thousand executions
		2 facts          900 info and unpack of real kernels, against readelf and the codecs' tools
		2 golden         600 info and plan of the images that the tests build
		2 lab-guests    2400 KVM lab: tiny guests, the example VMM, how the command ends, 32-bit PV guests, PV guests' exits (tests/lab/kvm)
		2 lab-64        7200 KVM lab: 64-bit kernels
		2 lab-32        7200 KVM lab: 32-bit kernels
		2 pack         14400 packed images by SeaBIOS, GRUB, kexec, extract-vmlinux, libxenguest (tests/pack)
		2 grub          1800 Debian's GRUB for Xen PV as a guest, and a kernel that it starts
		2 lab-xen       2400 the real Xen: domains by engine xen; with --full, all that the paravisor is compared with (tests/lab/xen)
		2 xen-logs      1200 kernels log under the paravisor only what they do on Xen, by kept logs (tests/lab/xen)
		2 cli            900 the command line
		2 scripts        300 the scripts' own words: counting, copying apt's sources, the boot tables
		2 abi            300 exported symbols; an installed copy through pkg-config alone
		2 guest-bytes    300 guest programs: the same bytes in every build
		2 clang-format   300 layout
		2 clang-tidy    1200 static analysis
		2 cppcheck       900 static analysis
		2 shellcheck     300 these scripts
		2 mandoc         300 man pages
	EOF
	for kind in ${KERNEL_KINDS:-$(kernel_kinds)}; do
		[[ $kind == *amd64 || $kind == *cloud ]] && say "2 userland-$kind 5400 Debian's programs at work under this kind of kernel (tests/userland)"
		[[ $kind == cloud ]] && say "2 try 1800 every start of good and of broken kernels (tests/try)"
		say "2 boot-$kind 7200 boots of this kind of kernel (tests/boot)"
	done
}

# Does the step work on what the step kernels fetches: kernels, if the user has none of his own; the labs; a userland?
step_needs_kernels() {
	case $1 in
	abi | boot-* | cli | facts | grub | try | xen-logs) [[ ! ${PARABOOT_KERNELS:-} ]] ;;
	lab-* | pack | userland-*) return 0 ;;
	*) return 1 ;;
	esac
}

# Those of tests/boot/known.tsv that the images here are; before there are any,
# those that will be fetched.
kernel_kinds() {
	local kinds image
	kinds=$(for image in $(kernel_images 2>/dev/null); do "$REPO/tests/boot/run" --kind-of "$image"; done | sort -u)
	say "${kinds:-amd64 cloud 6.12-cloud 686-pae}"
}

step_names() {
	step_table | awk '{ print $2 }'
}

tracked() {
	git -C "$REPO" ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[[ -e $REPO/$file ]] && say "$file"
	done
}

# --- First wave: what the others need -----------------------------------------

step_kernels() {
	local names name releases
	mapfile -t names < <(kernel_names)
	if ! kernels_get "${names[@]}" 2>&1 | sed 's/^/# /'; then
		not_ok "kernels"
	elif [[ ${PARABOOT_KERNELS:-} ]]; then
		check_that "PARABOOT_KERNELS holds images" test -n "$(kernel_images)"
	else
		for name in "${names[@]}"; do
			check_that "kernel $name" test -s "$KERNEL_DIR/$name"
		done
	fi
	check_that "the KVM lab's kernel" lab_kernel_get kernel
	check_that "the Xen lab: Xen, its tools and dom0's kernel" xen_lab_get
	check_that "the userland" userland_get
	mapfile -t releases < <(userland_releases)
	check_that "a module of each 64-bit kernel" modules_get "${releases[@]}"
	check_that "extract-vmlinux" extract_vmlinux_get
}

# One core a build: two of them run side by side.
step_build() {
	check_that "builds: $1" build_one "$1" 1
}

step_build-release() {
	step_build release
	check_that "the command stands at build/paraboot" test -x "$BUILD/paraboot"
}

step_build-gcc() {
	step_build gcc
}

step_build-clang() {
	step_build clang
}

step_build-asan() {
	step_build asan
}

step_build-plain() {
	step_build plain
	check_that "without codecs the library needs libc only" needs_libc_only
}

needs_libc_only() {
	local needed
	needed=$(readelf -dW "$(build_dir plain)/lib/libparaboot.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	say "$needed"
	[[ $needed == libc.so.6 ]]
}

step_build-fuzz() {
	step_build fuzz
}

# --- Tests that meson knows ---------------------------------------------------

# meson_suite BUILD SUITE: run it, and say each single test's own TAP line.
meson_suite() {
	local dir log
	build_one "$1" 1 || return 1
	dir=$(build_dir "$1")
	log=$dir/meson-logs/$2
	rm -f "$log.json"
	meson test -C "$dir" --no-rebuild --suite "$2" --num-processes 1 --logbase "$2" >"$dir/$2.log" 2>&1
	jq -r '"# \(.name)", (.stdout // ""), (.stderr // "" | split("\n")[] | select(. != "") | "# " + .),
		if .result == "OK" or ((.stdout // "") | test("(^|\n)not ok")) then empty
		else "not ok - \(.name): \(.result)" end' "$log.json" || cat "$dir/$2.log"
}

step_unit() {
	meson_suite gcc unit
}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

step_unit-asan() {
	meson_suite asan unit
}

step_fuzz-seeds() {
	meson_suite asan fuzz
}

FUZZ_RUNS=${FUZZ_RUNS:-5000}
FUZZ_SECONDS=${FUZZ_SECONDS:-120} # a target, at most

# New inputs go to a folder of their own: the corpus holds what was chosen.
step_fuzz() {
	local target name found
	build_one fuzz 1 || return 1
	for target in "$(build_dir fuzz)"/tests/fuzz/fuzz_*; do
		[[ -f $target && -x $target ]] || continue
		name=${target##*/fuzz_}
		found=$BUILD/check/found/$name
		mkdir -p "$found"
		check_that "fuzz $name, $FUZZ_RUNS executions" \
			"$target" -runs="$FUZZ_RUNS" -max_total_time="$FUZZ_SECONDS" -rss_limit_mb=2048 -timeout=20 -seed=1 \
			-artifact_prefix="$found/crash-" "$found" "$REPO/tests/fuzz/corpus/$name"
	done
}

# --- Tests of the command -----------------------------------------------------

# The command, the library and the images that a test works on; built anew if
# the sources changed, so that a step can be run by itself.
tool_env() {
	build_one "$1" 1 || exit 1
	export PARABOOT PB_BUILD PB_KERNELS PB_TMP
	PB_BUILD=$(build_dir "$1")
	PARABOOT=$PB_BUILD/paraboot
	PB_KERNELS=$KERNEL_DIR
	PB_TMP=$BUILD/check/tmp/$STEP
	mkdir -p "$PB_TMP"
}

run_bats() {
	local file
	for file in "$REPO/tests/$1"/*.bats; do
		[[ -e $file ]] && bats --tap "$file" | sed -E 's/^((not )?ok) [0-9]+/\1 -/; /^1\.\./d'
	done
}

step_cli() {
	tool_env asan
	run_bats cli
}

# Each real kernel, and one of them in every other codec.
step_facts() {
	local image codec
	tool_env gcc
	for image in $(kernel_images); do
		say "# $image"
		"$REPO/tests/facts/compare.py" "$PARABOOT" "$image" "$PB_TMP"
	done
	image=$(kernel_images | grep cloud | head -n 1)
	for codec in gzip bzip2 lzma xz lzo lz4 zstd none; do
		say "# recompressed: $codec"
		"$REPO/tests/lib/bzimage.py" recompress "$image" "$codec" "$PB_TMP/recompressed" &&
			"$REPO/tests/facts/compare.py" "$PARABOOT" "$PB_TMP/recompressed" "$PB_TMP" linux64/host pvh/host
	done
}

step_boot() {
	build_one plain 1
	tool_env release
	PB_PLAIN=$(build_dir plain)/paraboot "$REPO/tests/boot/run" "$1"
}

step_grub() {
	tool_env release
	"$REPO/tests/guests/grub/run" "$PARABOOT" "$PB_BUILD/guest/init/init64.cpio" \
		"$(kernel_images | grep -v 6.12 | grep cloud | head -n 1)" "$PB_TMP"
}

step_pack() {
	tool_env release
	"$REPO/tests/pack/run"
}

step_userland() {
	tool_env release
	"$REPO/tests/userland/run" "$1"
}

step_scripts() {
	run_bats scripts
}

step_try() {
	tool_env release
	"$REPO/tests/try/run"
}

step_lab() {
	tool_env gcc
	case $1 in
	xen) "$REPO/tests/lab/xen/run" "$([[ $FULL ]] && say lab || say engine)" ;;
	*) "$REPO/tests/lab/kvm/run" "$1" ;;
	esac
}

step_xen-logs() {
	tool_env release
	"$REPO/tests/lab/xen/run" logs
}

step_golden() {
	tool_env gcc
	"$REPO/tests/golden/run"
}

step_abi() {
	tool_env gcc
	"$REPO/tests/abi/run"
}

step_guest-bytes() {
	local build
	for build in gcc asan plain clang; do
		build_one "$build" 1 || return 1
	done
	"$REPO/tests/abi/guest-bytes" "$(build_dir gcc)" "$(build_dir asan)" "$(build_dir plain)" "$(build_dir clang)"
}

# As root if need be: debootstrap and chroot take no less.
step_fresh() {
	as_root "$REPO/tests/fresh/run"
}

# --- Lint ---------------------------------------------------------------------

step_clang-format() {
	local file
	for file in $(tracked '*.c' '*.h'); do
		check_that "layout of $file" clang-format --dry-run -Werror "$REPO/$file"
	done
}

# Only what the clang build compiles: it gives clang-tidy the flags. A file that
# two targets compile is looked at once: the second time, clang-tidy 14's
# valist.Uninitialized no longer knows va_start.
step_clang-tidy() {
	local file flags=$BUILD/check/tmp/clang-tidy
	build_one clang 1 || return 1
	mkdir -p "$flags"
	jq 'unique_by(.file)' "$(build_dir clang)/compile_commands.json" >"$flags/compile_commands.json"
	for file in $(tracked 'lib/*.c' 'engine/*.c' 'tool/*.c' 'examples/*.c'); do
		grep -q "/$file\"" "$flags/compile_commands.json" || continue
		check_that "clang-tidy $file" clang-tidy --quiet -p "$flags" "$REPO/$file"
	done
}

step_cppcheck() {
	check_that "cppcheck" cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,performance,portability --suppressions-list="$REPO/tests/lib/cppcheck.txt" \
		-I "$REPO/include" -I "$REPO/lib" "$REPO/lib" "$REPO/engine" "$REPO/tool"
}

step_shellcheck() {
	local file
	for file in $(tracked | while read -r f; do head -c 40 "$REPO/$f" | grep -qaE '^#!/bin/(ba)?sh|shellcheck shell' &&
		say "$f"; done) $(tracked 'tests/**.bats' 'tests/lib/*.sh'); do
		check_that "shellcheck $file" shellcheck -x -S warning -P "$REPO" "$REPO/$file"
	done
}

step_mandoc() {
	local file
	for file in $(tracked 'man/*.[1-9]'); do
		check_that "man page $file" mandoc -T lint -W warning "$REPO/$file"
	done
}
