/* SPDX-License-Identifier: MIT */
/*
 * A domain's keys in xenstore. xl lists it by its name and attaches to its
 * console by the terminal that xenconsoled writes there; xenconsoled finds ring
 * and event channel there; the guest finds its services, and says there what it
 * can. Keys, owners and who may read are those that xl's domains have.
 *
 * All keys are written in one transaction, so that they are there whole or not
 * at all, and a name that is taken in between is seen; and removed in one.
 */
#include "builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 20 /* of a transaction that others were in the way of */

/* INHERITED: from the folder. DOM0: and the guest reads it. */
enum owner { INHERITED, DOM0, GUEST, GUEST_DOM0_READS };

static int fail_store(struct engine_error *err, const char *path)
{
	return engine_fail(err, ENGINE_UNABLE, "xenstore: %s: %s", path, strerror(errno));
}

void store_uuid(const xen_domain_handle_t handle, char text[UUID_LEN])
{
	const uint8_t *byte = handle;

	for (size_t i = 0, at = 0; i < sizeof(xen_domain_handle_t); i++)
		at += (size_t)snprintf(text + at, UUID_LEN - at,
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", byte[i]);
}

/* ---- Names --------------------------------------------------------------- */

static bool has_name(const struct xen_host *host, xs_transaction_t transaction, const char *domid, const char *name)
{
	char path[80];
	char *found;
	bool same;

	snprintf(path, sizeof(path), "/local/domain/%.20s/name", domid);
	found = xs_read(host->store, transaction, path, NULL);
	same = found && strcmp(found, name) == 0;
	free(found);
	return same;
}

static int check_name(const struct xen_host *host, xs_transaction_t transaction, const char *name,
		      struct engine_error *err)
{
	unsigned count = 0;
	char **domids = xs_directory(host->store, transaction, "/local/domain", &count);
	int failed = 0;

	if (!domids)
		return fail_store(err, "/local/domain");
	for (unsigned i = 0; i < count && !failed; i++)
		if (has_name(host, transaction, domids[i], name))
			failed = engine_fail(err, ENGINE_UNABLE, "name %s: domain %s has it", name, domids[i]);
	free(domids);
	return failed;
}

int store_check_name(const struct xen_host *host, const char *name, struct engine_error *err)
{
	return check_name(host, XBT_NULL, name, err);
}

/* ---- One key ------------------------------------------------------------- */

struct writer {
	const struct xen_builder *builder;
	struct xs_handle *store;
	xs_transaction_t transaction;
	struct engine_error *err;
	bool failed;
};

static bool set_owner(const struct writer *writer, const char *path, enum owner owner)
{
	const uint32_t guest = writer->builder->domid;
	struct xs_permissions by_owner[][2] = {
		[DOM0] = { { 0, XS_PERM_NONE }, { guest, XS_PERM_READ } },
		[GUEST] = { { guest, XS_PERM_NONE } },
		[GUEST_DOM0_READS] = { { guest, XS_PERM_NONE }, { 0, XS_PERM_READ } },
	};

	return xs_set_permissions(writer->store, writer->transaction, path, by_owner[owner], owner == GUEST ? 1 : 2);
}

/* The first failure stands, and nothing is written after it. A new key has its folder's owner until it is given one. */
static void put_at(struct writer *writer, const char *path, enum owner owner, const char *value)
{
	if (writer->failed)
		return;
	if (xs_write(writer->store, writer->transaction, path, value, (unsigned)strlen(value)) &&
	    (owner == INHERITED || set_owner(writer, path, owner)))
		return;
	writer->failed = true;
	fail_store(writer->err, path);
}

__attribute__((format(printf, 4, 5))) static void put(struct writer *writer, const char *key, enum owner owner,
						      const char *fmt, ...)
{
	char path[128], value[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "/local/domain/%u%s%s", writer->builder->domid, *key ? "/" : "", key);
	put_at(writer, path, owner, value);
}

/* ---- All of them --------------------------------------------------------- */

/* Those that are the same for every domain. The guest tells by its own what it can. */
static const struct {
	const char *key;
	enum owner owner;
	const char *value;
} fixed[] = {
	{ "device", INHERITED, "" },
	{ "device/suspend", INHERITED, "" },
	{ "device/suspend/event-channel", GUEST, "" },
	{ "control", INHERITED, "" },
	{ "control/shutdown", GUEST, "" },
	{ "control/feature-poweroff", GUEST, "" },
	{ "control/feature-reboot", GUEST, "" },
	{ "control/feature-suspend", GUEST, "" },
	{ "control/sysrq", GUEST, "" },
	{ "control/platform-feature-multiprocessor-suspend", INHERITED, "1" },
	{ "control/platform-feature-xs_reset_watches", INHERITED, "1" },
	{ "data", GUEST, "" },
	{ "drivers", GUEST, "" },
	{ "feature", GUEST, "" },
	{ "attr", GUEST, "" },
	{ "error", GUEST, "" },
	{ "console", INHERITED, "" },
	{ "console/backend-id", GUEST_DOM0_READS, "0" },
	{ "console/limit", INHERITED, "1048576" },
	{ "console/type", INHERITED, "xenconsoled" },
	{ "console/output", INHERITED, "pty" },
	{ "console/tty", INHERITED, "" },
};

static void put_processors(struct writer *writer)
{
	char key[40];

	put(writer, "cpu", INHERITED, "%s", "");
	for (uint32_t i = 0; i < writer->builder->vcpus; i++) {
		snprintf(key, sizeof(key), "cpu/%u", i);
		put(writer, key, INHERITED, "%s", "");
		snprintf(key, sizeof(key), "cpu/%u/availability", i);
		put(writer, key, INHERITED, "online");
	}
}

static void put_memory(struct writer *writer)
{
	unsigned long long kib = writer->builder->info.ram_len / 1024;

	put(writer, "memory", INHERITED, "%s", "");
	put(writer, "memory/static-max", INHERITED, "%llu", kib);
	put(writer, "memory/target", INHERITED, "%llu", kib);
	put(writer, "memory/videoram", INHERITED, "0");
}

/* Frames stand there in decimal. */
static void put_channels(struct writer *writer)
{
	const struct xen_builder *builder = writer->builder;

	put(writer, "store", INHERITED, "%s", "");
	put(writer, "store/port", INHERITED, "%u", builder->store_port);
	put(writer, "store/ring-ref", INHERITED, "%llu", (unsigned long long)builder->store_frame);
	put(writer, "console/backend", INHERITED, "/local/domain/0/backend/console/%u/0", builder->domid);
	put(writer, "console/port", INHERITED, "%u", builder->console_port);
	put(writer, "console/ring-ref", INHERITED, "%llu", (unsigned long long)builder->console_frame);
}

__attribute__((format(printf, 3, 4))) static void put_below(struct writer *writer, const char *folder, const char *fmt,
							    ...)
{
	char path[160], line[128];
	const char *value;
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	value = line + strcspn(line, " ");
	snprintf(path, sizeof(path), "%s/%.*s", folder, (int)(value - line), line);
	put_at(writer, path, INHERITED, *value ? value + 1 : value);
}

/* The console's other end, where dom0 has it and where xl looks up what there is to remove. */
static void put_console_end(struct writer *writer, const char *folder, enum owner owner)
{
	uint32_t domid = writer->builder->domid;

	put_at(writer, folder, owner, "");
	put_below(writer, folder, "frontend /local/domain/%u/console", domid);
	put_below(writer, folder, "frontend-id %u", domid);
	put_below(writer, folder, "online 1");
	put_below(writer, folder, "state 1");
	put_below(writer, folder, "protocol vt100");
}

/* What stands outside of the domain's home, for xl. */
static void put_elsewhere(struct writer *writer, const char *uuid)
{
	const struct xen_builder *builder = writer->builder;
	char folder[128];

	snprintf(folder, sizeof(folder), "/vm/%s", uuid);
	put_at(writer, folder, DOM0, "");
	put_below(writer, folder, "name %s", builder->name);
	put_below(writer, folder, "uuid %s", uuid);
	snprintf(folder, sizeof(folder), "/local/domain/0/backend/console/%u/0", builder->domid);
	put_console_end(writer, folder, DOM0);
	snprintf(folder, sizeof(folder), "/libxl/%u", builder->domid);
	put_below(writer, folder, "type %s", builder_is_pv(builder) ? "pv" : "pvh");
	snprintf(folder, sizeof(folder), "/libxl/%u/device/console/0", builder->domid);
	put_console_end(writer, folder, INHERITED);
	put_below(writer, folder, "backend /local/domain/0/backend/console/%u/0", builder->domid);
}

/* A key's folder comes first, with the owner that the key is to inherit. */
static int put_all(struct writer *writer)
{
	char uuid[UUID_LEN];

	store_uuid(writer->builder->handle, uuid);
	put(writer, "", DOM0, "%s", "");
	put(writer, "vm", INHERITED, "/vm/%s", uuid);
	put(writer, "name", INHERITED, "%s", writer->builder->name);
	put(writer, "domid", INHERITED, "%u", writer->builder->domid);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		put(writer, fixed[i].key, fixed[i].owner, "%s", fixed[i].value);
	put_processors(writer);
	put_memory(writer);
	put_channels(writer);
	put_elsewhere(writer, uuid);
	return writer->failed ? -1 : 0;
}

static int write_in(struct xen_builder *builder, xs_transaction_t transaction, struct engine_error *err)
{
	struct writer writer = {
		.builder = builder, .store = builder->host.store, .transaction = transaction, .err = err
	};

	return check_name(&builder->host, transaction, builder->name, err) ? -1 : put_all(&writer);
}

int store_write(struct xen_builder *builder, struct engine_error *err)
{
	struct xs_handle *store = builder->host.store;

	for (unsigned tried = 0; tried < TRIES; tried++) {
		xs_transaction_t transaction = xs_transaction_start(store);
		int failed;

		if (transaction == XBT_NULL)
			return fail_store(err, "a transaction");
		failed = write_in(builder, transaction, err);
		if (xs_transaction_end(store, transaction, failed) || failed)
			return failed;
		if (errno != EAGAIN)
			return fail_store(err, "the domain's keys");
	}
	return fail_store(err, "the domain's keys");
}

int store_introduce(struct xen_builder *builder, struct engine_error *err)
{
	if (xs_introduce_domain(builder->host.store, builder->domid, (unsigned long)builder->store_frame,
				builder->store_port))
		return 0;
	return fail_store(err, "introducing the domain");
}

/* ---- And away ------------------------------------------------------------ */

static void remove_in(const struct xen_host *host, xs_transaction_t transaction, uint32_t domid)
{
	static const char *const places[] = { "/local/domain/%u", "/libxl/%u", "/local/domain/0/backend/console/%u" };
	char path[80];
	char *vm;

	snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
	vm = xs_read(host->store, transaction, path, NULL);
	if (vm && strncmp(vm, "/vm/", 4) == 0)
		xs_rm(host->store, transaction, vm);
	free(vm);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), places[i], domid);
		xs_rm(host->store, transaction, path);
	}
}

/* As often as need be: it cannot fail but by others in the way, or by a xenstored that is gone. */
void store_remove(const struct xen_host *host, uint32_t domid)
{
	for (unsigned tried = 0; tried < TRIES; tried++) {
		xs_transaction_t transaction = xs_transaction_start(host->store);

		if (transaction == XBT_NULL)
			return;
		remove_in(host, transaction, domid);
		if (xs_transaction_end(host->store, transaction, false) || errno != EAGAIN)
			return;
	}
}

char *store_tty(const struct xen_host *host, uint32_t domid)
{
	char path[80];
	char *tty;

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
	tty = xs_read(host->store, XBT_NULL, path, NULL);
	if (tty && *tty)
		return tty;
	free(tty);
	return NULL;
}
