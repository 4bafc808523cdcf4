/* SPDX-License-Identifier: MIT */
/*
 * The guest's console, found as kernels of its year find it: by the descriptor
 * page (devpage.c), in either of its forms, or on the PCI bus (pci.c). What is
 * done with its two queues is console.c's, and the same for all.
 */
#ifndef TEST_LGUEST_CONSOLE_H
#define TEST_LGUEST_CONSOLE_H

#include "guest.h"

#include <linux/virtio_ring.h>

enum { INPUT, OUTPUT };

/* ---- devpage.c, or pci.c ---- */
void device_check(void); /* all that can be said of it before it is used; afterwards it may be used */
void device_map(void);   /* nothing but that it may be used */
void device_early_print(const char *text);
void device_notify(unsigned queue);
struct vring device_queue(unsigned queue);
void device_check_interrupt(void); /* something was printed */
void device_check_reset(void);

void pci_check_process(void); /* one that was given the region */

/* ---- console.c ---- */
void console_describe(unsigned queue, uint16_t index, uint32_t gpa, uint32_t len, uint16_t flags, uint16_t next);
void console_offer(unsigned queue, uint16_t head);
uint16_t console_done(unsigned queue);

/* ---- pci.c: what only an attack does ---- */
uint32_t pci_region_gpa(void);
void pci_attack_queue_size(void);
void pci_attack_ring(uint32_t low, uint32_t high);
void pci_attack_running(void);
void pci_attack_disabled(void);

#endif
