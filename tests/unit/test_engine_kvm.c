/* SPDX-License-Identifier: MIT */
/*
 * The kvm engine with guests of a few instructions, on a real /dev/kvm: the
 * processor's state at the guest's first instruction is exactly the plan's;
 * each way to end is told from the others; what would hang or kill a VMM does
 * neither. Where this machine's /dev/kvm does not open, only that is tested: the
 * KVM lab runs the same program.
 */
#include "engine_rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB      (1ull << 30)

#define HOLE_GPA 0xd0000000

const char rig_engine[] = "kvm";

/* ---- Entry states ------------------------------------------------------ */

/* The first words that the guest prints are the registers; the later ones, what a dump's order says. */
static void assert_dump(struct start *start, const uint64_t *system, size_t count)
{
	const struct pb_cpu *cpu = &start->plan.cpu;
	const uint64_t general[] = { cpu->rax, cpu->rbx, cpu->rcx, cpu->rdx, cpu->rsi,   cpu->rdi,
				     cpu->rsp, cpu->rbp, cpu->r8,  cpu->r9,  cpu->r10,   cpu->r11,
				     cpu->r12, cpu->r13, cpu->r14, cpu->r15, cpu->rflags };
	uint64_t got[DUMP_SLOTS];
	char *at = start->console;

	run(start, ENGINE_POWERED_OFF);
	for (size_t i = 0; i < DUMP_SLOTS; i++)
		got[i] = strtoull(at, &at, 16);
	assert_memory_equal(got, general, sizeof(general));
	assert_memory_equal(got + DUMP_CS, system, count * sizeof(*system));
}

static void enters_32_bit(void **state)
{
	const uint64_t system[] = { 8, 16, 16, 16, 16, 16, 0x11, 0, 0, 0, 0x1f, TABLES_GPA, 0x7ff, 0x301000 };
	struct start start = new_start();
	struct pb_cpu *cpu = &start.plan.cpu;

	(void)state;
	fake_put(&start.plan, GUEST_GPA, test_guest_dump32, (uint64_t)(test_guest_dump32_end - test_guest_dump32),
		 0x1000);
	fill_registers(cpu, UINT32_MAX);
	cpu->gdt_base = TABLES_GPA;
	cpu->gdt_limit = 0x1f;
	cpu->idt_base = 0x301000;
	cpu->idt_limit = 0x7ff;
	assert_dump(&start, system, sizeof(system) / sizeof(*system));
}

/* Paging one to one for 1 GiB, in pages of 2 MiB, already accessed and dirty. */
static void make_long(struct start *start, uint64_t tables[3][512])
{
	struct pb_cpu *cpu = &start->plan.cpu;

	tables[0][0] = (TABLES_GPA + 0x1000) | 3;
	tables[1][0] = (TABLES_GPA + 0x2000) | 3;
	for (uint64_t i = 0; i < 512; i++)
		tables[2][i] = i << 21 | 0xe3;
	fake_put(&start->plan, TABLES_GPA, tables, 3 * 4096, 3 * 4096);
	cpu->mode = PB_LONG64;
	cpu->cs = (struct pb_seg){ 0x10, 0xa09b, UINT32_MAX, 0 };
	cpu->ds = cpu->es = cpu->fs = cpu->gs = cpu->ss = (struct pb_seg){ 0x18, 0xc093, UINT32_MAX, 0 };
	cpu->cr0 = 0x80010011;
	cpu->cr3 = TABLES_GPA;
	cpu->cr4 = 0x20;
	cpu->efer = 0xd00;
}

static void enters_64_bit(void **state)
{
	const uint64_t system[] = { 0x10, 0x18, 0x18, 0x18, 0x18, 0x18, 0x80010011, TABLES_GPA, 0x20, 0xd00 };
	static uint64_t tables[3][512];
	struct start start = new_start();

	(void)state;
	make_long(&start, tables);
	fake_put(&start.plan, GUEST_GPA, test_guest_dump64, (uint64_t)(test_guest_dump64_end - test_guest_dump64),
		 0x1000);
	fill_registers(&start.plan.cpu, UINT64_MAX);
	assert_dump(&start, system, sizeof(system) / sizeof(*system));
}

/* ---- Endings ----------------------------------------------------------- */

static void triple_fault_is_a_crash(void **state)
{
	struct start start = act_start(ACT_TRIPLE_FAULT, "before\n");

	(void)state;
	run(&start, ENGINE_CRASHED);
	assert_string_equal(start.console, "before\n");
	assert_says(start.result.text, "crashed: triple fault: CPU 0");
	assert_says(start.result.registers, "CPU 0: ");
	assert_says(start.result.registers, "2000"); /* the guest's only page, whoever tells it */
	engine_result_free(&start.result);
}

