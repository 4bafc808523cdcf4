# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Debian packages made into an initramfs: downloaded by name through the private
# apt state of kernels.sh, unpacked into one tree, and of that tree the wanted
# programs with every library that they name. Nothing is installed, and nothing
# of the host gets in. Sourced; needs common.sh and kernels.sh.

# Through the state of $APT_DIR/amd64, into that folder.
download_debs() {
	(cd "$APT_DIR/amd64" && private_apt amd64 apt-get download "$@" >>download.log 2>&1)
}

# merged_folders ROOT: /bin, /lib and the like in /usr, wherever a package has them.
merged_folders() {
	local name
	for name in bin sbin lib lib64; do
		mkdir -p "$1/usr/$name"
		ln -sfn "usr/$name" "$1/$name"
	done
}

# unpack_debs DEB... ROOT
unpack_debs() {
	local root=${*: -1} deb
	merged_folders "$root"
	for deb in "${@:1:$#-1}"; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --no-same-owner || return 1
	done
}

# library NAME ALL: where it is below ALL.
library() {
	find "$2/usr/lib" "$2/usr/lib64" -name "$1" ! -type d | head -n 1
}

# link_loader ROOT: the dynamic linker, where every program looks for it.
link_loader() {
	ln -sfn ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$1/usr/lib64/"
}

# take FILE ALL ROOT: a file of ALL, with every library that it names, into the
# folder where the dynamic linker looks by itself.
take() {
	local name found
	[[ -e $3/${1#"$2"/} ]] && return 0
	mkdir -p "$(dirname "$3/${1#"$2"/}")"
	cp -L "$1" "$3/${1#"$2"/}" || return 1
	for name in $(readelf -ldW "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s|.*interpreter: .*/\(.*\)\]|\1|p'); do
		found=$(library "$name" "$2")
		[[ $found ]] || { say "$1 needs $name, which no package has" && return 1; }
		take "$found" "$2" "$3" || return 1
	done
}

# cpio_of ROOT FILE: beside, then renamed.
cpio_of() {
	(cd "$1" && find . -print0 | sort -z | cpio -o -0 -H newc --quiet -R 0:0) >"$2.part" && mv "$2.part" "$2"
}
