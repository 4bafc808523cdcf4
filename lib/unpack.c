/* SPDX-License-Identifier: MIT */
/*
 * The pump between a payload and where its output goes. The output passes
 * through a buffer that stays in the processor's cache instead of a mapping of
 * the file: write() allocates the file's pages without a fault each, a full
 * file system is an error code and not SIGBUS, and zeros can become holes.
 * Memory that takes all of the output is written by the decoder itself.
 */
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define IN_LEN  (1024u * 1024)
#define MEM_LEN (64u * 1024 * 1024) /* of input in memory: every kernel of today in one piece */
#define OUT_LEN (256u * 1024)
/* What may be eaten before anything comes out: lz4's blocks are of 8 MiB and come out whole. */
#define IDLE_LEN (UINT64_C(16) << 20)

bool codec_is_none(const struct codec *codec)
{
	return strcmp(codec->name, "none") == 0;
}

void unpack_init(struct unpack *unpack, const struct codec *codec, const struct source *in, int fd)
{
	*unpack = (struct unpack){ .codec = codec, .in = *in, .failed = PB_INIT(unpack->failed) };
	sink_open(&unpack->sink, fd);
}

void unpack_stop(struct unpack *unpack)
{
	if (unpack->decoder)
		unpack->codec->close(unpack->decoder);
	free(unpack->in_buf);
	free(unpack->out_buf);
	unpack->decoder = NULL;
	unpack->in_buf = unpack->out_buf = NULL;
}

/* Where in the payload the decoder stands. */
static uint64_t input_off(const struct unpack *unpack)
{
	return unpack->in_off - unpack->io.in_len;
}

/*
 * No encoder makes much more of its input than storing it would. What eats and
 * gives nothing, such as empty blocks or padding, is refused before a sparse
 * file of a terabyte has been read. What is not read costs nothing.
 */
static int check_input(const struct unpack *unpack, struct pb_error *err)
{
	uint64_t in_len = input_off(unpack) - unpack->unseen_len;
	uint64_t out_len = unpack->out_len + OUT_LEN - unpack->io.out_len;
	uint64_t most = out_len + out_len / 8 + IDLE_LEN;

	return in_len > most ? fail(err, PB_E_RANGE, "compressed size", in_len, most, input_off(unpack)) : 0;
}

/* The decoder is not to see the next bytes, all of which are there; what was not fetched never will be. */
static void pass_over(struct unpack *unpack, uint64_t len)
{
	struct codec_io *io = &unpack->io;
	size_t fetched = len < io->in_len ? (size_t)len : io->in_len;

	io->in += fetched;
	io->in_len -= fetched;
	unpack->in_off += len - fetched;
}

/* Each round takes some of the input, or is the last. */
static int skip_filler(struct unpack *unpack, struct pb_error *err)
{
	uint64_t filler_len;
	uint8_t bytes[1024];
	int rc;

	if (!unpack->joins || !unpack->codec->filler)
		return 0;
	do {
		uint64_t off = input_off(unpack), left_len = unpack->in.len - off;
		size_t len = 0;

		rc = source_read_some(&unpack->in, off, bytes, sizeof(bytes), &len, err);
		if (rc < 0)
			return rc;
		filler_len = unpack->codec->filler(bytes, len);
		if (filler_len > left_len)
			return fail(err, PB_E_TRUNCATED, unpack->codec->name, filler_len, left_len, off);
		pass_over(unpack, filler_len);
		unpack->unseen_len += filler_len > len ? filler_len - len : 0;
		rc = check_input(unpack, err);
	} while (filler_len > 0 && rc == 0);
	return rc;
}

/* A file is read in pieces; memory is the decoder's to read where it is. */
static int start_input(struct unpack *unpack, struct pb_error *err)
{
	if (unpack->in.mem) {
		unpack->io.in = unpack->in.mem + unpack->in.base;
		return 0;
	}
	unpack->io.in = unpack->in_buf = malloc(IN_LEN);
	return unpack->in_buf ? 0 : fail_nomem(err, IN_LEN);
}

static int start(struct unpack *unpack, struct pb_error *err)
{
	int rc;

	if (unpack->claimed_len > unpack->max_len)
		return fail(err, PB_E_LIMIT, "payload size", unpack->claimed_len, unpack->max_len, 0);
	if (!unpack->codec->open)
		return fail(err, PB_E_CODEC_OFF, unpack->codec->name, 0, 0, 0);
	unpack->decoder = unpack->codec->open(unpack->codec_mem_max);
	unpack->out_buf = unpack->whole ? NULL : malloc(OUT_LEN);
	if (!unpack->decoder || !(unpack->whole || unpack->out_buf))
		return fail_nomem(err, OUT_LEN);
	rc = start_input(unpack, err);
	return rc < 0 ? rc : skip_filler(unpack, err);
}

/* The next piece of memory, where it is. */
static size_t next_piece(struct unpack *unpack)
{
	const struct source *in = &unpack->in;
	uint64_t left = in->len - unpack->in_off;

	unpack->io.in = in->mem + in->base + unpack->in_off;
	return left < MEM_LEN ? (size_t)left : MEM_LEN;
}

static int fetch(struct unpack *unpack, struct pb_error *err)
{
	size_t len = 0;
	int rc = 0;

	if (unpack->in.mem) {
		len = next_piece(unpack);
	} else {
		rc = source_read_some(&unpack->in, unpack->in_off, unpack->in_buf, IN_LEN, &len, err);
		unpack->io.in = unpack->in_buf;
	}
	if (rc < 0)
		return rc;
	unpack->in_off += len;
	unpack->io.in_len = len;
	unpack->io.in_last = unpack->in_off == unpack->in.len;
	return 0;
}

