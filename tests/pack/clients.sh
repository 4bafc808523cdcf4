# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317 # the row's variables (run); clients are called by their names
# What is done with a packed image: a function a client. Those of the first part
# boot $image with $cmdline, and leave what the guest said on standard output; those of
# the second look at it and print what is wrong. Sourced by run.

INIT=$PB_BUILD/guest/init/init-both.cpio
LIMIT=${BOOT_TIMEOUT:-150}

# --- Boots --------------------------------------------------------------------------

# machine QEMU-ARGUMENT...
machine() {
	timeout -k 5 "$LIMIT" qemu-system-x86_64 -m 512M -nodefaults -display none -serial stdio -no-reboot "$@"
}

# SeaBIOS, its option ROM for -kernel, and the 16-bit entry.
by_pc() {
	machine -M pc -accel tcg,thread=single -kernel "$image" -initrd "$INIT" -append "$cmdline"
}

# Its firmware enters at 16 bits too. -icount: docs/design.md tells why.
by_microvm() {
	machine -M microvm -icount shift=0,sleep=off -kernel "$image" -initrd "$INIT" -append "$cmdline"
}

# A disk that GRUB boots from as a BIOS reads it: its boot sector, and behind it the rest of GRUB.
make_grub() {
	local images=/usr/lib/grub/i386-pc
	printf 'configfile (hd1)/grub.cfg\n' >"$PB_TMP/grub.cfg"
	grub-mkimage -O i386-pc -d "$images" -o "$PB_TMP/core.img" -c "$PB_TMP/grub.cfg" -p '(hd1)/' \
		biosdisk tar configfile normal linux linux16 serial &&
		cat "$images/boot.img" "$PB_TMP/core.img" >"$PB_TMP/grub.raw" && truncate -s 1M "$PB_TMP/grub.raw"
}

# by_grub LINUX INITRD: by those two of GRUB's commands. It reads a disk that is a tar archive.
by_grub() {
	local root=$PB_TMP/disk
	[[ -s $PB_TMP/grub.raw ]] || make_grub || return
	rm -rf "$root" && mkdir "$root"
	cp "$image" "$root/vmlinuz" && cp "$INIT" "$root/initrd"
	printf '%s\n' 'serial --unit=0' 'terminal_output serial' "$1 (hd1)/vmlinuz $cmdline" "$2 (hd1)/initrd" boot \
		>"$root/grub.cfg"
	tar -C "$root" -cf "$PB_TMP/disk.tar" grub.cfg vmlinuz initrd
	machine -M pc -accel tcg,thread=single -drive "file=$PB_TMP/grub.raw,format=raw,if=virtio,readonly=on" \
		-drive "file=$PB_TMP/disk.tar,format=raw,if=virtio,readonly=on"
}

# The 32-bit entry.
by_linux() {
	by_grub linux initrd
}

# The 16-bit one.
by_linux16() {
	by_grub linux16 initrd16
}

# by_kexec_with OPTION...: out of the tests' userland, under a kernel as Debian ships it.
by_kexec_with() {
	local root=$PB_TMP/kexec first kind
	first=$(for kind in cloud 6.12-cloud amd64; do images_of_kind "$kind"; done | head -n 1)
	rm -rf "$root" && mkdir "$root"
	cp "$REPO/tests/pack/job" "$root/job" && cp "$image" "$root/vmlinuz" && cp "$INIT" "$root/next.cpio"
	say "$*" >"$root/kexec-options"
	say "$cmdline" >"$root/kexec-cmdline"
	cpio_of "$root" "$PB_TMP/kexec.cpio"
	"$PARABOOT" run --engine qemu --timeout "$LIMIT" -m 1G -a 'console=ttyS0 panic=-1 no_timer_check quiet' \
		-i "$USERLAND_CPIO" -i "$PB_TMP/kexec.cpio" "$first"
}

# kexec's own loader, in user space: a 64-bit image at the top of RAM, a 32-bit one by its 32-bit entry.
by_kexec() {
	by_kexec_with --kexec-syscall
}

# The kernel's loader.
by_kexec-file() {
	by_kexec_with --kexec-file-syscall
}

# by_entry ENTRY: our own engine.
by_entry() {
	"$PARABOOT" run --engine qemu --timeout "$LIMIT" --entry "$1" --unpack guest -m 512M -i "$INIT" -a "$cmdline" "$image"
}

