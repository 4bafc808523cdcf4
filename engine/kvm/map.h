/* SPDX-License-Identifier: MIT */
/*
 * Every address and port of the machine that the kvm engine makes, in one place.
 *
 * Physical memory:
 *
 *   0x0_0000_0000  RAM; its first page is the BIOS's, and nothing is placed there
 *   0x0_0009_f000  what a PC's firmware keeps for itself; nothing here uses it
 *   0x0_000a_0000  no RAM to the guest; reads as zero, as where there are no option ROMs
 *   0x0_000e_0000  ACPI's tables
 *   0x0_000f_0000  the MP table
 *   0x0_0010_0000  RAM, to the end or to 3 GiB
 *   0x0_c000_0000  the hole: nothing answers here but
 *   0x0_fec0_0000    the I/O APIC
 *   0x0_fee0_0000    the local APICs
 *   0x0_fffb_c000    a page that Intel's KVM needs for real mode, and then three for its TSS
 *   0x1_0000_0000  the rest of RAM
 *
 * All of it below 3 GiB is one piece of host memory, and so is all above 4 GiB.
 */
#ifndef PB_KVM_MAP_H
#define PB_KVM_MAP_H

#define MAP_LOW_START 0x1000ULL
#define MAP_LOW_END   0x9f000ULL
#define MAP_VGA       0xa0000ULL
#define MAP_ACPI      0xe0000ULL
#define MAP_MPTABLE   0xf0000ULL
#define MAP_HIGH_RAM  0x100000ULL
#define MAP_HOLE      0xc0000000ULL
#define MAP_IOAPIC    0xfec00000ULL
#define MAP_LAPIC     0xfee00000ULL
#define MAP_IDENTITY  0xfffbc000ULL
#define MAP_TSS       0xfffbd000ULL
#define MAP_ABOVE_4G  0x100000000ULL

/* The longest that the tables may get: 64 processors need 1 and 2 KiB. */
#define MAP_ACPI_LEN    (MAP_MPTABLE - MAP_ACPI)
#define MAP_MPTABLE_LEN (MAP_HIGH_RAM - MAP_MPTABLE)

/* I/O ports that are ours to answer; the PIC, the PIT and port 0x61 are the host kernel's. */
#define PORT_KBC_DATA    0x60
#define PORT_KBC_COMMAND 0x64
#define PORT_CMOS        0x70
#define PORT_SYSTEM_A    0x92
#define PORT_COM1        0x3f8
#define PORT_PM1_EVENT   0x600
#define PORT_PM1_CONTROL 0x604
#define PORT_RESET       0xcf9

/* Interrupts, as the ISA bus and ACPI count them. */
#define IRQ_COM1 4
#define IRQ_SCI  9

/* Which SLP_TYP means power-off, and which write to PORT_RESET reset, are the DSDT's and FADT's to say: as QEMU's. */
#define PM_SLEEP_S5 0
#define RESET_VALUE 0x06

#endif
