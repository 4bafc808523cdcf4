/* SPDX-License-Identifier: MIT */
/*
 * GDT and IDT entries, as the guest hands them over. Those of its GDT that
 * are no ordinary segments (the task segments, which its hypervisor has for
 * it) stay empty.
 */
#include "lguest.h"

#define GATE_P         (1ull << 47)
#define GATE_INTERRUPT 0xe
#define GATE_TRAP      0xf

void gdt_entry_set(struct vcpu *v, uint32_t index, uint64_t desc)
{
	if (index >= LGUEST_GDT_ENTRIES)
		guest_crash(v, "GDT entry %u of %u", index, LGUEST_GDT_ENTRIES);
	gdt_of(v)[index] = descriptor_admit(&desc) ? desc : 0;
}

/* An NMI, a double fault and the hypercall are not the guest's to handle. */
static bool is_ours(uint32_t index)
{
	return index == TRAP_NMI || index == TRAP_DF || index == LGUEST_TRAP;
}

void idt_entry_set(struct vcpu *v, uint32_t index, uint64_t gate)
{
	unsigned type = gate >> 40 & 0x1f;

	if (index >= ARRAY(v->traps))
		guest_crash(v, "IDT entry %u", index);
	if (is_ours(index))
		return;
	v->traps[index] = (struct trap_info){ .vector = (uint8_t)index };
	if (!(gate & GATE_P))
		return;
	if (type != GATE_INTERRUPT && type != GATE_TRAP)
		guest_crash(v, "IDT entry %u has type %x", index, type);
	v->traps[index].flags = (uint8_t)((gate >> 45 & 3) | (type == GATE_INTERRUPT ? 4 : 0));
	v->traps[index].cs = (uint16_t)(gate >> 16);
	v->traps[index].address = (gate & 0xffff) | (gate >> 32 & 0xffff0000);
}
