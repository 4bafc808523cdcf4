/* SPDX-License-Identifier: MIT */
/*
 * The 16-bit part of a packed image: what its files share.
 */
#ifndef GUEST_DECOMPRESSOR_SETUP_H
#define GUEST_DECOMPRESSOR_SETUP_H

#define SETUP_HEADER_END 0x26c /* of protocol 2.15 */

#ifndef __ASSEMBLER__

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../port.h"

#define FLAG_CARRY 1u

/* Registers of a BIOS call, in and out; start.S knows the order. */
struct regs {
	uint32_t eax, ebx, ecx, edx, esi, edi, flags;
};

/* %ds and %es are ours. */
void bios(uint8_t number, struct regs *regs) __attribute__((regparm(2)));

extern struct setup_header hdr; /* as the loader filled it in */
extern struct boot_params boot_params;

/* memory.c */
void find_memory(void);
bool open_a20(void);

/* video.c: the mode that vid_mode asks for, and what screen_info says of it. */
void set_video(void);

/* main.c */
void put_text(const char *text);

/* ---- What C has no words for ---- */

static inline uint16_t data_segment(void)
{
	uint16_t segment;

	__asm__ volatile("movw %%ds, %0" : "=r"(segment));
	return segment;
}

static inline void set_fs(uint16_t segment)
{
	__asm__ volatile("movw %0, %%fs" : : "r"(segment));
}

static inline uint8_t fs_byte(uint32_t off)
{
	uint8_t value;

	__asm__ volatile("movb %%fs:%1, %0" : "=q"(value) : "m"(*(const uint8_t *)off));
	return value;
}

static inline uint16_t fs_word(uint32_t off)
{
	return (uint16_t)(fs_byte(off) | fs_byte(off + 1) << 8);
}

static inline void set_fs_byte(uint32_t off, uint8_t value)
{
	__asm__ volatile("movb %0, %%fs:%1" : : "q"(value), "m"(*(uint8_t *)off) : "memory");
}

#endif
#endif
