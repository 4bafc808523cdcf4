/* SPDX-License-Identifier: MIT */
/*
 * What a frame may be: a page table or writable, never both, whatever the
 * order of the guest's calls, and with a second vCPU also while it writes to
 * the frame, or maps it, as fast as it can. An entry that got into a live
 * table unchecked would be the whole machine's memory.
 */
#include "guest.h"

#define EVIL (0x200000ul | PTE_P | PTE_W) /* the paravisor's */
#define SLOT 300                          /* of the initial area's level 2: free */

static uint64_t victim[512] __attribute__((aligned(4096)));
static uint64_t helper[512] __attribute__((aligned(4096)));
static uint64_t info[512] __attribute__((aligned(4096)));

static uint64_t read_only(const void *va)
{
	return (mfn_of(va) << 12 | 7) & ~PTE_W;
}

static uint64_t read_write(const void *va)
{
	return mfn_of(va) << 12 | 7;
}

static long pin(const void *va)
{
	return ext(MMUEXT_PIN_L1_TABLE, mfn_of(va));
}

static long unpin(const void *va)
{
	return ext(MMUEXT_UNPIN_TABLE, mfn_of(va));
}

static long link(const void *va)
{
	return update(mfn_of(table_at(victim, 2)) << 12 | SLOT << 3, va ? read_write(va) : 0);
}

/* ---- One vCPU ---- */

static void live_tables(void)
{
	uint64_t *l1 = table_at(victim, 1), *l2 = table_at(victim, 2), *l4 = (uint64_t *)start_info->pt_base;

	check("a linked level 1 cannot be mapped writable", map_at(l1, read_write(l1)) < 0, 1);
	check("nor a level 2", map_at(l2, read_write(l2)) < 0, 1);
	check("nor the top level", map_at(l4, read_write(l4)) < 0, 1);
	check("the top level can be unpinned", unpin(l4), 0);
	check("it still cannot be mapped writable, for it is loaded", map_at(l4, read_write(l4)) < 0, 1);
	check("it can be pinned again", ext(MMUEXT_PIN_L4_TABLE, mfn_of(l4)), 0);
}

static void linking(void)
{
	check("what is mapped writable cannot be pinned", pin(victim) < 0, 1);
	check("nor linked", link(victim) < 0, 1);
	check("it is mapped read-only", map_at(victim, read_only(victim)), 0);
	check("then it can be linked", link(victim), 0);
	check("then not be mapped writable", map_at(victim, read_write(victim)) < 0, 1);
	check("nor be cleared", ext(MMUEXT_CLEAR_PAGE, mfn_of(victim)) < 0, 1);
	check("nor be a level 2 as well", ext(MMUEXT_PIN_L2_TABLE, mfn_of(victim)) < 0, 1);
	check("it is taken out", link(NULL), 0);
	check("then it can be mapped writable", map_at(victim, read_write(victim)), 0);
}

static void contents(void)
{
	victim[7] = read_write(victim);
	map_at(victim, read_only(victim));
	check("a table that maps itself writable is refused", pin(victim) < 0, 1);
	map_at(victim, read_write(victim));
	victim[7] = 0;
	map_at(victim, read_only(victim));
	check("an empty one is not", pin(victim), 0);
	helper[7] = read_write(victim);
	map_at(helper, read_only(helper));
	check("one that maps another table writable is refused", pin(helper) < 0, 1);
	map_at(helper, read_write(helper));
	helper[7] = read_only(victim);
	helper[8] = EVIL;
	map_at(helper, read_only(helper));
	check("so is one whose second entry is not the guest's", pin(helper) < 0, 1);
	map_at(helper, read_write(helper));
	helper[8] = 0;
	map_at(helper, read_only(helper));
	check("and taken when it maps it read-only", pin(helper), 0);
	check("both are let go", unpin(helper) | unpin(victim), 0);
	check("and can be mapped writable", map_at(helper, read_write(helper)) | map_at(victim, read_write(victim)), 0);
	helper[7] = 0;
}

static void kept_pages(void)
{
	struct vcpu_register_vcpu_info op = { .mfn = mfn_of(info) };

	check("vcpu_info moves", call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uint64_t)&op, 0, 0), 0);
	map_at(info, read_only(info));
	check("its page cannot become a table: the hypervisor writes there", pin(info) < 0, 1);
	map_at(info, read_write(info));
}

