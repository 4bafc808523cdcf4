/* SPDX-License-Identifier: MIT */
/*
 * Decoding a kernel once, into a memfd that is sealed when it is whole, so that
 * others can map it without fear; or, on the caller's word, into an arena, in
 * which it may be placed as well. In order, but for headers and notes of a codec
 * whose blocks can be had one by one.
 */
#include "store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "payload.h"

#define ARENA_TAIL                                                                                                     \
	(8u << 20) /* behind what is claimed: a codec writes a block, lz4's being the largest, where all of it fits */

/* ---- Room ---- */

/* Only for a length that is known; false: it has to be the memfd. */
static bool open_arena(struct store *store)
{
	const struct pb_image *image = store->image;
	uint64_t claimed_len = image->claimed_len;

	if (!image->in_memory || claimed_len == 0 || claimed_len > image->limits.unpacked_len ||
	    !arena_open(&store->arena, claimed_len + ARENA_TAIL))
		return false;
	payload_unpack_init(image, &store->unpack, -1);
	if (!store->blockwise.codec)
		blockwise_open(&store->blockwise, image->codec, &image->payload, claimed_len,
			       image->limits.codec_mem_len);
	store->unpack.whole = store->arena.host;
	store->unpack.whole_len = store->arena.len;
	return true;
}

static int open_room(struct store *store, struct pb_error *err)
{
	if (open_arena(store))
		return 0;
	store->memfd = memfd_create("paraboot-kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (store->memfd < 0)
		return fail_io(err, "memfd_create");
	payload_unpack_init(store->image, &store->unpack, store->memfd);
	return 0;
}

int store_open(struct store *ret, struct pb_image *image, struct pb_error *err)
{
	*ret = (struct store){ .image = image, .memfd = -1, .plain = codec_is_none(image->codec) };
	return ret->plain ? 0 : open_room(ret, err);
}

void store_close(struct store *store)
{
	unpack_stop(&store->unpack);
	blockwise_close(&store->blockwise);
	arena_close(&store->arena);
	if (store->memfd >= 0)
		close(store->memfd);
}

/* In room of its own again, once what was there before is the guest's. */
static int renew(struct store *store, struct pb_error *err)
{
	int rc;

	if (!store->spent)
		return 0;
	arena_close(&store->arena);
	rc = open_room(store, err);
	store->spent = rc < 0;
	return rc;
}

/* ---- Bytes of the unpacked kernel ---- */

/* unpack_to() of the kernel, the only way to more of it. */
static int unpack_more(struct store *store, uint64_t end, struct pb_error *err)
{
	int rc = renew(store, err);

	return rc < 0 ? rc : unpack_to(&store->unpack, end, err);
}

/* What is unpacked so far. */
static struct source unpacked(const struct store *store)
{
	return (struct source){ .mem = store->arena.host, .fd = store->memfd, .len = store->unpack.out_len };
}

int store_seal(struct store *store, struct pb_error *err)
{
	if (store->sealed || store->plain || store->arena.host)
		return 0;
	if (fcntl(store->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return fail_io(err, "F_ADD_SEALS");
	store->sealed = true;
	return 0;
}

static int read_unpacked(void *ctx, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err)
{
	struct store *store = ctx;

	if (store->plain)
		return source_read(&store->image->payload, off, buf, len, field, err);
	if (!store->in_order && blockwise_read(&store->blockwise, off, buf, len))
		return 0;

	int rc = unpack_more(store, off + len, err);
	struct source out = unpacked(store);

	return rc < 0 ? rc : source_read(&out, off, buf, len, field, err);
}

/* How long it is. Where nothing claims that, all of it must come out first. */
static int measure(struct store *store, uint64_t *ret, struct pb_error *err)
{
	struct pb_image *image = store->image;

	if (store->plain) {
		*ret = image->payload.len;
		return 0;
	}
	if (image->claimed_len) {
		*ret = image->claimed_len;
		return 0;
	}

	int rc = unpack_more(store, UINT64_MAX, err);

	if (rc < 0)
		return rc;
	*ret = store->unpack.out_len;
	image->facts.unpacked_len = *ret;
	return 0;
}

int store_bytes(struct store *store, struct bytes *ret, struct pb_error *err)
{
	*ret = (struct bytes){ .read = read_unpacked, .ctx = store };
	return measure(store, &ret->len, err);
}

int store_fill(struct store *store, struct source *ret, struct pb_error *err)
{
	int rc = 0;

	if (store->plain) {
		*ret = store->image->payload;
		return 0;
	}
	rc = unpack_more(store, UINT64_MAX, err);
	if (rc == 0)
		*ret = unpacked(store);
	return rc;
}

/* ---- Unpacked where it belongs ---- */

/* What was unpacked before the guest's pages came goes into them by a copy. */
static int show_arena(struct store *store, const struct kernel_shower *shower, struct pb_error *err)
{
	struct arena before;
	int rc;

	if (!arena_lift(&store->arena, store->unpack.out_len, &before))
		return fail_nomem(err, store->unpack.out_len);
	rc = shower->show(shower->ctx, store->arena.host, err);
	if (rc == 0)
		memcpy(store->arena.host, before.host, store->unpack.out_len);
	arena_close(&before);
	return rc;
}

/* Where the first segment begins that holds a byte behind off; end if none does. */
static uint64_t gap_end(const struct kernel *kernel, uint64_t off, uint64_t end)
{
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->file_len && s->file_off + s->file_len > off && s->file_off < end)
			end = s->file_off > off ? s->file_off : off;
	}
	return end;
}

/* The end of all segments that begin at or before off. */
static uint64_t segments_end(const struct kernel *kernel, uint64_t off)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->file_off <= off && s->file_off + s->file_len > end)
			end = s->file_off + s->file_len;
	}
	return end;
}

