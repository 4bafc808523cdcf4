#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The pages: README leads to each, and what they name is there.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

@test "README leads to every page of docs" {
	diff <(grep -oE '\]\(docs/[a-z-]+\.md\)' README.md | tr -d ']()' | sort -u) <(printf '%s\n' docs/*.md)
}

@test "a page that is named is there" {
	local from to missing=0
	while IFS=: read -r from to; do
		[[ -e $to || -e $(dirname "$from")/$to ]] || { echo "$from names $to" && missing=1; }
	done < <(grep -oE '\b(docs/)?[a-z-]+\.md\b' README.md docs/*.md)
	((!missing))
}

# A star or NAME stands for several files.
@test "source files and folders that pages, comments and meson name are there" {
	local from to missing=0
	while IFS=: read -r from to; do
		to=${to%[./]}
		[[ $to == *NAME* || $(compgen -G "$to*") ]] || { echo "$from names $to" && missing=1; }
	done < <(grep -roE '(^|[ `(])(lib|engine|tool|guest|tests|bench|examples)/[a-zA-Z0-9_./-]+' --include='*.[chS]' --include='*.md' \
		--include=meson.build README.md docs lib engine tool guest tests bench examples | sed -E 's/:[ `(]/:/')
	((!missing))
}