static int bad_step(struct unpack *unpack, enum codec_step step, struct pb_error *err)
{
	if (step == CODEC_NOMEM)
		return fail_nomem(err, unpack->codec_mem_max);
	if (step == CODEC_LIMIT)
		return fail(err, PB_E_LIMIT, "codec memory", unpack->codec_mem_max + 1, unpack->codec_mem_max, 0);
	return fail(err, PB_E_CODEC, unpack->codec->name, unpack->out_len, unpack->in.len, input_off(unpack));
}

/* One step of the decoder; a step that neither eats nor gives with all it can have would go on for ever. */
static enum codec_step step_once(struct unpack *unpack)
{
	struct codec_io *io = &unpack->io;
	size_t in_len = io->in_len, out_len = io->out_len;
	enum codec_step step = unpack->codec->step(unpack->decoder, io);
	bool stuck = io->in_len == in_len && io->out_len == out_len && (in_len > 0 || io->in_last);

	return step == CODEC_MORE && stuck ? CODEC_BAD : step;
}

/*
 * A stream ended: does another one follow, as in a file that cat made of
 * several? Each takes some of the input, which so bounds how many there are.
 */
static int next_stream(struct unpack *unpack, enum codec_step *ret, struct pb_error *err)
{
	const struct codec *codec = unpack->codec;
	uint8_t magic[sizeof(codec->magic)];
	size_t len = 0;
	int rc = skip_filler(unpack, err);

	if (rc == 0)
		rc = source_read_some(&unpack->in, input_off(unpack), magic, sizeof(magic), &len, err);
	if (rc < 0 || codec_probe(magic, len) != codec)
		return rc;
	codec->close(unpack->decoder);
	unpack->decoder = codec->open(unpack->codec_mem_max);
	if (!unpack->decoder)
		return fail_nomem(err, unpack->codec_mem_max);
	*ret = CODEC_MORE;
	return 0;
}

/* Where the output goes from here on; its beginning. */
static const uint8_t *offer_room(struct unpack *unpack)
{
	struct codec_io *io = &unpack->io;

	io->out = unpack->whole ? unpack->whole + unpack->out_len : unpack->out_buf;
	io->out_len = unpack->whole ? unpack->whole_len - unpack->out_len : OUT_LEN;
	io->out_stays = unpack->whole != NULL;
	return io->out;
}

/* Decode as much as the buffer takes, or until there is no room or the last stream ends. */
static int fill(struct unpack *unpack, const uint8_t *room, bool *ret_end, struct pb_error *err)
{
	struct codec_io *io = &unpack->io;
	enum codec_step step = CODEC_MORE;
	int rc;

	while (step == CODEC_MORE && io->out_len > 0 && (size_t)(io->out - room) < OUT_LEN) {
		if (io->in_len == 0 && !io->in_last && (rc = fetch(unpack, err)) < 0)
			return rc;
		step = step_once(unpack);
		if ((rc = check_input(unpack, err)) < 0)
			return rc;
		if (step == CODEC_END && unpack->joins && (rc = next_stream(unpack, &step, err)) < 0)
			return rc;
	}
	*ret_end = step == CODEC_END;
	return step == CODEC_MORE || step == CODEC_END ? 0 : bad_step(unpack, step, err);
}

/* What came out against what the file claims and the caller allows. */
static int check_output(const struct unpack *unpack, uint64_t out_len, bool end, struct pb_error *err)
{
	uint64_t claimed_len = unpack->claimed_len;

	if (out_len > unpack->max_len)
		return fail(err, PB_E_LIMIT, "unpacked size", out_len, unpack->max_len, input_off(unpack));
	if (claimed_len && (out_len > claimed_len || (end && out_len < claimed_len)))
		return fail(err, PB_E_SIZE_CLAIM, "payload size", out_len, claimed_len, input_off(unpack));
	if (end && input_off(unpack) < unpack->in.len)
		return fail(err, PB_E_TRAILING, "payload", unpack->in.len - input_off(unpack), 0, input_off(unpack));
	return 0;
}

static int pump(struct unpack *unpack, struct pb_error *err)
{
	const uint8_t *room;
	bool end = false;
	int rc = unpack->decoder ? 0 : start(unpack, err);

	if (rc < 0)
		return rc;
	room = offer_room(unpack);
	rc = fill(unpack, room, &end, err);
	if (rc < 0)
		return rc;

	size_t len = (size_t)(unpack->io.out - room);

	rc = check_output(unpack, unpack->out_len + len, end, err);
	if (rc == 0 && unpack->out_len == 0 && unpack->check_first)
		rc = unpack->check_first(room, len, err);
	if (rc == 0 && !unpack->whole)
		rc = sink_write(&unpack->sink, room, len, err);
	if (rc < 0)
		return rc;
	unpack->out_len += len;
	unpack->ended = end;
	return 0;
}

static int again(const struct pb_error *failed, struct pb_error *err)
{
	return fail(err, (enum pb_code)failed->code, failed->field, failed->value, failed->limit, failed->off);
}

int unpack_to(struct unpack *unpack, uint64_t end, struct pb_error *err)
{
	int rc = 0;

	if (unpack->ended || unpack->out_len >= end)
		return 0;
	if (unpack->failed.code)
		return again(&unpack->failed, err);

	while (!unpack->ended && unpack->out_len < end && rc == 0)
		rc = pump(unpack, &unpack->failed);
	if (rc == 0)
		rc = sink_settle(&unpack->sink, &unpack->failed);
	if (rc < 0 || unpack->ended)
		unpack_stop(unpack);
	return rc < 0 ? again(&unpack->failed, err) : 0;
}
