/* SPDX-License-Identifier: MIT */
/*
 * The MP table, for a kernel that does without ACPI: processors, one ISA bus,
 * one I/O APIC, and the sixteen ISA interrupts at the pins of their numbers,
 * which is how KVM wires them. Section numbers are those of Intel's
 * MultiProcessor Specification 1.4.
 */
#include "../tables.h"
#include "map.h"

#include <string.h>

/* 4.1 */
struct mp_pointer {
	char signature[4];
	uint32_t table;
	uint8_t length; /* in units of 16 bytes */
	uint8_t revision;
	uint8_t checksum;
	uint8_t features[5];
} __attribute__((packed));

/* 4.2 */
struct mp_header {
	char signature[4];
	uint16_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[8];
	char product_id[12];
	uint32_t oem_table;
	uint16_t oem_table_len;
	uint16_t entries;
	uint32_t lapic;
	uint32_t extended;
} __attribute__((packed));

/* 4.3.1 to 4.3.5 */
struct mp_processor {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
} __attribute__((packed));

struct mp_bus {
	uint8_t type, id;
	char name[6];
} __attribute__((packed));

struct mp_ioapic {
	uint8_t type, id, version, flags;
	uint32_t address;
} __attribute__((packed));

struct mp_interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, irq, apic, pin;
} __attribute__((packed));

enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { KIND_INT, KIND_NMI, KIND_SMI, KIND_EXTINT };

#define ENABLED           1
#define BOOT_PROCESSOR    2
#define APIC_VERSION      0x14
#define IOAPIC_VERSION    0x11
#define ISA_IRQS          16
#define ALL_LOCAL_APICS   0xff
#define FEATURES_FPU_APIC 0x201

static struct mp_processor *fill_processors(struct mp_processor *cpu, unsigned vcpus)
{
	for (unsigned i = 0; i < vcpus; i++, cpu++)
		*cpu = (struct mp_processor){ .type = MP_PROCESSOR,
					      .apic_id = (uint8_t)i,
					      .apic_version = APIC_VERSION,
					      .flags = ENABLED | (i ? 0 : BOOT_PROCESSOR),
					      .signature = 0x600,
					      .features = FEATURES_FPU_APIC };
	return cpu;
}

static void fill_interrupts(struct mp_interrupt *irq, uint8_t ioapic)
{
	for (uint8_t i = 0; i < ISA_IRQS; i++, irq++)
		*irq = (struct mp_interrupt){
			.type = MP_INTERRUPT, .kind = KIND_INT, .irq = i, .apic = ioapic, .pin = i
		};
	irq[0] = (struct mp_interrupt){
		.type = MP_LOCAL_INTERRUPT, .kind = KIND_EXTINT, .apic = ALL_LOCAL_APICS, .pin = 0
	};
	irq[1] = (struct mp_interrupt){
		.type = MP_LOCAL_INTERRUPT, .kind = KIND_NMI, .apic = ALL_LOCAL_APICS, .pin = 1
	};
}

static void fill_entries(struct mp_header *header, unsigned vcpus)
{
	struct mp_bus *bus = (struct mp_bus *)fill_processors((struct mp_processor *)(header + 1), vcpus);
	struct mp_ioapic *ioapic = (struct mp_ioapic *)(bus + 1);

	*bus = (struct mp_bus){ .type = MP_BUS, .name = "ISA   " };
	*ioapic = (struct mp_ioapic){
		.type = MP_IOAPIC, .id = 0, .version = IOAPIC_VERSION, .flags = ENABLED, .address = MAP_IOAPIC
	};
	fill_interrupts((struct mp_interrupt *)(ioapic + 1), ioapic->id);
}

static struct mp_header *add_header(struct tables *tables, unsigned vcpus)
{
	size_t len = sizeof(struct mp_header) + vcpus * sizeof(struct mp_processor) + sizeof(struct mp_bus) +
		     sizeof(struct mp_ioapic) + (ISA_IRQS + 2) * sizeof(struct mp_interrupt);
	struct mp_header *header = tables_add(tables, len);

	if (!header)
		return NULL;
	memcpy(header->signature, "PCMP", sizeof(header->signature));
	header->length = (uint16_t)len;
	header->revision = 4;
	memcpy(header->oem_id, "PARABOOT", sizeof(header->oem_id));
	memcpy(header->product_id, "KVM         ", sizeof(header->product_id));
	header->entries = (uint16_t)(vcpus + 2 + ISA_IRQS + 2);
	header->lapic = MAP_LAPIC;
	fill_entries(header, vcpus);
	header->checksum = tables_checksum(header, len);
	return header;
}

bool mptable_build(uint8_t *buf, size_t buf_len, unsigned vcpus)
{
	struct tables tables = { .buf = buf, .len = buf_len };
	struct mp_pointer *pointer = tables_add(&tables, sizeof(*pointer));
	struct mp_header *header = add_header(&tables, vcpus);

	if (!pointer || !header)
		return false;
	memcpy(pointer->signature, "_MP_", sizeof(pointer->signature));
	pointer->table = (uint32_t)(MAP_MPTABLE + (size_t)((uint8_t *)header - buf));
	pointer->length = 1;
	pointer->revision = 4;
	pointer->checksum = tables_checksum(pointer, sizeof(*pointer));
	return true;
}
