/* SPDX-License-Identifier: MIT */
/*
 * From layout to placements. What holds machine frame numbers (page tables,
 * p2m list, start_info) is placed here and made by place.
 */
#include "pv_domain.h"

#include <string.h>
#include <xen/xen.h>

#include "../error.h"
#include "arith.h"
#include "memory_map.h"

#define START_INFO_32_CMD_LINE 80 /* struct start_info of a 32-bit domain: cmd_line */

/* ---- Placements -------------------------------------------------------- */

/* How the domain's first page tables show a placement. */
static void set_access(const struct pv_layout *layout, struct pb_placement *placement)
{
	uint64_t pfn = placement->gpa / PLAN_PAGE_LEN;

	placement->space = PB_DOMAIN;
	if (pv_holds(&layout->mapped, pfn)) {
		placement->access = PB_ACCESS_WRITE;
		placement->vaddr = layout->notes.virt_base + placement->gpa;
	}
	if (pv_holds(&layout->tables, pfn))
		placement->access = PB_ACCESS_READ;
	if (pv_holds(&layout->p2m, pfn) && layout->notes.init_p2m_va != PV_NOWHERE) {
		placement->access = PB_ACCESS_WRITE;
		placement->vaddr = layout->notes.init_p2m_va;
	}
}

static int put(struct plan_builder *builder, struct pb_placement *placement, struct pb_error *err)
{
	if (placement->len == 0)
		return 0;
	set_access(&builder->pv, placement);
	return builder_add(builder, placement, err);
}

static int put_kernel(struct plan_builder *builder, struct pb_error *err)
{
	const struct kernel *kernel = builder->entered.kernel;
	int rc = 0;

	for (unsigned i = 0; i < kernel->nr_segments && rc == 0; i++) {
		const struct segment *segment = &kernel->segments[i];
		struct pb_placement placement = { .gpa = segment->gpa - builder->pv.notes.paddr_offset,
						  .len = segment->mem_len,
						  .kind = PB_KIND_KERNEL,
						  .source = builder->entered.own ? PB_FROM_IMAGE : PB_FROM_KERNEL,
						  .index = i,
						  .source_off = segment->file_off,
						  .source_len = segment->file_len };

		rc = put(builder, &placement, err);
	}
	return rc;
}

static int put_initrds(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	pb_gpa gpa = builder->pv.initrd.pfn * PLAN_PAGE_LEN;
	int rc = 0;

	for (size_t i = 0; i < request->nr_initrds && rc == 0; i++) {
		struct pb_placement placement = { .gpa = gpa,
						  .len = align_up(request->initrds[i].len, 4),
						  .kind = PB_KIND_INITRD,
						  .source = PB_FROM_INITRD,
						  .index = (uint32_t)i,
						  .source_len = request->initrds[i].len };

		rc = put(builder, &placement, err);
		gpa += placement.len;
	}
	return rc;
}

static int put_area(struct plan_builder *builder, const struct pv_area *area, enum pb_kind kind, enum pb_source source,
		    struct pb_error *err)
{
	uint64_t len = area->count * PLAN_PAGE_LEN;
	struct pb_placement placement = { .gpa = area->pfn * PLAN_PAGE_LEN,
					  .len = len,
					  .kind = kind,
					  .source = source,
					  .source_len = source == PB_FROM_ZERO ? 0 : len };

	return put(builder, &placement, err);
}

