/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus of kernels from 4.0 on, which find their devices nowhere else:
 * configuration mechanism 1, a host bridge in slot 0 (for Linux believes in a
 * bus only if it finds one there) and the console in slot 1. Its registers are
 * in the one region that the console has, behind all of the guest's memory, or
 * reached through the configuration space itself, by virtio's window: so a
 * kernel logs before it can map anything.
 *
 * Registers that are not there read as ones, and writing them does nothing. A
 * region that the guest puts over its own memory is out of its reach there.
 */
#include "console.h"

#include <linux/pci_regs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#define ADDRESS_PORT      0xcf8 /* four ports; the next four are the register that it names */
#define DATA_PORT         0xcfc
#define BUS_MASK          0x00ff0000u
#define FUNCTION_MASK     0x00000700u
#define ENABLE            0x80000000u
#define SLOT(address)     ((address) >> 11 & 0x1f)
#define REGISTER(address) ((address)&0xfc)

#define HOST_BRIDGE       0x06000000u /* class, subclass, interface, revision */
#define VIRTIO_VENDOR     0x1af4
#define VIRTIO_DEVICE     0x1040 /* and the device's number */
#define VIRTIO_REVISION   1      /* no device of before 1.0 */
#define VIRTIO_SUBSYSTEM  0x40
#define CLASS_SERIAL      0x07

/* The console's configuration space: PCI's header, then what virtio puts there. */
struct space {
	uint16_t vendor, device, command, status;
	uint8_t revision, interface, subclass, class;
	uint8_t cache_line, latency, header_type, bist;
	uint32_t bars[6], cardbus;
	uint16_t subsystem_vendor, subsystem;
	uint32_t rom;
	uint8_t capabilities, reserved[7];
	uint8_t irq_line, irq_pin, min_grant, max_latency;
	struct virtio_pci_cap parts[CONSOLE_CAPS];
	uint32_t notify_multiplier; /* of the last of them */
	struct virtio_pci_cfg_cap window;
};
#define WINDOW_OFF       offsetof(struct space, window)
#define WINDOW_AT(field) (WINDOW_OFF + offsetof(struct virtio_pci_cap, field))
#define WINDOW_DATA      (WINDOW_OFF + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data))

_Static_assert(offsetof(struct space, bars) == PCI_BASE_ADDRESS_0, "PCI's header");
_Static_assert(offsetof(struct space, capabilities) == PCI_CAPABILITY_LIST, "PCI's header");
_Static_assert(offsetof(struct space, irq_line) == PCI_INTERRUPT_LINE, "PCI's header");

static struct space space;
static uint32_t config_address;

/* ---- The space ---- */

/* The bits of its words that the guest may change; of a region's address those below its length stay 0. */
static const struct {
	uint8_t at;
	uint32_t mask;
} writable[] = {
	{ PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE },
	{ PCI_CACHE_LINE_SIZE, 0xffff },
	{ PCI_BASE_ADDRESS_0, -CONSOLE_BAR_LEN },
	{ PCI_INTERRUPT_LINE, 0xff },
	{ WINDOW_AT(bar), 0xff },
	{ WINDOW_AT(offset), UINT32_MAX },
	{ WINDOW_AT(length), UINT32_MAX },
	{ WINDOW_DATA, UINT32_MAX },
};

static uint32_t space_word(unsigned at)
{
	uint32_t word = 0;

	if (at + sizeof(word) <= sizeof(space))
		memcpy(&word, (const uint8_t *)&space + at, sizeof(word));
	return word;
}

static void space_change(unsigned at, uint32_t value, uint32_t mask)
{
	for (unsigned i = 0; i < ARRAY(writable); i++)
		if (writable[i].at == at) {
			mask &= writable[i].mask;
			value = (space_word(at) & ~mask) | (value & mask);
			memcpy((uint8_t *)&space + at, &value, sizeof(value));
		}
}

static void capabilities_init(void)
{
	uint8_t at = offsetof(struct space, parts);

	for (unsigned i = 0; i < CONSOLE_CAPS; i++) {
		bool last = i == CONSOLE_CAPS - 1;
		uint8_t len = sizeof(space.parts[i]) + (last ? sizeof(space.notify_multiplier) : 0);

		space.parts[i] = (struct virtio_pci_cap){ .cap_vndr = PCI_CAP_ID_VNDR,
							  .cap_next = (uint8_t)(at + len),
							  .cap_len = len,
							  .cfg_type = console_parts[i].type,
							  .offset = console_parts[i].offset,
							  .length = console_parts[i].len };
		at += len;
	}
	space.window.cap = (struct virtio_pci_cap){ .cap_vndr = PCI_CAP_ID_VNDR,
						    .cap_len = sizeof(space.window),
						    .cfg_type = VIRTIO_PCI_CAP_PCI_CFG };
}