static void access_to_nothing_is_a_crash(void **state)
{
	struct start start = act_start(ACT_LOOK, "");

	(void)state;
	start.plan.cpu.rdi = HOLE_GPA;
	run(&start, ENGINE_CRASHED);
	assert_string_equal(start.result.text, "crashed: CPU 0 read 4 bytes at 0xd0000000, where nothing is");
	assert_says(start.result.registers, "CPU 0: running at 0008:2000");
	assert_says(start.result.registers, "00000000d0000000"); /* rdi */
	engine_result_free(&start.result);
}

static void running_into_nothing_is_a_crash(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.plan.cpu.rip = HOLE_GPA;
	run(&start, ENGINE_CRASHED);
	assert_says(start.result.registers, "CPU 0: ");
	engine_result_free(&start.result);
}

static void hang_times_out_and_tells_where(void **state)
{
	struct start start = act_start(ACT_HANG, "x\n");

	(void)state;
	start.run.timeout_ms = 500;
	start.options.vcpus = 2;
	run(&start, ENGINE_TIMED_OUT);
	assert_says(start.result.text, "timed out: after 0.5 s");
	assert_says(start.result.registers, "CPU 0: halted with interrupts off at 0008:2000");
	assert_says(start.result.registers, "CPU 1: never started");
	engine_result_free(&start.result);
}

/* ---- The console ------------------------------------------------------- */

static void types(struct start *start, int pipe_fds[2], const char *text)
{
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], text, strlen(text)), strlen(text));
	start->run.console.in_fd = pipe_fds[0];
}

static void typing_arrives(void **state)
{
	struct start start = act_start(ACT_ECHO, "> ");
	int pipe_fds[2];

	(void)state;
	types(&start, pipe_fds, "abcq");
	close(pipe_fds[1]); /* the end of the input is not the end of the guest */
	run(&start, ENGINE_POWERED_OFF);
	assert_string_equal(start.console, "> abc");
	close(pipe_fds[0]);
}

/* More than any buffer on the way holds. */
static void long_paste_arrives_whole(void **state)
{
	enum { PASTE_LEN = 3000 };
	struct start start = act_start(ACT_ECHO, "");
	char paste[PASTE_LEN + 2];
	int pipe_fds[2];

	(void)state;
	for (size_t i = 0; i < PASTE_LEN; i++)
		paste[i] = (char)('A' + i % 26);
	strcpy(paste + PASTE_LEN, "q");
	types(&start, pipe_fds, paste);
	close(pipe_fds[1]);
	run(&start, ENGINE_POWERED_OFF);
	paste[PASTE_LEN] = 0;
	assert_string_equal(start.console, paste);
	close(pipe_fds[0]);
}

static ssize_t leave(void *ctx, char *buf, size_t len)
{
	(void)ctx;
	return memchr(buf, 'x', len) ? -1 : (ssize_t)len;
}

