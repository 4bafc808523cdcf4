/* SPDX-License-Identifier: MIT */
/*
 * The console of kernels until 3.19: by the descriptor behind RAM, whose form in
 * 2.6.24 shows only once the status was written where 2.6.24 had it.
 */
#include "console.h"

#include <asm/bootparam.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define PAGES      7u
#define FIELD_USED 0x80

#if YEAR == 2008
#define DEVICE ((volatile struct lguest_device_desc_2_6_24 *)DEVICE_VA)
#else
#define DEVICE ((volatile struct lguest_device_desc *)DEVICE_VA)
#endif

static struct lguest_vqconfig configs[2];

static uint32_t ram_end(void)
{
	const struct boot_params *params = (const void *)(VIRT_BASE + entry_state.esi);

	return (uint32_t)params->e820_table[0].size;
}

#if YEAR == 2008

/* The queues' configurations, one field each; a field that was found is marked. Or 0: there is none. */
static unsigned next_queue(struct lguest_vqconfig *ret)
{
	volatile uint8_t *fields = (volatile uint8_t *)(DEVICE + 1);

	for (unsigned i = 0; i < DEVICE->config_len; i += 2u + fields[i + 1])
		if (fields[i] == LGUEST_FIELD_VIRTQUEUE) {
			fields[i] |= FIELD_USED;
			for (unsigned n = 0; n < sizeof(*ret); n++)
				((uint8_t *)ret)[n] = fields[i + 2 + n];
			return fields[i + 1];
		}
	return 0;
}

static void find_queues(void)
{
	struct lguest_vqconfig none;

	DEVICE->status |= VIRTIO_CONFIG_S_ACKNOWLEDGE;
	DEVICE->status |= VIRTIO_CONFIG_S_DRIVER;
	check("its two queues, each in a field", next_queue(&configs[INPUT]) == sizeof(configs[INPUT]) &&
							 next_queue(&configs[OUTPUT]) == sizeof(configs[OUTPUT]));
	check("and no more", next_queue(&none) == 0);
	check("its status stays", DEVICE->status == (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER));
}

static const volatile uint8_t *behind(void)
{
	return (const volatile uint8_t *)(DEVICE + 1) + DEVICE->config_len;
}

#else

static void find_queues(void)
{
	const volatile uint8_t *from = (const volatile uint8_t *)(DEVICE + 1);

	DEVICE->status = 0;
	call(LHCALL_NOTIFY, ram_end(), 0, 0, 0);
	DEVICE->status |= VIRTIO_CONFIG_S_ACKNOWLEDGE;
	for (unsigned n = 0; n < sizeof(configs); n++)
		((uint8_t *)configs)[n] = from[n];
	check("its two queues, without features", DEVICE->num_vq == 2 && !DEVICE->feature_len && !DEVICE->config_len);
}

static const volatile uint8_t *behind(void)
{
	return (const volatile uint8_t *)(DEVICE + 1) + sizeof(configs);
}

#endif

void device_map(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		set_pte(DEVICE_VA + i * PAGE, (ram_end() + i * PAGE) | PTE_P | PTE_W | PTE_A | PTE_D, true);
	find_queues();
}

void device_check(void)
{
	device_map();
	check("a console behind RAM", DEVICE->type == VIRTIO_ID_CONSOLE);
	check("and nothing else", *behind() == 0);
	check("its queues", configs[0].num == 256 && configs[0].irq == 1 && configs[1].irq == 2);
	lguest_data.blocked |= 1 << 1 | 1 << 2;
}

struct vring device_queue(unsigned queue)
{
	struct vring ring;

	vring_init(&ring, configs[queue].num, (void *)(DEVICE_VA + configs[queue].pfn * PAGE - ram_end()), PAGE);
	return ring;
}

void device_notify(unsigned queue)
{
	call(LHCALL_NOTIFY, configs[queue].pfn * PAGE, 0, 0, 0);
}

/* 2.6.24 had none. */
void device_check_reset(void)
{
#if YEAR != 2008
	DEVICE->status = 0;
	call(LHCALL_NOTIFY, ram_end(), 0, 0, 0);
	check("a reset", device_queue(OUTPUT).used->idx == 0);
#endif
}

void device_check_interrupt(void)
{
	uint32_t before = console_interrupts;

	lguest_data.blocked &= ~(1u << 2);
	lguest_data.irq_enabled = FLAG_IF;
	call(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	check("and its interrupt", console_interrupts == before + 1);
	lguest_data.irq_enabled = 0;
}

void device_early_print(const char *text)
{
	call(LHCALL_NOTIFY, physical(text), 0, 0, 0);
}
