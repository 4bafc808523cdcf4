# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A userland for the 64-bit test kernels, made of Debian's packages: bash,
# coreutils, kmod, stress-ng and a static busybox for the rest, with the
# libraries that these name, in an initramfs whose init is tests/userland/init.
# And one module of each kernel. Sourced; needs common.sh, kernels.sh, debs.sh and $REPO.
#
# Like the kernels, packages are downloaded through a private apt state and
# unpacked, never installed; what is there is not asked for again:
#
#   build/userland/userland.cpio       the initramfs
#   build/userland/modules/RELEASE.ko  a module of that kernel's (kernels.sh)

USERLAND_DIR=$REPO/build/userland
USERLAND_CPIO=$USERLAND_DIR/userland.cpio

# Package, and which of its programs are taken.
userland_table() {
	cat <<-'EOF'
		bash            bash
		busybox-static  busybox
		coreutils       cat cp cut date dd echo head ls mkdir mv nproc od rm seq sha256sum sleep sort stty tail tr true uname wc
		kexec-tools     kexec
		kmod            kmod
		stress-ng       stress-ng
	EOF
}

# --- Packages -----------------------------------------------------------------

# dependencies PACKAGE...: their libraries. The first of several alternatives; none of Mesa,
# which only a program with a screen needs.
dependencies() {
	private_apt amd64 apt-cache show --no-all-versions "$@" 2>/dev/null |
		sed -n 's/^\(Pre-\)\?Depends: //p' | tr ',' '\n' | awk '{ sub(/:.*/, "", $1); print $1 }' |
		grep -E '^(lib|zlib)' | grep -v mesa | sort -u
}

# userland_packages: those of the table and every library below them.
userland_packages() {
	local all level
	all=$(userland_table | awk '{ print $1 }' | sort)
	level=$all
	while [[ $level ]]; do
		# shellcheck disable=SC2086 # words they are
		level=$(comm -13 <(say "$all") <(dependencies $level))
		[[ $level ]] && all=$(printf '%s\n' "$all" "$level" | sort -u)
	done
	say "$all"
}

# --- Packing ------------------------------------------------------------------

# pack_root ALL ROOT
pack_root() {
	local program name
	mkdir -p "$2"/{dev,proc,sys,tmp,run,root,usr/bin}
	merged_folders "$2"
	for program in $(userland_table | cut -d ' ' -f 2-); do
		take "$(find "$1/usr/bin" "$1/usr/sbin" -name "$program" | head -n 1)" "$1" "$2" || return 1
	done
	link_loader "$2"
	for name in insmod rmmod lsmod; do
		ln -sfn kmod "$2/usr/bin/$name"
	done
	cp "$REPO/tests/userland/init" "$2/init" && chmod 755 "$2/init"
}

# make_userland DIR: downloads, unpacks and packs in there.
make_userland() {
	local packages
	apt_state amd64
	mapfile -t packages < <(userland_packages)
	say "  userland: ${#packages[@]} packages, $(mib $(($(private_apt amd64 apt-cache show --no-all-versions "${packages[@]}" | awk '/^Size: / { n += $2 } END { print n }') / 1024))) to download"
	retry 3 download_debs "${packages[@]}" || die "could not download the userland; see $APT_DIR/amd64/download.log"
	unpack_debs "$APT_DIR"/amd64/*.deb "$1/all" || die "could not unpack the userland"
	pack_root "$1/all" "$1/root" || die "could not pack the userland"
	cpio_of "$1/root" "$USERLAND_CPIO"
}

# userland_get: unless it is there, and no older than what it is made by.
userland_get() {
	local file
	for file in "$REPO/tests/lib/userland.sh" "$REPO/tests/userland/init"; do
		[[ $file -nt $USERLAND_CPIO ]] && break
	done
	[[ $file -nt $USERLAND_CPIO ]] || return 0
	mkdir -p "$USERLAND_DIR"
	(
		APT_DIR=$USERLAND_DIR/apt
		temp=$(mktemp -d "$USERLAND_DIR/.make.XXXXXX") || exit 1
		make_userland "$temp"
		status=$?
		rm -rf "$temp" "$APT_DIR"
		exit "$status"
	)
}

# --- Modules ------------------------------------------------------------------
# Most came with the kernels (kernels.sh); not those of a kernel that is the user's own.

release_of() {
	file -bL "$1" | sed 's/.*, version \([^ ]*\) .*/\1/'
}

# userland_releases: of the 64-bit test images that the boot tests know.
userland_releases() {
	local image
	kernel_images | while read -r image; do
		case $("$REPO/tests/boot/run" --kind-of "$image") in
		amd64 | *cloud) release_of "$image" ;;
		esac
	done
}

# fetch_module RELEASE
fetch_module() {
	apt_state amd64
	say "  a module of $1: linux-image-$1, $(mib $(($(apt_field amd64 "linux-image-$1" Size) / 1024))) to download"
	retry 3 download_debs "linux-image-$1" || die "could not download linux-image-$1; see $APT_DIR/amd64/download.log"
	unpack_module "$APT_DIR"/amd64/*.deb
	rm -f "$APT_DIR"/amd64/*.deb
}

# modules_get RELEASE...: those that are not there.
modules_get() {
	local release
	(
		APT_DIR=$USERLAND_DIR/apt-modules
		for release; do
			[[ -s $(module_of "$release") ]] || fetch_module "$release" || exit 1
		done
		rm -rf "$APT_DIR"
	)
}
