#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A second reading of bzImages, for the tests: nothing of libparaboot is in
here, so that what it says can be held against what paraboot says. It trusts
its input, which is a distribution's kernel.

    bzimage.py payload IMAGE              the compressed stream, without the size behind it, on stdout
    bzimage.py vmlinux IMAGE OUT          the unpacked kernel, by the codec's own command
    bzimage.py recompress IMAGE CODEC OUT the same kernel in a bzImage with another codec
    bzimage.py set IMAGE OUT NAME=VALUE.. the same file with fields of the setup header changed
"""
import pathlib
import struct
import subprocess
import sys

# Of Documentation/arch/x86/boot.rst: name -> (offset, format).
FIELDS = {
    "setup_sects": (0x1F1, "<B"),
    "syssize": (0x1F4, "<I"),
    "boot_flag": (0x1FE, "<H"),
    "version": (0x206, "<H"),
    "kernel_version": (0x20E, "<H"),
    "loadflags": (0x211, "<B"),
    "kernel_alignment": (0x230, "<I"),
    "relocatable_kernel": (0x234, "<B"),
    "xloadflags": (0x236, "<H"),
    "cmdline_size": (0x238, "<I"),
    "payload_offset": (0x248, "<I"),
    "payload_length": (0x24C, "<I"),
    "pref_address": (0x258, "<Q"),
    "init_size": (0x260, "<I"),
    "kernel_info_offset": (0x268, "<I"),
}

# name -> (magic, unpacking command, packing command, is a size word appended)
CODECS = {
    "gzip": (b"\x1f\x8b", ["gzip", "-dc"], ["gzip", "-n6c"], False),
    "bzip2": (b"BZh", ["bzip2", "-dc"], ["bzip2", "-9c"], True),
    "lzma": (b"\x5d\0\0", ["xz", "--format=lzma", "-dc"], ["xz", "--format=lzma", "-1c"], True),
    "xz": (b"\xfd7zXZ\0", ["xz", "-dc"], ["xz", "--check=crc32", "--x86", "--lzma2=preset=1"], True),
    "lzo": (b"\x89LZO\0", ["lzop", "-dc"], ["lzop", "-c"], True),
    "lz4": (b"\x02\x21\x4c\x18", ["lz4", "-dc"], ["lz4", "-l", "-c"], True),
    "zstd": (b"\x28\xb5\x2f\xfd", ["zstd", "-dc", "--long=31"], ["zstd", "-3c"], True),
    "none": (b"\x7fELF", ["cat"], ["cat"], False),
}


class BzImage:
    def __init__(self, path):
        self.bytes = bytearray(pathlib.Path(path).read_bytes())

    def get(self, name):
        off, form = FIELDS[name]
        return struct.unpack_from(form, self.bytes, off)[0]

    def set(self, name, value):
        off, form = FIELDS[name]
        struct.pack_into(form, self.bytes, off, value)

    @property
    def setup_len(self):
        return ((self.get("setup_sects") or 4) + 1) * 512

    @property
    def payload_off(self):
        return self.setup_len + self.get("payload_offset")

    @property
    def payload(self):
        return self.bytes[self.payload_off : self.payload_off + self.get("payload_length")]

    @property
    def codec(self):
        return next(name for name, row in CODECS.items() if self.payload.startswith(row[0]))

    @property
    def stream(self):
        return self.payload[:-4] if CODECS[self.codec][3] else self.payload

    @property
    def claimed_len(self):
        if self.codec == "none":
            return len(self.payload)
        return struct.unpack("<I", self.payload[-4:])[0]

    @property
    def version(self):
        off = 0x200 + self.get("kernel_version")
        return self.bytes[off : self.bytes.index(0, off)].decode()

    def vmlinux(self):
        return run(CODECS[self.codec][1], self.stream)

    def replace_payload(self, payload):
        """In the old one's place if it fits, else at the end. The code that unpacks it stays, and knows the old
        codec only: such an image cannot unpack itself, only be unpacked."""
        old_len = self.get("payload_length")
        if len(payload) <= old_len:
            self.bytes[self.payload_off : self.payload_off + old_len] = payload.ljust(old_len, b"\0")
        else:
            body = self.bytes[: self.setup_len + self.get("syssize") * 16]
            self.bytes = body + payload + bytes(-len(payload) % 16)
            self.set("payload_offset", len(body) - self.setup_len)
            self.set("syssize", (len(self.bytes) - self.setup_len) // 16)
        self.set("payload_length", len(payload))


def run(command, stdin):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def pack(codec, vmlinux):
    stream = run(CODECS[codec][2], vmlinux)
    return stream + (struct.pack("<I", len(vmlinux)) if CODECS[codec][3] else b"")


def recompress(image, codec, out):
    bz = BzImage(image)
    bz.replace_payload(pack(codec, bz.vmlinux()))
    pathlib.Path(out).write_bytes(bz.bytes)


def set_fields(image, out, *settings):
    bz = BzImage(image)
    for setting in settings:
        name, value = setting.split("=")
        bz.set(name, int(value, 0))
    pathlib.Path(out).write_bytes(bz.bytes)


COMMANDS = {
    "payload": lambda image: sys.stdout.buffer.write(BzImage(image).stream),
    "vmlinux": lambda image, out: pathlib.Path(out).write_bytes(BzImage(image).vmlinux()),
    "recompress": recompress,
    "set": set_fields,
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
