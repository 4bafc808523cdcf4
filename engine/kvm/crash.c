/* SPDX-License-Identifier: MIT */
/*
 * Where the processors were when the machine ended badly: for each one its
 * mode, its registers, and the bytes it was about to execute, and for an
 * address inside the kernel how far that is from the kernel's start. Nothing
 * here believes the guest: its page tables are walked by KVM, and its memory is
 * read by a system call that fails where a load would raise SIGBUS.
 */
#include "../registers.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define CODE_BEFORE 8
#define CODE_AFTER  16
#define STACK_WORDS 12
#define EFER_LMA    (1u << 10)
#define CR0_PE      1u
#define CR0_PG      (1u << 31)

typedef unsigned long long ull;

struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_mp_state mp;
};

static const char *mode(const struct kvm_sregs *sregs)
{
	if (!(sregs->cr0 & CR0_PE))
		return "real mode";
	if (sregs->efer & EFER_LMA && sregs->cs.l)
		return "64-bit";
	return sregs->cs.db ? "32-bit" : "16-bit";
}

static const char *activity(const struct state *state)
{
	switch (state->mp.mp_state) {
	case KVM_MP_STATE_INIT_RECEIVED:
		return "waiting for its start-up interrupt";
	case KVM_MP_STATE_HALTED:
		return state->regs.rflags & 0x200 ? "halted" : "halted with interrupts off";
	default:
		return "running";
	}
}

/* The guest-physical address of a linear one, or false. */
static bool translate(const struct vcpu *vcpu, uint64_t linear, pb_gpa *ret)
{
	struct kvm_translation translation = { .linear_address = linear };

	if (ioctl(vcpu->fd, KVM_TRANSLATE, &translation) < 0 || !translation.valid)
		return false;
	*ret = translation.physical_address;
	return true;
}

static bool read_memory(const struct vcpu *vcpu, uint64_t linear, void *buf, size_t len)
{
	struct iovec local = { buf, len }, remote;
	uint64_t got = len;
	pb_gpa gpa;

	if (!translate(vcpu, linear, &gpa))
		return false;
	remote = (struct iovec){ machine_memory(vcpu->machine, gpa, &got), len };
	return remote.iov_base && got == len && process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)len;
}

static void print_code(FILE *out, const struct vcpu *vcpu, uint64_t linear)
{
	fprintf(out, "  code ");
	for (uint64_t at = linear - CODE_BEFORE; at != linear + CODE_AFTER; at++) {
		uint8_t byte;

		if (!read_memory(vcpu, at, &byte, 1))
			fprintf(out, at == linear ? " <?"
						    "?>"
						  : " ?"
						    "?");
		else
			fprintf(out, at == linear ? " <%02x>" : " %02x", byte);
	}
	fputc('\n', out);
}

static void print_stack(FILE *out, const struct vcpu *vcpu, const struct state *state)
{
	const struct kvm_sregs *sregs = &state->sregs;
	size_t width = sregs->cs.l ? 8 : sregs->cs.db ? 4 : 2;
	uint64_t linear = state->regs.rsp + (sregs->cs.l ? 0 : sregs->ss.base);

	fprintf(out, "  stack");
	for (unsigned i = 0; i < STACK_WORDS; i++, linear += width) {
		uint64_t word = 0;

		if (!read_memory(vcpu, linear, &word, width))
			break;
		fprintf(out, " %0*llx", (int)width * 2, (ull)word);
	}
	fputc('\n', out);
}

/* An address in the kernel is told by how far it is from the start, which a symbol table of the same build resolves. */
static void print_place(FILE *out, const struct vcpu *vcpu, uint64_t linear)
{
	struct pb_plan_info info = PB_INIT(info);
	const pb_plan *plan = vcpu->machine->job->plan;
	pb_gpa gpa, kernel_gpa;

	if (!translate(vcpu, linear, &gpa)) {
		fprintf(out, ", not mapped");
		return;
	}
	fprintf(out, ", physical 0x%llx", (ull)gpa);
	if (pb_plan_info(plan, &info))
		return;
	kernel_gpa = pb_plan_locate(plan, info.space, info.kernel_gpa, &info.kernel_len);
	if (gpa >= kernel_gpa && gpa - kernel_gpa < info.kernel_len)
		fprintf(out, " (kernel+0x%llx)", (ull)(gpa - kernel_gpa));
}

static void print_system(FILE *out, const struct kvm_sregs *sregs)
{
	fprintf(out, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n", (ull)sregs->cr0, (ull)sregs->cr2,
		(ull)sregs->cr3, (ull)sregs->cr4, (ull)sregs->efer);
	fprintf(out, "  cs %04x ss %04x ds %04x es %04x fs %04x (%llx) gs %04x (%llx) tr %04x\n", sregs->cs.selector,
		sregs->ss.selector, sregs->ds.selector, sregs->es.selector, sregs->fs.selector, (ull)sregs->fs.base,
		sregs->gs.selector, (ull)sregs->gs.base, sregs->tr.selector);
	fprintf(out, "  gdt %llx+%x idt %llx+%x\n", (ull)sregs->gdt.base, sregs->gdt.limit, (ull)sregs->idt.base,
		sregs->idt.limit);
}

/* AMD's KVM resets a processor after a triple fault, and where it was is lost but for its last exit. */
static bool was_reset(const struct state *state)
{
	return state->sregs.cs.base == 0xffff0000 && state->regs.rip == 0xfff0;
}

static void print_running(FILE *out, const struct vcpu *vcpu, const struct state *state)
{
	const struct kvm_sregs *sregs = &state->sregs;
	uint64_t linear = (sregs->cs.l ? 0 : sregs->cs.base) + state->regs.rip;

	fprintf(out, "CPU %u: %s at %04x:%llx, %s, ring %u, rflags %llx", vcpu->index, activity(state),
		sregs->cs.selector, (ull)state->regs.rip, mode(sregs), sregs->ss.dpl, (ull)state->regs.rflags);
	print_place(out, vcpu, linear);
	fputc('\n', out);
	registers_print(out, REGISTERS_OF(&state->regs));
	print_system(out, sregs);
	print_code(out, vcpu, linear);
	print_stack(out, vcpu, state);
}

static void print_vcpu(FILE *out, const struct vcpu *vcpu)
{
	struct state state;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &state.regs) < 0 || ioctl(vcpu->fd, KVM_GET_SREGS, &state.sregs) < 0 ||
	    ioctl(vcpu->fd, KVM_GET_MP_STATE, &state.mp) < 0)
		fprintf(out, "CPU %u: its state cannot be read\n", vcpu->index);
	else if (state.mp.mp_state == KVM_MP_STATE_UNINITIALIZED)
		fprintf(out, "CPU %u: never started\n", vcpu->index);
	else if (was_reset(&state))
		fprintf(out, "CPU %u: reset by KVM; its last exit was at RIP %llx\n", vcpu->index, (ull)vcpu->seen_rip);
	else
		print_running(out, vcpu, &state);
}

char *crash_describe(const struct machine *machine)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < machine->nr_vcpus; i++)
		print_vcpu(out, &machine->vcpus[i]);
	fclose(out);
	return text;
}
