/* SPDX-License-Identifier: MIT */
/*
 * Several processors: starting them, waking them, flushing their TLBs, and
 * the spin lock. A processor in ring 0 has its interrupts off, so whoever
 * spins answers flushes meanwhile.
 */
#include "asm.h"
#include "paravisor.h"

extern char ap_code[], ap_code_end[], ap_cr3[];
extern uint64_t early_cr3;
extern volatile uint32_t ap_arrived;

void lock_wait(struct lock *l);

void lock_wait(struct lock *l)
{
	do {
		flush_answer(this_vcpu());
		cpu_relax();
	} while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE));
}

volatile uint32_t flush_time = 1;

#define FLUSH_TIME_END 0xffff0000u /* from here on no flush counts as done */

/* The time first: whatever ends while the flush is going on must not seem older than it. */
void flush_tlb_local(void)
{
	if (flush_time < FLUSH_TIME_END)
		this_vcpu()->flushed = __atomic_add_fetch(&flush_time, 1, __ATOMIC_SEQ_CST);
	write_cr3(read_cr3());
}

void flush_answer(struct vcpu *v)
{
	if (!v->flush)
		return;
	flush_tlb_local();
	__atomic_store_n(&v->flush, 0, __ATOMIC_RELEASE);
}

static bool must_flush(const struct vcpu *v, uint64_t mask)
{
	return (mask >> v->id & 1) && v->online && !v->parked && v != this_vcpu();
}

void flush_tlb(uint64_t mask)
{
	struct vcpu *self = this_vcpu();

	for (unsigned i = 0; i < nr_vcpus; i++) {
		struct vcpu *v = vcpu_at(i);

		if (must_flush(v, mask) && !__atomic_exchange_n(&v->flush, 1, __ATOMIC_SEQ_CST))
			apic_ipi(v->apic_id, VEC_IPI);
	}
	if (mask >> self->id & 1)
		flush_tlb_local();
	for (unsigned i = 0; i < nr_vcpus; i++)
		while (must_flush(vcpu_at(i), mask) && vcpu_at(i)->flush) {
			flush_answer(self);
			cpu_relax();
		}
}

void flush_since(uint32_t time)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < nr_vcpus; i++)
		if (vcpu_at(i)->flushed <= time)
			mask |= 1ull << i;
	if (mask)
		flush_tlb(mask);
}

/* Make it look at its events: it may run the guest, or sleep. */
void kick(struct vcpu *v)
{
	if (v != this_vcpu() && v->online)
		apic_ipi(v->apic_id, VEC_IPI);
}

void ap_main(struct vcpu *v)
{
	cpu_init(v);
	apic_init_cpu();
	v->apic_id = apic_id();
	__atomic_store_n(&v->online, true, __ATOMIC_RELEASE);
	vcpu_wait(v);
}

static unsigned count_online(void)
{
	unsigned n = 0;

	while (n < facts.nr_vcpus && vcpu_at(n)->online)
		n++;
	return n;
}

void smp_start(void)
{
	for (unsigned i = 0; i < facts.nr_vcpus; i++)
		vcpu_at(i)->id = i;
	vcpu_at(0)->apic_id = apic_id();
	nr_vcpus = 1;
	if (facts.nr_vcpus == 1)
		return;
	memcpy(frame_va(AP_START >> PAGE_SHIFT), ap_code, (size_t)(ap_code_end - ap_code));
	*(uint32_t *)((uint8_t *)frame_va(AP_START >> PAGE_SHIFT) + (ap_cr3 - ap_code)) = (uint32_t)early_cr3;
	apic_start_others();
	for (uint64_t end = now_ns() + 1000000000; now_ns() < end && count_online() < facts.nr_vcpus;)
		cpu_relax();
	nr_vcpus = count_online();
	if (nr_vcpus < facts.nr_vcpus)
		panic("%u of %u processors came", nr_vcpus, facts.nr_vcpus);
}
