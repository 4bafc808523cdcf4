/* SPDX-License-Identifier: MIT */
/*
 * The unpacked kernel in one piece of memory, laid out as its file is: a
 * decoder writes each byte there once, and looks back at it there. Where the
 * guest's own pages were put into it (struct pb_mem_ops, show), what is decoded
 * is in the guest with that.
 */
#ifndef PB_LIB_ARENA_H
#define PB_LIB_ARENA_H

#include <stdbool.h>
#include <stdint.h>

struct arena {
	uint8_t *host; /* NULL: none */
	uint64_t len;
	void *reserved; /* host and what aligns it */
	uint64_t reserved_len;
};

/* Addresses alone: pages come with what is written. False: there are not so many. */
bool arena_open(struct arena *ret, uint64_t len);
void arena_close(struct arena *arena);

/* Have all its pages there at once, which is cheaper than one by one; it is no matter if they are not. */
void arena_populate(const struct arena *arena);

/* Move the pages of the first len bytes to ret, without a copy; those that take their place are zero. */
bool arena_lift(struct arena *arena, uint64_t len, struct arena *ret);

/*
 * A few pages for what a decoder makes on its way and nobody else wants: mapped
 * again and again, they hold of what was written last as much as it looks back at.
 */
struct ring {
	int fd;
	uint64_t len; /* 0: not open */
};

bool ring_open(struct ring *ret, uint64_t back_len);
void ring_close(struct ring *ring);

/*
 * [off, off+len), of which the whole pages count, is written once, in order, and gone soon after. False: not
 * possible, and what is there is neither this nor that.
 */
bool arena_map_ring(struct arena *arena, uint64_t off, uint64_t len, const struct ring *ring);

#endif
