# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The builds that the tests run on: name, compiler, meson's options. "release"
# is what a user gets and stands in build/ itself; the others in build/check.
# Sourced; needs common.sh and $REPO.

BUILD=$REPO/build
STRICT='-Dwerror=true -Dtests=enabled -Dtool=enabled'
CODECS='zlib bzip2 lzma lz4 zstd lzo'

# each_codec VALUE: the option of each codec, set so.
each_codec() {
	local codec
	for codec in $CODECS; do
		printf -- '-D%s=%s ' "$codec" "$1"
	done
}

build_table() {
	cat <<-EOF
		release  gcc    -Dbuildtype=release -Dtests=disabled
		gcc      gcc    $STRICT $(each_codec enabled)
		clang    clang  $STRICT $(each_codec enabled)
		asan     gcc    $STRICT $(each_codec enabled) -Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all
		plain    gcc    $STRICT $(each_codec disabled) -Dbuildtype=release
		fuzz     clang  -Dwerror=true -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize-recover=all -Dtool=disabled -Dtests=disabled
	EOF
}

build_names() {
	build_table | awk '{ print $1 }'
}

# build_dir NAME
build_dir() {
	if [[ $1 == release ]]; then
		say "$BUILD"
	else
		say "$BUILD/check/$1"
	fi
}

# build_one NAME [JOBS]: configure if that was not done yet, then build. Quiet
# if all goes well. One at a time in a folder: steps run side by side.
build_one() {
	local dir lock
	dir=$(build_dir "$1")
	mkdir -p "$dir"
	exec {lock}>"$dir/.lock"
	flock "$lock"
	configure_and_build "$dir" "$@"
	local status=$?
	exec {lock}>&-
	return "$status"
}

# configure_and_build DIR NAME [JOBS]
configure_and_build() {
	local dir=$1 row
	shift
	read -r -a row < <(build_table | awk -v name="$1" '$1 == name')
	((${#row[@]})) || die "no build named $1"
	if [[ ! -e $dir/build.ninja ]]; then
		CC=${row[1]} meson setup "$dir" "$REPO" "${row[@]:2}" >"$dir/setup.log" 2>&1 || {
			cat "$dir/setup.log"
			return 1
		}
	fi
	ninja -C "$dir" ${2:+-j"$2"} >"$dir/build.log" 2>&1 || {
		cat "$dir/build.log"
		return 1
	}
	link_command "$dir"
}

# The command stands at the top of its build, whatever folder it is built in.
link_command() {
	[[ -x $1/tool/paraboot ]] || return 0
	ln -sfn tool/paraboot "$1/paraboot"
}
