/* SPDX-License-Identifier: MIT */
/*
 * Live page tables are mapped read-only in the guest, and its kernel writes
 * to them all the same (a fork write-protects each entry with an `and`): the
 * write faults, and is done here, through the same checks as mmu_update. The
 * address is the fault's, so only the operation, its register or immediate
 * operand and the instruction's length are decoded.
 */
#include "insn.h"

enum op { OP_NONE, OP_MOV, OP_XCHG, OP_CMPXCHG, OP_CMPXCHG8B, OP_AND, OP_OR, OP_XOR, OP_BTS, OP_BTR, OP_BTC };

struct write {
	enum op op;
	unsigned bytes; /* of the operand */
	unsigned len;   /* of the instruction */
	uint64_t *reg;  /* NULL: imm */
	uint64_t imm;
	unsigned high; /* 8: the register is ah..bh */
};

static uint64_t immediate(struct insn *c, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)insn_next(c) << (8 * i);
	return bytes == 8 ? value : (uint64_t)((int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes));
}

/* Skip what of the memory operand follows the ModRM byte. */
static void skip_memory(struct insn *c, uint8_t modrm)
{
	unsigned mod = modrm >> 6, base = modrm & 7;

	if (base == 4)
		base = insn_next(c) & 7;
	else if (mod == 0 && base == 5)
		base = 5; /* relative to rip: 4 bytes, as below */
	if (mod == 1)
		insn_next(c);
	else if (mod == 2 || (mod == 0 && base == 5))
		c->at += 4;
}

/* Rows by opcode: what it does, whether byte sized, and where its operand is. */
enum operand { FROM_REG, FROM_IMM8, FROM_IMM, FROM_PAIR };
static const struct opcode {
	uint8_t two, code, sub; /* sub: ModRM's reg field, or 8 for any */
	uint8_t op, byte, operand;
} opcodes[] = {
	/* the most frequent first */
	{ 0, 0x87, 8, OP_XCHG, 0, FROM_REG },       { 0, 0x80, 4, OP_AND, 1, FROM_IMM8 },
	{ 1, 0xb1, 8, OP_CMPXCHG, 0, FROM_REG },    { 0, 0x89, 8, OP_MOV, 0, FROM_REG },
	{ 0, 0xc7, 0, OP_MOV, 0, FROM_IMM },        { 1, 0xba, 6, OP_BTR, 0, FROM_IMM8 },
	{ 0, 0x88, 8, OP_MOV, 1, FROM_REG },        { 0, 0xc6, 0, OP_MOV, 1, FROM_IMM8 },
	{ 0, 0x86, 8, OP_XCHG, 1, FROM_REG },       { 0, 0x08, 8, OP_OR, 1, FROM_REG },
	{ 0, 0x09, 8, OP_OR, 0, FROM_REG },         { 0, 0x20, 8, OP_AND, 1, FROM_REG },
	{ 0, 0x21, 8, OP_AND, 0, FROM_REG },        { 0, 0x30, 8, OP_XOR, 1, FROM_REG },
	{ 0, 0x31, 8, OP_XOR, 0, FROM_REG },        { 0, 0x80, 1, OP_OR, 1, FROM_IMM8 },
	{ 0, 0x80, 6, OP_XOR, 1, FROM_IMM8 },       { 0, 0x81, 1, OP_OR, 0, FROM_IMM },
	{ 0, 0x81, 4, OP_AND, 0, FROM_IMM },        { 0, 0x81, 6, OP_XOR, 0, FROM_IMM },
	{ 0, 0x83, 1, OP_OR, 0, FROM_IMM8 },        { 0, 0x83, 4, OP_AND, 0, FROM_IMM8 },
	{ 0, 0x83, 6, OP_XOR, 0, FROM_IMM8 },       { 1, 0xb0, 8, OP_CMPXCHG, 1, FROM_REG },
	{ 1, 0xba, 5, OP_BTS, 0, FROM_IMM8 },       { 1, 0xba, 7, OP_BTC, 0, FROM_IMM8 },
	{ 1, 0xc7, 1, OP_CMPXCHG8B, 0, FROM_PAIR },
};

