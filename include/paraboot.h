/* SPDX-License-Identifier: MIT */
/*
 * libparaboot: open an x86 kernel image, learn what it is, plan a start of
 * it, place that plan into guest memory, and get the CPU state to enter with.
 *
 * The way of every use, each step with its own handle:
 *
 *     bytes --pb_image_open--> pb_image --pb_plan_make--> pb_plan --pb_place--> guest memory
 *                                 |                          +---pb_plan_cpu--> registers
 *                                 +--pb_image_facts, _can, _note, _unpack
 *
 * The image is hostile input: each fact was range-checked when it was cut
 * out of the file, and no input makes the library read or write outside its
 * buffers, loop without bound, or allocate more than struct pb_limits says.
 * The library never prints, never exits and keeps no globals. A handle may
 * be used by one thread at a time; different handles are independent.
 *
 * Conventions
 * - A function that can fail returns 0, or a negative enum pb_code, and then
 *   has filled the caller's struct pb_error (which may be NULL). Its `ret`
 *   outputs are untouched on failure.
 * - Plain-value structs begin with their size, which the caller sets
 *   (PB_INIT does); the library reads and writes no more than that. What
 *   stands in arrays or inside another struct (ranges, blobs, segments,
 *   extents) has none and never grows.
 *   An index past the end gives -PB_E_ARG with field "index".
 * - Guest-physical addresses are pb_gpa and end in _gpa; file offsets end in
 *   _off, lengths in bytes in _len.
 * - "boot.rst" is Documentation/arch/x86/boot.rst of Linux; "gABI" the System
 *   V ABI's chapter on object files; Xen structures are those of <xen/xen.h>.
 */
#ifndef PARABOOT_H
#define PARABOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PB_API __attribute__((visibility("default")))
#else
#define PB_API
#endif

/* struct pb_facts facts = PB_INIT(facts); */
#define PB_INIT(var)                                                                                                   \
	{                                                                                                              \
		.size = sizeof(var)                                                                                    \
	}

typedef uint64_t pb_gpa; /* guest-physical address, in bytes */

typedef struct pb_image pb_image;
typedef struct pb_plan pb_plan;

/* ---- Errors ------------------------------------------------------------ */

/* Grouped by whose fault it is. Numbers are pinned; the gaps are for growth. */
enum pb_code {
	PB_OK = 0,

	/* The caller's: a wrong argument. field names it. */
	PB_E_ARG = 1,

	/* The system's or the build's. */
	PB_E_NOMEM = 20,
	PB_E_IO = 21,        /* value is errno */
	PB_E_CHANGED = 22,   /* the file got shorter while it was in use */
	PB_E_CODEC_OFF = 23, /* this build of the library lacks the codec named in field */
	PB_E_NOT_BUILT = 24, /* this version of the library cannot plan that entry yet */

	/* The file is no image of ours; field says what it looked like. */
	PB_E_FORMAT = 40,
	PB_E_MACHINE = 41,  /* an ELF or PE file, but not for x86 */
	PB_E_ELF_TYPE = 42, /* an ELF file of a type that is not executable */

	/* The image is damaged: what field says cannot be. */
	PB_E_TRUNCATED = 60,     /* [off, off+value) reaches past the end; limit: where that is, or how much is left */
	PB_E_RANGE = 61,         /* value is outside what limit allows */
	PB_E_WRAP = 62,          /* an address plus a length wraps */
	PB_E_OVERLAP = 63,       /* two segments share addresses; value is the second's */
	PB_E_CODEC = 64,         /* the codec calls the payload damaged; off: input offset */
	PB_E_CODEC_UNKNOWN = 65, /* no codec of ours begins so; value: the first 4 bytes, big-endian */
	PB_E_SIZE_CLAIM = 66,    /* the payload's output has not the claimed size */
	PB_E_TRAILING = 67,      /* bytes follow the end of the compressed stream */
	PB_E_NOTE = 68,          /* a note is malformed */
	PB_E_RELOC = 69,         /* the relocation table is malformed, or an entry leaves the kernel */
	PB_E_LIMIT = 70,         /* more than struct pb_limits allows */
	PB_E_EMPTY = 71,         /* nothing there where something must be, such as no PT_LOAD */
	PB_E_MAGIC = 72,         /* a structure lacks its magic number */

