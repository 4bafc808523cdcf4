/* SPDX-License-Identifier: MIT */
/*
 * paraboot-kvm.h: that an entry state comes out in KVM's structs, each bit in
 * the field that <linux/kvm.h> has for it, and that the rest stays as it was.
 */
#include <paraboot-kvm.h>
#include <string.h>

#include "plan_rig.h"
#include "unit.h"

static void assert_code(const struct kvm_segment *cs, unsigned l, unsigned db)
{
	assert_int_equal(cs->selector, 0x10);
	assert_int_equal(cs->base, 0);
	assert_int_equal(cs->limit, 0xffffffff);
	assert_int_equal(cs->type, 0xb); /* execute, read, accessed */
	assert_int_equal(cs->s, 1);
	assert_int_equal(cs->dpl, 0);
	assert_int_equal(cs->present, 1);
	assert_int_equal(cs->avl, 0);
	assert_int_equal(cs->l, l);
	assert_int_equal(cs->db, db);
	assert_int_equal(cs->g, 1);
	assert_int_equal(cs->unusable, 0);
}

static void test_segments(void **state)
{
	struct kvm_sregs sregs = { .apic_base = 0xfee00900, .cr8 = 3 };
	struct kvm_regs regs;
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_plan(&rig);
	pb_cpu_to_kvm(&rig.cpu, &regs, &sregs);
	assert_code(&sregs.cs, 1, 0);
	assert_int_equal(sregs.ss.type, 3); /* read, write, accessed */
	assert_int_equal(sregs.ss.db, 1);
	assert_int_equal(sregs.tr.type, 0xb); /* a busy task segment: VMX refuses any other */
	assert_int_equal(sregs.tr.s, 0);
	assert_int_equal(sregs.tr.g, 0);
	assert_int_equal(sregs.tr.limit, 0x67);
	assert_int_equal(sregs.ldt.unusable, 1);
	assert_int_equal(sregs.apic_base, 0xfee00900);
	assert_int_equal(sregs.cr8, 3);
	rig_start(&rig, PB_PVH, PB_UNPACK_HOST);
	rig_plan(&rig);
	pb_cpu_to_kvm(&rig.cpu, &regs, &sregs);
	assert_code(&sregs.cs, 0, 1);
	rig_close(&rig);
}

static void test_registers(void **state)
{
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs;
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_plan(&rig);
	pb_cpu_to_kvm(&rig.cpu, &regs, &sregs);
	assert_int_equal(regs.rip, KERNEL_GPA);
	assert_int_equal(regs.rsi, rig.info.params_gpa);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(sregs.cr0, 0x80000011);
	assert_int_equal(sregs.cr3, rig.cpu.cr3);
	assert_int_equal(sregs.cr4, 0x20);
	assert_int_equal(sregs.efer, 0x500);
	assert_int_equal(sregs.gdt.base, rig.cpu.gdt_base);
	assert_int_equal(sregs.gdt.limit, 47);
	assert_int_equal(sregs.idt.limit, 0);
	rig_close(&rig);
}

/* Each general register has its own number, so that two that were swapped show. */
static void test_no_register_is_mistaken(void **state)
{
	const struct pb_cpu cpu = { .rax = 1,
				    .rbx = 2,
				    .rcx = 3,
				    .rdx = 4,
				    .rsi = 5,
				    .rdi = 6,
				    .rsp = 7,
				    .rbp = 8,
				    .r8 = 9,
				    .r9 = 10,
				    .r10 = 11,
				    .r11 = 12,
				    .r12 = 13,
				    .r13 = 14,
				    .r14 = 15,
				    .r15 = 16,
				    .rip = 17,
				    .rflags = 18 };
	struct kvm_regs regs = pb_regs_to_kvm(&cpu);
	uint64_t numbers[sizeof(regs) / sizeof(uint64_t)];

	(void)state;
	memcpy(numbers, &regs, sizeof(regs)); /* in the order of struct kvm_regs, which is the one above */
	for (size_t i = 0; i < LEN_OF(numbers); i++)
		assert_int_equal(numbers[i], i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_no_register_is_mistaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
