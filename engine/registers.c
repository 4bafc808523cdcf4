/* SPDX-License-Identifier: MIT */
/*
 * Prints general registers; see registers.h.
 */
#include "registers.h"

#include <stddef.h>

void registers_print(FILE *out, const uint64_t values[REGISTERS])
{
	static const char *const names[REGISTERS] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
						      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

	for (size_t i = 0; i < REGISTERS; i++)
		fprintf(out, "  %-3s %016llx%s", names[i], (unsigned long long)values[i], i % 4 == 3 ? "\n" : "");
}