	/* The image does not allow that start (pb_image_can, pb_plan_make). */
	PB_E_PROTOCOL = 100,      /* boot protocol value is older than limit */
	PB_E_CLASS = 101,         /* kernel of class value (32, 64), the entry wants limit */
	PB_E_NO_NOTE = 102,       /* the ELF note that the entry needs is absent */
	PB_E_NOTE_VALUE = 103,    /* the note named in field says no */
	PB_E_NO_ENTRY = 104,      /* the image has no such entry point */
	PB_E_NO_PAYLOAD = 105,    /* nothing that the host could unpack, or that unpacks itself */
	PB_E_FEATURE = 106,       /* the kernel requires a feature that is never given */
	PB_E_ENTRY_OUTSIDE = 107, /* the entry point lies in no PT_LOAD */

	/* The request does not fit the image or the memory (pb_plan_make). */
	PB_E_MEMORY_MAP = 140, /* the RAM ranges overlap, wrap, are too many, or are no RAM at all */
	PB_E_NO_ROOM = 141,    /* no RAM of value bytes for field within limit; off: the largest piece that is free */
	PB_E_CMDLINE = 142,    /* the command line has value bytes, the kernel takes limit */
	PB_E_INITRD = 143,     /* the initrds' value bytes fit nowhere at or below limit; off: as above */
	PB_E_KASLR = 144,      /* the kernel cannot be moved, by the reason in field */
	PB_E_SUBARCH = 145,    /* the image cannot be asked for that subarchitecture */

	/* Placing (pb_place). */
	PB_E_NO_GUEST_MEMORY = 160, /* [value, value+limit) of a placement is in no region */
	PB_E_FRAMES = 161,          /* the map of the domain's frames is not what struct pb_frames wants */
};

struct pb_error {
	size_t size;
	int code;          /* enum pb_code */
	const char *field; /* what it is about, by the specification's name; static, never NULL after a failure */
	uint64_t value;    /* that field's value */
	uint64_t limit;    /* the limit that it broke */
	uint64_t off;      /* where in the file or the unpacked kernel, if that has a meaning; or what the code says */
};

/* One sentence for a code, without the numbers: "reaches past the end". */
PB_API const char *pb_code_text(int code);

/* The code's name, such as "PB_E_RANGE", for logs and tests. */
PB_API const char *pb_code_name(int code);

/*
 * One line, no newline: "FIELD: what is wrong (value 0x…, limit 0x…)", without
 * the numbers where the code has none. Returns its length as snprintf does.
 */
PB_API int pb_error_line(const struct pb_error *err, char *buf, size_t buf_len);

/* ---- Images ------------------------------------------------------------ */

/* Caps on what an image may make the library do; 0 means the default. */
struct pb_limits {
	size_t size;
	uint64_t unpacked_len;  /* of the unpacked kernel; default 1 GiB */
	uint64_t codec_mem_len; /* a codec's window and tables; default 256 MiB */
	uint32_t segments;      /* default 256 */
	uint32_t notes;         /* default 1024 */
};

enum pb_format { PB_BZIMAGE = 1, PB_ZIMAGE, PB_ELF, PB_COMPRESSED_ELF, PB_PE };

/*
 * Open an image. Memory is borrowed and must not change until the last
 * handle on it is closed; a file descriptor is dup'ed and only ever pread.
 * Parses the container (setup header, PE sections, ELF header), not the payload.
 * limits may be NULL.
 */
PB_API int pb_image_open_mem(pb_image **ret, const void *mem, size_t mem_len, const struct pb_limits *limits,
			     struct pb_error *err);
PB_API int pb_image_open_fd(pb_image **ret, int fd, const struct pb_limits *limits, struct pb_error *err);

/* A plan made from an image keeps it alive; NULL is fine. */
PB_API void pb_image_close(pb_image *image);

struct pb_facts {
	size_t size;
	enum pb_format format;
	uint64_t file_len;
	uint64_t image_off; /* where the image begins in the file; not 0 in a PE wrapper's .linux section */
	uint64_t image_len;