/* ---- Two vCPUs ---- */

#define PINS   20
#define ROUNDS 400
#define LOOKS  100000

enum { REST, WRITE, MAP };
static volatile unsigned mode;
static volatile unsigned long beats; /* how often the second did its worst */

/* Without a flush: the other vCPU's TLB keeps what it has. */
static long map_quietly(const void *va, uint64_t pte)
{
	return call(__HYPERVISOR_update_va_mapping, (uint64_t)va, pte, UVMF_NONE, 0, 0);
}

static void wait_a_bit(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("");
}

static void second_writes(void)
{
	volatile uint64_t *at = &victim[3];

	*at = EVIL;
	wait_a_bit(200);
	*at = 0;
	wait_a_bit(200);
}

static void second_maps(void)
{
	map_quietly(victim, read_write(victim));
	map_quietly(victim, read_only(victim));
	wait_a_bit(2000); /* now and then the other must find it so */
}

/* Comes here again after each page fault, which its handler (below) makes of it. */
void second_main(void) __attribute__((noreturn));
void second_main(void)
{
	for (;; beats++) {
		if (mode == WRITE)
			second_writes();
		else if (mode == MAP)
			second_maps();
		else
			__asm__ volatile("pause");
	}
}

extern char second_start[];
__asm__("	.text\n"
	"second_start:\n"
	"	incq beats(%rip)\n"
	"	leaq second_stack_end(%rip), %rsp\n"
	"	call second_main\n");

static void start_second(void)
{
	static struct vcpu_guest_context ctx;

	ctx.flags = VGCF_in_kernel | VGCF_online;
	ctx.user_regs.rip = (uint64_t)second_start;
	ctx.user_regs.rsp = ctx.kernel_sp = (uint64_t)second_stack_end;
	ctx.user_regs.cs = FLAT_KERNEL_CS;
	ctx.user_regs.ss = ctx.kernel_ss = FLAT_KERNEL_SS;
	ctx.user_regs.rflags = 0x200;
	ctx.ctrlreg[3] = mfn_of((void *)start_info->pt_base) << 12;
	ctx.trap_ctxt[14] = (struct trap_info){ 14, 0, FLAT_KERNEL_CS, (unsigned long)second_start };
	check("a second vCPU is there", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (uint64_t)&ctx, 0, 0), 0);
	check("and comes up", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0), 0);
}

static void wait_beats(unsigned n)
{
	unsigned long until = beats + n;

	while (beats < until)
		__asm__ volatile("");
}

static void let_second(unsigned what)
{
	mode = what;
	wait_beats(2);
}

/* While it is pinned, nothing unchecked may ever stand in it. */
static bool stays_clean(void)
{
	bool clean = true;

	for (unsigned i = 0; i < LOOKS; i++)
		clean &= *(volatile uint64_t *)&victim[3] == 0;
	return clean;
}

static bool stays_read_only(void)
{
	volatile uint64_t *entry = &table_at(victim, 1)[(uint64_t)victim >> 12 & 511];
	bool clean = true;

	for (unsigned i = 0; i < LOOKS; i++)
		clean &= !(*entry & PTE_W);
	return clean;
}

static void race(const char *what, bool (*stays)(void), bool remap)
{
	unsigned pins = 0, bad = 0;

	for (unsigned i = 0; i < ROUNDS && pins < PINS; i++) {
		if (remap) {
			map_quietly(victim, read_write(victim));
			wait_beats(2);
			wait_a_bit(i * 7 % 1024); /* at no fixed point of what it does */
			map_quietly(victim, read_only(victim));
		}
		if (pin(victim))
			continue;
		pins++;
		bad += !stays();
		unpin(victim);
	}
	check(what, bad, 0);
}

static void races(void)
{
	start_second();
	let_second(WRITE);
	race("another vCPU's writes never get into a pinned table", stays_clean, true);
	let_second(REST);
	map_at(victim, read_write(victim));
	victim[3] = 0;
	let_second(MAP);
	race("another vCPU never gets a pinned table mapped writable", stays_read_only, false);
	let_second(REST);
	map_at(victim, read_only(victim));
	check("nothing is left of it: the table can be pinned", pin(victim), 0);
}

void guest_main(void)
{
	live_tables();
	linking();
	contents();
	kept_pages();
	if (call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0) >= 0)
		races();
}
