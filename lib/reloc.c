/* SPDX-License-Identifier: MIT */
/*
 * The relocation table behind the unpacked ELF. Linux writes it to be read
 * backwards, so in the file the groups stand in reverse, each with a zero
 * before it:
 *
 *     0 abs64...   0 inverse32...   0 abs32...   end      64-bit kernels
 *     0 abs64...   0 abs32...   end                       64-bit, of some years
 *     0 abs32...   end                                    32-bit
 *
 * No entry is zero, and the table begins where the ELF ends; so counting the
 * zeros between there and the end tells the layouts apart. Where nothing is
 * behind the ELF, a table in the same form is made of its relocation sections,
 * if it has them, and kept in memory.
 */
#include "reloc.h"

#include <stdlib.h>
#include <string.h>

#include "elffile.h"
#include "error.h"
#include "kernel.h"
#include "reloc_sections.h"

#define CHUNK_WORDS 4096u
#define ZEROS_MAX   3u

/* Which groups stand where, in file order, by the number of zeros. */
static const struct layout {
	unsigned elf_class, zeros;
	enum reloc_group order[ZEROS_MAX];
} layouts[] = {
	{ 32, 1, { RELOC_ABS32 } },
	{ 64, 2, { RELOC_ABS64, RELOC_ABS32 } },
	{ 64, 3, { RELOC_ABS64, RELOC_INVERSE32, RELOC_ABS32 } },
};
enum { LAYOUT_32 = 0, LAYOUT_64 = 2 }; /* of a table that is made */

/* How many bytes of the kernel an entry of each group changes. */
static const unsigned widths[RELOC_GROUPS] = { [RELOC_ABS32] = 4, [RELOC_INVERSE32] = 4, [RELOC_ABS64] = 8 };

/* Move *end behind [off, off+len), which the headers tell of. */
static int reach(const struct elf_file *elf, const char *field, uint64_t off, uint64_t len, uint64_t *end,
		 struct pb_error *err)
{
	uint64_t stop;

	if (__builtin_add_overflow(off, len, &stop) || stop > elf->bytes.len)
		return fail(err, PB_E_TRUNCATED, field, len, elf->bytes.len, off);
	if (stop > *end)
		*end = stop;
	return 0;
}

