/* SPDX-License-Identifier: MIT */
/*
 * The qemu engine and the trampoline with guests of a few instructions: the
 * processor's state at the guest's first instruction is exactly the plan's, in
 * every mode; each way to end is told from the others; and nothing is left running.
 */
#include "engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char rig_engine[] = "qemu";

/* ---- Entry states ------------------------------------------------------ */

static void expect(const struct pb_cpu *cpu, char *text, size_t size)
{
	const uint64_t values[DUMP_SLOTS] = {
		[DUMP_RAX] = cpu->rax,
		[DUMP_RBX] = cpu->rbx,
		[DUMP_RCX] = cpu->rcx,
		[DUMP_RDX] = cpu->rdx,
		[DUMP_RSI] = cpu->rsi,
		[DUMP_RDI] = cpu->rdi,
		[DUMP_RSP] = cpu->rsp,
		[DUMP_RBP] = cpu->rbp,
		[DUMP_R8] = cpu->r8,
		[DUMP_R9] = cpu->r9,
		[DUMP_R10] = cpu->r10,
		[DUMP_R11] = cpu->r11,
		[DUMP_R12] = cpu->r12,
		[DUMP_R13] = cpu->r13,
		[DUMP_R14] = cpu->r14,
		[DUMP_R15] = cpu->r15,
		[DUMP_RFLAGS] = cpu->rflags,
		[DUMP_CS] = cpu->cs.selector,
		[DUMP_DS] = cpu->ds.selector,
		[DUMP_ES] = cpu->es.selector,
		[DUMP_FS] = cpu->fs.selector,
		[DUMP_GS] = cpu->gs.selector,
		[DUMP_SS] = cpu->ss.selector,
		[DUMP_CR0] = cpu->cr0,
		[DUMP_CR3] = cpu->cr3,
		[DUMP_CR4] = cpu->cr4,
		[DUMP_EFER] = cpu->efer,
		[DUMP_GDT_LIMIT] = cpu->gdt_limit,
		[DUMP_GDT_BASE] = cpu->gdt_base,
		[DUMP_IDT_LIMIT] = cpu->idt_limit,
		[DUMP_IDT_BASE] = cpu->idt_base,
	};
	size_t len = 0;

	for (size_t i = 0; i < DUMP_SLOTS; i++)
		len += (size_t)snprintf(text + len, size - len, "%016llx ", (unsigned long long)values[i]);
	snprintf(text + len, size - len, "\n");
}

static void assert_dump(struct start *start)
{
	char wanted[1024];

	run(start, ENGINE_POWERED_OFF);
	expect(&start->plan.cpu, wanted, sizeof(wanted));
	assert_string_equal(start->console, wanted);
}

static void test_enters_32(void **state)
{
	struct start start = new_start();
	struct pb_cpu *cpu = &start.plan.cpu;

	(void)state;
	fake_put(&start.plan, GUEST_GPA, test_guest_dump32, (uint64_t)(test_guest_dump32_end - test_guest_dump32),
		 0x1000);
	fill_registers(cpu, UINT32_MAX);
	cpu->fs = (struct pb_seg){ 0xe8, 0x4093, 0xfff, 0x12345678 };
	cpu->gs.selector = 0;
	cpu->gdt_base = 0x300000;
	cpu->gdt_limit = 0x1f;
	cpu->idt_limit = 0x7ff;
	cpu->idt_base = 0x301000;
	cpu->rflags = 0x8d7;
	assert_dump(&start);
}

static void test_enters_64(void **state)
{
	uint64_t tables[3][512] = { { 0x301003 }, { 0x302003 } };
	struct start start = new_start();
	struct pb_cpu *cpu = &start.plan.cpu;

	(void)state;
	for (uint64_t i = 0; i < 512; i++)
		tables[2][i] = i << 21 | 0xe3; /* accessed and dirty, or the processor would write to them */
	fake_put(&start.plan, GUEST_GPA, test_guest_dump64, (uint64_t)(test_guest_dump64_end - test_guest_dump64),
		 0x1000);
	fake_put(&start.plan, 0x300000, tables, sizeof(tables), sizeof(tables));
	fill_registers(cpu, UINT64_MAX);
	cpu->mode = PB_LONG64;
	cpu->cs = (struct pb_seg){ 0x10, 0xa09b, UINT32_MAX, 0 };
	cpu->ds = cpu->es = cpu->ss = (struct pb_seg){ 0x18, 0xc093, UINT32_MAX, 0 };
	cpu->fs.selector = cpu->gs.selector = 0;
	cpu->cr0 = 0x80010011;
	cpu->cr3 = 0x300000;
	cpu->cr4 = 0x20;
	cpu->efer = 0xd00;
	cpu->gdt_base = 0x304000;
	cpu->gdt_limit = 0x2f;
	cpu->rflags = 0x46;
	assert_dump(&start);
}

