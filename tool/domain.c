/* SPDX-License-Identifier: MIT */
/*
 * From the options of plan and run to a plan. Both go this way, so that what
 * plan prints is what run starts.
 */
#include "domain.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/blobs.h"
#include "image.h"
#include "say.h"
#include "starts.h"
#include "tool.h"

/* ---- The command line ---------------------------------------------------- */

/* Does a word of the line begin "console="? */
static bool names_console(const char *cmdline)
{
	static const char key[] = "console=";

	for (const char *at = cmdline; (at = strstr(at, key)); at++)
		if (at == cmdline || at[-1] == ' ')
			return true;
	return false;
}

/* The user's line; a kernel that is told of no console would stay mute on the only one that there is. */
char *domain_cmdline(const char *given, enum pb_entry entry, enum pb_ring0 ring0)
{
	bool hvc = ring0 == PB_RING0_XEN || entry == PB_XEN_PV64 || entry == PB_XEN_PV32 || entry == PB_LGUEST;
	const char *line = given ? given : "";
	const char *console = hvc ? CONSOLE_ARG_XEN : CONSOLE_ARG;
	size_t len = strlen(line) + sizeof(" " CONSOLE_ARG);
	char *cmdline = must_alloc(len);

	if (names_console(line))
		snprintf(cmdline, len, "%s", line);
	else
		snprintf(cmdline, len, "%s%s%s", line, *line ? " " : "", console);
	return cmdline;
}

/* ---- Initrds -------------------------------------------------------------- */

static int open_initrd(const char *path, struct pb_blob *ret)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return complain_errno(path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return complain(path, "initrd: is not a regular file");
	}
	*ret = (struct pb_blob){ .fd = fd, .len = (uint64_t)st.st_size };
	return STATUS_OK;
}

static int open_initrds(const struct options *opt, struct domain *domain)
{
	domain->initrds = must_grow(NULL, opt->nr_initrds + 1, sizeof(*domain->initrds));
	for (size_t i = 0; i < opt->nr_initrds; i++) {
		int status = open_initrd(opt->initrds[i], &domain->initrds[i]);

		if (status != STATUS_OK)
			return status;
		domain->nr_initrds++;
	}
	return STATUS_OK;
}

/* A kernel of unknown class gets both programs in one, and says a warning if the first it tries is the other's. */
struct pb_blob domain_init(unsigned elf_class)
{
	enum guest_program program = elf_class == 64 ? GUEST_INIT64 : elf_class == 32 ? GUEST_INIT32 : GUEST_INIT_BOTH;
	struct guest_blob blob = guest_blob(program);

	return (struct pb_blob){ .mem = blob.bytes, .fd = -1, .len = blob.len };
}

static int add_builtin_init(const char *path, struct domain *domain)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	bool present;
	int status = load_kernel(path, domain->image, &kernel, &present);

	if (status != STATUS_OK)
		return status;
	domain->initrds[0] = domain_init(present ? kernel.elf_class : 0);
	domain->nr_initrds = 1;
	return STATUS_OK;
}

/* ---- The start -------------------------------------------------------------- */

/*
 * Best first. The host unpacks faster than a guest does and can place the
 * kernel anywhere; the boot protocol tells a kernel more than PVH; and real
 * mode asks a BIOS for what a plan knows already.
 */
static const struct choice {
	enum pb_entry entry;
	enum pb_unpack unpack;
} preference[] = {
	{ PB_LINUX64, PB_UNPACK_HOST },   { PB_PVH, PB_UNPACK_HOST },       { PB_LINUX32, PB_UNPACK_HOST },
	{ PB_LINUX64, PB_UNPACK_GUEST },  { PB_LINUX32, PB_UNPACK_GUEST },  { PB_LINUX16, PB_UNPACK_GUEST },
	{ PB_XEN_PV64, PB_UNPACK_HOST },  { PB_XEN_PV32, PB_UNPACK_HOST },  { PB_LGUEST, PB_UNPACK_HOST },
	{ PB_XEN_PV64, PB_UNPACK_GUEST }, { PB_XEN_PV32, PB_UNPACK_GUEST }, { PB_LGUEST, PB_UNPACK_GUEST },
	{ PB_LINUX16, PB_UNPACK_HOST },   { PB_PVH, PB_UNPACK_GUEST },
};

static bool is_wanted(const struct options *opt, const struct choice *choice)
{
	bool pv = choice->entry == PB_XEN_PV32 || choice->entry == PB_XEN_PV64;

	return (!opt->entry || opt->entry == choice->entry) && (!opt->unpack || opt->unpack == choice->unpack) &&
	       (pv || opt->ring0 == PB_RING0_PARAVISOR || opt->entry);
}

