/* SPDX-License-Identifier: MIT */
/*
 * What interrupts an lguest guest: its hypercalls, its system calls, the
 * faults that its shadowed page tables cause and those that are its own, and
 * the paravisor's interrupts. All but its own faults end here.
 */
#include "../asm.h"
#include "../pv32/pv32.h"
#include "lguest.h"

void trap_from_guest(struct regs *r);
void fast_call32(struct regs *r);

/* ---- Into its handlers ---- */

static uint32_t interrupt_flag(void)
{
	return lg.ready ? data_get(LGUEST_IRQ_ENABLED) & (uint32_t)FLAG_IF : 0;
}

/* The frame is the processor's own, but for the flag, which is lguest_data's. From ring 3 it goes to SET_STACK's. */
void bounce(struct vcpu *v, struct regs *r, uint64_t handler, bool mask, const uint32_t *error)
{
	struct gate_frame saved = { .cs = (uint32_t)r->cs & 0xffff,
				    .eflags = (uint32_t)(r->rflags & ~(FLAG_IF | FLAG_IOPL)) | interrupt_flag(),
				    .error = error,
				    .kernel = is_kernel_cs(r->cs) };

	gate_enter(v, r, handler, &saved);
	if (mask && lg.ready)
		data_set(LGUEST_IRQ_ENABLED, 0);
}

/* ---- Exceptions ---- */

static void page_fault(struct vcpu *v, struct regs *r)
{
	uint64_t va = read_cr2();
	uint32_t error = r->error;

	switch (tables_fault(va, &error)) {
	case FAULT_MENDED:
		return;
	case FAULT_OF_DEVICE:
		if (v->kernel_mode && emulate_memory(v, r, tables_gpa((uint32_t)va)))
			return;
		break;
	case FAULT_OF_GUEST:
		break;
	}
	trace(v, 'F', va, r->rip);
	if (lg.ready)
		data_set(LGUEST_CR2, (uint32_t)va);
	inject(v, r, TRAP_PF, error);
}

static void general_protection(struct vcpu *v, struct regs *r)
{
	if (software_interrupt(v, r))
		return;
	if (!r->error && v->kernel_mode && (!emulate_instruction(v, r) || vmcall_fault(v, r)))
		return;
	trace(v, 'G', r->rip, r->error);
	inject(v, r, TRAP_GP, r->error);
}

static void invalid_opcode(struct vcpu *v, struct regs *r)
{
	if ((v->kernel_mode && vmcall_fault(v, r)) || is_icebp(v, r))
		return;
	inject(v, r, TRAP_UD, 0);
}

/* The bit stays until the guest clears it by LHCALL_TS; a real one that it did not ask for is not its business. */
static void no_device(struct vcpu *v, struct regs *r)
{
	if (v->cr0 & CR0_TS)
		inject(v, r, TRAP_NM, 0);
	else
		clts();
}

static void debug_trap(struct vcpu *v, struct regs *r)
{
	v->dr[6] = read_dr6();
	write_dr6(DR6_RESET);
	inject(v, r, TRAP_DB, 0);
}

static void machine_trap(struct vcpu *v, struct regs *r)
{
	(void)v;
	crash(r, "a machine check, double fault or NMI");
}

typedef void trap_fn(struct vcpu *v, struct regs *r);
static trap_fn *const handlers[32] = {
	[TRAP_DB] = debug_trap, [TRAP_NMI] = machine_trap, [TRAP_UD] = invalid_opcode,
	[TRAP_NM] = no_device,  [TRAP_DF] = machine_trap,  [TRAP_GP] = general_protection,
	[TRAP_PF] = page_fault, [TRAP_MC] = machine_trap,  [LGUEST_TRAP] = lguest_call,
};

void trap_from_guest(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	v->kernel_mode = (r->cs & 3) == 1;
	if (r->vector == VEC_SYSCALL32)
		call_kernel(v, r);
	else if (r->vector >= ARRAY(handlers))
		own_interrupt(v, r->vector);
	else if (handlers[r->vector])
		handlers[r->vector](v, r);
	else
		inject(v, r, (enum trap)r->vector, r->error);
}

/* sysenter, which no lguest guest was told of. */
void fast_call32(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	r->vector = 0;
	v->kernel_mode = 0;
	inject(v, r, TRAP_GP, 0);
}

/* ---- Of ring 0, on the guest's account ---- */

/* A copy to or from what the guest has mapped and we have not yet. */
bool fault_mended(struct vcpu *v, uint64_t va, uint32_t error)
{
	(void)v;
	return tables_fault(va, &error) == FAULT_MENDED;
}

/* Its own iret would have faulted where it was. */
void iret_failed(struct vcpu *v, struct regs *g)
{
	v->kernel_mode = (g->cs & 3) == 1;
	if (g->vector == TRAP_PF)
		page_fault(v, g);
	else
		guest_crash(v, "its registers cannot be loaded (trap %u, %x)", g->vector, g->error);
}
