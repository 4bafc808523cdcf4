# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Gets Debian's kernels for the tests: build/kernels/vmlinuz-RELEASE, and a
# stable name (amd64, cloud-amd64, ...) that is a symlink to it. Sourced; needs
# common.sh and $REPO.
#
# They are downloaded through an apt state of our own under build/apt, made
# from copies of the machine's own sources, and unpacked, never installed: the
# user's sources, architectures, package lists and /boot stay as they are, and
# no root is needed. Only what Debian itself signs as its own is taken, whatever
# else the machine's sources offer. A kernel that is there is not asked for again.
#
# PARABOOT_KERNELS=DIR turns all this off: every regular file in DIR is an image.

KERNEL_DIR=${PARABOOT_KERNELS:-$REPO/build/kernels}
APT_DIR=$REPO/build/apt

# Stable name, architecture, metapackage (an extended regular expression: which
# 6.12 metapackage is offered changes), and the codec that it stands for.
kernel_table() {
	cat <<-'EOF'
		cloud-amd64       amd64  linux-image-cloud-amd64                    lz4
		amd64             amd64  linux-image-amd64                          xz
		6.12-cloud-amd64  amd64  linux-image-6\.12[^-]*-cloud-amd64         zstd
		686-pae           i386   linux-image-686-pae                        xz,32-bit
	EOF
}

kernel_names() {
	kernel_table | awk '{ print $1 }'
}

# kernel_images: every test image, one path a line.
kernel_images() {
	find -L "$KERNEL_DIR" -maxdepth 1 -type f ! -name '.*' -print0 | xargs -0r realpath | sort -u
}

# --- The private apt state ----------------------------------------------------
# One for each architecture, in $APT_DIR/ARCH: a mirror whose i386 lists are
# broken today still gives the amd64 kernels.

# One-line sources: binary ones only, any architecture, no CD-ROMs.
copy_list() {
	awk '$1 == "deb" && !/cdrom:/ { sub(/arch[+-]?=[^] ]*/, ""); sub(/\[ *\]/, ""); print }' "$1"
}

