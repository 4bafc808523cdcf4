/* SPDX-License-Identifier: MIT */
/*
 * The caller's side of the serial port. The caller's thread sleeps here in
 * poll() for as long as the machine runs: it moves what was typed to the UART
 * and what the guest wrote to the caller, and ends the machine at its deadline,
 * on a signal, or when its console has gone away.
 *
 * It must never sleep anywhere else, or a deadline would pass unseen.
 */
#include "../arith.h"
#include "machine.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MS       1000000ull /* in ns */
#define DRAIN_MS 1000       /* at the end, how long a slow reader may take for the guest's last words */

int console_open(struct machine *machine, struct engine_error *err)
{
	struct console *console = &machine->console;

	console->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->wake_fd < 0)
		return engine_fail_errno(err, "eventfd");
	console->outlet = outlet_open(machine->job->console.out_fd);
	console->in_open = machine->job->console.in_fd >= 0;
	pthread_cond_init(&console->room, NULL);
	return 0;
}

void console_close(struct machine *machine)
{
	struct console *console = &machine->console;

	if (console->wake_fd < 0)
		return;
	close(console->wake_fd);
	outlet_close(&console->outlet);
	pthread_cond_destroy(&console->room);
}

void console_wake(struct machine *machine)
{
	uint64_t one = 1;
	ssize_t ignored = write(machine->console.wake_fd, &one, sizeof(one));

	(void)ignored; /* full: then it is awake */
}

/* ---- The UART's side; the lock is held ---------------------------------- */

static int take(void *ctx)
{
	struct machine *machine = ctx;
	struct console *console = &machine->console;
	uint8_t byte;

	if (console->in_used == console->in_len)
		return -1;
	byte = console->in[console->in_used++];
	if (console->in_used == console->in_len)
		console_wake(machine); /* room for more */
	return byte;
}

/* Waits for room: no byte is lost to a slow reader, and only the processor that writes is held up. */
static void give(void *ctx, uint8_t byte)
{
	struct machine *machine = ctx;
	struct console *console = &machine->console;

	while (console->out_len == CONSOLE_BUFFER && !machine->ended)
		pthread_cond_wait(&console->room, &machine->lock);
	if (console->out_len == CONSOLE_BUFFER)
		return;
	console->out[(console->out_head + console->out_len) % CONSOLE_BUFFER] = byte;
	if (console->out_len++ == 0)
		console_wake(machine);
}

static void interrupt(void *ctx, bool level)
{
	machine_interrupt(ctx, level);
}

const struct uart_line console_line = { .take = take, .give = give, .interrupt = interrupt };

/* ---- The caller's side -------------------------------------------------- */

static void end(struct machine *machine, enum ending ending, const char *detail)
{
	pthread_mutex_lock(&machine->lock);
	machine_end(machine, ending, "%s", detail);
	pthread_mutex_unlock(&machine->lock);
}

static void deliver(struct machine *machine, const char *buf, size_t len)
{
	struct console *console = &machine->console;

	pthread_mutex_lock(&machine->lock);
	memcpy(console->in, buf, len);
	console->in_used = 0;
	console->in_len = len;
	uart_poke(&machine->uart);
	pthread_mutex_unlock(&machine->lock);
}

/* Only called when in[] is empty. The end of the input is not the end of the guest. */
static void read_input(struct machine *machine)
{
	const struct engine_console *caller = &machine->job->console;
	char buf[CONSOLE_BUFFER];
	ssize_t len = read(caller->in_fd, buf, sizeof(buf));

	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (len <= 0) {
		machine->console.in_open = false;
		return;
	}
	if (caller->typed)
		len = caller->typed(caller->ctx, buf, (size_t)len);
	if (len < 0)
		end(machine, ENDING_LEFT, "");
	else if (len > 0)
		deliver(machine, buf, (size_t)len);
}

/* A copy of what comes next, contiguous; it stays in out[] until it is written. */
static size_t peek_output(struct machine *machine, char buf[CONSOLE_BUFFER])
{
	struct console *console = &machine->console;
	size_t first, len;

	pthread_mutex_lock(&machine->lock);
	len = console->out_len;
	first = CONSOLE_BUFFER - console->out_head < len ? CONSOLE_BUFFER - console->out_head : len;
	memcpy(buf, console->out + console->out_head, first);
	memcpy(buf + first, console->out, len - first);
	pthread_mutex_unlock(&machine->lock);
	return len;
}

