/* SPDX-License-Identifier: MIT */
/*
 * The story of a packed image, from the moment that its program runs in the
 * window's end (head64.S, head32.S) to the kernel's entry: choose a place, see
 * that the payload is whole, bring it there, decode it, move the segments to
 * where they belong, adjust what depends on the virtual base, clear what the
 * file did not fill.
 */
#include "decoder.h"
#include "decompressor.h"

#define DAMAGED_PAGE "the image is damaged (its header)"
#define DAMAGED      "the image is damaged (its payload)"
#define NOT_HERE     "this kernel starts in a Xen PV domain, and not here"
#define TOO_LONG     "the command lines are too long together"

#define LEAST_WAY    4096u

static uint8_t work[PB_DECODE_WORK] __attribute__((aligned(16)));

static bool page_is_whole(void)
{
	const struct pack_page *page = &pack_page;

	return page->magic == PACK_MAGIC && page->version == PACK_VERSION && page->nr_segments <= PACK_SEGMENTS &&
	       page->cmdline_len < PACK_LINE_LEN &&
	       pack_sum(page, offsetof(struct pack_page, page_sum)) == page->page_sum;
}

static const uint8_t *payload_as_loaded(const struct start *start)
{
	return (const uint8_t *)start->load + pack_page.payload_off;
}

/* Of the payload, not of what comes out: it is shorter, and the packer has seen what the decoder makes of it. */
static bool payload_is_whole(const struct start *start)
{
	return pack_sum(payload_as_loaded(start), pack_page.payload_len) == pack_page.payload_sum;
}

static bool decode_payload(const struct start *start)
{
	const struct pack_page *page = &pack_page;
	uint8_t *payload = (uint8_t *)start->run + page->payload_at;
	struct decode decode = { .in = payload,
				 .in_len = page->payload_len,
				 .out = (uint8_t *)start->run + page->out_at,
				 .out_len = page->out_len,
				 .work = work };

	move_bytes(payload, payload_as_loaded(start), page->payload_len);
	return PB_DECODE(&decode);
}

/* Do all of them go up, and so far that move_bytes() moves long pieces? And as they stand in the file? */
static bool all_go_up(const struct start *start, const uint8_t *payload)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < pack_page.nr_segments; i++) {
		const struct pack_segment *segment = &pack_page.segments[i];

		if (segment->from < end || start->run + segment->to < (uintptr_t)payload + segment->from + LEAST_WAY)
			return false;
		end = segment->from + segment->file_len;
	}
	return true;
}

/*
 * A bImage's segments, from where they were loaded to where they belong, if
 * that is further up: the last one first, so none falls on one that is yet to
 * come. The relocation table, behind all of them, goes before them to where it is looked for.
 */
static bool load_straight(const struct start *start)
{
	const uint8_t *payload = payload_as_loaded(start);
	uint8_t *out = (uint8_t *)start->run + pack_page.out_at;

	if (!(pack_page.flags & PACK_PLAIN) || !all_go_up(start, payload))
		return false;
	for (unsigned group = 0; group < PACK_RELOC_GROUPS; group++)
		move_bytes(out + pack_page.relocs[group].off, payload + pack_page.relocs[group].off,
			   pack_page.relocs[group].count * sizeof(uint32_t));
	for (uint32_t i = pack_page.nr_segments; i--;) {
		const struct pack_segment *segment = &pack_page.segments[i];

		move_bytes((uint8_t *)start->run + segment->to, payload + segment->from, segment->file_len);
	}
	return true;
}

/* In order of their addresses, each down: the packer saw to it that none falls on one that is yet to come. */
static void load_segments(const struct start *start)
{
	const uint8_t *out = (const uint8_t *)start->run + pack_page.out_at;

	for (uint32_t i = 0; i < pack_page.nr_segments; i++) {
		const struct pack_segment *segment = &pack_page.segments[i];

		move_bytes((uint8_t *)start->run + segment->to, out + segment->from, segment->file_len);
	}
}

static bool load_kernel(const struct start *start)
{
	if (load_straight(start))
		return true;
	if (!decode_payload(start))
		return false;
	load_segments(start);
	return true;
}

static void clear_segments(const struct start *start)
{
	for (uint32_t i = 0; i < pack_page.nr_segments; i++) {
		const struct pack_segment *segment = &pack_page.segments[i];

		zero_bytes((uint8_t *)start->run + segment->to + segment->file_len,
			   segment->mem_len - segment->file_len);
	}
}

/* ---- Relocations -------------------------------------------------------- */

/*
 * A word of the table is the linked virtual address of a field; as an offset
 * from the kernel's start it fits 32 bits in both classes. The packer checked
 * each one, and the sum said that they are the same still.
 */
static void relocate_group(const struct start *start, unsigned group, uint32_t delta)
{
	const uint8_t *out = (const uint8_t *)start->run + pack_page.out_at;
	const uint32_t *word = (const uint32_t *)(const void *)(out + pack_page.relocs[group].off);
	uint8_t *base = (uint8_t *)start->run;
	uint32_t linked = (uint32_t)pack_page.link_vaddr;

	for (uint32_t n = pack_page.relocs[group].count; n; n--, word++) {
		void *field = base + (uint32_t)(*word - linked);

		if (group == PACK_ABS64)
			*(uint64_t *)field += delta;
		else
			*(uint32_t *)field += group == PACK_ABS32 ? delta : -delta;
	}
}

