/* SPDX-License-Identifier: MIT */
/*
 * Starts guests of a few instructions and sees to what they leave; see
 * engine_rig.h.
 */
#include "engine_rig.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void keep_console(void *ctx, const char *buf, size_t len)
{
	struct start *start = ctx;
	size_t room = sizeof(start->console) - 1 - start->console_len;

	if (len > room)
		len = room;
	memcpy(start->console + start->console_len, buf, len);
	start->console_len += len;
}

struct start new_start(void)
{
	return (struct start){
		.plan = fake_plan(GUEST_GPA),
		.options = { .mem_len = 64 * MIB, .vcpus = 1, .accel = ENGINE_ACCEL_TCG },
		.run = { .console = { .in_fd = -1, .out_fd = -1, .wrote = keep_console },
			 .timeout_ms = LONG_ENOUGH_MS },
	};
}

struct start act_start(int act, const char *text)
{
	struct start start = new_start();

	fake_put(&start.plan, TEXT_GPA, text, strlen(text), strlen(text) + 1);
	fake_put(&start.plan, GUEST_GPA, test_guest_act, (uint64_t)(test_guest_act_end - test_guest_act), 0x1000);
	start.plan.cpu.rsi = TEXT_GPA;
	start.plan.cpu.rax = (uint64_t)act;
	return start;
}

int try_run(struct start *start, struct engine_error *err)
{
	const struct engine *engine = engine_by_name(rig_engine);
	struct engine_memory memory;

	if (engine->usable(&start->options, err) || engine->memory(&start->options, &memory, err))
		return -1;
	start->run.options = &start->options;
	start->run.memory = &memory;
	start->run.plan = &start->plan;
	start->run.console.ctx = start;
	return engine->run(&start->run, &start->result, err);
}

static unsigned entries_of(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void run_checked(struct start *start, enum engine_status status)
{
	struct engine_error err = { 0, "" };

	if (try_run(start, &err) < 0)
		fail_msg("%s", err.text);
	if (start->result.status != status)
		fail_msg("status %d (%s), console: %s\n%s", start->result.status, start->result.text, start->console,
			 start->result.registers ? start->result.registers : "");
}

void run(struct start *start, enum engine_status status)
{
	unsigned threads = entries_of("/proc/self/task"), fds = entries_of("/proc/self/fd");
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	run_checked(start, status);
	assert_int_equal(entries_of("/proc/self/task"), threads);
	assert_int_equal(entries_of("/proc/self/fd"), fds);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < NSIG; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

void assert_says(const char *text, const char *wanted)
{
	assert_non_null(text);
	if (!strstr(text, wanted))
		fail_msg("\"%s\" does not say \"%s\"", text, wanted);
}

void test_ending(void **state)
{
	const struct ending *ending = *state;
	struct start start = act_start(ending->act, ending->text);

	run(&start, ending->status);
	assert_string_equal(start.console, ending->text);
	assert_says(start.result.text, ending->told);
	engine_result_free(&start.result);
}

void fill_registers(struct pb_cpu *cpu, uint64_t mask)
{
	uint64_t *const registers[] = { &cpu->rax, &cpu->rbx, &cpu->rcx, &cpu->rdx, &cpu->rsi, &cpu->rdi,
					&cpu->rsp, &cpu->rbp, &cpu->r8,  &cpu->r9,  &cpu->r10, &cpu->r11,
					&cpu->r12, &cpu->r13, &cpu->r14, &cpu->r15 };
	size_t count = mask >> 32 ? 16 : 8;

	for (size_t i = 0; i < count; i++)
		*registers[i] = (0x9e3779b97f4a7c15 * (i + 1)) & mask;
}
