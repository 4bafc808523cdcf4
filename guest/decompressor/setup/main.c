/* SPDX-License-Identifier: MIT */
/*
 * The 16-bit part's story: take the setup header over into boot_params, ask
 * the BIOS what the protected-mode part will need to know, and leave real mode
 * (start.S). What today's kernels find out by themselves (disks by EDD, APM,
 * MCA) is not asked.
 */
#include "setup.h"

#define OLD_CL_MAGIC        0xa33f /* boot.rst, "The Kernel Command Line" */
#define OLD_CL_ADDRESS      0x20

#define CPUID_EDX_LONG_MODE (1u << 29)

struct boot_params boot_params;

void put_text(const char *text)
{
	for (; *text; text++) {
		struct regs regs = { .eax = 0x0e00u | (uint8_t)*text, .ebx = 7, .ecx = 1 };

		bios(0x10, &regs);
	}
}

_Noreturn static void stop(const char *why)
{
	put_text("paraboot: ");
	put_text(why);
	put_text("\r\n");
	for (;;)
		__asm__ volatile("hlt");
}

static void take_header(void)
{
	const uint8_t *from = (const uint8_t *)&hdr;
	const uint16_t *old = (const uint16_t *)OLD_CL_ADDRESS;
	uint8_t *to = (uint8_t *)&boot_params.hdr;

	for (size_t i = 0; i < SETUP_HEADER_END - 0x1f1; i++)
		to[i] = from[i];
	if (!hdr.cmd_line_ptr && old[0] == OLD_CL_MAGIC)
		boot_params.hdr.cmd_line_ptr = (uint32_t)data_segment() * 16 + old[1];
}

static bool has_long_mode(void)
{
	uint32_t eax = 0x80000000, ebx, ecx, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	if (eax <= 0x80000000)
		return false;
	eax = 0x80000001;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return edx & CPUID_EDX_LONG_MODE;
}

/* A BIOS may want to know that its CPU is about to be used in long mode (AMD's BIOS guides, int 15h, EC00h). */
static void check_cpu(void)
{
	struct regs regs = { .eax = 0xec00, .ebx = 2 };

	if (!(hdr.xloadflags & XLF_KERNEL_64))
		return;
	if (!has_long_mode())
		stop("this kernel needs a 64-bit CPU");
	bios(0x15, &regs);
}

static void ask_keyboard(void)
{
	struct regs regs = { .eax = 0x0200 };

	bios(0x16, &regs);
	boot_params.kbd_status = (uint8_t)regs.eax;
}

/* No more interrupts: the loader's hook first, if it has one (boot.rst, "Advanced Boot Loader Hooks"). */
static void silence(void)
{
	if (hdr.realmode_swtch)
		__asm__ volatile("lcallw *%0" : : "m"(hdr.realmode_swtch) : "eax", "ebx", "ecx", "edx", "memory");
	else
		outb(0x70, 0x80); /* the NMI */
	__asm__ volatile("cli");
	outb(0xf0, 0); /* the coprocessor's interrupt */
	outb(0x80, 0);
	outb(0xf1, 0);
	outb(0x80, 0);
	outb(0xa1, 0xff);
	outb(0x80, 0);
	outb(0x21, 0xfb);
}

uint32_t setup_main(void);
uint32_t setup_main(void)
{
	take_header();
	check_cpu();
	find_memory();
	ask_keyboard();
	set_video();
	if (!open_a20())
		stop("the A20 line cannot be opened");
	silence();
	return hdr.code32_start;
}
