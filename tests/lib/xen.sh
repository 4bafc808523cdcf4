# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Gets what the Xen lab (tests/lab/xen) boots, from Debian's packages by name:
# build/lab/xen/xen.elf, the hypervisor; base.cpio, dom0's programs with every
# library they need; grub.bin and grub-pvh.bin, GRUB as a PV and as a PVH guest; packages, what they came from. And
# build/lab/dom0, dom0's kernel and modules. Sourced; needs common.sh,
# kernels.sh and debs.sh.
#
# Unpacked, never installed: Xen's packages would add themselves to the machine's
# boot menu.

XEN_LAB=$LAB_DIR/xen

xen_lab_packages() {
	tr -s ' \n' '\n' <<-'EOF'
		xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils grub-xen-host
		libxenmisc4.17 libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1
		libxenhypfs1 libxenstore4 libxentoolcore1 libxentoollog1
		libyajl2 libuuid1 zlib1g liblzma5 libzstd1 libgcc-s1 libc6 busybox-static
	EOF
}

xen_lab_version() {
	sed -n 's/^xen-hypervisor-[^ ]* /Xen /p' "$XEN_LAB/packages"
}

# xl and the daemons are in a folder of their version.
xen_lab_programs() {
	tr -s ' \n' '\n' <<-'EOF'
		xl xenstored xenconsoled xen-init-dom0 xenstore-ls xenstore-read xenstore-write xenstore-list busybox
	EOF
}

# pack_dom0 ALL ROOT: libgcc_s is what pthread_exit loads by name; without it xl aborts.
pack_dom0() {
	local program
	merged_folders "$2"
	link_loader "$2"
	for program in $(xen_lab_programs); do
		take "$(find "$1"/usr/{bin,sbin,lib/xen-4.17/bin} -name "$program" | head -n 1)" "$1" "$2" || return 1
	done
	take "$(library libgcc_s.so.1 "$1")" "$1" "$2"
	mkdir -p "$2/etc/xen"
	: >"$2/etc/xen/xl.conf"
}

# make_xen_lab DIR: downloads, unpacks and packs in there; DIR/xen is what is wanted.
make_xen_lab() {
	local packages deb
	apt_state amd64
	mapfile -t packages < <(xen_lab_packages)
	say "  the Xen lab: ${#packages[@]} packages, 9 MB to download"
	retry 3 download_debs "${packages[@]}" || die "could not download the Xen lab; see $APT_DIR/amd64/download.log"
	mkdir "$1/xen"
	unpack_debs "$APT_DIR"/amd64/*.deb "$1/all" || die "could not unpack the Xen lab"
	pack_dom0 "$1/all" "$1/root" || die "could not pack the Xen lab"
	cpio_of "$1/root" "$1/xen/base.cpio"
	gzip -dc "$1"/all/boot/xen-4.17-amd64.gz >"$1/xen/xen.elf"
	cp "$1"/all/usr/lib/grub-xen/grub-x86_64-xen.bin "$1/xen/grub.bin"
	cp "$1"/all/usr/lib/grub-xen/grub-i386-xen_pvh.bin "$1/xen/grub-pvh.bin"
	for deb in "$APT_DIR"/amd64/*.deb; do
		dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb"
	done >"$1/xen/packages"
}

# xen_lab_get: unless it is there, and no older than what it is made by. Whole or not at all.
xen_lab_get() {
	local temp status
	lab_kernel_get dom0 || return 1
	[[ $XEN_LAB/packages -nt $REPO/tests/lib/xen.sh ]] && return 0
	mkdir -p "$LAB_DIR"
	temp=$(mktemp -d "$LAB_DIR/.xen.XXXXXX") || return 1
	(APT_DIR=$temp/apt && make_xen_lab "$temp") && rm -rf "$XEN_LAB" && mv "$temp/xen" "$XEN_LAB"
	status=$?
	rm -rf "$temp"
	return "$status"
}
