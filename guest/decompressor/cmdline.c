/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: the loader's, with what was compiled into the
 * image before it, so that the loader has the last word.
 */
#include "decompressor.h"

#include <xen/xen.h>

static char line[PACK_LINE_LEN]; /* what was compiled in; in the end, the loader's behind it */

uint64_t cmdline_of(const struct boot_params *params)
{
	return params->hdr.cmd_line_ptr | (uint64_t)params->ext_cmd_line_ptr << 32;
}

/* It lies behind the program, where the copy that runs has its variables: so from the image, while that is whole. */
void cmdline_take_own(const struct start *start)
{
	move_bytes(line, (const char *)start->load + pack_page.cmdline_off, pack_page.cmdline_len);
	line[pack_page.cmdline_len] = 0;
}

static bool is_break(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == 0;
}

/* A word of the line that begins so, and is nothing more unless `word` ends with '='. */
static bool line_has(const char *at, const char *word)
{
	for (bool fresh = true; *at; fresh = is_break(*at++)) {
		const char *a = at, *b = word;

		while (*b && *a == *b)
			a++, b++;
		if (fresh && !*b && (b[-1] == '=' || is_break(*a)))
			return true;
	}
	return false;
}

bool cmdline_has(const struct boot_params *params, const char *word)
{
	uintptr_t theirs = (uintptr_t)cmdline_of(params);

	return (theirs && line_has((const char *)theirs, word)) || line_has(line, word);
}

/* The whole line's length, or 0 where there is nothing of our own to add. */
static size_t join(const char *theirs)
{
	size_t len = pack_page.cmdline_len;

	if (!len)
		return 0;
	if (theirs && *theirs)
		line[len++] = ' ';
	while (theirs && *theirs && len < sizeof(line) - 1)
		line[len++] = *theirs++;
	line[len] = 0;
	return len;
}

/* Both fit: the header's cmdline_size, which the packer lowered, is what the loader keeps to. */
void cmdline_add_own(struct boot_params *params, uintptr_t base)
{
	uintptr_t theirs = (uintptr_t)cmdline_of(params), ours = (uintptr_t)line - base;

	if (!join(theirs ? (const char *)(base + theirs) : NULL))
		return;
	params->hdr.cmd_line_ptr = (uint32_t)ours;
	params->ext_cmd_line_ptr = (uint32_t)((uint64_t)ours >> 32);
}

/* Xen's place for a line has one size, whatever this image says of itself. */
bool cmdline_add_to_xen(void *start_info)
{
	struct start_info *info = start_info;
	size_t len = join((const char *)info->cmd_line);

	if (len >= sizeof(info->cmd_line))
		return false;
	if (len)
		move_bytes(info->cmd_line, line, len + 1);
	return true;
}
