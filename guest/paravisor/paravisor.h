/* SPDX-License-Identifier: MIT */
/*
 * The paravisor's own words: the guest's registers, a vCPU, and what each
 * file offers the others. Ring 0 runs with interrupts off except in idle(),
 * one thread per processor, and vCPU n is for ever processor n: so a vCPU's
 * own fields need no lock, and what several share says by what it is locked.
 */
#ifndef PARAVISOR_H
#define PARAVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "guest.h"
#include "map.h"

#include <xen/errno.h>
#include <xen/vcpu.h>

__extension__ typedef unsigned __int128 u128;

#define PAGE        4096ul
#define PAGE_SHIFT  12
#define ARRAY(x)    (sizeof(x) / sizeof((x)[0]))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier()   __asm__ volatile("" ::: "memory")

#define FLAG_CF     0x1ull
#define FLAG_PF     0x4ull
#define FLAG_ZF     0x40ull
#define FLAG_SF     0x80ull
#define FLAG_TF     0x100ull
#define FLAG_IF     0x200ull
#define FLAG_OF     0x800ull
#define FLAG_IOPL   0x3000ull
#define FLAG_NT     0x4000ull
#define FLAG_RF     0x10000ull
#define FLAG_VM     0x20000ull
#define FLAG_AC     0x40000ull
#define IOPL_SHIFT  12

#define CR0_TS      8ull

#define DR6_RESET   0xffff0ff0ull
#define DR6_STEP    0x4000ull
#define DR7_RESET   0x400ull

/* Exceptions, by the processor's numbers. */
enum trap {
	TRAP_DB = 1,
	TRAP_NMI = 2,
	TRAP_BP = 3,
	TRAP_OF = 4,
	TRAP_UD = 6,
	TRAP_NM = 7,
	TRAP_DF = 8,
	TRAP_TS = 10,
	TRAP_NP = 11,
	TRAP_SS = 12,
	TRAP_GP = 13,
	TRAP_PF = 14,
	TRAP_MF = 16,
	TRAP_AC = 17,
	TRAP_MC = 18,
	TRAP_XM = 19
};

/* The guest's registers, as entry.S leaves them at the top of the stack. */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error, vector;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define PF_PRESENT 1u
#define PF_WRITE   2u
#define PF_USER    4u
#define PF_RSVD    8u
#define PF_FETCH   16u

struct shadow;

/*
 * Where a guest's handler is: its address, and in the 32-bit build the code
 * selector above bit 32.
 */
static inline uint64_t handler_at(uint16_t cs, uint64_t address)
{
	return ROOT_LEVEL == 3 && address ? (uint64_t)cs << 32 | (uint32_t)address : address;
}

static inline uint64_t handler_of(const struct trap_info *t)
{
	return handler_at(t->cs, t->address);
}

/* A selector in the innermost ring that the guest may have: 3, or 1 in the 32-bit build. Ring 0 is the paravisor's. */
static inline uint16_t guest_ring(uint64_t selector)
{
	return (uint16_t)(ROOT_LEVEL == 4 ? selector | 3 : selector & 3 ? selector : selector | 1);
}

/* A callback that the guest registered. */
struct callback {
	uint64_t rip; /* handler_at() */
	bool mask_events;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

#define NR_HYPERCALLS 64
#define TRACES        32 /* a power of two */

struct vcpu {
	/* What entry.S reads: offsets V_* in map.h. */
	uint64_t kernel_mode; /* 1: the guest's kernel runs, 0: one of its processes */
	uint64_t kernel_cr3;  /* machine addresses of the copies that run */
	uint64_t user_cr3;    /* 0: none given */
	uint64_t kernel_sp;
	uint64_t syscall_rip;
	guest_vcpu_info *info; /* in guest memory, through the direct map */
	uint64_t masks;        /* the syscall callback masks events */
	uint64_t scratch;
	uint64_t irets;    /* that entry.S did itself */
	uint64_t pf_short; /* the handler for page faults masks events, which is what entry.S can do */
	struct trap_info traps[256];

