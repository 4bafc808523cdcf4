/* SPDX-License-Identifier: MIT */
/*
 * The least ACPI with which every Linux finds its processors, powers off and
 * resets: RSDP, XSDT and RSDT, FADT, FACS, MADT and a DSDT of one object, \_S5.
 *
 * kvm's is the classic kind, with PM1 registers, and not the hardware-reduced
 * one: there Linux does without the PIC and the PIT. There is no SMI command,
 * so ACPI mode is always on, and no timer, button or general-purpose event. A
 * PVH domain on Xen gets the reduced kind: it has none of that to do without,
 * and powers off by a hypercall.
 * Section numbers are those of the ACPI specification 6.4.
 */
#include "kvm/map.h"
#include "tables.h"

#include <string.h>

/* 5.2.5.3 */
struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

/* 5.2.6 */
struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* 5.2.3.2 */
struct address {
	uint8_t space; /* 1: I/O ports */
	uint8_t bits;
	uint8_t offset;
	uint8_t access; /* 1: bytes, 2: words */
	uint64_t address;
} __attribute__((packed));

/* 5.2.9, revision 5 */
struct fadt {
	struct header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t profile;
	uint16_t sci;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_len, pm1_control_len, pm2_control_len, pm_timer_len, gpe0_len, gpe1_len, gpe1_base, cstate;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct address reset;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control, x_pm_timer, x_gpe0,
		x_gpe1, sleep_control, sleep_status;
} __attribute__((packed));
_Static_assert(sizeof(struct fadt) == 268, "FADT of revision 5");

#define FADT_WBINVD          (1u << 0)
#define FADT_NO_POWER_BUTTON (1u << 4) /* no fixed one, that is */
#define FADT_NO_SLEEP_BUTTON (1u << 5)
#define FADT_RESET           (1u << 10)
#define FADT_REDUCED         (1u << 20)

#define BOOT_LEGACY_DEVICES  (1u << 0) /* the serial port; without the 8042 bit Linux does not wait for a keyboard */
#define BOOT_NO_VGA          (1u << 2)
#define BOOT_NO_ASPM         (1u << 4)
#define BOOT_NO_CMOS         (1u << 5)

/* 5.2.10 */
struct facs {
	char signature[4];
	uint32_t length;
	uint8_t rest[56];
} __attribute__((packed));

/* 5.2.12 and its entries */
struct madt {
	struct header header;
	uint32_t lapic;
	uint32_t flags; /* 1: there are 8259s too */
} __attribute__((packed));

