/* SPDX-License-Identifier: MIT */
/*
 * measure ROUNDS COMMAND...: runs shell commands in turn, ROUNDS times round,
 * so that whatever else the machine does falls on all of them alike, and
 * prints one line each: least and median time in ms, most memory in KiB.
 *
 * Time is from fork to exit; memory is the peak resident set of the command
 * itself, as wait4 has it. Output goes where the command says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct runs {
	double *ms;
	long max_kib;
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Once; the shell becomes the command (exec), so that memory is the command's. */
static int run(const char *command, double *ms, long *kib)
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
	*ms = now_ms() - start;
	*kib = usage.ru_maxrss;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run_all(struct runs *runs, char **commands, int count, int rounds)
{
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			long kib = 0;

			if (run(commands[i], &runs[i].ms[round], &kib) < 0) {
				fprintf(stderr, "measure: failed: %s\n", commands[i]);
				return -1;
			}
			if (kib > runs[i].max_kib)
				runs[i].max_kib = kib;
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

	struct runs *runs = calloc((size_t)count, sizeof(*runs));
	double *ms = calloc((size_t)count * (size_t)rounds, sizeof(*ms));

	if (!runs || !ms)
		return 1;
	for (int i = 0; i < count; i++)
		runs[i].ms = ms + (size_t)i * (size_t)rounds;
	if (run_all(runs, argv + 2, count, rounds) < 0)
		return 1;
	for (int i = 0; i < count; i++) {
		qsort(runs[i].ms, (size_t)rounds, sizeof(double), compare);
		printf("%.2f\t%.2f\t%ld\n", runs[i].ms[0], runs[i].ms[rounds / 2], runs[i].max_kib);
	}
	free(ms);
	free(runs);
	return 0;
}
