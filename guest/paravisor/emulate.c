/* SPDX-License-Identifier: MIT */
/*
 * Instructions that a kernel in ring 3 still executes: those of the
 * forced-emulation prefix (ud2a, "xen"), and the privileged ones that its
 * paravirtual operations did not replace. Each does what Xen makes of it, or
 * nothing, or faults in the guest.
 */
#include "asm.h"
#include "insn.h"

/* ---- rdmsr, wrmsr: msr.c; the time stamp ---- */

static int do_rdmsr(struct vcpu *v, struct regs *r)
{
	uint64_t value;

	trace(v, 'm', r->rcx, r->rip);
	if (msr_read(v, (uint32_t)r->rcx, &value))
		return 1;
	r->rax = (uint32_t)value;
	r->rdx = value >> 32;
	return 0;
}

static int do_wrmsr(struct vcpu *v, struct regs *r)
{
	trace(v, 'M', r->rcx, r->rip);
	return msr_write((uint32_t)r->rcx, (uint32_t)r->rax | r->rdx << 32);
}

static int do_rdtsc(struct regs *r)
{
	uint64_t tsc = rdtsc();

	r->rax = (uint32_t)tsc;
	r->rdx = tsc >> 32;
	return 0;
}

static int do_rdtscp(struct vcpu *v, struct regs *r)
{
	uint64_t aux;

	if (msr_read(v, MSR_TSC_AUX, &aux))
		return EMULATE_INVALID;
	r->rcx = (uint32_t)aux;
	return do_rdtsc(r);
}

/* ---- Control and debug registers ---- */

static int read_cr(struct vcpu *v, unsigned n, uint64_t *to)
{
	switch (n) {
	case 0:
		*to = v->cr0;
		return 0;
	case 2:
		*to = v->info->arch.cr2;
		return 0;
	case 3:
		*to = guest_cr3(v->kernel_mfn);
		return 0;
	case 4:
		*to = v->cr4;
		return 0;
	}
	return 1;
}

static int write_cr(struct vcpu *v, unsigned n, uint64_t value)
{
	switch (n) {
	case 0: /* only TS is the guest's */
		if ((value ^ v->cr0) & ~8ull)
			return 1;
		v->cr0 = (v->cr0 & ~8ull) | (value & 8);
		write_cr0((read_cr0() & ~8ull) | (value & 8));
		return 0;
	case 2:
		v->info->arch.cr2 = value;
		return 0;
	case 3:
		return set_kernel_root(v, guest_cr3_mfn(value)) != 0;
	case 4:
		v->cr4 = (v->cr4 & ~guest_cr4_mask()) | (value & guest_cr4_mask());
		write_cr4(real_cr4(v));
		return 0;
	}
	return 1;
}

static int move_control(struct vcpu *v, struct regs *r, struct insn *i, uint8_t op)
{
	uint8_t modrm = insn_next(i);
	unsigned n = (modrm >> 3 & 7) | (i->rex & 4) << 1;
	uint64_t *reg = insn_gpr(r, (modrm & 7) | (i->rex & 1) << 3);
	long rc;

	switch (op) {
	case 0x20:
		return read_cr(v, n, reg);
	case 0x22:
		return write_cr(v, n, *reg);
	case 0x21:
		rc = hc_get_debugreg(v, n, 0, 0, 0, 0);
		if (rc == -XEN_ENODEV)
			return EMULATE_INVALID;
		*reg = (uint64_t)rc;
		return 0;
	default:
		rc = hc_set_debugreg(v, n, *reg, 0, 0, 0);
		return rc == -XEN_ENODEV ? EMULATE_INVALID : rc != 0;
	}
}

/* ---- cpuid, xsetbv ---- */

static int do_cpuid(struct vcpu *v, struct regs *r)
{
	uint32_t out[4];

	guest_cpuid(v, (uint32_t)r->rax, (uint32_t)r->rcx, out);
	r->rax = out[0];
	r->rbx = out[1];
	r->rcx = out[2];
	r->rdx = out[3];
	return 0;
}

static int do_xsetbv(struct vcpu *v, struct regs *r)
{
	uint64_t value = (uint32_t)r->rax | r->rdx << 32;

	if ((uint32_t)r->rcx || !(v->cr4 & 0x40000) || !xcr0_fits(value))
		return 1;
	return safe_xsetbv(0, value);
}

/* ---- Dispatch ---- */

static int group_7(struct vcpu *v, struct regs *r, uint8_t modrm)
{
	switch (modrm) {
	case 0xd1:
		return do_xsetbv(v, r);
	case 0xf9:
		return do_rdtscp(v, r);
	}
	return EMULATE_PROTECTED;
}

static int two_byte(struct vcpu *v, struct regs *r, struct insn *i)
{
	uint8_t op = insn_next(i);

	if (op == 0xa2)
		return do_cpuid(v, r);
	if (!v->kernel_mode)
		return 1;
	switch (op) {
	case 0x01:
		return group_7(v, r, insn_next(i));
	case 0x06: /* clts */
		return write_cr(v, 0, v->cr0 & ~8ull);
	case 0x08:
	case 0x09: /* invd, wbinvd */
		return 0;
	case 0x20:
	case 0x21:
	case 0x22:
	case 0x23:
		return move_control(v, r, i, op);
	case 0x30:
		return do_wrmsr(v, r);
	case 0x31:
		return do_rdtsc(r);
	case 0x32:
		return do_rdmsr(v, r);
	}
	return 1;
}

static int one_byte(struct vcpu *v, struct regs *r, struct insn *i, uint8_t op)
{
	unsigned bytes = op & 1 ? (i->small ? 2 : 4) : 1;

	switch (op) {
	case 0xf4: /* hlt */
		if (!v->kernel_mode)
			return 1;
		idle(v);
		return 0;
	case 0xfa:
	case 0xfb: /* cli, sti: the interrupt flag is not the guest's */
		return !iopl_allows(v);
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f:
		return port_string(v, r, i, op, bytes);
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7:
		return port_access(v, r, op, insn_next(i), bytes);
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
		return port_access(v, r, op, (uint16_t)r->rdx, bytes);
	}
	return 1;
}

int emulate_privileged(struct vcpu *v, struct regs *r)
{
	struct insn i;
	uint8_t op;
	int rc;

	insn_fetch(v, r, &i);
	op = insn_opcode(&i);
	rc = op == 0x0f ? two_byte(v, r, &i) : one_byte(v, r, &i, op);
	if (!rc)
		r->rip += i.at;
	return rc;
}

/* xen.h, "forced emulation prefix": ud2a, "xen", cpuid. */
int emulate_forced(struct vcpu *v, struct regs *r)
{
	static const uint8_t forced_cpuid[] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
	struct insn i;

	insn_fetch(v, r, &i);
	if (i.len < sizeof(forced_cpuid) || memcmp(i.bytes, forced_cpuid, sizeof(forced_cpuid)))
		return 1;
	r->rip += sizeof(forced_cpuid);
	return do_cpuid(v, r);
}
