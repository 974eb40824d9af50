"""The verbs on one matrix."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from . import _native
from ._native import Adapter, Record
from ._results import Report, Validation

Adapters = Union[Adapter, Sequence[Adapter]]
"""One adapter, or several in the order in which they are added."""


def merge(
    weights: Any,
    adapters: Adapters,
    *,
    recipe: str = "fused",
    out: Any = None,
    threads: int = 0,
) -> Record:
    """Merges adapters into weights, in place, and returns what leads back.

    ``W ← round(W + Σ strength · B · A)``, one rounding to float32 and one to the type of the
    weights; the bits depend on nothing else, neither threads nor processor.

    ``weights``: a matrix ``[out, in]``, row-major, as a tensor of PyTorch, an array of NumPy, JAX
    or ml_dtypes, or anything else that exports DLPack or the buffer protocol, or `Scaled`. It is
    never copied; what would need a copy, is read-only, lies on a device or overlaps a factor is
    refused. ``recipe``: ``fused``, or ``rounded_delta``, which rounds the sum of the products to
    the type of the weights first, as PEFT's ``safe_merge`` does, or ``nan``, which differs for e4m3
    only: what is too large becomes NaN. ``out``: where the merged weights go instead; ``weights``
    then stay as they are. ``threads``: how many work; 0 for as many as there are processors, and in
    a child of ``fork()`` one always. Other threads of Python's run meanwhile.

    Raises `InvalidInput`, and MemoryError; the weights are then as they were.
    """
    return _native.merge(weights, adapters, recipe, out, threads)


def merge_for_good(
    weights: Any,
    adapters: Adapters,
    *,
    recipe: str = "fused",
    out: Any = None,
    threads: int = 0,
) -> Report:
    """Merges as `merge` does, faster, and leaves nothing that leads back."""
    return _native.merge_for_good(weights, adapters, recipe, out, threads)


def unmerge(
    weights: Any, adapters: Adapters, record: Record, *, out: Any = None, threads: int = 0
) -> None:
    """Takes adapters out again: every bit is what it was before the merge.

    Needs the adapters of the merge, in the same order and with the same strengths, bit for bit, and
    the weights as that merge left them. Raises `RecordRefused` if anything of this differs, and
    what `merge` raises; the weights are then as they were.
    """
    _native.unmerge(weights, adapters, record, out, threads)


def swap(
    weights: Any,
    merged: Adapters,
    wanted: Adapters,
    record: Record,
    *,
    recipe: Optional[str] = None,
    threads: int = 0,
) -> Report:
    """Takes the merged adapters out and merges others instead, in one pass.

    Weights and ``record``, which is changed in place, are then what merging ``wanted`` into the
    base would have made of them, bit for bit. So one of several adapters is removed, added, moved
    or given another strength, exactly. Either list may be empty. ``recipe`` is that of ``wanted``;
    None for that of the record. Raises what `unmerge` raises; weights and record are then as they
    were.
    """
    return _native.swap(weights, merged, wanted, record, recipe, threads)


def subtract(
    weights: Any,
    adapters: Adapters,
    *,
    recipe: str = "fused",
    out: Any = None,
    threads: int = 0,
) -> Report:
    """Subtracts adapters, which is **not exact**: what a merge has rounded away does not come back.

    For when no record was kept. `unmerge` is exact.
    """
    return _native.subtract(weights, adapters, recipe, out, threads)


def validate(
    weights: Any,
    adapters: Adapters,
    record: Optional[Record] = None,
    *,
    recipe: str = "fused",
    threads: int = 0,
) -> Validation:
    """What `merge`, or with a record `unmerge`, would refuse; changes nothing.

    With a record it does all the work of an unmerge but the writing. Tensors that cannot be used at
    all raise `InvalidInput` here too.
    """
    if record is None:
        return _native.validate_merge(weights, adapters, recipe)
    return _native.validate_unmerge(weights, adapters, record, threads)


def state_of(weights: Any, record: Record, *, threads: int = 0) -> str:
    """``base`` if the weights are what the record leads back to, ``merged`` if they are what it
    starts from, ``other`` if neither: changed by somebody, or other weights."""
    return _native.state_of(weights, record, threads)