static void relocate(const struct start *start, uint32_t delta)
{
	for (unsigned group = 0; delta && group < PACK_RELOC_GROUPS; group++)
		relocate_group(start, group, delta);
}

/* ---- In a PV environment ------------------------------------------------ */

/* The builder put the kernel at its virtual address, or, where it mapped memory one to one, at its physical one. */
static uint32_t pv_delta(const struct start *start)
{
	uint64_t linked = start->run >= pack_page.link_vaddr ? pack_page.link_vaddr : pack_page.link_gpa;

	return (uint32_t)(start->run - linked);
}

/* The virtual address of what the boot protocol calls address 0. */
static uintptr_t pv_base(const struct start *start)
{
	if (!(start->kind & PACK_PV) || start->run < pack_page.link_vaddr)
		return 0;
	return (uintptr_t)pack_page.pv_base;
}

/* The builder filled a page of ours, where nothing is moved to; its code knows no address. */
static void put_hypercall_page(const struct start *start)
{
	const uint8_t *copy = (const uint8_t *)start->run + pack_page.code_at;

	if ((start->kind & PACK_PV) && pack_page.kernel_hypercall_off != PACK_NOWHERE)
		move_bytes((uint8_t *)start->run + pack_page.kernel_hypercall_off, copy + pack_page.hypercall_off,
			   PACK_HYPERCALL_LEN);
}

/* ---- The story ---------------------------------------------------------- */

/* Told by start_info, and not by boot_params. Those may lie at 0 (lguest), so their address says nothing. */
static bool is_by_xen(const struct start *start)
{
	return (start->kind & PACK_KIND_MASK) == PACK_XEN_PV;
}

static struct boot_params *params_of(const struct start *start)
{
	if ((start->kind & PACK_KIND_MASK) == PACK_PVH)
		return params_from_pvh(start->params);
	return is_by_xen(start) ? NULL : start->params;
}

static void map_all(const struct start *start, const struct boot_params *params)
{
	map_begin();
	map_also(start->load);
	map_also(start->load + pack_page.payload_off + pack_page.payload_len);
	map_also(start->run);
	map_also(start->run + pack_page.window_len);
	map_also((uintptr_t)start->params);
	map_also(cmdline_of(params));
	map_use();
}

/* At random, unless the command line says otherwise; comes back when the code is where it stays. */
static void take_place(struct start *start, const struct boot_params *params)
{
	uintptr_t run;

	if (start->kind & PACK_PLACE_TAKEN)
		return;
	run = place_choose(params, start);
	if (run != start->run)
		pack_restart(start->kind | PACK_PLACE_TAKEN, start->params, start->load, run);
}

/* Where the kernel's own bases are chosen here: not by a hypervisor's builder. */
static uint32_t choose_bases(struct start *start, struct boot_params *params)
{
	if (start->kind & PACK_PV)
		return pv_delta(start);
	map_all(start, params);
	take_place(start, params);
	return place_virt_delta(params, start);
}

/* By Xen's ABI, or for its subarchitecture, whose boot_params tell of that page and of the line in it. */
static void *start_info_of(const struct start *start, const struct boot_params *params)
{
	if (is_by_xen(start))
		return start->params;
	if (!(start->kind & PACK_PV) || params->hdr.hardware_subarch != X86_SUBARCH_XEN)
		return NULL;
	return (void *)(uintptr_t)params->hdr.hardware_subarch_data;
}

static void add_cmdline(const struct start *start, struct boot_params *params)
{
	void *start_info = start_info_of(start, params);

	if (!start_info)
		cmdline_add_own(params, pv_base(start));
	else if (!cmdline_add_to_xen(start_info))
		stop(start, params, TOO_LONG);
}

static struct leave leave_for(const struct start *start, const struct boot_params *params)
{
	if (is_by_xen(start))
		return (struct leave){ start->run + pack_page.pv_kernel_off, (uintptr_t)start->params };
	return (struct leave){ start->run + pack_page.entry_off, (uintptr_t)params };
}

struct leave decompressor_main(uint32_t kind, void *params, uintptr_t load, uintptr_t run);
struct leave decompressor_main(uint32_t kind, void *loader_params, uintptr_t load, uintptr_t run)
{
	struct start start = { kind, load, run, loader_params };
	struct boot_params *params;
	uint32_t virt_delta;

	if (!page_is_whole())
		stop(&start, NULL, DAMAGED_PAGE);
	cmdline_take_own(&start);
	params = params_of(&start);
	if (!is_by_xen(&start) && pack_page.entry_off == PACK_NOWHERE)
		stop(&start, params, NOT_HERE);
	virt_delta = choose_bases(&start, params);
	if (!payload_is_whole(&start) || !load_kernel(&start))
		stop(&start, params, DAMAGED);
	relocate(&start, virt_delta);
	clear_segments(&start);
	put_hypercall_page(&start);
	add_cmdline(&start, params);
	return leave_for(&start, params);
}
