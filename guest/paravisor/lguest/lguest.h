/* SPDX-License-Identifier: MIT */
/*
 * The paravisor for lguest guests: what its files share. Such a guest has one
 * processor and one pair of rings; its state, beside struct vcpu, is lg.
 *
 *   domain.c       its memory, its first instruction
 *   dialect.c      which year's ABI it speaks
 *   calls.c        hypercalls, one at a time and by the ring
 *   shadow.c       the page tables that stand in for its own
 *   segments.c     GDT, TLS and IDT entries
 *   irq.c          interrupts, the clock, waiting
 *   traps.c        what interrupts it
 *   emulate.c      instructions that ring 1 may not execute
 *   vmcall.c       one more, the hypercall of some years
 *   system.c       those of them that are neither ports nor a device's
 *   console.c      its console: texts, and the virtio device's two queues
 *   virtqueue.c    a queue
 *   devpage.c      how kernels until 3.19 find the console
 *   pci.c          and how those from 4.0 on do
 *   console_pci.c  its registers there
 */
#ifndef LGUEST_H
#define LGUEST_H

#include "../paravisor.h"
#include "abi.h"

#define NOWHERE 0xffffffffu

/* What of the ABI the years changed; found when the guest tells where struct lguest_data is. */
struct dialect {
	bool edx_first; /* arguments begin in %edx, then %ebx, %ecx */
	bool has_pending;
	bool may_have_pci,
		has_notify;    /* 4.0 has the first alone, and looks like those before it, which have the other */
	unsigned words;        /* a call in the ring */
	unsigned status, ring; /* offsets of hcall_status and hcalls */
	unsigned tail;         /* of what the hypervisor fills in */
	unsigned pgdir;        /* of that word; 0: there is none */
	unsigned noirq;        /* one word, or two */
	unsigned noirq_words;
	unsigned kernel_address, syscall_vec;
};

extern struct lguest {
	bool ready; /* it has told where its data is */
	uint32_t data_gpa;
	uint8_t *data_pages[2]; /* where it lies; at most two pages */
	struct dialect dialect;
	uint32_t kernel_address;
	uint32_t noirq_start, noirq_end; /* (start, end] for a range; both the same for one instruction */
	unsigned next_call;              /* in the ring */
	uint32_t pending;                /* interrupts */
	uint64_t counts[LHCALLS];
} lg;

/* ---- domain.c: guest-physical memory; an address that is not the guest's ends it ---- */
void *gpa_va(uint64_t gpa); /* NULL: not the guest's; good to the end of its page */
bool gpa_read(uint64_t gpa, void *to, size_t len);
bool gpa_write(uint64_t gpa, const void *from, size_t len);

/* A word of lguest_data, which does not cross a page. */
__attribute__((always_inline)) static inline volatile uint32_t *data_at(unsigned offset)
{
	uint32_t at = (lg.data_gpa & (PAGE - 1)) + offset;

	return (volatile uint32_t *)(lg.data_pages[at / PAGE] + (at & (PAGE - 1)));
}

static inline uint32_t data_get(unsigned offset)
{
	return *data_at(offset);
}

static inline void data_set(unsigned offset, uint32_t value)
{
	*data_at(offset) = value;
}

/* ---- dialect.c ---- */
bool dialect_find(uint32_t gpa, struct dialect *ret);

/* ---- calls.c ---- */
void lguest_call(struct vcpu *v, struct regs *r);

/* ---- shadow.c ---- */
void tables_init(struct vcpu *v);
/* For a kernel that puts entries of its own into those that it begins with: where they are. */
uint32_t tables_give(bool may_be_pae);
void tables_root(struct vcpu *v, uint32_t gpa);
void tables_flush_user(void);
void tables_flush_all(void);
void tables_set_pte(uint32_t root_gpa, uint32_t va, uint64_t pte);
void tables_set_top(uint32_t root_gpa, uint32_t index);
void tables_set_middle(uint32_t gpa, uint32_t index);
/* A fault at va, and by whom it is to be answered. *error says then what the guest's own tables say. */
enum fault { FAULT_MENDED, FAULT_OF_GUEST, FAULT_OF_DEVICE };
enum fault tables_fault(uint64_t va, uint32_t *error);
/* Where the guest's tables have it, or NOWHERE. */
uint32_t tables_gpa(uint32_t va);

/* ---- segments.c ---- */
void gdt_entry_set(struct vcpu *v, uint32_t index, uint64_t desc);
void idt_entry_set(struct vcpu *v, uint32_t index, uint64_t gate);

/* ---- irq.c ---- */
void irq_raise(unsigned irq);
void irq_halt(struct vcpu *v);
void clock_init(void);
void clock_tell(void); /* the time of day into lguest_data */
void clock_event(struct vcpu *v, uint32_t ns);

/* ---- system.c: true if it did what there was to do; the caller goes on behind it ---- */
struct insn;
bool system_instruction(struct vcpu *v, struct regs *r, struct insn *i, uint8_t op);

/* ---- emulate.c: 0, or 1 if the guest is to have its fault ---- */
int emulate_instruction(struct vcpu *v, struct regs *r);
bool emulate_memory(struct vcpu *v, struct regs *r, uint32_t gpa); /* of a device; true, and done */

/* ---- vmcall.c ---- */
void vmcalls_rewrite(void);                        /* in the kernel's code, before it runs */
bool vmcall_fault(struct vcpu *v, struct regs *r); /* true: it was one, and is none any more */

/* ---- devpage.c ---- */
extern uint64_t devpage_fresh; /* the page's frame in the guest, until something was written there; then PV_NONE */
void devpage_init(void);
void devpage_first_write(uint32_t offset);
void devpage_notify(struct vcpu *v, uint32_t gpa);

/* ---- pci.c: values are right-aligned; what is not there reads as ones ---- */
void pci_init(void);
uint32_t pci_port_read(uint16_t port, unsigned bytes);
void pci_port_write(uint16_t port, unsigned bytes, uint32_t value);
bool pci_decodes(uint64_t gpa); /* a page with a device's registers in it */
uint32_t pci_memory_read(uint32_t gpa, unsigned bytes);
void pci_memory_write(uint32_t gpa, unsigned bytes, uint32_t value);

#endif
