/* SPDX-License-Identifier: MIT */
/*
 * Decoding a payload, once, in order, and only as far as somebody asks. What
 * the file claims about its output is checked against what comes out; memory
 * and disk grow with what comes out, not with the claim.
 */
#ifndef PB_LIB_UNPACK_H
#define PB_LIB_UNPACK_H

#include "codec/codec.h"
#include "sink.h"
#include "source.h"

struct unpack {
	const struct codec *codec;
	struct source in;
	uint64_t claimed_len; /* 0: unknown */
	uint64_t max_len, codec_mem_max;
	bool joins; /* where a stream ends, the codec's filler or another stream of it may begin */
	/* Asked of the first bytes that come out, before any of them goes on; NULL: anything will do. */
	int (*check_first)(const uint8_t *bytes, size_t len, struct pb_error *err);
	struct sink sink; /* takes the output in order, */
	uint8_t *whole;   /* if this is NULL; else all of it is decoded to here, */
	size_t whole_len; /* in as much room as there is */

	void *decoder; /* and the buffers: only while decoding is under way */
	uint8_t *in_buf, *out_buf;
	struct codec_io io;
	uint64_t in_off;        /* of the next byte to fetch */
	uint64_t unseen_len;    /* of the input, that was passed over without a look */
	uint64_t out_len;       /* that came out so far */
	bool ended;             /* all of it came out, as claimed */
	struct pb_error failed; /* why it went wrong; the same answer for ever */
};

/* codec is not "none"; fd takes the output, unless `whole` is set. Nothing is decoded yet. */
void unpack_init(struct unpack *unpack, const struct codec *codec, const struct source *in, int fd);

/* Decode until out_len is at least `end`, or the stream ends (which is no failure). */
int unpack_to(struct unpack *unpack, uint64_t end, struct pb_error *err);

/* Free what decoding holds; the output stays. */
void unpack_stop(struct unpack *unpack);

/* Is that codec the one of payloads that are an ELF file as they are? */
bool codec_is_none(const struct codec *codec);

#endif