	/* zImage and bzImage; protocol is 0 for others, and then all of this is. */
	uint16_t protocol; /* 0x020f is 2.15 */
	uint16_t xloadflags;
	uint32_t setup_len; /* boot sector and setup code, in bytes */
	bool relocatable;
	uint32_t alignment; /* kernel_alignment */
	uint64_t pref_gpa;  /* pref_address */
	uint32_t init_size;
	uint32_t cmdline_max;      /* without the NUL */
	uint32_t efi_handover_off; /* 0: none */
	uint32_t efi_entry_off;    /* AddressOfEntryPoint of the PE header; 0: no PE header */
	const char *version;       /* the setup header's whole version string, or NULL; lives with the image */

	/* The compressed (or plain) payload; codec is NULL where there is none that the file tells of. */
	const char *codec;     /* "gzip" "bzip2" "lzma" "xz" "lzo" "lz4" "zstd" "none" */
	uint64_t payload_off;  /* in the file */
	uint64_t payload_len;  /* as payload_length says: with the size that the build appended */
	uint64_t unpacked_len; /* as claimed; 0: not known before it is unpacked */

	/* kernel_info (2.15): its values, or 0. */
	uint32_t kernel_info_len;
	uint32_t kernel_info_total_len;
	uint32_t setup_type_max;
};
PB_API int pb_image_facts(pb_image *image, struct pb_facts *ret);

/* Every field of the setup header that this protocol version has, in order (boot.rst, "Details of Header Fields"). */
struct pb_header_field {
	size_t size;
	const char *name;
	uint16_t off;   /* in the file's first sector and on */
	uint16_t len;   /* 1, 2, 4 or 8 */
	uint16_t since; /* protocol, 0x0200 and so on */
	uint64_t value;
};
PB_API int pb_image_header_field(pb_image *image, unsigned index, struct pb_header_field *ret);

/* The name of bit number `bit` of xloadflags, or NULL: "XLF_KERNEL_64". */
PB_API const char *pb_xloadflag_name(unsigned bit);

/*
 * The kernel inside. The first of these calls decodes the payload as far as
 * it has to (never more than once); each fails where the image has no payload
 * that the host can unpack (PB_E_NO_PAYLOAD).
 */
struct pb_kernel {
	size_t size;
	unsigned elf_class; /* 32 or 64 */
	uint64_t entry;     /* e_entry */
	unsigned segments;  /* PT_LOADs with memory */
	unsigned notes;
	pb_gpa low_gpa, high_gpa; /* of all PT_LOADs by p_paddr; high is the first byte after */
	const uint8_t *build_id;  /* or NULL; lives with the image */
	size_t build_id_len;
	uint64_t ram_len; /* the RAM that a start needs from the kernel's address on: init_size, or high - low */
};
PB_API int pb_image_kernel(pb_image *image, struct pb_kernel *ret, struct pb_error *err);

struct pb_segment {
	size_t size;
	pb_gpa gpa; /* p_paddr */
	uint64_t vaddr;
	uint64_t file_off; /* in the unpacked kernel */
	uint64_t file_len, mem_len;
	uint32_t flags; /* PF_R, PF_W, PF_X */
};
PB_API int pb_image_segment(pb_image *image, unsigned index, struct pb_segment *ret, struct pb_error *err);

enum pb_note_kind { PB_NOTE_BYTES, PB_NOTE_NUMBER, PB_NOTE_STRING };
struct pb_note {
	size_t size;
	const char *owner; /* "Xen", "Linux", "GNU"; NUL-terminated; lives with the image */
	uint32_t type;
	const char *name; /* "ENTRY", "BUILD_ID", or NULL for a type without one */
	enum pb_note_kind kind;
	uint64_t number;   /* of a PB_NOTE_NUMBER */
	const void *desc;  /* of a PB_NOTE_STRING, NUL-terminated; lives with the image */
	uint32_t desc_len; /* without that NUL */
};
PB_API int pb_image_note(pb_image *image, unsigned index, struct pb_note *ret, struct pb_error *err);

/*
 * Counts of the relocation groups behind the ELF file, or of those that the relocation sections of a vmlinux make
 * (--emit-relocs); decodes the whole payload. All 0: none there.
 */
struct pb_relocs {
	size_t size;
	uint32_t abs32, inverse32, abs64;
};
PB_API int pb_image_relocs(pb_image *image, struct pb_relocs *ret, struct pb_error *err);

/*
 * Write the whole unpacked ELF kernel, with what follows it in the payload,
 * to out_fd, from its current offset on. Zero blocks may become holes in a regular file.
 */
PB_API int pb_image_unpack(pb_image *image, int out_fd, struct pb_error *err);

