/* SPDX-License-Identifier: MIT */
/*
 * The registers with which a PV kernel is entered (<xen/xen.h>): at its ENTRY,
 * with start_info (or, for a subarchitecture, boot_params) in %rsi, events on, in flat segments of the hypervisor's.
 */
#include "pv_domain.h"

#include <xen/xen.h>

/* <xen/arch-x86/xen-x86_32.h>, which a 64-bit program cannot include. */
enum { FLAT_RING1_CS32 = 0xe019, FLAT_RING1_DS32 = 0xe021 };

static const struct pb_seg code64 = { FLAT_RING3_CS64, 0xa0fb, UINT32_MAX, 0 };
static const struct pb_seg data64 = { FLAT_RING3_SS64, 0xc0f3, UINT32_MAX, 0 };
static const struct pb_seg code32 = { FLAT_RING1_CS32, 0xc0bb, UINT32_MAX, 0 };
static const struct pb_seg data32 = { FLAT_RING1_DS32, 0xc0b3, UINT32_MAX, 0 };

#define RFLAGS_ALWAYS_ONE 0x2ull
#define RFLAGS_IF         0x200ull

/* Intel SDM volume 3, "Control Registers" and "IA32_EFER". */
#define CR0_PE   0x1ull
#define CR0_PG   0x80000000ull
#define CR4_PAE  0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull

/* Ring 3, and the segments that long mode does not look at are null. */
static void set_64(struct pb_cpu *cpu)
{
	cpu->mode = PB_LONG64;
	cpu->cs = code64;
	cpu->ss = data64;
	cpu->efer = EFER_LME | EFER_LMA;
}

/* Ring 1, with PAE. */
static void set_32(struct pb_cpu *cpu)
{
	cpu->mode = PB_PROT32;
	cpu->cs = code32;
	cpu->ds = cpu->es = cpu->fs = cpu->gs = cpu->ss = data32;
}

void pv_vcpu(struct pb_cpu *cpu, const struct pv_layout *layout)
{
	cpu->size = sizeof(*cpu);
	cpu->rip = layout->notes.entry_va;
	cpu->rsp = pv_va(layout, layout->stack.pfn + layout->stack.count);
	cpu->rsi = pv_va(layout, layout->by_subarch ? layout->boot_params.pfn : layout->start_info.pfn);
	cpu->rflags = RFLAGS_ALWAYS_ONE | RFLAGS_IF;
	cpu->cr0 = CR0_PE | CR0_PG;
	cpu->cr3 = layout->tables.pfn << 12;
	cpu->cr4 = CR4_PAE;
	(layout->notes.elf_class == 32 ? set_32 : set_64)(cpu);
}
