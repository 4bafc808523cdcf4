/* SPDX-License-Identifier: MIT */
/*
 * The registers with which a PV kernel is entered (<xen/xen.h>): at its ENTRY,
 * with start_info in %rsi, events on, in flat segments of the hypervisor's.
 */
#include "pv_domain.h"

#include <xen/xen.h>

enum { ATTR_CODE64_RING3 = 0xa0fb, ATTR_DATA_RING3 = 0xc0f3 };
#define RFLAGS_ALWAYS_ONE 0x2ull
#define RFLAGS_IF         0x200ull

/* Intel SDM volume 3, "Control Registers" and "IA32_EFER". */
#define CR0_PE   0x1ull
#define CR0_PG   0x80000000ull
#define CR4_PAE  0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull

void pv_vcpu(struct pb_cpu *cpu, const struct pv_layout *layout)
{
	cpu->size = sizeof(*cpu);
	cpu->mode = PB_LONG64;
	cpu->rip = layout->notes.entry_va;
	cpu->rsp = pv_va(layout, layout->stack.pfn + layout->stack.count);
	cpu->rsi = pv_va(layout, layout->start_info.pfn);
	cpu->rflags = RFLAGS_ALWAYS_ONE | RFLAGS_IF;
	cpu->cs = (struct pb_seg){ FLAT_RING3_CS64, ATTR_CODE64_RING3, UINT32_MAX, 0 };
	cpu->ss = (struct pb_seg){ FLAT_RING3_SS64, ATTR_DATA_RING3, UINT32_MAX, 0 };
	cpu->cr0 = CR0_PE | CR0_PG;
	cpu->cr3 = layout->tables.pfn << 12;
	cpu->cr4 = CR4_PAE;
	cpu->efer = EFER_LME | EFER_LMA;
}
