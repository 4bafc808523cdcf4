/* SPDX-License-Identifier: MIT */
/* What the library has of 64-bit guests alone: how hypercalls are made. */
#include "guest.h"

long call(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 : "0"(nr)
			 : "rcx", "r11", "memory");
	return ret;
}

long map_at(const void *va, uint64_t pte)
{
	return call(__HYPERVISOR_update_va_mapping, (unsigned long)va, pte, UVMF_INVLPG, 0, 0);
}
