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
};

/* gzip, bzip2, lzma, xz, lzo, lz4 (legacy frame), zstd; "none" (an ELF file as it is) last; ends with a NULL name. */
extern const struct codec codecs[];

/* The row whose files begin with these bytes: its magic, or what may stand before it; or NULL. */
const struct codec *codec_probe_file(const uint8_t *bytes, size_t len);

/* The row whose magic these bytes begin with, or NULL. 6 bytes are enough; fewer may match a shorter magic. */
const struct codec *codec_probe(const uint8_t *bytes, size_t len);

#endif
