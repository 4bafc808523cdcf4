/* SPDX-License-Identifier: MIT */
/*
 * Where a domain's processors were when it crashed, or when its time was over:
 * the registers that Xen has of each.
 */
#include "../registers.h"
#include "builder.h"

#include <stdio.h>

typedef unsigned long long ull;

/* A 32-bit PV domain's context has another shape, and is not read. */
static void print_vcpu(FILE *out, const struct xen_builder *builder, uint32_t vcpu)
{
	vcpu_guest_context_any_t any;
	const vcpu_guest_context_x86_64_t *context = &any.x64;

	if (builder->info.entry == PB_XEN_PV32 ||
	    xc_vcpu_getcontext(builder->host.control, builder->domid, vcpu, &any) < 0) {
		fprintf(out, "CPU %u: its state cannot be read\n", vcpu);
	} else if (!(context->flags & VGCF_online)) {
		fprintf(out, "CPU %u: never started\n", vcpu);
	} else {
		fprintf(out, "CPU %u: at %04x:%llx, %s, rflags %llx\n", vcpu, context->user_regs.cs,
			(ull)context->user_regs.rip, context->flags & VGCF_in_kernel ? "kernel" : "user",
			(ull)context->user_regs.rflags);
		registers_print(out, REGISTERS_OF(&context->user_regs));
		fprintf(out, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx\n", (ull)context->ctrlreg[0],
			(ull)context->ctrlreg[2], (ull)context->ctrlreg[3], (ull)context->ctrlreg[4]);
	}
}

char *crash_describe(const struct xen_builder *builder)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	xc_domain_pause(builder->host.control, builder->domid); /* registers in flight are no one moment's */
	for (uint32_t i = 0; i < builder->vcpus; i++)
		print_vcpu(out, builder, i);
	xc_domain_unpause(builder->host.control, builder->domid);
	fclose(out);
	return text;
}
