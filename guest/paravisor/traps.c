/* SPDX-License-Identifier: MIT */
/*
 * What interrupts the guest comes here, and most of it goes back to the
 * guest's own handlers, as a frame on its kernel's stack ("bounce"). The
 * paravisor keeps for itself: its interrupts (ring0.c), page faults that its
 * page-table rules caused, and instructions that ring 3 may not execute.
 */
#include "asm.h"
#include "paravisor.h"

void trap_from_guest(struct regs *r);
void deliver_upcall(struct regs *r);

/* ---- Into the guest's handlers (inject.c) ---- */

void inject_pf(struct vcpu *v, struct regs *r, uint64_t address, uint32_t error)
{
	v->info->arch.cr2 = address;
	inject(v, r, TRAP_PF, v->kernel_mode ? error & ~PF_USER : error | PF_USER);
}

void deliver_upcall(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	if (!upcall_due(v) || !v->event.rip)
		return;
	bounce(v, r, v->event.rip, true, NULL);
}

/* Behind an instruction that was done for the guest: what the processor would do there. */
static void instruction_done(struct vcpu *v, struct regs *r)
{
	r->rflags &= ~FLAG_RF;
	if (!(r->rflags & FLAG_TF))
		return;
	v->dr[6] |= DR6_STEP;
	inject(v, r, TRAP_DB, 0);
}

/* ---- Page faults ---- */

static void page_fault(struct vcpu *v, struct regs *r)
{
	uint64_t va = read_cr2();
	int rc = is_paravisors(va) ? segment_fault(v, &va, r->error) : 0;

	if (rc > 0)
		return;
	if (rc < 0) {
		v->info->arch.cr2 = (guest_word)va;
		inject(v, r, TRAP_PF, r->error);
		return;
	}
	if ((r->error & PF_PRESENT) && v->kernel_mode && !is_paravisors(va)) {
		if ((r->error & PF_WRITE) && !emulate_table_write(v, r, va)) {
			instruction_done(v, r);
			return;
		}
		if (fault_is_stale(v, va, r->error))
			return;
	}
	if (v->kernel_mode)
		trace(v, 'F', va, r->rip);
	inject_pf(v, r, va, r->error);
}

/* ---- Other exceptions ---- */

static void general_protection(struct vcpu *v, struct regs *r)
{
	int rc = EMULATE_PROTECTED;

	if (software_interrupt(v, r))
		return;
	if (!r->error)
		rc = emulate_privileged(v, r);
	switch (rc) {
	case 0:
		v->privileged++;
		instruction_done(v, r);
		return;
	case EMULATE_STAYS:
		return;
	case EMULATE_INVALID:
		inject(v, r, TRAP_UD, 0);
		return;
	}
	trace(v, 'G', r->rip, r->error);
	inject(v, r, TRAP_GP, r->error);
}

static void invalid_opcode(struct vcpu *v, struct regs *r)
{
	if (!emulate_forced(v, r))
		instruction_done(v, r);
	else if (!is_icebp(v, r))
		inject(v, r, TRAP_UD, 0);
}

static void no_device(struct vcpu *v, struct regs *r)
{
	clts();
	v->cr0 &= ~8ull;
	inject(v, r, TRAP_NM, 0);
}

static void debug_trap(struct vcpu *v, struct regs *r)
{
	v->dr[6] |= read_dr6() & ~DR6_RESET;
	write_dr6(DR6_RESET);
	inject(v, r, TRAP_DB, 0);
}

static void machine_trap(struct vcpu *v, struct regs *r)
{
	(void)v;
	crash(r, "a machine check, double fault or NMI");
}

static void other_trap(struct vcpu *v, struct regs *r)
{
	inject(v, r, (enum trap)r->vector, r->error);
}

typedef void trap_fn(struct vcpu *v, struct regs *r);
static trap_fn *const handlers[32] = {
	[TRAP_DB] = debug_trap,   [TRAP_NMI] = machine_trap,      [TRAP_UD] = invalid_opcode, [TRAP_NM] = no_device,
	[TRAP_DF] = machine_trap, [TRAP_GP] = general_protection, [TRAP_PF] = page_fault,     [TRAP_MC] = machine_trap,
};

/* ---- Of ring 0, on the guest's account ---- */

bool fault_mended(struct vcpu *v, uint64_t va, uint32_t error)
{
	return segment_fault(v, &va, error) > 0;
}

void iret_failed(struct vcpu *v, struct regs *g)
{
	if (g->vector == TRAP_PF)
		page_fault(v, g);
	else
		return_failed(v, g);
}

/* ---- All ---- */

void trap_from_guest(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	if (guest_gate(v, r))
		return;
	if (r->vector >= 32)
		own_interrupt(v, r->vector);
	else if (handlers[r->vector])
		handlers[r->vector](v, r);
	else
		other_trap(v, r);
	if (unlikely(v->attention))
		attend(v, r);
}