	uint32_t id, apic_id;
	volatile bool online; /* its processor is here */
	volatile bool up;     /* the guest brought it up */
	volatile bool halted; /* in idle(): an event needs an IPI */
	volatile bool polling;
	volatile bool parked;    /* in wait_up(): it runs nothing of the guest's */
	volatile bool attention; /* something below waits for it on its way out: attend() */
	volatile bool rearm;     /* another vCPU changed its timers */
	volatile bool nmi_pending;
	bool nmi_masked; /* until its next iret */
	bool initialised;
	bool info_registered;
	uint64_t fs_base, gs_base, gs_base_user; /* while it is down */
	uint16_t ds, es, fs, gs;                 /* the same of a 32-bit guest */

	struct shadow *kernel_root, *user_root;
	uint64_t kernel_mfn, user_mfn; /* the guest's own top-level tables */
	uint64_t kernel_ss;
	struct callback event, failsafe, syscall, sysenter, syscall32;
	uint32_t iopl;
	uint32_t port_bits; /* ports that port_bitmap covers */
	uint64_t port_bitmap;
	uint64_t cr0, cr4; /* as the guest believes them */
	uint64_t dr[8];
	uint64_t ldt_va;
	uint32_t ldt_ents, gdt_ents;
	uint64_t gdt_mfn[GDT_GUEST];
	uint64_t ldt_mfn[16];

	/* Time. */
	uint64_t timer_ns;  /* when VIRQ_TIMER is due; 0: never */
	uint64_t period_ns; /* 0: one shot */
	uint64_t next_period_ns;
	uint64_t poll_ns; /* when a poll ends; 0: never */
	uint64_t runstate_va;
	vcpu_runstate_info_t runstate;

	uint64_t repaired_va, repaired_rip; /* the last fault that was tried again */

	/* A TLB flush that another vCPU asks of this one: 0 none, 1 all of it; and when the last one was. */
	volatile uint32_t flush;
	volatile uint32_t flushed;

	/* The last things that happened, for the crash block. */
	struct {
		uint64_t kind, a, b;
	} traces[TRACES];
	uint32_t traced;

	struct tss tss;
	uint64_t counts[NR_HYPERCALLS];
	uint64_t privileged; /* instructions that were emulated, for they are ring 0's */
};

static inline struct vcpu *vcpu_at(unsigned id)
{
	return (struct vcpu *)(VCPUS_VA + (uint64_t)id * VCPU_SIZE);
}

static inline struct vcpu *this_vcpu(void)
{
	uint64_t sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct vcpu *)(sp & -(uint64_t)VCPU_SIZE);
}

static inline void trace(struct vcpu *v, char kind, uint64_t a, uint64_t b)
{
	unsigned i = v->traced++ % TRACES;

	v->traces[i].kind = (uint64_t)kind;
	v->traces[i].a = a;
	v->traces[i].b = b;
}

static inline struct regs *guest_regs(struct vcpu *v)
{
	return (struct regs *)((uint64_t)v + STACK_SP - sizeof(struct regs));
}

extern struct pv_facts facts;
extern unsigned nr_vcpus; /* those whose processors came */
extern guest_shared_info *shared_info;
extern uint64_t shared_info_mfn;

/* ---- Domains: the guest is number 1, and there is domain 0, which is nobody it could reach ---- */

#define OWN_DOMID 1

static inline bool is_self(uint64_t domid)
{
	return (domid & 0xffff) == DOMID_SELF || (domid & 0xffff) == OWN_DOMID;
}

static inline int domain_check(domid_t domid)
{
	return is_self(domid) ? 0 : domid == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

/* ---- lib.c: what a compiler calls, and printing on the serial port ---- */
void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
/* %s %c %d %u %x (unsigned long with l), widths with zeros; no more. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
__attribute__((format(printf, 3, 4))) int format(char *buf, size_t len, const char *fmt, ...);

/* ---- uart.c ---- */
void uart_init(void);
void uart_put(char c);
void uart_write(const char *buf, size_t len); /* whole, without another vCPU's bytes in between */
void uart_last_words(void);                   /* from here on without the lock */
int uart_get(void);                           /* -1: nothing there */

/* ---- spin locks: a waiter still answers TLB flushes (smp.c) ---- */
struct lock {
	volatile uint32_t held;
};

/* Who waits goes by entry.S, which keeps all registers: so whoever need not wait has none to save either. */
static inline void lock(struct lock *l)
{
	if (unlikely(__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)))
		__asm__ volatile("call lock_wait_saving" ::"D"(l) : "memory", "cc");
}