static void leaving_ends_it(void **state)
{
	struct start start = act_start(ACT_ECHO, "> ");
	int pipe_fds[2];

	(void)state;
	types(&start, pipe_fds, "x");
	start.run.console.typed = leave;
	run(&start, ENGINE_LEFT);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void closed_pipe_ends_it(void **state)
{
	struct start start = act_start(ACT_HANG, "nobody reads this\n");
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	close(pipe_fds[0]);
	start.run.console.out_fd = pipe_fds[1];
	run(&start, ENGINE_LEFT);
	assert_says(start.result.text, "nobody reads its console");
	close(pipe_fds[1]);
}

/* A reader that takes nothing holds up the guest, but neither the deadline nor a signal. */
static void stalled_reader_does_not_stop_the_clock(void **state)
{
	struct start start = act_start(ACT_ECHO, "");
	int in[2], out[2];

	(void)state;
	types(&start, in, "typed and echoed into a pipe that is full");
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	while (write(out[1], &start, sizeof(start)) > 0)
		;
	assert_int_equal(fcntl(out[1], F_SETFL, 0), 0);
	start.run.console.out_fd = out[1];
	start.run.timeout_ms = 300;
	run(&start, ENGINE_TIMED_OUT);
	engine_result_free(&start.result);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

/* Once it runs: before, a signal has its ordinary effect. */
static void terminate(void *ctx, const char *buf, size_t len)
{
	(void)ctx;
	(void)buf;
	(void)len;
	pthread_kill(pthread_self(), SIGTERM);
}

static void signal_ends_it(void **state)
{
	struct start start = act_start(ACT_HANG, "x");

	(void)state;
	start.run.console.wrote = terminate;
	run(&start, ENGINE_LEFT);
	assert_says(start.result.text, "signal 15");
}

/* ---- Limits ------------------------------------------------------------ */

static void assert_refused(struct start *start, int status, const char *told)
{
	struct engine_error err = { .status = 0 };

	assert_int_equal(try_run(start, &err), -1);
	assert_int_equal(err.status, status);
	assert_says(err.text, told);
	assert_null(strchr(err.text, '\n'));
}

static void too_many_processors(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.options.vcpus = 65;
	assert_refused(&start, ENGINE_UNABLE, "65 processors");
}

static void many_processors(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "many");

	(void)state;
	start.options.vcpus = 64;
	run(&start, ENGINE_POWERED_OFF);
	assert_string_equal(start.console, "many");
}

static void too_much_memory(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.options.mem_len = 1ull << 56;
	assert_refused(&start, ENGINE_UNABLE, "address bits");
}

static void too_little_memory(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.options.mem_len = 1 * MIB;
	assert_refused(&start, ENGINE_BAD_INPUT, "1 MiB of memory");
}

/* Reserved, not taken: it works where there is far less. */
static void memory_beyond_the_hole(void **state)
{
	static uint64_t tables[3][512];
	struct start start = act_start(ACT_LOOK, "");

	(void)state;
	memset(tables, 0, sizeof(tables));
	start.options.mem_len = 16 * GIB;
	fake_put(&start.plan, 17 * GIB - 4096, "x", 1, 4096);
	start.plan.cpu.rdi = 3 * GIB - 8;
	run(&start, ENGINE_POWERED_OFF);
	assert_string_equal(start.console, "");
}

static void entry_that_needs_firmware_is_refused(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.plan.info.entry = PB_LINUX16;
	assert_refused(&start, ENGINE_UNABLE, "cannot enter by");
}

static void counted_instructions_are_refused(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	start.options.icount = true;
	assert_refused(&start, ENGINE_BAD_INPUT, "icount");
}

static void placement_outside_memory_is_refused(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	fake_put(&start.plan, 65 * MIB, "x", 1, 1);
	assert_refused(&start, ENGINE_BAD_INPUT, "placement");
}

/* Where there is none, or it is not for us: one line that says so. */
static void without_kvm_it_says_so(void **state)
{
	struct start start = act_start(ACT_POWER_OFF, "");

	(void)state;
	assert_refused(&start, ENGINE_UNABLE, "/dev/kvm");
}

static bool has_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enters_32_bit),
		cmocka_unit_test(enters_64_bit),
		ENDING("powers off", ACT_POWER_OFF, "bye\n", ENGINE_POWERED_OFF, "powered off: by ACPI"),
		ENDING("reboots by the reset register", ACT_RESET, "", ENGINE_REBOOTED,
		       "rebooted: by the reset register"),
		ENDING("reboots by the keyboard controller", ACT_KBC_RESET, "", ENGINE_REBOOTED,
		       "rebooted: by the keyboard controller"),
		ENDING_RESTART_BY_TRIPLE_FAULT,
		ENDING_PANIC_THAT_SPINS,
		ENDING("panic that restarts", ACT_KBC_RESET, "Kernel panic - not syncing: test\n", ENGINE_PANICKED,
		       "panicked: Kernel panic - not syncing: test"),
		cmocka_unit_test(triple_fault_is_a_crash),
		cmocka_unit_test(access_to_nothing_is_a_crash),
		cmocka_unit_test(running_into_nothing_is_a_crash),
		cmocka_unit_test(hang_times_out_and_tells_where),
		cmocka_unit_test(typing_arrives),
		cmocka_unit_test(long_paste_arrives_whole),
		cmocka_unit_test(leaving_ends_it),
		cmocka_unit_test(closed_pipe_ends_it),
		cmocka_unit_test(stalled_reader_does_not_stop_the_clock),
		cmocka_unit_test(signal_ends_it),
		cmocka_unit_test(too_many_processors),
		cmocka_unit_test(many_processors),
		cmocka_unit_test(too_much_memory),
		cmocka_unit_test(too_little_memory),
		cmocka_unit_test(memory_beyond_the_hole),
		cmocka_unit_test(entry_that_needs_firmware_is_refused),
		cmocka_unit_test(counted_instructions_are_refused),
		cmocka_unit_test(placement_outside_memory_is_refused),
	};

	const struct CMUnitTest without[] = { cmocka_unit_test(without_kvm_it_says_so) };

	if (!has_kvm())
		return cmocka_run_group_tests_name("engine kvm", without, NULL, NULL);
	return cmocka_run_group_tests_name("engine kvm", tests, NULL, NULL);
}
