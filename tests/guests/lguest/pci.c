/* SPDX-License-Identifier: MIT */
/*
 * The console of kernels from 4.0 on, on the PCI bus, used as they use it:
 * configuration mechanism 1, virtio's window for the early log, then the region
 * in memory, read and written with single movs of each register's width.
 */
#include "console.h"

#include <asm/bootparam.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_pci.h>

#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc
#define CONSOLE_SLOT 1u
#define CONSOLE_ID   0x10431af4u
#define WINDOW_DATA  sizeof(struct virtio_pci_cap)
#define PRESENT      (PTE_P | PTE_W | PTE_A | PTE_D)
#define NUM          64u /* of the 256 descriptors that a queue may have */
#define SPEAKS       (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

/* ---- Ports ---- */

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("in (%%dx), %%eax" : "=a"(value) : "d"(port));
	return value;
}

static uint16_t in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("in (%%dx), %%ax" : "=a"(value) : "d"(port));
	return value;
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("in (%%dx), %%al" : "=a"(value) : "d"(port));
	return value;
}

static void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("out %%eax, (%%dx)" ::"a"(value), "d"(port));
}

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("out %%al, (%%dx)" ::"a"(value), "d"(port));
}

static uint32_t config_read(unsigned slot, unsigned at)
{
	out32(ADDRESS_PORT, 0x80000000u | slot << 11 | (at & ~3u));
	return in32(DATA_PORT);
}

static uint8_t config_read8(unsigned slot, unsigned at)
{
	out32(ADDRESS_PORT, 0x80000000u | slot << 11 | (at & ~3u));
	return in8((uint16_t)(DATA_PORT + at % 4));
}

static void config_write(unsigned at, uint32_t value)
{
	out32(ADDRESS_PORT, 0x80000000u | CONSOLE_SLOT << 11 | at);
	out32(DATA_PORT, value);
}

static void config_write8(unsigned at, uint8_t value)
{
	out32(ADDRESS_PORT, 0x80000000u | CONSOLE_SLOT << 11 | (at & ~3u));
	out8((uint16_t)(DATA_PORT + at % 4), value);
}

/* ---- Capabilities ---- */

static struct part {
	uint8_t at; /* the capability; 0: there is none */
	uint32_t offset, len;
} parts[VIRTIO_PCI_CAP_PCI_CFG + 1];

static void find_parts(void)
{
	for (uint8_t at = config_read8(CONSOLE_SLOT, PCI_CAPABILITY_LIST); at;
	     at = config_read8(CONSOLE_SLOT, at + PCI_CAP_LIST_NEXT)) {
		uint8_t type = config_read8(CONSOLE_SLOT, at + offsetof(struct virtio_pci_cap, cfg_type));

		if (config_read8(CONSOLE_SLOT, at) != PCI_CAP_ID_VNDR || type > VIRTIO_PCI_CAP_PCI_CFG ||
		    config_read8(CONSOLE_SLOT, at + offsetof(struct virtio_pci_cap, bar)) != 0)
			continue;
		parts[type].at = at;
		parts[type].offset = config_read(CONSOLE_SLOT, at + offsetof(struct virtio_pci_cap, offset));
		parts[type].len = config_read(CONSOLE_SLOT, at + offsetof(struct virtio_pci_cap, length));
	}
}

/* ---- The early log: through the window, a character at a time ---- */

static void window_set(uint32_t offset, uint32_t len)
{
	uint8_t at = parts[VIRTIO_PCI_CAP_PCI_CFG].at;

	config_write8(at + offsetof(struct virtio_pci_cap, bar), 0);
	config_write(at + offsetof(struct virtio_pci_cap, length), len);
	config_write(at + offsetof(struct virtio_pci_cap, offset), offset);
}

void device_early_print(const char *text)
{
	if (!parts[VIRTIO_PCI_CAP_PCI_CFG].at)
		find_parts();
	for (; *text; text++) {
		window_set(parts[VIRTIO_PCI_CAP_DEVICE_CFG].offset + offsetof(struct virtio_console_config, emerg_wr),
			   4);
		config_write(parts[VIRTIO_PCI_CAP_PCI_CFG].at + WINDOW_DATA, (uint8_t)*text);
	}
}

/* ---- Registers in the region ---- */

static uint32_t region_gpa;

static uint32_t register_va(unsigned type, unsigned offset)
{
	return DEVICE_VA + region_gpa % PAGE + parts[type].offset + offset;
}

static uint32_t get8(uint32_t va)
{
	uint8_t value;

	__asm__ volatile("movb %1, %0" : "=q"(value) : "m"(*(volatile uint8_t *)va) : "memory");
	return value;
}

