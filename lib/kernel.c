/* SPDX-License-Identifier: MIT */
/*
 * The kernel inside an image: decoded once into a memfd, no further than it is
 * read, and sealed when it is whole, so that others can map it without fear.
 * Or, on the caller's word, into an arena, in which it may be placed as well.
 * A payload that is an ELF file already is read where it is.
 */
#include "kernel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "blockwise.h"
#include "error.h"
#include "format/format.h"
#include "notes.h"
#include "plain.h"
#include "unpack.h"

#define SCAN_LEN (256u * 1024)
#define ARENA_TAIL                                                                                                     \
	(8u << 20) /* behind what is claimed: a codec writes a block, lz4's being the largest, where all of it fits */

struct kernel_state {
	bool plain;           /* codec "none": no memfd, no decoder */
	struct unpack unpack; /* into the arena, if there is one, or memfd */
	struct arena arena;
	struct blockwise blockwise; /* beside an arena, for a codec that can be decoded so */
	bool spent;                 /* the arena was placed: whoever reads the kernel again has it unpacked again */
	int memfd;
	bool sealed;
	bool loaded;
	struct kernel kernel;
};

/* ---- Bytes of the unpacked kernel ---- */

static int unknown_codec(const struct pb_image *image, struct pb_error *err)
{
	struct head head = { 0 };
	int rc = source_read_some(&image->payload, 0, head.bytes, 4, &head.len, err);

	return rc < 0 ? rc : fail(err, PB_E_CODEC_UNKNOWN, "payload", head_first(&head), 0, image->payload.base);
}

static int check_payload(const struct pb_image *image, struct pb_error *err)
{
	uint16_t protocol = image->facts.protocol;

	if (protocol && protocol < 0x208)
		return fail(err, PB_E_NO_PAYLOAD, "payload_offset", protocol, 0x208, 0);
	if (image->payload.len == 0)
		return fail(err, PB_E_NO_PAYLOAD, "payload_length", 0, 1, 0);
	if (!image->codec)
		return unknown_codec(image, err);
	return 0;
}

/* Only its codec spoke for a compressed file so far: if it is no kernel, say what it looked like. */
static int check_compressed(const uint8_t *bytes, size_t len, struct pb_error *err)
{
	struct head head = { .len = len < HEAD_LEN ? len : HEAD_LEN };

	memcpy(head.bytes, bytes, head.len);
	return elf_probe(&head) ? 0 : fail(err, PB_E_FORMAT, looks_like(&head), head_first(&head), 0, 0);
}

static int check_bzimage_payload(const uint8_t *bytes, size_t len, struct pb_error *err)
{
	if (len >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0)
		return 0;
	return fail(err, PB_E_MAGIC, "e_ident", len ? bytes[0] : 0, ELFMAG0, 0);
}

/* A decoder of the payload into fd, which gets nothing that does not begin like a kernel. */
static void start_unpack(const struct pb_image *image, struct unpack *ret, int fd)
{
	unpack_init(ret, image->codec, &image->payload, fd);
	ret->claimed_len = image->claimed_len;
	ret->max_len = image->limits.unpacked_len;
	ret->codec_mem_max = image->limits.codec_mem_len;
	ret->joins = image->compressed && image->codec->joins; /* a kernel reads one stream of its payload */
	ret->check_first = image->compressed ? check_compressed : check_bzimage_payload;
}

/* Only for a length that is known; false: it has to be the memfd. */
static bool open_arena(struct pb_image *image, struct kernel_state *ks)
{
	uint64_t claimed_len = image->claimed_len;

	if (!image->in_memory || claimed_len == 0 || claimed_len > image->limits.unpacked_len ||
	    !arena_open(&ks->arena, claimed_len + ARENA_TAIL))
		return false;
	start_unpack(image, &ks->unpack, -1);
	if (!ks->blockwise.codec)
		blockwise_open(&ks->blockwise, image->codec, &image->payload, claimed_len, image->limits.codec_mem_len);
	ks->unpack.whole = ks->arena.host;
	ks->unpack.whole_len = ks->arena.len;
	return true;
}