static inline void unlock(struct lock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* ---- boot.c: memory, once ---- */
void *boot_alloc(uint64_t pages);  /* zeroed, in the direct map; ends in a crash when the block is used up */
uint64_t boot_pages_left(void);    /* of the block */
uint64_t *boot_entry(uint64_t va); /* of the paravisor's own tables: the last level's */
void boot_map(uint64_t va, uint64_t gpa, uint64_t len, uint64_t pte_flags);
extern uint64_t *hv_root; /* a top-level table with only the paravisor's slots: idle processors run on it */
extern uint64_t max_mfn;  /* one past the machine's last RAM frame */

static inline void *frame_va(uint64_t mfn)
{
	return (void *)(DIRECT_VA + (mfn << PAGE_SHIFT));
}

static inline uint64_t va_frame(const void *va)
{
	return ((uint64_t)va - DIRECT_VA) >> PAGE_SHIFT;
}

/* ---- domain.c: the guest, once; and its first entry, on vCPU 0's stack ---- */
void guest_init(void);
void start_guest(void) __attribute__((noreturn));
void hypercall_page_fill(uint8_t *page);

/* The machine frame of a guest frame, or PV_NONE. */
uint64_t pfn_to_mfn(uint64_t pfn);
extern guest_word *m2p_table; /* the machine-to-physical table, through the direct map */

/* ---- cpu.c, asm ---- */
void cpu_init(struct vcpu *v);
void cpu_features_init(void);
void cpu_load_gdt(struct vcpu *v, unsigned ents, const uint64_t *mfns);
void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4]);
uint64_t real_cr4(const struct vcpu *v);
uint64_t guest_cr4_mask(void);
bool cpu_has_xsave(void);
bool cpu_has_tsc_aux(void);
bool xcr0_fits(uint64_t xcr0);

/* Never the guest's; and what it may give as an address at all. */
static inline bool is_paravisors(uint64_t va)
{
	return ROOT_LEVEL == 4 ? va >> HV_SHIFT == HV_TAG : va >= M2P32_VA;
}

static inline bool is_canonical(uint64_t va)
{
	return va >> 47 == 0 || va >> 47 == 0x1ffff;
}

static inline bool is_address(uint64_t va)
{
	return (ROOT_LEVEL == 3 || is_canonical(va)) && !is_paravisors(va);
}

/* ---- guest memory: copies that survive a fault ---- */
bool guest_range_seldom_ok(uint64_t va, uint64_t len);

static inline bool guest_range_ok(uint64_t va, uint64_t len)
{
	/* Nearly always it is the kernel's, above the hypervisor's part. */
	if (ROOT_LEVEL == 4 && likely(va >= HYPERVISOR_VIRT_END && len <= -va))
		return true;
	return guest_range_seldom_ok(va, len);
}
int copy_from_guest(void *to, uint64_t va, size_t len); /* 0 or -XEN_EFAULT */
int copy_to_guest(uint64_t va, const void *from, size_t len);

/* A word of a range that is the guest's; false: it is not there. */
static inline bool load_guest(uint64_t va, uint64_t *ret)
{
	__asm__ goto volatile("1:	movq (%1), %0\n"
			      "	.pushsection .extable, \"a\"\n"
			      "	.quad 1b, %l2\n"
			      "	.popsection"
			      : "=r"(*ret)
			      : "r"(va)
			      : "memory"
			      : failed);
	return true;
failed:
	return false;
}

/* ---- entry.S ---- */
__attribute__((noreturn)) void enter_guest(void);            /* with the registers at the top of the stack */
uint64_t raw_copy(void *to, const void *from, uint64_t len); /* bytes not copied; callers check the range */
int safe_rdmsr(uint32_t msr, uint64_t *ret);
int safe_wrmsr(uint32_t msr, uint64_t value);
int safe_xsetbv(uint32_t index, uint64_t value);
int safe_load_gs(uint16_t selector);
int safe_load_segment(unsigned which, uint16_t selector);             /* 0 ds, 1 es, 2 fs, 3 gs */
int safe_segment_limit(uint16_t selector, bool write, uint64_t *ret); /* 0: it is there, and may be used so */

