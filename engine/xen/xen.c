/* SPDX-License-Identifier: MIT */
/*
 * The engine `xen`: a domain on the hypervisor that this machine runs under,
 * built in dom0. This file is the module's row in the table of engines, and a
 * run from the sweep before it to the destruction after it; builder.h tells who
 * does the rest.
 */
#include "../module.h"
#include "../signals.h"
#include "../watch.h"
#include "builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- The ways into Xen --------------------------------------------------- */

/* What goes wrong is told in one line, ours; libxenctrl would print its own besides. */
static void say_nothing(xentoollog_logger *logger, xentoollog_level level, int errnoval, const char *context,
			const char *format, va_list al)
{
	(void)logger;
	(void)level;
	(void)errnoval;
	(void)context;
	(void)format;
	(void)al;
}

static xentoollog_logger quiet = { .vmessage = say_nothing };

/*
 * libxenstore falls back on the kernel's device where xenstored's socket refuses
 * it (whatever XS_OPEN_SOCKETONLY says), and that waits for ever if there is no xenstored.
 */
static struct xs_handle *open_store(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), refused;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", xs_daemon_socket());
	refused = fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0;
	if (fd >= 0)
		close(fd); /* errno is connect's: close() of a socket does not fail */
	return refused ? NULL : xs_open(0);
}

int xen_host_open(struct xen_host *host, struct engine_error *err)
{
	struct xen_host opened = { .control = xc_interface_open(&quiet, &quiet, XC_OPENFLAG_NON_REENTRANT) };

	if (!opened.control)
		return engine_fail(err, ENGINE_UNABLE, "no Xen here, or not its dom0: /proc/xen/privcmd: %s",
				   strerror(errno));
	opened.memory = xenforeignmemory_open(&quiet, 0);
	opened.store = opened.memory ? open_store() : NULL;
	if (!opened.store) {
		engine_fail_errno(err, opened.memory ? "xenstored does not answer" : "/dev/xen/privcmd");
		xen_host_close(&opened);
		return -1;
	}
	*host = opened;
	return 0;
}

void xen_host_close(struct xen_host *host)
{
	if (host->store)
		xs_close(host->store);
	if (host->memory)
		xenforeignmemory_close(host->memory);
	if (host->control)
		xc_interface_close(host->control);
}

/* ---- The row ------------------------------------------------------------- */

static int usable(struct engine_options *options, struct engine_error *err)
{
	struct xen_host host;

	if (options->icount)
		return engine_fail(err, ENGINE_BAD_INPUT, "icount: Xen counts no instructions");
	if (options->vcpus > ENGINE_XEN_VCPUS)
		return engine_fail(err, ENGINE_UNABLE, "%u processors: engine xen gives at most %u", options->vcpus,
				   ENGINE_XEN_VCPUS);
	if (xen_host_open(&host, err))
		return -1;
	xen_host_close(&host);
	return 0;
}

static void add(struct engine_memory *memory, pb_gpa gpa, uint64_t len, enum pb_ram_type type)
{
	if (len)
		memory->ram[memory->nr_ram++] = (struct pb_range){ gpa, len, type };
}

/* A PVH domain's; a PV domain has as many pages as there is RAM in it, wherever. */
static int memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err)
{
	uint64_t low_len = options->mem_len < PVH_LOW_END ? options->mem_len : PVH_LOW_END;
	struct engine_memory map = { .nr_ram = 0 };

	(void)err;
	add(&map, 0, low_len, PB_E820_RAM);
	add(&map, PVH_ACPI_GPA, PVH_ACPI_LEN, PB_E820_ACPI);
	add(&map, PVH_SPECIAL_GPA, PVH_SPECIAL_LEN, PB_E820_RESERVED);
	add(&map, 1ull << 32, options->mem_len - low_len, PB_E820_RAM);
	map.rsdp_gpa = PVH_ACPI_GPA;
	*ret = map;
	return 0;
}

/* ---- A run --------------------------------------------------------------- */