static int put_areas(struct plan_builder *builder, struct pb_error *err)
{
	const struct pv_layout *layout = &builder->pv;
	const struct {
		const struct pv_area *area;
		enum pb_kind kind;
		enum pb_source source;
	} rows[] = {
		{ &layout->start_info, PB_KIND_START_INFO, PB_FROM_FRAMES },
		{ &layout->xenstore, PB_KIND_RING, PB_FROM_ZERO },
		{ &layout->console, PB_KIND_RING, PB_FROM_ZERO },
		{ &layout->tables, PB_KIND_PAGE_TABLES, PB_FROM_FRAMES },
		{ &layout->stack, PB_KIND_STACK, PB_FROM_ZERO },
		{ &layout->p2m, PB_KIND_P2M, PB_FROM_FRAMES },
		{ &layout->p2m_tables, PB_KIND_PAGE_TABLES, PB_FROM_FRAMES },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = put_area(builder, rows[i].area, rows[i].kind, rows[i].source, err);
	return rc;
}

/* ---- What the kernel is entered with ----------------------------------- */

/* xen.h, struct start_info, but for what stands in struct pb_frames. */
static void tell_start_info(struct plan_builder *builder)
{
	const struct pv_layout *layout = &builder->pv;
	struct pb_pv *pv = &builder->pv_start;

	pv->flags = SIF_VIRT_P2M_4TOOLS;
	pv->pt_base = pv_va(layout, layout->tables.pfn);
	pv->nr_pt_frames = layout->tables.count;
	pv->mfn_list = pv_va(layout, layout->p2m.pfn);
	if (layout->notes.init_p2m_va != PV_NOWHERE) {
		pv->mfn_list = layout->notes.init_p2m_va;
		pv->first_p2m_pfn = layout->p2m.pfn;
		pv->nr_p2m_frames = layout->p2m.count + layout->p2m_tables.count;
	}
	pv->mod_len = builder->info.initrd_len;
	if (pv->mod_len) {
		bool by_pfn = layout->notes.mod_start_pfn;

		pv->flags |= by_pfn ? SIF_MOD_START_PFN : 0;
		pv->mod_start = by_pfn ? layout->initrd.pfn : pv_va(layout, layout->initrd.pfn);
	}
	pv->store_pfn = layout->xenstore.pfn;
	pv->console_pfn = layout->console.pfn;
}

static void tell(struct plan_builder *builder)
{
	const struct pv_layout *layout = &builder->pv;
	struct pb_pv *pv = &builder->pv_start;

	pv->size = sizeof(*pv);
	pv->elf_class = layout->notes.elf_class;
	pv->nr_pages = layout->nr_pages;
	pv->virt_base = layout->notes.virt_base;
	pv->virt_end = pv->virt_base + layout->mapped.count * PLAN_PAGE_LEN;
	pv->hypercall_vaddr = layout->notes.hypercall_va == PV_NOWHERE ? 0 : layout->notes.hypercall_va;
	pv->fixmap_vaddr = layout->notes.fixmap_va;
	pv->fixmap_len = layout->notes.fixmap_len;
	pv->hv_start = layout->notes.hv_start;
	tell_start_info(builder);
	pv_vcpu(&pv->vcpu, layout);
	builder->info.space = PB_DOMAIN;
	builder->info.kernel_gpa = layout->kernel.pfn * PLAN_PAGE_LEN;
	builder->info.kernel_len = layout->kernel.count * PLAN_PAGE_LEN;
	builder->info.params_gpa = layout->start_info.pfn * PLAN_PAGE_LEN;
	if (builder->info.initrd_len)
		builder->info.initrd_gpa = layout->initrd.pfn * PLAN_PAGE_LEN;
}

/*
 * By the boot protocol the kernel is told the same twice: boot_params give the
 * initrd and the line by the addresses of the domain's memory, and the line is
 * the very one in start_info.
 */
static int put_boot_params(struct plan_builder *builder, struct pb_error *err)
{
	const struct pv_layout *layout = &builder->pv;
	struct pb_placement placement = { .gpa = layout->boot_params.pfn * PLAN_PAGE_LEN,
					  .len = PLAN_PAGE_LEN,
					  .kind = PB_KIND_BOOT_PARAMS,
					  .source = PB_FROM_PLAN,
					  .source_len = PLAN_PAGE_LEN };
	uint8_t page[PLAN_PAGE_LEN];
	struct kept kept;
	int rc;

	builder->request.subarch_data = pv_va(layout, layout->start_info.pfn);
	builder->info.cmdline_gpa = builder->info.params_gpa + START_INFO_32_CMD_LINE;
	builder->info.params_gpa = placement.gpa;
	boot_params_of_domain(builder, layout->nr_pages * PLAN_PAGE_LEN, page);
	rc = builder_keep(builder, page, sizeof(page), &kept, err);
	placement.source_off = kept.off;
	return rc ? rc : put(builder, &placement, err);
}

/* The command line is a part of start_info. */
static int keep_cmdline(struct plan_builder *builder, struct pb_error *err)
{
	if (builder->cmdline_len >= MAX_GUEST_CMDLINE)
		return fail(err, PB_E_CMDLINE, "cmdline", builder->cmdline_len, MAX_GUEST_CMDLINE - 1, 0);
	return builder_keep(builder, builder->request.cmdline, builder->cmdline_len, &builder->pv_cmdline, err);
}

/* The caller's range goes before the image's; either is widened to whole pages. */
static int choose_fixmap(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	struct pv_notes *notes = &builder->pv.notes;
	uint64_t end;

	if (request->fixmap_len) {
		notes->fixmap_va = request->fixmap_vaddr;
		notes->fixmap_len = request->fixmap_len;
		notes->fixmap_asked = true;
	}
	if (notes->fixmap_len == 0)
		return 0;
	if (__builtin_add_overflow(notes->fixmap_va, notes->fixmap_len, &end) || end > UINT64_MAX - PLAN_PAGE_LEN)
		return notes->fixmap_asked ? fail(err, PB_E_ARG, "fixmap", notes->fixmap_len, 0, 0)
					   : fail(err, PB_E_NOTE_VALUE, "FIXMAP", notes->fixmap_len, 0, 0);
	notes->fixmap_va = align_down(notes->fixmap_va, PLAN_PAGE_LEN);
	notes->fixmap_len = align_up(end, PLAN_PAGE_LEN) - notes->fixmap_va;
	return 0;
}

int pv_domain_put(struct plan_builder *builder, uint64_t nr_pages, struct pb_error *err)
{
	int rc;

	builder->pv.by_subarch = builder->request.subarch != 0;
	rc = pv_notes_read(builder->entered.kernel, builder->request.subarch, &builder->pv.notes, err);
	if (rc == 0)
		rc = choose_fixmap(builder, err);
	if (rc == 0)
		rc = pv_layout_make(builder->entered.kernel, nr_pages, builder->info.initrd_len, &builder->pv, err);
	if (rc == 0)
		rc = keep_cmdline(builder, err);
	if (rc == 0)
		rc = put_kernel(builder, err);
	if (rc == 0)
		rc = put_initrds(builder, err);
	if (rc == 0)
		rc = put_areas(builder, err);
	if (rc)
		return rc;
	tell(builder);
	return builder->pv.by_subarch ? put_boot_params(builder, err) : 0;
}
