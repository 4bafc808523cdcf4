/* SPDX-License-Identifier: MIT */
/* Page tables at work: copies on write, moves, every top-level slot, and what other processors still have cached. */
#define _GNU_SOURCE
#include "abi.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, MANY = 2048 /* pages */, FORKS = 10, ROUNDS = 40 };

static uint64_t *anonymous(size_t len, int sharing)
{
	uint64_t *at = mmap(NULL, len, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* One word a page. */
static void mark(uint64_t *at, uint64_t seed)
{
	for (unsigned i = 0; i < MANY; i++)
		at[i * (PAGE / 8)] = seed + i;
}

static bool marked(const uint64_t *at, uint64_t seed)
{
	for (unsigned i = 0; i < MANY; i++)
		if (at[i * (PAGE / 8)] != seed + i)
			return false;
	return true;
}

static const char *copy_on_write(void)
{
	uint64_t *at = anonymous(MANY * PAGE, MAP_PRIVATE);

	WANT(at);
	mark(at, 1);
	for (unsigned i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			if (!marked(at, 1))
				_exit(1);
			mark(at, 1000 + i);
			_exit(!marked(at, 1000 + i));
		}
		at[0] = 1;
		WANT(waitpid(pid, &status, 0) == pid && status == 0 && marked(at, 1));
	}
	return NULL;
}

static const char *moved(void)
{
	uint64_t *at = anonymous(MANY * PAGE, MAP_PRIVATE), *to;

	WANT(at);
	mark(at, 5);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t *room = anonymous(MANY * PAGE, MAP_PRIVATE);

		WANT(room);
		to = mremap(at, MANY * PAGE, MANY * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
		WANT(to == room && marked(to, 5));
		at = to;
	}
	return NULL;
}

static const char *thrown_away(void)
{
	uint64_t *at = anonymous(MANY * PAGE, MAP_PRIVATE);

	WANT(at);
	mark(at, 5);
	WANT(!madvise(at, MANY * PAGE, MADV_DONTNEED));
	for (unsigned i = 0; i < MANY; i++)
		WANT(at[i * (PAGE / 8)] == 0);
	return NULL;
}

static const char *shared(void)
{
	uint64_t *at = anonymous(MANY * PAGE, MAP_SHARED);
	pid_t pid = fork();
	int status;

	WANT(at);
	if (pid == 0) {
		mark(at, 3);
		_exit(0);
	}
	WANT(waitpid(pid, &status, 0) == pid && status == 0 && marked(at, 3));
	return NULL;
}

/* A page in each slot of the top-level table that is a process's: 512 GiB apart. Twice, with all of it unmapped
 * between. */
static const char *every_slot(void)
{
	unsigned made = 0;

	for (unsigned i = 0; i < 2 * 254; i++) {
		void *want = (void *)((uint64_t)(i % 254 + 1) << 39);
		uint64_t *at = mmap(want, PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (at != want)
			continue; /* the stack's or the libraries' */
		made++;
		at[0] = i;
		if (i % 16 == 0)
			WANT(in_child(sync) == 0); /* the child has a copy of all of them */
		WANT(at[0] == i);
		if (i >= 254)
			WANT(!munmap(at, PAGE));
		else if (i % 2)
			WANT(!munmap(at, PAGE));
	}
	WANT(made > 300);
	return NULL;
}

/* The last page below the end, and a stack that grows by itself. */
static int deep(unsigned n)
{
	volatile char frame[PAGE];

	frame[0] = (char)n;
	return n ? deep(n - 1) + (frame[0] != (char)n) : 0;
}

static const char *stack_grows(void)
{
	WANT(deep(1500) == 0);
	return NULL;
}

/* ---- What other processors have cached ---- */

static volatile uint64_t *contended;
static volatile int writable, stop;

/* The writer waits here for the page to be writable again. */
static void on_segv(int signo)
{
	(void)signo;
	while (!writable && !stop)
		;
	if (stop)
		_exit(0);
}

static void *writer(void *arg)
{
	(void)arg;
	move_to(processors() - 1);
	while (!stop)
		++*contended;
	return NULL;
}

/* Once mprotect has returned, no other thread's write may come through. */
static const char *shootdown(void)
{
	pthread_t thread;

	contended = anonymous(PAGE, MAP_PRIVATE);
	WANT(contended);
	signal(SIGSEGV, on_segv);
	writable = 1;
	WANT(!pthread_create(&thread, NULL, writer, NULL));
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t before = *contended, frozen;

		while (*contended == before)
			sched_yield();
		writable = 0;
		WANT(!mprotect((void *)contended, PAGE, PROT_READ));
		frozen = *contended;
		usleep(500);
		if (*contended != frozen)
			return complain("round %u: written after mprotect", i);
		WANT(!mprotect((void *)contended, PAGE, PROT_READ | PROT_WRITE));
		writable = 1;
	}
	stop = 1;
	pthread_join(thread, NULL);
	return NULL;
}

const struct test memory_tests[] = {
	{ "copies on write", copy_on_write },
	{ "mremap", moved },
	{ "madvise: thrown away", thrown_away },
	{ "shared with a child", shared },
	{ "every slot of the top-level table", every_slot },
	{ "a stack that grows", stack_grows },
	{ "mprotect against a writer on another processor", shootdown },
	{ 0 },
};
