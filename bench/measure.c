/* SPDX-License-Identifier: MIT */
/*
 * measure ROUNDS COMMAND...: runs shell commands in turn, ROUNDS times round,
 * so that whatever else the machine does falls on all of them alike, and
 * prints one line each: least time, least CPU time (user and system), both in
 * ms, and most memory in KiB. CPU time hardly changes when the machine is busy.
 *
 * Time is from fork to exit; memory is the peak resident set of the command
 * itself; both as wait4 has them. Output goes where the command says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cost {
	double ms, cpu_ms;
	long kib;
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

/* Once; the shell becomes the command (exec), so that memory is the command's. */
static int run(const char *command, struct cost *ret)
{
	double start = now_ms();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	ret->ms = now_ms() - start;
	ret->cpu_ms = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	ret->kib = usage.ru_maxrss;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void keep_best(struct cost *best, const struct cost *once)
{
	if (once->ms < best->ms)
		best->ms = once->ms;
	if (once->cpu_ms < best->cpu_ms)
		best->cpu_ms = once->cpu_ms;
	if (once->kib > best->kib)
		best->kib = once->kib;
}

static int run_all(struct cost *best, char **commands, int count, int rounds)
{
	for (int i = 0; i < count; i++)
		best[i] = (struct cost){ .ms = HUGE_VAL, .cpu_ms = HUGE_VAL };
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			struct cost once;

			if (run(commands[i], &once) < 0) {
				fprintf(stderr, "measure: failed: %s\n", commands[i]);
				return -1;
			}
			keep_best(&best[i], &once);
		}
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, count = argc - 2;

	if (rounds < 1) {
		fprintf(stderr, "usage: measure ROUNDS COMMAND...\n");
		return 2;
	}

	struct cost *best = calloc((size_t)count, sizeof(*best));

	if (!best || run_all(best, argv + 2, count, rounds) < 0)
		return 1;
	for (int i = 0; i < count; i++)
		printf("%.2f %.2f %ld\n", best[i].ms, best[i].cpu_ms, best[i].kib);
	free(best);
	return 0;
}
