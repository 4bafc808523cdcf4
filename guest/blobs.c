/* SPDX-License-Identifier: MIT */
/*
 * Finds an embedded guest program by its number.
 */
#include "blobs.h"

/* A program with one row here has an object of embed.py's in guest/meson.build. */
#define PROGRAMS(row)                                                                                                  \
	row(GUEST_INIT64, guest_init64) row(GUEST_INIT32, guest_init32) row(GUEST_INIT_BOTH, guest_init_both)          \
		row(GUEST_TRAMPOLINE, guest_trampoline)

#define DECLARE(number, symbol) extern const uint8_t symbol[], symbol##_end[];
PROGRAMS(DECLARE)

#define ROW(number, symbol) [number] = { symbol, symbol##_end },
static const struct {
	const uint8_t *start, *end;
} programs[GUEST_PROGRAMS] = { PROGRAMS(ROW) };

struct guest_blob guest_blob(enum guest_program program)
{
	return (struct guest_blob){ programs[program].start,
				    (size_t)(programs[program].end - programs[program].start) };
}