by_linux64() {
	by_entry linux64
}

by_linux32() {
	by_entry linux32
}

by_pvh() {
	by_entry pvh
}

# Under the paravisor.
by_xen-pv64() {
	by_entry xen-pv64
}

# --- Looks --------------------------------------------------------------------------

look_file() {
	local said
	said=$(file -b "$image")
	[[ $said == *"bzImage, version $(version_of "$kernel") "* ]] || say "file says: $said"
}

# The kernel's own script: the unpacked kernel, to the byte.
look_extract() {
	"$EXTRACT_VMLINUX" "$image" >"$PB_TMP/extracted" 2>/dev/null || say "extract-vmlinux finds no kernel"
	"$REPO/tests/lib/bzimage.py" vmlinux "$kernel" "$PB_TMP/vmlinux"
	cmp "$PB_TMP/extracted" "$PB_TMP/vmlinux" 2>&1
}

# vmlinux_of VERSION: Debian's vmlinux of that kernel, out of its debugging package; kept, for it is large.
vmlinux_of() {
	local file=$REPO/build/debug/vmlinux-$1 temp=$REPO/build/debug/temp
	if [[ ! -s $file ]]; then
		rm -rf "$temp" && mkdir -p "$temp"
		apt_state amd64 >&2
		(cd "$temp" && private_apt amd64 apt-get download "linux-image-$1-dbg" >&2) &&
			dpkg-deb --fsys-tarfile "$temp"/*.deb | tar -xO "./usr/lib/debug/boot/vmlinux-$1" >"$temp/vmlinux" &&
			mv "$temp/vmlinux" "$file"
		rm -rf "$temp"
	fi
	[[ -s $file ]] && say "$file"
}

# relocs_len IMAGE: bytes of its relocation table, a zero before each group.
relocs_len() {
	"$PARABOOT" info --json --all "$1" | jq '.kernel.relocs | 4 * (.abs32 + .inverse32 + .abs64 + 3)'
}

# What is made of the relocations in a vmlinux's sections is what Linux's build made of them: its table, to the byte,
# behind the same kernel. Of the ELF header only what told of the sections (e_shoff, e_shnum, e_shstrndx) is another.
look_vmlinux() {
	local vmlinux table kept other
	vmlinux=$(vmlinux_of "$(version_of "$kernel")") || { say "its vmlinux cannot be had" && return; }
	"$PARABOOT" pack --relocatable --codec "$codec" "$vmlinux" -o "$PB_TMP/by-sections" || say "it is not packed"
	"$REPO/tests/lib/bzimage.py" vmlinux "$PB_TMP/by-sections" "$PB_TMP/ours"
	"$REPO/tests/lib/bzimage.py" vmlinux "$kernel" "$PB_TMP/vmlinux"
	table=$(relocs_len "$kernel")
	((table > 12)) || say "the distribution's image has no relocations"
	cmp <(tail -c "$table" "$PB_TMP/ours") <(tail -c "$table" "$PB_TMP/vmlinux") 2>&1
	kept=$(($(stat -c %s "$PB_TMP/ours") - table))
	other=$(cmp -l <(head -c "$kept" "$PB_TMP/ours") <(head -c "$kept" "$PB_TMP/vmlinux") |
		awk '$1 < 41 || ($1 > 48 && $1 < 61) || $1 > 64' | wc -l)
	[[ $other == 0 ]] || say "$other bytes of the kernel differ"
}

# Xen's headers are GNU C.
make_xenguest() {
	[[ $PB_TMP/xenguest -nt $REPO/tests/pack/xenguest.c ]] ||
		"${CC:-cc}" -std=gnu17 -Wall -Wextra -Werror -o "$PB_TMP/xenguest" "$REPO/tests/pack/xenguest.c" -lxenguest -lxenctrl
}

# look_xenguest pv|pvh TYPE. It complains of what one of its loaders does not take, and goes on with the next.
look_xenguest() {
	local said
	said=$({ make_xenguest && "$PB_TMP/xenguest" "$1" "$image"; } 2>"$PB_TMP/complaints")
	[[ $? == 0 && $said == "$2 "* ]] || say "libxenguest says: $said $(cat "$PB_TMP/complaints")"
}

look_xenguest-pv() {
	look_xenguest pv xen-3.0-x86_64
}

look_xenguest-pvh() {
	look_xenguest pvh hvm-3.0-x86_32
}
