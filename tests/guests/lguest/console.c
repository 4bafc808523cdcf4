/* SPDX-License-Identifier: MIT */
/*
 * The virtio console of kernels until 4.0: found by the descriptor behind RAM,
 * written and read through its queues.
 */
#include "guest.h"

#include <asm/bootparam.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#define DEVICE_VA (VIRT_BASE + (MAPPED_PAGES + 64) * PAGE) /* the descriptor, and behind it its queues */
#define PAGES     7u
#define DEVICE    ((volatile struct lguest_device_desc *)DEVICE_VA)
#define CONFIGS   ((volatile struct lguest_vqconfig *)(DEVICE_VA + sizeof(struct lguest_device_desc)))

static uint32_t ram_end(void)
{
	const struct boot_params *params = (const void *)(VIRT_BASE + entry_state.esi);

	return (uint32_t)params->e820_table[0].size;
}

void console_map(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		set_pte(DEVICE_VA + i * PAGE, (ram_end() + i * PAGE) | PTE_P | PTE_W | PTE_A | PTE_D, true);
}

static struct vring queue(unsigned number)
{
	struct vring ring;

	vring_init(&ring, CONFIGS[number].num, (void *)(DEVICE_VA + CONFIGS[number].pfn * PAGE - ram_end()), PAGE);
	return ring;
}

/* Offer what the queue's first descriptors say, and have it looked at. */
void console_offer(unsigned number, uint16_t head)
{
	struct vring ring = queue(number);

	ring.avail->ring[ring.avail->idx % ring.num] = head;
	__asm__ volatile("" ::: "memory");
	ring.avail->idx++;
	call(LHCALL_NOTIFY, CONFIGS[number].pfn * PAGE, 0, 0, 0);
}

void console_describe(unsigned number, uint16_t index, uint32_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
	queue(number).desc[index] = (struct vring_desc){ gpa, len, flags, next };
}

uint16_t console_done(unsigned number)
{
	return *(volatile uint16_t *)&queue(number).used->idx;
}

void check_console(void)
{
	static const char first[] = "# two pieces, ", second[] = "by virtio\n";

	console_map();
	check("a console behind RAM", DEVICE->type == VIRTIO_ID_CONSOLE && DEVICE->num_vq == 2 && !DEVICE->feature_len);
	check("and nothing else", *(volatile uint8_t *)(DEVICE_VA + sizeof(struct lguest_device_desc) +
							2 * sizeof(struct lguest_vqconfig)) == 0);
	check("its queues", CONFIGS[0].num == 256 && CONFIGS[0].irq == 1 && CONFIGS[1].irq == 2);
	lguest_data.blocked |= 1 << 1 | 1 << 2;
	console_describe(1, 5, physical(first), sizeof(first) - 1, VRING_DESC_F_NEXT, 9);
	console_describe(1, 9, physical(second), sizeof(second) - 1, 0, 0);
	console_offer(1, 5);
	check("what it printed", console_done(1) == 1 && queue(1).used->ring[0].id == 5);
	DEVICE->status = 0;
	call(LHCALL_NOTIFY, ram_end(), 0, 0, 0);
	check("a reset", console_done(1) == 0);
}

/* A line that is typed, and printed again: "end=echo". */
void console_echo(void)
{
	static char line[16];
	uint32_t len = 0;

	console_map();
	lguest_data.blocked |= 1 << 1 | 1 << 2;
	print("# waiting\n");
	for (uint16_t n = 0; len < sizeof(line) - 1 && (!len || line[len - 1] != '\n'); n++, len++) {
		console_describe(0, 0, physical(line + len), 1, VRING_DESC_F_WRITE, 0);
		console_offer(0, 0);
		while (console_done(0) == n)
			__asm__ volatile("pause");
	}
	print("# typed: ");
	print(line);
}
