#!/bin/sh
# SPDX-License-Identifier: MIT
# static.sh COMPILER... ALL.a OUT.a: links all objects into one, makes the
# symbols that the public header does not export local, and archives it.
set -eu

for arg; do
	in=${out-} out=$arg
done
# What is left before the two archives is the compiler.
cc=
while [ $# -gt 2 ]; do
	cc="$cc $1"
	shift
done

object=${out%.a}.o
# shellcheck disable=SC2086 # a compiler may be several words
$cc -r -nostdlib -o "$object" -Wl,--whole-archive "$in" -Wl,--no-whole-archive
objcopy --localize-hidden "$object"
rm -f "$out"
ar rcsD "$out" "$object"
rm -f "$object"
