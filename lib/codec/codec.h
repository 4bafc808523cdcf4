/* SPDX-License-Identifier: MIT */
/*
 * The payload codecs: one file and one row in codecs[] each. A decoder is a
 * pull stream over bytes the caller hands in, so that decoding stops as soon
 * as the bytes asked for are there. It knows nothing of files or images.
 */
#ifndef PB_LIB_CODEC_H
#define PB_LIB_CODEC_H

#include <paraboot.h>

/* in and out are never NULL, even where their length is 0. */
struct codec_io {
	const uint8_t *in; /* the next input byte; advanced by step() */
	size_t in_len;
	bool in_last;   /* nothing follows in[in_len) */
	uint8_t *out;   /* where the next output byte goes; advanced by step() */
	size_t out_len; /* room there */
	bool out_stays; /* the same in every step: what was written stays there, and the room ends where it did */
};

/*
 * The rule that keeps a caller's loop finite: a step that was given room, and
 * was given input or in_last, either moves in or out, or does not return
 * CODEC_MORE. So a loop ends that refills in when in_len is 0 (and sets
 * in_last with the last bytes) and makes room when out_len is 0.
 * A step eats all the input it was given or stops for lack of room.
 * CODEC_END may take a step with room, after the last byte is out: who expects
 * exactly n bytes offers one more to see the end. After anything but
 * CODEC_MORE, close() is all that may follow.
 */
enum codec_step {
	CODEC_MORE, /* made progress, or wants more input or room */
	CODEC_END,  /* the stream ended here; io->in points behind it */
	CODEC_BAD,  /* the stream is damaged, or ended too early */
	CODEC_NOMEM,
	CODEC_LIMIT, /* its window and tables need more than mem_max */
};

/*
 * A stream that is blocks, one behind the other after its magic, each of which
 * begins with a word and knows nothing of the others: any of them can be decoded
 * alone, and only as far as somebody asks.
 */
#define CODEC_WORD_LEN 4u
struct codec_blocks {
	uint32_t made_len; /* what each of them unpacks to, but the last, which may be shorter */
	uint32_t back_len; /* how far back decoding looks at what it made */
	/* How many bytes follow a block's word; false: none begins with that. */
	bool (*follow)(const uint8_t word[CODEC_WORD_LEN], uint32_t *ret);
	/* Decode all of one, which makes just len bytes; false: damaged, or it makes another number. */
	bool (*whole)(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t len);
	/* Only the first len bytes of those, which take bound(len) of its bytes at the most; dearer than all, a byte.
	 */
	bool (*begin)(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t len);
	uint32_t (*bound)(uint32_t len);
};

struct codec {
	const char *name; /* as info prints it, and the command line tool's */
	uint8_t magic[6]; /* the stream begins so */
	uint8_t magic_len;
	bool size_trailer; /* in a bzImage, 4 bytes of little-endian output size follow the stream; not so for gzip,
			      whose own last 4 bytes say it */
	bool joins;        /* its own command reads files that were put one behind the other as one */
	/*
	 * In a file that joins streams: how many of the next bytes are none of a stream's, as the format has it. May
	 * be more than len, and then they reach past what was shown. NULL: the format knows no such bytes.
	 */
	uint64_t (*filler)(const uint8_t *bytes, size_t len);
	bool filler_first; /* they may stand before the first stream, too */
	/*
	 * NULL where the build lacks the codec's library: the row stays, so that
	 * the codec is still named (PB_E_CODEC_OFF).
	 * open: a decoder, or NULL for no memory. mem_max caps what it may allocate.
	 */
	void *(*open)(uint64_t mem_max);
	enum codec_step (*step)(void *decoder, struct codec_io *io);
	void (*close)(void *decoder);
	const struct codec_blocks *blocks; /* NULL: what comes out depends on all that came before it */
};

/* gzip, bzip2, lzma, xz, lzo, lz4 (legacy frame), zstd; "none" (an ELF file as it is) last; ends with a NULL name. */
extern const struct codec codecs[];

/* The row whose files begin with these bytes: its magic, or what may stand before it; or NULL. */
const struct codec *codec_probe_file(const uint8_t *bytes, size_t len);

/* The row whose magic these bytes begin with, or NULL. 6 bytes are enough; fewer may match a shorter magic. */
const struct codec *codec_probe(const uint8_t *bytes, size_t len);

#endif