/* ---- ring0.c; and what it asks of the guest's ABI (traps.c) ---- */
void own_interrupt(struct vcpu *v, uint32_t vector);
bool fault_mended(struct vcpu *v, uint64_t va, uint32_t error); /* of ring 0: try it again */
void iret_failed(struct vcpu *v, struct regs *g);               /* the guest cannot be entered with these */

/* ---- inject.c: true, and done ---- */
void inject(struct vcpu *v, struct regs *r, enum trap trap, uint32_t error);
bool software_interrupt(struct vcpu *v, struct regs *r);
bool is_icebp(struct vcpu *v, struct regs *r);
void call_kernel(struct vcpu *v, struct regs *r); /* a 32-bit process's system call */

/* ---- traps.c ---- */
void inject_pf(struct vcpu *v, struct regs *r, uint64_t address, uint32_t error);
/* ---- pv64/bounce.c, or pv32/bounce.c ---- */
void bounce(struct vcpu *v, struct regs *r, uint64_t rip, bool mask, const uint32_t *error);
void return_failed(struct vcpu *v, struct regs *r);
#if ROOT_LEVEL == 4
static inline bool guest_gate(const struct vcpu *v, const struct regs *r) /* it calls by syscall, which is no trap */
{
	(void)v, (void)r;
	return false;
}
#else
bool guest_gate(struct vcpu *v, struct regs *r); /* the guest came by a gate of its own: true, and done */
#endif
__attribute__((noreturn, format(printf, 2, 3))) void guest_crash(struct vcpu *v, const char *fmt, ...);

/* ---- attend.c ---- */
void short_ways(struct vcpu *v);
void attend(struct vcpu *v, struct regs *r);
void nmi_send(struct vcpu *v);
void nmi_done(struct vcpu *v);
extern bool m2p_strict;         /* vm_assist: no machine-to-physical table in a process's address space */
extern bool architectural_iopl; /* vm_assist: %rflags in the guest's frames carries its IOPL */

/* ---- emulate.c, ptwr.c: 0 done, or a reason why not, or that %rip stays where it is ---- */
enum { EMULATE_PROTECTED = 1, EMULATE_INVALID = 2, EMULATE_STAYS = 3 };
int emulate_privileged(struct vcpu *v, struct regs *r);
int emulate_forced(struct vcpu *v, struct regs *r);
int emulate_table_write(struct vcpu *v, struct regs *r, uint64_t address);

/* ---- mmu.c ---- */
#define PTE_P   1ull
#define PTE_W   2ull
#define PTE_U   4ull
#define PTE_PWT 8ull
#define PTE_PCD 0x10ull
#define PTE_A   0x20ull
#define PTE_D   0x40ull
#define PTE_PS  0x80ull
#define PTE_G   0x100ull
#define PTE_NX  (1ull << 63)
#define PTE_MFN 0x000ffffffffff000ull

/* What is known of a machine frame. */
struct frame {
	uint32_t word; /* FRAME_*, its type, and how many count on the type */
	uint32_t left; /* flush_time when a processor could last get there */
};

#define FRAME_GUEST      (1u << 31) /* the guest may map it */
#define FRAME_PINNED     (1u << 30)
#define FRAME_OWN        (1u << 29) /* the guest may map it, but it is the paravisor's: no page table may lie there */
#define FRAME_FREE       (1u << 28) /* the guest gave it back */
#define FRAME_LAST       (1u << 27) /* a level 2 that a 32-bit guest has for its last GiB */
#define FRAME_TYPE_SHIFT 24
#define FRAME_TYPES      (7u << FRAME_TYPE_SHIFT) /* a table's level, or one of these */
#define TYPE_NONE        0
#define TYPE_WRITABLE    5
#define FRAME_TYPE(word) (((word)&FRAME_TYPES) >> FRAME_TYPE_SHIFT)
#define FRAME_COUNT      0xffffffu

static inline struct frame *frame(uint64_t mfn)
{
	return (struct frame *)FRAMES_VA + mfn;
}

static inline bool frame_is_guest(uint64_t mfn)
{
	return mfn < max_mfn && (frame(mfn)->word & FRAME_GUEST);
}

/* The level of a live table, or 0. */
static inline unsigned frame_level(uint64_t mfn)
{
	uint32_t word = frame(mfn)->word;

	return (word & FRAME_COUNT) && FRAME_TYPE(word) != TYPE_WRITABLE ? FRAME_TYPE(word) : 0;
}