/* Of the segments that are not loaded, such as notes; kernel->elf_len has the others. */
static int reach_segments(const struct elf_file *elf, uint64_t *end, struct pb_error *err)
{
	for (unsigned i = 0; i < elf->ehdr.e_phnum; i++) {
		Elf64_Phdr p;
		int rc = elf_phdr(elf, i, &p, err);

		if (rc == 0 && p.p_type == PT_NOTE && p.p_offset && p.p_filesz)
			rc = reach(elf, "PT_NOTE", p.p_offset, p.p_filesz, end, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int reach_sections(const struct elf_file *elf, uint64_t *end, struct pb_error *err)
{
	for (unsigned i = 0; i < elf->ehdr.e_shnum; i++) {
		Elf64_Shdr s;
		int rc = elf_shdr(elf, i, &s, err);

		if (rc == 0 && s.sh_type != SHT_NULL && s.sh_type != SHT_NOBITS)
			rc = reach(elf, "sh_offset", s.sh_offset, s.sh_size, end, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The end of all that the ELF headers tell of: header tables, segments, sections. */
static int elf_end(const struct elf_file *elf, const struct kernel *kernel, uint64_t *ret, struct pb_error *err)
{
	uint64_t end = kernel->elf_len;
	int rc = reach_segments(elf, &end, err);

	if (rc == 0)
		rc = reach_sections(elf, &end, err);
	if (rc == 0)
		*ret = end;
	return rc;
}

/* ---- A table that is made ---- */

struct reloc_made {
	struct reloc_table table;
	struct source source; /* of mem */
	uint8_t mem[];
};

/* Where each group begins in a made table, and its length in all. */
static uint64_t lay_out(const struct reloc_lists *lists, unsigned elf_class, struct reloc_table *ret)
{
	const struct layout *layout = &layouts[elf_class == 32 ? LAYOUT_32 : LAYOUT_64];
	uint64_t len = 0;

	for (unsigned g = 0; g < layout->zeros; g++) {
		enum reloc_group group = layout->order[g];

		len += 4;
		ret->group[group].off = len;
		ret->group[group].count = (uint32_t)lists->group[group].count;
		len += 4 * (uint64_t)lists->group[group].count;
	}
	return len;
}

static int keep_made(struct pb_image *image, const struct reloc_lists *lists, struct reloc_table *ret,
		     struct pb_error *err)
{
	uint64_t len = lay_out(lists, image_kernel(image)->elf_class, ret);
	struct reloc_made *made = calloc(1, sizeof(*made) + len);

	if (!made)
		return fail_nomem(err, sizeof(*made) + len);
	made->source = (struct source){ .mem = made->mem, .len = len };
	for (unsigned g = 0; g < RELOC_GROUPS; g++)
		if (lists->group[g].count)
			memcpy(made->mem + ret->group[g].off, lists->group[g].words, 4 * lists->group[g].count);
	ret->made = true;
	made->table = *ret;
	image->relocs = made;
	return 0;
}

/* Only what is linked for one address has them: what a dynamic linker moves has its relocations loaded. */
static int make_table(struct pb_image *image, const struct elf_file *elf, struct reloc_table *ret, struct pb_error *err)
{
	struct reloc_lists lists = { 0 };
	bool any = false;
	int rc = 0;

	if (elf->ehdr.e_type == ET_EXEC)
		rc = reloc_lists_make(elf, image_kernel(image), &image->limits, &lists, err);
	for (unsigned g = 0; g < RELOC_GROUPS; g++)
		any |= lists.group[g].count > 0;
	if (rc == 0 && any)
		rc = keep_made(image, &lists, ret, err);
	reloc_lists_free(&lists);
	return rc;
}

static struct bytes made_bytes(struct pb_image *image)
{
	return bytes_of_source(&image->relocs->source);
}

const uint8_t *reloc_made(const struct pb_image *image, size_t *ret_len)
{
	*ret_len = (size_t)image->relocs->source.len;
	return image->relocs->mem;
}

void reloc_made_free(struct pb_image *image)
{
	free(image->relocs);
	image->relocs = NULL;
}

/* ---- Walking the table ---- */

struct walk {
	struct pb_image *image;
	struct bytes bytes;
	uint32_t words[CHUNK_WORDS];
};

/* Call fn for each word of [off, off + 4*count). */
static int walk_words(struct walk *walk, uint64_t off, uint64_t count,
		      int (*fn)(void *ctx, uint64_t off, uint32_t word, struct pb_error *err), void *ctx,
		      struct pb_error *err)
{
	for (uint64_t done = 0; done < count;) {
		size_t n = count - done < CHUNK_WORDS ? (size_t)(count - done) : CHUNK_WORDS;
		uint64_t at = off + 4 * done;
		int rc = walk->bytes.read(walk->bytes.ctx, at, walk->words, 4 * n, "relocation table", err);

		for (size_t i = 0; i < n && rc == 0; i++)
			rc = fn(ctx, at + 4 * i, walk->words[i], err);
		if (rc < 0)
			return rc;
		done += n;
	}
	return 0;
}

struct zeros {
	unsigned count;
	uint64_t off[ZEROS_MAX];
};

static int note_zero(void *ctx, uint64_t off, uint32_t word, struct pb_error *err)
{
	struct zeros *zeros = ctx;

	if (word != 0)
		return 0;
	if (zeros->count == ZEROS_MAX)
		return fail(err, PB_E_RELOC, "relocation groups", ZEROS_MAX + 1, ZEROS_MAX, off);
	zeros->off[zeros->count++] = off;
	return 0;
}

static int cut_groups(const struct zeros *zeros, unsigned elf_class, uint64_t begin, uint64_t end,
		      struct reloc_table *ret, struct pb_error *err)
{
	if (zeros->count == 0 || zeros->off[0] != begin)
		return fail(err, PB_E_RELOC, "relocation table", zeros->count, 1, begin);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].elf_class != elf_class || layouts[i].zeros != zeros->count)
			continue;
		for (unsigned g = 0; g < zeros->count; g++) {
			uint64_t from = zeros->off[g] + 4;
			uint64_t to = g + 1 < zeros->count ? zeros->off[g + 1] : end;

			ret->group[layouts[i].order[g]].off = from;
			ret->group[layouts[i].order[g]].count = (uint32_t)((to - from) / 4);
		}
		return 0;
	}
	return fail(err, PB_E_RELOC, "relocation groups", zeros->count, elf_class == 32 ? 1 : 3, begin);
}

/* ---- One entry ---- */

struct each {
	const struct kernel *kernel;
	uint64_t bias; /* linked virtual address - p_paddr, in the kernel's own mapping */
	const struct segment *last;
	enum reloc_group group;
	int (*fn)(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off,
		  struct pb_error *err);
	void *ctx;
};

/*
 * An entry is an address in the mapping in which the kernel was linked.
 * Segments that were linked elsewhere (per-CPU data, at 0) are meant by where
 * they are loaded in that mapping, so physical addresses are what decides.
 */
static int check_entry(void *ctx, uint64_t off, uint32_t word, struct pb_error *err)
{
	struct each *each = ctx;
	bool wide = each->kernel->elf_class == 64;
	uint64_t vaddr = wide ? (uint64_t)(int64_t)(int32_t)word : word;
	uint64_t gpa = wide ? vaddr - each->bias : (uint32_t)(word - each->bias);
	const struct segment *s = each->last;

	if (!s || gpa < s->gpa || gpa - s->gpa >= s->mem_len)
		s = kernel_segment_at(each->kernel, gpa);
	if (!s)
		return fail(err, PB_E_RELOC, "relocation", vaddr, each->kernel->high_gpa, off);

	uint64_t seg_off = gpa - s->gpa;

	if (s->file_len < widths[each->group] || seg_off > s->file_len - widths[each->group])
		return fail(err, PB_E_RELOC, "relocation", vaddr, s->file_len, off);
	each->last = s;
	return each->fn ? each->fn(each->ctx, each->group, s, seg_off, err) : 0;
}

int reloc_each(struct pb_image *image, const struct reloc_table *table,
	       int (*fn)(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off,
			 struct pb_error *err),
	       void *ctx, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(image);
	struct walk *walk = malloc(sizeof(*walk));
	struct each each = { .kernel = kernel, .bias = kernel_bias(kernel), .fn = fn, .ctx = ctx };
	int rc = 0;

	if (!walk)
		return fail_nomem(err, sizeof(*walk));
	walk->bytes = table->made ? made_bytes(image) : kernel_bytes(image);
	for (unsigned g = 0; g < RELOC_GROUPS && rc == 0; g++) {
		each.group = (enum reloc_group)g;
		rc = walk_words(walk, table->group[g].off, table->group[g].count, check_entry, &each, err);
	}
	free(walk);
	return rc;
}

/* ---- Finding it ---- */

static int find_groups(struct pb_image *image, uint64_t begin, uint64_t end, struct reloc_table *ret,
		       struct pb_error *err)
{
	struct zeros zeros = { 0 };

	if ((end - begin) % 4 != 0)
		return fail(err, PB_E_RELOC, "relocation table", end - begin, 4, begin);

	struct walk *walk = malloc(sizeof(*walk));

	if (!walk)
		return fail_nomem(err, sizeof(*walk));
	walk->bytes = kernel_bytes(image);

	int rc = walk_words(walk, begin, (end - begin) / 4, note_zero, &zeros, err);

	free(walk);
	return rc < 0 ? rc : cut_groups(&zeros, image_kernel(image)->elf_class, begin, end, ret, err);
}

int reloc_find(struct pb_image *image, struct reloc_table *ret, struct pb_error *err)
{
	struct reloc_table table = { 0 };
	struct elf_file elf;
	uint64_t len, begin = 0;
	int rc = kernel_load_all(image, &len, err);

	if (rc < 0)
		return rc;
	if (image->relocs) {
		*ret = image->relocs->table;
		return 0;
	}

	struct bytes bytes = kernel_bytes(image);

	rc = elf_open(&elf, &bytes, err);
	if (rc == 0)
		rc = elf_end(&elf, image_kernel(image), &begin, err);
	if (rc == 0)
		rc = begin < len ? find_groups(image, begin, len, &table, err) : make_table(image, &elf, &table, err);
	if (rc == 0)
		rc = reloc_each(image, &table, NULL, NULL, err);
	if (rc == 0)
		*ret = table;
	else
		reloc_made_free(image); /* what was made is kept only if it is good */
	return rc;
}
