/* SPDX-License-Identifier: MIT */
/*
 * The end that nobody wanted: one block that tells what happened, whose fault
 * it was, the registers, the faulting address, the guest's stack and the last
 * things the paravisor did; then the machine stops. Runs on a stack of its
 * own (call_on_stack), once: a fault in here only ends the block sooner.
 */
#include "asm.h"
#include "paravisor.h"

#include <xen/sched.h>

static volatile uint32_t crashing;

static void print_traces(const struct vcpu *v)
{
	uint32_t n = v->traced < TRACES ? v->traced : TRACES;

	say("its last %u events (H hypercall, F page fault, G protection, m M MSR, u x ? refused):\n", n);
	for (uint32_t i = v->traced - n; i != v->traced; i++)
		say("  %c %lx %lx\n", (char)v->traces[i % TRACES].kind, v->traces[i % TRACES].a,
		    v->traces[i % TRACES].b);
}

void print_regs(const struct regs *r)
{
	say("rip %04lx:%016lx rsp %04lx:%016lx flags %08lx vector %x error %x\n", r->cs, r->rip, r->ss, r->rsp,
	    r->rflags, r->vector, r->error);
	say("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	say("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	say("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	say("r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
}

static void print_stack(uint64_t sp)
{
	uint64_t word;

	say("guest stack from %016lx:", sp);
	for (unsigned i = 0; i < 32; i++) {
		if (copy_from_guest(&word, sp + 8ul * i, sizeof(word)))
			break;
		say("%s%016lx", i % 4 ? " " : "\n  ", word);
	}
	say("\n");
}

static void crash_print(const void *regs, const void *why)
{
	const struct regs *r = regs;
	struct vcpu *v = this_vcpu();
	bool guests = !r || (r->cs & 3);

	if (__atomic_exchange_n(&crashing, 1, __ATOMIC_SEQ_CST) == 0) {
		uart_last_words();
		say("\n---- paravisor: %s: %s\n", guests ? "the guest crashed" : "a fault of its own",
		    (const char *)why);
		say("vcpu %u in its %s, cr2 %016lx cr3 %016lx kernel table %lx user table %lx\n", v->id,
		    v->kernel_mode ? "kernel" : "process", read_cr2(), read_cr3(), v->kernel_mfn, v->user_mfn);
		if (r)
			print_regs(r);
		if (r && !guests)
			say("the guest's own, when it entered:\n");
		if (r != guest_regs(v) && !(r && guests))
			print_regs(guest_regs(v));
		print_stack(guests && r ? r->rsp : guest_regs(v)->rsp);
		print_traces(v);
		say("---- paravisor: end\n");
	}
	machine_off(SHUTDOWN_crash);
}

void crash(const struct regs *r, const char *why)
{
	call_on_stack(r, why, (uint64_t)this_vcpu() + CRASH_STACK_SP, crash_print);
}