/* Nobody asks for what no segment holds, but the decoder does. */
static int forget_gaps(struct store *store, const struct kernel *kernel, uint64_t end, struct pb_error *err)
{
	for (uint64_t off = 0, gap; off < end; off = segments_end(kernel, gap)) {
		gap = gap_end(kernel, off, end);
		if (!arena_map_ring(&store->arena, off, gap - off, &store->blockwise.ring))
			return fail_nomem(err, store->blockwise.ring.len);
		if (gap == end)
			break;
	}
	return 0;
}

/* Nothing before the guest's pages are there. */
static int show_blockwise(struct store *store, const struct kernel *kernel, const struct kernel_shower *shower,
			  struct source *ret, struct pb_error *err)
{
	uint64_t len = store->blockwise.out_len;
	int rc = forget_gaps(store, kernel, len, err);

	if (rc == 0)
		rc = shower->show(shower->ctx, store->arena.host, err);
	if (rc == 0)
		rc = blockwise_unpack(&store->blockwise, store->arena.host, err);
	if (rc == 0)
		*ret = (struct source){ .mem = store->arena.host, .fd = -1, .len = len };
	return rc;
}

static int show_unpacked(struct store *store, const struct kernel *kernel, const struct kernel_shower *shower,
			 struct source *ret, struct pb_error *err)
{
	int rc;

	if (store->blockwise.codec && store->unpack.out_len == 0)
		return show_blockwise(store, kernel, shower, ret, err);
	rc = show_arena(store, shower, err);
	return rc < 0 ? rc : store_fill(store, ret, err);
}

int store_show(struct store *store, const struct kernel *kernel, const struct kernel_shower *shower, struct source *ret,
	       bool *ret_shown, struct pb_error *err)
{
	int rc = renew(store, err);

	*ret_shown = false;
	if (rc < 0 || !store->arena.host)
		return rc;
	rc = show_unpacked(store, kernel, shower, ret, err);
	if (rc < 0)
		store_spend(store);
	*ret_shown = rc == 0;
	return rc;
}

void store_spend(struct store *store)
{
	unpack_stop(&store->unpack);
	store->spent = true;
}
