#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""breakimage.py WHAT IMAGE OUT: the same 64-bit bzImage, broken in one place.

    entry32  startup_32 of the image's own code, at the protected-mode part's beginning
    entry64  its startup_64, 0x200 behind that
    pvh      the kernel at the address of its PHYS32_ENTRY note
    xen      the kernel at the address of its ENTRY note
    relocs   the last entry of the relocation table, which is the first that loaders read

What is broken in the kernel is packed again, by the image's own codec and so
that the image can still unpack itself: whatever fails then does so for that
one change. Like bzimage.py it trusts its input."""
import pathlib
import struct
import sys

from bzimage import BzImage, run

# An undefined instruction, where there is no interrupt table yet that could catch it: the processor gives up at once.
UD2 = b"\x0f\x0b"

# No address of any kernel, as a sign-extended 32-bit one.
OUTSIDE = 0x7FFFFFF0

XEN_ENTRY, XEN_PHYS32_ENTRY = 1, 18

# At least as tight as the kernel's own build packs, for the stream has to fit in the old one's place.
PACK = {"lz4": ["lz4", "-l", "-12", "-c"]}


class Elf64:
    PT_LOAD, PT_NOTE = 1, 4

    def __init__(self, data):
        self.bytes = bytearray(data)
        phoff, size, count = (
            struct.unpack_from(form, data, off)[0] for form, off in (("<Q", 32), ("<H", 54), ("<H", 56))
        )
        rows = (struct.unpack_from("<IIQQQQ", data, phoff + i * size) for i in range(count))
        self.segments = [dict(zip(("type", "flags", "off", "vaddr", "paddr", "filesz"), row)) for row in rows]

    def notes(self):
        for segment in self.segments:
            at, end = segment["off"], segment["off"] + segment["filesz"]
            while segment["type"] == self.PT_NOTE and at + 12 <= end:
                namesz, descsz, kind = struct.unpack_from("<III", self.bytes, at)
                name, desc = at + 12, at + 12 + (namesz + 3) // 4 * 4
                yield self.bytes[name : name + namesz], kind, self.bytes[desc : desc + descsz]
                at = desc + (descsz + 3) // 4 * 4

    def xen_note(self, wanted):
        return next(int.from_bytes(desc, "little") for name, kind, desc in self.notes() if name == b"Xen\0" and kind == wanted)

    def patch(self, address, by, code):
        """Put code where that address is: a virtual one ("vaddr") or a physical one ("paddr")."""
        for segment in self.segments:
            if segment["type"] == self.PT_LOAD and 0 <= address - segment[by] < segment["filesz"]:
                at = segment["off"] + address - segment[by]
                self.bytes[at : at + len(code)] = code
                return
        sys.exit(f"breakimage.py: {address:#x} is in no segment")


def break_code(bz, off):
    at = bz.setup_len + off
    bz.bytes[at : at + len(UD2)] = UD2


def break_note(wanted, by):
    def change(elf):
        elf.patch(elf.xen_note(wanted), by, UD2)

    return change


def break_relocs(elf):
    struct.pack_into("<I", elf.bytes, len(elf.bytes) - 4, OUTSIDE)


def set_input_len(bz, old, new):
    """The code that unpacks has the stream's length in a variable of its own, before that of the output's."""
    pair = struct.pack("<II", old, bz.claimed_len)
    if bz.bytes.count(pair) != 1:
        sys.exit("breakimage.py: where the stream's length stands is not clear")
    struct.pack_into("<I", bz.bytes, bz.bytes.index(pair), new)


def repack(bz, vmlinux):
    old = bz.get("payload_length")
    payload = run(PACK[bz.codec], vmlinux) + struct.pack("<I", len(vmlinux))
    if len(payload) > old:
        sys.exit(f"breakimage.py: packed again, {len(payload)} bytes do not fit into {old}")
    set_input_len(bz, old, len(payload))
    bz.replace_payload(payload)


CODE = {"entry32": 0, "entry64": 0x200}
KERNEL = {
    "pvh": break_note(XEN_PHYS32_ENTRY, "paddr"),
    "xen": break_note(XEN_ENTRY, "vaddr"),
    "relocs": break_relocs,
}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in CODE | KERNEL:
        sys.exit(__doc__)
    what, image, out = sys.argv[1:]
    bz = BzImage(image)
    if what in CODE:
        break_code(bz, CODE[what])
    else:
        elf = Elf64(bz.vmlinux())
        KERNEL[what](elf)
        repack(bz, bytes(elf.bytes))
    pathlib.Path(out).write_bytes(bz.bytes)


main()
