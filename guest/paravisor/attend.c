/* SPDX-License-Identifier: MIT */
/*
 * What waits for a vCPU on its way back to the guest, beside events: an NMI
 * that a vCPU sent (VCPUOP_send_nmi), and its own end by VCPUOP_down of another.
 * Who causes one sets `attention` and kicks the vCPU; it comes here after the
 * interrupt or the hypercall that it was in, with the guest's registers at the
 * top of the stack.
 *
 * The short ways of entry.S into and out of the guest's kernel know nothing of
 * NMIs and virtual IOPLs. They look at user_cr3, syscall_rip and pf_short
 * anyway; where these are 0, C does all.
 */
#include "paravisor.h"

bool architectural_iopl;

void short_ways(struct vcpu *v)
{
	v->user_cr3 = v->user_root && !v->nmi_masked && !architectural_iopl ? v->user_root->cr3 : 0;
	v->syscall_rip = architectural_iopl ? 0 : v->syscall.rip;
	v->pf_short = v->user_cr3 && (v->traps[TRAP_PF].flags & 4);
}

/* One at a time: the next comes after this one's iret. Without a handler it is lost. */
static void deliver_nmi(struct vcpu *v, struct regs *r)
{
	v->nmi_pending = false;
	if (!v->traps[TRAP_NMI].address)
		return;
	v->nmi_masked = true;
	short_ways(v);
	inject(v, r, TRAP_NMI, 0);
}

void nmi_done(struct vcpu *v)
{
	v->nmi_masked = false;
	v->attention = v->nmi_pending;
	short_ways(v);
}

void attend(struct vcpu *v, struct regs *r)
{
	v->attention = false;
	if (!v->up)
		vcpu_park(v);
	if (v->nmi_pending && !v->nmi_masked)
		deliver_nmi(v, r);
}

void nmi_send(struct vcpu *v)
{
	v->nmi_pending = true;
	v->attention = true;
	kick(v);
}
