/* SPDX-License-Identifier: MIT */
/*
 * cmocka with what it wants included first. cmocka's fail() macro would hide
 * the library's own fail(); a test that wants to give up says fail_msg().
 */
#ifndef PB_TESTS_UNIT_H
#define PB_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail

#endif