static void test_enters_16(void **state)
{
	struct start start = new_start();
	struct pb_cpu *cpu = &start.plan.cpu;

	(void)state;
	fake_put(&start.plan, 0x90000, test_guest_dump16, (uint64_t)(test_guest_dump16_end - test_guest_dump16),
		 0x1000);
	fill_registers(cpu, UINT32_MAX);
	start.plan.info.entry = PB_LINUX16;
	cpu->mode = PB_REAL16;
	cpu->rip = 0;
	cpu->cs = (struct pb_seg){ 0x9000, 0x9b, 0xffff, 0x90000 };
	cpu->ds = (struct pb_seg){ 0x8000, 0x93, 0xffff, 0x80000 };
	cpu->es = (struct pb_seg){ 0x7000, 0x93, 0xffff, 0x70000 };
	cpu->fs = (struct pb_seg){ 0x6000, 0x93, 0xffff, 0x60000 };
	cpu->gs = (struct pb_seg){ 0x5000, 0x93, 0xffff, 0x50000 };
	cpu->ss = (struct pb_seg){ 0x4000, 0x93, 0xffff, 0x40000 };
	cpu->cr0 = 0x10;
	cpu->idt_limit = 0x3ff;
	assert_dump(&start);
}

/* ---- Endings ----------------------------------------------------------- */

static void test_triple_fault(void **state)
{
	struct start start = act_start(ACT_TRIPLE_FAULT, "");

	(void)state;
	start.plan.cpu.rdi = 0xabcdef01;
	run(&start, ENGINE_CRASHED);
	assert_non_null(strstr(start.result.text, "crashed: triple fault: at EIP=0020"));
	assert_non_null(start.result.registers);
	assert_non_null(strstr(start.result.registers, "EDI=abcdef01"));
	assert_null(strchr(start.result.registers, '\r'));
	engine_result_free(&start.result);
}

/* Any of several processors can be the one: where each was is all that is told. */
static void test_triple_fault_of_several(void **state)
{
	struct start start = act_start(ACT_TRIPLE_FAULT, "");

	(void)state;
	start.options.vcpus = 2;
	run(&start, ENGINE_CRASHED);
	assert_string_equal(start.result.text, "crashed: triple fault");
	assert_non_null(strstr(start.result.registers, "CPU#0"));
	assert_non_null(strstr(start.result.registers, "CPU#1"));
	engine_result_free(&start.result);
}

static void test_times_out(void **state)
{
	struct start start = act_start(ACT_HANG, "x\n");

	(void)state;
	start.run.timeout_ms = 3000;
	run(&start, ENGINE_TIMED_OUT);
	assert_string_equal(start.result.text, "timed out: after 3.0 s");
	assert_true(start.result.total_ns >= 3000 * 1000000ull);
	assert_non_null(strstr(start.result.registers, "EIP=0020")); /* in its loop */
	assert_null(strstr(start.result.registers, "XMM"));
	engine_result_free(&start.result);
}

/* With this shell script in QEMU's place. */
static void run_script(const char *commands, struct start *start, enum engine_status status)
{
	char script[] = "/tmp/paraboot-test-XXXXXX";
	int fd = mkstemp(script);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", commands);
	fchmod(fd, 0700);
	fclose(file);
	setenv("PARABOOT_QEMU", script, 1);
	run(start, status);
	unsetenv("PARABOOT_QEMU");
	unlink(script);
}

/* A QEMU that no longer answers ends by the time all the same, with no more to tell than that. */
static void test_times_out_deaf(void **state)
{
	struct start start = act_start(ACT_HANG, "x\n");

	(void)state;
	start.run.timeout_ms = 3000;
	run_script("(sleep 2; kill -STOP $$) &\nexec qemu-system-x86_64 \"$@\"", &start, ENGINE_TIMED_OUT);
	assert_string_equal(start.result.text, "timed out: after 3.0 s");
	assert_null(start.result.registers);
	assert_true(start.result.total_ns < 20000 * 1000000ull);
}

/* A script that stays between us and QEMU: both are ended, or the console would stay open for ever. */
static void test_times_out_behind_a_script(void **state)
{
	struct start start = act_start(ACT_HANG, "x\n");
	char script[80], look[80]; /* with a name of this run's own: another one may go on beside it */

	(void)state;
	snprintf(script, sizeof(script), "qemu-system-x86_64 \"$@\" -name behind-%d-script & wait", getpid());
	snprintf(look, sizeof(look), "! grep -qs 'behind-%d-[s]cript' /proc/[0-9]*/cmdline", getpid());
	start.run.timeout_ms = 3000;
	run_script(script, &start, ENGINE_TIMED_OUT);
	assert_int_equal(system(look), 0);
	engine_result_free(&start.result);
}

static void test_more_processors(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");
	struct engine_error err = { 0, "" };

	(void)state;
	start.options.vcpus = 256;
	assert_int_equal(try_run(&start, &err), -1);
	assert_int_equal(err.status, ENGINE_UNABLE);
	assert_string_equal(err.text, "256 processors: engine qemu gives at most 255");
}

/* ---- The trampoline's own words ---------------------------------------- */

