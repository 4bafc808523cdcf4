# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The command as it runs in the Xen lab's dom0: in one folder with the engine's
# module, the host's loader and all libraries that they name. Sourced.

# libraries_of FILE...: with the loader.
libraries_of() {
	ldd "$@" | sed -nE 's#^.*[[:space:]](/[^ ]*) \(0x.*#\1#p' | xargs -d '\n' realpath -s | sort -u
}

# command_folder DIR PARABOOT BUILD PROGRAM...: to be run by tests/lab/xen/command, which becomes DIR/run.
command_folder() {
	local dir=$1 paraboot=$2 build=$3 module=$3/engine/xen/engine-xen.so
	shift 3
	rm -rf "$dir"
	mkdir -p "$dir/lib"
	cp -L "$(dirname "${BASH_SOURCE[0]}")/../lab/xen/command" "$dir/run"
	cp -L "$paraboot" "$module" "$build/bench/bench_watcher.so" "$@" "$dir/"
	libraries_of "$paraboot" "$module" | xargs -d '\n' cp -Lt "$dir/lib"
}