static inline uint64_t pte_mfn(uint64_t pte)
{
	return (pte & PTE_MFN) >> PAGE_SHIFT;
}

/* With mmu_lock held: count one more, or one less, on what a frame is. */
extern struct lock mmu_lock;
int table_get(uint64_t mfn, unsigned level);
void table_put(uint64_t mfn, unsigned level);
int table_pin(uint64_t mfn, unsigned level);
int table_unpin(uint64_t mfn);

/* Without it. */
bool frame_hold(uint64_t mfn);
void frame_release(uint64_t mfn);
bool guest_frame_fill(uint64_t mfn, unsigned offset, const void *from, size_t len); /* zeros for NULL */

/* *old: what stood there; with ENTRY_IF_OLD, what must, else -XEN_EAGAIN, and what does. */
enum entry_how { ENTRY_SET, ENTRY_KEEP_AD, ENTRY_IF_OLD };
int entry_set(uint64_t table_mfn, unsigned index, uint64_t entry, enum entry_how how, uint64_t *old);
uint64_t *walk(uint64_t root_mfn, uint64_t va, unsigned level, uint64_t *ret_mfn); /* NULL: no table there */
bool fault_is_stale(struct vcpu *v, uint64_t va, uint32_t error);

/* ---- shadow.c: the copies of top-level tables that CPUs run on ---- */
struct shadow {
	uint64_t mfn;     /* of the guest's table */
	uint64_t low_mfn; /* of a 32-bit guest: its level 2 for the last GiB */
	uint64_t cr3;     /* machine address of the copy */
	uint64_t *copy;
	uint32_t users; /* vCPUs that have it loaded or will */
	uint16_t next;  /* in its hash chain */
};
void shadow_init(void);
/* With mmu_lock held; the roots' setters take it. */
void shadow_entry(uint64_t mfn, unsigned index, uint64_t entry);
void shadow_drop(uint64_t mfn);
void shadow_last_l2_entry(uint64_t mfn, unsigned index, uint64_t entry); /* pv32/root.c */
int set_kernel_root(struct vcpu *v, uint64_t mfn);
int set_user_root(struct vcpu *v, uint64_t mfn); /* pv64/root.c, or pv32/root.c */

/* ---- smp.c ---- */
void smp_start(void);
void kick(struct vcpu *v);
void flush_tlb_local(void);
void flush_tlb(uint64_t vcpus);      /* a bit a vCPU; waits until it is done */
void flush_since(uint32_t time);     /* of all vCPUs that did not since then */
extern volatile uint32_t flush_time; /* counts flushes, but not for ever */
void flush_answer(struct vcpu *v);
void ap_main(struct vcpu *v) __attribute__((noreturn));
void vcpu_park(struct vcpu *v) __attribute__((noreturn));
void vcpu_wait(struct vcpu *v) __attribute__((noreturn));
void call_on_stack(const void *a, const void *b, uint64_t sp, void (*fn)(const void *, const void *))
	__attribute__((noreturn));

/* ---- apic.c ---- */
void apic_init(void);
void apic_init_cpu(void);
uint32_t apic_id(void);
void apic_eoi(void);
void apic_ipi(uint32_t apic_id, uint8_t vector);
void apic_start_others(void);
void apic_stop_others(void);
void apic_timer(uint64_t ns, uint64_t tsc); /* in ns, which is when the TSC says tsc; 0: off */
void apic_calibrated(uint64_t hz);
extern uint64_t apic_hz;
uint32_t apic_timer_left(void);
void apic_timer_run(void);

/* ---- clock.c: nanoseconds since the start are (TSC - start) * 2^shift * mul >> 32 ---- */
struct clock_scale {
	uint64_t start, hz;
	uint32_t mul;
	int8_t shift;
};
extern struct clock_scale clock_scale;
void time_init(void);
uint64_t now_ns(void);
uint64_t rtc_seconds(void); /* since 1970; takes a while */
void timer_arm(uint64_t at);

/* ---- time.c ---- */
void time_publish(struct vcpu *v);
void wallclock_publish(void);
void timer_set(struct vcpu *v);
void timer_fired(struct vcpu *v);
void runstate(struct vcpu *v, uint32_t state);
extern bool runstate_flagged; /* XEN_RUNSTATE_UPDATE is wanted around updates */
void timer_change(struct vcpu *v);

