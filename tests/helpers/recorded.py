"""Calls of kernels in C, recorded by tests here and repeated on another processor: ``make aarch64``.

With ``RECORD_KERNELS=folder`` tests write the first calls of each kernel: arguments before and after. Then

    python tests/helpers/recorded.py folder libkernels.so variant compiler [emulator …]

builds a small program with a compiler for that processor and has it repeat them, by an emulator or by itself. Arrays
must be equal afterwards bit by bit, but for the sign and payload of NaN, which processors choose.
"""

import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

MOST_CALLS, MOST_BYTES = 200, 1 << 20
NOT_ELSEWHERE = {"fits_fetch"}  # it is given a file that is open
PROGRAM = Path(__file__).with_name("repeat_calls.c")


class Recorder:
    """Writes calls of all kernels to a folder."""

    def __init__(self, folder):
        self.folder, self.counts = Path(folder), {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def wrap(self, call):
        """Takes the place of ``Function.__call__``."""

        def recording(function, *values):
            before = [x.copy() if isinstance(x, np.ndarray) else x for x in values]
            result = call(function, *values)
            self._keep(function, before, values, result)
            return result

        return recording

    def _keep(self, function, before, after, result):
        size = sum(x.nbytes for x in after if isinstance(x, np.ndarray))
        count = self.counts.get(function.name, 0)
        if function.name in NOT_ELSEWHERE or size > MOST_BYTES or count >= MOST_CALLS:
            return
        self.counts[function.name] = count + 1
        words, lengths = [], function._fixed.copy()
        packed = [packed_array(a, b) if isinstance(a, np.ndarray) else None for a, b in zip(before, after, strict=True)]
        for (_, parameter), array, value in zip(function._parameters, packed, before, strict=True):
            parameter.add(np.array(value, order="C") if array else value, passed := [], lengths)
            words += [array, *(number(x) for x in passed[1:])] if array else [number(x) for x in passed]
        words += [number(lengths.get(axis, 0)) for axis in function._named]
        words.append(number(0 if result is None else result))
        with (self.folder / f"{function.name}.calls").open("ab") as file:
            file.write(b"".join(words))
        (self.folder / f"{function.name}.text").write_text(function.text)


def packed_array(before, after):
    """Kind, bytes, then both states."""
    kind = {"f": b"f", "c": b"f"}.get(after.dtype.kind, b"i") + str(after.real.itemsize).encode()
    return struct.pack("=c2sq", b"a", kind, after.nbytes) + before.tobytes() + after.tobytes()


def number(value):
    """NULL or a number, as a type that holds it exactly."""
    if value is None:
        return struct.pack("=cq", b"0", 0)
    if isinstance(value, np.float32):
        return struct.pack("=cd", b"f", value)
    return struct.pack("=cd", b"d", value) if isinstance(value, float) else struct.pack("=cq", b"i", int(value))


def member(parameter):
    """The member of ``Word`` that a parameter of C is given."""
    if "*" in parameter:
        return "pointer"
    return {"float": "real", "double": "number"}.get(parameter.split()[0], "integer")


def program(folder, variant):
    """The source: one function that calls each kernel."""
    calls, table = [], []
    for path in sorted(folder.glob("*.text")):
        result, parameters = re.fullmatch(r"(\w+) \((.*)\)", path.read_text()).groups()
        given = ", ".join(f"w[{k}].{member(p)}" for k, p in enumerate(parameters.split(", ")))
        called = f"((Kernel_{path.stem} *)kernel)({given})"
        calls.append(f"typedef {path.read_text().replace(' (', f' Kernel_{path.stem}(', 1)};")
        returned = f"(void){called};\n    return 0;" if result == "void" else f"return (int64_t){called};"
        calls.append(f"static int64_t call_{path.stem}(void *kernel, Word *w)\n{{\n    {returned}\n}}\n")
        number_of_words = len(parameters.split(", "))
        table.append(f'    {{"{path.stem}", "gpipe_{path.stem}_{variant}", call_{path.stem}, {number_of_words}}},')
    kernels = "\n".join(["static const struct kernel KERNELS[] = {", *table, "};"])
    return PROGRAM.read_text().replace("/* KERNELS */", "\n".join([*calls, kernels]))


def main(folder, library, variant, compiler, *emulator):
    folder = Path(folder)
    source, built = folder / "repeat.c", folder / "repeat"
    source.write_text(program(folder, variant))
    flags = ["-O1", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Werror", "-Wno-pedantic"]
    subprocess.run([compiler, *flags, source, "-o", built, "-ldl"], check=True)
    done = subprocess.run([*emulator, built, Path(library).resolve(), folder], check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
