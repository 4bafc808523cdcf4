/* SPDX-License-Identifier: MIT */
/*
 * Is the host's KVM any good? There are hosts whose /dev/kvm runs ring 3 at
 * full speed but interprets ring 0 at under a million instructions a second,
 * and fails there on instructions with a VEX prefix. A kernel on such a host
 * is slower than under plain emulation, or dies.
 */
#ifndef PB_ENGINE_KVMPROBE_H
#define PB_ENGINE_KVMPROBE_H

enum kvm_quality { KVM_ABSENT, KVM_FORBIDDEN, KVM_SLOW, KVM_GOOD };

struct kvm_verdict {
	enum kvm_quality quality;
	char text[160]; /* one sentence: what was found */
};

/* Takes a few milliseconds. */
struct kvm_verdict kvm_probe(void);

#endif
