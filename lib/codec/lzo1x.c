/* SPDX-License-Identifier: MIT */
/*
 * LZO1X, written from the description of its byte stream in Linux's
 * Documentation/staging/lzo.rst. A stream is a sequence of instructions; each
 * copies a match from earlier output and then 0 to 3 literals, or is a run of
 * literals. What an instruction byte below 16 means depends on how many
 * literals the one before it ended with ("state"):
 *
 *	1LLDDDSS d           match of 5..8, distance 1..2 KiB
 *	01LDDDSS d           match of 3..4, distance 1..2 KiB
 *	001LLLLL … DDDDDDSS d   match of 2.., distance 1..16 KiB
 *	0001HLLL … DDDDDDSS d   match of 2.., distance 16..48 KiB; exactly 16 KiB is the end mark
 *	0000LLLL …           state 0: literals, 3..
 *	0000DDSS d           state 1..3: match of 2, distance 1..1 KiB; state 4 (after a run): match of 3, 2..3 KiB
 *
 * S counts the literals that follow; an L of 0 where it says "…" is followed
 * by bytes that continue the length. The very first byte may be 17 plus a count of literals.
 *
 * Everything here is hostile. Copies are made in words that may write past
 * their end, but only where the buffers have that much left (SLACK).
 */
#include "lzo1x.h"

#include <string.h>

#define SLACK   16u /* the largest word copied at once */
#define END_GAP 16384u

struct cursor {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_start, *out_end;
};

struct match {
	size_t len, distance;
	unsigned literals; /* that follow it */
};

static inline size_t in_left(const struct cursor *c)
{
	return (size_t)(c->in_end - c->in);
}

static inline size_t out_left(const struct cursor *c)
{
	return (size_t)(c->out_end - c->out);
}

/* Copy literals; the words only go where both buffers reach. */
static inline bool copy_literals(struct cursor *c, size_t len)
{
	if (in_left(c) < len || out_left(c) < len)
		return false;
	if (in_left(c) - len >= SLACK && out_left(c) - len >= SLACK) {
		for (size_t done = 0; done < len; done += SLACK)
			memcpy(c->out + done, c->in + done, SLACK);
	} else {
		memcpy(c->out, c->in, len);
	}
	c->in += len;
	c->out += len;
	return true;
}

/* A match that overlaps its own output repeats it: each round copies all there is, and so doubles it. */
static void copy_repeating(uint8_t *out, size_t distance, size_t len)
{
	const uint8_t *from = out - distance;

	while (len > distance) {
		memcpy(out, from, distance);
		out += distance;
		len -= distance;
		distance *= 2;
	}
	memcpy(out, from, len);
}

static inline bool copy_match(struct cursor *c, const struct match *m)
{
	if (m->distance > (size_t)(c->out - c->out_start) || out_left(c) < m->len)
		return false;

	const uint8_t *from = c->out - m->distance;

	if (m->distance >= 8 && out_left(c) - m->len >= 8) {
		for (size_t done = 0; done < m->len; done += 8)
			memcpy(c->out + done, from + done, 8);
	} else {
		copy_repeating(c->out, m->distance, m->len);
	}
	c->out += m->len;
	return true;
}

/* The rest of a length whose bits in the instruction were 0: 255 for each zero byte, then a last byte. */
static bool long_length(struct cursor *c, size_t base, size_t *ret)
{
	const uint8_t *start = c->in;

	while (c->in < c->in_end && *c->in == 0)
		c->in++;
	if (c->in == c->in_end)
		return false;

	/* No overflow: a buffer is at most half the address space, and lzop's blocks are 64 MiB. */
	*ret = base + (size_t)(c->in - start) * 255 + *c->in;
	c->in++;
	return true;
}

/* A length field of the bits in mask; 0 means that it goes on. */
static inline bool length(struct cursor *c, unsigned op, unsigned mask, size_t *ret)
{
	*ret = op & mask;
	return *ret || long_length(c, mask, ret);
}

/* The distances' two forms: 16 bits of which the low two count literals, or one byte of high bits. */
static inline bool wide_distance(struct cursor *c, struct match *m)
{
	if (in_left(c) < 2)
		return false;

	unsigned word = c->in[0] | (unsigned)c->in[1] << 8;

	c->in += 2;
	m->distance = word >> 2;
	m->literals = word & 3;
	return true;
}

static inline bool narrow_distance(struct cursor *c, unsigned low, unsigned low_bits, struct match *m)
{
	if (c->in == c->in_end)
		return false;
	m->distance = ((size_t)*c->in++ << low_bits) + low + 1;
	return true;
}

/* The match that op begins; op is 16 or more, or state is not 0. */
static inline bool take_match(struct cursor *c, unsigned op, unsigned state, struct match *m)
{
	m->literals = op & 3;
	if (op >= 64) {
		m->len = (op >> 5) + 1;
		return narrow_distance(c, op >> 2 & 7, 3, m);
	}
	if (op >= 32) {
		if (!length(c, op, 31, &m->len) || !wide_distance(c, m))
			return false;
		m->len += 2;
		m->distance += 1;
		return true;
	}
	if (op >= 16) {
		if (!length(c, op, 7, &m->len) || !wide_distance(c, m))
			return false;
		m->len += 2;
		m->distance += END_GAP + ((op & 8) << 11);
		return true;
	}
	m->len = state == 4 ? 3 : 2;
	if (!narrow_distance(c, op >> 2, 2, m))
		return false;
	m->distance += state == 4 ? 2048 : 0;
	return true;
}

static inline bool take_run(struct cursor *c, unsigned op)
{
	size_t len;

	return length(c, op, 15, &len) && copy_literals(c, len + 3);
}

/* A first byte above 17 is a run of its own, with a count that needs no minimum. Sets state. */
static bool take_first(struct cursor *c, unsigned *state)
{
	*state = 0;
	if (c->in == c->in_end || *c->in <= 17)
		return true;

	unsigned len = *c->in++ - 17u;

	*state = len < 4 ? len : 4;
	return copy_literals(c, len);
}

bool lzo1x_decode(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, size_t *ret_len)
{
	struct cursor c = { in, in + in_len, out, out, out + out_len };
	struct match m;
	unsigned state;

	if (!take_first(&c, &state))
		return false;
	while (c.in < c.in_end) {
		unsigned op = *c.in++;

		if (op < 16 && state == 0) {
			if (!take_run(&c, op))
				return false;
			state = 4;
			continue;
		}
		if (!take_match(&c, op, state, &m))
			return false;
		if (m.distance == END_GAP && op < 32 && op >= 16) {
			*ret_len = (size_t)(c.out - c.out_start);
			return c.in == c.in_end;
		}
		if (!copy_match(&c, &m) || !copy_literals(&c, m.literals))
			return false;
		state = m.literals;
	}
	return false; /* no end mark */
}