# deb822 sources: the same, field by field; continuation lines go with their field.
copy_deb822() {
	awk '/^[^ \t#]/ { field = tolower($1) }
		field == "architectures:" && NF { next }
		field == "types:" && NF { if (/^[^ \t#]/) print "Types: deb"; next }
		{ print }
		!NF { field = "" }' "$1"
}

# copy_sources DIR
copy_sources() {
	local file n=0
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[[ -s $file ]] || continue
		n=$((n + 1))
		case $file in
		*.list) copy_list "$file" >"$1/$n.list" ;;
		*.sources) copy_deb822 "$file" >"$1/$n.sources" ;;
		esac
	done
}

# The machine's own settings (proxies) hold, except those that would run
# programs or touch anything outside our folder. write_apt_conf ARCH DIR
write_apt_conf() {
	cat >"$2/apt.conf" <<-EOF
		#clear APT::Update;
		#clear APT::Architectures;
		#clear APT::Default-Release;
		#clear Acquire::IndexTargets::deb::DEP-11;
		#clear Acquire::IndexTargets::deb::Contents-deb;
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::GzipIndexes "true";
		Dir::State "$2/state";
		Dir::State::status "$2/status";
		Dir::Cache "$2/cache";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$2/sources";
		Dir::Etc::preferences "$2/preferences";
		Dir::Etc::preferencesparts "/dev/null";
	EOF
	cat >"$2/preferences" <<-'EOF'
		Package: *
		Pin: release o=Debian
		Pin-Priority: 500

		Package: *
		Pin: release *
		Pin-Priority: -1
	EOF
}

# make_apt_state ARCH
make_apt_state() {
	local dir=$APT_DIR/$1
	rm -rf "$dir"
	mkdir -p "$dir"/{sources,state/lists/partial,cache/archives/partial}
	: >"$dir/status"
	copy_sources "$dir/sources"
	write_apt_conf "$1" "$dir"
}

# private_apt ARCH TOOL ARGUMENT...
private_apt() {
	local arch=$1 tool=$2
	shift 2
	LC_ALL=C "$tool" -q -c "$APT_DIR/$arch/apt.conf" "$@" </dev/null
}

update_apt_state() {
	private_apt "$1" apt-get update >"$APT_DIR/$1/update.log" 2>&1
}

# A source that fails (a third party's, a suite in the middle of a mirror's
# sync) is no reason to give up if the rest has the kernels: later steps see.
apt_state() {
	[[ -d $APT_DIR/$1 ]] && return 0
	make_apt_state "$1"
	retry 3 update_apt_state "$1" || say "  (some of Debian's $1 package lists could not be read; going on)"
}

# --- Finding, fetching, unpacking ---------------------------------------------

# apt_field ARCH PACKAGE FIELD: of the version that would be installed.
apt_field() {
	private_apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n "s/^$3: //p" | head -1
}

# The name with the fewest numbers in it: of what a metapackage's expression
# matches, the metapackage itself, if it is offered, else the newest kernel.
plainest() {
	awk '{ print gsub(/[0-9]+/, "&"), $0 }' | sort -k1,1n -k2,2Vr | awk 'NR == 1 { print $2 }'
}

# kernel_package ARCH METAPACKAGE-REGEX: the package with the kernel in it.
kernel_package() {
	local name behind
	name=$(private_apt "$1" apt-cache pkgnames linux-image | grep -xE "$2" | plainest)
	[[ $name ]] || return 1
	behind=$(apt_field "$1" "$name" Depends | grep -oE 'linux-image-[^ ,]+' | head -1)
	say "${behind:-$name}"
}

download_deb() {
	(cd "$APT_DIR/$1" && private_apt "$1" apt-get download "$2" >>download.log 2>&1)
}

# unpack_kernel DEB NAME: ./boot/vmlinuz-* and nothing else; beside, then renamed.
unpack_kernel() {
	local temp file
	temp=$(mktemp -d "$KERNEL_DIR/.unpack.XXXXXX") || return 1
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$temp" --wildcards './boot/vmlinuz-*'
	for file in "$temp"/boot/vmlinuz-*; do
		[[ -s $file ]] || return 1
		chmod 644 "$file"
		mv "$file" "$KERNEL_DIR/" && ln -sfn "${file##*/}" "$KERNEL_DIR/$2"
	done
	rm -rf "$temp"
}

# What the labs (tests/lab) boot: LAB_DIR/FOLDER/vmlinuz and its modules *.ko,
# beside the test images and none of them. Folder, the kernel's stable name, modules.
LAB_DIR=$REPO/build/lab

lab_kernel_table() {
	cat <<-'EOF'
		kernel  cloud-amd64  kvm kvm-amd irqbypass
		dom0    amd64        xen-evtchn xen-privcmd xenfs xen-gntdev xen-gntalloc
	EOF
}

# lab_kernel_is_whole DIRECTORY MODULE...
lab_kernel_is_whole() {
	local dir=$1 file
	shift
	for file in vmlinuz "${@/%/.ko}"; do
		[[ -s $dir/$file ]] || return 1
	done
}

# unpack_lab_kernel DEB FOLDER MODULE...: beside, then renamed.
unpack_lab_kernel() {
	local deb=$1 folder=$2 temp patterns
	shift 2
	patterns=("${@/#/*\/}")
	mkdir -p "$LAB_DIR"
	temp=$(mktemp -d "$LAB_DIR/.unpack.XXXXXX") || return 1
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$temp" --wildcards './boot/vmlinuz-*' "${patterns[@]/%/.ko*}"
	mkdir "$temp/kernel"
	find "$temp" -name '*.ko*' -exec mv -t "$temp/kernel" {} +
	find "$temp" -name '*.ko.xz' -exec xz -d {} +
	mv "$temp"/boot/vmlinuz-* "$temp/kernel/vmlinuz"
	chmod 644 "$temp"/kernel/*
	lab_kernel_is_whole "$temp/kernel" "$@" || return 1
	rm -rf "${LAB_DIR:?}/$folder" && mv "$temp/kernel" "$LAB_DIR/$folder"
	rm -rf "$temp"
}

# unpack_lab_kernels DEB NAME: for each lab that boots the kernel of that name.
unpack_lab_kernels() {
	local folder name modules
	while read -r folder name modules; do
		# shellcheck disable=SC2086 # words they are
		[[ $name != "$2" ]] || unpack_lab_kernel "$1" "$folder" $modules || return 1
	done < <(lab_kernel_table)
}

# A module that the tests' userland loads: harmless, and visible in
# /sys/class/net. build/userland/modules/RELEASE.ko.
MODULE_NAME=dummy
MODULE_DIR=$REPO/build/userland/modules

# module_of RELEASE
module_of() {
	say "$MODULE_DIR/$1.ko"
}

# unpack_module DEB: beside, then renamed.
unpack_module() {
	local temp file release
	mkdir -p "$MODULE_DIR"
	temp=$(mktemp -d "$MODULE_DIR/.unpack.XXXXXX") || return 1
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$temp" --wildcards "*/$MODULE_NAME.ko*"
	while read -r file; do
		release=${file#*/lib/modules/}
		[[ $file == *.xz ]] && xz -d "$file"
		mv "${file%.xz}" "$(module_of "${release%%/*}")"
	done < <(find "$temp" -name "$MODULE_NAME.ko*")
	rm -rf "$temp"
}

# fetch_kernel NAME ARCH METAPACKAGE-REGEX
fetch_kernel() {
	local package deb
	apt_state "$2"
	package=$(kernel_package "$2" "$3") || die "Debian's sources on this machine offer no $3 ($2)"
	say "  $1: $package, $(mib $(($(apt_field "$2" "$package" Size) / 1024))) to download"
	retry 3 download_deb "$2" "$package" || die "could not download $package; see $APT_DIR/$2/download.log"
	deb=$(find "$APT_DIR/$2" -maxdepth 1 -name "${package}_*.deb" | head -1)
	unpack_kernel "$deb" "$1" || die "no kernel in $deb"
	[[ $2 == amd64 ]] && unpack_module "$deb"
	unpack_lab_kernels "$deb" "$1" || die "not all of a lab's modules in $deb"
	rm -f "$deb"
}

kernels_missing() {
	local name
	for name; do
		[[ -s $KERNEL_DIR/$name ]] || say "$name"
	done
}

# kernels_get NAME...: those that are not there yet.
kernels_get() {
	local missing name row
	[[ ${PARABOOT_KERNELS:-} ]] && return 0
	mapfile -t missing < <(kernels_missing "$@")
	((${#missing[@]})) || return 0
	mkdir -p "$KERNEL_DIR"
	say "kernels (Debian's package lists first: 10 MB for each architecture; of each package only the kernel is kept and a module, of two the modules that the labs need too):"
	for name in "${missing[@]}"; do
		read -r -a row < <(kernel_table | awk -v name="$name" '$1 == name')
		fetch_kernel "$name" "${row[1]}" "${row[2]}"
	done
	rm -rf "$APT_DIR"
}

# lab_kernel_get FOLDER: where the test images did not bring it, because they
# were there already, or are the user's own.
lab_kernel_get() {
	local folder name modules row
	read -r folder name modules < <(lab_kernel_table | awk -v folder="$1" '$1 == folder')
	# shellcheck disable=SC2086 # words they are
	lab_kernel_is_whole "$LAB_DIR/$folder" $modules && return 0
	read -r -a row < <(kernel_table | awk -v name="$name" '$1 == name')
	say "a lab's kernel:"
	(
		mkdir -p "$REPO/build"
		KERNEL_DIR=$(mktemp -d "$REPO/build/.lab.XXXXXX") || exit 1
		fetch_kernel "$name" "${row[1]}" "${row[2]}"
		rm -rf "$APT_DIR" "$KERNEL_DIR"
	)
	# shellcheck disable=SC2086
	lab_kernel_is_whole "$LAB_DIR/$folder" $modules
}
