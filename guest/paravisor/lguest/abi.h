/* SPDX-License-Identifier: MIT */
/*
 * lguest's ABI, which no package has any more: what kernels of 2.6.24 to 4.13
 * built with CONFIG_LGUEST_GUEST and their hypervisor agreed on. It was never
 * stable, for both came out of one source; what differs between the years is
 * in struct dialect. The paravisor reads it, and the guests that test it.
 *
 * A call is `int $0x1f`, for some years `vmcall`: its number in %eax, then up
 * to four arguments, in %ebx, %ecx, %edx, %esi; before 2.6.29 in %edx, %ebx,
 * %ecx. Addresses are physical but for those in page-table calls.
 */
#ifndef LGUEST_ABI_H
#define LGUEST_ABI_H

#include <stdint.h>

enum {
	LHCALL_FLUSH_ASYNC = 0,      /* nothing: the ring is emptied before each call */
	LHCALL_LGUEST_INIT = 1,      /* struct lguest_data's address; the first call */
	LHCALL_SHUTDOWN = 2,         /* a text's address, LGUEST_SHUTDOWN_*; in 2.6.24 the text alone */
	LHCALL_LOAD_GDT = 3,         /* its address, entries; before 2.6.30 */
	LHCALL_NEW_PGTABLE = 4,      /* the top level's address */
	LHCALL_FLUSH_TLB = 5,        /* 0: of addresses below the kernel's, else all */
	LHCALL_LOAD_IDT_ENTRY = 6,   /* number, low and high word */
	LHCALL_SET_STACK = 7,        /* segment, pointer, pages: for what comes from ring 3 */
	LHCALL_TS = 8,               /* CR0's task-switched bit */
	LHCALL_SET_CLOCKEVENT = 9,   /* ns until interrupt 0; 0: never */
	LHCALL_HALT = 10,            /* until an interrupt */
	LHCALL_SET_PMD = 13,         /* PAE: a level 2's address, index: it changed */
	LHCALL_SET_PTE = 14,         /* the top level's address, virtual address, the entry in one or two words */
	LHCALL_SET_PGD = 15,         /* the top level's address, index: it changed */
	LHCALL_LOAD_TLS = 16,        /* address of three descriptors, processor */
	LHCALL_NOTIFY = 17,          /* a device's page; or the address of a text for the console; until 3.19 */
	LHCALL_LOAD_GDT_ENTRY = 18,  /* number, low and high word */
	LHCALL_SEND_INTERRUPTS = 19, /* interrupts are on, and one is pending */
	LHCALLS
};

#define LGUEST_TRAP              0x1f
#define LGUEST_FIRST_VECTOR      32 /* interrupt n comes by this vector and n */
#define LGUEST_IRQS              32
#define LGUEST_GDT_ENTRIES       32
#define LGUEST_TLS_FIRST         6 /* of LGUEST_TLS_ENTRIES in the GDT */
#define LGUEST_TLS_ENTRIES       3
#define LGUEST_RING              64
#define LGUEST_SHUTDOWN_POWEROFF 1
#define LGUEST_SHUTDOWN_RESTART  2
#define LGUEST_RESERVE           0x400000u /* of the highest addresses, which were the hypervisor's own */

/* struct lguest_data begins alike in all years. */
enum {
	LGUEST_IRQ_ENABLED = 0, /* FLAG_IF, or 0; the guest's */
	LGUEST_BLOCKED = 4,     /* a bit an interrupt; the guest's */
	LGUEST_CR2 = 8,
	LGUEST_TIME = 12,        /* seconds since 1970, nanoseconds */
	LGUEST_IRQ_PENDING = 20, /* FLAG_IF: make LHCALL_SEND_INTERRUPTS when they are on; from 2.6.30 on */
};

/*
 * Then hcall_status[LGUEST_RING], a byte each: 0xff done, 0 to do; the ring
 * itself, four or five words a call; and, after what the hypervisor writes
 * (reserve_mem, tsc_khz and for some years pgdir), what the guest does: the
 * range of addresses in which it wants no interrupt, or the one instruction;
 * kernel_address, above which all its page tables are alike; and syscall_vec.
 */

/*
 * The device page of kernels until 3.19 begins where RAM ends: descriptors, one
 * behind the other, until one of type 0. In 2.6.24 fields follow a descriptor.
 */
struct lguest_device_desc_2_6_24 {
	uint8_t type;       /* virtio's number */
	uint8_t config_len; /* of its fields */
	uint8_t status;
};

struct lguest_field_2_6_24 {
	uint8_t type; /* the guest sets bit 7 of those that it has found */
	uint8_t len;  /* of what follows */
};
#define LGUEST_FIELD_VIRTQUEUE 2 /* a struct lguest_vqconfig */

/* From 2.6.25 on its queues' configurations follow, its features, and its own configuration. */
struct lguest_device_desc {
	uint8_t type;
	uint8_t num_vq;
	uint8_t feature_len; /* of each of two bitmaps: offered, and taken */
	uint8_t config_len;
	uint8_t status; /* the guest's; it makes LHCALL_NOTIFY with the descriptor's address when it changes */
};

struct lguest_vqconfig {
	uint16_t num, irq;
	uint32_t pfn;
};

#endif
