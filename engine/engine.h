/* SPDX-License-Identifier: MIT */
/*
 * Engines: what executes a domain. Each is one row of engines[]: it says
 * whether this machine has what it needs, which memory map the virtual
 * machine it makes will have (so that a plan can be made for it), and runs
 * the plan. Only this folder knows KVM, QEMU or files of domains; it uses the
 * library through <paraboot.h> alone, prints nothing and never exits.
 *
 * The way of every start:
 *
 *     engine_pick() -> engine->memory() -> pb_plan_make() -> engine->run()
 *                      ram and keep         the caller's       status and story
 *
 * Every failure is one sentence in the caller's struct engine_error, with the
 * exit status that `paraboot run` gives for it.
 */
#ifndef PB_ENGINE_H
#define PB_ENGINE_H

#include <paraboot.h>
#include <stdint.h>
#include <sys/types.h>

/* How a run ended; the numbers are the exit statuses of `paraboot run` (docs/design.md, "The command"). */
enum engine_status {
	ENGINE_POWERED_OFF = 0,
	ENGINE_BAD_INPUT = 2,
	ENGINE_UNABLE = 3, /* this machine can't: no QEMU, no memory, less RAM in the guest than planned */
	ENGINE_REBOOTED = 10,
	ENGINE_PANICKED = 11,
	ENGINE_CRASHED = 12, /* a triple fault, or the engine died under the guest */
	ENGINE_TIMED_OUT = 124,
	ENGINE_LEFT = 130, /* the user left, or a signal ended us */
};

struct engine_error {
	int status;     /* ENGINE_BAD_INPUT or ENGINE_UNABLE */
	bool output;    /* of the file that the domain is written to, and of nothing else */
	bool shortage;  /* of a host that had too little left at that moment: no fault of what was to run */
	char text[400]; /* one line, no newline */
};

/* Is that errno one of such a host: no more files, memory, processes, or room on a disk? */
bool engine_is_shortage(int code);

/* Fill err (may be NULL) and return -1: every rejection in this folder is one call of it. */
__attribute__((format(printf, 3, 4))) int engine_fail(struct engine_error *err, int status, const char *fmt, ...);

/* The same with what the library said. */
int engine_fail_pb(struct engine_error *err, const char *doing, const struct pb_error *why);

/* The most processors that each gives a guest: no host makes it more, a host of KVM may make it fewer. */
#define ENGINE_KVM_VCPUS  64
#define ENGINE_QEMU_VCPUS 255 /* of the machine pc */
#define ENGINE_XEN_VCPUS  128 /* HVM_MAX_VCPUS; and what a PV domain's keys and event channels are meant for */

enum engine_accel { ENGINE_ACCEL_AUTO, ENGINE_ACCEL_TCG, ENGINE_ACCEL_KVM };
enum engine_machine { ENGINE_MACHINE_AUTO, ENGINE_PC, ENGINE_MICROVM };

/* What the user asked of the machine; all zero is a good default but for mem_len. */
struct engine_options {
	uint64_t mem_len; /* of the guest's RAM; a multiple of 1 MiB */
	uint32_t vcpus;   /* 0: 1 */
	enum engine_accel accel;
	enum engine_machine machine;
	const char *cpu;               /* QEMU's -cpu; NULL: its own default under TCG, "host" under KVM */
	bool icount;                   /* the guest's clock counts instructions: a boot's cost repeats (TCG only) */
	const char *const *extra_args; /* for QEMU, after ours; ends with NULL; may be NULL */
	char accel_why[160];           /* settled by usable(): one line on why this accelerator, or empty */
	int output_fd;                 /* `file`: where the domain goes; an empty regular file or memfd, O_RDWR */
	const char *name;              /* `xen`: the domain's; NULL: one of our own */
	bool keep;                     /* `xen`: the domain outlives the run */
	bool paused;                   /* `xen`: it is built and kept, and does not run yet; no console */
};

/* A machine's memory map, as a plan's request wants it. */
#define ENGINE_RANGES 8
struct engine_memory {
	struct pb_range ram[ENGINE_RANGES];
	size_t nr_ram;
	struct pb_range keep[ENGINE_RANGES];
	size_t nr_keep;
	pb_gpa rsdp_gpa; /* ACPI's root pointer, for the request; 0: the machine's firmware tells */
};

