/* SPDX-License-Identifier: MIT */
/*
 * What interrupts the guest comes here, and most of it goes back to the
 * guest's own handlers, as a frame on its kernel's stack ("bounce"). The
 * paravisor keeps for itself: its interrupts, page faults that its page-table
 * rules caused, and instructions that ring 3 may not execute.
 */
#include "asm.h"
#include "paravisor.h"

extern const struct fixup {
	uint64_t rip, fixup;
} extable_start[], extable_end[];
extern char iret_to_guest[];

void trap_from_guest(struct regs *r);
struct regs *trap_in_ring0(struct regs *r);
void hypercall_from_guest(struct regs *r);
void deliver_upcall(struct regs *r);
void bad_kernel_stack(struct regs *r);
void fast_call32(struct regs *r);

/* ---- The guest's two modes ---- */

void to_kernel_mode(struct vcpu *v)
{
	if (v->kernel_mode)
		return;
	swapgs();
	write_cr3(v->kernel_cr3);
	v->kernel_mode = 1;
}

void to_user_mode(struct vcpu *v)
{
	if (!v->user_root)
		guest_crash(v, "it returns to a process, but gave no page tables for one");
	swapgs();
	write_cr3(v->user_root->cr3);
	v->kernel_mode = 0;
}

/* ---- Bouncing: <xen/arch-x86/xen.h>, "PV frame" ---- */

#define BOUNCE_CLEAR (FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC)

/*
 * Enter the guest's kernel at rip, with a frame that tells where it was: from
 * low to high rcx, r11, the error code if there is one, rip, cs (the event
 * mask in bit 32), rflags with IF for "events not masked", rsp, ss.
 */
void bounce(struct vcpu *v, struct regs *r, uint64_t rip, bool mask, const uint32_t *error)
{
	bool kernel = v->kernel_mode;
	uint64_t sp = (kernel ? r->rsp : v->kernel_sp) & ~15ull;
	uint64_t frame[8], masked = v->info->evtchn_upcall_mask != 0;
	unsigned n = 0;

	frame[n++] = r->rcx;
	frame[n++] = r->r11;
	if (error)
		frame[n++] = *error;
	frame[n++] = r->rip;
	frame[n++] = (kernel ? r->cs & 0xfffc : r->cs & 0xffff) | masked << 32;
	frame[n++] = (r->rflags & ~(FLAG_IF | FLAG_IOPL)) | (masked ? 0 : FLAG_IF) |
		     (architectural_iopl ? (uint64_t)v->iopl << IOPL_SHIFT : 0);
	frame[n++] = r->rsp;
	frame[n++] = r->ss & 0xffff;
	to_kernel_mode(v);
	sp -= n * 8;
	if (copy_to_guest(sp, frame, n * 8))
		guest_crash(v, "no stack at %lx for its handler at %lx", sp, rip);
	r->rip = rip;
	r->rsp = sp;
	r->cs = SEL_CS64;
	r->ss = SEL_DS;
	r->rflags = (r->rflags & ~BOUNCE_CLEAR) | FLAG_IF;
	if (mask)
		v->info->evtchn_upcall_mask = 1;
}

#define TRAPS_WITH_ERROR                                                                                               \
	(1u << TRAP_DF | 1u << TRAP_TS | 1u << TRAP_NP | 1u << TRAP_SS | 1u << TRAP_GP | 1u << TRAP_PF | 1u << TRAP_AC)

void inject(struct vcpu *v, struct regs *r, enum trap trap, uint32_t error)
{
	const struct trap_info *t = &v->traps[trap];

	if (!t->address)
		guest_crash(v, "it has no handler for trap %u", (unsigned)trap);
	bounce(v, r, t->address, t->flags & 4, trap < 32 && (TRAPS_WITH_ERROR >> trap & 1) ? &error : NULL);
}

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

/* The guest's state could not be loaded: segments on top of the usual frame. */
static void inject_failsafe(struct vcpu *v, struct regs *r)
{
	uint64_t segments[4];
	uint16_t s;

	if (!v->failsafe.rip)
		guest_crash(v, "its registers cannot be loaded, and it has no failsafe callback");
	bounce(v, r, v->failsafe.rip, v->failsafe.mask_events, NULL);
	__asm__ volatile("mov %%ds, %0" : "=r"(s));
	segments[0] = s;
	__asm__ volatile("mov %%es, %0" : "=r"(s));
	segments[1] = s;
	__asm__ volatile("mov %%fs, %0" : "=r"(s));
	segments[2] = s;
	__asm__ volatile("mov %%gs, %0" : "=r"(s));
	segments[3] = s;
	r->rsp -= sizeof(segments);
	if (copy_to_guest(r->rsp, segments, sizeof(segments)))
		guest_crash(v, "no stack for its failsafe callback");
}

/* ---- Page faults ---- */

static bool of_paravisor(uint64_t va)
{
	return va >> HV_SHIFT == HV_TAG;
}

static void page_fault(struct vcpu *v, struct regs *r)
{
	uint64_t va = read_cr2();

	if ((r->error & PF_PRESENT) && v->kernel_mode && !of_paravisor(va)) {
		if ((r->error & PF_WRITE) && !emulate_table_write(v, r, va))
			return;
		if (!repair_user_bits(v, va, r->error))
			return;
	}
	if (v->kernel_mode)
		trace(v, 'F', va, r->rip);
	inject_pf(v, r, va, r->error);
}

/* ---- Other exceptions ---- */

/* `int n` of the guest's: the paravisor's gates are closed to ring 3, the guest's own may be open. Its kernel counts
 * as ring 1. */
