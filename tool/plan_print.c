/* SPDX-License-Identifier: MIT */
/*
 * The words for a plan that its text and its JSON share.
 */
#include "plan_print.h"

#define REGISTER(name)                                                                                                 \
	{                                                                                                              \
#name, offsetof(struct pb_cpu, name)                                                                   \
	}

const struct cpu_register cpu_registers[] = {
	REGISTER(rip), REGISTER(rflags), REGISTER(rax), REGISTER(rbx),  REGISTER(rcx), REGISTER(rdx),
	REGISTER(rsi), REGISTER(rdi),    REGISTER(rsp), REGISTER(rbp),  REGISTER(r8),  REGISTER(r9),
	REGISTER(r10), REGISTER(r11),    REGISTER(r12), REGISTER(r13),  REGISTER(r14), REGISTER(r15),
	REGISTER(cr0), REGISTER(cr3),    REGISTER(cr4), REGISTER(efer), { 0 },
};

const struct cpu_register cpu_segments[] = {
	REGISTER(cs), REGISTER(ds), REGISTER(es),  REGISTER(fs), REGISTER(gs),
	REGISTER(ss), REGISTER(tr), REGISTER(ldt), { 0 },
};

#define FIELD(name)                                                                                                    \
	{                                                                                                              \
#name, offsetof(struct pb_pv, name)                                                                    \
	}

const struct cpu_register start_info_fields[] = {
	FIELD(nr_pages), FIELD(flags),         FIELD(store_pfn),     FIELD(console_pfn),
	FIELD(pt_base),  FIELD(nr_pt_frames),  FIELD(mfn_list),      FIELD(mod_start),
	FIELD(mod_len),  FIELD(first_p2m_pfn), FIELD(nr_p2m_frames), { 0 },
};

const char *mode_name(enum pb_mode mode)
{
	static const char *const names[] = { [PB_REAL16] = "real16", [PB_PROT32] = "prot32", [PB_LONG64] = "long64" };

	return names[mode];
}

const char *source_name(enum pb_source source)
{
	static const char *const names[] = {
		[PB_FROM_IMAGE] = "image",   [PB_FROM_KERNEL] = "kernel", [PB_FROM_PLAN] = "plan",
		[PB_FROM_INITRD] = "initrd", [PB_FROM_ZERO] = "zero",     [PB_FROM_FRAMES] = "frames",
	};

	return names[source];
}

const char *access_name(enum pb_access access)
{
	static const char *const names[] = {
		[PB_ACCESS_NONE] = "none", [PB_ACCESS_READ] = "read", [PB_ACCESS_WRITE] = "write"
	};

	return names[access];
}

const char *ring0_name(enum pb_ring0 ring0)
{
	static const char *const names[] = { [PB_RING0_PARAVISOR] = "paravisor", [PB_RING0_XEN] = "xen" };

	return names[ring0];
}
