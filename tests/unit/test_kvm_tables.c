/* SPDX-License-Identifier: MIT */
/*
 * The kvm engine's firmware tables, read as an operating system does: from the
 * root pointer on, each table by the pointer of the one before, with checksums
 * and lengths verified on the way. Offsets are those of the specifications,
 * not of the engine's own structs.
 */
#include <string.h>

#include "kvm/map.h"
#include "tables.h"
#include "unit.h"

static uint8_t acpi[MAP_ACPI_LEN], mp[MAP_MPTABLE_LEN];

static bool build_acpi(size_t len, unsigned vcpus)
{
	const struct acpi_machine machine = { .gpa = MAP_ACPI, .vcpus = vcpus };

	return acpi_build(acpi, len, &machine);
}

static uint32_t word(const uint8_t *at, unsigned len)
{
	uint32_t value = 0;

	memcpy(&value, at, len);
	return value;
}

static void assert_sums_to_zero(const uint8_t *at, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += at[i];
	assert_int_equal(sum, 0);
}

static const uint8_t *at_gpa(uint32_t gpa)
{
	assert_in_range(gpa, MAP_ACPI, MAP_ACPI + MAP_ACPI_LEN - 64);
	return acpi + (gpa - MAP_ACPI);
}

static const uint8_t *table(uint32_t gpa, const char *signature)
{
	const uint8_t *at = at_gpa(gpa);

	assert_memory_equal(at, signature, 4);
	assert_in_range(word(at + 4, 4), 36, MAP_ACPI_LEN - (size_t)(at - acpi));
	assert_sums_to_zero(at, word(at + 4, 4));
	return at;
}

/* The list's entry number index; both lists must say the same. */
static uint32_t entry(unsigned index)
{
	const uint8_t *rsdt = table(word(acpi + 16, 4), "RSDT"), *xsdt = table(word(acpi + 24, 4), "XSDT");

	assert_int_equal(word(rsdt + 4, 4), 36 + 2 * 4);
	assert_int_equal(word(xsdt + 4, 4), 36 + 2 * 8);
	assert_int_equal(word(rsdt + 36 + index * 4, 4), word(xsdt + 36 + index * 8, 4));
	assert_int_equal(word(xsdt + 36 + index * 8 + 4, 4), 0);
	return word(rsdt + 36 + index * 4, 4);
}

static void root_is_sound(void **state)
{
	(void)state;
	assert_true(build_acpi(sizeof(acpi), 4));
	assert_memory_equal(acpi, "RSD PTR ", 8);
	assert_int_equal(acpi[15], 2);
	assert_sums_to_zero(acpi, 20);
	assert_int_equal(word(acpi + 20, 4), 36);
	assert_sums_to_zero(acpi, 36);
}

static void fadt_names_the_ports(void **state)
{
	const uint8_t *fadt, *facs;

	(void)state;
	assert_true(build_acpi(sizeof(acpi), 1));
	fadt = table(entry(0), "FACP");
	assert_int_equal(word(fadt + 46, 2), IRQ_SCI);
	assert_int_equal(word(fadt + 48, 4), 0); /* no SMI command: ACPI is on */
	assert_int_equal(word(fadt + 56, 4), PORT_PM1_EVENT);
	assert_int_equal(word(fadt + 64, 4), PORT_PM1_CONTROL);
	assert_int_equal(fadt[88], 4);
	assert_int_equal(fadt[89], 2);
	assert_true(word(fadt + 112, 4) & 1u << 10);  /* there is a reset register, */
	assert_false(word(fadt + 112, 4) & 1u << 20); /* and the hardware is not reduced */
	assert_int_equal(fadt[116], 1);
	assert_int_equal(word(fadt + 120, 4), PORT_RESET);
	assert_int_equal(fadt[128], RESET_VALUE);
	facs = at_gpa(word(fadt + 36, 4));
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal((facs - acpi) % 64, 0);
	assert_int_equal(word(facs + 4, 4), 64);
}

static void dsdt_has_s5(void **state)
{
	static const uint8_t s5[] = {
		0x08, '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, PM_SLEEP_S5, 0x0a, PM_SLEEP_S5, 0, 0
	};
	const uint8_t *dsdt;

	(void)state;
	assert_true(build_acpi(sizeof(acpi), 1));
	dsdt = table(word(table(entry(0), "FACP") + 40, 4), "DSDT");
	assert_int_equal(word(dsdt + 4, 4), 36 + sizeof(s5));
	assert_memory_equal(dsdt + 36, s5, sizeof(s5));
}

