/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU's TCG that counts each instruction a guest executes, by
 * where it stands: in the paravisor, in the kernel, or below both, where
 * processes and firmware are. In the paravisor each address has a counter of
 * its own, so that `bench/run share` can tell what its functions cost.
 *
 *   qemu-system-x86_64 -plugin COUNT.so,out=FILE ...
 *
 * FILE gets `total WHERE COUNT` lines, then `at ADDRESS COUNT` ones.
 *
 * QEMU is asked to count in line: an addition of the translated code's, no
 * call. Not atomic, so with several processors in several threads (all but
 * -icount) it is an estimate. Debian's packages have no header of the plugin
 * interface; what of its version 1 is used is declared here.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "map.h"

typedef uint64_t plugin_id;
struct plugin_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum plugin_op { ADD_U64 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, enum plugin_op op, void *counter,
						uint64_t add);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id id, void *data), void *data);

/* What QEMU looks up by name. */
#define EXPORT __attribute__((visibility("default")))
extern EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);
int qemu_plugin_version = 1;

static char out_path[4096];
static uint64_t paravisor, kernel, below;
static uint64_t at[IMAGE_MAX];

static uint64_t *counter(uint64_t va)
{
	if (va - IMAGE_VA < IMAGE_MAX)
		return &at[va - IMAGE_VA];
	return va >> 63 ? &kernel : &below;
}

static void on_block(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, counter(qemu_plugin_insn_vaddr(insn)), 1);
	}
}

static void on_exit_of_qemu(plugin_id id, void *data)
{
	FILE *out = fopen(out_path, "w");

	(void)id, (void)data;
	if (!out) {
		perror(out_path);
		return;
	}
	for (size_t i = 0; i < IMAGE_MAX; i++)
		paravisor += at[i];
	fprintf(out, "total paravisor %" PRIu64 "\ntotal kernel %" PRIu64 "\ntotal below %" PRIu64 "\n", paravisor,
		kernel, below);
	for (size_t i = 0; i < IMAGE_MAX; i++)
		if (at[i])
			fprintf(out, "at %lx %" PRIu64 "\n", IMAGE_VA + i, at[i]);
	if (fclose(out))
		perror(out_path);
}

int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) || strlen(argv[0] + 4) >= sizeof(out_path)) {
		fprintf(stderr, "count: needs out=FILE\n");
		return -1;
	}
	strcpy(out_path, argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