/* ---- Starts ------------------------------------------------------------ */

/* How the CPU enters; docs/design.md, "Words". The numbers do not say which is best: the caller chooses. */
enum pb_entry {
	PB_LINUX16 = 1,
	PB_LINUX32,
	PB_LINUX64,
	PB_PVH,
	PB_XEN_PV32,
	PB_XEN_PV64,
	PB_LGUEST,
	PB_ENTRIES /* one past the last */
};
PB_API const char *pb_entry_name(enum pb_entry entry);   /* "linux64", or NULL */
PB_API enum pb_entry pb_entry_by_name(const char *name); /* 0: none */

enum pb_unpack { PB_UNPACK_HOST = 1, PB_UNPACK_GUEST };
PB_API const char *pb_unpack_name(enum pb_unpack unpack); /* "host", "guest" */

/*
 * Whether the image allows this start; 0, or the one reason why not. A
 * property of the image alone: neither of the machine nor of what this
 * version of the library can plan.
 */
PB_API int pb_image_can(pb_image *image, enum pb_entry entry, enum pb_unpack unpack, struct pb_error *why);

/*
 * Whom a kernel can be told that it runs on (boot.rst, hardware_subarch). Those
 * with a number have a name; others go by the number alone.
 */
PB_API const char *pb_subarch_name(uint32_t number);            /* "pc" "lguest" "xen" "intel-mid" "ce4100", or NULL */
PB_API int pb_subarch_by_name(const char *name, uint32_t *ret); /* -PB_E_ARG: no number has that name */

enum pb_serves {
	PB_SERVES_NO,
	PB_SERVES_UNKNOWN,     /* nothing in the image says so, and nothing says that it does not */
	PB_SERVES_PROTOCOL,    /* 0: what the boot protocol is about */
	PB_SERVES_FINGERPRINT, /* the kernel carries what no other does: lguest's names of its devices */
	PB_SERVES_NOTE         /* a note of the owner "paraboot" says so (docs/notes.md) */
};
/* Whether the image serves that subarchitecture, and how that is known. */
PB_API int pb_image_serves(pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err);

/* ---- Plans ------------------------------------------------------------- */

enum pb_ram_type { PB_E820_RAM = 1, PB_E820_RESERVED = 2, PB_E820_ACPI = 3, PB_E820_NVS = 4 };
struct pb_range {
	pb_gpa gpa;
	uint64_t len;
	uint32_t type; /* enum pb_ram_type; ignored in a list of ranges to keep clear */
};

/*
 * len bytes from off on: of memory, borrowed until the plan is closed; or, where mem is NULL, of a file, whose
 * descriptor is dup'ed. Those of a pipe cannot be read.
 */
struct pb_blob {
	const void *mem;
	int fd;
	uint64_t off, len;
};

struct pb_setup_data {
	uint32_t type; /* SETUP_*, boot.rst */
	const void *data;
	uint32_t len;
};

/* Who has ring 0 below a Xen PV kernel. Every other kernel has it itself. */
enum pb_ring0 { PB_RING0_PARAVISOR, PB_RING0_XEN };

#define PB_PARAVISOR_COUNTS 1u /* the paravisor, if it has ring 0, ends with its hypercall counts on the console */
#define PB_SUBARCH_INSIST                                                                                              \
	2u /* tell the kernel of the subarchitecture though the image does not say that it serves it */
#define PB_PARAVISOR_FIFO 4u /* and it offers the guest FIFO event channels, beside the two-level ones */