static void consume_output(struct machine *machine, size_t len)
{
	struct console *console = &machine->console;

	pthread_mutex_lock(&machine->lock);
	console->out_head = (console->out_head + len) % CONSOLE_BUFFER;
	console->out_len -= len;
	pthread_cond_broadcast(&console->room);
	pthread_mutex_unlock(&machine->lock);
}

static void write_output(struct machine *machine)
{
	const struct engine_console *caller = &machine->job->console;
	char buf[CONSOLE_BUFFER];
	size_t len = peek_output(machine, buf);
	ssize_t done = (ssize_t)len;

	if (!len)
		return;
	if (machine->console.outlet.fd >= 0)
		done = outlet_write(&machine->console.outlet, buf, len);
	if (done < 0 && errno != EINTR && errno != EAGAIN) {
		end(machine, ENDING_LEFT, "nobody reads its console");
		done = (ssize_t)len; /* nobody will ever read it */
	} else if (done > 0) {
		watch_feed(&machine->watch, buf, (size_t)done);
		if (caller->wrote)
			caller->wrote(caller->ctx, buf, (size_t)done);
	}
	if (done > 0)
		consume_output(machine, (size_t)done);
}

static void take_signal(struct machine *machine, const struct signals *signals)
{
	unsigned number = signals_take(signals);
	char detail[32];

	if (!number)
		return;
	snprintf(detail, sizeof(detail), "signal %u", number);
	end(machine, ENDING_LEFT, detail);
}

static bool wants_input(struct machine *machine)
{
	bool empty;

	pthread_mutex_lock(&machine->lock);
	empty = machine->console.in_used == machine->console.in_len;
	pthread_mutex_unlock(&machine->lock);
	return empty && machine->console.in_open;
}

static bool has_output(struct machine *machine)
{
	bool any;

	pthread_mutex_lock(&machine->lock);
	any = machine->console.out_len > 0;
	pthread_mutex_unlock(&machine->lock);
	return any;
}

/* The caller's deadline, and that of a guest that has said its last word. */
static uint64_t deadline(const struct machine *machine)
{
	return min_u64(machine->timeout_ns, machine->watch.deadline_ns);
}

static void check_deadlines(struct machine *machine)
{
	uint64_t now_ns = watch_clock();
	char detail[32];

	if (now_ns >= machine->timeout_ns) {
		snprintf(detail, sizeof(detail), "after %.1f s", (double)machine->job->timeout_ms / 1000);
		end(machine, ENDING_TIMEOUT, detail);
	} else if (now_ns >= machine->watch.deadline_ns) {
		end(machine, ENDING_GRACE, "");
	}
}

enum { WAKE, SIGNAL, IN, OUT, FDS };

/* One round: sleep until something happens, and see to it. */
static void serve(struct machine *machine, const struct signals *signals)
{
	bool output = has_output(machine);
	struct pollfd fds[FDS] = {
		[WAKE] = { .fd = machine->console.wake_fd, .events = POLLIN },
		[SIGNAL] = { .fd = signals->fd, .events = POLLIN },
		[IN] = { .fd = wants_input(machine) ? machine->job->console.in_fd : -1, .events = POLLIN },
		[OUT] = { .fd = machine->console.outlet.fd, .events = output ? POLLOUT : 0 },
	};
	int timeout = output && machine->console.outlet.fd < 0 ? 0 : watch_wait_ms(deadline(machine));
	uint64_t count;

	if (poll(fds, FDS, timeout) < 0)
		return;
	if (fds[WAKE].revents && read(fds[WAKE].fd, &count, sizeof(count)) < 0)
		return;
	if (output && (fds[OUT].revents || machine->console.outlet.fd < 0))
		write_output(machine);
	else if (fds[OUT].revents)
		end(machine, ENDING_LEFT, "nobody reads its console"); /* a guest that is silent may be so for ever */
	if (fds[IN].revents)
		read_input(machine);
	if (fds[SIGNAL].revents)
		take_signal(machine, signals);
}

/* The guest's last words, as far as the reader takes them. */
static void drain(struct machine *machine)
{
	uint64_t deadline_ns = watch_clock() + DRAIN_MS * MS;

	while (has_output(machine) && watch_wait_ms(deadline_ns) > 0) {
		struct pollfd out = { .fd = machine->console.outlet.fd, .events = POLLOUT };

		if (out.fd < 0 || poll(&out, 1, watch_wait_ms(deadline_ns)) > 0)
			write_output(machine);
	}
}

void console_serve(struct machine *machine, const struct signals *signals)
{
	while (!machine->ended) {
		serve(machine, signals);
		check_deadlines(machine);
	}
	drain(machine);
}
