# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Gets extract-vmlinux, a script of the kernel's, for the tests of packed images: no
# package of Debian's has it but that of the kernel's source. Fetched
# as the kernels are, and of its 139 MB this one file is kept. Sourced; needs
# common.sh, kernels.sh, debs.sh and $REPO.

EXTRACT_VMLINUX=$REPO/build/extract-vmlinux

# unpack_script DEB: an archive in an archive.
unpack_script() {
	local name
	name=$(basename "$1") && name=${name%%_*}
	dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$name.tar.xz" | xz -dc |
		tar -xO "$name/scripts/extract-vmlinux" >"$EXTRACT_VMLINUX.part" &&
		chmod 755 "$EXTRACT_VMLINUX.part" && mv "$EXTRACT_VMLINUX.part" "$EXTRACT_VMLINUX"
}

# extract_vmlinux_get: unless it is there.
extract_vmlinux_get() {
	local package
	[[ -s $EXTRACT_VMLINUX ]] && return 0
	(
		APT_DIR=$REPO/build/apt-source
		apt_state amd64
		package=$(apt_field amd64 linux-source Depends | grep -oE 'linux-source-[^ ,]+' | head -n 1)
		say "  extract-vmlinux: ${package:=linux-source}, $(mib $(($(apt_field amd64 "$package" Size) / 1024))) to download"
		retry 3 download_debs "$package" || die "could not download $package; see $APT_DIR/amd64/download.log"
		unpack_script "$APT_DIR"/amd64/*.deb || die "no extract-vmlinux in $package"
		rm -rf "$APT_DIR"
	)
}
