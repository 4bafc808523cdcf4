/* SPDX-License-Identifier: MIT */
/*
 * An lguest guest, once: its memory, which is physical to it from 0 on, and
 * the registers that lguest's own hypervisor gave it.
 */
#include "../asm.h"
#include "lguest.h"

struct lguest lg;
static guest_vcpu_info info; /* entry.S looks at its first byte: an interrupt waits */

/* ---- Guest-physical memory ---- */

void *gpa_va(uint64_t gpa)
{
	uint64_t mfn = pfn_to_mfn(gpa >> PAGE_SHIFT);

	return mfn == PV_NONE ? NULL : (uint8_t *)frame_va(mfn) + (gpa & (PAGE - 1));
}

/* So much of it is in one page. */
static size_t piece_of(uint64_t gpa, size_t len)
{
	size_t left = PAGE - (gpa & (PAGE - 1));

	return len < left ? len : left;
}

bool gpa_read(uint64_t gpa, void *to, size_t len)
{
	for (size_t piece; len; len -= piece, gpa += piece, to = (uint8_t *)to + piece) {
		const void *from = gpa_va(gpa);

		piece = piece_of(gpa, len);
		if (!from)
			return false;
		memcpy(to, from, piece);
	}
	return true;
}

bool gpa_write(uint64_t gpa, const void *from, size_t len)
{
	for (size_t piece; len; len -= piece, gpa += piece, from = (const uint8_t *)from + piece) {
		void *to = gpa_va(gpa);

		piece = piece_of(gpa, len);
		if (!to)
			return false;
		memcpy(to, from, piece);
	}
	return true;
}

/* ---- The first instruction ---- */

void guest_init(void)
{
	struct vcpu *v = vcpu_at(0);

	v->info = &info;
	tables_init(v);
	clock_init();
	devpage_init();
	vmcalls_rewrite();
}

void start_guest(void)
{
	struct vcpu *v = vcpu_at(0);

	*guest_regs(v) = (struct regs){ .rip = facts.rip, .cs = SEL_CS, .ss = SEL_SS, .rflags = FLAG_IF | 2 };
	v->kernel_mode = 1;
	v->kernel_ss = SEL_SS;
	v->up = v->initialised = true;
	write_cr3(v->kernel_cr3);
	for (unsigned i = 0; i < 4; i++)
		safe_load_segment(i, i < 2 ? SEL_SS : 0);
	enter_guest();
}

/* lguest guests have one processor; the plan starts no other. */
void vcpu_wait(struct vcpu *v)
{
	(void)v;
	for (;;)
		__asm__ volatile("cli; hlt");
}
