/* SPDX-License-Identifier: MIT */
/*
 * The window in which a packed image unpacks itself (guest/decompressor/abi.h
 * draws it), in as little memory as the order of its steps allows:
 *
 * - Segments move from the decoded file to their places in order of address.
 *   None may fall on the bytes of a later one or on the relocation table, and
 *   none moves up: out_at is the least that keeps to this.
 * - The payload is decoded where it lies, so it ends behind the output by as
 *   much as decoders need: their output may not reach what they have yet to read.
 * - The program runs behind all that, so that nothing which moves can hit it,
 *   the image as loaded included.
 */
#include <string.h>

#include "../error.h"
#include "../plan/arith.h"
#include "../plan/memory_map.h"
#include "pack.h"

#define WORD_ALIGN  16ull
#define SLACK_LEN   0x40000ull /* two of zstd's largest blocks: what a decoder may hold back */
#define SLACK_SHIFT 8          /* and what the output grows at the end of a stream that hardly compresses */

/* ---- The kernel --------------------------------------------------------- */

static int add_segment(struct packing *packing, const struct segment *segment, struct pb_error *err)
{
	struct pack_page *page = &packing->page;
	uint64_t to = segment->gpa - packing->kernel->low_gpa;

	if (page->nr_segments == PACK_SEGMENTS)
		return fail(err, PB_E_LIMIT, "PT_LOAD", packing->kernel->nr_segments, PACK_SEGMENTS, 0);
	page->segments[page->nr_segments++] = (struct pack_segment){
		.from = (uint32_t)segment->file_off,
		.file_len = (uint32_t)segment->file_len,
		.to = (uint32_t)to,
		.mem_len = (uint32_t)segment->mem_len,
	};
	return 0;
}

static int add_kernel(struct packing *packing, struct pb_error *err)
{
	const struct kernel *kernel = packing->kernel;
	struct pack_page *page = &packing->page;
	uint64_t span_len = kernel->high_gpa - kernel->low_gpa;
	int rc = 0;

	if (kernel->high_gpa > PLAN_4G_MAX)
		return fail(err, PB_E_LIMIT, "p_paddr", kernel->high_gpa, PLAN_4G_MAX, 0);
	for (unsigned i = 0; i < kernel->nr_segments && rc == 0; i++)
		rc = add_segment(packing, &kernel->segments[i], err);
	page->span_len = (uint32_t)span_len;
	page->link_gpa = kernel->low_gpa;
	page->link_vaddr = kernel->segments[0].vaddr;
	return rc;
}

/* How far up the virtual base can be moved: the image has to end within what the kernel maps of itself. */
static uint32_t virt_room(const struct packing *packing)
{
	const struct kernel *kernel = packing->kernel;
	uint64_t map_len = kernel->elf_class == 64 ? LINUX_IMAGE_LEN_64 : LINUX_IMAGE_LEN_32;

	if (!packing->has_relocs || kernel->high_gpa > map_len)
		return 0;
	if (kernel->elf_class == 64 && kernel->segments[0].vaddr - LINUX_START_KERNEL_MAP != kernel->low_gpa)
		return 0;
	return (uint32_t)((map_len - kernel->high_gpa) & ~(uint64_t)(packing->alignment - 1));
}

static void add_relocs(struct packing *packing)
{
	for (unsigned group = 0; group < RELOC_GROUPS; group++) {
		packing->page.relocs[group].off = (uint32_t)packing->relocs.group[group].off;
		packing->page.relocs[group].count = packing->relocs.group[group].count;
	}
	packing->page.virt_room = virt_room(packing);
}

/* ---- The window --------------------------------------------------------- */

/* The first byte of the decoded file that is still needed when segment i has moved. */
static uint64_t needed_after(const struct packing *packing, uint32_t i)
{
	const struct pack_page *page = &packing->page;
	uint64_t first = page->out_len;

	for (uint32_t j = i + 1; j < page->nr_segments; j++)
		if (page->segments[j].file_len)
			first = min_u64(first, page->segments[j].from);
	for (unsigned group = 0; group < RELOC_GROUPS; group++)
		if (page->relocs[group].count)
			first = min_u64(first, page->relocs[group].off);
	return first;
}

static uint64_t least_out_at(const struct packing *packing)
{
	const struct pack_page *page = &packing->page;
	uint64_t out_at = 0;

	for (uint32_t i = 0; i < page->nr_segments; i++) {
		const struct pack_segment *segment = &page->segments[i];
		uint64_t end = (uint64_t)segment->to + segment->file_len, needed = needed_after(packing, i);

		if (segment->to > segment->from)
			out_at = max_u64(out_at, segment->to - segment->from);
		if (end > needed)
			out_at = max_u64(out_at, end - needed);
	}
	return align_up(out_at, PLAN_PAGE_LEN);
}

