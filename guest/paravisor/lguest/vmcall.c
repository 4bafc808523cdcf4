/* SPDX-License-Identifier: MIT */
/*
 * `vmcall`, by which kernels from 2.6.30 to 2.6.34 call, and `int $0x1f`, which
 * it becomes where it stands: beforehand in the kernel's code, where the builder
 * put that there, for Intel's KVM answers it itself (ring 1 may make none of its
 * hypercalls) and the guest would go on as if it had called; and elsewhere when
 * it faults, #UD on any processor without such a host, #GP below AMD's KVM.
 *
 * Three bytes of code may be anything. So nothing is rewritten beforehand in a
 * kernel that does not make its first call, LGUEST_INIT, in these words:
 *
 *   mov $1, %eax; mov $lguest_data, %ebx; vmcall
 */
#include "lguest.h"

#define CALL_LEN  3u
#define FIRST_LEN 10u /* of its two movs */
#define LAST_BYTE 0xc1

static const uint8_t vmcall[CALL_LEN] = { 0x0f, 0x01, LAST_BYTE }, call[CALL_LEN] = { 0xcd, LGUEST_TRAP, 0x90 };
static const uint8_t first_movs[] = { 0xb8, LHCALL_LGUEST_INIT, 0, 0, 0, 0xbb };

/* ---- Beforehand ---- */

/* It has a vmcall at gpa: true, and the search is over. */
typedef bool found_fn(uint64_t gpa);

static bool is_first(uint64_t gpa)
{
	uint8_t before[FIRST_LEN];

	return gpa_read(gpa - FIRST_LEN, before, FIRST_LEN) && memcmp(before, first_movs, sizeof(first_movs)) == 0;
}

static bool rewrite(uint64_t gpa)
{
	gpa_write(gpa, call, CALL_LEN);
	return false;
}

/* Of those that end in one page; only one byte in 256 is looked at closely. */
static bool search_page(uint64_t from, uint64_t to, found_fn *found)
{
	const uint8_t *bytes = gpa_va(from);
	uint8_t there[CALL_LEN];

	for (uint64_t i = 0; bytes && i < to - from; i++)
		if (bytes[i] == LAST_BYTE && gpa_read(from + i + 1 - CALL_LEN, there, CALL_LEN) &&
		    memcmp(there, vmcall, CALL_LEN) == 0 && found(from + i + 1 - CALL_LEN))
			return true;
	return false;
}

static bool search(found_fn *found)
{
	uint64_t end = facts.code_gpa + facts.code_len;

	for (uint64_t at = facts.code_gpa, next; at < end; at = next) {
		next = (at & -PAGE) + PAGE;
		if (search_page(at, next < end ? next : end, found))
			return true;
	}
	return false;
}

void vmcalls_rewrite(void)
{
	if (search(is_first))
		search(rewrite);
}

/* ---- When it faults ---- */

/* The text may be read-only to the guest; it is written where it lies. */
bool vmcall_fault(struct vcpu *v, struct regs *r)
{
	uint8_t bytes[CALL_LEN];
	uint32_t va = (uint32_t)code_va(v, r);

	if (copy_from_guest(bytes, va, CALL_LEN) || memcmp(bytes, vmcall, CALL_LEN))
		return false;
	for (unsigned i = 0; i < CALL_LEN; i++) {
		uint8_t *to = gpa_va(tables_gpa(va + i));

		if (!to)
			return false;
		*to = call[i];
	}
	return true;
}