/* Entry types 0 (local APIC) with ids 0, 1, ..., then one each of 1 (I/O APIC), 2 (override), 4 (NMI). */
static void madt_lists_every_processor(void **state)
{
	static const unsigned counts[] = { 1, 2, 4, 63, 64 };

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		unsigned seen[5] = { 0 };
		const uint8_t *madt, *at;

		assert_true(build_acpi(sizeof(acpi), counts[c]));
		madt = table(entry(1), "APIC");
		assert_int_equal(word(madt + 36, 4), MAP_LAPIC);
		for (at = madt + 44; at < madt + word(madt + 4, 4); at += at[1]) {
			assert_in_range(at[0], 0, 4);
			assert_true(at[1] >= 6);
			if (at[0] == 0)
				assert_int_equal(at[3], seen[0]);
			if (at[0] == 1)
				assert_int_equal(word(at + 4, 4), MAP_IOAPIC);
			seen[at[0]]++;
		}
		assert_ptr_equal(at, madt + word(madt + 4, 4));
		assert_int_equal(seen[0], counts[c]);
		assert_true(seen[1] == 1 && seen[2] == 1 && seen[4] == 1);
	}
}

static void mptable_lists_every_processor_and_interrupt(void **state)
{
	static const unsigned sizes[] = { 20, 8, 8, 8, 8 };
	unsigned seen[5] = { 0 };
	const uint8_t *header, *at;

	(void)state;
	assert_true(mptable_build(mp, sizeof(mp), 64));
	assert_memory_equal(mp, "_MP_", 4);
	assert_sums_to_zero(mp, 16);
	header = mp + (word(mp + 4, 4) - MAP_MPTABLE);
	assert_memory_equal(header, "PCMP", 4);
	assert_sums_to_zero(header, word(header + 4, 2));
	at = header + 44;
	for (unsigned i = 0; i < word(header + 34, 2); i++) {
		assert_in_range(at[0], 0, 4);
		seen[at[0]]++;
		at += sizes[at[0]];
	}
	assert_ptr_equal(at, header + word(header + 4, 2));
	assert_int_equal(seen[0], 64);
	assert_true(seen[1] == 1 && seen[2] == 1 && seen[3] == 16 && seen[4] == 2);
	assert_int_equal(header[44 + 3], 3);      /* the first processor boots, */
	assert_int_equal(header[44 + 20 + 3], 1); /* the next is only there */
}

/* At every length that is too small they say so, and never write past it. */
/* Xen's local APICs have the ids 0, 2, 4 and so on, and there is nothing else. */
static void reduced_has_local_apics_only(void **state)
{
	const struct acpi_machine machine = { .gpa = MAP_ACPI, .vcpus = 3, .reduced = true };
	const uint8_t *fadt, *madt;

	(void)state;
	assert_true(acpi_build(acpi, sizeof(acpi), &machine));
	fadt = table(entry(0), "FACP");
	assert_true(word(fadt + 112, 4) & 1u << 20);
	assert_int_equal(word(fadt + 56, 4), 0); /* no PM1 registers */
	assert_int_equal(word(fadt + 64, 4), 0);
	madt = table(entry(1), "APIC");
	assert_int_equal(word(madt + 4, 4), 44 + 3 * 8);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(word(madt + 44 + i * 8 + 3, 1), 2 * i);
}

static void short_buffers_are_refused(void **state)
{
	uint8_t guard = 0xcc;

	(void)state;
	for (size_t len = 0; len < 700; len++) {
		acpi[len] = mp[len] = guard;
		if (!build_acpi(len, 4))
			assert_int_equal(acpi[len], guard);
		else
			assert_true(len > 36 * 5);
		if (!mptable_build(mp, len, 4))
			assert_int_equal(mp[len], guard);
		else
			assert_true(len > 16 + 44 + 4 * 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_sound),
		cmocka_unit_test(fadt_names_the_ports),
		cmocka_unit_test(dsdt_has_s5),
		cmocka_unit_test(madt_lists_every_processor),
		cmocka_unit_test(mptable_lists_every_processor_and_interrupt),
		cmocka_unit_test(reduced_has_local_apics_only),
		cmocka_unit_test(short_buffers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