static uint32_t get16(uint32_t va)
{
	uint16_t value;

	__asm__ volatile("movw %1, %0" : "=r"(value) : "m"(*(volatile uint16_t *)va) : "memory");
	return value;
}

static uint32_t get32(uint32_t va)
{
	uint32_t value;

	__asm__ volatile("movl %1, %0" : "=r"(value) : "m"(*(volatile uint32_t *)va) : "memory");
	return value;
}

static void put8(uint32_t va, uint8_t value)
{
	__asm__ volatile("movb %0, %1" ::"q"(value), "m"(*(volatile uint8_t *)va) : "memory");
}

static void put16(uint32_t va, uint16_t value)
{
	__asm__ volatile("movw %0, %1" ::"r"(value), "m"(*(volatile uint16_t *)va) : "memory");
}

static void put32(uint32_t va, uint32_t value)
{
	__asm__ volatile("movl %0, %1" ::"r"(value), "m"(*(volatile uint32_t *)va) : "memory");
}

#define COMMON(field) register_va(VIRTIO_PCI_CAP_COMMON_CFG, offsetof(struct virtio_pci_common_cfg, field))
#define ISR           register_va(VIRTIO_PCI_CAP_ISR_CFG, 0)
#define NOTIFY        register_va(VIRTIO_PCI_CAP_NOTIFY_CFG, 0)

static void map_region(void)
{
	region_gpa = config_read(CONSOLE_SLOT, PCI_BASE_ADDRESS_0);
	set_pte(DEVICE_VA, (region_gpa & -PAGE) | PRESENT, true);
}

/* ---- The driver ---- */

static uint8_t rings[2][3 * PAGE] __attribute__((aligned(4096)));

struct vring device_queue(unsigned queue)
{
	struct vring ring;

	vring_init(&ring, NUM, rings[queue], PAGE);
	return ring;
}

static void accept_features(uint32_t low, uint32_t high)
{
	put32(COMMON(guest_feature_select), 0);
	put32(COMMON(guest_feature), low);
	put32(COMMON(guest_feature_select), 1);
	put32(COMMON(guest_feature), high);
	put8(COMMON(device_status), SPEAKS);
}

static uint64_t offered_features(void)
{
	uint32_t low;

	put32(COMMON(device_feature_select), 0);
	low = get32(COMMON(device_feature));
	put32(COMMON(device_feature_select), 1);
	return low | (uint64_t)get32(COMMON(device_feature)) << 32;
}

