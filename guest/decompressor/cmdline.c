/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: the loader's, with what was compiled into the
 * image before it, so that the loader has the last word.
 */
#include "decompressor.h"

#include <xen/xen.h>

static char joined[4096];

uint64_t cmdline_of(const struct boot_params *params)
{
	return params->hdr.cmd_line_ptr | (uint64_t)params->ext_cmd_line_ptr << 32;
}

static const char *own_cmdline(void)
{
	return (const char *)&pack_page - PACK_PAGE_OFF + pack_page.cmdline_off;
}

static bool is_break(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == 0;
}

/* A word of the line that begins so, and is nothing more unless `word` ends with '='. */
static bool line_has(const char *line, const char *word)
{
	for (bool fresh = true; *line; fresh = is_break(*line++)) {
		const char *a = line, *b = word;

		while (*b && *a == *b)
			a++, b++;
		if (fresh && !*b && (b[-1] == '=' || is_break(*a)))
			return true;
	}
	return false;
}

bool cmdline_has(const struct boot_params *params, const char *word)
{
	uintptr_t line = (uintptr_t)cmdline_of(params);

	return (line && line_has((const char *)line, word)) || (pack_page.cmdline_len && line_has(own_cmdline(), word));
}

/* Into `joined`, with its NUL; its length, or 0 where there is nothing of our own to add. */
static size_t join(const char *theirs)
{
	size_t len = pack_page.cmdline_len;

	if (!len || len > sizeof(joined) - 2)
		return 0;
	move_bytes(joined, own_cmdline(), len);
	if (theirs && *theirs)
		joined[len++] = ' ';
	while (theirs && *theirs && len < sizeof(joined) - 1)
		joined[len++] = *theirs++;
	joined[len] = 0;
	return len;
}

/* The sum of both is below sizeof(joined): the header's cmdline_size, which the packer lowered, is what the loader
 * keeps to. */
void cmdline_add_own(struct boot_params *params, uintptr_t base)
{
	uintptr_t theirs = (uintptr_t)cmdline_of(params), ours = (uintptr_t)joined - base;

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
		move_bytes(info->cmd_line, joined, len + 1);
	return true;
}