static int open_store(struct pb_image *image, struct kernel_state *ks, struct pb_error *err)
{
	if (open_arena(image, ks))
		return 0;
	ks->memfd = memfd_create("paraboot-kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ks->memfd < 0)
		return fail_io(err, "memfd_create");
	start_unpack(image, &ks->unpack, ks->memfd);
	return 0;
}

/* The state, made at the first call. */
static int state_get(struct pb_image *image, struct kernel_state **ret, struct pb_error *err)
{
	int rc = image->ks ? 0 : check_payload(image, err);

	if (rc < 0)
		return rc;
	if (!image->ks) {
		struct kernel_state *ks = calloc(1, sizeof(*ks));

		if (!ks)
			return fail_nomem(err, sizeof(*ks));
		ks->memfd = -1;
		ks->plain = codec_is_none(image->codec);
		if (!ks->plain)
			rc = open_store(image, ks, err);
		if (rc < 0) {
			free(ks);
			return rc;
		}
		image->ks = ks;
	}
	*ret = image->ks;
	return 0;
}

/* In a store of its own again, once the one before was placed. */
static int renew(struct pb_image *image, struct pb_error *err)
{
	struct kernel_state *ks = image->ks;
	int rc;

	if (!ks->spent)
		return 0;
	arena_close(&ks->arena);
	rc = open_store(image, ks, err);
	ks->spent = rc < 0;
	return rc;
}

/* unpack_to() of the kernel, the only way to more of it. */
static int unpack_more(struct pb_image *image, uint64_t end, struct pb_error *err)
{
	int rc = renew(image, err);

	return rc < 0 ? rc : unpack_to(&image->ks->unpack, end, err);
}

/* What is unpacked so far. */
static struct source unpacked(const struct kernel_state *ks)
{
	return (struct source){ .mem = ks->arena.host, .fd = ks->memfd, .len = ks->unpack.out_len };
}

/* Nobody can shrink, grow or write it from now on, not even through a descriptor that was passed on. */
static int seal(struct kernel_state *ks, struct pb_error *err)
{
	if (ks->sealed || ks->arena.host)
		return 0;
	if (fcntl(ks->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return fail_io(err, "F_ADD_SEALS");
	ks->sealed = true;
	return 0;
}

static int read_unpacked(void *ctx, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err)
{
	struct pb_image *image = ctx;
	struct kernel_state *ks = image->ks;

	if (ks->plain)
		return source_read(&image->payload, off, buf, len, field, err);
	if (!ks->loaded && blockwise_read(&ks->blockwise, off, buf, len))
		return 0;

	int rc = unpack_more(image, off + len, err);
	struct source out = unpacked(ks);

	return rc < 0 ? rc : source_read(&out, off, buf, len, field, err);
}

/* How long the unpacked kernel is. Where nothing claims that, all of it must come out first. */
static int unpacked_len(struct pb_image *image, uint64_t *ret, struct pb_error *err)
{
	struct kernel_state *ks = image->ks;

	if (ks->plain) {
		*ret = image->payload.len;
		return 0;
	}
	if (image->claimed_len) {
		*ret = image->claimed_len;
		return 0;
	}

	int rc = unpack_more(image, UINT64_MAX, err);

	if (rc < 0)
		return rc;
	*ret = ks->unpack.out_len;
	image->facts.unpacked_len = *ret;
	return 0;
}

/* After kernel_load() the length is known, so asking for it cannot fail. */
struct bytes kernel_bytes(struct pb_image *image)
{
	struct bytes bytes = { .read = read_unpacked, .ctx = image };

	unpacked_len(image, &bytes.len, NULL);
	return bytes;
}

int kernel_load_all(struct pb_image *image, uint64_t *ret_len, struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc < 0)
		return rc;

	struct kernel_state *ks = image->ks;

	if (ks->plain) {
		*ret_len = image->payload.len;
		return 0;
	}
	rc = unpack_more(image, UINT64_MAX, err);
	if (rc == 0)
		rc = seal(ks, err);
	if (rc == 0)
		*ret_len = ks->unpack.out_len;
	return rc;
}

int kernel_source(struct pb_image *image, struct source *ret, struct pb_error *err)
{
	uint64_t len = 0;
	int rc = kernel_load_all(image, &len, err);

	if (rc < 0)
		return rc;
	*ret = image->ks->plain ? image->payload : unpacked(image->ks);
	return 0;
}

/* ---- Unpacked where it belongs ---- */

/* What was unpacked before the guest's pages came goes into them by a copy. */
static int show_arena(struct kernel_state *ks, const struct kernel_shower *shower, struct pb_error *err)
{
	struct arena before;
	int rc;

	if (!arena_lift(&ks->arena, ks->unpack.out_len, &before))
		return fail_nomem(err, ks->unpack.out_len);
	rc = shower->show(shower->ctx, ks->arena.host, err);
	if (rc == 0)
		memcpy(ks->arena.host, before.host, ks->unpack.out_len);
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
static int forget_gaps(struct kernel_state *ks, uint64_t end, struct pb_error *err)
{
	for (uint64_t off = 0, gap; off < end; off = segments_end(&ks->kernel, gap)) {
		gap = gap_end(&ks->kernel, off, end);
		if (!arena_map_ring(&ks->arena, off, gap - off, &ks->blockwise.ring))
			return fail_nomem(err, ks->blockwise.ring.len);
		if (gap == end)
			break;
	}
	return 0;
}

/* Nothing before the guest's pages are there. */
static int show_blockwise(struct kernel_state *ks, const struct kernel_shower *shower, struct source *ret,
			  struct pb_error *err)
{
	uint64_t len = ks->blockwise.out_len;
	int rc = forget_gaps(ks, len, err);

	if (rc == 0)
		rc = shower->show(shower->ctx, ks->arena.host, err);
	if (rc == 0)
		rc = blockwise_unpack(&ks->blockwise, ks->arena.host, err);
	if (rc == 0)
		*ret = (struct source){ .mem = ks->arena.host, .fd = -1, .len = len };
	return rc;
}

static int show_unpacked(struct pb_image *image, const struct kernel_shower *shower, struct source *ret,
			 struct pb_error *err)
{
	struct kernel_state *ks = image->ks;
	int rc;

	if (ks->blockwise.codec && ks->unpack.out_len == 0)
		return show_blockwise(ks, shower, ret, err);
	rc = show_arena(ks, shower, err);
	return rc < 0 ? rc : kernel_source(image, ret, err);
}

int kernel_source_shown(struct pb_image *image, const struct kernel_shower *shower, struct source *ret, bool *ret_shown,
			struct pb_error *err)
{
	int rc = kernel_load(image, err);
	struct kernel_state *ks = image->ks;
	bool shown;

	if (rc == 0)
		rc = renew(image, err);
	shown = rc == 0 && ks->arena.host;

	if (shown) {
		rc = show_unpacked(image, shower, ret, err);
		if (rc < 0)
			kernel_placed(image);
	} else if (rc == 0) {
		rc = kernel_source(image, ret, err);
	}
	if (rc == 0)
		*ret_shown = shown;
	return rc;
}

/* Its arena is the guest's now, and nobody reads it. */
void kernel_placed(struct pb_image *image)
{
	unpack_stop(&image->ks->unpack);
	image->ks->spent = true;
}

/* ---- Segments ---- */

/* File bytes inside the file, memory inside the address space of the class. */
static int check_segment(const struct elf_file *elf, const Elf64_Phdr *p, struct pb_error *err)
{
	uint64_t top = elf->elf_class == 32 ? UINT32_MAX : UINT64_MAX;
	uint64_t file_len = elf->bytes.len;

	if (p->p_filesz > p->p_memsz)
		return fail(err, PB_E_RANGE, "p_filesz", p->p_filesz, p->p_memsz, p->p_offset);
	if (p->p_filesz && (p->p_offset > file_len || p->p_filesz > file_len - p->p_offset))
		return fail(err, PB_E_TRUNCATED, "p_offset", p->p_filesz, file_len, p->p_offset);
	if (p->p_memsz > top - p->p_paddr)
		return fail(err, PB_E_WRAP, "p_paddr", p->p_paddr, p->p_memsz, p->p_offset);
	if (p->p_memsz > top - p->p_vaddr)
		return fail(err, PB_E_WRAP, "p_vaddr", p->p_vaddr, p->p_memsz, p->p_offset);
	return 0;
}

static struct segment segment_of(const Elf64_Phdr *p)
{
	return (struct segment){
		.gpa = p->p_paddr,
		.vaddr = p->p_vaddr,
		.file_off = p->p_filesz ? p->p_offset : 0,
		.file_len = p->p_filesz,
		.mem_len = p->p_memsz,
		.flags = p->p_flags,
	};
}

/* Keep kernel->segments in order of gpa: they mostly come so. */
static void insert_segment(struct kernel *kernel, const struct segment *segment)
{
	unsigned i = kernel->nr_segments++;

	for (; i > 0 && kernel->segments[i - 1].gpa > segment->gpa; i--)
		kernel->segments[i] = kernel->segments[i - 1];
	kernel->segments[i] = *segment;
}

/* By physical address: virtual ones may meet, as per-CPU data of many kernels is linked at 0. */
static int check_disjoint(const struct kernel *kernel, struct pb_error *err)
{
	for (unsigned i = 1; i < kernel->nr_segments; i++) {
		const struct segment *a = &kernel->segments[i - 1], *b = &kernel->segments[i];

		if (b->gpa - a->gpa < a->mem_len)
			return fail(err, PB_E_OVERLAP, "p_paddr", b->gpa, a->gpa + a->mem_len, b->file_off);
	}
	return 0;
}

static int collect_segments(struct kernel *kernel, const struct elf_file *elf, struct pb_error *err)
{
	for (unsigned i = 0; i < elf->ehdr.e_phnum; i++) {
		Elf64_Phdr p;
		int rc = elf_phdr(elf, i, &p, err);

		if (rc < 0)
			return rc;
		if (p.p_type != PT_LOAD || p.p_memsz == 0)
			continue;
		rc = check_segment(elf, &p, err);
		if (rc < 0)
			return rc;

		struct segment segment = segment_of(&p);

		insert_segment(kernel, &segment);
	}
	return kernel->nr_segments ? 0 : fail(err, PB_E_EMPTY, "PT_LOAD", 0, 1, elf->ehdr.e_phoff);
}

static int load_segments(struct kernel *kernel, const struct elf_file *elf, const struct pb_limits *limits,
			 struct pb_error *err)
{
	unsigned phnum = elf->ehdr.e_phnum;

	if (phnum > limits->segments)
		return fail(err, PB_E_LIMIT, "e_phnum", phnum, limits->segments, 0);
	kernel->segments = calloc(phnum ? phnum : 1, sizeof(*kernel->segments));
	if (!kernel->segments)
		return fail_nomem(err, phnum * sizeof(*kernel->segments));

	int rc = collect_segments(kernel, elf, err);

	return rc < 0 ? rc : check_disjoint(kernel, err);
}

/* What follows from the segments. */
static void measure(struct kernel *kernel, const struct elf_file *elf)
{
	kernel->elf_len = elf_tables_end(elf);
	kernel->low_gpa = kernel->segments[0].gpa;
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->file_off + s->file_len > kernel->elf_len)
			kernel->elf_len = s->file_off + s->file_len;
		kernel->high_gpa = s->gpa + s->mem_len; /* sorted and disjoint: the last is the highest */
	}
}

int kernel_parse(struct kernel *ret, const struct elf_file *elf, const struct pb_limits *limits, struct pb_error *err)
{
	struct kernel kernel = { .elf_class = elf->elf_class, .entry = elf->ehdr.e_entry };
	struct note_list notes = { .max = limits->notes };
	int rc = load_segments(&kernel, elf, limits, err);

	if (rc == 0)
		rc = notes_load(&notes, elf, err);
	kernel.notes = notes.notes;
	kernel.nr_notes = notes.count;
	kernel.notes_in_sections = notes.in_sections;
	if (rc < 0) {
		kernel_clear(&kernel);
		return rc;
	}
	measure(&kernel, elf);
	kernel.build_id = note_find(kernel.notes, kernel.nr_notes, "GNU", NT_GNU_BUILD_ID);
	*ret = kernel;
	return 0;
}

void kernel_clear(struct kernel *kernel)
{
	struct note_list notes = { .notes = kernel->notes, .count = kernel->nr_notes };

	notes_free(&notes);
	free(kernel->segments);
	*kernel = (struct kernel){ 0 };
}

/* ---- Loading ---- */

static int load(struct pb_image *image, struct pb_error *err)
{
	struct bytes bytes = { .read = read_unpacked, .ctx = image };
	struct elf_file elf;
	int rc = unpacked_len(image, &bytes.len, err);

	if (rc == 0)
		rc = (image->own_elf ? elf_open_image : elf_open)(&elf, &bytes, err);
	return rc < 0 ? rc : kernel_parse(&image->ks->kernel, &elf, &image->limits, err);
}

/* What cannot be read block by block may be a kernel that was packed in an unusual way: in order, then. */
int kernel_load(struct pb_image *image, struct pb_error *err)
{
	struct kernel_state *ks;
	int rc = state_get(image, &ks, err);

	if (rc < 0 || ks->loaded)
		return rc;
	rc = load(image, err);
	if (rc < 0 && ks->blockwise.codec) {
		blockwise_close(&ks->blockwise);
		rc = load(image, err);
	}
	ks->loaded = rc == 0;
	return rc;
}

void kernel_free(struct pb_image *image)
{
	struct kernel_state *ks = image->ks;

	if (!ks)
		return;
	kernel_clear(&ks->kernel);
	unpack_stop(&ks->unpack);
	blockwise_close(&ks->blockwise);
	arena_close(&ks->arena);
	if (ks->memfd >= 0)
		close(ks->memfd);
	free(ks);
	image->ks = NULL;
}

const struct kernel *image_kernel(const struct pb_image *image)
{
	return image->ks && image->ks->loaded ? &image->ks->kernel : NULL;
}

const struct note *kernel_note(const struct pb_image *image, const char *owner, uint32_t type)
{
	const struct kernel *kernel = image_kernel(image);

	return note_find(kernel->notes, kernel->nr_notes, owner, type);
}

const struct segment *kernel_segment_at(const struct kernel *kernel, pb_gpa gpa)
{
	for (unsigned i = 0; i < kernel->nr_segments; i++)
		if (gpa >= kernel->segments[i].gpa && gpa - kernel->segments[i].gpa < kernel->segments[i].mem_len)
			return &kernel->segments[i];
	return NULL;
}

/*
 * Linux gives e_entry physical, other kernels often virtual. A segment linked
 * at 0 is per-CPU data, whose addresses are offsets: nothing is entered there.
 */
int kernel_entry_of(const struct kernel *kernel, pb_gpa *ret, struct pb_error *err)
{
	uint64_t entry = kernel->entry;

	if (kernel_segment_at(kernel, entry)) {
		*ret = entry;
		return 0;
	}
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->vaddr && entry >= s->vaddr && entry - s->vaddr < s->mem_len) {
			*ret = s->gpa + (entry - s->vaddr);
			return 0;
		}
	}
	return fail(err, PB_E_ENTRY_OUTSIDE, "e_entry", entry, kernel->high_gpa, 0x18);
}