static const struct opcode *find(bool two, uint8_t code, uint8_t modrm)
{
	for (unsigned i = 0; i < ARRAY(opcodes); i++)
		if (opcodes[i].two == two && opcodes[i].code == code &&
		    (opcodes[i].sub == 8 || opcodes[i].sub == (modrm >> 3 & 7)))
			return &opcodes[i];
	return NULL;
}

/* edx:eax, ecx:ebx */
static uint64_t pair(uint64_t high, uint64_t low)
{
	return high << 32 | (uint32_t)low;
}

/* `mov` of the accumulator to an address in the instruction, as compilers write to a table that they know the place of.
 */
static bool decode_absolute(struct regs *r, struct insn *c, uint8_t code, struct write *w)
{
	const unsigned address = ROOT_LEVEL == 3 ? 4 : 8;

	c->at += c->address_small ? address / 2 : address;
	w->op = OP_MOV;
	w->bytes = !(code & 1) ? 1 : c->rex & 8 ? 8 : c->small ? 2 : 4;
	w->reg = &r->rax;
	w->len = c->at;
	return c->at <= c->len;
}

static bool decode(struct regs *r, struct insn *c, struct write *w)
{
	uint8_t code = insn_opcode(c), modrm;
	bool two = code == 0x0f;
	const struct opcode *o;
	unsigned reg;

	if ((code & 0xfe) == 0xa2)
		return decode_absolute(r, c, code, w);
	if (two)
		code = insn_next(c);
	modrm = insn_next(c);
	o = find(two, code, modrm);
	if (!o || modrm >> 6 == 3)
		return false;
	skip_memory(c, modrm);
	reg = (modrm >> 3 & 7) | (c->rex & 4) << 1;
	w->op = o->op;
	w->bytes = o->byte ? 1 : c->rex & 8 || o->operand == FROM_PAIR ? 8 : c->small ? 2 : 4;
	w->high = o->byte && !c->rex && reg >= 4 ? 8 : 0;
	w->reg = o->operand == FROM_REG ? insn_gpr(r, w->high ? reg - 4 : reg) : NULL;
	if (o->operand == FROM_IMM8)
		w->imm = immediate(c, 1);
	else if (o->operand == FROM_IMM)
		w->imm = immediate(c, w->bytes == 2 ? 2 : 4);
	else if (o->operand == FROM_PAIR)
		w->imm = pair(r->rcx, r->rbx);
	w->len = c->at;
	return c->at <= c->len && (o->operand != FROM_PAIR || !(c->rex & 8)); /* cmpxchg16b: too wide */
}

/* ---- The operation ---- */

static uint64_t mask_of(unsigned bytes)
{
	return bytes == 8 ? UINT64_MAX : (1ull << (8 * bytes)) - 1;
}

static void set_reg(uint64_t *reg, uint64_t value, unsigned bytes, unsigned high)
{
	uint64_t mask = bytes == 4 ? UINT64_MAX : mask_of(bytes) << high; /* 32-bit results clear the rest */

	*reg = (*reg & ~mask) | (value << high & mask);
}

static uint64_t flags_of(uint64_t value, unsigned bytes)
{
	value &= mask_of(bytes);
	return (value ? 0 : FLAG_ZF) | (value >> (8 * bytes - 1) ? FLAG_SF : 0) |
	       (__builtin_parity((unsigned)(value & 0xff)) ? 0 : FLAG_PF);
}

/* Of `a - b`, as cmp sets them. */
static uint64_t flags_of_compare(uint64_t a, uint64_t b, unsigned bytes)
{
	uint64_t d = a - b, sign = 1ull << (8 * bytes - 1);

	return flags_of(d, bytes) | (a < b ? FLAG_CF : 0) | ((a ^ b) & (a ^ d) & sign ? FLAG_OF : 0);
}

