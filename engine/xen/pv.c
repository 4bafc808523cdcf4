/* SPDX-License-Identifier: MIT */
/*
 * What a PV domain takes beside memory: the word that it is a 32-bit one, a
 * shared_info page, page tables that Xen has checked and pinned, the page of
 * hypercalls, and a first processor.
 */
#include "builder.h"

#include <string.h>
#include <sys/mman.h>

static int control(struct xen_builder *builder, struct xen_domctl *op, const char *doing, struct engine_error *err)
{
	op->domain = (domid_t)builder->domid;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return xc_domctl(builder->host.control, op) < 0 ? engine_fail_errno(err, doing) : 0;
}

/* A hypervisor that was built without 32-bit PV says so here. */
static int set_width(struct xen_builder *builder, struct engine_error *err)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_address_size, .u.address_size.size = 32 };

	if (builder->pv.elf_class == 64)
		return 0;
	return control(builder, &op, "a 32-bit PV domain", err);
}

static int find_shared_info(struct xen_builder *builder, struct engine_error *err)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfolist(builder->host.control, builder->domid, 1, &info) != 1 ||
	    info.domain != builder->domid)
		return engine_fail_errno(err, "asking for the domain");
	builder->shared_info_frame = info.shared_info_frame;
	return 0;
}

int pv_begin(struct xen_builder *builder, struct engine_error *err)
{
	return set_width(builder, err) || find_shared_info(builder, err) ? -1 : 0;
}

/* ---- Once all is placed -------------------------------------------------- */

/* No event reaches a processor before its kernel lets it. The mask is at the same place in either class. */
static int prepare_shared_info(struct xen_builder *builder, struct engine_error *err)
{
	const xen_pfn_t frame = builder->shared_info_frame;
	shared_info_t *shared =
		xenforeignmemory_map(builder->host.memory, builder->domid, PROT_READ | PROT_WRITE, 1, &frame, NULL);

	if (!shared)
		return engine_fail_errno(err, "mapping the domain's shared_info");
	memset(shared, 0, PAGE_LEN);
	for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		shared->vcpu_info[i].evtchn_upcall_mask = 1;
	xenforeignmemory_unmap(builder->host.memory, shared, 1);
	return 0;
}

static uint64_t root_frame(const struct xen_builder *builder)
{
	return memory_frame(builder, builder->pv.vcpu.cr3 / PAGE_LEN);
}

static int pin_tables(struct xen_builder *builder, struct engine_error *err)
{
	struct mmuext_op op = { .cmd = builder->pv.elf_class == 64 ? MMUEXT_PIN_L4_TABLE : MMUEXT_PIN_L3_TABLE,
				.arg1.mfn = root_frame(builder) };

	if (xc_mmuext_op(builder->host.control, &op, 1, builder->domid) < 0)
		return engine_fail_errno(err, "pinning the domain's page tables");
	return 0;
}

static int fill_hypercall_page(struct xen_builder *builder, struct engine_error *err)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_hypercall_init };
	uint64_t vaddr = builder->pv.hypercall_vaddr;

	if (!vaddr)
		return 0;
	op.u.hypercall_init.gmfn = memory_frame(builder, (vaddr - builder->pv.virt_base) / PAGE_LEN);
	return control(builder, &op, "the domain's hypercall page", err);
}

static vcpu_guest_context_any_t context_64(const struct xen_builder *builder)
{
	const struct pb_cpu *cpu = &builder->pv.vcpu;
	vcpu_guest_context_any_t any = { 0 };
	vcpu_guest_context_x86_64_t *context = &any.x64;

	context->flags = VGCF_in_kernel | VGCF_online;
	context->user_regs.rip = cpu->rip;
	context->user_regs.rsp = cpu->rsp;
	context->user_regs.rsi = cpu->rsi;
	context->user_regs.rflags = cpu->rflags;
	context->user_regs.cs = cpu->cs.selector;
	context->user_regs.ss = cpu->ss.selector;
	context->user_regs.ds = cpu->ds.selector;
	context->user_regs.es = cpu->es.selector;
	context->kernel_ss = cpu->ss.selector;
	context->kernel_sp = cpu->rsp;
	context->ctrlreg[3] = root_frame(builder) << 12;
	return any;
}

/* cr3 of a PAE domain has the bits above 4 GiB below the rest (<xen/arch-x86/xen-x86_32.h>). */
static vcpu_guest_context_any_t context_32(const struct xen_builder *builder)
{
	const struct pb_cpu *cpu = &builder->pv.vcpu;
	vcpu_guest_context_any_t any = { 0 };
	vcpu_guest_context_x86_32_t *context = &any.x32;
	uint64_t root = root_frame(builder);

	context->flags = VGCF_in_kernel | VGCF_online;
	context->user_regs.eip = (uint32_t)cpu->rip;
	context->user_regs.esp = (uint32_t)cpu->rsp;
	context->user_regs.esi = (uint32_t)cpu->rsi;
	context->user_regs.eflags = (uint32_t)cpu->rflags;
	context->user_regs.cs = cpu->cs.selector;
	context->user_regs.ss = cpu->ss.selector;
	context->user_regs.ds = context->user_regs.es = cpu->ds.selector;
	context->user_regs.fs = context->user_regs.gs = cpu->ds.selector;
	context->kernel_ss = cpu->ss.selector;
	context->kernel_sp = (uint32_t)cpu->rsp;
	context->ctrlreg[3] = (uint32_t)(root << 12 | root >> 20);
	return any;
}

static int set_context(struct xen_builder *builder, struct engine_error *err)
{
	vcpu_guest_context_any_t context = builder->pv.elf_class == 64 ? context_64(builder) : context_32(builder);

	if (xc_vcpu_setcontext(builder->host.control, builder->domid, 0, &context) < 0)
		return engine_fail_errno(err, "the domain's first processor");
	return 0;
}

/* Without it the guest's memory map shows what the limit leaves beyond its RAM. */
static int set_map_limit(struct xen_builder *builder, struct engine_error *err)
{
	if (xc_domain_set_memmap_limit(builder->host.control, builder->domid, builder->info.ram_len / 1024) < 0)
		return engine_fail_errno(err, "the domain's memory map");
	return 0;
}

int pv_finish(struct xen_builder *builder, struct engine_error *err)
{
	builder->store_frame = memory_frame(builder, builder->pv.store_pfn);
	builder->console_frame = memory_frame(builder, builder->pv.console_pfn);
	if (prepare_shared_info(builder, err) || fill_hypercall_page(builder, err))
		return -1;
	return pin_tables(builder, err) || set_context(builder, err) || set_map_limit(builder, err) ? -1 : 0;
}
