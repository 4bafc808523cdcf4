/* SPDX-License-Identifier: MIT */
/*
 * A bImage's payload is the kernel as it is, and is moved to where the others'
 * output goes.
 */
#include "decoder.h"

bool decode_none(const struct decode *decode)
{
	return decode->in == decode->out && decode->in_len == decode->out_len;
}
