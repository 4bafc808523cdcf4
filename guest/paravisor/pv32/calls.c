/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that give a 32-bit guest's kernel 64-bit values in two
 * registers, or a handler as segment and address. What hypercalls point to is
 * shapes.c's.
 */
#include "../paravisor.h"

#include <xen/callback.h>

#define UNUSED(...) (void)sizeof((uint64_t[]){ __VA_ARGS__ })

static uint64_t join(uint64_t low, uint64_t high)
{
	return (uint32_t)low | high << 32;
}

long hc32_update_descriptor(struct vcpu *v, uint64_t low, uint64_t high, uint64_t desc, uint64_t desc_high, uint64_t e)
{
	UNUSED(e);
	return hc_update_descriptor(v, join(low, high), join(desc, desc_high), 0, 0, 0);
}

long hc32_update_va_mapping(struct vcpu *v, uint64_t va, uint64_t low, uint64_t high, uint64_t flags, uint64_t e)
{
	UNUSED(e);
	return hc_update_va_mapping(v, va, join(low, high), flags, 0, 0);
}

long hc32_update_va_mapping_otherdomain(struct vcpu *v, uint64_t va, uint64_t low, uint64_t high, uint64_t flags,
					uint64_t domid)
{
	return hc_update_va_mapping_otherdomain(v, va, join(low, high), flags, domid, 0);
}

long hc32_set_timer_op(struct vcpu *v, uint64_t low, uint64_t high, uint64_t c, uint64_t d, uint64_t e)
{
	UNUSED(c, d, e);
	return hc_set_timer_op(v, join(low, high), 0, 0, 0, 0);
}

long hc32_set_callbacks(struct vcpu *v, uint64_t event_cs, uint64_t event, uint64_t failsafe_cs, uint64_t failsafe,
			uint64_t e)
{
	long rc = set_callback(v, CALLBACKTYPE_event, handler_at((uint16_t)event_cs, event), true);

	UNUSED(e);
	return rc ? rc : set_callback(v, CALLBACKTYPE_failsafe, handler_at((uint16_t)failsafe_cs, failsafe), false);
}