struct pb_request {
	size_t size;
	enum pb_entry entry;
	enum pb_unpack unpack;
	const struct pb_range *ram; /* the guest's memory map, as it will see it; any order, no overlaps */
	size_t rams;
	const struct pb_range *keep; /* RAM in which nothing may be placed: firmware's, a trampoline's */
	size_t keeps;
	const char *cmdline;           /* NULL: empty */
	const struct pb_blob *initrds; /* concatenated in order, each padded with zeros to 4 bytes */
	size_t nr_initrds;
	const struct pb_setup_data *setup_data; /* chained in order */
	size_t nr_setup_data;
	bool kaslr;          /* choose the kernel's physical and virtual base at random, */
	uint64_t kaslr_seed; /* from this: the same seed gives the same plan */
	pb_gpa rsdp_gpa;     /* ACPI's root, or 0 */
	uint8_t loader_type; /* type_of_loader; 0: Xen's for subarch 2, else undefined (0 would lose the initrd) */
	uint32_t vcpus;      /* 0: 1 */
	uint32_t flags;      /* PB_PARAVISOR_*, PB_SUBARCH_* */
	/* PB_RING0_XEN: a domain of as many pages as ram has in all; where they are, place is told (struct pb_frames).
	 */
	enum pb_ring0 ring0;
	/*
	 * hardware_subarch and its data, for entries with boot_params. PB_XEN_PV32 with one is entered by the boot
	 * protocol instead of by its notes: at e_entry, %esi = boot_params, whose data is start_info's address.
	 */
	uint32_t subarch;
	uint64_t subarch_data;
	/* Xen PV: addresses whose page tables, without pages, are to be there; length 0: those of the image's note. */
	uint64_t fixmap_vaddr, fixmap_len;
};

/*
 * Where everything goes and how the CPU enters. A pure function: writes no
 * guest memory, and the same input gives the same plan.
 */
PB_API int pb_plan_make(pb_plan **ret, pb_image *image, const struct pb_request *request, struct pb_error *err);
PB_API void pb_plan_close(pb_plan *plan);

/*
 * What an address is of: the machine, or a Xen PV domain, whose frames are
 * numbered from 0 without a gap and lie in the machine as struct pb_frames says.
 */
enum pb_space { PB_MACHINE, PB_DOMAIN };

struct pb_plan_info {
	size_t size;
	enum pb_entry entry;
	enum pb_unpack unpack;
	unsigned placements;
	pb_gpa kernel_gpa;              /* where the kernel starts at run time, after it moved itself, if it does */
	uint64_t kernel_len;            /* what it uses from there: init_size, or its segments' span; 0: unknown */
	int64_t phys_delta, virt_delta; /* how far from its linked addresses; 0 without KASLR */
	pb_gpa params_gpa;              /* boot_params, hvm_start_info or start_info */
	pb_gpa initrd_gpa;
	uint64_t initrd_len;
	pb_gpa cmdline_gpa;
	uint64_t ram_len;    /* all RAM of the request */
	enum pb_space space; /* of all these addresses */
	uint8_t loader_type; /* as boot_params has them; 0 if there are none */
	uint32_t subarch;
	uint64_t subarch_data;
};
PB_API int pb_plan_info(const pb_plan *plan, struct pb_plan_info *ret);

enum pb_kind {
	PB_KIND_KERNEL = 1,
	PB_KIND_SETUP_CODE,
	PB_KIND_BOOT_PARAMS,
	PB_KIND_SETUP_DATA,
	PB_KIND_CMDLINE,
	PB_KIND_INITRD,
	PB_KIND_PAGE_TABLES,
	PB_KIND_GDT,
	PB_KIND_START_INFO,
	PB_KIND_STACK,
	PB_KIND_RING, /* a page shared with a service: Xen PV's console and xenstore */
	PB_KIND_P2M,  /* Xen PV's list of machine frames */
	PB_KIND_PARAVISOR
};
PB_API const char *pb_kind_name(enum pb_kind kind); /* "boot_params" and so on */

/* PB_FROM_FRAMES: it holds machine frame numbers, and is made when it is placed. */
enum pb_source { PB_FROM_IMAGE = 1, PB_FROM_KERNEL, PB_FROM_PLAN, PB_FROM_INITRD, PB_FROM_ZERO, PB_FROM_FRAMES };

/* How the page tables that a PV kernel is entered with show a placement. */
enum pb_access { PB_ACCESS_NONE, PB_ACCESS_READ, PB_ACCESS_WRITE };

/* Sorted by space and gpa, disjoint, each inside RAM of the request or inside the domain. */
struct pb_placement {
	size_t size;
	pb_gpa gpa;
	uint64_t len; /* in guest memory; what source does not fill is zero */
	enum pb_kind kind;
	enum pb_source source;
	uint32_t index; /* which segment, initrd or setup_data */
	uint64_t source_off, source_len;
	enum pb_space space;
	enum pb_access access;
	uint64_t vaddr; /* where the domain sees it, if it has access */
};
PB_API int pb_plan_placement(const pb_plan *plan, unsigned index, struct pb_placement *ret);

