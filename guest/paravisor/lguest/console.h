/* SPDX-License-Identifier: MIT */
/*
 * The guest's console, behind whatever device the guest finds it by: the
 * descriptor page (devpage.c) or the PCI bus (pci.c, console_pci.c).
 */
#ifndef LGUEST_CONSOLE_H
#define LGUEST_CONSOLE_H

#include "virtqueue.h"

enum { CONSOLE_INPUT, CONSOLE_OUTPUT, CONSOLE_QUEUES };
#define CONSOLE_IRQ 1 /* the first of its own; 0 is the clock's */

extern struct queue console_queues[CONSOLE_QUEUES];

void console_notify(unsigned queue); /* the guest says that it offers something there */
void console_text(uint32_t gpa);     /* up to a 0 */

/* ---- console_pci.c: its registers, of so many bytes; what is none reads as ones ---- */
#define CONSOLE_BAR_LEN 128u
#define CONSOLE_CAPS    4u
struct console_part { /* of the registers: a capability (<linux/virtio_pci.h>) says where */
	uint8_t type, offset, len;
};
extern const struct console_part console_parts[CONSOLE_CAPS];
void console_pci_init(void);
uint32_t console_register_read(uint32_t offset, unsigned bytes);
void console_register_write(uint32_t offset, unsigned bytes, uint32_t value);

#endif
