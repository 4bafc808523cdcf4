/* SPDX-License-Identifier: MIT */
/*
 * Tiny guests for tests of engines: flat code, embedded. Each is linked to the
 * address here; real mode's to offset 0 of the segment that it is put in.
 */
#ifndef TESTS_GUESTS_GUESTS_H
#define TESTS_GUESTS_GUESTS_H

#include <stdint.h>

#define GUEST_GPA 0x200000

extern const uint8_t test_guest_dump16[], test_guest_dump16_end[];
extern const uint8_t test_guest_dump32[], test_guest_dump32_end[];
extern const uint8_t test_guest_dump64[], test_guest_dump64_end[];
extern const uint8_t test_guest_act[], test_guest_act_end[];

#endif
