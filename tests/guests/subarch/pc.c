/* SPDX-License-Identifier: MIT */
/*
 * The kernel on a PC, where there is nobody below it: it makes its own
 * descriptor tables, hears the 8254 by the 8259, prints by the first serial
 * port and ends with a restart. What it does in between, pc_main() says.
 */
#include "pc.h"

#define CS         0x10 /* as the boot protocol has them */
#define DS         0x18
#define USER_CS    0x23
#define USER_DS    0x2b
#define TSS        0x30
#define TICK       0x30 /* the 8259's first vector */
#define IRQ_0      0
#define COM1       0x3f8
#define HZ_OF_8254 1193182
#define UNMAPPED   0x08000000 /* beyond what start.S maps */

/* ---- Ports ---- */

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void print_by_uart(const char *s)
{
	for (; *s; s++) {
		while (!(in8(COM1 + 5) & 0x20))
			;
		out8(COM1, (uint8_t)*s);
	}
}

/* By the keyboard controller, which every PC has. */
static _Noreturn void restart(void)
{
	for (;;)
		out8(0x64, 0xfe);
}

static void tell_trap(void)
{
	print("Bail out! trap ");
	print_number((long)trap_seen);
	print(" at VIRT_BASE + ");
	print_number((long)(trap_ip - VIRT_BASE));
	print("\n");
	restart();
}

/* ---- Descriptor tables ---- */

struct tss {
	uint32_t link, esp0, ss0, rest[22];
	uint16_t trap, io_map;
};

struct table {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

static uint8_t trap_stack[8192] __attribute__((aligned(16)));
static struct tss tss = { .esp0 = (uint32_t)(trap_stack + sizeof(trap_stack)), .ss0 = PC_DS, .io_map = sizeof(tss) };
static uint64_t gdt[] = { 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff, 0 };
static uint64_t idt[256];

static void set_gate(unsigned vector, unsigned ring, unsigned long to)
{
	idt[vector] = (uint64_t)(to >> 16) << 48 | (uint64_t)(0x8e00 | ring << 13) << 32 | PC_CS << 16 | (to & 0xffff);
}

static void set_tables(void)
{
	const struct table gdtr = { sizeof(gdt) - 1, (uint32_t)gdt }, idtr = { sizeof(idt) - 1, (uint32_t)idt };
	uint32_t at = (uint32_t)&tss;

	gdt[TSS / 8] =
		(uint64_t)(at >> 24) << 56 | 0x890000000000 | (uint64_t)(at & 0xffffff) << 16 | (sizeof(tss) - 1);
	for (unsigned n = 0; n < TRAPS; n++)
		set_gate(n < 32 ? n : BACK, n == 32 ? 3 : 0, trap_entries[n]);
	set_gate(0x80, 3, (unsigned long)syscall_entry);
	set_gate(TICK, 0, (unsigned long)tick_entry);
	load_tables(&gdtr, &idtr, PC_CS, PC_DS, TSS);
	user_cs = USER_CS;
	user_ss = USER_DS;
	to_user = plain_iret;
	on_surprise = tell_trap;
}

/* As at a switch of processes. */
void pc_set_trap_stack(void)
{
	*(volatile uint32_t *)&tss.esp0 = (uint32_t)(trap_stack + sizeof(trap_stack));
}

/* ---- The timer ---- */

/* The two 8259s begin at vector TICK, and let the timer alone come. */
static void set_interrupts(void)
{
	static const uint8_t words[][2] = {
		{ 0x20, 0x11 }, { 0xa0, 0x11 }, { 0x21, TICK }, { 0xa1, TICK + 8 }, { 0x21, 4 },
		{ 0xa1, 2 },    { 0x21, 1 },    { 0xa1, 1 },    { 0xa1, 0xff },     { 0x21, (uint8_t) ~(1u << IRQ_0) }
	};

	for (unsigned i = 0; i < ARRAY(words); i++)
		out8(words[i][0], words[i][1]);
}

void pc_wait_for_timer(void)
{
	set_interrupts();
	out8(0x43, 0x34); /* counter 0, both bytes, again and again */
	out8(0x40, HZ_OF_8254 / 1000 & 0xff);
	out8(0x40, HZ_OF_8254 / 1000 >> 8);
	while (!events_seen)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	out8(0x21, 0xff);
}

unsigned long pc_fault_address(void)
{
	unsigned long cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	return cr2;
}

/* ---- The start ---- */

void start_on_a_pc(const struct boot_params *params)
{
	print = print_by_uart;
	out8(0x21, 0xff); /* the 8259s are silent until somebody wants them */
	out8(0xa1, 0xff);
	set_tables();
	pc_main(params);
	all_held();
	restart();
}