int kernel_entry_gpa(const struct pb_image *image, pb_gpa *ret, struct pb_error *err)
{
	return kernel_entry_of(image_kernel(image), ret, err);
}

/* ---- Looking for a string ---- */

struct scan {
	struct bytes bytes;
	const void *needle;
	size_t needle_len;
	uint64_t budget_len; /* segments may share bytes of the file: no more than the file has is looked at */
	uint8_t buf[SCAN_LEN];
};

/* One segment, in pieces that overlap by the needle's length less one. */
static int scan_segment(struct scan *scan, const struct segment *s, bool *ret, struct pb_error *err)
{
	size_t stride = SCAN_LEN - (scan->needle_len - 1);

	for (uint64_t done = 0; done < s->file_len && scan->budget_len && !*ret; done += stride) {
		uint64_t left = s->file_len - done;
		size_t len = left < SCAN_LEN ? (size_t)left : SCAN_LEN;
		int rc = scan->bytes.read(scan->bytes.ctx, s->file_off + done, scan->buf, len, "p_offset", err);

		if (rc < 0)
			return rc;
		*ret = memmem(scan->buf, len, scan->needle, scan->needle_len) != NULL;
		scan->budget_len -= scan->budget_len < len ? scan->budget_len : len;
	}
	return 0;
}

