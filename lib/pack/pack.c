/* SPDX-License-Identifier: MIT */
/*
 * The packer's story (pack.h). Everything is made in memory and checked there;
 * writing is the last step and the only one that others can see.
 */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "../entry/rows.h"
#include "../error.h"
#include "../plain.h"
#include "../plan/arith.h"
#include "../plan/memory_map.h"
#include "../sink.h"

#define SETUP_TYPES       0x80000009u /* SETUP_INDIRECT | SETUP_RNG_SEED: for a kernel that came without a header */
#define KERNEL_INFO_TYPES 12u         /* of setup_type_max in kernel_info */
#define KERNEL_INFO_BITS  24u         /* of the subarchitectures' */
#define ALIGN_32          0x1000000u  /* CONFIG_PHYSICAL_ALIGN at its largest: an ELF file does not say */

/* ---- Whether it can move ------------------------------------------------ */

/*
 * A 64-bit Linux finds out where it is, so it runs at any aligned address with
 * or without relocations; a 32-bit one takes them.
 */
static bool can_move(const struct packing *packing)
{
	bool wide = packing->kernel->elf_class == 64;
	bool linux_kernel = need_linux(packing->image, NULL) == 0;

	if (packing->kernel->low_gpa % packing->alignment)
		return false;
	return packing->has_relocs || (wide && linux_kernel);
}

static int decide_moving(struct packing *packing, struct pb_error *err)
{
	const struct pb_facts *facts = &packing->image->facts;

	packing->alignment = packing->kernel->elf_class == 64 ? PACK_ALIGN_MIN : ALIGN_32;
	if (facts->relocatable)
		packing->alignment = (uint32_t)max_u64(facts->alignment, PACK_ALIGN_MIN);
	packing->relocatable = can_move(packing);
	if (packing->request->relocatable && !packing->has_relocs)
		return fail(err, PB_E_EMPTY, "relocations", 0, 1, packing->kernel->elf_len);
	if (packing->request->relocatable && !packing->relocatable)
		return fail(err, PB_E_RANGE, "p_paddr", packing->kernel->low_gpa, packing->alignment, 0);
	return 0;
}

/* ---- The program -------------------------------------------------------- */

static int check_cmdline(const struct packing *packing, struct pb_error *err)
{
	uint64_t max = min_u64(pack_cmdline_max(packing), PACK_LINE_LEN - 1);
	size_t len = packing->request->cmdline ? strlen(packing->request->cmdline) : 0;

	/* Room for at least one byte of the loader's. */
	return len + 1 < max ? 0 : fail(err, PB_E_CMDLINE, "cmdline", len, max, 0);
}

/* The program for class and codec, with the compiled-in command line behind it. */
static int take_program(struct packing *packing, struct pb_error *err)
{
	const char *cmdline = packing->request->cmdline;
	bool wide = packing->kernel->elf_class == 64;
	const uint8_t *start = wide ? packing->codec->program64.start : packing->codec->program32.start;
	const uint8_t *end = wide ? packing->codec->program64.end : packing->codec->program32.end;
	size_t len = (size_t)(end - start);
	int rc = pack_bytes_add(&packing->program, start, len, err);

	if (rc < 0)
		return rc;
	memcpy(&packing->page, start + PACK_PAGE_OFF, sizeof(packing->page));
	if (cmdline && *cmdline) {
		packing->page.cmdline_off = (uint32_t)packing->program.len;
		packing->page.cmdline_len = (uint32_t)strlen(cmdline);
		rc = pack_bytes_add(&packing->program, cmdline, strlen(cmdline) + 1, err);
	}
	if (rc == 0)
		rc = pack_bytes_pad(&packing->program, 16, err);
	return rc;
}

/* What the kernel knows of setup_data, as its own image said it; and whom it serves. */
static void fill_kernel_info(struct packing *packing)
{
	const struct pb_facts *facts = &packing->image->facts;
	const uint32_t types = facts->setup_type_max ? facts->setup_type_max : SETUP_TYPES;

	uint8_t *info = packing->program.mem + packing->page.kernel_info_off;

	memcpy(info + KERNEL_INFO_TYPES, &types, sizeof(types));
	memcpy(info + KERNEL_INFO_BITS, &packing->served, sizeof(packing->served));
}

