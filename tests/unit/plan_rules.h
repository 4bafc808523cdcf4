/* SPDX-License-Identifier: MIT */
/*
 * What holds for every plan, whatever it was made from. Unit tests and the
 * fuzz target ask the same question, through the public header alone.
 */
#ifndef PB_TESTS_PLAN_RULES_H
#define PB_TESTS_PLAN_RULES_H

#include <paraboot.h>

/* NULL, or the rule that this plan breaks. */
const char *plan_broken_rule(const pb_plan *plan, const struct pb_request *request);

/* Are the two plans the same in everything that can be asked of them? */
bool plans_equal(const pb_plan *a, const pb_plan *b);

#endif
