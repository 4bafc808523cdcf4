/* SPDX-License-Identifier: MIT */
/*
 * A program under its guard: it ends, with what it started in whatever
 * session, when it is told to and when its starter is killed.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <process.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILY = 4, TOO_LONG_S = 20 };

/* A script around others: a child, one in a session of its own, and one below that in yet another. Each says its pid.
 */
static const char family[] = "echo $$; sh -c 'echo $$; exec sleep 1000' &"
			     "setsid sh -c 'echo $$; setsid sh -c \"echo \\$\\$; exec sleep 1000\" & wait' & wait";

/* The shell, or what is in its place, with its outputs into the pipe, whose end is then the program's alone. */
static int start(struct process *ret, const char *shell, const char *script, const int pipe_ends[2],
		 struct engine_error *err)
{
	/* exec's argv lacks the const; it only reads */
	char option[] = "-c", *const argv[] = { (char *)(uintptr_t)shell, option, (char *)(uintptr_t)script, NULL };
	const int keep[] = { -1 };
	int code = process_start(ret, argv, pipe_ends[1], keep, err);

	close(pipe_ends[1]);
	return code;
}

static void start_family(struct process *ret, const int pipe_ends[2])
{
	struct engine_error err;

	if (start(ret, "/bin/sh", family, pipe_ends, &err) < 0)
		fail_msg("%s", err.text);
}

static void read_pids(int said, pid_t ret[FAMILY])
{
	FILE *file = fdopen(dup(said), "r");

	assert_non_null(file);
	alarm(TOO_LONG_S);
	for (size_t i = 0; i < FAMILY; i++) {
		assert_int_equal(fscanf(file, "%d", &ret[i]), 1);
		assert_int_equal(kill(ret[i], 0), 0);
	}
	fclose(file);
	alarm(0);
}

/* The end of file says that nobody holds its outputs; and nobody is left as a zombie either. */
static void check_gone(int said, const pid_t pids[FAMILY])
{
	char byte;

	alarm(TOO_LONG_S);
	assert_int_equal(read(said, &byte, 1), 0);
	for (size_t i = 0; i < FAMILY; i++)
		while (kill(pids[i], 0) == 0)
			usleep(1000);
	alarm(0);
	close(said);
}

static void test_ends_when_told(void **state)
{
	struct process process;
	pid_t pids[FAMILY];
	int said[2];

	(void)state;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	start_family(&process, said);
	read_pids(said[0], pids);
	process_end(&process);
	for (size_t i = 0; i < FAMILY; i++)
		assert_int_equal(kill(pids[i], 0), -1);
	check_gone(said[0], pids);
}

static void test_ends_when_its_starter_is_killed(void **state)
{
	struct process process;
	pid_t starter, pids[FAMILY];
	int said[2];

	(void)state;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	starter = fork();
	if (starter == 0) {
		start_family(&process, said);
		pause();
	}
	close(said[1]);
	read_pids(said[0], pids);
	kill(starter, SIGKILL);
	waitpid(starter, NULL, 0);
	check_gone(said[0], pids);
}

static void check_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_ended_by_itself(void **state)
{
	struct engine_error err;
	struct process process;
	int said[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(start(&process, "/bin/sh", "exit 0", said, &err), 0);
	assert_int_equal(read(said[0], &byte, 1), 0);
	process_end(&process);
	check_no_child();
	close(said[0]);
}

static void test_cannot_start(void **state)
{
	struct engine_error err;
	struct process process;
	int said[2];

	(void)state;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(start(&process, "/dev/null", "", said, &err), -1);
	assert_int_equal(err.status, ENGINE_UNABLE);
	assert_string_equal(err.text, "/dev/null: Permission denied");
	check_no_child();
	close(said[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_when_told),
		cmocka_unit_test(test_ends_when_its_starter_is_killed),
		cmocka_unit_test(test_ended_by_itself),
		cmocka_unit_test(test_cannot_start),
	};

	return cmocka_run_group_tests_name("engine_process", tests, NULL, NULL);
}