/* The page into the program, whole and summed up. */
static void seal_page(struct packing *packing)
{
	struct pack_page *page = &packing->page;
	const uint32_t home = (uint32_t)page->pref_gpa;

	memcpy(packing->program.mem + page->pvh_entry_off + PACK_PVH_HOME, &home, sizeof(home));

	page->page_sum = pack_sum(page, offsetof(struct pack_page, page_sum));
	memcpy(packing->program.mem + PACK_PAGE_OFF, page, sizeof(*page));
}

/* ---- Making and writing ------------------------------------------------- */

static int encode(struct packing *packing, struct pb_error *err)
{
	const struct pack_progress progress = { packing->request->progress, packing->request->ctx };

	return packing->codec->encode(packing->out.mem, packing->out.len, &packing->payload, &progress, err);
}

static int make(struct packing *packing, struct pb_error *err)
{
	int rc = pack_kernel(packing, err);

	if (rc == 0)
		rc = decide_moving(packing, err);
	if (rc == 0)
		rc = check_cmdline(packing, err);
	if (rc == 0)
		rc = take_program(packing, err);
	if (rc == 0)
		rc = encode(packing, err);
	if (rc == 0)
		rc = pack_layout(packing, err);
	if (rc == 0)
		rc = pack_readback(packing, err);
	if (rc == 0)
		rc = pack_setup(packing, err);
	if (rc < 0)
		return rc;
	fill_kernel_info(packing);
	seal_page(packing);
	return rc;
}

static int write_all(struct packing *packing, int out_fd, struct pb_error *err)
{
	uint32_t trailer = packing->page.out_len;
	struct sink sink = { .fd = out_fd };
	int rc = 0;

	if (packing->codec->size_trailer)
		rc = pack_bytes_add(&packing->payload, &trailer, sizeof(trailer), err);
	if (rc == 0)
		rc = sink_write(&sink, packing->setup.mem, packing->setup.len, err);
	if (rc == 0)
		rc = sink_write(&sink, packing->program.mem, packing->program.len, err);
	if (rc == 0)
		rc = pack_bytes_pad(&packing->payload, 16, err);
	if (rc == 0)
		rc = sink_write(&sink, packing->payload.mem, packing->payload.len, err);
	return rc;
}

static int find_codec(struct packing *packing, struct pb_error *err)
{
	const char *name = packing->request->codec;

	packing->codec = name ? pack_codec_find(name) : NULL;
	if (!packing->codec)
		return fail(err, PB_E_ARG, "codec", 0, 0, 0);
	if (!packing->codec->encode)
		return fail(err, PB_E_CODEC_OFF, packing->codec->name, 0, 0, 0);
	return 0;
}

/* As much of the caller's request as the caller has; the rest is 0. */
static int take_request(const struct pb_pack *theirs, struct pb_pack *ret, struct pb_error *err)
{
	if (!theirs || theirs->size < sizeof(theirs->size))
		return fail(err, PB_E_ARG, "pack", 0, 0, 0);
	memcpy(ret, theirs, theirs->size < sizeof(*ret) ? theirs->size : sizeof(*ret));
	return 0;
}

int pb_pack_write(pb_image *image, const struct pb_pack *pack, int out_fd, struct pb_error *err)
{
	struct pb_pack request = { 0 };
	struct packing packing = { .image = image, .request = &request };
	int rc = take_request(pack, &request, err);

	if (rc == 0)
		rc = find_codec(&packing, err);
	if (rc == 0)
		rc = pack_check_notes(&request, err);
	if (rc == 0)
		rc = make(&packing, err);
	if (rc == 0)
		rc = write_all(&packing, out_fd, err);
	pack_bytes_free(&packing.entries);
	pack_bytes_free(&packing.payload);
	pack_bytes_free(&packing.program);
	pack_bytes_free(&packing.setup);
	pack_bytes_free(&packing.out);
	return rc;
}