static void test_refuses_less_ram(void **state)
{
	static const char *const less[] = { "-m", "32M", NULL };
	struct start start = act_start(ACT_POWER_OFF, "never\n");

	(void)state;
	start.options.extra_args = less;
	run(&start, ENGINE_UNABLE);
	assert_non_null(strstr(start.result.text,
			       "refused: planned for 63 MiB of RAM, this machine has 31 MiB and none at "
			       "0x1fe0000"));
}

static void test_refuses_cpu(void **state)
{
	uint64_t tables[3][512] = { { 0x301003 }, { 0x302003 }, { 0x83 } };
	struct start start = act_start(ACT_POWER_OFF, "never\n");

	(void)state;
	fake_put(&start.plan, 0x300000, tables, sizeof(tables), sizeof(tables));
	start.plan.cpu.mode = PB_LONG64;
	start.plan.cpu.cr3 = 0x300000;
	start.plan.cpu.cs = (struct pb_seg){ 0x10, 0xa09b, UINT32_MAX, 0 };
	start.plan.cpu.ds = start.plan.cpu.es = start.plan.cpu.ss = (struct pb_seg){ 0x18, 0xc093, UINT32_MAX, 0 };
	start.plan.cpu.fs.selector = start.plan.cpu.gs.selector = 0;
	start.options.cpu = "qemu32";
	run(&start, ENGINE_UNABLE);
	assert_non_null(strstr(start.result.text, "this CPU has no long mode"));
}

/* The machine's RSDP arrives in the guest's own structure. */
static void test_hands_on_rsdp(void **state)
{
	struct start start = act_start(ACT_LOOK, "rsdp");

	(void)state;
	fake_put(&start.plan, 0x300000, NULL, 0, 0x1000);
	start.plan.info.params_gpa = 0x300000;
	start.plan.cpu.rdi = 0x300000 + 32;
	run(&start, ENGINE_POWERED_OFF);
	assert_string_equal(start.console, "rsdp!");
}

/* ---- The console ------------------------------------------------------- */

static void test_typing(void **state)
{
	struct start start = act_start(ACT_ECHO, "> ");
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "abcq", 4), 4);
	close(pipe_fds[1]);
	start.run.console.in_fd = pipe_fds[0];
	run(&start, ENGINE_POWERED_OFF);
	assert_string_equal(start.console, "> abc");
	close(pipe_fds[0]);
}

static ssize_t leave(void *ctx, char *buf, size_t len)
{
	(void)ctx;
	return memchr(buf, 'x', len) ? -1 : (ssize_t)len;
}

static void test_leaving(void **state)
{
	struct start start = act_start(ACT_ECHO, "> ");
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	start.run.console.in_fd = pipe_fds[0];
	start.run.console.typed = leave;
	run(&start, ENGINE_LEFT);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* ---- QEMU itself ------------------------------------------------------- */

static void test_qemu_refuses(void **state)
{
	static const char *const bad[] = { "-no-such-option", NULL };
	struct start start = act_start(ACT_POWER_OFF, "");
	struct engine_error err = { 0, "" };

	(void)state;
	start.options.extra_args = bad;
	assert_int_equal(try_run(&start, &err), -1);
	assert_int_equal(err.status, ENGINE_UNABLE);
	assert_non_null(strstr(err.text, "invalid option"));
	assert_int_equal(waitpid(-1, NULL, 0), -1);
}

static void test_no_qemu(void **state)
{
	struct engine_options options = { .accel = ENGINE_ACCEL_TCG };
	struct engine_error err = { 0, "" };

	(void)state;
	setenv("PARABOOT_QEMU", "/nowhere/qemu", 1);
	assert_int_equal(engine_by_name("qemu")->usable(&options, &err), -1);
	assert_int_equal(err.status, ENGINE_UNABLE);
	unsetenv("PARABOOT_QEMU");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enters_32),
		cmocka_unit_test(test_enters_64),
		cmocka_unit_test(test_enters_16),
		ENDING("powers off", ACT_POWER_OFF, "bye\n", ENGINE_POWERED_OFF, "powered off"),
		ENDING("reboots", ACT_RESET, "", ENGINE_REBOOTED, "rebooted"),
		ENDING("halts", ACT_HANG, "[    1.0] reboot: System halted\n", ENGINE_POWERED_OFF, "halted"),
		ENDING_RESTART_BY_TRIPLE_FAULT,
		ENDING_PANIC_THAT_SPINS,
		ENDING("panic that restarts", ACT_RESET, "Kernel panic - not syncing: test\nRebooting in 1 seconds..\n",
		       ENGINE_PANICKED, "panicked: Kernel panic - not syncing: test"),
		cmocka_unit_test(test_triple_fault),
		cmocka_unit_test(test_triple_fault_of_several),
		cmocka_unit_test(test_times_out),
		cmocka_unit_test(test_times_out_deaf),
		cmocka_unit_test(test_times_out_behind_a_script),
		cmocka_unit_test(test_more_processors),
		cmocka_unit_test(test_refuses_less_ram),
		cmocka_unit_test(test_refuses_cpu),
		cmocka_unit_test(test_hands_on_rsdp),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_qemu_refuses),
		cmocka_unit_test(test_no_qemu),
	};

	return cmocka_run_group_tests_name("engine qemu", tests, NULL, NULL);
}
