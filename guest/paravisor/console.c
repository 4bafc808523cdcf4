/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: the shared ring of <xen/io/console.h> in both
 * directions, and console_io for what a kernel says before it has the ring.
 * Both end at the serial port. The ring is guest memory: its indices are
 * taken modulo its size and never trusted further.
 */
#include "paravisor.h"

#include <xen/io/console.h>

static struct xencons_interface *ring;
static struct lock console_lock;

void console_init(void *page)
{
	ring = page;
}

/* The guest wrote: print what is there. */
void console_kick(void)
{
	XENCONS_RING_IDX from, to;

	lock(&console_lock);
	from = ring->out_cons;
	to = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
	if (to - from > sizeof(ring->out))
		from = to - (XENCONS_RING_IDX)sizeof(ring->out);
	while (from != to) {
		char c = ring->out[MASK_XENCONS_IDX(from, ring->out)];

		uart_put(c);
		from++;
	}
	__atomic_store_n(&ring->out_cons, from, __ATOMIC_RELEASE);
	unlock(&console_lock);
	event_raise(PORT_CONSOLE);
	console_input(); /* it may have made room */
}

/* The serial port has input: as much of it as the ring takes; the rest waits in the port. */
void console_input(void)
{
	bool got = false;

	lock(&console_lock);
	while (ring->in_prod - ring->in_cons < sizeof(ring->in)) {
		int c = uart_get();

		if (c < 0)
			break;
		ring->in[MASK_XENCONS_IDX(ring->in_prod, ring->in)] = (char)c;
		__atomic_store_n(&ring->in_prod, ring->in_prod + 1, __ATOMIC_RELEASE);
		got = true;
	}
	unlock(&console_lock);
	if (got)
		event_raise(PORT_CONSOLE);
}

#define CHUNK 128
#define MANY  65536

long hc_console_io(struct vcpu *v, uint64_t cmd, uint64_t count, uint64_t buffer, uint64_t d, uint64_t e)
{
	char chunk[CHUNK];

	(void)v, (void)d, (void)e;
	if (cmd == CONSOLEIO_read)
		return 0;
	if (cmd != CONSOLEIO_write)
		return -XEN_ENOSYS;
	if (count > MANY)
		return -XEN_EINVAL;
	for (uint64_t at = 0; at < count; at += CHUNK) {
		uint64_t len = count - at < CHUNK ? count - at : CHUNK;

		if (copy_from_guest(chunk, buffer + at, len))
			return -XEN_EFAULT;
		uart_write(chunk, len);
	}
	return 0;
}
