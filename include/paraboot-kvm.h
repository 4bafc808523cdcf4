/* SPDX-License-Identifier: MIT */
/*
 * From a plan's CPU state to KVM's. For a VMM that runs its vCPUs itself:
 *
 *     struct kvm_sregs sregs;
 *     struct kvm_regs regs;
 *
 *     ioctl(vcpu, KVM_GET_SREGS, &sregs);
 *     pb_cpu_to_kvm(&cpu, &regs, &sregs);
 *     ioctl(vcpu, KVM_SET_SREGS, &sregs);
 *     ioctl(vcpu, KVM_SET_REGS, &regs);
 *
 * Only what the plan speaks of is changed in sregs: apic_base, cr8 and pending
 * interrupts stay as KVM had them. Not part of the library: all of it is
 * inline, and it asks for nothing but <linux/kvm.h>.
 */
#ifndef PARABOOT_KVM_H
#define PARABOOT_KVM_H

#include <linux/kvm.h>
#include <paraboot.h>

/* struct pb_seg.attr has a descriptor's bits where a descriptor has them; KVM wants each in a field. */
static inline struct kvm_segment pb_seg_to_kvm(const struct pb_seg *seg)
{
	struct kvm_segment kvm = {
		.base = seg->base, /* in the structure's order, as C++ wants it */
		.limit = seg->limit,
		.selector = seg->selector,
		.type = (__u8)(seg->attr & 0xf),
		.present = (__u8)(seg->attr >> 7 & 1),
		.dpl = (__u8)(seg->attr >> 5 & 3),
		.db = (__u8)(seg->attr >> 14 & 1),
		.s = (__u8)(seg->attr >> 4 & 1),
		.l = (__u8)(seg->attr >> 13 & 1),
		.g = (__u8)(seg->attr >> 15 & 1),
		.avl = (__u8)(seg->attr >> 12 & 1),
		.unusable = !(seg->attr >> 7 & 1),
		.padding = 0,
	};

	return kvm;
}

static inline struct kvm_regs pb_regs_to_kvm(const struct pb_cpu *cpu)
{
	struct kvm_regs kvm = {
		.rax = cpu->rax,
		.rbx = cpu->rbx,
		.rcx = cpu->rcx,
		.rdx = cpu->rdx,
		.rsi = cpu->rsi,
		.rdi = cpu->rdi,
		.rsp = cpu->rsp,
		.rbp = cpu->rbp,
		.r8 = cpu->r8,
		.r9 = cpu->r9,
		.r10 = cpu->r10,
		.r11 = cpu->r11,
		.r12 = cpu->r12,
		.r13 = cpu->r13,
		.r14 = cpu->r14,
		.r15 = cpu->r15,
		.rip = cpu->rip,
		.rflags = cpu->rflags,
	};

	return kvm;
}

static inline void pb_cpu_to_kvm(const struct pb_cpu *cpu, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	*regs = pb_regs_to_kvm(cpu);
	sregs->cs = pb_seg_to_kvm(&cpu->cs);
	sregs->ds = pb_seg_to_kvm(&cpu->ds);
	sregs->es = pb_seg_to_kvm(&cpu->es);
	sregs->fs = pb_seg_to_kvm(&cpu->fs);
	sregs->gs = pb_seg_to_kvm(&cpu->gs);
	sregs->ss = pb_seg_to_kvm(&cpu->ss);
	sregs->tr = pb_seg_to_kvm(&cpu->tr);
	sregs->ldt = pb_seg_to_kvm(&cpu->ldt);
	sregs->gdt.base = cpu->gdt_base;
	sregs->gdt.limit = cpu->gdt_limit;
	sregs->idt.base = cpu->idt_base;
	sregs->idt.limit = cpu->idt_limit;
	sregs->cr0 = cpu->cr0;
	sregs->cr3 = cpu->cr3;
	sregs->cr4 = cpu->cr4;
	sregs->efer = cpu->efer;
}

#endif
