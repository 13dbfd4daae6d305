#!/usr/bin/env python3
"""Writes a safetensors file's values in half precision, which halves the file: halve.py FROM TO"""
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    values = file.read()

halves, at = [], 0
for name, entry in header.items():
    if name == "__metadata__":
        continue
    assert entry["dtype"] == "F32", f"{name}: expected F32, got {entry['dtype']}"
    begin, end = entry["data_offsets"]
    count = (end - begin) // 4
    half = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", values[begin:end]))
    entry.update(dtype="F16", data_offsets=[at, at + len(half)])
    halves.append(half)
    at += len(half)

text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(halves))