static void begin(void)
{
	put8(COMMON(device_status), 0);
	put8(COMMON(device_status), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	put8(COMMON(device_status), VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
}

static void place_queue(uint16_t queue)
{
	struct vring ring = device_queue(queue);

	put16(COMMON(queue_select), queue);
	put16(COMMON(queue_size), NUM);
	put32(COMMON(queue_desc_lo), physical(ring.desc));
	put32(COMMON(queue_desc_hi), 0);
	put32(COMMON(queue_avail_lo), physical(ring.avail));
	put32(COMMON(queue_avail_hi), 0);
	put32(COMMON(queue_used_lo), physical(ring.used));
	put32(COMMON(queue_used_hi), 0);
}

static void enable_queue(uint16_t queue)
{
	put16(COMMON(queue_select), queue);
	put16(COMMON(queue_enable), 1);
}

static void begin_queues(void)
{
	for (unsigned i = 0; i < sizeof(rings); i++)
		((uint8_t *)rings)[i] = 0;
	place_queue(INPUT);
	place_queue(OUTPUT);
	enable_queue(INPUT);
	enable_queue(OUTPUT);
	put8(COMMON(device_status), SPEAKS | VIRTIO_CONFIG_S_DRIVER_OK);
}

void device_map(void)
{
	find_parts();
	config_write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	map_region();
	begin();
	accept_features(0, 1);
	begin_queues();
}

void device_notify(unsigned queue)
{
	put16(NOTIFY, (uint16_t)queue);
}

void device_check_reset(void)
{
	put8(COMMON(device_status), 0);
	put16(COMMON(queue_select), OUTPUT);
	check("a reset",
	      get8(COMMON(device_status)) == 0 && get16(COMMON(queue_enable)) == 0 && get16(COMMON(queue_size)) == 256);
}

/* ---- Checks ---- */

/* As Linux looks for a bus at all. */
static void check_mechanism(void)
{
	uint32_t before, now;

	out8(ADDRESS_PORT + 3, 1);
	before = in32(ADDRESS_PORT);
	out32(ADDRESS_PORT, 0x80000000u);
	now = in32(ADDRESS_PORT);
	out32(ADDRESS_PORT, before);
	check("configuration mechanism 1", now == 0x80000000u);
	check("a host bridge in slot 0", config_read(0, PCI_CLASS_REVISION) >> 16 == 0x0600);
}

static void check_bus(void)
{
	unsigned others = 0;

	for (unsigned slot = 0; slot < 32; slot++) {
		uint32_t id = config_read(slot, PCI_VENDOR_ID);

		others += slot != CONSOLE_SLOT && id != 0 && id != UINT32_MAX;
	}
	check("a virtio console in slot 1", config_read(CONSOLE_SLOT, PCI_VENDOR_ID) == CONSOLE_ID);
	check("and nothing else", !others);
	check("its interrupt", config_read8(CONSOLE_SLOT, PCI_INTERRUPT_LINE) == 1);
}

static void check_parts(void)
{
	check("its capabilities",
	      parts[VIRTIO_PCI_CAP_COMMON_CFG].len >= sizeof(struct virtio_pci_common_cfg) &&
		      parts[VIRTIO_PCI_CAP_NOTIFY_CFG].len >= 2 && parts[VIRTIO_PCI_CAP_ISR_CFG].len >= 1 &&
		      parts[VIRTIO_PCI_CAP_DEVICE_CFG].len >= sizeof(struct virtio_console_config) &&
		      parts[VIRTIO_PCI_CAP_PCI_CFG].at);
}

/* Parts of a register, and what is more than one. (A check's own line moves the address.) */
static void check_widths(void)
{
	out32(ADDRESS_PORT, 0x80000000u | CONSOLE_SLOT << 11);
	check("parts of a register", in16(DATA_PORT + 2) == 0x1043 && in8(DATA_PORT + 1) == 0x1a);
	check("nothing across its end", in32(DATA_PORT + 2) == UINT32_MAX && in16(DATA_PORT + 3) == UINT16_MAX &&
						in32(ADDRESS_PORT - 2) == UINT32_MAX);
	config_write(PCI_VENDOR_ID, 0);
	out32(DATA_PORT + 1, 0);
	check("what cannot be written", in32(DATA_PORT) == CONSOLE_ID);
	out32(ADDRESS_PORT, CONSOLE_SLOT << 11);
	check("nothing, until it is enabled", in32(DATA_PORT) == UINT32_MAX);
}

static void check_region(void)
{
	const struct boot_params *params = (const void *)(VIRT_BASE + entry_state.esi);
	uint32_t gpa = config_read(CONSOLE_SLOT, PCI_BASE_ADDRESS_0);

	config_write(PCI_BASE_ADDRESS_0, UINT32_MAX);
	check("its region: 128 bytes of memory", config_read(CONSOLE_SLOT, PCI_BASE_ADDRESS_0) == -128u);
	config_write(PCI_BASE_ADDRESS_0, gpa);
	check("behind all RAM", gpa >= params->e820_table[0].size);
	config_write(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	check("it is enabled", config_read(CONSOLE_SLOT, PCI_COMMAND) & PCI_COMMAND_MEMORY);
	map_region();
}

/* Elsewhere it is the same; over RAM the RAM is there. */
static void check_moved(void)
{
	static volatile uint32_t word __attribute__((aligned(128))) = 0x600d600d;
	uint32_t home = region_gpa;

	config_write(PCI_BASE_ADDRESS_0, home + 0x100080);
	map_region();
	check("moved elsewhere", get16(COMMON(num_queues)) == 2);
	config_write(PCI_BASE_ADDRESS_0, physical(&word));
	set_pte(DEVICE_VA, (physical(&word) & -PAGE) | PRESENT, true);
	check("moved over RAM, which stays",
	      get32(DEVICE_VA + physical(&word) % PAGE) == 0x600d600d && word == 0x600d600d);
	config_write(PCI_BASE_ADDRESS_0, home);
	map_region();
}

static void check_features(void)
{
	begin();
	check("it offers VERSION_1 and EMERG_WRITE",
	      offered_features() == (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_CONSOLE_F_EMERG_WRITE));
	accept_features(1, 1);
	check("another feature is not taken", !(get8(COMMON(device_status)) & VIRTIO_CONFIG_S_FEATURES_OK));
	accept_features(0, 0);
	check("nor none", !(get8(COMMON(device_status)) & VIRTIO_CONFIG_S_FEATURES_OK));
	accept_features(1u << VIRTIO_CONSOLE_F_EMERG_WRITE, 1);
	check("what it offers is", get8(COMMON(device_status)) == SPEAKS);
	put32(COMMON(guest_feature_select), 1u << 27); /* 32 times that is 0 again */
	put32(COMMON(guest_feature), 1);
	put8(COMMON(device_status), SPEAKS);
	check("of other features there are none", get8(COMMON(device_status)) == SPEAKS);
}

static void check_queues(void)
{
	put16(COMMON(queue_select), 2);
	check("two queues", get16(COMMON(num_queues)) == 2 && get16(COMMON(queue_size)) == 0);
	put16(COMMON(queue_select), INPUT);
	check("of 256, off", get16(COMMON(queue_size)) == 256 && get16(COMMON(queue_enable)) == 0);
	begin_queues();
	put16(COMMON(queue_select), INPUT);
	check("of 64, on", get16(COMMON(queue_size)) == NUM && get16(COMMON(queue_enable)) == 1 &&
				   get32(COMMON(queue_used_lo)) == physical(device_queue(INPUT).used));
}

/* A second byte register, an index, a long displacement; and a width that is no register's. */
static void check_moves(void)
{
	uint32_t status = COMMON(device_status), word = 0, index = 0x400, far = status - 0x1000;

	__asm__ volatile("movb (%1), %%ah" : "+a"(word) : "r"(status) : "memory");
	check("a second byte register", word == (SPEAKS | VIRTIO_CONFIG_S_DRIVER_OK) << 8);
	__asm__ volatile("movb 0x1000(%1), %%al" : "+a"(word) : "r"(far) : "memory");
	__asm__ volatile("movb -0x2000(%1, %2, 8), %%al" : "+a"(word) : "r"(status), "r"(index) : "memory");
	check("any address", word == (SPEAKS | VIRTIO_CONFIG_S_DRIVER_OK) * 0x101);
	check("no register of that width", get32(status) == UINT32_MAX && get16(status) == UINT16_MAX);
}

static void check_window(void)
{
	uint8_t at = parts[VIRTIO_PCI_CAP_PCI_CFG].at;
	uint32_t status =
		parts[VIRTIO_PCI_CAP_COMMON_CFG].offset + offsetof(struct virtio_pci_common_cfg, device_status);

	window_set(status, 1);
	check("the window shows a register",
	      (uint8_t)config_read(CONSOLE_SLOT, at + WINDOW_DATA) == (SPEAKS | VIRTIO_CONFIG_S_DRIVER_OK));
	window_set(status, 3);
	check("of 3 bytes, nothing", config_read(CONSOLE_SLOT, at + WINDOW_DATA) == UINT32_MAX);
	window_set(0xfffffffe, 4);
	config_write(at + WINDOW_DATA, 0);
	check("outside of the region, nothing", config_read(CONSOLE_SLOT, at + WINDOW_DATA) == UINT32_MAX);
}

void device_check(void)
{
	check_mechanism();
	check_bus();
	find_parts();
	check_parts();
	check_widths();
	check_region();
	check_moved();
	check_features();
	check_queues();
	check_moves();
	check_window();
}

void device_check_interrupt(void)
{
	uint32_t before = console_interrupts;

	lguest_data.irq_enabled = FLAG_IF;
	call(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
	check("and its interrupt", console_interrupts == before + 1);
	check("which it says is a queue's, once", get8(ISR) == 1 && get8(ISR) == 0);
	lguest_data.irq_enabled = 0;
}

void pci_check_process(void)
{
	set_pte(DEVICE_VA, (region_gpa & -PAGE) | PRESENT | PTE_U, true);
	check("nor has it a device's memory, even if that is given to it",
	      try_user(user_read_device) == 14 && trap.error == 5);
}

/* ---- Attacks ---- */

uint32_t pci_region_gpa(void)
{
	return config_read(CONSOLE_SLOT, PCI_BASE_ADDRESS_0);
}

void pci_attack_queue_size(void)
{
	device_map();
	begin();
	place_queue(OUTPUT);
	put16(COMMON(queue_size), 100);
	enable_queue(OUTPUT);
}

void pci_attack_ring(uint32_t low, uint32_t high)
{
	device_map();
	begin();
	place_queue(OUTPUT);
	put32(COMMON(queue_used_lo), low);
	put32(COMMON(queue_used_hi), high);
	enable_queue(OUTPUT);
}

void pci_attack_running(void)
{
	device_map();
	place_queue(OUTPUT);
}

void pci_attack_disabled(void)
{
	device_map();
	config_write(PCI_COMMAND, 0);
	(void)get8(ISR);
}
