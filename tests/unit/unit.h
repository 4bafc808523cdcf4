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
#undef fail_msg /* expands to fail() */
#define fail_msg(...)                                                                                                  \
	do {                                                                                                           \
		print_error(__VA_ARGS__);                                                                              \
		print_error("\n");                                                                                     \
		_fail(__FILE__, __LINE__);                                                                             \
	} while (0)

#endif
