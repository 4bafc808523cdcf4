# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The one place that says which Debian packages each purpose needs, and that
# installs those that are missing. Sourced. What is there already costs no
# network and no root. Needs common.sh.

# purpose, then packages; a purpose may stand in several rows.
package_table() {
	cat <<-'EOF'
		build       gcc libc6-dev binutils meson ninja-build pkgconf libxen-dev linux-libc-dev
		build       zlib1g-dev libbz2-dev liblzma-dev liblz4-dev libzstd-dev libjansson-dev
		boot        qemu-system-x86 ovmf ovmf-ia32
		check       clang llvm clang-tidy clang-format cppcheck shellcheck mandoc bats
		check       libcmocka-dev liblzo2-dev jq file cpio busybox-static
		check       gzip bzip2 xz-utils lz4 zstd lzop
		check       grub-common grub-pc-bin grub-xen-bin grub-xen-host
		fresh       debootstrap
	EOF
}

# packages_for PURPOSE...: one name a line.
packages_for() {
	local purpose
	for purpose; do
		package_table | awk -v purpose="$purpose" '$1 == purpose { for (i = 2; i <= NF; i++) print $i }'
	done
}

packages_installed() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u
}

# packages_missing PURPOSE...: those of packages_for that are not installed.
packages_missing() {
	local wanted
	mapfile -t wanted < <(packages_for "$@" | sort -u)
	comm -23 <(printf '%s\n' "${wanted[@]}") <(packages_installed "${wanted[@]}")
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	((EUID == 0)) || sudo -n true 2>/dev/null
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null
}

# Package lists that know each of these names; without them, or with lists so
# old that a download fails, they are fetched first.
apt_lists_know() {
	apt-cache show --no-all-versions "$@" >/dev/null 2>&1
}

# A word on size before anything is fetched; apt's own summary, in one line.
apt_sizes() {
	LC_ALL=C apt-get -s -o Debug::NoLocking=1 --no-install-recommends install "$@" 2>/dev/null |
		awk '/^Inst /{ n++ } END { if (n) printf "%d packages with what they depend on", n }'
	# Only a real install, answered "no", tells the sizes.
	LC_ALL=C apt-get --assume-no -o Debug::NoLocking=1 --no-install-recommends install "$@" 2>/dev/null |
		sed -n 's/^Need to get \(.*\) of archives\./; \1 to download/p
			s/^After this operation, \(.*\) of additional disk space will be used\./, \1 on disk/p' | tr -d '\n'
	say
}

# packages_install PURPOSE...: nothing to do is the usual case.
packages_install() {
	local missing
	mapfile -t missing < <(packages_missing "$@")
	((${#missing[@]})) || return 0
	can_be_root || die "root (or sudo) is needed to install: ${missing[*]}"
	say "installing: ${missing[*]}"
	apt_lists_know "${missing[@]}" || retry 3 apt_get update || die "apt-get update failed"
	say "  $(apt_sizes "${missing[@]}")"
	apt_install "${missing[@]}" || die "could not install: ${missing[*]}"
}

# The second try is with fresh lists: old ones name files that are gone.
apt_install() {
	apt_get install -y --no-install-recommends "$@" && return 0
	retry 3 apt_get update
	retry 3 apt_get install -y --no-install-recommends "$@"
}