/* The CPU at entry, in the terms of the architecture's manuals. */
enum pb_mode { PB_REAL16 = 1, PB_PROT32, PB_LONG64 };
struct pb_seg {
	uint16_t selector;
	uint16_t attr; /* type:4 s:1 dpl:2 p:1 0:4 avl:1 l:1 db:1 g:1, as in bytes 5 and 6 of a descriptor: bits 0-7 and
			  12-15 */
	uint32_t limit; /* in bytes */
	uint64_t base;
};
struct pb_cpu {
	size_t size;
	enum pb_mode mode;
	uint64_t rip, rflags;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	struct pb_seg cs, ds, es, fs, gs, ss, tr, ldt;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
	uint64_t cr0, cr3, cr4, efer;
};
/* vcpu 0 is the one that enters; others (below request.vcpus) are -PB_E_ARG: they wait for a SIPI. */
PB_API int pb_plan_cpu(const pb_plan *plan, unsigned vcpu, struct pb_cpu *ret);

/* ---- Xen PV ------------------------------------------------------------ */

/* count frames of the domain from pfn on are the machine's from mfn on. */
struct pb_extent {
	uint64_t pfn, mfn, count;
};

/* What a Xen PV domain is entered with (<xen/xen.h>, "Start-of-day memory layout"). */
struct pb_pv {
	size_t size;
	unsigned elf_class; /* 32: PAE, 64: 4-level paging */
	uint64_t nr_pages;
	uint64_t virt_base, virt_end;      /* the page tables map frame 0 and those that follow there */
	uint64_t hypercall_vaddr;          /* of the page that the hypervisor fills in, or 0 */
	uint64_t fixmap_vaddr, fixmap_len; /* whole pages of addresses that have page tables only; length 0: none */
	uint64_t hv_start;                 /* where the hypervisor's part of the address space begins */
	struct pb_cpu vcpu;                /* as the kernel is entered; cr3 is of PB_DOMAIN */

	/* start_info, but for what only the hypervisor knows. */
	uint64_t flags, pt_base, nr_pt_frames, mfn_list, mod_start, mod_len, first_p2m_pfn, nr_p2m_frames;
	uint64_t store_pfn, console_pfn; /* whose mfns it gives */
};
/* -PB_E_ARG: not a plan of a Xen PV kernel. */
PB_API int pb_plan_pv(const pb_plan *plan, struct pb_pv *ret);

/* With the paravisor the plan has chosen the domain's frames in the machine: -PB_E_ARG past the last of them. */
PB_API int pb_plan_extent(const pb_plan *plan, unsigned index, struct pb_extent *ret);

/*
 * Where the machine has gpa of that space, by those frames: what pb_place()
 * will write. *len shrinks to what follows it there in one piece; 0: nothing.
 */
PB_API pb_gpa pb_plan_locate(const pb_plan *plan, enum pb_space space, pb_gpa gpa, uint64_t *len);

/* ---- Placing ----------------------------------------------------------- */

/* The caller's memory behind a range of guest addresses. */
struct pb_ram {
	pb_gpa gpa;
	uint64_t len;
	void *host;
	uint32_t flags;
};
#define PB_RAM_ZEROED     1u /* reads as zero now: zeros need not be written */
#define PB_RAM_MAP_SEALED 2u /* pages of host may be replaced by private mappings of memory that cannot shrink */
#define PB_RAM_MAP_FILE   4u /* and of the image's own file: whoever shortens it then makes later touches SIGBUS */

/*
 * Write the plan into the caller's regions (sorted or not, disjoint, holes between them are fine). A plan for
 * PB_RING0_XEN needs pb_place_frames().
 */
PB_API int pb_place(const pb_plan *plan, const struct pb_ram *ram, size_t rams, struct pb_error *err);

/*
 * Where a hypervisor has put a PV domain's frames, and what else start_info
 * tells of it; 0 where the hypervisor itself will write that.
 */
struct pb_frames {
	size_t size;
	const struct pb_extent *extents; /* sorted by pfn, from 0 on without a gap; no machine frame twice */
	size_t nr_extents;
	uint64_t shared_info_maddr;
	uint32_t store_port, console_port; /* event channels */
};

/* Write a plan made for PB_RING0_XEN into regions that are the machine's, by machine address. */
PB_API int pb_place_frames(const pb_plan *plan, const struct pb_frames *frames, const struct pb_ram *ram, size_t rams,
			   struct pb_error *err);

