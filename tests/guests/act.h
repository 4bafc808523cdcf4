/* SPDX-License-Identifier: MIT */
/*
 * What tests/guests/act.S can be told to do, in %eax.
 */
#ifndef TESTS_GUESTS_ACT_H
#define TESTS_GUESTS_ACT_H

#define ACT_POWER_OFF    0
#define ACT_RESET        1
#define ACT_TRIPLE_FAULT 2
#define ACT_HANG         3
#define ACT_ECHO         4
#define ACT_LOOK         5
#define ACT_KBC_RESET    6

#endif
