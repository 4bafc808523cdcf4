/* SPDX-License-Identifier: MIT */
/*
 * The engines' outlet: whatever it leads to, a reader that stalls costs an
 * EAGAIN and no sleep, nobody's flags are changed, and a reader that is gone
 * costs an error and no signal where that can be had.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <outlet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOO_LONG_S = 20, MUCH = 8 << 20 };

static char text[8192];

/* Write until it is full. A write that sleeps is ended by the alarm, and with it the test. */
static size_t fill(const struct outlet *outlet)
{
	size_t total = 0;
	ssize_t n;

	alarm(TOO_LONG_S);
	while (total < MUCH && (n = outlet_write(outlet, text, sizeof(text))) > 0)
		total += (size_t)n;
	alarm(0);
	if (total < MUCH)
		assert_int_equal(errno, EAGAIN);
	return total;
}

static void test_full_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct outlet outlet;

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	outlet = outlet_open(slave);
	assert_true(outlet.is_ours);
	assert_in_range(fill(&outlet), 1, MUCH - 1);
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	outlet_close(&outlet);
	assert_int_equal(fcntl(slave, F_GETFD), 0); /* the caller's is still open */
	close(slave);
	close(master);
}

static void test_full_socket(void **state)
{
	int pair[2];
	struct outlet outlet;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	outlet = outlet_open(pair[0]);
	assert_in_range(fill(&outlet), 1, MUCH - 1);
	close(pair[1]);
	assert_int_equal(outlet_write(&outlet, text, 1), -1);
	assert_int_equal(errno, EPIPE);
	outlet_close(&outlet);
	close(pair[0]);
}

/* After POLLOUT it takes what it is given, as far as that is no more than it promised. */
static void test_pipe(void **state)
{
	int pair[2];
	struct outlet outlet;
	struct pollfd out;
	size_t total = 0;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	outlet = outlet_open(pair[1]);
	out = (struct pollfd){ .fd = outlet.fd, .events = POLLOUT };
	alarm(TOO_LONG_S);
	while (poll(&out, 1, 0) == 1 && total < MUCH)
		total += (size_t)outlet_write(&outlet, text, sizeof(text));
	alarm(0);
	assert_in_range(total, 1, MUCH - 1);
	outlet_close(&outlet);
	close(pair[0]);
	close(pair[1]);
}

static void test_none(void **state)
{
	struct outlet outlet = outlet_open(-1);

	(void)state;
	assert_int_equal(outlet.fd, -1);
	outlet_close(&outlet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_terminal),
		cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("engine outlet", tests, NULL, NULL);
}
