"""Tensors, and the files that hold them: safetensors and gguf, written byte by byte, by no library,
so that a mistake of one cannot hide here."""

import json
import struct

import numpy as np

PLAIN_TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32,
    "U8": np.uint8, "I8": np.int8, "F8_E4M3": np.uint8}
# Bits of the stored mantissa, and the smallest normal exponent.
PRECISION = {"F64": (52, -1022), "F32": (23, -126), "F16": (10, -14), "BF16": (7, -126)}
GGUF_TYPES = {"F32": 0, "F16": 1, "BF16": 30, "I8": 24}


class Tensor:
    """Numbers as they are stored."""

    def __init__(self, dtype, numbers):
        numbers = np.asarray(numbers)
        self.dtype, self.shape = dtype, numbers.shape
        self.raw = encode(numbers, dtype)

    @staticmethod
    def of_bytes(dtype, shape, raw):
        made = Tensor.__new__(Tensor)
        made.dtype, made.shape, made.raw = dtype, tuple(shape), raw
        return made

    @property
    def values(self):
        if self.dtype == "BF16":
            bits = np.frombuffer(self.raw, np.uint16).astype(np.uint32) << 16
            return bits.view(np.float32).astype(np.float64).reshape(self.shape)
        plain = np.frombuffer(self.raw, PLAIN_TYPES[self.dtype])
        return plain.astype(np.float64).reshape(self.shape)

    def same_as(self, other):
        return (self.dtype, self.shape, self.raw) == (other.dtype, other.shape, other.raw)


def encode(numbers, dtype):
    if dtype != "BF16":
        return np.ascontiguousarray(numbers, PLAIN_TYPES[dtype]).tobytes()
    # The numbers here are multiples of fp32's units, so that rounding twice is rounding once.
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()


def ulp(dtype, numbers):
    mantissa, smallest = PRECISION[dtype]
    exponent = np.frexp(np.where(numbers == 0, 1, np.abs(numbers)))[1] - 1
    return 2.0 ** (np.where(numbers == 0, smallest, np.maximum(exponent, smallest)) - mantissa)


def safetensors(tensors, metadata=None, align=8):
    """The bytes of a file. `align` 1 leaves the tensors where the header happens to end: at an odd
    place, by one more space if need be."""
    header, at = {"__metadata__": metadata or {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": tensor.dtype, "shape": list(tensor.shape),
            "data_offsets": [at, at + len(tensor.raw)]}
        at += len(tensor.raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (1 - len(text) % 2 if align == 1 else -(8 + len(text)) % align)
    return struct.pack("<Q", len(text)) + text + b"".join(t.raw for t in tensors.values())


def read_safetensors(data):
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    header.pop("__metadata__", None)
    return {
        name: Tensor.of_bytes(entry["dtype"], entry["shape"],
                              body[entry["data_offsets"][0]:entry["data_offsets"][1]])
        for name, entry in header.items()}


def gguf_text(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(tensors, metadata, alignment=32):
    """The bytes of a file of version 3. Numbers in the metadata are written as float32 if they are
    floats, else as uint32. Shapes are row-major, as everywhere else here."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += gguf_text(key)
        if isinstance(value, str):
            head += struct.pack("<I", 8) + gguf_text(value)
        elif isinstance(value, float):
            head += struct.pack("<If", 6, value)
        else:
            head += struct.pack("<II", 4, value)
    body = b""
    for name, tensor in tensors.items():
        head += gguf_text(name) + struct.pack("<I", len(tensor.shape))
        head += b"".join(struct.pack("<Q", extent) for extent in reversed(tensor.shape))
        head += struct.pack("<IQ", GGUF_TYPES[tensor.dtype], len(body))
        body += tensor.raw + b"\0" * (-len(tensor.raw) % alignment)
    return head + b"\0" * (-len(head) % alignment) + body


class GgufReader:

    def __init__(self, data):
        self.data, self.at = data, 4

    def take(self, layout):
        (value, ) = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return value

    def text(self):
        size = self.take("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode()


def read_gguf(data, alignment=32):
    """Of what gguf() writes."""
    reader = GgufReader(data)
    reader.take("I")
    count, keys = reader.take("Q"), reader.take("Q")
    for _ in range(keys):
        reader.text()
        kind = reader.take("I")
        if kind == 8:
            reader.text()
        else:
            reader.take("f" if kind == 6 else "I")
    entries = []
    for _ in range(count):
        name, dimensions = reader.text(), reader.take("I")
        shape = [reader.take("Q") for _ in range(dimensions)][::-1]
        entries.append((name, shape, reader.take("I"), reader.take("Q")))
    start, found = reader.at + -reader.at % alignment, {}
    types = {number: dtype for dtype, number in GGUF_TYPES.items()}
    for name, shape, number, offset in entries:
        dtype = types[number]
        size = int(np.prod(shape)) * (2 if dtype in ("F16", "BF16") else 1 if dtype == "I8" else 4)
        found[name] = Tensor.of_bytes(dtype, shape, data[start + offset:start + offset + size])
    return found
