#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets to tests/fuzz/corpus/, but network's, which rival::save wrote, and onnx's: the smallest
model of each kind of layer that tests/onnx/write_models.cpp writes with batch norm kept.

usage: /usr/bin/python3 tests/fuzz/make_seeds.py      (Debian: python3-numpy)
"""
import gzip
import io
import json
import pathlib
import struct

import numpy as np

corpus = pathlib.Path(__file__).parent / "corpus"


def write(target, name, content):
    (corpus / target).mkdir(parents=True, exist_ok=True)
    (corpus / target / name).write_bytes(content)


def packed(content):
    return gzip.compress(content, mtime=0)


def idx(kind, shape, width):
    values = bytes(i % 256 for i in range(int(np.prod(shape)) * width))
    return struct.pack(">I", kind << 8 | len(shape)) + b"".join(struct.pack(">I", n) for n in shape) + values


for name, kind, shape, width in (("images", 8, (2, 3, 3), 1), ("labels", 8, (5,), 1), ("int16", 11, (2, 2), 2),
                                 ("floats", 13, (3,), 4), ("doubles", 14, (1, 2), 8), ("empty", 8, (0, 28, 28), 1)):
    write("idx", name, idx(kind, shape, width))
    if name in ("images", "doubles"):
        write("idx", f"{name}.gz", packed(idx(kind, shape, width)))

text = b"once upon a time, " * 20
write("gzip", "one", b"\x0f" + packed(text))
write("gzip", "two", b"\x03" + packed(text) + packed(b"and twice"))
write("gzip", "zeros", b"\x0f" + packed(bytes(100000)))
write("gzip", "stored", b"\x04" + gzip.compress(text, compresslevel=0, mtime=0))
write("gzip", "named", b"\x08\x1f\x8b\x08\x1e\0\0\0\0\0\3" + b"\4\0abcd" + b"name\0" + b"comment\0" + packed(text)[10:])
write("gzip", "garbage", b"\x08" + packed(b"x") + b"garbage")

arrays = {
    "u1": np.arange(6, dtype="u1").reshape(2, 3),
    "i8": np.arange(3, dtype="<i8"),
    "f4": np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)),
    "f8": np.array(1.5),
    "none": np.zeros((0, 4), "f4"),
}
for name, array in arrays.items():
    for version in ((1, 0), (2, 0), (3, 0)) if name == "u1" else ((1, 0),):
        file = io.BytesIO()
        np.lib.format.write_array(file, array, version)
        write("npy", f"{name}_{version[0]}", file.getvalue())
for save in (np.savez, np.savez_compressed):
    file = io.BytesIO()
    save(file, **arrays)
    write("npz", save.__name__, file.getvalue())
file = io.BytesIO()
np.savez(file)
write("npz", "empty", file.getvalue())


def safetensors(header, values):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


write("safetensors", "types", safetensors(
    {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F16", "shape": [2, 1], "data_offsets": [8, 12]},
     "c": {"dtype": "BF16", "shape": [], "data_offsets": [12, 14]}, "d": {"dtype": "F64", "shape": [0, 3], "data_offsets": [14, 14]},
     "e": {"dtype": "U8", "shape": [3], "data_offsets": [14, 17]}}, bytes(range(17))))
write("safetensors", "metadata", safetensors({"__metadata__": {"format": "pt", "x": "\u00fc"}}, b""))
write("safetensors", "empty", safetensors({}, b""))
