/* SPDX-License-Identifier: MIT */
/* x87, SSE and AVX state: over switches, signals and fork. */
#define _GNU_SOURCE
#include "abi.h"

#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REGISTERS = 16, WIDTH = 32, PROCESSES = 4, YIELDS = 300 };
#define XFEATURES_AVX 7u
#define SW_MAGIC      0x46505853u /* of the kernel's own words in a signal's FPU state */

typedef uint8_t vectors[REGISTERS][WIDTH];

static bool has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

static void fill(vectors v, uint8_t seed)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		for (unsigned j = 0; j < WIDTH; j++)
			v[i][j] = (uint8_t)(seed * 31 + i * 7 + j);
}

#define EACH(op, size)                                                                                                 \
	op(0, size) op(1, size) op(2, size) op(3, size) op(4, size) op(5, size) op(6, size) op(7, size) op(8, size)    \
		op(9, size) op(10, size) op(11, size) op(12, size) op(13, size) op(14, size) op(15, size)
#define LOAD_AVX(n, size)  "vmovdqu " #n "*32(%[in]), %%ymm" #n "\n"
#define STORE_AVX(n, size) "vmovdqu %%ymm" #n ", " #n "*32(%[out])\n"
#define LOAD_SSE(n, size)  "movdqu " #n "*32(%[in]), %%xmm" #n "\n"
#define STORE_SSE(n, size) "movdqu %%xmm" #n ", " #n "*32(%[out])\n"

/* Loads all registers, makes a system call `times` times, and stores what they hold then: nothing comes in between. */
#define HOLD(name, load, store)                                                                                        \
	static void name(vectors in, vectors out, long nr, long a, long b, long times)                                 \
	{                                                                                                              \
		register long count __asm__("r12") = times;                                                            \
		long rax;                                                                                              \
                                                                                                                       \
		__asm__ volatile(EACH(load, 0) "1: movq %[nr], %%rax\nsyscall\ndecq %[count]\njnz 1b\n" EACH(store, 0) \
				 : [count] "+r"(count), "=&a"(rax)                                                     \
				 : [in] "r"(in), [out] "r"(out), [nr] "r"(nr), "D"(a), "S"(b)                          \
				 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",     \
				   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");      \
	}
HOLD(hold_avx, LOAD_AVX, STORE_AVX)
HOLD(hold_sse, LOAD_SSE, STORE_SSE)

/* Without AVX only the lower half of each counts. */
static bool held(uint8_t seed, long nr, long a, long b, long times)
{
	vectors in, out;

	fill(in, seed);
	memcpy(out, in, sizeof(out));
	if (has_avx())
		hold_avx(in, out, nr, a, b, times);
	else
		hold_sse(in, out, nr, a, b, times);
	return !memcmp(in, out, sizeof(in));
}

static const char *over_switches(void)
{
	pid_t pids[PROCESSES];
	int status;

	WANT(move_to(0));
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(!held((uint8_t)i, SYS_sched_yield, 0, 0, YIELDS));
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		WANT(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	return NULL;
}

/* ---- Signals ---- */

static volatile unsigned handled;
static bool frame_fits;

/* What the interrupted code had loaded lies in the frame; then all registers are trodden on. */
static void on_usr1(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	const uint8_t *fp = (const uint8_t *)u->uc_mcontext.fpregs;
	vectors wanted, other;
	uint32_t magic;

	(void)signo, (void)info;
	fill(wanted, 9);
	memcpy(&magic, fp + 464, sizeof(magic));
	frame_fits = !memcmp(fp + 160, wanted[0], 16) && !memcmp(fp + 176, wanted[1], 16) &&
		     (!has_avx() || magic == SW_MAGIC);
	handled++;
	fill(other, 77);
	if (has_avx())
		hold_avx(other, other, SYS_getppid, 0, 0, 1);
	else
		hold_sse(other, other, SYS_getppid, 0, 0, 1);
}

static const char *over_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	WANT(held(9, SYS_kill, getpid(), SIGUSR1, 20));
	WANT(handled == 20 && frame_fits);
	return NULL;
}

/* ---- The rest ---- */

static const char *control_words(void)
{
	uint32_t mxcsr = 0x5f80, got;
	uint16_t fcw = 0xc7f, cw;

	__asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(mxcsr), "m"(fcw));
	for (unsigned i = 0; i < YIELDS; i++)
		syscall(SYS_sched_yield);
	usleep(2000);
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(got), "=m"(cw));
	WANT(got == mxcsr && cw == fcw);
	return NULL;
}

static const char *x87_stack(void)
{
	double a = 1.5, b = -2.25, x, y;
	long nr = SYS_sched_yield, rax;

	for (unsigned i = 0; i < YIELDS; i++) {
		__asm__ volatile("fldl %3; fldl %4; movq %5, %%rax; syscall; fstpl %1; fstpl %0"
				 : "=m"(x), "=m"(y), "=&a"(rax)
				 : "m"(a), "m"(b), "r"(nr)
				 : "rcx", "r11", "memory");
		WANT(x == a && y == b);
	}
	return NULL;
}

/* What cpuid says is there can be used, and XCR0 says so too. */
static const char *cpuid_and_xcr0(void)
{
	uint32_t a, b, c, d, xcr0, high;

	WANT(__get_cpuid(1, &a, &b, &c, &d));
	WANT((d & bit_FXSAVE) && (d & bit_SSE2));
	if (!(c & bit_OSXSAVE))
		return c & bit_AVX ? "AVX without OSXSAVE" : NULL;
	__asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
	WANT((xcr0 & 3) == 3);
	WANT(!(c & bit_AVX) || (xcr0 & XFEATURES_AVX) == XFEATURES_AVX);
	__cpuid_count(0xd, 0, a, b, c, d);
	WANT((a & xcr0) == xcr0 && b >= 576 && b <= c);
	return NULL;
}

const struct test fpu_tests[] = {
	{ "vector registers over switches", over_switches },
	{ "vector registers over signals", over_signals },
	{ "control words over switches", control_words },
	{ "the x87 stack over switches", x87_stack },
	{ "cpuid and XCR0", cpuid_and_xcr0 },
	{ 0 },
};