int kernel_holds(struct pb_image *image, const void *needle, size_t needle_len, bool *ret, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(image);
	struct scan *scan = malloc(sizeof(*scan));
	bool found = false;
	int rc = 0;

	if (!scan)
		return fail_nomem(err, sizeof(*scan));
	scan->bytes = kernel_bytes(image);
	scan->needle = needle;
	scan->needle_len = needle_len;
	scan->budget_len = scan->bytes.len;
	for (unsigned i = 0; i < kernel->nr_segments && rc == 0 && !found; i++)
		rc = scan_segment(scan, &kernel->segments[i], &found, err);
	free(scan);
	if (rc == 0)
		*ret = found;
	return rc;
}

/* ---- Writing it out ---- */

static int copy_out(struct pb_image *image, int out_fd, struct pb_error *err)
{
	struct kernel_state *ks = image->ks;
	struct source all = image->payload;
	struct sink sink;
	int rc = 0;

	if (!ks->plain) {
		rc = unpack_more(image, UINT64_MAX, err);
		all = unpacked(ks);
	}
	if (rc < 0)
		return rc;
	sink_open(&sink, out_fd);
	rc = sink_copy(&sink, &all, err);
	return rc < 0 ? rc : sink_settle(&sink, err);
}

/* Straight through, keeping nothing. */
static int decode_out(struct pb_image *image, int out_fd, struct pb_error *err)
{
	struct unpack unpack;

	start_unpack(image, &unpack, out_fd);

	int rc = unpack_to(&unpack, UINT64_MAX, err);

	unpack_stop(&unpack);
	return rc;
}

int pb_image_unpack(pb_image *image, int out_fd, struct pb_error *err)
{
	struct kernel_state *ks;
	int rc = check_payload(image, err);

	if (rc < 0)
		return rc;
	if (!image->ks && !codec_is_none(image->codec))
		return decode_out(image, out_fd, err);
	rc = state_get(image, &ks, err);
	return rc < 0 ? rc : copy_out(image, out_fd, err);
}
