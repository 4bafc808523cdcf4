/* SPDX-License-Identifier: MIT */
/*
 * The two crossings of a 64-bit guest: into its kernel's handlers, as a frame
 * on the kernel's stack ("bounce"), and back by the iret hypercall. Kernel and
 * processes both run in ring 3, on page tables and a %gs base of their own
 * each. pv32/bounce.c is the same for 32-bit guests.
 */
#include "../asm.h"
#include "../paravisor.h"

void hypercall_from_guest(struct regs *r);
void bad_kernel_stack(struct regs *r);
void fast_call32(struct regs *r);

/* ---- The guest's two modes ---- */

static void to_kernel_mode(struct vcpu *v)
{
	if (v->kernel_mode)
		return;
	swapgs();
	write_cr3(v->kernel_cr3);
	v->kernel_mode = 1;
}

static void to_user_mode(struct vcpu *v)
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

/*
 * iretq faulted on the guest's own selectors: it gets the exception as if its
 * first instruction there had raised it. Xen's failsafe callback is for segment
 * registers that Xen itself loads when it switches domains; here nobody does.
 */
void return_failed(struct vcpu *v, struct regs *r)
{
	inject(v, r, (enum trap)r->vector, r->error);
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