/* ---- Unstable from here on: may change in any release ------------------ */

/* Whole pages of guest memory from gpa on, and where they are to be seen: in mapped memory, which they replace. */
struct pb_view {
	pb_gpa gpa;
	uint64_t len;
	void *host;
};

/* Memory that is not mapped here, or not yet: a file being written, a domain on a hypervisor. */
struct pb_mem_ops {
	size_t size;
	/* Guest memory from gpa as plain memory; *len, in bytes, may be made smaller, never 0. NULL: not there. */
	void *(*map)(void *ctx, pb_gpa gpa, uint64_t *len);
	void (*unmap)(void *ctx, void *host, pb_gpa gpa, uint64_t len);
	/*
	 * Optional. Put len bytes (whole pages) of fd from off at gpa without a copy, private to the guest;
	 * sealed: the file cannot shrink. 0 if done, else they are copied.
	 */
	int (*map_file)(void *ctx, pb_gpa gpa, uint64_t len, int fd, uint64_t off, bool sealed);
	bool zeroed;                    /* all of it reads as zero now */
	const struct pb_frames *frames; /* for a plan made for PB_RING0_XEN; gpa is then a machine address */
	/*
	 * Optional; asked once, before map(), and of a kernel alone that is unpacked in memory (below). Have these
	 * pages of guest memory at host too, in place of what is there: what is unpacked there is placed with that.
	 * They stay until the image is closed or its kernel unpacked again; once placed, the caller may map something
	 * else there. 0 if done. A payload that is damaged is then found when some of it is in the guest.
	 */
	int (*show)(void *ctx, const struct pb_view *views, size_t nr_views);
};
PB_API int pb_place_ops(const pb_plan *plan, const struct pb_mem_ops *ops, void *ctx, struct pb_error *err);

/*
 * Before anything of the image is unpacked: what is, is kept in memory in one piece, not in a memfd. That is for who
 * places it once, by pb_mem_ops with show(), and memory that maps files (map_file) has its bytes copied.
 */
PB_API void pb_image_in_memory(pb_image *image);

/*
 * A bzImage may begin with an ELF header, before its setup header. This is the
 * same file as a loader sees it that looks for ELF first: its kernel, segments and
 * notes are those of that header. PB_E_NO_ENTRY if there is none.
 */
PB_API int pb_image_open_elf_header(pb_image **ret, pb_image *image, struct pb_error *err);

/* ---- Packing: unstable, as all from here on ---- */

struct pb_pack_value {
	const char *field; /* of the setup header, by boot.rst's name; PB_E_ARG "field": value is the index here */
	uint64_t value;
};

/* A note for the ELF header. Those that name addresses are the packer's to write. */
struct pb_pack_note {
	const char *owner;
	uint32_t type;
	const void *desc;
	uint32_t desc_len;
};

/* How to pack a kernel into a bzImage of our own (docs/pack.md). */
struct pb_pack {
	size_t size;
	const char *codec;                  /* by its name in struct pb_facts; "none": a bImage */
	const char *cmdline;                /* compiled in: the kernel sees it before the loader's own; or NULL */
	bool elf;                           /* an ELF header before the setup header, with the kernel's notes */
	bool relocatable;                   /* refuse a kernel that can only run where it was linked */
	const struct pb_pack_value *values; /* setup header fields that are the packer's to choose */
	size_t nr_values;
	/* Called now and then while it takes its time, with the kernel's bytes that are encoded; or NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	const struct pb_pack_note *notes; /* with elf: beside the kernel's, and in place of those of the same type */
	size_t nr_notes;
};

/*
 * Write a bzImage with the image's kernel in it to out_fd. Everything is
 * checked, and the payload has been read back by the decoder that goes with
 * it, before the first byte is written. The same input gives the same bytes.
 */
PB_API int pb_pack_write(pb_image *image, const struct pb_pack *pack, int out_fd, struct pb_error *err);

/* A note's type by the name that struct pb_note has for it: 0, or -PB_E_ARG. */
PB_API int pb_note_type(const char *owner, const char *name, uint32_t *ret);

/* Whether this build has an encoder for that codec. */
PB_API bool pb_pack_has_codec(const char *codec);

#ifdef __cplusplus
}
#endif
#endif