/* Where the payload's copy lies. A bImage that is loaded where it runs has it there already. */
static uint64_t place_payload(struct packing *packing)
{
	struct pack_page *page = &packing->page;
	uint64_t out_at = least_out_at(packing), slack = SLACK_LEN + (page->out_len >> SLACK_SHIFT), room;

	if (packing->codec->in_place)
		out_at = max_u64(out_at, page->payload_off);
	page->out_at = (uint32_t)out_at;
	if (packing->codec->in_place)
		return out_at;
	room = page->out_len + slack;
	return align_up(out_at + (room > page->payload_len ? room - page->payload_len : 0), WORD_ALIGN);
}

static int lay_out_window(struct packing *packing, struct pb_error *err)
{
	struct pack_page *page = &packing->page;
	uint64_t payload_at = place_payload(packing);
	uint64_t end = payload_at + page->payload_len;
	uint64_t window_len;

	end = max_u64(end, (uint64_t)page->out_at + page->out_len);
	end = max_u64(end, (uint64_t)page->payload_off + page->payload_len);
	end = align_up(max_u64(end, page->span_len), PLAN_PAGE_LEN);
	window_len = end + page->code_len;
	if (packing->kernel->low_gpa + window_len > PLAN_4G_MAX)
		return fail(err, PB_E_LIMIT, "init_size", window_len, PLAN_4G_MAX - packing->kernel->low_gpa, 0);
	page->payload_at = (uint32_t)payload_at;
	page->code_at = (uint32_t)end;
	page->window_len = (uint32_t)window_len;
	return 0;
}

/* ---- Entries ------------------------------------------------------------ */

/*
 * A kernel for Xen PV alone has its e_entry where Xen enters it, which is no
 * place for anyone else. The image of such a one can be started by its notes only.
 */
static int find_entries(struct packing *packing, struct pb_error *err)
{
	struct pack_page *page = &packing->page;
	pb_gpa entry_gpa;
	int rc = kernel_entry_gpa(packing->image, &entry_gpa, err);

	pack_pv(packing);
	if (rc < 0 && !packing->has_pv)
		return rc;
	page->entry_off = rc < 0 ? page->pv_kernel_off : (uint32_t)(entry_gpa - packing->kernel->low_gpa);
	packing->has_native = page->entry_off != page->pv_kernel_off;
	if (packing->has_native)
		return 0;
	page->entry_off = PACK_NOWHERE;
	if (!packing->request->elf)
		return fail(err, PB_E_NO_ENTRY, "e_entry, which is Xen's ENTRY", 0, 0, 0x18);
	return 0;
}

/*
 * The one thing that a codec can take from an entry: decoding needs room behind
 * the kernel, and a PV domain's builder maps all of that, from the kernel's
 * virtual address on, below the hypervisor's own part of the address space.
 */
static int check_pv_window(const struct packing *packing, struct pb_error *err)
{
	uint64_t va, len = packing->page.window_len;

	if (!packing->has_pv || !packing->request->elf)
		return 0;
	va = pack_pv_va(packing, 0);
	if (pv_is_guest_va(&packing->pv, va, len))
		return 0;
	return fail(err, PB_E_LIMIT, "the codec's window in a PV domain", va + len, packing->pv.hv_start, 0);
}

/* ---- All of it ---------------------------------------------------------- */

static void add_payload(struct packing *packing)
{
	struct pack_page *page = &packing->page;

	page->out_len = (uint32_t)packing->out.len;
	page->payload_sum = pack_sum(packing->payload.mem, packing->payload.len);
	page->payload_off = (uint32_t)packing->program.len;
	page->payload_len = (uint32_t)packing->payload.len;
}

int pack_layout(struct packing *packing, struct pb_error *err)
{
	struct pack_page *page = &packing->page;
	int rc;

	page->flags = packing->relocatable ? PACK_RELOCATABLE : 0;
	page->flags |= packing->codec->in_place ? PACK_PLAIN : 0;
	page->alignment = packing->alignment;
	page->pref_gpa = packing->kernel->low_gpa;
	add_payload(packing);
	add_relocs(packing);
	rc = find_entries(packing, err);
	if (rc == 0)
		rc = add_kernel(packing, err);
	if (rc == 0)
		rc = lay_out_window(packing, err);
	return rc < 0 ? rc : check_pv_window(packing, err);
}