/* By the boot protocol a PV kernel needs no notes: the plan knows what it needs. */
static bool is_possible(const struct options *opt, pb_image *image, const struct choice *choice)
{
	return (opt->subarch && choice->entry == PB_XEN_PV32) ||
	       pb_image_can(image, choice->entry, choice->unpack, NULL) == 0;
}

/* Say why no wanted start is possible: by the reason of the one that would have been best. */
static int complain_no_start(const struct options *opt, pb_image *image)
{
	struct pb_error why = PB_INIT(why);

	if (opt->unpack) {
		pb_image_can(image, opt->entry ? opt->entry : PB_LINUX64, opt->unpack, &why);
	} else {
		struct starts starts = ask_starts(image, opt->entry ? opt->entry : PB_LINUX64);

		why = *starts_reason(&starts);
	}
	return complain_error(opt->image, &why);
}

/* The first wanted start that the image allows and this version can plan. */
static int make_plan(const struct options *opt, struct domain *domain)
{
	struct pb_error err = PB_INIT(err);
	int rc = -1;

	for (size_t i = 0; i < ARRAY_LEN(preference); i++) {
		const struct choice *choice = &preference[i];

		if (!is_wanted(opt, choice) || !is_possible(opt, domain->image, choice))
			continue;
		domain->request.entry = choice->entry;
		domain->request.unpack = choice->unpack;
		rc = pb_plan_make(&domain->plan, domain->image, &domain->request, &err);
		if (rc != -PB_E_NOT_BUILT)
			break;
	}
	if (rc == 0)
		return STATUS_OK;
	return err.code ? complain_error(opt->image, &err) : complain_no_start(opt, domain->image);
}

/* Everything that the request points to, then the plan. */
static int make_parts(const struct options *opt, struct domain *domain)
{
	int status = open_initrds(opt, domain);

	if (status == STATUS_OK && opt->nr_initrds == 0 && !opt->no_initrd)
		status = add_builtin_init(opt->image, domain);
	if (status != STATUS_OK)
		return status;
	domain->cmdline = domain_cmdline(opt->cmdline, opt->entry, domain->engine ? domain->engine->ring0 : opt->ring0);
	domain->request = (struct pb_request){
		.size = sizeof(domain->request),
		.cmdline = domain->cmdline,
		.initrds = domain->initrds,
		.nr_initrds = domain->nr_initrds,
		.kaslr = opt->kaslr,
		.kaslr_seed = opt->kaslr_seed,
		.vcpus = opt->vcpus,
		.flags = (opt->verbose ? PB_PARAVISOR_COUNTS : 0) | (opt->fifo_events ? PB_PARAVISOR_FIFO : 0) |
			 (opt->subarch_insist ? PB_SUBARCH_INSIST : 0),
		.subarch = opt->subarch,
		.subarch_data = opt->subarch_data,
		.fixmap_vaddr = opt->fixmap.gpa,
		.fixmap_len = opt->fixmap.len,
		.ring0 = opt->ring0,
	};
	status = domain_set_memory(opt, domain);
	return status == STATUS_OK ? make_plan(opt, domain) : status;
}

/*
 * --subarch-entry is an entry and, if none was named, a subarchitecture; an
 * engine that is Xen has ring 0, but of a PVH kernel.
 */
static int spell_out(const struct options *opt, const struct engine *engine, struct options *ret)
{
	*ret = *opt;
	if (engine && engine->ring0 == PB_RING0_XEN && opt->entry != PB_PVH)
		ret->ring0 = PB_RING0_XEN;
	if (!opt->subarch_entry)
		return STATUS_OK;
	if (opt->entry && opt->entry != PB_XEN_PV32)
		return complain("--subarch-entry", "is a way into xen-pv32, not %s", pb_entry_name(opt->entry));
	ret->entry = PB_XEN_PV32;
	return opt->subarch || pb_subarch_by_name("xen", &ret->subarch) == 0
		       ? STATUS_OK
		       : complain("--subarch-entry", "needs --subarch");
}

int domain_make(const struct options *opt, struct domain *domain)
{
	struct options spelled;
	int status = spell_out(opt, domain->engine, &spelled);

	if (status == STATUS_OK && !domain->image)
		status = open_image(opt->image, &domain->image);
	if (status == STATUS_OK && domain->engine && domain->engine->in_memory)
		pb_image_in_memory(domain->image);
	return status == STATUS_OK ? make_parts(&spelled, domain) : status;
}

void domain_release(struct domain *domain)
{
	pb_plan_close(domain->plan);
	for (size_t i = 0; i < domain->nr_initrds; i++)
		if (!domain->initrds[i].mem)
			close(domain->initrds[i].fd);
	free(domain->initrds);
	free(domain->cmdline);
	pb_image_close(domain->image);
}