#define FLAGS_ALL (FLAG_CF | FLAG_PF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* The field's new value; *flags what the flags become, within *touched. */
static uint64_t operate(const struct write *w, const struct regs *r, uint64_t old, uint64_t *flags, uint64_t *touched)
{
	uint64_t src = w->reg ? *w->reg >> w->high : w->imm, bit = 1ull << (src & (8 * w->bytes - 1)), value = src;

	*touched = *flags = 0;
	switch (w->op) {
	case OP_AND:
		value = old & src;
		break;
	case OP_OR:
		value = old | src;
		break;
	case OP_XOR:
		value = old ^ src;
		break;
	case OP_BTS:
	case OP_BTR:
	case OP_BTC:
		*touched = FLAG_CF;
		*flags = old & bit ? FLAG_CF : 0;
		return w->op == OP_BTS ? old | bit : w->op == OP_BTR ? old & ~bit : old ^ bit;
	case OP_CMPXCHG:
		*touched = FLAGS_ALL;
		*flags = flags_of_compare(r->rax & mask_of(w->bytes), old, w->bytes);
		return *flags & FLAG_ZF ? src : old;
	case OP_CMPXCHG8B:
		*touched = FLAG_ZF;
		*flags = pair(r->rdx, r->rax) == old ? FLAG_ZF : 0;
		return *flags ? src : old;
	default:
		return src;
	}
	*touched = FLAGS_ALL;
	*flags = flags_of(value, w->bytes);
	return value;
}

static void finish(const struct write *w, struct regs *r, uint64_t old, uint64_t flags, uint64_t touched)
{
	if (w->op == OP_XCHG)
		set_reg(w->reg, old, w->bytes, w->high);
	if (w->op == OP_CMPXCHG && !(flags & FLAG_ZF))
		set_reg(&r->rax, old, w->bytes, 0);
	if (w->op == OP_CMPXCHG8B && !(flags & FLAG_ZF)) {
		r->rax = (uint32_t)old;
		r->rdx = old >> 32;
	}
	r->rflags = (r->rflags & ~touched) | flags;
	r->rip += w->len;
}

#define TRIES 1000 /* other vCPUs may write the entry too, but not for ever */

static int apply(const struct write *w, struct regs *r, uint64_t mfn, uint64_t va)
{
	unsigned shift = (unsigned)(va & 7) * 8, index = (unsigned)(va & 0xfff) / 8;
	uint64_t mask = mask_of(w->bytes), old = ((volatile uint64_t *)frame_va(mfn))[index];

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t field = old >> shift & mask, flags, touched;
		uint64_t value = operate(w, r, field, &flags, &touched) & mask;
		int rc = entry_set(mfn, index, (old & ~(mask << shift)) | value << shift, ENTRY_IF_OLD, &old);

		if (!rc) {
			finish(w, r, field, flags, touched);
			return 0;
		}
		if (rc != -XEN_EAGAIN)
			break;
	}
	return 1;
}

/*
 * What nearly all writes are (a kernel clears or sets an entry): `mov` or
 * `xchg` of 8 bytes from a register to where another points, with 8 bits of
 * displacement or none.
 */
static int apply_common(struct regs *r, uint64_t code, uint64_t mfn, uint64_t va)
{
	unsigned rex = code & 0xff, op = code >> 8 & 0xff, modrm = code >> 16 & 0xff, mod = modrm >> 6, rm = modrm & 7;
	uint64_t *reg, old;

	if ((rex & 0xf8) != 0x48 || (op != 0x87 && op != 0x89) || mod > 1 || rm == 4 || (!mod && rm == 5) || (va & 7))
		return 1;
	reg = insn_gpr(r, (modrm >> 3 & 7) | (rex & 4) << 1);
	if (entry_set(mfn, (unsigned)(va & 0xfff) / 8, *reg, ENTRY_SET, &old))
		return 1;
	if (op == 0x87)
		*reg = old;
	r->rip += 3 + mod;
	return 0;
}

int emulate_table_write(struct vcpu *v, struct regs *r, uint64_t va)
{
	uint64_t table, mfn, code, at = code_va(v, r), *pte = walk(v->kernel_mfn, va, 1, &table);
	struct insn c;
	struct write w = { .op = OP_NONE };

	if (!pte || (*pte & (PTE_P | PTE_W)) != PTE_P)
		return 1;
	mfn = pte_mfn(*pte);
	if (!frame_is_guest(mfn) || !frame_level(mfn) || !guest_range_ok(at, sizeof(c.bytes)))
		return 1;
	if (ROOT_LEVEL == 4 && load_guest(at, &code) && !apply_common(r, code, mfn, va))
		return 0;
	insn_fetch(v, r, &c);
	if (!decode(r, &c, &w) || (va & 7) + w.bytes > 8)
		return 1;
	return apply(&w, r, mfn, va);
}
