/* SPDX-License-Identifier: MIT */
/*
 * The console's registers on the PCI bus: a virtio 1.0 device of two queues
 * and one feature of its own, the register that prints a character before any
 * queue is there, which is how a kernel of 4.0 and later logs from its start.
 * A register is read and written in its own width.
 */
#include "console.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>

#define FEATURES (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_CONSOLE_F_EMERG_WRITE)

static struct registers {
	struct virtio_pci_common_cfg common;
	uint16_t notify;
	uint8_t isr, unused;
	struct virtio_console_config config;
} regs;
_Static_assert(sizeof(regs) <= CONSOLE_BAR_LEN, "all in one region");

#define PART(kind, field)                                                                                              \
	{                                                                                                              \
		VIRTIO_PCI_CAP_##kind, offsetof(struct registers, field), sizeof(regs.field)                           \
	}
const struct console_part console_parts[CONSOLE_CAPS] = { PART(COMMON_CFG, common), PART(ISR_CFG, isr),
							  PART(DEVICE_CFG, config), PART(NOTIFY_CFG, notify) };

/* What common says of one queue; of the others it is here. */
#define QUEUE_PART     offsetof(struct virtio_pci_common_cfg, queue_size)
#define QUEUE_PART_LEN (sizeof(struct virtio_pci_common_cfg) - QUEUE_PART)
static uint8_t queue_parts[CONSOLE_QUEUES][QUEUE_PART_LEN];
static uint64_t accepted; /* features */

/* ---- The device as a whole ---- */

void console_pci_init(void)
{
	memset(&regs, 0, sizeof(regs));
	regs.common.num_queues = CONSOLE_QUEUES;
	regs.common.msix_config = VIRTIO_MSI_NO_VECTOR;
	regs.common.queue_size = QUEUE_NUM;
	regs.common.queue_msix_vector = VIRTIO_MSI_NO_VECTOR;
	accepted = 0;
	for (unsigned n = 0; n < CONSOLE_QUEUES; n++)
		memcpy(queue_parts[n], (const uint8_t *)&regs.common + QUEUE_PART, QUEUE_PART_LEN);
}

/* Until the first one the queues are those of the descriptor page. */
static void reset(void)
{
	console_pci_init();
	for (unsigned n = 0; n < CONSOLE_QUEUES; n++)
		console_queues[n] = (struct queue){ .irq = CONSOLE_IRQ, .isr = &regs.isr };
}

static void offered_selected(uint32_t select)
{
	regs.common.device_feature = select < 2 ? (uint32_t)(FEATURES >> 32 * select) : 0;
}

static void features_accepted(uint32_t features)
{
	uint32_t select = regs.common.guest_feature_select;

	if (select < 2)
		accepted = (accepted & ~((uint64_t)UINT32_MAX << 32 * select)) | (uint64_t)features << 32 * select;
}

/* The guest reads back whether its choice of features is one. */
static void status_changed(uint32_t status)
{
	bool good = accepted >> VIRTIO_F_VERSION_1 && !(accepted & ~FEATURES);

	if (!status)
		reset();
	else if (!good)
		regs.common.device_status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
}

static void character_printed(uint32_t c)
{
	uart_put((char)c);
}

/* ---- Its queues ---- */

static void queue_selected(uint32_t n)
{
	uint8_t *part = (uint8_t *)&regs.common + QUEUE_PART;

	if (n < CONSOLE_QUEUES)
		memcpy(part, queue_parts[n], QUEUE_PART_LEN);
	else
		memset(part, 0, QUEUE_PART_LEN);
}

static void queue_changed(uint32_t value)
{
	const struct virtio_pci_common_cfg *common = &regs.common;
	unsigned n = common->queue_select;

	(void)value;
	if (n >= CONSOLE_QUEUES)
		return;
	if (console_queues[n].num)
		guest_crash(vcpu_at(0), "its console's queue %u is changed while it runs", n);
	memcpy(queue_parts[n], (const uint8_t *)common + QUEUE_PART, QUEUE_PART_LEN);
}

static void queue_enabled(uint32_t on)
{
	const struct virtio_pci_common_cfg *common = &regs.common;

	queue_changed(on);
	if (on && common->queue_select < CONSOLE_QUEUES)
		queue_start(&console_queues[common->queue_select], common->queue_size,
			    common->queue_desc_lo | (uint64_t)common->queue_desc_hi << 32,
			    common->queue_avail_lo | (uint64_t)common->queue_avail_hi << 32,
			    common->queue_used_lo | (uint64_t)common->queue_used_hi << 32);
}

/* ---- Each register ---- */

#define READ_ONLY NULL
#define FIELD(name, changed)                                                                                           \
	{                                                                                                              \
		offsetof(struct registers, name), sizeof(regs.name), changed                                           \
	}
static void kept(uint32_t value)
{
	(void)value;
}

static const struct reg {
	uint8_t at, len;
	void (*changed)(uint32_t value); /* once it stands there */
} table[] = {
	FIELD(common.device_feature_select, offered_selected),
	FIELD(common.device_feature, READ_ONLY),
	FIELD(common.guest_feature_select, kept),
	FIELD(common.guest_feature, features_accepted),
	FIELD(common.msix_config, READ_ONLY),
	FIELD(common.num_queues, READ_ONLY),
	FIELD(common.device_status, status_changed),
	FIELD(common.config_generation, READ_ONLY),
	FIELD(common.queue_select, queue_selected),
	FIELD(common.queue_size, queue_changed),
	FIELD(common.queue_msix_vector, READ_ONLY),
	FIELD(common.queue_enable, queue_enabled),
	FIELD(common.queue_notify_off, READ_ONLY),
	FIELD(common.queue_desc_lo, queue_changed),
	FIELD(common.queue_desc_hi, queue_changed),
	FIELD(common.queue_avail_lo, queue_changed),
	FIELD(common.queue_avail_hi, queue_changed),
	FIELD(common.queue_used_lo, queue_changed),
	FIELD(common.queue_used_hi, queue_changed),
	FIELD(notify, console_notify),
	FIELD(isr, READ_ONLY),
	FIELD(config.cols, READ_ONLY),
	FIELD(config.rows, READ_ONLY),
	FIELD(config.max_nr_ports, READ_ONLY),
	FIELD(config.emerg_wr, character_printed),
};

static const struct reg *find(uint32_t offset, unsigned bytes)
{
	for (unsigned i = 0; i < ARRAY(table); i++)
		if (table[i].at == offset && table[i].len == bytes)
			return &table[i];
	return NULL;
}

/* Why it interrupted is read once. */
uint32_t console_register_read(uint32_t offset, unsigned bytes)
{
	uint32_t value = 0;

	if (!find(offset, bytes))
		return UINT32_MAX;
	memcpy(&value, (const uint8_t *)&regs + offset, bytes);
	if (offset == offsetof(struct registers, isr))
		regs.isr = 0;
	return value;
}

void console_register_write(uint32_t offset, unsigned bytes, uint32_t value)
{
	const struct reg *reg = find(offset, bytes);

	if (!reg || !reg->changed)
		return;
	memcpy((uint8_t *)&regs + offset, &value, bytes);
	reg->changed(value & (uint32_t)((1ull << 8 * bytes) - 1));
}