struct madt_lapic {
	uint8_t type, length;
	uint8_t processor, apic_id;
	uint32_t flags; /* 1: enabled */
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id, reserved;
	uint32_t address;
	uint32_t first_gsi;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length;
	uint8_t bus, source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_nmi {
	uint8_t type, length;
	uint8_t processor; /* 0xff: all */
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

#define LEVEL_HIGH 0x0d

/* Name (\_S5, Package () { PM_SLEEP_S5, PM_SLEEP_S5, 0, 0 }) */
static const uint8_t dsdt_code[] = { 0x08, '_',  'S',         '5',  '_',         0x12, 0x08,
				     0x04, 0x0a, PM_SLEEP_S5, 0x0a, PM_SLEEP_S5, 0x00, 0x00 };

static uint32_t gpa_of(const struct tables *tables, const void *table)
{
	return tables->gpa + (uint32_t)((const uint8_t *)table - tables->buf);
}

static void *add_table(struct tables *tables, const char *signature, uint8_t revision, size_t len)
{
	struct header *header = tables_add(tables, len);

	if (!header)
		return NULL;
	memcpy(header->signature, signature, sizeof(header->signature));
	header->length = (uint32_t)len;
	header->revision = revision;
	memcpy(header->oem_id, "PBOOT ", sizeof(header->oem_id));
	memcpy(header->oem_table_id, "PARABOOT", sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, "PBKV", sizeof(header->creator_id));
	header->creator_revision = 1;
	return header;
}

/* The last thing done to a table. */
static void seal(struct header *header)
{
	header->checksum = tables_checksum(header, header->length);
}

static struct header *add_dsdt(struct tables *tables)
{
	struct header *dsdt = add_table(tables, "DSDT", 2, sizeof(*dsdt) + sizeof(dsdt_code));

	if (!dsdt)
		return NULL;
	memcpy(dsdt + 1, dsdt_code, sizeof(dsdt_code));
	seal(dsdt);
	return dsdt;
}

static struct facs *add_facs(struct tables *tables)
{
	/* 5.2.10 wants it on 64 bytes; it is added first, right behind the RSDP's 64. */
	struct facs *facs = tables_add(tables, sizeof(*facs));

	if (!facs)
		return NULL;
	memcpy(facs->signature, "FACS", sizeof(facs->signature));
	facs->length = sizeof(*facs);
	return facs;
}

static struct address port(uint16_t number, uint8_t bytes, uint8_t access)
{
	return (struct address){ .space = 1, .bits = bytes * 8, .access = access, .address = number };
}

static void fill_classic(struct fadt *fadt)
{
	fadt->sci = IRQ_SCI;
	fadt->pm1a_event = PORT_PM1_EVENT;
	fadt->pm1_event_len = 4;
	fadt->x_pm1a_event = port(PORT_PM1_EVENT, 4, 2);
	fadt->pm1a_control = PORT_PM1_CONTROL;
	fadt->pm1_control_len = 2;
	fadt->x_pm1a_control = port(PORT_PM1_CONTROL, 2, 2);
	fadt->century = 0x32;
	fadt->boot_arch = BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_ASPM;
	fadt->flags |= FADT_RESET;
	fadt->reset = port(PORT_RESET, 1, 1);
	fadt->reset_value = RESET_VALUE;
}

static void fill_reduced(struct fadt *fadt)
{
	fadt->boot_arch = BOOT_NO_VGA | BOOT_NO_ASPM | BOOT_NO_CMOS;
	fadt->flags |= FADT_REDUCED;
}

static struct header *add_fadt(struct tables *tables, const struct facs *facs, const struct header *dsdt, bool reduced)
{
	struct fadt *fadt = add_table(tables, "FACP", 5, sizeof(*fadt));

	if (!fadt || !facs || !dsdt)
		return NULL;
	fadt->facs = gpa_of(tables, facs);
	fadt->dsdt = gpa_of(tables, dsdt);
	fadt->x_dsdt = fadt->dsdt;
	fadt->c2_latency = 0xffff; /* there is no C2 and no C3 */
	fadt->c3_latency = 0xffff;
	fadt->flags = FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON;
	(reduced ? fill_reduced : fill_classic)(fadt);
	seal(&fadt->header);
	return &fadt->header;
}

/* Xen's local APICs have even ids. */
static void *fill_processors(void *at, const struct acpi_machine *machine)
{
	struct madt_lapic *lapic = at;

	for (unsigned i = 0; i < machine->vcpus; i++)
		*lapic++ = (struct madt_lapic){ .type = 0,
						.length = sizeof(*lapic),
						.processor = (uint8_t)i,
						.apic_id = (uint8_t)(machine->reduced ? i * 2 : i),
						.flags = 1 };
	return lapic;
}

static void fill_interrupts(void *at)
{
	struct madt_ioapic *ioapic = at;
	struct madt_override *sci = (struct madt_override *)(ioapic + 1);
	struct madt_nmi *nmi = (struct madt_nmi *)(sci + 1);

	*ioapic = (struct madt_ioapic){ .type = 1, .length = sizeof(*ioapic), .address = MAP_IOAPIC };
	*sci = (struct madt_override){
		.type = 2, .length = sizeof(*sci), .source = IRQ_SCI, .gsi = IRQ_SCI, .flags = LEVEL_HIGH
	};
	*nmi = (struct madt_nmi){ .type = 4, .length = sizeof(*nmi), .processor = 0xff, .lint = 1 };
}

static struct header *add_madt(struct tables *tables, const struct acpi_machine *machine)
{
	const size_t interrupts = sizeof(struct madt_ioapic) + sizeof(struct madt_override) + sizeof(struct madt_nmi);
	size_t len =
		sizeof(struct madt) + machine->vcpus * sizeof(struct madt_lapic) + (machine->reduced ? 0 : interrupts);
	struct madt *madt = add_table(tables, "APIC", 3, len);
	void *behind;

	if (!madt)
		return NULL;
	madt->lapic = MAP_LAPIC;
	madt->flags = machine->reduced ? 0 : 1;
	behind = fill_processors(madt + 1, machine);
	if (!machine->reduced)
		fill_interrupts(behind);
	seal(&madt->header);
	return &madt->header;
}

/* RSDT and XSDT are the same list in 4 and in 8 bytes an entry. */
static struct header *add_list(struct tables *tables, const char *signature, size_t width, const uint64_t list[2])
{
	struct header *header = add_table(tables, signature, 1, sizeof(*header) + 2 * width);

	if (!header)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		memcpy((uint8_t *)(header + 1) + i * width, &list[i], width);
	seal(header);
	return header;
}

static void fill_rsdp(struct rsdp *rsdp, uint32_t rsdt_gpa, uint32_t xsdt_gpa)
{
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "PBOOT ", sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->rsdt = rsdt_gpa;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt_gpa;
	rsdp->checksum = tables_checksum(rsdp, 20); /* of the part that ACPI 1.0 had */
	rsdp->extended_checksum = tables_checksum(rsdp, sizeof(*rsdp));
}

bool acpi_build(uint8_t *buf, size_t buf_len, const struct acpi_machine *machine)
{
	struct tables tables = { .buf = buf, .gpa = machine->gpa, .len = buf_len };
	struct rsdp *rsdp = tables_add(&tables, 64);
	struct facs *facs = add_facs(&tables);
	struct header *dsdt = add_dsdt(&tables);
	struct header *fadt = add_fadt(&tables, facs, dsdt, machine->reduced);
	struct header *madt = add_madt(&tables, machine);
	struct header *rsdt, *xsdt;
	uint64_t list[2];

	if (!rsdp || !fadt || !madt)
		return false;
	list[0] = gpa_of(&tables, fadt);
	list[1] = gpa_of(&tables, madt);
	rsdt = add_list(&tables, "RSDT", 4, list);
	xsdt = add_list(&tables, "XSDT", 8, list);
	if (!rsdt || !xsdt)
		return false;
	fill_rsdp(rsdp, gpa_of(&tables, rsdt), gpa_of(&tables, xsdt));
	return true;
}
