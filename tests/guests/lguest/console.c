/* SPDX-License-Identifier: MIT */
/* The virtio console, wherever it was found: written and read through its queues. */
#include "console.h"

/* Offer what the queue's descriptors from that one on say, and have it looked at. */
void console_offer(unsigned queue, uint16_t head)
{
	struct vring ring = device_queue(queue);

	ring.avail->ring[ring.avail->idx % ring.num] = head;
	__asm__ volatile("" ::: "memory");
	ring.avail->idx++;
	device_notify(queue);
}

void console_describe(unsigned queue, uint16_t index, uint32_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
	device_queue(queue).desc[index] = (struct vring_desc){ gpa, len, flags, next };
}

uint16_t console_done(unsigned queue)
{
	return *(volatile uint16_t *)&device_queue(queue).used->idx;
}

void check_console(void)
{
	static const char first[] = "# two pieces, ", second[] = "by virtio\n";

	lguest_data.irq_enabled = 0;
	device_check();
	console_describe(OUTPUT, 5, physical(first), sizeof(first) - 1, VRING_DESC_F_NEXT, 9);
	console_describe(OUTPUT, 9, physical(second), sizeof(second) - 1, 0, 0);
	console_offer(OUTPUT, 5);
	check("what it printed", console_done(OUTPUT) == 1 && device_queue(OUTPUT).used->ring[0].id == 5);
	device_check_interrupt();
	device_check_reset();
}

/* A line that is typed, and printed again: "end=echo". */
void console_echo(void)
{
	static char line[16];
	uint32_t len = 0;

	device_map();
	lguest_data.blocked |= 1 << 1 | 1 << 2;
	print("# waiting\n");
	for (uint16_t n = 0; len < sizeof(line) - 1 && (!len || line[len - 1] != '\n'); n++, len++) {
		console_describe(INPUT, 0, physical(line + len), 1, VRING_DESC_F_WRITE, 0);
		console_offer(INPUT, 0);
		while (console_done(INPUT) == n)
			__asm__ volatile("pause");
	}
	print("# typed: ");
	print(line);
}
