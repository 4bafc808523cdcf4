#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make an object file that holds a file's bytes as read-only data.

usage: embed.py CC SYMBOL FILE OBJECT

C sees them as SYMBOL up to SYMBOL_end. The alignment suits a program whose
header is read in place. The path goes into no section, so that the object is
the same wherever it is built. An OBJECT that ends in .S is left as the
assembly, for a target that compiles it with its own flags.
"""
import subprocess
import sys

ASSEMBLY = """
	.section .rodata,"a",@progbits
	.globl {symbol}, {symbol}_end
	.hidden {symbol}, {symbol}_end
	.balign 16
{symbol}:
	.incbin "{path}"
{symbol}_end:
	.byte 0
	.section .note.GNU-stack,"",@progbits
"""


def main(compiler, symbol, path, output):
    source = ASSEMBLY.format(symbol=symbol, path=path)
    if output.endswith(".S"):
        with open(output, "w", encoding="ascii") as file:
            file.write(source)
        return 0
    command = [compiler, "-c", "-x", "assembler", "-o", output, "-"]
    return subprocess.run(command, input=source.encode(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
