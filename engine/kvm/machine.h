/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine of one run, and who does what in it:
 *
 *   kvm.c      the engine: checks this host, makes a machine, tells how it ended
 *   machine.c  the VM, its memory, its processors' threads, its end
 *   vcpu.c     one processor: its state at entry, its thread, what it exits for
 *   cpuid.c    what the processors say of themselves
 *   bus.c      which device answers at which port
 *   uart.c cmos.c power.c     the devices
 *   ../acpi.c mptable.c       the tables that describe them
 *   console.c  the caller's side of the serial port
 *   crash.c    where the processors were, in words
 *
 * Threads: one for each processor, and the caller's own, which serves the
 * console, the clock and signals. One lock guards all devices and the end;
 * a processor takes it for each exit. After the first call of machine_end()
 * every processor leaves KVM_RUN and its thread ends.
 */
#ifndef PB_KVM_MACHINE_H
#define PB_KVM_MACHINE_H

#include "../internal.h"
#include "../outlet.h"
#include "../signals.h"
#include "../watch.h"
#include "cmos.h"
#include "uart.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#define MACHINE_VCPUS ENGINE_KVM_VCPUS

struct machine;

struct vcpu {
	struct machine *machine;
	unsigned index;
	int fd;
	struct kvm_run *run; /* shared with the host's kernel */
	pthread_t thread;
	bool running;      /* there is a thread to kick and to join */
	uint64_t seen_rip; /* at its last exit but a triple fault; 0: none, or this KVM does not tell */
};

/* The way between the serial port and the caller's console. */
#define CONSOLE_BUFFER 4096
struct console {
	int wake_fd;          /* an eventfd: the guest wrote, wants input, or the machine ended */
	struct outlet outlet; /* to the caller */
	bool in_open;
	pthread_cond_t room; /* in out[] */
	uint8_t in[CONSOLE_BUFFER], out[CONSOLE_BUFFER];
	size_t in_used, in_len; /* in[in_used..in_len) is still to be taken */
	size_t out_head, out_len;
};

/* PM1 and the rest of what turns a PC off or resets it. */
struct power {
	uint8_t enable[2];
	uint8_t control;
};

struct machine {
	const struct engine_run *job;
	int kvm_fd, vm_fd;
	size_t run_len; /* of a vcpu's run */
	struct pb_ram ram[2];
	size_t rams;
	struct vcpu vcpus[MACHINE_VCPUS];
	unsigned nr_vcpus;

	pthread_mutex_t lock;
	struct uart uart;
	struct cmos cmos;
	struct power power;
	struct console console;

	struct watch watch;  /* the caller's thread's alone */
	uint64_t timeout_ns; /* of CLOCK_MONOTONIC; UINT64_MAX: none */

	atomic_bool ended;
	enum ending ending;
	char detail[200];
};

/* Everything up to the first instruction. On failure nothing is left. */
int machine_create(struct machine *machine, const struct engine_run *job, struct engine_error *err);
void machine_destroy(struct machine *machine);

int machine_start(struct machine *machine, struct engine_error *err);
void machine_join(struct machine *machine);

/* The first call says how the machine ended; later ones change nothing. The caller holds the lock. */
__attribute__((format(printf, 3, 4))) void machine_end(struct machine *machine, enum ending ending, const char *fmt,
						       ...);

/* Guest memory from gpa on, at most *len bytes of it, or NULL. The one place that turns guest addresses into pointers.
 */
void *machine_memory(const struct machine *machine, pb_gpa gpa, uint64_t *len);

/* The serial port's line to the interrupt controllers. */
void machine_interrupt(struct machine *machine, bool level);

/* vcpu.c */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned index, struct engine_error *err);
void vcpu_destroy(struct vcpu *vcpu);
void *vcpu_thread(void *vcpu);

/* cpuid.c */
int cpuid_set(const struct vcpu *vcpu, struct engine_error *err);

/* How many bits a guest-physical address may have on this host. */
unsigned cpuid_physical_bits(int kvm_fd);

/* bus.c: one access of a guest to a port, in bytes; the lock is held. */
uint8_t bus_read(struct machine *machine, uint16_t port);
void bus_write(struct machine *machine, uint16_t port, uint8_t value);

/* power.c */
uint8_t pm1_status_read(struct machine *machine, unsigned reg);
void pm1_status_write(struct machine *machine, unsigned reg, uint8_t value);
uint8_t pm1_enable_read(struct machine *machine, unsigned reg);
void pm1_enable_write(struct machine *machine, unsigned reg, uint8_t value);
uint8_t pm1_control_read(struct machine *machine, unsigned reg);
void pm1_control_write(struct machine *machine, unsigned reg, uint8_t value);
uint8_t kbc_read(struct machine *machine, unsigned reg);
void kbc_write(struct machine *machine, unsigned reg, uint8_t value);
void kbc_command(struct machine *machine, unsigned reg, uint8_t value);
uint8_t system_a_read(struct machine *machine, unsigned reg);
void system_a_write(struct machine *machine, unsigned reg, uint8_t value);
uint8_t reset_read(struct machine *machine, unsigned reg);
void reset_write(struct machine *machine, unsigned reg, uint8_t value);

/* console.c */
int console_open(struct machine *machine, struct engine_error *err);
void console_close(struct machine *machine);
/* Serve the console until the machine has ended, and end it at the deadline or on a signal. */
void console_serve(struct machine *machine, const struct signals *signals);
void console_wake(struct machine *machine); /* out of console_serve()'s sleep */
extern const struct uart_line console_line;

/* crash.c: the registers of every processor, in several lines, from malloc(), or NULL. All threads have ended. */
char *crash_describe(const struct machine *machine);

#endif