static int check_entry(const pb_plan *plan, struct pb_plan_info *info, struct engine_error *err)
{
	pb_plan_info(plan, info);
	if (info->entry == PB_XEN_PV64 || info->entry == PB_XEN_PV32 || info->entry == PB_PVH)
		return 0;
	return engine_fail(err, ENGINE_UNABLE, "engine xen cannot enter by %s", pb_entry_name(info->entry));
}

/* A handle of nobody's: random, as RFC 4122 wants such. */
static int make_handle(xen_domain_handle_t handle, struct engine_error *err)
{
	if (getrandom(handle, sizeof(xen_domain_handle_t), 0) != sizeof(xen_domain_handle_t))
		return engine_fail_errno(err, "a random handle");
	handle[6] = (uint8_t)((handle[6] & 0x0f) | 0x40);
	handle[8] = (uint8_t)((handle[8] & 0x3f) | 0x80);
	return 0;
}

static int prepare(struct xen_builder *builder, const struct engine_run *run, struct engine_error *err)
{
	*builder = (struct xen_builder){ .run = run,
					 .domid = NO_DOMID,
					 .vcpus = run->options->vcpus ? run->options->vcpus : 1,
					 .info = PB_INIT(builder->info),
					 .pv = PB_INIT(builder->pv) };
	if (check_entry(run->plan, &builder->info, err) || make_handle(builder->handle, err))
		return -1;
	if (builder_is_pv(builder) && pb_plan_pv(run->plan, &builder->pv) < 0)
		return engine_fail(err, ENGINE_UNABLE, "the plan tells nothing of a PV domain");
	if (run->options->name && strlen(run->options->name) >= sizeof(builder->name))
		return engine_fail(err, ENGINE_BAD_INPUT, "name: %zu bytes, and a domain's has at most %zu",
				   strlen(run->options->name), sizeof(builder->name) - 1);
	if (run->options->name)
		snprintf(builder->name, sizeof(builder->name), "%s", run->options->name);
	else
		snprintf(builder->name, sizeof(builder->name), "paraboot-%d", (int)getpid());
	return xen_host_open(&builder->host, err);
}

static void note_built(const struct xen_builder *builder, uint64_t start_ns)
{
	char line[120];

	if (!builder->run->note)
		return;
	snprintf(line, sizeof(line), "domain %u, %s, is built after %.3f s", builder->domid, builder->name,
		 (double)(watch_clock() - start_ns) / 1e9);
	builder->run->note(builder->run->console.ctx, line);
}

static unsigned interrupted(void *ctx)
{
	return signals_take(ctx);
}

/* What is to be kept stays, however its run ended, but for a domain that was never handed over. */
static int build_and_attach(struct xen_builder *builder, struct signals *signals, struct engine_result *ret,
			    struct engine_error *err)
{
	uint64_t start_ns = watch_clock();
	int failed = builder_build(builder, interrupted, signals, err);

	if (failed)
		return failed;
	note_built(builder, start_ns);
	if (builder->run->options->paused) {
		failed = builder_start(builder, err);
		snprintf(ret->text, sizeof(ret->text), "built domain %u, paused", builder->domid);
	} else {
		failed = session_attach(builder, signals, ret, err);
	}
	if (failed || !builder->run->options->keep)
		builder_destroy(builder);
	return failed;
}

static int run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err)
{
	struct xen_builder builder;
	struct engine_result result = { .status = ENGINE_POWERED_OFF };
	struct signals signals;
	int failed;

	if (prepare(&builder, run, err))
		return -1;
	signals_catch(&signals);
	mark_sweep(&builder.host);
	failed = build_and_attach(&builder, &signals, &result, err);
	builder_release(&builder);
	xen_host_close(&builder.host);
	signals_release(&signals);
	if (!failed)
		*ret = result;
	return failed;
}

__attribute__((visibility("default"))) const struct engine_module ENGINE_MODULE_SYMBOL = {
	.version = PARABOOT_VERSION,
	.options_size = sizeof(struct engine_options),
	.run_size = sizeof(struct engine_run),
	.engine = { .name = "xen",
		    .by_name = true,
		    .ring0 = PB_RING0_XEN,
		    .usable = usable,
		    .memory = memory,
		    .run = run },
};