/* ---- events.c ---- */
#define PORT_XENSTORE 1
#define PORT_CONSOLE  2
void event_init(void);
void event_virq(struct vcpu *v, unsigned virq);
void event_raise(unsigned port);
bool event_pending(unsigned port);
static inline bool upcall_due(const struct vcpu *v)
{
	return v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask;
}

/* ---- context.c; the segments: pv64/context.c, or pv32/context.c ---- */
int vcpu_context_load(struct vcpu *v, uint64_t arg);
void vcpu_save_segments(struct vcpu *v);
void vcpu_load_segments(const struct vcpu *v); /* the guest's tables must be loaded */

/* ---- sched.c ---- */
void idle(struct vcpu *v);
uint64_t watchdog_due(void); /* 0: never */

/* ---- end.c ---- */
__attribute__((noreturn)) void machine_off(unsigned reason);

/* ---- console.c, xenstore.c, crash.c ---- */
void console_init(void *ring);
void console_kick(void);
void console_input(void);
void xenstore_init(void *ring);
void xenstore_kick(void);
__attribute__((noreturn)) void crash(const struct regs *r, const char *why);
__attribute__((noreturn, format(printf, 1, 2))) void panic(const char *fmt, ...);
void print_regs(const struct regs *r);

/* ---- hypercall.c: one row a number; one file a group ---- */
typedef long hypercall_fn(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
hypercall_fn hc_set_trap_table, hc_mmu_update, hc_set_gdt, hc_stack_switch, hc_set_callbacks, hc_fpu_taskswitch,
	hc_set_debugreg, hc_get_debugreg, hc_update_descriptor, hc_memory_op, hc_multicall, hc_update_va_mapping,
	hc_set_timer_op, hc_xen_version, hc_console_io, hc_grant_table_op, hc_vm_assist, hc_iret, hc_vcpu_op,
	hc_set_segment_base, hc_mmuext_op, hc_nmi_op, hc_sched_op, hc_callback_op, hc_event_channel_op, hc_physdev_op,
	hc_xenpmu_op, hc_sched_op_compat, hc_event_channel_op_compat, hc_physdev_op_compat,
	hc_update_va_mapping_otherdomain, hc_denied, hc_platform_op, hc_sysctl, hc_domctl, hc_dm_op;
hypercall_fn hc32_set_callbacks, hc32_update_descriptor, hc32_update_va_mapping, hc32_update_va_mapping_otherdomain,
	hc32_set_timer_op; /* pv32/calls.c */
long hypercall(struct vcpu *v, uint64_t nr, const uint64_t args[5]);
void hypercall_counts(void);

/* ---- descriptor.c: the GDT and LDT that the processor reads are the paravisor's copies ---- */
static inline uint64_t *gdt_of(const struct vcpu *v)
{
	return (uint64_t *)(TABLES_VA + v->id * (uint64_t)TABLES_SIZE);
}

static inline uint64_t *ldt_of(const struct vcpu *v)
{
	return (uint64_t *)(TABLES_VA + v->id * (uint64_t)TABLES_SIZE + LDT_OFF);
}
bool descriptor_admit(uint64_t *desc);
uint64_t segment_base(const struct vcpu *v, uint16_t selector); /* of a segment of 32-bit code */
bool segment_is_64(const struct vcpu *v, uint16_t selector);    /* its code is 64-bit */

/* Where the instruction at %cs:%rip lies. */
static inline uint64_t code_va(const struct vcpu *v, const struct regs *r)
{
	return ROOT_LEVEL == 4 ? r->rip : (uint32_t)(segment_base(v, (uint16_t)r->cs) + r->rip);
}

/* ---- segment.c ---- */
int segment_load_gdt(struct vcpu *v, const uint64_t *mfns, unsigned ents);
int segment_fault(struct vcpu *v, uint64_t *va, uint32_t error);
int segment_load_ldt(struct vcpu *v, uint64_t va, unsigned ents);

/* ---- callback.c ---- */
long set_callback(struct vcpu *v, unsigned type, uint64_t handler, bool mask);

/* ---- grant.c, version.c, memory.c ---- */
void grant_init(void);

#endif
