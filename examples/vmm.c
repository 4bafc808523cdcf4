/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine monitor that boots a Debian bzImage on KVM, with a serial console to look at.
 * The library unpacks it, decides where everything goes, writes it, and gives the registers.
 *
 *     cc -o vmm vmm.c $(pkg-config --cflags --libs paraboot) && ./vmm IMAGE [INITRD]
 */
#define _DEFAULT_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <paraboot-kvm.h>
#include <paraboot.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEM_LEN (512ul << 20)
/* Ports. The keyboard's controller holds the reset line; of the clock Linux waits for a bit to be clear. */
enum { CLOCK = 0x71, KEYBOARD = 0x64, COM1 = 0x3f8 };

static _Alignas(4096) uint8_t mem[MEM_LEN];      /* the guest's, from address 0 on */
enum { THR, IER, IIR, LCR, MCR, LSR, MSR, SCR }; /* a 16550's registers */

static int must(int rc, const char *what)
{
	if (rc < 0)
		err(1, "%s", what);
	return rc;
}

static void must_pb(int rc, const struct pb_error *error)
{
	if (rc < 0)
		errx(1, "%s: %s", error->field, pb_code_text(error->code));
}

/* Plan a start of the image, place it, and get the CPU's state. */
static struct pb_cpu load(int image_fd, int initrd_fd)
{
	const struct pb_range ram[] = { { 0, 0xa0000, PB_E820_RAM }, { 0x100000, MEM_LEN - 0x100000, PB_E820_RAM } };
	const struct pb_ram host = { .len = MEM_LEN, .host = mem, .flags = PB_RAM_ZEROED | PB_RAM_MAP_SEALED };
	const struct pb_blob initrd = { .fd = initrd_fd, .len = (uint64_t)lseek(initrd_fd, 0, SEEK_END) };
	const struct pb_request request = { .size = sizeof(request),
					    .entry = PB_LINUX64,
					    .unpack = PB_UNPACK_HOST,
					    .ram = ram,
					    .rams = 2,
					    .cmdline = "console=ttyS0 nolapic reboot=k panic=-1",
					    .initrds = &initrd,
					    .nr_initrds = initrd_fd >= 0 };
	struct pb_error error = PB_INIT(error);
	struct pb_cpu cpu = PB_INIT(cpu);
	pb_image *image;
	pb_plan *plan;

	must_pb(pb_image_open_fd(&image, image_fd, NULL, &error), &error);
	must_pb(pb_plan_make(&plan, image, &request, &error), &error);
	must_pb(pb_place(plan, &host, 1, &error), &error);
	pb_plan_cpu(plan, 0, &cpu);
	pb_plan_close(plan);
	pb_image_close(image);
	return cpu;
}

/* Memory, 8259s, a timer. `nolapic` (above): while a local APIC masks the 8259, KVM loses interrupts for good. */
static int make_vm(int kvm)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEM_LEN, .userspace_addr = (uintptr_t)mem };
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	must(ioctl(vm, KVM_CREATE_IRQCHIP), "KVM_CREATE_IRQCHIP");
	must(ioctl(vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ .flags = KVM_PIT_SPEAKER_DUMMY }), "KVM_CREATE_PIT2");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	return vm;
}

/* One processor, which is told that it has a hypervisor: so Linux asks KVM for the time instead of measuring it. */
static int make_vcpu(int kvm, int vm, const struct pb_cpu *cpu)
{
	static uint64_t cpuid[(sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)) / 8] = { 256 };
	struct kvm_cpuid2 *list = (struct kvm_cpuid2 *)cpuid;
	int vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, list), "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < list->nent; i++)
		list->entries[i].ecx |= list->entries[i].function == 1 ? 1u << 31 : 0;
	must(ioctl(vcpu, KVM_SET_CPUID2, list), "KVM_SET_CPUID2");
	must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	pb_cpu_to_kvm(cpu, &regs, &sregs);
	must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	return vcpu;
}

/* A serial port that always has room, and so interrupts for as long as it is asked to. */
static void serial(int vm, unsigned reg, bool out, uint8_t *byte)
{
	static uint8_t regs[8] = { [LSR] = 0x60, [MSR] = 0xb0 };
	bool divisor = regs[LCR] & 0x80 && reg <= IER;

	if (!out)
		*byte = reg == THR || divisor ? 0 : reg != IIR ? regs[reg] : regs[IER] & 2 ? 2 : 1;
	else if (reg == THR && !divisor)
		must((int)write(STDOUT_FILENO, byte, 1), "console");
	else if (!divisor && reg != LSR && reg != MSR)
		regs[reg] = reg == IER ? *byte & 0xf : *byte;
	must(ioctl(vm, KVM_IRQ_LINE, &(struct kvm_irq_level){ { 4 }, (regs[IER] & 2) / 2 }), "KVM_IRQ_LINE");
}

/* Do what the guest stopped for; false: it pulled the reset line. */
static bool answer(int vm, struct kvm_run *exit)
{
	uint8_t *data = (uint8_t *)exit + exit->io.data_offset;
	bool out = exit->io.direction == KVM_EXIT_IO_OUT;

	if (exit->exit_reason == KVM_EXIT_MMIO)
		return memset(exit->mmio.data, 0xff, sizeof(exit->mmio.data)); /* nobody is there */
	if (exit->exit_reason != KVM_EXIT_IO)
		errx(2, "the guest stopped: exit reason %u", exit->exit_reason);
	if (exit->io.port >= COM1 && exit->io.port <= COM1 + SCR)
		serial(vm, exit->io.port - COM1, out, data);
	else if (!out)
		memset(data, exit->io.port == KEYBOARD || exit->io.port == CLOCK ? 0 : 0xff, exit->io.size);
	return !out || exit->io.port != KEYBOARD || *data != 0xfe;
}

static void run(int kvm, int vm, int vcpu)
{
	size_t len = (size_t)must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_run *exit = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	while (exit != MAP_FAILED && must(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN") == 0 && answer(vm, exit))
		;
}

int main(int argc, char **argv)
{
	int image_fd = must(open(argc > 1 ? argv[1] : "", O_RDONLY), "image");
	int initrd_fd = argc > 2 ? must(open(argv[2], O_RDONLY), "initrd") : -1;
	int kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	struct pb_cpu cpu = load(image_fd, initrd_fd);
	int vm = make_vm(kvm);

	run(kvm, vm, make_vcpu(kvm, vm, &cpu));
}
