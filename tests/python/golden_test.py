"""The bits of merges and records are the library's, on tensors that Python holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import revlora
from conftest import DATA, Stored

SHAPE = (35, 150)
NUMPY = {"fp32": "float32", "fp16": "float16"}
OTHERS = {"bf16": "bfloat16", "e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2"}
TYPES = [*NUMPY, *OTHERS]
SIZES = {"fp32": 4, "fp16": 2, "bf16": 2, "e4m3": 1, "e5m2": 1}


def read(name: str, dtype: str, shape: tuple[int, int]) -> tuple[Any, np.ndarray[Any, Any]]:
    """As users hold it, and the memory that it lies in."""
    data = bytearray((DATA / "golden-scene" / name).read_bytes())
    if dtype in NUMPY:
        array = np.frombuffer(data, NUMPY[dtype]).reshape(shape)
        return array, array
    bits = np.frombuffer(data, f"uint{8 * SIZES[dtype]}").reshape(shape)
    return Stored(bits, OTHERS[dtype]), bits


def factors() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    first = read("first.b", "bf16", (35, 5))[0], read("first.a", "bf16", (5, 150))[0]
    second = read("second.b", "fp32", (35, 3))[0], read("second.a", "fp32", (3, 150))[0]
    return first, second


def adapters() -> list[revlora.Adapter]:
    first, second = factors()
    return [revlora.Adapter(*first, 0.25), revlora.Adapter(*second, -0.0625)]


def families() -> list[revlora.Adapter]:
    first, _ = factors()
    plain = adapters()
    return [plain[1], revlora.Adapter.hadamard(first, first, 0.25), plain[0]]


CASES = [(dtype, recipe) for dtype in TYPES for recipe in ("fused", "rounded_delta")]
CASES += [("e4m3", "nan"), *((dtype, "families") for dtype in TYPES)]


@pytest.mark.parametrize("dtype,name", CASES)
def test_merge_and_record_have_the_golden_bytes(dtype: str, name: str) -> None:
    merged = families() if name == "families" else adapters()
    recipe = "fused" if name == "families" else name
    weights, memory = read(f"{dtype}.base", dtype, SHAPE)
    base = memory.tobytes()
    record = revlora.merge(weights, merged, recipe=recipe)
    assert memory.tobytes() == (DATA / "golden-scene" / f"{dtype}-{name}.merged").read_bytes()
    stored = (DATA / "undo-record" / f"{dtype}-{name}.record").read_bytes()
    assert record.to_bytes() == stored
    assert (record.dtype, record.shape, record.recipe) == (dtype, SHAPE, recipe)
    revlora.unmerge(weights, merged, revlora.Record.from_bytes(stored))
    assert memory.tobytes() == base