static bool software_interrupt(struct vcpu *v, struct regs *r)
{
	const struct trap_info *t = &v->traps[r->error >> 3 & 255];

	if ((r->error & 3) != 2 || !t->address || (t->flags & 3) < (v->kernel_mode ? 1 : 3))
		return false;
	r->rip += 2;
	bounce(v, r, t->address, t->flags & 4, NULL);
	return true;
}

static void general_protection(struct vcpu *v, struct regs *r)
{
	int rc = EMULATE_PROTECTED;

	if (software_interrupt(v, r))
		return;
	if (!r->error)
		rc = emulate_privileged(v, r);
	if (!rc)
		return;
	if (rc == EMULATE_INVALID) {
		inject(v, r, TRAP_UD, 0);
		return;
	}
	trace(v, 'G', r->rip, r->error);
	inject(v, r, TRAP_GP, r->error);
}

static void invalid_opcode(struct vcpu *v, struct regs *r)
{
	if (emulate_forced(v, r))
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

/* ---- The paravisor's interrupts ---- */

static void interrupt(struct vcpu *v, uint32_t vector)
{
	if (vector == VEC_SPURIOUS)
		return;
	apic_eoi();
	switch (vector) {
	case VEC_TIMER:
		timer_fired(v);
		break;
	case VEC_IPI:
		flush_answer(v);
		if (v->rearm)
			timer_set(v);
		break;
	case VEC_UART:
		console_input();
		break;
	}
}

void trap_from_guest(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	if (r->vector >= 32)
		interrupt(v, r->vector);
	else if (handlers[r->vector])
		handlers[r->vector](v, r);
	else
		other_trap(v, r);
	if (unlikely(v->attention))
		attend(v, r);
}

/* ---- Ring 0's own ---- */

/* iretq itself faulted: the registers are the guest's again, but for the frame, which never left the stack. */
static struct regs *recover_iret(struct vcpu *v, struct regs *r)
{
	struct regs *g = guest_regs(v);

	memmove(g, r, offsetof(struct regs, error));
	g->error = g->vector = 0;
	inject_failsafe(v, g);
	return g;
}

struct regs *trap_in_ring0(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	if (r->vector >= 32) {
		interrupt(v, r->vector);
		return r;
	}
	for (const struct fixup *f = extable_start; f < extable_end; f++) {
		if (f->rip == r->rip) {
			r->rip = f->fixup;
			return r;
		}
	}
	if (r->rip == (uint64_t)iret_to_guest)
		return recover_iret(v, r);
	crash(r, "an exception in ring 0");
}

void bad_kernel_stack(struct regs *r)
{
	(void)r;
	guest_crash(this_vcpu(), "no stack at %lx for its handler of system calls or page faults",
		    this_vcpu()->kernel_sp);
}

/* ---- Hypercalls, and system calls that entry.S does not bounce itself ---- */

/* Without a callback the instruction is invalid to the guest, as it was before there were callbacks. */
static void system_call(struct vcpu *v, struct regs *r, const struct callback *c)
{
	if (c->rip) {
		bounce(v, r, c->rip, c->mask_events, NULL);
		return;
	}
	r->rip -= 2;
	inject(v, r, TRAP_UD, 0);
}

void hypercall_from_guest(struct regs *r)
{
	struct vcpu *v = this_vcpu();
	uint64_t args[5] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8 };

	if (!v->kernel_mode) {
		system_call(v, r, &v->syscall);
		return;
	}
	r->rax = (uint64_t)hypercall(v, r->rax, args);
	if (unlikely(v->attention))
		attend(v, r);
}

void fast_call32(struct regs *r)
{
	struct vcpu *v = this_vcpu();
	bool sysenter = r->vector == 0x102;

	r->vector = 0;
	if (!sysenter)
		system_call(v, r, &v->syscall32);
	else if (v->sysenter.rip)
		bounce(v, r, v->sysenter.rip, v->sysenter.mask_events, NULL);
	else /* it does not say where it was */
		inject(v, r, TRAP_GP, 0);
}

/* xen-x86_64.h, HYPERVISOR_iret: every way back that entry.S does not take itself. */
long hc_iret(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct regs *r = guest_regs(v);
	struct iret_context ctx;

	(void)a, (void)b, (void)c, (void)d, (void)e;
	if (copy_from_guest(&ctx, r->rsp, sizeof(ctx)))
		guest_crash(v, "no stack at %lx for iret", r->rsp);
	if ((ctx.cs & 3) == 3)
		to_user_mode(v);
	r->rip = ctx.rip;
	r->cs = (ctx.cs & 0xffff) | 3;
	r->rflags = (ctx.rflags & ~(FLAG_IOPL | FLAG_VM | FLAG_NT)) | FLAG_IF | 2;
	r->rsp = ctx.rsp;
	r->ss = (ctx.ss & 0xffff) | 3;
	r->rcx = ctx.rcx;
	r->r11 = ctx.r11;
	if (ctx.flags & VGCF_in_syscall) {
		r->cs = SEL_CS64;
		r->ss = SEL_DS;
		r->rcx = r->rip;
		r->r11 = r->rflags;
	}
	v->info->evtchn_upcall_mask = !(ctx.rflags & FLAG_IF);
	if (unlikely(architectural_iopl))
		v->iopl = (uint32_t)(ctx.rflags & FLAG_IOPL) >> IOPL_SHIFT;
	if (unlikely(v->nmi_masked))
		nmi_done(v);
	return (long)ctx.rax;
}