void pci_init(void)
{
	space = (struct space){ .vendor = VIRTIO_VENDOR,
				.device = VIRTIO_DEVICE + VIRTIO_ID_CONSOLE,
				.status = PCI_STATUS_CAP_LIST,
				.revision = VIRTIO_REVISION,
				.class = CLASS_SERIAL,
				.bars = { (uint32_t)(facts.nr_pages << PAGE_SHIFT) },
				.subsystem = VIRTIO_SUBSYSTEM,
				.capabilities = offsetof(struct space, parts),
				.irq_line = CONSOLE_IRQ };
	capabilities_init();
	console_pci_init();
}

/* ---- virtio's window ---- */

/* So many bytes of the region; 0: it is set to something else. */
static unsigned window_bytes(void)
{
	const struct virtio_pci_cap *cap = &space.window.cap;
	uint32_t len = cap->length;

	return cap->bar == 0 && (len == 1 || len == 2 || len == 4) && cap->offset <= CONSOLE_BAR_LEN - len ? len : 0;
}

static void window_read(void)
{
	unsigned bytes = window_bytes();
	uint32_t value = bytes ? console_register_read(space.window.cap.offset, bytes) : UINT32_MAX;

	memcpy(space.window.pci_cfg_data, &value, sizeof(value));
}

static void window_write(void)
{
	unsigned bytes = window_bytes();

	if (bytes)
		console_register_write(space.window.cap.offset, bytes, space_word(WINDOW_DATA));
}

/* ---- Ports ---- */

enum { BRIDGE_SLOT, CONSOLE_SLOT };

static bool is_there(unsigned slot)
{
	return (config_address & ENABLE) && !(config_address & (BUS_MASK | FUNCTION_MASK)) &&
	       SLOT(config_address) == slot;
}

static uint32_t data_read(void)
{
	unsigned at = REGISTER(config_address);

	if (is_there(BRIDGE_SLOT))
		return at == PCI_CLASS_REVISION ? HOST_BRIDGE : 0;
	if (!is_there(CONSOLE_SLOT))
		return UINT32_MAX;
	if (at == WINDOW_DATA)
		window_read();
	return space_word(at);
}

static void data_write(uint32_t value, uint32_t mask)
{
	unsigned at = REGISTER(config_address);

	if (!is_there(CONSOLE_SLOT))
		return;
	space_change(at, value, mask);
	if (at == WINDOW_DATA)
		window_write();
}

/* An access is a part of one word, or of nothing. */
static bool part_of(uint16_t port, unsigned bytes)
{
	return lg.dialect.may_have_pci && port >= ADDRESS_PORT && port < DATA_PORT + 4 && port % 4 + bytes <= 4;
}

uint32_t pci_port_read(uint16_t port, unsigned bytes)
{
	if (!part_of(port, bytes))
		return UINT32_MAX;
	return (port < DATA_PORT ? config_address : data_read()) >> port % 4 * 8;
}

void pci_port_write(uint16_t port, unsigned bytes, uint32_t value)
{
	unsigned shift = port % 4 * 8;
	uint32_t mask = (uint32_t)((1ull << 8 * bytes) - 1) << shift;

	if (!part_of(port, bytes))
		return;
	if (port >= DATA_PORT)
		data_write(value << shift, mask);
	else
		config_address = (config_address & ~mask) | (value << shift & mask);
}

/* ---- The region ---- */

bool pci_decodes(uint64_t gpa)
{
	return lg.dialect.may_have_pci && (space.command & PCI_COMMAND_MEMORY) &&
	       gpa >> PAGE_SHIFT == space.bars[0] >> PAGE_SHIFT;
}

uint32_t pci_memory_read(uint32_t gpa, unsigned bytes)
{
	return console_register_read(gpa - space.bars[0], bytes);
}

void pci_memory_write(uint32_t gpa, unsigned bytes, uint32_t value)
{
	console_register_write(gpa - space.bars[0], bytes, value);
}