/*
 * The guest's terminal. The engine never touches a terminal's mode: raw mode
 * is the caller's. typed() sees what came from in_fd before the guest does,
 * may change it in place, and returns how much of it goes on to the guest, or
 * -1: the user leaves. wrote() sees what the guest wrote, after out_fd got it.
 */
struct engine_console {
	int in_fd;  /* -1: nothing is typed */
	int out_fd; /* -1: what the guest writes is only looked at */
	ssize_t (*typed)(void *ctx, char *buf, size_t len);
	void (*wrote)(void *ctx, const char *buf, size_t len);
	void *ctx;
};

/* UEFI firmware: one file that is taken as the BIOS, or two for the machine's flash. */
struct engine_firmware {
	const char *code; /* NULL: the machine's own BIOS */
	const char *vars; /* beside code in the flash, never written; NULL: code is all */
};

/*
 * An image as it was shipped, for the machine's own firmware and loader to
 * start: what users of an image do where paraboot is not. `qemu` alone has such.
 */
struct engine_shipped {
	int image_fd;
	int initrd_fd; /* -1: none */
	const char *cmdline;
	struct engine_firmware firmware;
};

struct engine_run {
	const struct engine_options *options;
	const struct engine_memory *memory;   /* what engine->memory() said for these options */
	const pb_plan *plan;                  /* made for it */
	const struct engine_shipped *shipped; /* instead of a plan; NULL: none */
	struct engine_console console;
	uint64_t timeout_ms;                       /* 0: none */
	void (*note)(void *ctx, const char *line); /* what the engine does, for --verbose; may be NULL; console.ctx */
};

struct engine_result {
	enum engine_status status;
	char text[300];         /* how it ended, one line: "powered off", "crashed: triple fault at RIP 0x…" */
	char *registers;        /* of a crash or a timeout, several lines, or NULL; engine_result_free() */
	uint64_t total_ns;      /* from the moment that the virtual machine was started; 0 below: it never came */
	uint64_t first_byte_ns; /* to the first byte on the console */
	uint64_t init_ns;       /* to the first line of the built-in init */
	uint64_t done_ns;       /* to its last */
};
void engine_result_free(struct engine_result *result);

struct engine {
	const char *name;
	bool by_name;        /* only for whoever asks for it by its name */
	bool in_memory;      /* it places once, into memory of its own (pb_image_in_memory) */
	enum pb_ring0 ring0; /* who is below a Xen PV kernel there */
	/*
	 * 0 if this machine can run these options, whose AUTO values are then
	 * settled (memory() and run() want them so); else -1 and why not.
	 */
	int (*usable)(struct engine_options *options, struct engine_error *err);
	/* Fill the memory map of the machine that run() will make. */
	int (*memory)(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err);
	/* 0: the guest ran, and ret says how that ended; -1: it did not start. */
	int (*run)(const struct engine_run *run, struct engine_result *ret, struct engine_error *err);
};

/* In the order that auto tries them; ends with a NULL name. */
extern const struct engine engines[];

const struct engine *engine_by_name(const char *name); /* NULL: none */

/*
 * Is it usable with these options, and no loss? Not so: a KVM that interprets
 * what it should run. err says why not.
 */
bool engine_serves(const struct engine *engine, struct engine_options *options, struct engine_error *err);

/*
 * The first engine that is usable with these options and is not to be asked for
 * by its name, or NULL; err then holds the last one's reason.
 */
const struct engine *engine_pick(struct engine_options *options, struct engine_error *err);

/* ---- For the engines themselves, and for tests ------------------------- */

/* The memory map of QEMU's machines; memory.c documents every number. */
int engine_memory_map(enum engine_machine machine, uint64_t mem_len, struct engine_memory *ret,
		      struct engine_error *err);

/* Write the domain as a PVH ELF file into fd, an empty regular file or memfd open for reading and writing. */
int engine_write_domain(int fd, const pb_plan *plan, const struct engine_memory *memory, struct engine_error *err);

#endif
